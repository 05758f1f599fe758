"""Submitting, withdrawing and closing freeze requests."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.ending.closing import CloseFreezeRequest
from coordinator.services.ending.withdrawals import WithdrawFreezeRequest
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


@command_view(WithdrawFreezeRequest, body=payloads.Withdrawal, answer=views.ActView)
def withdraw(call: SignedCall[payloads.Withdrawal], request_id: str) -> WithdrawFreezeRequest:
    """Withdraw a freeze request, or some of its addresses.

    Before it went out nobody learns of it. Afterwards every partner that holds funds on the
    addresses owes an answer: release, return, or keep with a reason.
    """
    return WithdrawFreezeRequest(request_id=request_id, body=call.body)


@command_view(CloseFreezeRequest, body=payloads.Closure, answer=views.ActView)
def close(call: SignedCall[payloads.Closure], request_id: str) -> CloseFreezeRequest:
    """Close a freeze request on which no hold is open."""
    return CloseFreezeRequest(request_id=request_id, body=call.body)
