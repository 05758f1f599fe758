"""What a partner asked answers before it reports, and who of its people sees its leg."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.requests.leg_limits import LimitLeg
from coordinator.services.requests.legs import AcknowledgeLeg, DeclineLeg, ReviewLeg
from holdfast.protocol import leg_limit_payloads, payloads, views


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


@command_view(LimitLeg, body=leg_limit_payloads.LegLimit, answer=views.ActView)
def limit(call: SignedCall[leg_limit_payloads.LegLimit], request_id: str) -> LimitLeg:
    """Limit your leg to named people of your organisation, or lift that with null.

    To everybody else of it the request is not there from then on: not in a list, count, task, feed,
    search or page, and read by its id it answers 404 as an unknown one. Your systems and webhook
    endpoints go on as before. Nobody else is told. Those who see the leg can change it, and one of
    them is always a security lead: where the last one goes, the limit goes, too.
    """
    return LimitLeg(request_id=request_id, body=call.body)
