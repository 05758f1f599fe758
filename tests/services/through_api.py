"""A live request and what happens to it, through the front door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from coordinator.dispatcher.timers import all_timers
from coordinator.domain.actor import COORDINATOR, Viewer
from coordinator.domain.clock import SteppedClock
from coordinator.domain.deadline import Policies
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tail import events as event_store
from coordinator.storage.tail.events import FeedPage
from holdfast.protocol import strict_json
from tests.factories import ETHER, Cast, Exchange, Member, Signer, freeze_request_body
from tests.rulebook import RULEBOOK, command_context

REQUESTS = "/v1/freeze-requests"
NO_SUCH = "dsp_01h455vb4pex5vsknk084sn02q"


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a test of a live request touches."""

    signer: Signer
    cast: Cast
    database: Database
    vault: Vault
    clock: SteppedClock

    def post(self, member: Member, path: str, body: Any) -> TestResponse:
        """Sign and send a POST below the requests."""
        return self.signer.post(member, f"{REQUESTS}{path}", body)

    def get(self, member: Member, path: str, status: int = 200) -> Any:
        """Sign and send a GET; returns its JSON."""
        answer = self.signer.get(member, path)
        assert answer.status_code == status, answer.data
        return answer.get_json()

    def items(self, member: Member, request: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """Return a list below a request, all pages of it."""
        found: list[dict[str, Any]] = []
        path = f"{REQUESTS}/{request['id']}/{name}"
        page = self.get(member, path)
        found += page["items"]
        while page["next_cursor"]:
            page = self.get(member, f"{path}?cursor={page['next_cursor']}")
            found += page["items"]
        return found

    def submit(self, by: Exchange | None = None, **changes: Any) -> dict[str, Any]:
        """Have A's analyst (or another exchange's) submit a request."""
        analyst = (by or self.cast.a).analyst
        answer = self.signer.post(analyst, REQUESTS, freeze_request_body(**changes))
        assert answer.status_code == 201, answer.data
        request: dict[str, Any] = answer.get_json()
        return request

    def live(self, by: Exchange | None = None, **changes: Any) -> dict[str, Any]:
        """Have a request submitted and approved, every warning accepted.

        Those about other requests are accepted with the context.
        """
        request = self.submit(by, **changes)
        accepted = [
            {"code": warning["code"], "address_nos": "all", "reason": "checked twice"}
            for warning in request["warnings"]
            if "requests" not in warning
        ]
        self.act(
            (by or self.cast.a).lead,
            request,
            "approvals",
            decision="approve",
            context_sha256=request["context_sha256"],
            warnings_accepted=accepted,
        )
        return request

    def try_act(
        self, member: Member, request: dict[str, Any], name: str, **members: Any
    ) -> TestResponse:
        """Act on a request; returns the response, whatever it is."""
        body = {"content_sha256": request["content_sha256"], **members}
        return self.post(member, f"/{request['id']}/{name}", body)

    def act(
        self, member: Member, request: dict[str, Any], name: str, **members: Any
    ) -> dict[str, Any]:
        """Act on a request with success."""
        answer = self.try_act(member, request, name, **members)
        assert answer.status_code == 201, answer.data
        view: dict[str, Any] = answer.get_json()
        return view

    def report(
        self, exchange: Exchange, request: dict[str, Any], lines: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """Have an exchange's compliance report lines."""
        return self.act(exchange.compliance, request, "freeze-reports", lines=list(lines))

    def freeze(
        self, exchange: Exchange, request: dict[str, Any], amount: str | None = "700"
    ) -> str:
        """Have an exchange freeze on address 0; returns the hold."""
        report = self.report(exchange, request, [found_line(amount), frozen_line(amount)])
        hold: str = report["lines"][1]["hold"]
        return hold

    def leg(self, request: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        """Return an exchange's leg as the requester sees it."""
        legs = self.items(self.cast.a.auditor, request, "legs")
        return next(leg for leg in legs if leg["partner"] == exchange.handle)

    def events(self, exchange: Exchange, *types: str) -> list[dict[str, Any]]:
        """Return the data of all events that went to a partner, of these types."""
        with self.database.engine.connect() as connection:
            found, _ = event_store.page(
                connection,
                self.vault,
                Viewer(exchange.handle, None),
                FeedPage(0, 1000, frozenset(types)),
            )
        return [strict_json.loads(event.body)["data"] for event in found]

    def run_timer(self, name: str) -> int:
        """Fire one timer at the present time; returns how many of its commands ran."""
        timer = next(t for t in all_timers(policies()) if t.name == name)
        with self.database.engine.connect() as connection:
            due = timer.find(connection, self.clock.now(), 100)
        for item in due:
            with transaction(command_context(self.database, self.vault, self.clock)) as uow:
                uow.finish(execute(timer.command(item), COORDINATOR, uow))
        return len(due)

    def step(self, **span: float) -> None:
        """Let time pass."""
        self.clock.step(timedelta(**span))


def policies() -> Policies:
    """Return the clocks and limits as shipped."""
    return RULEBOOK.policies


def found_line(amount: str | None = "700", address_no: int = 0, **more: Any) -> dict[str, Any]:
    """Return a line: so much is here."""
    return {"kind": "found", "address_no": address_no, "asset": ETHER, "amount": amount, **more}


def frozen_line(amount: str | None = "700", address_no: int = 0, **more: Any) -> dict[str, Any]:
    """Return a line that opens a hold."""
    return {
        "kind": "frozen",
        "address_no": address_no,
        "asset": ETHER,
        "amount": amount,
        "frozen_at": "2026-03-02T12:00:00Z",
        "hold_expires_at": "2026-03-15T12:00:00Z",
        **more,
    }


def released_line(hold: str, amount: str | None, reason: str = "appeal_upheld") -> dict[str, Any]:
    """Return a line: so much was let go."""
    return {"kind": "released", "hold": hold, "amount": amount, "reason": reason}


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Return a refusal, which must be of this status and code."""
    shown: dict[str, Any] = answer.get_json()
    assert (answer.status_code, shown["code"]) == (status, code), shown
    return shown


def pointers(shown: dict[str, Any]) -> list[str]:
    """Return the places that a refusal names."""
    return [error["pointer"] for error in shown.get("errors", [])]


def parameters(shown: dict[str, Any]) -> list[str]:
    """Return the query parameters that a refusal names."""
    return [error["parameter"] for error in shown.get("errors", [])]
