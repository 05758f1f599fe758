"""Evidence that named partners open, and the coordinator cannot."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import readable
from coordinator.api.view import command_view, logged_as, or_known, query_view
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.requests.sealed_evidence import (
    SealedEvidenceView,
    SealedPartView,
    SealEvidence,
    SendSealedPart,
    ShareEvidence,
    find_evidence,
    sealed_evidence_views,
    sealed_part_view,
)
from coordinator.storage.requests import sealed_evidence as store
from holdfast.protocol import base64url, sealed_payloads, views
from holdfast.protocol.errors import Base64UrlError
from holdfast.protocol.sealed_payloads import MAX_PARTS

_READ = Permission.FREEZE_REQUEST_READ
#: Each comes with its acts, which name every part and recipient.
_MOST_LISTED = 20


@or_known("You sent this very part before; it is kept once.")
@command_view(SendSealedPart, body=sealed_payloads.SealedPart, answer=views.SealedPartView)
def send_part(call: SignedCall[sealed_payloads.SealedPart], request_id: str) -> SendSealedPart:
    """Send one part of a ciphertext, before the act that names it.

    Nobody is told of it. What no act names within 24 hours is thrown away.
    """
    try:
        data = base64url.decode(call.body.data)
    except Base64UrlError as error:
        fault = FieldFault("/data", str(error), "base64url")
        raise InvalidInputError(f"data {error}", errors=[fault]) from None
    return SendSealedPart(
        request_id=request_id,
        content_sha256=call.body.content_sha256,
        data=data,
        limits=call.context.seal_limits,
    )


@command_view(SealEvidence, body=sealed_payloads.SealedEvidence, answer=views.SealedEvidenceView)
def seal(call: SignedCall[sealed_payloads.SealedEvidence], request_id: str) -> SealEvidence:
    """Seal a file to partners that have to do with the request; its parts were sent before.

    They and you hear of it, and nobody else. A mark below the request's TLP is the requester's
    alone to give.
    """
    return SealEvidence(request_id=request_id, body=call.body, limits=call.context.seal_limits)


@command_view(
    ShareEvidence, body=sealed_payloads.SealedEvidenceShare, answer=views.SealedEvidenceView
)
def share(
    call: SignedCall[sealed_payloads.SealedEvidenceShare],
    request_id: str,
    sealed_evidence_id: str,
) -> ShareEvidence:
    """Seal a file that you can open for more partners; its author and its recipients hear of it.

    What is not marked TLP:GREEN or TLP:CLEAR its author alone passes on.
    """
    return ShareEvidence(
        request_id=request_id, sealed_evidence_id=sealed_evidence_id, body=call.body
    )


@logged_as("sealed_evidence")
@query_view(query=PageQuery, answer=views.Page[views.SealedEvidenceView], needs=_READ)
def list_evidence(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List what you sealed on a request and what was sealed to you, with the acts that did it."""
    partner = reader.actor.partner
    readable(reader, request_id)
    return read_page(
        min(page_size(reader.context, query.limit), _MOST_LISTED),
        lambda limit: store.page(
            reader.connection,
            request_id,
            reader=partner,
            after=after_id(query) or "",
            limit=limit,
        ),
        lambda rows: sealed_evidence_views(reader.read_context, rows),
    )


@logged_as("sealed_evidence")
@query_view(answer=views.SealedEvidenceView, needs=_READ)
def read_one(reader: Reader, request_id: str, sealed_evidence_id: str) -> SealedEvidenceView:
    """Read one sealed file's acts: who sealed it to whom, and the wrapped keys."""
    row = find_evidence(reader.connection, reader.actor.viewer, request_id, sealed_evidence_id)
    return sealed_evidence_views(reader.read_context, [row])[0]


@logged_as("sealed_evidence")
@query_view(answer=views.SealedPartView, needs=_READ, not_found="It has no part of that number.")
def read_part(
    reader: Reader, request_id: str, sealed_evidence_id: str, number: str
) -> SealedPartView:
    """Read one part of a sealed file's ciphertext, numbered from 0."""
    row = find_evidence(reader.connection, reader.actor.viewer, request_id, sealed_evidence_id)
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(MAX_PARTS))):
        raise NotFoundError(f"it has {row.part_count} parts, numbered from 0")
    return sealed_part_view(reader.connection, reader.vault, row, int(number))
