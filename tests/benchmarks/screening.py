"""Figures of screening: looking deposits up beside a Python set, and following the feed of flags.

Processor time, not wall time: what it costs does not hang on what else runs. BENCH_FLAGS takes
fewer flags than a million, and a tenth of the many.
"""

import gc
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask.testing import FlaskClient

from coordinator.app import create_app
from coordinator.logging_setup import set_up_logging
from holdfast.client.transport import Answer
from holdfast.profiles.store import Profile
from holdfast.protocol import canonical_json
from holdfast.protocol.flag_views import FlagChanges, FlagPage
from holdfast.protocol.jwk import PrivateKey
from holdfast.screening import Screening
from holdfast.screening.flag_set import FlagSet, RequestLines
from tests import factories
from tests.benchmarks.figures import Figure, median
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages
from tests.factories import Member, freeze_request_body

FLAGS = int(os.environ.get("BENCH_FLAGS", "1_000_000"))
MANY = FLAGS * 10
LOOKUPS = 300_000
ROUNDS = 5
IN_REQUEST = 20_000
REMOVED = min(100_000, FLAGS // 2)
RATIO_LEAST = 0.5
BYTES_MOST = 64.0
SYNC_SECONDS, REMOVAL_SECONDS = 60.0, 5.0
_PAGE = 5_000


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    if stages.kind == "sqlite":  # they need no database
        yield from _lookups(FLAGS, stages.kind)
        yield from _lookups(MANY, stages.kind)
    with stages.open() as stage:
        yield from _following(stage)


def _account(random_bits: Callable[[int], int]) -> str:
    return f"eip155:1:0x{random_bits(160):040x}"


def _lookups(count: int, kind: str) -> Iterator[Figure]:
    """Look accounts up that are flagged nowhere, and such that are, in the set and in Python's."""
    source = random.Random(count)  # noqa: S311 - made up, and the same in each run
    flags = FlagSet()
    terms = flags.place_of(None, None)
    keys: list[str] = []
    for number in range(0, count, IN_REQUEST):
        lines = RequestLines()
        some = [_account(source.getrandbits) for _ in range(min(IN_REQUEST, count - number))]
        for place, key in enumerate(some):
            lines.append(key, place, terms)
        flags.put(f"frq_{number}", lines)
        keys += some
    plain = set(keys)
    for name, asked in (
        ("unflagged", [_account(source.getrandbits) for _ in range(LOOKUPS)]),
        ("flagged", source.sample(keys, min(LOOKUPS, count))),
    ):
        floor, figure = _rates(plain, flags, asked)
        ratio = figure / floor
        yield Figure(
            name=f"screening_{name}_lookups_per_second_{count}_flags",
            database=kind,
            value=figure,
            unit="1/s",
            floor=floor,
            ratio=ratio,
            aim=f"at least {RATIO_LEAST} of lookups in a Python set of the same keys",
            is_met=ratio >= RATIO_LEAST,
        )
    size = flags.size_bytes() / count
    yield Figure(
        name=f"screening_bytes_a_flag_{count}_flags",
        database=kind,
        value=size,
        unit="B",
        floor=(sys.getsizeof(plain) + sum(map(sys.getsizeof, keys))) / count,
        aim=f"at most {BYTES_MOST:.0f} bytes",
        is_met=size <= BYTES_MOST,
    )


def _rates(plain: set[str], flags: FlagSet, asked: Sequence[str]) -> tuple[float, float]:
    """Return lookups a second, in a set and in ours, in turn; each text is new, as it comes in."""
    floors, figures = [], []
    wanted = len([key for key in asked if key in plain])
    for _ in range(ROUNDS):
        fresh = [key[:-1] + key[-1] for key in asked]
        began = time.process_time()
        found = [key for key in fresh if key in plain]
        floors.append(len(asked) / (time.process_time() - began))
        fresh = [key[:-1] + key[-1] for key in asked]
        began = time.process_time()
        found = flags.flagged_of(fresh)
        figures.append(len(asked) / (time.process_time() - began))
        if len(found) != wanted:
            raise AssertionError(f"{len(found)} of {wanted} were found")
    return median(floors), median(figures)


class _InProcess:
    """The feed of one partner without a network: coordinator and kit in this process."""

    def __init__(self, stage: Stage, web: FlaskClient, reader: Member) -> None:
        self._stage, self._web, self._reader = stage, web, reader
        origin = stage.settings.origin
        key = PrivateKey.generate()
        self.profile = Profile("bench", origin, reader.handle, reader.subject, "system", key)
        self.pages = 0
        self.seconds = 0.0

    @property
    def transport(self) -> Any:
        body = self._web.get("/.well-known/jwks.json").get_json()
        return SimpleNamespace(read_public=lambda _: Answer(200, body, {}))

    def flags(
        self,
        after: str | None = None,
        *,
        limit: int | None = None,
        changes: FlagChanges | None = None,
    ) -> FlagPage:
        self.pages += 1
        began = time.process_time()
        query = f"?limit={limit}" + ("" if after is None else f"&after={after}")
        query += "" if changes is None else f"&changes={changes}"
        path = f"/v1/flags{query}"
        token = factories.request_token(self._reader, "GET", path, b"", self._stage.clock)
        answer = self._web.get(path, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            raise AssertionError(answer.text[:500])
        self.seconds += time.process_time() - began
        return FlagPage.model_validate_json(answer.data)


def _following(stage: Stage) -> Iterator[Figure]:
    """Read all flags of a partner, then what is left once a tenth is withdrawn."""
    set_up_logging("error", "json")
    web = create_app(stage.settings).test_client()
    a, b = stage.cast.a, stage.cast.b
    requests = [_ask(stage, web, b.handle) for _ in range(max(1, FLAGS // IN_REQUEST))]
    feed = _InProcess(stage, web, b.system)
    with tempfile.TemporaryDirectory(prefix="holdfast-flags-") as folder:
        screening = Screening.open(feed, Path(folder))  # type: ignore[arg-type]  # as a client
        seconds = _seconds_of(screening.sync)
        count = screening.status().count
        yield Figure(
            name="screening_sync_seconds",
            database=stage.kind,
            value=seconds,
            unit="s",
            aim=f"{FLAGS} flags in less than {SYNC_SECONDS:.0f} s",
            is_met=seconds < SYNC_SECONDS and count == len(requests) * IN_REQUEST,
            more={"flags": count, "pages": feed.pages, "of_it_coordinator": feed.seconds},
        )
        for request in requests[: REMOVED // IN_REQUEST]:
            words: dict[str, Any] = {
                "addresses": "all",
                "reason_code": "resolved",
                "reason": "paid back",
            }
            path = f"/v1/freeze-requests/{request['id']}/withdrawal"
            _post(stage, web, a.lead, path, _act(request) | words)
        seconds = _seconds_of(screening.sync)
        left = screening.status().count
        yield Figure(
            name="screening_removal_seconds",
            database=stage.kind,
            value=seconds,
            unit="s",
            aim=f"{REMOVED} removals in less than {REMOVAL_SECONDS:.0f} s",
            is_met=seconds < REMOVAL_SECONDS and count - left == REMOVED // IN_REQUEST * IN_REQUEST,
            more={"removed": count - left},
        )
        # And address by address: of a request that stays an outline is told.
        request = requests[-1]
        gone = list(range(IN_REQUEST // 2))
        words = {"addresses": gone, "reason_code": "wrong_target", "reason": "another's"}
        path = f"/v1/freeze-requests/{request['id']}/withdrawal"
        _post(stage, web, a.lead, path, _act(request) | words)
        feed.seconds = 0.0
        seconds = _seconds_of(screening.sync)
        removed = left - screening.status().count
        each = seconds * REMOVED / max(removed, 1)
        yield Figure(
            name="screening_single_removal_seconds",
            database=stage.kind,
            value=each,
            unit="s",
            aim=f"{REMOVED} removals in less than {REMOVAL_SECONDS:.0f} s",
            is_met=each < REMOVAL_SECONDS,
            more={
                "removed": removed,
                "scaled_to": REMOVED,
                "of_it_coordinator": feed.seconds * REMOVED / max(removed, 1),
            },
        )
        screening.close()


def _seconds_of(work: Callable[[], object]) -> float:
    gc.collect()  # what the acts before have left behind is not part of it
    began = time.process_time()
    work()
    return time.process_time() - began


def _ask(stage: Stage, web: FlaskClient, partner: str) -> dict[str, Any]:
    """Have a request over many addresses go out to a partner."""
    a = stage.cast.a
    body = freeze_request_body(to=[partner], addresses=mixed_addresses(IN_REQUEST))
    request = _post(stage, web, a.analyst, "/v1/freeze-requests", body)
    accepted = [
        {"code": warning["code"], "address_nos": "all", "reason": "as published"}
        for warning in request["warnings"]
        if "requests" not in warning
    ]
    decided = {
        "decision": "approve",
        "context_sha256": request["context_sha256"],
        "warnings_accepted": accepted,
    }
    path = f"/v1/freeze-requests/{request['id']}/approvals"
    _post(stage, web, a.lead, path, _act(request) | decided)
    return request


def _act(request: dict[str, Any]) -> dict[str, Any]:
    return {"content_sha256": request["content_sha256"]}


def _post(stage: Stage, web: FlaskClient, by: Member, path: str, body: Any) -> dict[str, Any]:
    raw = canonical_json.dumps(body)
    token = factories.request_token(by, "POST", path, raw, stage.clock)
    answer = web.post(
        path,
        data=raw,
        headers={
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": factories.nonce(),
            "Content-Type": "application/json",
        },
    )
    if answer.status_code != 201:
        raise AssertionError(f"{path}: {answer.text[:500]}")
    told: dict[str, Any] = answer.get_json()
    return told
