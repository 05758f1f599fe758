"""A case as it is followed: asked of B, C and D through the API, and answered by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from holdfast.protocol.payloads import format_time
from tests import factories
from tests.api.acts import fresh_account
from tests.browser.served import Served
from tests.factories import ETHER, Exchange, Member

_THREE_DAYS = timedelta(days=3)
USDT = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
BITCOIN = "bip122:000000000019d6689c085ae165831e93/slip44:0"
#: What a partner may write to make a page show something else than it says.
HOSTILE = (
    "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}gnp.exe &amp;"
    " \u0645\u0631\u062d\u0628\u0627"
)


def ether(whole: float) -> str:
    """Return so many ETH in base units."""
    return str(int(whole * 1_000) * 10**15)


@dataclass(frozen=True, slots=True)
class Followed:
    """A request of A's that goes on, and what happens to it."""

    served: Served
    request: dict[str, Any]

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.request["id"])

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self.served.console}/console/requests/{self.id}"

    def act(self, member: Member, name: str, **members: Any) -> dict[str, Any]:
        """Act on it with success, through the API."""
        body = {"content_sha256": self.request["content_sha256"], **members}
        answer = self.served.post(member, f"/v1/freeze-requests/{self.id}/{name}", body)
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def items(self, member: Member, name: str) -> list[dict[str, Any]]:
        """Return the first page of a list below it, through the API."""
        answer = self.served.get(member, f"/v1/freeze-requests/{self.id}/{name}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def report(self, exchange: Exchange, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Have an exchange's compliance report."""
        return self.act(exchange.compliance, "freeze-reports", lines=list(lines))

    def freeze(self, exchange: Exchange, whole: float, *, address_no: int = 0) -> str:
        """Have an exchange find and freeze so many ETH for three days; returns the hold."""
        line = {"address_no": address_no, "asset": ETHER, "amount": ether(whole)}
        now = self.served.clock.now()
        frozen = {
            **line,
            "kind": "frozen",
            "frozen_at": format_time(now),
            "hold_expires_at": format_time(now + _THREE_DAYS),
        }
        report = self.report(exchange, [{**line, "kind": "found"}, frozen])
        return str(report["lines"][1]["hold"])


def submitted(served: Served, by: Exchange, **changes: Any) -> Followed:
    """Have an exchange's analyst submit a request for three fresh accounts."""
    stated = (10_000, 6_500, 250)
    addresses = [
        {"account": fresh_account(), "asset": ETHER, "amount": ether(whole)} for whole in stated
    ]
    now = served.clock.now()
    incident = {
        "title": "Cold wallet theft",
        "kind": "hack",
        "occurred_at": format_time(now - _THREE_DAYS),
        "reference": "CASE 7",
    }
    body = factories.freeze_request_body(
        **{"addresses": addresses, "incident": incident, **changes}
    )
    sent = served.post(by.analyst, "/v1/freeze-requests", body)
    assert sent.status_code == 201, sent.text
    return Followed(served, sent.json())


def live(served: Served, by: Exchange, **changes: Any) -> Followed:
    """The same, approved by a lead of theirs."""
    case = submitted(served, by, **changes)
    accepted = [
        {"code": warning["code"], "address_nos": "all", "reason": "checked twice"}
        for warning in case.request["warnings"]
        if not warning.get("requests")
    ]
    case.act(
        by.lead,
        "approvals",
        decision="approve",
        context_sha256=case.request["context_sha256"],
        warnings_accepted=accepted,
    )
    return case
