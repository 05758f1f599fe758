"""Lanes: order, leases, fencing, retries; on SQLite and PostgreSQL."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock, SystemClock, from_micros, to_micros
from coordinator.domain.delivery import DeliveryStatus, SharedWait
from coordinator.domain.fair_shares import FairShares
from coordinator.storage.delivery import lanes
from coordinator.storage.delivery.lane_store import LaneStore
from coordinator.storage.delivery.lanes import Completion, Cycle, Head, Turn
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.tail import restored
from tests.dispatcher.outbox_cast import Outbox
from tests.factories import Cast

LEASE = timedelta(seconds=30)


@pytest.fixture
def outbox(database: Database, vault: Vault, clock: SteppedClock) -> Outbox:
    return Outbox(database, vault, clock)


def cycle(outbox: Outbox, limit: int = 0, shares: FairShares | None = None, **done: Any) -> Turn:
    store = LaneStore(outbox.database)
    turn = store.run(
        Cycle(
            now=outbox.clock.now(),
            limit=limit,
            lease=LEASE,
            token=secrets.token_hex(8),
            shares=shares or FairShares(200, partner_share=100),
            **done,
        )
    )
    store.close()
    return turn


def claim(outbox: Outbox, limit: int = 10, shares: FairShares | None = None) -> list[Head]:
    return cycle(outbox, limit, shares).heads


def complete(outbox: Outbox, *completions: Completion) -> Sequence[Completion]:
    return cycle(outbox, completions=completions).held


def delivered(outbox: Outbox, head: Head) -> Completion:
    now = outbox.clock.now()
    return Completion(head, DeliveryStatus.DELIVERED, None, now, answered=204)


def retried(outbox: Outbox, head: Head, wait: timedelta) -> Completion:
    now = outbox.clock.now()
    return Completion(
        head, DeliveryStatus.PENDING, now + wait, now, is_unanswered=True, error="connect_failed"
    )


def test_only_the_head_of_a_lane_is_claimed_and_the_next_follows_its_completion(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    first = outbox.event(cast.b.handle, "frq_1")
    second = outbox.event(cast.b.handle, "frq_1")
    heads = claim(outbox)
    assert [head.event_id for head in heads] == [first]
    assert claim(outbox) == []
    complete(outbox, delivered(outbox, heads[0]))
    assert [head.event_id for head in claim(outbox)] == [second]


def test_lanes_of_other_requests_do_not_wait(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    one = outbox.event(cast.b.handle, "frq_1")
    other = outbox.event(cast.b.handle, "frq_2")
    assert {head.event_id for head in claim(outbox)} == {one, other}


def test_the_most_urgent_lane_goes_first_whatever_was_queued_before(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    routine = outbox.event(cast.b.handle, "frq_1")
    urgent = outbox.event(cast.b.handle, "frq_2", urgency="urgent")
    flash = outbox.event(cast.b.handle, "frq_3", urgency="flash")
    order = [claim(outbox, limit=1)[0].event_id for _ in range(3)]
    assert order == [flash, urgent, routine]


def test_no_more_lanes_are_claimed_than_senders_are_free(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    for number in range(5):
        outbox.event(cast.b.handle, f"frq_{number}")
    assert len(claim(outbox, limit=2)) == 2
    assert len(claim(outbox, limit=10)) == 3
    assert claim(outbox, limit=0) == []


def test_a_worker_that_was_paused_beyond_its_lease_changes_nothing(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    paused = claim(outbox)[0]
    outbox.expire_leases()
    other = claim(outbox)[0]
    assert other.event_id == event
    assert complete(outbox, delivered(outbox, paused)) == []
    assert outbox.status(event) == "pending"
    assert outbox.rows("SELECT * FROM attempt") == []
    token = outbox.value("SELECT lease_token FROM lane WHERE request_id = 'frq_1'")
    assert token == other.lease_token
    cycle(outbox, released=[paused])
    assert outbox.value("SELECT lease_token FROM lane WHERE request_id = 'frq_1'") == token


_ALL_THAT_A_TRY_CHANGES = (
    "SELECT * FROM webhook_endpoint ORDER BY id",
    "SELECT * FROM lane ORDER BY endpoint_id, request_id",
    "SELECT * FROM delivery ORDER BY id",
    "SELECT * FROM attempt ORDER BY delivery_id, number",
)


@pytest.mark.parametrize(
    "late",
    [
        {"answered": 500, "error": "http_status"},
        {"answered": 410, "error": "http_status"},
        {"answered": 503, "error": "http_status", "is_unanswered": True, "retry_after": 60},
        {"error": "connect_failed", "is_unanswered": True},
    ],
)
def test_what_a_paused_worker_learned_of_an_endpoint_changes_nothing_either(
    outbox: Outbox, cast: Cast, late: dict[str, Any]
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    outbox.event(cast.b.handle, "frq_2")
    paused, _ = claim(outbox)
    outbox.expire_leases()
    complete(outbox, *(delivered(outbox, head) for head in claim(outbox)))
    outbox.event(cast.b.handle, "frq_2")
    before = [outbox.rows(sql) for sql in _ALL_THAT_A_TRY_CHANGES]
    failed = replace(retried(outbox, paused, timedelta(minutes=5)), is_unanswered=False)
    assert complete(outbox, replace(failed, **late)) == []
    assert [outbox.rows(sql) for sql in _ALL_THAT_A_TRY_CHANGES] == before


def test_a_late_success_does_not_end_an_outage_that_began_meanwhile(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    outbox.change("UPDATE webhook_endpoint SET failing_since = 1")
    paused = claim(outbox)[0]
    outbox.expire_leases()
    complete(outbox, retried(outbox, claim(outbox)[0], timedelta(minutes=5)))
    assert complete(outbox, delivered(outbox, paused)) == []
    assert outbox.value("SELECT failing_since FROM webhook_endpoint") == 1


def test_of_a_batch_only_what_is_still_held_counts(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    lost = outbox.event(cast.b.handle, "frq_1")
    kept = outbox.event(cast.b.handle, "frq_2")
    heads = {head.event_id: head for head in claim(outbox)}
    outbox.change("UPDATE lane SET lease_token = 'theirs' WHERE request_id = 'frq_1'")
    held = complete(outbox, *(delivered(outbox, head) for head in heads.values()))
    assert [completion.head.event_id for completion in held] == [kept]
    assert (outbox.status(lost), outbox.status(kept)) == ("pending", "delivered")


def test_a_lease_that_still_runs_is_nobody_elses(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    assert len(claim(outbox)) == 1
    assert claim(outbox) == []
    outbox.expire_leases()
    assert len(claim(outbox)) == 1


@pytest.mark.parametrize("step", [timedelta(days=1), -timedelta(days=1)])
def test_a_lease_runs_by_a_clock_that_no_worker_can_step(
    outbox: Outbox, cast: Cast, clock: SteppedClock, step: timedelta
) -> None:
    outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    head = claim(outbox)[0]
    clock.step(step)
    # What is due is found by wall time.
    outbox.change("UPDATE lane SET due_at = 1")
    assert claim(outbox) == []
    assert len(complete(outbox, delivered(outbox, head))) == 1
    assert outbox.status(event) == "delivered"


def claim_at(outbox: Outbox, seconds: float) -> list[Head]:
    """Claim when the host has run for so long."""
    store = LaneStore(outbox.database, steady=lambda: seconds)
    now, shares = outbox.clock.now(), FairShares(200, partner_share=100)
    is_due = store.is_anything_due(now)
    heads = store.run(
        Cycle(now=now, limit=10, lease=LEASE, token=secrets.token_hex(16), shares=shares)
    ).heads
    assert is_due == bool(heads)
    return heads


@pytest.fixture
def embedded(outbox: Outbox) -> Outbox:
    """An outbox in SQLite, where leases run by the host's steady clock."""
    if not outbox.database.is_sqlite:
        pytest.skip("leases run by the database's clock there")
    return outbox


def test_a_lease_of_the_steady_clock_runs_for_its_time_and_no_longer(
    embedded: Outbox, cast: Cast
) -> None:
    embedded.endpoint(cast.b.lead)
    embedded.event(cast.b.handle, "frq_1")
    assert len(claim_at(embedded, 1_000)) == 1
    assert claim_at(embedded, 1_000 + LEASE.total_seconds()) == []
    assert len(claim_at(embedded, 1_000.01 + LEASE.total_seconds())) == 1
    token = embedded.value("SELECT lease_token FROM lane")
    assert len(token) == 40, "as long as the column of both databases"


def test_a_lease_of_before_the_host_was_started_anew_is_over(embedded: Outbox, cast: Cast) -> None:
    embedded.endpoint(cast.b.lead)
    embedded.event(cast.b.handle, "frq_1")
    assert len(claim_at(embedded, 1_000_000)) == 1
    assert len(claim_at(embedded, 20)) == 1


@pytest.mark.parametrize("is_over", [True, False])
def test_leases_of_the_release_before_are_honoured_by_wall_time(
    outbox: Outbox, cast: Cast, *, is_over: bool
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    now = outbox.clock.now() if outbox.database.is_sqlite else SystemClock().now()
    until = now + LEASE * (-1 if is_over else 1)
    theirs = "UPDATE lane SET lease_until = :until, lease_token = :token"
    outbox.change(theirs, until=to_micros(until), token=secrets.token_hex(16))
    assert bool(claim(outbox)) == is_over
    # And the other way round: it finds when one of ours ends where it looks.
    if is_over:
        ours = from_micros(outbox.value("SELECT lease_until FROM lane"))
        assert timedelta() < ours - now < 2 * LEASE


def test_a_retry_waits_for_its_time_and_counts_on(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    first_try = outbox.clock.now()
    complete(outbox, retried(outbox, claim(outbox)[0], timedelta(seconds=5)))
    assert claim(outbox) == []
    outbox.clock.step(timedelta(seconds=4))  # type: ignore[attr-defined]  # the fixture's
    assert claim(outbox) == []
    outbox.clock.step(timedelta(seconds=1))  # type: ignore[attr-defined]  # the fixture's
    head = claim(outbox)[0]
    assert (head.event_id, head.attempt, head.attempts) == (event, 1, 1)
    assert head.tried_since == first_try
    complete(outbox, delivered(outbox, head))
    tries = outbox.rows("SELECT number, status, error FROM attempt ORDER BY number")
    assert tries == [(1, None, "connect_failed"), (2, 204, None)]


def test_a_new_event_does_not_shorten_the_wait_of_its_lane(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    complete(outbox, retried(outbox, claim(outbox)[0], timedelta(minutes=5)))
    outbox.event(cast.b.handle, "frq_1")
    assert claim(outbox) == []


def test_an_event_queued_by_a_host_whose_clock_is_ahead_is_due_at_once(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    ahead = SteppedClock(outbox.clock.now() + timedelta(seconds=20))
    event = replace(outbox, clock=ahead).event(cast.b.handle, "frq_1")
    assert [head.event_id for head in claim(outbox)] == [event]


def test_a_dead_head_lets_its_successors_go_and_is_named_to_them(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    good = outbox.event(cast.b.handle, "frq_1")
    lost = [outbox.event(cast.b.handle, "frq_1") for _ in range(2)]
    last = outbox.event(cast.b.handle, "frq_1")
    complete(outbox, delivered(outbox, claim(outbox)[0]))
    for _ in lost:
        head = claim(outbox)[0]
        now = outbox.clock.now()
        complete(outbox, Completion(head, DeliveryStatus.DEAD, None, now, answered=410))
    head = claim(outbox)[0]
    assert (head.event_id, head.gaps) == (last, 2)
    with outbox.database.engine.connect() as connection:
        assert lanes.lost_before(connection, head, 20) == lost
        assert lanes.lost_before(connection, head, 1) == lost[1:]
    complete(outbox, delivered(outbox, head))
    after = outbox.event(cast.b.handle, "frq_1")
    fresh = claim(outbox)[0]
    assert (fresh.event_id, fresh.gaps) == (after, 0)
    assert [outbox.status(e) for e in (good, *lost)] == ["delivered", "dead", "dead"]


def test_a_released_head_is_due_as_it_was(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    heads = claim(outbox)
    cycle(outbox, released=heads)
    again = claim(outbox)[0]
    assert (again.event_id, again.attempt) == (event, 0)


def test_one_endpoint_never_has_all_senders(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.endpoint(cast.c.lead)
    for number in range(4):
        outbox.event(cast.b.handle, f"frq_{number}")
    theirs = outbox.event(cast.c.handle, "frq_9")
    shares = FairShares(4, partner_share=2)
    assert len(claim(outbox, limit=3, shares=shares)) == 2
    assert [head.event_id for head in claim(outbox, limit=1, shares=shares)] == [theirs]


def test_a_failing_endpoint_gets_one_try_at_a_time(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    for number in range(3):
        outbox.event(cast.b.handle, f"frq_{number}")
    outbox.change("UPDATE webhook_endpoint SET failing_since = 1")
    shares = FairShares(10)
    heads = claim(outbox, shares=shares)
    assert len(heads) == 1
    assert claim(outbox, shares=shares) == []
    shares.end(heads[0], is_good=False)
    assert len(claim(outbox, shares=shares)) == 1


def test_what_is_owed_to_an_endpoint_that_is_off_waits(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    outbox.change("UPDATE webhook_endpoint SET enabled = FALSE")
    assert claim(outbox) == []
    assert outbox.value("SELECT lease_token FROM lane WHERE request_id = 'frq_1'") is None


def test_looking_for_work_tells_what_a_claim_would(outbox: Outbox, cast: Cast) -> None:
    if not outbox.database.is_sqlite:
        pytest.skip("on PostgreSQL nobody looks before claiming")
    store = LaneStore(outbox.database)
    outbox.endpoint(cast.b.lead)
    assert not store.is_anything_due(outbox.clock.now())
    outbox.event(cast.b.handle, "frq_1", urgency="flash")
    assert store.is_anything_due(outbox.clock.now())
    claim(outbox)
    assert not store.is_anything_due(outbox.clock.now())


def test_an_event_queued_while_its_lane_is_completed_is_owed(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    for _ in range(10):
        outbox.event(cast.b.handle, "frq_1")
        head = claim(outbox)[0]
        together = threading.Barrier(2)

        def queue(barrier: threading.Barrier = together) -> None:
            barrier.wait()
            outbox.event(cast.b.handle, "frq_1")

        queuing = threading.Thread(target=queue)
        queuing.start()
        together.wait()
        complete(outbox, delivered(outbox, head))
        queuing.join()
        following = claim(outbox)
        assert len(following) == 1, "the lane sleeps although something is owed"
        complete(outbox, delivered(outbox, following[0]))


def failed_again(outbox: Outbox, head: Head, **changes: Any) -> Completion:
    """Return the end of a try that shows that an endpoint goes on failing."""
    outbox.change("UPDATE webhook_endpoint SET failing_since = 1 WHERE id = :e", e=head.endpoint_id)
    known = replace(head, failing_since=outbox.clock.now())
    return replace(retried(outbox, known, timedelta(minutes=5)), attempt=4, **changes)


def test_lanes_that_are_due_wait_with_the_one_whose_try_was_in_vain(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.endpoint(cast.c.lead)
    for number in range(3):
        outbox.event(cast.b.handle, f"frq_{number}", urgency="urgent")
    outbox.event(cast.b.handle, "frq_8", urgency="flash")
    outbox.event(cast.c.handle, "frq_9")
    others = {head.request_id: head for head in claim(outbox)}
    failed = failed_again(outbox, others.pop("frq_0"))
    cycle(outbox, released=list(others.values()))
    complete(outbox, failed)
    waits = outbox.rows(
        "SELECT request_id, attempt, due_at FROM lane WHERE unanswered ORDER BY request_id"
    )
    assert failed.due_at is not None
    due = to_micros(failed.due_at)
    assert waits == [(f"frq_{number}", 4, due) for number in range(3)]
    # Neither what is more urgent nor anybody else's.
    assert {head.request_id for head in claim(outbox)} == {"frq_8", "frq_9"}


@pytest.mark.parametrize("is_first", [True, False])
def test_one_lost_connection_or_one_refused_event_puts_nothing_else_off(
    outbox: Outbox, cast: Cast, *, is_first: bool
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    other = outbox.event(cast.b.handle, "frq_2")
    tried, waiting = claim(outbox)
    cycle(outbox, released=[waiting])
    lost = retried(outbox, tried, timedelta(minutes=5))
    complete(outbox, lost if is_first else failed_again(outbox, tried, is_unanswered=False))
    assert [head.event_id for head in claim(outbox)] == [other]


def test_an_endpoint_that_answered_last_puts_nothing_off(outbox: Outbox, cast: Cast) -> None:
    outbox.endpoint(cast.b.lead)
    for number in range(2):
        outbox.event(cast.b.handle, f"frq_{number}")
    other = outbox.event(cast.b.handle, "frq_2")
    one, two, waiting = claim(outbox)
    cycle(outbox, released=[waiting])
    complete(outbox, failed_again(outbox, one), delivered(outbox, two))
    assert other in {head.event_id for head in claim(outbox)}


def test_a_fresh_delivery_learns_what_the_others_of_its_endpoint_wait_for(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    failed = failed_again(outbox, claim(outbox)[0])
    complete(outbox, failed)
    outbox.event(cast.b.handle, "frq_2")
    assert failed.due_at is not None
    fresh = claim(outbox)
    assert [head.shared_wait for head in fresh] == [SharedWait(failed.due_at, 4)]
    cycle(outbox, released=fresh)
    # What is more urgent does not wait for what is less so.
    flash = outbox.event(cast.b.handle, "frq_3", urgency="flash")
    assert [(head.event_id, head.shared_wait) for head in claim(outbox)] == [(flash, None)]


def test_a_partners_backlog_is_left_out_of_the_claim_beyond_its_room(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    outbox.endpoint(cast.c.lead)
    for number in range(30):
        outbox.event(cast.b.handle, f"frq_{number:02}")
    theirs = [outbox.event(cast.c.handle, f"frq_9{number}") for number in range(2)]
    shares = FairShares(16, partner_share=3)
    first = cycle(outbox, 10, shares)
    assert (len(first.heads), first.is_cut) == (3, True)
    shares.end(first.heads[0], is_good=None)
    second = cycle(outbox, 10, shares)
    # Their own, and the one that there is room for again; nothing was claimed to be given back.
    assert not second.is_cut
    assert {head.event_id for head in second.heads} >= set(theirs)
    assert len(second.heads) == 3


def test_failing_endpoints_are_left_out_of_the_claim_while_they_hold_their_part(
    outbox: Outbox, cast: Cast
) -> None:
    for exchange in (cast.b, cast.c):
        outbox.endpoint(exchange.lead)
        outbox.event(exchange.handle, "frq_1")
    outbox.change("UPDATE webhook_endpoint SET failing_since = 1")
    outbox.endpoint(cast.d.lead)
    theirs = outbox.event(cast.d.handle, "frq_1")
    shares = FairShares(4)
    assert len(claim(outbox, 1, shares)) == 1
    turn = cycle(outbox, 10, shares)
    assert ([head.event_id for head in turn.heads], turn.is_cut) == ([theirs], False)


def test_nothing_of_a_restored_database_is_claimed_until_it_is_reconciled(
    outbox: Outbox, cast: Cast
) -> None:
    outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    with outbox.database.transaction() as connection:
        restored.mark(connection, outbox.clock.now())
    store = LaneStore(outbox.database)
    if outbox.database.is_sqlite:
        assert not store.is_anything_due(outbox.clock.now())
    store.close()
    assert claim(outbox) == []
    with outbox.database.transaction() as connection:
        restored.lift(connection)
    assert [head.event_id for head in claim(outbox)] == [event]
