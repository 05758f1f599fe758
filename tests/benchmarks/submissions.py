"""Figures of submitting: requests accepted per second, and one request with 11,000 addresses."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.chain import shipped_chains
from tests import factories
from tests.benchmarks.figures import Figure, alternated, median, seconds_of
from tests.benchmarks.floor_app import TABLE
from tests.benchmarks.load import Caller, LoadResult, send_load
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages, wait_for_port
from tests.benchmarks.waits import Waits, watched
from tests.ports import free_port

ROUNDS = 4
REQUESTS = 400
CLIENTS = 8
ADDRESSES = 11_000
AIMS = {"sqlite": 0.22, "postgresql": 0.12}
#: On SQLite more than two wait for one lock.
MORE_PROCESSES = {"sqlite": (2,), "postgresql": (2, 4)}
#: With more web processes; on PostgreSQL the cores of this machine are the bound.
AIMS_OF_MORE = {"sqlite": 0.33, "postgresql": 0.12}
#: A fifth partner makes it four that are asked.
FIFTH = "exchange-e.example"


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open() as stage:
        factories.admit(stage.database, stage.vault, stage.clock, factories.new_exchange(FIFTH))
        web = stage.start_web()
        with _floor(stage) as port:
            yield from _per_second(stage, port)
            for processes in MORE_PROCESSES[stage.kind]:
                stage.end(web)
                stage.environment["HOLDFAST_WEB_PROCESSES"] = str(processes)
                web = stage.start_web()
                yield _by_more_processes(stage, port, processes)
        yield _large(stage)


@contextmanager
def _floor(stage: Stage) -> Iterator[int]:
    with stage.database.writing() as connection, connection.begin():
        connection.execute(
            text(TABLE if stage.kind == "postgresql" else TABLE.replace("BYTEA", "BLOB"))
        )
    port = free_port()
    stage.environment |= {
        "FLOOR_KEY": stage.cast.a.analyst.key.public.jwk()["x"],
        "FLOOR_DATABASE": stage.settings.resolved_database_url,
        "FLOOR_PORT": str(port),
    }
    process = stage.spawn([sys.executable, "-m", "tests.benchmarks.floor_app"], "floor.log", port)
    wait_for_port(port, process)
    try:
        yield port
    finally:
        stage.end(process)


def _bodies(count: int, **changes: Any) -> list[bytes]:
    # Each flags an account of its own: one that a live request flags already is warned of.
    to = [*factories.HANDLES[1:], FIFTH]
    return [
        canonical_json.dumps(
            factories.freeze_request_body(**{"to": to, "addresses": [account], **changes})
        )
        for account in mixed_addresses(count)
    ]


def _signed(stage: Stage, bodies: Sequence[bytes]) -> list[bytes]:
    member = stage.cast.a.analyst
    return [stage.signed(member, "POST", "/v1/freeze-requests", body) for body in bodies]


def _accepted(stage: Stage, port: int) -> LoadResult:
    requests = _signed(stage, _bodies(REQUESTS))
    return send_load(requests, port, threads=CLIENTS).require(201)


def _per_second(stage: Stage, floor_port: int) -> Iterator[Figure]:
    def refused() -> float:
        # All of it is checked; the broken checksum is found last, and nothing is written.
        broken = factories.ACCOUNT[:-1] + factories.ACCOUNT[-1].lower()
        requests = _signed(stage, _bodies(REQUESTS, addresses=[{"account": broken}]))
        return send_load(requests, stage.port, threads=CLIENTS).require(422).per_second

    refused()  # warm
    checks = [refused() for _ in range(ROUNDS)]
    yield (figure := _submissions(stage, floor_port, "submissions_per_second", AIMS[stage.kind]))
    base = figure.floor or 1
    yield Figure(
        name="submissions_validated_and_refused_per_second",
        database=stage.kind,
        value=median(checks),
        unit="requests/s",
        floor=base,
        ratio=median(checks) / base,
        more={"note": "422 after every check, nothing written"},
    )


def _by_more_processes(stage: Stage, floor_port: int, processes: int) -> Figure:
    name = f"submissions_per_second_by_{processes}_web_processes"
    return _submissions(stage, floor_port, name, AIMS_OF_MORE[stage.kind])


def _submissions(stage: Stage, floor_port: int, name: str, aim: float) -> Figure:
    latencies: list[float] = []
    waits = Waits()

    def figure() -> float:
        with watched(stage, waits):
            result = _accepted(stage, stage.port)
        latencies.extend(result.latencies)
        return result.per_second

    def floor() -> float:
        return _accepted(stage, floor_port).per_second

    floor(), figure()  # warm
    latencies.clear()
    base, value = alternated(ROUNDS, floor, figure)
    ordered = sorted(latencies)
    return Figure(
        name=name,
        database=stage.kind,
        value=value,
        unit="requests/s",
        floor=base,
        ratio=value / base,
        aim=f">= {aim} of floor",
        is_met=value / base >= aim,
        more={
            "clients": CLIENTS,
            "p50_ms": ordered[len(ordered) // 2] * 1000,
            "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
            **(waits.shares() if stage.kind == "postgresql" else {}),
        },
    )


def _large(stage: Stage) -> Figure:
    chains = shipped_chains()
    caller = Caller(stage.port)
    with stage.database.writing() as connection, connection.begin():
        connection.execute(
            text(
                "CREATE TABLE floor_address (request_id VARCHAR(40), address_no INTEGER, "
                f"blind_index {'BYTEA' if stage.kind == 'postgresql' else 'BLOB'}, "
                "asset VARCHAR(200), amount TEXT, PRIMARY KEY (request_id, address_no))"
            )
        )
    number = 0

    def floor() -> float:
        nonlocal number
        number += 1
        (raw,) = _bodies(1, addresses=mixed_addresses(ADDRESSES))
        request_id = f"floor {number}"
        mark = "?" if stage.kind == "sqlite" else "%s"
        insert = f"INSERT INTO floor_address VALUES ({', '.join([mark] * 5)})"  # noqa: S608 - marks

        def work() -> None:
            document = strict_json.loads(raw)
            rows = []
            for place, address in enumerate(document["addresses"]):
                account = parse_account(chains, address["account"], address.get("tag"))
                rows.append((request_id, place, account.key.encode()[:16], None, None))
            with stage.database.writing() as connection, connection.begin():
                own: Any = connection.connection.driver_connection
                own.cursor().executemany(insert, rows)

        return seconds_of(work)

    def figure() -> float:
        (request,) = _signed(stage, _bodies(1, addresses=mixed_addresses(ADDRESSES)))

        def work() -> None:
            status, content = caller.send(request)
            if status != 201:
                raise AssertionError(content[:2000])

        return seconds_of(work)

    floor(), figure()  # warm
    base, value = alternated(5, floor, figure)
    caller.close()
    return Figure(
        name="one_request_with_11000_addresses",
        database=stage.kind,
        value=value,
        unit="s",
        floor=base,
        ratio=value / base,
        aim="<= 3 x floor",
        is_met=value / base <= 3,
        more={"addresses": ADDRESSES},
    )
