"""TON: one account in a raw and several user-friendly spellings.

Source: TEP-2. The user-friendly form is 36 bytes in base64 or base64url: flags, workchain, hash and
CRC-16. Its flag "bounceable" is advice to senders, its flag "test only" means a test network.
Compared and shown bounceable in base64url (EQ…), as the chain's own tools write by default.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.rules import encodings
from holdfast.protocol.chains.rules.base import ComparedAsParsed, Parameterless, ParsedAddress
from holdfast.protocol.chains.rules.base58check import testnet
from holdfast.protocol.chains.rules.memo import Memoed

_FRIENDLY = re.compile(r"[A-Za-z0-9_/+-]{48}")
_RAW = re.compile(r"(0|-1):([0-9a-fA-F]{64})")
_BOUNCEABLE, _NOT_BOUNCEABLE, _TEST_ONLY = 0x11, 0x51, 0x80
_WORKCHAINS = {"0": b"\x00", "-1": b"\xff"}


@dataclass(frozen=True)
class TonRule(Memoed, ComparedAsParsed, Parameterless):
    """EQ…, UQ…, Ef…, Uf… and 0:hex; a comment may stand beside the address as its tag."""

    def parse(self, text: str, *, verify: bool = True) -> ParsedAddress:
        """Return the bounceable spelling in base64url.

        Raises:
            AccountError: `bad_address`, `bad_checksum` or `testnet`.
        """
        raw = _RAW.fullmatch(text)
        if raw:
            address = _friendly(_WORKCHAINS[raw[1]] + bytes.fromhex(raw[2]))
            return ParsedAddress(address, address, no_checksum=True)
        if not _FRIENDLY.fullmatch(text):
            raise _not_an_address()
        data = base64.b64decode(text, b"-_") if set(text) & {"-", "_"} else base64.b64decode(text)
        if verify and binascii.crc_hqx(data[:-2], 0).to_bytes(2) != data[-2:]:
            raise encodings.wrong_checksum()
        if data[0] & ~_TEST_ONLY not in (_BOUNCEABLE, _NOT_BOUNCEABLE):
            raise _not_an_address()
        if data[0] & _TEST_ONLY:
            raise testnet()
        if data[1:2] not in _WORKCHAINS.values():
            raise AccountError("bad_address", "names a workchain that is not in use")
        address = _friendly(data[1:-2])
        return ParsedAddress(address, address)


def _friendly(target: bytes) -> str:
    data = bytes([_BOUNCEABLE]) + target
    return base64.urlsafe_b64encode(data + binascii.crc_hqx(data, 0).to_bytes(2)).decode("ascii")


def _not_an_address() -> AccountError:
    return AccountError(
        "bad_address",
        "a TON address has 48 characters and begins with EQ, UQ, Ef or Uf, or is 0: and 64 "
        "hexadecimal digits",
    )
