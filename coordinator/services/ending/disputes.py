"""Disputes: a partner contests on behalf of a customer; if unanswered, release is recommended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.contested import OpenDispute, addresses_of
from coordinator.domain.errors import ConflictError, InvalidTransitionError, NotFoundError
from coordinator.domain.freeze_ledger import LegLedger
from coordinator.domain.leg import LegFlag, flags_with
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, locked_leg, sent_request
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.ending.contested import refresh_contested
from coordinator.services.ending.moot_disputes import resolve_as_moot
from coordinator.services.ending.withdrawal_proposals import (
    WithdrawalView,
    end_as_moot,
    propose_resolution,
)
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.alarms import wake_for
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.requests.task_views import TaskView, requester_tasks
from coordinator.services.restoring.returns_in_the_way import refuse_upheld, review_contested
from coordinator.storage.ending import disputes as store
from coordinator.storage.ending import withdrawal_proposals as proposal_store
from coordinator.storage.ending.disputes import DisputeOnLeg
from coordinator.storage.engine.documents import Vault
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, LegStatus, RequestStatus, Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseDispute:
    """A partner asked contests a hold, or its whole leg."""

    request_id: str
    body: payloads.Dispute


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDispute:
    """A lead of the requester answers a dispute."""

    request_id: str
    dispute_id: str
    body: payloads.DisputeResolution


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendRelease:
    """Nobody answered a dispute in time."""

    dispute_id: str


class DisputeView(TypedDict):
    """A dispute, and how it ended (`life_cycle_views.DisputeView`).

    `status`, how the leg shows, is in the answers to acts alone.
    """

    id: str
    request_id: str
    leg_id: str
    partner: str
    act_id: str
    hold: str | None
    reference: str | None
    text: str | None
    raised_at: str
    answer_by: str
    release_recommended_at: str | None
    resolution: str | None
    resolution_act_id: str | None
    resolution_text: str | None
    resolved_at: str | None
    task: TaskView | None
    status: NotRequired[LegStatus]
    withdrawal: NotRequired[WithdrawalView]


@handles(RaiseDispute, needs=Permission.DISPUTE_RAISE)
def raise_dispute(command: RaiseDispute, actor: Actor, uow: UnitOfWork) -> Answer:
    """Open a dispute and flag the leg; the requester's clock starts."""
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    request, leg = on.request, on.leg
    ledger = ledger_store.load_leg(uow.connection, leg)
    if body.hold is not None:
        _require_open_hold(ledger, leg, body.hold)
    elif request.status != RequestStatus.ACTIVE:
        raise InvalidTransitionError(
            f"the request is {request.status}: dispute the holds that are left, each by its id",
            current_status=request.status,
        )
    elif not ledger.is_contestable(None):
        raise ConflictError(
            "you hold nothing on this request, so there is nothing to contest;"
            " decline it, or report nothing, where you will not freeze",
            code="nothing_held",
            current_status=leg.status,
        )
    act_id = on.store_act(NewAct("dispute"))
    dispute = DisputeOnLeg(
        id=new_id("dsp"),
        request_id=request.id,
        leg_id=leg.id,
        requester=request.requester,
        partner=leg.partner,
        hold_id=body.hold,
        act_id=act_id,
        raised_at=uow.now,
        answer_by=uow.policies.answer_dispute_by(Urgency(request.urgency), raised_at=uow.now),
        resolution=None,
        resolution_act_id=None,
        resolved_at=None,
        release_recommended_at=None,
    )
    store.insert_dispute(uow.connection, dispute)
    _flag(on, holds=True)
    words = {"reference": body.reference, "text": body.text}
    data = {
        "dispute": dispute.id,
        "answer_by": format_time(dispute.answer_by),
        "recommended": False,
        "hold": body.hold,
        **words,
        "evidence": proofs_of(on.on_request(), [act_id]),
    }
    recorded = on.record(EventType.LEG_DISPUTED, data, act_id=act_id)
    wake_for(on.on_request(), TaskKind.RESOLVE, dispute.id)
    refresh_contested(on.on_request())
    review_contested(on, body.hold)
    task = _tasks(uow.connection, request, [dispute], actor.partner).get(dispute.id)
    answer: DisputeView = {**_view(dispute, words, {}, task), "status": LegStatus(leg.status)}
    return Answer(201, answer, entry=recorded)


@handles(ResolveDispute, needs=Permission.DISPUTE_RESOLVE)
def resolve(command: ResolveDispute, actor: Actor, uow: UnitOfWork) -> Answer:
    """Answer a dispute, even late; the leg's flag goes with its last open dispute."""
    body = command.body
    on_request = sent_request(uow, actor, command.request_id, body.content_sha256)
    dispute = store.get(uow.connection, command.dispute_id, request_id=on_request.request.id)
    leg = None if dispute is None else leg_store.get(uow.connection, dispute.leg_id)
    if dispute is None or leg is None:
        raise NotFoundError("this request has no such dispute", code="no_such_dispute")
    _require_unresolved(dispute, leg)
    on = on_request.on_leg(leg)
    is_held = ledger_store.load_leg(uow.connection, leg).is_contestable(dispute.hold_id)
    if body.resolution == "upheld" and is_held and actor.withdrawal_quorum > 1:
        withdrawal, recorded = propose_resolution(on, dispute, body)
        shown = dispute_views(uow.connection, uow.vault, [dispute], actor.partner)[0]
        proposed: DisputeView = {**shown, "status": LegStatus(leg.status), "withdrawal": withdrawal}
        return Answer(201, proposed, entry=recorded)
    resolved = _resolve(on, dispute, body, NewAct("resolve_dispute"))
    return Answer(201, resolved.view, entry=resolved.recorded)


def uphold(
    on_request: RequestContext,
    dispute_id: str,
    body: payloads.DisputeResolution,
    act: NewAct,
    *,
    proposed: str,
) -> tuple[str, Recorded]:
    """Uphold a dispute as one lead proposed and another approves; returns that act and its event.

    Raises:
        ConflictError: If it was resolved meanwhile.
    """
    uow = on_request.uow
    dispute = store.get(uow.connection, dispute_id, request_id=on_request.request.id)
    leg = None if dispute is None else leg_store.get(uow.connection, dispute.leg_id)
    if dispute is None or leg is None:
        raise AssertionError("a dispute is never deleted")
    _require_unresolved(dispute, leg)
    resolved = _resolve(on_request.on_leg(leg), dispute, body, act, proposed=proposed)
    return resolved.act_id, resolved.recorded


def _require_unresolved(dispute: DisputeOnLeg, leg: LegRow) -> None:
    if dispute.resolved_at is not None:
        raise ConflictError(
            f"this dispute is resolved: {dispute.resolution}",
            code="already_resolved",
            current_status=leg.status,
        )


class _Resolved(NamedTuple):
    act_id: str
    view: DisputeView
    recorded: Recorded


def _resolve(
    on: LegContext,
    dispute: DisputeOnLeg,
    body: payloads.DisputeResolution,
    act: NewAct,
    *,
    proposed: str | None = None,
) -> _Resolved:
    """Write how a dispute ends; `proposed` is the act that says so where another approves it."""
    uow, leg = on.uow, on.leg
    act_id = on.store_act(act)
    resolved = dispute._replace(
        resolution=body.resolution,
        resolution_act_id=proposed or act_id,
        resolved_at=uow.now,
    )
    upheld = None
    if body.resolution == "upheld":
        about = OpenDispute(leg.id, dispute.hold_id)
        upheld = addresses_of(about, store.held_places(uow.connection, on.request.id)) or None
    store.change(
        uow.connection,
        dispute.id,
        resolution=resolved.resolution,
        resolution_act_id=resolved.resolution_act_id,
        resolved_at=resolved.resolved_at,
        upheld_addresses=upheld,
    )
    on_request = RequestContext(uow, on.actor, on.request)
    waiting = proposal_store.pending_upholdings(uow.connection, dispute.id)
    is_told = body.resolution != "upheld"
    end_as_moot(on_request, waiting, act_id, but=proposed, is_told=is_told)
    _flag(on, holds=bool(store.open_disputes(uow.connection, leg.id)))
    data = {
        "dispute": dispute.id,
        "hold": dispute.hold_id,
        "resolution": body.resolution,
        "text": body.text,
        "evidence": proofs_of(on_request, [act_id] if proposed is None else [proposed, act_id]),
    }
    recorded = on.record(EventType.LEG_DISPUTE_RESOLVED, data, act_id=act_id)
    refresh_contested(on_request)
    if body.resolution == "upheld":
        refuse_upheld(uow, on.actor, dispute.id)
    review_contested(on, dispute.hold_id)
    bodies = evidence_bodies(uow.connection, uow.vault, [dispute.act_id])
    # What is upheld may wait to be withdrawn from now on.
    now = store.get(uow.connection, dispute.id) or resolved
    task = _tasks(uow.connection, on.request, [now], on.actor.partner).get(dispute.id)
    view = _view(now, bodies.get(dispute.act_id, {}), {"text": body.text}, task)
    answer: DisputeView = {**view, "status": LegStatus(leg.status)}
    return _Resolved(act_id, answer, recorded)


@handles(RecommendRelease, needs=Permission.TIMER_FIRE)
def recommend_release(command: RecommendRelease, actor: Actor, uow: UnitOfWork) -> Answer:
    """Recommend a release if nobody answered in time; do nothing if somebody did.

    The leg stays disputed.
    """
    found = store.get(uow.connection, command.dispute_id)
    on = None if found is None else locked_leg(uow, actor, found.leg_id)
    # Read again under the request's lock: somebody may have answered while we waited for it.
    dispute = store.get(uow.connection, command.dispute_id)
    if (
        on is None
        or dispute is None
        or dispute.resolved_at is not None
        or dispute.release_recommended_at is not None
        or dispute.answer_by > uow.now
    ):
        return Answer(200, {"status": "unchanged"})
    leg = on.leg
    if not ledger_store.load_leg(uow.connection, leg).is_contestable(dispute.hold_id):
        others = [d for d in store.open_disputes(uow.connection, leg.id) if d.id != dispute.id]
        _flag(on, holds=bool(others))
        recorded = resolve_as_moot(on, dispute, LegStatus(leg.status))
        refresh_contested(on.on_request())
        return Answer(200, {"status": leg.status}, entry=recorded)
    act_id = on.store_act(NewAct("recommend_release"))
    store.change(uow.connection, dispute.id, release_recommended_at=uow.now)
    data = {
        "dispute": dispute.id,
        "hold": dispute.hold_id,
        "recommended": True,
        "answer_by": format_time(dispute.answer_by),
        "evidence": proofs_of(on.on_request(), [dispute.act_id]),
    }
    recorded = on.record(EventType.LEG_DISPUTED, data, act_id=act_id)
    return Answer(200, {"status": leg.status}, entry=recorded)


def _require_open_hold(ledger: LegLedger, leg: LegRow, hold_id: str) -> None:
    if hold_id not in {hold.id for _, hold in ledger.linked()}:
        raise NotFoundError("you have no such hold on this request", code="no_such_hold")
    if not ledger.is_contestable(hold_id):
        raise ConflictError(
            "nothing of this hold is held any more, so there is nothing to contest",
            code="hold_ended",
            current_status=leg.status,
        )


def _flag(on: LegContext, *, holds: bool) -> None:
    flags = flags_with(on.leg.flags, LegFlag.DISPUTED, holds=holds)
    leg_store.change(on.uow.connection, on.leg, flags=flags)


def dispute_views(
    connection: Connection, vault: Vault, rows: Sequence[DisputeOnLeg], reader: str
) -> list[DisputeView]:
    """Return disputes on one request with the words of their signed acts."""
    acts = [act for row in rows for act in (row.act_id, row.resolution_act_id) if act is not None]
    bodies = evidence_bodies(connection, vault, acts)
    request = request_store.get(connection, rows[0].request_id) if rows else None
    tasks = {} if request is None else _tasks(connection, request, rows, reader)
    return [
        _view(
            row,
            bodies.get(row.act_id, {}),
            bodies.get(row.resolution_act_id or "", {}),
            tasks.get(row.id),
        )
        for row in rows
    ]


def _tasks(
    connection: Connection, request: FreezeRequestRow, rows: Sequence[DisputeOnLeg], reader: str
) -> dict[str | None, TaskView]:
    """Return the disputes that wait for the requester's answer or withdrawal, by dispute."""
    waiting = [
        Task(
            TaskKind.RESOLVE if row.resolved_at is None else TaskKind.WITHDRAW,
            row.request_id,
            row.id,
        )
        for row in rows
        if row.resolved_at is None or row.withdraw_since is not None
    ]
    return requester_tasks(connection, waiting, requester=request.requester, reader=reader)


def _view(
    row: DisputeOnLeg, raised: JsonObject, resolved: JsonObject, task: TaskView | None
) -> DisputeView:
    """Return one dispute; `raised` and `resolved` are the bodies that were signed."""
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "act_id": row.act_id,
        "hold": row.hold_id,
        "reference": raised.get("reference"),
        "text": raised.get("text"),
        "raised_at": format_time(row.raised_at),
        "answer_by": format_time(row.answer_by),
        "release_recommended_at": optional_time(row.release_recommended_at),
        "resolution": row.resolution,
        "resolution_act_id": row.resolution_act_id,
        "resolution_text": resolved.get("text"),
        "resolved_at": optional_time(row.resolved_at),
        "task": task,
    }
