"""`amount: null`: it counts for the status and not for sums, and no ceiling judges it."""

import pytest

from coordinator.domain.freeze_ledger import totals
from coordinator.domain.ledger_draft import LIMIT
from holdfast.protocol.vocabulary import LegStatus, LineKind
from tests.domain.ledger_cases import (
    ETH,
    Desk,
    correction,
    flagged,
    found,
    frozen,
    released,
    returned,
    seized,
    top_up,
)


def sums(desk: Desk) -> tuple[int, int, int, int]:
    of = totals(desk.ledger.holds.values(), desk.ledger.findings.values())[ETH]
    return of.found, of.frozen, of.held, of.withheld


def test_a_withheld_amount_counts_for_the_status_and_not_for_sums() -> None:
    desk = Desk()
    desk.report(found(0, None), frozen(0, None))
    assert desk.status() is LegStatus.FROZEN
    assert sums(desk) == (0, 0, 0, 2)


def test_a_withheld_finding_alone_is_under_review() -> None:
    desk = Desk()
    booking = desk.report(found(0, None))
    assert desk.status() is LegStatus.UNDER_REVIEW
    assert booking.lines[0].withheld


def test_ceilings_skip_what_is_withheld() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 10)
    desk.report(found(0, 5), frozen(0, None))
    desk.report(found(1, None), frozen(1, 1_000))
    assert desk.status() is LegStatus.FROZEN


def test_a_withheld_hold_beside_a_stated_one_lifts_no_ceiling_of_the_stated_one() -> None:
    desk = Desk()
    desk.report(found(0, 5), frozen(0, None))
    assert desk.refused(frozen(0, 6)) == {"/lines/0/amount": "frozen_exceeds_found"}


def test_partial_is_not_told_where_an_amount_is_withheld() -> None:
    desk = Desk()
    desk.report(found(0, 100), frozen(0, None))
    assert desk.status() is LegStatus.FROZEN
    desk.report(found(1, 100))
    assert desk.status() is LegStatus.PARTIALLY_FROZEN


@pytest.mark.parametrize(
    ("gone", "status"),
    [
        (released, LegStatus.RELEASED),
        (returned, LegStatus.RETURNED),
        (seized, LegStatus.RETURNED),
    ],
)
def test_a_line_without_an_amount_ends_a_withheld_hold_whole(
    gone: object, status: LegStatus
) -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    desk.report(gone(hold, None))  # type: ignore[operator]
    assert not desk.hold(hold).is_open
    assert desk.status() is status


def test_a_withheld_hold_ends_once() -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    faults = desk.refused(released(hold, None), returned(hold, None))
    assert faults == {"/lines/1/amount": "hold_ended"}
    desk.report(released(hold, None))
    assert desk.refused(returned(hold, None)) == {"/lines/0/amount": "hold_ended"}
    assert desk.refused(returned(hold, 5)) == {"/lines/0/amount": "hold_ended"}


def test_stated_parts_leave_a_withheld_hold_which_stays_held() -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    desk.report(returned(hold, 30))
    assert desk.hold(hold).is_open
    assert sums(desk) == (0, 30, 0, 2)  # so much was frozen, for it left: held stays a difference
    assert desk.status() is LegStatus.FROZEN
    desk.report(released(hold, None))
    assert (desk.hold(hold).ended, desk.hold(hold).ended_by) == (True, LineKind.RELEASED)
    assert desk.status() is LegStatus.RETURNED


def test_a_part_and_the_end_of_a_withheld_hold_may_come_together_in_any_order() -> None:
    for lines in ((0, 1), (1, 0)):
        desk = Desk()
        hold = desk.opens(0, None)
        both = (returned(hold, 30), released(hold, None))
        desk.report(*(both[at] for at in lines))
        assert desk.hold(hold).ended


def test_stated_parts_of_a_withheld_hold_stay_below_2_to_the_256() -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    faults = desk.refused_input(returned(hold, LIMIT - 1), returned(hold, 1))
    assert faults == {"/lines/1/amount": "amount_too_large"}


def test_a_stated_hold_is_not_ended_by_a_line_without_an_amount() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    assert desk.refused(released(hold, None)) == {"/lines/0/amount": "amount_stated"}


def test_a_hold_is_told_whole_or_withheld_whole() -> None:
    desk = Desk()
    stated, withheld = desk.opens(0, 100), desk.opens(1, None)
    assert desk.refused(top_up(stated, 0, None)) == {"/lines/0/amount": "partly_withheld"}
    assert desk.refused(top_up(withheld, 1, 5)) == {"/lines/0/amount": "partly_withheld"}
    assert desk.refused(top_up(withheld, 1, None)) == {"/lines/0/amount": "partly_withheld"}


def test_a_withheld_finding_is_withheld_once() -> None:
    desk = Desk()
    assert desk.refused(found(0, None), found(0, None)) == {"/lines/1/amount": "already_withheld"}
    desk.report(found(0, None))
    assert desk.refused(found(0, None)) == {"/lines/0/amount": "already_withheld"}
    desk.report(found(0, 5))  # a part that may be told


def test_a_correction_tells_what_was_withheld() -> None:
    desk = Desk()
    booking = desk.report(found(0, None), frozen(0, None))
    found_line, frozen_line = (each.id for each in booking.lines)
    assert desk.refused(correction(frozen_line, 50), correction(found_line, 40)) == {
        "/lines/1/amount": "frozen_exceeds_found"
    }
    desk.report(correction(frozen_line, 50), correction(found_line, 80))
    assert sums(desk) == (80, 50, 50, 0)
    assert desk.status() is LegStatus.PARTIALLY_FROZEN


def test_a_correction_withholds_what_was_told() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 100))
    for each in booking.lines:
        desk.report(correction(each.id, None))
    assert sums(desk) == (0, 0, 0, 2)
    assert desk.status() is LegStatus.FROZEN


def test_withholding_a_topped_up_hold_would_leave_it_partly_told() -> None:
    desk = Desk()
    booking = desk.report(found(0, 100), frozen(0, 60))
    hold = booking.opened[0]
    desk.report(top_up(hold, 0, 40))
    assert desk.refused(correction(booking.lines[1].id, None)) == {
        "/lines/0/amount": "partly_withheld"
    }


def test_telling_the_amount_of_an_ended_hold_needs_its_end_told_too() -> None:
    desk = Desk()
    booking = desk.report(found(0, None), frozen(0, None))
    frozen_line, hold = booking.lines[1].id, booking.opened[0]
    end = desk.report(returned(hold, None)).lines[0].id
    assert desk.refused(correction(frozen_line, 50)) == {"/lines/0/amount": "amount_stated"}
    desk.report(correction(frozen_line, 50), correction(end, 50))
    balance = desk.hold(hold)
    assert (balance.withheld, balance.returned, balance.held, balance.ended_by) == (
        False,
        50,
        0,
        None,
    )


def test_correcting_the_line_that_ended_a_withheld_hold_opens_it_again() -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    end = desk.report(released(hold, None)).lines[0].id
    desk.report(correction(end, 5))
    assert desk.hold(hold).is_open
    assert desk.hold(hold).ended_by is None
    desk.report(correction(end, None))
    assert not desk.hold(hold).is_open


def test_another_line_may_end_the_hold_where_the_first_is_corrected_in_the_same_report() -> None:
    for order in ((0, 1), (1, 0)):
        desk = Desk()
        hold = desk.opens(0, None)
        end = desk.report(released(hold, None)).lines[0].id
        both = (correction(end, 0), returned(hold, None))
        desk.report(*(both[at] for at in order))
        assert desk.hold(hold).ended
        assert desk.hold(hold).ended_by is LineKind.RETURNED


def test_a_part_may_be_told_where_the_line_that_ended_the_hold_is_corrected() -> None:
    desk = Desk()
    hold = desk.opens(0, None)
    end = desk.report(released(hold, None)).lines[0].id
    desk.report(correction(end, 0), returned(hold, 5))
    assert desk.hold(hold).is_open


def test_what_is_known_to_have_left_a_withheld_hold_uses_up_no_ceiling() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100)
    hold = desk.report(found(0, 100), frozen(0, None)).opened[0]
    desk.report(returned(hold, 80))
    desk.report(frozen(0, 100))
    assert sums(desk) == (100, 180, 100, 1)
