"""The page of the rulebook, the notice of the first page, and a draft that names it."""

from datetime import timedelta

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.test_house_rules import FIRST, SECOND, accept, digest, publish
from tests.console.conftest import SignedIn
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.services.through_api import World

PAGE = "/console/rulebook"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_without_a_rulebook_nothing_is_to_be_accepted(app: Flask, w: World) -> None:
    visitor = visiting(app, w.cast.a.lead)
    assert "This network has <b>no rulebook</b>" in visitor.get(PAGE).text
    assert PAGE not in visitor.get("/console").text.partition("<main")[2]


def test_a_lead_reads_and_signs_it_and_the_notice_is_gone(w: World, signed_in: SignedIn) -> None:
    publish(w, b"<b>Rules</b> of the house.\n")
    a = w.cast.a
    browser, passkey = signed_in(a, a.lead)
    assert "its freeze requests are refused" in browser.get("/console").text
    page = browser.get(PAGE).text
    assert "has <b>not accepted</b> the rulebook in force" in page
    assert "&lt;b&gt;Rules&lt;/b&gt; of the house." in page
    sha256 = digest(b"<b>Rules</b> of the house.\n")
    asked = browser.post(f"{PAGE}/accept", PAGE, rulebook_sha256=sha256)
    assert sha256 in browser.get(asked.location).text
    assert browser.sign(asked.location, passkey, asked.location).location == PAGE
    assert "has <b>accepted</b> the rulebook" in browser.get(PAGE).text
    assert "requests are refused" not in browser.get("/console").text


def test_who_may_not_accept_it_is_told_who_does(app: Flask, w: World) -> None:
    publish(w, FIRST)
    page = visiting(app, w.cast.a.analyst).get(PAGE).text
    assert "A security lead of yours or compliance accepts it." in page
    assert "Accept it for your organisation" not in page


def test_an_edition_to_come_is_announced_until_it_is_accepted(app: Flask, w: World) -> None:
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)
    publish(w, SECOND, w.clock.now() + timedelta(days=3))
    visitor = visiting(app, w.cast.a.lead)
    assert "read it in time" in visitor.get("/console").text
    assert "A new rulebook is in force" in visitor.get(PAGE).text
    accept(w, w.cast.a, SECOND)
    assert "read it in time" not in visitor.get("/console").text
