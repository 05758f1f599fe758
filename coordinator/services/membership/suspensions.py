"""Suspension and reinstatement of a partner by the operator, with their consequences.

A suspended partner's keys are answered 401, except for revocations, and for reports and extensions
about what it holds. Its submitted requests are withdrawn and its provisional ones unratified: the
worker takes one in each transaction until none is left, so that a crash leaves nothing behind.
Active requests stay with the partners asked, marked.
"""

from dataclasses import dataclass

from sqlalchemy import update

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.domain.freeze_request import Action
from coordinator.domain.permission import Permission
from coordinator.services.core.acts import NewAct, RequestContext
from coordinator.services.core.bus import handles
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.ending.ended_legs import Why
from coordinator.services.ending.withdrawals import withdraw_all
from coordinator.services.membership.root_resets import stop_reset
from coordinator.services.requests.ratification import make_unratified
from coordinator.storage.membership import partners as store
from coordinator.storage.membership import root_resets
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.vocabulary import EventType, PartnerStatus, RequestStatus, WithdrawalReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendPartner:
    """The operator takes an active partner out, until it is reinstated."""

    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstatePartner:
    """The operator lets a suspended partner act again."""

    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendRequest:
    """Take up one undecided request of a suspended partner."""

    request_id: str


@handles(SuspendPartner, needs=Permission.PARTNER_SUSPEND)
def suspend(command: SuspendPartner, actor: Actor, uow: UnitOfWork) -> Answer:
    """Suspend a partner; transactions under way that rest on its keys fail."""
    del actor
    row = _partner(uow, command.handle, PartnerStatus.ACTIVE)
    waiting = root_resets.waiting(uow.connection, row.handle)
    if waiting is not None:
        # Nobody could object while the keys answer 401.
        stop_reset(uow, waiting, row)
    uow.will_revoke()
    recorded = _change(uow, row, PartnerStatus.SUSPENDED, EventType.PARTNER_SUSPENDED)
    body = {"handle": row.handle, "status": PartnerStatus.SUSPENDED}
    return Answer(200, body, entry=recorded)


@handles(ReinstatePartner, needs=Permission.PARTNER_SUSPEND)
def reinstate(command: ReinstatePartner, actor: Actor, uow: UnitOfWork) -> Answer:
    """Let a suspended partner act again; what was withdrawn stays withdrawn."""
    del actor
    row = _partner(uow, command.handle, PartnerStatus.SUSPENDED)
    # A reader that knows `partner.joined` takes the partner for active again, which is right.
    recorded = _change(uow, row, PartnerStatus.ACTIVE, EventType.PARTNER_JOINED, reinstated=True)
    return Answer(200, {"handle": row.handle, "status": PartnerStatus.ACTIVE}, entry=recorded)


def _partner(uow: UnitOfWork, handle: str, wanted: PartnerStatus) -> PartnerRow:
    row = store.partner(uow.connection, handle, lock=True)
    if row is None:
        raise NotFoundError(f"there is no partner {handle}")
    if row.status != wanted:
        raise ConflictError(
            f"{handle} is {row.status}, not {wanted.value}", current_status=row.status
        )
    return row


def _change(
    uow: UnitOfWork, row: PartnerRow, status: PartnerStatus, event: EventType, **more: bool
) -> Recorded:
    uow.connection.execute(
        update(PartnerRow).where(PartnerRow.handle == row.handle).values(status=status)
    )
    return uow.record(
        event,
        {
            "partner": row.handle,
            "kind": row.kind,
            "root_kid": row.root_kid,
            "status": status,
            **more,
        },
        key=uow.key(row.document_key_id),
        audience=[EVERYBODY],
    )


@handles(SuspendRequest, needs=Permission.TIMER_FIRE)
def suspend_request(command: SuspendRequest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Withdraw a submitted request of a suspended partner; a provisional one is unratified."""
    request_store.lock_sharing(uow.connection, command.request_id)
    row = request_store.get(uow.connection, command.request_id, lock=True)
    if row is None or not (row.provisional or row.status == RequestStatus.SUBMITTED):
        return Answer(200, {"status": "unchanged"})
    requester = store.partner(uow.connection, row.requester)
    if requester is None or requester.status != PartnerStatus.SUSPENDED:
        return Answer(200, {"status": "unchanged"})
    on, act, why = RequestContext(uow, actor, row), NewAct("suspend"), "the requester was suspended"
    if row.provisional:
        return make_unratified(on, act, why=why)
    return withdraw_all(on, Action.WITHDRAW, act, Why(why, WithdrawalReason.OTHER))
