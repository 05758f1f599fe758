"""Membership: invitation, joining with a root key, confirmation of its thumbprint.

Trust starts at the partner's own root key; the operator invites and confirms, and can enrol nobody.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TypedDict

from sqlalchemy import insert, update

from coordinator.domain.actor import Actor
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grant_rules import GrantContext
from coordinator.services.membership.grants import apply_grant
from coordinator.services.membership.partner_views import (
    EMERGENCY_CONTACT,
    GrantView,
    own_view,
    reached,
)
from coordinator.services.membership.rulebook_acceptances import accept_by_joining
from coordinator.services.membership.zones import require_zone
from coordinator.services.requests.guests import take_over_guests
from coordinator.storage.membership import partners as store
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol import canonical_json, membership_payloads
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, PartnerKind, PartnerStatus, Role, Silence

#: What an entry says that names nobody: columns of the same names.
_IN_THE_OPEN = frozenset(
    {"freezes_on", "jurisdictions", "languages", "hours", "named_in_statistics"}
)
INVITATION_LASTS = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitePartner:
    """Invite a new member; the answer holds the one-time invitation code."""

    handle: str
    name: str
    kind: PartnerKind
    jurisdiction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNetwork:
    """A partner's root key takes the invitation and grants its first people and systems."""

    handle: str
    body: membership_payloads.Join
    root_key: PublicKey
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPartner:
    """The operator has compared the thumbprint out of band; the partner becomes active."""

    handle: str
    thumbprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """A lead changes its partner's entry in the directory; what the body leaves out stays."""

    body: membership_payloads.PartnerChanges


class JoinView(TypedDict):
    """The answer to joining (`views.JoinView`)."""

    handle: str
    status: PartnerStatus
    root_kid: str
    grants: Sequence[GrantView]


def invitation_sha256(code: str) -> str:
    """Return the form in which an invitation code is stored."""
    return sha256(code.encode()).hexdigest()


@handles(InvitePartner, needs=Permission.PARTNER_ADMIT)
def invite(command: InvitePartner, actor: Actor, uow: UnitOfWork) -> Answer:
    """Invite a partner, or renew an invitation that was not taken."""
    del actor
    code = secrets.token_urlsafe(24)
    present = store.partner(uow.connection, command.handle, lock=True)
    if present is not None and present.status != PartnerStatus.INVITED:
        raise ConflictError(
            f"{command.handle} is {present.status} already; a handle is never given twice"
        )
    values: dict[str, object] = {
        "name": command.name,
        "kind": command.kind,
        "jurisdiction": command.jurisdiction,
        "invitation_sha256": invitation_sha256(code),
        "invitation_expires_at": uow.now + INVITATION_LASTS,
        "invited_at": uow.now,
    }
    if present is None:
        key = uow.new_key()
        values |= {
            "handle": command.handle,
            "status": PartnerStatus.INVITED,
            "document_key_id": key.id,
            "approval_quorum": 1,
            "provisional": "notify",
            "may_ask_all": True,
            "cannot_say": Silence.NONE,
            "may_flash": [],
            "systems_as_compliance": [],
        }
        uow.connection.execute(insert(PartnerRow).values(**values))
    else:
        key = uow.key(present.document_key_id)
        uow.connection.execute(
            update(PartnerRow).where(PartnerRow.handle == command.handle).values(**values)
        )
    uow.record("partner.invited", {"partner": command.handle, "kind": command.kind}, key=key)
    body = {"handle": command.handle, "status": "invited", "invitation": code}
    return Answer(201, body)


@handles(JoinNetwork, needs=Permission.PARTNER_JOIN)
def join(command: JoinNetwork, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take an invitation: store the root key and apply its grants; the partner is then pending."""
    del actor
    body = command.body
    row = store.by_invitation(uow.connection, invitation_sha256(body.invitation))
    expires_at = None if row is None else row.invitation_expires_at
    if row is None or row.handle != command.handle or expires_at is None or expires_at < uow.now:
        raise NotFoundError(
            "this invitation is not good for this handle: it is spent, too old or another's",
            code="invitation_not_good",
        )
    if not any(Role.SECURITY_LEAD in g.roles for g in body.grants):
        raise InvalidInputError(
            "joining needs at least one person who is security_lead",
            errors=[FieldFault("/grants", "grant security_lead to a person", "lead_missing")],
        )
    key = uow.key(row.document_key_id)
    new = store.NewKey(command.root_key, row.handle, row.handle, uow.now, is_root=True)
    if not store.insert_key(uow.connection, new):
        raise ConflictError("this key is known already; make a fresh root key", code="known_key")
    uow.connection.execute(
        update(PartnerRow)
        .where(PartnerRow.handle == row.handle, PartnerRow.status == PartnerStatus.INVITED)
        .values(
            status=PartnerStatus.PENDING,
            root_kid=command.root_key.kid,
            invitation_sha256=None,
            joined_at=uow.now,
        )
    )
    joined = uow.record(
        "partner.join_requested",
        {"partner": row.handle, "root_kid": command.root_key.kid},
        key=key,
    )
    evidence_id = new_id("jon")
    uow.seal_evidence(key, evidence_id)
    accept_by_joining(
        uow, row.handle, body.rulebook_sha256, kid=command.root_key.kid, evidence_id=evidence_id
    )
    context = GrantContext(
        partner=row.handle,
        key=key,
        audience=command.audience,
        evidence_id=evidence_id,
        by_root=True,
    )
    views: list[GrantView] = []
    for number, grant in enumerate(body.grants):
        views.append(apply_grant(uow, grant, context, pointer=f"/grants/{number}"))
    answer: JoinView = {
        "handle": row.handle,
        "status": PartnerStatus.PENDING,
        "root_kid": command.root_key.kid,
        "grants": views,
    }
    return Answer(201, answer, entry=joined)


@handles(ConfirmPartner, needs=Permission.PARTNER_ADMIT)
def confirm(command: ConfirmPartner, actor: Actor, uow: UnitOfWork) -> Answer:
    """Activate a pending partner whose thumbprint the operator was told out of band."""
    del actor
    row = store.partner(uow.connection, command.handle, lock=True)
    if row is None:
        raise NotFoundError(f"there is no partner {command.handle}; invite it first")
    if row.status != PartnerStatus.PENDING:
        raise ConflictError(f"{command.handle} is {row.status}; only a pending one is confirmed")
    if row.root_kid != command.thumbprint:
        raise InvalidInputError(
            f"the thumbprint does not match: {command.handle} joined with another root key than "
            "the one you were told. Do not confirm before you know why.",
            code="thumbprint_mismatch",
        )
    uow.connection.execute(
        update(PartnerRow)
        .where(PartnerRow.handle == row.handle)
        .values(status=PartnerStatus.ACTIVE)
    )
    recorded = uow.record(
        EventType.PARTNER_JOINED,
        {"partner": row.handle, "kind": row.kind, "root_kid": row.root_kid},
        key=uow.key(row.document_key_id),
        audience=[EVERYBODY],
    )
    take_over_guests(uow, row.handle, PartnerKind(row.kind))
    body = {"handle": row.handle, "status": PartnerStatus.ACTIVE, "root_kid": row.root_kid}
    return Answer(200, body, entry=recorded)


@handles(ChangeEntry, needs=Permission.PARTNER_CHANGE)
def change_entry(command: ChangeEntry, actor: Actor, uow: UnitOfWork) -> Answer:
    """Change one's entry in the directory; contacts may name people, so they are sealed."""
    # Locked, or a second change would put its document beside the first one's.
    row = store.partner(uow.connection, actor.partner, lock=True)
    if row is None:
        raise NotFoundError("there is no such partner")
    key, body = uow.key(row.document_key_id), command.body
    if "hours" in body.model_fields_set and body.hours is not None:
        require_zone(body.hours.zone, "/hours/zone")
    contacts = reached(uow.connection, uow.vault, row.handle)
    if "contacts" in body.model_fields_set:
        contacts = contacts._replace(contacts=body.contacts)
        uow.replace_document(key, row.handle, "contacts", canonical_json.dumps(body.contacts))
    if "emergency_contact" in body.model_fields_set:
        contacts = contacts._replace(emergency_contact=body.emergency_contact)
        uow.remove_document(row.handle, EMERGENCY_CONTACT)
        if body.emergency_contact is not None:
            uow.seal(key, row.handle, EMERGENCY_CONTACT, body.emergency_contact.encode())
    said = body.model_dump(mode="json", include={*_IN_THE_OPEN & body.model_fields_set})
    if said:
        store.change(uow.connection, row.handle, said)
        row = store.partner(uow.connection, row.handle) or row
    # What it said in the open is provable later; of contacts, that they changed.
    changed = sorted(body.model_fields_set)
    uow.record(
        "partner.entry_changed", {"partner": row.handle, "changed": changed, **said}, key=key
    )
    return Answer(200, own_view(row, uow.policies, contacts))
