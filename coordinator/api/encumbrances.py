"""Encumbrances: third parties' claims on what is held."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, or_known, query_view
from coordinator.domain.permission import Permission
from coordinator.services.restoring.encumbering import Encumber, encumbrance_views
from coordinator.services.restoring.liftings import LiftEncumbrance, ReviewEncumbrance
from coordinator.storage.restoring import encumbrances as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@or_known("You attached this very order to the hold before: that entry.")
@command_view(Encumber, body=payloads.Encumbrance, answer=life_cycle_views.EncumbranceView)
def attach(call: SignedCall[payloads.Encumbrance], request_id: str) -> Encumber:
    """Attach a court's or an authority's order to a hold that you hold, or that is of your case.

    While it stands, nothing is agreed to that would eat into what it claims; a line about what
    happened all the same is taken, and marked `encumbered`. It lies on the hold, whichever
    requests share it.
    """
    return Encumber(request_id=request_id, body=call.body)


@command_view(
    ReviewEncumbrance, body=payloads.EncumbranceReview, answer=life_cycle_views.EncumbranceView
)
def review(
    call: SignedCall[payloads.EncumbranceReview], request_id: str, encumbrance_id: str
) -> ReviewEncumbrance:
    """Say that your encumbrance stands, and when somebody looks again."""
    return ReviewEncumbrance(request_id=request_id, restraint_id=encumbrance_id, body=call.body)


@command_view(LiftEncumbrance, body=payloads.Lifting, answer=life_cycle_views.EncumbranceView)
def lift(
    call: SignedCall[payloads.Lifting], request_id: str, encumbrance_id: str
) -> LiftEncumbrance:
    """Lift your encumbrance by a document, as another person than the one who attached it."""
    return LiftEncumbrance(request_id=request_id, restraint_id=encumbrance_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.EncumbranceView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_encumbrances(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List encumbrances: all for the requester, else those on your own holds."""
    return scoped_page(reader, query, request_id, store.page, encumbrance_views)
