"""Allocations: who gets how much now, proposed by one person and approved by two others.

Method, inputs and result are one signed document. The coordinator recomputes it when it is proposed
and when the second person approves: what is given is never more than is available, to the unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.amount import parse_amount
from coordinator.domain.claim import ClaimAct, next_status
from coordinator.domain.encumbrance import PoolTarget
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    SelfApprovalError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.restoring.encumbrances import require_free
from coordinator.services.restoring.restitutions import (
    RestitutionContext,
    documents_of,
    own_restitution,
    read_pools,
)
from coordinator.storage.engine.documents import load
from coordinator.storage.restoring import allocations as store
from coordinator.storage.tables.restitutions import AllocationRow
from holdfast.protocol.allocation import (
    AllocationError,
    ValuedClaim,
    share_by_schedule,
    share_pro_rata,
)
from holdfast.protocol.chains.format_errors import AmountError
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.restitution_payloads import AllocationDecision, NewAllocation
from holdfast.protocol.type_ids import new_id, new_ids
from holdfast.protocol.vocabulary import (
    AllocationStatus,
    Blocked,
    ClaimStatus,
    EventType,
    PayoutStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeAllocation:
    """Somebody of the opener says who is to get how much."""

    restitution_id: str
    body: NewAllocation


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAllocation:
    """Another person approves that, or rejects it."""

    restitution_id: str
    allocation_id: str
    body: AllocationDecision


class AllocationView(TypedDict):
    """An allocation (`restitution_views.AllocationView`)."""

    id: str
    restitution_id: str
    act_id: str
    act_sha256: str
    method: Literal["pro_rata", "schedule"]
    status: AllocationStatus
    pool: str
    given: str
    minimum: str
    schedule_sha256: str | None
    claim_count: int
    approvals: int
    proposed_by: str
    proposed_at: str
    decided_at: str | None


class AllocationDocumentView(AllocationView):
    """An allocation with its document (`restitution_views.AllocationDocumentView`)."""

    body: str


@handles(ProposeAllocation, needs=Permission.RESTITUTION_CHANGE)
def propose(command: ProposeAllocation, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store an allocation whose parts are what its inputs come to; nothing is given yet."""
    body = command.body
    on = own_restitution(uow, actor, command.restitution_id, body.content_sha256)
    if store.is_one_waiting(uow.connection, on.row.id):
        raise ConflictError(
            "an allocation waits for approvals: have it approved or rejected first",
            code="allocation_waiting",
            current_status=on.row.status,
        )
    parts = _parts(on, body)
    act_id = new_id("act")
    row = store.insert_allocation(
        uow.connection,
        id=new_id("alo"),
        restitution_id=on.row.id,
        act_id=act_id,
        act_sha256=uow.evidence.content_sha256,
        method=body.method,
        status=AllocationStatus.PROPOSED.value,
        pool=parse_amount(body.pool),
        given=sum(parts.values()),
        minimum=parse_amount(body.minimum),
        schedule_sha256=body.schedule_sha256,
        claim_count=len(parts),
        proposed_by=actor.subject,
        proposer=actor.person,
        proposed_at=uow.now,
        version=1,
    )
    act = MemberAct(act_id, "propose_allocation", on.row.id)
    told = {**_told(row), "method": row.method, "claim_count": row.claim_count}
    recorded = on.record(act, EventType.RESTITUTION_ALLOCATION_PROPOSED, told)
    return Answer(201, allocation_view(row), entry=recorded)


def _told(row: AllocationRow) -> dict[str, object]:
    return {"allocation": row.id, "act_sha256": row.act_sha256, "given": str(row.given)}


def _parts(on: RestitutionContext, body: NewAllocation) -> dict[str, int]:
    """Return what each claim gets, recomputed; refuse a document that says otherwise.

    Raises:
        InvalidInputError: If an amount is none, or nothing can be allocated so.
        ConflictError: If claims, pool or result are not as they are here.
    """
    pool = _amount(body.pool, "/pool")
    minimum = _amount(body.minimum, "/minimum")
    said = {each.claim: each for each in body.claims}
    stated = {
        each.claim: tuple(
            _amount(text, f"/claims/{number}/{name}")
            for name, text in (
                ("value", each.value),
                ("before", each.before),
                ("amount", each.amount),
            )
        )
        for number, each in enumerate(body.claims)
    }
    shared = store.sharing(on.uow.connection, on.row.id)
    here = {each.id: (each.verified or 0, each.allocated or 0) for each in shared}
    if len(said) < len(body.claims) or {c: (v, b) for c, (v, b, _) in stated.items()} != here:
        raise _stale("its claims are not those that are verified, at what each was given before")
    available = _available(on)
    if pool > available:
        raise _stale(f"only {available} base units are available")
    claims = [ValuedClaim(each.id, each.verified or 0, each.allocated or 0) for each in shared]
    amounts = {claim: amount for claim, (_, _, amount) in stated.items()}
    try:
        if body.method == "pro_rata":
            found = share_pro_rata(pool, claims, unit_value=1, minimum=minimum)
        else:
            whole = {claim: amounts[claim] + here[claim][1] for claim in here}
            found = share_by_schedule(pool, claims, whole)
    except AllocationError as error:
        raise _fault("/pool", str(error), "allocation") from None
    wrong = [claim for claim, part in found.parts.items() if amounts[claim] != part]
    if wrong:
        number = next(n for n, each in enumerate(body.claims) if each.claim == wrong[0])
        detail = f"must be {found.parts[wrong[0]]} by these inputs; {len(wrong)} amounts are others"
        raise _fault(f"/claims/{number}/amount", detail, "other_amount")
    return dict(found.parts)


def _available(on: RestitutionContext) -> int:
    sums = read_pools(on.uow.connection, [on.row.id])[on.row.id].sums.get(on.row.asset)
    return 0 if sums is None else sums.available


def _amount(text: str, pointer: str) -> int:
    try:
        return parse_amount(text)
    except AmountError as error:
        raise _fault(pointer, error.message, error.code) from None


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldFault(pointer, detail, code)])


def _stale(why: str) -> ConflictError:
    return ConflictError(f"this allocation does not stand: {why}", code="allocation_stale")


# ---------- deciding ----------


@handles(DecideAllocation, needs=Permission.RESTITUTION_CHANGE)
def decide(command: DecideAllocation, actor: Actor, uow: UnitOfWork) -> Answer:
    """Approve an allocation, which the second of two people completes, or reject it."""
    body = command.body
    on = own_restitution(uow, actor, command.restitution_id, body.content_sha256)
    row = store.get(uow.connection, on.row.id, command.allocation_id)
    if row is None:
        raise NotFoundError("there is no such allocation, or none that you may see")
    if row.status != AllocationStatus.PROPOSED:
        raise ConflictError(
            f"it is {row.status} already", code="allocation_decided", current_status=row.status
        )
    if body.act_sha256 != row.act_sha256:
        raise ConflictError(
            "act_sha256 is not that of what was proposed: read it again", code="other_allocation"
        )
    if body.decision == "reject":
        values: dict[str, object] = {"status": AllocationStatus.REJECTED.value}
        values["decided_at"] = uow.now
    else:
        values = _approved(on, row)
    changed = store.change(uow.connection, row, **values)
    act = MemberAct(new_id("act"), f"{body.decision}_allocation", row.id)
    told = {**_told(row), "decision": body.decision, "status": changed.status}
    recorded = on.record(act, EventType.RESTITUTION_ALLOCATION_DECIDED, told)
    return Answer(201, allocation_view(changed), entry=recorded)


def _approved(on: RestitutionContext, row: AllocationRow) -> dict[str, object]:
    """Return what an approval writes; the second makes payouts of the parts."""
    person = on.actor.person
    if person in {row.proposer, row.first_approver}:
        raise SelfApprovalError(
            "whoever proposed an allocation, or approved it, does not approve it (again)"
        )
    if row.first_approver is None:
        return {"first_approver": person}
    uow = on.uow
    [document] = documents_of(uow.connection, uow.vault, [row.act_id]).values()
    parts = _parts(on, NewAllocation.model_validate(document))
    target = PoolTarget(on.row.id, _available(on))
    require_free(uow, target, row.given, Blocked.PAYOUT, asset=on.row.asset)
    _give(on, row, {claim: amount for claim, amount in parts.items() if amount})
    return {
        "second_approver": person,
        "status": AllocationStatus.APPROVED.value,
        "decided_at": uow.now,
    }


def _give(on: RestitutionContext, row: AllocationRow, parts: Mapping[str, int]) -> None:
    """Store a payout for each claim that gets something."""
    payouts = [
        (payout, on.row.id, row.id, claim, amount, PayoutStatus.DUE.value)
        for payout, (claim, amount) in zip(new_ids("pay", len(parts)), parts.items(), strict=True)
    ]
    claims = [
        (
            each.id,
            next_status(ClaimStatus(each.status), ClaimAct.ALLOCATE).value,
            (each.allocated or 0) + parts[each.id],
            each.version + 1,
        )
        for each in store.sharing(on.uow.connection, on.row.id)
        if each.id in parts
    ]
    store.give(on.uow.connection, payouts, claims)


def allocation_view(row: AllocationRow) -> AllocationView:
    """Return an allocation as its opener reads it."""
    method: Literal["pro_rata", "schedule"] = "schedule" if row.method == "schedule" else "pro_rata"
    return {
        "id": row.id,
        "restitution_id": row.restitution_id,
        "act_id": row.act_id,
        "act_sha256": row.act_sha256,
        "method": method,
        "status": AllocationStatus(row.status),
        "pool": str(row.pool),
        "given": str(row.given),
        "minimum": str(row.minimum),
        "schedule_sha256": row.schedule_sha256,
        "claim_count": row.claim_count,
        "approvals": sum(each is not None for each in (row.first_approver, row.second_approver)),
        "proposed_by": row.proposed_by,
        "proposed_at": format_time(row.proposed_at),
        "decided_at": optional_time(row.decided_at),
    }


def read_allocation(
    context: ReadContext, restitution_id: str, allocation_id: str
) -> AllocationDocumentView:
    """Return an allocation of a restitution of one's own, with the bytes that were signed.

    Raises:
        NotFoundError: If there is none, or it is another's.
    """
    row = store.get(context.connection, restitution_id, allocation_id)
    if row is None:
        raise NotFoundError("there is no such allocation, or none that you may see")
    [packed] = load(context.connection, context.vault, [row.act_id], "evidence").values()
    return {**allocation_view(row), "body": unpack_evidence(packed)[1].decode()}
