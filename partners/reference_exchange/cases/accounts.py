"""Accounts of the cases: from public lists where these are at hand, else invented; always valid.

A list lies in the folder that is named and is read in place: the addresses that the FBI published
in its announcement PSA250226, and those that the US Treasury's OFAC lists. An account that is
invented comes from a fixed seed: the same one every time, and nobody's.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import shipped_chains
from holdfast.protocol.chains.format_errors import AccountError

_BITCOIN_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE_ALPHABET = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
FBI_LIST = "fbi_psa250226_eth.txt"


@dataclass(frozen=True, slots=True)
class Coin:
    """An asset of the cases.

    Attributes:
        symbol: As amounts are written.
        chain: CAIP-2.
        usd: Whole US dollars for one, invented.
        listed: The public list of addresses on its chain, if there is one.
        version: Version byte of its addresses in base58check; None: they are written otherwise.
    """

    symbol: str
    chain: str
    usd: float
    listed: str | None = None
    version: bytes | None = None


_EVM, _TRON = "eip155:1", "tron:0x2b6653dc"
_BITCOIN, _LITECOIN = (
    "bip122:000000000019d6689c085ae165831e93",
    "bip122:12a765e31ffd4059bada1e25190f6e98",
)
_RIPPLE, _SOLANA = "xrpl:0", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
COINS: Mapping[str, Coin] = {
    "ETH": Coin("ETH", _EVM, 3_100, "ofac/ETH.txt"),
    "USDC": Coin("USDC", _EVM, 1, "ofac/ETH.txt"),
    "USDT": Coin("USDT", _EVM, 1, "ofac/ETH.txt"),
    "BTC": Coin("BTC", _BITCOIN, 88_000, "ofac/XBT.txt", b"\x00"),
    "LTC": Coin("LTC", _LITECOIN, 95, "ofac/LTC.txt", b"\x30"),
    "USDT on Tron": Coin("USDT", _TRON, 1, "ofac/TRX.txt", b"\x41"),
    "XRP": Coin("XRP", _RIPPLE, 2, None, b"\x00"),
    "SOL": Coin("SOL", _SOLANA, 150),
}


class Accounts:
    """Hands out accounts, each once, in the same order every time.

    Args:
        lists: Folder of the public lists; None or absent: every account is invented.
    """

    def __init__(self, lists: Path | None = None) -> None:
        self._lists = lists
        self._next: dict[str, Iterator[str]] = {}

    def take(self, coin: Coin) -> str:
        """Return the next account on a coin's chain, as CAIP-10 for people."""
        if coin.chain not in self._next:
            self._next[coin.chain] = self._all(coin)
        return next(self._next[coin.chain])

    def published_by_fbi(self, number: int) -> list[str]:
        """Return the first accounts of the FBI's list; invented ones where it is absent."""
        listed = list(self._listed(COINS["ETH"], FBI_LIST))
        made = (invented(COINS["ETH"], f"in place of the list {each}") for each in count())
        return [listed.pop(0) if listed else next(made) for _ in range(number)]

    def _all(self, coin: Coin) -> Iterator[str]:
        if coin.listed is not None:
            yield from self._listed(coin, coin.listed)
        for number in count():
            yield invented(coin, str(number))

    def _listed(self, coin: Coin, name: str) -> Iterator[str]:
        """Yield what is valid of a list, which holds faults: addresses of another chain."""
        path = self._lists / name if self._lists is not None else None
        if path is None or not path.is_file():
            return
        for line in path.read_text(encoding="ascii").split():
            try:
                yield _shown(coin, line)
            except AccountError:
                continue


def invented(coin: Coin, seed: str) -> str:
    """Return an account that nobody has: its bytes are a hash of the seed."""
    body = sha256(f"invented/{coin.chain}/{seed}".encode()).digest()
    if coin.chain == _EVM:
        return _shown(coin, f"0x{body[:20].hex()}")
    if coin.version is None:
        return _shown(coin, _base58(body, _BITCOIN_ALPHABET))
    payload = coin.version + body[:20]
    checked = payload + sha256(sha256(payload).digest()).digest()[:4]
    alphabet = _RIPPLE_ALPHABET if coin.chain == _RIPPLE else _BITCOIN_ALPHABET
    return _shown(coin, _base58(checked, alphabet))


def transaction(coin: Coin, seed: str) -> str:
    """Return a transaction id in the form of a coin's chain; there is no such transaction."""
    body = sha256(f"transaction/{coin.chain}/{seed}".encode()).digest()
    if coin.chain == _EVM:
        return f"0x{body.hex()}"
    if coin.chain == _SOLANA:
        return _base58(b"\x7f" + body + body[:31], _BITCOIN_ALPHABET)
    return body.hex().upper() if coin.chain == _RIPPLE else body.hex()


def document(seed: str) -> str:
    """Return the hash of a document that stays with whoever has it; there is no such document."""
    return sha256(f"document/{seed}".encode()).hexdigest()


def without_checksum(account: str) -> str:
    """Return an EVM account as somebody types it who knows nothing of its checksum."""
    return account.lower()


def word(seed: str) -> str:
    """Return an opaque word, as a partner calls its own case."""
    return f"case-{urlsafe_b64encode(sha256(seed.encode()).digest()[:6]).decode()}x"


def _shown(coin: Coin, address: str) -> str:
    return parse_account(shipped_chains(), f"{coin.chain}:{address}").display


def _base58(data: bytes, alphabet: str) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    zeros = len(data) - len(data.lstrip(b"\0"))
    return alphabet[0] * zeros + text
