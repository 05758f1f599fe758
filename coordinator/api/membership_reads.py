"""Reading who is a member, who acts for whom, and which grant says so."""

from typing import Annotated, Any, Literal

from pydantic import Field

from coordinator.api.paging import (
    PageQuery,
    after_handle,
    after_id,
    after_kid,
    page_size,
    read_page,
)
from coordinator.api.pipeline import Reader
from coordinator.api.view import query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission, require
from coordinator.services.membership.partner_views import (
    PartnerView,
    grant_views,
    key_view,
    own_view,
    partner_views,
    person_views,
    proposal_views,
    reached,
)
from coordinator.storage.membership import grant_proposals
from coordinator.storage.membership import partners as store
from holdfast.protocol import views
from holdfast.protocol.payloads import Handle, SubjectId
from holdfast.protocol.vocabulary import PartnerStatus

#: Others are between the operator and whoever was invited.
_JOINED = frozenset({PartnerStatus.ACTIVE, PartnerStatus.SUSPENDED})


class OfPartnerQuery(PageQuery):
    """Of one partner, or of all."""

    partner: Handle | None = None


class PeopleQuery(PageQuery):
    """Those who act now, or all there ever were."""

    status: Literal["present", "all"] = "present"


class KeysQuery(OfPartnerQuery):
    """Which keys."""

    subject: SubjectId | None = None

    kid: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="One key, by its RFC 7638 thumbprint."),
    ] = None


class GrantsQuery(OfPartnerQuery):
    """Made ones, or one's own leads' proposals."""

    status: Literal["made", "pending"] = "made"
    subject: Annotated[
        SubjectId | None, Field(description="Made ones alone: about one person or system.")
    ] = None


@query_view(query=PageQuery, answer=views.Page[views.PartnerView], needs=Permission.PARTNER_READ)
def list_partners(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List the members of the network by handle."""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.partners(reader.connection, after=after_handle(query), limit=limit),
        lambda rows: partner_views(
            reader.connection, reader.vault, reader.context.rulebook.policies, rows
        ),
        key=lambda row: row.handle,
    )


@query_view(answer=views.PartnerView, needs=Permission.PARTNER_READ)
def read_own(reader: Reader) -> PartnerView:
    """Read your own membership with its policy."""
    row = store.partner(reader.connection, reader.actor.partner)
    if row is None:
        raise NotFoundError("there is no such partner")
    contacts = reached(reader.connection, reader.vault, row.handle)
    return own_view(row, reader.context.rulebook.policies, contacts)


@query_view(
    answer=views.PartnerView,
    needs=Permission.PARTNER_READ,
    not_found="No member of that handle has joined.",
)
def read_partner(reader: Reader, handle: str) -> PartnerView:
    """Read one member of the network."""
    row = store.partner(reader.connection, handle)
    if row is None or row.status not in _JOINED:
        raise NotFoundError("there is no such partner")
    policies = reader.context.rulebook.policies
    return partner_views(reader.connection, reader.vault, policies, [row])[0]


@query_view(query=PeopleQuery, answer=views.Page[views.PersonView], needs=Permission.PARTNER_READ)
def list_people(reader: Reader, query: PeopleQuery) -> dict[str, Any]:
    """List the people and systems of your own organisation with their names and good keys.

    With `status=all` those that were taken away are among them; their names stay until a lead
    erases them, or until `kept_until`.
    """
    connection, partner, after = reader.connection, reader.actor.partner, after_id(query) or ""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.subjects(
            connection, partner, with_former=query.status == "all", after=after, limit=limit
        ),
        lambda rows: person_views(connection, reader.vault, reader.context.rulebook.policies, rows),
    )


@query_view(query=KeysQuery, answer=views.Page[views.KeyView], needs=Permission.PARTNER_READ)
def list_keys(reader: Reader, query: KeysQuery) -> dict[str, Any]:
    """List public keys, revoked ones too, with whom they belong to."""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.keys(
            reader.connection,
            store.WhichKeys(
                query.partner, query.subject, () if query.kid is None else (query.kid,)
            ),
            after=after_kid(query),
            limit=limit,
        ),
        lambda rows: map(key_view, rows),
        key=lambda row: row.kid,
    )


@query_view(
    query=GrantsQuery,
    answer=views.Page[views.GrantView],
    needs=Permission.GRANT_READ,
    not_found="Proposals of another partner are not there to see.",
)
def list_grants(reader: Reader, query: GrantsQuery) -> dict[str, Any]:
    """List grants in the order they were made, each with the token and body that prove it.

    With `status=pending` a security lead reads what the partner's own leads proposed and nobody
    approved yet.
    """
    size = page_size(reader.context, query.limit)
    if query.status == "pending":
        return _proposals(reader, query, size)
    after = after_id(query) or ""
    return read_page(
        size,
        lambda limit: store.grants(
            reader.connection,
            handle=query.partner,
            subject_id=query.subject,
            after=after,
            limit=limit,
        ),
        lambda rows: grant_views(reader.connection, reader.vault, rows),
    )


def _proposals(reader: Reader, query: GrantsQuery, size: int) -> dict[str, Any]:
    require(Permission.GRANT_APPROVE, reader.actor)
    if query.partner not in {None, reader.actor.partner}:
        raise NotFoundError("another partner's proposals are not for you to see")
    return read_page(
        size,
        lambda limit: grant_proposals.pending(
            reader.connection,
            reader.actor.partner,
            reader.context.clock.now(),
            after=after_id(query) or "",
            limit=limit,
        ),
        lambda rows: proposal_views(reader.connection, reader.vault, rows),
    )
