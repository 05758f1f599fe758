"""How evidence is sealed: one content key a file, parts under it, and the key wrapped for each.

1. The content is preceded by its name and media type, and cut into parts of 128 KiB.
2. Each part is encrypted under a fresh key by AES-256-GCM. Its nonce is its number and whether it
   is the last (STREAM, Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that no part can be left out,
   moved, or taken for the end; the additional data binds it to its request and author.
3. The key is encrypted to every recipient by HPKE (RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256),
   HKDF-SHA256, AES-256-GCM). `info` binds it to this recipient and key, this request's document,
   this author and this very ciphertext.

Whoever seals signs an act that names the hash of every part; the coordinator has ciphertext alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.encryption_key import DecryptionKey, EncryptionKey
from holdfast.protocol.errors import ProtocolError, SealedEvidenceError

#: Of the plaintext in every part but the last, which is shorter or as long.
PART_BYTES = 131_072
TAG_BYTES = 16
#: Of a part as it is stored, at most.
SEALED_PART_BYTES = PART_BYTES + TAG_BYTES
_KEY_BYTES = 32
#: Of the wrapped content key: the encapsulated key, the content key, and a tag.
WRAPPED_BYTES = 32 + _KEY_BYTES + TAG_BYTES
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE = "holdfast-sealed-evidence/1"
_LENGTH_BYTES = 4
_UNITS = ("bytes", "KiB", "MiB", "GiB")
_STEP = 1024
#: Of name and media type together, as they stand before the content.
_LONGEST_HEADER = 4_096
_LONGEST_NAME = 255
_NO_HEADER = "it opens, and does not begin with its name and media type"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPlace:
    """Where something is sealed; what is sealed for one place opens at no other.

    Attributes:
        audience: The coordinator's origin.
        request_id: `frq_…`.
        content_sha256: Of the request's submitted body.
        author: The partner who seals.
    """

    audience: str
    request_id: str
    content_sha256: str
    author: str

    def _members(self) -> dict[str, Any]:
        return {
            "aud": self.audience,
            "author": self.author,
            "content_sha256": self.content_sha256,
            "request_id": self.request_id,
        }

    def part_context(self) -> bytes:
        """Return the additional data of every part."""
        return canonical_json.dumps({**self._members(), "purpose": f"{_PURPOSE} part"})

    def key_context(self, *, sha256: str, recipient: str, kid: str) -> bytes:
        """Return HPKE's `info` for one recipient's key.

        Args:
            sha256: Of the whole ciphertext, 64 hex digits.
            recipient: The partner's handle.
            kid: The thumbprint of its key.
        """
        told = {"kid": kid, "purpose": f"{_PURPOSE} key", "recipient": recipient, "sha256": sha256}
        return canonical_json.dumps({**self._members(), **told})


@dataclass(frozen=True, slots=True)
class SealedHeader:
    """What stands before the content, sealed with it.

    Attributes:
        name: Of the file, without a folder.
        media_type: E.g. "application/pdf".
    """

    name: str
    media_type: str

    def encoded(self) -> bytes:
        """Return its length in 4 bytes, then its JSON.

        Raises:
            SealedEvidenceError: If it is too long, or the name is that of no file.
        """
        members = {"media_type": self.media_type, "name": self.name}
        text = canonical_json.dumps(members)
        if not _is_file_name(self.name) or len(text) > _LONGEST_HEADER:
            raise SealedEvidenceError(f"{self.name!r} is no name of a file: give a short plain one")
        return len(text).to_bytes(_LENGTH_BYTES, "big") + text


def _is_file_name(name: object) -> bool:
    """Tell whether a name is safe to be shown, and to be a file's in a folder of one's own."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= _LONGEST_NAME
        and name.isprintable()
        and not name.startswith(".")
        and not set(name) & set("/\\:")
    )


def seal_parts(
    content: Iterable[bytes], header: SealedHeader, key: bytes, place: SealedPlace
) -> Iterator[bytes]:
    """Yield the sealed parts of a content; no more than one of them is in memory.

    Args:
        content: In pieces of any length.
        header: Goes before it.
        key: The content key, 32 fresh bytes that seal nothing else.
        place: Where it is sealed.

    Raises:
        SealedEvidenceError: If the header is none.
    """
    cipher, context = AESGCM(key), place.part_context()
    rest, number = bytearray(header.encoded()), 0
    for piece in content:
        rest += piece
        # The last part is known only at the end: as much as a part always stays behind.
        while len(rest) > PART_BYTES:
            yield cipher.encrypt(_nonce(number, is_last=False), bytes(rest[:PART_BYTES]), context)
            del rest[:PART_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(rest), context)


def open_parts(
    parts: Iterable[bytes], count: int, key: bytes, place: SealedPlace
) -> Iterator[SealedHeader | bytes]:
    """Yield the header, then the content in pieces; nothing counts before the end was reached.

    Args:
        parts: As they were stored, in order.
        count: How many there are, by the act that was signed.
        key: The content key.
        place: Where they were sealed.

    Raises:
        SealedEvidenceError: If any of them was altered, moved, left out or added, or comes from
            another place.
    """
    cipher, context = AESGCM(key), place.part_context()
    number = 0
    for number, part in enumerate(parts, 1):
        try:
            nonce = _nonce(number - 1, is_last=number == count)
            plain = cipher.decrypt(nonce, part, context)
        except InvalidTag:
            raise SealedEvidenceError(
                f"part {number} of {count} does not open: it was altered, or sealed elsewhere"
            ) from None
        if number == 1:
            header, plain = _split(plain)
            yield header
        yield plain
    if number != count or not count:
        raise SealedEvidenceError(f"{number} parts came of {count}")


def wrap_key(
    key: bytes, recipient: str, public: EncryptionKey, place: SealedPlace, *, sha256: str
) -> bytes:
    """Return a content key encrypted to one recipient, 80 bytes.

    Args:
        key: The content key.
        recipient: The partner's handle.
        public: Its key.
        place: Where the evidence is.
        sha256: Of the whole ciphertext.
    """
    info = place.key_context(sha256=sha256, recipient=recipient, kid=public.kid)
    return _SUITE.encrypt(key, public.public_key, info)


def unwrap_key(
    wrapped: bytes, recipient: str, private: DecryptionKey, place: SealedPlace, *, sha256: str
) -> bytes:
    """Return the content key.

    Raises:
        SealedEvidenceError: If it was wrapped for another partner, key, request, author or file, or
            was altered.
    """
    info = place.key_context(sha256=sha256, recipient=recipient, kid=private.kid)
    try:
        key = _SUITE.decrypt(wrapped, private.private_key, info)
    except (InvalidTag, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise SealedEvidenceError(
            "its key does not open: it was altered, or wrapped for another partner, key, request "
            "or file"
        )
    return key


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _split(first: bytes) -> tuple[SealedHeader, bytes]:
    """Return header and content of the first part."""
    end = _LENGTH_BYTES + int.from_bytes(first[:_LENGTH_BYTES], "big")
    if not _LENGTH_BYTES < end <= min(len(first), _LENGTH_BYTES + _LONGEST_HEADER):
        raise SealedEvidenceError(_NO_HEADER)
    try:
        members = strict_json.loads(first[_LENGTH_BYTES:end])
    except ProtocolError:
        raise SealedEvidenceError(_NO_HEADER) from None
    if not isinstance(members, dict) or members.keys() != {"name", "media_type"}:
        raise SealedEvidenceError(_NO_HEADER)
    name, media_type = members["name"], members["media_type"]
    if not _is_file_name(name) or not isinstance(media_type, str) or not media_type.isprintable():
        raise SealedEvidenceError("the name that is sealed in it is that of no file")
    return SealedHeader(name, media_type), first[end:]


def size_words(size: int) -> str:
    """Return a number of bytes as people read it: "1.5 MiB"."""
    step = 0
    while size >= _STEP ** (step + 1) and step + 1 < len(_UNITS):
        step += 1
    tenths = size * 10 // _STEP**step
    whole, tenth = divmod(tenths, 10)
    return f"{whole}.{tenth} {_UNITS[step]}" if step else f"{whole} {_UNITS[0]}"
