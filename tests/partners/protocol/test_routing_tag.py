"""A tag tells the partner that has its key, and nobody else, that an entry is for it."""

import hmac
from datetime import UTC, datetime

import pytest

from holdfast.protocol.errors import LogEntryError
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.routing_tag import (
    EVERYBODY_TAG_KEY,
    TagKey,
    entries_for,
    new_tag_key,
    routing_tag,
)

LEAF_ID = bytes(range(16))
OLD, NEW, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))


def _entry(*keys: bytes) -> LogEntry:
    tags = [routing_tag(key, LEAF_ID) for key in keys]
    filled = (*tags, *(bytes([number]) * 16 for number in range(4 - len(tags))))
    return LogEntry(LEAF_ID, "freeze.frozen", datetime(2026, 3, 2, tzinfo=UTC), bytes(32), filled)


def _found(keys: list[TagKey], *entries: tuple[int, LogEntry]) -> list[int]:
    return [index for index, _ in entries_for(keys, entries)]


def test_a_tag_is_the_start_of_the_hmac_that_the_protocol_names() -> None:
    whole = hmac.digest(OLD, b"holdfast/tag/1" + LEAF_ID, "sha256")
    assert routing_tag(OLD, LEAF_ID) == whole[:16]
    assert routing_tag(OLD, LEAF_ID).hex() == "e6ae9bd6164d41b119429d71c7c05d37"


@pytest.mark.parametrize(("key", "leaf_id"), [(OLD[1:], LEAF_ID), (OLD, LEAF_ID[1:]), (b"", b"")])
def test_keys_and_leaf_ids_of_other_lengths_are_refused(key: bytes, leaf_id: bytes) -> None:
    with pytest.raises(LogEntryError, match="32 bytes"):
        routing_tag(key, leaf_id)


def test_fresh_keys_are_of_the_right_length_and_no_two_alike() -> None:
    assert len(new_tag_key()) == 32
    assert new_tag_key() != new_tag_key()


def test_each_key_finds_the_entries_from_its_first_one_to_the_next_key() -> None:
    keys = [TagKey(NEW, 7), TagKey(OLD, 3)]
    entries = [(2, _entry(OLD)), (3, _entry(OLD)), (6, _entry(OTHER, OLD)), (7, _entry(OLD))]
    assert _found(keys, *entries, (6, _entry(NEW)), (7, _entry(NEW)), (9, _entry(OTHER))) == [
        *(3, 6),
        7,
    ]


def test_a_key_whose_answer_was_lost_is_tried_beside_the_one_before() -> None:
    keys = [TagKey(OLD, 3), TagKey(NEW, None)]
    assert _found(keys, (4, _entry(OLD)), (5, _entry(NEW)), (6, _entry(OTHER))) == [4, 5]


def test_what_every_member_was_told_is_for_each_of_them() -> None:
    assert _found([], (1, _entry(EVERYBODY_TAG_KEY)), (2, _entry(OTHER))) == [1]


def test_a_tag_key_is_in_no_repr() -> None:
    assert OLD.hex() not in repr(TagKey(OLD, 3))
    assert repr(OLD) not in repr(TagKey(OLD, 3))
