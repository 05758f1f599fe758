"""Timers: deadlines that have passed, found by an indexed read, each acted on by one command.

A timer never changes anything itself. Each due id gets a transaction of its own, in which the
command looks again whether it still is due: a person may have been quicker, and two workers may
have found the same id. Nothing fires while the host's clock cannot be trusted (`ClockGuard`), nor
while the database was restored and is only read.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from coordinator.dispatcher import metrics
from coordinator.dispatcher.context import WorkerContext
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import Clock, SystemClock
from coordinator.domain.deadline import Policies
from coordinator.domain.delivery import FAILING_AFTER
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.on_call import BEFORE_HOLD_ENDS
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.delivery.webhook_endpoints import (
    DisableGoneEndpoint,
    TellEndpointFailing,
)
from coordinator.services.ending.closing import CloseByItself, ExpireFreezeRequest
from coordinator.services.ending.disputes import RecommendRelease
from coordinator.services.ending.erasures import EraseByPolicy
from coordinator.services.ending.retention import EraseOldEvidence, ForgetNames
from coordinator.services.ending.withdrawal_proposals import VoidWithdrawal
from coordinator.services.ledger.holds import FireHoldClock, RemindOwed
from coordinator.services.membership.root_resets import TakeOverRoot
from coordinator.services.membership.suspensions import SuspendRequest
from coordinator.services.requests.alarms import WakeForHold
from coordinator.services.requests.info_requests import MarkReplyLate
from coordinator.services.requests.legs import MarkLegOverdue, MarkLegUnanswered
from coordinator.services.requests.ratification import MissRatification, WithdrawUnratified
from coordinator.services.restoring.return_requests import ExpireReturn
from coordinator.storage.console import drafts
from coordinator.storage.delivery import answer_texts, webhook_endpoints
from coordinator.storage.ending import disputes, retention, withdrawal_proposals
from coordinator.storage.engine.database import Database
from coordinator.storage.ledger import hold_clocks
from coordinator.storage.membership import root_resets, suspensions
from coordinator.storage.requests import (
    alarms,
    erasures,
    freeze_requests,
    info_requests,
    legs,
    read_log,
    sealed_evidence,
)
from coordinator.storage.restoring import return_requests
from coordinator.storage.tail import idempotency, restored
from holdfast.protocol.payloads import format_time

logger = structlog.get_logger(__name__)

#: Ids of one timer in one pass; what is left is found in the next.
BATCH = 100
#: Wall time that may come or go between two looks without anybody having set the clock.
JUMP_LIMIT = timedelta(seconds=30)
#: How long used tokens and stored answers are kept.
TOKENS_KEPT = timedelta(hours=24)
ANSWERS_KEPT = timedelta(days=7)
#: How often the old ones are swept out: nothing depends on the minute.
SWEEP_EVERY = timedelta(minutes=5)
#: Texts of failed answers that one sweep erases.
TEXTS_AT_ONCE = 2_000

Find = Callable[[Connection, datetime, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Timer:
    """One kind of deadline.

    Attributes:
        name: For logs and metrics.
        find: Returns up to so many ids that are due at a time; one indexed read.
        command: Makes the command for an id; its handler checks again.
    """

    name: str
    find: Find
    command: Callable[[str], object]


def _failing(connection: Connection, now: datetime, limit: int) -> Sequence[str]:
    return webhook_endpoints.failing_untold(connection, now - FAILING_AFTER, limit)


def all_timers(policies: Policies) -> tuple[Timer, ...]:
    """Return every timer of a worker; each is one indexed read where nothing is due."""
    return (
        Timer(
            "approve_by",
            freeze_requests.due_for_expiry,
            lambda request_id: ExpireFreezeRequest(request_id=request_id),
        ),
        Timer(
            "ratify_by",
            freeze_requests.due_for_ratification,
            lambda request_id: MissRatification(request_id=request_id),
        ),
        Timer(
            "unratified_until",
            freeze_requests.due_unratified,
            lambda request_id: WithdrawUnratified(request_id=request_id),
        ),
        Timer(
            "approve_withdrawal_by",
            withdrawal_proposals.due,
            lambda withdrawal_id: VoidWithdrawal(withdrawal_id=withdrawal_id),
        ),
        Timer(
            "approve_return_by",
            return_requests.due,
            lambda return_id: ExpireReturn(return_id=return_id),
        ),
        Timer(
            "close_after",
            lambda connection, now, limit: freeze_requests.due_for_closing(
                connection, now - policies.close_after, limit
            ),
            lambda request_id: CloseByItself(request_id=request_id),
        ),
        Timer(
            "retention",
            lambda connection, now, limit: erasures.due(
                connection, policies.kept_since(now), limit
            ),
            lambda request_id: EraseByPolicy(request_id=request_id),
        ),
        Timer(
            "sealed_retention",
            lambda connection, now, limit: retention.evidence_due(
                connection, policies.sealed_evidence_kept_since(now), limit
            ),
            lambda evidence_id: EraseOldEvidence(sealed_evidence_id=evidence_id),
        ),
        Timer(
            "names_retention",
            lambda connection, now, limit: retention.names_due(
                connection, policies.names_kept_since(now), limit
            ),
            lambda subject_id: ForgetNames(subject_id=subject_id),
        ),
        Timer(
            "acknowledge_by",
            legs.due_for_overdue,
            lambda leg_id: MarkLegOverdue(leg_id=leg_id),
        ),
        Timer(
            "answer_by",
            legs.due_for_answer,
            lambda leg_id: MarkLegUnanswered(leg_id=leg_id),
        ),
        Timer(
            "reply_by",
            info_requests.due_for_reply,
            lambda question_id: MarkReplyLate(info_request_id=question_id),
        ),
        Timer(
            "hold_clock",
            hold_clocks.due_clocks,
            lambda hold_id: FireHoldClock(hold_id=hold_id),
        ),
        Timer(
            "hold_ends_soon",
            lambda connection, now, limit: alarms.holds_that_end(
                connection, now, limit, before=BEFORE_HOLD_ENDS
            ),
            lambda leg_id: WakeForHold(leg_id=leg_id),
        ),
        Timer(
            "answer_owed",
            hold_clocks.due_reminders,
            lambda hold_id: RemindOwed(hold_id=hold_id),
        ),
        Timer(
            "dispute_answer_by",
            disputes.due_for_answer,
            lambda dispute_id: RecommendRelease(dispute_id=dispute_id),
        ),
        Timer(
            "root_reset",
            root_resets.due,
            lambda reset_id: TakeOverRoot(reset_id=reset_id),
        ),
        Timer(
            "suspension",
            suspensions.due,
            lambda request_id: SuspendRequest(request_id=request_id),
        ),
        Timer(
            "endpoint_failing",
            _failing,
            lambda endpoint_id: TellEndpointFailing(endpoint_id=endpoint_id),
        ),
        Timer(
            "endpoint_gone",
            webhook_endpoints.gone,
            lambda endpoint_id: DisableGoneEndpoint(endpoint_id=endpoint_id),
        ),
    )


class ClockGuard:
    """Notices that somebody set the host's clock, and holds deadlines back until it is right.

    Right again means: the database's clock agrees (PostgreSQL), or wall time is back where steady
    time says it must be (SQLite, which has no clock of its own). A restart begins afresh.

    Args:
        database: Asked for its clock on PostgreSQL.
        wall: The host's clock, without any offset of a demonstration.
        steady: Seconds that nobody can set; by default including time asleep, where the system can.
    """

    def __init__(
        self,
        database: Database,
        *,
        wall: Clock | None = None,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._database = database
        self._wall = wall or SystemClock()
        self._steady = steady or _steady_seconds
        self._offset = self._present_offset()
        self.is_held = False

    def may_fire(self) -> bool:
        """Tell whether deadlines may be acted on now."""
        offset = self._present_offset()
        has_jumped = abs(offset - self._offset) > JUMP_LIMIT.total_seconds()
        if not has_jumped:
            if not self.is_held:
                self._offset = offset  # follows a clock that is slewed slowly
            self._say(is_held=False)
            return True
        if not self._database.is_sqlite and self._agrees_with_database():
            self._offset = offset
            self._say(is_held=False)
            return True
        self._say(is_held=True)
        return False

    def _present_offset(self) -> float:
        return self._wall.now().timestamp() - self._steady()

    def _agrees_with_database(self) -> bool:
        with self._database.engine.connect() as connection:
            statement = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS FLOAT)")
            theirs = float(connection.execute(statement).scalar_one())
        return abs(theirs - self._wall.now().timestamp()) <= JUMP_LIMIT.total_seconds()

    def _say(self, *, is_held: bool) -> None:
        if is_held and not self.is_held:
            logger.error(
                "clock_jumped",
                advice="deadlines are not acted on until the host's clock is right; "
                "if it is right now, restart this worker",
            )
        elif self.is_held and not is_held:
            logger.warning("clock_is_right_again")
        self.is_held = is_held
        metrics.CLOCK_HELD.set(is_held)


def _steady_seconds() -> float:
    # A machine that slept has not jumped: time asleep counts where the system counts it.
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class TimerRun:
    """Runs the timers of one worker.

    Args:
        context: Where deadlines are, and what says that they are due.
        on_commit: Called after each commit that changed something.
        timers: Which deadlines it looks after; see `all_timers`.
        guard: By default one on the host's clock.
    """

    def __init__(
        self,
        context: WorkerContext,
        *,
        on_commit: Callable[[], None],
        timers: Sequence[Timer],
        guard: ClockGuard | None = None,
    ) -> None:
        self._context = context
        self._on_commit = on_commit
        self._timers = timers
        self.guard = guard or ClockGuard(context.database)
        self._swept_at: datetime | None = None
        self._told_read_only = False

    def run_due(self) -> int:
        """Run a command for every deadline that has passed; returns how many ran.

        A command that fails is logged and tried again in the next pass; it stops no other.
        """
        if not self.guard.may_fire():
            return 0
        if self._is_read_only():
            metrics.note_pass()
            return 0
        fired = 0
        for timer in self._timers:
            try:
                fired += self._run(timer)
            except SQLAlchemyError as error:
                metrics.TIMER_FAULTS.labels(timer.name).inc()
                logger.warning("timer_failed", timer=timer.name, error=type(error).__name__)
        self._sweep()
        metrics.note_pass()
        return fired

    def _is_read_only(self) -> bool:
        """Tell whether the database takes no change; the operator is told, once."""
        try:
            with self._context.database.engine.connect() as connection:
                since = restored.since(connection)
        except SQLAlchemyError:
            return False  # each timer says so, and the commit looks again
        if since is not None and not self._told_read_only:
            logger.warning(
                "read_only",
                since=format_time(since),
                advice="nothing is sent and no deadline fires until `holdfast-coordinator"
                " reconcile`",
            )
        self._told_read_only = since is not None
        return since is not None

    def _run(self, timer: Timer) -> int:
        with self._context.database.engine.connect() as connection:
            due = timer.find(connection, self._context.clock.now(), BATCH)
        return sum(self._fire(timer, item) for item in due)

    def _fire(self, timer: Timer, item: str) -> bool:
        try:
            with transaction(self._context) as uow:
                answer = execute(timer.command(item), COORDINATOR, uow)
                uow.finish(answer)
        except CoordinatorError as error:
            logger.info("timer_refused", timer=timer.name, id=item, code=error.code)
            return False
        except Exception:
            metrics.TIMER_FAULTS.labels(timer.name).inc()
            logger.exception("timer_failed", timer=timer.name, id=item)
            return False
        metrics.TIMERS_FIRED.labels(timer.name).inc()
        self._on_commit()
        return True

    def _sweep(self) -> None:
        """From time to time, delete what is no longer needed: tokens, answers, untouched drafts."""
        now = self._context.clock.now()
        if self._swept_at is not None and abs(now - self._swept_at) < SWEEP_EVERY:
            return
        self._swept_at = now
        try:
            with self._context.database.writing() as connection, connection.begin():
                idempotency.forget_old(
                    connection,
                    tokens_before=now - TOKENS_KEPT,
                    answers_before=now - ANSWERS_KEPT,
                )
                drafts.forget_untouched(connection, now)
                sealed_evidence.forget_waiting(connection, now)
                # As many as there may be are left for the next sweeps, so that none is long.
                answer_texts.erase_old(connection, now, limit=TEXTS_AT_ONCE)
            self._clear_traces(now)
        except SQLAlchemyError as error:
            logger.warning("sweep_failed", error=type(error).__name__)

    def _clear_traces(self, now: datetime) -> None:
        """Have the database give up what it keeps of what was erased; again next time if not."""
        database = self._context.database
        with database.engine.connect() as connection:
            waiting = erasures.with_traces(connection)
        if not waiting:
            return
        with database.writing() as connection, connection.begin():
            read_log.forget_late(connection, waiting)
        if not erasures.clear_traces(database):
            logger.info("erased_in_journal", advice="somebody reads; tried again at the next sweep")
            return
        with database.writing() as connection, connection.begin():
            erasures.mark_traces_gone(connection, waiting, now)
