"""The summary of a freeze request as a document for people outside: a signed PDF/A."""

from threading import BoundedSemaphore

import structlog
from flask import Response

from coordinator.api.context import AppContext
from coordinator.api.pipeline import Reader
from coordinator.api.responses import Later
from coordinator.api.view import of_type, query_view
from coordinator.domain.errors import UnavailableError
from coordinator.domain.permission import Permission
from coordinator.services.reading.request_summary import request_summary
from coordinator.summary.document import TypesettingError, set_summary
from coordinator.summary.facts import Facts
from holdfast.protocol.errors import TimestampError

_log = structlog.get_logger(__name__)

PDF = "application/pdf"
#: A process writes one at a time: others would only take its threads from small requests to wait.
_turn = BoundedSemaphore(1)


@of_type(PDF)
@query_view(answer=bytes, needs=Permission.FREEZE_REQUEST_READ, while_suspended=True)
def read_summary(reader: Reader, request_id: str) -> Later:
    """Read the summary of a request as a document for a court: PDF/A, signed by the coordinator.

    What was asked, by whom, on what evidence, who was told when, who answered what, sums and open
    points, as far as you may read them; each statement says whether a signature proves it, the
    coordinator says so, or it follows by counting. One is written at a time; 503 with `Retry-After`
    while another is.
    """
    context = reader.context
    facts = request_summary(reader.read_context, request_id, coordinator=context.origin)
    return Later(lambda: _response(write_summary(context, facts)))


def write_summary(context: AppContext, facts: Facts) -> bytes:
    """Return the signed document, with a timestamp over the signature where an authority gives one.

    Raises:
        UnavailableError: If another is being written, or this one cannot be set.
    """
    # A process that writes none does without what signs a PDF.
    from coordinator.summary.signature import sign  # noqa: PLC0415

    if not _turn.acquire(blocking=False):
        raise UnavailableError("another document is being written: try again in a few seconds")
    try:
        key = context.document_key
        try:
            unsigned = set_summary(facts, certificate_sha256=key.fingerprint)
        except TypesettingError as error:
            raise UnavailableError("the document could not be set", why=str(error)) from None
        if context.timestamps is not None:
            try:
                return sign(unsigned, key, facts.made_at, context.timestamps.stamp)
            except TimestampError as error:
                _log.warning("no_timestamp", why=str(error))
        return sign(unsigned, key, facts.made_at)
    finally:
        _turn.release()


def _response(content: bytes) -> Response:
    response = Response(content, content_type=PDF)
    response.headers["Cache-Control"] = "private, no-store"
    return response
