"""Legal orders on a request."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.api.routing import signed_get, signed_post
from coordinator.api.scope import scoped_page
from coordinator.domain.permission import Permission
from coordinator.services.legal_orders import AttachLegalOrder, legal_order_views
from coordinator.storage import legal_orders as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views

_PATH = "/v1/freeze-requests/{request_id}/legal-orders"


@signed_post(
    _PATH,
    tag="holds",
    answer=life_cycle_views.LegalOrderView,
    command=AttachLegalOrder,
    body=payloads.LegalOrder,
)
def attach(call: SignedCall, body: payloads.LegalOrder, request_id: str) -> Prepared:
    """Attach an authority's order: agency, reference, and the hash of the document.

    It changes no hold by itself; the partner that holds extends it with basis `legal_order`.
    """
    del call
    return Prepared(AttachLegalOrder(request_id=request_id, body=body))


@signed_get(
    _PATH,
    tag="holds",
    answer=views.Page[life_cycle_views.LegalOrderView],
    needs=Permission.FREEZE_REQUEST_READ,
    query=PageQuery,
)
def list_orders(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List orders: all for the requester, else those that concern your leg."""
    return scoped_page(reader, query, request_id, store.page, legal_order_views)
