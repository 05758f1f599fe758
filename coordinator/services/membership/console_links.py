"""Links into the console, each good once.

A link gives nobody a right. What signs in reads with the rights of the key that asked for it; what
makes a passkey makes it pending, until the partner's root key or two leads grant it. The operator,
who can enrol nobody, may hand out the latter for that reason.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Literal, TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission, require
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.storage.console import links
from coordinator.storage.console.links import ConsoleLink
from coordinator.storage.membership import partners as store
from holdfast.protocol import membership_payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import PartnerStatus

#: Signing in happens now; whoever is to make a passkey may be asleep.
SIGN_IN_LASTS, PASSKEY_LASTS = timedelta(minutes=10), timedelta(hours=24)
#: Behind the #, which browsers send to nobody: no server's log ever holds a secret.
_PAGES = {"sign_in": "/console/enter#", "passkey": "/console/passkeys/new#"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeConsoleLink:
    """A person asks for a link of their own, or a lead for a colleague's passkey.

    Attributes:
        body: What it is for.
        console_origin: Where the console is.
    """

    body: membership_payloads.NewConsoleLink
    console_origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPasskey:
    """The operator makes a link for a passkey of a partner's person; it will be pending."""

    handle: str
    person: str
    console_origin: str


class ConsoleLinkView(TypedDict):
    """A link with its secret (`views.ConsoleLinkView`)."""

    url: str
    purpose: Literal["sign_in", "passkey"]
    person: str
    expires_at: str


@handles(MakeConsoleLink, needs=Permission.CONSOLE_LINK_MAKE)
def make_link(command: MakeConsoleLink, actor: Actor, uow: UnitOfWork) -> Answer:
    """Make a link for oneself, or as a lead for anybody of the partner."""
    partner = own_partner(uow, actor)
    person = command.body.person or actor.subject
    if person != actor.subject:
        # Whoever could propose the grant may prepare what it is to grant.
        require(Permission.GRANT_MAKE, actor)
        _require_can_be(uow, partner.handle, person)
    link = _Link(command.body.purpose, partner.handle, person, actor.subject, actor.kid)
    return _store(uow, link, command.console_origin, partner.document_key_id)


@handles(OfferPasskey, needs=Permission.PARTNER_ADMIT)
def offer_passkey(command: OfferPasskey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Make a link as the operator, who thereby enrols nobody."""
    del actor
    partner = store.partner(uow.connection, command.handle, lock=True)
    if partner is None or partner.status not in {PartnerStatus.PENDING, PartnerStatus.ACTIVE}:
        raise NotFoundError(f"{command.handle} has not joined, or is suspended")
    _require_can_be(uow, partner.handle, command.person)
    link = _Link("passkey", partner.handle, command.person, None, None)
    return _store(uow, link, command.console_origin, partner.document_key_id)


@dataclass(frozen=True, slots=True)
class _Link:
    purpose: Literal["sign_in", "passkey"]
    partner: str
    person: str
    made_by: str | None
    kid: str | None


def _require_can_be(uow: UnitOfWork, handle: str, person: str) -> None:
    """Refuse a person who is another's, or was taken away; a fresh id is somebody to come."""
    row = store.subject(uow.connection, person)
    if row is not None and (row.partner != handle or row.revoked_at is not None):
        detail = "is nobody who acts for you: name one of your people, or a fresh per_… id"
        raise InvalidInputError(
            f"{person} {detail}", errors=[FieldFault("/person", detail, "person")]
        )


def _store(uow: UnitOfWork, link: _Link, console_origin: str, key_id: str) -> Answer:
    is_sign_in = link.purpose == "sign_in"
    secret = secrets.token_urlsafe(32)
    ends_at = uow.now + (SIGN_IN_LASTS if is_sign_in else PASSKEY_LASTS)
    links.store(
        uow.connection,
        ConsoleLink(
            secret_sha256=sha256(secret.encode()).hexdigest(),
            purpose=link.purpose,
            partner=link.partner,
            person=link.person,
            kid=link.kid if is_sign_in else None,
            made_by=link.made_by,
            made_at=uow.now,
            ends_at=ends_at,
            used_at=None,
        ),
    )
    # Who was let in, by whom, is nobody's business but the partner's, and it can be proven.
    recorded = uow.record(
        "console_link.made",
        {
            "partner": link.partner,
            "purpose": link.purpose,
            "person": link.person,
            "by": link.made_by,
            "expires_at": format_time(ends_at),
        },
        key=uow.key(key_id),
    )
    view: ConsoleLinkView = {
        "url": f"{console_origin}{_PAGES[link.purpose]}{secret}",
        "purpose": link.purpose,
        "person": link.person,
        "expires_at": format_time(ends_at),
    }
    return Answer(201, {**view}, entry=recorded)
