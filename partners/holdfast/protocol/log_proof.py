"""Proofs that an entry is in the log, to be kept and checked offline (c2sp.org/tlog-proof)."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.protocol.checkpoint import Checkpoint, decode_hash, decode_number, open_checkpoint
from holdfast.protocol.errors import LogError, LogProofError
from holdfast.protocol.log_keys import TrustedLog
from holdfast.protocol.merkle_tree import check_inclusion, leaf_hash

_HEADING = "c2sp.org/tlog-proof@v1"
_INDEX = "index "
_EXTRA = "extra "
#: A tree of 2**63 leaves has no longer proof.
_MAX_HASHES = 63
_MAX_BYTES = 1 << 21


@dataclass(frozen=True, slots=True)
class LogProof:
    """An entry's place in a tree that the log signed.

    Attributes:
        index: Of the entry, from 0.
        hashes: The inclusion proof (RFC 6962 section 2.1.1), from the leaf's sibling up.
        checkpoint: The signed note, as it came.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the proof's text, in UTF-8."""
        lines = [_HEADING, f"{_INDEX}{self.index}"]
        lines += [b64encode(value).decode("ascii") for value in self.hashes]
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint

    def check(self, entry: bytes, trusted: TrustedLog) -> Checkpoint:
        """Accept the proof if it shows that `entry` is in the log with this key.

        Args:
            entry: Its encoding (`holdfast.protocol.log_entry`).
            trusted: The log's key, or its keys, from where they are trusted.

        Returns:
            The checkpoint under which that is so.

        Raises:
            LogProofError: If the log did not sign the checkpoint, or the entry is not there.
        """
        try:
            checkpoint = open_checkpoint(self.checkpoint, trusted)
            check_inclusion(
                self.index, checkpoint.size, leaf_hash(entry), self.hashes, checkpoint.root
            )
        except LogError as error:
            raise LogProofError(str(error)) from None
        return checkpoint


def parse_log_proof(encoded: bytes) -> LogProof:
    """Return the proof in `encoded`; it is not checked. A line of extra data is passed over.

    Raises:
        LogProofError: If it is none.
    """
    if len(encoded) > _MAX_BYTES:
        raise LogProofError(f"a proof of more than {_MAX_BYTES} bytes is not read")
    head, empty_line, checkpoint = encoded.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise LogProofError("this is no proof of the log") from None
    if lines[:1] != [_HEADING] or not empty_line:
        raise LogProofError(f"a proof starts with {_HEADING!r} and ends with a checkpoint")
    del lines[0]
    if lines and lines[0].startswith(_EXTRA):
        del lines[0]
    if not lines or not lines[0].startswith(_INDEX):
        raise LogProofError("a proof names the index of its entry")
    index = decode_number(lines[0].removeprefix(_INDEX))
    if index is None:
        raise LogProofError("a proof names the index of its entry, a decimal number")
    return LogProof(index, _hashes(lines[1:]), checkpoint)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > _MAX_HASHES:
        raise LogProofError(f"a proof has at most {_MAX_HASHES} hashes")
    found = []
    for line in lines:
        value = decode_hash(line)
        if value is None:
            raise LogProofError("a hash of a proof is 32 bytes in base64")
        found.append(value)
    return tuple(found)
