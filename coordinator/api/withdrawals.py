"""Withdrawing a freeze request, alone or by two leads."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ending.withdrawal_approvals import DecideWithdrawal
from coordinator.services.ending.withdrawal_proposals import withdrawal_views
from coordinator.services.ending.withdrawals import WithdrawFreezeRequest
from coordinator.storage.ending import withdrawal_proposals as store
from holdfast.protocol import life_cycle_payloads, life_cycle_views, payloads, views


@command_view(
    WithdrawFreezeRequest, body=payloads.Withdrawal, answer=life_cycle_views.WithdrawalActView
)
def withdraw(call: SignedCall[payloads.Withdrawal], request_id: str) -> WithdrawFreezeRequest:
    """Withdraw a freeze request, or some of its addresses.

    Before it went out nobody learns of it. Afterwards every partner that holds funds on the
    addresses owes an answer: release, return, or keep with a reason. Where your policy asks for two
    leads and something is held, it is proposed: the answer has a `withdrawal`, and another lead
    approves it.
    """
    return WithdrawFreezeRequest(request_id=request_id, body=call.body)


@command_view(
    DecideWithdrawal,
    body=life_cycle_payloads.WithdrawalDecision,
    answer=life_cycle_views.WithdrawalActView,
)
def decide(
    call: SignedCall[life_cycle_payloads.WithdrawalDecision], request_id: str, withdrawal_id: str
) -> DecideWithdrawal:
    """Approve or reject a withdrawal, or a dispute to be upheld, that another lead proposed.

    `act_sha256` is the SHA-256 of the proposal's very body, as its evidence has it.
    """
    return DecideWithdrawal(request_id=request_id, withdrawal_id=withdrawal_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.WithdrawalView],
    needs=Permission.FREEZE_REQUEST_READ,
    while_suspended=True,
)
def list_withdrawals(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List what was proposed to be withdrawn; for a partner asked, what concerns it."""
    return scoped_page(reader, query, request_id, store.page, withdrawal_views)
