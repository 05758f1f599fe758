"""Restitutions: giving back what was recovered of an incident."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.restoring.restitutions import (
    AddPoolLines,
    CloseRestitution,
    OpenRestitution,
    pool_line_views,
    restitution_views,
    visible_restitution,
)
from coordinator.storage.restoring import restitutions as store
from holdfast.protocol import restitution_payloads as payloads
from holdfast.protocol import restitution_views as shown
from holdfast.protocol import views

_READ = Permission.FREEZE_REQUEST_READ


@command_view(OpenRestitution, body=payloads.NewRestitution, answer=shown.RestitutionView)
def open_restitution(call: SignedCall[payloads.NewRestitution]) -> OpenRestitution:
    """Begin to give back what was recovered of an incident that you opened.

    The document sets the terms once and for all; every act names its hash. Claims of several assets
    are weighed by the prices of `valuation`, exactly. A drill has nothing to give back.
    """
    return OpenRestitution(body=call.body)


@query_view(query=PageQuery, answer=views.Page[shown.RestitutionView], needs=_READ)
def list_restitutions(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List the restitutions that your organisation opened, newest first."""
    before = after_id(query)
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(
            reader.connection, reader.actor.partner, before=before, limit=limit
        ),
        lambda rows: restitution_views(reader.connection, reader.vault, rows),
    )


@query_view(answer=shown.RestitutionView, needs=_READ)
def read_restitution(reader: Reader, restitution_id: str) -> dict[str, Any]:
    """Read a restitution: its terms, the sums of its pool, and how many claims stand where.

    Its opener reads it, and whoever sees a request of its incident: they may file claims.
    """
    row = visible_restitution(reader.connection, reader.actor.viewer, restitution_id)
    [view] = restitution_views(reader.connection, reader.vault, [row])
    return {**view}


@command_view(AddPoolLines, body=payloads.PoolLines, answer=shown.PoolLinesView)
def add_pool_lines(call: SignedCall[payloads.PoolLines], restitution_id: str) -> AddPoolLines:
    """Book lines into the pool: what came back, was converted, was spent, is reserved.

    `returned` names a line of the freeze ledger, once in any pool, or the transaction of what came
    back beside it. All lines are taken, or none; no sum ever falls below nothing.
    """
    return AddPoolLines(restitution_id=restitution_id, body=call.body)


@query_view(query=PageQuery, answer=views.Page[shown.PoolLineView], needs=_READ)
def list_pool_lines(reader: Reader, query: PageQuery, restitution_id: str) -> dict[str, Any]:
    """List the lines of a pool, oldest first, each with the act that signed it."""
    visible_restitution(reader.connection, reader.actor.viewer, restitution_id)
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page_of_lines(
            reader.connection, restitution_id, after=after, limit=limit
        ),
        lambda rows: pool_line_views(reader.read_context, rows),
    )


@command_view(CloseRestitution, body=payloads.RestitutionClosure, answer=shown.RestitutionView)
def close_restitution(
    call: SignedCall[payloads.RestitutionClosure], restitution_id: str
) -> CloseRestitution:
    """Close a restitution once nothing waits and objections are over.

    What is left in the pool goes where the document says (`unclaimed_to`).
    """
    return CloseRestitution(restitution_id=restitution_id, body=call.body)
