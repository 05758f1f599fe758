"""Gateways: on what ground members tell amounts; they declare, the operator verifies."""

from typing import Any

from coordinator.api.membership_reads import OfPartnerQuery
from coordinator.api.paging import after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, or_known, query_view
from coordinator.domain.permission import Permission
from coordinator.services.membership.gateways import DeclareGateway, WithdrawGateway, gateway_views
from coordinator.storage.membership import gateways as store
from holdfast.protocol import gateway_payloads, views
from holdfast.protocol import gateway_views as answers


@or_known("It was declared before, and has not ended; nothing changed.")
@command_view(DeclareGateway, body=gateway_payloads.GatewayDeclaration, answer=answers.GatewayView)
def declare(call: SignedCall[gateway_payloads.GatewayDeclaration]) -> DeclareGateway:
    """Declare a ground on which your organisation tells amounts; for leads and compliance.

    It counts once the operator has verified it, and until the date that it says. Where the network
    asks for gateways, amounts are told on a leg whose two sides have one in common.
    """
    return DeclareGateway(body=call.body)


@command_view(WithdrawGateway, body=gateway_payloads.GatewayWithdrawal, answer=answers.GatewayView)
def withdraw(call: SignedCall[gateway_payloads.GatewayWithdrawal]) -> WithdrawGateway:
    """Take a gateway of your organisation back; what was told under it stays told."""
    return WithdrawGateway(body=call.body)


@query_view(
    query=OfPartnerQuery,
    answer=views.Page[answers.GatewayView],
    needs=Permission.PARTNER_READ,
)
def list_gateways(reader: Reader, query: OfPartnerQuery) -> dict[str, Any]:
    """List gateways that members declared, ended ones too, oldest first, with what proves each."""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(
            reader.connection, query.partner, after=after_id(query) or "", limit=limit
        ),
        lambda rows: gateway_views(reader.connection, reader.vault, rows),
    )
