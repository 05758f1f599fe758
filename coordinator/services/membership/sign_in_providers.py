"""A partner's own OpenID provider, which signs its people in to the console, to read.

A lead says which provider, and which of its names is which person. Signing in makes nobody known
and gives nobody a right: whoever is listed reads what they may read anyway, and signs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.storage.console import sign_in_providers as store
from coordinator.storage.console.sign_in_providers import (
    ProviderDocument,
    ProviderPerson,
    SignInProvider,
)
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tail import idempotency
from holdfast.protocol import membership_payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id

_MOST_PEOPLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSignInProvider:
    """A lead says by which provider its people sign in to read; the one before is over.

    Attributes:
        body: Its issuer answered before the transaction.
        console_origin: Where the console is.
    """

    body: membership_payloads.NewSignInProvider
    console_origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSignInProvider:
    """A lead ends signing in by the partner's provider, and whatever it signed in."""


class ProviderPersonView(TypedDict):
    """By what tokens name a person (`views.ProviderPersonView`)."""

    person: str
    sub: str | None
    email: str | None


class SignInProviderView(TypedDict):
    """A provider without its secret (`views.SignInProviderView`)."""

    redirect_uri: str
    id: NotRequired[str]
    issuer: NotRequired[str]
    client_id: NotRequired[str]
    people: NotRequired[Sequence[ProviderPersonView]]
    set_by: NotRequired[str]
    set_at: NotRequired[str]


def redirect_uri(console_origin: str, partner: str) -> str:
    """Return where a partner's provider sends people back to: a place that no other's does."""
    return f"{console_origin}/console/sign-in/return/{partner}"


@handles(SetSignInProvider, needs=Permission.SIGN_IN_PROVIDER_CHANGE)
def set_provider(command: SetSignInProvider, actor: Actor, uow: UnitOfWork) -> Answer:
    """Put a provider in the place of the present one, under a new id, on which sessions stand."""
    partner = own_partner(uow, actor)
    body = command.body
    _require_people(uow, partner.handle, body)
    before = store.find(uow.connection, partner.handle)
    document = ProviderDocument(
        issuer=body.issuer,
        client_id=body.client_id,
        client_secret=body.client_secret or _present_secret(uow, before, body),
        people=[ProviderPerson(each.person, each.sub, each.email) for each in body.people],
    )
    _erase(uow, before)
    provider = SignInProvider(partner.handle, new_id("sip"), actor.subject, uow.now)
    store.replace(uow.connection, provider)
    key = uow.key(partner.document_key_id)
    uow.seal(key, provider.id, store.DOCUMENT, document.to_bytes())
    recorded = uow.record(
        "sign_in_provider.set",
        {
            "partner": partner.handle,
            "provider_id": provider.id,
            "by": actor.subject,
            "people": sorted({each.person for each in document.people}),
        },
        key=key,
    )
    view = _view(provider, document, command.console_origin)
    return Answer(201, {**view}, entry=recorded, about=provider.id)


@handles(RemoveSignInProvider, needs=Permission.SIGN_IN_PROVIDER_CHANGE)
def remove_provider(command: RemoveSignInProvider, actor: Actor, uow: UnitOfWork) -> Answer:
    """Remove a provider with its secret and its list of people."""
    del command
    partner = own_partner(uow, actor)
    before = store.find(uow.connection, partner.handle)
    if before is None:
        raise NotFoundError("your organisation has no provider")
    _erase(uow, before)
    store.remove(uow.connection, partner.handle)
    recorded = uow.record(
        "sign_in_provider.removed",
        {"partner": partner.handle, "provider_id": before.id, "by": actor.subject},
        key=uow.key(partner.document_key_id),
    )
    return Answer(200, {"id": before.id, "status": "removed"}, entry=recorded)


def get_provider(context: ReadContext, console_origin: str) -> SignInProviderView:
    """Return the provider of the actor's partner, or what its client is to be told alone."""
    provider = store.find(context.connection, context.actor.partner)
    if provider is not None:
        document = store.document(context.connection, context.vault, provider.id)
        if document is not None:
            return _view(provider, document, console_origin)
    return {"redirect_uri": redirect_uri(console_origin, context.actor.partner)}


def _require_people(
    uow: UnitOfWork, handle: str, body: membership_payloads.NewSignInProvider
) -> None:
    """Refuse whoever is not one of the partner's people now."""
    rows = partner_store.subjects(uow.connection, handle, limit=_MOST_PEOPLE)
    known = {row.id for row in rows if row.kind == "person"}
    detail = "is nobody who acts for you: name one of your people (GET /v1/people)"
    faults = [
        FieldFault(f"/people/{number}/person", detail, "person")
        for number, each in enumerate(body.people)
        if each.person not in known
    ]
    if faults:
        raise InvalidInputError(f"a person of the list {detail}", errors=faults)


def _present_secret(
    uow: UnitOfWork, before: SignInProvider | None, body: membership_payloads.NewSignInProvider
) -> str:
    """Return the secret that stays: it is sent to no other provider than it was given for."""
    present = None if before is None else store.document(uow.connection, uow.vault, before.id)
    if present is None or (present.issuer, present.client_id) != (body.issuer, body.client_id):
        detail = "give the client's secret: none is known for this issuer and client"
        raise InvalidInputError(
            detail, errors=[FieldFault("/client_secret", detail, "client_secret")]
        )
    return present.client_secret


def _erase(uow: UnitOfWork, before: SignInProvider | None) -> None:
    """Erase what is stored of a provider that is over, the answer that told of it included."""
    if before is not None:
        uow.remove_document(before.id, store.DOCUMENT)
        idempotency.erase_about(uow.connection, before.id)


def _view(
    provider: SignInProvider, document: ProviderDocument, console_origin: str
) -> SignInProviderView:
    return {
        "id": provider.id,
        "issuer": document.issuer,
        "client_id": document.client_id,
        "people": [
            {"person": each.person, "sub": each.sub, "email": each.email}
            for each in document.people
        ],
        "redirect_uri": redirect_uri(console_origin, provider.partner),
        "set_by": provider.set_by,
        "set_at": format_time(provider.set_at),
    }
