"""Deciding on a freeze request: approve or reject, over the very context that was shown."""

from coordinator.api.pipeline import Prepared, SignedCall
from coordinator.api.routing import signed_post
from coordinator.services.approvals import DecideFreezeRequest
from holdfast.protocol import payloads, views


@signed_post(
    "/v1/freeze-requests/{request_id}/approvals",
    tag="freeze requests",
    answer=views.ActView,
    command=DecideFreezeRequest,
    body=payloads.Approval,
)
def decide(call: SignedCall, body: payloads.Approval, request_id: str) -> Prepared:
    """Approve or reject a freeze request.

    Never by whoever submitted it. `context_sha256` is the SHA-256 of the `decision_context` string
    that was shown; every warning in it must be accepted with a reason. The partners asked are
    handed this very body: a warning that names `requests` is about those and is left out of it, for
    whoever signs the context accepts it.
    """
    return Prepared(
        DecideFreezeRequest(request_id=request_id, body=body, policies=call.context.policies)
    )
