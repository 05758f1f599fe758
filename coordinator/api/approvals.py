"""Deciding on a freeze request: approve or reject, over the very context that was shown."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.requests.approvals import DecideFreezeRequest
from holdfast.protocol import payloads, views


@command_view(DecideFreezeRequest, body=payloads.Approval, answer=views.DecisionView)
def decide(call: SignedCall[payloads.Approval], request_id: str) -> DecideFreezeRequest:
    """Approve or reject a freeze request.

    Never by whoever submitted it. `context_sha256` is the SHA-256 of the `decision_context` string
    that was shown; every warning in it must be accepted with a reason, those of service wallets one
    by one. The partners asked are handed this very body: a warning that names `requests` is about
    those and is left out of it, for whoever signs the context accepts it.

    Addresses that an approval leaves out (`except`) never go out. `remainder_sha256` is the hash of
    what does: the submitted document without its `nonce`, null in their places, as canonical JSON.
    All who approve leave out the same. Of a flash request that is out they are withdrawn.
    """
    return DecideFreezeRequest(request_id=request_id, body=call.body)
