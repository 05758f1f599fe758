"""Withdrawing a freeze request, alone or by two leads."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import readable
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.ending.withdrawal_approvals import DecideWithdrawal
from coordinator.services.ending.withdrawal_proposals import withdrawal_views
from coordinator.services.ending.withdrawals import WithdrawFreezeRequest
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.storage.ending import withdrawal_proposals as store
from coordinator.storage.requests.left_out_acts import Heard
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
    row, leg = readable(reader, request_id)
    after = after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(
            reader.connection,
            request_id,
            heard=Heard(None if leg is None else leg.id, not is_hidden_from(row, leg)),
            after=after,
            limit=limit,
        ),
        lambda rows: withdrawal_views(reader.connection, reader.vault, rows),
    )
