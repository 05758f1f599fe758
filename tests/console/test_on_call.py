"""The page of who is woken: a lead reads and tests, nobody's secret is on it."""

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.console.visiting import signed_in as visiting
from tests.dispatcher.paging import Sleepers, chain_of, set_chain, step
from tests.factories import Cast, Signer
from tests.services.through_api import World

PAGE = "/console/on-call"
KEY = "R0KEY5NDBYY0URSERV1CE"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_without_a_chain_the_page_says_that_nobody_is_woken(app: Flask, w: World) -> None:
    shown = visiting(app, w.cast.b.lead).get(PAGE).text
    assert "<b>Nobody</b> of your organisation is woken." in shown
    assert "holdfast on-call set chain.toml" in shown
    assert "Page everybody" not in shown


def test_the_page_shows_the_chain_and_who_was_paged_and_no_secret(app: Flask, w: World) -> None:
    b = w.cast.b
    alert = {"kind": "pagerduty", "routing_key": KEY, "url": "http://127.0.0.1:9/v2"}
    quiet = {"zone": "Europe/Tallinn", "begins": "22:00", "ends": "07:00"}
    set_chain(w, b, {"steps": [step(b.lead, alert), step(b.compliance)], "quiet": quiet})
    request = w.live(urgency="flash", to=[b.handle])
    Sleepers(w).listen()
    shown = visiting(app, b.auditor).get(PAGE).text
    assert "<b>2 people</b> of yours are woken" in shown
    assert "an alert by key …V1CE" in shown
    assert "from <b>22:00</b> to <b>07:00</b> in Europe/Tallinn, nor on weekends" in shown
    assert f'<a href="/console/requests/{request["id"]}">A request to answer</a>' in shown
    assert "nobody has it yet" in shown
    assert KEY not in shown
    assert "Page everybody" not in shown
    theirs = visiting(app, w.cast.a.lead).get(PAGE).text
    assert "V1CE" not in theirs
    assert request["id"] not in theirs


def test_a_lead_signs_a_test_and_sees_what_came_of_it(w: World, signed_in: SignedIn) -> None:
    b = w.cast.b
    set_chain(w, b, chain_of(b.lead, b.compliance))
    browser, passkey = signed_in(b, b.lead)
    assert "Page everybody for a test" in browser.get(PAGE).text
    asked = browser.post(f"{PAGE}/test", PAGE)
    assert "Page everybody of your on-call chain once" in browser.get(asked.location).text
    assert browser.sign(asked.location, passkey, asked.location).location == PAGE
    sleepers = Sleepers(w)
    assert sorted(sleepers.listen()) == sorted([b.lead.subject, b.compliance.subject])
    shown = browser.get(PAGE).text
    assert "A test</th>" in shown
    assert shown.count("taken</span>") == 2
    again = browser.post(f"{PAGE}/test", PAGE)
    assert (again.status_code, "a minute later" in again.text) == (409, True)
