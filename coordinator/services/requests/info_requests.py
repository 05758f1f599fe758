"""Questions: what a partner needs before it can act, and what the requester answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.leg import LegAct, LegFlag, flags_with
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg, sent_request
from coordinator.services.core.acts import NewAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.freeze_request_views import LegView, evidence_bodies
from coordinator.services.requests.legs import change_leg, leg_now, require_leg_act
from coordinator.storage.engine.documents import Vault
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.requests import info_requests as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.info_requests import InfoRequestOnLeg
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, LegStatus


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
    missing: Sequence[str]
    text: str | None
    answer_act_id: str | None
    answered_at: str | None
    answer: str | None
    status: NotRequired[LegStatus]
    leg: NotRequired[LegView]


@handles(AskRequester, needs=Permission.LEG_ASK)
def ask(command: AskRequester, actor: Actor, uow: UnitOfWork) -> Answer:
    """Ask a question; it shows on the leg until it is answered, and acknowledges the leg."""
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    request, leg = on.request, on.leg
    ledger = ledger_store.load_leg(uow.connection, leg)
    require_leg_act(on, LegAct.ASK, ledger)
    act_id = on.store_act(NewAct(LegAct.ASK.value))
    question = InfoRequestOnLeg(
        id=new_id("inf"),
        request_id=request.id,
        leg_id=leg.id,
        act_id=act_id,
        asked_at=uow.now,
        reply_by=None,
        late_at=None,
        answer_act_id=None,
        answered_at=None,
        partner=leg.partner,
    )
    store.insert_question(uow.connection, question)
    flags = flags_with(leg.flags, LegFlag.INFO_REQUESTED, holds=True)
    status = change_leg(on, LegAct.ASK, ledger, flags=flags)
    words = {"missing": list(body.missing), "text": body.text}
    data = {"info_request": question.id, **words}
    recorded = on.record(EventType.LEG_INFO_REQUESTED, data, status=status, act_id=act_id)
    shown = _view(question, words, {})
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
    view = _view(answered, asked.get(question.act_id, {}), {"text": body.text})
    shown: InfoRequestView = {**view, "status": status, "leg": leg_now(on)}
    return Answer(201, shown, entry=recorded)


def info_request_views(
    connection: Connection, vault: Vault, rows: Sequence[InfoRequestOnLeg]
) -> list[InfoRequestView]:
    """Return questions with the words of their signed acts."""
    acts = [act for row in rows for act in (row.act_id, row.answer_act_id) if act is not None]
    bodies = evidence_bodies(connection, vault, acts)
    return [
        _view(row, bodies.get(row.act_id, {}), bodies.get(row.answer_act_id or "", {}))
        for row in rows
    ]


def _view(row: InfoRequestOnLeg, asked: JsonObject, answer: JsonObject) -> InfoRequestView:
    """Return one question; `asked` and `answer` are the bodies that were signed."""
    return {
        "id": row.id,
        "request_id": row.request_id,
        "leg_id": row.leg_id,
        "partner": row.partner,
        "act_id": row.act_id,
        "asked_at": format_time(row.asked_at),
        "missing": asked.get("missing", []),
        "text": asked.get("text"),
        "answer_act_id": row.answer_act_id,
        "answered_at": optional_time(row.answered_at),
        "answer": answer.get("text"),
    }
