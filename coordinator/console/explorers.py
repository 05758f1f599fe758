"""Links into explorers of a chain, by the hosts that the table of chains names.

They are opened by choice alone, and learn nothing of who comes from where (`rel=noreferrer`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from holdfast.protocol.chains.chain import Chain


class _Paths(NamedTuple):
    account: str
    transaction: str


#: Explorers of EVM chains follow one of them; of others only those are linked whose paths are here.
_EVM = _Paths("address", "tx")
_OTHERS: Mapping[str, _Paths] = MappingProxyType(
    {
        "solscan.io": _Paths("account", "tx"),
        "xrpscan.com": _Paths("account", "tx"),
        "cardanoscan.io": _Paths("address", "transaction"),
        "stellar.expert": _Paths("explorer/public/account", "explorer/public/tx"),
        "nearblocks.io": _Paths("address", "txns"),
        "suiscan.xyz": _Paths("mainnet/account", "mainnet/tx"),
        "hashscan.io": _Paths("mainnet/account", "mainnet/transaction"),
    }
)


def account_url(chain: Chain | None, address: str) -> str:
    """Return where an explorer shows an account; "" where none is known."""
    return _url(chain, 0, address)


def transaction_url(chain: Chain | None, tx: str) -> str:
    """Return where an explorer shows a transaction; "" where none is known."""
    return _url(chain, 1, tx)


def _url(chain: Chain | None, which: int, name: str) -> str:
    if chain is None or not chain.explorers:
        return ""
    host = chain.explorers[0]
    paths = _EVM if chain.caip2.startswith("eip155:") else _OTHERS.get(host)
    return "" if paths is None else f"https://{host}/{paths[which]}/{quote(name, safe='')}"
