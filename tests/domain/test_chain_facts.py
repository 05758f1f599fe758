"""What the table says of chains where it was once wrong, or is easily written wrong from memory."""

import pytest

from holdfast.protocol.chains.asset import display_units, parse_asset
from holdfast.protocol.chains.format_errors import AccountError, AssetError
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
        ("eip155:100/slip44:700", "XDAI", 18),
        ("eip155:1514/slip44:60", "DATA", 18),
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
        ("solana:8E9rvCKLFQia2Y35HXjjpWzj8weVo44K", "Solana Devnet is"),
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


@pytest.mark.parametrize(
    ("chain", "written", "canonical"),
    [
        ("eip155:14", 554, 60),
        ("eip155:40", 60, 977),
        ("antelope:4667b205c6838ef70ff7988f6e8257e8", 977, 977),
        ("eip155:369", 60, 1028),
        ("eip155:1116", 60, 1116),
        ("eip155:7000", 60, 7000),
        ("KILT", 354, 2086),
    ],
)
def test_a_coin_type_is_slip_44_s_where_it_gives_one(
    chain: str, written: int, canonical: int
) -> None:
    caip2 = CHAINS.named(chain).caip2
    assert parse_asset(CHAINS, f"{caip2}/slip44:{written}") == f"{caip2}/slip44:{canonical}"


@pytest.mark.parametrize("other_coin_s", ["eip155:40/slip44:424", "eip155:5000/slip44:614"])
def test_another_coin_s_type_is_refused(other_coin_s: str) -> None:
    with pytest.raises(AssetError) as refused:
        parse_asset(CHAINS, other_coin_s)
    assert refused.value.code == "wrong_native"


@pytest.mark.parametrize(
    ("alias", "canonical"),
    [
        ("polkadot:a0453819cbf8b4df9423a5cd601f546c", "polkadot:411f057b9107718c9624d6aa4a3f23c1"),
        ("bip122:000000000000000000b15ad892af8f6a", "bip122:000000000000000000651ef99cb9fcbe"),
        ("solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"),
        ("Story", "eip155:1514"),
        ("IP", "eip155:1514"),
        ("xDai", "eip155:100"),
    ],
)
def test_an_id_or_a_name_that_others_write_is_the_same_chain_s(alias: str, canonical: str) -> None:
    assert CHAINS.named(alias).caip2 == canonical
