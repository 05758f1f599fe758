"""An act on a recovery request: who may see it, how it is stored and told, and how it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.errors import NotFoundError, StaleDocumentError
from coordinator.domain.recovery import AWAITED, Awaits, RequestAct, next_request_status
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.requests.act_proofs import ActProof, ActToProve, proofs_of_acts
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.restoring import recovery_requests as store
from coordinator.storage.restoring.recovery_requests import Counted
from coordinator.storage.tables.partners import MemberActRow
from coordinator.storage.tables.recovery import RecoveryRequestRow
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import DepositStatus, EventType, RecoveryStatus

_NO_SUCH = "there is no such recovery request, or none that you may see"


class RecoveryResultView(TypedDict):
    """The answer to an act (`recovery_views.RecoveryResultView`)."""

    id: str
    act_id: str
    status: RecoveryStatus
    drill: bool
    deposits: Mapping[str, int]
    awaits_partner: int
    awaits_requester: int


class Turns(NamedTuple):
    """How many deposits wait for either side."""

    partner: int
    requester: int


def turns(by_status: Mapping[str, int]) -> Turns:
    """Return whose turn it is, by how many deposits are in each state."""
    waiting = dict.fromkeys(Awaits, 0)
    for status, number in by_status.items():
        side = AWAITED.get(DepositStatus(status))
        if side is not None:
            waiting[side] += number
    return Turns(waiting[Awaits.PARTNER], waiting[Awaits.REQUESTER])


def side_due_at(counted: Counted, side: Awaits) -> datetime | None:
    """Return when the next deposit is due that waits for a side."""
    due = counted.due_by_status.items()
    return min((at for each, at in due if AWAITED.get(DepositStatus(each)) is side), default=None)


@dataclass(frozen=True, slots=True)
class RecoveryContext:
    """Who acts, the request as it was read, and the transaction under way."""

    uow: UnitOfWork
    actor: Actor
    request: RecoveryRequestRow

    @property
    def key(self) -> DocumentKey:
        """The data key that seals what belongs to the request."""
        return self.uow.key(self.request.document_key_id)

    def after(self, act: RequestAct) -> RecoveryStatus:
        """Return the status after an act.

        Raises:
            InvalidTransitionError: If the request as it is does not take it.
        """
        return next_request_status(status_now(self.request, self.uow), act)

    def change(self, **values: Any) -> "RecoveryContext":
        """Write new values to the request; returns the context with it as it is now."""
        return replace(self, request=store.change(self.uow.connection, self.request, **values))

    def record(self, event: EventType, data: Mapping[str, object], *to: str) -> Recorded:
        """Record an event for one side or both."""
        request = self.request
        common: dict[str, object] = {
            "recovery_id": request.id,
            "requester": request.requester,
            "partner": request.partner,
            "content_sha256": request.content_sha256,
            "recovery_status": request.status,
            "by": self.actor.subject,
        }
        drill: dict[str, object] = {"drill": True} if request.drill else {}
        return self.uow.record(event, {**common, **drill, **data}, key=self.key, audience=to)

    def store_act(self, act_id: str, kind: str, recorded: Recorded) -> None:
        """Store the act under way with its evidence; its row points to the leaf of `recorded`."""
        store_member_act(
            self.uow, self.actor, MemberAct(act_id, kind, self.request.id), self.key, recorded
        )

    def link(self, act_id: str) -> str:
        """Return where one act is read with what proves it."""
        return self.uow.link(f"/v1/recovery-requests/{self.request.id}/evidence?act={act_id}")

    def proofs(self, acts: Sequence[MemberActRow | ActToProve]) -> list[ActProof]:
        """Return what proves acts, as events carry it."""
        return proofs_of_acts(self.uow, acts, self.link)

    def result(self, act_id: str, counted: Counted, recorded: Recorded) -> Answer:
        """Return the answer to an act: how the request stands now."""
        waiting = turns(counted.by_status) if self.request.decided_at else Turns(0, 0)
        view: RecoveryResultView = {
            "id": self.request.id,
            "act_id": act_id,
            "status": RecoveryStatus(self.request.status),
            "drill": self.request.drill,
            "deposits": counted.by_status,
            "awaits_partner": waiting.partner,
            "awaits_requester": waiting.requester,
        }
        return Answer(201, {**view}, entry=recorded)


def new_act_id() -> str:
    """Return the id of an act."""
    return new_id("act")


def status_now(row: RecoveryRequestRow, at: Any) -> RecoveryStatus:
    """Return how a request stands at `at.now`: what nobody approved in time is over by itself."""
    is_late = row.status == RecoveryStatus.SUBMITTED and row.approve_by <= at.now
    return RecoveryStatus.EXPIRED if is_late else RecoveryStatus(row.status)


def sent(uow: UnitOfWork, actor: Actor, recovery_id: str, content_sha256: str) -> RecoveryContext:
    """Lock a request that the actor's partner sent.

    Raises:
        NotFoundError: If it is somebody else's.
        StaleDocumentError: If the act names another document.
    """
    row = store.get(uow.connection, recovery_id, lock=True)
    if row is None or row.requester != actor.partner:
        raise NotFoundError(_NO_SUCH)
    return _on(uow, actor, row, content_sha256)


def received(
    uow: UnitOfWork, actor: Actor, recovery_id: str, content_sha256: str
) -> RecoveryContext:
    """Lock a request that the actor's partner is asked by, and that has gone out.

    Raises:
        NotFoundError: If it is somebody else's, or has not gone out.
        StaleDocumentError: If the act names another document.
    """
    row = store.get(uow.connection, recovery_id, lock=True)
    if row is None or row.partner != actor.partner or row.status != RecoveryStatus.OPEN:
        raise NotFoundError(_NO_SUCH)
    return _on(uow, actor, row, content_sha256)


def _on(
    uow: UnitOfWork, actor: Actor, row: RecoveryRequestRow, content_sha256: str
) -> RecoveryContext:
    if row.content_sha256 != content_sha256:
        raise StaleDocumentError(
            "content_sha256 names another document than this request's; read the request, "
            "check it, and sign again",
            current_status=row.status,
        )
    return RecoveryContext(uow, actor, row)


def readable(connection: Connection, actor: Actor, recovery_id: str) -> RecoveryRequestRow:
    """Return a request as far as the actor's partner may read it.

    Raises:
        NotFoundError: If it is neither of its sides, or is asked and the request has not gone out.
    """
    row = store.get(connection, recovery_id)
    if row is not None and row.requester == actor.partner:
        return row
    if row is not None and row.partner == actor.partner and row.status == RecoveryStatus.OPEN:
        return row
    raise NotFoundError(_NO_SUCH)
