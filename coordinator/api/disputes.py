"""Disputes: contest for a customer, and answer it."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.api.routing import signed_get, signed_post
from coordinator.api.scope import scoped_page
from coordinator.domain.permission import Permission
from coordinator.services.disputes import RaiseDispute, ResolveDispute, dispute_views
from coordinator.storage import disputes as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views

_PATH = "/v1/freeze-requests/{request_id}/disputes"


@signed_post(
    _PATH,
    tag="disputes",
    answer=life_cycle_views.DisputeView,
    command=RaiseDispute,
    body=payloads.Dispute,
)
def raise_dispute(call: SignedCall, body: payloads.Dispute, request_id: str) -> Prepared:
    """Contest a hold, or your whole leg, for a customer whom nobody learns of.

    The requester must answer in time, or a release is recommended.
    """
    return Prepared(RaiseDispute(request_id=request_id, body=body, policies=call.context.policies))


@signed_post(
    f"{_PATH}/{{dispute_id}}/resolution",
    tag="disputes",
    answer=life_cycle_views.DisputeView,
    command=ResolveDispute,
    body=payloads.DisputeResolution,
)
def resolve(
    call: SignedCall, body: payloads.DisputeResolution, request_id: str, dispute_id: str
) -> Prepared:
    """Answer a dispute about your request; the partner decides what becomes of the hold."""
    del call
    return Prepared(ResolveDispute(request_id=request_id, dispute_id=dispute_id, body=body))


@signed_get(
    _PATH,
    tag="disputes",
    answer=views.Page[life_cycle_views.DisputeView],
    needs=Permission.FREEZE_REQUEST_READ,
    query=PageQuery,
)
def list_disputes(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List disputes: every partner's for the requester, else your own."""
    return scoped_page(reader, query, request_id, store.page, dispute_views)
