"""A member accepts an edition of the rulebook by its hash: in its join, or by an act of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.house_rules import (
    require_acceptable,
    require_named_rulebook,
    rulebook_in_force,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.membership.grants import own_partner
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.membership import house_rules as store
from coordinator.storage.membership.house_rules import AcceptedRulebook
from coordinator.storage.tables.house_rules import RulebookAcceptanceRow
from holdfast.protocol.house_rules_payloads import RulebookAcceptance
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptRulebook:
    """A lead or compliance accepts an edition for their organisation."""

    body: RulebookAcceptance


class AcceptanceView(TypedDict):
    """That a partner accepted an edition (`house_rules_views.AcceptanceView`)."""

    id: str
    partner: str
    rulebook_sha256: str
    subject: str | None
    signed_by: str
    accepted_at: str
    token: str | None
    body: str | None


@handles(AcceptRulebook, needs=Permission.RULEBOOK_ACCEPT)
def accept(command: AcceptRulebook, actor: Actor, uow: UnitOfWork) -> Answer:
    """Accept the edition in force, or one that is to come; accepted once, it stays accepted."""
    partner, sha256 = own_partner(uow, actor), command.body.rulebook_sha256
    edition = require_acceptable(store.published(uow.connection), sha256, uow.now)
    before = store.find_acceptance(uow.connection, partner.handle, edition.sha256)
    if before is not None:
        return Answer(200, {**_view(before, None)})
    accepted = AcceptedRulebook(
        id=(act_id := new_id("rba")),
        partner=partner.handle,
        sha256=edition.sha256,
        subject=actor.subject,
        signed_by=actor.kid,
        accepted_at=uow.now,
        proven_by=act_id,
    )
    store.insert_acceptance(uow.connection, accepted)
    key = uow.key(partner.document_key_id)
    told = {
        "partner": partner.handle,
        "by": actor.subject,
        "rulebook_sha256": edition.sha256,
    }
    recorded = uow.record(EventType.RULEBOOK_ACCEPTED, told, key=key, audience=[partner.handle])
    act = MemberAct(act_id, "accept_rulebook", edition.id)
    store_member_act(uow, actor, act, key, recorded)
    return Answer(201, {**_view(accepted, uow.evidence.packed())}, entry=recorded)


def accept_by_joining(
    uow: UnitOfWork, partner: str, named: str | None, *, kid: str, evidence_id: str
) -> None:
    """Note that a partner accepted the rulebook in force with its join, which must name it.

    Raises:
        RulebookError: If it does not, or names one where none is in force.
    """
    in_force = rulebook_in_force(store.published(uow.connection), uow.now)
    require_named_rulebook(in_force, named)
    if in_force is not None:
        accepted = AcceptedRulebook(
            id=new_id("rba"),
            partner=partner,
            sha256=in_force.sha256,
            subject=None,
            signed_by=kid,
            accepted_at=uow.now,
            proven_by=evidence_id,
        )
        store.insert_acceptance(uow.connection, accepted)


def acceptance_views(
    connection: Connection, vault: Vault, rows: Sequence[RulebookAcceptanceRow]
) -> list[AcceptanceView]:
    """Return acceptances with the token and body that prove each."""
    packed = load(connection, vault, [row.proven_by for row in rows], "evidence")
    return [_view(row, packed.get(row.proven_by)) for row in rows]


def _view(row: RulebookAcceptanceRow | AcceptedRulebook, packed: bytes | None) -> AcceptanceView:
    token, body = (None, None) if packed is None else unpack_evidence(packed)
    return {
        "id": row.id,
        "partner": row.partner,
        "rulebook_sha256": row.sha256,
        "subject": row.subject,
        "signed_by": row.signed_by,
        "accepted_at": format_time(row.accepted_at),
        "token": token,
        "body": None if body is None else body.decode(),
    }
