"""What signs the log's checkpoints: a key in this process, or a process of its own.

A tree is signed inside the transaction that makes it, under the lock of the log's head, and handed
out only once that is committed. If the transaction is rolled back after that, the size is spent: a
signer that keeps count signs no second tree of it.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.merkle_tree import EMPTY_ROOT
from holdfast.protocol.signed_note import NoteVerifier, sign_note


class Tree(NamedTuple):
    """A state of the log: number of leaves, and root hash."""

    size: int
    root: bytes


_NO_TREE = Tree(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signer remembers.

    Attributes:
        largest: The largest tree that it signed.
        committed: The largest of which it knows that it was committed.
        is_exact: Nothing larger was ever signed; else something larger may have been.
    """

    largest: Tree = _NO_TREE
    committed: Tree = _NO_TREE
    is_exact: bool = True


class SignerError(Exception):
    """Nothing was signed; the message says why, for the operator."""


class SizeSpentError(SignerError):
    """Another tree of this size was signed before, or a larger one.

    Args:
        size: The largest that was signed.
    """

    def __init__(self, size: int) -> None:
        super().__init__(f"trees of up to {size} leaves were signed already")
        self.size = size


class LogSigner(Protocol):
    """Signs checkpoints of one log."""

    @property
    def verifier(self) -> NoteVerifier:
        """The key that its signatures verify under; its name is the log's origin.

        While the key is being replaced, it signs with the new one, too; this is the old one.

        Raises:
            SignerError: If it is not known at present.
        """
        ...

    def fault(self) -> str | None:
        """Return why nothing can be signed at present; None: it can."""
        ...

    def remembered(self) -> Signed | None:
        """Return how far was signed, as is remembered beside the database; None: it is not.

        Raises:
            SignerError: If that is not known at present.
        """
        ...

    def sign(self, tree: Tree, base: Tree) -> bytes:
        """Return a checkpoint, as a signed note.

        Args:
            tree: What is signed.
            base: The tree that it was made of: the last that was committed.

        Raises:
            SizeSpentError: If it must be a larger tree.
            SignerError: If it cannot be signed.
        """
        ...


class SeedSigner:
    """Signs with a key in this process; the lock of the log's head is what orders the trees.

    Args:
        origin: Of the log.
        key: Ed25519.
        following: The key that takes over, while it does: it signs beside.
    """

    def __init__(self, origin: str, key: PrivateKey, following: PrivateKey | None = None) -> None:
        self._keys = (key,) if following is None else (key, following)
        self._verifier = NoteVerifier(origin, key.public)

    @property
    def verifier(self) -> NoteVerifier:
        """The key that its signatures verify under."""
        return self._verifier

    def fault(self) -> None:
        """Return nothing: a key that is here can always sign."""
        return

    def remembered(self) -> None:
        """Return nothing: a key remembers nothing."""
        return

    def sign(self, tree: Tree, base: Tree) -> bytes:
        """Return the checkpoint of `tree`, whatever was signed before."""
        del base
        origin = self._verifier.name
        return sign_note(Checkpoint(origin, *tree).text(), origin, *self._keys)
