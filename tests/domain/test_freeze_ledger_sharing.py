"""One hold for two requests: shared without an amount, counted once, and left to the other."""

from itertools import count
from typing import Any

import pytest

from coordinator.domain.freeze_ledger import totals
from holdfast.protocol.vocabulary import LegStatus
from tests.domain.ledger_cases import (
    ETH,
    HOUR,
    NOW,
    OTHER,
    USDT,
    Desk,
    correction,
    found,
    frozen,
    kept,
    released,
    returned,
    share,
    top_up,
    type_id,
)

END = NOW - HOUR / 2


def two_legs() -> tuple[Desk, Desk, str]:
    """Return the leg that holds, the leg that may share, and the hold."""
    ids = count(1)
    owner, sharer = Desk("leg_1", ids), Desk("leg_2", ids)
    hold = owner.opens(0, 100)
    sharer.ledger.other_holds = dict(owner.ledger.holds)
    return owner, sharer, hold


def test_a_shared_hold_counts_for_both_legs_and_once_in_sums() -> None:
    owner, sharer, hold = two_legs()
    booking = sharer.report(share(hold, 3))
    line = booking.lines[0]
    assert booking.shared == {hold: 3}
    assert not booking.opened
    assert (line.shares, line.amount, line.withheld, line.asset) == (True, None, False, ETH)
    assert sharer.status() is LegStatus.FROZEN
    both = [*owner.ledger.holds.values(), *sharer.ledger.other_holds.values()]
    assert totals(both, [])[ETH].frozen == 100


def test_more_found_than_the_shared_hold_holds_is_partial() -> None:
    _, sharer, hold = two_legs()
    sharer.report(share(hold, 3), found(3, 150))
    assert sharer.status() is LegStatus.PARTIALLY_FROZEN


def test_a_line_about_a_shared_hold_is_written_once_on_either_leg() -> None:
    _, sharer, hold = two_legs()
    sharer.report(share(hold, 3))
    booking = sharer.report(returned(hold, 40))
    assert booking.touched_holds[hold].leg_id == "leg_1"
    assert booking.touched_holds[hold].returned == 40
    sharer.report(returned(hold, 60))
    assert sharer.status() is LegStatus.RETURNED


def test_a_hold_that_was_not_shared_is_no_business_of_this_leg() -> None:
    _, sharer, hold = two_legs()
    assert sharer.refused(released(hold, 1)) == {"/lines/0/hold": "not_linked"}


def test_sharing_takes_no_amount_and_only_an_open_hold_once() -> None:
    owner, sharer, hold = two_legs()
    assert sharer.refused(top_up(hold, 3, 5)) == {"/lines/0/amount": "shared_amount"}
    assert sharer.refused(share(hold, 3, asset=USDT)) == {"/lines/0/asset": "other_asset"}
    assert sharer.refused(share(hold, 3), share(hold, 4)) == {"/lines/1/hold": "already_shared"}
    sharer.report(share(hold, 3, asset=ETH))
    assert sharer.refused(share(hold, 4)) == {"/lines/0/hold": "already_shared"}
    owner.report(released(hold, 100))
    third = Desk("leg_3")
    third.ledger.other_holds = dict(owner.ledger.holds)
    assert third.refused(share(hold, 0)) == {"/lines/0/hold": "hold_ended"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"basis": "legal_order"}, "other_basis"),
        ({"hold_expires_at": NOW + HOUR}, "other_end"),
        ({"account_level": True}, "other_account_level"),
        ({"frozen_at": NOW - 2 * HOUR}, "other_time"),
    ],
)
def test_a_sharing_line_states_no_other_terms_than_the_hold_has(
    said: dict[str, Any], code: str
) -> None:
    _, sharer, hold = two_legs()
    assert sharer.refused(share(hold, 3, **said)) == {f"/lines/0/{next(iter(said))}": code}
    terms = {"basis": "voluntary", "hold_expires_at": NOW + 72 * HOUR, "account_level": False}
    sharer.report(share(hold, 3, **terms, frozen_at=NOW - HOUR))


def test_a_hold_kept_for_another_request_no_longer_counts_for_this_one() -> None:
    owner, _, hold = two_legs()
    booking = owner.report(
        kept(hold, "other_request", other_request=OTHER),
        ended_at=END,
        shared_with=lambda _hold: [OTHER],
    )
    assert booking.unlinked == (hold,)
    assert owner.ledger.unlinked == {hold}
    assert owner.status(ended=True) is LegStatus.WITHDRAWN
    assert owner.refused(released(hold, 1)) == {"/lines/0/hold": "not_linked"}
    assert owner.refused(top_up(hold, 0, 1)) == {"/lines/0/hold": "not_linked"}


def test_the_leg_that_shared_may_leave_the_hold_too() -> None:
    _, sharer, hold = two_legs()
    sharer.report(share(hold, 3))
    sharer.report(kept(hold, "other_request", other_request=OTHER), ended_at=END)
    assert not sharer.ledger.shared
    assert sharer.status(ended=True) is LegStatus.WITHDRAWN


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({}, {"/lines/0/other_request": "other_request_missing"}),
        ({"other_request": type_id("frq", 8)}, {"/lines/0/other_request": "not_shared"}),
    ],
)
def test_a_hold_is_left_only_to_a_request_that_shares_it(
    members: dict[str, str], fault: dict[str, str]
) -> None:
    owner, _, hold = two_legs()
    assert (
        owner.refused(
            kept(hold, "other_request", **members),
            ended_at=END,
            shared_with=lambda _hold: [OTHER],
        )
        == fault
    )


def test_a_shared_hold_is_owed_for_the_address_that_it_is_shared_for() -> None:
    _, sharer, hold = two_legs()
    sharer.report(share(hold, 3))
    later = kept(hold, hold_expires_at=NOW + 100 * HOUR)
    assert sharer.refused(later, withdrawn={0: NOW}) == {"/lines/0/hold": "nothing_owed"}
    sharer.report(later, withdrawn={3: NOW})


def test_a_shared_hold_uses_up_nothing_of_what_this_leg_found() -> None:
    _, sharer, hold = two_legs()
    sharer.report(share(hold, 0))
    assert sharer.report(released(hold, 1), found(0, 5), frozen(0, 5)).opened


def test_a_shared_hold_that_was_taken_back_counts_for_nobody() -> None:
    owner, sharer, hold = two_legs()
    sharer.report(share(hold, 3))
    frozen_line = next(each.id for each in owner.lines.values() if each.hold_id == hold)
    sharer.ledger.other_holds.update(owner.report(correction(frozen_line, 0)).touched_holds)
    assert sharer.status() is LegStatus.UNDER_REVIEW
