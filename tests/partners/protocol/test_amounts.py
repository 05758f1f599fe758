"""Amounts as people write them, and the same amount read the same wherever it stands."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.protocol.amounts import (
    AmountTextError,
    KnownAssets,
    format_amount,
    format_number,
    parse_amount,
    require_some,
    shipped_assets,
)
from holdfast.protocol.chains.chain import load_chains
from holdfast.protocol.views import AssetUnit

ETHER, BITCOIN = "eip155:1/slip44:60", "bip122:000000000019d6689c085ae165831e93/slip44:0"
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
USDT_BSC = "eip155:56/erc20:0x55d398326f99059ff775485246999027b3197955"
UNKNOWN = "eip155:1/erc20:0x51e9d833ecae4e8d9d8be17300aee6d3398c135d"

_COIN = """
[family.coin]
rule = "evm"
assets = {{ erc20 = "address" }}
chains = [{{ id = "eip155:987654", name = "Coin", symbol = "COIN", slip44 = 98765, decimals = {} }}]
"""
#: A coin of each fineness, as an operator would add it.
COINS = [KnownAssets(load_chains(_COIN.format(decimals))) for decimals in range(25)]
COIN = "eip155:987654/slip44:98765"


@given(st.integers(0, 2**256 - 1), st.integers(0, 24))
@example(2**256 - 1, 0)
@example(1, 24)
@example(0, 18)
def test_what_is_shown_is_read_as_the_same_amount(base_units: int, decimals: int) -> None:
    known = COINS[decimals]
    unit = known.unit(COIN)
    assert unit is not None
    assert unit.decimals == decimals
    shown = format_amount(base_units, unit, asset=COIN)
    assert "e" not in shown.lower()
    assert not format_number(base_units, unit).endswith(".")
    for text in (shown, shown.replace(",", "_"), shown.replace(",", "")):
        assert parse_amount(text, known) == (COIN, str(base_units))


@pytest.mark.parametrize(
    ("text", "asset", "base_units"),
    [
        ("1.5 BTC", BITCOIN, "150000000"),
        ("1.5BTC", BITCOIN, "150000000"),
        ("2_500 USDT@eip155:56", USDT_BSC, "2500000000000000000000"),
        ("2,500 USDT@bsc", USDT_BSC, "2500000000000000000000"),
        ("2500 usdt @ Ethereum", USDT, "2500000000"),
        ("1.500000000 USDT@eip155:1", USDT, "1500000"),
        ("0.3 BTC", BITCOIN, "30000000"),
        ("12000", None, "12000"),
    ],
)
def test_amounts_are_read_with_symbol_and_chain(
    text: str, asset: str | None, base_units: str
) -> None:
    found, amount = parse_amount(text, shipped_assets())
    assert (found and found.lower(), amount) == (asset and asset.lower(), base_units)


@pytest.mark.parametrize(("chain", "decimals"), [("eip155:1", 6), ("eip155:56", 18)])
def test_a_bare_symbol_is_that_of_the_line_at_hand(chain: str, decimals: int) -> None:
    asset, amount = parse_amount("1.5 USDT", shipped_assets(), chain=chain)
    assert (asset or "").startswith(f"{chain}/erc20:")
    assert amount == str(15 * 10 ** (decimals - 1))
    assert parse_amount("1.5 USDT", shipped_assets(), asset=asset) == (asset, amount)
    shown = format_amount(amount, shipped_assets().unit(asset), asset=str(asset))
    assert shown == "1.5 USDT"


@pytest.mark.parametrize(
    ("text", "members", "said"),
    [
        ("1.5", {}, "no symbol: write it with its unit"),
        ("2_500", {}, "has no symbol"),
        ("1,5 ETH", {}, "write 1.5"),
        ("1.2345,5 ETH", {}, "is no number"),
        ("12,34,567 ETH", {}, "is no number"),
        ("1__000 ETH", {}, "is no number"),
        ("1.5.2 ETH", {}, "is no number"),
        (".5 BTC", {}, "is no number"),
        ("5. BTC", {}, "is no number"),
        ("-1 BTC", {}, "no sign"),
        ("\N{MINUS SIGN}1 BTC", {}, "no sign"),
        ("007", {}, "begins with a zero"),
        ("1e18", {}, "exponent"),
        ("1E+18 ETH", {}, "exponent"),
        ("", {}, "is no amount"),
        ("all", {}, "is no amount"),
        ("\N{ARABIC-INDIC DIGIT ONE} BTC", {}, "is no amount"),
        ("1 B T C", {}, "is no unit"),
        ("1 USDT@", {}, "is no unit"),
        ("1.123456789 BTC", {}, "BTC has 8"),
        ("1.1234567 USDT", {"asset": USDT}, "USDT has 6"),
        ("1 XYZQ", {}, "no symbol that is known"),
        ("1 USDT", {}, "write one of USDT@eip155:1, "),
        ("1 USDT", {"chain": "xrpl:0"}, "no USDT is known on XRP"),
        ("1 USDT@nowhere", {}, "after @"),
        ("1 USDT@eip155:56", {"chain": "eip155:1"}, "they must agree"),
        ("1 USDT@eip155:56", {"asset": USDT}, "they must agree"),
        ("1 ETH", {"asset": USDT}, "is USDT"),
        ("1 USDT", {"asset": UNKNOWN}, "decimals of"),
        ("1 ETH", {"asset": "ETH"}, "ETH is no asset's id: write it as CAIP-19"),
        (str(2**256), {}, "more than any ledger holds"),
        ("9" * 401, {}, "too long"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(
    text: str, members: dict[str, str], said: str
) -> None:
    with pytest.raises(AmountTextError) as refused:
        parse_amount(text, shipped_assets(), **members)
    assert said in str(refused.value)


@pytest.mark.parametrize("zero", ["0"])
def test_an_amount_of_nothing_is_refused_with_what_means_all(zero: str) -> None:
    with pytest.raises(AmountTextError, match="leave it out for the whole balance"):
        require_some(zero)
    assert require_some("10") == "10"


def test_unknown_decimals_are_said_and_never_guessed() -> None:
    assert shipped_assets().unit(UNKNOWN) is None
    shown = format_amount("12000", None, asset=UNKNOWN)
    assert shown == f"12000 base units of {UNKNOWN}, decimals unknown"


def test_amounts_have_thousands_and_no_zeros_at_the_end() -> None:
    ether = shipped_assets().unit(ETHER)
    assert format_amount(113_000 * 10**18, ether, asset=ETHER) == "113,000 ETH"
    assert format_amount("1", ether, asset=ETHER) == "0.000000000000000001 ETH"
    assert format_number("7", AssetUnit(symbol="X", decimals=0)) == "7"


def test_two_tokens_of_one_symbol_on_one_chain_are_told_apart_by_their_ids() -> None:
    fake = f'tokens = [{{ asset = "{UNKNOWN}", symbol = "USDT", decimals = 2 }}]'
    known = KnownAssets(load_chains(fake))
    with pytest.raises(AmountTextError, match="several assets on Ethereum are called USDT"):
        parse_amount("1 USDT@eip155:1", known)
