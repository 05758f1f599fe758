"""Figures of the ledger: a report of 11,000 lines, and the totals of a request with 200 legs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from coordinator.storage.ledger import ledger_totals
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import format_time
from tests import factories
from tests.benchmarks import bulk
from tests.benchmarks.figures import Figure, alternated, median, seconds_of
from tests.benchmarks.load import Caller
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages
from tests.factories import ETHER

LINES = 11_000
LEGS = 200
LINES_A_LEG = 100


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with stages.open() as stage:
        stage.start_web()
        caller = Caller(stage.port)
        for name, frozen in (
            ("report_of_11000_lines_found", False),
            ("report_of_11000_lines", True),
        ):
            yield from _report(stage, caller, name, frozen=frozen)
        caller.close()
        yield _totals(stage)


def _live_request(stage: Stage, caller: Caller) -> dict[str, Any]:
    body = factories.freeze_request_body(to=[stage.cast.b.handle], addresses=mixed_addresses(LINES))
    submitted = stage.call(caller, stage.cast.a.analyst, "POST", "/v1/freeze-requests", body)
    stage.call(
        caller,
        stage.cast.a.lead,
        "POST",
        f"/v1/freeze-requests/{submitted['id']}/approvals",
        {
            "decision": "approve",
            "content_sha256": submitted["content_sha256"],
            "context_sha256": submitted["context_sha256"],
        },
    )
    return submitted


def _lines(stage: Stage, *, frozen: bool) -> list[dict[str, Any]]:
    if not frozen:
        return [
            {"kind": "found", "address_no": n, "asset": ETHER, "amount": str(10**18 + n)}
            for n in range(LINES)
        ]
    now = stage.clock.now()
    lines: list[dict[str, Any]] = []
    for number in range(LINES // 2):
        line = {"address_no": number, "asset": ETHER, "amount": str(10**18 + number)}
        hold = {
            "frozen_at": format_time(now),
            "hold_expires_at": format_time(now + timedelta(hours=48)),
        }
        lines += [{"kind": "found", **line}, {"kind": "frozen", **line, **hold}]
    return lines


def _report(stage: Stage, caller: Caller, name: str, *, frozen: bool) -> Iterator[Figure]:
    table = f"floor_{name}"
    with stage.database.writing() as connection, connection.begin():
        connection.execute(
            text(
                f"CREATE TABLE {table} (id VARCHAR(40) PRIMARY KEY, leg_id VARCHAR(40), "
                "kind VARCHAR(15), address_no INTEGER, asset VARCHAR(200), amount TEXT, "
                "reported_at BIGINT)"
            )
        )
    count = 0
    raw = canonical_json.dumps({"lines": _lines(stage, frozen=frozen)})

    def rows(source: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        nonlocal count
        count += 1
        return [
            (f"lin_{count}_{n}", "leg", x["kind"], x["address_no"], x["asset"], x["amount"], n)
            for n, x in enumerate(source)
        ]

    def insert(values: list[tuple[Any, ...]]) -> None:
        mark = "?" if stage.kind == "sqlite" else "%s"
        with stage.database.writing() as connection, connection.begin():
            own: Any = connection.connection.driver_connection
            own.cursor().executemany(
                f"INSERT INTO {table} VALUES ({', '.join([mark] * 7)})",  # noqa: S608 - marks
                values,
            )

    source = strict_json.loads(raw)["lines"]

    def floor() -> float:
        values = rows(source)
        return seconds_of(lambda: insert(values))

    parsing = []

    def figure() -> float:
        submitted = _live_request(stage, caller)
        report = {"content_sha256": submitted["content_sha256"], **strict_json.loads(raw)}
        path = f"/v1/freeze-requests/{submitted['id']}/freeze-reports"
        request = stage.signed(stage.cast.b.compliance, "POST", path, report)
        parsing.append(seconds_of(lambda: insert(rows(strict_json.loads(raw)["lines"]))))

        def work() -> None:
            status, content = caller.send(request)
            if status != 201:
                raise AssertionError(content[:2000])

        return seconds_of(work)

    base, value = alternated(3, floor, figure)
    yield Figure(
        name=name,
        database=stage.kind,
        value=value,
        unit="s",
        floor=base,
        ratio=value / base,
        aim="<= 3 x floor",
        is_met=value / base <= 3,
        more={"with_strict_parse_in_the_floor": value / median(parsing)},
    )


def _totals(stage: Stage) -> Figure:
    request_id = bulk.request_with_legs(stage, legs=LEGS, lines_a_leg=LINES_A_LEG)
    total = "sum_units(amount)" if stage.kind == "sqlite" else "SUM(amount)"
    aggregate = text(
        f"SELECT asset, {total} FROM ledger_line WHERE request_id = :r GROUP BY asset"  # noqa: S608 - a constant
    )
    with stage.database.engine.connect() as connection:
        # 20,000 lines: half of them found, half frozen.
        def floor() -> float:
            return seconds_of(lambda: connection.execute(aggregate, {"r": request_id}).all())

        def figure() -> float:
            return seconds_of(lambda: ledger_totals.totals(connection, request_id=request_id))

        floor(), figure()  # warm
        base, value = alternated(15, floor, figure)
    return Figure(
        name="totals_of_200_legs_and_20000_lines",
        database=stage.kind,
        value=value * 1000,
        unit="ms",
        floor=base * 1000,
        ratio=value / base,
        aim="<= 2 x floor",
        is_met=value / base <= 2,
    )
