"""Who is let in, for how long, and what no other site makes a browser do."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from coordinator.api.calls import ENVIRON_KEY, Call
from coordinator.api.rate_limit import RateLimiter
from coordinator.console.context import EXTENSION
from coordinator.console.signing_in import own_path
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.membership.suspensions import SuspendPartner
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.jwk import WebAuthnScope
from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor, assertion, grant, passkey_link
from tests.factories import Cast, Signer
from tests.passkeys import CONSOLE, SoftPasskey
from tests.rulebook import command_context

NASTY = [
    "https://evil.example/console/",
    "//evil.example/console/",
    "///evil.example/console/",
    "/\\evil.example",
    "/console/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/console/\r\nSet-Cookie: a=b",
    "/console/\x00",
    "/consolefoo",
    "http:/console/",
    "http:console/",
    " //evil.example",
    "\t//evil.example",
    "/v1/freeze-requests",
    "@evil.example/console/",
    "",
]


@pytest.mark.parametrize("target", NASTY)
def test_signing_in_leads_to_no_other_site(target: str) -> None:
    assert own_path(target) == "/console"


def test_signing_in_leads_to_the_page_that_was_asked_for() -> None:
    path = "/console/requests/frq_1?after=2"
    assert own_path(path) == path


def test_a_page_asked_for_by_a_stranger_is_where_signing_in_leads(
    signer: Signer, cast: Cast, visitor: Visitor
) -> None:
    passkey = SoftPasskey.generate()
    visitor.enrol(passkey_link(signer, cast.a.lead), passkey)
    grant(signer, cast.a.root, cast.a.lead, passkey)
    asked = visitor.get("/console/people")
    assert asked.location == "/console/sign-in?next=/console/people"
    assert visitor.sign_in(passkey, next="/console/people").location == "/console/people"


def test_a_browser_has_another_session_once_it_is_signed_in(
    cast: Cast, console: Flask, signed_in: SignedIn
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    thief = Visitor(console)
    thief.get("/console/sign-in")
    fixed = thief.cookie
    assert fixed is not None
    victim = Visitor(console)
    victim.client.set_cookie("holdfast", fixed, domain="localhost")
    victim.sign_in(passkey)
    assert victim.cookie != fixed
    assert thief.get("/console").status_code == 303, "what the thief knows signs nobody in"
    assert browser.get("/console").status_code == 200


def test_whoever_comes_by_link_leaves_no_session_of_another_behind(
    cast: Cast, signer: Signer, console: Flask, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    before = browser.cookie
    assert before is not None
    made = signer.post(cast.b.lead, "/v1/console-links", {"purpose": "sign_in"}).get_json()
    secret = made["url"].partition("#")[2]
    assert browser.post("/console/enter", "/console/enter", secret=secret).location == "/console"
    assert cast.b.handle in browser.get("/console").text
    old = Visitor(console)
    old.client.set_cookie("holdfast", before, domain="localhost")
    assert old.get("/console").status_code == 303


def test_a_guessed_session_id_is_not_taken_over(visitor: Visitor) -> None:
    guessed = "A" * 43
    visitor.client.set_cookie("holdfast", guessed, domain="localhost")
    visitor.get("/console/sign-in")
    assert visitor.cookie != guessed


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8081"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
def test_a_form_from_elsewhere_does_nothing(
    cast: Cast, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    token = browser.token("/console/passkeys")
    refused = browser.send("/console/sign-out", {"csrf_token": token}, headers)
    assert (refused.status_code, "came from another site" in refused.text) == (403, True)
    assert browser.get("/console").status_code == 200


def test_a_form_of_another_session_does_nothing(cast: Cast, signed_in: SignedIn) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    other, _ = signed_in(cast.b, cast.b.lead)
    for token in ("", "made-up", other.token("/console/passkeys")):
        assert browser.send("/console/sign-out", {"csrf_token": token}).status_code == 403
    assert browser.get("/console").status_code == 200
    sent = browser.send("/console/sign-out", {"csrf_token": browser.token("/console/passkeys")})
    assert sent.location == "/console/sign-in"
    assert browser.get("/console").status_code == 303


@pytest.mark.parametrize("path", ["/console", "/console/sign-in", "/console/people", "/console/x"])
def test_a_page_is_framed_by_nobody_and_kept_by_no_cache(
    cast: Cast, signed_in: SignedIn, path: str
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    headers = browser.get(path).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_whoever_comes_by_a_link_from_elsewhere_comes_again_from_here(visitor: Visitor) -> None:
    arrived = visitor.get("/console/people?q=1", **{"Sec-Fetch-Site": "cross-site"})
    assert arrived.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/console/people?q=1"' in arrived.text
    again = visitor.get("/console/people?q=1", **{"Sec-Fetch-Site": "same-origin"})
    assert again.location == "/console/sign-in?next=/console/people%3Fq%3D1"


@pytest.mark.parametrize(
    ("origin", "name", "more"),
    [
        (CONSOLE, "holdfast", set()),
        ("https://console.example", "__Host-holdfast", {"Secure"}),
    ],
)
def test_the_cookie_is_for_this_host_and_for_no_script(
    console: Flask, origin: str, name: str, more: set[str]
) -> None:
    console.extensions[EXTENSION] = replace(
        console.extensions[EXTENSION], scope=WebAuthnScope.of_origin(origin)
    )
    cookie = Visitor(console, origin).get("/console/sign-in").headers["Set-Cookie"]
    terms = set(cookie.split("; ")[1:])
    assert re.fullmatch(rf"{name}=[A-Za-z0-9_-]{{43}}", cookie.split("; ")[0])
    assert terms == {"HttpOnly", "SameSite=Strict", "Path=/"} | more


def test_a_session_that_nobody_uses_ends(
    cast: Cast, signed_in: SignedIn, clock: SteppedClock
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    for _ in range(3):
        clock.step(timedelta(minutes=119))
        assert browser.get("/console").status_code == 200
    clock.step(timedelta(minutes=121))
    assert browser.get("/console").status_code == 303


def test_a_session_ends_however_much_it_is_used(
    cast: Cast, signed_in: SignedIn, clock: SteppedClock
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    for _ in range(11):
        clock.step(timedelta(hours=1))
        assert browser.get("/console").status_code == 200
    clock.step(timedelta(hours=1))
    assert browser.get("/console").status_code == 303


def test_a_session_ends_with_the_key_that_opened_it(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    other, _ = signed_in(cast.a, cast.a.lead)
    revoked = signer.post(cast.a.second_lead, "/v1/revocations", {"kid": passkey.kid})
    assert revoked.status_code == 201
    assert browser.get("/console").status_code == 303
    assert browser.cookie is None
    refused = browser.sign_in(passkey)
    assert (refused.status_code, "was taken away" in refused.text) == (403, True)
    assert other.get("/console").status_code == 200
    assert "here</b>." in other.get("/console/sessions").text


def test_a_session_ends_with_its_partners_suspension(
    cast: Cast, signed_in: SignedIn, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    with transaction(command_context(database, vault, clock)) as uow:
        uow.finish(execute(SuspendPartner(handle=cast.a.handle), COORDINATOR, uow))
    assert browser.get("/console").status_code == 303
    assert browser.sign_in(passkey).status_code == 401


def test_strangers_who_ask_too_often_come_back_later(console: Flask, visitor: Visitor) -> None:
    limiter = RateLimiter(3, lambda: 0.0)
    console.extensions[EXTENSION] = replace(console.extensions[EXTENSION], strangers=limiter)
    answers = [visitor.get("/console/sign-in") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "come back later" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_reading_pages_counts_as_reading_through_the_api_does(
    cast: Cast, console: Flask, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    limiter = RateLimiter(2, lambda: 0.0)
    console.extensions["holdfast"] = replace(console.extensions["holdfast"], limiter=limiter)
    answers = [browser.get("/console/partners").status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_a_form_that_the_front_waits_for_counts_once(console: Flask) -> None:
    limiter = RateLimiter(1, lambda: 0.0)
    console.extensions[EXTENSION] = replace(console.extensions[EXTENSION], strangers=limiter)
    call, body = Call(), b"secret=x"
    environ = {ENVIRON_KEY: call, "CONTENT_LENGTH": str(len(body))}
    answers = []
    for _ in range(2):
        call.begin()
        sent = console.test_client().post(
            "/console/enter",
            base_url=CONSOLE,
            content_type="application/x-www-form-urlencoded",
            environ_overrides=environ,
        )
        answers.append(sent.status_code)
        call.body = body
    assert answers == [503, 403]


def test_two_organisations_in_one_browser_share_no_page(cast: Cast, signed_in: SignedIn) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    assert cast.a.handle in browser.get("/console/people").text
    _, passkey = signed_in(cast.b, cast.b.lead)
    browser.post("/console/sign-out", "/console/passkeys")
    browser.sign_in(passkey)
    for path in ("/console", "/console/people", "/console/passkeys", "/console/sessions"):
        page = browser.get(path)
        assert cast.b.handle in page.text
        assert cast.a.handle not in page.text
        assert page.headers["Cache-Control"] == "no-store"


def test_a_sign_in_is_good_once_and_for_the_browser_that_asked(
    cast: Cast, console: Flask, signed_in: SignedIn
) -> None:
    _, passkey = signed_in(cast.a, cast.a.lead)
    stranger = Visitor(console)
    assert stranger.sign_in(passkey).status_code == 303
    other = Visitor(console)
    token = other.token()
    signed = assertion(passkey, b"c" * 32)
    refused = other.send("/console/sign-in", {"csrf_token": token, **signed})
    assert (refused.status_code, "signed something else" in refused.text) == (403, True)
    # The challenge went with that attempt.
    again = other.send("/console/sign-in", {"csrf_token": token, **signed})
    assert "took too long" in again.text


def test_a_copied_passkey_is_found_out_by_its_counter(
    cast: Cast, console: Flask, signed_in: SignedIn
) -> None:
    _, passkey = signed_in(cast.a, cast.a.lead)
    passkey.sign_count = 0
    refused = Visitor(console).sign_in(passkey)
    assert (refused.status_code, "may have been copied" in refused.text) == (403, True)


@pytest.mark.parametrize("path", ["/console", "/console/sign-in"])
def test_while_the_database_is_away_a_page_asks_to_come_back(
    cast: Cast, console: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)

    def fail() -> None:
        raise OperationalError("SELECT", None, OSError("no route to the database"))

    with monkeypatch.context() as away:
        away.setattr(console.extensions["holdfast"].database.engine, "connect", fail)
        page = browser.get(path)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
    assert page.content_type.startswith("text/html")
    assert page.headers["X-Request-Id"].startswith("req_")
    assert "no route" not in page.text
    assert browser.get("/console").status_code == 200, "and is signed in still"


def test_while_the_database_takes_no_changes_pages_are_read_on(
    cast: Cast,
    console: Flask,
    signed_in: SignedIn,
    clock: SteppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)

    def fail() -> None:
        raise OperationalError("BEGIN", None, OSError("the disk is full"))

    monkeypatch.setattr(console.extensions["holdfast"].database, "transaction", fail)
    clock.step(timedelta(minutes=5))  # to have been seen then would be written down
    assert browser.get("/console").status_code == 200
    assert browser.post("/console/sign-out", "/console").status_code == 503
