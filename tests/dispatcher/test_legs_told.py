"""A leg learns what became of its notice, once, whatever process dies in between."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from coordinator.domain.clock import SteppedClock
from coordinator.domain.delivery import DeliveryStatus
from coordinator.domain.fair_shares import FairShares
from coordinator.services import deliveries
from coordinator.services.deliveries import tell_legs
from coordinator.storage.lane_stores import open_lanes
from coordinator.storage.lanes import Completion, Cycle, Head
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
    store = open_lanes(outbox.database)
    now = outbox.clock.now()
    completions: list[Completion] = []
    while True:
        turn = store.run(
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
    store.close()


def _completed(outcome: dict[str, DeliveryStatus], head: Head, outbox: Outbox) -> Completion:
    status = outcome.get(head.endpoint_id, DeliveryStatus.DELIVERED)
    answered = 204 if status is DeliveryStatus.DELIVERED else 410
    return Completion(head, status, None, outbox.clock.now(), answered=answered)


def tell(outbox: Outbox) -> int:
    return tell_legs(outbox.database, outbox.vault, outbox.clock, on_commit=lambda: None)


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

        patched.setattr(deliveries, "execute", fail)
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
