"""Reading what a request asks from the very bytes that were signed."""

from collections.abc import Mapping
from typing import Any

from coordinator.api import ledger_reads
from coordinator.console.asked_documents import AskedDocument, read_document
from coordinator.console.context import console
from coordinator.console.visit import Visit
from coordinator.domain.errors import UnavailableError
from holdfast.protocol.request_token import body_sha256


def asked_document(visit: Visit, request: Mapping[str, Any]) -> AskedDocument:
    """Return what a request of the reader's own organisation asks.

    Args:
        visit: Whose organisation sent it: all of its people may read the whole document.
        request: As the API shows it to them.

    Raises:
        UnavailableError: If it was erased, or is not the one that the request names.
    """
    content_sha256, documents = request["content_sha256"], console().documents
    found = documents.get(content_sha256)
    if found is None:
        signed = signed_submission(visit, request)
        chains = visit.reader.context.rulebook.chains
        found = read_document(str(signed["kid"]), signed["body"], chains)
        documents.keep(content_sha256, found)
    return found


def signed_submission(visit: Visit, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the evidence of a request's submission: `kid`, `body` and so on, as the API shows it.

    Raises:
        UnavailableError: If it was erased, or is not the one that the request names.
    """
    first = first_act(visit, request["id"])
    body = first.get("body")
    if body is None or body_sha256(body.encode()) != request["content_sha256"]:
        raise UnavailableError("the document of this request was erased")
    return first


def first_act(visit: Visit, request_id: str) -> Mapping[str, Any]:
    """Return the submission's evidence as far as its reader may see it; `body` may be erased.

    A partner asked reads `remainder` in its place where the approval left addresses out.
    """
    query = ledger_reads.EvidenceQuery.model_validate({"limit": "1"})
    page = visit.read(ledger_reads.list_evidence, query, request_id=request_id)
    first: Mapping[str, Any] = next(iter(page["items"]), {})
    return first
