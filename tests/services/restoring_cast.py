"""A restitution through the front door: what its tests begin with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from holdfast.protocol import base64url
from holdfast.protocol.allocation import ValuedClaim, share_pro_rata
from holdfast.protocol.payloads import format_time
from tests.factories import ETHER, Member
from tests.services.request_cast import account
from tests.services.through_api import World

RESTITUTIONS = "/v1/restitutions"
TX = "0x" + "ab" * 32
DAY = timedelta(days=1)


def payout_account(number: int) -> str:
    """Return an account on Ethereum, where what is given back is paid."""
    return f"eip155:1:0x{number:040d}"


def claim(number: int, amount: int = 100, **changes: Any) -> dict[str, Any]:
    """Return a claim of a victim whose address and reference are of this number."""
    stated: dict[str, Any] = {
        "ref": f"V-{number}",
        "addresses": [account(number)],
        "asset": ETHER,
        "amount": str(amount),
        "proof": "documents",
        "documents": ["ab" * 32],
        "payout": payout_account(50_000 + number),
    }
    return {name: value for name, value in (stated | changes).items() if value is not ...}


@dataclass(frozen=True, slots=True)
class Restoring:
    """A restitution that A opened, and what is done on it."""

    w: World
    view: dict[str, Any]

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{RESTITUTIONS}/{self.view['id']}"

    def try_act(self, member: Member, name: str, **body: Any) -> TestResponse:
        """Act on it; returns the response, whatever it is."""
        whole = {"content_sha256": self.view["content_sha256"], **body}
        return self.w.signer.post(member, f"{self.path}/{name}", whole)

    def act(self, member: Member, name: str, **body: Any) -> Any:
        """Act on it with success."""
        answer = self.try_act(member, name, **body)
        assert answer.status_code == 201, answer.data
        return answer.get_json()

    def came_back(self, amount: int, tx: str = TX, **changes: Any) -> Any:
        """Have so much come into the pool, beside the ledger."""
        line = {"kind": "returned", "asset": ETHER, "amount": str(amount), "tx": tx}
        return self.act(self.w.cast.a.compliance, "pool-lines", lines=[line | changes])

    def file(self, *claims: dict[str, Any], by: Member | None = None) -> list[str]:
        """File claims; returns their ids."""
        filed = self.act(by or self.w.cast.a.compliance, "claims", claims=list(claims))
        return [each["id"] for each in filed["claims"]]

    def try_decide(self, member: Member, claim_id: str, **body: Any) -> TestResponse:
        """Decide on a claim; returns the response, whatever it is."""
        return self.try_act(member, f"claims/{claim_id}/decisions", **body)

    def decide(self, member: Member, claim_id: str, **body: Any) -> Any:
        """Decide on a claim with success; returns the claim."""
        answer = self.try_decide(member, claim_id, **body)
        assert answer.status_code == 201, answer.data
        return answer.get_json()["claim"]

    def claims(self, member: Member) -> list[dict[str, Any]]:
        """Return the claims that a member reads."""
        found: list[dict[str, Any]] = self.w.get(member, f"{self.path}/claims")["items"]
        return found

    def read(self, member: Member | None = None) -> Any:
        """Read it."""
        return self.w.get(member or self.w.cast.a.auditor, self.path)


def document(w: World, incident: str, **changes: Any) -> dict[str, Any]:
    """Return the document that opens a restitution, in ether, without prices."""
    now = w.clock.now()
    terms: dict[str, Any] = {
        "nonce": base64url.encode(bytes(16)),
        "incident": incident,
        "asset": ETHER,
        "verify_by_two_above": "1000",
        "claims_close_at": format_time(now + 30 * DAY),
        "objections_until": format_time(now + 60 * DAY),
        "unclaimed_to": "Those whose claims were paid, in equal shares.",
    }
    return {name: value for name, value in (terms | changes).items() if value is not ...}


def opened(w: World, request: dict[str, Any] | None = None, **changes: Any) -> Restoring:
    """Have A's compliance open a restitution of an incident that B was asked about."""
    asked = request or w.live(to=[w.cast.b.handle])
    body = document(w, asked["incident"]["id"], **changes)
    answer = w.signer.post(w.cast.a.compliance, RESTITUTIONS, body)
    assert answer.status_code == 201, answer.data
    return Restoring(w, answer.get_json())


def returned_by_ledger(w: World, request: dict[str, Any], amount: str = "700") -> str:
    """Have B freeze and return so much; returns the line of the ledger."""
    hold = w.freeze(w.cast.b, request, amount)
    line = {"kind": "returned", "hold": hold, "amount": amount, "tx": TX}
    report = w.report(w.cast.b, request, [line])
    found: str = report["lines"][0]["id"]
    return found


def shared(rst: Restoring, pool: int, minimum: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the document of an allocation as a client computes it from what it reads."""
    stand = [each for each in rst.claims(rst.w.cast.a.lead) if each["verified"] is not None]
    claims = [
        ValuedClaim(each["id"], int(each["verified"]), int(each["allocated"] or 0))
        for each in stand
    ]
    found = share_pro_rata(pool, claims, unit_value=1, minimum=minimum)
    parts = [
        {
            "claim": each.ref,
            "value": str(each.value),
            "before": str(each.paid),
            "amount": str(found.parts[each.ref]),
        }
        for each in claims
    ]
    body = {"method": "pro_rata", "pool": str(pool), "minimum": str(minimum), "claims": parts}
    return body | changes


def allocate(rst: Restoring, pool: int, **changes: Any) -> dict[str, Any]:
    """Have A's compliance propose an allocation and two leads approve it."""
    a = rst.w.cast.a
    made: dict[str, Any] = rst.act(a.compliance, "allocations", **shared(rst, pool, **changes))
    for lead in (a.lead, a.second_lead):
        made = approve(rst, lead, made)
    return made


def approve(rst: Restoring, member: Any, made: dict[str, Any]) -> Any:
    """Approve what was proposed."""
    body = {"decision": "approve", "act_sha256": made["act_sha256"]}
    return rst.act(member, f"allocations/{made['id']}/approvals", **body)
