"""Revocation of a key or a subject, at once, by the root key or one lead alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import update

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import EVERYBODY, Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.services.membership.root_resets import stop_reset
from coordinator.storage.membership import partners as store
from coordinator.storage.membership import root_resets
from coordinator.storage.tables.partners import SubjectRow
from holdfast.protocol import membership_payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Revoke a key or a subject at once; by the root key or one lead of the partner."""

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
    uow.seal_evidence(key, revocation_id)
    waiting = None if body.kid is None else root_resets.waiting(uow.connection, row.handle)
    if waiting is not None and waiting.new_kid == body.kid:
        recorded = stop_reset(uow, waiting, row, revocation_id=revocation_id, by=actor.subject)
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
            },
            key=key,
            audience=[EVERYBODY],
        )
    answer: RevocationView = {"id": revocation_id, "kids": kids, "revoked_at": format_time(uow.now)}
    return Answer(201, answer, entry=recorded)


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
