"""Looking a request through: an honest coordinator passes, and a hostile one is found out."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from coordinator.services.ending.withdrawal_proposals import VoidWithdrawal
from coordinator.services.requests.ratification import MissRatification, WithdrawUnratified
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.case_file import Result
from holdfast.evidence.examination import Examination
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.notice import prove_notice
from holdfast.protocol import strict_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.views import InterestView, WhyYouView
from holdfast.protocol.vocabulary import (
    Decision,
    EvidenceKind,
    InterestKind,
    LegStatus,
    LineKind,
    RequestStatus,
    Role,
)
from tests.factories import NOON, ORIGIN, Exchange, Member, grant_body, request_token
from tests.services.member_reader import MemberReader, Shown
from tests.services.request_cast import (
    DAY,
    REQUESTS,
    Ask,
    Desk,
    Office,
    addresses,
    corrected,
    found,
    frozen,
    kept,
    nothing,
    released,
    returned,
    seized,
    shared,
    topped_up,
)

#: What the first lines state to be worth.
_WORTH = {"usd": {"value": "100.00", "at": "2026-03-02T12:00:00Z", "source": "own price"}}


#: The kit alone is tried, on what it was shown; whether a database shows the truth, others ask.
_ON_PAPER = pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module")


def shown_to(office: Office, member: Member, ask: Ask) -> Shown:
    return Shown.to(MemberReader(office.signer, member), ask.id)


def examined(office: Office, member: Member, ask: Ask) -> Examination:
    return shown_to(office, member, ask).examine()


def told(examination: Examination, what: str) -> list[Result]:
    return [finding.result for finding in examination.shown if finding.what == what]


def others(office: Office) -> tuple[Exchange, Exchange, Exchange]:
    cast = office.desk.cast
    return cast.b, cast.c, cast.d


def eventful(office: Office) -> Ask:
    """Return a request on which everything happened that can happen to lines and holds."""
    desk, (b, c, d) = office.desk, others(office)
    ask = desk.go_out(addresses=addresses(4, desk.made + 1000))
    desk.made += 10
    desk.act(b.analyst, ask, "acknowledgement")
    first = desk.report(
        b, ask, found(0, 1000) | _WORTH, frozen(0, 900) | _WORTH, frozen(0, 50), found(1, 7)
    )
    hold, other = first["lines"][1]["hold"], first["lines"][2]["hold"]
    desk.report(b, ask, topped_up(hold, 0, 50), released(hold, 100), returned(hold, 30))
    second = desk.report(b, ask, seized(hold, 5), released(other, 50, "expired"))
    desk.report(
        b, ask, corrected(second["lines"][0]["id"], 8), corrected(first["lines"][3]["id"], 6)
    )
    desk.extend(b, ask, hold, NOON + 20 * DAY)
    withheld = desk.report(c, ask, found(2, None), frozen(2, None))["lines"][1]["hold"]
    desk.report(c, ask, returned(withheld, None), nothing([0], "below_threshold"))
    question = desk.act(d.analyst, ask, "info-requests", missing=["police report"])
    desk.answer(ask, question["id"])
    desk.act(d.compliance, ask, "decline", code="policy_refusal")
    desk.act(b.compliance, ask, "disputes", reference="case-17", text="Good faith.", hold=hold)
    desk.withdraw(ask, [1])
    return ask


# First of all, for other tests let days pass in the same office.
@pytest.fixture(scope="module", autouse=True)
def event_rich(office: Office) -> tuple[Ask, Shown, Shown]:
    """That request, and what its requester and B are shown of it."""
    ask = eventful(office)
    cast = office.desk.cast
    return ask, shown_to(office, cast.a.auditor, ask), shown_to(office, cast.b.analyst, ask)


@pytest.fixture
def shown(event_rich: tuple[Ask, Shown, Shown]) -> Shown:
    """What its requester is shown, for a test to alter."""
    return event_rich[1].copy()


def test_what_an_honest_coordinator_shows_passes_for_everybody_concerned(
    office: Office, event_rich: tuple[Ask, Shown, Shown]
) -> None:
    ask = event_rich[0]
    for member in (office.desk.cast.a.auditor, *(each.analyst for each in others(office))):
        examination = examined(office, member, ask)
        assert examination.failures == []
        assert told(examination, "approvals") == [Result.VERIFIED]
        assert set(told(examination, "ledger")) <= {Result.VERIFIED}
        assert told(examination, "totals") == [Result.VERIFIED]
        unsigned = {f.what for f in examination.acts if f.result is Result.ASSERTED}
        assert unsigned <= {"deliver"}


def test_a_withdrawal_a_closure_a_rejection_and_an_expiry_are_all_borne_out(
    office: Office,
) -> None:
    desk, a = office.desk, office.desk.cast.a
    withdrawn = desk.go_out()
    hold = desk.hold(desk.cast.b, withdrawn)
    desk.withdraw(withdrawn)
    desk.report(desk.cast.b, withdrawn, kept(hold, hold_expires_at=format_time(NOON + 9 * DAY)))
    closed, rejected, taken_back = desk.go_out(), desk.submit(), desk.submit()
    desk.close(closed)
    desk.decide(rejected, decision="reject")
    desk.withdraw(taken_back, by=a.analyst)
    for ask in (withdrawn, closed, rejected, taken_back):
        examination = examined(office, a.auditor, ask)
        assert examination.failures == []
        assert told(examination, "status") == [Result.VERIFIED]


@pytest.fixture(scope="module")
def irregular_lines(office: Office) -> Shown:
    """What the requester is shown of lines after the end, late and under an order."""
    desk, b, c = office.desk, office.desk.cast.b, office.desk.cast.c
    ask = desk.go_out(to=[b.handle, c.handle])
    hold = desk.hold(b, ask)
    desk.report(b, ask, released(hold, 1))
    order = {"agency": "Prosecutor of Tallinn", "reference": "1-23-456", "hold": hold}
    order["document_sha256"] = "ab" * 32
    assert office.act(b.compliance, ask, "legal-orders", **order)[0] == 201
    desk.report(b, ask, released(hold, 1), released(hold, 1, "court_order"), returned(hold, 1))
    desk.clock.step(DAY / 24)
    desk.withdraw(ask, [1])
    after = {
        "frozen_at": format_time(desk.clock.now()),
        "hold_expires_at": format_time(desk.clock.now() + DAY),
    }
    desk.report(b, ask, found(1, 9), frozen(1, 4, **after), frozen(1, 5))
    desk.withdraw(ask)
    desk.clock.step(2 * DAY)
    desk.report(c, ask, found(0, 5), frozen(0, 5), nothing())
    desk.report(b, ask, returned(hold, 1) | {"reason": "court_order"})
    for member in (b.analyst, c.analyst):
        assert shown_to(office, member, ask).failed() == {}
    shown = shown_to(office, desk.cast.a.auditor, ask)
    assert shown.failed() == {}
    return shown


@pytest.fixture
def irregular(irregular_lines: Shown) -> Shown:
    """The same, for a test to alter."""
    return irregular_lines.copy()


def test_what_a_ratification_leaves_out_takes_no_later_freeze_as_regular(office: Office) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    desk.policy(a, may_flash=[a.analyst.subject])
    ask = desk.submit(urgency="flash", to=[b.handle])
    desk.clock.step(DAY / 24 / 60)
    desk.decide_without(ask, [1])
    now = desk.clock.now()
    times = {"frozen_at": format_time(now), "hold_expires_at": format_time(now + DAY)}
    lines = (found(0, 5), frozen(0, 5, **times), found(1, 5), frozen(1, 5, **times))
    desk.report(b, ask, *lines)
    for member in (a.auditor, b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        assert [line.irregular for line in shown.lines] == [None, None, None, "after_end"]


def test_a_line_that_shared_a_hold_is_borne_out_when_the_hold_is_kept_for_the_other_request(
    office: Office,
) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    first, second = desk.go_out(to=[b.handle]), desk.go_out(to=[b.handle])
    hold = desk.hold(b, first)
    desk.clock.step(DAY / 24)
    desk.withdraw(second, [1])
    desk.report(b, second, shared(hold, 1))
    desk.report(b, second, kept(hold, "other_request", other_request=first.id))
    for member in (a.auditor, b.analyst):
        shown = shown_to(office, member, second)
        assert shown.holds_shown == []
        assert shown.failed() == {}


def test_what_eats_into_a_claim_is_borne_out_until_it_is_lifted(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.go_out(to=[b.handle])
    hold = desk.hold(b, ask)
    held = int(shown_to(office, b.analyst, ask).holds_shown[0].held)
    claim = {
        "kind": "attachment",
        "hold": hold,
        "order_sha256": "ab" * 32,
        "amount": str(held - 2),
        "blocks": ["release"],
        "court": "Harju County Court",
        "number": "2-26-123",
    }
    made = desk.act(b.compliance, ask, "encumbrances", **claim)
    desk.report(b, ask, released(hold, 1), returned(hold, 1), released(hold, 1))
    desk.lift(b.lead, ask, made["id"], made["act_sha256"])
    desk.report(b, ask, released(hold, 1))
    for member in (desk.cast.a.auditor, b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        assert [line.irregular for line in shown.lines[2:]] == [None, None, "encumbered", None]
        for number in (2, 4, 5):
            altered = shown.copy()
            line = altered.lines[number]
            mark = None if line.irregular else "encumbered"
            altered.swap(altered.lines, line, irregular=mark)
            assert f"{line.id} is shown as" in altered.failed()["ledger"]


def test_lines_are_irregular_as_their_acts_say(irregular: Shown) -> None:
    marks = [line.irregular for line in irregular.lines]
    encumbered, after_end, late = "encumbered", "after_end", "late"
    assert marks[:2] == [None, None]
    assert marks[2:6] == [None, encumbered, None, encumbered]
    assert marks[6:] == [None, after_end, None, *[late] * 3, None]
    assert [hold.irregular for hold in irregular.holds_shown] == [None, after_end, None, late]


@pytest.mark.parametrize(
    ("number", "mark"),
    [
        (2, "encumbered"),
        (3, None),
        (4, "encumbered"),
        (5, "late"),
        (7, None),
        (7, "late"),
        (8, "after_end"),
        (10, "after_end"),
        (12, "encumbered"),
    ],
)
def test_a_line_that_is_marked_otherwise_is_found_out(
    irregular: Shown, number: int, mark: str | None
) -> None:
    line = irregular.lines[number]
    irregular.swap(irregular.lines, line, irregular=mark)
    assert f"{line.id} is shown as {mark or 'regular'}" in irregular.failed()["ledger"]


def test_a_hold_or_a_leg_that_hides_what_is_irregular_is_found_out(irregular: Shown) -> None:
    irregular.swap(irregular.holds_shown, irregular.holds_shown[1], irregular=None)
    assert "shows irregular None" in irregular.failed()["ledger"]
    for leg in list(irregular.legs_shown):
        flags = [flag for flag in leg.flags if flag != "irregular"]
        irregular.swap(irregular.legs_shown, leg, flags=flags)
    assert "does not flag irregular lines" in irregular.failed()["ledger"]


def test_who_cannot_say_is_shown_so_and_as_nothing_else(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.go_out(to=[b.handle])
    desk.act(b.compliance, ask, "decline", code="cannot_say")
    shown = shown_to(office, desk.cast.a.auditor, ask)
    assert shown.failed() == {}
    for status in (LegStatus.DECLINED, LegStatus.NO_MATCH):
        altered = shown.copy()
        altered.swap(altered.legs_shown, altered.legs_shown[0], status=status)
        assert "its acts come to cannot_say" in altered.failed()["leg"]


@_ON_PAPER
@pytest.mark.parametrize(
    "changes", [{"decline_code": "legal_prohibition"}, {"decline_detail": "Ask our court."}]
)
def test_another_reason_to_decline_than_was_signed_is_found_out(
    shown: Shown, changes: dict[str, Any]
) -> None:
    for leg in [leg for leg in shown.legs_shown if leg.status != "withdrawn"]:
        other = shown.copy()
        other.swap(other.legs_shown, leg, **changes)
        assert "leg" in other.failed()


def test_a_shared_hold_is_verified_where_it_was_written_and_asserted_elsewhere(
    office: Office,
) -> None:
    desk, b = office.desk, office.desk.cast.b
    first, second = desk.go_out(to=[b.handle]), desk.go_out(to=[b.handle])
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 1))
    desk.report(b, second, released(hold, 40))
    desk.report(b, first, released(hold, 10))
    for member in (desk.cast.a.auditor, b.analyst):
        for ask in (first, second):
            examination = examined(office, member, ask)
            assert examination.failures == []
            assert told(examination, "shared holds") == [Result.ASSERTED]
            assert told(examination, "totals") == [Result.ASSERTED]
    desk.extend(b, second, hold, NOON + 25 * DAY)
    assert told(examined(office, b.analyst, first), "ends of holds") == [Result.ASSERTED]
    desk.withdraw(second)
    other = kept(hold, "other_request", other_request=first.id)
    desk.report(b, second, other)
    assert examined(office, desk.cast.a.auditor, second).failures == []


def test_a_hold_shared_with_another_requester_is_asserted_to_both_and_tells_neither(
    office: Office,
) -> None:
    desk, b, d = office.desk, office.desk.cast.b, office.desk.cast.d
    first = desk.go_out(to=[b.handle])
    second = desk.submit(d.analyst, to=[b.handle])
    desk.decide(second, d.lead)
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 1))
    opened = desk.report(b, second, released(hold, 40))["lines"][0]["id"]
    desk.report(b, second, corrected(opened, 30))
    desk.report(b, first, released(hold, 10))
    for member, ask in ((desk.cast.a.auditor, first), (d.auditor, second), (b.analyst, second)):
        examination = examined(office, member, ask)
        assert examination.failures == []
        assert told(examination, "totals") == [Result.ASSERTED]
        details = " ".join(finding.detail for finding in examination.shown)
        other = second if ask is first else first
        assert (other.id in details) is (member.handle == b.handle)


def test_an_addition_is_approved_like_a_request(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out(to=[desk.cast.b.handle])
    handles = [desk.cast.c.handle]
    status, addition = office.act(a.lead, ask, "partners", to=handles)
    assert status == 201
    approval = {"decision": "approve", "context_sha256": addition["context_sha256"]}
    assert office.act(a.second_lead, ask, "approvals", **approval)[0] == 201
    for member in (a.auditor, desk.cast.b.analyst, desk.cast.c.analyst):
        assert examined(office, member, ask).failures == []
    shown = shown_to(office, a.auditor, ask)
    shown.acts.remove(shown.act("approve_addition"))
    assert set(shown.failed()) == {"partners asked"}
    shown = shown_to(office, a.auditor, ask)
    shown.acts.remove(shown.act("add_partners"))
    shown.legs_shown = [leg for leg in shown.legs_shown if leg.partner not in handles]
    shown.view = shown.view.model_copy(update={"to": [desk.cast.b.handle]})
    assert "nobody's signature proposes" in shown.failed()["partners asked"]


# --- acts ----------------------------------------------------------------------------------------


def _relabel(shown: Shown) -> None:
    shown.swap(shown.acts, shown.act("acknowledge"), act="report")


def _unknown(shown: Shown) -> None:
    shown.swap(shown.acts, shown.act("acknowledge"), act="freeze_everything")


_NOBODY = dict.fromkeys(("partner", "subject", "kid", "token", "body", "jwk"))


def _unsigned_approval(shown: Shown) -> None:
    shown.swap(shown.acts, shown.act("approve"), kind=EvidenceKind.COORDINATOR, **_NOBODY)


def _unsigned_report(shown: Shown) -> None:
    shown.swap(shown.acts, shown.act("report"), kind=EvidenceKind.COORDINATOR, **_NOBODY)


def _timer_of_somebody(shown: Shown) -> None:
    shown.swap(shown.acts, shown.act("report"), act="lapse", kind=EvidenceKind.COORDINATOR)


def _omitted_approval(shown: Shown) -> None:
    shown.acts.remove(shown.act("approve"))


def _omitted_submission(shown: Shown) -> None:
    shown.acts.remove(shown.act("submit"))


def _omitted_acknowledgements(shown: Shown) -> None:
    of_d = [act for act in shown.acts if act.partner == "exchange-d.example"]
    shown.acts = [act for act in shown.acts if act not in of_d]


def _omitted_withdrawal(shown: Shown) -> None:
    shown.acts.remove(shown.act("withdraw"))


def _omitted_dispute(shown: Shown) -> None:
    shown.acts.remove(shown.act("dispute"))


def _repeated_report(shown: Shown) -> None:
    shown.acts.append(shown.act("report").model_copy(update={"act_id": "act_again"}))


@pytest.mark.parametrize("act", ["reject", "close", "withdraw"])
def test_an_end_whose_act_is_left_out_is_found_out(office: Office, act: str) -> None:
    desk = office.desk
    ask = desk.submit() if act == "reject" else desk.go_out()
    ends = {
        "reject": lambda: desk.decide(ask, decision="reject"),
        "close": lambda: desk.close(ask),
        "withdraw": lambda: desk.withdraw(ask),
    }
    ends[act]()
    shown = shown_to(office, desk.cast.a.auditor, ask)
    shown.acts.remove(shown.act(act))
    assert "no act says so" in shown.failed()["status"]


@_ON_PAPER
@pytest.mark.parametrize(
    ("attack", "what"),
    [
        (_relabel, "report"),
        (_unknown, "freeze_everything"),
        (_unsigned_approval, "approve"),
        (_unsigned_report, "report"),
        (_timer_of_somebody, "lapse"),
        (_omitted_approval, "approvals"),
        (_omitted_submission, "request"),
        (_omitted_acknowledgements, "leg"),
        (_omitted_withdrawal, "addresses"),
        (_omitted_dispute, "disputes"),
        (_repeated_report, "report"),
    ],
)
def test_acts_that_are_relabelled_left_out_unsigned_or_repeated_are_found_out(
    shown: Shown, attack: Callable[[Shown], None], what: str
) -> None:
    attack(shown)
    assert what in shown.failed()


def test_an_act_of_another_request_proves_nothing_on_this_one(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask, other = desk.submit(), desk.go_out()
    desk.act(desk.cast.b.analyst, other, "acknowledgement")
    shown = shown_to(office, a.auditor, ask)
    shown.acts += [act for act in shown_to(office, a.auditor, other).acts if act.act != "submit"]
    failed = shown.failed()
    assert {"approve", "acknowledge"} <= set(failed)
    assert "another act" in failed["approve"]


# --- four eyes -----------------------------------------------------------------------------------


def _with_quorum_of_two(office: Office) -> Shown:
    desk, a = office.desk, office.desk.cast.a
    desk.policy(a, approval_quorum=2)
    desk.clock.step(DAY / 24)
    ask = desk.submit()
    desk.decide(ask)
    desk.decide(ask, a.second_lead)
    desk.clock.step(DAY / 24)
    desk.policy(a, approval_quorum=1)
    shown = shown_to(office, a.auditor, ask)
    assert shown.failed() == {}
    return shown


def test_the_quorum_is_the_policy_s_of_that_time_and_not_what_is_shown(office: Office) -> None:
    shown = _with_quorum_of_two(office)
    second = shown.act("approve", 1)
    shown.acts.remove(second)
    shown.view = shown.view.model_copy(
        update={
            "quorum": 1,
            "approvals": [each for each in shown.view.approvals if each.id != second.act_id],
        }
    )
    assert "1 of 2" in shown.failed()["approvals"]


def test_one_lead_s_approval_shown_twice_is_no_quorum(office: Office) -> None:
    shown = _with_quorum_of_two(office)
    first, second = shown.act("approve"), shown.act("approve", 1)
    again = {name: getattr(first, name) for name in ("subject", "kid", "token", "body")}
    shown.swap(shown.acts, second, **again)
    assert {"approve", "approvals"} <= set(shown.failed())


def test_an_approval_of_an_addition_is_none_of_the_request(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    desk.policy(a, may_flash=[a.analyst.subject])
    desk.clock.step(DAY / 24)
    ask = desk.submit(urgency="flash", to=[desk.cast.b.handle])
    desk.policy(a)
    assert ask.answer["provisional"]
    _, addition = office.act(a.lead, ask, "partners", to=[desk.cast.c.handle])
    approval = {"decision": "approve", "context_sha256": addition["context_sha256"]}
    assert office.act(a.second_lead, ask, "approvals", **approval)[0] == 201
    for member in (a.auditor, desk.cast.b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        assert shown.view.provisional
        shown.swap(shown.acts, shown.act("approve_addition"), act="approve")
        assert {"approvals", "partners asked"} & set(shown.failed())
    # Nor is it ratified because it is shown so.
    shown = shown_to(office, a.auditor, ask)
    shown.view = shown.view.model_copy(update={"provisional": False})
    assert "it went out all the same" in shown.failed()["approvals"]


def _unratified(office: Office) -> Ask:
    desk, a = office.desk, office.desk.cast.a
    desk.policy(a, may_flash=[a.analyst.subject])
    desk.clock.step(DAY)
    ask = desk.submit(urgency="flash", to=[desk.cast.b.handle])
    desk.policy(a)
    desk.clock.step(DAY / 24)
    desk.own(MissRatification(request_id=ask.id))
    return ask


def test_what_nobody_ratified_in_time_is_borne_out_until_a_lead_ratifies_it(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = _unratified(office)
    for member in (a.auditor, desk.cast.b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        assert (shown.view.provisional, shown.view.unratified) == (False, True)
        # It does not come to be so by itself, and is not ratified because it is shown so.
        shown.acts = [act for act in shown.acts if act.act != "unratify"]
        assert "no act says so" in shown.failed()["status"]
        shown.view = shown.view.model_copy(update={"unratified": False})
        assert "it went out all the same" in shown.failed()["approvals"]
    desk.decide(ask)
    for member in (a.auditor, desk.cast.b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        shown.view = shown.view.model_copy(update={"unratified": True})
        assert "shown as unratified" in shown.failed()["approvals"]


def test_what_was_frozen_while_nobody_stood_behind_it_is_marked_and_borne_out(
    office: Office,
) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    ask = _unratified(office)

    def freeze(address_no: int) -> str:
        now = desk.clock.now()
        times = {"frozen_at": format_time(now), "hold_expires_at": format_time(now + DAY)}
        desk.hold(b, ask, 5, address_no=address_no, **times)
        [line] = [
            each
            for each in shown_to(office, a.auditor, ask).lines
            if each.kind is LineKind.FROZEN and each.address_no == address_no
        ]
        return str(line.irregular)

    assert freeze(0) == "after_end"
    assert desk.leg(b, ask).owes_answer
    desk.decide(ask)
    assert not desk.leg(b, ask).owes_answer
    assert freeze(1) == "None"
    for member in (a.auditor, b.analyst):
        assert shown_to(office, member, ask).failed() == {}


def test_what_withdrew_itself_unratified_is_borne_out(office: Office) -> None:
    desk = office.desk
    ask = _unratified(office)
    desk.clock.step(DAY / 2)
    desk.own(WithdrawUnratified(request_id=ask.id))
    for member in (desk.cast.a.auditor, desk.cast.b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        assert shown.view.status is RequestStatus.WITHDRAWN


@pytest.fixture
def by_two(office: Office) -> Iterator[Desk]:
    """The desk, at which A lets held funds go by two leads only."""
    desk = office.desk
    desk.policy(desk.cast.a, withdrawal_quorum=2)
    # Signers' clocks differ by seconds, so what was in force just before counts, too.
    desk.clock.step(DAY / 24)
    yield desk
    desk.policy(desk.cast.a)
    desk.clock.step(DAY / 24)


def _held(desk: Desk) -> Ask:
    ask = desk.go_out(addresses=addresses(3, desk.made + 40_000))
    desk.hold(desk.cast.b, ask)
    # A report and a withdrawal within the minute by which clocks differ prove no order.
    desk.clock.step(DAY / 24)
    return ask


@pytest.mark.parametrize("end", ["approve", "reject", "void", "pending"])
@pytest.mark.parametrize("numbers", ["all", [0, 1]])
def test_a_withdrawal_by_two_is_borne_out_however_it_ends(
    office: Office, by_two: Desk, numbers: list[int] | str, end: str
) -> None:
    ask = _held(by_two)
    view = by_two.withdraw(ask, numbers)["withdrawal"]
    if end in {"approve", "reject"}:
        by_two.decide_withdrawal(ask, view, decision=end)
    elif end == "void":
        by_two.clock.step(DAY)
        by_two.own(VoidWithdrawal(withdrawal_id=view["id"]))
    for member in (by_two.cast.a.auditor, by_two.cast.b.analyst):
        examination = examined(office, member, ask)
        assert examination.failures == []
        assert told(examination, "status") == [Result.VERIFIED]
        assert told(examination, "addresses") == [Result.VERIFIED]


@pytest.mark.parametrize("numbers", ["all", [0]])
def test_a_withdrawal_by_one_lead_is_found_out_where_the_policy_asked_for_two(
    office: Office, by_two: Desk, numbers: list[int] | str
) -> None:
    ask = _held(by_two)
    by_two.decide_withdrawal(ask, by_two.withdraw(ask, numbers)["withdrawal"])
    what = "status" if numbers == "all" else "addresses"
    for member in (by_two.cast.a.auditor, by_two.cast.b.analyst):
        shown = shown_to(office, member, ask)
        approval = shown.act("approve_withdrawal")
        shown.acts = [act for act in shown.acts if act is not approval]
        assert what in shown.failed()
        shown.swap(shown.acts, shown.act("propose_withdrawal"), act="withdraw")
        assert "policy asked for two" in shown.failed()[what]


def test_with_nothing_held_or_before_the_policy_one_lead_is_enough(
    office: Office, by_two: Desk
) -> None:
    empty, let_go = by_two.go_out(), _held(by_two)
    hold = by_two.sql("SELECT max(id) FROM hold")
    by_two.report(by_two.cast.b, let_go, released(hold, 100, "false_positive"))
    by_two.clock.step(DAY / 24)
    for ask in (empty, let_go):
        assert by_two.withdraw(ask)["status"] == "withdrawn"
        assert examined(office, by_two.cast.a.auditor, ask).failures == []


@pytest.mark.parametrize("before", ["not yet shared", "let go whole", "handed on"])
def test_what_did_not_count_for_a_request_is_not_let_go_by_one_lead(
    office: Office, by_two: Desk, before: str
) -> None:
    b = by_two.cast.b
    first, second = by_two.go_out(), by_two.go_out()
    hold = by_two.hold(b, first)
    if before != "not yet shared":
        by_two.report(b, second, shared(hold, 0))
    if before == "let go whole":
        by_two.report(b, second, released(hold, 100, "false_positive"))
    by_two.clock.step(DAY / 24)
    ends = first if before == "handed on" else second
    if before == "handed on":
        by_two.decide_withdrawal(first, by_two.withdraw(first, [0])["withdrawal"])
        by_two.report(b, first, kept(hold, "other_request", other_request=second.id))
        by_two.clock.step(DAY / 24)
    numbers: list[int] | str = "all" if before == "handed on" else [0]
    assert "withdrawal" not in by_two.withdraw(ends, numbers)
    if before == "not yet shared":
        by_two.report(b, second, shared(hold, 0))
    for member in (by_two.cast.a.auditor, b.analyst):
        assert examined(office, member, ends).failures == []


def test_what_a_request_shares_is_let_go_by_two_leads(office: Office, by_two: Desk) -> None:
    b = by_two.cast.b
    first, second = by_two.go_out(), by_two.go_out()
    by_two.report(b, second, shared(by_two.hold(b, first), 0))
    by_two.clock.step(DAY / 24)
    by_two.decide_withdrawal(second, by_two.withdraw(second)["withdrawal"])
    shown = shown_to(office, by_two.cast.a.auditor, second)
    assert shown.failed() == {}
    shown.acts.remove(shown.act("approve_withdrawal"))
    shown.swap(shown.acts, shown.act("propose_withdrawal"), act="withdraw")
    assert "policy asked for two" in shown.failed()["status"]


def test_an_approval_of_another_proposal_is_found_out(office: Office, by_two: Desk) -> None:
    ask = _held(by_two)
    first, second = (by_two.withdraw(ask, numbers)["withdrawal"] for numbers in ([0], [1, 0]))
    by_two.decide_withdrawal(ask, first)
    assert second["withdrawal_status"] == "pending"
    shown = shown_to(office, by_two.cast.a.auditor, ask)
    proposed = shown.act("propose_withdrawal")
    shown.acts = [act for act in shown.acts if act is not proposed]
    assert "nobody's signature proposes" in shown.failed()["addresses"]


def test_a_dispute_upheld_by_one_lead_is_found_out_where_the_policy_asked_for_two(
    office: Office, by_two: Desk
) -> None:
    a, b = by_two.cast.a, by_two.cast.b
    ask = _held(by_two)
    words = {"reference": "case-18", "text": "Good faith."}
    dispute = by_two.act(b.compliance, ask, "disputes", **words)["id"]
    uphold = {"resolution": "upheld", "text": "A shop."}
    _, proposed = office.act(a.lead, ask, f"disputes/{dispute}/resolution", **uphold)
    by_two.decide_withdrawal(ask, proposed["withdrawal"])
    for member in (a.auditor, b.analyst):
        shown = shown_to(office, member, ask)
        assert shown.failed() == {}
        approval = shown.act("approve_withdrawal")
        shown.acts = [act for act in shown.acts if act is not approval]
        assert "nobody's signature answers it" in shown.failed()["disputes"]
        shown.swap(shown.acts, shown.act("propose_resolution"), act="resolve_dispute")
        assert "policy asked for two" in shown.failed()["disputes"]


def test_a_timer_takes_nothing_back_that_was_approved(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    shown = shown_to(office, a.auditor, desk.go_out())
    shown.view = shown.view.model_copy(update={"status": RequestStatus.WITHDRAWN})
    legs = [leg.model_copy(update={"status": LegStatus.WITHDRAWN}) for leg in shown.legs_shown]
    shown.legs_shown = legs
    assert set(shown.failed()) == {"status"}  # nobody withdrew it
    timer = {"act": "lapse", "act_id": "act_timer", "kind": EvidenceKind.COORDINATOR, **_NOBODY}
    shown.acts.append(shown.act("approve").model_copy(update=timer))
    assert "no timer" in shown.failed()["status"]


def test_a_signed_withdrawal_is_not_passed_over(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out()
    desk.withdraw(ask)
    shown = shown_to(office, a.auditor, ask)
    shown.view = shown.view.model_copy(update={"status": RequestStatus.ACTIVE})
    assert "withdrew it" in shown.failed()["status"]


def test_partners_whom_nobody_asked_and_legs_that_are_hidden_are_found_out(
    office: Office,
) -> None:
    desk, a = office.desk, office.desk.cast.a
    shown = shown_to(office, a.auditor, desk.go_out(to=[desk.cast.b.handle, desk.cast.c.handle]))
    hidden = shown.legs_shown.pop()
    assert hidden.partner in shown.failed()["partners asked"]
    added = hidden.model_copy(update={"partner": desk.cast.d.handle})
    shown.legs_shown += [hidden, added]
    assert desk.cast.d.handle in shown.failed()["partners asked"]
    shown.legs_shown[-1] = hidden.model_copy(update={"id": "leg_again"})
    assert "more than one leg" in shown.failed()["partners asked"]


def test_a_lead_of_another_partner_approves_nothing(office: Office) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    ask = desk.go_out(to=[b.handle])
    shown = shown_to(office, a.auditor, ask)
    genuine = shown.act("approve")
    body = (genuine.body or "").encode()
    token = request_token(b.lead, "POST", f"{REQUESTS}/{ask.id}/approvals", body, desk.clock)
    by_b = {"partner": b.handle, "subject": b.lead.subject, "kid": b.lead.key.kid, "token": token}
    shown.swap(shown.acts, genuine, **by_b)
    [approval] = shown.view.approvals
    named = approval.model_copy(update={"person": b.lead.subject, "kid": b.lead.key.kid})
    shown.view = shown.view.model_copy(update={"approvals": [named]})
    failed = shown.failed()
    assert "the requester's to do" in failed["approve"]
    assert "approvals" in failed


@pytest.mark.parametrize(
    "changes", [{"person": "per_x"}, {"kid": "k"}, {"decision": Decision.REJECT}]
)
def test_decisions_shown_otherwise_than_signed_are_found_out(
    office: Office, changes: dict[str, Any]
) -> None:
    shown = shown_to(office, office.desk.cast.a.auditor, office.desk.go_out())
    [approval] = shown.view.approvals
    altered = approval.model_copy(update=changes)
    for approvals in ([], [altered], [approval, altered.model_copy(update={"id": "act_2"})]):
        shown.view = shown.view.model_copy(update={"approvals": approvals})
        assert "decisions shown" in shown.failed()["approvals"]


@pytest.mark.parametrize("addresses_flagged", [1, 90])
def test_a_notice_proves_a_quorum_of_ten(office: Office, addresses_flagged: int) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    leads = [
        Member(a.handle, new_id("per"), PrivateKey.generate(), (Role.SECURITY_LEAD,))
        for _ in range(10)
    ]
    for lead in leads:
        assert office.signer.post(a.root, "/v1/grants", grant_body(lead)).status_code == 201
    desk.policy(a, approval_quorum=10)
    desk.clock.step(DAY / 24)
    flagged = addresses(addresses_flagged, desk.made + 2_000)
    desk.made += 100
    ask = desk.submit(addresses=flagged, to=[b.handle])
    for lead in leads:
        desk.decide(ask, lead)
    desk.clock.step(DAY / 24)
    desk.policy(a)
    body, data = next(
        (body, event["data"])
        for _, body in desk.raw_feed(b)
        if (event := strict_json.loads(body))["type"] == "freeze_request.received"
        and event["data"]["request_id"] == ask.id
    )
    assert len(body) < 20_000
    reader = MemberReader(office.signer, b.analyst)
    directory = KeyDirectory(reader, ORIGIN)
    notice = prove_notice(data, directory=directory, handle=b.handle, fetch=reader.evidence)
    assert len(notice.approvals) == 10
    with pytest.raises(UntrustedEvidenceError, match="9 approved"):
        prove_notice(
            {**data, "approvals": data["approvals"][:9]},
            directory=directory,
            handle=b.handle,
            fetch=reader.evidence,
        )


# --- what is shown of the request ----------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": "Other words."},
        {"address_count": 5},
        {"tlp": "CLEAR"},
        {"hold_hours": 1},
        {"submitted_by": "per_01h455vb4pex5vsknk084sn02q"},
        {"rulebook_sha256": "0" * 64},
        {"interest": InterestView(kinds=[InterestKind.CLAIM], statement="It owes us.")},
        {"why_you": [WhyYouView(why="It is at yours.")]},
    ],
)
def test_a_request_shown_otherwise_than_signed_is_found_out(
    office: Office, changes: dict[str, Any]
) -> None:
    shown = shown_to(office, office.desk.cast.a.auditor, office.desk.go_out())
    shown.view = shown.view.model_copy(update=changes)
    assert "otherwise than signed" in shown.failed()["request"]


# --- the ledger ----------------------------------------------------------------------------------


def _without_line(shown: Shown) -> None:
    shown.lines.remove(shown.line("released"))


def _another_line(shown: Shown) -> None:
    line = shown.line("returned")
    shown.lines.append(line.model_copy(update={"id": "lin_7zzzzzzzzzzzzzzzzzzzzzzzzz"}))


def _line_of_no_report(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("released"), report_id="act_made_up")


def _line_beside_the_reports(shown: Shown) -> None:
    more = {"id": "lin_7zzzzzzzzzzzzzzzzzzzzzzzzz", "report_id": "act_made_up"}
    shown.lines.append(shown.line("nothing").model_copy(update=more))


def _amount(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("frozen"), amount="901")


def _amount_withheld(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("found"), amount=None, withheld=True)


def _correction(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("correction"), amount="5")


def _corrects(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("correction"), corrects=shown.line("frozen").id)


def _hold_of_line(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("released"), hold=shown.line("frozen", 1).hold)


def _swapped_holds(shown: Shown) -> None:
    first, second = shown.line("frozen"), shown.line("frozen", 1)
    shown.swap(shown.lines, first, hold=second.hold)
    shown.swap(shown.lines, second, hold=first.hold)


def _same_hold(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("frozen", 1), hold=shown.line("frozen").hold)


def _reversed(shown: Shown) -> None:
    shown.lines.reverse()


def _reordered(shown: Shown) -> None:
    line = shown.line("nothing")
    shown.lines.remove(line)
    shown.lines.insert(0, line)


def _other_partner(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("released"), partner="exchange-c.example")


def _other_leg(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("released"), leg_id=shown.legs_shown[-1].id)


def _other_address(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("released"), address_no=3)


def _other_asset(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("found"), asset="eip155:1/slip44:61")


def _other_reason(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("released"), reason="court_order")


def _other_code(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("nothing"), code="no_match")


def _backdated(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("frozen"), reported_at=NOON - DAY)


def _other_value(shown: Shown) -> None:
    shown.swap(shown.lines, shown.line("found"), usd=None)


def _balance(shown: Shown) -> None:
    shown.swap(shown.holds_shown, shown.holds_shown[0], held="1")


def _missing_hold(shown: Shown) -> None:
    shown.holds_shown.pop()


def _invented_hold(shown: Shown) -> None:
    hold = shown.holds_shown[0].model_copy(update={"id": "hld_7zzzzzzzzzzzzzzzzzzzzzzzzz"})
    shown.holds_shown.append(hold)


def _hold_of_another(shown: Shown) -> None:
    shown.swap(shown.holds_shown, shown.holds_shown[0], partner="exchange-c.example")


def _frozen_earlier(shown: Shown) -> None:
    shown.swap(shown.holds_shown, shown.holds_shown[0], frozen_at=NOON - DAY)


def _leg_totals(shown: Shown) -> None:
    leg = next(leg for leg in shown.legs_shown if leg.totals)
    [(asset, sums)] = leg.totals.items()
    shown.swap(shown.legs_shown, leg, totals={asset: sums.model_copy(update={"released": "151"})})


@_ON_PAPER
@pytest.mark.parametrize(
    "attack",
    [
        _without_line,
        _another_line,
        _line_of_no_report,
        _line_beside_the_reports,
        _amount,
        _amount_withheld,
        _correction,
        _corrects,
        _hold_of_line,
        _swapped_holds,
        _same_hold,
        _reversed,
        _reordered,
        _other_partner,
        _other_leg,
        _other_address,
        _other_asset,
        _other_reason,
        _other_code,
        _backdated,
        _other_value,
        _balance,
        _missing_hold,
        _invented_hold,
        _hold_of_another,
        _frozen_earlier,
        _leg_totals,
    ],
)
def test_a_ledger_that_is_not_what_was_signed_is_found_out(
    shown: Shown, attack: Callable[[Shown], None]
) -> None:
    attack(shown)
    assert "ledger" in shown.failed()


def test_two_holds_of_a_report_that_change_places_everywhere_are_found_out(
    office: Office,
) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.go_out(to=[b.handle])
    desk.report(b, ask, found(0, 30), frozen(0, 10), frozen(0, 20))
    shown = shown_to(office, desk.cast.a.auditor, ask)
    _swapped_holds(shown)
    first, second = shown.holds_shown
    shown.holds_shown = [
        first.model_copy(update={"id": second.id}),
        second.model_copy(update={"id": first.id}),
    ]
    assert ": hold" in shown.failed()["ledger"]


def test_two_holds_shown_as_one_are_found_out(office: Office) -> None:
    desk, b = office.desk, office.desk.cast.b
    ask = desk.go_out(to=[b.handle])
    desk.report(b, ask, found(0, 30), frozen(0, 10))
    desk.report(b, ask, frozen(0, 20))
    shown = shown_to(office, desk.cast.a.auditor, ask)
    _same_hold(shown)
    whole = shown.holds_shown[0].model_copy(update={"frozen": "30", "held": "30"})
    shown.holds_shown = [whole]
    assert "cannot be its own" in shown.failed()["ledger"]


@_ON_PAPER
@pytest.mark.parametrize("name", ["found", "frozen", "held", "released", "returned", "seized"])
def test_a_total_that_does_not_add_up_is_found_out(shown: Shown, name: str) -> None:
    [(asset, sums)] = shown.view.totals.items()
    for changes in ({name: str(int(getattr(sums, name)) + 1)}, {"withheld": 9}):
        totals = {asset: sums.model_copy(update=changes)}
        shown.view = shown.view.model_copy(update={"totals": totals})
        assert set(shown.failed()) == {"totals"}


@_ON_PAPER
def test_a_total_in_dollars_that_does_not_add_up_is_found_out(shown: Shown) -> None:
    [(asset, sums)] = shown.view.totals.items()
    assert sums.usd is not None
    usd = sums.usd.model_copy(update={"held": "1.00"})
    totals = {asset: sums.model_copy(update={"usd": usd})}
    shown.view = shown.view.model_copy(update={"totals": totals})
    assert "held in USD" in shown.failed()["totals"]


@_ON_PAPER
@pytest.mark.parametrize("status", [LegStatus.RELEASED, LegStatus.QUEUED, LegStatus.DECLINED])
def test_a_leg_shown_otherwise_than_its_acts_come_to_is_found_out(
    shown: Shown, status: LegStatus
) -> None:
    leg = next(leg for leg in shown.legs_shown if leg.partner == "exchange-b.example")
    shown.swap(shown.legs_shown, leg, status=status)
    assert status.value in shown.failed()["leg"]


@_ON_PAPER
@pytest.mark.parametrize("moment", [None, NOON + DAY])
def test_a_leg_acknowledged_at_another_time_than_signed_is_found_out(
    shown: Shown, moment: datetime | None
) -> None:
    leg = next(leg for leg in shown.legs_shown if leg.partner == "exchange-b.example")
    shown.swap(shown.legs_shown, leg, acknowledged_at=moment)
    assert "acknowledged" in shown.failed()["leg"]


def test_a_leg_that_nobody_acknowledged_is_not_shown_as_if(office: Office) -> None:
    shown = shown_to(office, office.desk.cast.a.auditor, office.desk.go_out())
    shown.swap(shown.legs_shown, shown.legs_shown[0], acknowledged_at=NOON)
    assert "no act of it says so" in shown.failed()["leg"]


@_ON_PAPER
def test_a_dispute_that_nobody_raised_or_answered_so_is_found_out(shown: Shown) -> None:
    [dispute] = shown.disputes_shown
    for changes in (
        {"text": "Other words."},
        {"hold": None},
        {"partner": "exchange-c.example"},
        {"resolution": "upheld", "resolution_act_id": "act_1"},
        {"resolution": "moot", "resolution_act_id": "act_1"},
    ):
        shown.disputes_shown = [dispute.model_copy(update=changes)]
        assert dispute.id in shown.failed()["disputes"]
    shown.disputes_shown = []
    assert "0 are shown" in shown.failed()["disputes"]


def test_an_answer_to_a_dispute_is_shown_as_it_was_signed(office: Office) -> None:
    desk, a, b = office.desk, office.desk.cast.a, office.desk.cast.b
    ask = desk.go_out(to=[b.handle])
    desk.hold(b, ask)
    raised = desk.act(b.compliance, ask, "disputes", reference="case-18", text="Good faith.")
    path = f"disputes/{raised['id']}/resolution"
    assert office.act(a.lead, ask, path, resolution="rejected", text="No.")[0] == 201
    shown = shown_to(office, b.analyst, ask)
    assert shown.failed() == {}
    [dispute] = shown.disputes_shown
    for changes in ({"resolution": "upheld"}, {"resolution_text": "Yes."}, {"resolution": None}):
        shown.disputes_shown = [dispute.model_copy(update=changes)]
        assert set(shown.failed()) == {"disputes"}


def test_a_partner_asked_finds_out_what_is_wrong_on_its_own_leg(
    event_rich: tuple[Ask, Shown, Shown],
) -> None:
    shown = event_rich[2].copy()
    _amount(shown)
    assert set(shown.failed()) == {"ledger", "totals"}
    shown = event_rich[2].copy()
    _omitted_approval(shown)
    assert "approvals" in shown.failed()


def test_a_request_is_borne_out_after_the_names_of_its_people_were_erased(office: Office) -> None:
    desk, a = office.desk, office.desk.cast.a
    ask = desk.go_out()
    for names in ({"display_name": "Ada"}, {"display_name": None}):
        for whose in (a.analyst, a.lead):
            path = f"/v1/people/{whose.subject}"
            assert office.signer.send(a.lead, "PATCH", path, names).status_code == 200
    later = desk.go_out()
    for request in (ask, later):
        examination = examined(office, a.auditor, request)
        assert examination.failures == []
        assert told(examination, "approvals") == [Result.VERIFIED]
    named = office.signer.get(a.auditor, "/v1/people").get_json()["items"]
    assert {person["display_name"] for person in named} == {None}


@pytest.mark.parametrize("drill", [True, False])
def test_a_drill_of_which_a_target_was_wrong_is_in_order_without_a_clearance(
    office: Office,
    drill: bool,  # noqa: FBT001
) -> None:
    desk = office.desk
    ask = desk.go_out(drill=drill)
    desk.withdraw(ask, reason_code="wrong_target")
    examination = examined(office, desk.cast.a.lead, ask)
    assert examination.failures == []
    shown = shown_to(office, desk.cast.a.lead, ask)
    assert bool(shown.clearances_shown) is not drill


def test_a_drill_that_is_shown_as_real_is_found_out(office: Office) -> None:
    desk = office.desk
    ask = desk.go_out(drill=True)
    shown = shown_to(office, desk.cast.a.lead, ask)
    shown.view = shown.view.model_copy(update={"drill": False})
    assert any("drill" in why for why in shown.failed().values())
