"""Questions: what a partner needs before it can act, and what the requester answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.leg import LegAct, LegFlag, flags_with
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, locked_leg, sent_request
from coordinator.services.core.acts import LegContext, NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import LegView, evidence_bodies
from coordinator.services.requests.legs import change_leg, leg_now, require_leg_act
from coordinator.services.requests.task_views import TaskView, requester_tasks
from coordinator.storage.engine.documents import Vault
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import info_requests as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.info_requests import InfoRequestOnLeg
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, LegStatus, RequestStatus, Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRequester:
    """A partner asked says what it needs before it can act."""

    request_id: str
    body: payloads.InfoRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuestion:
    """The requester answers one question."""

    request_id: str
    info_request_id: str
    body: payloads.InfoAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkReplyLate:
    """The requester did not reply to a question in time."""

    info_request_id: str


class InfoRequestView(TypedDict):
    """A question and its answer (`life_cycle_views.InfoRequestView`).

    `status` and `leg` are in the answers to acts alone.
    """

    id: str
    request_id: str
    leg_id: str
    partner: str
    act_id: str
    asked_at: str
    reply_by: str | None
    late_at: str | None
    missing: Sequence[str]
    text: str | None
    answer_act_id: str | None
    answered_at: str | None
    answer: str | None
    task: TaskView | None
    status: NotRequired[LegStatus]
    leg: NotRequired[LegView]


@handles(AskRequester, needs=Permission.LEG_ASK)
def ask(command: AskRequester, actor: Actor, uow: UnitOfWork) -> Answer:
    """Ask a question; it shows on the leg until it is answered, and acknowledges the leg.

    The partner's clock to its own answer stands meanwhile, and the requester's begins.
    """
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    request, leg = on.request, on.leg
    ledger = ledger_store.load_leg(uow.connection, leg)
    require_leg_act(on, LegAct.ASK, ledger)
    act_id = on.store_act(NewAct(LegAct.ASK.value))
    question = InfoRequestOnLeg(
        id=new_id("inf"),
        request_id=request.id,
        requester=request.requester,
        leg_id=leg.id,
        act_id=act_id,
        asked_at=uow.now,
        reply_by=_reply_by(on),
        late_at=None,
        moot_at=None,
        answer_act_id=None,
        answered_at=None,
        partner=leg.partner,
    )
    store.insert_question(uow.connection, question)
    flags = flags_with(leg.flags, LegFlag.INFO_REQUESTED, holds=True)
    status = change_leg(on, LegAct.ASK, ledger, flags=flags)
    words = {"missing": list(body.missing), "text": body.text}
    data = {
        "info_request": question.id,
        "reply_by": optional_time(question.reply_by),
        "late": False,
        **words,
        "evidence": proofs_of(on.on_request(), [act_id]),
    }
    recorded = on.record(EventType.LEG_INFO_REQUESTED, data, status=status, act_id=act_id)
    task = _tasks(uow.connection, on.request, [question], actor.partner).get(question.id)
    shown = _view(question, words, {}, task)
    answer: InfoRequestView = {**shown, "status": status, "leg": leg_now(on)}
    return Answer(201, answer, entry=recorded)


@handles(AnswerQuestion, needs=Permission.INFO_REQUEST_ANSWER)
def answer(command: AnswerQuestion, actor: Actor, uow: UnitOfWork) -> Answer:
    """Answer a question; the leg's flag goes with its last open question."""
    body = command.body
    on_request = sent_request(uow, actor, command.request_id, body.content_sha256)
    request = on_request.request
    question = store.get(uow.connection, request.id, command.info_request_id)
    leg = None if question is None else leg_store.get(uow.connection, question.leg_id)
    if question is None or leg is None:
        raise NotFoundError("nobody asked this about this request", code="no_such_question")
    if question.answered_at is not None:
        raise ConflictError(
            "this question has its answer; say more in the answer to a new one",
            code="already_answered",
            current_status=leg.status,
        )
    on = on_request.on_leg(leg)
    ledger = ledger_store.load_leg(uow.connection, leg)
    require_leg_act(on, LegAct.ANSWER, ledger)
    act_id = on.store_act(NewAct(LegAct.ANSWER.value))
    store.mark_answered(uow.connection, question.id, act_id, uow.now)
    still_open = store.open_of_leg(uow.connection, leg.id) > 0
    flags = flags_with(leg.flags, LegFlag.INFO_REQUESTED, holds=still_open)
    status = change_leg(on, LegAct.ANSWER, ledger, flags=flags)
    data = {"info_request": question.id, "text": body.text}
    recorded = on.record(EventType.LEG_INFO_PROVIDED, data, status=status, act_id=act_id)
    answered = question._replace(answer_act_id=act_id, answered_at=uow.now)
    asked = evidence_bodies(uow.connection, uow.vault, [question.act_id])
    view = _view(answered, asked.get(question.act_id, {}), {"text": body.text}, None)
    shown: InfoRequestView = {**view, "status": status, "leg": leg_now(on)}
    return Answer(201, shown, entry=recorded)


@handles(MarkReplyLate, needs=Permission.TIMER_FIRE)
def mark_reply_late(command: MarkReplyLate, actor: Actor, uow: UnitOfWork) -> Answer:
    """Tell both sides of a question without a reply; do nothing where somebody was quicker.

    The question stays open, and the partner's clock still stands.
    """
    found = store.by_id(uow.connection, command.info_request_id)
    on = None if found is None else locked_leg(uow, actor, found.leg_id)
    # Read again under the request's lock: somebody may have replied while we waited for it.
    question = store.by_id(uow.connection, command.info_request_id)
    if (
        on is None
        or question is None
        or on.leg.ended
        or question.answered_at is not None
        or question.late_at is not None
        or question.reply_by is None
        or question.reply_by > uow.now
    ):
        return Answer(200, {"status": "unchanged"})
    store.mark_late(uow.connection, question.id, uow.now)
    data = {
        "info_request": question.id,
        "reply_by": optional_time(question.reply_by),
        "late": True,
        "evidence": proofs_of(on.on_request(), [question.act_id]),
    }
    recorded = on.record(EventType.LEG_INFO_REQUESTED, data)
    return Answer(200, {"status": on.leg.status}, entry=recorded)


def _reply_by(on: LegContext) -> datetime:
    """Return until when the requester should reply, by its own desk's clocks."""
    requester = partner_store.statuses(on.uow.connection, [on.request.requester])
    desk = requester[on.request.requester]
    clocks = on.uow.policies.desk_clocks(desk.clocks, desk.jurisdiction)
    return clocks.reply_by(Urgency(on.request.urgency), asked_at=on.uow.now)


def info_request_views(
    connection: Connection, vault: Vault, rows: Sequence[InfoRequestOnLeg], reader: str
) -> list[InfoRequestView]:
    """Return questions on one request with the words of their signed acts."""
    acts = [act for row in rows for act in (row.act_id, row.answer_act_id) if act is not None]
    bodies = evidence_bodies(connection, vault, acts)
    request = request_store.get(connection, rows[0].request_id) if rows else None
    tasks = {} if request is None else _tasks(connection, request, rows, reader)
    return [
        _view(
            row,
            bodies.get(row.act_id, {}),
            bodies.get(row.answer_act_id or "", {}),
            tasks.get(row.id),
        )
        for row in rows
    ]


def _tasks(
    connection: Connection,
    request: FreezeRequestRow,
    rows: Sequence[InfoRequestOnLeg],
    reader: str,
) -> dict[str | None, TaskView]:
    """Return the replies that wait for the requester, by question."""
    is_over = RequestStatus(request.status) in ENDED
    waiting = [
        Task(TaskKind.REPLY, row.request_id, row.id)
        for row in rows
        if row.answered_at is None and not is_over
    ]
    return requester_tasks(connection, waiting, requester=request.requester, reader=reader)


def _view(
    row: InfoRequestOnLeg, asked: JsonObject, answer: JsonObject, task: TaskView | None
) -> InfoRequestView:
    """Return one question; `asked` and `answer` are the bodies that were signed."""
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "act_id": row.act_id,
        "asked_at": format_time(row.asked_at),
        "reply_by": optional_time(row.reply_by),
        "late_at": optional_time(row.late_at),
        "missing": asked.get("missing", []),
        "text": asked.get("text"),
        "answer_act_id": row.answer_act_id,
        "answered_at": optional_time(row.answered_at),
        "answer": answer.get("text"),
        "task": task,
    }
