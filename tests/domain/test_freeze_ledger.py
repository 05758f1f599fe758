"""The freeze ledger's rules one by one: balances, ceilings, and the whole report or nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from coordinator.domain.errors import InvalidInputError, LedgerBreachError
from coordinator.domain.freeze_ledger import totals
from coordinator.domain.ledger_draft import LIMIT
from holdfast.protocol.vocabulary import HoldBasis, LegStatus, LineKind
from tests.domain.ledger_cases import (
    CUT,
    DAY,
    ETH,
    HOUR,
    NOW,
    USDT,
    Desk,
    flagged,
    found,
    frozen,
    line,
    nothing,
    released,
    returned,
    seized,
    top_up,
    type_id,
)

NO_HOLD = type_id("hld", 999)


def test_what_was_frozen_is_held_until_it_leaves() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.report(released(hold, 10), returned(hold, 20), seized(hold, 30))
    balance = desk.hold(hold)
    assert (balance.frozen, balance.released, balance.returned, balance.seized) == (100, 10, 20, 30)
    assert (balance.held, balance.ended) == (40, False)
    desk.report(released(hold, 40))
    assert (desk.hold(hold).held, desk.hold(hold).ended) == (0, True)


def test_a_booked_line_says_what_it_did_and_where_it_stood_in_the_report() -> None:
    desk = Desk()
    booking = desk.report(found(3, 7, "eip155:1/slip44:060"), frozen(3, 7, basis="own_policy"))
    first, second = booking.lines
    assert (first.no, first.kind, first.address_no, first.asset, first.amount) == (
        0,
        LineKind.FOUND,
        3,
        ETH,
        7,
    )
    assert (second.no, second.hold_id, second.basis) == (
        1,
        booking.opened[0],
        HoldBasis.OWN_POLICY,
    )
    hold = desk.hold(booking.opened[0])
    assert (hold.frozen_at, hold.hold_expires_at) == (NOW - HOUR, NOW + 3 * DAY)
    gone = desk.report(released(hold.id, 7)).lines[0]
    assert (gone.code, gone.address_no, gone.asset, gone.hold_id) == (
        "false_positive",
        3,
        ETH,
        hold.id,
    )


@pytest.mark.parametrize("gone", [released, returned, seized])
def test_no_more_leaves_a_hold_than_was_frozen(gone: object) -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    assert desk.refused(gone(hold, 101)) == {"/lines/0/amount": "more_than_held"}  # type: ignore[operator]


def test_what_leaves_a_hold_in_several_lines_adds_up() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    faults = desk.refused(released(hold, 60), found(1, 5), returned(hold, 60))
    assert faults == {"/lines/2/amount": "more_than_held"}


def test_a_ceiling_is_per_hold_even_if_another_hold_has_room() -> None:
    desk = Desk()
    first, second = desk.opens(0, 100), desk.opens(0, 100)
    assert desk.refused(released(first, 150)) == {"/lines/0/amount": "more_than_held"}
    desk.report(released(first, 100), released(second, 50))


def test_no_more_is_frozen_than_was_found() -> None:
    desk = Desk()
    assert desk.refused(frozen(0, 1)) == {"/lines/0/amount": "frozen_exceeds_found"}
    desk.report(found(0, 100), frozen(0, 60))
    assert desk.refused(frozen(0, 41)) == {"/lines/0/amount": "frozen_exceeds_found"}
    desk.report(frozen(0, 40))


def test_a_refusal_names_the_figures() -> None:
    desk = Desk()
    with pytest.raises(LedgerBreachError) as refused:
        desk.try_report(found(0, 100), frozen(0, 120))
    assert "120 of eip155:1/slip44:60" in refused.value.errors[0].detail
    assert "100 of eip155:1/slip44:60 was found" in refused.value.errors[0].detail
    assert refused.value.errors[0].pointer == "/lines/1/amount"


@pytest.mark.parametrize(("address_no", "asset"), [(1, ETH), (0, USDT)])
def test_what_was_found_counts_for_its_own_address_and_asset_only(
    address_no: int, asset: str
) -> None:
    desk = Desk()
    desk.report(found(address_no, 100, asset))
    assert desk.refused(frozen(0, 1)) == {"/lines/0/amount": "frozen_exceeds_found"}


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_found_and_frozen_lines_may_come_in_any_order(order: tuple[int, ...]) -> None:
    desk = Desk()
    lines = [found(0, 60), frozen(0, 100), found(0, 40), nothing("rest")]
    booking = desk.report(*(lines[at] for at in order))
    assert desk.ledger.findings[0, ETH].found == 100
    assert desk.hold(booking.opened[0]).held == 100
    assert set(desk.ledger.nothing) == {1, 2, 3, 4}


def test_refreezing_what_was_released_needs_it_to_be_found_again() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.report(released(hold, 100))
    assert desk.refused(frozen(0, 100)) == {"/lines/0/amount": "frozen_exceeds_found"}
    desk.report(found(0, 100), frozen(0, 100))


def test_every_fault_of_a_report_is_said_at_once_in_the_order_of_its_lines() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    with pytest.raises(InvalidInputError) as refused:
        desk.try_report(
            released(hold, 101),
            found(9, 1),
            found(1, 1, "eip155:1/slip44:61"),
            frozen(2, 5),
            found(3, 0),
            released(NO_HOLD, 1),
        )
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [
        ("/lines/0/amount", "more_than_held"),
        ("/lines/1/address_no", "no_such_address"),
        ("/lines/2/asset", "unknown_asset"),
        ("/lines/3/amount", "frozen_exceeds_found"),
        ("/lines/4/amount", "zero_amount"),
        ("/lines/5/hold", "no_such_hold"),
    ]
    assert "6 places are wrong" in refused.value.message


def test_a_faulty_found_line_does_not_also_blame_the_freeze_that_needed_it() -> None:
    desk = Desk()
    assert desk.refused_input(found(0, 0), frozen(0, 5)) == {"/lines/0/amount": "zero_amount"}


def test_a_faulty_line_about_a_hold_does_not_also_blame_its_balance() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    faults = desk.refused_input(released(hold, 0), released(hold, 500))
    assert faults == {"/lines/0/amount": "zero_amount"}


def test_amounts_are_below_2_to_the_256() -> None:
    desk = Desk()
    assert desk.refused_input(found(0, LIMIT)) == {"/lines/0/amount": "amount_too_large"}
    desk.report(found(0, LIMIT - 1), frozen(0, LIMIT - 1))
    assert desk.refused_input(found(0, 1)) == {"/lines/0/amount": "amount_too_large"}


def test_a_frozen_line_may_be_as_wrong_as_a_found_one() -> None:
    desk = Desk()
    faults = desk.refused_input(
        frozen(5, 1), frozen(0, 1, "eip155:1/slip44:61"), frozen(0, 0), frozen(0, LIMIT)
    )
    assert faults == {
        "/lines/0/address_no": "no_such_address",
        "/lines/1/asset": "unknown_asset",
        "/lines/2/amount": "zero_amount",
        "/lines/3/amount": "amount_too_large",
    }


def test_a_freeze_lies_in_the_past_but_for_what_clocks_differ() -> None:
    desk = Desk()
    desk.report(found(0, 10), frozen(0, 5, frozen_at=NOW + 5 * HOUR / 60))
    faults = desk.refused(frozen(0, 5, frozen_at=NOW + 6 * HOUR / 60))
    assert faults == {"/lines/0/frozen_at": "frozen_in_future"}


@pytest.mark.parametrize(
    ("basis", "days", "code"),
    [
        ("voluntary", 90, None),
        ("voluntary", 91, "end_too_far"),
        ("own_policy", 180, None),
        ("own_policy", 181, "end_too_far"),
        ("legal_order", 3650, None),  # no maximum was given for it
        ("voluntary", 0, None),  # its end has passed when it is told of: it happened all the same
    ],
)
def test_a_holds_end_lies_within_the_policys_maximum(
    basis: str, days: int, code: str | None
) -> None:
    desk = Desk()
    lines = (found(0, 5), frozen(0, 5, basis=basis, hold_expires_at=NOW + days * DAY))
    if code is None:
        assert desk.report(*lines).opened
    else:
        assert desk.refused(*lines) == {"/lines/1/hold_expires_at": code}


def test_a_freeze_beyond_the_stated_amount_needs_account_level() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100, whole_account=True)
    desk.report(found(0, 500), frozen(0, 100))
    assert desk.refused(frozen(0, 1)) == {"/lines/0/account_level": "beyond_stated_amount"}
    booking = desk.report(frozen(0, 400, account_level=True))
    assert desk.hold(booking.opened[0]).account_level


def test_of_what_was_not_asked_for_no_amount_is_told() -> None:
    """The requester must not learn a balance that it did not ask about."""
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100)
    assert desk.refused(found(0, 101)) == {"/lines/0/amount": "beyond_asked"}
    desk.report(found(0, 100), found(0, None), frozen(0, 100))
    assert desk.refused(found(0, 1)) == {"/lines/0/amount": "beyond_asked"}
    assert desk.refused(frozen(0, 1, account_level=True)) == {"/lines/0/amount": "beyond_asked"}
    booking = desk.report(frozen(0, None, account_level=True))
    hold = desk.hold(booking.opened[0])
    assert (hold.account_level, hold.withheld) == (True, True)
    sums = totals(desk.ledger.holds.values(), desk.ledger.findings.values())[ETH]
    assert (sums.found, sums.frozen, sums.held, sums.withheld) == (100, 100, 100, 2)


def test_what_is_found_of_another_asset_or_another_address_is_told() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100)
    desk.report(found(0, 500, USDT), frozen(0, 500, USDT), found(1, 500), frozen(1, 500))


def test_a_whole_account_that_nobody_asked_for_is_withheld_where_no_amount_is_stated_too() -> None:
    desk = Desk()
    lines = (found(0, 5), frozen(0, 5, account_level=True))
    assert desk.refused(*lines) == {"/lines/1/amount": "beyond_asked"}
    desk.rules["flagged"] = flagged(0, None, None, whole_account=True)
    assert desk.report(*lines).opened


@pytest.mark.parametrize(
    ("ago", "due"), [(HOUR, NOW + 23 * HOUR), (24 * HOUR, NOW + DAY), (9 * DAY, NOW + DAY)]
)
def test_a_whole_account_is_looked_at_again_a_day_after_it_was_frozen(
    ago: timedelta, due: datetime
) -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, None, None, whole_account=True)
    hold = desk.opens(0, 5, frozen_at=NOW - ago, account_level=True)
    assert desk.hold(hold).review_at == due
    assert desk.hold(desk.opens(0, 5)).review_at is None
    # A further freeze puts it off for nobody.
    desk.report(found(0, 5), top_up(hold, 0, 5))
    assert desk.hold(hold).review_at == due


@pytest.mark.parametrize(
    ("amount", "asset"), [(None, ETH), (None, None), (100, USDT), (None, USDT)]
)
def test_without_a_stated_amount_of_the_same_asset_there_is_nothing_to_go_beyond(
    amount: int | None, asset: str | None
) -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, amount, asset)
    assert desk.report(found(0, 500), frozen(0, 500)).opened


def test_a_top_up_adds_to_a_hold_and_may_make_it_account_level() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 100, whole_account=True)
    hold = desk.opens(0, 100)
    faults = desk.refused(found(0, 50), top_up(hold, 0, 50))
    assert faults == {"/lines/1/account_level": "beyond_stated_amount"}
    booking = desk.report(found(0, 50), top_up(hold, 0, 50, account_level=True))
    assert not booking.opened
    assert (desk.hold(hold).frozen, desk.hold(hold).account_level) == (150, True)
    assert desk.hold(hold).review_at == NOW + DAY
    desk.rules["flagged"] = {}
    more = (found(0, 50), top_up(hold, 0, 50, account_level=True))
    assert desk.refused(*more) == {"/lines/1/amount": "beyond_asked"}


def test_a_top_up_is_bound_by_what_was_found() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    assert desk.refused(top_up(hold, 0, 1)) == {"/lines/0/amount": "frozen_exceeds_found"}


def test_a_top_up_fits_its_hold() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    more = found(0, 100)
    assert desk.refused_input(more, line("frozen", address_no=0, hold=hold)) == {
        "/lines/1/amount": "amount_missing"
    }
    assert desk.refused(more, top_up(hold, 1, 1)) == {"/lines/1/address_no": "other_address"}
    assert desk.refused(more, top_up(hold, 0, 1, asset=USDT)) == {"/lines/1/asset": "other_asset"}
    assert desk.refused(more, top_up(hold, 0, 1, hold_expires_at=NOW + DAY)) == {
        "/lines/1/hold_expires_at": "other_end"
    }
    assert desk.refused(more, top_up(NO_HOLD, 0, 1)) == {"/lines/1/hold": "no_such_hold"}
    assert desk.refused_input(more, top_up(hold, 0, 0)) == {"/lines/1/amount": "zero_amount"}
    assert desk.refused_input(more, top_up(hold, 9, 1)) == {
        "/lines/1/address_no": "no_such_address"
    }
    desk.report(more, top_up(hold, 0, 1, asset=ETH, hold_expires_at=NOW + 3 * DAY))
    assert desk.hold(hold).frozen == 101


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"basis": "legal_order"}, "other_basis"),
        ({"basis": "own_policy"}, "other_basis"),
        ({"hold_expires_at": NOW + DAY}, "other_end"),
        ({"account_level": False}, "other_account_level"),
    ],
)
def test_a_top_up_states_no_other_terms_than_its_hold_has(said: dict[str, Any], code: str) -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, None, None, whole_account=True)
    hold = desk.opens(0, 10, basis="voluntary", account_level=True)
    more = found(0, 1)
    refused = desk.refused(more, top_up(hold, 0, 1, **said))
    assert refused == {f"/lines/1/{next(iter(said))}": code}
    terms = {"basis": "voluntary", "hold_expires_at": NOW + 3 * DAY, "account_level": True}
    desk.report(more, top_up(hold, 0, 1, **terms, frozen_at=NOW))


def test_a_lapsed_hold_is_not_topped_up() -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.ledger.holds[hold] = replace(desk.hold(hold), lapsed=True)
    assert desk.refused(found(0, 1), top_up(hold, 0, 1)) == {"/lines/1/hold": "hold_lapsed"}


def test_top_ups_cannot_add_up_beyond_2_to_the_256() -> None:
    desk = Desk()
    hold = desk.report(found(0, None), frozen(0, LIMIT - 1)).opened[0]
    assert desk.refused_input(top_up(hold, 0, 1)) == {"/lines/0/amount": "amount_too_large"}


def test_a_converted_asset_is_found_and_frozen_as_itself() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 10, ETH)
    desk.report(found(0, 30_000, USDT), frozen(0, 30_000, USDT))
    assert set(totals(desk.ledger.holds.values(), desk.ledger.findings.values())) == {USDT}


def test_totals_sum_distinct_holds_by_asset() -> None:
    desk = Desk()
    first = desk.opens(0, 100)
    desk.opens(1, 50)
    desk.report(found(0, 9, USDT), released(first, 30), returned(first, 20), seized(first, 10))
    holds = list(desk.ledger.holds.values())
    sums = totals([*holds, *holds], desk.ledger.findings.values())
    eth = sums[ETH]
    assert (eth.found, eth.frozen, eth.released, eth.returned, eth.seized, eth.held) == (
        150,
        150,
        30,
        20,
        10,
        90,
    )
    assert (sums[USDT].found, sums[USDT].frozen) == (9, 0)


def test_the_status_follows_the_money() -> None:
    desk = Desk()
    seen = []
    desk.report(found(0, 100))
    seen.append(desk.status())
    booking = desk.report(frozen(0, 60))
    hold = booking.opened[0]
    seen.append(desk.status())
    desk.report(top_up(hold, 0, 40))
    seen.append(desk.status())
    desk.report(released(hold, 100))
    seen.append(desk.status())
    assert seen == [
        LegStatus.UNDER_REVIEW,
        LegStatus.PARTIALLY_FROZEN,
        LegStatus.FROZEN,
        LegStatus.RELEASED,
    ]


@pytest.mark.parametrize("gone", [returned, seized])
def test_a_hold_of_which_a_part_went_back_shows_as_returned(gone: object) -> None:
    desk = Desk()
    hold = desk.opens(0, 100)
    desk.report(released(hold, 99), gone(hold, 1))  # type: ignore[operator]
    assert desk.status() is LegStatus.RETURNED


def test_a_hold_of_another_partner_is_no_hold_of_yours() -> None:
    desk = Desk()
    assert desk.refused(released(NO_HOLD, 1)) == {"/lines/0/hold": "no_such_hold"}


def test_an_asset_may_be_refused_by_an_error_of_ours() -> None:
    desk = Desk()

    def refuse(asset: str) -> str:
        raise InvalidInputError(f"{asset} is unknown")

    with pytest.raises(InvalidInputError) as refused:
        desk.try_report(found(0, 1), canonical_asset=refuse)
    assert refused.value.errors[0].detail == f"{ETH} is unknown"


def test_every_transaction_that_is_none_is_named_and_it_is_the_document_s_fault() -> None:
    desk = Desk()
    by_issuer: dict[str, Any] = {
        "review_at": NOW + DAY,
        "effective_at": NOW,
        "effective_tx": CUT,
        "proposed_at": NOW,
    }
    back: dict[str, Any] = {"hold": NO_HOLD, "amount": "1", "tx": CUT}
    away: dict[str, Any] = {"address_nos": [1], "code": "moved_on", "next": {"tx": CUT}}
    with pytest.raises(InvalidInputError) as refused:
        desk.try_report(
            found(0, 1),
            frozen(0, 1, frozen_at=None, hold_expires_at=None, proposed_tx=CUT, **by_issuer),
            line("returned", **back),
            line("nothing", **away),
            line("nothing", **{**away, "address_nos": [2], "next": {"tx": "0x7"}}),
        )
    named = [each.pointer for each in refused.value.errors if each.code == "bad_transaction"]
    assert named == [
        "/lines/1/proposed_tx",
        "/lines/1/effective_tx",
        "/lines/2/tx",
        "/lines/3/next/tx",
    ]


def test_a_refusal_carries_the_requests_status() -> None:
    desk = Desk()
    with pytest.raises(LedgerBreachError) as refused:
        desk.try_report(frozen(0, 1), current_status="active")
    assert refused.value.current_status == "active"


def test_a_faulty_line_does_not_also_blame_the_freeze_beyond_the_stated_amount() -> None:
    desk = Desk()
    desk.rules["flagged"] = flagged(0, 10)
    assert desk.refused_input(found(0, 50), frozen(0, 50), found(0, 0)) == {
        "/lines/2/amount": "zero_amount"
    }
