"""The form of one's own entry, and where the console shows what members say of themselves."""

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.services.through_api import World

PAGE = "/console/directory-entry"
FORM = {
    "freezes_on": "order",
    "jurisdictions": "EE, US-NY",
    "languages": "en et",
    "spans": "mon-fri 09:00-17:30\nsat 10:00-24:00",
    "zone": "Europe/Tallinn",
    "named": "1",
}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_lead_signs_the_entry_and_others_see_it(
    app: Flask, w: World, signed_in: SignedIn
) -> None:
    b = w.cast.b
    browser, passkey = signed_in(b, b.lead)
    asked = browser.post(PAGE, PAGE, **FORM)
    assert "A legal order only" in browser.get(asked.location).text
    home = f"/console/partners/{b.handle}"
    assert browser.sign(asked.location, passkey, asked.location).location == home
    theirs = visiting(app, w.cast.a.analyst)
    shown = theirs.get(home).text
    for said in ("A legal order only", "EE and US-NY", "en and et"):
        assert said in shown
    assert "mon-fri 09:00-17:30, sat 10:00-24:00 (Europe/Tallinn)" in shown
    assert theirs.get("/console/partners").text.count("On an order only") == 1
    again = browser.get(PAGE).text
    assert "mon-fri 09:00-17:30\nsat 10:00-24:00" in again
    # Who decides on a request to it is told.
    request = w.submit(to=[b.handle])
    decide = visiting(app, w.cast.a.lead).get(f"/console/requests/{request['id']}/decide").text
    assert f"{b.handle} freezes on a legal order only, and this request names none." in decide
    assert "Freezes on an order only" in decide


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("spans", "nine to five", "mon-fri 09:00-17:30"),
        ("zone", "Nowhere/City", "no time zone"),
        ("jurisdictions", "Estonia", "pattern"),
        ("freezes_on", "mood", "order"),
    ],
)
def test_a_fault_is_said_beside_what_was_typed(
    w: World, signed_in: SignedIn, field: str, typed: str, said: str
) -> None:
    b = w.cast.b
    browser, _ = signed_in(b, b.lead)
    answer = browser.post(PAGE, PAGE, **{**FORM, field: typed})
    assert answer.status_code == 422
    assert said in answer.text
    if field != "freezes_on":
        assert typed in answer.text


def test_only_a_lead_is_shown_the_form(app: Flask, w: World) -> None:
    assert visiting(app, w.cast.b.auditor).get(PAGE).status_code == 403
    assert visiting(app, w.cast.b.lead).get(PAGE).status_code == 200


def test_of_whoever_is_not_named_no_figure_is_told_under_its_name(app: Flask, w: World) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    w.act(b.analyst, request, "acknowledgement")
    theirs = visiting(app, w.cast.a.analyst)
    page = f"/console/partners/{b.handle}"
    assert "Time to acknowledge" in theirs.get(page).text
    body = {"named_in_statistics": False}
    assert w.signer.send(b.lead, "PATCH", "/v1/partners/me", body).status_code == 200
    shown = theirs.get(page).text
    assert "Time to acknowledge" not in shown
    assert "It is not named in statistics" in shown
    assert "Members that are not named" in theirs.get("/console/figures").text
