"""Figures that must not grow with what is stored: commands, reads, pages, totals, timers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from sqlalchemy import text

from coordinator.api.paging import write_cursor
from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.timers import TimerRun, all_timers
from coordinator.domain.clock import to_micros
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.delivery.webhook_endpoints import RegisterEndpoint
from holdfast.protocol import payloads
from holdfast.protocol.webhook_signature import new_secret
from tests import factories
from tests.benchmarks.bulk import Loaded, load_requests
from tests.benchmarks.figures import Figure, median, seconds_of
from tests.benchmarks.load import Caller
from tests.benchmarks.parts import mixed_addresses
from tests.benchmarks.stage import Stage, Stages
from tests.factories import Member
from tests.rulebook import ANY_EVIDENCE, LOG_SIGNER, ORIGIN, RULEBOOK, command_context

STORED = (1_000, 20_000, 100_000)
SAMPLES = 15
#: A burst of other load can spoil a turn, so one above the aim is followed by others; all count.
TURNS = 3
WARM = 5
MOST = 1.3
PAGE = 100


@dataclass(frozen=True, slots=True)
class _Grown:
    """A stage with so many requests, and a connection to its web process."""

    stored: int
    stage: Stage
    loaded: Loaded
    caller: Caller
    timers: TimerRun


#: What is sent to a stage: who, method, path, body.
_Call = tuple[Member, str, str, object]


def measure(stages: Stages) -> Iterator[Figure]:
    """Yield the figures of this module; all sizes are asked in turn, sample by sample."""
    with ExitStack() as stack:
        grown = [_grow(stack, stages, stored) for stored in STORED]
        for name, make in _CALLS.items():
            yield _figure(f"{name}_at_100000", stages.kind, [_sampler(g, make) for g in grown])
        yield _timers(stages.kind, grown)


def _grow(stack: ExitStack, stages: Stages, stored: int) -> _Grown:
    stage = stack.enter_context(stages.open(web_threads=2))
    context = command_context(stage.database, stage.vault, stage.clock)
    with transaction(context, ANY_EVIDENCE) as uow:
        body = payloads.NewEndpoint(url="http://127.0.0.1:9/hook")
        command = RegisterEndpoint(body=body, secret=new_secret())
        answer = execute(command, stage.cast.b.lead.actor, uow)
        uow.finish(answer)
    loaded = load_requests(stage, stored, str(answer.body["id"]))
    stage.start_web()
    caller = Caller(stage.port)
    stack.callback(caller.close)
    timers = TimerRun(
        WorkerContext(
            origin=ORIGIN,
            database=stage.database,
            vault=stage.vault,
            clock=stage.clock,
            rulebook=RULEBOOK,
            log_signer=LOG_SIGNER,
            webhook_keys=(),
        ),
        on_commit=lambda: None,
        timers=all_timers(RULEBOOK.policies),
    )
    return _Grown(stored, stage, loaded, caller, timers)


def _sampler(grown: _Grown, make: Callable[[_Grown, int], _Call]) -> Callable[[int], float]:
    def sample(number: int) -> float:
        member, method, path, body = make(grown, number)
        request = grown.stage.signed(member, method, path, body)

        def work() -> None:
            status, content = grown.caller.send(request)
            if status not in {200, 201}:
                raise AssertionError(f"{path}: {status} {content[:500]!r}")

        return seconds_of(work)

    return sample


def _figure(name: str, kind: str, samplers: list[Callable[[int], float]]) -> Figure:
    seconds: list[list[float]] = [[] for _ in samplers]
    small = middle = large = worst = 0.0
    for turn in range(TURNS):
        for number in range(SAMPLES + WARM):
            for place, sampler in enumerate(samplers):
                taken = sampler(turn * SAMPLES + number)
                if number >= WARM:
                    seconds[place].append(taken * 1000)
        small, middle, large = (median(values) for values in seconds)
        worst = max(middle, large) / small
        if worst <= MOST:
            break
    return Figure(
        name=name,
        database=kind,
        value=large,
        unit="ms",
        floor=small,
        ratio=large / small,
        aim=f"<= {MOST} x the same at 1,000, at 20,000 too",
        is_met=worst <= MOST,
        more={"at_20000": middle, "ratio_at_20000": middle / small},
    )


def _post(grown: _Grown, _number: int) -> _Call:
    body = factories.freeze_request_body(addresses=mixed_addresses(1))
    return grown.stage.cast.a.analyst, "POST", "/v1/freeze-requests", body


def _one(path: str, *, of_incident: bool = False) -> Callable[[_Grown, int], _Call]:
    """Return a read of something stored, another one each time, of all ages."""

    def make(grown: _Grown, number: int) -> _Call:
        ids = grown.loaded.incident_ids if of_incident else grown.loaded.request_ids
        place = (number * 7919 + 1) % len(ids)
        # Those that wait have no leg and no lines.
        chosen = ids[place + 1 if place % 10 == 0 else place]
        return grown.stage.cast.a.auditor, "GET", path.format(id=chosen), None

    return make


def _list(
    who: Callable[[Stage], Member],
    path: str,
    last: Callable[[Loaded], str],
) -> dict[str, Callable[[_Grown, int], _Call]]:
    """Return reads of the first page and of the last."""
    mark = "&" if "?" in path else "?"

    def at(grown: _Grown, more: str) -> _Call:
        shown = path.format(endpoint=grown.loaded.endpoint_id)
        return who(grown.stage), "GET", f"{shown}{mark}limit={PAGE}{more}", None

    return {
        "first_page": lambda grown, _: at(grown, ""),
        "last_page": lambda grown, _: at(grown, last(grown.loaded)),
    }


def _cursor(key: str) -> str:
    return f"&cursor={write_cursor(key)}"


_A_AUDITOR: Callable[[Stage], Member] = lambda stage: stage.cast.a.auditor  # noqa: E731 - three names
_A_LEAD: Callable[[Stage], Member] = lambda stage: stage.cast.a.lead  # noqa: E731
_B_LEAD: Callable[[Stage], Member] = lambda stage: stage.cast.b.lead  # noqa: E731
_REQUESTS = "/v1/freeze-requests"
#: Lists: who reads, the path, and what leads to the last page.
_LISTS: dict[str, tuple[Callable[[Stage], Member], str, Callable[[Loaded], str]]] = {
    "sent": (_A_AUDITOR, f"{_REQUESTS}?box=sent", lambda x: _cursor(x.request_ids[PAGE])),
    "sent_active": (
        _A_AUDITOR,
        f"{_REQUESTS}?box=sent&status=active",
        lambda x: _cursor(x.request_ids[PAGE]),
    ),
    "received": (_B_LEAD, f"{_REQUESTS}?box=received", lambda x: _cursor(x.request_ids[PAGE])),
    "to_approve": (
        _A_LEAD,
        f"{_REQUESTS}?box=to_approve",
        lambda x: _cursor(x.waiting_ids[min(PAGE, len(x.waiting_ids)) - 1]),
    ),
    "incidents": (_A_AUDITOR, "/v1/incidents", lambda x: _cursor(x.request_ids[PAGE])),
    "events": (_B_LEAD, "/v1/events?wait=0", lambda x: f"&after={x.last_seq - PAGE}"),
    "deliveries": (
        _B_LEAD,
        "/v1/webhook-endpoints/{endpoint}/deliveries",
        lambda x: _cursor(x.delivery_ids[PAGE]),
    ),
}
_CALLS: dict[str, Callable[[_Grown, int], _Call]] = {
    "post": _post,
    "get_one_with_totals": _one(_REQUESTS + "/{id}"),
    "get_incident_with_totals": _one("/v1/incidents/{id}", of_incident=True),
    "list_addresses": _one(_REQUESTS + "/{id}/addresses"),
    "list_legs": _one(_REQUESTS + "/{id}/legs"),
    "list_ledger": _one(_REQUESTS + "/{id}/ledger"),
    "list_evidence": _one(_REQUESTS + "/{id}/evidence"),
    **{
        f"list_{name}_{page}": call
        for name, (who, path, last) in _LISTS.items()
        for page, call in _list(who, path, last).items()
    },
}


_DUE = text("SELECT id FROM hold WHERE next_clock_at <= :now ORDER BY next_clock_at LIMIT 1")


def _one_read(item: _Grown) -> None:
    now = to_micros(item.stage.clock.now())
    with item.stage.database.engine.connect() as connection:
        if connection.execute(_DUE, {"now": now}).first() is not None:
            raise AssertionError("nothing should be due")


def _one_pass(item: _Grown) -> None:
    if item.timers.run_due():
        raise AssertionError("nothing should be due")


def _timers(kind: str, grown: list[_Grown]) -> Figure:
    """Measure one pass of all timers with nothing due, beside one indexed read."""
    floors: list[float] = []
    passes: list[list[float]] = [[] for _ in grown]
    for number in range(SAMPLES + WARM):
        for place, item in enumerate(grown):
            base = seconds_of(lambda one=item: _one_read(one)) * 1000  # type: ignore[misc]
            value = seconds_of(lambda one=item: _one_pass(one)) * 1000  # type: ignore[misc]
            if number >= WARM:
                passes[place].append(value)
                floors.append(base)
    small, middle, large = (median(values) for values in passes)
    return Figure(
        name="timers_pass_over_100000_open_holds",
        database=kind,
        value=large,
        unit="ms",
        floor=median(floors),
        ratio=large / median(floors),
        aim=f"flat: <= {MOST} x the same at 1,000",
        is_met=max(middle, large) / small <= MOST,
        more={
            "at_1000": small,
            "at_20000": middle,
            "growth": large / small,
            "timers": len(all_timers(RULEBOOK.policies)),
        },
    )
