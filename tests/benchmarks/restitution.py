"""Figures of giving money back: filing claims, and sharing a pool among them.

Sharing is told in processor time, not wall time: what it costs does not hang on what else runs.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from itertools import count
from operator import attrgetter
from typing import Any

from sqlalchemy import text

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.allocation import ValuedClaim, share_pro_rata
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_ids
from tests import factories
from tests.benchmarks.figures import Figure, alternated, seconds_of
from tests.benchmarks.load import Caller
from tests.benchmarks.stage import Stage, Stages

CLAIMS = 10_000
ROUNDS = 25
ALLOCATION_RATIO = 3.0
IMPORT_ROUNDS = 5
IMPORT_RATIO = 4.0
_POOL = 2_300_000 * 10**18
#: Losses in wei, at a price of ten digits.
_LOSS_BITS, _PRICE = 72, 3_012_450_000
#: Below some eightieth of the average part.
_MINIMUM = 3 * 10**18


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    if stages.kind == "sqlite":  # they need no database
        yield from _allocations(stages.kind)
    with stages.open() as stage:
        stage.start_web()
        yield _imported(stage)


def _imported(stage: Stage) -> Figure:
    """File 10,000 claims at once, beside a strict parse and as many bare rows."""
    caller, number = Caller(stage.port), count()
    with stage.database.writing() as connection, connection.begin():
        connection.execute(
            text(
                "CREATE TABLE floor_claim (id VARCHAR(40) PRIMARY KEY, filed_by VARCHAR(253), "
                f"ref VARCHAR(64), document {'BYTEA' if stage.kind == 'postgresql' else 'BLOB'})"
            )
        )
    mark = "?" if stage.kind == "sqlite" else "%s"
    insert = f"INSERT INTO floor_claim VALUES ({', '.join([mark] * 4)})"  # noqa: S608 - marks

    def floor() -> float:
        raw, ids = _claims("0" * 64, next(number)), new_ids("clm", CLAIMS)

        def work() -> None:
            claims = strict_json.loads(raw, max_bytes=len(raw))["claims"]
            rows = [
                (own, "exchange-a.example", claim["ref"], canonical_json.dumps(claim))
                for own, claim in zip(ids, claims, strict=True)
            ]
            with stage.database.writing() as connection, connection.begin():
                driver: Any = connection.connection.driver_connection
                driver.cursor().executemany(insert, rows)

        return seconds_of(work)

    def figure() -> float:
        path, content = _opened(stage, caller)
        raw = _claims(content, next(number))
        request = stage.signed(stage.cast.a.compliance, "POST", f"{path}/claims", raw)

        def work() -> None:
            status, answer = caller.send(request)
            if status != HTTPStatus.CREATED:
                raise AssertionError(answer[:2000])

        return seconds_of(work)

    floor(), figure()  # warm
    base, value = alternated(IMPORT_ROUNDS, floor, figure)
    caller.close()
    return Figure(
        name=f"import_of_{CLAIMS}_claims",
        database=stage.kind,
        value=value,
        unit="s",
        floor=base,
        ratio=value / base,
        aim=f"at most {IMPORT_RATIO:.0f} times a strict parse and a bare executemany",
        is_met=value / base <= IMPORT_RATIO,
    )


def _opened(stage: Stage, caller: Caller) -> tuple[str, str]:
    """Have A open a restitution of an incident of its own; returns its path and document."""
    a = stage.cast.a
    body = factories.freeze_request_body(to=[stage.cast.b.handle])
    asked = stage.call(caller, a.analyst, "POST", "/v1/freeze-requests", body)
    now = stage.clock.now()
    terms = {
        "nonce": factories.nonce(),
        "incident": asked["incident"]["id"],
        "asset": factories.ETHER,
        "claims_close_at": format_time(now + timedelta(days=30)),
        "objections_until": format_time(now + timedelta(days=60)),
        "unclaimed_to": "Those whose claims were paid, in equal shares.",
    }
    view = stage.call(caller, a.compliance, "POST", "/v1/restitutions", terms)
    return f"/v1/restitutions/{view['id']}", view["content_sha256"]


def _claims(content_sha256: str, number: int) -> bytes:
    """Return a file of claims, each of an address and a payout account of its own."""
    claims = [
        {
            "ref": f"C-{number}-{each:05}",
            "addresses": [_account(number, each)],
            "asset": factories.ETHER,
            "amount": str(10**18 + each),
            "proof": "documents",
            "documents": ["ab" * 32],
            "payout": _account(number, CLAIMS + each),
        }
        for each in range(CLAIMS)
    ]
    return canonical_json.dumps({"content_sha256": content_sha256, "claims": claims})


def _account(number: int, each: int) -> str:
    return f"eip155:1:0x{number + 1:020x}{each + 1:020x}"


def _allocations(kind: str) -> Iterator[Figure]:
    """Share a pool among claims at once, and again among those that had something already."""
    source = random.Random(CLAIMS)  # noqa: S311 - made up, and the same in each run
    refs = [f"C-{number:05}" for number in range(CLAIMS)]
    source.shuffle(refs)
    claims = [ValuedClaim(ref, (1 + source.getrandbits(_LOSS_BITS)) * _PRICE) for ref in refs]
    first = share_pro_rata(_POOL, claims, minimum=_MINIMUM)
    again = [ValuedClaim(c.ref, c.value, first.parts[c.ref]) for c in claims]
    for name, share, most in (
        ("allocation", partial(share_pro_rata, _POOL, claims), ALLOCATION_RATIO),
        ("allocation_of_a_later_pool", partial(share_pro_rata, _POOL, again, minimum=1), None),
    ):
        floor, figure = alternated(
            ROUNDS, partial(_seconds, partial(_sorted_and_summed, claims)), partial(_seconds, share)
        )
        yield Figure(
            name=f"{name}_over_{CLAIMS}_claims",
            database=kind,
            value=figure * 1_000,
            unit="ms",
            floor=floor * 1_000,
            ratio=figure / floor,
            aim=f"at most {most:.0f} times sorting and summing the claims" if most else None,
            is_met=figure / floor <= most if most else None,
        )


def _sorted_and_summed(claims: list[ValuedClaim]) -> int:
    ordered = sorted(claims, key=attrgetter("value", "ref"))
    return sum([claim.value for claim in ordered])


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
