"""Submitting and closing freeze requests."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.ending.closing import CloseFreezeRequest
from coordinator.services.ending.erasures import EraseFreezeRequest
from coordinator.services.requests.freeze_requests import SubmitFreezeRequest, prepare_submission
from coordinator.services.requests.submission import check_document
from holdfast.protocol import payloads, views


@command_view(
    SubmitFreezeRequest, body=payloads.FreezeRequest, answer=views.FreezeRequestView, large=True
)
def submit(call: SignedCall[payloads.FreezeRequest]) -> SubmitFreezeRequest:
    """Submit a freeze request.

    All faults of all addresses are named at once and nothing is stored. A security lead who had no
    hand in it must approve before any partner learns of it.
    """
    context = call.context
    return prepare_submission(
        check_document(call.body, context.rulebook.chains, context.service_wallets),
        call.token.iss,
        context.database,
        context.vault,
    )


@command_view(CloseFreezeRequest, body=payloads.Closure, answer=views.ActView)
def close(call: SignedCall[payloads.Closure], request_id: str) -> CloseFreezeRequest:
    """Close a freeze request on which no hold is open."""
    return CloseFreezeRequest(request_id=request_id, body=call.body)


@command_view(EraseFreezeRequest, body=payloads.Erasure, answer=views.ActView)
def erase(call: SignedCall[payloads.Erasure], request_id: str) -> EraseFreezeRequest:
    """Erase what an ended request says, as the operator proposed it, for the same reason.

    A security lead of the requester signs it, and it is done at once: the request's data key is
    destroyed with all that it seals. Ids, numbers and states stay, and every proof of the log. From
    then on reading or acting on the request answers 410 with `erased`. 409 `not_proposed` unless
    the operator proposed it (`freeze_request.erasure_proposed`), `holds_open` or `answers_owed`
    while somebody still needs it.
    """
    return EraseFreezeRequest(request_id=request_id, body=call.body)
