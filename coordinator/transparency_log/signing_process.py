"""The process that holds the log's key and signs one tree of each size, whatever it is asked.

It remembers the largest tree that it signed, and the largest of which it knows that it was
committed, in a file that is on disk before the signature goes out. A database that was restored
from a backup, or copied and changed, then gets no signature: it would fork the log.

- Another tree of a size that was signed is refused for ever, and so is a smaller one. Where a
  transaction was rolled back after its tree was signed, the coordinator takes a larger one.
- Each request names the tree that it grew from, which is committed. The next one may grow from no
  smaller tree, nor from another of that size. A database that lacks its last commit alone cannot be
  told from one that was rolled back: that is what witnesses are for.
"""

import os
import socketserver
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from coordinator.transparency_log.high_water import HighWaterFile
from coordinator.transparency_log.signer import (
    SeedSigner,
    Signed,
    SignerError,
    SizeSpentError,
    Tree,
)
from coordinator.transparency_log.signing_protocol import (
    MAX_LINE_BYTES,
    decode_line,
    encode_line,
    encode_signed,
    tree_of,
)
from holdfast.protocol.jwk import PrivateKey

#: Seconds for which whoever calls may say nothing, or read nothing.
_CALL_SECONDS = 5.0


class CountingSigner:
    """Signs one tree of each size, each larger than the one before.

    Args:
        origin: Of the log.
        key: Ed25519.
        file: Where it remembers what it signed.
        following: The key that takes over, while it does: it signs beside.
    """

    def __init__(
        self,
        origin: str,
        key: PrivateKey,
        file: HighWaterFile,
        following: PrivateKey | None = None,
    ) -> None:
        self._signer = SeedSigner(origin, key, following)
        self.verifier = self._signer.verifier
        self._file = file
        self._signed = file.read()
        self._turn = threading.Lock()

    def fault(self) -> None:
        """Return nothing: the key is here."""
        return

    def remembered(self) -> Signed:
        """Return what it remembers: all that it ever signed is no larger."""
        with self._turn:
            return self._signed

    def sign(self, tree: Tree, base: Tree) -> bytes:
        """Return a checkpoint; the same tree may be signed again.

        Raises:
            SizeSpentError: If it must be a larger tree.
            SignerError: If it grew from another than what was committed, or nothing can be kept.
        """
        with self._turn:
            signed = self._signed
            self._require_continued(base)
            if tree.size < base.size:
                raise SignerError(f"{tree.size} leaves cannot have grown from {base.size}")
            if tree.size <= signed.largest.size and tree != signed.largest:
                raise SizeSpentError(signed.largest.size)
            remembered = Signed(
                largest=tree,
                committed=base if base.size > signed.committed.size else signed.committed,
            )
            if remembered != signed:
                self._file.write(remembered)
                self._signed = remembered
            return self._signer.sign(tree, base)

    def _require_continued(self, base: Tree) -> None:
        for known in (self._signed.committed, self._signed.largest):
            if base.size == known.size and base.root != known.root:
                raise SignerError(
                    f"another tree of {base.size} leaves was signed: this database is a fork"
                )
        if base.size < self._signed.committed.size:
            raise SignerError(
                f"a tree of {self._signed.committed.size} leaves was handed out, and this database "
                f"has {base.size}: it is older; restore a newer one"
            )


class _Call(socketserver.StreamRequestHandler):
    """One connection: a line is answered by a line."""

    server: "SigningServer"
    timeout = _CALL_SECONDS

    def handle(self) -> None:
        try:
            message = decode_line(self.rfile.readline(MAX_LINE_BYTES))
            answer = self.server.answer(message)
        except SizeSpentError as error:
            answer = {"spent": error.size}
        except SignerError as error:
            answer = {"refused": str(error)}
        except OSError:
            return  # it said nothing in time
        # Whoever hung up meanwhile asks again.
        with suppress(OSError):
            self.wfile.write(encode_line(answer))


class SigningServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves a signer on a Unix socket, which its own user and group alone may use.

    Args:
        path: Of the socket; one that a process left behind is removed.
        signer: What signs.

    Raises:
        OSError: If there can be no socket.
    """

    daemon_threads = True

    def __init__(self, path: Path, signer: CountingSigner) -> None:
        self.signer = signer
        path.unlink(missing_ok=True)
        # The coordinator is another user, in this one's group.
        before = os.umask(0o117)
        try:
            super().__init__(str(path), _Call)
        finally:
            os.umask(before)

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return what a message is answered.

        Raises:
            SignerError: If it is refused.
        """
        verifier = self.signer.verifier
        if message.get("origin") != verifier.name:
            raise SignerError(f"this process signs the log {verifier.name} and no other")
        if "size" not in message:
            return {"key": str(verifier), **encode_signed(self.signer.remembered())}
        note = self.signer.sign(tree_of(message), tree_of(message, "base_"))
        return {"note": note.decode()}
