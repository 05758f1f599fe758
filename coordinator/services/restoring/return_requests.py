"""A partner is asked to send held funds back: by two persons, to a registered account, answered.

What it says is the evidence of its act, on the leg of the partner that is asked. Before another
person approved it the partner hears nothing of it, and neither do its acts stand in its evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.approval import require_may_approve
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    InvalidTransitionError,
    NotFoundError,
    PermissionDeniedError,
    StaleDocumentError,
)
from coordinator.domain.freeze_request import Ratification
from coordinator.domain.permission import Permission
from coordinator.domain.return_request import (
    Asked,
    Free,
    ReturnAction,
    accepted_sum,
    faults_of,
    is_all,
    next_status,
)
from coordinator.services.core.access import asked_leg, locked_leg, sent_request
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.requests.gateways import untold_legs
from coordinator.services.restoring.destinations import usable_destination
from coordinator.services.restoring.return_views import return_view, sent_sum
from coordinator.services.restoring.returns_in_the_way import what_stands_in_the_way
from coordinator.storage.ledger import freeze_ledger as ledger_store
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.restoring import return_requests as store
from coordinator.storage.tables.freeze_requests import LegRow
from coordinator.storage.tables.restoring import ReturnRequestRow
from holdfast.protocol import return_payloads as payloads
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.format_errors import AccountError, AssetError
from holdfast.protocol.payloads import format_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Decision, EventType, RequestStatus, ReturnStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReturn:
    """The requester asks a partner to send held funds back."""

    request_id: str
    body: payloads.ReturnAsk


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideReturn:
    """Another person of the requester decides on it."""

    request_id: str
    return_id: str
    body: payloads.ReturnDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawReturn:
    """The requester asks it no more, before it is answered."""

    request_id: str
    return_id: str
    body: payloads.ReturnEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireReturn:
    """Nobody approved it in time."""

    return_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReturn:
    """The partner accepts, all or a part, or refuses."""

    request_id: str
    return_id: str
    body: payloads.ReturnAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeReturn:
    """The requester wants nothing sent any more, and nothing was."""

    request_id: str
    return_id: str
    body: payloads.ReturnEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmReturn:
    """What was sent arrived, or it did not."""

    request_id: str
    return_id: str
    body: payloads.ReturnReceipt


@handles(AskReturn, needs=Permission.RETURN_ASK)
def ask(command: AskReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store what is asked; another person approves it before the partner hears of it."""
    _require_person(actor)
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    _require_asking(on)
    if on.request.drill:
        raise ConflictError(
            "a drill moves no money: nothing of it is asked back",
            code="drill",
            current_status=on.request.status,
        )
    leg = leg_store.of_partner(uow.connection, on.request.id, body.to)
    if leg is None:
        raise NotFoundError("this request does not ask that partner", code="no_such_leg")
    asset = _checked(uow, actor, body)
    _require_somebody_else(uow, actor)
    _require_held(on.on_leg(leg), body, asset)
    act_id = on.on_leg(leg).store_act(NewAct("ask_return"))
    row = store.insert_request(
        uow.connection,
        id=new_id("ret"),
        request_id=on.request.id,
        leg_id=leg.id,
        requester=on.request.requester,
        partner=leg.partner,
        status=ReturnStatus.SUBMITTED.value,
        act_id=act_id,
        act_sha256=uow.evidence.content_sha256,
        asset=asset,
        amount=None if body.amount == "all" else int(body.amount),
        destination_id=body.destination.id,
        asked_by=actor.subject,
        asked_kid=actor.kid,
        asked_at=uow.now,
        void_at=uow.now + uow.policies.approve_return_within,
    )
    recorded = on.record(EventType.RETURN_SUBMITTED, _told(row, leg), act_id=act_id)
    return _answer(on, row, recorded, said=body.model_dump(mode="json", exclude_unset=True))


@handles(DecideReturn, needs=Permission.RETURN_APPROVE)
def decide(command: DecideReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have the partner asked, or not; the destination has to be good now."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    row, leg = _of_request(on, command.return_id)
    require_may_approve(
        actor,
        submitted_by=row.asked_by,
        key_grant_proposer=partner_store.key_proposer(uow.connection, row.asked_kid),
    )
    is_yes = body.decision is Decision.APPROVE
    action = ReturnAction.APPROVE if is_yes else ReturnAction.REJECT
    after = next_status(_present(row, uow), action)
    _require_same_act(row, body.act_sha256)
    if not is_yes:
        act_id = on.on_leg(leg).store_act(NewAct("reject_return"))
        row = _decided(uow, row, after, actor, act_id, ended_at=uow.now)
        recorded = on.record(EventType.RETURN_ENDED, _told(row, leg), act_id=act_id)
        return _answer(on, row, recorded)
    _require_asking(on)
    usable_destination(uow, actor.partner, row.destination_id)
    on_leg = on.on_leg(leg)
    act_id = on_leg.store_act(NewAct("approve_return"))
    answer_by = uow.now + uow.policies.answer_return_within
    row = _decided(uow, row, after, actor, act_id, opened_at=uow.now, answer_by=answer_by)
    told = {
        **_told(row, leg),
        **_said(uow, row),
        "evidence": proofs_of(on, [row.act_id, act_id]),
    }
    recorded = on_leg.record(EventType.RETURN_OPENED, told, act_id=act_id)
    return _answer(on, row, recorded)


@handles(WithdrawReturn, needs=Permission.RETURN_ASK)
def withdraw(command: WithdrawReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """Ask it no more; where the partner knows of it, it is told."""
    _require_person(actor)
    on = sent_request(uow, actor, command.request_id, command.body.content_sha256)
    row, leg = _of_request(on, command.return_id)
    after = next_status(_present(row, uow), ReturnAction.WITHDRAW)
    act_id = on.on_leg(leg).store_act(NewAct("withdraw_return"))
    if row.opened_at is None:
        row = _decided(uow, row, after, actor, act_id, ended_at=uow.now)
        recorded = on.record(EventType.RETURN_ENDED, _told(row, leg), act_id=act_id)
    else:
        row = _move(uow, row, after, ended_at=uow.now)
        recorded = on.on_leg(leg).record(EventType.RETURN_ENDED, _told(row, leg), act_id=act_id)
    return _answer(on, row, recorded)


@handles(ExpireReturn, needs=Permission.TIMER_FIRE)
def expire(command: ExpireReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """End what nobody approved in time; do nothing if somebody decided meanwhile."""
    found = store.get(uow.connection, command.return_id)
    on_leg = None if found is None else locked_leg(uow, actor, found.leg_id)
    # Read again under the request's lock: somebody may have decided while we waited for it.
    row = store.get(uow.connection, command.return_id)
    is_due = row is not None and row.status == ReturnStatus.SUBMITTED and row.void_at <= uow.now
    if on_leg is None or row is None or not is_due:
        return Answer(200, {"status": "unchanged"})
    after = next_status(ReturnStatus.SUBMITTED, ReturnAction.EXPIRE)
    act_id = on_leg.store_act(NewAct("expire_return"))
    row = _move(uow, row, after, decided_act_id=act_id, ended_at=uow.now)
    told = _told(row, on_leg.leg)
    recorded = on_leg.on_request().record(EventType.RETURN_ENDED, told, act_id=act_id)
    return Answer(200, {"status": row.status}, entry=recorded)


@handles(AnswerReturn, needs=Permission.RETURN_ANSWER)
def answer(command: AnswerReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """Promise by hold what is sent back, or refuse; a promise is kept by returned lines."""
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    row = _of_leg(on, command.return_id)
    _require_same_act(row, body.act_sha256)
    if body.decision == "refuse":
        return _refuse(on, row, body)
    said = [
        (part.hold, None if part.amount is None else int(part.amount)) for part in body.parts or ()
    ]
    _require_asking(on.on_request())
    asked = _asked(on, row)
    action = ReturnAction.ACCEPT if is_all(said, asked) else ReturnAction.ACCEPT_PART
    after = next_status(_present(row, uow), action)
    _require_possible(on, row, said, asked)
    act_id = on.store_act(NewAct("answer_return"))
    store.store_parts(uow.connection, row.id, said)
    row = _move(uow, row, after, answered_at=uow.now, answer_act_id=act_id)
    return _answered(on, row, act_id)


def _refuse(on: LegContext, row: ReturnRequestRow, body: payloads.ReturnAnswer) -> Answer:
    present = _present(row, on.uow)
    is_after = present is ReturnStatus.SUSPENDED
    after = next_status(present, ReturnAction.PREVAIL if is_after else ReturnAction.REFUSE)
    act_id = on.store_act(NewAct("answer_return"))
    code = None if body.code is None else body.code.value
    now = on.uow.now
    row = _move(on.uow, row, after, answered_at=now, answer_act_id=act_id, code=code, ended_at=now)
    return _answered(on, row, act_id, text=body.text)


def _answered(
    on: LegContext, row: ReturnRequestRow, act_id: str, *, text: str | None = None
) -> Answer:
    parts = store.parts(on.uow.connection, [row.id]).get(row.id, [])
    told = {
        **_told(row, on.leg),
        "code": row.code,
        "text": text,
        "accepted": str(sum(part.accepted or 0 for part in parts)),
        "evidence": proofs_of(on.on_request(), [act_id]),
    }
    recorded = on.record(EventType.RETURN_ANSWERED, told, act_id=act_id)
    return _answer(on.on_request(), row, recorded)


@handles(RevokeReturn, needs=Permission.RETURN_APPROVE)
def revoke(command: RevokeReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take back what was accepted, while nothing of it is sent; what is held stays held."""
    _require_person(actor)
    on = sent_request(uow, actor, command.request_id, command.body.content_sha256)
    row, leg = _of_request(on, command.return_id)
    after = next_status(_present(row, uow), ReturnAction.REVOKE)
    if row.sent_at is not None:
        raise ConflictError(
            "something was sent already: confirm what arrives, or say that it did not",
            code="already_sent",
            current_status=row.status,
        )
    act_id = on.on_leg(leg).store_act(NewAct("revoke_return"))
    row = _move(uow, row, after, ended_at=uow.now)
    told = {**_told(row, leg), "evidence": proofs_of(on, [act_id])}
    recorded = on.on_leg(leg).record(EventType.RETURN_ENDED, told, act_id=act_id)
    return _answer(on, row, recorded)


@handles(ConfirmReturn, needs=Permission.RETURN_CONFIRM)
def confirm(command: ConfirmReturn, actor: Actor, uow: UnitOfWork) -> Answer:
    """Say that all that was sent arrived, which settles it, or that it did not."""
    _require_person(actor)
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    row, leg = _of_request(on, command.return_id)
    action = ReturnAction.RECEIVE if body.received else ReturnAction.MISS
    after = next_status(_present(row, uow), action)
    _require_sent(uow, row, body)
    act_id = on.on_leg(leg).store_act(NewAct("confirm_return"))
    ended_at = uow.now if body.received else None
    row = _move(uow, row, after, receipt_act_id=act_id, ended_at=ended_at)
    told = {
        **_told(row, leg),
        "received": body.received,
        "amount": body.amount,
        "text": body.text,
        "evidence": proofs_of(on, [act_id]),
    }
    recorded = on.on_leg(leg).record(EventType.RETURN_RECEIVED, told, act_id=act_id)
    return _answer(on, row, recorded)


def _require_sent(uow: UnitOfWork, row: ReturnRequestRow, body: payloads.ReturnReceipt) -> None:
    if row.sent_at is None:
        raise ConflictError(
            "nothing was sent yet, as far as the partner's lines say",
            code="nothing_sent",
            current_status=row.status,
        )
    sent = sent_sum(store.parts(uow.connection, [row.id]).get(row.id, []))
    if int(body.amount) != sent:
        raise ConflictError(
            f"the partner's lines say that {sent} base units were sent, and not {body.amount}: read"
            " them, compare them with what arrived, and sign that",
            code="other_amount",
            current_status=row.status,
        )


def _require_person(actor: Actor) -> None:
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError("asking money back takes people, not a system or a root key")


def _require_somebody_else(uow: UnitOfWork, actor: Actor) -> None:
    excluded = {each for each in (actor.person, actor.key_proposer) if each is not None}
    if not partner_store.eligible_leads(uow.connection, actor.partner, excluded):
        raise ConflictError(
            "no other security lead could approve this return request: have another one granted,"
            " or let somebody else ask",
            code="too_few_leads",
        )


def _require_asking(on: RequestContext) -> None:
    """Refuse where the request asks nothing any more, or nobody stands by it yet."""
    is_live = on.request.status == RequestStatus.ACTIVE
    if is_live and on.ratification is Ratification.SETTLED:
        return
    shown = on.request.status if not is_live else on.ratification.value
    raise InvalidTransitionError(
        f"the request is {shown}: money is asked back while it is active and approved",
        current_status=on.request.status,
    )


def _require_same_act(row: ReturnRequestRow, act_sha256: str) -> None:
    if row.act_sha256 != act_sha256:
        raise StaleDocumentError(
            "act_sha256 is not the hash of what is asked; read its evidence, show it to whoever"
            " decides, and hash its very body",
            code="other_return",
            current_status=row.status,
        )


def _checked(uow: UnitOfWork, actor: Actor, body: payloads.ReturnAsk) -> str:
    """Return the asset in its canonical form.

    Raises:
        InvalidInputError: If asset, amount, account or proof is none, or they do not fit together.
        ConflictError: If the destination may not be used now.
    """
    faults: list[FieldFault] = []
    asset, account = _asset(uow, body, faults), _account(uow, body, faults)
    if body.amount == "0":
        faults.append(FieldFault("/amount", "must be at least 1, or all", "zero_amount"))
    if not faults and account is not None and not asset.startswith(f"{account.chain.caip2}/"):
        detail = "is on another chain than the asset"
        faults.append(FieldFault("/destination/account", detail, "wrong_chain"))
    if faults or account is None:
        raise InvalidInputError("this return request cannot be carried out", errors=faults)
    registered = usable_destination(uow, actor.partner, body.destination.id)
    if registered.key != account.key:
        detail = "is not the account of this destination"
        raise InvalidInputError(
            f"the account {detail}",
            errors=[FieldFault("/destination/account", detail, "other_account")],
        )
    return asset


def _asset(uow: UnitOfWork, body: payloads.ReturnAsk, faults: list[FieldFault]) -> str:
    try:
        return parse_asset(uow.chains, body.asset)
    except AssetError as error:
        faults.append(FieldFault("/asset", error.message, error.code))
        return body.asset


def _account(uow: UnitOfWork, body: payloads.ReturnAsk, faults: list[FieldFault]) -> Account | None:
    """Return the account that is to be sent to; None, with what is wrong, where it is none."""
    if isinstance(body.basis, payloads.OwnerAgreed):
        try:
            parse_account(uow.chains, body.basis.proof.account)
        except AccountError as error:
            faults.append(FieldFault("/basis/proof/account", error.message, error.code))
    try:
        return parse_account(uow.chains, body.destination.account, body.destination.tag)
    except AccountError as error:
        where = "tag" if error.code == "bad_tag" and body.destination.tag else "account"
        faults.append(FieldFault(f"/destination/{where}", error.message, error.code))
        return None


def _require_held(on: LegContext, body: payloads.ReturnAsk, asset: str) -> None:
    """Refuse what asks for holds that are not there, or for more than they hold."""
    free = _free(on, asset)
    named = sorted(free) if body.holds == "all" else body.holds
    missing = [
        FieldFault(
            f"/holds/{place}", "is no open hold of this partner in the asset", "no_such_hold"
        )
        for place, hold in enumerate(named)
        if hold not in free
    ]
    if missing:
        raise InvalidInputError("a hold is none that could be sent back", errors=missing)
    if not named:
        raise ConflictError(
            "as far as it reported, the partner holds nothing of this asset for this request",
            code="nothing_held",
        )
    known = [free[hold].held for hold in named]
    if body.amount != "all" and None not in known and int(body.amount) > sum(x or 0 for x in known):
        detail = f"is more than is held: {sum(each or 0 for each in known)} base units"
        raise InvalidInputError(
            f"the amount {detail}", errors=[FieldFault("/amount", detail, "beyond_held")]
        )


def _free(on: LegContext, asset: str) -> dict[str, Free]:
    """Return what there is of each open hold of a leg in an asset that is still asked for."""
    connection = on.uow.connection
    ledger = ledger_store.load_leg(connection, on.leg)
    taken_back = request_store.withdrawn_addresses(connection, on.request.id)
    holds = {
        hold.id: hold
        for number, hold in ledger.linked()
        if hold.is_open and hold.asset == asset and number not in taken_back
    }
    promised: dict[str, int] = dict.fromkeys(holds, 0)
    rows = store.promised_on(connection, holds)
    for parts in store.parts(connection, [row.id for row in rows]).values():
        for part in parts:
            if part.hold_id in promised:
                promised[part.hold_id] += part.left
    return {
        hold_id: Free(None if hold.withheld else hold.held, promised[hold_id])
        for hold_id, hold in holds.items()
    }


def _asked(on: LegContext, row: ReturnRequestRow) -> Asked:
    uow = on.uow
    free = _free(on, row.asset)
    if untold_legs(uow.connection, uow.policies, uow.now, [on.leg.id]):
        # Told before, and not any more: what is promised of it is not told either.
        free = {hold: each._replace(held=None) for hold, each in free.items()}
    named = _said(on.uow, row).get("holds", "all")
    if named != "all":
        free = {hold: each for hold, each in free.items() if hold in set(named)}
    return Asked(row.amount, free)


def _require_possible(
    on: LegContext, row: ReturnRequestRow, said: Sequence[tuple[str, int | None]], asked: Asked
) -> None:
    """Refuse a promise that could not be kept, or that something stands in the way of."""
    found = [
        FieldFault(f"/parts/{each.place}/{each.member}", each.detail, each.code)
        for each in faults_of(said, asked)
    ]
    if asked.amount is not None and accepted_sum(said) > asked.amount:
        detail = f"come to more than is asked, {asked.amount} base units"
        found.append(FieldFault("/parts", detail, "beyond_asked"))
    if found:
        raise InvalidInputError(
            f"this cannot be promised: {found[0].detail}", code="bad_parts", errors=found
        )
    wanted = {
        hold: None if amount is None else amount + asked.holds[hold].promised
        for hold, amount in said
    }
    what_stands_in_the_way(on.uow, wanted).require_nothing(row.status)


def _of_request(on: RequestContext, return_id: str) -> tuple[ReturnRequestRow, LegRow]:
    row = store.get(on.uow.connection, return_id, request_id=on.request.id)
    leg = None if row is None else leg_store.get(on.uow.connection, row.leg_id)
    if row is None or leg is None:
        raise _no_such()
    return row, leg


def _of_leg(on: LegContext, return_id: str) -> ReturnRequestRow:
    row = store.get(on.uow.connection, return_id, request_id=on.request.id)
    if row is None or row.leg_id != on.leg.id or row.opened_at is None:
        raise _no_such()
    return row


def _no_such() -> NotFoundError:
    return NotFoundError(
        "this request has no such return request, or none that you may see", code="no_such_return"
    )


def _present(row: ReturnRequestRow, uow: UnitOfWork) -> ReturnStatus:
    """Return how one stands now: what nobody approved in time is over before its timer fires."""
    status = ReturnStatus(row.status)
    is_late = status is ReturnStatus.SUBMITTED and row.void_at <= uow.now
    return ReturnStatus.EXPIRED if is_late else status


def _decided(
    uow: UnitOfWork,
    row: ReturnRequestRow,
    after: ReturnStatus,
    actor: Actor,
    act_id: str,
    **values: Any,
) -> ReturnRequestRow:
    decided = {"decided_by": actor.subject, "decided_at": uow.now, "decided_act_id": act_id}
    return _move(uow, row, after, **decided, **values)


def _move(
    uow: UnitOfWork, row: ReturnRequestRow, after: ReturnStatus, **values: Any
) -> ReturnRequestRow:
    if not store.change(uow.connection, row, after, **values):
        raise ConflictError("somebody else was quicker; look again", current_status=row.status)
    moved = store.get(uow.connection, row.id)
    if moved is None:
        raise AssertionError("changed in this very transaction")
    return moved


def _told(row: ReturnRequestRow, leg: LegRow) -> dict[str, object]:
    """Return what every event about one tells."""
    return {
        "return_request": row.id,
        "return_status": row.status,
        "to": leg.partner,
        "asset": row.asset,
        "asked_amount": "all" if row.amount is None else str(row.amount),
        "answer_by": None if row.answer_by is None else format_time(row.answer_by),
    }


def _said(uow: UnitOfWork, row: ReturnRequestRow) -> JsonObject:
    """Return what the body that asks says of holds, destination and ground."""
    body = evidence_bodies(uow.connection, uow.vault, [row.act_id]).get(row.act_id, {})
    return {name: body[name] for name in ("holds", "destination", "basis") if name in body}


def _answer(
    on: RequestContext,
    row: ReturnRequestRow,
    recorded: Recorded,
    *,
    said: JsonObject | None = None,
) -> Answer:
    """Answer with the return request as a read right after shows it."""
    connection = on.uow.connection
    words = dict(said) if said is not None else dict(_said(on.uow, row))
    parts = store.parts(connection, [row.id]).get(row.id, [])
    causes = store.told_causes(connection, [row.id] if row.suspended_because else [])
    view = return_view(row, words, parts, because=causes.get(row.id), is_drill=on.request.drill)
    return Answer(201, {**view}, entry=recorded)
