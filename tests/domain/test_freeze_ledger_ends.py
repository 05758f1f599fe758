"""After a withdrawal, a closing or a lapse: what is still taken, what is owed, and what is kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from coordinator.domain.encumbrance import Claim
from coordinator.domain.freeze_ledger import Booking
from coordinator.domain.hold import owes_answer
from coordinator.domain.irregular import Ends
from holdfast.protocol.payloads import ReportLine
from holdfast.protocol.vocabulary import Blocked, HoldBasis, Irregular, KeptBasis
from tests.domain.ledger_cases import (
    DAY,
    HOUR,
    NOW,
    Desk,
    correction,
    found,
    frozen,
    kept,
    line,
    nothing,
    released,
    returned,
    seized,
    share,
    top_up,
    type_id,
)

END = NOW - HOUR
BEFORE = END - timedelta(seconds=1)
LATER = NOW + 5 * DAY


def ended(at: datetime = END) -> dict[str, Any]:
    return {"ends": Ends(ended_at=at)}


def marks(booking: Booking) -> list[Irregular | None]:
    return [line.irregular for line in booking.lines]


def by_court(hold: str, amount: int) -> ReportLine:
    return line("released", hold=hold, amount=str(amount), reason="court_order")


def returned_by_court(hold: str, amount: int) -> ReportLine:
    return line("returned", hold=hold, amount=str(amount), tx="0xabc", reason="court_order")


def returned_otherwise(hold: str, amount: int) -> ReportLine:
    return line("returned", hold=hold, amount=str(amount), tx="0xabc", reason="appeal_upheld")


def test_messages_cross_so_earlier_freezes_are_taken_and_owe_an_answer() -> None:
    desk = Desk()
    booking = desk.report(found(0, 5), frozen(0, 5, frozen_at=BEFORE), **ended())
    assert booking.owing == booking.opened
    assert owes_answer(desk.hold(booking.opened[0]), withdrawn=True)


def test_a_freeze_after_the_end_is_taken_as_irregular_and_owes_an_answer() -> None:
    desk = Desk()
    booking = desk.report(found(0, 5), frozen(0, 5, frozen_at=END), **ended())
    assert marks(booking) == [None, Irregular.AFTER_END]
    assert desk.hold(booking.opened[0]).irregular is Irregular.AFTER_END
    assert booking.owing == booking.opened


def test_what_crosses_for_more_than_a_day_is_late_whatever_it_is() -> None:
    lines = (found(0, 5), frozen(0, 5, frozen_at=NOW - 10 * DAY), nothing("rest"))
    late = Desk().report(*lines, **ended(NOW - DAY - timedelta(microseconds=1)))
    assert marks(late) == [Irregular.LATE] * 3
    assert late.owing == late.opened
    assert marks(Desk().report(*lines, **ended(NOW - DAY))) == [None] * 3


def test_a_freeze_after_the_end_that_is_reported_late_shows_the_worse_of_both() -> None:
    lines = (found(0, 5), frozen(0, 5, frozen_at=NOW - DAY))
    booking = Desk().report(*lines, **ended(NOW - 2 * DAY))
    assert marks(booking) == [Irregular.LATE, Irregular.AFTER_END]


def test_the_window_is_data() -> None:
    booking = Desk().report(found(0, 5), **ended(), late_window=HOUR / 2)
    assert marks(booking) == [Irregular.LATE]


def test_answers_of_nothing_are_taken_after_the_end() -> None:
    booking = Desk().report(nothing("rest"), **ended())
    assert marks(booking) == [None]
    assert len(booking.touched_nothing) == 5


def test_an_answer_about_an_address_that_was_withdrawn_long_ago_is_late() -> None:
    gone: dict[str, Any] = {"ends": Ends(withdrawn={1: NOW - 2 * DAY})}
    booking = Desk().report(nothing([0]), nothing([1, 2]), found(3, 1), **gone)
    assert marks(booking) == [None, Irregular.LATE, None]


def test_a_freeze_of_what_nobody_ratified_is_irregular_and_owes_an_answer() -> None:
    desk = Desk()
    since: dict[str, Any] = {"ends": Ends(unratified_at=END)}
    lines = (found(0, 9), frozen(0, 4, frozen_at=BEFORE), frozen(0, 5, frozen_at=END))
    booking = desk.report(*lines, **since)
    assert marks(booking) == [None, None, Irregular.AFTER_END]
    assert booking.owing == booking.opened[1:]
    desk.report(kept(booking.opened[1], hold_expires_at=LATER), **since)
    assert desk.refused(kept(booking.opened[0], hold_expires_at=LATER), **since) == {
        "/lines/0/hold": "nothing_owed"
    }


def test_a_top_up_of_what_nobody_ratified_marks_the_hold_and_owes_an_answer() -> None:
    desk = Desk()
    hold = desk.opens(0, 5, frozen_at=BEFORE)
    since: dict[str, Any] = {"ends": Ends(unratified_at=END)}
    booking = desk.report(found(0, 5), top_up(hold, 0, 5), **since)
    assert desk.hold(hold).irregular is Irregular.AFTER_END
    assert booking.owing == (hold,)
    desk.report(kept(hold, hold_expires_at=LATER), **since)


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        (released, Irregular.ENCUMBERED),
        (returned, Irregular.ENCUMBERED),
        (seized, None),
        (by_court, None),
        (returned_by_court, None),
        (returned_otherwise, Irregular.ENCUMBERED),
    ],
)
def test_what_goes_against_an_order_is_encumbered_and_what_carries_it_out_is_not(
    line: Callable[[str, int], ReportLine], mark: Irregular | None
) -> None:
    desk = Desk()
    hold, free = desk.opens(0, 100), desk.opens(1, 100)
    booking = desk.report(line(hold, 40), line(free, 40), encumbered={hold: [Claim("ord_1", None)]})
    assert marks(booking) == [mark, None]
    assert (desk.hold(hold).held, desk.hold(hold).irregular) == (60, None)


RETURN_ALONE = Claim("enc_2", None, frozenset({Blocked.RETURN}))


@pytest.mark.parametrize(
    ("claims", "lines", "expected"),
    [
        # What is free may go, line by line, until the claim is not covered any more.
        ([Claim("enc_1", 60)], [(released, 30), (released, 10)], [None, None]),
        ([Claim("enc_1", 60)], [(released, 30), (released, 11)], [None, Irregular.ENCUMBERED]),
        ([Claim("enc_1", 60)], [(seized, 40), (released, 1)], [None, Irregular.ENCUMBERED]),
        ([Claim("enc_1", 60)], [(by_court, 90), (released, 1)], [None, Irregular.ENCUMBERED]),
        # Claims add up; one of more than there is takes all.
        ([Claim("enc_1", 60), Claim("enc_3", 30)], [(released, 11)], [Irregular.ENCUMBERED]),
        ([Claim("enc_1", 60), Claim("enc_3", 30)], [(released, 10)], [None]),
        ([Claim("enc_1", 10**9)], [(released, 1)], [Irregular.ENCUMBERED]),
        # One that blocks returns alone lets releases pass.
        ([RETURN_ALONE], [(released, 50), (returned, 1)], [None, Irregular.ENCUMBERED]),
    ],
)
def test_what_a_claim_leaves_free_may_go(
    claims: list[Claim],
    lines: list[tuple[Callable[[str, int], ReportLine], int]],
    expected: list[Irregular | None],
) -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    said = [line(hold, amount) for line, amount in lines]
    assert marks(desk.report(*said, encumbered={hold: claims})) == expected


def test_a_correction_that_tells_of_more_gone_than_was_free_is_encumbered() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    claims = {hold: [Claim("enc_1", 60)]}
    first = desk.report(released(hold, 10), encumbered=claims).lines[0].id
    up = desk.report(correction(first, 41), encumbered=claims)
    assert marks(up) == [Irregular.ENCUMBERED]
    assert marks(desk.report(correction(first, 40), encumbered=claims)) == [None]
    by_order = desk.report(by_court(hold, 10), encumbered=claims).lines[0].id
    assert marks(desk.report(correction(by_order, 60), encumbered=claims)) == [None]


def test_nothing_leaves_a_withheld_hold_beside_a_claim() -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    booking = desk.report(released(hold, 1), encumbered={hold: [Claim("enc_1", 1)]})
    assert marks(booking) == [Irregular.ENCUMBERED]


def test_a_freeze_whose_end_has_passed_when_it_is_reported_is_taken() -> None:
    desk = Desk()
    past = {"frozen_at": NOW - 3 * DAY, "hold_expires_at": NOW - DAY}
    hold = desk.opens(0, 100, **past)
    assert owes_answer(replace(desk.hold(hold), lapsed=True), withdrawn=False)
    desk.report(kept(hold, hold_expires_at=LATER))


def test_lines_on_existing_holds_and_corrections_are_taken_long_after_the_end() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    hold = booking.opened[0]
    over = ended(NOW - 300 * DAY)
    desk.report(released(hold, 40), **over)
    desk.report(correction(booking.lines[1].id, 90), **over)
    assert desk.hold(hold).held == 50


def test_a_top_up_without_a_time_of_its_own_was_made_after_the_end() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    more = found(0, 10)
    booking = desk.report(more, top_up(hold, 0, 10, frozen_at=BEFORE), **ended())
    assert (marks(booking), booking.owing) == ([None, None], (hold,))
    booking = desk.report(more, top_up(hold, 0, 10), **ended())
    assert (marks(booking), booking.owing) == ([None, Irregular.AFTER_END], (hold,))
    assert desk.hold(hold).irregular is Irregular.AFTER_END


def test_a_later_freeze_of_a_withdrawn_address_is_irregular() -> None:
    desk = Desk()
    withdrawn: dict[str, Any] = {"ends": Ends(withdrawn={0: END})}
    late = desk.report(found(0, 5), frozen(0, 5, frozen_at=END), **withdrawn)
    assert (marks(late), late.owing) == ([None, Irregular.AFTER_END], late.opened)
    booking = desk.report(
        found(0, 5),
        frozen(0, 5, frozen_at=BEFORE),
        found(1, 5),
        frozen(1, 5, frozen_at=NOW),
        **withdrawn,
    )
    assert booking.owing == booking.opened[:1]
    assert marks(booking) == [None] * 4


def test_a_hold_frozen_after_the_withdrawal_is_shared_with_it_as_irregular() -> None:
    desk, other = Desk(), Desk("leg_2")
    late, early = other.opens(0, 5, frozen_at=NOW), other.opens(0, 5, frozen_at=BEFORE)
    desk.ledger.other_holds = dict(other.ledger.holds)
    booking = desk.report(share(late, 0), share(early, 0), **ended())
    assert marks(booking) == [Irregular.AFTER_END, None]
    assert booking.owing == (late, early)
    # What is irregular for this request says nothing of the one that it was frozen for.
    assert desk.ledger.other_holds[late].irregular is None


def test_a_freeze_that_was_let_go_in_the_same_report_owes_nothing() -> None:
    desk = Desk()
    hold = desk.opens(0, 10)
    lines = (found(0, 5), top_up(hold, 0, 5, frozen_at=BEFORE), released(hold, 15))
    assert desk.report(*lines, **ended()).owing == ()


def test_keeping_answers_for_a_hold_with_a_new_end_and_a_ground() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.ledger.holds[hold] = replace(desk.hold(hold), review_at=NOW + HOUR)
    line = desk.report(kept(hold, hold_expires_at=LATER), **ended()).lines[0]
    balance = desk.hold(hold)
    assert (balance.kept, balance.basis, balance.hold_expires_at) == (
        KeptBasis.OWN_POLICY,
        HoldBasis.OWN_POLICY,
        LATER,
    )
    assert balance.review_at is None
    assert not owes_answer(balance, withdrawn=True)
    assert (line.code, line.hold_id, line.address_no) == ("own_policy", hold, 0)


def test_keeping_on_an_order_sets_a_review_date() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.report(kept(hold, "legal_order", hold_expires_at=NOW + 300 * DAY), **ended())
    assert desk.hold(hold).basis is HoldBasis.LEGAL_ORDER


def test_a_lapsed_hold_is_kept_by_its_partners_word() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.ledger.holds[hold] = replace(desk.hold(hold), lapsed=True)
    desk.report(kept(hold, hold_expires_at=LATER))
    assert not desk.hold(hold).lapsed


def test_a_hold_whose_end_has_passed_may_be_kept_before_the_timer_notices() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    after: dict[str, Any] = {"now": NOW + 4 * DAY}
    desk.report(kept(hold, hold_expires_at=NOW + 9 * DAY), **after)
    assert desk.hold(hold).kept is KeptBasis.OWN_POLICY


def test_a_hold_on_a_withdrawn_address_may_be_kept() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.report(kept(hold, hold_expires_at=LATER), ends=Ends(withdrawn={0: NOW}))


def test_what_is_kept_must_be_held_owed_and_dated() -> None:
    desk = Desk()
    hold, empty = desk.opens(0, 100), desk.opens(1, 100)
    desk.report(released(empty, 100))
    good = kept(hold, hold_expires_at=LATER)
    assert desk.refused(good) == {"/lines/0/hold": "nothing_owed"}
    assert desk.refused(good, good, **ended()) == {"/lines/1/hold": "kept_twice"}
    assert desk.refused(kept(empty, hold_expires_at=LATER), **ended()) == {
        "/lines/0/hold": "hold_ended"
    }
    assert desk.refused(kept(hold), **ended()) == {"/lines/0/hold_expires_at": "end_missing"}
    assert desk.refused(kept(hold, hold_expires_at=NOW), **ended()) == {
        "/lines/0/hold_expires_at": "end_past"
    }
    assert desk.refused(kept(hold, hold_expires_at=NOW + 181 * DAY), **ended()) == {
        "/lines/0/hold_expires_at": "end_too_far"
    }
    other = type_id("frq", 1)
    assert desk.refused(kept(hold, hold_expires_at=LATER, other_request=other), **ended()) == {
        "/lines/0/other_request": "unexpected"
    }
    assert desk.refused(kept(type_id("hld", 999), hold_expires_at=LATER), **ended()) == {
        "/lines/0/hold": "no_such_hold"
    }


def test_a_legal_order_is_reviewed_and_never_owed_for_its_date_alone() -> None:
    desk = Desk()
    hold = desk.opens(0, 100, basis="legal_order")
    faults = desk.refused(kept(hold, hold_expires_at=NOW + 9 * DAY), now=NOW + 4 * DAY)
    assert faults == {"/lines/0/hold": "nothing_owed"}


@pytest.mark.parametrize("kept_first", [True, False])
def test_a_part_may_be_released_and_the_rest_kept_in_one_report(*, kept_first: bool) -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    lines = [kept(hold, hold_expires_at=LATER), released(hold, 40)]
    desk.report(*(lines if kept_first else reversed(lines)), **ended())
    assert desk.hold(hold).held == 60
    assert desk.hold(hold).kept is KeptBasis.OWN_POLICY


@pytest.mark.parametrize("by", ["release", "top_up"])
def test_a_later_line_supersedes_what_was_kept(by: str) -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.report(kept(hold, hold_expires_at=LATER), **ended())
    if by == "release":
        desk.report(released(hold, 40), **ended())
    else:
        desk.report(found(0, 1), top_up(hold, 0, 1, frozen_at=BEFORE), **ended())
    assert owes_answer(desk.hold(hold), withdrawn=True)
