"""What a coordinator and the process that signs its log say to each other: a line of JSON each.

Asked for `{"origin", "size", "root", "base_size", "base_root"}`, the signer answers `{"note"}`,
`{"spent": size}` or `{"refused": why}`; asked for `{"origin"}` alone, `{"key"}`, the verifier key,
with `{"largest_size", "largest_root", "committed_size", "committed_root"}`. Roots are hex.
"""

import re
from typing import Any

from coordinator.transparency_log.signer import Signed, SignerError, Tree
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.merkle_tree import MAX_SIZE

#: No line is longer.
MAX_LINE_BYTES = 8_192
_ROOT = re.compile(r"[0-9a-f]{64}", re.ASCII)


def encode_line(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent."""
    return canonical_json.dumps(message) + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """Return a message as it was received.

    Raises:
        SignerError: If it is no line with an object.
    """
    try:
        message = strict_json.loads(line)
    except ProtocolError:
        raise SignerError("the other side of the signer's socket sent no line of JSON") from None
    if not line.endswith(b"\n") or not isinstance(message, dict):
        raise SignerError("the other side of the signer's socket sent no line of JSON")
    return message


def tree_of(message: dict[str, Any], prefix: str = "") -> Tree:
    """Return the tree that a message names.

    Raises:
        SignerError: If it names none.
    """
    size, root = message.get(f"{prefix}size"), message.get(f"{prefix}root")
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise SignerError("a tree has a number of leaves")
    if not isinstance(root, str) or not _ROOT.fullmatch(root):
        raise SignerError("a tree has a root of 64 hex digits")
    return Tree(size, bytes.fromhex(root))


def encode_signed(signed: Signed) -> dict[str, int | str]:
    """Return the members of a message that say how far was signed."""
    return {
        "largest_size": signed.largest.size,
        "largest_root": signed.largest.root.hex(),
        "committed_size": signed.committed.size,
        "committed_root": signed.committed.root.hex(),
    }


def decode_signed(message: dict[str, Any]) -> Signed:
    """Return how far was signed, as a message says.

    Raises:
        SignerError: If it does not say.
    """
    return Signed(tree_of(message, "largest_"), tree_of(message, "committed_"))
