"""A hold that counts for two requests: what happens to it on one shows on the other at once."""

from collections.abc import Callable
from datetime import datetime

import pytest

from holdfast.protocol.payloads import format_time
from tests.services.recomputed import faults
from tests.services.request_cast import (
    DAY,
    HOUR,
    Ask,
    Desk,
    corrected,
    found,
    frozen,
    kept,
    released,
    shared,
    topped_up,
)


@pytest.fixture
def asks(desk: Desk) -> tuple[Ask, Ask]:
    """Two requests to B alone, active."""
    b = desk.cast.b.handle
    return desk.go_out(to=[b]), desk.go_out(to=[b])


def _owes(desk: Desk, *asks: Ask) -> list[bool]:
    """Tell of each request whether B owes an answer, after a look at all that is stored."""
    assert faults(desk.database) == []
    return [desk.leg(desk.cast.b, ask).owes_answer for ask in asks]


def _kept(desk: Desk, hold: str) -> dict[str, object]:
    return kept(hold, hold_expires_at=format_time(desk.clock.now() + 9 * DAY))


def test_a_second_withdrawal_takes_back_the_answer_that_was_given_to_the_first(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.withdraw(second, [0])
    assert _owes(desk, first, second) == [False, True]
    desk.report(b, second, _kept(desk, hold))
    assert _owes(desk, first, second) == [False, False]
    desk.withdraw(first)
    assert _owes(desk, first, second) == [True, True]
    assert desk.told(b, second).count("answer.owed") == 2
    desk.report(b, first, _kept(desk, hold))
    assert _owes(desk, first, second) == [False, False]


def test_some_addresses_taken_back_oblige_the_other_request_that_was_answered(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 1))
    desk.withdraw(first)
    desk.report(b, first, _kept(desk, hold))
    assert _owes(desk, first, second) == [False, False]
    desk.withdraw(second, [1])
    assert _owes(desk, first, second) == [True, True]
    assert desk.told(b, first).count("answer.owed") == 2


def test_a_request_that_goes_on_owes_nothing_when_the_other_is_taken_back(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    desk.report(b, second, shared(desk.hold(b, first), 0))
    before = desk.told(b, second)
    desk.withdraw(first)
    assert _owes(desk, first, second) == [True, False]
    assert desk.told(b, second) == before


def test_a_hold_that_was_never_there_leaves_the_request_that_shared_it(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    lines = desk.report(b, first, found(0, 100), frozen(0, 100))["lines"]
    desk.report(b, second, shared(lines[1]["hold"], 0))
    assert desk.leg(b, second).status == "frozen"
    desk.report(b, first, corrected(lines[1]["id"], 0))
    assert _owes(desk, first, second) == [False, False]
    assert desk.leg(b, second).status == "under_review"
    assert desk.told(b, second)[-1] == "freeze.corrected"


def test_what_is_frozen_again_is_owed_to_the_request_that_was_taken_back_meanwhile(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.report(b, first, released(hold, 100))
    desk.withdraw(second)
    assert _owes(desk, first, second) == [False, False]
    desk.report(b, first, found(0, 5), topped_up(hold, 0, 5))
    assert _owes(desk, first, second) == [False, True]


def test_a_hold_that_is_shared_with_a_request_after_its_end_owes_it_an_answer_of_its_own(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    hold = desk.hold(b, first)
    desk.clock.step(HOUR)
    desk.withdraw(first)
    desk.report(b, first, _kept(desk, hold))
    desk.withdraw(second)
    assert _owes(desk, first, second) == [False, False]
    desk.report(b, second, shared(hold, 0))
    assert _owes(desk, first, second) == [True, True]


def test_a_flash_request_that_nobody_ratified_takes_an_answer_back_too(desk: Desk) -> None:
    b = desk.cast.b
    desk.policy(desk.cast.a, may_flash=[desk.cast.a.analyst.subject])
    first = desk.go_out(to=[b.handle])
    hold = desk.hold(b, first)
    for end in ("lapse", "reject"):
        flash = desk.submit(urgency="flash", to=[b.handle])
        desk.report(b, flash, shared(hold, 0))
        if end == "lapse":
            desk.withdraw(first)
        desk.report(b, first, _kept(desk, hold))
        assert _owes(desk, first, flash) == [False, False]
        if end == "lapse":
            assert desk.step(HOUR) == ["ratify_by"]
            assert _owes(desk, first, flash) == [False, False]
            assert "unratified_until" in desk.step(12 * HOUR)
        else:
            desk.decide(flash, decision="reject")
        assert _owes(desk, first, flash) == [True, True]


def _handed_on(desk: Desk, first: Ask, second: Ask) -> str:
    """Have B keep a hold of the first request, which was withdrawn, for the second alone."""
    b = desk.cast.b
    hold = desk.hold(b, first)
    desk.report(b, second, shared(hold, 0))
    desk.withdraw(first)
    desk.report(b, first, kept(hold, "other_request", other_request=second.id))
    return hold


def _next_ends(desk: Desk, *asks: Ask) -> list[datetime | None]:
    """Return of each request when B's next hold ends, after a look at all that is stored."""
    assert faults(desk.database) == []
    return [desk.leg(desk.cast.b, ask).hold_ends_at for ask in asks]


def test_the_end_of_a_shared_hold_shows_on_each_request_that_it_counts_for(
    desk: Desk, asks: tuple[Ask, Ask]
) -> None:
    b, (first, second) = desk.cast.b, asks
    end = desk.clock.now() + 10 * DAY
    hold = desk.hold(b, first)
    assert _next_ends(desk, first, second) == [end, None]
    desk.report(b, second, shared(hold, 0))
    assert _next_ends(desk, first, second) == [end, end]
    desk.extend(b, second, hold, end + DAY)
    assert _next_ends(desk, first, second) == [end + DAY, end + DAY]
    desk.withdraw(first)
    desk.report(b, first, kept(hold, "other_request", other_request=second.id))
    assert _next_ends(desk, first, second) == [None, end + DAY]


def _extend(desk: Desk, second: Ask, hold: str) -> None:
    desk.extend(desk.cast.b, second, hold, desk.clock.now() + 14 * DAY)


def _keep(desk: Desk, second: Ask, hold: str) -> None:
    desk.withdraw(second, [0])
    desk.report(desk.cast.b, second, _kept(desk, hold))


def _let_go(desk: Desk, second: Ask, hold: str) -> None:
    desk.report(desk.cast.b, second, released(hold, 100))


def _take_back_that_it_was_let_go(desk: Desk, second: Ask, hold: str) -> None:
    line = desk.report(desk.cast.b, second, released(hold, 100))["lines"][0]
    desk.report(desk.cast.b, second, corrected(line["id"], 0))


def _lapse(desk: Desk, second: Ask, hold: str) -> None:
    desk.step(10 * DAY)
    assert desk.hold_row(hold).lapsed
    assert desk.leg(desk.cast.b, second).owes_answer


@pytest.mark.parametrize(
    "act",
    [_extend, _keep, _let_go, _take_back_that_it_was_let_go, _lapse],
    ids=lambda a: a.__name__,
)
def test_what_becomes_of_a_hold_does_not_concern_the_request_that_it_was_handed_on_from(
    desk: Desk, asks: tuple[Ask, Ask], act: Callable[[Desk, Ask, str], None]
) -> None:
    first, second = asks
    hold = _handed_on(desk, first, second)
    act(desk, second, hold)
    row = desk.hold_row(hold)
    end = None if row.ended or row.lapsed else row.hold_expires_at
    assert _next_ends(desk, first, second) == [None, end]
