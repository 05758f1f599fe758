"""What of a request its reader may see: the requester every leg, a partner asked its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader
from coordinator.services.core.access import readable_request
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow

R = TypeVar("R")
Find = Callable[..., Sequence[R]]
Show = Callable[[Connection, Vault, Sequence[R]], Sequence[Mapping[str, object]]]


def readable(reader: Reader, request_id: str) -> tuple[FreezeRequestRow, LegRow | None]:
    """Return (request, own leg or None) as `readable_request` does, read once for a reader.

    A page of the console reads a dozen lists of one request.
    """
    if request_id not in reader.readable:
        found = readable_request(reader.connection, reader.actor.viewer, request_id)
        reader.readable[request_id] = found
    return reader.readable[request_id]


def leg_scope(reader: Reader, request_id: str) -> str | None:
    """Return the one leg that the reader may see, None where it may see all.

    Raises:
        NotFoundError: If the reader is neither the requester nor asked.
    """
    row, leg = readable(reader, request_id)
    if row.requester == reader.actor.partner or leg is None:
        return None
    return str(leg.id)


def scoped_page(
    reader: Reader, query: PageQuery, request_id: str, find: Find[R], show: Show[R]
) -> dict[str, Any]:
    """Return one page of what belongs to legs of a request, by id."""
    size, after = page_size(reader.context, query.limit), after_id(query) or ""
    leg_id = leg_scope(reader, request_id)
    return read_page(
        size,
        lambda limit: find(reader.connection, request_id, leg_id=leg_id, after=after, limit=limit),
        lambda rows: show(reader.connection, reader.vault, rows),
    )
