"""What a request asks for, in a sentence and by asset."""

import pytest

from holdfast.cli.asked_sums import asking_sentence, sums_rows
from holdfast.cli.session import Session
from holdfast.protocol.payloads import FlaggedAddress

_ETH, _BTC = "eip155:1/slip44:60", "bip122:000000000019d6689c085ae165831e93/slip44:0"
_USDT = "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
_SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token"
_MINT = f"{_SOLANA}:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
_UNKNOWN = "eip155:1/erc20:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


def flagged(*asked: tuple[str | None, str | None]) -> dict[int, FlaggedAddress]:
    account = "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
    made = (FlaggedAddress(account=account, asset=a, amount=n) for a, n in asked)
    return dict(enumerate(made))


@pytest.mark.parametrize(
    ("asked", "hours", "words"),
    [
        ([(_USDT, "2100000000000")], 72, "1 address, 2.1M USDT, for 72 h"),
        # Digits are never left out without a word.
        ([(_USDT, "2199999000000")], 72, "1 address, about 2.1M USDT, for 72 h"),
        ([(_USDT, "20000000000")], 72, "1 address, 20k USDT, for 72 h"),
        ([(_USDT, "999999999999")], 72, "1 address, about 999.9k USDT, for 72 h"),
        ([(_USDT, "10000000001")], 72, "1 address, about 10k USDT, for 72 h"),
        ([(_USDT, "1500000"), (_USDT.lower(), "2000000")], 24, "2 addresses, 3.5 USDT, for 24 h"),
        ([(_ETH, None)], None, "1 address, whatever is there, with no end named"),
        (
            [(_ETH, "1000000000000000000"), (None, None)],
            72,
            "2 addresses, 1 ETH, whatever else is there (no amount for 1 of them), for 72 h",
        ),
        (
            [(_ETH, "1" + "0" * 18), (_USDT, "1000000"), (_BTC, "100000000"), (_UNKNOWN, "7")],
            72,
            "4 addresses, 1 ETH, 1 USDT, 1 BTC, 1 more asset, for 72 h",
        ),
    ],
)
def test_a_sentence_says_what_is_asked(
    asked: list[tuple[str | None, str | None]], hours: int | None, words: str
) -> None:
    said = asking_sentence(Session(), 14, flagged(*asked), hours)
    assert said == f"asks 14 partners to freeze {words}"


def test_sums_are_by_asset_and_count_what_states_no_amount() -> None:
    asked = flagged((_USDT, "1500000"), (_USDT.lower(), None), (None, None), (_UNKNOWN, "7"))
    assert sums_rows(Session(), asked.values()) == [
        ("USDT (Ethereum)", 2, "1.5", 1),
        ("any", 1, None, 1),
        (f"{_UNKNOWN} (base units, decimals unknown)", 1, "7", None),
    ]


def test_two_tokens_that_differ_in_case_alone_are_two_sums() -> None:
    other = _MINT.replace("EPjF", "EpjF")
    rows = sums_rows(Session(), flagged((_MINT, "1500000"), (other, "7")).values())
    assert [row[1] for row in rows] == [1, 1]


def test_no_sum_is_too_large_to_be_said_and_no_digit_of_it_is_lost() -> None:
    asked = (_ETH, str(2**256 - 1)), (_ETH, "1")
    said = asking_sentence(Session(), 1, flagged(*asked), 72)
    whole = str(2**256 // (10**9 * 10**18 // 10))
    assert f"about {whole[:-1]}.{whole[-1]}B ETH" in said
    huge = (_ETH, "1" + "0" * 60), (_ETH, "1")
    assert "about 1" in asking_sentence(Session(), 1, flagged(*huge), 72)
