"""Who read a request: what is noted, through API and console, and who is shown it."""

from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask

from coordinator.api.routes import ROUTES
from coordinator.api.view import QueryView
from coordinator.dispatcher.timers import TimerRun
from coordinator.domain.clock import SteppedClock
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.services.requests.read_log import ReadLog
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import read_log as store
from coordinator.storage.tables.read_log import RequestReadRow
from holdfast.protocol.vocabulary import ErasureReason
from tests.api.membership_acts import operate
from tests.factories import Cast, Member, Signer
from tests.rulebook import command_context
from tests.services.through_api import REQUESTS, World

#: What somebody is shown: who, what of it, how, how often.
Shown = tuple[str, str, str, int]


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def log(app: Flask) -> ReadLog:
    found: ReadLog = app.extensions["holdfast"].read_log
    return found


@pytest.fixture
def ask(w: World, log: ReadLog) -> dict[str, Any]:
    """A live request of A to B and C, which nobody has read yet."""
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    log.store()
    assert w.items(w.cast.a.lead, request, "reads") == []
    return request


def _path(ask: dict[str, Any], name: str = "") -> str:
    return f"{REQUESTS}/{ask['id']}{name and '/'}{name}"


def _shown(w: World, member: Member, ask: dict[str, Any]) -> set[Shown]:
    return {
        (each["subject"], each["what"], each["via"], each["count"])
        for each in w.items(member, ask, "reads")
    }


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "request"),
        ("asked", "request"),
        ("withdrawals", "request"),
        ("alarms", "request"),
        ("addresses", "addresses"),
        ("legs", "answers"),
        ("ledger", "answers"),
        ("holds", "answers"),
        ("answers", "answers"),
        ("events", "events"),
        ("evidence", "evidence"),
        ("sealed-evidence", "sealed_evidence"),
        ("summary.pdf", "summary"),
        ("evidence-bundle", "bundle"),
    ],
)
def test_every_read_is_noted_by_what_was_read(
    w: World, log: ReadLog, ask: dict[str, Any], name: str, what: str
) -> None:
    reader = w.cast.b.auditor
    assert w.signer.get(reader, _path(ask, name)).status_code == 200
    log.store()
    [line] = w.items(w.cast.a.lead, ask, "reads")
    assert line == {
        "id": line["id"],
        "partner": w.cast.b.handle,
        "subject": reader.subject,
        "roles": ["auditor"],
        "kid": reader.key.kid,
        "what": what,
        "via": "api",
        "first_at": "2026-03-02T12:00:00Z",
        "last_at": "2026-03-02T12:00:00Z",
        "count": 1,
    }


def test_every_signed_read_below_a_request_is_logged_but_that_of_the_log_itself() -> None:
    unlogged = {
        route.path
        for route in ROUTES
        if isinstance(route.view, QueryView)
        and "{request_id}" in route.path
        and (route.view.logged_as is None or route.view.requests_in is not None)
    }
    assert unlogged == {"/v1/freeze-requests/{request_id}/reads"}


def test_the_requester_sees_everybody_and_a_partner_its_own(
    w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    a, b, c, _ = w.cast.all
    for reader in (a.analyst, b.lead, b.system, c.compliance):
        w.get(reader, _path(ask))
    log.store()
    seen = {each: (each.subject, "request", "api", 1) for each in (a.analyst, b.lead, b.system)}
    of_c = (c.compliance.subject, "request", "api", 1)
    assert _shown(w, a.auditor, ask) == {*seen.values(), of_c}
    assert _shown(w, b.analyst, ask) == {seen[b.lead], seen[b.system]}
    assert _shown(w, c.lead, ask) == {of_c}


def test_one_chooses_whose_reads_and_gets_none_of_others(
    w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    a, b, c, _ = w.cast.all
    for reader in (a.lead, b.lead, c.lead):
        w.get(reader, _path(ask))
    log.store()

    def of(member: Member, partner: str) -> list[str]:
        page = w.get(member, _path(ask, f"reads?partner={partner}"))
        return [each["subject"] for each in page["items"]]

    assert of(a.lead, b.handle) == [b.lead.subject]
    assert of(b.lead, b.handle) == [b.lead.subject]
    assert of(b.lead, c.handle) == of(b.lead, a.handle) == []


def test_a_system_is_noted_by_its_own_key(w: World, log: ReadLog, ask: dict[str, Any]) -> None:
    system = w.cast.b.system
    w.get(system, _path(ask, "addresses"))
    log.store()
    [line] = w.items(w.cast.a.lead, ask, "reads")
    assert (line["subject"], line["kid"], line["roles"]) == (
        system.subject,
        system.key.kid,
        ["system"],
    )


def test_what_was_refused_is_not_noted_and_tells_nothing(
    w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    a, b, _, d = w.cast.all
    for name in ("", "addresses", "evidence-bundle", "summary.pdf", "reads"):
        w.get(d.lead, _path(ask, name), 404)
    # Not there, too much, no cursor, and a condition that it does not meet.
    w.get(a.lead, _path(ask, "sealed-evidence/sev_01h455vb4pex5vsknk084sn02q"), 404)
    w.get(a.lead, _path(ask, "addresses?limit=0"), 422)
    w.get(b.lead, _path(ask, "legs?cursor=x"), 422)
    other = w.signer.send(a.lead, "GET", _path(ask), headers={"If-Match": '"other"'})
    assert other.status_code == 412
    log.store()
    assert w.items(a.lead, ask, "reads") == []
    with w.database.engine.connect() as connection:
        assert connection.execute(RequestReadRow.__table__.select()).all() == []


def test_partners_asked_read_nothing_before_it_goes_out(w: World, log: ReadLog) -> None:
    waiting = w.submit(to=[w.cast.b.handle])
    w.get(w.cast.a.lead, _path(waiting))
    log.store()
    w.get(w.cast.b.lead, _path(waiting, "reads"), 404)


def test_a_page_of_the_feed_reads_the_requests_that_it_tells_of(
    w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    b, d = w.cast.b, w.cast.d
    for reader in (b.system, d.system):
        assert w.get(reader, "/v1/events?after=0")["events"]
    # Nothing of it is on a page of other types.
    w.get(b.auditor, "/v1/events?after=0&types=partner.joined")
    log.store()
    assert _shown(w, w.cast.a.lead, ask) == {(b.system.subject, "events", "api", 1)}


def test_a_trace_reads_the_addresses_of_each_request_in_it(
    w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    b = w.cast.b
    again = w.live(
        to=[b.handle],
        incident={"id": ask["incident"]["id"]},
        follows=ask["id"],
        addresses=[{"account": "eip155:1:0x" + "ab" * 20}],
    )
    log.store()
    w.get(b.analyst, f"/v1/incidents/{ask['incident']['id']}/trace")
    w.get(b.analyst, f"/v1/incidents/{ask['incident']['id']}/timeline")
    log.store()
    for each in (ask, again):
        assert _shown(w, w.cast.a.lead, each) == {(b.analyst.subject, "addresses", "api", 1)}


def test_lists_over_requests_are_no_read_of_one(
    w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    for path in (REQUESTS, f"{REQUESTS}?box=sent", "/v1/tasks", "/v1/holds", "/v1/incidents"):
        w.get(w.cast.a.lead, path)
    log.store()
    assert w.items(w.cast.a.lead, ask, "reads") == []


def test_pages_of_the_log_follow_each_other(w: World, log: ReadLog, ask: dict[str, Any]) -> None:
    a, b = w.cast.a, w.cast.b
    readers = [a.lead, a.analyst, b.lead, b.analyst, b.system]
    for reader in readers:
        w.get(reader, _path(ask))
        log.store()
    found: list[str] = []
    path = _path(ask, "reads?limit=2")
    page = w.get(a.auditor, path)
    while True:
        found += [each["subject"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        page = w.get(a.auditor, f"{path}&cursor={page['next_cursor']}")
    assert found == [reader.subject for reader in reversed(readers)]


def test_reading_writes_nothing_by_itself(
    w: World, ask: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    w.get(w.cast.b.lead, _path(ask))  # delivered by it
    stored: list[object] = []
    monkeypatch.setattr(Database, "writing", lambda _: stored.append(1))
    for name in ("", "addresses", "legs", "ledger", "events", "evidence", "reads"):
        w.get(w.cast.b.lead, _path(ask, name))
    assert stored == []


def _erase(w: World, ask: dict[str, Any]) -> None:
    w.act(w.cast.a.lead, ask, "closure")
    reason = ErasureReason.OTHER
    operate(w.database, w.vault, w.clock, ProposeErasure(request_id=ask["id"], reason=reason))
    w.act(w.cast.a.lead, ask, "erasure", reason=reason)


def _rows(w: World) -> Sequence[Any]:
    with w.database.engine.connect() as connection:
        return connection.execute(RequestReadRow.__table__.select()).all()


def test_who_read_a_request_is_erased_with_it(w: World, log: ReadLog, ask: dict[str, Any]) -> None:
    other = w.live(addresses=[{"account": "eip155:1:0x" + "cd" * 20}])
    for each in (ask, other):
        w.get(w.cast.b.lead, _path(each))
    log.store()
    w.get(w.cast.b.analyst, _path(ask))  # noted, and not stored yet
    _erase(w, ask)
    log.store()
    assert {row.request_id for row in _rows(w)} == {other["id"]}
    w.get(w.cast.a.lead, _path(ask, "reads"), 410)
    w.get(w.cast.d.lead, _path(ask, "reads"), 404)


def test_what_was_stored_beside_an_erasure_goes_with_its_traces(
    w: World, log: ReadLog, ask: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    w.get(w.cast.b.lead, _path(ask))
    _erase(w, ask)
    monkeypatch.setattr(store, "_erased", lambda *_: set())  # as it was when that began
    log.store()
    assert len(_rows(w)) == 1
    context = command_context(w.database, w.vault, w.clock)
    run = TimerRun(
        context,  # type: ignore[arg-type]  # what a sweep takes of it
        on_commit=lambda: None,
        timers=(),
    )
    run.run_due()
    assert _rows(w) == []
