"""Allocations of what was recovered, and their payouts."""

from typing import Annotated, Any

from pydantic import Field

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.restoring.allocations import (
    AllocationDocumentView,
    DecideAllocation,
    ProposeAllocation,
    allocation_view,
    read_allocation,
)
from coordinator.services.restoring.payouts import RecordPayouts, payout_views
from coordinator.storage.restoring import allocations as store
from coordinator.storage.restoring import restitutions as restitution_store
from holdfast.protocol import restitution_payloads as payloads
from holdfast.protocol import restitution_views as shown
from holdfast.protocol import views
from holdfast.protocol.vocabulary import PayoutStatus

_READ = Permission.FREEZE_REQUEST_READ


class PayoutsQuery(PageQuery):
    """Which payouts."""

    status: Annotated[PayoutStatus | None, Field(description="Only those that stand there.")] = None


@command_view(
    ProposeAllocation, body=payloads.NewAllocation, answer=shown.AllocationView, large=True
)
def propose(call: SignedCall[payloads.NewAllocation], restitution_id: str) -> ProposeAllocation:
    """Propose who gets how much now: method, inputs and result in one signed document.

    Every verified claim stands in it, with what it was given before; `pro_rata` is recomputed here
    to the unit (`holdfast.protocol.allocation`). Nothing is given until two others approve. Late
    claims and later pools are allocated again, from what is available.
    """
    return ProposeAllocation(restitution_id=restitution_id, body=call.body)


@query_view(query=PageQuery, answer=views.Page[shown.AllocationView], needs=_READ)
def list_allocations(reader: Reader, query: PageQuery, restitution_id: str) -> dict[str, Any]:
    """List the allocations of a restitution that your organisation opened, oldest first."""
    _require_own(reader, restitution_id)
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(reader.connection, restitution_id, after=after, limit=limit),
        lambda rows: [allocation_view(row) for row in rows],
    )


@query_view(answer=shown.AllocationDocumentView, needs=_READ)
def read_one(reader: Reader, restitution_id: str, allocation_id: str) -> AllocationDocumentView:
    """Read an allocation with its exact document: method, inputs, and what each claim gets."""
    _require_own(reader, restitution_id)
    return read_allocation(reader.read_context, restitution_id, allocation_id)


@command_view(DecideAllocation, body=payloads.AllocationDecision, answer=shown.AllocationView)
def decide(
    call: SignedCall[payloads.AllocationDecision], restitution_id: str, allocation_id: str
) -> DecideAllocation:
    """Approve an allocation by the hash of its document, or reject it.

    Two people approve, and whoever proposed it is neither. On the second approval it is computed
    once more, and each part becomes a payout that is due.
    """
    return DecideAllocation(
        restitution_id=restitution_id, allocation_id=allocation_id, body=call.body
    )


@command_view(RecordPayouts, body=payloads.PayoutLines, answer=shown.PayoutsView, large=True)
def record_payouts(call: SignedCall[payloads.PayoutLines], restitution_id: str) -> RecordPayouts:
    """Record payouts by their transactions, or that one did not arrive.

    All lines are stored or none. Nothing is paid twice; what failed may be paid anew.
    """
    return RecordPayouts(restitution_id=restitution_id, body=call.body)


@query_view(query=PayoutsQuery, answer=views.Page[shown.PayoutView], needs=_READ)
def list_payouts(reader: Reader, query: PayoutsQuery, restitution_id: str) -> dict[str, Any]:
    """List the payouts of a restitution that your organisation opened, with where each goes."""
    _require_own(reader, restitution_id)
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page_of_payouts(
            reader.connection, restitution_id, status=query.status, after=after, limit=limit
        ),
        lambda rows: payout_views(reader.read_context, rows),
    )


def _require_own(reader: Reader, restitution_id: str) -> None:
    row = restitution_store.get(reader.connection, restitution_id)
    if row is None or row.opener != reader.actor.partner:
        raise NotFoundError("there is no such restitution, or none that you opened")
