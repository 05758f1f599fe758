"""Who is woken, by what, and until when."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.dispatcher.paging import (
    alarms,
    body_of,
    channels,
    pager,
    receiver,
    set_chain,
    step,
    take,
    webhook,
)
from tests.factories import Cast, Signer
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _flash(w: World, **changes: Any) -> dict[str, Any]:
    return w.live(urgency="flash", to=[w.cast.b.handle], **changes)


def _leg_task(w: World, request: dict[str, Any]) -> str:
    [task] = [each["id"] for each in w.leg(request, w.cast.b)["tasks"]]
    return str(task)


def test_a_flash_pages_one_after_the_other_until_somebody_has_it(w: World) -> None:
    b = w.cast.b
    with receiver() as first, receiver() as second:
        set_chain(
            w,
            b,
            {
                "steps": [
                    step(b.lead, webhook(first.url())),
                    step(b.compliance, webhook(second.url())),
                ]
            },
        )
        request = _flash(w)
        paging = pager(w, channels(w).send)
        paging.settle()
        [heard] = first.requests
        assert second.requests == []
        w.step(minutes=4, seconds=59)
        paging.settle()
        assert second.requests == []
        w.step(seconds=1)
        paging.settle()
        assert len(second.requests) == 1
        take(w, b.compliance, request, _leg_task(w, request))
        w.step(minutes=30)
        paging.settle()
        assert (len(first.requests), len(second.requests)) == (1, 1)
    told = body_of(heard)
    assert told["text"] == (
        "A freeze request waits for your organisation's answer."
        f" http://localhost:8080/console/requests/{request['id']}"
    )
    [alarm] = alarms(w, b.auditor)
    assert alarm["outcome"] == "taken"
    assert [(c["person"], c["status"], c["sent_at"]) for c in alarm["calls"]] == [
        (b.lead.subject, "sent", "2026-03-02T12:00:00Z"),
        (b.compliance.subject, "sent", "2026-03-02T12:05:00Z"),
    ]
