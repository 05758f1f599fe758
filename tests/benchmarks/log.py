"""Figures of the log: proofs at a million leaves, a monitor that catches up, what appending costs.

A million entries are hashed once a database; BENCH_LEAVES takes fewer.
"""

import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from flask.testing import FlaskClient
from sqlalchemy import Connection, text

from coordinator.app import create_app
from coordinator.key_files import read_keys
from coordinator.logging_setup import set_up_logging
from coordinator.services.core import unit_of_work
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.transparency_log import LogLeafRow
from coordinator.transparency_log.growth import AppendedLeaf, Growth
from coordinator.transparency_log.leaf import Leaf
from coordinator.transparency_log.proofs import consistency_proof, inclusion_proof
from coordinator.transparency_log.signer import LogSigner
from holdfast import LogMonitor
from holdfast.protocol import canonical_json
from holdfast.protocol.checkpoint import Checkpoint
from holdfast.protocol.log_entry import LogEntry
from holdfast.protocol.log_tiles import TILE_WIDTH, TilePlace, bundle_entries, unbundle_entries
from holdfast.protocol.merkle_tree import (
    HASH_BYTES,
    Frontier,
    complete_root,
    consistency_pieces,
    inclusion_pieces,
    leaf_hash,
)
from holdfast.protocol.signed_note import NoteVerifier, sign_note
from tests import factories
from tests.benchmarks.figures import Figure, alternated, median, percentile, seconds_of
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages
from tests.rulebook import LOG_KEY

LEAVES = int(os.environ.get("BENCH_LEAVES", "1_000_000"))
FEW = 1_000
SAMPLES = 2_000
ROUNDS = 3
POSTS = 150
PROOF_MOST = 3.0
CATCH_UP_MOST = 2.0
APPEND_LEAST = 0.9
#: A monitor that keeps a few bundles at a time grows by less, whatever the log's size.
FLAT_MEGABYTES = 16
_CHUNK = 5_000
_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_TAGS = tuple(bytes([number]) * 16 for number in range(4))


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    yield _appending(stages)
    with stages.open() as stage:
        _fill(stage)
        yield from _proofs(stage)
    if stages.kind == "sqlite":  # it needs no database
        yield _catching_up()


def _entry(number: int) -> LogEntry:
    word = number.to_bytes(32, "big")
    at = _AT + timedelta(milliseconds=number)
    return LogEntry(word[16:], "freeze.frozen", at, word, _TAGS)


def _fill(stage: Stage) -> None:
    """Make the log one of `LEAVES` entries, as commits would have left it."""
    columns = ("index", "leaf_id", "type", "at", "commitment", "tags", "nodes", "checkpoint")
    packed = b"".join(_TAGS)
    frontier = Frontier()
    with stage.database.transaction() as connection:
        connection.execute(text("DELETE FROM log_leaf"))
        rows: list[tuple[object, ...]] = []
        for number in range(LEAVES):
            made = _entry(number)
            nodes = b"".join(frontier.append(leaf_hash(made.encode())))
            rows.append(
                (number, made.leaf_id, made.type, made.at, made.commitment, packed, nodes, None)
            )
            if len(rows) == _CHUNK:
                insert_rows(connection, LogLeafRow, columns, rows)
                rows.clear()
        if rows:
            insert_rows(connection, LogLeafRow, columns, rows)
        connection.execute(
            text("UPDATE log_head SET leaf_count = :n, tree_size = :n, frontier = :f"),
            {"n": LEAVES, "f": frontier.packed()},
        )
    if not stage.database.is_sqlite:
        with stage.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("ANALYZE log_leaf"))


def _proofs(stage: Stage) -> Iterator[Figure]:
    """Proofs at random places, each beside one read of as many random rows by primary key."""
    kinds: dict[str, tuple[Callable[[Connection, int, int], Sequence[bytes]], Any]] = {
        "inclusion": (inclusion_proof, inclusion_pieces),
        "consistency": (consistency_proof, consistency_pieces),
    }
    with stage.database.engine.connect() as connection:
        for name, (prove, pieces) in kinds.items():
            figures, floors, counts = [], [], []
            for _ in range(SAMPLES):
                first = 1 + secrets.randbelow(LEAVES - 1)
                count = sum(len(piece) for piece in pieces(first, LEAVES))
                floors.append(_read(connection, stage.kind, count))
                counts.append(count)
                began = time.perf_counter()
                prove(connection, first, LEAVES)
                figures.append(time.perf_counter() - began)
            ratio = percentile(figures, 0.99) / percentile(floors, 0.99)
            few = [_timed(prove, connection, 1 + secrets.randbelow(FEW - 1)) for _ in range(200)]
            yield Figure(
                name=f"log_{name}_proof_at_{LEAVES}_p99",
                database=stage.kind,
                value=percentile(figures, 0.99) * 1000,
                unit="ms",
                floor=percentile(floors, 0.99) * 1000,
                ratio=ratio,
                aim=f"<= {PROOF_MOST:g} x one indexed read of as many rows",
                is_met=ratio <= PROOF_MOST,
                more={
                    "p50_ms": median(figures) * 1000,
                    "floor_p50_ms": median(floors) * 1000,
                    "rows_on_average": sum(counts) / len(counts),
                    "bytes_at_most": HASH_BYTES * len(prove(connection, 1, LEAVES)),
                    "bytes_at_most_at_1000": HASH_BYTES * len(prove(connection, 1, FEW)),
                    "p50_ms_at_1000": median(few) * 1000,
                },
            )


def _timed(
    prove: Callable[[Connection, int, int], Sequence[bytes]], connection: Connection, place: int
) -> float:
    began = time.perf_counter()
    prove(connection, place, FEW)
    return time.perf_counter() - began


def _read(connection: Connection, kind: str, count: int) -> float:
    """Return how long one read of `count` random rows by primary key takes, on the bare driver."""
    mark = "?" if kind == "sqlite" else "%s"
    marks = ", ".join([mark] * count)
    sql = f'SELECT "index", nodes FROM log_leaf WHERE "index" IN ({marks})'  # noqa: S608 - marks
    places = [secrets.randbelow(LEAVES) for _ in range(count)]
    cursor = connection.connection.cursor()
    began = time.perf_counter()
    cursor.execute(sql, places)
    cursor.fetchall()
    taken = time.perf_counter() - began
    cursor.close()
    return taken


@dataclass
class _FolderLog:
    """A log that lies in a folder, as a file server would show it."""

    folder: Path
    checkpoint: bytes

    def published(self) -> bytes | None:
        return self.checkpoint

    def held_out(self) -> bytes | None:
        return self.checkpoint

    def entries(self, place: TilePlace) -> bytes | None:
        return (self.folder / str(place.index)).read_bytes()

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        raise AssertionError(f"nobody asks from {first} to {second}")

    def key_statements(self) -> list[bytes]:
        raise AssertionError("no key was replaced")

    def hand_in(self, note: bytes) -> int:
        raise AssertionError(f"{len(note)} bytes of a witness that is not there")


def _catching_up() -> Figure:
    """A monitor from nothing to all entries, beside hashing them where they lie in memory."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-log-") as name:
        folder = Path(name)
        log = _made_log(folder)
        rounds = iter(range(ROUNDS))
        grown: list[float] = []

        def caught_up() -> float:
            key = NoteVerifier("bench.example/v1/log", LOG_KEY.public)
            before = _peak_megabytes()
            with LogMonitor(folder / f"monitor-{next(rounds)}", key, log) as monitor:
                taken = seconds_of(monitor.step)
                assert monitor.size == LEAVES
            grown.append(_peak_megabytes() - before)
            return taken

        floor, value = alternated(ROUNDS, lambda: _hashed(log), caught_up)
    return Figure(
        name=f"log_monitor_catches_up_{LEAVES}",
        database="sqlite",
        value=value,
        unit="s",
        floor=floor,
        ratio=value / floor,
        aim=f"<= {CATCH_UP_MOST:g} x hashing them, memory flat",
        is_met=value / floor <= CATCH_UP_MOST and max(grown) < FLAT_MEGABYTES,
        more={"memory_grew_by_mb": max(grown), "entries_per_s": LEAVES / value},
    )


def _made_log(folder: Path) -> _FolderLog:
    frontier = Frontier()
    for first in range(0, LEAVES, TILE_WIDTH):
        end = min(LEAVES, first + TILE_WIDTH)
        entries = [_entry(number).encode() for number in range(first, end)]
        for each in entries:
            frontier.append(leaf_hash(each))
        (folder / str(first // TILE_WIDTH)).write_bytes(bundle_entries(entries))
    checkpoint = Checkpoint("bench.example/v1/log", LEAVES, frontier.root())
    return _FolderLog(folder, sign_note(checkpoint.text(), checkpoint.origin, LOG_KEY))


def _hashed(log: _FolderLog) -> float:
    """Return how long the hashes of all entries and of the tree over them take, and no more."""
    frontier, taken = Frontier(), 0.0
    for first in range(0, LEAVES, TILE_WIDTH):
        entries = unbundle_entries(log.entries(TilePlace(first // TILE_WIDTH)) or b"")
        began = time.perf_counter()
        hashes = [leaf_hash(each) for each in entries]
        if len(hashes) == TILE_WIDTH:
            frontier.append_subtree(8, complete_root(hashes))
        else:
            for value in hashes:
                frontier.append(value)
        taken += time.perf_counter() - began
    return taken


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class _NoGrowth(Growth):
    """A transaction's leaves, stored, and nothing over them."""

    def proof(self, index: int) -> str:
        """Return none."""
        del index
        return ""


def _no_growth(
    frontier: Frontier, leaves: Collection[Leaf], signer: LogSigner, now: datetime
) -> Growth:
    del signer, now
    appended = [
        AppendedLeaf(
            frontier.size + number,
            leaf.leaf_id,
            leaf.type,
            leaf.at,
            leaf.commitment,
            leaf.tags,
            b"",
            None,
        )
        for number, leaf in enumerate(leaves)
    ]
    size = frontier.size + len(leaves)
    return _NoGrowth(Frontier(size, [bytes(HASH_BYTES)] * size.bit_count()), b"", appended, {})


def _appending(stages: Stages) -> Figure:
    """Submissions through the whole application, in turn with the same without the append."""
    with stages.open() as logged, stages.open() as bare:
        apps = {stage.folder: _client(stage) for stage in (logged, bare)}

        def rate(stage: Stage) -> float:
            return POSTS / seconds_of(lambda: _post(stage, apps[stage.folder]))

        def bare_rate() -> float:
            with mock.patch.object(unit_of_work, "grow", _no_growth):
                return rate(bare)

        rate(logged), bare_rate()
        floor, value = alternated(ROUNDS + 2, bare_rate, lambda: rate(logged))
    ratio = value / floor
    is_sqlite = stages.kind == "sqlite"
    return Figure(
        name="log_submissions_per_second_one_at_a_time",
        database=stages.kind,
        value=value,
        unit="/s",
        floor=floor,
        ratio=ratio,
        aim=f">= {APPEND_LEAST:g} x with the append left out" if is_sqlite else None,
        is_met=ratio >= APPEND_LEAST if is_sqlite else None,
    )


def _client(stage: Stage) -> FlaskClient:
    set_up_logging("error", "json")
    app = create_app(stage.settings, clock=stage.clock, keys=read_keys(stage.settings.keys_dir))
    return app.test_client()


def _post(stage: Stage, client: FlaskClient) -> None:
    path = "/v1/freeze-requests"
    for account in mixed_addresses(POSTS):
        body = canonical_json.dumps(factories.freeze_request_body(addresses=[account]))
        token = factories.request_token(stage.cast.a.analyst, "POST", path, body, stage.clock)
        answer = client.post(
            path,
            data=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Idempotency-Key": secrets.token_hex(16),
                "Content-Type": "application/json",
            },
        )
        assert answer.status_code == 201, answer.data
