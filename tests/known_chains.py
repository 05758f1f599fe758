"""The chains as they are shipped, and short names for their ids."""

from tests.rulebook import RULEBOOK

CHAINS = RULEBOOK.chains
#: One chain for each kind of rule: what holds for all rules is tried on these.
ONE_A_RULE = tuple({type(chain.rule): chain for chain in CHAINS}.values())

ETHEREUM = "eip155:1"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
LITECOIN = "bip122:12a765e31ffd4059bada1e25190f6e98"
DOGECOIN = "bip122:1a91e3dace36e2be3bf030a65679fe82"
DASH = "bip122:00000ffd590b1485b3caadc19b22e637"
BITCOIN_GOLD = "bip122:000000000000000000e5438564434eda"
VERGE = "bip122:00000fc63692467faeb20cdb3b53200d"
BITCOIN_SV = "bip122:000000000000000001d956714215d96f"
BITCOIN_CASH = "bip122:000000000000000000651ef99cb9fcbe"
ZCASH = "bip122:00040fe8ec8471911baa1db1266ea15d"
TRON = "tron:0x2b6653dc"
SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
XRP = "xrpl:0"
MONERO = "monero:418015bb9ae982a1975da7d79277c270"
