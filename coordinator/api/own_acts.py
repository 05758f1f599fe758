"""What one's own organisation did here: for its auditors, leads and compliance."""

from typing import Annotated, Any, Literal

from pydantic import Field

from coordinator.api.paging import PageQuery, after_id, page_size, page_view, write_cursor
from coordinator.api.pipeline import Reader
from coordinator.api.view import query_view
from coordinator.domain.permission import Permission
from coordinator.services.reading.own_acts import own_acts
from coordinator.storage.reading.own_acts import Wanted
from holdfast.protocol import views


class OwnActsQuery(PageQuery):
    """By whom, and of what kind."""

    person: Annotated[
        str | None,
        Field(
            pattern=r"^(per|sys)_[0-9a-hjkmnp-tv-z]{26}$",
            description="One of your own people or systems; of a grant: who proposed or approved.",
        ),
    ] = None
    of: Annotated[
        Literal["act", "grant", "organisation", "session"] | None,
        Field(
            description="Acts on requests, grants, what it did about itself (revocations, changes"
            " of endpoints, encryption keys) and with sealed evidence, or sessions of the console."
        ),
    ] = None


@query_view(query=OwnActsQuery, answer=views.Page[views.OwnActView], needs=Permission.AUDIT_READ)
def list_own_acts(reader: Reader, query: OwnActsQuery) -> dict[str, Any]:
    """List what your own organisation did here, newest first.

    Acts on requests and grants stay for ever, with their place in the log; a session of the console
    is listed while it is kept, about a day. What proves an act is among its request's evidence,
    what proves a grant in the list of grants; what one did about oneself, or with sealed evidence,
    has token and body here, but for what a machine said of all flags, those of limited legs, too.
    """
    after = after_id(query)
    before = None if after is None else after.partition("_")[2]
    size = page_size(reader.context, query.limit)
    wanted = Wanted(query.of, query.person, before, size)
    items, more = own_acts(reader.connection, reader.vault, reader.actor, wanted)
    return page_view(items, None if more is None else write_cursor(more))
