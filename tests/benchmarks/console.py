"""The console's pages, each beside the API's reads of the same data, over few and many requests.

And how long an act takes while many people have a page open that follows what happens.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from types import MappingProxyType

from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.delivery.webhook_endpoints import RegisterEndpoint
from coordinator.storage.console import sessions as session_store
from coordinator.storage.console.sessions import StoredSession
from holdfast.protocol import canonical_json, payloads
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.webhook_signature import new_secret
from tests import factories
from tests.benchmarks.bulk import load_requests
from tests.benchmarks.figures import Figure, median, percentile, seconds_of
from tests.benchmarks.load import Caller, raw_request
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages, end
from tests.factories import Member
from tests.rulebook import ANY_EVIDENCE, command_context

STORED = (1_000, 100_000)
#: Requests that wait for a decision: more than a page of tasks holds, and the same number whatever
#: is stored, for the pages compared must show as much.
WAITING = 250
SAMPLES, WARM = 15, 5
#: A page may take so much more than the API's reads of what it shows; and grow so little.
MOST, FLAT = 2.0, 1.3
MANY = 20_000
VIEWERS = 200
#: How many requests are submitted meanwhile, how far apart, and every how many-th is followed by
#: an event of the request that the viewers look at.
SUBMITTED, APART, EVENT_EVERY = 120, 0.1, 20
MOST_MS = 100.0
#: For all viewers to have read the page once, and to wait.
_SETTLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stage with so many requests, and somebody who is signed in there.

    Attributes:
        ids: What the paths name: a request of 51 addresses, one of `MANY`, one that was answered,
            and who wrote all of them.
    """

    stage: Stage
    caller: Caller
    lead: Member
    cookie: str
    ids: Mapping[str, str]

    def page(self, path: str) -> bytes:
        """Return a request for a page."""
        host = f"localhost:{self.stage.port}".encode()
        raw = raw_request("GET", path, b"", [("Cookie", self.cookie)])
        return raw.replace(b"Host: 127.0.0.1", b"Host: " + host, 1)

    def read(self, path: str) -> bytes:
        """Return a signed read of the API."""
        return self.stage.signed(self.lead, "GET", path)


_REQUEST = "/v1/freeze-requests/{%s}"
_PEOPLE = "/v1/people?status=all&limit=500"
#: What every page of a request reads.
_OF_CASE = (_REQUEST, _REQUEST + "/legs?limit=1000", _REQUEST + "/asked", _PEOPLE)


#: What a page to decide reads.
_TO_DECIDE = (
    _REQUEST,
    _REQUEST + "/addresses",
    _REQUEST + "/indemnities?limit=500",
    "/v1/partners?limit=500",
    "/v1/keys?subject={author}",
    _PEOPLE,
)


def _reads(which: str, *paths: str) -> list[str]:
    """Return paths of the API, of the request that is called `which`."""
    return [path % which if "%s" in path else path for path in paths]


#: Pages, with the reads of the API that bring what they show.
_PAGES: Mapping[str, tuple[str, Sequence[str]]] = MappingProxyType(
    {
        "home": (
            "/console",
            [
                "/v1/tasks?limit=200",
                "/v1/freeze-requests?box=sent&status=submitted&limit=20",
                "/v1/freeze-requests?box=sent&status=active&limit=20",
                "/v1/freeze-requests?box=received&limit=5",
                # Of three cases it tells how they stand, and what happened last.
                *3 * _reads("answered", *_OF_CASE[:-1], _REQUEST + "/events?order=newest&limit=3"),
            ],
        ),
        "list": (
            "/console/requests",
            # The clock beside a request is of the first task that waits on it.
            ["/v1/freeze-requests?box=sent&limit=50", "/v1/tasks?limit=200", _PEOPLE],
        ),
        "decide_51": (
            "/console/requests/{of_51}/decide",
            _reads("of_51", *_TO_DECIDE),
        ),
        "decide_20000": (
            "/console/requests/{of_20000}/decide",
            _reads("of_20000", *_TO_DECIDE),
        ),
        "addresses_20000": (
            "/console/requests/{of_20000}/addresses",
            _reads("of_20000", *_OF_CASE, _REQUEST + "/addresses"),
        ),
        "answers": ("/console/requests/{answered}", _reads("answered", *_OF_CASE)),
        "timeline": (
            "/console/requests/{answered}/timeline",
            _reads("answered", *_OF_CASE, _REQUEST + "/events?order=newest&limit=50"),
        ),
        "ledger": (
            "/console/requests/{answered}/ledger",
            _reads("answered", *_OF_CASE, _REQUEST + "/ledger?limit=100"),
        ),
    }
)


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module."""
    with ExitStack() as stack:
        opened = [_open(stack, stages, stored) for stored in STORED]
        for name, (path, reads) in _PAGES.items():
            yield _page_figure(stages.kind, name, path, reads, opened)
        yield _viewers_figure(stages.kind, opened[0])


def _open(stack: ExitStack, stages: Stages, stored: int) -> _Opened:
    stage = stack.enter_context(stages.open(web_threads=2))
    context = command_context(stage.database, stage.vault, stage.clock)
    with transaction(context, ANY_EVIDENCE) as uow:
        body = payloads.NewEndpoint(url="http://127.0.0.1:9/hook")
        command = RegisterEndpoint(body=body, secret=new_secret())
        answer = execute(command, stage.cast.b.lead.actor, uow)
        uow.finish(answer)
    loaded = load_requests(stage, stored, str(answer.body["id"]), waiting=WAITING)
    stage.start_web()
    caller = Caller(stage.port)
    stack.callback(caller.close)
    cast = stage.cast
    waiting = frozenset(loaded.waiting_ids)
    ids = {
        "answered": next(i for i in reversed(loaded.request_ids) if i not in waiting),
        "author": cast.a.analyst.subject,
    }
    for count in (51, MANY):
        body_of = factories.freeze_request_body(addresses=mixed_addresses(count))
        made = stage.call(caller, cast.a.analyst, "POST", "/v1/freeze-requests", body_of)
        ids[f"of_{count}"] = made["id"]
    return _Opened(stage, caller, cast.a.lead, _sign_in(stage, cast.a.lead), ids)


def _sign_in(stage: Stage, member: Member) -> str:
    """Return the cookie of a session that stands on a key of the cast."""
    identity = secrets.token_urlsafe(32)
    now = stage.clock.now()
    with stage.database.transaction() as connection:
        session_store.store(
            connection,
            StoredSession(
                id_sha256=sha256(identity.encode()).hexdigest(),
                number=new_id("ses"),
                kid=member.key.kid,
                provider=None,
                partner=member.handle,
                person=member.subject,
                browser="A browser",
                content={},
                opened_at=now,
                seen_at=now,
                ends_at=now + timedelta(hours=12),
            ),
        )
    return f"holdfast={identity}"


def _page_figure(
    kind: str, name: str, path: str, reads: Sequence[str], opened: Sequence[_Opened]
) -> Figure:
    pages: list[list[float]] = [[] for _ in opened]
    floors: list[list[float]] = [[] for _ in opened]
    size = 0
    for number in range(SAMPLES + WARM):
        for place, one in enumerate(opened):
            shown = one.page(path.format_map(one.ids))
            signed = [one.read(each.format_map(one.ids)) for each in reads]
            taken, size = _timed(one, shown)
            floor = sum(_timed(one, each)[0] for each in signed)
            if number >= WARM:
                pages[place].append(taken)
                floors[place].append(floor)
    small, large = (median(values) for values in pages)
    floor = median(floors[-1])
    return Figure(
        name=f"console_{name}_at_{STORED[-1]}",
        database=kind,
        value=large,
        unit="ms",
        floor=floor,
        ratio=large / floor,
        aim=f"<= {MOST:.0f} x the API's reads, and <= {FLAT} x the same at 1,000",
        is_met=large <= MOST * floor and large <= FLAT * small,
        more={"at_1000": small, "growth": large / small, "bytes": size},
    )


def _timed(one: _Opened, request: bytes, wanted: int = 200) -> tuple[float, int]:
    """Return the milliseconds that an answer takes, and its bytes."""
    sizes: list[int] = []

    def work() -> None:
        status, content = one.caller.send(request)
        if status != wanted:
            raise AssertionError(f"{request[:80]!r}: {status} {content[:300]!r}")
        sizes.append(len(content))

    return seconds_of(work) * 1000, sizes[-1]


def _viewers_figure(kind: str, one: _Opened) -> Figure:
    """Return how long a submission takes while many follow a request on which something happens."""
    alone = _submitted(one)
    with _viewers(one):
        watched = _submitted(one)
    value, floor = percentile(watched, 0.99), percentile(alone, 0.99)
    return Figure(
        name=f"submission_p99_with_{VIEWERS}_live_viewers",
        database=kind,
        value=value,
        unit="ms",
        floor=floor,
        ratio=value / floor,
        aim=f"< {MOST_MS:.0f} ms",
        is_met=value < MOST_MS,
        more={"median_ms": median(watched), "median_alone_ms": median(alone)},
    )


def _submitted(one: _Opened) -> list[float]:
    """Submit, with the page's request told of something every now and then; milliseconds each."""
    stage, took = one.stage, []
    analyst = stage.cast.a.analyst
    for number in range(SUBMITTED):
        began = time.monotonic()
        body = factories.freeze_request_body(to=[stage.cast.b.handle])
        request = stage.signed(analyst, "POST", "/v1/freeze-requests", body)
        took.append(_timed(one, request, 201)[0])
        if number % EVENT_EVERY == 0:
            _ask(one, f"document {number}")
        time.sleep(max(0.0, APART - (time.monotonic() - began)))
    return took


def _ask(one: _Opened, text: str) -> None:
    """Have something happen on the request that the viewers look at."""
    path = f"/v1/freeze-requests/{one.ids['answered']}"
    view = one.stage.call(one.caller, one.lead, "GET", path)
    body = {"content_sha256": view["content_sha256"], "missing": [text]}
    one.stage.call(one.caller, one.stage.cast.b.compliance, "POST", f"{path}/info-requests", body)


@contextmanager
def _viewers(one: _Opened) -> Iterator[None]:
    """Have the page of a request open in many browsers of its leads."""
    page = f"/console/requests/{one.ids['answered']}"
    wanted = {
        "view": {
            "port": one.stage.port,
            "host": f"localhost:{one.stage.port}",
            "page": page,
            "live": f"{page}/live",
        },
        "cookies": [_sign_in(one.stage, one.lead) for _ in range(VIEWERS)],
        "seen": 0,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.viewers"], stdin=subprocess.PIPE
    )
    try:
        assert process.stdin is not None
        process.stdin.write(canonical_json.dumps(wanted))
        process.stdin.close()
        time.sleep(_SETTLE_SECONDS)
        yield
        assert process.poll() is None, "the viewers ended"
    finally:
        end(process)
