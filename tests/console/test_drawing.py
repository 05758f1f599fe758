"""The drawing of where money went: folded where it has too many nodes, and nothing lost by it."""

from itertools import pairwise

import pytest

from coordinator.console.follow.drawing import (
    MOST_NODES,
    Builder,
    Graph,
    Link,
    Node,
    Piece,
    draw,
    fold,
)

ASSET = "eip155:1/slip44:60"


def _case(accounts: int, partners: int = 4) -> Graph:
    """Return a theft's transaction, so many addresses, and who holds what came to each."""
    made = Builder()
    made.add(Node("tx", "0xab", "transaction"))
    for number in range(accounts):
        node = Node(
            f"a{number}", f"0x{number}", group="account", noun="addresses", numbers=(number,)
        )
        made.add(node)
        amount = 100 + number
        made.link(Link("tx", node.id, ASSET, (Piece("way", amount),)))
        partner = made.add(Node(f"p{number % partners}", f"exchange-{number % partners}"))
        kind = "held" if number % 3 else "loose"
        made.link(Link(node.id, partner, ASSET, (Piece(kind, amount),)))
    return made.graph()


def _sums(graph: Graph) -> dict[str, int]:
    sums: dict[str, int] = {}
    for link in graph.links:
        for piece in link.pieces:
            sums[piece.kind] = sums.get(piece.kind, 0) + piece.amount
    return sums


@pytest.mark.parametrize("accounts", [1, 40, 45])
def test_up_to_fifty_nodes_nothing_is_folded(accounts: int) -> None:
    graph = _case(accounts)
    assert fold(graph) == graph


@pytest.mark.parametrize("accounts", [60, 200, 1_000])
def test_above_it_alike_nodes_become_one_and_every_amount_is_still_there(accounts: int) -> None:
    graph = _case(accounts, partners=30)
    folded = fold(graph)
    assert len(folded.nodes) <= MOST_NODES
    assert _sums(folded) == _sums(graph)
    merged = [node for node in folded.nodes.values() if node.count > 1]
    single = [n for n in folded.nodes.values() if n.group == "account" and n.count == 1]
    assert sum(node.count for node in merged) + len(single) == accounts
    assert all(node.title == f"{node.count} addresses" for node in merged)


def test_money_goes_from_left_to_right_and_a_circle_ends_the_way() -> None:
    made = Builder()
    for name in ("a", "b", "c"):
        made.add(Node(name, name))
    for source, target in (("a", "b"), ("b", "c"), ("c", "a")):
        made.link(Link(source, target, ASSET, (Piece("way", 1),)))
    drawing = draw(made.graph(), lambda amount, _: str(amount))
    assert sorted(box.column for box in drawing.boxes) == [0, 1, 2]


def test_nodes_of_a_column_do_not_lie_on_each_other() -> None:
    drawing = draw(_case(46), lambda amount, _: str(amount))
    columns: dict[float, list[tuple[float, float]]] = {}
    for box in drawing.boxes:
        columns.setdefault(box.x, []).append((box.y, box.height))
    for boxes in columns.values():
        ordered = sorted(boxes)
        for (y, height), (following, _) in pairwise(ordered):
            assert y + height + 20 <= following
    assert max(box.y + box.height for box in drawing.boxes) < drawing.height


def _partly(partners: int = 1) -> Graph:
    made = Builder()
    for number in range(partners):
        made.add(Node(f"a{number}", "0xab"))
        made.add(Node(f"p{number}", "lakeside.example", kind="held"))
        pieces = (Piece("held", 655), Piece("loose", 365))
        made.link(Link(f"a{number}", f"p{number}", ASSET, pieces))
    return made.graph()


def test_each_part_of_a_band_has_its_own_amount_and_its_own_part_of_the_node() -> None:
    drawing = draw(_partly(), lambda amount, _: str(amount))
    held, loose = drawing.labels
    assert (held.text, loose.text) == ("655", "365")
    first, second = drawing.stops
    assert (first.kind, second.kind) == ("held", "loose")
    assert first.y <= held.y <= first.y + first.height
    assert second.y <= loose.y <= second.y + second.height
    (box,) = (each for each in drawing.boxes if each.is_last)
    assert first.height + second.height == pytest.approx(box.height)
    assert drawing.kinds == {"held", "loose"}


@pytest.mark.parametrize("partners", [1, 2, 3, 4])
def test_a_drawing_of_few_nodes_is_not_higher_than_a_screen_takes(partners: int) -> None:
    assert draw(_partly(partners), lambda amount, _: str(amount)).height <= 360
