"""Tells whether two accounts are the same target, to match flagged ones to own deposit addresses.

Pure Python, no address library: spellings are reduced to one key, checksums are not verified (the
coordinator did). Equal keys mean the same target, tag included.
"""

import hashlib

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_MONERO_BLOCK_SIZES = {0: 0, 2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
_MAX_CHARACTERS = 300

LITECOIN = "bip122:12a765e31ffd4059bada1e25190f6e98"
BITCOIN_CASH = "bip122:000000000000000000651ef99cb9fcbe"
ZCASH = "bip122:00040fe8ec8471911baa1db1266ea15d"
TRON = "tron:0x2b6653dc"
_ALIASES = {"tron:728126428": TRON}
#: Beginnings that are written in upper or in lower case and mean the same.
_BECH32_BEGINNINGS = ("bc1", "ltc1", "btg1", "zs1", "tex1")


def comparison_key(account: str, tag: str | None = None) -> str:
    """Return a text that is equal for two accounts if and only if they are the same target.

    Keys are for comparing and indexing only; show people the account itself. What is no account
    gives a key of its own and no error, so that one odd row does not stop a matching run.

    Args:
        account: CAIP-10, in any spelling that the coordinator accepts.
        tag: XRP destination tag or Monero payment id, where not part of the address.
    """
    namespace, _, rest = account.partition(":")
    reference, _, address = rest.partition(":")
    chain = _ALIASES.get(f"{namespace}:{reference}", f"{namespace}:{reference}")
    if len(account) > _MAX_CHARACTERS:
        target, own_tag = address, None
    else:
        target, own_tag = _target(chain, namespace, address)
    joined = own_tag if tag is None else tag
    if joined is None:
        return f"{chain}:{target}"
    return f"{chain}:{target}?tag={joined.lower()}"


def _target(chain: str, namespace: str, address: str) -> tuple[str, str | None]:
    """Return the one spelling of an address, and the tag that it carries."""
    try:
        if namespace == "eip155":
            return address.lower(), None
        if namespace == "xrpl":
            return _xrp(address)
        if namespace == "monero":
            return _monero(address)
        if namespace == "bip122":
            return _bitcoin_like(chain, address), None
    except (ValueError, IndexError, OverflowError):
        pass  # not an address: it matches nothing but itself
    return address, None


def _bitcoin_like(chain: str, address: str) -> str:
    lower = address.lower()
    if chain == ZCASH and lower.startswith("tex1"):
        key_hash = _bits(lower[4:-6])
        return _check_encoded(b"\x1c\xb8" + key_hash)
    if lower.startswith(_BECH32_BEGINNINGS):
        return lower
    if chain == BITCOIN_CASH:
        return _bitcoin_cash(address)
    if chain == LITECOIN and address.startswith("3"):
        return _check_encoded(b"\x32" + _base58(address)[1:-4])
    return address


def _bitcoin_cash(address: str) -> str:
    """Return kind and hash: CashAddr and base58 write the same two differently."""
    if address.startswith(("1", "3")):
        data = _base58(address)
        return f"{'p2sh' if data[0] else 'p2pkh'}:{data[1:-4].hex()}"
    data = _bits(address.lower().rpartition(":")[2][:-8])
    # Kinds 2 and 3 are 0 and 1 of a wallet that knows tokens.
    return f"{'p2sh' if data[0] >> 3 & 1 else 'p2pkh'}:{data[1:].hex()}"


def _xrp(address: str) -> tuple[str, str | None]:
    if not address.startswith("X"):
        return address, None
    data = _base58(address, _RIPPLE)
    account, flag, tag = data[2:22], data[22], int.from_bytes(data[23:27], "little")
    return _check_encoded(b"\x00" + account, _RIPPLE), str(tag) if flag else None


_INTEGRATED, _STANDARD = 19, 18
_INTEGRATED_CHARACTERS = 106


def _monero(address: str) -> tuple[str, str | None]:
    """Return the two public keys with the kind, and the payment id of an integrated address."""
    data = _monero_base58(address)
    kind, keys = data[0], data[1:65]
    if kind == _INTEGRATED and len(address) == _INTEGRATED_CHARACTERS:
        return f"{_STANDARD}:{keys.hex()}", data[65:73].hex()
    return f"{kind}:{keys.hex()}", None


def _monero_base58(text: str) -> bytes:
    blocks = [text[i : i + 11] for i in range(0, len(text), 11)]
    sizes = [_MONERO_BLOCK_SIZES.get(len(block), 0) for block in blocks]
    return b"".join(
        _number(block, _BASE58).to_bytes(size) for block, size in zip(blocks, sizes, strict=True)
    )


def _base58(text: str, alphabet: str = _BASE58) -> bytes:
    number = _number(text, alphabet)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def _number(text: str, alphabet: str) -> int:
    number = 0
    for character in text:
        number = number * 58 + alphabet.index(character)
    return number


def _check_encoded(data: bytes, alphabet: str = _BASE58) -> str:
    checksum = hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data + checksum), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    zeros = len(data) - len(data.lstrip(b"\x00"))
    return alphabet[0] * zeros + text


def _bits(text: str) -> bytes:
    """Return the whole bytes of 5-bit digits."""
    number = 0
    for character in text:
        number = number << 5 | _BECH32.index(character)
    spare = len(text) * 5 % 8
    return (number >> spare).to_bytes(len(text) * 5 // 8)
