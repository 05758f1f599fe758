"""Made-up input: addresses that satisfy their chains' checksums."""

import hashlib
import secrets
from functools import cache

from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import Chains, shipped_chains

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BITCOIN = "bip122:000000000019d6689c085ae165831e93"


@cache
def _chains() -> Chains:
    return shipped_chains()


def mixed_addresses(count: int) -> list[dict[str, str]]:
    """Return accounts as in a real list: two of three on Ethereum with EIP-55, the rest Bitcoin."""
    chains = _chains()
    addresses = []
    for number in range(count):
        if number % 3 < 2:
            shown = _checked(chains)
        else:
            shown = f"{_BITCOIN}:{_base58check(secrets.token_bytes(20))}"
        addresses.append({"account": shown})
    return addresses


def _checked(chains: Chains) -> str:
    """Return an Ethereum account whose case tells its checksum; a few do not, by chance."""
    while True:
        plain = f"eip155:1:0x{secrets.token_hex(20)}"
        shown = parse_account(chains, plain, None).display
        if not parse_account(chains, shown, None).warnings:
            return shown


def _base58check(hashed: bytes) -> str:
    payload = b"\0" + hashed
    checked = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    value, digits = int.from_bytes(checked, "big"), ""
    while value:
        value, rest = divmod(value, 58)
        digits = _BASE58[rest] + digits
    return "1" * (len(checked) - len(checked.lstrip(b"\0"))) + digits
