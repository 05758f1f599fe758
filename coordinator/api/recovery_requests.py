"""Deposits that went to the wrong place: asking for them, answering, replying."""

from typing import Annotated, Any, Literal

from pydantic import Field

from coordinator.api.paging import PageQuery, after_id, after_number, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, or_known, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.restoring import recovery_requests as services
from coordinator.services.restoring.misplaced_deposits import check_deposits
from coordinator.services.restoring.recovery_context import readable
from coordinator.services.restoring.recovery_views import (
    DepositView,
    RecoveryStatisticsView,
    RecoveryView,
    act_views,
    deposit_views,
    recovery_views,
    statistics_view,
    whole_view,
)
from coordinator.storage.restoring import recovery_requests as store
from coordinator.storage.tables.recovery import RecoveryRequestRow
from holdfast.protocol import recovery_payloads as payloads
from holdfast.protocol import recovery_views as answers
from holdfast.protocol import views
from holdfast.protocol.payloads import ActId
from holdfast.protocol.vocabulary import DepositStatus

_READ = Permission.RECOVERY_READ
_NO_SUCH = "There is no such recovery request, or none that you may see."
_KNOWN = "You asked for all of these deposits before: this is the request that has the first."


class RecoveryListQuery(PageQuery):
    """Which requests."""

    box: Annotated[
        Literal["sent", "received", "to_approve"],
        Field(description="Sent by your organisation, received by it, or waiting for a decision."),
    ] = "sent"
    waiting: Annotated[
        bool, Field(description="True: those alone with deposits that wait for you.")
    ] = False


class DepositsQuery(PageQuery):
    """Which deposits."""

    status: DepositStatus | None = None


class RecoveryActsQuery(PageQuery):
    """Which acts."""

    act: Annotated[ActId | None, Field(description="This one alone.")] = None


@or_known(_KNOWN)
@command_view(
    services.SubmitRecovery, body=payloads.RecoveryRequest, answer=answers.RecoveryView, large=True
)
def submit(call: SignedCall[payloads.RecoveryRequest]) -> services.SubmitRecovery:
    """Ask a partner to give back deposits that went to the wrong place.

    One document for one deposit or for thousands; all faults are named at once and nothing is
    stored. Another person of yours approves it before the partner learns of it. What you asked of
    this partner before, by transaction and account, is not asked twice: see `already_asked`.
    """
    context = call.context
    return services.SubmitRecovery(
        document=call.body,
        deposits=check_deposits(call.body, context.rulebook.chains, context.vault),
    )


@query_view(query=RecoveryListQuery, answer=views.Page[answers.RecoveryView], needs=_READ)
def list_requests(reader: Reader, query: RecoveryListQuery) -> dict[str, Any]:
    """List recovery requests, newest first."""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: _listed(reader, query, limit),
        lambda rows: recovery_views(reader.read_context, rows),
    )


def _listed(reader: Reader, query: RecoveryListQuery, limit: int) -> list[RecoveryRequestRow]:
    connection, handle, before = reader.connection, reader.actor.partner, after_id(query)
    if query.box == "to_approve":
        now = reader.read_context.now
        return store.to_approve(connection, handle, now, before=before, limit=limit)
    listing = store.sent_by if query.box == "sent" else store.received_by
    return listing(connection, handle, before=before, limit=limit, waiting=query.waiting)


@query_view(answer=answers.RecoveryStatisticsView, needs=Permission.STATISTICS_READ)
def read_statistics(reader: Reader) -> RecoveryStatisticsView:
    """Read how many deposits were asked for, found and returned, and how fast; no drills."""
    return statistics_view(reader.read_context)


@query_view(answer=answers.RecoveryView, needs=_READ, not_found=_NO_SUCH)
def read_request(reader: Reader, recovery_id: str) -> RecoveryView:
    """Read one recovery request; only its two sides can."""
    row = readable(reader.connection, reader.actor, recovery_id)
    return whole_view(reader.read_context, row)


@query_view(
    query=DepositsQuery,
    answer=views.Page[answers.DepositView],
    needs=_READ,
    not_found=_NO_SUCH,
)
def list_deposits(reader: Reader, query: DepositsQuery, recovery_id: str) -> dict[str, Any]:
    """List the deposits of a request by number, as they stand."""
    row = readable(reader.connection, reader.actor, recovery_id)
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.deposits_page(
            reader.connection,
            row.id,
            after=after_number(query),
            limit=limit,
            status=query.status,
        ),
        lambda rows: deposit_views(reader.read_context, row, rows),
        key=lambda deposit: deposit.no,
    )


def one_deposit(reader: Reader, recovery_id: str, no: int) -> DepositView:
    """Return one deposit of a request, as the list has it.

    Raises:
        NotFoundError: If there is none, or the reader may not see the request.
    """
    row = readable(reader.connection, reader.actor, recovery_id)
    found = store.deposits(reader.connection, row.id, [no])
    if no not in found:
        raise NotFoundError("this request has no such deposit")
    [view] = deposit_views(reader.read_context, row, [found[no]])
    return view


@query_view(
    query=RecoveryActsQuery,
    answer=views.Page[answers.RecoveryActView],
    needs=_READ,
    not_found=_NO_SUCH,
)
def list_evidence(reader: Reader, query: RecoveryActsQuery, recovery_id: str) -> dict[str, Any]:
    """List all acts on a request, oldest first, each with the token and body that prove it."""
    row = readable(reader.connection, reader.actor, recovery_id)
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.acts(
            reader.connection,
            row.id,
            after=after_id(query) or "",
            limit=limit,
            act_id=query.act,
        ),
        lambda rows: act_views(reader.read_context, row, rows),
    )


@command_view(
    services.DecideRecovery, body=payloads.RecoveryDecision, answer=answers.RecoveryResultView
)
def decide(
    call: SignedCall[payloads.RecoveryDecision], recovery_id: str
) -> services.DecideRecovery:
    """Approve or reject a submitted request, as a person who had no hand in it."""
    return services.DecideRecovery(recovery_id=recovery_id, body=call.body)


@command_view(
    services.WithdrawRecovery, body=payloads.RecoveryWithdrawal, answer=answers.RecoveryResultView
)
def withdraw(
    call: SignedCall[payloads.RecoveryWithdrawal], recovery_id: str
) -> services.WithdrawRecovery:
    """Withdraw deposits of which nothing was returned, or a request that nobody approved yet."""
    return services.WithdrawRecovery(recovery_id=recovery_id, body=call.body)


@command_view(
    services.AnswerRecovery,
    body=payloads.RecoveryAnswers,
    answer=answers.RecoveryResultView,
    large=True,
)
def answer(call: SignedCall[payloads.RecoveryAnswers], recovery_id: str) -> services.AnswerRecovery:
    """Answer deposits as the partner asked: found, not found, needed, declined, returned.

    The lines are taken in their order, all or none. A fee binds once it is stated; what goes back
    and the fee add up to what was found.
    """
    return services.AnswerRecovery(recovery_id=recovery_id, body=call.body)


@command_view(
    services.ReplyRecovery,
    body=payloads.RecoveryReplies,
    answer=answers.RecoveryResultView,
    large=True,
)
def reply(call: SignedCall[payloads.RecoveryReplies], recovery_id: str) -> services.ReplyRecovery:
    """Reply as the requester: supply what is needed, confirm an arrival, or say it is missing."""
    return services.ReplyRecovery(recovery_id=recovery_id, body=call.body)
