"""Amounts, times and counts as the console writes them."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.console import words
from coordinator.console.list_part import list_part
from coordinator.services.reading import code_words
from holdfast.protocol.amounts import shipped_assets
from holdfast.protocol.vocabulary import DeclineCode, WithdrawalReason

NOW = datetime(2025, 2, 22, 3, tzinfo=UTC)
ETH = "eip155:1/slip44:60"


@pytest.mark.parametrize(
    ("base_units", "said"),
    [
        ("113000" + "0" * 18, "113 000 ETH"),
        ("1500000000000000000", "1.5 ETH"),
        ("1", "0.000000000000000001 ETH"),
        ("0", "0 ETH"),
    ],
)
def test_amounts_are_in_units_and_never_rounded(base_units: str, said: str) -> None:
    found = words.amount(base_units, ETH, shipped_assets())
    assert str(found).replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\xa0", " ") == said


def test_what_is_copied_has_no_blanks() -> None:
    assert words.amount("1234567" + "0" * 18, ETH, shipped_assets()).plain == "1234567"


def test_unknown_decimals_are_said_and_never_guessed() -> None:
    asset = "eip155:1/erc20:0x00000000000000000000000000000000000000aa"
    found = words.amount("12345", asset, shipped_assets())
    assert found.plain == "12345"
    assert found.unit == f"base units of {asset}, decimals unknown"


@pytest.mark.parametrize(
    ("left", "said", "is_soon", "is_late"),
    [
        (timedelta(minutes=6, seconds=5), "6:05 min", True, False),
        (timedelta(minutes=41, seconds=59), "41 min", True, False),
        (timedelta(hours=1), "1 h", True, False),
        (timedelta(hours=3, minutes=12), "3 h 12 min", False, False),
        (timedelta(hours=47, minutes=59), "47 h 59 min", False, False),
        (timedelta(hours=48), "2 days", False, False),
        (timedelta(seconds=59), "now", True, False),
        (timedelta(seconds=-59), "now", True, True),
        (timedelta(minutes=-41), "41 min late", False, True),
        (timedelta(days=-2), "2 days late", False, True),
    ],
)
def test_clocks(left: timedelta, said: str, *, is_soon: bool, is_late: bool) -> None:
    found = words.countdown(NOW + left, NOW)
    assert found.words.replace("\xa0", " ") == said
    assert (found.is_soon, found.is_late) == (is_soon, is_late)


def test_no_clock() -> None:
    assert words.countdown(None, NOW) == words.Countdown("\N{EN DASH}", None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "\N{EN DASH}"),
        ("11234567.00", "$11.2 m"),
        ("999999.99", "$999 999"),
        ("5", "$5"),
    ],
)
def test_dollars(value: str | None, said: str) -> None:
    found = words.usd(value)
    assert found.replace("\xa0", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == said


def test_lists_and_counts() -> None:
    assert [words.listed(w) for w in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert words.counted(1, "address") == "1\xa0address"
    assert words.counted(51, "address") == "51\xa0addresses"
    assert words.counted(20_000, "partner") == "20\N{NARROW NO-BREAK SPACE}000\xa0partners"


def test_what_was_refused_is_a_sentence_without_the_api_s_own_forms() -> None:
    refused = "is too far ahead; state 2026-12-02T20:15:51.985251Z at the latest"
    said = "This is too far ahead; state 2 Dec 2026, 20:15:51 UTC at the latest."
    assert words.fault_sentence(refused) == said
    assert words.fault_sentence("say which addresses") == "Say which addresses."
    assert words.fault_sentence("Is it?") == "Is it?"


def test_what_is_worth_how_much_says_for_how_many() -> None:
    assert words.worth([None, None]) == ""
    assert words.worth([100_000, 150_000]).replace("\N{NARROW NO-BREAK SPACE}", " ") == (
        "about $2 500, stated"
    )
    assert words.worth([500, None]) == "$5 stated for 1 of 2\xa0addresses"


def test_every_code_has_its_words_once() -> None:
    assert set(code_words.CHOSEN) == set(code_words.SAID) == set(DeclineCode)
    assert set(code_words.WITHDRAWN_BECAUSE) == set(WithdrawalReason)
    chosen = {code for code, _ in code_words.WITHDRAWAL_CHOICES if code}
    assert chosen == set(WithdrawalReason) - {WithdrawalReason.NOT_RATIFIED}


def test_a_part_of_a_list_is_what_the_url_says() -> None:
    items = list(range(250))
    first = list_part(items, "/p", {"other": "x"}, "from", 100)
    assert (list(first.items), first.before) == (items[:100], "")
    assert first.after == "/p?other=x&from=100"
    last = list_part(items, "/p", {"from": "200"}, "from", 100)
    assert (list(last.items), last.said) == (items[200:], "201 to 250 of 250")
    assert (last.before, last.after) == ("/p?from=100", "")
    whole = list_part(items[:100], "/p", {}, "from", 100)
    assert (whole.said, whole.before, whole.after) == ("", "", "")
    for odd in ("-1", "250", "x", "9" * 9, "\N{ARABIC-INDIC DIGIT FIVE}0000"):
        assert list(list_part(items, "/p", {"from": odd}, "from", 100).items) == items[:100]
