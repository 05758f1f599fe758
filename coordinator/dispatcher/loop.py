"""From the outbox to the wire: claim heads, send them, record what came of it.

One thread (the pump) talks to the database; as many threads as there are senders talk HTTP, so no
HTTP call is inside a transaction. One cycle of the pump is one transaction, which completes all
tries that ended since the last one and claims as many lanes as there are senders free, and while
receivers are quick as many again to go on with; its few statements and its one fsync are shared by
the whole batch. Legs are told of their notices after the notices, not between them.

A crash between sending and completing sends again, under the same `webhook-id`: at least once. A
worker that was paused beyond its lease sends nothing more of what it had claimed, and changes
nothing: its completion no longer holds the lane's token.
"""

import queue
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coordinator.dispatcher import metrics
from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.parcels import Parcel, Parcels, Unsendable
from coordinator.domain.delivery import DeliveryStatus, Tried, judge
from coordinator.domain.fair_shares import PARTNER_SHARE, FairShares
from coordinator.storage.delivery.lane_store import LaneStore
from coordinator.storage.delivery.lanes import AnswerText, Completion, Cycle, Head, Turn
from coordinator.storage.engine.wakeup import Watcher
from holdfast.protocol.payloads import format_time
from holdfast.protocol.webhook_signature import sign

logger = structlog.get_logger(__name__)

#: While tries are under way, the pump collects what ended for this long, in seconds: a transaction
#: for each single one would cost more than sending it.
LINGER_SECONDS = 0.004
#: The same while there is enough to go on with.
_LINGER_BUSY_SECONDS = 0.02
#: A try that lasts longer, in seconds, is slow; while many are, nothing is claimed ahead.
SLOW_SECONDS = 0.5
#: The part of slow tries, of about the last `_PACE_OF`, up to which more is claimed ahead.
_SLOW_PART = 0.25
_PACE_OF = 32
#: How soon `stop` is noticed while nothing happens, in seconds.
_LOOK_AT_STOP_SECONDS = 0.25
#: Between two tries to reach a database that is away, in seconds.
_DATABASE_PAUSE_SECONDS = 0.5
#: A send is not begun when less than the deadline and this is left of the lease.
LEASE_MARGIN = timedelta(seconds=2)


class SendOutcome(Protocol):
    """What the loop reads of a sender's outcome."""

    @property
    def status(self) -> int | None:
        """HTTP status, or None."""
        ...

    @property
    def error(self) -> str | None:
        """Stable word, None on success."""
        ...

    @property
    def detail(self) -> str:
        """The same for people; no path, no query, no byte of the receiver's."""
        ...

    @property
    def retry_after(self) -> int | None:
        """Whole seconds."""
        ...

    @property
    def response_excerpt(self) -> bytes:
        """The first bytes of the answer's body."""
        ...


Send = Callable[[str, Mapping[str, str], bytes], SendOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """Figures of one worker process; see `config/default.toml`."""

    senders: int = 128
    partner_share: int = PARTNER_SHARE
    lease: timedelta = timedelta(seconds=30)
    deadline: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Result:
    head: Head
    at: datetime
    duration: timedelta
    status: int | None = None
    error: str | None = None
    retry_after: int | None = None
    is_unsent: bool = False
    is_erased: bool = False
    detail: str = ""
    text: AnswerText | None = None

    @property
    def is_good(self) -> bool:
        """Whether the endpoint accepted it."""
        return self.error is None and self.status is not None


class DeliveryLoop:
    """The delivering part of one worker process.

    Args:
        context: Where the outbox is, and what opens and signs it.
        send: Posts bytes and never raises for what a receiver does.
        settings: Figures.
        watcher: Started by the caller; wakes the pump at commits.
        on_notice: Called once notices were accepted or died, when no more wait to be sent.
    """

    def __init__(
        self,
        context: WorkerContext,
        *,
        send: Send,
        settings: LoopSettings,
        watcher: Watcher,
        on_notice: Callable[[], None] = lambda: None,
    ) -> None:
        if settings.lease < settings.deadline + LEASE_MARGIN:
            raise ValueError("the lease must outlast the deadline, or two workers send at once")
        self.delivered = 0
        self._lanes = LaneStore(context.database)
        self._clock = context.clock
        self._send = send
        self._keys = tuple(context.webhook_keys)
        self._settings = settings
        self._watcher = watcher
        self._on_notice = on_notice
        self._parcels = Parcels(context.vault)
        self._jobs: queue.SimpleQueue[tuple[Parcel, float] | None] = queue.SimpleQueue()
        self._results: deque[_Result] = deque()
        self._wanted = threading.Event()
        self._under_way: dict[str, Head] = {}
        self._half = max(1, settings.senders // 2)
        self._shares = FairShares(settings.senders, partner_share=settings.partner_share)
        self._slow_part = 0.0
        self._owes_notices = False

    def wake(self) -> None:
        """Have the pump run a cycle now."""
        self._wanted.set()

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set, then let tries under way end and return.

        Nothing new is claimed after `stop`; claims that no sender took up are given back at once.
        """
        threads = [
            threading.Thread(target=self._send_all, name=f"sender-{i}", daemon=True)
            for i in range(self._settings.senders)
        ]
        for thread in threads:
            thread.start()
        self._watcher.subscribe(self.wake)
        try:
            while not stop.is_set():
                self._guarded_cycle(may_claim=True)
                self._wait()
        finally:
            self._drain()
            for _ in threads:
                self._jobs.put(None)
            for thread in threads:
                thread.join(timeout=1)
            self._lanes.close()

    def _wait(self) -> None:
        if self._results and not self._under_way:
            return
        seconds = min(self._settings.poll.total_seconds(), _LOOK_AT_STOP_SECONDS)
        if self._under_way:
            is_busy = self._jobs.qsize() >= self._half
            seconds = _LINGER_BUSY_SECONDS if is_busy else LINGER_SECONDS
        self._wanted.wait(seconds)
        self._wanted.clear()

    def _guarded_cycle(self, *, may_claim: bool) -> None:
        """Run one cycle; if the database fails, keep the results and pause."""
        results = [self._results.popleft() for _ in range(len(self._results))]
        try:
            self._cycle(results, may_claim=may_claim)
        except SQLAlchemyError as error:
            self._results.extendleft(reversed(results))
            metrics.DELIVERY_FAULTS.inc()
            logger.warning("delivery_cycle_failed", error=type(error).__name__)
            time.sleep(_DATABASE_PAUSE_SECONDS)

    def _cycle(self, results: list[_Result], *, may_claim: bool) -> None:
        now = self._clock.now()
        free = self._may_hold(results) - len(self._under_way) + len(results)
        if not may_claim:
            free = 0
        free = max(0, free)
        if not results and (free == 0 or not self._lanes.is_anything_due(now)):
            return
        begun = time.monotonic()
        completions = [self._judge(result, now) for result in results if not result.is_unsent]
        shares = self._shares_after(results)
        turn = self._lanes.run(
            Cycle(
                now=now,
                limit=free,
                lease=self._settings.lease,
                token=secrets.token_hex(16),
                shares=shares,
                completions=completions,
                released=[result.head for result in results if result.is_unsent],
            )
        )
        self._shares = shares
        for result in results:
            self._under_way.pop(result.head.delivery_id, None)
        self._count(completions, turn)
        self._hand_out(turn.heads, begun)
        if turn.is_cut:
            self._wanted.set()  # there is room for other partners' lanes
        self._owes_notices |= any(completion.owes for completion in turn.held)
        # Telling legs takes the same processor, and on SQLite the same lock. While notices keep
        # coming it is left to whoever looks from time to time.
        is_short = not turn.is_cut and len(turn.heads) < free and self._jobs.empty()
        if self._owes_notices and (is_short or not may_claim):
            self._owes_notices = False
            self._on_notice()

    def _may_hold(self, results: Sequence[_Result]) -> int:
        """Return how many heads may be held: more than there are senders while tries are quick.

        What is claimed ahead is nobody else's meanwhile, so it must not wait behind slow receivers.
        """
        for result in results:
            if not result.is_unsent:
                is_slow = result.duration.total_seconds() > SLOW_SECONDS
                self._slow_part += (is_slow - self._slow_part) / _PACE_OF
        is_quick = self._slow_part <= _SLOW_PART
        return self._settings.senders * (2 if is_quick else 1)

    def _judge(self, result: _Result, now: datetime) -> Completion:
        head = result.head
        if result.is_erased:
            return Completion(head, DeliveryStatus.CANCELLED, None, result.at)
        tried = Tried(
            head.attempt + 1,
            head.tried_since or result.at,
            result.status,
            result.error,
            result.retry_after,
            is_only=head.is_test,
        )
        # What was claimed while it failed joins the others' wait only if it fails still.
        is_failing = self._shares.is_failing(head.endpoint_id)
        verdict = judge(
            tried,
            priority=head.priority,
            now=now,
            jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            shared=head.shared_wait if is_failing else None,
        )
        return Completion(
            head,
            verdict.status,
            verdict.due_at,
            result.at,
            verdict.attempt,
            is_unanswered=not tried.is_accepted and tried.is_unanswered,
            answered=result.status,
            error=result.error,
            duration=result.duration,
            retry_after=None if tried.is_accepted else result.retry_after,
            told=result.detail,
            text=None if tried.is_accepted else result.text,
        )

    def _shares_after(self, results: Sequence[_Result]) -> FairShares:
        """Return a copy: if the transaction fails, the same results come again."""
        shares = self._shares.copy()
        for result in results:
            is_good = None if result.is_unsent or result.is_erased else result.is_good
            if not result.head.is_test:  # which takes nothing from a share
                shares.end(result.head, is_good=is_good)
        return shares

    def _count(self, asked: Sequence[Completion], turn: Turn) -> None:
        delivered = failed = dead = 0
        for endpoint_id in turn.recovered:
            logger.info("endpoint_answers_again", endpoint_id=endpoint_id)
        for completion in turn.held:
            if completion.status is DeliveryStatus.DELIVERED:
                delivered += 1
                continue
            failed += 1
            dead += completion.status is DeliveryStatus.DEAD
            _log_failed(completion)
        fenced = len(asked) - len(turn.held)
        if fenced:
            logger.warning("completion_fenced", count=fenced)
        self.delivered += delivered
        metrics.count_cycle(
            claimed=len(turn.heads), delivered=delivered, failed=failed, dead=dead, fenced=fenced
        )

    def _hand_out(self, heads: Sequence[Head], begun: float) -> None:
        """Give claimed heads to the senders, or record at once that there is nothing to send."""
        if not heads:
            return
        for head in heads:
            self._under_way[head.delivery_id] = head
        begin_by = begun + (self._settings.lease - self._settings.deadline).total_seconds()
        try:
            parcels = self._packed(heads)
        except SQLAlchemyError:
            for head in heads:
                self._fail(head, is_unsent=True)
            raise
        for parcel in parcels:
            if isinstance(parcel, Parcel):
                self._jobs.put((parcel, begin_by))
                continue
            head, is_erased = parcel.head, parcel.is_erased
            logger.error("nothing_to_send", delivery_id=head.delivery_id, is_erased=is_erased)
            self._fail(head, error="unreadable_document", is_erased=is_erased)

    def _packed(self, heads: Sequence[Head]) -> list[Parcel | Unsendable]:
        if self._parcels.is_at_hand(heads):
            return self._parcels.pack(None, heads)
        with self._lanes.reading() as connection:
            return self._parcels.pack(connection, heads)

    def _fail(
        self,
        head: Head,
        *,
        error: str | None = None,
        is_unsent: bool = False,
        is_erased: bool = False,
    ) -> None:
        at = self._clock.now()
        self._results.append(
            _Result(head, at, timedelta(), error=error, is_unsent=is_unsent, is_erased=is_erased)
        )
        self._wanted.set()

    def _drain(self) -> None:
        """Release what no sender took up, and wait until the rest must have ended."""
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None:
                self._fail(job[0].head, is_unsent=True)
        until = time.monotonic() + (self._settings.deadline + LEASE_MARGIN).total_seconds()
        while self._under_way and time.monotonic() < until:
            if self._results:
                self._guarded_cycle(may_claim=False)
            else:
                self._wanted.wait(LINGER_SECONDS)
                self._wanted.clear()

    def _send_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._results.append(self._try(*job))
            # The pump is woken when half of the senders have something, or when nobody is left.
            ended = len(self._results)
            if ended >= self._half or ended >= len(self._under_way):
                self._wanted.set()

    def _try(self, parcel: Parcel, begin_by: float) -> _Result:
        head = parcel.head
        at = self._clock.now()
        started = time.monotonic()
        if started > begin_by:
            # This process stood still for so long that the lease may be another's by now.
            return _Result(head, at, timedelta(), is_unsent=True)
        try:
            headers = sign(
                head.event_id,
                int(at.timestamp()),
                parcel.body,
                secrets=parcel.endpoint.good_secrets(at),
                keys=self._keys,
            )
            outcome = self._send(parcel.endpoint.url, headers, parcel.body)
        except Exception:
            # A fault of ours must end neither the thread nor the delivery: it is tried again.
            logger.exception("send_failed", delivery_id=head.delivery_id)
            return _Result(head, at, _since(started), error="internal")
        failed = outcome.error is not None and outcome.response_excerpt
        return _Result(
            head,
            at,
            _since(started),
            outcome.status,
            outcome.error,
            outcome.retry_after,
            detail=outcome.detail,
            text=AnswerText(outcome.response_excerpt, parcel.key) if failed else None,
        )


def _log_failed(completion: Completion) -> None:
    """Write the one line of a try that failed: enough to call the partner, nothing that it hides.

    A URL's path may be a secret, and what the receiver answered is its own; neither is told.
    """
    head, due = completion.head, completion.due_at
    is_dead = completion.status is DeliveryStatus.DEAD
    logger.warning(
        "delivery_dead" if is_dead else "delivery_failed",
        delivery_id=head.delivery_id,
        endpoint_id=head.endpoint_id,
        partner=head.partner,
        event_type=head.event_type,
        attempt=head.attempts + 1,
        status=completion.answered,
        error=completion.error,
        detail=completion.told,
        duration_ms=round(completion.duration.total_seconds() * 1000),
        next_attempt_at=None if due is None else format_time(due),
    )


def _since(started: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started)
