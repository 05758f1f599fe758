"""Freeze reports."""

from coordinator.api.pipeline import Prepared, SignedCall
from coordinator.api.routing import signed_post
from coordinator.services.freeze_ledger import ReportFreeze
from holdfast.protocol import payloads, views


@signed_post(
    "/v1/freeze-requests/{request_id}/freeze-reports",
    tag="freeze ledger",
    answer=views.FreezeReportView,
    command=ReportFreeze,
    body=payloads.FreezeReport,
    large=True,
    while_suspended=True,
)
def report(call: SignedCall, body: payloads.FreezeReport, request_id: str) -> Prepared:
    """Report what was found, frozen, released, returned, or that there is nothing.

    Every line is an increment. The report is checked after all its lines and taken whole or refused
    whole.
    """
    context = call.context
    return Prepared(
        ReportFreeze(
            request_id=request_id, body=body, chains=context.chains, policies=context.policies
        )
    )
