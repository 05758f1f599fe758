"""An incident's trace as one graph: joined from its pages, written as text or as Graphviz DOT.

for line in as_text(join(client.trace("inc_…"))):
print(line)
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.protocol import canonical_json
from holdfast.protocol.amounts import format_amount, shipped_assets
from holdfast.protocol.life_cycle_views import FlaggedPlace, TraceEdge, TraceNode, TracePage

#: How many accounts at the other end of a transaction are named; the rest are counted.
_NAMED = 5


def join(pages: Iterable[TracePage]) -> TracePage:
    """Return the pages of a trace as one: every node once, with all places where it is flagged."""
    whole = TracePage(nodes=[], edges=[])
    nodes: dict[str, TraceNode] = {}
    for page in pages:
        for node in page.nodes:
            before = nodes.get(node.id, node)
            flagged = before.flagged + node.flagged if node.id in nodes else node.flagged
            service = before.service or node.service
            nodes[node.id] = node.model_copy(update={"flagged": flagged, "service": service})
        whole.edges.extend(page.edges)
        whole.units.update(page.units)
    whole.nodes.extend(nodes.values())
    return whole


def as_text(graph: TracePage, *, base_units: bool = False) -> Iterator[str]:
    """Yield lines for people: the requests by number, then the accounts of each chain.

    Every account says where it is flagged, through which transactions funds came and went, and
    where partners said that they moved on to. Amounts are in units, or in base units on demand.
    """
    drawing = _Drawing(graph, base_units)
    yield "requests"
    for request_id in drawing.numbers:
        yield from drawing.request(request_id)
    by_chain: dict[str, list[TraceNode]] = defaultdict(list)
    for node in graph.nodes:
        if node.kind == "account":
            by_chain[node.chain or "on a chain that is not known here"].append(node)
    for chain, accounts in sorted(by_chain.items()):
        yield ""
        yield chain
        for node in accounts:
            yield from drawing.account(node)


def as_dot(graph: TracePage, *, base_units: bool = False) -> Iterator[str]:
    """Yield the graph in the language of Graphviz (`dot -Tsvg`); accounts say what was asked of."""
    yield "digraph incident {"
    for node in graph.nodes:
        shape = {"account": "box", "request": "note", "service": "house"}.get(node.kind, "ellipse")
        amounts = [
            _amount(graph, place.asset, place.amount, base_units=base_units)
            for place in node.flagged
            if place.asset and place.amount
        ]
        label = f", label={_quoted(chr(10).join((node.id, *amounts)))}" if amounts else ""
        yield f"  {_quoted(node.id)} [shape={shape}{label}];"
    for edge in graph.edges:
        label = f"{edge.kind}: {edge.partner}" if edge.partner else edge.kind
        ends = f"{_quoted(edge.source)} -> {_quoted(edge.target)}"
        yield f"  {ends} [label={_quoted(label)}];"
    yield "}"


def _amount(graph: TracePage, asset: str, amount: str, *, base_units: bool) -> str:
    """Return a flagged amount as people read it; the coordinator's units come first."""
    if base_units:
        return f"{amount} base units of {asset}"
    unit = graph.units.get(asset) or shipped_assets().unit(asset)
    return format_amount(amount, unit, asset=asset)


def _quoted(text: str) -> str:
    # JSON escapes quotes, backslashes and control characters, which DOT would read otherwise.
    return canonical_json.dumps(text).decode()


@dataclass(slots=True)
class _Drawing:
    """A graph with its edges by either end."""

    graph: TracePage
    base_units: bool
    numbers: dict[str, int] = field(init=False)
    leaving: dict[str, list[TraceEdge]] = field(init=False)
    entering: dict[str, list[TraceEdge]] = field(init=False)
    nodes: dict[str, TraceNode] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = {node.id: node for node in self.graph.nodes}
        requests = sorted(node.id for node in self.graph.nodes if node.kind == "request")
        self.numbers = {id_: number for number, id_ in enumerate(requests, 1)}
        self.leaving, self.entering = defaultdict(list), defaultdict(list)
        for edge in self.graph.edges:
            self.leaving[edge.source].append(edge)
            self.entering[edge.target].append(edge)

    def request(self, id_: str) -> Iterator[str]:
        """Yield a request, what it follows, and where partners said that all of it went."""
        before = [
            str(self.numbers[edge.source]) for edge in self.entering[id_] if edge.kind == "follows"
        ]
        follows = f", follows {', '.join(before)}" if before else ""
        yield f"  {self.numbers[id_]}  {id_}{follows}"
        for edge in self.leaving[id_]:
            if edge.kind == "moved_on":
                yield f"     {edge.partner}: moved on to {self._target(edge)}"

    def account(self, node: TraceNode) -> Iterator[str]:
        """Yield an account with everything that touches it."""
        service = f" ({node.service})" if node.service else ""
        yield f"  {self._short(node.id, node.chain)}{service}"
        for place in node.flagged:
            yield f"    flagged: {self._place(place)}"
        for edge in self.entering[node.id]:
            if edge.kind == "tx":
                senders = [e.source for e in self.entering[edge.source] if e.kind == "tx"]
                yield f"    received in {_tx(edge.source)}{self._ends(' from', senders, node)}"
            elif edge.kind == "moved_on":
                yield f"    {edge.partner}: moved on to here from {self._source(edge)}"
        for edge in self.leaving[node.id]:
            if edge.kind == "tx":
                receivers = [e.target for e in self.leaving[edge.target] if e.kind == "tx"]
                yield f"    sent in {_tx(edge.target)}{self._ends(' to', receivers, node)}"
            elif edge.kind == "moved_on":
                yield f"    {edge.partner}: moved on to {self._target(edge)}"

    def _place(self, place: FlaggedPlace) -> str:
        number = self.numbers.get(place.request_id, place.request_id)
        words = [f"request {number}, address {place.address_no}"]
        words += [place.role] if place.role else []
        if place.asset and place.amount:
            said = _amount(self.graph, place.asset, place.amount, base_units=self.base_units)
            words.append(said)
        words += [f"block {place.block}"] if place.block is not None else []
        words += ["withdrawn"] if place.withdrawn else []
        return ", ".join(words)

    def _ends(self, word: str, ids: Sequence[str], node: TraceNode) -> str:
        others = [self._short(id_, node.chain) for id_ in ids if id_ != node.id]
        if not others:
            return ""
        more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
        return f"{word} {', '.join(others[:_NAMED])}{more}"

    def _source(self, edge: TraceEdge) -> str:
        number = self.numbers.get(edge.source)
        return edge.source if number is None else f"request {number}"

    def _target(self, edge: TraceEdge) -> str:
        if ":tx:" in edge.target:
            return _tx(edge.target)
        node = self.nodes.get(edge.target)
        service = f" ({node.service})" if node and node.service else ""
        through = f", tx {edge.tx}" if edge.tx else ""
        return edge.target.removeprefix("service:") + service + through

    @staticmethod
    def _short(id_: str, chain: str | None) -> str:
        return id_.removeprefix(f"{chain}:") if chain else id_


def _tx(id_: str) -> str:
    return f"tx {id_.partition(':tx:')[2]}"
