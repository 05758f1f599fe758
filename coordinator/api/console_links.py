"""The way into the console: links that are good once, and the passkeys that come of them."""

from typing import Any, Literal

from coordinator.api.paging import PageQuery, after_kid, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.membership.console_links import MakeConsoleLink
from coordinator.services.membership.passkey_views import passkey_views
from coordinator.storage.console import passkeys as store
from holdfast.protocol import membership_payloads, views
from holdfast.protocol.membership_payloads import Kid
from holdfast.protocol.payloads import PersonId


class PasskeysQuery(PageQuery):
    """Whose passkeys, and in which state."""

    person: PersonId | None = None
    status: Literal["pending", "good", "all"] = "all"
    kid: Kid | None = None


@command_view(
    MakeConsoleLink, body=membership_payloads.NewConsoleLink, answer=views.ConsoleLinkView
)
def make_link(call: SignedCall[membership_payloads.NewConsoleLink]) -> MakeConsoleLink:
    """Make a link into the console that is good once; the answer alone shows it.

    A `sign_in` link is good for 10 minutes and signs in with the key that asks for it, to read.
    A `passkey` link is good for 24 hours and makes a passkey that gives no right until it is
    granted; a security lead makes one for anybody of the partner.
    """
    scope = call.context.passkey_scope
    if scope is None:
        raise NotFoundError("this coordinator has no console")
    return MakeConsoleLink(body=call.body, console_origin=scope.origin)


@query_view(
    query=PasskeysQuery, answer=views.Page[views.PasskeyView], needs=Permission.PARTNER_READ
)
def list_passkeys(reader: Reader, query: PasskeysQuery) -> dict[str, Any]:
    """List your passkeys by key; a security lead reads those of all people of the partner.

    `jwk` and `possession` are what a grant of a pending one takes.
    """
    is_lead = is_allowed(Permission.GRANT_MAKE, reader.actor)
    person = query.person if is_lead else reader.actor.subject
    if query.person not in {None, person}:
        raise NotFoundError("a colleague's passkeys are for security leads to see")
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.of_partner(
            reader.connection,
            reader.actor.partner,
            store.Which(person, query.status, query.kid),
            after=after_kid(query),
            limit=limit,
        ),
        lambda rows: passkey_views(reader.connection, reader.vault, rows),
        key=lambda row: row.kid,
    )
