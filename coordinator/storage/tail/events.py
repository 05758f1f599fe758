"""Numbered events and who may see them: the feed's source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import (
    BindParameter,
    Connection,
    Integer,
    Select,
    String,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests.leg_limits import hidden_requests
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.partners import PartnerRow

_EVENT_COLUMNS = ("seq", "id", "type", "request_id", "leg_id", "occurred_at", "leaf_index")
_AUDIENCE_COLUMNS = ("partner", "seq")


def _hidden_events(
    partner: str | BindParameter[str], person: str | BindParameter[str]
) -> Select[int]:
    """Return the numbers of what happened on requests that are hidden from a person."""
    return select(EventRow.seq).where(EventRow.request_id.in_(hidden_requests(partner, person)))


def _page_of_numbers(*, of_person: bool) -> Select[int]:
    """Return the numbers of one page; two index ranges, each cut, instead of a sort over both."""
    limit = bindparam("limit", type_=Integer)
    own = bindparam("partner", type_=String)
    hidden = _hidden_events(own, bindparam("person", type_=String))
    is_seen = [EventAudienceRow.seq.not_in(hidden)] if of_person else []
    ranges = [
        select(EventAudienceRow.seq)
        .where(
            EventAudienceRow.partner == handle,
            EventAudienceRow.seq > bindparam("after"),
            *also,
        )
        .order_by(EventAudienceRow.seq)
        .limit(limit)
        .subquery()
        for handle, also in ((own, is_seen), (literal("*"), []))
    ]
    both = union_all(*(select(r.c.seq) for r in ranges)).subquery()
    return select(both.c.seq).order_by(both.c.seq).limit(limit)


def _newest_of_many() -> Select[str, int | None, int | None]:
    """Return (handle, newest number of its own, newest that goes to all) of `handles`."""
    newest_seq = select(func.max(EventAudienceRow.seq))
    own = newest_seq.where(EventAudienceRow.partner == PartnerRow.handle).scalar_subquery()
    to_all = newest_seq.where(EventAudienceRow.partner == "*").scalar_subquery()
    return select(PartnerRow.handle, own, to_all).where(
        PartnerRow.handle.in_(bindparam("handles", expanding=True))
    )


# Made once: a subquery is some hundred objects, in cycles that the collector must find.
_NUMBERS = {of_person: _page_of_numbers(of_person=of_person) for of_person in (False, True)}
_NEWEST_OF_MANY = _newest_of_many()


class NumberedEvent(Protocol):
    """What happened, with the numbers that it was given: as the unit of work records it."""

    seq: int
    id: str
    type: str
    at: datetime
    audience: tuple[str, ...]
    request_id: str | None
    leg_id: str | None
    leaf_index: int
    priority: int
    only_endpoint: str | None
    sample_of: str | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event with its body as delivered; an erased body is empty."""

    seq: int
    id: str
    type: str
    request_id: str | None
    body: bytes


class Heading(NamedTuple):
    """What an event is, without its body."""

    seq: int
    type: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class News:
    """What happened for partners since they last looked.

    Attributes:
        head: No event up to this number is missing from `events`.
        events: By handle, of those for whom there is any; None where there are too many to tell.
    """

    head: int
    events: Mapping[str, Sequence[Heading] | None]


@dataclass(frozen=True, slots=True)
class FeedPage:
    """What a reader asks the feed for.

    Attributes:
        after: Only events numbered above this.
        limit: As many at most.
        types: Only of these types; empty for all.
    """

    after: int
    limit: int
    types: frozenset[str] = frozenset()


def append(connection: Connection, events: Sequence[NumberedEvent]) -> None:
    """Append events with the numbers that they were given."""
    insert_rows(
        connection,
        EventRow,
        _EVENT_COLUMNS,
        [(e.seq, e.id, e.type, e.request_id, e.leg_id, e.at, e.leaf_index) for e in events],
    )
    insert_rows(
        connection,
        EventAudienceRow,
        _AUDIENCE_COLUMNS,
        [(partner, e.seq) for e in events if e.sample_of is None for partner in e.audience],
    )


def page(
    connection: Connection, vault: Vault, viewer: Viewer, wanted: FeedPage
) -> tuple[list[StoredEvent], int]:
    """Return the next events for a viewer, and how far was read.

    The second value is where to go on: it may lie above the last event returned, where others were
    passed over by type. What is hidden from a person is not counted either, nor passed over.
    """
    given = {"partner": viewer.partner, "after": wanted.after, "limit": wanted.limit}
    if viewer.person is not None:
        given["person"] = viewer.person
    numbers = _NUMBERS[viewer.person is not None]
    seqs = list(connection.execute(numbers, given).scalars())
    if not seqs:
        return [], wanted.after
    query = (
        select(EventRow.seq, EventRow.id, EventRow.type, EventRow.request_id)
        .where(EventRow.seq.in_(seqs))
        .order_by(EventRow.seq)
    )
    if wanted.types:
        query = query.where(EventRow.type.in_(wanted.types))
    found = connection.execute(query).all()
    bodies = load(connection, vault, [event_id for _, event_id, _, _ in found], "body")
    events = [
        StoredEvent(seq, event_id, event_type, request_id, bodies.get(event_id, b""))
        for seq, event_id, event_type, request_id in found
    ]
    return events, seqs[-1]


def newest_seen(connection: Connection, viewer: Viewer) -> int:
    """Return the number of the newest event that a viewer may see; 0 where there is none."""
    if viewer.person is None:
        return newest(connection, viewer.partner)
    hidden = _hidden_events(viewer.partner, viewer.person)
    ranges = [
        select(EventAudienceRow.seq)
        .where(EventAudienceRow.partner == handle, *also)
        .order_by(EventAudienceRow.seq.desc())
        .limit(1)
        .subquery()
        for handle, also in ((viewer.partner, [EventAudienceRow.seq.not_in(hidden)]), ("*", []))
    ]
    found = connection.execute(union_all(*(select(each.c.seq) for each in ranges))).scalars()
    return max(found, default=0)


def newest(connection: Connection, partner: str) -> int:
    """Return the number of the newest event of a partner, whoever sees it; 0 without one."""
    numbers = [
        select(func.max(EventAudienceRow.seq).label("seq")).where(
            EventAudienceRow.partner == handle
        )
        for handle in (partner, "*")
    ]
    found = connection.execute(union_all(*numbers)).scalars()
    return max((seq for seq in found if seq is not None), default=0)


def news_of(connection: Connection, after: Mapping[str, int], *, limit: int = 2_000) -> News:
    """Return what happened for each of these partners above the number given for it.

    Two queries, however many partners there are.

    Args:
        connection: For reading.
        after: By handle.
        limit: How many events are told one by one.
    """
    newest = {
        handle: max(mine or 0, common or 0)
        for handle, mine, common in connection.execute(_NEWEST_OF_MANY, {"handles": list(after)})
    }
    head = max(newest.values(), default=0)
    with_news = {handle for handle, seq in newest.items() if seq > after[handle]}
    if not with_news:
        return News(head, {})
    rows = connection.execute(
        select(EventAudienceRow.partner, EventAudienceRow.seq, EventRow.type, EventRow.request_id)
        .join(EventRow, EventRow.seq == EventAudienceRow.seq)
        .where(
            EventAudienceRow.partner.in_([*with_news, "*"]),
            EventAudienceRow.seq > min(after[handle] for handle in with_news),
            EventAudienceRow.seq <= head,
        )
        .limit(limit + 1)
    ).all()
    if len(rows) > limit:
        return News(head, dict.fromkeys(with_news))
    events: dict[str, list[Heading]] = {handle: [] for handle in with_news}
    for handle, seq, event_type, request_id in rows:
        for partner in with_news if handle == "*" else (handle,):
            if seq > after[partner]:
                events[partner].append(Heading(seq, event_type, request_id))
    return News(head, events)


def told(connection: Connection, leaves: Sequence[int], partner: str = "*") -> dict[int, str]:
    """Return the events that a partner was told, of those in these places of the log, by place.

    By default those that every member was told. What stands there for nobody, or for others alone,
    is left out.
    """
    found: dict[int, str] = {}
    for some in batches(leaves):
        query = (
            select(EventRow.leaf_index, EventRow.id)
            .join(EventAudienceRow, EventAudienceRow.seq == EventRow.seq)
            .where(EventRow.leaf_index.in_(some), EventAudienceRow.partner == partner)
        )
        found |= dict(connection.execute(query).all())
    return found
