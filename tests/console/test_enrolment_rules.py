"""What becomes a pending passkey, and what a pending one is good for: nothing."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from holdfast.protocol.jwk import thumbprint_digits
from holdfast.protocol.type_ids import new_id
from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor, assertion, passkey_link
from tests.factories import Cast, Signer
from tests.passkeys import SoftPasskey

MAKE, PROVE = "/console/passkeys/new/make", "/console/passkeys/new/prove"
NOBODY_VERIFIED = 0x01


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_passkey_made_by_link_is_pending(
    cast: Cast, signer: Signer, visitor: Visitor, alg: Any
) -> None:
    passkey = SoftPasskey.generate(alg)
    made = visitor.enrol(passkey_link(signer, cast.a.analyst), passkey)
    assert made.location == f"/console/passkeys/waiting/{passkey.kid}"
    page = visitor.get(made.location).text
    first, last = thumbprint_digits(passkey.kid)
    assert f"{first} … {last}" in page
    refused = visitor.sign_in(passkey)
    assert (refused.status_code, "not signed in" in refused.text) == (403, True)
    assert visitor.get("/console").status_code == 303
    [item] = signer.get(cast.a.lead, "/v1/passkeys?status=pending").get_json()["items"]
    assert (item["kid"], item["person"]) == (passkey.kid, cast.a.analyst.subject)
    assert (item["status"], item["display_name"]) == ("pending", "Phone")
    # What is served is what a grant takes.
    body = {"subject": item["person"], "roles": ["analyst"]} | {
        name: item[name] for name in ("jwk", "possession")
    }
    assert signer.post(cast.a.root, "/v1/grants", body).status_code == 201
    assert visitor.sign_in(passkey).location == "/console"


@pytest.mark.parametrize(
    "wrong",
    [
        {"challenge": b"c" * 32},
        {"origin": "https://evil.example"},
        {"flags": NOBODY_VERIFIED},
    ],
)
def test_what_was_made_for_another_page_is_no_passkey(
    cast: Cast, signer: Signer, visitor: Visitor, wrong: dict[str, Any]
) -> None:
    passkey = SoftPasskey.generate()
    visitor.begin(passkey_link(signer, cast.a.lead))
    refused = visitor.make(passkey, **wrong)
    assert (refused.status_code, "Nothing was kept" in refused.text) == (422, True)
    assert visitor.get(PROVE).location == "/console/passkeys/new"
    # The step failed, and nothing is lost: the same link goes on.
    assert visitor.make(passkey).location == PROVE


def test_another_passkey_does_not_vouch_for_the_new_one(
    cast: Cast, signer: Signer, visitor: Visitor
) -> None:
    passkey, other = SoftPasskey.generate(), SoftPasskey.generate()
    visitor.begin(passkey_link(signer, cast.a.lead))
    visitor.make(passkey)
    refused = visitor.sign(PROVE, other, PROVE)
    assert (refused.status_code, "Nothing is lost" in refused.text) == (422, True)
    token = visitor.token(PROVE)
    refused = visitor.send(PROVE, {"csrf_token": token, **assertion(passkey, b"c" * 32)})
    assert refused.status_code == 422
    assert signer.get(cast.a.lead, "/v1/passkeys").get_json()["items"] == []
    assert visitor.sign(PROVE, passkey, PROVE).status_code == 303


def test_a_link_is_good_once_and_for_a_day(
    cast: Cast, signer: Signer, visitor: Visitor, clock: SteppedClock
) -> None:
    url = passkey_link(signer, cast.a.lead)
    visitor.enrol(url, SoftPasskey.generate())
    assert "used already" in visitor.begin(url).text
    url = passkey_link(signer, cast.a.lead)
    clock.step(timedelta(hours=24))
    assert "too old" in visitor.begin(url).text


def test_a_link_that_was_used_meanwhile_makes_nothing(
    cast: Cast, signer: Signer, visitor: Visitor
) -> None:
    url = passkey_link(signer, cast.a.lead)
    passkey = SoftPasskey.generate()
    visitor.begin(url)
    visitor.make(passkey)
    other = Visitor(visitor.app)
    other.enrol(url, SoftPasskey.generate())
    assert visitor.sign(PROVE, passkey, PROVE).status_code == 404
    assert len(signer.get(cast.a.lead, "/v1/passkeys").get_json()["items"]) == 1


def test_a_link_to_sign_in_makes_no_passkey_nor_the_other_way_round(
    cast: Cast, signer: Signer, visitor: Visitor
) -> None:
    sign_in = signer.post(cast.a.lead, "/v1/console-links", {"purpose": "sign_in"}).get_json()
    assert visitor.begin(sign_in["url"]).status_code == 422
    secret = passkey_link(signer, cast.a.lead).partition("#")[2]
    refused = visitor.post("/console/enter", "/console/enter", secret=secret)
    assert refused.status_code == 404
    secret = sign_in["url"].partition("#")[2]
    assert visitor.post("/console/enter", "/console/enter", secret=secret).location == "/console"
    again = Visitor(visitor.app).post("/console/enter", "/console/enter", secret=secret)
    assert again.status_code == 404


def test_a_stranger_reads_nothing_of_a_pending_passkey(
    cast: Cast, signer: Signer, visitor: Visitor, signed_in: SignedIn
) -> None:
    passkey = SoftPasskey.generate()
    place = visitor.enrol(passkey_link(signer, cast.a.lead), passkey).location
    for path in (place, f"{place}/request"):
        assert visitor.get(path).status_code == 200
        assert Visitor(visitor.app).get(path).status_code == 404
        browser, _ = signed_in(cast.a, cast.a.analyst)
        assert browser.get(path).status_code == 404
    # Nor by the name of its credential, without its signature.
    stranger, forged = Visitor(visitor.app), SoftPasskey.generate()
    token = stranger.token()
    fields = assertion(forged, b"c" * 32) | {
        "credential_id": assertion(passkey, b"c" * 32)["credential_id"]
    }
    refused = stranger.send("/console/sign-in", {"csrf_token": token, **fields})
    assert "signed something else" in refused.text


def test_the_last_passkey_that_counts_stays(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.lead)
    path = f"/console/passkeys/{passkey.kid}/remove"
    refused = browser.post(path, "/console/sessions")
    assert (refused.status_code, "only passkey" in refused.text) == (409, True)
    _, second = signed_in(cast.a, cast.a.lead)
    asked = browser.post(path, "/console/passkeys")
    signed = browser.sign(asked.location, second, asked.location)
    assert signed.location == "/console/passkeys"
    assert browser.get("/console/passkeys").status_code == 303, "it stood on that passkey"
    [good] = signer.get(cast.a.lead, "/v1/passkeys?status=good").get_json()["items"]
    assert good["kid"] == second.kid


@pytest.mark.parametrize("was_granted", [False, True])
def test_a_passkey_that_was_taken_away_is_not_made_again(
    cast: Cast, signer: Signer, visitor: Visitor, signed_in: SignedIn, *, was_granted: bool
) -> None:
    browser, passkey = signed_in(cast.a, cast.a.analyst)
    if was_granted:
        assert signer.post(cast.a.lead, "/v1/revocations", {"kid": passkey.kid}).status_code == 201
        browser, _ = signed_in(cast.a, cast.a.analyst)
    else:
        passkey = SoftPasskey.generate()
        browser.enrol(passkey_link(signer, cast.a.analyst), passkey)
    page = "/console/passkeys"
    assert browser.post(f"{page}/{passkey.kid}/remove", page).location == page
    url = passkey_link(signer, cast.a.analyst)
    visitor.begin(url)
    refused = visitor.make(passkey)
    assert (refused.status_code, "make a new one" in refused.text) == (422, True)
    # The link goes on with another.
    assert visitor.make(SoftPasskey.generate()).location == PROVE


def test_a_passkey_that_is_made_twice_at_once_is_one(
    cast: Cast, signer: Signer, visitor: Visitor
) -> None:
    passkey, other = SoftPasskey.generate(), Visitor(visitor.app)
    for browser in (visitor, other):
        browser.begin(passkey_link(signer, cast.a.analyst))
        assert browser.make(passkey).location == PROVE
    assert visitor.sign(PROVE, passkey, PROVE).status_code == 303
    again = other.sign(PROVE, passkey, PROVE)
    assert (again.status_code, "known here already" in again.text) == (409, True)


def test_a_person_who_is_no_lead_takes_their_own_passkey_away(
    cast: Cast, signed_in: SignedIn
) -> None:
    lost_in, lost = signed_in(cast.a, cast.a.analyst)
    browser, passkey = signed_in(cast.a, cast.a.analyst)
    page = "/console/passkeys"
    asked = browser.post(f"{page}/{lost.kid}/remove", page)
    assert browser.sign(asked.location, passkey, asked.location).location == page
    assert lost_in.get("/console").status_code == 303
    shown = browser.get(page).text
    assert "add another first" in shown
    refused = browser.post(f"{page}/{passkey.kid}/remove", page)
    assert (refused.status_code, "your only passkey" in refused.text) == (409, True)


def test_nobody_removes_a_colleagues_passkey_or_session(
    cast: Cast, signed_in: SignedIn, database: Database
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    other, passkey = signed_in(cast.a, cast.a.analyst)
    path = f"/console/passkeys/{passkey.kid}/remove"
    assert browser.post(path, "/console/passkeys").status_code == 404
    with database.engine.connect() as connection:
        numbers = connection.exec_driver_sql("select number, person from console_session").all()
    [number] = [number for number, person in numbers if person == cast.a.analyst.subject]
    ended = browser.post(f"/console/sessions/{number}/end", "/console/sessions")
    assert ended.status_code == 404
    browser.post("/console/sessions/others/end", "/console/sessions")
    assert other.get("/console").status_code == 200


def test_no_secret_of_a_link_or_session_is_in_the_database(
    cast: Cast, signer: Signer, signed_in: SignedIn, database: Database
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    secret = passkey_link(signer, cast.a.lead, new_id("per")).partition("#")[2]
    with database.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'select * from "{table}"').all()  # noqa: S608 - our own names
            assert secret not in repr(rows)
            assert str(browser.cookie) not in repr(rows)
