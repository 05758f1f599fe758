"""What is news for whom: two queries for all who wait."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from coordinator.storage.engine.database import Database
from coordinator.storage.tail import events
from tests.factories import Cast

_NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def _append(database: Database, happened: Sequence[tuple[str, str]]) -> int:
    """Store events of (partner, type), numbered from 1,001 on; returns the number before."""
    first = 1_001
    found = [
        SimpleNamespace(
            seq=seq,
            id=f"evt_{seq}",
            type=event_type,
            request_id=f"frq_{seq}",
            leg_id=None,
            at=_NOW,
            leaf_index=seq,
            audience=(partner,),
            sample_of=None,
        )
        for seq, (partner, event_type) in enumerate(happened, first)
    ]
    with database.transaction() as connection:
        events.append(connection, found)
    return first - 1


def _heading(seq: int, event_type: str) -> events.Heading:
    return events.Heading(seq, event_type, f"frq_{seq}")


def _news(database: Database, after: dict[str, int], limit: int = 100) -> events.News:
    with database.engine.connect() as connection:
        return events.news_of(connection, after, limit=limit)


def test_each_hears_of_its_own_events_and_of_those_that_go_to_all(
    database: Database, cast: Cast
) -> None:
    a, b, c = cast.a.handle, cast.b.handle, cast.c.handle
    before = _append(database, [(a, "one"), (b, "two"), (a, "three")])
    assert _news(database, {a: before, b: before, c: before}) == events.News(
        before + 3,
        {
            a: [_heading(1_001, "one"), _heading(1_003, "three")],
            b: [_heading(1_002, "two")],
        },
    )


def test_what_goes_to_all_is_news_for_everybody(database: Database, cast: Cast) -> None:
    a, b = cast.a.handle, cast.b.handle
    before = _append(database, [("*", "all"), (a, "one")])
    found = _news(database, {a: before, b: before}).events
    assert {p: sorted(told or ()) for p, told in found.items()} == {
        a: [_heading(1_001, "all"), _heading(1_002, "one")],
        b: [_heading(1_001, "all")],
    }


def test_what_was_heard_already_is_no_news(database: Database, cast: Cast) -> None:
    a, b = cast.a.handle, cast.b.handle
    before = _append(database, [(a, "one"), (b, "two"), ("*", "all"), (b, "four")])
    assert _news(database, {a: before + 3, b: before + 3}).events == {b: [_heading(1_004, "four")]}


@pytest.mark.parametrize("limit", [2, 3])
def test_more_than_can_be_told_is_said_to_be_too_much(
    database: Database, cast: Cast, limit: int
) -> None:
    a, b = cast.a.handle, cast.b.handle
    before = _append(database, [(a, "one"), (a, "two"), (a, "three")])
    found = _news(database, {a: before, b: before}, limit=limit)
    assert found.head == before + 3
    assert (found.events[a] is None) == (limit == 2)
    assert b not in found.events
