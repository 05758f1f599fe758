"""What the table says of chains where it was once wrong, or is easily written wrong from memory."""

import pytest

from holdfast.protocol.chains.asset import display_units
from holdfast.protocol.chains.format_errors import AccountError
from tests.known_chains import CHAINS


@pytest.mark.parametrize(
    ("native", "symbol", "decimals"),
    [
        ("cosmos:fetchhub-4/slip44:118", "FET", 18),
        ("cosmos:dydx-mainnet-1/slip44:22000118", "DYDX", 18),
        ("cosmos:injective-1/slip44:22000119", "INJ", 18),
        ("cosmos:thorchain-1/slip44:931", "RUNE", 8),
        ("cosmos:mayachain-mainnet-v1/slip44:931", "CACAO", 10),
        ("cosmos:pacific-1/slip44:19000118", "SEI", 6),
        ("eip155:1329/slip44:19000118", "SEI", 18),
        ("bip122:00000fc63692467faeb20cdb3b53200d/slip44:77", "XVG", 6),
    ],
)
def test_a_native_asset_counts_in_its_chain_s_base_units(
    native: str, symbol: str, decimals: int
) -> None:
    assert display_units(CHAINS, [native]) == {native: {"symbol": symbol, "decimals": decimals}}


@pytest.mark.parametrize("main_network_by_now", ["eip155:42", "eip155:2021"])
def test_an_id_that_a_main_network_took_over_is_no_test_network_s(main_network_by_now: str) -> None:
    assert main_network_by_now not in CHAINS.testnets


@pytest.mark.parametrize(
    ("caip2", "name"),
    [
        ("eip155:202601", "Saigon is a test network of Ronin"),
        ("tron:3448148188", "Nile is a test network of Tron"),
        ("tron:2494104990", "Shasta is a test network of Tron"),
        ("monero:76ee3cc98646292206cd3e86f74d88b4", "Monero Stagenet is"),
        ("monero:48ca7cd3c8de5b6a4d53d2861fbdaedc", "Monero Testnet is"),
        ("antelope:1eaa0824707c8c16bd25145493bf062a", "Telos Testnet is"),
        ("eosio:f16b1833c747c43682f4386fca9cbb32", "WAX Testnet is"),
        ("cip34:0-1097911063", "Cardano Testnet is a test network of Cardano"),
    ],
)
def test_a_test_network_is_known_by_its_id(caip2: str, name: str) -> None:
    with pytest.raises(AccountError, match=name) as refused:
        CHAINS.named(caip2)
    assert refused.value.code == "testnet"
