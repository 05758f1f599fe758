"""Revocation of a key or a subject, at once, by the root key or one lead alone.

A person takes a key of their own away, too, as long as another of its kind stays: who lost a phone
at night does not wait for a lead, and locks nobody out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import update

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.membership.grants import own_partner
from coordinator.services.membership.lost_limits import lift_lost_limits
from coordinator.services.membership.root_resets import StoppedBy, stop_reset
from coordinator.services.requests.act_proofs import ActProof
from coordinator.storage.membership import partners as store
from coordinator.storage.membership import root_resets
from coordinator.storage.tables.partners import SubjectRow
from holdfast.protocol import membership_payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Revoke a key or a subject at once; by the root key or one lead of the partner."""

    body: membership_payloads.Revocation


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOwnKey:
    """Revoke a key that is one's own; of a lead, any of them."""

    body: membership_payloads.Revocation


class RevocationView(TypedDict):
    """What was taken away (`views.RevocationView`)."""

    id: str
    kids: Sequence[str]
    revoked_at: str


@handles(Revoke, needs=Permission.REVOCATION_MAKE)
def revoke(command: Revoke, actor: Actor, uow: UnitOfWork) -> Answer:
    """Revoke a key or a subject of one's own, or stop a new root key that is to take over."""
    body = command.body
    row = own_partner(uow, actor)
    if body.kid is not None and body.kid == row.root_kid:
        raise ConflictError("the root key is not revoked but reset; ask the operator")
    key = uow.key(row.document_key_id)
    revocation_id = new_id("rev")
    waiting = None if body.kid is None else root_resets.waiting(uow.connection, row.handle)
    if waiting is not None and waiting.new_kid == body.kid:
        stopped = StoppedBy(revocation_id, actor.subject, _proof(uow, actor))
        recorded = stop_reset(uow, waiting, row, stopped)
        kids = [waiting.new_kid]
    else:
        kids = _take_away(uow, body, row.handle)
        compromised = body.compromised_since
        recorded = uow.record(
            EventType.GRANT_REVOKED,
            {
                "revocation_id": revocation_id,
                "partner": row.handle,
                "kids": kids,
                "subject": body.subject,
                "compromised_since": optional_time(compromised),
                "evidence": _proof(uow, actor),
            },
            key=key,
            audience=[EVERYBODY],
        )
    lift_lost_limits(uow, row.handle, key)
    act = MemberAct(revocation_id, "revoke", body.kid or body.subject)
    store_member_act(uow, actor, act, key, recorded)
    answer: RevocationView = {"id": revocation_id, "kids": kids, "revoked_at": format_time(uow.now)}
    return Answer(201, answer, entry=recorded)


@handles(RevokeOwnKey, needs=Permission.KEY_REVOKE)
def revoke_own(command: RevokeOwnKey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Revoke a key of one's own; its last passkey, or its last other key, a lead alone."""
    partner = own_partner(uow, actor)
    if not is_allowed(Permission.REVOCATION_MAKE, actor):
        good = store.good_keys(uow.connection, partner.handle, actor.subject)
        kid = command.body.kid or ""
        if kid in good and not _has_another(kid, good):
            what = "passkey" if _is_passkey(good[kid]) else "key that is no passkey"
            raise ConflictError(
                f"this is your only {what}: have another granted first, or ask a security lead of"
                " your organisation to take this one away",
                code="last_key",
            )
    return revoke(Revoke(body=command.body), actor, uow)


def _has_another(kid: str, good: Mapping[str, JsonObject]) -> bool:
    """Tell whether a key of the same kind stays: one does not do what the other does."""
    kind = _is_passkey(good[kid])
    return any(other != kid and _is_passkey(jwk) is kind for other, jwk in good.items())


def _is_passkey(jwk: JsonObject) -> bool:
    return "webauthn" in jwk


def _proof(uow: UnitOfWork, actor: Actor) -> ActProof:
    """Return what proves the revocation under way: whom it binds need not believe us."""
    token, body = unpack_evidence(uow.evidence.packed())
    keys = store.jwks(uow.connection, [actor.kid])
    return {
        "act": "revoke",
        "kid": actor.kid,
        "jwk": keys.get(actor.kid),
        "token": token,
        "body": body.decode(),
    }


def _take_away(uow: UnitOfWork, body: membership_payloads.Revocation, handle: str) -> list[str]:
    revoked = store.RevokedKeys(body.kid, body.subject, body.compromised_since)
    kids = store.revoke_keys(uow.connection, handle, revoked, at=uow.now)
    if body.subject is not None:
        uow.connection.execute(
            update(SubjectRow)
            .where(SubjectRow.id == body.subject, SubjectRow.partner == handle)
            .values(revoked_at=uow.now)
        )
    if not kids:
        raise NotFoundError("you have no such key or subject that is still good")
    uow.will_revoke(kids)
    return kids
