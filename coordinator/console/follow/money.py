"""Where the money went: from the theft to whoever answered, over several chains."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from coordinator.api import incident_traces, ledger_reads
from coordinator.api.paging import PageQuery
from coordinator.console.follow import states
from coordinator.console.follow.case import Case
from coordinator.console.follow.drawing import Builder, Link, Node, Piece, draw
from coordinator.console.follow.states import Alike
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, counted, listed
from coordinator.domain.errors import NotFoundError
from coordinator.services.reading.code_words import SAID

#: Flagged addresses that are drawn and listed; the ledger has all.
_MOST = 1_000
#: Requests of the same incident whose answers are drawn.
_MOST_REQUESTS = 6
_GONE = frozenset({"moved_on", "left_after_notice"})
_SHORT = 22
#: From so many addresses on, what one partner says of all of them is told once.
_MANY = 3
_PARTLY = ("waiting", "half")


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the figures: from where to where, how much, and what became of it."""

    source: str
    target: str
    went: Sequence[AmountWords]
    frozen: Sequence[AmountWords]
    word: str
    tone: str
    mark: str


def show(visit: Visit, request_id: str) -> Response:
    """Show the drawing, and its figures beside it."""
    case = Case.read(visit, request_id)
    query = PageQuery.model_validate({"limit": str(_MOST)})
    trace = visit.read(
        incident_traces.read_trace, query, incident_id=case.request["incident"]["id"]
    )
    money = _Money(case, trace)
    graph = money.builder.graph()
    drawing = draw(graph, lambda amount, asset: case.amount(amount, asset).number)
    units = sorted({case.amount(0, link.asset).unit for link in graph.links if link.asset})
    return case.page(
        "money",
        drawing=drawing if graph.links else None,
        units=units,
        steps=money.steps,
        alike=money.alike,
        is_cut=trace["next_cursor"] is not None,
        most=_MOST,
        requests=len(money.requests),
    )


class _Money:
    """The graph of one incident, as far as its reader may see it."""

    def __init__(self, case: Case, trace: Mapping[str, Any]) -> None:
        self.case = case
        self.builder = Builder()
        self.accounts = {node["id"]: node for node in trace["nodes"] if node["kind"] == "account"}
        self.others = {node["id"]: node for node in trace["nodes"] if node["kind"] != "account"}
        self.places = {
            (place["request_id"], place["address_no"]): id_
            for id_, node in self.accounts.items()
            for place in node.get("flagged", ())
        }
        self.requests = list(dict.fromkeys(request for request, _ in self.places))[:_MOST_REQUESTS]
        self.steps: list[Step] = []
        self.alike: list[Alike] = []
        self._add_transactions(trace["edges"])
        for request_id in self.requests:
            self._add_answers(request_id)
        gone: dict[tuple[str, str], list[str]] = {}
        for edge in trace["edges"]:
            if edge["kind"] == "moved_on":
                self._add_onward(edge)
                gone.setdefault((edge["partner"], edge["target"]), []).append(edge["source"])
        self.steps += [self._onward_step(*way, sources) for way, sources in gone.items()]

    # -- from the theft ----------------------------------------------------------------------

    def _add_transactions(self, edges: Iterable[Mapping[str, Any]]) -> None:
        """Link addresses by the transactions that touched more than one of them."""
        through = [edge for edge in edges if edge["kind"] == "tx"]
        ends = [end for edge in through for end in {edge["source"], edge["target"]}]
        touched = Counter(end for end in ends if end in self.others)
        for edge in through:
            is_out = edge["target"] in self.others
            tx, account = (
                (edge["target"], edge["source"]) if is_out else (edge["source"], edge["target"])
            )
            if touched[tx] < 2:  # noqa: PLR2004 - one address alone is told in the table
                continue
            self._transaction(tx)
            self._account(account)
            place = self._place(account, edge)
            pieces, asset = self._stated(place)
            self.builder.link(Link(edge["source"], edge["target"], asset, pieces))

    def _transaction(self, id_: str) -> None:
        chain = self.others[id_].get("chain")
        name = self.case.visit.assets.chain_name(chain) if chain else "an unknown chain"
        tx = id_.rpartition(":tx:")[2]
        self.builder.add(Node(id_, _short(tx), f"transaction, {name}", "way", is_code=True))

    def _account(self, id_: str) -> str:
        node = self.accounts[id_]
        flagged = node.get("flagged", ())
        chain = node.get("chain")
        name = self.case.visit.assets.chain_name(chain) if chain else ""
        here = [p["address_no"] for p in flagged if p["request_id"] == self.case.id]
        sub = name
        if here:
            sub = f"no. {here[0]}, {name}" if name else f"no. {here[0]}"
        elif not flagged:
            sub = f"{name}, nobody was asked" if name else "nobody was asked"
        if flagged and all(place.get("withdrawn") for place in flagged):
            sub = f"{sub}, withdrawn"
        return self.builder.add(
            Node(
                id_,
                _short(_address(id_)),
                sub,
                "way" if flagged else "gone",
                group=f"account {chain}" if flagged else "",
                noun="addresses",
                numbers=tuple(here),
                is_code=True,
            )
        )

    def _place(self, account: str, edge: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = (edge["request_id"], edge.get("address_no"))
        places = self.accounts[account].get("flagged", ())
        found: Mapping[str, Any] = next(
            (p for p in places if (p["request_id"], p["address_no"]) == wanted), {}
        )
        return found

    def _stated(self, place: Mapping[str, Any]) -> tuple[tuple[Piece, ...], str]:
        if place.get("asset") and place.get("amount"):
            return (Piece("way", int(place["amount"])),), str(place["asset"])
        return (), ""

    # -- to whoever answered -------------------------------------------------------------------

    def _add_answers(self, request_id: str) -> None:
        numbers = [number for request, number in self.places if request == request_id]
        query = ledger_reads.SpanQuery.model_validate(
            {"first": str(min(numbers)), "last": str(max(numbers))}
        )
        try:
            page = self.case.visit.read(ledger_reads.list_answers, query, request_id=request_id)
        except NotFoundError:
            return
        alike = _alike(page["items"], len(set(numbers)))
        self.alike += alike
        told = {each.partner for each in alike}
        for answer in page["items"]:
            if answer["partner"] in told:
                continue
            account = self.places.get((request_id, answer["address_no"]))
            if account is not None:
                self._add_answer(account, answer)

    def _add_answer(self, account: str, answer: Mapping[str, Any]) -> None:
        code = answer.get("code")
        sums = {a: s for a, s in answer["assets"].items() if int(s["found"]) or int(s["frozen"])}
        untold = any(each["withheld"] for each in answer["assets"].values())
        if sums or code != "moved_on":  # where it went on to has a row of its own
            self.steps.append(self._step(account, answer, sums))
        if not sums and code not in _GONE and not untold:
            return
        self._account(account)
        partner = self._partner(answer["partner"])
        for asset, each in sums.items():
            self.builder.link(Link(account, partner, asset, _pieces(each)))
        if not sums:
            self.builder.link(Link(account, partner, kind="held" if untold else "gone"))

    def _partner(self, handle: str) -> str:
        total = next((leg for leg in self.case.legs if leg["partner"] == handle), None)
        state = None if total is None else states.leg_state(total, is_own=not self.case.is_ours)
        tone = {"danger": "gone", "waiting": "waiting", "held": "held", "done": "done"}
        return self.builder.add(
            Node(
                f"partner:{handle}",
                handle,
                "" if state is None else state.word.lower(),
                tone.get(state.tone, "") if state is not None else "",
                group="partner",
                noun="partners",
            )
        )

    def _step(
        self, account: str, answer: Mapping[str, Any], sums: Mapping[str, Mapping[str, Any]]
    ) -> Step:
        amount = self.case.amount
        frozen = [amount(each["frozen"], a) for a, each in sums.items() if int(each["frozen"])]
        word, tone, mark = _became(answer)
        loose = [
            amount(int(each["found"]) - int(each["frozen"]), a)
            for a, each in sums.items()
            if int(each["found"]) > int(each["frozen"])
        ]
        if loose and tone == "held":
            word, tone, mark = f"Partly held; {listed(map(str, loose))} can still leave", *_PARTLY
        return Step(
            source=_address(account),
            target=answer["partner"],
            went=[
                amount(max(int(each["found"]), int(each["frozen"])), a) for a, each in sums.items()
            ],
            frozen=frozen,
            word=word,
            tone=tone,
            mark=mark,
        )

    # -- and on --------------------------------------------------------------------------------

    def _add_onward(self, edge: Mapping[str, Any]) -> None:
        partner = self._partner(edge["partner"])
        source = edge["source"]
        if source in self.accounts:
            self._account(source)
            if not self.builder.is_linked(source, partner):
                self.builder.link(Link(source, partner, kind="gone"))
        target = self._target(edge["target"])
        if target == partner:
            return
        self.builder.link(Link(partner, target, kind="gone"))

    def _onward_step(self, partner: str, target: str, sources: Sequence[str]) -> Step:
        """Return the row of a way onward, which may be told of many addresses at once."""
        named = [source for source in sources if source in self.accounts]
        source = _address(named[0]) if len(named) == 1 else counted(len(named), "address")
        to = self.builder.nodes[self._target(target)].title
        return Step(
            source=source if named else "the whole request",
            target=f"{partner} says: to {to}",
            went=[],
            frozen=[],
            word="Moved on",
            tone="danger",
            mark="move",
        )

    def _target(self, id_: str) -> str:
        if id_ in self.accounts:
            return self._account(id_)
        kind, _, rest = id_.partition(":")
        if kind == "service":
            known = f"partner:{rest}"
            if known in self.builder.nodes:
                return known
            return self.builder.add(Node(id_, rest, "a service that was named", "gone"))
        self._transaction(id_)
        return id_


def _alike(answers: Iterable[Mapping[str, Any]], count: int) -> list[Alike]:
    """Return the partners that answered with the same nothing for all of so many addresses."""
    by_partner: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        by_partner.setdefault(answer["partner"], []).append(answer)
    return [
        Alike(partner, count, *_became(told[0]))
        for partner, told in by_partner.items()
        if len(told) == count >= _MANY
        and len({each.get("code") for each in told}) == 1
        and told[0].get("code") not in _GONE
        and not any(
            int(sums["found"]) or int(sums["frozen"]) or sums["withheld"]
            for each in told
            for sums in each["assets"].values()
        )
    ]


def _pieces(sums: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Return what became of what was found: held, back, let go, and what is loose."""
    returned = int(sums["returned"]) + int(sums["seized"])
    loose = max(int(sums["found"]) - int(sums["frozen"]), 0)
    pieces = (
        Piece("held", int(sums["held"])),
        Piece("returned", returned),
        Piece("released", int(sums["released"])),
        Piece("loose", loose),
    )
    return tuple(piece for piece in pieces if piece.amount)


def _became(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    sums = answer["assets"].values()
    if any(int(each["held"]) or each["withheld"] for each in sums):
        return "Held", "held", "lock"
    if any(int(each["returned"]) for each in sums):
        return "Returned", "done", "back"
    if any(int(each["frozen"]) for each in sums):
        return "Released", "", "back"
    if any(int(each["found"]) for each in sums):
        return "Found, not frozen", "waiting", "warn"
    code = answer.get("code") or ""
    if code in _GONE:
        return SAID[code], "danger", "move"
    return SAID.get(code, "Nothing there"), "", "none"


def _address(id_: str) -> str:
    """Return the address of an account node: CAIP-10 without its chain, with its tag."""
    head, _, tag = id_.partition("?tag=")
    address = head.split(":", 2)[-1]
    return f"{address} tag {tag}" if tag else address


def _short(text: str) -> str:
    """Return a long word with its middle left out: ten characters and eight."""
    return text if len(text) <= _SHORT else f"{text[:10]}\N{HORIZONTAL ELLIPSIS}{text[-8:]}"
