"""Corrections: they replace an amount, the ledger must still add up, and the latest wins."""

import pytest

from holdfast.protocol.vocabulary import LegStatus
from tests.domain.ledger_cases import (
    ETH,
    Desk,
    correction,
    flagged,
    found,
    frozen,
    kept,
    nothing,
    released,
    returned,
    seized,
    share,
    top_up,
    type_id,
)


def test_the_latest_correction_wins() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 1_000)).lines[0].id
    desk.report(correction(line_id, 10))
    booking = desk.report(correction(line_id, 100))
    assert desk.ledger.findings[0, ETH].found == 100
    booked = booking.lines[0]
    assert (booked.corrects, booked.amount, booked.address_no, booked.asset) == (
        line_id,
        100,
        0,
        ETH,
    )


@pytest.mark.parametrize("gone", [released, returned, seized])
def test_what_left_a_hold_can_be_corrected_both_ways(gone: object) -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    line_id = desk.report(gone(hold, 100)).lines[0].id  # type: ignore[operator]
    desk.report(correction(line_id, 10))
    assert desk.hold(hold).held == 90
    assert desk.refused(correction(line_id, 101)) == {"/lines/0/amount": "more_than_held"}
    desk.report(correction(line_id, 0))
    assert desk.hold(hold).held == 100


def test_frozen_is_not_lowered_below_what_left_unless_that_is_corrected_too() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    frozen_line, hold = booking.lines[1].id, booking.opened[0]
    out = desk.report(released(hold, 60)).lines[0].id
    assert desk.refused(correction(frozen_line, 50)) == {"/lines/0/amount": "more_than_held"}
    desk.report(correction(frozen_line, 50), correction(out, 50))
    assert (desk.hold(hold).frozen, desk.hold(hold).held) == (50, 0)


def test_found_is_not_lowered_below_what_was_frozen() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    found_line, frozen_line = (each.id for each in booking.lines)
    assert desk.refused(correction(found_line, 99)) == {"/lines/0/amount": "frozen_exceeds_found"}
    desk.report(correction(found_line, 99), correction(frozen_line, 99))


def test_frozen_is_not_raised_above_what_was_found_or_stated() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100)
    booking = desk.report(found(0, 100), frozen(0, 50))
    found_line, frozen_line = (each.id for each in booking.lines)
    assert desk.refused(correction(frozen_line, 101)) == {
        "/lines/0/amount": "frozen_exceeds_found",
        "/lines/0/account_level": "beyond_stated_amount",
    }
    assert desk.refused(correction(frozen_line, 101), correction(found_line, 101)) == {
        "/lines/0/account_level": "beyond_stated_amount"
    }
    desk.report(correction(frozen_line, 100))


def test_a_correction_may_raise_frozen_beyond_what_is_stated_by_saying_the_whole_account() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100)
    booking = desk.report(found(0, 300), frozen(0, 50))
    found_line, frozen_line = (each.id for each in booking.lines)
    hold = booking.opened[0]
    desk.report(correction(frozen_line, 300, account_level=True))
    assert (desk.hold(hold).frozen, desk.hold(hold).account_level) == (300, True)
    # It stays so for later corrections, which need not repeat it and cannot take it back.
    desk.report(correction(frozen_line, 200))
    assert desk.refused(correction(frozen_line, 250, account_level=False)) == {
        "/lines/0/account_level": "other_account_level"
    }
    assert desk.refused(correction(found_line, 250, account_level=True)) == {
        "/lines/0/account_level": "unexpected"
    }
    assert (desk.hold(hold).frozen, desk.hold(hold).account_level) == (200, True)


def test_frozen_corrected_to_nothing_voids_the_hold() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    frozen_line, hold = booking.lines[1].id, booking.opened[0]
    voiding = desk.report(correction(frozen_line, 0))
    assert voiding.voided == (hold,)
    assert desk.hold(hold).is_void
    assert desk.status() is LegStatus.UNDER_REVIEW


def test_a_hold_of_two_lines_is_void_once_both_are_nothing() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 60))
    hold = booking.opened[0]
    second = desk.report(top_up(hold, 0, 40)).lines[0].id
    assert desk.report(correction(booking.lines[1].id, 0)).voided == ()
    assert desk.report(correction(second, 0)).voided == (hold,)


def test_a_void_hold_takes_nothing_more() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    frozen_line, hold = booking.lines[1].id, booking.opened[0]
    desk.report(correction(frozen_line, 0))
    desk.ledger.unlinked.add(hold)  # as storage drops its links
    assert desk.refused(correction(frozen_line, 5)) == {"/lines/0/corrects": "hold_void"}
    assert desk.refused(top_up(hold, 0, 5)) == {"/lines/0/hold": "hold_void"}
    assert desk.refused(released(hold, 5)) == {"/lines/0/hold": "hold_void"}
    assert desk.refused(kept(hold)) == {"/lines/0/hold": "hold_void"}


def test_a_correction_names_a_line_of_this_leg() -> None:
    desk = Desk()
    assert desk.refused(correction(type_id("lin", 999), 5)) == {"/lines/0/corrects": "no_such_line"}


def test_only_lines_with_an_amount_are_corrected_and_never_a_correction() -> None:
    desk, other = Desk(), Desk("leg_2")
    shared = other.opens(0, 5)
    desk.ledger.other_holds = dict(other.ledger.holds)
    booking = desk.report(found(0, 5), nothing([1]), share(shared, 2))
    corrected = desk.report(correction(booking.lines[0].id, 6)).lines[0].id
    for line_id in (booking.lines[1].id, booking.lines[2].id, corrected):
        assert desk.refused(correction(line_id, 5)) == {"/lines/0/corrects": "not_correctable"}


def test_one_report_corrects_a_line_once() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 5)).lines[0].id
    assert desk.refused(correction(line_id, 6), correction(line_id, 7)) == {
        "/lines/1/corrects": "corrected_twice"
    }


def test_a_correction_is_an_amount_below_2_to_the_256() -> None:
    desk = Desk()
    booking = desk.report(found(0, 5), frozen(0, 5))
    for each in booking.lines:
        assert desk.refused_input(correction(each.id, 2**256)) == {
            "/lines/0/amount": "amount_too_large"
        }


def test_a_finding_is_not_corrected_to_a_sum_beyond_2_to_the_256() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 5), found(0, 2**256 - 7)).lines[0].id
    assert desk.refused_input(correction(line_id, 7)) == {"/lines/0/amount": "amount_too_large"}


def test_a_correction_does_not_take_back_what_was_kept() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    hold = booking.opened[0]
    ended = {"ended_at": desk.rules["now"]}
    desk.report(kept(hold, hold_expires_at="2026-12-01T00:00:00Z"), **ended)
    desk.report(correction(booking.lines[1].id, 50), **ended)
    assert desk.hold(hold).kept is not None


def test_a_line_about_a_hold_that_no_longer_counts_here_is_corrected_elsewhere() -> None:
    desk, other = Desk(), Desk("leg_2")
    hold = other.opens(0, 5)
    desk.ledger.other_holds = dict(other.ledger.holds)
    desk.report(share(hold, 1))
    line_id = desk.report(released(hold, 1)).lines[0].id
    assert desk.ledger.other_holds[hold].held == 4
    desk.report(correction(line_id, 2))
    assert desk.ledger.other_holds[hold].held == 3
    desk.ledger.other_holds = {}
    assert desk.refused(correction(line_id, 2)) == {"/lines/0/corrects": "not_linked"}
