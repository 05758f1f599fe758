"""Recovery requests as their two sides read them."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.recovery import AWAITED, GIVEN_BACK, Awaits
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import UnitOfWork, unpack_evidence
from coordinator.services.restoring.act_evidence import ActEvidenceView, act_evidence
from coordinator.services.restoring.recovery_context import Turns, status_now, turns
from coordinator.storage.engine.documents import load
from coordinator.storage.restoring import recovery_requests as store
from coordinator.storage.restoring.recovery_requests import Counted, Figures, Months
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tables.recovery import RecoveryDepositRow, RecoveryRequestRow
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import (
    DepositStatus,
    Mistake,
    RecoveryCode,
    RecoveryNeed,
    RecoveryProofKind,
    RecoveryStatus,
)


class AlreadyAskedView(TypedDict):
    """A deposit that was asked for before (`recovery_views.AlreadyAskedView`)."""

    no: int
    recovery_id: str
    deposit_no: int
    status: DepositStatus


class RecoveryView(TypedDict):
    """One recovery request (`recovery_views.RecoveryView`)."""

    id: str
    requester: str
    partner: str
    status: RecoveryStatus
    drill: bool
    content_sha256: str
    submitted_at: str
    submitted_by: str | None
    approve_by: str | None
    decided_at: str | None
    decided_by: str | None
    deposit_count: int
    deposits: Mapping[str, int]
    awaits_partner: int
    awaits_requester: int
    due_at: str | None
    already_asked: Sequence[AlreadyAskedView] | None


class RecoveryProofView(TypedDict):
    """A paper by its hash (`recovery_views.RecoveryProofView`)."""

    kind: RecoveryProofKind
    sha256: str


class DepositView(TypedDict):
    """One misplaced deposit (`recovery_views.DepositView`)."""

    no: int
    status: DepositStatus
    account: str
    tag: str | None
    asset: str
    amount: str
    tx: str
    sent_from: str
    return_to: str
    return_tag: str | None
    mistake: Mistake
    fee_accepted: str
    proof: RecoveryProofView | None
    note: str | None
    due_at: str | None
    overdue: bool
    awaits: Literal["partner", "requester"] | None
    found_amount: str | None
    fee: str | None
    missing: Sequence[RecoveryNeed] | None
    fee_needed: str | None
    code: RecoveryCode | None
    answer_text: str | None
    answered_at: str | None
    supplied_proof: RecoveryProofView | None
    reply_text: str | None
    replied_at: str | None
    returned_tx: str | None
    returned_amount: str | None
    returned_fee: str | None
    returned_at: str | None
    confirmed_at: str | None
    other_requests: int | None


class RecoveryActView(ActEvidenceView):
    """One act with what proves it (`recovery_views.RecoveryActView`)."""

    recovery_id: str


class RecoveryFiguresView(TypedDict):
    """What became of deposits (`recovery_views.RecoveryFiguresView`)."""

    asked: int
    found: int
    returned: int
    confirmed: int
    declined: int
    not_found: int
    median_seconds: int | None


class RecoveryStatisticsView(TypedDict):
    """Figures of both sides and all (`recovery_views.RecoveryStatisticsView`)."""

    sent: RecoveryFiguresView
    received: RecoveryFiguresView
    network: RecoveryFiguresView


def recovery_view(
    row: RecoveryRequestRow,
    counted: Counted,
    at: ReadContext | UnitOfWork,
    actor: Actor,
    already: Sequence[AlreadyAskedView] | None = None,
) -> RecoveryView:
    """Return one request; who decides is shown to the requester's own people alone."""
    is_own = row.requester == actor.partner
    is_out = row.status == RecoveryStatus.OPEN
    waiting = turns(counted.by_status) if is_out else Turns(0, 0)
    return {
        "id": row.id,
        "requester": row.requester,
        "partner": row.partner,
        "status": status_now(row, at),
        "drill": row.drill,
        "content_sha256": row.content_sha256,
        "submitted_at": format_time(row.submitted_at),
        "submitted_by": row.submitted_by if is_own else None,
        "approve_by": format_time(row.approve_by) if is_own else None,
        "decided_at": optional_time(row.decided_at),
        "decided_by": row.decided_by if is_own else None,
        "deposit_count": row.deposit_count,
        "deposits": counted.by_status,
        "awaits_partner": waiting.partner,
        "awaits_requester": waiting.requester,
        "due_at": optional_time(counted.due_at),
        "already_asked": already if is_own else None,
    }


def recovery_views(read: ReadContext, rows: Sequence[RecoveryRequestRow]) -> list[RecoveryView]:
    """Return requests of one page, with how their deposits stand."""
    counted = store.counted(read.connection, [row.id for row in rows])
    return [recovery_view(row, counted[row.id], read, read.actor) for row in rows]


def whole_view(read: ReadContext, row: RecoveryRequestRow) -> RecoveryView:
    """Return one request with what its submitter had asked for before."""
    counted = store.counted(read.connection, [row.id])[row.id]
    found = load(read.connection, read.vault, [row.id], "already_asked").get(row.id)
    already = None if found is None else strict_json.loads(found)
    return recovery_view(row, counted, read, read.actor, already)


def deposit_views(
    read: ReadContext, request: RecoveryRequestRow, rows: Sequence[RecoveryDepositRow]
) -> list[DepositView]:
    """Return deposits of one page with the words of what was said of them last."""
    words = store.words_of(read.connection, read.vault, request.id, {row.no for row in rows})
    said = _said(read, rows)
    is_partner = request.partner == read.actor.partner
    others = store.asked_by_others(read.connection, request.partner, rows) if is_partner else {}
    return [
        _deposit_view(
            read,
            row,
            words.get(row.no, {}),
            said,
            others.get(row.deposit_index, 0) if is_partner else None,
        )
        for row in rows
    ]


#: What acts say of deposits, by act and number.
_Said = Mapping[tuple[str, int], JsonObject]


def _said(read: ReadContext, rows: Sequence[RecoveryDepositRow]) -> _Said:
    acts = {
        act_id
        for row in rows
        for act_id in (row.answer_act_id, row.reply_act_id, row.return_act_id)
        if act_id is not None
    }
    nos = {row.no for row in rows}
    packed = load(read.connection, read.vault, sorted(acts), "evidence")
    # A later line of one act about the same deposit takes the place of those before.
    return {
        (act_id, line["no"]): line
        for act_id, content in packed.items()
        for line in strict_json.loads(unpack_evidence(content)[1]).get("lines", ())
        if line["no"] in nos
    }


def _deposit_view(
    read: ReadContext,
    row: RecoveryDepositRow,
    words: JsonObject,
    said: _Said,
    other_requests: int | None,
) -> DepositView:
    status = DepositStatus(row.status)
    answer = said.get((row.answer_act_id or "", row.no), {})
    reply = said.get((row.reply_act_id or "", row.no), {})
    back = said.get((row.return_act_id or "", row.no), {}) if status in GIVEN_BACK else {}
    is_needed = status is DepositStatus.NEEDS
    return {
        "no": row.no,
        "status": status,
        "account": words.get("account", ""),
        "tag": words.get("tag"),
        "asset": words.get("asset", ""),
        "amount": words.get("amount", "0"),
        "tx": words.get("tx", ""),
        "sent_from": words.get("sent_from", ""),
        "return_to": words.get("return_to", ""),
        "return_tag": words.get("return_tag"),
        "mistake": Mistake(words.get("mistake", Mistake.OTHER)),
        "fee_accepted": str(row.fee_accepted),
        "proof": words.get("proof"),
        "note": words.get("note"),
        "due_at": optional_time(row.due_at),
        "overdue": row.due_at is not None and row.due_at <= read.now,
        "awaits": _side(row),
        "found_amount": None if row.found_amount is None else str(row.found_amount),
        "fee": None if row.fee is None else str(row.fee),
        "missing": answer.get("missing") if is_needed else None,
        "fee_needed": answer.get("fee") if is_needed else None,
        "code": None if row.code is None else RecoveryCode(row.code),
        "answer_text": answer.get("text"),
        "answered_at": optional_time(row.answered_at),
        "supplied_proof": reply.get("proof"),
        "reply_text": reply.get("text"),
        "replied_at": optional_time(row.replied_at),
        "returned_tx": back.get("tx"),
        "returned_amount": back.get("amount"),
        "returned_fee": back.get("fee"),
        "returned_at": optional_time(row.returned_at),
        "confirmed_at": optional_time(row.confirmed_at),
        "other_requests": other_requests,
    }


def _side(row: RecoveryDepositRow) -> Literal["partner", "requester"] | None:
    awaited = AWAITED.get(DepositStatus(row.status)) if row.out_at is not None else None
    if awaited is None:
        return None
    return "partner" if awaited is Awaits.PARTNER else "requester"


def act_views(
    read: ReadContext, request: RecoveryRequestRow, rows: Sequence[MemberActRow]
) -> list[RecoveryActView]:
    """Return acts with what proves each."""
    return [{**view, "recovery_id": request.id} for view in act_evidence(read, rows)]


def statistics_view(read: ReadContext, months: Months | None = None) -> RecoveryStatisticsView:
    """Return the figures of the reader's own organisation, on either side, and of all."""
    handle = read.actor.partner

    def figures(requester: str | None, partner: str | None) -> RecoveryFiguresView:
        return _figures_view(
            store.figures(read.connection, requester=requester, partner=partner, months=months)
        )

    return {
        "sent": figures(handle, None),
        "received": figures(None, handle),
        "network": figures(None, None),
    }


def _figures_view(figures: Figures) -> RecoveryFiguresView:
    by_status = figures.by_status
    return {
        "asked": sum(by_status.values()),
        "found": figures.found,
        "returned": figures.returned,
        "confirmed": by_status.get(DepositStatus.CONFIRMED, 0),
        "declined": by_status.get(DepositStatus.DECLINED, 0),
        "not_found": by_status.get(DepositStatus.NOT_FOUND, 0),
        "median_seconds": figures.median_seconds,
    }
