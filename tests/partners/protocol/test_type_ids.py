"""Ids say their type, sort by time and never repeat."""

import os
import re
import threading
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import type_ids
from holdfast.protocol.errors import IdFormatError

MS = 1_795_377_260_123


@pytest.mark.parametrize(
    ("text", "prefix", "uuid"),
    [  # from the specification's list of valid ids
        ("prefix_00000000000000000000000000", "prefix", "00000000-0000-0000-0000-000000000000"),
        ("prefix_0000000000000000000000000g", "prefix", "00000000-0000-0000-0000-000000000010"),
        ("prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "prefix", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("prefix_0123456789abcdefghjkmnpqrs", "prefix", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
        ("prefix_01h455vb4pex5vsknk084sn02q", "prefix", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ("pre_fix_00000000000000000000000000", "pre_fix", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_the_specifications_examples_stand_for_their_uuids(
    text: str, prefix: str, uuid: str
) -> None:
    assert type_ids.to_uuid(text, prefix) == UUID(uuid)
    assert type_ids.from_uuid(prefix, UUID(uuid)) == text


@given(st.uuids())
def test_every_uuid_survives_the_round_trip(uuid: UUID) -> None:
    assert type_ids.to_uuid(type_ids.from_uuid("frq", uuid), "frq") == uuid


def test_a_new_id_holds_a_uuid_of_version_7_and_its_time() -> None:
    uuid = type_ids.to_uuid(type_ids.new_id("frq", now_ms=MS), "frq")
    assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
    assert uuid.int >> 80 == MS


def test_ids_of_one_millisecond_and_of_later_ones_sort_as_made() -> None:
    made = [type_ids.new_id("evt", now_ms=MS + step // 1000) for step in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_many_ids_at_once_are_what_one_after_the_other_would_be() -> None:
    before = type_ids.new_id("evt", now_ms=MS)
    made = type_ids.new_ids("evt", 2_000, now_ms=MS)
    after = type_ids.new_id("evt", now_ms=MS)
    assert [before, *made, after] == sorted({before, *made, after})
    for text in made:
        uuid = type_ids.to_uuid(text, "evt")
        assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
        assert uuid.int >> 80 == MS
        assert type_ids.from_uuid("evt", uuid) == text


def test_ids_at_once_spell_their_common_part_anew_where_it_changes() -> None:
    type_ids.new_id("evt", now_ms=MS)
    type_ids._SEQUENCE._random = 2**62 - 2**33  # a few steps before the low part runs over
    made = type_ids.new_ids("evt", 50, now_ms=MS)
    numbers = [type_ids.to_uuid(text, "evt").int for text in made]
    assert numbers == sorted(set(numbers))
    assert len({number >> 64 for number in numbers}) == 2


def test_no_ids_at_once_are_none() -> None:
    assert type_ids.new_ids("evt", 0, now_ms=MS) == []


def test_ids_made_by_many_threads_are_all_different() -> None:
    made: list[str] = []

    def work() -> None:
        made.extend([type_ids.new_id("evt", now_ms=MS) for _ in range(500)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4_000


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_continue_its_parents_numbers() -> None:
    type_ids.new_id("evt", now_ms=MS)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        os.write(writing, type_ids.new_id("evt", now_ms=MS).encode())
        os._exit(0)
    os.waitpid(child, 0)
    childs = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)
    mine = type_ids.new_id("evt", now_ms=MS)
    distance = type_ids.to_uuid(mine, "evt").int - type_ids.to_uuid(childs, "evt").int
    # Steps are below 2^32; numbers further apart were drawn afresh.
    assert abs(distance) > 2**33


def test_what_a_child_does_first_is_to_draw_afresh() -> None:
    before = type_ids.to_uuid(type_ids.new_id("evt", now_ms=MS), "evt").int
    type_ids._SEQUENCE.reset()
    after = type_ids.to_uuid(type_ids.new_id("evt", now_ms=MS), "evt").int
    assert abs(after - before) > 2**33


def test_without_a_time_the_clock_is_read() -> None:
    assert type_ids.parse_id(type_ids.new_id("frq"), "frq").startswith("frq_0")


@pytest.mark.parametrize("prefix", ["", "Frq", "frq_", "_frq", "f-q", "a" * 64, "f1"])
def test_a_malformed_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(IdFormatError):
        type_ids.new_id(prefix)


@pytest.mark.parametrize("ms", [-1, 2**48])
def test_a_time_outside_48_bits_is_refused(ms: int) -> None:
    with pytest.raises(IdFormatError):
        type_ids.new_id("frq", now_ms=ms)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "frq",
        "leg_01h455vb4pex5vsknk084sn02q",
        "frq_81h455vb4pex5vsknk084sn02q",
        "frq_01h455vb4pex5vsknk084sn02",
        "frq_01h455vb4pex5vsknk084sn02qq",
        "frq_01H455VB4PEX5VSKNK084SN02Q",
        "frq_01h455vb4pex5vsknk084sn0iq",
        "frq_01h455vb4pex5vsknk084sn02q\n",
        "frq_01h455vb4pex5vsknk084sn02\u0661",
    ],
)
def test_anything_but_the_expected_id_is_refused(value: object) -> None:
    with pytest.raises(IdFormatError):
        type_ids.parse_id(value, "frq")


def test_the_patterns_accept_ids_and_nothing_more() -> None:
    made = type_ids.new_id("sys")
    pattern = type_ids.id_pattern("per", "sys")
    assert re.fullmatch(pattern, made)
    assert not re.fullmatch(pattern, made.replace("sys", "frq"))
    assert re.fullmatch(type_ids.ID_PATTERN, made)
    assert not re.search(pattern, f"x{made}")
