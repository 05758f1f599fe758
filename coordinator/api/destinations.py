"""Accounts of one's own that money may be sent back to."""

from typing import Any

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.restoring.destinations import (
    CloseDestination,
    ConfirmTestTransfer,
    DecideDestination,
    DestinationView,
    ProposeDestination,
    checked_account,
    destination_views,
    list_own,
    read_own,
)
from holdfast.protocol import destination_payloads as payloads
from holdfast.protocol import destination_views as answers
from holdfast.protocol import views


@command_view(ProposeDestination, body=payloads.NewDestination, answer=answers.DestinationView)
def propose(call: SignedCall[payloads.NewDestination]) -> ProposeDestination:
    """Name an account of your own that money may be sent back to; another person approves it.

    It may be used a day after that (`usable_at`), and only once a test transfer to it is
    confirmed. All your own people are told at each step. No checksum, or a missing tag, is 422.
    """
    account = checked_account(call.context.rulebook.chains, call.body)
    return ProposeDestination(body=call.body, account=account)


@query_view(
    query=PageQuery,
    answer=views.Page[answers.DestinationView],
    needs=Permission.PARTNER_READ,
)
def list_all(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List your organisation's destinations, newest first, closed ones too; nobody else can.

    `why_not` says why one may not be used now.
    """
    context = reader.read_context
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: list_own(context, before=after_id(query), limit=limit),
        lambda rows: destination_views(context, rows),
        key=lambda row: row.id,
    )


@query_view(
    answer=answers.DestinationView,
    needs=Permission.PARTNER_READ,
    not_found="There is no such destination, or it is not your organisation's.",
)
def read_one(reader: Reader, destination_id: str) -> DestinationView:
    """Read one of your organisation's destinations."""
    return read_own(reader.read_context, destination_id)


@command_view(DecideDestination, body=payloads.DestinationDecision, answer=answers.DestinationView)
def decide(
    call: SignedCall[payloads.DestinationDecision], destination_id: str
) -> DecideDestination:
    """Approve or reject a destination that somebody else of yours proposed; for security leads.

    `act_sha256` is the hash of the proposal's exact body: compare the account with your own books
    first. Whoever proposed it, or brought in the key that did, cannot decide.
    """
    return DecideDestination(destination_id=destination_id, body=call.body)


@command_view(ConfirmTestTransfer, body=payloads.ArrivedTest, answer=answers.DestinationView)
def confirm_test(
    call: SignedCall[payloads.ArrivedTest], destination_id: str
) -> ConfirmTestTransfer:
    """Confirm that a test transfer to a registered destination arrived: its `tx`, and how much."""
    return ConfirmTestTransfer(destination_id=destination_id, body=call.body)


@command_view(CloseDestination, body=payloads.DestinationClosure, answer=answers.DestinationView)
def close(call: SignedCall[payloads.DestinationClosure], destination_id: str) -> CloseDestination:
    """Close a destination at once: nothing more may be asked for to it; one person does.

    The same account can be registered anew.
    """
    return CloseDestination(destination_id=destination_id, body=call.body)
