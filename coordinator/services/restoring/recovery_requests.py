"""Recovery requests: a member asks another to give back deposits that went to the wrong place.

One signed document, one partner, one deposit or thousands. Another person of the requester approves
it; then the partner answers deposit by deposit. Where money goes is in what two persons signed, and
no later act changes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from coordinator.domain.actor import Actor
from coordinator.domain.approval import require_may_approve
from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError
from coordinator.domain.permission import Permission, require
from coordinator.domain.recovery import GIVEN_BACK, DepositAct, RequestAct
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.addition_rules import why_not_askable
from coordinator.services.restoring.deposit_lines import (
    Answering,
    DepositLines,
    MovingDeposit,
    sent_before,
    take_reply,
)
from coordinator.services.restoring.destinations import why_not_sent_to
from coordinator.services.restoring.misplaced_deposits import CheckedDeposit
from coordinator.services.restoring.recovery_context import (
    RecoveryContext,
    new_act_id,
    received,
    sent,
)
from coordinator.services.restoring.recovery_views import AlreadyAskedView, recovery_view
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.restoring import recovery_requests as store
from coordinator.storage.restoring.recovery_requests import Counted
from coordinator.storage.tables.recovery import RecoveryDepositRow
from holdfast.protocol import canonical_json
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.payloads import format_time
from holdfast.protocol.recovery_payloads import (
    DepositAnswer,
    DepositDeclined,
    DepositReturned,
    RecoveryAnswers,
    RecoveryDecision,
    RecoveryReplies,
    RecoveryRequest,
    RecoveryWithdrawal,
)
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Decision, DepositStatus, EventType, RecoveryStatus

_OPEN = DepositStatus.OPEN.value


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRecovery:
    """A signed document whose deposits were checked."""

    document: RecoveryRequest
    deposits: Sequence[CheckedDeposit]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRecovery:
    """Another person of the requester decides."""

    recovery_id: str
    body: RecoveryDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRecovery:
    """The requester takes deposits back."""

    recovery_id: str
    body: RecoveryWithdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRecovery:
    """The partner asked says what it found, needs, declines or returned."""

    recovery_id: str
    body: RecoveryAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRecovery:
    """The requester supplies what was asked for, or says whether the money arrived."""

    recovery_id: str
    body: RecoveryReplies


@handles(SubmitRecovery, needs=Permission.RECOVERY_SUBMIT)
def submit(command: SubmitRecovery, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a document; what was asked of the same partner before is not asked a second time."""
    document = command.document
    _require_askable(uow, actor, document.to)
    already = _already_asked(uow, actor, command)
    taken = [each for each in command.deposits if each.new.no not in already]
    if not taken:
        return _known(uow, actor, already)
    _require_registered(uow, actor, taken)
    key = uow.new_key()
    request = store.insert_request(
        uow.connection,
        id=new_id("rcv"),
        requester=actor.partner,
        partner=document.to,
        status=RecoveryStatus.SUBMITTED.value,
        drill=document.drill,
        content_sha256=uow.evidence.content_sha256,
        document_key_id=key.id,
        submitted_by=actor.subject,
        submitted_by_person=actor.person,
        submitted_by_kid=actor.kid,
        submitted_at=uow.now,
        approve_by=uow.now + uow.policies.recovery.approve_within,
        decided_by=None,
        decided_at=None,
        deposit_count=len(taken),
        awaits_partner=0,
        awaits_requester=0,
        partner_due_at=None,
        requester_due_at=None,
        version=1,
    )
    new = [each.new for each in taken]
    store.insert_deposits(uow.connection, request, new)
    for name, content in store.sealed_words(new):
        uow.seal(key, request.id, name, content)
    uow.seal(key, request.id, "already_asked", canonical_json.dumps(list(already.values())))
    on = RecoveryContext(uow, actor, request)
    act_id = new_act_id()
    told = {
        "act_id": act_id,
        "deposit_count": request.deposit_count,
        "approve_by": format_time(request.approve_by),
    }
    recorded = on.record(EventType.RECOVERY_SUBMITTED, told, actor.partner)
    on.store_act(act_id, "submit_recovery", recorded)
    counted = Counted({DepositStatus.OPEN.value: len(taken)}, {})
    view = recovery_view(request, counted, uow, actor, list(already.values()))
    location = f"/v1/recovery-requests/{request.id}"
    return Answer(201, {**view}, entry=recorded, location=location)


def _require_askable(uow: UnitOfWork, actor: Actor, handle: str) -> None:
    known = partner_store.statuses(uow.connection, [handle]).get(handle)
    fault = why_not_askable(handle, known, asker=actor.partner)
    if fault is not None:
        raise InvalidInputError(
            f"{handle} {fault[0]}",
            code="invalid_partners",
            errors=[FieldFault("/to", *fault)],
        )


def _require_registered(uow: UnitOfWork, actor: Actor, deposits: Sequence[CheckedDeposit]) -> None:
    """Refuse deposits that would go elsewhere than to their sender or a usable destination.

    Raises:
        InvalidInputError: With every one of them.
    """
    elsewhere = {each.elsewhere.key: each.elsewhere for each in deposits if each.elsewhere}
    known = {key: why_not_sent_to(uow, actor.partner, to) for key, to in elsewhere.items()}
    faults = [
        FieldFault(f"/deposits/{each.new.no}/return_to", *fault)
        for each in deposits
        if each.elsewhere and (fault := known[each.elsewhere.key]) is not None
    ]
    if faults:
        raise InvalidInputError(
            f"{len(faults)} deposits would go where nothing may be sent now; nothing was stored",
            code="invalid_deposits",
            errors=faults,
        )


def _require_still_registered(on: RecoveryContext) -> None:
    """Refuse to send a request out whose destinations were closed meanwhile.

    Raises:
        ConflictError: Naming the first of them.
    """
    uow, row = on.uow, on.request
    nos = list(store.deposits(uow.connection, row.id))
    every = store.words_of(uow.connection, uow.vault, row.id, nos).values()
    elsewhere = {
        (words["return_to"], words.get("return_tag"))
        for words in every
        if words["return_to"] != words["sent_from"]
    }
    for account, tag in sorted(elsewhere, key=str):
        fault = why_not_sent_to(uow, row.requester, parse_account(uow.chains, account, tag))
        if fault is not None:
            raise ConflictError(f"{account} {fault[0]}", code=fault[1], current_status=row.status)


def _already_asked(
    uow: UnitOfWork, actor: Actor, command: SubmitRecovery
) -> dict[int, AlreadyAskedView]:
    """Return which deposits the actor's partner asked for before, by their number here.

    Those of a request that nobody approved in time are let go, so that they are asked for anew.
    """
    indexes = [each.new.deposit_index for each in command.deposits]
    found = store.known(uow.connection, actor.partner, command.document.to, indexes, uow.now)
    over = {each.recovery_id for each in found if each.is_over}
    if over:
        store.let_go(uow.connection, over)
    live = {each.deposit_index: each for each in found if not each.is_over}
    already: dict[int, AlreadyAskedView] = {}
    for deposit in command.deposits:
        known = live.get(deposit.new.deposit_index)
        if known is not None:
            already[deposit.new.no] = {
                "no": deposit.new.no,
                "recovery_id": known.recovery_id,
                "deposit_no": known.no,
                "status": DepositStatus(known.status),
            }
    return already


def _known(uow: UnitOfWork, actor: Actor, already: Mapping[int, AlreadyAskedView]) -> Answer:
    """Answer with the request that has the first of deposits all of which are asked for already."""
    views = list(already.values())
    row = store.get(uow.connection, views[0]["recovery_id"])
    if row is None:
        raise AssertionError("read in this very transaction")
    counted = store.counted(uow.connection, [row.id])[row.id]
    return Answer(200, {**recovery_view(row, counted, uow, actor, views)})


@handles(DecideRecovery, needs=Permission.RECOVERY_APPROVE)
def decide(command: DecideRecovery, actor: Actor, uow: UnitOfWork) -> Answer:
    """Send a document out, or end it; by a person who had no hand in it."""
    body = command.body
    on = sent(uow, actor, command.recovery_id, body.content_sha256)
    row = on.request
    is_approved = body.decision is Decision.APPROVE
    after = on.after(RequestAct.APPROVE if is_approved else RequestAct.REJECT)
    require_may_approve(
        actor,
        submitted_by=row.submitted_by,
        owner_of_system=row.submitted_by_person,
        key_grant_proposer=partner_store.key_proposer(uow.connection, row.submitted_by_kid),
    )
    if not is_approved:
        return _end(on, after, "reject_recovery")
    _require_askable(uow, actor, row.partner)
    _require_still_registered(on)
    due_at = uow.policies.recovery.due_at(DepositStatus.OPEN, uow.now)
    if due_at is None:
        raise AssertionError("what is open is due")
    on = on.change(
        status=after.value,
        decided_by=actor.subject,
        decided_at=uow.now,
        awaits_partner=row.deposit_count,
        partner_due_at=due_at,
    )
    store.send_out(uow.connection, row.id, now=uow.now, due_at=due_at)
    act_id = new_act_id()
    approved = on.record(EventType.RECOVERY_APPROVED, {"act_id": act_id}, row.requester)
    on.store_act(act_id, "approve_recovery", approved)
    told = {
        "deposit_count": row.deposit_count,
        "due_at": format_time(due_at),
        "href": uow.link(f"/v1/recovery-requests/{row.id}"),
        "evidence": on.proofs(store.acts_before(uow.connection, row.id)),
    }
    on.record(EventType.RECOVERY_RECEIVED, told, row.partner)
    counted = Counted({_OPEN: row.deposit_count}, {_OPEN: due_at})
    return on.result(act_id, counted, approved)


def _end(on: RecoveryContext, after: RecoveryStatus, kind: str) -> Answer:
    """End a request that never went out: its deposits may be asked for anew."""
    uow, row = on.uow, on.request
    on = on.change(status=after.value, decided_by=on.actor.subject, decided_at=uow.now)
    store.let_go(uow.connection, [row.id])
    act_id = new_act_id()
    recorded = on.record(EventType.RECOVERY_ENDED, {"act_id": act_id}, row.requester)
    on.store_act(act_id, kind, recorded)
    return on.result(act_id, store.counted(uow.connection, [row.id])[row.id], recorded)


@handles(WithdrawRecovery, needs=Permission.RECOVERY_REPLY)
def withdraw(command: WithdrawRecovery, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take deposits back of which nothing was returned; a request that never went out, whole."""
    body = command.body
    on = sent(uow, actor, command.recovery_id, body.content_sha256)
    if RecoveryStatus(on.request.status) is not RecoveryStatus.OPEN:
        after = on.after(RequestAct.WITHDRAW)
        if body.deposits != "all":
            raise ConflictError(
                "nobody was asked yet: withdraw it whole, and submit the others anew",
                code="not_out",
                current_status=on.request.status,
            )
        return _end(on, after, "withdraw_recovery")
    rows = store.deposits(
        uow.connection, on.request.id, None if body.deposits == "all" else body.deposits
    )
    nos = (
        [no for no, row in rows.items() if _may_be_withdrawn(row)]
        if body.deposits == "all"
        else body.deposits
    )
    if not nos:
        raise ConflictError("nothing of it is left to withdraw", code="nothing_left")
    lines = DepositLines(on, rows, "/deposits")
    for no in nos:
        lines.take(no, _take_back)
    return lines.finish("withdraw_recovery", EventType.RECOVERY_REPLIED)


def _take_back(deposit: MovingDeposit) -> None:
    deposit.move(DepositAct.WITHDRAW)
    deposit.values.live = False


def _may_be_withdrawn(row: RecoveryDepositRow) -> bool:
    status = DepositStatus(row.status)
    return status not in GIVEN_BACK and status is not DepositStatus.WITHDRAWN


@handles(AnswerRecovery, needs=Permission.RECOVERY_ANSWER)
def answer(command: AnswerRecovery, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take the partner's answers about deposits, all of them or none."""
    body = command.body
    if any(isinstance(line, DepositDeclined | DepositReturned) for line in body.lines):
        require(Permission.RECOVERY_DISPOSE, actor)
    on = received(uow, actor, command.recovery_id, body.content_sha256)
    on.after(RequestAct.SPEAK)
    nos = sorted({line.no for line in body.lines})
    rows = store.deposits(uow.connection, on.request.id, nos)
    lines = DepositLines(on, rows, "/lines")
    answering = Answering(
        on=on,
        act_id=lines.act_id,
        words=store.words_of(uow.connection, uow.vault, on.request.id, nos),
        elsewhere=_given_back_elsewhere(on, body.lines, rows),
        sent_before=sent_before(on, list(rows.values())),
    )
    for line in body.lines:
        lines.take(line.no, partial(answering.take, line=line))
    return lines.finish("answer_recovery", EventType.RECOVERY_ANSWERED)


def _given_back_elsewhere(
    on: RecoveryContext, lines: Sequence[DepositAnswer], rows: Mapping[int, RecoveryDepositRow]
) -> set[bytes]:
    """Return the deposits among these that the partner gave back upon another request.

    Two members may claim one deposit; the partner's row is locked, so that of two returns at once
    one comes first.
    """
    returned = {line.no for line in lines if isinstance(line, DepositReturned)} & rows.keys()
    if not returned:
        return set()
    partner_store.partner(on.uow.connection, on.request.partner, lock=True)
    indexes = sorted({rows[no].deposit_index for no in returned})
    return store.given_back_elsewhere(on.uow.connection, on.request.partner, on.request.id, indexes)


@handles(ReplyRecovery, needs=Permission.RECOVERY_REPLY)
def reply(command: ReplyRecovery, actor: Actor, uow: UnitOfWork) -> Answer:
    """Take what the requester says of deposits, all of it or none."""
    body = command.body
    on = sent(uow, actor, command.recovery_id, body.content_sha256)
    on.after(RequestAct.SPEAK)
    rows = store.deposits(uow.connection, on.request.id, sorted({line.no for line in body.lines}))
    lines = DepositLines(on, rows, "/lines")
    for line in body.lines:
        lines.take(line.no, partial(take_reply, line=line, act_id=lines.act_id))
    return lines.finish("reply_recovery", EventType.RECOVERY_REPLIED)
