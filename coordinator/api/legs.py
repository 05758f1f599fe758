"""What a partner asked answers before it reports: acknowledge, review, decline."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.requests.legs import AcknowledgeLeg, DeclineLeg, ReviewLeg
from holdfast.protocol import payloads, views


@command_view(AcknowledgeLeg, body=payloads.Acknowledgement, answer=views.ActView)
def acknowledge(call: SignedCall[payloads.Acknowledgement], request_id: str) -> AcknowledgeLeg:
    """Acknowledge: somebody here has it."""
    return AcknowledgeLeg(request_id=request_id, body=call.body)


@command_view(ReviewLeg, body=payloads.Review, answer=views.ActView)
def review(call: SignedCall[payloads.Review], request_id: str) -> ReviewLeg:
    """Say that somebody is looking into it."""
    return ReviewLeg(request_id=request_id, body=call.body)


@command_view(DeclineLeg, body=payloads.Decline, answer=views.ActView)
def decline(call: SignedCall[payloads.Decline], request_id: str) -> DeclineLeg:
    """Decline with a code."""
    return DeclineLeg(request_id=request_id, body=call.body)
