"""Withdrawals by two: what lets held funds go is proposed by one lead and approved by another.

Hijacked mailboxes have been used to have funds let go. Where a partner's policy asks for two leads,
the partners asked hear of a withdrawal, or of a dispute that is to be upheld, as proposed: release
nothing yet. It is void where no other lead approves it in time, and moot where something else
overtakes it. Whoever heard of it hears how it ends, and what it leaves standing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Literal, NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.approval import excluded_from_approving, require_enough_leads
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import LegContext, NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork, unpack_evidence
from coordinator.services.ending.ended_legs import (
    NamedAddresses,
    Why,
    all_legs,
    named_addresses,
)
from coordinator.services.requests.act_proofs import proofs_of
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.storage.ending import withdrawal_proposals as store
from coordinator.storage.ending.disputes import DisputeOnLeg
from coordinator.storage.ending.withdrawal_proposals import Proposal
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.legs import NewLeg
from holdfast.protocol import payloads, strict_json
from holdfast.protocol.life_cycle_payloads import DisputeResolution
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, LegStatus, WithdrawalReason

#: What the partners asked are told of a proposal.
ADVICE = "release nothing yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidWithdrawal:
    """No other lead approved a proposed withdrawal in time."""

    withdrawal_id: str


class WithdrawalView(TypedDict):
    """A proposed withdrawal, or dispute to be upheld (`life_cycle_views.WithdrawalView`)."""

    id: str
    request_id: str
    act_id: str
    act_sha256: str | None
    dispute: str | None
    addresses: Literal["all"] | Sequence[int] | None
    reason_code: WithdrawalReason | None
    reason: str | None
    withdrawal_status: str
    proposed_by: str
    proposed_by_kid: str
    proposed_at: str
    approve_by: str
    decided_at: str | None
    decided_act_id: str | None


class WithdrawalActView(TypedDict):
    """The answer to a withdrawal or a decision on one (`life_cycle_views.WithdrawalActView`)."""

    id: str
    request_id: str
    status: str
    at: NotRequired[str]
    withdrawal: NotRequired[WithdrawalView]


def propose_withdrawal(
    on: RequestContext, body: payloads.Withdrawal, numbers: Sequence[int] | None
) -> Answer:
    """Store a withdrawal that waits for another lead; nothing is withdrawn yet.

    Args:
        on: The request, locked.
        body: What was signed.
        numbers: The addresses that it names; None for all.

    Raises:
        ConflictError: If no other lead could approve it.
    """
    _require_another_lead(on.uow, on.actor)
    act_id = on.store_act(NewAct("propose_withdrawal"))
    proposal = _store(on, act_id, None)
    recorded = _tell_concerned(on, proposal, _proposed(on, proposal, _told(on, body, numbers)))
    raw = on.uow.evidence.body
    answer: WithdrawalActView = {
        "id": act_id,
        "request_id": on.request.id,
        "status": on.request.status,
        "withdrawal": _view(proposal, raw),
    }
    return Answer(201, answer, entry=recorded)


def propose_resolution(
    on: LegContext, dispute: DisputeOnLeg, body: DisputeResolution
) -> tuple[WithdrawalView, Recorded]:
    """Store that a dispute is to be upheld, for another lead to approve.

    Raises:
        ConflictError: If no other lead could approve it.
    """
    _require_another_lead(on.uow, on.actor)
    act_id = on.store_act(NewAct("propose_resolution"))
    on_request = RequestContext(on.uow, on.actor, on.request)
    proposal = _store(on_request, act_id, dispute)
    told = {"hold": dispute.hold_id, "resolution": body.resolution, "reason": body.text}
    recorded = _tell_concerned(on_request, proposal, _proposed(on_request, proposal, told))
    return _view(proposal, on.uow.evidence.body), recorded


def _require_another_lead(uow: UnitOfWork, actor: Actor) -> None:
    excluded = excluded_from_approving(
        submitted_by=actor.subject,
        owner_of_system=actor.owner,
        key_grant_proposer=actor.key_proposer,
    )
    eligible = partner_store.eligible_leads(uow.connection, actor.partner, set(excluded))
    require_enough_leads(eligible, quorum=1, act="let held funds go")


def _store(on: RequestContext, act_id: str, dispute: DisputeOnLeg | None) -> Proposal:
    uow = on.uow
    proposal = Proposal(
        id=new_id("wdp"),
        request_id=on.request.id,
        requester=on.request.requester,
        dispute_id=None if dispute is None else dispute.id,
        act_id=act_id,
        status=store.PENDING,
        proposed_by_person=on.actor.person,
        proposed_by_kid=on.actor.kid,
        proposed_at=uow.now,
        void_at=uow.now + uow.policies.approve_withdrawal_within,
        decided_at=None,
        decided_act_id=None,
        leg_id=None if dispute is None else dispute.leg_id,
    )
    store.insert_proposal(uow.connection, proposal)
    return proposal


def tell_newly_asked(on: RequestContext, legs: Sequence[NewLeg]) -> None:
    """Tell partners that are asked only now which withdrawals wait for another lead.

    They will hear how each ends, and what they freeze meanwhile is not to be let go for it yet.
    """
    uow = on.uow
    pending = [
        proposal
        for proposal in store.pending_withdrawals(uow.connection, on.request.id)
        # They never hear of what the approval left out, and it may be about that.
        if not (on.request.left_out_count and _is_from_before(on, proposal))
    ]
    bodies = proposed_bodies(uow.connection, uow.vault, pending)
    for proposal in pending:
        if proposal.act_id not in bodies:
            continue
        body = payloads.Withdrawal.model_validate(strict_json.loads(bodies[proposal.act_id]))
        numbers = None if body.addresses == "all" else sorted(map(int, body.addresses))
        news = _proposed(on, proposal, _told(on, body, numbers))
        told = {**news.data, **news.for_partners, "act_id": proposal.act_id}
        for leg in legs:
            on.tell_partner(leg, news.event, {**told, "status": LegStatus.QUEUED})


def _told(
    on: RequestContext, body: payloads.Withdrawal, numbers: Sequence[int] | None
) -> dict[str, object]:
    return {**named_addresses(on, numbers), **Why(body.reason, body.reason_code).told()}


def _proposed(on: RequestContext, proposal: Proposal, told: Mapping[str, object]) -> "_News":
    """Return what is told of a proposal that waits from now on."""
    data = {
        "withdrawal": proposal.id,
        "dispute": proposal.dispute_id,
        "approve_by": format_time(proposal.void_at),
        **told,
    }
    proof = {"advice": ADVICE, "evidence": proofs_of(on, [proposal.act_id])}
    return _News(EventType.REQUEST_WITHDRAWAL_PROPOSED, proposal.act_id, data, proof)


class _News(NamedTuple):
    """What is told of a proposal, and what its partners are told beside.

    Attributes:
        act_id: What brought it about.
        is_of_act: Whether it is what tells of that act, so that the act's leaf is its.
    """

    event: EventType
    act_id: str
    data: Mapping[str, object]
    for_partners: Mapping[str, object] = MappingProxyType({})
    is_of_act: bool = True


def _tell_concerned(on: RequestContext, proposal: Proposal, news: _News) -> Recorded:
    """Tell of a proposal to the requester and to the partners that it concerns.

    A withdrawal concerns all that were asked, a dispute the partner that raised it.
    """
    act_id = news.act_id if news.is_of_act else None
    data = {**news.data, "act_id": news.act_id}
    whole = {**data, **news.for_partners}
    if proposal.leg_id is not None:
        leg = leg_store.get(on.uow.connection, proposal.leg_id)
        if leg is None:
            raise AssertionError("a dispute is about a leg")
        return on.on_leg(leg).record(news.event, whole, act_id=act_id)
    recorded = on.record(news.event, data, act_id=act_id)
    is_from_before = _is_from_before(on, proposal)
    for leg in all_legs(on.uow, on.request.id):
        if is_from_before and is_hidden_from(on.request, leg):
            continue  # it never heard of it, and it may be about what was left out
        on.tell_partner(leg, news.event, {**whole, "status": leg.status})
    return recorded


def _is_from_before(on: RequestContext, proposal: Proposal) -> bool:
    """Tell whether a proposal dates from before its request was decided on."""
    decided_at = on.request.decided_at
    return decided_at is not None and proposal.proposed_at <= decided_at


@handles(VoidWithdrawal, needs=Permission.TIMER_FIRE)
def void(command: VoidWithdrawal, actor: Actor, uow: UnitOfWork) -> Answer:
    """End a proposal that no other lead approved; do nothing if somebody decided meanwhile."""
    found = store.get(uow.connection, command.withdrawal_id)
    row = None if found is None else request_store.get(uow.connection, found.request_id, lock=True)
    # Read again under the request's lock: somebody may have decided while we waited for it.
    proposal = store.get(uow.connection, command.withdrawal_id)
    if row is None or proposal is None or proposal.status != store.PENDING:
        return Answer(200, {"status": "unchanged"})
    if proposal.void_at > uow.now:
        return Answer(200, {"status": "unchanged"})
    on = RequestContext(uow, actor, row)
    recorded = end_proposal(on, proposal, store.VOID, NewAct("void_withdrawal"))[1]
    return Answer(200, {"status": store.VOID}, entry=recorded)


def end_proposal(
    on: RequestContext, proposal: Proposal, status: str, act: NewAct
) -> tuple[str, Recorded]:
    """Store that a proposal comes to nothing, and tell everybody who heard of it."""
    leg = None if proposal.leg_id is None else leg_store.get(on.uow.connection, proposal.leg_id)
    act_id = on.store_act(act) if leg is None else on.on_leg(leg).store_act(act)
    store.decide(on.uow.connection, proposal.id, status=status, act_id=act_id, now=on.uow.now)
    return act_id, _tell_concerned(on, proposal, _refused(on, proposal, status, act_id))


def end_as_moot(
    on: RequestContext,
    waiting: Sequence[Proposal],
    act_id: str,
    *,
    but: str | None = None,
    is_told: bool = True,
) -> None:
    """Store that an act overtook proposals, and tell everybody who heard of them.

    Call it after storing what the act withdraws, and before recording what tells of the act: of an
    address that it withdraws, that is then the last word.

    Args:
        on: The request, locked.
        waiting: Proposals that wait for another lead.
        act_id: The act.
        but: The act that proposed what is carried out just now: it is approved, not moot.
        is_told: False where the act brings about all that they propose, and its own event says so
            to the same readers; that they were refused would then be wrong.
    """
    for proposal in waiting:
        if proposal.act_id == but:
            continue
        connection, now = on.uow.connection, on.uow.now
        store.decide(connection, proposal.id, status=store.MOOT, act_id=act_id, now=now)
        if is_told:
            news = _refused(on, proposal, store.MOOT, act_id)
            _tell_concerned(on, proposal, news._replace(is_of_act=False))


def _refused(on: RequestContext, proposal: Proposal, why: str, act_id: str) -> _News:
    """Return what is told of a proposal that comes to nothing."""
    data = {
        "withdrawal": proposal.id,
        "dispute": proposal.dispute_id,
        "why": why,
        **_left_standing(on, proposal),
    }
    return _News(EventType.REQUEST_WITHDRAWAL_REFUSED, act_id, data)


def _left_standing(on: RequestContext, proposal: Proposal) -> NamedAddresses | dict[str, object]:
    """Return how an event names the addresses of a proposal that are not withdrawn.

    One to uphold a dispute names none, and of one that was erased nobody knows them.
    """
    uow, row = on.uow, on.request
    raw = proposed_bodies(uow.connection, uow.vault, [proposal]).get(proposal.act_id)
    if proposal.dispute_id is not None or raw is None:
        return {}
    body = payloads.Withdrawal.model_validate(strict_json.loads(raw))
    gone = {
        *request_store.withdrawn_addresses(uow.connection, row.id),
        *request_store.left_out_addresses(uow.connection, row.id),
    }
    if body.addresses == "all" and not gone:
        return named_addresses(on, None)
    named = range(row.address_count) if body.addresses == "all" else map(int, body.addresses)
    return named_addresses(on, sorted(set(named) - gone))


def withdrawal_views(
    connection: Connection, vault: Vault, rows: Sequence[Proposal]
) -> list[WithdrawalView]:
    """Return proposals with the words of the acts that were signed."""
    bodies = proposed_bodies(connection, vault, rows)
    return [_view(row, bodies.get(row.act_id)) for row in rows]


def proposed_bodies(
    connection: Connection, vault: Vault, rows: Sequence[Proposal]
) -> dict[str, bytes]:
    """Return the exact bodies of proposals by act; erased ones are left out."""
    packed = load(connection, vault, [row.act_id for row in rows], "evidence")
    return {act_id: unpack_evidence(content)[1] for act_id, content in packed.items()}


def _view(row: Proposal, raw: bytes | None) -> WithdrawalView:
    said = {} if raw is None else strict_json.loads(raw)
    code = said.get("reason_code")
    return {
        "id": row.id,
        "request_id": row.request_id,
        "act_id": row.act_id,
        "act_sha256": None if raw is None else sha256(raw).hexdigest(),
        "dispute": row.dispute_id,
        "addresses": said.get("addresses"),
        "reason_code": None if code is None else WithdrawalReason(code),
        "reason": said.get("reason", said.get("text")),
        "withdrawal_status": row.status,
        "proposed_by": row.proposed_by_person,
        "proposed_by_kid": row.proposed_by_kid,
        "proposed_at": format_time(row.proposed_at),
        "approve_by": format_time(row.void_at),
        "decided_at": optional_time(row.decided_at),
        "decided_act_id": row.decided_act_id,
    }
