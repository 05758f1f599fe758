"""What `holdfast listen` posts is what the coordinator would: the same bytes, from the feed."""

from typing import Any

import pytest

from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault, load
from holdfast.protocol.views import EventPage
from holdfast.webhooks.forwarding import webhook_body
from tests.api.acts import approve, submit
from tests.conftest import World
from tests.factories import Cast, Signer


@pytest.fixture
def world(sqlite_world: World) -> World:
    """No database decides on these."""
    return sqlite_world


def test_the_feeds_events_become_the_bytes_that_are_delivered(
    signer: Signer, cast: Cast, database: Database, vault: Vault
) -> None:
    approve(signer, cast, submit(signer, cast, to=[cast.b.handle]))
    for member in (cast.a.system, cast.b.system):
        answer: Any = signer.get(member, "/v1/events").get_json()
        events = EventPage.model_validate(answer).events
        assert events
        with database.engine.connect() as connection:
            stored = load(connection, vault, [event.id for event in events], "body")
        assert {event.id: webhook_body(event) for event in events} == stored
