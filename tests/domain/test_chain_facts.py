"""What the table says of chains where it was once wrong, or is easily written wrong from memory."""

import pytest

from holdfast.protocol.chains.asset import display_units
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
