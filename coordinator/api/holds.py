"""Holds: extending, and asking for it."""

from coordinator.api.pipeline import Prepared, SignedCall
from coordinator.api.routing import signed_post
from coordinator.services.holds import AskForExtension, ExtendHold
from partners.protocol import hold_payloads, views


@signed_post(
    "/v1/freeze-requests/{request_id}/hold-extensions",
    tag="holds",
    answer=views.HoldActView,
    command=ExtendHold,
    body=hold_payloads.HoldExtension,
    while_suspended=True,
)
def extend(call: SignedCall, body: hold_payloads.HoldExtension, request_id: str) -> Prepared:
    """Extend a hold of yours, within your jurisdiction's maximum."""
    return Prepared(ExtendHold(request_id=request_id, body=body, policies=call.parts.policies))


@signed_post(
    "/v1/freeze-requests/{request_id}/extension-requests",
    tag="holds",
    answer=views.ActView,
    command=AskForExtension,
    body=hold_payloads.ExtensionRequest,
)
def ask(call: SignedCall, body: hold_payloads.ExtensionRequest, request_id: str) -> Prepared:
    """Ask a partner to hold longer."""
    del call
    return Prepared(AskForExtension(request_id=request_id, body=body))
