"""Pages people: walks along chains when it is time, and sends what is queued.

A thread of its own, so that neither many webhooks nor a slow pass of the timers holds up a page;
nor does it wait for a host's clock to be right, for a page too many does no harm. Messages are sent
outside of any transaction, by as many threads as there are senders, of which one partner has its
share: a channel that hangs holds up that partner's own pages at most.
"""

import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from coordinator.dispatcher import metrics
from coordinator.dispatcher.channels import Page
from coordinator.dispatcher.context import WorkerContext
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.on_call import retry_at, sentence
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.requests.alarms import TEST, PageNext
from coordinator.storage.engine.documents import UnreadableDocumentError
from coordinator.storage.membership import on_call as chain_store
from coordinator.storage.membership.on_call import OnCallDocument, StoredChannel
from coordinator.storage.requests import alarms as store
from coordinator.storage.requests.alarms import Alarm, Claimed, Done, Room
from coordinator.storage.tail import restored
from holdfast.protocol.tasks import TaskKind

logger = structlog.get_logger(__name__)

#: Alarms of one pass whose next person is paged.
_BATCH = 100

Send = Callable[[StoredChannel, Page], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerSettings:
    """Figures of one worker's pager.

    Attributes:
        senders: Messages under way at a time.
        share: Of those, one partner's at most.
        lease: How long a claimed message is nobody else's; outlasts the deadline of sending it.
        poll: How often it looks for what nobody announced.
    """

    senders: int = 16
    share: int = 4
    lease: timedelta = timedelta(seconds=30)
    poll: timedelta = timedelta(seconds=1)


class Pager:
    """The paging part of one worker process.

    Args:
        context: Where alarms are, and what opens chains.
        send: Tries one message once; returns None, or why it was not taken.
        settings: Figures.
        console: The console's origin, where pages lead.
        on_commit: Called after each commit that changed something.
    """

    def __init__(
        self,
        context: WorkerContext,
        *,
        send: Send,
        settings: PagerSettings,
        console: str,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._context = context
        self._send = send
        self._settings = settings
        self._console = console
        self._on_commit = on_commit
        self._wanted = threading.Event()
        self._done: deque[Done] = deque()
        self._under_way: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(settings.senders, thread_name_prefix="pager")

    def wake(self) -> None:
        """Have it look now."""
        self._wanted.set()

    def run(self, stop: threading.Event) -> None:
        """Page until `stop` is set; then let what is under way end, and return."""
        while not stop.is_set():
            self._wanted.clear()
            self._guarded_pass()
            self._wanted.wait(self._settings.poll.total_seconds())
        self._pool.shutdown(wait=True)
        self._guarded_pass(may_claim=False)

    def run_pass(self, *, may_claim: bool = True) -> None:
        """Record what ended, go on along chains, and hand messages that are due to senders."""
        self._complete()
        if not may_claim or self._is_read_only():
            return
        self._walk()
        for each in self._claim():
            self._pool.submit(self._try, *each)

    def settle(self) -> None:
        """Run passes until nothing is under way; for tests and for measuring."""
        self.run_pass()
        while self._under_way.total():
            self._wanted.wait(self._settings.poll.total_seconds())
            self._wanted.clear()
            self.run_pass()

    def close(self) -> None:
        """End the senders, once each has ended what it does."""
        self._pool.shutdown(wait=True)

    def _guarded_pass(self, *, may_claim: bool = True) -> None:
        try:
            self.run_pass(may_claim=may_claim)
        except SQLAlchemyError as error:
            logger.warning("paging_failed", error=type(error).__name__)
        except Exception:
            # A fault of ours must not end the one thread that wakes people.
            logger.exception("paging_failed")

    def _is_read_only(self) -> bool:
        """Tell whether the database was restored: of what it owes, much was sent since."""
        with self._context.database.engine.connect() as connection:
            return restored.since(connection) is not None

    def _walk(self) -> None:
        """Page the next of each chain whose time has come, each in a transaction of its own."""
        now = self._context.clock.now()
        with self._context.database.engine.connect() as connection:
            due = store.due(connection, now, _BATCH)
        for alarm_id in due:
            try:
                with transaction(self._context) as uow:
                    answer = execute(PageNext(alarm_id=alarm_id), COORDINATOR, uow)
                    uow.finish(answer)
            except CoordinatorError as error:
                logger.warning("alarm_refused", id=alarm_id, code=error.code)
                continue
            except Exception:
                # One that cannot be carried out must not keep the others from being heard.
                metrics.PAGES.labels("fault").inc()
                logger.exception("alarm_failed", id=alarm_id)
                continue
            self._on_commit()

    def _claim(self) -> list[tuple[Claimed, StoredChannel]]:
        now, database = self._context.clock.now(), self._context.database
        limit = self._settings.senders - self._under_way.total()
        with database.engine.connect() as connection:
            if limit <= 0 or not store.is_any_due(connection, now):
                return []
        with database.writing() as connection, connection.begin():
            claimed = store.claim(
                connection,
                Room(limit, self._settings.share, self._under_way),
                now=now,
                lease=self._settings.lease,
                token=secrets.token_hex(16),
            )
            documents = self._documents(connection, claimed)
        sendable = []
        for each in claimed:
            self._under_way[each.call.partner] += 1
            channel = _channel(each, documents)
            if isinstance(channel, StoredChannel):
                sendable.append((each, channel))
            else:
                self._ended(channel)
        return sendable

    def _documents(
        self, connection: Connection, claimed: list[Claimed]
    ) -> dict[str, OnCallDocument | None]:
        """Return the chains of claimed messages by id, None where it is gone.

        One that cannot be opened is not among them; it must not keep others from being heard.
        """
        found: dict[str, OnCallDocument | None] = {}
        for chain_id in {each.call.on_call_id for each in claimed}:
            try:
                found[chain_id] = chain_store.document(connection, self._context.vault, chain_id)
            except UnreadableDocumentError:
                logger.exception("chain_unreadable", id=chain_id)
        return found

    def _try(self, claimed: Claimed, channel: StoredChannel) -> None:
        call = claimed.call
        try:
            error = self._send(channel, self._page(claimed))
        except Exception:
            logger.exception("page_failed", id=call.id)
            error = "internal"
        if error is None:
            self._ended(Done(call, "sent"))
            return
        again = retry_at(call.tries + 1, self._context.clock.now())
        logger.warning(
            "page_not_taken", id=call.id, partner=call.partner, channel=call.channel, error=error
        )
        self._ended(Done(call, "failed" if again is None else "pending", error, again))

    def _ended(self, done: Done) -> None:
        self._done.append(done)
        self._wanted.set()

    def _complete(self) -> None:
        done = [self._done.popleft() for _ in range(len(self._done))]
        if not done:
            return
        try:
            with self._context.database.writing() as connection, connection.begin():
                held = store.complete(connection, done, now=self._context.clock.now())
        except SQLAlchemyError:
            self._done.extendleft(reversed(done))
            raise
        for each in done:
            self._under_way[each.call.partner] -= 1
            metrics.PAGES.labels(each.status).inc()
        if held < len(done):
            logger.warning("page_fenced", count=len(done) - held)

    def _page(self, claimed: Claimed) -> Page:
        call, alarm = claimed
        is_test = alarm.kind == TEST
        return Page(
            call.id,
            alarm.id,
            sentence(None if is_test else TaskKind(alarm.kind), drill=alarm.drill),
            self._link(alarm),
            is_test,
            alarm.drill,
        )

    def _link(self, alarm: Alarm) -> str:
        place = "/on-call" if alarm.request_id is None else f"/requests/{alarm.request_id}"
        return f"{self._console}/console{place}"


def _channel(
    claimed: Claimed, documents: Mapping[str, OnCallDocument | None]
) -> StoredChannel | Done:
    """Return by what a message goes out, or why it does not."""
    call = claimed.call
    if call.on_call_id not in documents:
        return Done(call, "failed", "unreadable_document")
    document = documents[call.on_call_id]
    channel = None if document is None else document.channel(call.step, call.channel_no)
    if channel is None or channel.kind != call.channel:
        return Done(call, "dropped", "chain_changed")
    return channel
