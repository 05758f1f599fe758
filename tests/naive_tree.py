"""The Merkle tree as RFC 9162 section 2.1 defines it, word by word: slow, and easy to believe."""

from collections.abc import Sequence
from hashlib import sha256


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """Return MTH over the hashes of leaves (section 2.1.1)."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return PATH(index, leaves) (section 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*naive_inclusion(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_inclusion(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_consistency(first: int, leaves: Sequence[bytes], *, is_whole: bool = True) -> list[bytes]:
    """Return SUBPROOF(first, leaves, is_whole) (section 2.1.4.1)."""
    if first == len(leaves):
        return [] if is_whole else [naive_root(leaves)]
    k = _split(len(leaves))
    if first <= k:
        return [*naive_consistency(first, leaves[:k], is_whole=is_whole), naive_root(leaves[k:])]
    return [
        *naive_consistency(first - k, leaves[k:], is_whole=False),
        naive_root(leaves[:k]),
    ]


def _split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k
