"""Signed notes: text that somebody signed, readable by people (c2sp.org/signed-note).

A note is its text, an empty line, and signature lines: an em dash, the name of a key, and base64 of
four bytes that tell keys of one name apart, with the signature behind them. What a key of another
kind or name signed is passed over, so that new kinds may come beside the old. Ed25519 is the one
kind that is made and checked here.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Fault
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from holdfast.protocol.errors import KeyFormatError, NoteError, SignatureError
from holdfast.protocol.jwk import PrivateKey, PublicKey

#: Signatures that are looked at in one note; a verifier must take 16, and post-quantum ones are
#: large.
MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1 << 20
#: The kinds of keys, as verifier keys name them.
ED25519 = 1
_KEY_ID_BYTES = 4
_ED25519_BYTES = 32
_DASH = "\N{EM DASH} "
#: What stands in no note: controls but line feeds, and lone surrogates, which have no bytes.
_REFUSED = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_NAME = re.compile(r"[^\s+\ud800-\udfff]+")
_VERIFIER = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})")


class KeyLine(NamedTuple):
    """A verifier key of any kind, taken apart.

    Attributes:
        name: Of the key.
        key_id: The four bytes that the line names; each kind says how they are made.
        kind: What it signs, and how: a byte that C2SP assigns.
        material: The key itself, as its kind has it.
    """

    name: str
    key_id: bytes
    kind: int
    material: bytes


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A key that verifies notes: whoever trusts the log has this line from a place that it trusts.

    Attributes:
        name: Of the key, without spaces and plus signs; for a log its origin.
        key: Ed25519.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        require_key_name(self.name)
        if self.key.alg != "EdDSA":
            raise NoteError("notes are signed with Ed25519")

    @classmethod
    def parse(cls, text: str) -> "NoteVerifier":
        """Return the key of a line "name+id+key", the form in which keys of notes are handed on.

        Raises:
            NoteError: If it is no such line, of another kind than Ed25519, an unsafe point, or its
                id is that of another key.
        """
        line = parse_key_line(text)
        if line.kind != ED25519:
            raise NoteError("this verifier key is of another kind than Ed25519")
        try:
            verifier = cls(line.name, PublicKey.from_ed25519_bytes(line.material))
        except KeyFormatError as error:
            raise NoteError(f"this verifier key is unsafe: {error}") from None
        if verifier.key_id != line.key_id:
            raise NoteError("the id in this verifier key is that of another key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes that tell keys of one name apart."""
        return key_id(self.name, ED25519, self.key.raw)

    def __str__(self) -> str:
        """Return the line that `parse` takes."""
        return key_line(self.name, ED25519, self.key.raw)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: Of the key.
        key_id: Four bytes.
        signature: As the kind of key makes it.
    """

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return it as it stands in a note."""
        encoded = b64encode(self.key_id + self.signature).decode("ascii")
        return f"{_DASH}{self.name} {encoded}\n"


def parse_key_line(text: str) -> KeyLine:
    """Return the parts of a line "name+id+key", of whatever kind the key is.

    Raises:
        NoteError: If it is no such line.
    """
    found = _VERIFIER.fullmatch(text)
    encoded = b"" if found is None else _base64(found["key"])
    if found is None or not encoded:
        raise NoteError('a verifier key is a line "name+8 hex digits+base64"')
    require_key_name(found["name"])
    return KeyLine(found["name"], bytes.fromhex(found["id"]), encoded[0], encoded[1:])


def key_line(name: str, kind: int, material: bytes) -> str:
    """Return the line that `parse_key_line` takes apart."""
    encoded = b64encode(bytes([kind]) + material).decode("ascii")
    return f"{name}+{key_id(name, kind, material).hex()}+{encoded}"


def key_id(name: str, kind: int, material: bytes) -> bytes:
    """Return the four bytes that tell keys of one name apart (c2sp.org/signed-note)."""
    hashed = sha256(name.encode() + b"\n" + bytes([kind]) + material)
    return hashed.digest()[:_KEY_ID_BYTES]


def require_key_name(name: str) -> None:
    """Accept what may be the name of a key.

    Raises:
        NoteError: If it is empty, or has spaces or a plus sign.
    """
    if not _NAME.fullmatch(name):
        raise NoteError("the name of a key is not empty, and has no spaces and no plus sign")


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note whose signatures nobody has checked yet.

    Attributes:
        text: What was signed, with its last line feed. Nothing in it is to be believed before
            `require_signed` returned.
        signatures: All of them, known or not.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def require_signed(self, *known: NoteVerifier) -> list[NoteVerifier]:
        """Return which of the known keys signed; each that stands there must have.

        Raises:
            NoteError: If none of them signed, or a signature under one of them is wrong.
        """
        keys = {(verifier.name, verifier.key_id): verifier for verifier in known}
        signed = []
        for found in self.signatures:
            verifier = keys.get((found.name, found.key_id))
            if verifier is None:
                continue
            try:
                verifier.key.verify(found.signature, self.text.encode())
            except SignatureError:
                raise NoteError(f"the signature of {verifier.name} does not verify") from None
            if verifier not in signed:
                signed.append(verifier)
        if not signed:
            raise NoteError("no known key signed this note")
        return signed

    def encode(self) -> bytes:
        """Return the note's bytes."""
        return f"{self.text}\n{''.join(s.line() for s in self.signatures)}".encode()


def parse_note(encoded: bytes) -> SignedNote:
    """Return the note in `encoded`; its signatures are not checked.

    Raises:
        NoteError: If it is no note, or has more signatures than are looked at.
    """
    if len(encoded) > MAX_NOTE_BYTES:
        raise NoteError(f"a note of more than {MAX_NOTE_BYTES} bytes is not read")
    try:
        whole = encoded.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8") from None
    if _REFUSED.search(whole):
        raise NoteError("a note has no control characters but line feeds")
    text, empty_line, signatures = whole.rpartition("\n\n")
    if not empty_line or not signatures.endswith("\n"):
        raise NoteError("a note is text, an empty line, and signatures, each with its line feed")
    lines = signatures.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"of a note at most {MAX_SIGNATURES} signatures are looked at")
    return SignedNote(text + "\n", tuple(_signature(line) for line in lines))


def sign_note(text: str, name: str, *keys: PrivateKey) -> bytes:
    """Return a note, signed with each of the keys.

    Args:
        text: Ends with a line feed, has no other control characters.
        name: Of the keys; for a log its origin.
        keys: Ed25519; at least one.

    Raises:
        NoteError: If the text cannot stand in a note, or a key not sign one.
    """
    if not text.endswith("\n") or _REFUSED.search(text):
        raise NoteError("the text of a note ends with a line feed; it has no other controls")
    signed = text.encode()
    return SignedNote(
        text,
        tuple(
            NoteSignature(name, NoteVerifier(name, key.public).key_id, key.sign(signed))
            for key in keys
        ),
    ).encode()


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    value = _base64(encoded)
    if not line.startswith(_DASH) or not space or len(value) <= _KEY_ID_BYTES:
        raise NoteError("a signature is an em dash, the name of a key and base64")
    require_key_name(name)
    return NoteSignature(name, value[:_KEY_ID_BYTES], value[_KEY_ID_BYTES:])


def _base64(text: str) -> bytes:
    """Return what base64 (RFC 4648 section 4) stands for; empty where it is no such text.

    Of two spellings of the same bytes only the canonical one is read.
    """
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except (Base64Fault, ValueError):
        return b""
    return value if b64encode(value).decode("ascii") == text else b""
