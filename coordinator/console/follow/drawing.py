"""A drawing of money that moves from left to right, as an SVG is made of it.

Nodes stand in columns, as far right as the longest way to them; a band is as wide as its share of
what the drawing shows of its asset. Nothing here knows what a request is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

#: Above so many nodes, those that are alike are folded into one; so many alike always are.
MOST_NODES, MANY_ALIKE = 50, 9
_COLUMN, _NODE, _LABEL = 250.0, 10.0, 210.0
_LEAST = 10.0
#: A node whose name stands above it keeps that free, one whose name stands beside it a gap.
_ABOVE, _BESIDE, _LABEL_HIGH = 46.0, 22.0, 30.0
#: What all of one asset is wide; a band of less than a pixel or two would be gone.
_WHOLE, _THINNEST, _UNKNOWN = 150.0, 2.0, 4.0
#: What it is at least, where a drawing of few nodes would be higher than this.
_NARROWER, _HIGH = (120.0, 90.0, 65.0, 45.0, 30.0), 360.0
#: A label's line.
_LINE = 16.0
_PASSES = 4


class Piece(NamedTuple):
    """A part of a band: what became of it, and how much that is in base units."""

    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Node:
    """Something that money comes to, or goes through.

    Attributes:
        kind: "way", "held", "waiting", "gone", "done" or "": its colour.
        group: Nodes of one group are folded together, where there are too many.
        count: How many it stands for.
        numbers: Of the addresses that it stands for, as labels tell them.
    """

    id: str
    title: str
    sub: str = ""
    kind: str = ""
    group: str = ""
    noun: str = ""
    count: int = 1
    numbers: tuple[int, ...] = ()
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Money that goes from one node to another.

    Attributes:
        asset: Of its pieces; empty where no amount is known.
        kind: Of the band where it has no pieces.
    """

    source: str
    target: str
    asset: str = ""
    pieces: tuple[Piece, ...] = ()
    kind: str = "way"

    @property
    def amount(self) -> int:
        """Of all its pieces."""
        return sum(piece.amount for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Graph:
    """What is to be drawn."""

    nodes: Mapping[str, Node]
    links: Sequence[Link]


@dataclass(slots=True)
class Box:
    """A node where it stands."""

    node: Node
    column: int
    x: float = 0.0
    y: float = 0.0
    height: float = _LEAST
    is_last: bool = False


class Band(NamedTuple):
    """A path, as SVG takes it."""

    kind: str
    path: str
    width: float


class Stop(NamedTuple):
    """A part of the last node of a way: as much of it as came to be of one kind."""

    kind: str
    x: float
    y: float
    height: float


class Label(NamedTuple):
    """An amount beside the end of a band."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing whose places are worked out; in pixels."""

    boxes: Sequence[Box]
    bands: Sequence[Band]
    labels: Sequence[Label]
    stops: Sequence[Stop]
    width: float
    height: float
    folded: int

    @property
    def kinds(self) -> frozenset[str]:
        """Of bands that are drawn."""
        return frozenset(band.kind for band in self.bands)


def draw(graph: Graph, say: Callable[[int, str], str]) -> Drawing:
    """Return a drawing of a graph, folded where it has too many nodes.

    Args:
        graph: Nodes without a link are not drawn.
        say: Returns an amount of an asset as people read it.
    """
    linked = {end for link in graph.links for end in (link.source, link.target)}
    shown = Graph({id_: n for id_, n in graph.nodes.items() if id_ in linked}, graph.links)
    folded = fold(shown)
    drawing = _drawn(folded, _WHOLE, say)
    if drawing.height > _HIGH:
        narrower = (_drawn(folded, whole, say) for whole in _NARROWER)
        drawing = next((each for each in narrower if each.height <= _HIGH), drawing)
    return replace(drawing, folded=len(shown.nodes) - len(folded.nodes))


def _drawn(folded: Graph, whole: float, say: Callable[[int, str], str]) -> Drawing:
    """Work out the places of a drawing in which all of one asset is so wide."""
    columns = _columns(folded)
    wide = _Widths(folded, whole)
    boxes = {id_: Box(node, columns[id_]) for id_, node in folded.nodes.items()}
    _order(boxes, folded)
    _place(boxes, folded, wide)
    bands, labels, stops = _bands(boxes, folded, wide, say)
    depth = max((box.column for box in boxes.values()), default=0)
    height = max((box.y + box.height for box in boxes.values()), default=0.0)
    return Drawing(
        boxes=list(boxes.values()),
        bands=bands,
        labels=labels,
        stops=stops,
        width=depth * _COLUMN + _NODE + _LABEL,
        height=height + 24.0,
        folded=0,
    )


# ---- folding -------------------------------------------------------------------------------------


def fold(graph: Graph, most: int = MOST_NODES) -> Graph:
    """Return a graph of at most about `most` nodes: first those are one that are linked alike."""
    least = 2 if len(graph.nodes) > most else MANY_ALIKE
    alike: dict[tuple[object, ...], list[str]] = {}
    for id_, node in graph.nodes.items():
        if node.group:
            alike.setdefault((node.group, *_ends(graph, id_)), []).append(id_)
    for ids in alike.values():
        if len(ids) >= least:
            graph = _merge(graph, ids)
    return _fold_small(graph, most)


def _ends(graph: Graph, id_: str) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    sources = frozenset(link.source for link in graph.links if link.target == id_)
    targets = frozenset(
        (link.target, max(link.pieces, key=lambda p: p.amount).kind if link.pieces else link.kind)
        for link in graph.links
        if link.source == id_
    )
    return sources, targets


def _fold_small(graph: Graph, most: int) -> Graph:
    """Put what moves least into one, group by group, the largest group first."""
    while len(graph.nodes) > most:
        groups: dict[str, list[str]] = {}
        for id_, node in graph.nodes.items():
            if node.group:
                groups.setdefault(node.group, []).append(id_)
        largest = max(groups.values(), key=len, default=[])
        if len(largest) < 3:  # noqa: PLR2004 - nothing is won by putting two into one
            return graph
        through = {id_: _through(graph, id_) for id_ in largest}
        spare = len(graph.nodes) - most + 1
        least = sorted(largest, key=lambda id_: through[id_])[: max(spare, 2)]
        graph = _merge(graph, least)
    return graph


def _through(graph: Graph, id_: str) -> int:
    return max(
        sum(link.amount for link in graph.links if link.source == id_),
        sum(link.amount for link in graph.links if link.target == id_),
    )


def _merge(graph: Graph, ids: Sequence[str]) -> Graph:
    merged = set(ids)
    nodes = [graph.nodes[id_] for id_ in ids]
    first = nodes[0]
    count = sum(node.count for node in nodes)
    numbers = tuple(sorted(number for node in nodes for number in node.numbers))
    kinds = {node.kind for node in nodes}
    one = replace(
        first,
        id=f"fold:{first.id}",
        title=f"{count} {first.noun}",
        sub=f"no. {_ranges(numbers)}" if numbers else "",
        kind=kinds.pop() if len(kinds) == 1 else "",
        count=count,
        numbers=numbers,
        is_code=False,
    )
    kept = {id_: node for id_, node in graph.nodes.items() if id_ not in merged}
    links: dict[tuple[str, str, str, str], Link] = {}
    for link in graph.links:
        moved = replace(
            link,
            source=one.id if link.source in merged else link.source,
            target=one.id if link.target in merged else link.target,
        )
        key = (moved.source, moved.target, moved.asset, "" if moved.pieces else moved.kind)
        links[key] = _sum(links[key], moved) if key in links else moved
    return Graph({**kept, one.id: one}, list(links.values()))


def _sum(one: Link, other: Link) -> Link:
    amounts: dict[str, int] = {}
    for piece in (*one.pieces, *other.pieces):
        amounts[piece.kind] = amounts.get(piece.kind, 0) + piece.amount
    return replace(one, pieces=tuple(Piece(kind, amount) for kind, amount in amounts.items()))


def _ranges(numbers: Sequence[int]) -> str:
    """Return "0-13, 15, 20-22", cut after three."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    said = [str(a) if a == b else f"{a}\N{EN DASH}{b}" for a, b in ranges]
    return ", ".join(said[:3]) + (" \N{HORIZONTAL ELLIPSIS}" if len(said) > 3 else "")  # noqa: PLR2004


# ---- places --------------------------------------------------------------------------------------


def _columns(graph: Graph) -> Mapping[str, int]:
    """Return how far right each node stands: as long as the longest way to it, circles cut."""
    sources: dict[str, list[str]] = {id_: [] for id_ in graph.nodes}
    for link in graph.links:
        if link.source != link.target:
            sources[link.target].append(link.source)
    found: dict[str, int] = {}
    for id_ in graph.nodes:
        _depth(id_, sources, found)
    return found


def _depth(start: str, sources: Mapping[str, Sequence[str]], found: dict[str, int]) -> None:
    """Work out the column of a node and of all before it, without recursion."""
    under_way: dict[str, None] = {}
    stack = [start]
    while stack:
        id_ = stack[-1]
        if id_ in found:
            stack.pop()
            continue
        under_way[id_] = None
        missing = [s for s in sources[id_] if s not in found and s not in under_way]
        if missing:
            stack.extend(missing)
            continue
        found[id_] = max((found[s] + 1 for s in sources[id_] if s in found), default=0)
        del under_way[id_]
        stack.pop()


class _Widths:
    """How wide bands are: each by its share of what is shown of its asset."""

    def __init__(self, graph: Graph, wide: float) -> None:
        self._wide = wide
        into: dict[tuple[str, str], int] = {}
        out: dict[tuple[str, str], int] = {}
        for link in graph.links:
            out[link.source, link.asset] = out.get((link.source, link.asset), 0) + link.amount
            into[link.target, link.asset] = into.get((link.target, link.asset), 0) + link.amount
        self._whole: dict[str, int] = {}
        by_column: dict[str, int] = {}
        for (_, asset), amount in into.items():
            by_column[asset] = by_column.get(asset, 0) + amount
        for (_, asset), amount in (*into.items(), *out.items()):
            self._whole[asset] = max(self._whole.get(asset, 0), amount)
        for asset, amount in by_column.items():
            # Many small ones side by side are as high together as one large one.
            self._whole[asset] = max(self._whole[asset], amount // 3)

    def of(self, asset: str, amount: int) -> float:
        whole = self._whole.get(asset, 0)
        if not whole or not amount:
            return _UNKNOWN
        return max(_THINNEST, self._wide * (amount * 10_000 // whole) / 10_000)

    def of_link(self, link: Link) -> float:
        pieces = [self.of(link.asset, piece.amount) for piece in link.pieces if piece.amount]
        return sum(pieces) or _UNKNOWN


def _order(boxes: Mapping[str, Box], graph: Graph) -> None:
    """Put the nodes of each column into an order in which few bands cross."""
    order = {id_: float(place) for place, id_ in enumerate(boxes)}
    for turn in range(_PASSES):
        near: dict[str, list[float]] = {}
        for link in graph.links:
            if turn % 2:
                near.setdefault(link.source, []).append(order[link.target])
            else:
                near.setdefault(link.target, []).append(order[link.source])
        wanted = {
            id_: sum(near[id_]) / len(near[id_]) if id_ in near else order[id_] for id_ in boxes
        }
        for place, id_ in enumerate(sorted(boxes, key=lambda id_: (wanted[id_], order[id_]))):
            order[id_] = float(place)
    for id_, box in boxes.items():
        box.y = order[id_]


def _place(boxes: Mapping[str, Box], graph: Graph, wide: _Widths) -> None:
    into: dict[str, float] = {}
    out: dict[str, float] = {}
    for link in graph.links:
        out[link.source] = out.get(link.source, 0.0) + wide.of_link(link)
        into[link.target] = into.get(link.target, 0.0) + wide.of_link(link)
    columns: dict[int, list[Box]] = {}
    for id_, box in boxes.items():
        box.height = max(into.get(id_, 0.0), out.get(id_, 0.0), _LEAST)
        box.is_last = id_ not in out
        box.x = box.column * _COLUMN
        columns.setdefault(box.column, []).append(box)
    lowest = {number: _stack(column) for number, column in columns.items()}
    for number, column in columns.items():
        for box in column:
            box.y += (max(lowest.values()) - lowest[number]) / 2


def _stack(column: Sequence[Box]) -> float:
    """Put the nodes of a column under each other, and return where the last one ends."""
    y = 0.0
    for box in sorted(column, key=lambda each: each.y):
        box.y = y + (_BESIDE if box.is_last else _ABOVE)
        y = box.y + max(box.height, _LABEL_HIGH if box.is_last else 0.0)
    return y


def _bands(
    boxes: Mapping[str, Box], graph: Graph, wide: _Widths, say: Callable[[int, str], str]
) -> tuple[list[Band], list[Label], list[Stop]]:
    leaves = {id_: box.y for id_, box in boxes.items()}
    comes = dict(leaves)
    bands: list[Band] = []
    labels: list[Label] = []
    stops: list[Stop] = []
    ordered = sorted(graph.links, key=lambda each: (boxes[each.source].y, boxes[each.target].y))
    for link in ordered:
        source, target = boxes[link.source], boxes[link.target]
        start, end = leaves[link.source], comes[link.target]
        for (kind, amount), width in _strokes(link, wide):
            bands.append(Band(kind, _path(source, target, start, end, width), width))
            if target.is_last:
                stops.append(Stop(kind, target.x, end, width))
            if amount:
                label = Label(say(amount, link.asset), target.x - 8, end + width / 2 + 5)
                labels.append(label)
            start, end = start + width, end + width
        leaves[link.source], comes[link.target] = start, end
    return bands, _apart(labels), stops


def _strokes(link: Link, wide: _Widths) -> Iterable[tuple[Piece, float]]:
    some = [piece for piece in link.pieces if piece.amount]
    if not some:
        return [(Piece(link.kind, 0), _UNKNOWN)]
    return [(piece, wide.of(link.asset, piece.amount)) for piece in some]


def _path(source: Box, target: Box, start: float, end: float, width: float) -> str:
    x1, x2 = source.x + _NODE, target.x
    y1, y2 = start + width / 2, end + width / 2
    middle = (x1 + x2) / 2
    return f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _apart(labels: Sequence[Label]) -> list[Label]:
    """Keep amounts at one node from lying on each other."""
    apart: list[Label] = []
    lowest: dict[float, float] = {}
    for label in sorted(labels, key=lambda each: (each.x, each.y)):
        y = max(label.y, lowest.get(label.x, float("-inf")) + _LINE)
        lowest[label.x] = y
        apart.append(label._replace(y=y))
    return apart


@dataclass(slots=True)
class Builder:
    """Puts a graph together; what is linked twice in one asset is one band."""

    nodes: dict[str, Node] = field(default_factory=dict)
    _links: dict[tuple[str, str, str, str], Link] = field(default_factory=dict)

    def add(self, node: Node) -> str:
        """Add a node, unless it is there; returns its id."""
        self.nodes.setdefault(node.id, node)
        return node.id

    def link(self, link: Link) -> None:
        """Add a band."""
        key = (link.source, link.target, link.asset, "" if link.pieces else link.kind)
        self._links[key] = _sum(self._links[key], link) if key in self._links else link

    def is_linked(self, source: str, target: str) -> bool:
        """Tell whether there is a band from one node to another."""
        return any((a, b) == (source, target) for a, b, _, _ in self._links)

    def graph(self) -> Graph:
        """Return what was put together."""
        return Graph(self.nodes, list(self._links.values()))
