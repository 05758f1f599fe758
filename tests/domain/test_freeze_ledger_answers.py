"""`nothing` lines: which addresses are answered, and when an answer no longer stands."""

import pytest

from holdfast.protocol.vocabulary import DeclineCode, LegStatus
from tests.domain.ledger_cases import (
    Desk,
    correction,
    found,
    frozen,
    nothing,
    share,
)


def test_a_nothing_line_answers_its_addresses() -> None:
    desk = Desk()
    booking = desk.report(nothing([0, 3], "funds_gone"))
    assert desk.ledger.nothing == {0: DeclineCode.FUNDS_GONE, 3: DeclineCode.FUNDS_GONE}
    assert (booking.lines[0].code, booking.lines[0].address_nos) == ("funds_gone", (0, 3))
    assert desk.status() is LegStatus.UNDER_REVIEW


@pytest.mark.parametrize("rest_first", [True, False])
def test_the_rest_is_every_address_without_any_line_wherever_it_stands(*, rest_first: bool) -> None:
    desk = Desk()
    desk.report(found(0, 5), nothing([1], "funds_gone"))
    lines = [found(2, 5), nothing([3], "duplicate")]
    lines = [nothing("rest"), *lines] if rest_first else [*lines, nothing("rest")]
    booking = desk.report(*lines)
    assert desk.ledger.nothing == {
        1: DeclineCode.FUNDS_GONE,
        3: DeclineCode.DUPLICATE,
        4: DeclineCode.NO_MATCH,
    }
    assert booking.lines[0 if rest_first else 2].address_nos == (4,)


def test_the_rest_may_be_empty() -> None:
    desk = Desk()
    desk.report(nothing([0, 1, 2, 3, 4]))
    assert desk.report(nothing("rest")).lines[0].address_nos == ()


def test_an_address_whose_finding_was_corrected_away_is_not_among_the_rest() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 5)).lines[0].id
    desk.report(correction(line_id, 0))
    desk.report(nothing("rest"))
    assert 0 not in desk.ledger.nothing
    assert desk.status() is LegStatus.UNDER_REVIEW
    desk.report(nothing([0]))
    assert desk.status() is LegStatus.NO_MATCH


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("no_match", LegStatus.NO_MATCH),
        ("not_our_address", LegStatus.NO_MATCH),
        ("no_such_transaction", LegStatus.NO_MATCH),
        ("funds_gone", LegStatus.DECLINED),
    ],
)
def test_a_leg_answered_in_full_shows_by_its_codes(code: str, status: LegStatus) -> None:
    desk = Desk()
    desk.report(nothing([0], code), nothing("rest"))
    assert desk.status() is status


def test_a_later_finding_supersedes_the_answer() -> None:
    desk = Desk()
    desk.report(nothing("rest"))
    booking = desk.report(found(2, 5))
    assert booking.touched_nothing == {2: None}
    assert 2 not in desk.ledger.nothing
    assert desk.status() is LegStatus.UNDER_REVIEW


def test_a_later_answer_supersedes_an_earlier_one() -> None:
    desk = Desk()
    desk.report(nothing("rest"))
    desk.report(nothing([2], "funds_gone"))
    assert desk.ledger.nothing[2] is DeclineCode.FUNDS_GONE


def test_a_correction_that_finds_something_supersedes_the_answer() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 5)).lines[0].id
    desk.report(correction(line_id, 0), nothing([0]))
    assert 0 in desk.ledger.nothing
    desk.report(correction(line_id, 7))
    assert 0 not in desk.ledger.nothing


def test_one_report_answers_an_address_once() -> None:
    desk = Desk()
    faults = desk.refused(nothing([0, 1]), nothing([2, 1], "funds_gone"))
    assert faults == {"/lines/1/address_nos/1": "answered_twice"}
    faults = desk.refused(nothing("rest"), nothing("rest", "funds_gone"))
    assert faults == {"/lines/1/address_nos": "answered_twice"}


@pytest.mark.parametrize("nothing_first", [True, False])
def test_nothing_and_something_for_one_address_contradict_each_other(
    *, nothing_first: bool
) -> None:
    desk = Desk()
    lines = [nothing([0]), found(0, 5)]
    at = 0 if nothing_first else 1
    faults = desk.refused(*(lines if nothing_first else reversed(lines)))
    assert faults == {f"/lines/{at}/address_nos": "contradiction"}


def test_nothing_for_what_was_found_frozen_or_withheld_earlier_contradicts_it() -> None:
    desk = Desk()
    desk.opens(0, 5)
    desk.report(found(1, None))
    desk.report(frozen(2, None))
    assert desk.refused(nothing([0, 1, 2, 3])) == {"/lines/0/address_nos": "contradiction"}


def test_nothing_for_an_address_of_a_shared_hold_contradicts_it() -> None:
    other, desk = Desk("leg_2"), Desk()
    hold = other.opens(0, 5)
    desk.ledger.other_holds = dict(other.ledger.holds)
    assert desk.refused(share(hold, 1), nothing([1])) == {"/lines/1/address_nos": "contradiction"}
    desk.report(share(hold, 1))
    assert desk.refused(nothing([1])) == {"/lines/0/address_nos": "contradiction"}
    desk.report(nothing("rest"))
    assert set(desk.ledger.nothing) == {0, 2, 3, 4}


def test_an_answered_address_is_one_of_the_request() -> None:
    desk = Desk()
    assert desk.refused_input(nothing([4, 5])) == {"/lines/0/address_nos/1": "no_such_address"}


def test_correcting_a_finding_to_nothing_leaves_the_answer_standing() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 5)).lines[0].id
    desk.report(correction(line_id, 0), nothing([0]))
    desk.report(correction(line_id, 0))
    assert 0 in desk.ledger.nothing


def test_an_address_with_a_withheld_hold_alone_is_not_among_the_rest() -> None:
    desk = Desk()
    desk.report(frozen(2, None))
    desk.report(nothing("rest"))
    assert set(desk.ledger.nothing) == {0, 1, 3, 4}


def test_an_address_whose_hold_was_taken_back_may_be_answered() -> None:
    desk = Desk()
    booking = desk.report(found(0, 5), frozen(0, 5))
    desk.report(*(correction(each.id, 0) for each in booking.lines), nothing([0]))
    assert 0 in desk.ledger.nothing


def test_a_faulty_correction_does_not_also_blame_the_answer_that_needed_it() -> None:
    desk = Desk()
    line_id = desk.report(found(0, 5)).lines[0].id
    assert desk.refused_input(correction(line_id, 2**256), nothing([0])) == {
        "/lines/0/amount": "amount_too_large"
    }
