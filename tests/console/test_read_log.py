"""The page of who read a request, and that pages are reads themselves."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from coordinator.console.follow.read_log import CALLED
from coordinator.domain.clock import SteppedClock
from coordinator.services.requests.read_log import ReadLog
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import Role
from tests.conftest import World as Databases
from tests.console.visiting import signed_in
from tests.factories import Cast, Member, Signer
from tests.services.through_api import World


@pytest.fixture
def world(sqlite_world: Databases) -> Databases:
    """Pages are the same on both databases."""
    return sqlite_world


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def log(app: Flask) -> ReadLog:
    found: ReadLog = app.extensions["holdfast"].read_log
    return found


@pytest.fixture
def ask(w: World) -> dict[str, Any]:
    """A live request of A to B and C."""
    return w.live(to=[w.cast.b.handle, w.cast.c.handle])


def _url(ask: dict[str, Any], name: str = "") -> str:
    return f"/console/requests/{ask['id']}{name and '/'}{name}"


def _what(w: World, member: Member, ask: dict[str, Any]) -> dict[str, str]:
    """Return what of a request a person's pages read, each with how."""
    lines = w.items(w.cast.a.auditor, ask, "reads")
    return {each["what"]: each["via"] for each in lines if each["subject"] == member.subject}


def test_a_page_is_a_read_of_what_it_shows(
    app: Flask, w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    lead, browser = w.cast.b.lead, signed_in(app, w.cast.b.lead)
    for name, what in (
        ("", set()),
        ("addresses", {"addresses", "answers"}),
        ("timeline", {"events"}),
        ("documents", {"evidence", "sealed_evidence"}),
        ("summary.pdf", {"summary"}),
    ):
        assert browser.get(_url(ask, name)).status_code == 200
        log.store()
        read = _what(w, lead, ask)
        assert {"request", *what} <= read.keys(), name
        assert set(read.values()) == {"console"}


def test_whether_there_is_news_is_no_read(
    app: Flask, w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    assert signed_in(app, w.cast.b.lead).get(_url(ask, "live?after=0")).status_code == 200
    log.store()
    assert _what(w, w.cast.b.lead, ask) == {}


def test_a_page_that_was_refused_is_no_read(
    app: Flask, w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    for name in ("", "documents", "summary.pdf", "reads"):
        assert signed_in(app, w.cast.d.lead).get(_url(ask, name)).status_code == 404
    log.store()
    assert w.items(w.cast.a.auditor, ask, "reads") == []


def test_the_requester_sees_others_by_role_and_chooses_whose(
    app: Flask, w: World, log: ReadLog, ask: dict[str, Any]
) -> None:
    a, b = w.cast.a, w.cast.b
    named = w.signer.send(
        b.lead, "PATCH", f"/v1/people/{b.lead.subject}", {"display_name": "Bea Baker"}
    )
    assert named.status_code == 200, named.text
    for reader in (b.lead, b.system, a.analyst):
        w.get(reader, f"/v1/freeze-requests/{ask['id']}")
    log.store()
    browser = signed_in(app, a.lead)
    shown = browser.get(_url(ask, "reads")).text
    assert "A security lead, per_" in shown
    assert "A system, sys_" in shown
    assert b.lead.key.kid in shown
    assert "Bea" not in shown
    assert "through the API" in shown
    chosen = browser.get(_url(ask, f"reads?partner={b.handle}")).text
    assert "A security lead, per_" in chosen
    assert a.analyst.key.kid not in chosen
    assert "Nobody read it" in browser.get(_url(ask, f"reads?partner={w.cast.c.handle}")).text
    own = signed_in(app, b.analyst).get(_url(ask, "reads")).text
    assert "Bea Baker" in own
    assert a.analyst.key.kid not in own
    assert "Everybody" not in own


def test_a_reader_of_any_role_is_called_something() -> None:
    assert {role for role, _ in CALLED} == set(Role)


def test_more_than_a_page_is_gone_through(
    app: Flask, w: World, log: ReadLog, ask: dict[str, Any], clock: SteppedClock
) -> None:
    for _ in range(51):
        w.get(w.cast.b.lead, f"/v1/freeze-requests/{ask['id']}")
        log.store()
        clock.step(timedelta(hours=1))
    browser = signed_in(app, w.cast.b.analyst)
    first = browser.get(_url(ask, "reads"))
    assert "50 lines on this page" in first.text
    [after] = {each.split('"')[0] for each in first.text.split('rel="next" href="')[1:]}
    second = browser.get(after.replace("&amp;", "&")).text
    assert "on this page" in second
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second
