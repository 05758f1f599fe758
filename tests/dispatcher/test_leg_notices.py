"""A leg learns what became of its notice, once, whatever process dies in between."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from coordinator.dispatcher import leg_notices
from coordinator.dispatcher.leg_notices import tell_legs
from coordinator.domain.clock import SteppedClock
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.errors import ConflictError
from coordinator.domain.fair_shares import FairShares
from coordinator.domain.leg import LegAct
from coordinator.storage.delivery import deliveries as store
from coordinator.storage.delivery.lane_store import LaneStore
from coordinator.storage.delivery.lanes import Completion, Cycle, Head
from coordinator.storage.engine import driver
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.tail import restored
from holdfast.protocol.vocabulary import LegStatus
from tests.dispatcher.outbox_cast import Outbox
from tests.factories import Cast
from tests.services.request_cast import Ask, Desk

NOTICE = "SELECT COUNT(*) FROM delivery WHERE owes IS NOT NULL"


@pytest.fixture
def desk(database: object, vault: object, clock: SteppedClock, cast: Cast) -> Desk:
    return Desk(database, vault, clock, cast)  # type: ignore[arg-type]  # the fixtures'


@pytest.fixture
def outbox(desk: Desk) -> Outbox:
    return Outbox(desk.database, desk.vault, desk.clock)


def finish_all(outbox: Outbox, outcome: dict[str, DeliveryStatus]) -> None:
    """Claim what is due and complete it by endpoint, as a worker does before it dies."""
    lanes = LaneStore(outbox.database)
    now = outbox.clock.now()
    completions: list[Completion] = []
    while True:
        turn = lanes.run(
            Cycle(
                now=now,
                limit=50,
                lease=timedelta(seconds=30),
                token=f"token-{len(completions)}",
                shares=FairShares(200, partner_share=100),
                completions=completions,
            )
        )
        if not turn.heads:
            break
        completions = [_completed(outcome, head, outbox) for head in turn.heads]
    lanes.close()


def _completed(outcome: dict[str, DeliveryStatus], head: Head, outbox: Outbox) -> Completion:
    status = outcome.get(head.endpoint_id, DeliveryStatus.DELIVERED)
    answered = 204 if status is DeliveryStatus.DELIVERED else 410
    return Completion(head, status, None, outbox.clock.now(), answered=answered)


def tell(outbox: Outbox) -> int:
    return tell_legs(outbox.context, on_commit=lambda: None)


def told(desk: Desk, event_type: str) -> int:
    with desk.database.engine.connect() as connection:
        counted = connection.execute(
            text("SELECT COUNT(*) FROM event WHERE type = :t"), {"t": event_type}
        )
        return int(counted.scalar_one())


def go_out(desk: Desk) -> Ask:
    return desk.go_out(to=[desk.cast.b.handle])


def test_a_leg_shows_as_delivered_when_its_notice_was_accepted(desk: Desk, outbox: Outbox) -> None:
    outbox.endpoint(desk.cast.b.lead)
    ask = go_out(desk)
    finish_all(outbox, {})
    # Here the worker may die: the leg is told by whoever looks next.
    assert desk.leg(desk.cast.b, ask).status == "queued"
    assert outbox.value(NOTICE) == 1
    assert tell(outbox) == 1
    assert desk.leg(desk.cast.b, ask).status == "delivered"
    assert outbox.value(NOTICE) == 0


def test_no_leg_of_a_restored_database_is_told(desk: Desk, outbox: Outbox) -> None:
    outbox.endpoint(desk.cast.b.lead)
    ask = go_out(desk)
    finish_all(outbox, {})
    with desk.database.transaction() as connection:
        restored.mark(connection, desk.clock.now())
    assert tell(outbox) == 0
    with desk.database.transaction() as connection:
        restored.lift(connection)
    assert (tell(outbox), desk.leg(desk.cast.b, ask).status) == (1, "delivered")


def test_a_leg_is_told_once_however_many_endpoints_took_the_notice(
    desk: Desk, outbox: Outbox
) -> None:
    for _ in range(3):
        outbox.endpoint(desk.cast.b.lead)
    go_out(desk)
    finish_all(outbox, {})
    tell(outbox)
    tell(outbox)
    assert told(desk, "leg.delivered") == 1


def test_a_leg_is_undeliverable_when_its_notice_died(desk: Desk, outbox: Outbox) -> None:
    endpoint = outbox.endpoint(desk.cast.b.lead)
    ask = go_out(desk)
    finish_all(outbox, {endpoint.id: DeliveryStatus.DEAD})
    tell(outbox)
    tell(outbox)
    assert "undeliverable" in desk.leg(desk.cast.b, ask).flags
    assert told(desk, "leg.undeliverable") == 1


def test_a_leg_is_not_undeliverable_while_another_endpoint_may_take_it(
    desk: Desk, outbox: Outbox
) -> None:
    gone, good = outbox.endpoint(desk.cast.b.lead), outbox.endpoint(desk.cast.b.lead)
    ask = go_out(desk)
    finish_all(outbox, {gone.id: DeliveryStatus.DEAD, good.id: DeliveryStatus.DELIVERED})
    tell(outbox)
    leg = desk.leg(desk.cast.b, ask)
    assert (leg.status, leg.flags) == ("delivered", [])


def test_a_fault_while_telling_tells_nothing_and_is_made_good_in_the_next_pass(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.endpoint(desk.cast.b.lead)
    ask = go_out(desk)
    finish_all(outbox, {})
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise RuntimeError("power cut")

        patched.setattr(leg_notices, "execute", fail)
        with pytest.raises(RuntimeError):
            tell(outbox)
    assert outbox.value(NOTICE) == 1
    tell(outbox)
    assert desk.leg(desk.cast.b, ask).status == "delivered"


def test_other_events_owe_a_leg_nothing(desk: Desk, outbox: Outbox) -> None:
    outbox.endpoint(desk.cast.a.lead)
    go_out(desk)
    finish_all(outbox, {})
    assert outbox.value(NOTICE) == 0


def test_two_workers_never_take_the_same_leg_to_tell_it(desk: Desk, outbox: Outbox) -> None:
    if outbox.database.is_sqlite:
        pytest.skip("one transaction at a time writes to SQLite")
    for exchange in (desk.cast.b, desk.cast.c, desk.cast.d):
        outbox.endpoint(exchange.lead)
    desk.go_out()
    finish_all(outbox, {})
    with outbox.database.transaction() as one, outbox.database.transaction() as other:
        other.execute(text("SET LOCAL lock_timeout = '5s'"))
        mine = store.take_legs(one, limit=2)
        theirs = store.take_legs(other, limit=10)
    assert (len(mine), len(theirs)) == (2, 1)
    assert {due.leg_id for due in mine}.isdisjoint(due.leg_id for due in theirs)


def test_two_workers_at_once_tell_each_leg_once(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leg_notices, "LEGS_AT_ONCE", 4)
    for exchange in (desk.cast.b, desk.cast.c, desk.cast.d):
        outbox.endpoint(exchange.lead)
    for _ in range(10):
        desk.go_out()
    finish_all(outbox, {})
    with ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(lambda _: tell(outbox), range(2)))
    # Whoever found the rest in the other's hands leaves it to the other.
    assert sum(counts) == 30
    assert outbox.value(NOTICE) == 0
    assert told(desk, "leg.delivered") == 30
    leaves = "SELECT COUNT(*) FROM act a JOIN log_leaf l ON l.index = a.leaf_index "
    if outbox.database.is_sqlite:
        leaves = leaves.replace("l.index", 'l."index"')
    assert outbox.value(leaves + "WHERE a.kind = 'deliver' AND l.type = 'leg.delivered'") == 30


def test_many_legs_are_told_by_as_many_statements_as_few(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for exchange in (desk.cast.b, desk.cast.c, desk.cast.d):
        outbox.endpoint(exchange.lead)
    counts = []
    for requests in (1, 12):
        for _ in range(requests):
            desk.go_out()
        finish_all(outbox, {})
        with _counted_statements(monkeypatch, outbox) as run:
            assert tell(outbox) == 3 * requests
        counts.append(len(run))
    few, many = counts
    assert few == many


@contextmanager
def _counted_statements(monkeypatch: pytest.MonkeyPatch, outbox: Outbox) -> Iterator[list[str]]:
    """Give a list that grows by every statement that is run in the block."""
    run: list[str] = []

    def note(*arguments: Any) -> None:
        run.append(arguments[2])

    with monkeypatch.context() as patched:
        for name in ("execute", "execute_many"):
            original = getattr(driver, name)

            def counted(connection: Any, sql: str, *values: Any, of: Any = original) -> Any:
                run.append(sql)
                return of(connection, sql, *values)

            patched.setattr(driver, name, counted)
        event.listen(outbox.database.engine, "before_cursor_execute", note)
        yield run
        event.remove(outbox.database.engine, "before_cursor_execute", note)


def test_a_leg_that_cannot_be_told_keeps_no_other_from_it(
    desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for exchange in (desk.cast.b, desk.cast.c):
        outbox.endpoint(exchange.lead)
    ask = desk.go_out(to=[desk.cast.b.handle, desk.cast.c.handle])
    stuck = desk.leg(desk.cast.b, ask).id
    finish_all(outbox, {})
    with monkeypatch.context() as patched:

        def refuse(connection: Any, legs: Any, **values: Any) -> None:
            if any(leg.id == stuck for leg in legs):
                raise ConflictError("changed meanwhile")
            deliver(connection, legs, **values)

        deliver = leg_store.deliver
        patched.setattr(leg_store, "deliver", refuse)
        assert tell(outbox) == 1
    assert desk.leg(desk.cast.b, ask).status == "queued"
    assert desk.leg(desk.cast.c, ask).status == "delivered"
    assert tell(outbox) == 1
    assert desk.leg(desk.cast.b, ask).status == "delivered"


def test_an_act_that_came_before_its_leg_was_told_is_not_set_back(
    desk: Desk, outbox: Outbox
) -> None:
    for exchange in (desk.cast.b, desk.cast.c):
        outbox.endpoint(exchange.lead)
    ask = desk.go_out(to=[desk.cast.b.handle, desk.cast.c.handle])
    finish_all(outbox, {})
    desk.act(desk.cast.b.analyst, ask, "acknowledgement")
    assert tell(outbox) == 2
    assert desk.leg(desk.cast.b, ask).status == "acknowledged"
    assert desk.leg(desk.cast.c, ask).status == "delivered"
    assert told(desk, "leg.delivered") == 1


def test_a_leg_withdrawn_before_it_was_told_stays_so_and_its_notice_came(
    desk: Desk, outbox: Outbox
) -> None:
    outbox.endpoint(desk.cast.b.lead)
    ask = go_out(desk)
    finish_all(outbox, {})
    desk.act(
        desk.cast.a.lead,
        ask,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="wrongly attributed",
    )
    assert tell(outbox) == 1
    leg = desk.leg(desk.cast.b, ask)
    assert (leg.status, leg.delivered_at) == ("withdrawn", desk.clock.now())
    assert told(desk, "leg.delivered") == 0


def test_a_leg_that_somebody_changed_is_not_written_over(desk: Desk) -> None:
    ask = go_out(desk)
    with desk.database.writing() as connection, connection.begin():
        seen = leg_store.of_partner(connection, ask.id, desk.cast.b.handle)
        assert seen is not None
        leg_store.change(connection, seen, flags=["overdue"])
        with pytest.raises(ConflictError):
            leg_store.deliver(
                connection,
                [seen],
                status=LegStatus.DELIVERED,
                act=LegAct.DELIVER,
                at=desk.clock.now(),
            )
    assert desk.leg(desk.cast.b, ask).status == "queued"
