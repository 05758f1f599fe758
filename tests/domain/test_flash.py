"""Which flash requests go out at once, and how many."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from coordinator.domain.errors import ConflictError
from coordinator.domain.flash import FlashUse, require_within_cap, waits_because
from holdfast.protocol.vocabulary import WaitsBecause, WarningCode

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
#: Only these say that the target may be another than is meant.
HOLDING_BACK = {"no_checksum", "missing_tag", "service_wallet", "token_contract", "no_key"}
EVERY_SET = [
    set(some) for size in range(len(WarningCode) + 1) for some in combinations(WarningCode, size)
]


@pytest.mark.parametrize("warnings", EVERY_SET, ids=lambda some: "+".join(sorted(some)) or "none")
def test_only_a_warning_of_a_wrong_target_holds_back_and_the_first_reason_is_said(
    warnings: set[WarningCode],
) -> None:
    for may_flash in (True, False):
        for is_to_all in (True, False):
            expected = None
            if HOLDING_BACK & warnings:
                expected = WaitsBecause.WARNINGS
            if is_to_all:
                expected = WaitsBecause.TO_ALL
            if not may_flash:
                expected = WaitsBecause.POLICY
            said = waits_because(may_flash=may_flash, is_to_all=is_to_all, warnings=warnings)
            assert said is expected


def _use(taken: int, *, follows: bool = False, accounts: int = 0) -> FlashUse:
    return FlashUse(
        taken_at=[NOON + timedelta(hours=number) for number in range(taken)],
        follows_ratified=follows,
        followed_accounts=accounts,
    )


def test_a_place_is_taken_as_long_as_one_is_free() -> None:
    cap = 5
    for taken in range(cap):
        require_within_cap(_use(taken), accounts=20_000, cap=cap, free_accounts=10)


@pytest.mark.parametrize(
    ("taken", "cap", "said"),
    [
        (5, 5, "the next is free at 2026-03-03T12:00:00Z"),
        (6, 5, "the next is free at 2026-03-03T13:00:00Z"),  # the cap was lowered meanwhile
        (0, 0, "no place comes free"),
    ],
)
def test_beyond_the_cap_it_is_refused_with_when_the_next_is_free_and_what_to_do(
    taken: int, cap: int, said: str
) -> None:
    with pytest.raises(ConflictError, match=said) as refused:
        require_within_cap(_use(taken), accounts=1, cap=cap, free_accounts=10)
    assert refused.value.code == "flash_cap"
    assert "as urgent" in refused.value.message


@pytest.mark.parametrize(("named", "taken"), [(10, False), (11, True)])
def test_a_follow_up_takes_no_place_up_to_so_many_accounts(named: int, *, taken: bool) -> None:
    use = _use(9, follows=True, accounts=490)
    if not taken:
        require_within_cap(use, accounts=named, cap=5, free_accounts=500)
        return
    with pytest.raises(ConflictError, match="10 are left, and this one names 11") as refused:
        require_within_cap(use, accounts=named, cap=5, free_accounts=500)
    assert refused.value.code == "flash_cap"
    assert "as urgent" in refused.value.message
