"""Payouts: what became of each part of an allocation. Nothing is paid twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.claim import ClaimAct, next_status
from coordinator.domain.errors import FieldFault, InvalidInputError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.restoring.payout_changes import changing, pay_to
from coordinator.services.restoring.restitutions import (
    RestitutionContext,
    documents_of,
    own_restitution,
)
from coordinator.storage.engine.documents import load
from coordinator.storage.restoring import allocations as store
from coordinator.storage.restoring import claims as claim_store
from coordinator.storage.restoring.allocations import ShownPayout
from holdfast.protocol import strict_json
from holdfast.protocol.payloads import optional_time
from holdfast.protocol.restitution_payloads import PayoutLine, PayoutLines
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import ClaimStatus, EventType, PayoutStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayouts:
    """The opener paid, or what it paid came back."""

    restitution_id: str
    body: PayoutLines


class PayoutView(TypedDict):
    """What one claim gets of one allocation (`restitution_views.PayoutView`)."""

    id: str
    allocation_id: str
    claim_id: str
    ref: str
    filed_by: str
    amount: str
    payout: str
    changing: bool
    status: PayoutStatus
    tx: str | None
    failed: str | None
    at: str | None


class PayoutsView(TypedDict):
    """What was recorded (`restitution_views.PayoutsView`)."""

    restitution_id: str
    act_id: str
    paid: int
    failed: int


@handles(RecordPayouts, needs=Permission.RESTITUTION_CHANGE)
def record(command: RecordPayouts, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store what became of payouts: all lines, or none where one was paid before."""
    body = command.body
    on = own_restitution(uow, actor, command.restitution_id, body.content_sha256)
    claims = _require_unpaid(on, body.lines)
    act_id = new_id("act")
    rows = [
        (line.payout, _status(line).value, act_id, number, uow.now)
        for number, line in enumerate(body.lines)
    ]
    store.record(uow.connection, rows)
    _move(on, claims)
    paid = sum(line.tx is not None for line in body.lines)
    counted = {"paid": paid, "failed": len(body.lines) - paid}
    act = MemberAct(act_id, "record_payouts", on.row.id)
    recorded = on.record(act, EventType.RESTITUTION_PAYOUTS_RECORDED, counted)
    answer: PayoutsView = {
        "restitution_id": on.row.id,
        "act_id": act_id,
        "paid": paid,
        "failed": len(body.lines) - paid,
    }
    return Answer(201, answer, entry=recorded)


def _status(line: PayoutLine) -> PayoutStatus:
    return PayoutStatus.FAILED if line.tx is None else PayoutStatus.PAID


def _require_unpaid(on: RestitutionContext, lines: Sequence[PayoutLine]) -> set[str]:
    """Return the claims of payouts that may be recorded.

    Refuses what was paid before, and what is paid while its claim's account is being changed.
    """
    uow = on.uow
    found = store.payouts(uow.connection, on.row.id, [line.payout for line in lines])
    waiting = changing(uow.connection, {row.claim_id for row in found.values()}, uow.now)
    faults: list[FieldFault] = []
    seen: set[str] = set()
    for number, line in enumerate(lines):
        at, row = f"/lines/{number}/payout", found.get(line.payout)
        if row is None:
            faults.append(FieldFault(at, "is no payout of this restitution", "no_such_payout"))
        elif line.payout in seen:
            faults.append(FieldFault(at, "stands twice: a payout is paid once", "paid"))
        elif row.status == PayoutStatus.PAID:
            faults.append(FieldFault(at, "is paid already: nothing is paid twice", "paid"))
        elif line.tx is not None and row.claim_id in waiting:
            detail = (
                "is of a claim whose account is being changed, and nothing is paid on it meanwhile;"
                " if it was paid before, have the change rejected, record it, and propose it anew"
            )
            faults.append(FieldFault(at, detail, "payout_changing"))
        seen.add(line.payout)
    if faults:
        raise InvalidInputError(
            f"{len(faults)} line(s) cannot be recorded; nothing was stored", errors=faults
        )
    return {row.claim_id for row in found.values()}


def _move(on: RestitutionContext, claim_ids: set[str]) -> None:
    """Move claims to where their payouts are: failed, still allocated, or paid whole."""
    statuses = store.statuses_of(on.uow.connection, claim_ids)
    moved = []
    for claim in store.claims_of(on.uow.connection, claim_ids):
        stand = statuses[claim.id]
        act = ClaimAct.PAY
        if PayoutStatus.FAILED in stand:
            act = ClaimAct.FAIL
        elif PayoutStatus.DUE in stand:
            act = ClaimAct.ALLOCATE
        after = next_status(ClaimStatus(claim.status), act)
        moved.append((claim.id, after.value, claim.version + 1))
    store.move_claims(on.uow.connection, moved)


def payout_views(context: ReadContext, rows: Sequence[ShownPayout]) -> list[PayoutView]:
    """Return payouts with where each is paid, in a few queries for a page."""
    connection, vault = context.connection, context.vault
    claim_ids = sorted({row.claim_id for row in rows})
    claims = load(connection, vault, claim_ids, claim_store.DOCUMENT)
    paid_to = pay_to(connection, vault, claim_ids, context.now)
    acts = documents_of(connection, vault, sorted({row.act_id for row in rows if row.act_id}))
    views: list[PayoutView] = []
    for row in rows:
        claim = strict_json.loads(claims[row.claim_id])
        said = {} if row.act_id is None else acts[row.act_id]["lines"][row.line_no]
        views.append(
            {
                "id": row.id,
                "allocation_id": row.allocation_id,
                "claim_id": row.claim_id,
                "ref": claim["ref"],
                "filed_by": row.filed_by,
                "amount": str(row.amount),
                "payout": paid_to[row.claim_id].account(claim["payout"], row.at),
                "changing": paid_to[row.claim_id].change is not None,
                "status": PayoutStatus(row.status),
                "tx": said.get("tx"),
                "failed": said.get("failed"),
                "at": optional_time(row.at),
            }
        )
    return views
