"""The summary of a freeze request as a document for people outside: a signed PDF/A."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from threading import BoundedSemaphore
from typing import Protocol

import structlog
from flask import Response

from coordinator.api.context import AppContext
from coordinator.api.pipeline import Reader
from coordinator.api.responses import Later
from coordinator.api.view import logged_as, of_type, query_view
from coordinator.domain.errors import UnavailableError
from coordinator.domain.permission import Permission
from coordinator.services.reading.request_summary import request_summary
from coordinator.summary.document import set_summary
from coordinator.summary.facts import Facts
from holdfast.protocol.errors import TimestampError
from holdfast.typesetting.pdf import TypesettingError

_log = structlog.get_logger(__name__)

PDF = "application/pdf"
#: A process writes one at a time; a few wait for their turn, and keep a thread each from small
#: requests meanwhile. Setting one takes a second at most, as a rule.
_turn = BoundedSemaphore(1)
_WAITING = 2
_waiting = BoundedSemaphore(_WAITING)
_WAIT_SECONDS = 4.0


class SetPage(Protocol):
    """Sets a document that is not signed yet, for the certificate that is about to."""

    def __call__(self, *, certificate_sha256: str) -> bytes:
        """Return it; raises TypesettingError."""


@logged_as("summary")
@of_type(PDF)
@query_view(answer=bytes, needs=Permission.FREEZE_REQUEST_READ, while_suspended=True)
def read_summary(reader: Reader, request_id: str) -> Later:
    """Read the summary of a request as a document for a court: PDF/A, signed by the coordinator.

    What was asked, by whom, on what evidence, who was told when, who answered what, sums and open
    points, as far as you may read them; each statement says whether a signature proves it, the
    coordinator says so, or it follows by counting. One is written at a time; who would have to wait
    longer than a few seconds is answered 503 with `Retry-After`.
    """
    context = reader.context
    facts = request_summary(reader.read_context, request_id, coordinator=context.origin)
    return Later(lambda: pdf_response(write_summary(context, facts)))


def write_summary(context: AppContext, facts: Facts) -> bytes:
    """Return the signed document, with a timestamp over the signature where an authority gives one.

    Raises:
        UnavailableError: If others are being written for longer than one waits, or this one cannot
            be set.
    """
    return write_document(context, partial(set_summary, facts), facts.made_at)


def write_document(context: AppContext, set_page: SetPage, made_at: datetime) -> bytes:
    """Return a document of any kind, as `write_summary` does.

    Raises:
        UnavailableError: As there.
    """
    # A process that writes none does without what signs a PDF.
    from coordinator.summary.signature import sign  # noqa: PLC0415

    with _own_turn():
        key = context.document_key
        try:
            unsigned = set_page(certificate_sha256=key.fingerprint)
        except TypesettingError as error:
            raise UnavailableError("the document could not be set", why=str(error)) from None
        if context.timestamps is not None:
            try:
                return sign(unsigned, key, made_at, context.timestamps.stamp)
            except TimestampError as error:
                _log.warning("no_timestamp", why=str(error))
        return sign(unsigned, key, made_at)


@contextmanager
def _own_turn() -> Iterator[None]:
    """Write alone while the block runs.

    Raises:
        UnavailableError: If that cannot begin within a few seconds, or enough others wait already.
    """
    if not _turn.acquire(blocking=False) and not _has_waited():
        raise UnavailableError("other documents are being written: try again in a few seconds")
    try:
        yield
    finally:
        _turn.release()


def _has_waited() -> bool:
    """Tell whether waiting brought a turn."""
    if not _waiting.acquire(blocking=False):
        return False
    try:
        return _turn.acquire(timeout=_WAIT_SECONDS)
    finally:
        _waiting.release()


def pdf_response(content: bytes) -> Response:
    """Return a document for its reader alone."""
    response = Response(content, content_type=PDF)
    response.headers["Cache-Control"] = "private, no-store"
    return response
