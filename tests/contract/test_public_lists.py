"""The published lists: every good line is accepted on its chain, every fault is named.

Data: ../shared/data (FBI PSA250226; OFAC's SDN list per ticker; labelled exchange wallets), read in
place. Tickers name assets and not chains, so the mixed lists are sorted out by what each line is.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import suggest
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules.evm import EvmRule
from tests.known_chains import (
    BITCOIN,
    BITCOIN_CASH,
    BITCOIN_GOLD,
    BITCOIN_SV,
    CHAINS,
    DASH,
    ETHEREUM,
    LITECOIN,
    MONERO,
    TRON,
    XRP,
    ZCASH,
)

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
CHAIN_OF_LIST = {
    "BCH": BITCOIN_CASH,
    "BSC": "eip155:56",
    "BTG": BITCOIN_GOLD,
    "DASH": DASH,
    "ETC": "eip155:61",
    "ETH": ETHEREUM,
    "LTC": LITECOIN,
    "TRX": TRON,
    "USDC": ETHEREUM,
    "XBT": BITCOIN,
    "XMR": MONERO,
    "XRP": XRP,
    "ZEC": ZCASH,
}
#: The lists' own faults: list, line from 1 -> code, and what the message must name.
FAULTS = {
    ("XBT", 178): ("wrong_chain", TRON),  # a Tron address among Bitcoin ones
}


def lines(name: str) -> list[str]:
    """Return the addresses of one list, or skip where the folder is absent."""
    if not DATA.is_dir():
        pytest.skip("the public lists are not here: put them into ../shared/data")
    return (DATA / name).read_text(encoding="ascii").split()


def accepted_accounts() -> list[str]:
    """Return every good line of every list as CAIP-10, the mixed list's by what each line is."""
    accounts = [f"{ETHEREUM}:{address}" for address in lines("fbi_psa250226_eth.txt")]
    for ticker, chain in CHAIN_OF_LIST.items():
        for number, address in enumerate(lines(f"ofac/{ticker}.txt"), 1):
            if (ticker, number) not in FAULTS:
                accounts.append(f"{chain}:{address}")
    accounts += [f"{suggest(CHAINS, address)[0]}:{address}" for address in lines("ofac/USDT.txt")]
    return accounts


@pytest.mark.parametrize("ticker", sorted(CHAIN_OF_LIST))
def test_every_good_line_is_accepted_on_its_chain_and_every_fault_is_named(ticker: str) -> None:
    refused = {}
    for number, address in enumerate(lines(f"ofac/{ticker}.txt"), 1):
        try:
            account = parse_account(CHAINS, f"{CHAIN_OF_LIST[ticker]}:{address}")
        except AccountError as error:
            refused[ticker, number] = error
        else:
            assert account.chain.caip2 == CHAIN_OF_LIST[ticker]
    expected = {place: fault for place, fault in FAULTS.items() if place[0] == ticker}
    assert {place: error.code for place, error in refused.items()} == {
        place: code for place, (code, _) in expected.items()
    }
    for place, (_, named) in expected.items():
        assert named in refused[place].message


def test_the_fbi_s_51_addresses_are_accepted_without_a_warning_and_are_51_targets() -> None:
    accounts = [parse_account(CHAINS, f"{ETHEREUM}:{a}") for a in lines("fbi_psa250226_eth.txt")]
    assert len({account.key for account in accounts}) == len(accounts) == 51
    assert all(not account.warnings for account in accounts)


def test_the_mixed_tether_list_is_sorted_out_by_what_each_line_is() -> None:
    found = Counter(tuple(suggest(CHAINS, address)) for address in lines("ofac/USDT.txt"))
    every_evm_chain = tuple(c.caip2 for c in CHAINS if isinstance(c.rule, EvmRule))
    assert found == {
        every_evm_chain: 4,
        (TRON,): 5,
        (BITCOIN, BITCOIN_SV, BITCOIN_CASH): 3,  # Omni, on Bitcoin: a person must say so
        (BITCOIN, LITECOIN, BITCOIN_SV, BITCOIN_CASH): 1,
    }


def test_the_mixed_tether_list_on_one_chain_names_for_each_line_where_it_belongs() -> None:
    refused = 0
    for address in lines("ofac/USDT.txt"):
        elsewhere = suggest(CHAINS, address)
        if ETHEREUM in elsewhere:
            continue
        with pytest.raises(AccountError) as caught:
            parse_account(CHAINS, f"{ETHEREUM}:{address}")
        assert caught.value.code == "wrong_chain"
        assert all(chain in caught.value.message for chain in elsewhere)
        refused += 1
    assert refused == 9


def test_a_hex_string_on_the_monero_list_is_named_as_what_it_is() -> None:
    # Stands for a line of the other half of the list: 64 hex digits, a transaction or key.
    with pytest.raises(AccountError, match="64 hex digits are a transaction") as caught:
        parse_account(CHAINS, f"{MONERO}:{'5be9d8c5' * 8}")
    assert caught.value.code == "bad_address"


@pytest.mark.parametrize("exchange", ["binance", "huobi", "kraken", "okx"])
def test_the_labelled_wallets_are_accepted_each_with_the_warning_that_nothing_checks_it(
    exchange: str,
) -> None:
    lines("fbi_psa250226_eth.txt")  # skips where the data is absent
    labels = json.loads((DATA / f"service_wallets_{exchange}.json").read_text(encoding="utf-8"))
    assert labels
    for address in labels:
        warnings = parse_account(CHAINS, f"{ETHEREUM}:{address}").warnings
        # The contracts of an exchange's own tokens are labelled, too.
        assert warnings - {"token_contract"} == {"no_checksum"}
