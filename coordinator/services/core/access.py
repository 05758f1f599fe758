"""Who may see what, and act on it.

To a stranger a request does not exist. Every act names the document that it was signed over.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import NotFoundError, StaleDocumentError
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.requests import freeze_requests as requests_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow

_NO_SUCH = "there is no such freeze request, or none that you may see"


def sent_request(
    uow: UnitOfWork,
    actor: Actor,
    request_id: str,
    content_sha256: str,
    *,
    and_sharing: bool = False,
) -> RequestContext:
    """Lock a request that the actor's partner sent, and return the context of an act on it.

    An act that may withdraw it (`and_sharing`) also locks the requests that share a hold with it.

    Raises:
        NotFoundError: If it is somebody else's.
        StaleDocumentError: If the act names another document.
    """
    if and_sharing:
        requests_store.lock_sharing(uow.connection, request_id)
    row = requests_store.get(uow.connection, request_id, lock=True)
    if row is None or row.requester != actor.partner:
        raise NotFoundError(_NO_SUCH)
    require_same_document(row, content_sha256)
    return RequestContext(uow, actor, row)


def asked_leg(
    uow: UnitOfWork,
    actor: Actor,
    request_id: str,
    content_sha256: str,
    *,
    holds: Sequence[str] = (),
) -> LegContext:
    """Lock a request, and return the context of an act on the actor's leg of it.

    The requests that share a hold with it are locked, too, and those that share one of `holds`.

    Raises:
        NotFoundError: If the partner has no leg of it (yet).
        StaleDocumentError: If the act names another document.
    """
    requests_store.lock_sharing(uow.connection, request_id, holds=holds, partner=actor.partner)
    row = requests_store.get(uow.connection, request_id, lock=True)
    leg = None if row is None else leg_store.of_partner(uow.connection, request_id, actor.partner)
    if row is None or leg is None:
        raise NotFoundError(_NO_SUCH)
    require_same_document(row, content_sha256)
    return LegContext(uow, actor, row, leg)


def locked_leg(uow: UnitOfWork, actor: Actor, leg_id: str) -> LegContext | None:
    """Lock a leg's request, then read the leg; return the context of what happens to it."""
    found = leg_store.get(uow.connection, leg_id)
    if found is None:
        return None
    request = requests_store.get(uow.connection, found.request_id, lock=True)
    leg = leg_store.get(uow.connection, leg_id)
    if request is None or leg is None:
        return None
    return LegContext(uow, actor, request, leg)


def readable_request(
    connection: Connection, partner: str, request_id: str
) -> tuple[FreezeRequestRow, LegRow | None]:
    """Return (request, own leg or None) as far as `partner` may read it.

    Raises:
        NotFoundError: If it is neither the requester nor asked.
    """
    row = requests_store.get(connection, request_id)
    if row is None:
        raise NotFoundError(_NO_SUCH)
    leg = leg_store.of_partner(connection, request_id, partner)
    if row.requester != partner and leg is None:
        raise NotFoundError(_NO_SUCH)
    return row, leg


def require_same_document(row: FreezeRequestRow, content_sha256: str) -> None:
    """Refuse an act that was signed over another document than this request's."""
    if row.content_sha256 != content_sha256:
        raise StaleDocumentError(
            "content_sha256 names another document than this request's; read the request, "
            "check it, and sign again",
            current_status=row.status,
        )
