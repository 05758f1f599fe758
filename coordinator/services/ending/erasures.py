"""Erasing what an ended request says, while the log and every other proof stay valid.

The operator proposes, for a reason that is a code, and a security lead of the requester signs it.
Then the request's data key is destroyed with all that it seals, and a fresh one takes its place for
what is still to be said: who erased it, and why. By policy the coordinator does the same alone.
"""

from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.freeze_request import require_erasable
from coordinator.domain.permission import Permission
from coordinator.services.core.access import require_readable_words, sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.ending.ended_legs import all_legs
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import ActView
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.requests import data_subjects
from coordinator.storage.requests import erasures as store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.restoring import encumbrances, return_requests
from coordinator.storage.tables.life_cycle import ErasureRow
from holdfast.protocol import payloads
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import ErasureReason, EventType, RequestStatus


class ProposedErasureView(TypedDict):
    """What the operator proposes to erase (`views.ProposedErasureView`)."""

    id: str
    request_id: str
    reason: ErasureReason
    proposed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeErasure:
    """The operator proposes to erase a request that is over."""

    request_id: str
    reason: ErasureReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseFreezeRequest:
    """A lead of the requester signs what the operator proposed; it is done at once."""

    request_id: str
    body: payloads.Erasure


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseByPolicy:
    """A request ended so long ago that its time is over."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAgain:
    """A request was erased after the backup was made that this database comes from."""

    request_id: str
    reason: ErasureReason


@handles(ProposeErasure, needs=Permission.ERASURE_PROPOSE)
def propose(command: ProposeErasure, actor: Actor, uow: UnitOfWork) -> Answer:
    """Propose to erase a request, and tell its requester, whose lead must sign it.

    The same again changes nothing; another reason takes the place of the one before.
    """
    on = _locked(uow, actor, command.request_id)
    _require_erasable(on)
    _require_unclaimed(on)
    present = store.find(uow.connection, on.request.id)
    if present is not None and present.reason == command.reason:
        raise ConflictError(
            f"it is proposed already, as {present.id}, and waits for a lead of"
            f" {on.request.requester}",
            code="erasure_proposed",
            current_status=on.request.status,
        )
    if present is not None:
        store.remove(uow.connection, present.id)
    erasure_id = new_id("ers")
    store.insert(uow.connection, erasure_id, on.request, command.reason, uow.now)
    told = {"erasure": erasure_id, "reason": command.reason}
    # The request is as it was; only its requester's numbers of events go on.
    recorded = on.record(EventType.REQUEST_ERASURE_PROPOSED, told)
    body = {"id": erasure_id, "request_id": on.request.id, "requester": on.request.requester}
    return Answer(201, body, entry=recorded)


@handles(EraseFreezeRequest, needs=Permission.FREEZE_REQUEST_ERASE)
def erase(command: EraseFreezeRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Erase what was proposed to be erased, for the reason that was proposed."""
    on = sent_request(uow, actor, command.request_id, command.body.content_sha256)
    proposed = store.find(uow.connection, on.request.id)
    if proposed is None or proposed.reason != command.body.reason:
        said = "nobody proposed to erase it" if proposed is None else f"not {proposed.reason}"
        raise ConflictError(
            f"the operator proposes an erasure, and for which reason: {said}",
            code="not_proposed",
            current_status=on.request.status,
        )
    _require_unclaimed(on)
    return _erase(on, proposed.id, ErasureReason(proposed.reason))


@handles(EraseByPolicy, needs=Permission.TIMER_FIRE)
def erase_by_policy(command: EraseByPolicy, actor: Actor, uow: UnitOfWork) -> Answer:
    """Erase a request whose time is over; otherwise do nothing."""
    row = request_store.get(uow.connection, command.request_id, lock=True)
    if (
        row is None
        or row.erased_at is not None
        or row.ended_at is None
        or row.ended_at > uow.policies.kept_since(uow.now)
        or encumbrances.does_one_outlive(uow.connection, row.id)
    ):
        return Answer(200, {"status": "unchanged"})
    return _erase_alone(RequestContext(uow, actor, row), ErasureReason.RETENTION)


@handles(EraseAgain, needs=Permission.ERASURE_PROPOSE)
def erase_again(command: EraseAgain, actor: Actor, uow: UnitOfWork) -> Answer:
    """Erase what a restored database has again; nothing where it is erased there, or was later."""
    row = request_store.get(uow.connection, command.request_id, lock=True)
    if row is None or row.erased_at is not None:
        return Answer(200, {"status": "unchanged"})
    return _erase_alone(RequestContext(uow, actor, row), command.reason)


def proposed_view(connection: Connection, request_id: str) -> ProposedErasureView:
    """Return what is proposed to be erased.

    Raises:
        NotFoundError: If nothing is.
    """
    found = store.find(connection, request_id)
    if found is None or found.erased_at is not None or found.proposed_at is None:
        raise NotFoundError("nobody proposes to erase this request", code="no_erasure")
    return {
        "id": found.id,
        "request_id": found.request_id,
        "reason": ErasureReason(found.reason),
        "proposed_at": format_time(found.proposed_at),
    }


def _erase_alone(on: RequestContext, reason: ErasureReason) -> Answer:
    """Erase without a lead's signature, in the place of a proposal that waits for one."""
    uow = on.uow
    proposed = store.find(uow.connection, on.request.id)
    if proposed is not None:
        store.remove(uow.connection, proposed.id)
    erasure_id = new_id("ers")
    store.insert(uow.connection, erasure_id, on.request, reason, None)
    return _erase(on, erasure_id, reason)


def _locked(uow: UnitOfWork, actor: Actor, request_id: str) -> RequestContext:
    row = request_store.get(uow.connection, request_id, lock=True)
    if row is None:
        raise NotFoundError(f"there is no freeze request {request_id}")
    require_readable_words(uow.connection, row)
    return RequestContext(uow, actor, row)


def _require_erasable(on: RequestContext) -> None:
    connection, row = on.uow.connection, on.request
    require_erasable(
        RequestStatus(row.status),
        open_holds=ledger_store.open_holds(connection, row.id),
        owes=row.contested or store.owes(connection, row.id),
        ratification=on.ratification,
    )


def _require_unclaimed(on: RequestContext) -> None:
    """Refuse while a claim that was attached here lies on a hold that counts for others.

    Nobody could lift it any more, and what it lies on would be blocked for good. A restored
    database erases all the same: whoever lost the claim there has to attach it anew.
    """
    if encumbrances.does_one_outlive(on.uow.connection, on.request.id):
        raise ConflictError(
            "a claim that was attached on this request lies on a hold that still counts for another"
            " one: have it lifted first; whoever has it may then attach it there",
            code="encumbered",
            current_status=on.request.status,
        )


def _erase(on: RequestContext, erasure_id: str, reason: ErasureReason) -> Answer:
    """Destroy the request's data key with what it seals, and tell both sides under a fresh one."""
    uow, before = on.uow, on.request
    _require_erasable(on)
    words = store.words_to_keep(uow.connection, uow.vault, before)
    fresh = uow.new_key()
    erased = on.change(document_key_id=fresh.id, erased_at=uow.now)
    store.erase(uow.connection, before, uow.now)
    hold_clocks.release_from(uow.connection, before.id)
    data_subjects.end_of_request(uow.connection, before.id, uow.now)
    encumbrances.end_of_request(uow.connection, before.id)
    return_requests.end_of_request(uow.connection, before.id, uow.now)
    if words is not None:
        store.move_incident(uow.connection, before.incident_id, words.key_id)
        uow.seal(uow.key(words.key_id), before.incident_id, "words", words.content)
    act_id = erased.store_act(NewAct("erase"))
    is_signed = on.actor.kind is not ActorKind.COORDINATOR
    told: dict[str, object] = {"erasure": erasure_id, "reason": reason}
    if is_signed:
        told["evidence"] = proofs_of(erased, [act_id])
    recorded = erased.record(EventType.REQUEST_ERASED, told, act_id=act_id)
    for leg in all_legs(uow, before.id):
        data = {**told, "by": on.actor.subject, "status": leg.status, "act_id": act_id}
        erased.tell_partner(leg, EventType.REQUEST_ERASED, data)
    store.mark_erased(
        uow.connection,
        erasure_id,
        at=uow.now,
        by=on.actor.subject if is_signed else None,
        act_id=act_id,
    )
    uow.set_leaf(ErasureRow, erasure_id, recorded)
    answer: ActView = {"id": act_id, "request_id": before.id, "status": before.status}
    return Answer(201, answer, entry=recorded)
