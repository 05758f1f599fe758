"""Random acts of several partners against a plain model: every status and every total agrees."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from coordinator.app import create_app
from coordinator.domain.errors import CoordinatorError
from coordinator.settings import Settings
from coordinator.storage.engine.base import db
from holdfast.protocol.payloads import format_time
from tests.conftest import KEYS
from tests.factories import ETHER, ORIGIN, Exchange, Signer
from tests.services import request_cast as say
from tests.services.kept import Kept
from tests.services.member_reader import MemberReader, Shown
from tests.services.plain_model import (
    LADDER,
    RATIFYING,
    Claim,
    Hold,
    Leg,
    Line,
    Model,
    Request,
)
from tests.services.recomputed import faults
from tests.services.request_cast import DAY, HOUR, Ask, Desk

ADDRESSES = 2
NUMBERS = st.integers(0, ADDRESSES - 1)
PLACES = st.integers(0, 30)
AMOUNTS = st.integers(1, 9)
#: More by hand, and other acts every time: STATEFUL=500 looks long and hard.
IS_SEARCH = "STATEFUL" in os.environ
EXAMPLES = int(os.environ.get("STATEFUL", "10"))
STEPS = 30
WORDS = ["acknowledged", "under_review", "declined", "cannot_say"]
MAKERS = {"released": say.released, "returned": say.returned, "seized": say.seized}


@dataclass(slots=True)
class Proposal:
    """A withdrawal that waits for another lead, or did."""

    number: int
    addresses: list[int] | str
    view: dict[str, Any]
    void_at: datetime
    is_decided: bool = False


class LifeCycle(RuleBasedStateMachine):
    """Two requests of A in one incident, each to B and C."""

    def __init__(self, desk: Desk, kept: Kept, signer: Signer) -> None:
        super().__init__()
        self.desk = desk
        self.signer = signer
        self.kept = kept
        self.model = Model(desk.clock.now())
        self.asks: list[Ask] = []
        self.proposals: list[Proposal] = []
        self.exchanges: dict[str, Exchange] = {x.handle: x for x in (desk.cast.b, desk.cast.c)}

    # --- helpers --------------------------------------------------------------------------------

    def attempt(self, expected: bool, act: Callable[[], Any]) -> Any:  # noqa: FBT001
        """Do it; the coordinator takes it exactly where the model says so."""
        answer, refused = None, ""
        try:
            answer = act()
        except CoordinatorError as error:
            refused = f"refused: {error.message} {error.errors}"
        assert expected is (answer is not None), refused or f"taken: {answer}"
        return answer

    def leg(self, place: int) -> Leg | None:
        legs = self.model.legs
        return legs[place % len(legs)] if legs else None

    def hold(self, place: int) -> Hold | None:
        holds = self.model.holds
        return holds[place % len(holds)] if holds else None

    def a_leg_of(self, hold: Hold, place: int) -> Leg:
        legs = [leg for leg in self.model.legs if leg.partner == hold.leg.partner]
        return legs[place % len(legs)]

    def send(self, leg: Leg, path: str, **body: Any) -> Callable[[], Any]:
        member = self.exchanges[leg.partner].compliance
        return lambda: self.desk.act(member, self.asks[leg.request.number], path, **body)

    def report(self, leg: Leg, expected: bool, *lines: dict[str, Any]) -> Any:  # noqa: FBT001
        told = self.attempt(expected, self.send(leg, "freeze-reports", lines=list(lines)))
        if told is not None:
            leg.word = "reported"
        return told

    def take_back(self, number: int, addresses: list[int] | str) -> Any:
        """Withdraw by as many leads as it takes: two, where the policy says so and it is held."""
        request, ask = self.model.requests[number], self.asks[number]
        takes_two = self.model.takes_two_leads(request, addresses)
        answer = self.desk.withdraw(ask, addresses)
        assert ("withdrawal" in answer) is takes_two
        if takes_two:
            self.desk.decide_withdrawal(ask, answer["withdrawal"])
        return answer

    # --- rules ----------------------------------------------------------------------------------

    @initialize(
        is_shared=st.booleans(), is_flash=st.booleans(), is_by_two=st.booleans(), amount=AMOUNTS
    )
    def begin(self, *, is_shared: bool, is_flash: bool, is_by_two: bool, amount: int) -> None:
        """Most acts are about holds: have one from the start, in half of the cases a shared one.

        In half of the cases the second request goes out before its approval, and in half of them
        letting held funds go takes two leads.
        """
        self.model.is_by_two = is_by_two
        policy = {"may_flash": [self.desk.cast.a.analyst.subject]}
        self.desk.policy(self.desk.cast.a, **policy, withdrawal_quorum=1 + is_by_two)
        to = list(self.exchanges)
        support = "police_report"
        self.asks.append(self.desk.submit(to=to, support=support))
        self.model.requests.append(Request(0, self.model.now, ADDRESSES, support=support))
        self.approve(0)
        self.find_and_freeze(0, 0, amount, 0, 5, 3)
        urgency = "flash" if is_flash else "urgent"
        incident = {"id": self.asks[0].answer["incident"]["id"]}
        more: dict[str, Any] = {"incident": incident, "urgency": urgency, "support": support}
        self.asks.append(self.desk.submit(to=to, **more))
        second = Request(1, self.model.now, ADDRESSES, support=support)
        self.model.requests.append(second)
        if is_flash:
            second.status, second.ratify_by = "active", self.model.now + RATIFYING
            self.model.legs += [Leg(handle, second) for handle in self.exchanges]
        elif is_shared:
            self.approve(1)
        if is_shared:
            self.share(0, 2, 0)

    @rule(number=st.integers(0, 1), left_out=st.sampled_from([None, None, *range(ADDRESSES)]))
    def approve(self, number: int, left_out: int | None = None) -> None:
        request, ask = self.model.requests[number], self.asks[number]
        without = [] if left_out is None else [left_out]
        is_out = request.status == "active"
        decide = self.desk.decide_without if without else lambda it, _: self.desk.decide(it)
        if not self.attempt(self.model.may_approve(request, without), lambda: decide(ask, without)):
            return
        self.model.approve(request)
        if not is_out:
            request.left_out = set(without)
            self.model.legs += [Leg(handle, request) for handle in self.exchanges]
        elif without:
            # They know it already: what ratifies the rest withdraws it from them.
            self.model.take_back(request, without)

    @rule(number=st.integers(0, 1), is_meant=st.sampled_from([False, False, True]))
    def reject(self, number: int, *, is_meant: bool) -> None:
        request, ask = self.model.requests[number], self.asks[number]
        is_out = request.status == "active"
        expected = self.model.may_decide(request, is_approval=False)
        if not is_meant or not self.attempt(
            expected, lambda: self.desk.decide(ask, decision="reject")
        ):
            return
        if is_out:
            self.model.end(request, "withdrawn")
        else:
            request.status = "rejected"

    @rule(place=PLACES, word=st.sampled_from(WORDS))
    def say_a_word(self, place: int, word: str) -> None:
        if (leg := self.leg(place)) is None:
            return
        status = self.model.status(leg)
        frozen = {"partially_frozen", "frozen", "released", "returned"}
        path, body, expected = {
            "acknowledged": ("acknowledgement", {}, status in {"queued", "delivered"}),
            "under_review": ("review", {}, True),
            "declined": ("decline", {"code": "policy_refusal"}, status not in frozen),
            "cannot_say": ("decline", {"code": "cannot_say"}, status not in frozen),
        }[word]
        expected = expected and leg.request.status == "active"
        if self.attempt(expected, self.send(leg, path, **body)):
            leg.word = word

    @rule(place=PLACES)
    def ask(self, place: int) -> None:
        if (leg := self.leg(place)) is None:
            return
        expected = leg.request.status == "active"
        asked = self.attempt(expected, self.send(leg, "info-requests", missing=["the order"]))
        if asked is not None:
            leg.word = "info_requested"
            leg.open_questions.append(asked["id"])

    @rule(place=PLACES)
    def answer(self, place: int) -> None:
        leg = self.leg(place)
        if leg is None or not leg.open_questions:
            return
        question = leg.open_questions[place % len(leg.open_questions)]
        ask = self.asks[leg.request.number]
        expected = leg.request.status == "active"
        if self.attempt(expected, lambda: self.desk.answer(ask, question)):
            self.model.answer(leg, question)

    @rule(place=PLACES, other=PLACES, names_hold=st.booleans())
    def dispute(self, place: int, other: int, *, names_hold: bool) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg = self.a_leg_of(hold, other)
        about = hold if names_hold else None
        words = {"reference": "matter-k7", "text": "It was bought in good faith."}
        more = {"hold": hold.id} if names_hold else {}
        sent = self.send(leg, "disputes", **words, **more)
        if self.attempt(self.model.may_dispute(leg, about), sent):
            leg.disputes.append(about)

    @rule(place=PLACES, number=NUMBERS, amount=AMOUNTS)
    def find(self, place: int, number: int, amount: int) -> None:
        if (leg := self.leg(place)) is None:
            return
        told = self.report(leg, self.model.may_tell(leg, number), say.found(number, amount))
        if told:
            self.shows(told, self.model.mark(leg, number))
            self._found(leg, told["lines"][0], amount)

    @staticmethod
    def shows(told: dict[str, Any], marks: list[str | None]) -> None:
        """See that the lines of a report are marked as the model marks them."""
        assert [line.get("irregular") for line in told["lines"]] == marks

    def _found(self, leg: Leg, line: dict[str, Any], amount: int) -> None:
        number = line["address_no"]
        self.model.lines.append(Line(line["id"], leg, "found", amount, number))
        leg.nothing.pop(number, None)

    @rule(
        place=PLACES,
        number=NUMBERS,
        amount=AMOUNTS,
        extra=st.integers(-1, 2),
        ago=st.sampled_from([0, 0, 5, 60]),
        days=st.integers(1, 20),
    )
    def find_and_freeze(  # noqa: PLR0913, PLR0917 - what a freeze consists of
        self, place: int, number: int, amount: int, extra: int, ago: int, days: int
    ) -> None:
        """Report in one go; with `extra` -1 more is frozen than this report finds."""
        if (leg := self.leg(place)) is None or amount + extra < 1:
            return
        model = self.model
        frozen_at, end = model.now - ago * HOUR, model.now + days * DAY
        times = {"frozen_at": format_time(frozen_at), "hold_expires_at": format_time(end)}
        room = model.found(leg, number) - model.frozen(leg, number) + amount + extra
        told = self.report(
            leg,
            model.may_tell(leg, number) and amount <= room and model.is_borne(leg, end),
            say.frozen(number, amount, **times),
            say.found(number, amount + extra),
        )
        if told:
            line = told["lines"][0]
            hold = Hold(
                line["hold"], leg, number, frozen_at, end, links={leg.request.number: number}
            )
            hold.reviewed = leg.request.support == "order"
            frozen = model.mark(leg, number, frozen_at=frozen_at, of=hold)
            self.shows(told, frozen + model.mark(leg, number))
            model.holds.append(hold)
            model.lines.append(Line(line["id"], leg, "frozen", amount, number, hold))
            self._found(leg, told["lines"][1], amount + extra)

    @rule(place=PLACES, amount=AMOUNTS)
    def top_up(self, place: int, amount: int) -> None:
        if (hold := self.hold(place)) is None or hold.is_void:
            return
        leg, number, model = hold.leg, hold.address_no, self.model
        room = model.found(leg, number) - model.frozen(leg, number)
        expected = model.may_tell(leg, number) and amount <= room
        expected = expected and hold in model.linked(leg) and not hold.lapsed
        told = self.report(leg, expected, say.topped_up(hold.id, number, amount))
        if told:
            self.shows(told, model.mark(leg, number, frozen_at=model.now, of=hold))
            line = told["lines"][0]["id"]
            model.lines.append(Line(line, leg, "frozen", amount, number, hold))
            hold.kept = False

    @rule(place=PLACES, by=PLACES, amount=AMOUNTS, kind=st.sampled_from(sorted(MAKERS)))
    def let_go(self, place: int, by: int, amount: int, kind: str) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg = self.a_leg_of(hold, by)
        expected = self.model.may_report(leg) and self.model.may_move(leg, hold, amount)
        told = self.report(leg, expected, MAKERS[kind](hold.id, amount))
        if told:
            line = told["lines"][0]["id"]
            self.model.lines.append(Line(line, leg, kind, amount, hold.address_no, hold))
            hold.kept = False
            self.shows(told, self.model.mark_leaving(leg, hold, kind))

    @rule(
        place=PLACES,
        by=PLACES,
        amount=st.none() | AMOUNTS,
        kind=st.sampled_from(["released", "returned"]),
    )
    def encumber(self, place: int, by: int, amount: int | None, kind: str) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg = self.a_leg_of(hold, by)
        said = {
            "kind": "attachment",
            "hold": hold.id,
            "order_sha256": f"{len(self.model.claims):064x}",
            "blocks": ["release" if kind == "released" else "return"],
            "court": "Harju County Court",
            "number": "2-26-123",
        }
        if amount is not None:
            said["amount"] = str(amount)
        expected = self.model.may_encumber(leg, hold)
        told = self.attempt(expected, self.send(leg, "encumbrances", **said))
        if told:
            claim = Claim(told["id"], told["act_sha256"], leg, hold, amount, kind)
            self.model.claims.append(claim)

    @rule(place=PLACES, is_same_person=st.booleans())
    def lift(self, place: int, *, is_same_person: bool) -> None:
        if not self.model.claims:
            return
        claim = self.model.claims[place % len(self.model.claims)]
        exchange = self.exchanges[claim.leg.partner]
        by = exchange.compliance if is_same_person else exchange.lead
        ask = self.asks[claim.leg.request.number]
        expected = not claim.is_lifted and not is_same_person
        if self.attempt(expected, lambda: self.desk.lift(by, ask, claim.id, claim.act_sha256)):
            claim.is_lifted = True

    @rule(place=PLACES, by=PLACES, number=NUMBERS)
    def share(self, place: int, by: int, number: int) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg, model = self.a_leg_of(hold, by), self.model
        if leg is hold.leg:
            return  # there the line would be a further freeze
        told = self.report(leg, model.may_share(leg, hold, number), say.shared(hold.id, number))
        if told:
            self.shows(told, model.mark(leg, number, frozen_at=hold.frozen_at))
            model.share(leg, hold, number)

    @rule(
        place=PLACES, number=NUMBERS, code=st.sampled_from(["no_match", "funds_gone", "cannot_say"])
    )
    def answer_nothing(self, place: int, number: int, code: str) -> None:
        if (leg := self.leg(place)) is None:
            return
        expected = self.model.may_answer_nothing(leg, number)
        told = self.report(leg, expected, say.nothing([number], code))
        if told:
            self.shows(told, self.model.mark(leg, number))
            leg.nothing[number] = code

    @rule(place=PLACES, amount=st.integers(0, 12))
    def correct(self, place: int, amount: int) -> None:
        lines = self.model.lines
        if not lines:
            return
        line = lines[place % len(lines)]
        expected, before = self.model.may_correct(line, amount), line.amount
        told = self.report(line.leg, expected, say.corrected(line.id, amount))
        if told:
            self.model.correct(line, amount)
            if line.hold is not None and amount > before:
                self.shows(told, self.model.mark_leaving(line.leg, line.hold, line.kind))

    @rule(place=PLACES, by=PLACES, days=st.integers(1, 30))
    def keep(self, place: int, by: int, days: int) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg, end = self.a_leg_of(hold, by), self.model.now + days * DAY
        line = say.kept(hold.id, hold_expires_at=format_time(end))
        if self.report(leg, self.model.may_keep(leg, hold), line):
            hold.kept, hold.lapsed, hold.end, hold.basis = True, False, end, "own_policy"
            hold.reviewed = False

    @rule(place=PLACES, by=PLACES)
    def keep_for_the_other_request(self, place: int, by: int) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg = self.a_leg_of(hold, by)
        other = 1 - leg.request.number
        line = say.kept(hold.id, "other_request", other_request=self.asks[other].id)
        expected = self.model.may_keep(leg, hold) and other in hold.links
        if self.report(leg, expected, line):
            del hold.links[leg.request.number]

    @rule(place=PLACES, by=PLACES, days=st.integers(1, 40))
    def extend(self, place: int, by: int, days: int) -> None:
        if (hold := self.hold(place)) is None:
            return
        leg, end = self.a_leg_of(hold, by), self.model.now + days * DAY
        body = {"hold": hold.id, "hold_expires_at": format_time(end), "basis": "voluntary"}
        expected = self.model.may_extend(leg, hold, end)
        if self.attempt(expected, self.send(leg, "hold-extensions", **body)):
            hold.end, hold.basis, hold.lapsed = end, "voluntary", False
            hold.reviewed = leg.request.support == "order"

    @rule(number=st.integers(0, 1), support=st.sampled_from(list(LADDER)))
    def raise_support(self, number: int, support: str) -> None:
        request, lead = self.model.requests[number], self.desk.cast.a.lead
        body = {"support": support, "document_sha256": "ab" * 32}
        act = lambda: self.desk.act(lead, self.asks[number], "support", **body)  # noqa: E731
        if self.attempt(self.model.may_raise(request, support), act):
            request.support = support

    @rule(number=st.integers(0, 1), is_meant=st.sampled_from([False, False, True]))
    def withdraw(self, number: int, *, is_meant: bool) -> None:
        if not is_meant:
            return  # the end of a request is the end of most that can happen to it
        request = self.model.requests[number]
        expected = request.status in {"submitted", "active"}
        if self.attempt(expected, lambda: self.take_back(number, "all")):
            if request.status == "submitted":
                request.status = "withdrawn"
            else:
                self.model.end(request, "withdrawn")

    @rule(number=st.integers(0, 1), address_no=NUMBERS)
    def withdraw_an_address(self, number: int, address_no: int) -> None:
        request = self.model.requests[number]
        expected = self.model.may_withdraw_one(request, address_no)
        act = self.attempt(expected, lambda: self.take_back(number, [address_no]))
        if act:
            self.model.take_back(request, [address_no])

    def may_take_back(self, number: int, addresses: list[int] | str) -> bool:
        """Tell whether a request that went out takes a withdrawal now."""
        request = self.model.requests[number]
        if isinstance(addresses, str):
            return request.status == "active"
        return all(self.model.may_withdraw_one(request, each) for each in addresses)

    @rule(number=st.integers(0, 1), addresses=st.sampled_from(["all", [0], [1]]))
    def propose(self, number: int, addresses: list[int] | str) -> None:
        """Have one lead withdraw what takes two: nothing is let go, and it may wait for good."""
        if not self.model.takes_two_leads(self.model.requests[number], addresses):
            return
        ask, expected = self.asks[number], self.may_take_back(number, addresses)
        answer = self.attempt(expected, lambda: self.desk.withdraw(ask, addresses))
        if answer:
            void_at = self.model.now + 4 * HOUR
            self.proposals.append(Proposal(number, addresses, answer["withdrawal"], void_at))

    @rule(place=PLACES, decision=st.sampled_from(["approve", "reject"]))
    def decide_what_was_proposed(self, place: int, decision: str) -> None:
        if not self.proposals:
            return
        proposal = self.proposals[place % len(self.proposals)]
        number, addresses = proposal.number, proposal.addresses
        waits = self.model.now < proposal.void_at and not proposal.is_decided
        expected = waits and self.may_take_back(number, addresses)
        ask, view = self.asks[number], proposal.view
        if not self.attempt(
            expected, lambda: self.desk.decide_withdrawal(ask, view, decision=decision)
        ):
            return
        proposal.is_decided = True
        request = self.model.requests[number]
        if decision == "reject":
            return
        if isinstance(addresses, str):
            self.model.end(request, "withdrawn")
        else:
            self.model.take_back(request, addresses)

    @rule(number=st.integers(0, 1))
    def close(self, number: int) -> None:
        request = self.model.requests[number]
        if self.attempt(self.model.may_close(request), lambda: self.desk.close(self.asks[number])):
            self.model.end(request, "closed")

    @rule(hours=st.sampled_from([1, 24, 24 * 4, 24 * 8]))
    def let_time_pass(self, hours: int) -> None:
        # Timers of one moment come in no promised order, so time passes in small steps.
        size = 1 if hours == 1 else 24
        for _ in range(0, hours, size):
            self.desk.step(timedelta(hours=size))
            self.model.step(timedelta(hours=size))

    # --- what always agrees ----------------------------------------------------------------------

    @invariant()
    def everything_agrees(self) -> None:
        model, desk = self.model, self.desk
        model.note_final()
        model.note_moot()
        for request, ask in zip(model.requests, self.asks, strict=True):
            stored = desk.request(ask)
            assert stored.status == request.status
            assert stored.provisional is (request.ratify_by is not None)
            assert stored.unratified_until == request.unratified_until
            legs = [leg for leg in model.legs if leg.request is request]
            for leg in legs:
                side = desk.leg(self.exchanges[leg.partner], ask)
                shown = (side.status, set(side.flags) - {"overdue", "unanswered"})
                assert shown == (model.status(leg), model.flags(leg)), leg.partner
                assert desk.totals(leg_id=side.id).get(ETHER, {}) == model.totals(legs=[leg])
            assert {h.id: desk.hold_row(h.id).irregular for h in model.holds} == {
                h.id: h.irregular for h in model.holds
            }
            assert desk.totals(request_id=ask.id).get(ETHER, {}) == model.totals(legs)
        if self.asks:
            incident = self.asks[0].answer["incident"]["id"]
            scopes = {desk.cast.a.handle: model.legs, desk.cast.d.handle: []}
            for handle in self.exchanges:
                scopes[handle] = [leg for leg in model.legs if leg.partner == handle]
            for handle, legs in scopes.items():
                sums = desk.totals(incident_id=incident, visible_to=handle)
                assert sums.get(ETHER, {}) == model.totals(legs)

    def teardown(self) -> None:
        """Nothing that is stored contradicts the rest, also what the model knows nothing of.

        And everybody concerned finds it borne out by what was signed.
        """
        found = faults(self.desk.database)
        failed = [
            finding
            for ask in self.asks
            for member in (self.desk.cast.a.auditor, *(x.auditor for x in self.exchanges.values()))
            if member.handle == self.desk.cast.a.handle or self.went_out(ask)
            for finding in Shown.to(MemberReader(self.signer, member), ask.id).examine().failures
        ]
        # Otherwise the clocks of all runs before would go on in the next one.
        self.kept.restore()
        assert found == []
        assert failed == []

    def went_out(self, ask: Ask) -> bool:
        request = self.model.requests[self.asks.index(ask)]
        return any(leg.request is request for leg in self.model.legs)


@pytest.fixture
def signer(desk: Desk, tmp_path: Path) -> Iterator[Signer]:
    """Reads through the front door what is brought about at the desk."""
    environment = {
        "HOLDFAST_ORIGIN": ORIGIN,
        "HOLDFAST_DATABASE_URL": desk.database.engine.url.render_as_string(hide_password=False),
        "HOLDFAST_DATA_DIR": str(tmp_path),
    }
    app = create_app(Settings.from_env(environment), clock=desk.clock, keys=KEYS)
    yield Signer(app.test_client(), desk.clock)
    app.extensions["holdfast"].watcher.stop()
    with app.app_context():
        db.engine.dispose()


def test_random_acts_of_several_partners_agree_with_the_plain_model(
    desk: Desk, signer: Signer
) -> None:
    kept = Kept.of(desk.database)
    run_state_machine_as_test(
        lambda: LifeCycle(desk, kept, signer),  # type: ignore[arg-type]  # any maker of machines is taken
        settings=settings(
            max_examples=EXAMPLES,
            derandomize=not IS_SEARCH,  # else whoever changes something meets what was drawn
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
