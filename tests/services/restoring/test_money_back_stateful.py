"""Money from the freeze to the victims, by random acts against plain additions.

What is frozen may be encumbered, sent back, booked into a pool, allocated and paid: nothing twice,
nothing more than there was the step before, and every sum is that of its parts, to the unit.
"""

import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import ETHER, Cast, Signer
from tests.services.restoring_cast import TX, allocate, claim, opened
from tests.services.test_return_requests import Case
from tests.services.through_api import World, problem

#: More by hand, and other acts every time: STATEFUL=500 looks long and hard.
IS_SEARCH = "STATEFUL" in os.environ
EXAMPLES = int(os.environ.get("STATEFUL", "3"))
STEPS = 15
PLACES = st.integers(0, 30)
#: Now and then more than fits into any machine's integer.
AMOUNTS = st.one_of(st.integers(1, 9), st.integers(1, 2**80))
ORDER = {
    "kind": "injunction",
    "blocks": ["return"],
    "court": "Harju County Court",
    "number": "2-26-123",
}


@dataclass
class Hold:
    """One hold: what is still held, and the claim of somebody else that lies on all of it."""

    id: str
    frozen: int
    held: int
    claim: dict[str, Any] | None = None


@dataclass
class Line:
    """Funds that came back, by a line of the ledger."""

    id: str
    amount: int
    is_in_pool: bool = False


class MoneyBack(RuleBasedStateMachine):
    """One request of A to B, and the restitution of its incident."""

    def __init__(self, first: Case, number: int) -> None:
        super().__init__()
        self.case = first.again("1")
        self.w, self.a, self.b = first.w, first.a, first.b
        self.rst = opened(self.w, self.case.request, nonce=f"{number:021d}A")
        self.holds = [Hold(self.case.hold, 1, 1)]
        self.lines: list[Line] = []
        self.spent, self.filed, self.orders = 0, 0, 0
        self.given: dict[str, int] = {}
        self.paid: set[str] = set()

    @property
    def booked(self) -> int:
        """What came into the pool."""
        return sum(line.amount for line in self.lines if line.is_in_pool)

    @property
    def available(self) -> int:
        """What is left in the pool."""
        return self.booked - self.spent - sum(self.given.values())

    @rule(amount=AMOUNTS)
    def freeze(self, amount: int) -> None:
        """Freeze more."""
        hold = self.w.freeze(self.b, self.case.request, str(amount))
        self.holds.append(Hold(hold, amount, amount))

    @rule(place=PLACES)
    def encumber(self, place: int) -> None:
        """Attach a third party's claim to all of a hold, or lift it again by another person."""
        hold = self.holds[place % len(self.holds)]
        request = self.case.request
        if hold.claim is None and not hold.held:
            return
        if hold.claim is None:
            self.orders += 1
            said = ORDER | {"hold": hold.id, "order_sha256": f"{self.orders:064x}"}
            hold.claim = self.w.act(self.b.compliance, request, "encumbrances", **said)
        else:
            words = {"act_sha256": hold.claim["act_sha256"], "document_sha256": "cd" * 32}
            path = f"encumbrances/{hold.claim['id']}/lifting"
            self.w.act(self.b.lead, request, path, **words)
            hold.claim = None

    @rule(place=PLACES, amount=AMOUNTS, is_all=st.booleans())
    def send_back(self, place: int, amount: int, *, is_all: bool) -> None:
        """Ask for something of a hold; it is promised and sent once, unless a claim lies on it."""
        hold = self.holds[place % len(self.holds)]
        wanted = hold.held if is_all else amount
        case = self.case
        case.hold = hold.id
        body = case.body(holds=[hold.id], amount=str(wanted))
        asked = self.w.try_act(self.a.compliance, case.request, "return-requests", **body)
        assert (asked.status_code == 201) is (0 < wanted <= hold.held), asked.data
        if asked.status_code != 201:
            return
        made = case.decide(asked.get_json())
        answer = case.try_answer(made, (hold.id, str(wanted)))
        if hold.claim is not None:
            problem(answer, 409, "encumbered")
            case.refuse(made, "encumbered")
            return
        assert answer.status_code == 201, answer.data
        assert case.try_answer(made, (hold.id, str(wanted))).status_code == 409
        more = case.try_send(str(wanted + 1), made)
        assert more.status_code in {409, 422}, more.data
        report = case.send(str(wanted), made)
        assert case.try_send("1", made).status_code in {409, 422}
        hold.held -= wanted
        self.lines.append(Line(report["lines"][0]["id"], wanted))

    @precondition(lambda self: self.lines)
    @rule(place=PLACES, is_more=st.booleans())
    def book(self, place: int, *, is_more: bool) -> None:
        """Book what came back into the pool: once, and by its own amount."""
        line = self.lines[place % len(self.lines)]
        said = {"kind": "returned", "asset": ETHER, "line": line.id}
        body = [said | {"amount": str(line.amount + is_more)}]
        answer = self.rst.try_act(self.a.compliance, "pool-lines", lines=body)
        is_taken = not line.is_in_pool and not is_more
        assert (answer.status_code == 201) is is_taken, answer.data
        line.is_in_pool |= is_taken

    @rule(amount=st.integers(1, 3))
    def spend(self, amount: int) -> None:
        """Pay a cost, where there is so much."""
        line = {"kind": "cost", "asset": ETHER, "amount": str(amount), "what": "The tracing."}
        answer = self.rst.try_act(self.a.lead, "pool-lines", lines=[line])
        assert (answer.status_code == 201) is (amount <= self.available), answer.data
        self.spent += amount if answer.status_code == 201 else 0

    @precondition(lambda self: self.filed < 5)
    @rule(amount=st.integers(1, 1000))
    def file(self, amount: int) -> None:
        """File a claim, and verify it."""
        self.filed += 1
        [claim_id] = self.rst.file(claim(self.filed, amount))
        self.rst.decide(self.a.lead, claim_id, decision="verify")

    @precondition(lambda self: self.filed and self.available)
    @rule()
    def share(self) -> None:
        """Share all that is there among all who claim."""
        there, before = self.available, sum(self.given.values())
        made = allocate(self.rst, there)
        for each in self._payouts():
            self.given.setdefault(each["id"], int(each["amount"]))
        assert sum(self.given.values()) - before == int(made["given"]) <= there

    @precondition(lambda self: self.given)
    @rule(place=PLACES, arrives=st.booleans())
    def pay(self, place: int, *, arrives: bool) -> None:
        """Record a payout: what was paid is never recorded again."""
        payout = sorted(self.given)[place % len(self.given)]
        said = {"tx": TX} if arrives else {"failed": "It came back."}
        answer = self.rst.try_act(self.a.lead, "payouts", lines=[{"payout": payout} | said])
        assert (answer.status_code == 201) is (payout not in self.paid), answer.data
        if arrives:
            self.paid.add(payout)

    def _payouts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.w.get(self.a.auditor, f"{self.rst.path}/payouts")[
            "items"
        ]
        return found

    @invariant()
    def adds_up(self) -> None:
        """Compare everything with what the coordinator shows."""
        holds = self.w.items(self.b.auditor, self.case.request, "holds")
        shown = {each["id"]: each for each in holds}
        assert {name: (int(each["frozen"]), int(each["held"])) for name, each in shown.items()} == {
            hold.id: (hold.frozen, hold.held) for hold in self.holds
        }
        returned = sum(int(each["returned"]) for each in shown.values())
        assert returned == sum(line.amount for line in self.lines) >= self.booked
        sums = self.rst.read()["pool"].get(ETHER)
        if sums is None:
            assert not self.booked
            return
        given = sum(self.given.values())
        told = {name: int(sums[name]) for name in ("returned", "costs", "allocated", "available")}
        assert told == {
            "returned": self.booked,
            "costs": self.spent,
            "allocated": given,
            "available": self.available,
        }
        assert self.available >= 0
        payouts = {each["id"]: each for each in self._payouts()}
        assert {name: int(each["amount"]) for name, each in payouts.items()} == self.given
        assert {name for name, each in payouts.items() if each["status"] == "paid"} == self.paid
        for each in self.rst.claims(self.a.lead):
            assert int(each["allocated"] or 0) <= int(each["verified"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_victims_get_came_back_and_what_came_back_was_frozen(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    first = Case(World(signer, cast, database, vault, clock), "1")
    numbers = iter(range(10**6))
    run_state_machine_as_test(
        lambda: MoneyBack(first, next(numbers)),  # type: ignore[arg-type]  # any maker of machines is taken
        settings=settings(
            max_examples=EXAMPLES,
            derandomize=not IS_SEARCH,  # else whoever changes something meets what was drawn
            stateful_step_count=STEPS,
            deadline=None,
            # In the suite a failure is told at once; a search takes the time to make it small.
            phases=list(Phase) if IS_SEARCH else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
