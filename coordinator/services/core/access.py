"""Who may see what, and act on it.

To a stranger a request does not exist. Every act names the document that it was signed over.
"""

from collections.abc import Sequence
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import COORDINATOR, Actor, Viewer
from coordinator.domain.errors import ErasedError, NotFoundError, StaleDocumentError
from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.requests import erasures
from coordinator.storage.requests import freeze_requests as requests_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.vocabulary import ErasureReason, RequestStatus


class ErasedView(TypedDict):
    """What is known of a request whose words are erased (`views.ErasedView`)."""

    id: str
    erasure: str
    erased_at: str
    by: str
    reason: ErasureReason
    leaf_index: int | None
    requester: str
    content_sha256: str
    status: RequestStatus
    submitted_at: str
    ended_at: str | None
    address_count: int
    partners_asked: int
    drill: bool


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
    require_readable_words(uow.connection, row)
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
    leg = None if row is None else leg_store.seen_by(uow.connection, request_id, actor.viewer)
    if row is None or leg is None:
        raise NotFoundError(_NO_SUCH)
    require_readable_words(uow.connection, row)
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
    connection: Connection, viewer: Viewer, request_id: str
) -> tuple[FreezeRequestRow, LegRow | None]:
    """Return (request, own leg or None) as far as a viewer may read it.

    Raises:
        NotFoundError: If their partner is neither the requester nor asked, or its leg is limited to
            others.
        ErasedError: If what it said is erased.
    """
    row = requests_store.get(connection, request_id)
    if row is None:
        raise NotFoundError(_NO_SUCH)
    leg = leg_store.seen_by(connection, request_id, viewer)
    if row.requester != viewer.partner and leg is None:
        raise NotFoundError(_NO_SUCH)
    require_readable_words(connection, row)
    return row, leg


def require_readable_words(connection: Connection, row: FreezeRequestRow) -> None:
    """Refuse to read or act on a request whose words are erased; say what is known of it.

    The caller has made sure that its reader may know of the request.

    Raises:
        ErasedError: With ids, numbers and states, and who erased it when.
    """
    if row.erased_at is None:
        return
    found = erasures.find(connection, row.id)
    if found is None:
        raise AssertionError(f"nobody erased {row.id}, and it is erased")
    erased: ErasedView = {
        "id": row.id,
        "erasure": found.id,
        "erased_at": format_time(row.erased_at),
        "by": found.erased_by or COORDINATOR.subject,
        "reason": ErasureReason(found.reason),
        "leaf_index": found.leaf_index,
        "requester": row.requester,
        "content_sha256": row.content_sha256,
        "status": RequestStatus(row.status),
        "submitted_at": format_time(row.submitted_at),
        "ended_at": optional_time(row.ended_at),
        "address_count": row.address_count,
        "partners_asked": row.partners_asked,
        "drill": row.drill,
    }
    raise ErasedError(
        f"what this request said was erased at {erased['erased_at']}; its entries stay in the log",
        erased={**erased},
    )


def require_same_document(row: FreezeRequestRow, content_sha256: str) -> None:
    """Refuse an act that was signed over another document than this request's."""
    if row.content_sha256 != content_sha256:
        raise StaleDocumentError(
            "content_sha256 names another document than this request's; read the request, "
            "check it, and sign again",
            current_status=row.status,
        )
