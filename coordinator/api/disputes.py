"""Disputes: contest for a customer, and answer it."""

from functools import partial
from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ending.disputes import RaiseDispute, ResolveDispute, dispute_views
from coordinator.storage.ending import disputes as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@command_view(RaiseDispute, body=payloads.Dispute, answer=life_cycle_views.DisputeView)
def raise_dispute(call: SignedCall[payloads.Dispute], request_id: str) -> RaiseDispute:
    """Contest a hold, or your whole leg, for a customer whom nobody learns of.

    The requester must answer in time, or a release is recommended.
    """
    return RaiseDispute(request_id=request_id, body=call.body)


@command_view(ResolveDispute, body=payloads.DisputeResolution, answer=life_cycle_views.DisputeView)
def resolve(
    call: SignedCall[payloads.DisputeResolution], request_id: str, dispute_id: str
) -> ResolveDispute:
    """Answer a dispute about your request; the partner decides what becomes of the hold."""
    return ResolveDispute(request_id=request_id, dispute_id=dispute_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.DisputeView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_disputes(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List disputes: every partner's for the requester, else your own."""
    show = partial(dispute_views, reader=reader.actor.partner)
    return scoped_page(reader, query, request_id, store.page, show)
