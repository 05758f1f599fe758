"""Figure of evidence: a bundle with 50 legs, verified offline, against its signature checks."""

import gc
import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from holdfast.evidence.bundle.examination import Trust, examine_bundle
from holdfast.evidence.bundle.reader import BundleReader
from holdfast.protocol import strict_json
from holdfast.protocol.bundle_layout import CHECKPOINT
from holdfast.protocol.checkpoint import open_checkpoint
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.proof_of_possession import verify_possession
from holdfast.protocol.request_token import read_evidence_front, verify_request_evidence
from holdfast.protocol.signed_note import NoteVerifier
from tests import factories
from tests.benchmarks.figures import Figure, alternated, seconds_of
from tests.benchmarks.load import Caller
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages
from tests.factories import ETHER, Exchange

LEGS = 50
ROUNDS = 7
MOST = 2.0
_REQUESTS = "/v1/freeze-requests"


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figure of this module."""
    with stages.open() as stage:
        stage.start_web()
        caller = Caller(stage.port)
        path = _answered(stage, caller)
        signed = stage.signed(stage.cast.a.auditor, "GET", f"{path}/evidence-bundle")
        began = time.perf_counter()
        status, packed = caller.send(signed)
        made = time.perf_counter() - began
        caller.close()
        if status != 200:
            raise AssertionError(f"no bundle: {status} {packed[:500]!r}")
        yield _verified(stage, packed, made)


def _answered(stage: Stage, caller: Caller) -> str:
    """Return the path of a request that 50 partners acknowledged and answered."""
    partners = [factories.new_exchange(f"asked-{number}.example") for number in range(LEGS)]
    for partner in partners:
        factories.admit(stage.database, stage.vault, stage.clock, partner)
    a = stage.cast.a
    handles = [partner.handle for partner in partners]
    body = factories.freeze_request_body(to=handles, addresses=mixed_addresses(5))
    asked = stage.call(caller, a.analyst, "POST", _REQUESTS, body)
    path, about = f"{_REQUESTS}/{asked['id']}", {"content_sha256": asked["content_sha256"]}
    decision = {"decision": "approve", "context_sha256": asked["context_sha256"]}
    stage.call(caller, a.lead, "POST", f"{path}/approvals", {**about, **decision})
    for partner in partners:
        _answer(stage, caller, partner, path, about)
    return path


def _answer(
    stage: Stage, caller: Caller, partner: Exchange, path: str, about: dict[str, Any]
) -> None:
    stage.call(caller, partner.analyst, "POST", f"{path}/acknowledgement", about)
    now = stage.clock.now()
    what = {"address_no": 0, "asset": ETHER, "amount": "100"}
    until = format_time(now + timedelta(hours=48))
    lines = [
        {"kind": "found", **what},
        {"kind": "frozen", **what, "frozen_at": format_time(now), "hold_expires_at": until},
        {"kind": "nothing", "address_nos": "rest", "code": "no_match"},
    ]
    stage.call(
        caller, partner.compliance, "POST", f"{path}/freeze-reports", {**about, "lines": lines}
    )


def _verified(stage: Stage, packed: bytes, made: float) -> Figure:
    reader = BundleReader(io.BytesIO(packed))
    checks = [*_signatures(reader)]

    def verify() -> None:
        examination = examine_bundle(BundleReader(io.BytesIO(packed)), Trust())
        if examination.failures:
            raise AssertionError(examination.first_failure)

    def check() -> None:
        for each in checks:
            each()

    # `holdfast verify` is a process of its own: no collector walks through a coordinator there.
    gc.collect()
    gc.freeze()
    try:
        floor, value = alternated(ROUNDS, _timed(check), _timed(verify))
    finally:
        gc.unfreeze()
    ratio = value / floor
    return Figure(
        name="verify_bundle_of_50_legs",
        database=stage.kind,
        value=value * 1_000,
        unit="ms",
        floor=floor * 1_000,
        aim=f"≤ {MOST:.0f} times its signature checks alone",
        is_met=ratio <= MOST,
        ratio=ratio,
        more={"signatures": len(checks), "bytes": len(packed), "making_it_ms": made * 1_000},
    )


def _timed(work: Callable[[], None]) -> Callable[[], float]:
    return lambda: seconds_of(work)


def _signatures(reader: BundleReader) -> Iterator[Callable[[], object]]:
    """Yield the check of every signature that the verdict rests on, as the kit makes it."""
    keys = {
        key.kid: PublicKey.from_jwk(key.jwk)
        for member in reader.members()
        for key in reader.keys(member)
    }
    aud = reader.manifest.origin
    for name in reader.names:
        if not name.endswith(".token"):
            continue
        token = reader.read(name).decode()
        front = read_evidence_front(token)
        body = reader.read(f"{name.removesuffix('.token')}.body")
        yield partial(verify_request_evidence, token, body, key=keys[front.kid], aud=aud)
        document = strict_json.loads(body)
        for grant in document.get("grants", [document]):
            if "possession" in grant:
                about = {"audience": aud, "handle": front.claims["iss"]}
                yield partial(
                    verify_possession,
                    grant["possession"],
                    jwk=grant["jwk"],
                    subject=grant["subject"],
                    **about,
                )
    log_key = NoteVerifier.parse(reader.manifest.log)
    yield partial(open_checkpoint, reader.read(CHECKPOINT), log_key)
