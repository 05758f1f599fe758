"""After a withdrawal, a closing or a lapse: what is still taken, what is owed, and what is kept."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from coordinator.domain.hold import owes_answer
from holdfast.protocol.vocabulary import HoldBasis, KeptBasis
from tests.domain.ledger_cases import (
    DAY,
    HOUR,
    NOW,
    Desk,
    correction,
    found,
    frozen,
    kept,
    nothing,
    released,
    share,
    top_up,
    type_id,
)

END = NOW - HOUR
BEFORE = END - timedelta(seconds=1)
LATER = NOW + 5 * DAY


def ended(at: datetime = END) -> dict[str, Any]:
    return {"ended_at": at}


def test_messages_cross_so_earlier_freezes_are_taken_and_owe_an_answer() -> None:
    desk = Desk()
    booking = desk.report(found(0, 5), frozen(0, 5, frozen_at=BEFORE), **ended())
    assert booking.owing == booking.opened
    assert owes_answer(desk.hold(booking.opened[0]), withdrawn=True)


def test_a_freeze_after_the_end_is_refused() -> None:
    desk = Desk()
    faults = desk.refused(found(0, 5), frozen(0, 5, frozen_at=END), **ended())
    assert faults == {"/lines/1/frozen_at": "request_ended"}


def test_crossing_lines_are_taken_for_a_day() -> None:
    desk = Desk()
    lines = (found(0, 5), frozen(0, 5, frozen_at=NOW - 10 * DAY))
    assert desk.refused(*lines, **ended(NOW - DAY - timedelta(seconds=1))) == {
        "/lines/0/kind": "request_ended",
        "/lines/1/kind": "request_ended",
    }
    assert desk.report(*lines, **ended(NOW - DAY)).opened


def test_the_window_is_data() -> None:
    desk = Desk()
    assert desk.refused(found(0, 5), **ended(), late_window=HOUR / 2) == {
        "/lines/0/kind": "request_ended"
    }


def test_nobody_is_asked_for_answers_of_nothing_after_the_end() -> None:
    desk = Desk()
    assert desk.refused(nothing("rest"), **ended()) == {"/lines/0/kind": "request_ended"}


def test_lines_on_existing_holds_and_corrections_are_taken_long_after_the_end() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    hold = booking.opened[0]
    over = ended(NOW - 300 * DAY)
    desk.report(released(hold, 40), **over)
    desk.report(correction(booking.lines[1].id, 90), **over)
    assert desk.hold(hold).held == 50


def test_a_top_up_after_the_end_needs_a_time_before_it() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    more = found(0, 10)
    assert desk.refused(more, top_up(hold, 0, 10), **ended()) == {
        "/lines/1/frozen_at": "request_ended"
    }
    booking = desk.report(more, top_up(hold, 0, 10, frozen_at=BEFORE), **ended())
    assert booking.owing == (hold,)


def test_a_withdrawn_address_takes_no_later_freeze() -> None:
    desk = Desk()
    withdrawn: dict[str, Any] = {"withdrawn": {0: END}}
    faults = desk.refused(found(0, 5), frozen(0, 5, frozen_at=END), **withdrawn)
    assert faults == {"/lines/1/frozen_at": "address_withdrawn"}
    booking = desk.report(
        found(0, 5),
        frozen(0, 5, frozen_at=BEFORE),
        found(1, 5),
        frozen(1, 5, frozen_at=NOW),
        **withdrawn,
    )
    assert booking.owing == booking.opened[:1]


def test_a_hold_frozen_after_the_withdrawal_is_not_shared_with_it() -> None:
    desk, other = Desk(), Desk("leg_2")
    late, early = other.opens(0, 5, frozen_at=NOW), other.opens(0, 5, frozen_at=BEFORE)
    desk.ledger.other_holds = dict(other.ledger.holds)
    assert desk.refused(share(late, 0), **ended()) == {"/lines/0/frozen_at": "request_ended"}
    assert desk.report(share(early, 0), **ended()).owing == (early,)


def test_a_freeze_that_was_let_go_in_the_same_report_owes_nothing() -> None:
    desk = Desk()
    hold = desk.opens(0, 10)
    lines = (found(0, 5), top_up(hold, 0, 5, frozen_at=BEFORE), released(hold, 15))
    assert desk.report(*lines, **ended()).owing == ()


def test_keeping_answers_for_a_hold_with_a_new_end_and_a_ground() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    line = desk.report(kept(hold, hold_expires_at=LATER), **ended()).lines[0]
    balance = desk.hold(hold)
    assert (balance.kept, balance.basis, balance.hold_expires_at) == (
        KeptBasis.OWN_POLICY,
        HoldBasis.OWN_POLICY,
        LATER,
    )
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
    desk.report(kept(hold, hold_expires_at=LATER), withdrawn={0: NOW})


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
