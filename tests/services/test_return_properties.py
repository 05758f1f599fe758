"""Random returns of one hold against a plain model: nothing twice, nothing more than was held."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import Cast, Signer
from tests.services.test_return_requests import Case
from tests.services.through_api import World, released_line

FROZEN = 20
ACTS = (
    "ask",
    "accept",
    "refuse",
    "send",
    "send_unnamed",
    "release",
    "correct",
    "revoke",
    "confirm",
)
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 5), st.integers(1, 12)),
    min_size=8,
    max_size=24,
)


@dataclass
class Promise:
    """One return request, as the documents tell of it."""

    view: dict[str, Any]
    asked: int
    status: str = "open"
    accepted: int = 0
    lines: list["Sent"] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """The amounts of its lines as they stand."""
        return sum(line.amount for line in self.lines)


@dataclass
class Sent:
    """A line by which something left the hold, with its amount as it stands."""

    id: str
    amount: int
    promise: Promise | None = None


class Model:
    """The hold, and what was promised and sent of it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.promises: list[Promise] = []
        self.lines: list[Sent] = []

    @property
    def held(self) -> int:
        """What is still held."""
        return FROZEN - sum(line.amount for line in self.lines)

    def promised(self) -> int:
        """What is promised and was not sent yet."""
        live = [p for p in self.promises if p.status in {"accepted", "partial"}]
        return sum(p.accepted - p.sent for p in live)

    def attempt(self, is_taken: bool, answer: Any) -> bool:  # noqa: FBT001
        """See that the coordinator takes it exactly where the model does."""
        was_taken = bool(answer.status_code == 201)
        assert was_taken is is_taken, answer.data
        return was_taken

    def ask(self, promise: Promise | None, amount: int) -> None:
        """Ask back so much, if so much is held."""
        del promise
        body = self.case.body(amount=str(amount))
        member = self.case.a.compliance
        answer = self.case.w.try_act(member, self.case.request, "return-requests", **body)
        if self.attempt(0 < amount <= self.held, answer):
            view = answer.get_json()
            self.case.decide(view)
            self.promises.append(Promise(view, amount))

    def accept(self, promise: Promise | None, amount: int) -> None:
        """Promise so much."""
        if promise is None:
            return
        room = min(promise.asked, self.held - self.promised())
        is_taken = promise.status == "open" and self.held > 0 and amount <= room
        answer = self.case.try_answer(promise.view, (self.case.hold, str(amount)))
        if self.attempt(is_taken, answer):
            promise.status = "accepted" if amount == promise.asked else "partial"
            promise.accepted = amount

    def refuse(self, promise: Promise | None, amount: int) -> None:
        """Promise nothing; seldom, or nothing else would happen."""
        if promise is not None and promise.status == "open" and amount > 10:
            self.case.refuse(promise.view)
            promise.status = "refused"

    def send(self, promise: Promise | None, amount: int) -> None:
        """Send so much for a promise."""
        if promise is None:
            return
        is_live = promise.status in {"accepted", "partial"}
        is_taken = is_live and amount <= min(self.held, promise.accepted - promise.sent)
        answer = self.case.try_send(str(amount), promise.view)
        if self.attempt(is_taken, answer):
            line = Sent(answer.get_json()["lines"][0]["id"], amount, promise)
            promise.lines.append(line)
            self.lines.append(line)

    def send_unnamed(self, promise: Promise | None, amount: int) -> None:
        """Send so much for no promise: a truth that is taken while it can be one."""
        del promise
        self._leave(self.case.line(str(amount), None), amount)

    def release(self, promise: Promise | None, amount: int) -> None:
        """Let so much go."""
        del promise
        self._leave(released_line(self.case.hold, str(amount)), amount)

    def _leave(self, line: dict[str, Any], amount: int) -> None:
        answer = self._report(line)
        if self.attempt(amount <= self.held, answer):
            self.lines.append(Sent(answer.get_json()["lines"][0]["id"], amount))

    def correct(self, promise: Promise | None, amount: int) -> None:
        """Put another amount in the place of the last line's."""
        del promise
        if not self.lines:
            return
        line = self.lines[-1]
        kept = line.promise
        is_taken = amount - line.amount <= self.held
        if kept is not None:
            is_taken = is_taken and kept.sent - line.amount + amount <= kept.accepted
        correction = {"kind": "correction", "corrects": line.id, "reason": "A typo."}
        if self.attempt(is_taken, self._report(correction | {"amount": str(amount)})):
            line.amount = amount

    def revoke(self, promise: Promise | None, amount: int) -> None:
        """Want nothing of it any more."""
        if promise is None or amount < 9:
            return
        is_live = promise.status in {"accepted", "partial"}
        lead = self.case.a.lead
        answer = self.case.try_to(lead, promise.view, "revocation", reason="Paid otherwise.")
        if self.attempt(is_live and not promise.lines, answer):
            promise.status = "revoked"

    def confirm(self, promise: Promise | None, amount: int) -> None:
        """Say that so much arrived: taken where it is what was sent."""
        if promise is None:
            return
        body = {"received": True, "amount": str(promise.sent if amount > 4 else amount)}
        is_live = promise.status in {"accepted", "partial"} and bool(promise.lines)
        answer = self.case.try_to(self.case.a.compliance, promise.view, "receipt", **body)
        if self.attempt(is_live and body["amount"] == str(promise.sent), answer):
            promise.status = "settled"

    def _report(self, line: dict[str, Any]) -> Any:
        member, request = self.case.b.compliance, self.case.request
        return self.case.w.try_act(member, request, "freeze-reports", lines=[line])

    def agrees(self) -> None:
        """Compare everything with what the coordinator shows."""
        shown = {each["id"]: each for each in self.case.read()}
        for promise in self.promises:
            view = shown[promise.view["id"]]
            told = (view["return_status"], int(view["accepted"]), int(view["sent"]))
            assert told == (promise.status, promise.accepted, promise.sent)
            assert promise.sent <= promise.accepted <= promise.asked
        holds = self.case.w.items(self.case.a.auditor, self.case.request, "holds")
        [hold] = [each for each in holds if each["id"] == self.case.hold]
        assert int(hold["held"]) == self.held
        returned = [line for line in self.lines if line.promise is not None]
        assert sum(line.amount for line in returned) <= int(hold["returned"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_random_returns_agree_with_the_plain_model(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    w = World(signer, cast, database, vault, clock)
    first = Case(w, str(FROZEN))

    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def play(steps: list[tuple[str, int, int]]) -> None:
        case = first.again(str(FROZEN))
        model = Model(case)
        for act, place, amount in steps:
            promises = model.promises
            promise = promises[place % len(promises)] if promises else None
            do: Callable[[Promise | None, int], None] = getattr(model, act)
            do(promise, amount)
        model.agrees()

    play()
