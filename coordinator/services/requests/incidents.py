"""An incident's timeline and trace, over what the reader may see.

The trace is a graph of accounts, transactions, services and requests. A node has the same id on
every page, so readers join pages by id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NotRequired, TypedDict

from coordinator.services.core.read_context import ReadContext
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.requests.left_out import REMAINDER, is_hidden_from
from coordinator.services.requests.moved_on import Onward, onward
from coordinator.storage.engine.documents import load_one
from coordinator.storage.requests import incidents as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.incidents import TimelineEvent
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol import strict_json
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.chains.transaction import fits, fold_transaction, parse_transaction
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import AddressRole, RequestStatus

_SHOWN: tuple[Literal["role", "asset", "amount", "block"], ...] = (
    "role",
    "asset",
    "amount",
    "block",
)
NodeKind = Literal["account", "transaction", "service", "request"]


class TimelineEntry(TypedDict):
    """Something that happened in an incident (`life_cycle_views.TimelineEntry`)."""

    seq: int
    id: str
    type: str
    at: str
    request_id: str
    leg_id: str | None
    partner: str | None


class FlaggedPlace(TypedDict):
    """Where a request flags an account (`life_cycle_views.FlaggedPlace`)."""

    request_id: str
    address_no: int
    role: NotRequired[str]
    asset: NotRequired[str]
    amount: NotRequired[str]
    block: NotRequired[int]
    withdrawn: NotRequired[bool]


class TraceNode(TypedDict):
    """A node of a trace (`life_cycle_views.TraceNode`)."""

    id: str
    kind: NodeKind
    chain: str | None
    service: NotRequired[str]
    flagged: NotRequired[list[FlaggedPlace]]


class TraceEdge(TypedDict):
    """An edge of a trace (`life_cycle_views.TraceEdge`)."""

    source: str
    target: str
    kind: Literal["follows", "tx", "moved_on"]
    request_id: str
    address_no: NotRequired[int]
    partner: NotRequired[str]
    tx: NotRequired[str]


class TracePage(TypedDict):
    """Nodes and edges of one page of a trace (`life_cycle_views.TracePage`)."""

    nodes: list[TraceNode]
    edges: list[TraceEdge]


@dataclass(frozen=True, slots=True)
class Place:
    """A flagged address after which a page goes on."""

    request_id: str
    address_no: int


@dataclass(frozen=True, slots=True)
class _Slice:
    """The addresses of one request that a page shows."""

    request: FreezeRequestRow
    first: int
    last: int


def timeline_entries(rows: Sequence[TimelineEvent]) -> list[TimelineEntry]:
    """Return events as a timeline tells them."""
    return [
        {
            "seq": row.seq,
            "id": row.id,
            "type": row.type,
            "at": format_time(row.occurred_at),
            "request_id": row.request_id,
            "leg_id": row.leg_id,
            "partner": row.partner,
        }
        for row in rows
    ]


def trace(
    read: ReadContext, incident_id: str, *, after: Place | None, limit: int
) -> tuple[TracePage, Place | None]:
    """Return nodes and edges of up to `limit` flagged addresses, and where to go on."""
    connection, viewer = read.connection, read.actor.viewer
    start = "" if after is None else after.request_id
    requests = store.visible_requests(connection, incident_id, viewer, start=start, limit=limit + 2)
    slices, following = _cut(requests, after, limit)
    graph = _Graph(read.chains)
    documents = _documents(read, [s.request for s in slices])
    withdrawn = store.withdrawn_places(
        connection,
        [(s.request.id, s.first, s.last) for s in slices if s.request.withdrawn_count],
    )
    for part in slices:
        document = documents.get(part.request.id, {})
        graph.add_request(part.request, is_start=part.first == 0)
        flagged = document.get("addresses", [])[part.first : part.last + 1]
        is_whole = part.request.status == RequestStatus.WITHDRAWN
        for number, address in enumerate(flagged, part.first):
            if address is None:
                continue
            is_withdrawn = is_whole or (part.request.id, number) in withdrawn
            graph.add_flagged(part.request.id, number, address, is_withdrawn=is_withdrawn)
    _add_onward(read, slices, documents, graph)
    return graph.page(), following


def _documents(read: ReadContext, requests: Sequence[FreezeRequestRow]) -> dict[str, JsonObject]:
    """Return the documents of requests; null stands for addresses that their approval left out.

    Partners that were asked before it see these as withdrawn, and so does the requester then.
    """
    connection, vault, partner = read.connection, read.vault, read.actor.partner
    documents: dict[str, JsonObject] = {}
    for request in requests:
        if request.left_out_count:
            leg = leg_store.of_partner(connection, request.id, partner)
            sealed = (
                load_one(connection, vault, request.id, REMAINDER)
                if is_hidden_from(request, leg) or request.ratify_by is None
                else None
            )
            if sealed is not None:
                documents[request.id] = strict_json.loads(sealed)
    whole = [request.id for request in requests if request.id not in documents]
    acts = store.submit_acts(connection, whole)
    bodies = evidence_bodies(connection, vault, list(acts.values()))
    return documents | {request_id: bodies.get(act_id, {}) for request_id, act_id in acts.items()}


def _cut(
    requests: Sequence[FreezeRequestRow], after: Place | None, limit: int
) -> tuple[list[_Slice], Place | None]:
    """Return which addresses make up a page, and its last place if more follow."""
    slices: list[_Slice] = []
    left = limit
    for request in requests:
        is_begun = after is not None and request.id == after.request_id
        first = after.address_no + 1 if after is not None and is_begun else 0
        if first >= request.address_count:
            continue
        if left == 0:
            return slices, Place(slices[-1].request.id, slices[-1].last)
        last = min(first + left, request.address_count) - 1
        left -= last - first + 1
        slices.append(_Slice(request, first, last))
        if last + 1 < request.address_count:
            return slices, Place(request.id, last)
    return slices, None


def _add_onward(
    read: ReadContext,
    slices: Sequence[_Slice],
    documents: Mapping[str, JsonObject],
    graph: "_Graph",
) -> None:
    connection, vault = read.connection, read.vault
    legs = store.legs_visible(connection, [s.request.id for s in slices], read.actor.partner)
    by_request: dict[str, list[LegRow]] = {}
    for leg in legs:
        by_request.setdefault(leg.request_id, []).append(leg)
    whole = [s for s in slices if s.first == 0 and s.last + 1 == s.request.address_count]
    cut = [s for s in slices if s not in whole]
    # Whole requests are asked about together: a page of many small requests is a few queries.
    together = [leg for s in whole for leg in by_request.get(s.request.id, ())]
    found = onward(connection, vault, together)
    for part in cut:
        own = by_request.get(part.request.id, [])
        found += onward(connection, vault, own, first=part.first, last=part.last)
    for word in found:
        addresses = documents.get(word.request_id, {}).get("addresses", [])
        graph.add_onward(word, addresses)


@dataclass(slots=True)
class _Graph:
    """Nodes by id, and edges, of one page."""

    chains: Chains
    nodes: dict[str, TraceNode] = field(default_factory=dict)
    edges: list[TraceEdge] = field(default_factory=list)

    def page(self) -> TracePage:
        return {"nodes": list(self.nodes.values()), "edges": self.edges}

    def _node(self, id_: str, kind: NodeKind, chain: str | None = None) -> TraceNode:
        return self.nodes.setdefault(id_, {"id": id_, "kind": kind, "chain": chain})

    def _account(self, text: str, tag: str | None) -> str:
        """Add an account and return its id: CAIP-10 as shown, and the tag where there is one."""
        try:
            account = parse_account(self.chains, text, tag)
        except AccountError:
            # A partner's word on where funds went is not checked; it is shown as it was given.
            self._node(text, "account")
            return text
        suffix = "" if account.tag is None else f"?tag={account.tag}"
        id_ = account.display + suffix
        self._node(id_, "account", account.chain.caip2)
        return id_

    def _transaction(self, chain: str | None, tx: str) -> str:
        """Add a transaction, once whatever its spelling, and return its id."""
        known = self.chains.get(chain or "")
        if known is not None and known.transactions and not fits(known, tx):
            # Funds leave on another chain than they came by, and which is not stated.
            known, chain = None, None
        spelt = parse_transaction(known, tx) if known else fold_transaction(tx)
        id_ = f"{chain or 'unknown'}:tx:{spelt}"
        self._node(id_, "transaction", chain)
        return id_

    def add_request(self, request: FreezeRequestRow, *, is_start: bool) -> None:
        """Add a request, and on its first page what it follows."""
        self._node(request.id, "request")
        if is_start and request.follows is not None:
            self._node(request.follows, "request")
            self.edges.append(
                {
                    "source": request.follows,
                    "target": request.id,
                    "kind": "follows",
                    "request_id": request.id,
                }
            )

    def add_flagged(
        self, request_id: str, number: int, address: JsonObject, *, is_withdrawn: bool
    ) -> None:
        """Add a flagged address and the transaction that touched it."""
        id_ = self._account(address["account"], address.get("tag"))
        place: FlaggedPlace = {"request_id": request_id, "address_no": number}
        if is_withdrawn:
            place["withdrawn"] = True
        for name in _SHOWN:
            if address.get(name) is not None:
                place[name] = address[name]
        self.nodes[id_].setdefault("flagged", []).append(place)
        tx = address.get("tx")
        if tx is not None:
            through = self._transaction(self.nodes[id_]["chain"], tx)
            is_sender = address.get("role") == AddressRole.SENDER
            source, target = (id_, through) if is_sender else (through, id_)
            self.edges.append(
                {
                    "source": source,
                    "target": target,
                    "kind": "tx",
                    "request_id": request_id,
                    "address_no": number,
                }
            )

    def add_onward(self, word: Onward, addresses: Sequence[JsonObject]) -> None:
        """Add where funds went on to: from the flagged address, or from the whole request."""
        source, chain = word.request_id, None
        if word.address_no is not None and word.address_no < len(addresses):
            address = addresses[word.address_no]
            source = self._account(address["account"], address.get("tag"))
            chain = self.nodes[source]["chain"]
        following = word.following
        if "account" in following:
            target = self._account(following["account"], None)
            if "service" in following:
                self.nodes[target]["service"] = following["service"]
        elif "service" in following:
            target = f"service:{following['service']}"
            self._node(target, "service")
        else:
            target = self._transaction(chain, following["tx"])
        edge: TraceEdge = {
            "source": source,
            "target": target,
            "kind": "moved_on",
            "request_id": word.request_id,
            "partner": word.partner,
        }
        if word.address_no is not None:
            edge["address_no"] = word.address_no
        if "tx" in following:
            arriving = self.chains.get(self.nodes[target]["chain"] or "")
            is_its = arriving is not None and fits(arriving, following["tx"])
            tx = following["tx"]
            edge["tx"] = parse_transaction(arriving, tx) if arriving and is_its else tx
        self.edges.append(edge)
