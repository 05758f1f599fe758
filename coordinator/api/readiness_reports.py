"""How fast who answered a drill: as JSON with a signed statement, and as a signed PDF/A."""

from functools import partial

from coordinator.api.pipeline import Reader
from coordinator.api.responses import Later
from coordinator.api.summaries import PDF, pdf_response, write_document
from coordinator.api.view import of_type, query_view
from coordinator.domain.permission import Permission
from coordinator.services.reading.readiness import ReadinessView, readiness_view
from coordinator.summary.document import set_readiness
from coordinator.summary.readiness import readiness_facts
from holdfast.protocol import readiness
from holdfast.protocol.clearance import Issuer
from holdfast.protocol.readiness import ReadinessReport

_READ = Permission.FREEZE_REQUEST_READ


@query_view(answer=readiness.ReadinessView, needs=_READ, while_suspended=True)
def read_report(reader: Reader, request_id: str) -> ReadinessView:
    """Read how fast who answered a drill, signed by the coordinator.

    Who was told, woken, took it, acknowledged and answered, when and how long after; people of your
    own organisation by name, others' never. A partner asked reads its own side, and the
    requester's. `statement` is a JWS over the SHA-256 of the canonical JSON of `report`, by the key
    in `key`: `holdfast verify FILE` verifies what was saved, offline. A real request has none (409
    `no_drill`).
    """
    return _view(reader, request_id)


@of_type(PDF)
@query_view(answer=bytes, needs=_READ, while_suspended=True)
def read_document(reader: Reader, request_id: str) -> Later:
    """Read the same as a document for a supervisor: PDF/A, signed by the coordinator.

    One is written at a time; who would have to wait longer than a few seconds is answered 503 with
    `Retry-After`.
    """
    context, view = reader.context, _view(reader, request_id)
    report = ReadinessReport.model_validate(view["report"])
    sha256 = readiness.report_sha256(view["report"])
    facts = readiness_facts(report, coordinator=context.origin, report_sha256=sha256)
    return Later(
        lambda: pdf_response(write_document(context, partial(set_readiness, facts), facts.made_at))
    )


def _view(reader: Reader, request_id: str) -> ReadinessView:
    context = reader.context
    issuer = Issuer(context.origin, context.signing_key)
    return readiness_view(reader.read_context, request_id, issuer)
