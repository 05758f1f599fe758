"""The form by which a lead limits its side of a request to named people."""

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_lead_limits_a_leg_and_lifts_that_again(
    app: Flask, w: World, signed_in: SignedIn
) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    page, answer = (f"/console/requests/{request['id']}/{part}" for part in ("limit", "answer"))
    browser, passkey = signed_in(b, b.lead)
    assert "Everybody <a" in browser.get(answer).text
    named = {"person": [b.lead.subject, b.second_lead.subject], "do": "limit"}
    asked = browser.post(page, page, **named)
    assert browser.sign(asked.location, passkey, asked.location).location == answer
    assert "there for <b>2 people</b>" in browser.get(page).text
    assert "Only those named" in browser.get(answer).text
    others = visiting(app, b.compliance)
    assert others.get(answer).status_code == 404
    for path in ("/console", "/console/requests?box=received", "/console/holds", "/console/audit"):
        assert request["id"] not in others.get(path).text, path
    lifted = browser.post(page, page, do="everybody")
    assert browser.sign(lifted.location, passkey, lifted.location).location == answer
    assert others.get(answer).status_code == 200


def test_a_limit_that_nobody_could_lift_is_refused_on_the_form(
    w: World, signed_in: SignedIn
) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    page = f"/console/requests/{request['id']}/limit"
    browser, _ = signed_in(b, b.lead)
    refused = browser.post(page, page, person=[b.compliance.subject], do="limit")
    assert refused.status_code == 422
    assert "security lead" in refused.text


def test_who_may_not_limit_is_shown_no_form(app: Flask, w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    page = f"/console/requests/{request['id']}/limit"
    assert visiting(app, b.compliance).get(page).status_code == 403
    assert visiting(app, w.cast.a.lead).get(page).status_code == 404
    shown = visiting(app, b.compliance).get(f"/console/requests/{request['id']}/answer").text
    assert page not in shown
