"""Submitting, withdrawing and closing freeze requests."""

from coordinator.api.pipeline import Prepared, SignedCall
from coordinator.api.routing import signed_post
from coordinator.services.freeze_requests import (
    CloseFreezeRequest,
    SubmitFreezeRequest,
    prepare_submission,
)
from coordinator.services.withdrawals import WithdrawFreezeRequest
from holdfast.protocol import payloads, views


@signed_post(
    "/v1/freeze-requests",
    tag="freeze requests",
    answer=views.FreezeRequestView,
    command=SubmitFreezeRequest,
    body=payloads.FreezeRequest,
    large=True,
)
def submit(call: SignedCall, body: payloads.FreezeRequest) -> Prepared:
    """Submit a freeze request.

    All faults of all addresses are named at once and nothing is stored. A security lead who had no
    hand in it must approve before any partner learns of it.
    """
    context = call.context
    return Prepared(
        prepare_submission(
            body,
            call.token.iss,
            database=context.database,
            vault=context.vault,
            chains=context.chains,
            wallets=context.service_wallets,
            policies=context.policies,
        )
    )


@signed_post(
    "/v1/freeze-requests/{request_id}/withdrawal",
    tag="freeze requests",
    answer=views.ActView,
    command=WithdrawFreezeRequest,
    body=payloads.Withdrawal,
)
def withdraw(call: SignedCall, body: payloads.Withdrawal, request_id: str) -> Prepared:
    """Withdraw a freeze request, or some of its addresses.

    Before it went out nobody learns of it. Afterwards every partner that holds funds on the
    addresses owes an answer: release, return, or keep with a reason.
    """
    return Prepared(
        WithdrawFreezeRequest(request_id=request_id, body=body, policies=call.context.policies)
    )


@signed_post(
    "/v1/freeze-requests/{request_id}/closure",
    tag="freeze requests",
    answer=views.ActView,
    command=CloseFreezeRequest,
    body=payloads.Closure,
)
def close(call: SignedCall, body: payloads.Closure, request_id: str) -> Prepared:
    """Close a freeze request on which no hold is open."""
    return Prepared(
        CloseFreezeRequest(request_id=request_id, body=body, policies=call.context.policies)
    )
