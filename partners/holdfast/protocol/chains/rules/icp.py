"""Internet Computer: account identifiers, and the principals and subaccounts that they stand for.

Sources: the Internet Computer's interface specification (principals as text), the ICP ledger's
account identifiers (SHA-224 with a CRC-32 in front), ICRC-1 (textual accounts). The ledger's key is
the identifier, which is computed from a principal and cannot be turned back; so a principal
compares as the identifier of its default account and is shown as it was written.
"""

import re
import zlib
from dataclasses import dataclass
from hashlib import sha224

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import (
    ComparedAsParsed,
    Parameterless,
    ParsedAddress,
    Untagged,
)

_IDENTIFIER = re.compile(r"[0-9a-fA-F]{64}")
_PRINCIPAL = re.compile(r"[a-z2-7]{5}(?:-[a-z2-7]{5})*(?:-[a-z2-7]{1,5})?", re.ASCII)
_ACCOUNT = re.compile(r"(.+)-([a-z2-7]{7})\.([1-9a-f][0-9a-f]{0,63})", re.ASCII)
_CRC_BYTES, _MAX_PRINCIPAL_BYTES, _SUBACCOUNT_BYTES = 4, 29, 32
_MAX_PRINCIPAL = 63
_DOMAIN = b"\x0aaccount-id"


@dataclass(frozen=True)
class IcpRule(Untagged, ComparedAsParsed, Parameterless):
    """64 hex digits; a principal; a principal with the checksum and the number of a subaccount."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the account identifier in lower case.

        Raises:
            AccountError: `bad_address` or `bad_checksum`.
        """
        if _IDENTIFIER.fullmatch(text):
            data = bytes.fromhex(text)
            if verify and _crc(data[_CRC_BYTES:]) != data[:_CRC_BYTES]:
                raise encodings.wrong_checksum()
            return ParsedAddress(text.lower(), text.lower())
        account = _ACCOUNT.fullmatch(text)
        principal = _principal(account[1] if account else text, verify=verify)
        subaccount = bytes(_SUBACCOUNT_BYTES)
        if account:
            subaccount = bytes.fromhex(account[3].zfill(2 * _SUBACCOUNT_BYTES))
            crc = encodings.base32_text(_crc(principal + subaccount)).lower()
            if verify and crc != account[2]:
                raise encodings.wrong_checksum("checksum of the subaccount")
        digest = sha224(_DOMAIN + principal + subaccount).digest()
        return ParsedAddress((_crc(digest) + digest).hex(), text)


def _principal(text: str, *, verify: bool) -> bytes:
    if len(text) > _MAX_PRINCIPAL or not _PRINCIPAL.fullmatch(text):
        raise AccountError(
            "bad_address",
            "an account of the Internet Computer is 64 hexadecimal digits, or a principal: groups "
            "of five small letters and digits with hyphens between them",
        )
    data = encodings.base32_bytes(text.replace("-", "").upper())
    checksum, principal = data[:_CRC_BYTES], data[_CRC_BYTES:]
    if len(data) < _CRC_BYTES or len(principal) > _MAX_PRINCIPAL_BYTES:
        raise AccountError("bad_address", "has a length that no principal has: copy it again")
    if verify and _crc(principal) != checksum:
        raise encodings.wrong_checksum()
    return principal


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CRC_BYTES)
