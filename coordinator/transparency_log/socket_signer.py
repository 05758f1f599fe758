"""The coordinator's side of a signer that is a process of its own."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

from coordinator.transparency_log.signer import Signed, SignerError, SizeSpentError, Tree
from coordinator.transparency_log.signing_protocol import (
    MAX_LINE_BYTES,
    decode_line,
    decode_signed,
    encode_line,
)
from holdfast.protocol.checkpoint import open_checkpoint
from holdfast.protocol.errors import CheckpointError, NoteError
from holdfast.protocol.signed_note import NoteVerifier

#: Everybody who commits waits behind the lock of the head meanwhile.
_DEADLINE = timedelta(seconds=5)


class SocketSigner:
    """Has the process behind a Unix socket sign; each call is a connection.

    Args:
        path: Of the socket.
        origin: Of the log; a signer of another refuses.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin
        self._verifier: NoteVerifier | None = None

    @property
    def verifier(self) -> NoteVerifier:
        """The key that its signatures verify under, asked for once.

        Raises:
            SignerError: If it does not answer, or signs another log.
        """
        if self._verifier is None:
            self._verifier = self._ask_key()
        return self._verifier

    def fault(self) -> str | None:
        """Return why nothing can be signed at present, having asked the process; None: it can.

        The text is for everybody, and says nothing of where the process is.
        """
        try:
            is_the_same = self._ask_key() == self.verifier
        except SignerError:
            return "the log's signer does not answer"
        return None if is_the_same else "the log's signer has another key than before"

    def remembered(self) -> Signed | None:
        """Return how far the process signed; None: one of an earlier release does not say.

        Raises:
            SignerError: If it does not answer, or signs another log.
        """
        answer = self._about()
        return decode_signed(answer) if "largest_size" in answer else None

    def _about(self) -> dict[str, Any]:
        answer = self._ask({})
        if "refused" in answer:
            raise SignerError(str(answer["refused"]))
        return answer

    def _ask_key(self) -> NoteVerifier:
        answer = self._about()
        try:
            return NoteVerifier.parse(str(answer.get("key")))
        except NoteError as error:
            raise SignerError(f"the signer's key is none: {error}") from None

    def sign(self, tree: Tree, base: Tree) -> bytes:
        """Return a checkpoint, as `LogSigner.sign` does."""
        answer = self._ask(
            {
                "size": tree.size,
                "root": tree.root.hex(),
                "base_size": base.size,
                "base_root": base.root.hex(),
            }
        )
        if type(answer.get("spent")) is int:
            raise SizeSpentError(answer["spent"])
        note = answer.get("note")
        if not isinstance(note, str):
            raise SignerError(str(answer.get("refused", "the signer answered nothing")))
        encoded = note.encode()
        try:
            signed = open_checkpoint(encoded, self.verifier)
        except CheckpointError as error:
            raise SignerError(f"what the signer answered is no checkpoint: {error}") from None
        if (signed.size, signed.root) != tree:
            raise SignerError(
                f"the signer was asked for {tree.size} leaves and signed another tree"
            )
        return encoded

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_DEADLINE.total_seconds())
                connection.connect(str(self._path))
                connection.sendall(encode_line({"origin": self._origin, **message}))
                with connection.makefile("rb") as answers:
                    line = answers.readline(MAX_LINE_BYTES)
        except PermissionError:
            raise SignerError(
                f"{self._path} may not be opened: this process's user must be in the group of the "
                "signer's user"
            ) from None
        except OSError as error:
            raise SignerError(
                f"the signer at {self._path} does not answer ({error.strerror or error}); start it "
                "with `holdfast-coordinator log-signer`"
            ) from None
        return decode_line(line)
