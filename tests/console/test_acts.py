"""An act waits for one person in one browser, and one signature carries it out, once."""

import json
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.console import prepared_acts
from holdfast.protocol import base64url
from tests.conftest import World
from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor, assertion, grant
from tests.factories import Cast, Signer
from tests.passkeys import SoftPasskey


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Who may sign is asked before the databases differ."""
    return sqlite_world


def _prepared(browser: Visitor, own: str, text: str = "+1 555 0100") -> str:
    """Prepare a change of one's own contacts; returns its page."""
    path = f"/console/partners/{own}/contacts"
    return browser.post(path, "/console/passkeys", contacts=text).location


def _contacts(browser: Visitor, own: str) -> bool:
    return "+1 555 0100" in browser.get(f"/console/partners/{own}").text


def test_an_act_is_for_the_browser_and_person_that_prepared_it(
    cast: Cast, console: Flask, signed_in: SignedIn
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    act = _prepared(browser, cast.a.handle)
    again = Visitor(console)
    again.sign_in(passkey)
    others = [again, signed_in(cast.a, cast.a.second_lead)[0], signed_in(cast.b, cast.b.lead)[0]]
    for other in others:
        assert other.get(act).status_code == 404
        fields = assertion(passkey, b"c" * 32)
        assert other.post(act, "/console/passkeys", **fields).status_code == 404
    assert Visitor(console).get(act).location == f"/console/sign-in?next={act}"
    browser.post("/console/sign-out", "/console/passkeys")
    browser.sign_in(passkey)
    assert browser.get(act).status_code == 404


def test_a_person_has_so_many_acts_waiting_and_the_oldest_goes(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_acts, "MOST_WAITING", 2)
    browser, passkey = signed_in(cast.a, cast.a.lead)
    other, _ = signed_in(cast.a, cast.a.second_lead)
    colleagues = _prepared(other, cast.a.handle)
    signed = _prepared(browser, cast.a.handle, "+1 555 0101")
    assert browser.sign(signed, passkey, signed).status_code == 303
    acts = [_prepared(browser, cast.a.handle) for _ in range(3)]
    assert [browser.get(act).status_code for act in acts] == [404, 200, 200]
    assert browser.get(signed).status_code == 200, "what was signed waits no more"
    assert other.get(colleagues).status_code == 200


def test_a_colleagues_passkey_signs_nothing_of_mine(cast: Cast, signed_in: SignedIn) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    _, colleagues = signed_in(cast.a, cast.a.second_lead)
    act = _prepared(browser, cast.a.handle)
    refused = browser.sign(act, colleagues, act)
    assert (refused.status_code, "no right here" in refused.text) == (403, True)
    assert not _contacts(browser, cast.a.handle)


def test_a_passkey_that_was_taken_away_meanwhile_signs_nothing(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    second = SoftPasskey.generate()
    made = signer.post(cast.a.lead, "/v1/console-links", {"purpose": "passkey"}).get_json()
    Visitor(browser.app).enrol(made["url"], second)
    grant(signer, cast.a.root, cast.a.lead, second)
    act = _prepared(browser, cast.a.handle)
    revoked = signer.post(cast.a.second_lead, "/v1/revocations", {"kid": second.kid})
    assert revoked.status_code == 201
    assert browser.sign(act, second, act).status_code == 403
    assert not _contacts(browser, cast.a.handle)


def test_a_signature_is_for_one_act_and_good_once(cast: Cast, signed_in: SignedIn) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    one = _prepared(browser, cast.a.handle)
    other = _prepared(browser, cast.a.handle, "+1 555 0199")
    crossed = browser.sign(one, passkey, other)
    assert (crossed.status_code, "signed something else" in crossed.text) == (403, True)
    passkey.sign_count += 1
    assert browser.sign(one, passkey, one).status_code == 303
    assert _contacts(browser, cast.a.handle)
    back = browser.sign(other, passkey, other)
    assert back.status_code == 303
    token = browser.token("/console/passkeys")
    again = browser.send(one, {"csrf_token": token, **assertion(passkey, b"c" * 32)})
    assert (again.status_code, "You signed this" in again.text) == (200, True)
    assert not _contacts(browser, cast.a.handle), "nothing was done a second time"


def test_a_form_that_no_passkey_signed_says_so(cast: Cast, signed_in: SignedIn) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    act = _prepared(browser, cast.a.handle)
    signed = assertion(passkey, b"c" * 32)
    for left_empty in (tuple(signed), *((name,) for name in signed)):
        fields = {**signed, **dict.fromkeys(left_empty, "")}
        unsigned = browser.send(act, {"csrf_token": browser.token(act), **fields})
        assert (unsigned.status_code, "No passkey signed" in unsigned.text) == (403, True)


def _challenge(browser: Visitor, page: str) -> bytes:
    html = browser.get(page).text
    options = html.partition('data-passkey-get="')[2].partition('"')[0]
    challenge: str = json.loads(unescape(options))["challenge"]
    return base64url.decode(challenge)


def test_a_sign_in_signs_no_act_nor_the_other_way_round(
    cast: Cast, console: Flask, signed_in: SignedIn
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    act, stranger = _prepared(browser, cast.a.handle), Visitor(console)
    token = stranger.token()
    of_act = assertion(passkey, _challenge(browser, act))
    crossed = stranger.send("/console/sign-in", {"csrf_token": token, **of_act})
    assert (crossed.status_code, "signed something else" in crossed.text) == (403, True)
    of_sign_in = assertion(passkey, _challenge(stranger, "/console/sign-in"))
    token = browser.token("/console/passkeys")
    crossed = browser.send(act, {"csrf_token": token, **of_sign_in})
    assert (crossed.status_code, "signed something else" in crossed.text) == (403, True)
    assert not _contacts(browser, cast.a.handle)


def test_an_act_ends_after_five_minutes(
    cast: Cast, signed_in: SignedIn, clock: SteppedClock
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    act = _prepared(browser, cast.a.handle)
    clock.step(timedelta(minutes=5))
    assert "waited too long" in browser.get(act).text
    token = browser.token("/console/passkeys")
    late = browser.send(act, {"csrf_token": token, **assertion(passkey, b"c" * 32)})
    assert (late.status_code, "waited too long" in late.text) == (409, True)
