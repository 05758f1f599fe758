"""Who read a request, with which key, and when."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader
from coordinator.api.view import not_logged, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests.read_log import read_views, reads_of_request
from coordinator.storage.requests.read_log import ReadLine
from holdfast.protocol import read_log_views, views
from holdfast.protocol.payloads import Handle


class ReadsQuery(PageQuery):
    """Whose reads."""

    partner: Annotated[Handle | None, Field(description="Only those of this one's people.")] = None


@not_logged
@query_view(
    query=ReadsQuery,
    answer=views.Page[read_log_views.RequestReadView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_reads(reader: Reader, query: ReadsQuery, request_id: str) -> dict[str, Any]:
    """List who read a request, with which key, what of it and when, newest first.

    The requester reads of everybody, a partner asked of its own people and systems. Reads of one
    thing by one key within an hour by the clock are one line, with their count and the times of the
    first and the last. A read is listed about a second after it; one that was refused is not, nor
    is a look at this list. What is sent by webhook stands with its deliveries.
    """
    context, after = reader.read_context, after_id(query)

    def find(limit: int) -> Sequence[ReadLine]:
        return reads_of_request(context, request_id, query.partner, before=after, limit=limit)

    return read_page(page_size(reader.context, query.limit), find, read_views)
