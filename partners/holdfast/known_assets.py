"""The assets whose symbol and decimals ship with the kit.

The coordinator's table (`config/chains.toml`) has the same: a test compares them. Both become one
once the table of chains is the kit's.
"""

from collections.abc import Mapping
from functools import lru_cache

from holdfast.amounts import KnownAssets
from holdfast.protocol.views import AssetUnit

#: Names that people write for chains, as CAIP-2; anything else must be CAIP-2 itself.
CHAIN_NAMES: Mapping[str, str] = {
    "ethereum": "eip155:1",
    "eth": "eip155:1",
    "bsc": "eip155:56",
    "bnb": "eip155:56",
    "polygon": "eip155:137",
    "arbitrum": "eip155:42161",
    "optimism": "eip155:10",
    "base": "eip155:8453",
    "avalanche": "eip155:43114",
    "ethereum classic": "eip155:61",
    "bitcoin": "bip122:000000000019d6689c085ae165831e93",
    "btc": "bip122:000000000019d6689c085ae165831e93",
    "litecoin": "bip122:12a765e31ffd4059bada1e25190f6e98",
    "ltc": "bip122:12a765e31ffd4059bada1e25190f6e98",
    "dogecoin": "bip122:1a91e3dace36e2be3bf030a65679fe82",
    "doge": "bip122:1a91e3dace36e2be3bf030a65679fe82",
    "bitcoin cash": "bip122:000000000000000000651ef99cb9fcbe",
    "bch": "bip122:000000000000000000651ef99cb9fcbe",
    "tron": "tron:0x2b6653dc",
    "trx": "tron:0x2b6653dc",
    "solana": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "sol": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "xrp": "xrpl:0",
    "monero": "monero:418015bb9ae982a1975da7d79277c270",
    "xmr": "monero:418015bb9ae982a1975da7d79277c270",
}
#: CAIP-2 id, name, symbol, SLIP-44 coin type and decimals of each chain's own asset.
_CHAINS = (
    ("eip155:1", "Ethereum", "ETH", 60, 18),
    ("eip155:10", "OP Mainnet", "ETH", 60, 18),
    ("eip155:25", "Cronos", "CRO", 394, 18),
    ("eip155:56", "BNB Smart Chain", "BNB", 714, 18),
    ("eip155:61", "Ethereum Classic", "ETC", 61, 18),
    ("eip155:100", "Gnosis", "xDAI", 700, 18),
    ("eip155:137", "Polygon", "POL", 966, 18),
    ("eip155:250", "Fantom", "FTM", 1007, 18),
    ("eip155:324", "ZKsync Era", "ETH", 60, 18),
    ("eip155:8453", "Base", "ETH", 60, 18),
    ("eip155:42161", "Arbitrum One", "ETH", 60, 18),
    ("eip155:42220", "Celo", "CELO", 52752, 18),
    ("eip155:43114", "Avalanche C-Chain", "AVAX", 9005, 18),
    ("eip155:59144", "Linea", "ETH", 60, 18),
    ("eip155:81457", "Blast", "ETH", 60, 18),
    ("eip155:534352", "Scroll", "ETH", 60, 18),
    ("bip122:000000000019d6689c085ae165831e93", "Bitcoin", "BTC", 0, 8),
    ("bip122:12a765e31ffd4059bada1e25190f6e98", "Litecoin", "LTC", 2, 8),
    ("bip122:1a91e3dace36e2be3bf030a65679fe82", "Dogecoin", "DOGE", 3, 8),
    ("bip122:00000ffd590b1485b3caadc19b22e637", "Dash", "DASH", 5, 8),
    ("bip122:000000000000000000e5438564434eda", "Bitcoin Gold", "BTG", 156, 8),
    ("bip122:00000fc63692467faeb20cdb3b53200d", "Verge", "XVG", 77, 6),
    ("bip122:000000000000000001d956714215d96f", "Bitcoin SV", "BSV", 236, 8),
    ("bip122:000000000000000000651ef99cb9fcbe", "Bitcoin Cash", "BCH", 145, 8),
    ("bip122:00040fe8ec8471911baa1db1266ea15d", "Zcash", "ZEC", 133, 8),
    ("tron:0x2b6653dc", "Tron", "TRX", 195, 6),
    ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "Solana", "SOL", 501, 9),
    ("xrpl:0", "XRP Ledger", "XRP", 144, 6),
    ("monero:418015bb9ae982a1975da7d79277c270", "Monero", "XMR", 128, 12),
)
#: Tokens: CAIP-19 id, symbol, decimals.
_TOKENS = (
    ("eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6),
    ("eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "USDC", 6),
    ("eip155:1/erc20:0x6b175474e89094c44da98b954eedeac495271d0f", "DAI", 18),
    ("eip155:1/erc20:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "WETH", 18),
    ("eip155:1/erc20:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", "WBTC", 8),
    ("eip155:1/erc20:0xae7ab96520de3a18e5e111b5eaab095312d7fe84", "stETH", 18),
    ("eip155:1/erc20:0xd5f7838f5c461feff7fe49ea5ebaf7728bb0adfa", "mETH", 18),
    ("eip155:10/erc20:0x94b008aa00579c1307b0ef2c499ad98a8ce58e58", "USDT", 6),
    ("eip155:10/erc20:0x0b2c639c533813f4aa9d7837caf62653d097ff85", "USDC", 6),
    ("eip155:56/erc20:0x55d398326f99059ff775485246999027b3197955", "USDT", 18),
    ("eip155:56/erc20:0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d", "USDC", 18),
    ("eip155:137/erc20:0xc2132d05d31c914a87c6611c10748aeb04b58e8f", "USDT", 6),
    ("eip155:137/erc20:0x3c499c542cef5e3811e1192ce70d8cc03d5c3359", "USDC", 6),
    ("eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913", "USDC", 6),
    ("eip155:42161/erc20:0xfd086bc7cd5c481dcc9c85ebe478a1c0b69fcbb9", "USDT", 6),
    ("eip155:42161/erc20:0xaf88d065e77c8cc2239327c5edb3a432268e5831", "USDC", 6),
    ("eip155:43114/erc20:0x9702230a8ea53601f5cd2dc00fdbc13d4df4a8c7", "USDT", 6),
    ("eip155:43114/erc20:0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e", "USDC", 6),
    ("tron:0x2b6653dc/trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", 6),
    (
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
        "USDT",
        6,
    ),
    (
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        "USDC",
        6,
    ),
    ("bip122:000000000019d6689c085ae165831e93/omni:31", "USDT", 8),
)


@lru_cache(maxsize=1)
def shipped_assets() -> KnownAssets:
    """Return the assets that the kit knows by itself."""
    natives = {
        f"{caip2}/slip44:{coin}": AssetUnit(symbol=symbol, decimals=decimals)
        for caip2, _, symbol, coin, decimals in _CHAINS
    }
    tokens = {
        asset: AssetUnit(symbol=symbol, decimals=decimals) for asset, symbol, decimals in _TOKENS
    }
    names = {name.casefold(): caip2 for caip2, name, *_ in _CHAINS}
    return KnownAssets(
        units={**natives, **tokens},
        chains={**names, **CHAIN_NAMES},
        chain_names={caip2: name for caip2, name, *_ in _CHAINS},
    )
