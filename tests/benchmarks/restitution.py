"""Figures of giving money back: filing claims, and sharing a pool among them.

Sharing is told in processor time, not wall time: what it costs does not hang on what else runs.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from itertools import count
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, insert, select, text

from coordinator.domain.actor import COORDINATOR
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Evidence
from coordinator.services.restoring.claim_links import hashed, read_page
from coordinator.storage.engine.documents import DocumentKey, SealedDocument, store, store_key
from coordinator.storage.engine.reads import read_one
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.restoring import claim_links
from coordinator.storage.restoring.claims import DOCUMENT, insert_claims
from coordinator.storage.tables.freeze_requests import IncidentRow
from coordinator.storage.tables.restitutions import (
    AllocationRow,
    ClaimLinkRow,
    PayoutRow,
    RestitutionRow,
)
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.allocation import ValuedClaim, share_pro_rata
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id, new_ids
from tests import factories
from tests.benchmarks.figures import Figure, alternated, seconds_of
from tests.benchmarks.load import Caller
from tests.benchmarks.stage import Stage, Stages
from tests.factories import ACCOUNT, ETHER
from tests.rulebook import RULEBOOK

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
#: Claims of one restitution; those of the largest are read beside those of the smallest.
FEW_CLAIMS, MANY_CLAIMS = 1_000, 100_000
PAGES = 200
PAGE_GROWTH = 1.25
#: Payouts are recorded in acts of so many: a page opens the act that paid its claim.
_IN_AN_ACT = 1_000
_SEED = 5_000
_PAYOUT = (
    "id",
    "claim_id",
    "restitution_id",
    "allocation_id",
    "amount",
    "status",
    "act_id",
    "line_no",
    "at",
)


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    if stages.kind == "sqlite":  # they need no database
        yield from _allocations(stages.kind)
    yield _claimants_page(stages)
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


def _claimants_page(stages: Stages) -> Figure:
    """Read what links of paid claims open, of few and of many; one indexed read beside it."""
    seconds: dict[int, float] = {}
    floors: dict[int, float] = {}
    for claims in (FEW_CLAIMS, MANY_CLAIMS):
        with stages.open() as stage:
            ids = _fill(stage, claims)
            asked = random.Random(claims).choices(ids, k=PAGES)  # noqa: S311 - the same in each run
            with stage.database.engine.connect() as connection:
                read = ReadContext(
                    connection=connection,
                    vault=stage.vault,
                    actor=COORDINATOR,
                    policies=RULEBOOK.policies,
                    chains=RULEBOOK.chains,
                    now=stage.clock.now(),
                )
                page = partial(_read_pages, read, asked)
                floor = partial(_read_rows, connection, asked)
                page()  # statements are compiled once
                floors[claims], seconds[claims] = alternated(
                    5, partial(_seconds, floor), partial(_seconds, page)
                )
    growth = seconds[MANY_CLAIMS] / seconds[FEW_CLAIMS]
    return Figure(
        name=f"a_claimants_page_at_{MANY_CLAIMS}_claims",
        database=stages.kind,
        value=seconds[MANY_CLAIMS] / PAGES * 1_000,
        unit="ms",
        floor=floors[MANY_CLAIMS] / PAGES * 1_000,
        ratio=seconds[MANY_CLAIMS] / floors[MANY_CLAIMS],
        aim=f"flat: at most {PAGE_GROWTH} times the same at {FEW_CLAIMS} claims",
        is_met=growth <= PAGE_GROWTH,
        more={"growth": growth},
    )


def _read_pages(read: ReadContext, claim_ids: list[str]) -> None:
    for claim_id in claim_ids:
        if read_page(read, hashed(claim_id)).claim["id"] != claim_id:
            raise AssertionError("a link opens its own claim")


def _read_rows(connection: Connection, claim_ids: list[str]) -> None:
    """Read as many rows by the index of their links, and nothing of what they say."""
    for claim_id in claim_ids:
        query = select(ClaimLinkRow).where(ClaimLinkRow.link_sha256 == hashed(claim_id))
        if read_one(connection, query) is None:
            raise AssertionError("each claim has a link")


def _fill(stage: Stage, claims: int) -> list[str]:
    """Store a restitution whose claims are all paid and have links; returns the claims."""
    now, opener = stage.clock.now(), stage.cast.a.handle
    incident_id, restitution_id, allocation_id = new_id("inc"), new_id("rst"), new_id("alo")
    ids = new_ids("clm", claims)
    key, wrapped = stage.vault.new_key()
    terms = {
        "id": restitution_id,
        "incident_id": incident_id,
        "opener": opener,
        "document_key_id": key.id,
        "content_sha256": "0" * 64,
        "status": "open",
        "asset": ETHER,
        "key_theft": False,
        "verify_by_two_above": 0,
        "claims_close_at": now,
        "objections_until": now,
        "opened_at": now,
        "version": 1,
    }
    shared = {
        "id": allocation_id,
        "restitution_id": restitution_id,
        "act_id": new_id("act"),
        "act_sha256": "0" * 64,
        "method": "pro_rata",
        "status": "approved",
        "pool": claims,
        "given": claims,
        "minimum": 0,
        "claim_count": claims,
        "proposed_by": opener,
        "proposer": opener,
        "proposed_at": now,
        "version": 1,
    }
    with stage.database.transaction() as connection:
        store_key(connection, key, wrapped, now)
        incident = {"id": incident_id, "opened_by": opener, "document_key_id": key.id}
        connection.execute(insert(IncidentRow).values(**incident, kind="theft", occurred_at=now))
        connection.execute(insert(RestitutionRow).values(**terms))
        connection.execute(insert(AllocationRow).values(**shared))
    for start in range(0, claims, _SEED):
        with stage.database.transaction() as connection:
            _add_claims(connection, terms, allocation_id, key, ids[start : start + _SEED])
    return ids


def _add_claims(
    connection: Connection,
    terms: dict[str, Any],
    allocation_id: str,
    key: DocumentKey,
    ids: list[str],
) -> None:
    """Store claims, each with what it says, its link and its payout."""
    filed, restitution_id, now = new_id("act"), terms["id"], terms["opened_at"]
    payouts, given = new_ids("pay", len(ids)), (restitution_id, allocation_id, 1, "paid")
    acts = [new_id("act") for _ in range(0, len(ids), _IN_AN_ACT)]
    insert_claims(
        connection,
        [
            {
                "id": each,
                "restitution_id": restitution_id,
                "act_id": filed,
                "filed_by": terms["opener"],
                "ref_index": sha256(each.encode()).hexdigest()[:32],
                "status": "paid",
                "proof": "documents",
                "value": 100,
                "verified": 100,
                "allocated": 1,
                "late": False,
                "filed_at": now,
                "version": 1,
            }
            for each in ids
        ],
        [],
    )
    claim_links.replace(
        connection,
        [(each, hashed(each)) for each in ids],
        act_id=filed,
        expires_at=now + timedelta(days=1),
    )
    insert_rows(
        connection,
        PayoutRow,
        _PAYOUT,
        [
            (*pair, *given, acts[number // _IN_AN_ACT], number % _IN_AN_ACT, now)
            for number, pair in enumerate(zip(payouts, ids, strict=True))
        ],
    )
    said = {
        "addresses": [ACCOUNT],
        "asset": ETHER,
        "amount": "100",
        "tx": None,
        "documents": ["0" * 64],
        "payout": ACCOUNT,
        "sealed": None,
    }
    contents = {(each, DOCUMENT): canonical_json.dumps({**said, "ref": each}) for each in ids}
    for number, act in enumerate(acts):
        some = payouts[number * _IN_AN_ACT : (number + 1) * _IN_AN_ACT]
        lines = [{"payout": each, "tx": "0x" + "ab" * 32} for each in some]
        body = canonical_json.dumps({"lines": lines})
        contents[act, "evidence"] = Evidence("", body, "").packed()
    store(
        connection,
        [
            SealedDocument(owner, name, key.id, key.seal(owner, name, content))
            for (owner, name), content in contents.items()
        ],
    )


def _sorted_and_summed(claims: list[ValuedClaim]) -> int:
    ordered = sorted(claims, key=attrgetter("value", "ref"))
    return sum([claim.value for claim in ordered])


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
