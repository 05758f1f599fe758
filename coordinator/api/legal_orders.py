"""Legal orders on a request."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, or_known, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ending.legal_orders import (
    AttachLegalOrder,
    CallBack,
    legal_order_views,
)
from coordinator.services.restoring.liftings import LiftLegalOrder, ReviewLegalOrder
from coordinator.storage.ending import legal_orders as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@or_known("You attached this very order before: that entry.")
@command_view(AttachLegalOrder, body=payloads.LegalOrder, answer=life_cycle_views.LegalOrderView)
def attach(call: SignedCall[payloads.LegalOrder], request_id: str) -> AttachLegalOrder:
    """Attach an authority's order: agency, reference, and the hash of the document.

    It changes no hold by itself; the partner that holds extends it with basis `legal_order`. The
    same order again is the same entry, and nobody is told of it twice.
    """
    return AttachLegalOrder(request_id=request_id, body=call.body)


@command_view(CallBack, body=payloads.OrderCallBack, answer=life_cycle_views.LegalOrderView)
def call_back(
    call: SignedCall[payloads.OrderCallBack], request_id: str, legal_order_id: str
) -> CallBack:
    """Say that you called the authority back about its order yourself, and what you heard."""
    return CallBack(request_id=request_id, legal_order_id=legal_order_id, body=call.body)


@command_view(
    ReviewLegalOrder, body=payloads.EncumbranceReview, answer=life_cycle_views.LegalOrderView
)
def review(
    call: SignedCall[payloads.EncumbranceReview], request_id: str, legal_order_id: str
) -> ReviewLegalOrder:
    """Say that your order stands, and when its freeze period ends now."""
    return ReviewLegalOrder(request_id=request_id, restraint_id=legal_order_id, body=call.body)


@command_view(LiftLegalOrder, body=payloads.Lifting, answer=life_cycle_views.LegalOrderView)
def lift(
    call: SignedCall[payloads.Lifting], request_id: str, legal_order_id: str
) -> LiftLegalOrder:
    """Lift your order by a document, as another person than the one who attached it."""
    return LiftLegalOrder(request_id=request_id, restraint_id=legal_order_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.LegalOrderView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_orders(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List orders: all for the requester, else those that concern your leg."""
    return scoped_page(reader, query, request_id, store.page, legal_order_views)
