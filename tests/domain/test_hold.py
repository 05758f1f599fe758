"""Holds end: lapsing, warnings, extensions, and what is owed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.domain.errors import InvalidTransitionError, LedgerBreachError
from coordinator.domain.hold import (
    HoldBalance,
    extended,
    lapsed,
    lapses,
    next_warning,
    obliged,
    owes_answer,
)
from coordinator.domain.hold_limits import HoldLimits
from holdfast.protocol.vocabulary import HoldBasis, KeptBasis, Support

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MAX_HOLD = HoldLimits(
    by_basis={HoldBasis.VOLUNTARY: 90 * DAY, HoldBasis.OWN_POLICY: 180 * DAY},
    by_support={},
    support=Support.NONE,
)
OPEN = HoldBalance(
    id="hld_1",
    leg_id="leg_1",
    address_no=0,
    asset="eip155:1/slip44:60",
    frozen=100,
    basis=HoldBasis.VOLUNTARY,
    frozen_at=NOW - DAY,
    hold_expires_at=NOW + DAY,
)
EMPTY = replace(OPEN, released=40, returned=50, seized=10, ended=True)
WITHHELD = replace(OPEN, frozen=0, withheld=True)


def test_held_is_what_was_frozen_less_what_left() -> None:
    hold = replace(OPEN, released=40, returned=20, seized=10)
    assert (hold.left, hold.held, hold.is_open, hold.is_void) == (70, 30, True, False)
    assert not EMPTY.is_open


def test_a_withheld_hold_is_open_until_it_is_ended_whole() -> None:
    assert WITHHELD.is_open
    assert not WITHHELD.is_void
    assert not replace(WITHHELD, ended=True).is_open


def test_a_hold_of_which_nothing_was_frozen_never_was() -> None:
    assert replace(OPEN, frozen=0).is_void


@pytest.mark.parametrize(
    ("hold", "withdrawn", "owes"),
    [
        (OPEN, False, False),
        (OPEN, True, True),
        (WITHHELD, True, True),
        (EMPTY, True, False),
        (replace(OPEN, kept=KeptBasis.OWN_POLICY), True, False),
        (replace(OPEN, lapsed=True), False, True),
        (replace(OPEN, lapsed=True, kept=KeptBasis.OWN_POLICY), False, True),
        (replace(EMPTY, lapsed=True), False, False),
    ],
)
def test_an_answer_is_owed_while_something_is_held_that_was_not_answered_for(
    hold: HoldBalance, *, withdrawn: bool, owes: bool
) -> None:
    assert owes_answer(hold, withdrawn=withdrawn) is owes


def test_an_answer_given_before_a_withdrawal_does_not_count_for_it() -> None:
    kept = replace(OPEN, kept=KeptBasis.OWN_POLICY)
    assert owes_answer(obliged(kept), withdrawn=True)
    assert not owes_answer(kept, withdrawn=True)


@pytest.mark.parametrize(
    ("hold", "lapsing"),
    [
        (OPEN, False),
        (replace(OPEN, hold_expires_at=NOW), True),
        (replace(OPEN, hold_expires_at=NOW, basis=HoldBasis.LEGAL_ORDER), False),
        (replace(OPEN, hold_expires_at=NOW, lapsed=True), False),
        (replace(EMPTY, hold_expires_at=NOW), False),
    ],
)
def test_a_hold_lapses_at_its_end_unless_an_order_stands_behind_it(
    hold: HoldBalance, *, lapsing: bool
) -> None:
    assert lapses(hold, now=NOW) is lapsing


def test_a_lapsed_hold_keeps_its_amount_and_owes_an_answer() -> None:
    after = lapsed(replace(OPEN, kept=KeptBasis.OWN_POLICY))
    assert (after.held, after.lapsed, after.kept) == (100, True, None)
    assert owes_answer(after, withdrawn=False)


def test_warnings_are_due_at_each_time_once() -> None:
    before = [72 * HOUR, 24 * HOUR, 2 * HOUR]
    hold = replace(OPEN, hold_expires_at=NOW + 48 * HOUR)
    first = next_warning(hold, now=NOW, warn_before=before)
    assert first == NOW + 24 * HOUR
    second = next_warning(hold, now=first, warn_before=before)
    assert second == NOW + 46 * HOUR
    assert next_warning(hold, now=second, warn_before=before) is None


def test_an_extension_sets_a_later_end_and_answers_for_a_lapse() -> None:
    late = replace(OPEN, lapsed=True, hold_expires_at=NOW - HOUR)
    after = extended(
        late,
        hold_expires_at=NOW + 90 * DAY,
        basis=HoldBasis.VOLUNTARY,
        now=NOW,
        max_hold=MAX_HOLD,
    )
    assert (after.hold_expires_at, after.lapsed) == (NOW + 90 * DAY, False)
    assert late.lapsed  # untouched


def test_a_voluntary_hold_becomes_a_legal_one_with_an_earlier_review_date() -> None:
    after = extended(
        OPEN,
        hold_expires_at=NOW + HOUR,
        basis=HoldBasis.LEGAL_ORDER,
        now=NOW,
        max_hold=MAX_HOLD,
    )
    assert after.basis is HoldBasis.LEGAL_ORDER


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (NOW, "end_past"),
        (NOW + DAY, "no_later"),
        (NOW + 90 * DAY + timedelta(minutes=6), "end_too_far"),
    ],
)
def test_an_extension_needs_a_later_end_within_the_maximum(end: datetime, code: str) -> None:
    with pytest.raises(LedgerBreachError) as refused:
        extended(OPEN, hold_expires_at=end, basis=HoldBasis.VOLUNTARY, now=NOW, max_hold=MAX_HOLD)
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [
        ("/hold_expires_at", code)
    ]


def test_a_hold_of_which_nothing_is_held_is_not_extended() -> None:
    with pytest.raises(InvalidTransitionError) as refused:
        extended(
            EMPTY,
            hold_expires_at=NOW + 2 * DAY,
            basis=HoldBasis.VOLUNTARY,
            now=NOW,
            max_hold=MAX_HOLD,
        )
    assert refused.value.code == "hold_ended"
