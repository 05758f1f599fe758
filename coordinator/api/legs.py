"""What a partner asked answers before it reports: acknowledge, review, decline."""

from coordinator.api.pipeline import Prepared, SignedCall
from coordinator.api.routing import signed_post
from coordinator.services.legs import AcknowledgeLeg, DeclineLeg, ReviewLeg
from holdfast.protocol import payloads, views


@signed_post(
    "/v1/freeze-requests/{request_id}/acknowledgement",
    tag="legs",
    answer=views.ActView,
    command=AcknowledgeLeg,
    body=payloads.Acknowledgement,
)
def acknowledge(call: SignedCall, body: payloads.Acknowledgement, request_id: str) -> Prepared:
    """Acknowledge: somebody here has it."""
    del call
    return Prepared(AcknowledgeLeg(request_id=request_id, body=body))


@signed_post(
    "/v1/freeze-requests/{request_id}/review",
    tag="legs",
    answer=views.ActView,
    command=ReviewLeg,
    body=payloads.Review,
)
def review(call: SignedCall, body: payloads.Review, request_id: str) -> Prepared:
    """Say that somebody is looking into it."""
    del call
    return Prepared(ReviewLeg(request_id=request_id, body=body))


@signed_post(
    "/v1/freeze-requests/{request_id}/decline",
    tag="legs",
    answer=views.ActView,
    command=DeclineLeg,
    body=payloads.Decline,
)
def decline(call: SignedCall, body: payloads.Decline, request_id: str) -> Prepared:
    """Decline with a code."""
    del call
    return Prepared(DeclineLeg(request_id=request_id, body=body))
