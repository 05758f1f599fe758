"""Guests: a lead asks an organisation that is no member, by its domain.

It has no leg: what it says stands apart, on nobody's signature, and is in no sum. Each statement is
an act of the coordinator's own, logged and told to the requester. Once an organisation with that
domain as its handle has joined, it gets a leg of its own on the very act that asked it.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Literal, TypedDict

from coordinator.domain import guest as rules
from coordinator.domain.actor import COORDINATOR, Actor
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.errors import FieldFault as Fault
from coordinator.domain.freeze_request import Action
from coordinator.domain.permission import Permission
from coordinator.services.core.access import sent_request
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.answer_clocks import is_on_order
from coordinator.services.requests.freeze_request_views import asked_document
from coordinator.services.requests.notices import send_notices
from coordinator.storage.engine.documents import load
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import guests as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from coordinator.storage.tables.guests import GuestAnswerRow, GuestRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.guest_payloads import GuestAsk
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import (
    ASKABLE_KINDS,
    DeclineCode,
    EventType,
    GuestAnswer,
    GuestStatus,
    PartnerKind,
    Urgency,
)

#: Lines that an event shows; bodies of webhooks stay small.
_LINES_IN_EVENT = 20
_LINK_BYTES = 32


class GuestLineView(TypedDict):
    """What a guest says of one address (`guest_views.GuestLineView`)."""

    address_no: int
    kind: Literal["found", "frozen", "nothing"]
    asset: str | None
    amount: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskGuest:
    """A lead asks an organisation that is no member."""

    request_id: str
    body: GuestAsk


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteGuestContact:
    """A worker has mailed a guest's link to its published contact, or gives it up.

    Attributes:
        token: Of the worker's claim.
        mailbox: Where the mail went; None: nowhere.
        error: Why it went nowhere.
    """

    guest_id: str
    token: str
    mailbox: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordGuestAnswer:
    """Whoever reads the mailbox of a guest's contact said something on its page."""

    guest_id: str
    kind: GuestAnswer
    lines: Sequence[GuestLineView] = ()
    code: DeclineCode | None = None


class GuestAnswerView(TypedDict):
    """One statement of a guest (`guest_views.GuestAnswerView`)."""

    id: str
    act_id: str
    kind: GuestAnswer
    at: str
    code: DeclineCode | None
    lines: Sequence[GuestLineView]
    answer_sha256: str


class GuestView(TypedDict):
    """An organisation that is no member and is asked (`guest_views.GuestView`)."""

    id: str
    request_id: str
    act_id: str
    domain: str
    unverified: Literal[True]
    status: GuestStatus
    asked_at: str
    answer_by: str
    error: str | None
    contacted_at: str | None
    acknowledged_at: str | None
    answered_at: str | None
    joined_at: str | None
    leg_id: str | None
    answers: Sequence[GuestAnswerView]


# ---------- asking ----------


@handles(AskGuest, needs=Permission.GUEST_ASK)
def ask(command: AskGuest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store whom a lead asks; a worker looks for its contact and writes to it."""
    domain = command.body.domain
    # Before the request, as a confirmation locks them: it would not find this guest otherwise.
    members = store.members_among(uow.connection, rules.itself_and_above(domain))
    on = sent_request(uow, actor, command.request_id, command.body.content_sha256)
    row = on.request
    on.after(Action.ASK_GUEST)
    if row.drill:
        raise ConflictError(
            "a drill asks members alone: whoever is none never agreed to be woken for one",
            code="drill_guest",
            current_status=row.status,
        )
    _require_no_member(members)
    _require_room(on, domain)
    if len(_asked_numbers(uow, row)) > rules.MOST_ADDRESSES:
        raise ConflictError(
            f"a guest answers on one page, about {rules.MOST_ADDRESSES} addresses at most: ask it"
            " about those that concern it, in a request that follows this one",
            code="too_many_for_guest",
            current_status=row.status,
        )
    link = secrets.token_urlsafe(_LINK_BYTES)
    act_id = on.store_act(NewAct("ask_guest"))
    clocks = uow.policies.desk_clocks(None, None)
    asked = store.insert_guest(
        uow.connection,
        id=new_id("gst"),
        request_id=row.id,
        requester=row.requester,
        domain=domain,
        act_id=act_id,
        asked_at=uow.now,
        answer_by=clocks.answer_by(
            Urgency(row.urgency), queued_at=uow.now, is_on_order=is_on_order(row)
        ),
        status=GuestStatus.ASKED,
        link_sha256=hashed(link),
        next_at=uow.now,
    )
    uow.seal(on.key, asked.id, store.LINK, link.encode())
    told = {**_about(asked), "answer_by": format_time(asked.answer_by)}
    recorded = on.record(EventType.GUEST_ASKED, told, act_id=act_id)
    return Answer(201, _view(asked, ()), entry=recorded)


def hashed(link: str) -> str:
    """Return the form in which the secret of a link is stored and looked for."""
    return sha256(link.encode()).hexdigest()


def hashed_code(link: str, code: str) -> str:
    """Return the form in which a code is stored: without its link nobody can try them all."""
    return sha256(f"holdfast/guest-code/1\n{link}\n{code}".encode()).hexdigest()


def _require_no_member(above: Sequence[str]) -> None:
    if above:
        raise InvalidInputError(
            f"{above[0]} is a member: ask it as a partner (partners), and it answers under its own"
            " signature",
            code="member_domain",
            errors=[Fault("/domain", f"belongs to the member {above[0]}", "member_domain")],
        )


def _require_room(on: RequestContext, domain: str) -> None:
    connection, row, now = on.uow.connection, on.request, on.uow.now
    if store.is_asked(connection, row.id, domain):
        raise ConflictError(
            f"{domain} is asked about this request already",
            code="guest_asked",
            current_status=row.status,
        )
    of_day = store.count_since(connection, row.requester, now - rules.DAY)
    if (
        store.count_of_request(connection, row.id) >= rules.MOST_OF_REQUEST
        or of_day >= rules.MOST_OF_REQUESTER
    ):
        raise ConflictError(
            f"a request asks {rules.MOST_OF_REQUEST} guests at most, and a member"
            f" {rules.MOST_OF_REQUESTER} a day",
            code="too_many_guests",
            current_status=row.status,
        )


def _about(row: GuestRow) -> dict[str, object]:
    return {"guest": row.id, "domain": row.domain, "unverified": True}


# ---------- reaching, and what it says ----------


@handles(NoteGuestContact, needs=Permission.GUEST_RECORD)
def note_contact(command: NoteGuestContact, actor: Actor, uow: UnitOfWork) -> Answer:
    """Note that a guest was written to, or that nobody is to be reached; tell the requester."""
    on, row = _locked(uow, actor, command.guest_id)
    unchanged = Answer(200, {"status": "unchanged"})
    if on is None or row is None or row.lease_token is None:
        return unchanged
    if not compare_digest(row.lease_token, command.token):
        return unchanged
    over: dict[str, object] = {"next_at": None, "lease_until": None, "lease_token": None}
    if on.request.erased_at is not None:
        store.change(uow.connection, row.id, **over)
        return unchanged
    if command.mailbox is None:
        reason = command.error or "internal"
        over |= {"status": GuestStatus.UNREACHABLE, "error": reason}
        store.change(uow.connection, row.id, **over)
        told = {**_about(row), "reason": reason}
        return Answer(
            200, {"status": "unreachable"}, entry=on.record(EventType.GUEST_UNREACHABLE, told)
        )
    over |= {"status": GuestStatus.CONTACTED, "contacted_at": uow.now, "error": None}
    store.change(uow.connection, row.id, **over)
    uow.replace_document(on.key, row.id, store.CONTACT, command.mailbox.encode())
    recorded = on.record(EventType.GUEST_CONTACTED, _about(row))
    return Answer(200, {"status": "contacted"}, entry=recorded)


@handles(RecordGuestAnswer, needs=Permission.GUEST_RECORD)
def record_answer(command: RecordGuestAnswer, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store what a guest says as an act of the coordinator's own, which proves nothing of it.

    Raises:
        NotFoundError: If its page is closed.
        ConflictError: If it has said as much as one page takes.
    """
    on, row = _locked(uow, actor, command.guest_id)
    if on is None or row is None or not is_page_open(uow, row):
        raise NotFoundError(CLOSED, code="guest_page_closed")
    said = store.answers(uow.connection, [row.id])[row.id]
    if command.kind is GuestAnswer.ACKNOWLEDGED and row.acknowledged_at is not None:
        return Answer(200, {"status": "unchanged"})
    if len(said) >= rules.MOST_ANSWERS:
        raise ConflictError(
            "this page has taken as many answers as it may: join the network to say more",
            code="too_many_answers",
        )
    asked = _asked_numbers(uow, on.request)
    if any(line["address_no"] not in asked for line in command.lines):
        raise InvalidInputError("an answer is about an address that is not asked about")
    if uow.policies.amounts_need_gateway and any(line["amount"] for line in command.lines):
        raise InvalidInputError(
            "amounts are told between members that have a verified gateway in common: say what you"
            " found or froze, and no amount"
        )
    act_id = on.store_act(NewAct("guest_answer"))
    words = {"kind": command.kind, "code": command.code, "lines": list(command.lines)}
    content = canonical_json.dumps(words)
    answer_id = new_id("gan")
    store.insert_answer(
        uow.connection,
        id=answer_id,
        guest_id=row.id,
        act_id=act_id,
        kind=command.kind,
        at=uow.now,
    )
    uow.seal(on.key, answer_id, store.ANSWER, content)
    values: dict[str, object] = {"acknowledged_at": row.acknowledged_at or uow.now}
    if command.kind is not GuestAnswer.ACKNOWLEDGED:
        values["answered_at"] = row.answered_at or uow.now
    store.change(uow.connection, row.id, **values)
    told = {
        **_about(row),
        "answer": command.kind,
        "code": command.code,
        "line_count": len(command.lines),
        "lines": list(command.lines[:_LINES_IN_EVENT]),
        "lines_cut": len(command.lines) > _LINES_IN_EVENT,
        "answer_sha256": sha256(content).hexdigest(),
        "href": uow.link(f"/v1/freeze-requests/{on.request.id}/guests"),
    }
    recorded = on.record(EventType.GUEST_ANSWERED, told, act_id=act_id)
    return Answer(201, {"id": answer_id, "status": "recorded"}, entry=recorded)


#: What whoever opens a page hears whose request is over.
CLOSED = "this page is closed: the request is over, or was withdrawn, or you have joined"


def is_page_open(uow: UnitOfWork, row: GuestRow) -> bool:
    """Tell whether a guest may still read and answer."""
    is_reached = row.status == GuestStatus.CONTACTED
    return is_reached and store.is_open(uow.connection, row.request_id)


def _locked(
    uow: UnitOfWork, actor: Actor, guest_id: str
) -> tuple[RequestContext | None, GuestRow | None]:
    """Lock a guest's request, as every act on it does, then read the guest."""
    found = store.get(uow.connection, guest_id)
    if found is None:
        return None, None
    request = request_store.get(uow.connection, found.request_id, lock=True)
    if request is None:
        return None, None
    return RequestContext(uow, actor, request), store.get(uow.connection, guest_id)


def _asked_numbers(uow: UnitOfWork, row: FreezeRequestRow) -> list[int]:
    """Return which addresses a guest is asked about: neither left out nor withdrawn."""
    gone = {
        *request_store.left_out_addresses(uow.connection, row.id),
        *request_store.withdrawn_addresses(uow.connection, row.id),
    }
    return [number for number in range(row.address_count) if number not in gone]


# ---------- joining ----------


def take_over_guests(uow: UnitOfWork, handle: str, kind: PartnerKind) -> None:
    """Give a new member the legs on which it was asked as a guest; the partner is active by now.

    What it said before stays what it was: unverified. Requests that are over ask nobody.
    """
    for due in store.of_domain(uow.connection, handle):
        on, row = _locked(uow, COORDINATOR, due.id)
        if on is None or row is None or on.request.erased_at is not None:
            continue
        leg_id = _own_leg(on, row, handle, kind)
        store.change(
            uow.connection,
            row.id,
            status=GuestStatus.JOINED,
            joined_at=uow.now,
            leg_id=leg_id,
            next_at=None,
            code_wanted_at=None,
            code_sha256=None,
        )
        uow.remove_document(row.id, store.CONTACT)
        uow.remove_document(row.id, store.LINK)
        act_id = on.store_act(NewAct("guest_joined"))
        told = {**_about(row), "leg": leg_id}
        on.record(EventType.GUEST_JOINED, told, act_id=act_id)


def _own_leg(on: RequestContext, row: GuestRow, handle: str, kind: PartnerKind) -> str | None:
    """Ask a new member on its own leg; None where the request is over, or it cannot be asked."""
    uow, request = on.uow, on.request
    if (
        kind not in ASKABLE_KINDS
        or request.requester == handle
        or not store.is_open(uow.connection, request.id)
        or leg_store.of_partner(uow.connection, request.id, handle) is not None
    ):
        return None
    changed = on.change(partners_asked=request.partners_asked + 1)
    send_notices(changed, [handle], addition=proofs_of(changed, [row.act_id]))
    leg = leg_store.of_partner(uow.connection, request.id, handle)
    return None if leg is None else leg.id


# ---------- reading ----------


def guest_views(read: ReadContext, rows: Sequence[GuestRow]) -> list[GuestView]:
    """Return guests with what they said."""
    answers = store.answers(read.connection, [row.id for row in rows])
    ids = [each.id for said in answers.values() for each in said]
    contents = load(read.connection, read.vault, ids, store.ANSWER) if ids else {}
    return [
        _view(row, [_answer_view(each, contents.get(each.id)) for each in answers[row.id]])
        for row in rows
    ]


class AskedAddress(TypedDict):
    """An address as a guest's page shows it; the amount only where the request's mark allows."""

    address_no: int
    account: str
    tag: str | None
    asset: str | None
    amount: str | None
    tx: str | None


def asked_addresses(
    read: ReadContext, row: FreezeRequestRow, *, with_amounts: bool
) -> list[AskedAddress]:
    """Return what a guest is asked about, and nothing else of the document."""
    document = asked_document(read.connection, read.vault, row, None)
    gone = {
        *request_store.left_out_addresses(read.connection, row.id),
        *request_store.withdrawn_addresses(read.connection, row.id),
    }
    listed: Sequence[Mapping[str, str | None] | None] = document.get("addresses", [])
    return [
        {
            "address_no": number,
            "account": str(each["account"]),
            "tag": each.get("tag"),
            "asset": each.get("asset"),
            "amount": each.get("amount") if with_amounts else None,
            "tx": each.get("tx"),
        }
        for number, each in enumerate(listed)
        if each is not None and number not in gone
    ]


def _answer_view(row: GuestAnswerRow, content: bytes | None) -> GuestAnswerView:
    said = {} if content is None else strict_json.loads(content)
    code = said.get("code")
    return {
        "id": row.id,
        "act_id": row.act_id,
        "kind": GuestAnswer(row.kind),
        "at": format_time(row.at),
        "code": None if code is None else DeclineCode(code),
        "lines": said.get("lines", []),
        "answer_sha256": sha256(content or b"").hexdigest(),
    }


def _view(row: GuestRow, answers: Sequence[GuestAnswerView]) -> GuestView:
    return {
        "id": row.id,
        "request_id": row.request_id,
        "act_id": row.act_id,
        "domain": row.domain,
        "unverified": True,
        "status": GuestStatus(row.status),
        "asked_at": format_time(row.asked_at),
        "answer_by": format_time(row.answer_by),
        "error": row.error,
        "contacted_at": optional_time(row.contacted_at),
        "acknowledged_at": optional_time(row.acknowledged_at),
        "answered_at": optional_time(row.answered_at),
        "joined_at": optional_time(row.joined_at),
        "leg_id": row.leg_id,
        "answers": list(answers),
    }
