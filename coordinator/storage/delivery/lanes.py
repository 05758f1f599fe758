"""The outbox as lanes: what is claimed with a lease, and completed with a fence.

Only the head of a lane, its pending delivery with the lowest `seq`, is ever claimed. A worker's
cycle is one transaction: it completes what ended, then claims what is due. Completion counts only
where `lease_token` still is the caller's: a worker that was paused beyond its lease changes
nothing. `lane_store` has the statements.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from coordinator.domain.clock import from_micros
from coordinator.domain.delivery import (
    FAILING_AFTER,
    GONE,
    DeliveryStatus,
    SharedWait,
    honoured,
)
from coordinator.domain.fair_shares import FairShares, Room
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.tail.outbox import TEST_LANE
from holdfast.protocol.vocabulary import EventType

#: A request's urgency as a number; lanes of a lower one go first.
PRIORITIES = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Head:
    """One claimed lane with the delivery at its head.

    Attributes:
        attempt: Tries of this delivery since it was queued.
        tried_since: When the first of those was made.
        attempts: Tries of all times; the next one's number is one higher.
        endpoint_version: Changes whenever URL or secrets do.
        failing_since: Since when the endpoint has taken nothing; None: its last try was good.
        gaps: Dead deliveries of the lane since the last good one.
        partner: Whose endpoint it is.
        is_partner_failing: The last try of any of the partner's endpoints failed.
        shared_wait: What lanes of the endpoint, as urgent or more so, wait for together.
    """

    endpoint_id: str
    request_id: str
    lease_token: str
    priority: int
    attempt: int
    tried_since: datetime | None
    gaps: int
    delivery_id: str
    event_id: str
    event_type: str
    seq: int
    attempts: int
    endpoint_version: int
    failing_since: datetime | None
    partner: str
    is_partner_failing: bool = False
    shared_wait: SharedWait | None = None

    @property
    def is_failing(self) -> bool:
        """Whether the endpoint's last try failed."""
        return self.failing_since is not None

    @property
    def is_test(self) -> bool:
        """Whether the endpoint's own people asked for it: it is tried at once, and once."""
        return self.request_id == TEST_LANE

    @property
    def lane(self) -> tuple[str, str]:
        """Endpoint and request."""
        return self.endpoint_id, self.request_id


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The beginning of what a receiver answered: its owner's data, sealed under the owner's key."""

    content: bytes = field(repr=False)
    key: DocumentKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """What one try of a head came to.

    Attributes:
        status: What the delivery becomes; pending where it is tried again at `due_at`.
        attempt: Tries that the wait until `due_at` was counted by, where it is tried again.
        is_unanswered: The endpoint as a whole failed.
        answered: HTTP status, or None.
        error: Stable word, or None.
        retry_after: Whole seconds that the endpoint asked for.
        told: What is logged of a try that failed; no path, no body.
        text: The beginning of a failed answer's text.
    """

    head: Head
    status: DeliveryStatus
    due_at: datetime | None
    at: datetime
    attempt: int = 1
    is_unanswered: bool = False
    answered: int | None = None
    error: str | None = None
    duration: timedelta = timedelta()
    retry_after: int | None = None
    told: str = ""
    text: AnswerText | None = None

    @property
    def owes(self) -> str | None:
        """What the leg is to be told, where this ends a notice."""
        is_final = self.status is not DeliveryStatus.PENDING
        is_notice = self.head.event_type == EventType.REQUEST_RECEIVED and not self.head.is_test
        return self.status.value if is_final and is_notice else None

    @property
    def gaps_after(self) -> int:
        """How many dead deliveries the lane's next head comes after."""
        if self.status is DeliveryStatus.DELIVERED or self.head.is_test:
            return 0
        return self.head.gaps + int(self.status is DeliveryStatus.DEAD)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What it means that an endpoint answers again.

    Attributes:
        is_of_all: What it had refused for itself is tried again, too: the outage was a long one,
            or a test shows that somebody mended it.
        is_asked_for: The endpoint's own people said so, by a test.
    """

    is_of_all: bool
    is_asked_for: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """What one cycle of a worker is to do.

    Attributes:
        now: Decides which lanes are due; on SQLite also where leases begin.
        completions: Tries that ended.
        released: Claimed heads that were not tried.
        limit: How many lanes to claim at most: the senders that are free.
        lease: Must outlast the sender's hard deadline.
        token: Unique to this cycle; completing what it claims needs it.
        shares: How many tries an endpoint and a partner may have; counts what is claimed.
    """

    now: datetime
    limit: int
    lease: timedelta
    token: str
    shares: FairShares
    completions: Sequence[Completion] = ()
    released: Sequence[Head] = ()

    @property
    def is_all_well(self) -> bool:
        """Whether all that ended was accepted, by endpoints that were not failing before."""
        return all(
            c.status is DeliveryStatus.DELIVERED and not c.head.is_failing for c in self.completions
        )

    def endpoints(self) -> tuple[list[str], list[str]]:
        """Return which endpoints accepted their last try, and which did not."""
        tried = (c for c in self.completions if c.status is not DeliveryStatus.CANCELLED)
        last = {c.head.endpoint_id: c.status is DeliveryStatus.DELIVERED for c in tried}
        return sorted(e for e in last if last[e]), sorted(e for e in last if not last[e])

    def gone(self) -> list[str]:
        """Return the endpoints that said that they are no more (410)."""
        return sorted({c.head.endpoint_id for c in self.completions if c.answered == GONE})

    def tested(self) -> list[str]:
        """Return the endpoints that took a test that their own people asked for."""
        return [
            c.head.endpoint_id
            for c in self.completions
            if c.head.is_test and c.status is DeliveryStatus.DELIVERED
        ]

    def busy(self) -> list[Completion]:
        """Return the tries whose answers asked to wait, for the endpoint as a whole."""
        return [c for c in self.completions if c.is_unanswered and c.retry_after]

    def over(self, endpoint_id: str) -> Recovery:
        """Return what the tries of an endpoint that were good say of its others."""
        good = [
            c.head
            for c in self.completions
            if c.head.endpoint_id == endpoint_id and c.status is DeliveryStatus.DELIVERED
        ]
        since = min((h.failing_since for h in good if h.failing_since), default=self.now)
        return Recovery(
            is_of_all=any(h.is_test for h in good) or self.now - since >= FAILING_AFTER,
            is_asked_for=any(h.is_test for h in good),
        )

    def put_off(self) -> list[Completion]:
        """Return of each endpoint that goes on failing as a whole its most urgent try.

        One that failed for the first time may just have lost a connection: its other lanes go on,
        one by one.
        """
        _, bad = self.endpoints()
        failed = [
            c
            for c in self.completions
            if c.due_at is not None
            and c.is_unanswered
            and c.head.is_failing
            and c.head.endpoint_id in bad
        ]
        failed.sort(key=lambda c: (c.head.priority, -c.attempt), reverse=True)
        return list({c.head.endpoint_id: c for c in failed}.values())


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a cycle.

    Attributes:
        held: The completions that counted.
        heads: What was claimed, the most urgent first.
        recovered: Endpoints that answer again.
        is_cut: More is due that the shares kept back.
    """

    held: list[Completion]
    heads: list[Head]
    recovered: list[str] = field(default_factory=list)
    is_cut: bool = False


class HeadRow(NamedTuple):
    """A claimed lane with its endpoint and the delivery at its head."""

    endpoint_id: str
    request_id: str
    priority: int
    attempt: int
    tried_since: int | None
    gaps: int
    delivery_id: str
    event_id: str
    seq: int
    attempts: int
    event_type: str
    version: int
    failing_since: int | None
    partner: str
    partner_failing: bool
    shared_retry_at: int | None
    shared_attempt: int | None
    busy_since: int | None
    busy_until: int | None

    def busy(self) -> datetime | None:
        """Return until when the endpoint asked to be left alone; None where it did not."""
        if self.busy_since is None or self.busy_until is None or self.request_id == TEST_LANE:
            return None
        since, until = from_micros(self.busy_since), from_micros(self.busy_until)
        asked = int((until - since).total_seconds())
        return since + honoured(asked, priority=self.priority)

    def head(self, token: str) -> Head:
        """Return it as it is sent, claimed with `token`."""
        shared_wait = None
        if self.shared_retry_at is not None:
            shared_wait = SharedWait(from_micros(self.shared_retry_at), self.shared_attempt or 0)
        return Head(
            self.endpoint_id,
            self.request_id,
            token,
            self.priority,
            self.attempt,
            None if self.tried_since is None else from_micros(self.tried_since),
            self.gaps,
            self.delivery_id,
            self.event_id,
            self.event_type,
            self.seq,
            self.attempts,
            self.version,
            None if self.failing_since is None else from_micros(self.failing_since),
            self.partner,
            bool(self.partner_failing),
            shared_wait,
        )


@dataclass(frozen=True, slots=True)
class Sorted:
    """Claimed lanes by what is done with them.

    Attributes:
        heads: Are sent.
        surplus: Are given back.
        idle: Are parked for want of a head.
        early: Wait until the time that their endpoint asked for.
    """

    heads: list[Head]
    surplus: list[Head]
    idle: list[tuple[str, str]]
    early: list[tuple[Head, datetime]]


def sort_out(
    lanes: Sequence[tuple[str, str]], rows: Sequence[HeadRow], cycle: Cycle, room: Room
) -> Sorted:
    """Return what to do with lanes claimed with `room`, the most urgent first.

    Args:
        lanes: What was claimed.
        rows: Those of them that have something to send and an endpoint that is on.
        cycle: Has the token that they were claimed with, and says which of them are too many.
        room: What the claim was made with.
    """
    token, shares = cycle.token, cycle.shares
    found_waits = ((row, row.busy()) for row in rows)
    early = [(row.head(token), until) for row, until in found_waits if until and until > cycle.now]
    waiting = {head.lane for head, _ in early}
    every = [row.head(token) for row in rows]
    heads = [head for head in every if head.lane not in waiting]
    heads.sort(key=lambda head: (head.priority, head.seq))
    taken: list[Head] = []
    surplus: list[Head] = []
    for head in heads:
        # A test takes nothing from its partner's share: it must not wait for what hangs.
        (taken if head.is_test or shares.takes(head) else surplus).append(head)
    shares.served(room, Counter(head.partner for head in every if not head.is_test))
    found = {head.lane for head in every}
    return Sorted(taken, surplus, [(e, r) for e, r in lanes if (e, r) not in found], early)


def lost_before(connection: Connection, head: Head, limit: int) -> list[str]:
    """Return the newest `limit` dead events of the lane since its last good one, oldest first."""
    rows = connection.execute(
        _LOST,
        {"e": head.endpoint_id, "r": head.request_id, "seq": head.seq, "limit": limit},
    )
    return [event_id for (event_id,) in rows][::-1]


_FAILING_OF_PARTNER = (
    "SELECT 1 FROM webhook_endpoint f "
    "WHERE f.partner = e.partner AND f.enabled AND f.failing_since IS NOT NULL"
)
_WAITING = (
    "FROM lane w WHERE w.endpoint_id = l.endpoint_id AND w.unanswered AND w.due_at IS NOT NULL "
    "AND w.priority <= l.priority AND w.request_id <> l.request_id"
)
_EARLIEST = f"SELECT MIN(w.due_at) {_WAITING}"
_MOST_TRIES = f"SELECT MAX(w.attempt) {_WAITING}"
#: What a head's query reads of its endpoint `e` and lane `l`, beside the delivery; the shared ones
#: are what the endpoint's lanes, as urgent or more so, wait for together where it fails.
ENDPOINT_COLUMNS = ", ".join(
    (
        "e.version",
        "e.failing_since",
        "e.partner",
        f"EXISTS ({_FAILING_OF_PARTNER}) AS partner_failing",
        f"CASE WHEN e.failing_since IS NOT NULL THEN ({_EARLIEST}) END AS shared_retry_at",
        f"CASE WHEN e.failing_since IS NOT NULL THEN ({_MOST_TRIES}) END AS shared_attempt",
        "e.busy_since",
        "e.busy_until",
    )
)
_LOST = text(
    "SELECT event_id FROM delivery WHERE endpoint_id = :e AND request_id = :r "
    "AND status = 'dead' AND seq < :seq AND seq > COALESCE((SELECT MAX(g.seq) FROM delivery g "
    "WHERE g.endpoint_id = :e AND g.request_id = :r AND g.status = 'delivered' "
    "AND g.seq < :seq), 0) "
    "ORDER BY seq DESC LIMIT :limit"
)
