"""The feed: the same events as by webhook, in the same order, for whoever polls."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field
from sqlalchemy import Connection

from coordinator.api.auth import standing
from coordinator.api.caller import reader_token
from coordinator.api.calls import NewsWanted, present_call
from coordinator.api.context import AppContext, current_context
from coordinator.api.paging import page_size
from coordinator.api.pipeline import Reader
from coordinator.api.query import Query, parse_query
from coordinator.api.reading_marks import mark_delivered
from coordinator.api.responses import json_response
from coordinator.api.view import custom_view
from coordinator.domain.actor import Actor, Viewer
from coordinator.domain.errors import InvalidInputError, ParameterFault
from coordinator.domain.permission import Permission, require
from coordinator.services.requests.read_log import Read
from coordinator.storage.requests.legs import unread_notices
from coordinator.storage.tail import events as store
from coordinator.storage.tail.events import FeedPage, StoredEvent
from holdfast.protocol import views
from holdfast.protocol.request_token import RequestToken
from holdfast.protocol.vocabulary import EVENT_FAMILIES, Arrival, EventType, is_chosen

MAX_WAIT_SECONDS = 20
_MOST_EVENTS = 500
#: Pages that one read passes over in search of the types wanted.
_MOST_SCANS = 20
_KNOWN = frozenset(event.value for event in EventType) | EVENT_FAMILIES.keys()


def _known_types(value: str | None) -> str | None:
    unknown = [] if value is None else sorted(set(value.split(",")) - _KNOWN)
    if unknown:
        word = unknown[0] if re.fullmatch(r"[a-z_.*]{1,40}", unknown[0]) else "one of them"
        raise ValueError(f"{word} is no event type")
    return value


#: Which types of events, as a query names them.
EventTypes = Annotated[
    str | None,
    Field(max_length=2000, description="Event types, comma-separated; freeze.* for all of freeze."),
    AfterValidator(_known_types),
]


def chosen(types: str | None) -> frozenset[str]:
    """Return the types that a query names; empty for all."""
    if types is None:
        return frozenset()
    choice = types.split(",")
    return frozenset(event.value for event in EventType if is_chosen(event, choice))


class FeedQuery(Query):
    """From where, which, and how long to wait for the next."""

    after: Annotated[
        int, Field(ge=0, le=2**53 - 1, description="`next_after` of the page before; 0 at first.")
    ] = 0
    types: EventTypes = None
    wait: Annotated[
        int,
        Field(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait where there is nothing yet."),
    ] = 0
    limit: Annotated[int | None, Field(ge=1)] = None

    @property
    def type_set(self) -> frozenset[str]:
        """The types wanted; empty for all."""
        return chosen(self.types)


@dataclass(frozen=True, slots=True)
class _Page:
    """What one look at the feed found.

    Attributes:
        actor: Who read it.
        next_after: As it is told.
        waits_above: What is news for this reader is numbered above it. A person is not told of it,
            for it counts what is hidden from them.
    """

    actor: Actor
    events: list[StoredEvent]
    next_after: int
    waits_above: int
    has_more: bool
    unread: list[str]


@custom_view(answer=views.EventPage, query=FeedQuery, needs=Permission.EVENT_READ)
def read_feed() -> Response:
    """Read the feed of events.

    The same events as by webhook, in the same order. With `wait`, an empty page comes only after so
    many seconds; where that cannot be had (too many wait already, or the coordinator runs under a
    server that has a thread for each) it comes at once, with `Retry-After`. Reading at or past a
    notice counts as its delivery; an `after` beyond the newest event is refused.
    """
    context = current_context()
    token = reader_token(context)
    with context.database.engine.connect() as connection:
        _reader(connection, token)
    query = parse_query(FeedQuery)
    size = min(page_size(context, query.limit), _MOST_EVENTS)
    call = present_call()
    # What was passed over by type in an earlier go is not read again.
    after = query.after if call is None else max(query.after, call.reached)
    found = _look(context, token, query, after, size)
    is_waiting = query.wait > 0 and not _is_news(found)
    if is_waiting and call is not None:
        wait = timedelta(seconds=query.wait)
        call.wait_for_news(NewsWanted(token.iss, found.waits_above, wait, query.type_set))
    mark_delivered(found.unread, Arrival.FEED)
    response = json_response(_render(found))
    for request_id in {event.request_id for event in found.events if event.body}:
        if request_id is not None:
            context.read_log.note(Read.of(found.actor, request_id, "events", "api"))
    if is_waiting and (call is None or call.is_turned_away):
        response.headers["Retry-After"] = "1"
    return response


def _is_news(found: _Page) -> bool:
    return bool(found.events) or found.has_more


def _look(
    context: AppContext, token: RequestToken, query: FeedQuery, after: int, size: int
) -> _Page:
    with context.database.engine.connect() as connection:
        # Asked again at every look: what was revoked while waiting reads nothing more.
        actor = _reader(connection, token)
        viewer, types = actor.viewer, query.type_set
        # Read before the look: what comes between the two is found by it, or waited for.
        head = 0 if viewer.person is None else store.newest(connection, viewer.partner)
        read_page = partial(store.page, connection, context.vault, viewer)
        events, reached, has_more = _scan(read_page, FeedPage(after, size, types))
        if events and not types and len(events) < size:
            has_more = False
        told = reached
        if reached == query.after:
            _require_reached(connection, viewer, reached)
        elif not events and viewer.person is not None:
            told = min(reached, max(query.after, store.newest_seen(connection, viewer)))
        notices = [e.id for e in events if e.type == EventType.REQUEST_RECEIVED]
        unread = unread_notices(connection, viewer, up_to=told, event_ids=notices)
    return _Page(actor, events, told, max(reached, head), has_more, unread)


def _reader(connection: Connection, token: RequestToken) -> Actor:
    actor = standing(connection, token.kid).actor
    require(Permission.EVENT_READ, actor)
    return actor


def newest_of_feed(reader: Reader) -> int:
    """Return the number of the newest event that a reader of the feed may see; 0 without one.

    Raises:
        PermissionDeniedError: If they may not read it.
    """
    require(Permission.EVENT_READ, reader.actor)
    return store.newest_seen(reader.connection, reader.actor.viewer)


def head_of_feed(reader: Reader) -> int:
    """Return above which number news is to be waited for; it is never told, for see `_Page`."""
    return store.newest(reader.connection, reader.actor.partner)


def _require_reached(connection: Connection, viewer: Viewer, after: int) -> None:
    """Refuse a number that no page of this viewer's feed has led to yet.

    Whoever starts there would count as having read notices that are still to come, and would pass
    over whatever happens until the feed gets there.
    """
    if after > store.newest_seen(connection, viewer):
        detail = "lies beyond the newest event; take `next_after` of the page before, or 0"
        raise InvalidInputError(
            f"after {detail}", parameters=[ParameterFault("after", detail, "beyond_head")]
        )


def _scan(
    read_page: Callable[[FeedPage], tuple[list[StoredEvent], int]], wanted: FeedPage
) -> tuple[list[StoredEvent], int, bool]:
    """Return the next events wanted, how far was read, and whether the feed goes on from there."""
    reached = wanted.after
    for _ in range(_MOST_SCANS):
        events, last = read_page(replace(wanted, after=reached))
        if last == reached:
            return [], reached, False
        reached = last
        if events:
            return events, reached, True
    return [], reached, True


def _render(found: _Page) -> bytes:
    # The stored bytes are spliced, not parsed: the feed shows what the webhooks carried.
    shown = [
        b'{"id":"%s","seq":%d,%s' % (event.id.encode(), event.seq, event.body[1:])
        for event in found.events
        if event.body
    ]
    more = b"true" if found.has_more else b"false"
    return b'{"events":[%s],"has_more":%s,"next_after":%d}' % (
        b",".join(shown),
        more,
        found.next_after,
    )
