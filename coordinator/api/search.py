"""Searching among all that one may read."""

from typing import Annotated, Any

from pydantic import Field

from coordinator.api.pipeline import Reader
from coordinator.api.query import Query
from coordinator.api.view import query_view
from coordinator.domain.permission import Permission
from coordinator.services.reading.search import search
from holdfast.protocol import life_cycle_views


class SearchQuery(Query):
    """What is looked for."""

    q: Annotated[
        str, Field(max_length=300, description="What is looked for; nothing finds nothing.")
    ] = ""


@query_view(
    query=SearchQuery,
    answer=life_cycle_views.SearchView,
    needs=Permission.FREEZE_REQUEST_READ,
)
def find(reader: Reader, query: SearchQuery) -> dict[str, Any]:
    """Search ids, addresses, partners and the words of incidents.

    An id leads to its request, exactly. An address is found in any of its spellings, whole, in your
    requests and in those that you were asked in, ended ones too. Words are looked for in the titles
    and references of your newest incidents; `is_cut` says that there was more than was looked
    through.
    """
    return {**search(reader.read_context, query.q)}
