"""Checkpoints: what a log says it was at one size, signed (c2sp.org/tlog-checkpoint).

The note's text is the log's origin, its number of leaves and the root of its tree in base64, a line
each; further lines are passed over.
"""

import re
from base64 import b64encode
from binascii import a2b_base64
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.protocol.errors import CheckpointError, NoteError
from holdfast.protocol.log_keys import LogKeys, TrustedLog
from holdfast.protocol.merkle_tree import EMPTY_ROOT, MAX_SIZE
from holdfast.protocol.signed_note import SignedNote, parse_note

#: Below a coordinator's origin: where its log is served (c2sp.org/tlog-tiles).
LOG_PATH = "/v1/log"
_HASH = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree, as a log states it.

    Attributes:
        origin: Which log: by convention its URL without the scheme.
        size: Number of leaves.
        root: Root hash of 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text of the note."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode('ascii')}\n"


def log_origin(coordinator: str) -> str:
    """Return the origin of the log of the coordinator at `coordinator`, e.g. "https://c.example".

    It is where the log is served, without the scheme: "c.example/v1/log".
    """
    return urlsplit(coordinator).netloc + LOG_PATH


def parse_checkpoint(note: SignedNote) -> Checkpoint:
    """Return what a note's text states; whether anybody signed it is another question.

    Raises:
        CheckpointError: If it is no checkpoint.
    """
    lines = note.text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):  # noqa: PLR2004 - origin, size and root
        raise CheckpointError("a checkpoint has origin, size and root, and no empty line")
    origin, size, encoded = lines[:3]
    root = decode_hash(encoded)
    number = decode_number(size)
    if root is None or number is None:
        raise CheckpointError("a checkpoint has a decimal size, and a root of 32 bytes in base64")
    if number == 0 and root != EMPTY_ROOT:
        raise CheckpointError("the tree without leaves has one root only, and this is another")
    return Checkpoint(origin, number, root)


def open_checkpoint(encoded: bytes, trusted: TrustedLog) -> Checkpoint:
    """Return the checkpoint in a note that the log with this key signed.

    Args:
        encoded: The note.
        trusted: The log's key, or its keys; their name is the log's origin.

    Raises:
        CheckpointError: If it is no checkpoint of that log, or no key signed it that counts on a
            tree of this size.
    """
    keys = LogKeys.of(trusted)
    try:
        note = parse_note(encoded)
        signed = note.require_signed(*keys.keys)
    except NoteError as error:
        raise CheckpointError(str(error)) from None
    checkpoint = parse_checkpoint(note)
    if checkpoint.origin != keys.name:
        raise CheckpointError(
            f"this checkpoint is of the log {checkpoint.origin!r}, not of {keys.name!r}"
        )
    if not set(signed).intersection(keys.counting_at(checkpoint.size)):
        raise CheckpointError(
            f"the key {signed[0]} signed this, which does not count on a tree of {checkpoint.size}:"
            " it was replaced before, or took over later"
        )
    return checkpoint


def decode_hash(text: str) -> bytes | None:
    """Return the hash that canonical base64 (RFC 4648 section 4) stands for; None: it is none."""
    # Nothing else than the text of 32 bytes has this form, and its last bits are zero.
    return a2b_base64(text) if _HASH.fullmatch(text) else None


def decode_number(text: str) -> int | None:
    """Return a decimal number without leading zeros; None: it is none, or beyond any log."""
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        return None
    return int(text)
