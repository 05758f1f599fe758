"""The reference exchange's books: matching both ways, and sums that always add up."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.payloads import FlaggedAddress
from reference_exchange.deposit_book import DepositBook

ETH, USDT = "eip155:1/slip44:60", "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
THIEF = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
OTHER = "eip155:1:0x96244D83DC15d36847C35209bBDc5bdDE9bEc3D8"
OURS = "eip155:1:0x83c7678492D623fb98834F0fbcb2E7b7f5Af8950"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
WEI = 10**21  # more than fits into 64 bits


@pytest.fixture
def book(tmp_path: Path) -> Iterator[DepositBook]:
    book = DepositBook(tmp_path / "book.sqlite3")
    yield book
    book.close()


def flagged(*accounts: str, **members: str) -> dict[int, FlaggedAddress]:
    return {
        number: FlaggedAddress.model_validate({"account": account, **members})
        for number, account in enumerate(accounts)
    }


def test_deposits_from_a_flagged_address_are_matched_however_it_is_spelt(
    book: DepositBook,
) -> None:
    book.record_deposit("c1", ETH, WEI, THIEF, "t1")
    (match,) = book.match(flagged(THIEF.lower()))
    assert (match.customer, match.found, match.freezable) == ("c1", WEI, WEI)


def test_a_flagged_own_deposit_address_is_matched_with_all_that_came_in(book: DepositBook) -> None:
    book.add_deposit_address("c1", OURS)
    book.record_deposit("c1", ETH, 5, OTHER, "t1")
    book.record_deposit("c1", USDT, 7, OTHER, "t2")
    matches = book.match(flagged(OURS))
    assert [(match.asset, match.found) for match in matches] == [(USDT, 7), (ETH, 5)]
    assert [match.found for match in book.match(flagged(OURS, asset=ETH))] == [5]


def test_what_has_nothing_to_do_with_it_is_not_matched(book: DepositBook) -> None:
    book.record_deposit("c1", ETH, 5, OTHER, "t1")
    assert book.match(flagged(THIEF, OURS)) == []


def test_no_more_is_found_than_is_still_here_or_was_stated(book: DepositBook) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.withdraw("c1", ETH, 4)
    assert book.match(flagged(THIEF))[0].found == 6
    assert book.match(flagged(THIEF, asset=ETH, amount="2"))[0].found == 2


def test_what_is_lent_out_is_found_but_not_freezable(book: DepositBook) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.lock("c1", ETH, 4)
    (match,) = book.match(flagged(THIEF))
    assert (match.found, match.freezable) == (10, 6)


def test_a_deposit_that_left_again_is_a_match_with_nothing_found(book: DepositBook) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.withdraw("c1", ETH, 10)
    assert [match.found for match in book.match(flagged(THIEF))] == [0]


def test_two_addresses_that_lead_to_one_balance_do_not_count_it_twice(book: DepositBook) -> None:
    book.add_deposit_address("c1", OURS)
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    matches = book.match(flagged(THIEF, OURS))
    assert sum(match.found for match in matches) == 10


def test_freezing_twice_freezes_once(book: DepositBook) -> None:
    book.record_deposit("c1", ETH, WEI, THIEF, "t1")
    matches = book.match(flagged(THIEF))
    first = book.freeze("frq_1", matches, NOW)
    again = book.freeze("frq_1", book.match(flagged(THIEF)), NOW)
    assert first == again
    assert book.totals()[ETH].held == WEI
    with pytest.raises(ValueError, match="not so much"):
        book.withdraw("c1", ETH, 1)


def test_released_funds_are_the_customers_again_and_returned_ones_are_gone(
    book: DepositBook,
) -> None:
    book.record_deposit("c1", ETH, 10, THIEF, "t1")
    book.record_deposit("c2", ETH, 5, OTHER, "t2")
    freezes = book.freeze("frq_1", book.match(flagged(THIEF, OTHER)), NOW)
    for freeze, hold in zip(freezes, ("hld_1", "hld_2"), strict=True):
        book.note_hold(freeze, hold)
    book.release("hld_1")
    book.return_funds("hld_2")
    totals = book.totals()[ETH]
    assert (totals.frozen, totals.released, totals.returned, totals.held) == (15, 10, 5, 0)
    book.withdraw("c1", ETH, 10)
    with pytest.raises(ValueError, match="not so much"):
        book.withdraw("c2", ETH, 1)
    with pytest.raises(ValueError, match="no hold"):
        book.release("hld_3")


@given(
    amounts=st.lists(st.integers(1, WEI), min_size=1, max_size=6),
    locked=st.lists(st.integers(0, WEI), min_size=6, max_size=6),
)
def test_held_is_always_frozen_less_what_ended(amounts: list[int], locked: list[int]) -> None:
    book = DepositBook(Path(":memory:"))
    addresses = [f"eip155:1:0x{number:040x}" for number in range(len(amounts))]
    for number, (address, amount) in enumerate(zip(addresses, amounts, strict=True)):
        book.record_deposit(f"c{number % 2}", ETH, amount, address, f"t{number}")
        book.lock(f"c{number % 2}", ETH, min(locked[number], amount))
    freezes = book.freeze("frq_1", book.match(flagged(*addresses)), NOW)
    for number, freeze in enumerate(freezes):
        book.note_hold(freeze, f"hld_{number}")
        if number % 3 == 0:
            book.release(f"hld_{number}")
        elif number % 3 == 1:
            book.return_funds(f"hld_{number}")
    totals = book.totals().get(ETH)
    if totals is not None:
        assert totals.held == totals.frozen - totals.released - totals.returned
        assert totals.frozen <= sum(amounts)
    book.close()
