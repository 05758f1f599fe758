"""Reading what happened on one request, and how much it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from coordinator.api.events import EventTypes, chosen
from coordinator.api.paging import PageQuery, after_number, page_size, read_page
from coordinator.api.pipeline import Reader
from coordinator.api.scope import readable
from coordinator.api.view import logged_as, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests.request_events import request_events
from coordinator.storage.requests import request_events as store
from coordinator.storage.requests.asked_sums import asked_sums, stated_worths
from holdfast.protocol import life_cycle_views, views


class EventsQuery(PageQuery):
    """From which end."""

    order: Annotated[
        Literal["oldest", "newest"], Field(description="Which comes first; a cursor keeps to it.")
    ] = "oldest"
    types: EventTypes = None


@logged_as("events")
@query_view(
    query=EventsQuery,
    answer=views.Page[life_cycle_views.RequestEventView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_events(reader: Reader, query: EventsQuery, request_id: str) -> dict[str, Any]:
    """List the events of a request that you were told, with what proves each.

    The same bodies as by webhook and in the feed. Where an event tells of an act, `evidence` says
    how that was proven, and `…/evidence` has the proof.
    """
    readable(reader, request_id)
    past = None if query.cursor is None else after_number(query)
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.events(
            reader.connection,
            request_id,
            reader.actor.partner,
            store.WantedEvents(
                past=past,
                limit=limit,
                is_newest_first=query.order == "newest",
                types=chosen(query.types),
            ),
        ),
        lambda rows: request_events(reader.read_context, rows),
        key=lambda row: row.seq,
    )


@query_view(
    answer=life_cycle_views.AskedView, needs=Permission.FREEZE_REQUEST_READ, while_suspended=True
)
def read_asked(reader: Reader, request_id: str) -> dict[str, Any]:
    """Read how much a request asks for, by asset.

    As its flagged addresses state; those that were left out or withdrawn count no more.
    """
    readable(reader, request_id)
    found = asked_sums(reader.connection, [request_id])
    return {
        "asked": {each.asset: str(each.amount) for each in found},
        "stated": sum(each.stated for each in found),
    }


@dataclass(slots=True)
class Stated:
    """What a request asks for as its author stated it.

    Attributes:
        asked: Base units by asset; empty where no address states an amount.
        amounts: How many addresses state one.
        usd_cents: What those addresses are worth that say so.
        valued: How many say so.
    """

    asked: dict[str, int] = field(default_factory=dict)
    amounts: int = 0
    usd_cents: int = 0
    valued: int = 0


def stated_of(reader: Reader, request_ids: Sequence[str]) -> Mapping[str, Stated]:
    """Return what requests of a list ask for, each of which its reader may read."""
    found = {request_id: Stated() for request_id in request_ids}
    if found:
        for asked in asked_sums(reader.connection, request_ids):
            one = found[asked.request_id]
            one.asked[asked.asset] = asked.amount
            one.amounts += asked.stated
        for worth in stated_worths(reader.connection, request_ids):
            one = found[worth.request_id]
            one.usd_cents, one.valued = worth.usd_cents, worth.valued
    return found


def newest_number(reader: Reader, request_id: str) -> int:
    """Return the number of the newest event of a request that the reader was told; 0 without one.

    Raises:
        NotFoundError: If the reader is neither the requester nor asked.
    """
    readable(reader, request_id)
    return store.newest(reader.connection, request_id, reader.actor.partner)


def event_count(reader: Reader, request_id: str) -> int:
    """Count the events of a request that its reader, who may read it, was told."""
    return store.count(reader.connection, request_id, reader.actor.partner)
