"""Erasing sealed texts whose time is over, kind by kind; a timer's, and nobody signs it.

What a request says goes as a whole (`erasures`). Sealed files may go before that, and so does what
a partner called people who left. What is erased stays provable: the hash of a file stands in its
row, in the act that sealed it and in the log.
"""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.partner_views import NAMES
from coordinator.storage.ending import retention as store
from coordinator.storage.engine.documents import load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.tail import idempotency
from holdfast.protocol.vocabulary import EventType

_UNCHANGED = {"status": "unchanged"}
_ERASED = {"status": "erased"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseOldEvidence:
    """A sealed file of a request that ended has been kept for its time."""

    sealed_evidence_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetNames:
    """Somebody left so long ago that nobody needs to know any more what they were called."""

    subject_id: str


@handles(EraseOldEvidence, needs=Permission.TIMER_FIRE)
def erase_old_evidence(command: EraseOldEvidence, actor: Actor, uow: UnitOfWork) -> Answer:
    """Erase the bytes of a sealed file; otherwise do nothing."""
    del actor
    found = store.evidence(uow.connection, command.sealed_evidence_id)
    request = None
    if found is not None:
        request = request_store.get(uow.connection, found.request_id, lock=True)
    before = uow.policies.sealed_evidence_kept_since(uow.now)
    if (
        found is None
        or request is None
        or not store.is_evidence_due(uow.connection, found.id, before)
    ):
        return Answer(200, _UNCHANGED)
    store.erase_evidence(uow.connection, found.id, uow.now)
    recorded = uow.record(
        "evidence.erased",
        {
            "request_id": found.request_id,
            "sealed_evidence": found.id,
            "partner": found.partner,
            "sha256": found.sha256,
            "reason": "retention",
        },
        key=uow.key(request.document_key_id),
    )
    return Answer(200, _ERASED, entry=recorded)


@handles(ForgetNames, needs=Permission.TIMER_FIRE)
def forget_names(command: ForgetNames, actor: Actor, uow: UnitOfWork) -> Answer:
    """Erase what a partner called somebody who left, and what changes of it left behind."""
    found = partner_store.subject(uow.connection, command.subject_id)
    if found is None:
        return Answer(200, _UNCHANGED)
    partner = partner_store.partner(uow.connection, found.partner, lock=True)
    # Read again under the lock: names are changed under it, too.
    row = partner_store.subject(uow.connection, command.subject_id)
    before = uow.policies.names_kept_since(uow.now)
    if (
        partner is None
        or row is None
        or row.forgotten_at is not None
        or row.revoked_at is None
        or row.revoked_at > before
    ):
        return Answer(200, _UNCHANGED)
    store.mark_forgotten(uow.connection, row.id, uow.now)
    if load_one(uow.connection, uow.vault, row.id, NAMES) is None:
        return Answer(200, _UNCHANGED)
    idempotency.erase_about(uow.connection, row.id)
    uow.remove_document(row.id, NAMES)
    uow.remove_document(row.id, "evidence")
    recorded = uow.record(
        EventType.PARTNER_NAMES_CHANGED,
        {
            "partner": partner.handle,
            "subject": row.id,
            "by": actor.subject,
            "changed": ["contact", "display_name"],
        },
        key=uow.key(partner.document_key_id),
        audience=[partner.handle],
    )
    return Answer(200, _ERASED, entry=recorded)
