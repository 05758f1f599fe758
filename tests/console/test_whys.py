"""Pages say why a partner is asked, to that partner, and whose interest the request is."""

from html import unescape

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.test_house_rules import FIRST, accept, digest, publish
from tests.console.test_draft_pages import FILLED, draft_of, enter
from tests.console.visiting import signed_in as visiting
from tests.factories import ACCOUNT, Cast, Signer
from tests.services.test_whys import INTEREST, WHYS
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_partner_s_page_says_why_it_is_asked_and_no_word_on_the_others(
    app: Flask, w: World
) -> None:
    request = w.live(why_you=WHYS, interest=INTEREST)
    path = f"/console/requests/{request['id']}"
    theirs = unescape(visiting(app, w.cast.b.lead).get(f"{path}/answer").text)
    assert "Deposit address of yours." in theirs
    assert "Bridge exit." not in theirs
    assert "its own funds were taken; it has a claim" in theirs
    assert "Our hot wallet was drained." in theirs
    own = unescape(visiting(app, w.cast.a.lead).get(path).text)
    assert "Bridge exit." in own
    assert "Our hot wallet was drained." in own


def test_whoever_decides_reads_both(app: Flask, w: World) -> None:
    request = w.submit(why_you=WHYS, interest=INTEREST)
    page = visiting(app, w.cast.a.lead).get(f"/console/requests/{request['id']}/decide").text
    assert "Deposit address of yours." in page
    assert "Our hot wallet was drained." in page


def test_a_draft_states_both_and_names_the_rulebook(app: Flask, w: World) -> None:
    publish(w, FIRST)
    accept(w, w.cast.a, FIRST)
    tab = enter(app, w.cast.a.analyst)
    path = draft_of(tab, f"ETH: {ACCOUNT.rpartition(':')[2]} 1 ETH")
    tab.get(path)
    said = {"why_you": "Deposit address of yours.", "interest": "claim"}
    fields = {**FILLED, "to": w.cast.b.handle, "do": "preview", **said}
    refused = tab.send(path, state=tab.state(), **fields)
    assert refused.status_code == 422
    assert 'id="f-statement-error"' in refused.text
    tab.page = refused.text
    kept = tab.send(path, state=tab.state(), **fields, statement="They owe us as much.")
    assert kept.status_code == 303, kept.text
    shown = unescape(tab.get(f"{path}/preview").text)
    assert "Deposit address of yours." in shown
    assert "it has a claim against whoever holds the account" in shown
    assert "They owe us as much." in shown
    assert digest(FIRST)[:8] in shown
