"""Cosignatures: a witness says that a log only grew (c2sp.org/tlog-cosignature).

A cosignature is one more signature line of a checkpoint's note. It says: at this time, this was the
largest tree of that log that the witness had seen, and it continued all those before. What is
signed has a heading of its own and a time above the checkpoint's text, so no cosignature passes as
a log's signature, nor the other way round.

Ed25519 is the one kind made and checked here. Lines of another kind of key (ML-DSA-44 is type 6)
are passed over, as those of strangers are.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.protocol.errors import CosignatureError, KeyFormatError, NoteError, SignatureError
from holdfast.protocol.jwk import SIGNATURE_BYTES, PrivateKey, PublicKey
from holdfast.protocol.signed_note import (
    NoteSignature,
    SignedNote,
    key_id,
    key_line,
    parse_key_line,
    require_key_name,
)

#: The kind of a witness's key, as verifier keys name it.
TIMESTAMPED_ED25519 = 4
_HEADING = "cosignature/v1"
_TIME = struct.Struct(">Q")
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WitnessVerifier:
    """A witness's key: whoever relies on the witness has this line from a place that it trusts.

    Attributes:
        name: Of the witness, without spaces and plus signs: by convention a URL without scheme.
        key: Ed25519. It signs nothing else, for what it signs does not name the witness.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        require_key_name(self.name)
        if self.key.alg != "EdDSA":
            raise NoteError("witnesses sign with Ed25519")

    @classmethod
    def parse(cls, text: str) -> "WitnessVerifier":
        """Return the key of a line "name+id+key" whose kind is 4.

        Raises:
            NoteError: If it is no such line, of another kind, an unsafe point, or its id is that
                of another key.
        """
        line = parse_key_line(text)
        if line.kind != TIMESTAMPED_ED25519:
            raise NoteError(
                f"this key is of kind {line.kind}, and an Ed25519 witness's is of kind"
                f" {TIMESTAMPED_ED25519}"
            )
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
        return key_id(self.name, TIMESTAMPED_ED25519, self.key.raw)

    def __str__(self) -> str:
        """Return the line that `parse` takes."""
        return key_line(self.name, TIMESTAMPED_ED25519, self.key.raw)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that verifies.

    Attributes:
        witness: Whose.
        timestamp: When it was made, as the witness says: seconds since 1970.
        signature: Its line in the note.
    """

    witness: WitnessVerifier
    timestamp: int
    signature: NoteSignature


def cosign(text: str, name: str, key: PrivateKey, at: datetime) -> NoteSignature:
    """Return a witness's cosignature on a checkpoint.

    Whoever calls this has proven that the tree continues the largest one it saw before.

    Args:
        text: The checkpoint's text, all its lines, as the log signed it (`SignedNote.text`).
        name: Of the witness.
        key: Ed25519.
        at: When: aware, after 1970.

    Raises:
        NoteError: If the name or the key are no witness's.
        CosignatureError: If the time is none that can be said.
    """
    verifier = WitnessVerifier(name, key.public)
    if at.tzinfo is None or at < datetime.fromtimestamp(0, UTC):
        raise CosignatureError("the time of a cosignature is aware and after 1970")
    timestamp = int(at.timestamp())
    signature = key.sign(_signed(text, timestamp))
    return NoteSignature(name, verifier.key_id, _TIME.pack(timestamp) + signature)


def check_cosignature(text: str, signature: NoteSignature, witness: WitnessVerifier) -> Cosignature:
    """Return a cosignature, if this witness made it on the checkpoint with this text.

    Raises:
        CosignatureError: If it did not.
    """
    if (signature.name, signature.key_id) != (witness.name, witness.key_id):
        raise CosignatureError(f"this is no cosignature of {witness.name}'s key")
    encoded = signature.signature
    if len(encoded) != _TIME.size + SIGNATURE_BYTES:
        raise CosignatureError("a cosignature is a time of 8 bytes and a signature of 64")
    (timestamp,) = _TIME.unpack_from(encoded)
    if timestamp > _LATEST:
        raise CosignatureError("the time of a cosignature is less than 2**63 seconds after 1970")
    try:
        witness.key.verify(encoded[_TIME.size :], _signed(text, timestamp))
    except SignatureError:
        raise CosignatureError(f"the cosignature of {witness.name} does not verify") from None
    return Cosignature(witness, timestamp, signature)


def check_cosignatures(
    note: SignedNote, witnesses: Collection[WitnessVerifier]
) -> list[Cosignature]:
    """Return the cosignatures of these witnesses on a checkpoint, one for each: its newest.

    Lines of others, and of other kinds of keys, are passed over.

    Args:
        note: The checkpoint with its signatures.
        witnesses: Whose are looked for.

    Raises:
        CosignatureError: If one that names a key of these witnesses does not verify.
    """
    known = {(witness.name, witness.key_id): witness for witness in witnesses}
    newest: dict[WitnessVerifier, Cosignature] = {}
    for signature in note.signatures:
        witness = known.get((signature.name, signature.key_id))
        if witness is None:
            continue
        found = check_cosignature(note.text, signature, witness)
        earlier = newest.get(witness)
        if earlier is None or earlier.timestamp < found.timestamp:
            newest[witness] = found
    return list(newest.values())


def _signed(text: str, timestamp: int) -> bytes:
    return f"{_HEADING}\ntime {timestamp}\n{text}".encode()
