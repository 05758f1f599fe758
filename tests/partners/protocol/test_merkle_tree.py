"""The tree: against published vectors, against the RFC's own definition, and altered at random."""

import json
import random
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.errors import TreeProofError
from holdfast.protocol.merkle_tree import (
    EMPTY_ROOT,
    Frontier,
    Node,
    Subtree,
    check_consistency,
    check_inclusion,
    check_subtree_consistency,
    check_subtree_inclusion,
    completed_nodes,
    consistency_pieces,
    inclusion_pieces,
    leaf_hash,
    make_proof,
    node_hash,
    subtrees,
)
from tests.naive_tree import naive_consistency, naive_inclusion, naive_root

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "rfc6962"
needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the published vectors are not beside the checkout (../shared)"
)
#: Altered proofs of the seeded test.
TAMPERINGS = 2_000


def _bytes(text: str | None) -> bytes:
    return b64decode(text or "")


def _vector_consistency(v: dict[str, Any], proof: list[bytes]) -> None:
    check_consistency(v["size1"], v["size2"], _bytes(v["root1"]), _bytes(v["root2"]), proof)


def _vector_inclusion(v: dict[str, Any], proof: list[bytes]) -> None:
    check_inclusion(v["leafIdx"], v["treeSize"], _bytes(v["leafHash"]), proof, _bytes(v["root"]))


def _vector_subtree_consistency(v: dict[str, Any], proof: list[bytes]) -> None:
    subtree = Subtree(v["start"], v["end"])
    check_subtree_consistency(subtree, v["size"], _bytes(v["root1"]), _bytes(v["root2"]), proof)


def _vector_subtree_inclusion(v: dict[str, Any], proof: list[bytes]) -> None:
    subtree = Subtree(v["start"], v["end"])
    check_subtree_inclusion(v["leafIdx"], subtree, _bytes(v["leafHash"]), proof, _bytes(v["root"]))


@needs_vectors
@pytest.mark.parametrize(
    ("folder", "check", "count"),
    [
        ("consistency", _vector_consistency, 98),
        ("inclusion", _vector_inclusion, 98),
        ("subtreeconsistency", _vector_subtree_consistency, 118),
        ("subtreeinclusion", _vector_subtree_inclusion, 204),
    ],
)
def test_every_published_vector_behaves_as_it_says(
    folder: str, check: Callable[[dict[str, Any], list[bytes]], None], count: int
) -> None:
    files = sorted((VECTORS / folder).rglob("*.json"))
    assert len(files) >= count
    misjudged = []
    for file in files:
        vector = json.loads(file.read_bytes())
        proof = [_bytes(each) for each in vector["proof"] or []]
        try:
            check(vector, proof)
            is_refused = False
        except TreeProofError:
            is_refused = True
        if is_refused != vector["wantErr"]:
            misjudged.append(file.relative_to(VECTORS))
    assert misjudged == []


def _leaves(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(8, "big")) for number in range(count)]


def _grown(leaves: list[bytes]) -> tuple[Frontier, dict[Node, bytes]]:
    frontier = Frontier()
    nodes: dict[Node, bytes] = {}
    for index, leaf in enumerate(leaves):
        nodes |= completed_nodes(index, frontier.append(leaf))
    return frontier, nodes


def test_a_leaf_and_a_node_are_hashed_apart() -> None:
    # RFC 9162 section 2.1.1: without the first byte an entry could pass for a node.
    left, right = _leaves(2)
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )


@given(st.integers(0, 200))
def test_a_growing_tree_has_the_root_of_the_definition(size: int) -> None:
    leaves = _leaves(size)
    frontier, nodes = _grown(leaves)
    assert frontier.root() == naive_root(leaves)
    assert frontier.nodes().items() <= nodes.items()
    assert Frontier.parse(size, frontier.packed()) == frontier


@given(st.data())
def test_an_inclusion_proof_is_that_of_the_definition(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    frontier, nodes = _grown(leaves)
    proof = make_proof(inclusion_pieces(index, size), nodes)
    assert proof == naive_inclusion(index, leaves)
    check_inclusion(index, size, leaves[index], proof, frontier.root())


@given(st.data())
def test_a_consistency_proof_is_that_of_the_definition(data: st.DataObject) -> None:
    second = data.draw(st.integers(1, 200))
    first = data.draw(st.integers(1, second))
    leaves = _leaves(second)
    frontier, nodes = _grown(leaves)
    proof = make_proof(consistency_pieces(first, second), nodes)
    assert proof == naive_consistency(first, leaves)
    check_consistency(first, second, naive_root(leaves[:first]), frontier.root(), proof)


@given(st.integers(1, 150), st.integers(1, 20))
def test_proofs_of_new_leaves_need_the_frontier_alone(before: int, more: int) -> None:
    leaves = _leaves(before + more)
    frontier, _ = _grown(leaves[:before])
    nodes = frontier.nodes()
    for index in range(before, before + more):
        nodes |= completed_nodes(index, frontier.append(leaves[index]))
    for index in range(before, before + more):
        proof = make_proof(inclusion_pieces(index, before + more), nodes)
        check_inclusion(index, before + more, leaves[index], proof, naive_root(leaves))


def _altered(proof: list[bytes], chance: random.Random) -> list[bytes]:
    """Return a proof with a hash changed, dropped, doubled, added, or two swapped."""
    altered = list(proof)
    place = chance.randrange(len(altered) + 1)
    stranger = chance.randbytes(32)
    match chance.choice(["change", "drop", "add", "double", "swap"]):
        case "change" if altered:
            bit = 1 << chance.randrange(8)
            value = bytearray(altered[place - 1])
            value[chance.randrange(32)] ^= bit
            altered[place - 1] = bytes(value)
        case "drop" if altered:
            del altered[place - 1]
        case "double" if altered:
            altered.insert(place, altered[place - 1])
        case "swap" if len(set(altered)) > 1:
            altered = altered[1:] + altered[:1]
        case _:
            altered.insert(place, stranger)
    return altered


def test_no_altered_proof_is_accepted() -> None:
    chance = random.Random(14)  # noqa: S311 - the same every time
    size = 130
    leaves = _leaves(size)
    frontier, nodes = _grown(leaves)
    root = frontier.root()
    for _ in range(TAMPERINGS):
        index, first = chance.randrange(size), chance.randrange(1, size)
        inclusion = make_proof(inclusion_pieces(index, size), nodes)
        with pytest.raises(TreeProofError):
            check_inclusion(index, size, leaves[index], _altered(inclusion, chance), root)
        other = chance.choice([n for n in range(size) if n != index])
        with pytest.raises(TreeProofError):
            check_inclusion(other, size, leaves[index], inclusion, root)
        consistency = make_proof(consistency_pieces(first, size), nodes)
        with pytest.raises(TreeProofError):
            check_consistency(
                first, size, naive_root(leaves[:first]), root, _altered(consistency, chance)
            )
        forked = naive_root([*leaves[: first - 1], leaf_hash(b"another")])
        with pytest.raises(TreeProofError):
            check_consistency(first, size, forked, root, consistency)


#: Calls that make no sense, by what is wrong with them.
SENSELESS: dict[str, Callable[[], object]] = {
    "no such leaf": lambda: inclusion_pieces(3, 3),
    "a leaf before the first": lambda: inclusion_pieces(-1, 3),
    "too large": lambda: inclusion_pieces(0, 2**63),
    "from nothing": lambda: consistency_pieces(0, 3),
    "from the larger": lambda: consistency_pieces(4, 3),
    "no such leaf to check": lambda: check_inclusion(3, 3, bytes(32), [], bytes(32)),
    "a short hash": lambda: check_inclusion(0, 2, bytes(32), [b"short"], bytes(32)),
    "a short leaf": lambda: check_inclusion(0, 1, b"", [], b""),
    "proven from nothing": lambda: check_consistency(0, 2, EMPTY_ROOT, bytes(32), []),
    "below nothing": lambda: check_consistency(-1, 2, bytes(32), bytes(32), []),
    "no subtree": lambda: check_subtree_inclusion(2, Subtree(1, 3), bytes(32), [], bytes(32)),
    "a frontier too short": lambda: Frontier.parse(3, bytes(32)),
    "a frontier of less than nothing": lambda: Frontier.parse(-1, b""),
}


@pytest.mark.parametrize("wrong", SENSELESS)
def test_what_makes_no_sense_is_refused_with_one_error(wrong: str) -> None:
    with pytest.raises(TreeProofError):
        SENSELESS[wrong]()


def test_the_tree_without_leaves_is_its_own_beginning() -> None:
    check_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert Frontier().root() == EMPTY_ROOT
    assert subtrees(0, 0) == ()


def test_a_proof_grows_with_the_logarithm() -> None:
    assert len(inclusion_pieces(0, 1_000)) == 10
    assert len(inclusion_pieces(0, 1_000_000)) == 20
    assert sum(map(len, inclusion_pieces(499_999, 1_000_000))) <= 40
