"""Return requests: a partner is asked to send held funds back."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.restoring.return_requests import (
    AnswerReturn,
    AskReturn,
    ConfirmReturn,
    DecideReturn,
    RevokeReturn,
    WithdrawReturn,
)
from coordinator.services.restoring.return_views import return_views
from coordinator.storage.restoring import return_requests as store
from holdfast.protocol import return_payloads as payloads
from holdfast.protocol import return_views as answers
from holdfast.protocol import views


@command_view(AskReturn, body=payloads.ReturnAsk, answer=answers.ReturnRequestView)
def ask(call: SignedCall[payloads.ReturnAsk], request_id: str) -> AskReturn:
    """Ask a partner of your request to send back what it holds, to a destination of yours.

    The partner hears of it once another security lead of yours has approved it.
    """
    return AskReturn(request_id=request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[answers.ReturnRequestView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_asked(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List return requests: all for the requester, else those to you that were approved."""
    return scoped_page(reader, query, request_id, store.page, return_views)


@command_view(DecideReturn, body=payloads.ReturnDecision, answer=answers.ReturnRequestView)
def decide(
    call: SignedCall[payloads.ReturnDecision], request_id: str, return_id: str
) -> DecideReturn:
    """Approve or reject what somebody else of yours asks back; for security leads.

    `act_sha256` is the hash of the exact body that asks. The destination has to be good now.
    """
    return DecideReturn(request_id=request_id, return_id=return_id, body=call.body)


@command_view(WithdrawReturn, body=payloads.ReturnEnd, answer=answers.ReturnRequestView)
def withdraw(
    call: SignedCall[payloads.ReturnEnd], request_id: str, return_id: str
) -> WithdrawReturn:
    """Ask it no more, before the partner has answered."""
    return WithdrawReturn(request_id=request_id, return_id=return_id, body=call.body)


@command_view(AnswerReturn, body=payloads.ReturnAnswer, answer=answers.ReturnRequestView)
def answer(
    call: SignedCall[payloads.ReturnAnswer], request_id: str, return_id: str
) -> AnswerReturn:
    """Accept by hold what you send back, all or a part, or refuse with a code.

    What you accept you send, and report with `returned` lines whose `return_request` names it. A
    suspended one may be refused, too, where what stands in its way prevails.
    """
    return AnswerReturn(request_id=request_id, return_id=return_id, body=call.body)


@command_view(RevokeReturn, body=payloads.ReturnEnd, answer=answers.ReturnRequestView)
def revoke(call: SignedCall[payloads.ReturnEnd], request_id: str, return_id: str) -> RevokeReturn:
    """Want nothing sent any more of what was accepted, while nothing was; for security leads."""
    return RevokeReturn(request_id=request_id, return_id=return_id, body=call.body)


@command_view(ConfirmReturn, body=payloads.ReturnReceipt, answer=answers.ReturnRequestView)
def confirm(
    call: SignedCall[payloads.ReturnReceipt], request_id: str, return_id: str
) -> ConfirmReturn:
    """Say that all that was sent arrived, which settles it, or that it did not.

    `amount` is how much the partner's lines say was sent (`sent`).
    """
    return ConfirmReturn(request_id=request_id, return_id=return_id, body=call.body)
