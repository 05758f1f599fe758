"""20 bytes in hex whose letter case may be a checksum: EIP-55 and its kin, for several rules."""

import re
from functools import lru_cache

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import primitives

HEX40 = re.compile(r"0x[0-9a-fA-F]{40}")
#: Hex digit of the hash -> what it leaves of a letter: 8 and above clear bit 0x20 (lower case).
_CASE_MASK = bytes.maketrans(b"0123456789abcdef", b"\xff" * 8 + b"\xdf" * 8)
#: Digits have no case, so their bit 0x20 must survive.
_DIGIT_MASK = bytes.maketrans(b"0123456789abcdef", b"\xff" * 10 + b"\x00" * 6)


def cased(lower: str, digest: bytes) -> str:
    """Return lower-case hex digits, each letter in the case that the hex digit of a hash gives it.

    A list of thousands is checked while its sender waits, so the cases are set by operations on
    whole integers and not one by one.

    Args:
        lower: Hex digits, at most two for each byte of `digest`.
        digest: A hash; a digit of 8 or more makes the letter at its place a capital.
    """
    letters, size = lower.encode("ascii"), len(lower)
    hexed = digest.hex().encode("ascii")[:size]
    case = int.from_bytes(hexed.translate(_CASE_MASK))
    digits = int.from_bytes(letters.translate(_DIGIT_MASK))
    return (int.from_bytes(letters) & (case | digits)).to_bytes(size).decode("ascii")


# A few, for a bare address is held against the rules of a dozen chains one after the other.
@lru_cache(maxsize=8)
def eip55(lower: str, chain_prefix: str = "") -> str:
    """Return 40 lower-case hex digits in the letter case of EIP-55.

    Args:
        lower: The digits, without 0x.
        chain_prefix: For EIP-1191 the chain's number and 0x, e.g. "300x"; else nothing.
    """
    return cased(lower, primitives.keccak256((chain_prefix + lower).encode("ascii")))


def read_hex40(text: str, *, verify: bool) -> tuple[bytes, bool]:
    """Return the 20 bytes, and whether the one case of its letters left nothing to check.

    Raises:
        AccountError: `bad_address` if it is not 0x and 40 hex digits; `bad_checksum`, where asked
            to `verify`, if mixed case does not satisfy EIP-55.
    """
    if not HEX40.fullmatch(text):
        raise AccountError("bad_address", "behind 0x come 40 hexadecimal digits")
    digits = text[2:]
    lower = digits.lower()
    one_case = digits in (lower, lower.upper())
    if verify and not one_case and digits != eip55(lower):
        raise wrong_case()
    return bytes.fromhex(lower), one_case


def wrong_case(rule: str = "EIP-55") -> AccountError:
    """Return the refusal of mixed case that is no checksum, to be raised."""
    return AccountError(
        "bad_checksum",
        f"the mix of upper and lower case does not satisfy {rule}: a character is wrong; "
        "copy the address again",
    )
