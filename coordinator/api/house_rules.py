"""The network's rulebook: anybody reads it, a member accepts it by its hash."""

from typing import Any

from flask import Response

from coordinator.api.context import current_context
from coordinator.api.membership_reads import OfPartnerQuery
from coordinator.api.paging import after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.responses import json_response
from coordinator.api.view import command_view, or_known, public_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.membership.house_rules import edition_view, rulebook_view
from coordinator.services.membership.rulebook_acceptances import AcceptRulebook, acceptance_views
from coordinator.storage.membership import house_rules as store
from holdfast.protocol import house_rules_payloads, house_rules_views, views


@public_view(answer=house_rules_views.RulebookView)
def read_rulebook() -> Response:
    """The rulebook of the network: its text, its hash, and since when it is in force.

    `in_force` is null where the network has none; then nothing names one. `coming` has editions
    that are announced: accept them in time, for from `in_force_from` on requests name them.
    """
    context = current_context()
    with context.database.engine.connect() as connection:
        return json_response(rulebook_view(connection, context.clock.now()))


@public_view(
    answer=house_rules_views.EditionView, not_found="No rulebook of this hash was published."
)
def read_edition(edition: str) -> Response:
    """An edition of the rulebook by its hash, as requests name it; former ones, too."""
    context = current_context()
    with context.database.engine.connect() as connection:
        return json_response(edition_view(connection, edition))


@or_known("It was accepted before; nothing changed.")
@command_view(
    AcceptRulebook,
    body=house_rules_payloads.RulebookAcceptance,
    answer=house_rules_views.AcceptanceView,
)
def accept(call: SignedCall[house_rules_payloads.RulebookAcceptance]) -> AcceptRulebook:
    """Accept the rulebook in force for your organisation, or one to come; for leads and compliance.

    A request is taken only from a partner that has accepted the rulebook which it names. What was
    accepted once stays accepted.
    """
    return AcceptRulebook(body=call.body)


@query_view(
    query=OfPartnerQuery,
    answer=views.Page[house_rules_views.AcceptanceView],
    needs=Permission.PARTNER_READ,
)
def list_acceptances(reader: Reader, query: OfPartnerQuery) -> dict[str, Any]:
    """List who accepted which edition of the rulebook, oldest first, with what proves it."""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.acceptances(
            reader.connection, query.partner, after=after_id(query) or "", limit=limit
        ),
        lambda rows: acceptance_views(reader.connection, reader.vault, rows),
    )
