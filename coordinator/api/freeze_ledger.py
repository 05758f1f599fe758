"""Freeze reports."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.ledger.freeze_ledger import ReportFreeze
from holdfast.protocol import payloads, views


@command_view(
    ReportFreeze,
    body=payloads.FreezeReport,
    answer=views.FreezeReportView,
    large=True,
    while_suspended=True,
)
def report(call: SignedCall[payloads.FreezeReport], request_id: str) -> ReportFreeze:
    """Report what was found, frozen, released, returned, or that there is nothing.

    Every line is an increment. The report is checked after all its lines and taken whole or refused
    whole.
    """
    return ReportFreeze(request_id=request_id, body=call.body)
