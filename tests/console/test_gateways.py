"""The page of one's own gateways, a member's page, and the page on which a desk answers."""

import re

import pytest
from flask import Flask

from coordinator.console.routes import PAGES
from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.test_gateways import TOLD, _asked_for, hold_gateway, say
from tests.console.conftest import SignedIn
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.services.through_api import World, found_line, frozen_line

__all__ = ["_asked_for"]
PAGE = "/console/gateways"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_lead_declares_one_by_passkey_and_withdraws_it(w: World, signed_in: SignedIn) -> None:
    a = w.cast.a
    browser, passkey = signed_in(a, a.lead)
    assert "without gateways" in browser.get(PAGE).text
    asked = browser.post(f"{PAGE}/declare", PAGE, gateway="us_314b", document="")
    assert "USA PATRIOT Act, section 314(b)" in browser.get(asked.location).text
    assert browser.sign(asked.location, passkey, asked.location).location == PAGE
    page = browser.get(PAGE).text
    assert "not yet: the operator verifies it" in page
    [view] = w.get(a.lead, "/v1/gateways")["items"]
    asked = browser.post(f"{PAGE}/withdraw", PAGE, gateway_id=view["id"])
    assert browser.sign(asked.location, passkey, asked.location).location == PAGE
    assert "Nothing declared" in browser.get(PAGE).text


def test_what_is_no_declaration_comes_back_with_what_is_wrong(
    w: World, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(w.cast.a, w.cast.a.lead)
    refused = browser.post(f"{PAGE}/declare", PAGE, gateway="own_terms", document="")
    assert refused.status_code == 422
    assert "both sides name the same agreement" in refused.text


def test_who_may_not_declare_one_is_told_who_does(app: Flask, w: World) -> None:
    page = visiting(app, w.cast.a.analyst).get(PAGE).text
    assert "A security lead of yours or compliance declares them." in page


@pytest.mark.usefixtures("_asked_for")
def test_a_desk_is_told_that_it_shares_none_and_pages_show_no_amount(app: Flask, w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    hold_gateway(w, b, c)
    theirs = w.live(by=c, to=[b.handle])
    w.freeze(b, theirs, TOLD)
    request = w.live(to=[b.handle])
    answer = f"/console/requests/{request['id']}/answer"
    assert "no verified gateway" in visiting(app, b.lead).get(answer).text
    say(w, b, request, found_line(None), frozen_line(None))
    visitor = visiting(app, a.lead)
    assert "314(b)" in visitor.get(f"/console/partners/{b.handle}").text
    digits = re.compile(r"\D?".join(TOLD))  # however they are grouped
    for page in PAGES:
        names = set(re.findall(r"{(\w+)}", page.path))
        if page.method == "GET" and names <= {"request_id"}:
            shown = visitor.get(page.path.format(request_id=request["id"]))
            assert digits.search(shown.data.decode("utf-8", "replace")) is None, page.path
