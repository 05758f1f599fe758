"""How transactions are written, per form that a chain's table may name: code once, as for assets.

A form reads every spelling in use and returns one; what it cannot read it refuses, saying what is
wanted. Explorers show the canonical spelling, but for TON, whose explorers disagree.
"""

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType

from holdfast.protocol.chains.format_errors import TransactionError
from holdfast.protocol.chains.rules import decoding

_HASH_DIGITS = 64
_ADDRESS_DIGITS = 40
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]+)", re.ASCII)
#: A felt (Starknet) is written with or without its leading zeros; what is much shorter was cut.
_FELT = re.compile(r"0[xX]([0-9a-fA-F]{48,64})", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_EXTRINSIC = re.compile(r"(0|[1-9][0-9]{0,11})-(0|[1-9][0-9]{0,5})", re.ASCII)
_BASE32 = re.compile(r"[A-Z2-7]{52}", re.ASCII)
#: CIDv1, DAG-CBOR, BLAKE2b-256, in base32: 38 bytes, of which the first six are always the same.
_CID = re.compile(r"bafy2bzace[a-z2-7]{52}", re.ASCII)
_HASH64 = re.compile(r"[0-9A-Za-z+/_-]{43}=?", re.ASCII)
_HEDERA = re.compile(
    r"(0\.0\.[1-9][0-9]{0,11})(?:@([0-9]{10})\.([0-9]{1,9})|-([0-9]{10})-([0-9]{1,9}))", re.ASCII
)
_HEDERA_HASH_DIGITS = 96
_HASH_BYTES, _SIGNATURE_BYTES = 32, 64
#: What base58check puts before an operation's hash, so that it begins with an o.
_TEZOS_OPERATION = bytes((5, 116))
_CHECKSUM_BYTES = 4


def _digits(text: str, wanted: int) -> str:
    """Return the hex digits of a text in lower case, or raise TransactionError."""
    found = _HEX.fullmatch(text)
    if found is None:
        raise TransactionError(f"{wanted} hexadecimal digits are wanted (0 to 9, a to f)")
    digits = found[1].lower()
    if len(digits) != wanted:
        hint = ": an address is no transaction" if len(digits) == _ADDRESS_DIGITS else ""
        raise TransactionError(
            f"{wanted} hexadecimal digits are wanted, not {len(digits)}{hint}; copy it whole"
        )
    return digits


def _hex(text: str) -> str:
    return _digits(text, _HASH_DIGITS)


def _upper_hex(text: str) -> str:
    return _digits(text, _HASH_DIGITS).upper()


def _prefixed_hex(text: str) -> str:
    return "0x" + _digits(text, _HASH_DIGITS)


def _felt(text: str) -> str:
    found = _FELT.fullmatch(text)
    if found is None:
        raise TransactionError("0x and 64 hexadecimal digits are wanted, leading zeros apart")
    return "0x" + found[1].lower().zfill(_HASH_DIGITS)


def _base58(text: str, size: int, what: str) -> str:
    try:
        found = decoding.base58(text)
    except ValueError:
        found = b""
    if len(found) != size:
        raise TransactionError(f"{what} in base58 is wanted ({size} bytes); copy it whole")
    return text


def _signature(text: str) -> str:
    return _base58(text, _SIGNATURE_BYTES, "a signature")


def _digest(text: str) -> str:
    return _base58(text, _HASH_BYTES, "a hash")


def _base32(text: str) -> str:
    if not _BASE32.fullmatch(text.upper()):
        raise TransactionError("52 characters in base32 are wanted (A to Z, 2 to 7)")
    return text.upper()


def _ton_hash(text: str) -> str:
    if _HASH64.fullmatch(text):
        plain = text.rstrip("=").replace("+", "-").replace("/", "_")
        try:
            return urlsafe_b64decode(plain + "=").hex()
        except Base64Error:  # pragma: no cover - 43 characters of the alphabet are 32 bytes
            pass
    if not _HEX.fullmatch(text):
        raise TransactionError("a hash of 64 hexadecimal digits, or of 44 in base64, is wanted")
    return _hex(text)


def _tezos_operation(text: str) -> str:
    try:
        found = decoding.base58(text)
    except ValueError:
        found = b""
    data, checksum = found[:-_CHECKSUM_BYTES], found[-_CHECKSUM_BYTES:]
    if len(data) != len(_TEZOS_OPERATION) + _HASH_BYTES or not data.startswith(_TEZOS_OPERATION):
        raise TransactionError("the hash of an operation is wanted: o and 50 characters in base58")
    if sha256(sha256(data).digest()).digest()[:_CHECKSUM_BYTES] != checksum:
        raise TransactionError("its checksum is wrong: a character is; copy it again")
    return text


def _filecoin_cid(text: str) -> str:
    if not _CID.fullmatch(text.lower()):
        raise TransactionError("the CID of a message is wanted: bafy2bzace and 52 characters")
    return text.lower()


def _hedera(text: str) -> str:
    found = _HEDERA.fullmatch(text)
    if found is None:
        raise TransactionError("payer and time are wanted, e.g. 0.0.1234@1700000000.123456789")
    seconds, nanoseconds = found[2] or found[4], found[3] or found[5]
    return f"{found[1]}@{seconds}.{nanoseconds.zfill(9)}"


def _hedera_hash(text: str) -> str:
    return _digits(text, _HEDERA_HASH_DIGITS)


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise TransactionError("a number is wanted, digits only")
    return text


def _extrinsic(text: str) -> str:
    if not _EXTRINSIC.fullmatch(text):
        raise TransactionError("block and index are wanted, e.g. 21895238-3")
    return text


#: How a chain's table says that its transactions are written.
TRANSACTION_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "hex": _hex,
        "upper_hex": _upper_hex,
        "0x_hex": _prefixed_hex,
        "felt": _felt,
        "signature": _signature,
        "digest": _digest,
        "base32": _base32,
        "ton_hash": _ton_hash,
        "tezos_operation": _tezos_operation,
        "filecoin_cid": _filecoin_cid,
        "hedera": _hedera,
        "hedera_hash": _hedera_hash,
        "number": _number,
        "extrinsic": _extrinsic,
    }
)
