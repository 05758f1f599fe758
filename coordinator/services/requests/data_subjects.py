"""Data-subject requests: a person wrote, and each requester concerned answers.

A member, or the operator, passes on that somebody asks for access, rectification, objection or
erasure about an account. Whoever asked to freeze it is the controller of that statement, and has a
task until it has signed what it decides. Nobody learns from passing a letter on which accounts are
flagged: the answer, what is recorded and how long it takes are the same whether there are any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypedDict

from coordinator.domain.actor import Actor, Viewer
from coordinator.domain.data_subject import ACTION_OF, next_status
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.access import readable_request, sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.storage.engine.documents import load
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import data_subjects as store
from coordinator.storage.requests import flagged_accounts
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests import sealed_evidence as sealed_store
from coordinator.storage.requests.data_subjects import NewCase
from coordinator.storage.requests.flagged_accounts import Place
from coordinator.storage.tables.data_subjects import DataSubjectCaseRow, DataSubjectRequestRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.data_subject_payloads import DataSubjectAnswer, DataSubjectRequest
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import (
    DataSubjectDecision,
    DataSubjectKind,
    DataSubjectReason,
    DataSubjectStatus,
    EventType,
)

#: Who passed a letter on that reached no member.
OPERATOR = "operator"
_DAY = timedelta(days=1)
#: An entry of the log looks told to so many, however many requesters are: a network has fewer.
_SEEMS_TOLD = 17
_NONE = "there is no such data-subject request, or none that you may see"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDataSubjectRequest:
    """A member passes on that a person wrote to it."""

    body: DataSubjectRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOnDataSubjectRequest:
    """The operator passes on that a person wrote to it."""

    body: DataSubjectRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDataSubject:
    """A requester says what it decides on what a person asks about one of its requests."""

    request_id: str
    data_subject_request_id: str
    body: DataSubjectAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkDataSubjectOverdue:
    """Nobody decided in time."""

    data_subject_request_id: str
    request_id: str


class DataSubjectCaseView(TypedDict):
    """What one requester has to answer (`data_subject_views.DataSubjectCaseView`)."""

    request_id: str
    requester: str
    address_no: int | None
    status: DataSubjectStatus
    due_at: str
    extended_at: str | None
    overdue_at: str | None
    answered_at: str | None
    reason: DataSubjectReason | None
    act_id: str | None
    letter: str | None


class DataSubjectRequestView(TypedDict):
    """What a person asks for (`data_subject_views.DataSubjectRequestView`)."""

    id: str
    kind: DataSubjectKind
    passed_on_by: str
    reference: str | None
    account: str | None
    request_id: str | None
    received_at: str
    recorded_at: str
    due_at: str
    cases: Sequence[DataSubjectCaseView]


# ---------- passing on ----------


@handles(RecordDataSubjectRequest, needs=Permission.DATA_SUBJECT_RECORD)
def record(command: RecordDataSubjectRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Pass a letter on to every requester that states something of its account.

    One entry of the log and one event tell all of them, and whoever passed it on, the same.
    """
    body = command.body
    partner = partner_store.partner(uow.connection, actor.partner)
    if partner is None:
        raise NotFoundError("there is no such partner")
    most = uow.policies.data_subjects_a_day
    if store.count_since(uow.connection, actor.partner, uow.now - _DAY) >= most:
        raise ConflictError(
            f"a member passes on {most} letters a day at most; the next ones go on tomorrow",
            code="too_many_data_subject_requests",
        )
    requests = _concerned(uow, body, actor.viewer)
    _require_letter(uow, actor, body, requests)
    letter = _insert(uow, body, actor.partner, requests)
    key = uow.key(partner.document_key_id)
    uow.seal(key, letter.id, store.WORDS, _words(body))
    told = _told(uow, letter)
    audience = [actor.partner, *(request.requester for request, _ in requests)]
    recorded = uow.record(EventType.DATA_SUBJECT_RECEIVED, told, key=key, audience=audience)
    recorded.seems_told = _SEEMS_TOLD
    act = MemberAct(new_id("act"), "record_data_subject", letter.id)
    store_member_act(uow, actor, act, key, recorded)
    return Answer(201, _views_of(uow, actor, letter, body), entry=recorded)


@handles(PassOnDataSubjectRequest, needs=Permission.DATA_SUBJECT_FORWARD)
def pass_on(command: PassOnDataSubjectRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Do the same for the operator, which reads whom it concerns: it knows that anyway.

    Raises:
        NotFoundError: If no request states anything of the account; then nothing is stored.
    """
    del actor
    body = command.body
    requests = _concerned(uow, body, None)
    if not requests:
        raise NotFoundError("no freeze request states anything of it: answer the person yourself")
    letter = _insert(uow, body, None, requests)
    first, _ = requests[0]
    key = uow.key(first.document_key_id)
    uow.seal(key, letter.id, store.WORDS, _words(body))
    requesters = sorted({request.requester for request, _ in requests})
    recorded = uow.record(
        EventType.DATA_SUBJECT_RECEIVED, _told(uow, letter), key=uow.new_key(), audience=requesters
    )
    answer = {"id": letter.id, "requesters": requesters, "due_at": format_time(letter.due_at)}
    return Answer(201, answer, entry=recorded)


class _Letter(NamedTuple):
    """What was passed on, as it is stored."""

    id: str
    partner: str | None
    kind: str
    request_id: str | None
    received_at: datetime
    recorded_at: datetime
    due_at: datetime


def _concerned(
    uow: UnitOfWork, body: DataSubjectRequest, viewer: Viewer | None
) -> list[tuple[FreezeRequestRow, int | None]]:
    """Return the requests that a letter concerns, each with the address it names.

    Drills name no real person's account.

    Args:
        uow: Locks them: none is erased meanwhile.
        body: What was passed on.
        viewer: Who names a request, and must see it; None: the operator.
    """
    if body.received_at > uow.now:
        raise _fault("/received_at", "lies ahead: state when the letter reached you", "in_future")
    places = _places(uow, body, viewer)
    rows = request_store.lock_all(uow.connection, {place.request_id for place in places})
    found: dict[str, tuple[FreezeRequestRow, int | None]] = {}
    for place in places:
        row = rows.get(place.request_id)
        if row is not None and row.erased_at is None and not row.drill:
            number = None if body.account is None else place.address_no
            found.setdefault(row.id, (row, number))
    return list(found.values())


def _places(uow: UnitOfWork, body: DataSubjectRequest, viewer: Viewer | None) -> Sequence[Place]:
    connection = uow.connection
    if body.request_id is not None:
        if viewer is not None:
            row, _ = readable_request(connection, viewer, body.request_id)
            if row.drill:
                raise _fault("/request_id", "is a drill, and about nobody", "drill")
        return [Place(body.request_id, 0)]
    try:
        account = parse_account(uow.chains, body.account or "")
    except AccountError as error:
        raise _fault("/account", error.message, error.code) from None
    return flagged_accounts.places_of(connection, uow.vault.blind_index(account.key))


def _require_letter(
    uow: UnitOfWork,
    actor: Actor,
    body: DataSubjectRequest,
    requests: Sequence[tuple[FreezeRequestRow, int | None]],
) -> None:
    """Refuse a letter that the requester cannot open."""
    if body.letter is None or body.request_id is None:
        return
    found = sealed_store.find(uow.connection, body.request_id, body.letter, reader=actor.partner)
    recipients = sealed_store.recipients_of(uow.connection, [body.letter]).get(body.letter, [])
    requesters = {request.requester for request, _ in requests}
    if (
        found is None
        or found.partner != actor.partner
        or not requesters <= {each.partner for each in recipients}
    ):
        raise _fault(
            "/letter",
            "is nothing that you sealed to the requester on this request: seal the letter to it"
            " first (POST …/sealed-evidence)",
            "no_letter",
        )


def _insert(
    uow: UnitOfWork,
    body: DataSubjectRequest,
    partner: str | None,
    requests: Sequence[tuple[FreezeRequestRow, int | None]],
) -> _Letter:
    due_at = uow.policies.answer_person_by(body.received_at)
    letter = _Letter(
        id=new_id("dsr"),
        partner=partner,
        kind=body.kind.value,
        request_id=body.request_id,
        received_at=body.received_at,
        recorded_at=uow.now,
        due_at=due_at,
    )
    store.insert_letter(uow.connection, **letter._asdict())
    store.insert_cases(
        uow.connection,
        [
            NewCase(
                data_subject_request_id=letter.id,
                request_id=request.id,
                requester=request.requester,
                address_no=number,
                status=DataSubjectStatus.OPEN,
                routed_at=uow.now,
                due_at=due_at,
                letter_id=body.letter,
            )
            for request, number in requests
        ],
    )
    return letter


def _told(uow: UnitOfWork, letter: _Letter) -> dict[str, object]:
    return {
        "data_subject_request": letter.id,
        "kind": letter.kind,
        "received_at": format_time(letter.received_at),
        "due_at": format_time(letter.due_at),
        "href": uow.link(f"/v1/data-subject-requests/{letter.id}"),
    }


def _words(body: DataSubjectRequest) -> bytes:
    return canonical_json.dumps({"account": body.account, "reference": body.reference})


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    return InvalidInputError(
        f"{pointer.removeprefix('/')} {detail}", errors=[FieldFault(pointer, detail, code)]
    )


# ---------- answering ----------


@handles(AnswerDataSubject, needs=Permission.DATA_SUBJECT_ANSWER)
def answer(command: AnswerDataSubject, actor: Actor, uow: UnitOfWork) -> Answer:
    """Sign what is decided; whoever passed the letter on hears of it where the request asks it."""
    body = command.body
    on = sent_request(uow, actor, command.request_id, body.content_sha256)
    letter, case = _case_of(on, command.data_subject_request_id)
    if case is None or letter is None:
        raise NotFoundError(_NONE, code="no_such_data_subject_request")
    after = next_status(DataSubjectStatus(case.status), ACTION_OF[body.decision])
    due_at = case.due_at
    if body.decision is DataSubjectDecision.EXTENDED:
        if case.due_at <= uow.now:
            raise ConflictError(
                f"the time was over at {format_time(case.due_at)}: whoever needs longer says so"
                " before that; answer the person now",
                code="extension_late",
                current_status=case.status,
            )
        due_at = uow.policies.answer_person_by(letter.received_at, is_extended=True)
    act_id = on.store_act(NewAct("answer_data_subject"))
    when = "extended_at" if body.decision is DataSubjectDecision.EXTENDED else "answered_at"
    reason = None if body.reason is None else body.reason.value
    values = {when: uow.now, "reason": reason, "act_id": act_id, "due_at": due_at}
    store.change(uow.connection, case, after, **values)
    told = {
        "data_subject_request": letter.id,
        "kind": letter.kind,
        "due_at": format_time(due_at),
        "decision": body.decision,
        "reason": reason,
    }
    recorded = on.record(EventType.DATA_SUBJECT_ANSWERED, told, act_id=act_id)
    leg = (
        None
        if letter.partner is None
        else leg_store.of_partner(uow.connection, on.request.id, letter.partner)
    )
    if leg is not None:
        data = {**told, "by": actor.subject, "status": leg.status}
        on.tell_partner(leg, EventType.DATA_SUBJECT_ANSWERED, data)
    now = store.case(uow.connection, letter.id, on.request.id)
    if now is None:
        raise AssertionError("a case does not go away")
    return Answer(201, {**_case_view(now)}, entry=recorded)


@handles(MarkDataSubjectOverdue, needs=Permission.TIMER_FIRE)
def mark_overdue(command: MarkDataSubjectOverdue, actor: Actor, uow: UnitOfWork) -> Answer:
    """Tell a requester that its time is over; do nothing where somebody was quicker."""
    row = request_store.get(uow.connection, command.request_id, lock=True)
    unchanged = Answer(200, {"status": "unchanged"})
    if row is None:
        return unchanged
    on = RequestContext(uow, actor, row)
    letter, case = _case_of(on, command.data_subject_request_id)
    if (
        letter is None
        or case is None
        or case.answered_at is not None
        or case.overdue_at is not None
        or case.due_at > uow.now
    ):
        return unchanged
    store.mark_overdue(uow.connection, case, uow.now)
    told = {
        "data_subject_request": letter.id,
        "kind": letter.kind,
        "due_at": format_time(case.due_at),
    }
    recorded = on.record(EventType.DATA_SUBJECT_OVERDUE, told)
    return Answer(200, {"status": case.status}, entry=recorded)


def _case_of(
    on: RequestContext, letter_id: str
) -> tuple[DataSubjectRequestRow | None, DataSubjectCaseRow | None]:
    connection = on.uow.connection
    return store.get(connection, letter_id), store.case(connection, letter_id, on.request.id)


# ---------- reading ----------


def find_letter(read: ReadContext, letter_id: str) -> DataSubjectRequestRow:
    """Return what a reader's partner passed on or has to answer.

    Raises:
        NotFoundError: If it did neither, or cannot see the request that was named.
    """
    row = store.get(read.connection, letter_id)
    found = [] if row is None else store.with_ids(read.connection, read.actor.viewer, [row.id])
    if not found:
        raise NotFoundError(_NONE)
    return found[0]


def letter_views(
    read: ReadContext, rows: Sequence[DataSubjectRequestRow]
) -> list[DataSubjectRequestView]:
    """Return what was passed on, as far as the reader may see it."""
    viewer, ids = read.actor.viewer, [row.id for row in rows]
    cases = store.cases_of(read.connection, viewer, ids)
    words = load(read.connection, read.vault, ids, store.WORDS)
    return [_view(row, cases[row.id], words.get(row.id), viewer.partner) for row in rows]


def _view(
    row: DataSubjectRequestRow | _Letter,
    cases: Sequence[DataSubjectCaseRow],
    sealed: bytes | None,
    reader: str,
) -> DataSubjectRequestView:
    words = {} if sealed is None else strict_json.loads(sealed)
    is_own = row.partner == reader
    return {
        "id": row.id,
        "kind": DataSubjectKind(row.kind),
        "passed_on_by": row.partner or OPERATOR,
        "reference": words.get("reference"),
        "account": words.get("account") if is_own else None,
        "request_id": row.request_id if is_own else None,
        "received_at": format_time(row.received_at),
        "recorded_at": format_time(row.recorded_at),
        "due_at": format_time(row.due_at),
        "cases": [_case_view(case) for case in cases],
    }


def _views_of(
    uow: UnitOfWork, actor: Actor, letter: _Letter, body: DataSubjectRequest
) -> DataSubjectRequestView:
    cases = store.cases_of(uow.connection, actor.viewer, [letter.id])
    return _view(letter, cases[letter.id], _words(body), actor.partner)


def _case_view(row: DataSubjectCaseRow) -> DataSubjectCaseView:
    return {
        "request_id": row.request_id,
        "requester": row.requester,
        "address_no": row.address_no,
        "status": DataSubjectStatus(row.status),
        "due_at": format_time(row.due_at),
        "extended_at": optional_time(row.extended_at),
        "overdue_at": optional_time(row.overdue_at),
        "answered_at": optional_time(row.answered_at),
        "reason": None if row.reason is None else DataSubjectReason(row.reason),
        "act_id": row.act_id,
        "letter": row.letter_id,
    }
