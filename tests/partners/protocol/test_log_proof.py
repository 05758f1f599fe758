"""Entries, proofs and tiles: their one form, and what is none."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.errors import LogEntryError, LogError, LogProofError, TileError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.log_entry import TAG_COUNTS, LogEntry, decode_entry, unpack_tags
from holdfast.protocol.log_proof import LogProof, parse_log_proof
from holdfast.protocol.log_tiles import (
    TilePlace,
    bundle_entries,
    last_leaf,
    tile_hashes,
    unbundle_entries,
)
from holdfast.protocol.merkle_tree import Frontier, Node, leaf_hash
from holdfast.protocol.signed_note import NoteVerifier, sign_note

AT = datetime(2026, 3, 2, 12, 0, 0, 250, tzinfo=UTC)
ENTRY = LogEntry(bytes(range(16)), "freeze.frozen", AT, bytes(range(32)), (b"t" * 16,) * 4)
KEY = PrivateKey.from_seed(b"n" * 32)
LOG = NoteVerifier("c.example/v1/log", KEY.public)


def _proof(entries: list[bytes], index: int) -> LogProof:
    """Return a proof in a log of two entries."""
    leaves = [leaf_hash(entry) for entry in entries]
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    note = sign_note(Checkpoint(LOG.name, 2, frontier.root()).text(), LOG.name, KEY)
    return LogProof(index, (leaves[1 - index],), note)


ENTRIES = [ENTRY.encode(), b"another"]
PROOF = _proof(ENTRIES, 0)


def test_an_entry_is_these_bytes() -> None:
    # Written by hand from the description in `log_entry`; no release may ever write others.
    expected = (
        b"holdfast/entry/1\0\0"
        + bytes(range(16))
        + (1_772_452_800_000_250).to_bytes(8, "big")
        + b"\x0dfreeze.frozen"
        + bytes(range(32))
        + b"\0\4"
        + b"t" * 64
    )
    assert ENTRY.encode() == expected
    assert decode_entry(expected) == ENTRY


@given(
    st.binary(min_size=16, max_size=16),
    st.from_regex(r"[a-z_.]{1,40}", fullmatch=True),
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([0, 4, 16]),
)
def test_an_entry_reads_back(leaf_id: bytes, kind: str, at: datetime, tags: int) -> None:
    entry = LogEntry(leaf_id, kind, at, sha256(leaf_id).digest(), (leaf_id,) * tags)
    assert decode_entry(entry.encode()) == entry


@given(st.binary(max_size=200))
def test_no_bytes_are_an_entry_by_accident(tail: bytes) -> None:
    for each in (tail, ENTRY.encode()[:60] + tail, ENTRY.encode()[:-70] + tail):
        try:
            assert decode_entry(each).encode() == each
        except LogEntryError:
            continue


@pytest.mark.parametrize(
    "wrong",
    [
        LogEntry(b"short", "a", AT, bytes(32)),
        LogEntry(bytes(16), "", AT, bytes(32)),
        LogEntry(bytes(16), "a" * 41, AT, bytes(32)),
        LogEntry(bytes(16), "é", AT, bytes(32)),
        LogEntry(bytes(16), "a\n", AT, bytes(32)),
        LogEntry(bytes(16), "a", AT.replace(tzinfo=None), bytes(32)),
        LogEntry(bytes(16), "a", AT.replace(year=1969), bytes(32)),
        LogEntry(bytes(16), "a", AT, bytes(31)),
        LogEntry(bytes(16), "a", AT, bytes(32), (bytes(16),) * 3),
        LogEntry(bytes(16), "a", AT, bytes(32), (bytes(15),) * 4),
    ],
)
def test_what_is_no_entry_has_no_bytes(wrong: LogEntry) -> None:
    with pytest.raises(LogEntryError):
        wrong.encode()


def test_tags_are_of_one_length() -> None:
    assert unpack_tags(b"a" * 16 + b"b" * 16) == (b"a" * 16, b"b" * 16)
    with pytest.raises(LogEntryError):
        unpack_tags(b"a" * 17)


def test_a_proof_reads_back_and_proves() -> None:
    read = parse_log_proof(PROOF.encode())
    assert read == PROOF
    assert read.check(ENTRIES[0], LOG).size == 2


def test_a_proof_is_written_as_c2sp_has_it() -> None:
    lines = PROOF.encode().decode().split("\n")
    assert lines[:5] == [
        "c2sp.org/tlog-proof@v1",
        "index 0",
        b64encode(leaf_hash(ENTRIES[1])).decode(),
        "",
        LOG.name,
    ]


def test_extra_data_is_passed_over() -> None:
    with_extra = PROOF.encode().replace(b"index 0", b"extra YWdlLXYx\nindex 0", 1)
    assert parse_log_proof(with_extra) == PROOF


def test_a_proof_proves_no_other_entry_place_or_log() -> None:
    with pytest.raises(LogProofError):
        PROOF.check(ENTRIES[1], LOG)
    with pytest.raises(LogProofError):
        LogProof(1, PROOF.hashes, PROOF.checkpoint).check(ENTRIES[0], LOG)
    with pytest.raises(LogProofError):
        PROOF.check(ENTRIES[0], NoteVerifier(LOG.name, PrivateKey.generate("EdDSA").public))
    with pytest.raises(LogProofError):
        PROOF.check(ENTRIES[0], NoteVerifier("other.example", KEY.public))
    with pytest.raises(LogProofError):
        LogProof(0, (), PROOF.checkpoint).check(ENTRIES[0], LOG)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"@v1", b"@v2"),
        (b"index 0\n", b""),
        (b"index 0", b"index 00"),
        (b"index 0", b"index -1"),
        (b"index 0", b"index 9223372036854775808"),
        (b"index 0", b"index 0\nAAAA"),
        (b"index 0", b"index 0\n" + b"\n".join([b64encode(bytes(32))] * 64)),
        (b"index 0", b"index \xff"),
        (b"\n\n", b"\n"),
    ],
)
def test_what_is_no_proof_is_refused_with_one_error(old: bytes, new: bytes) -> None:
    with pytest.raises(LogProofError):
        # What lacks its empty line takes the checkpoint's own, and has no hashes then.
        parse_log_proof(PROOF.encode().replace(old, new)).check(ENTRIES[0], LOG)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_no_bytes_raise_anything_else(inserted: bytes, place: int) -> None:
    encoded = PROOF.encode()
    try:
        parse_log_proof(encoded[:place] + inserted + encoded[place:]).check(ENTRIES[0], LOG)
    except LogProofError:
        return


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (0, 256, "000"),
        (67, 256, "067"),
        (1_234_067, 256, "x001/x234/067"),
        (273, 112, "273.p/112"),
        (1_000, 1, "x001/000.p/1"),
    ],
)
def test_a_tile_has_one_path(index: int, width: int, path: str) -> None:
    place = TilePlace(index, width)
    assert place.path() == path
    assert TilePlace.parse(path) == place


@pytest.mark.parametrize(
    "path",
    [
        *("", "0", "00", "0000", "x000/001", "x001", "001/002", "x1/000", "000.p/0", "000.p/256"),
        *(
            "000.p/257",
            "000.p/01",
            "000.p/",
            "000.p",
            "000/",
            "x001/x000",
            "-01",
            "\N{ARABIC-INDIC DIGIT ZERO}" * 3,
            "000\n",
        ),
    ],
)
def test_other_paths_name_no_tile(path: str) -> None:
    with pytest.raises(TileError):
        TilePlace.parse(path)


def test_a_tile_holds_these_nodes() -> None:
    # The example of the specification: a tree of 70,000 leaves.
    assert last_leaf(TilePlace(273, 112), 0) == 69_999
    assert last_leaf(TilePlace(1, 17), 1) == 69_887
    assert last_leaf(TilePlace(0, 1), 2) == 65_535
    assert TilePlace(1, 2).nodes(1) == [Node(8, 256), Node(8, 257)]
    assert tile_hashes(b"a" * 32 + b"b" * 32, 2) == [b"a" * 32, b"b" * 32]
    with pytest.raises(TileError):
        tile_hashes(b"a" * 32, 2)


def test_a_bundle_reads_back() -> None:
    assert unbundle_entries(bundle_entries(ENTRIES)) == ENTRIES
    assert bundle_entries([b"ab", b""]) == b"\0\2ab\0\0"


@pytest.mark.parametrize("bundle", [b"", b"\0", b"\0\2a", b"\0\0" * 257])
def test_what_is_no_bundle_is_refused_with_one_error(bundle: bytes) -> None:
    with pytest.raises(TileError):
        unbundle_entries(bundle)


def test_an_entry_longer_than_a_bundle_can_say_is_refused() -> None:
    with pytest.raises(TileError):
        bundle_entries([bytes(65_536)])


def test_the_longest_entry_has_its_place_in_a_bundle() -> None:
    longest = replace(ENTRY, type="t" * 40, tags=(b"t" * 16,) * max(TAG_COUNTS)).encode()
    assert unbundle_entries(bundle_entries([longest])) == [longest]


def test_every_error_of_the_log_is_one_to_catch() -> None:
    for kind in (LogEntryError, LogProofError, TileError):
        assert issubclass(kind, LogError)
