"""Signing in by a provider of one's organisation: who is let in, and for how long."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.membership.suspensions import SuspendPartner
from tests.console.by_provider import GOES_TO, PATH, begin, bring, come_back, is_in, sign_in
from tests.console.conftest import SignedIn
from tests.console.openid import CLIENT_ID, CLIENT_SECRET, Provider, query_of, serving
from tests.console.visitor import Visitor
from tests.factories import Cast, Exchange, Member, Signer
from tests.passkeys import CONSOLE


def test_somebody_of_an_organisation_reads_by_its_provider(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    made = bring(signer, cast.a, provider)
    wanted = query_of(begin(visitor, cast.a.handle))
    assert wanted["redirect_uri"] == made["redirect_uri"]
    assert (wanted["response_type"], wanted["code_challenge_method"]) == ("code", "S256")
    assert "openid" in wanted["scope"].split()
    assert sign_in(visitor, cast.a, provider).location == "/console"
    assert cast.a.handle in visitor.get("/console").text
    assert "through your organisation, to read" in visitor.get("/console/sessions").text
    assert "here</b>." in visitor.get("/console/sessions").text


def test_an_address_counts_where_the_provider_verified_it(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider, {"person": cast.a.analyst.subject, "email": "Ada@a.example"})
    provider.claims = {"email": "ada@A.example", "email_verified": False}
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "does not" in refused.text) == (403, True)
    provider.claims["email_verified"] = True
    assert sign_in(visitor, cast.a, provider).location == "/console"


def test_whoever_is_not_listed_becomes_nobody_by_signing_in(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    people = signer.get(cast.a.lead, "/v1/people").get_json()["items"]
    provider.sub = "somebody-else"
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "A security lead adds you" in refused.text) == (403, True)
    assert not is_in(visitor)
    assert signer.get(cast.a.lead, "/v1/people").get_json()["items"] == people


def test_what_is_read_so_is_signed_by_nothing(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, signed_in: SignedIn
) -> None:
    lead = {"person": cast.a.lead.subject, "sub": provider.sub}
    bring(signer, cast.a, provider, lead)
    sign_in(visitor, cast.a, provider)
    page = f"/console/people/{cast.a.analyst.subject}"
    refused = visitor.post(f"{page}/names", page, display_name="Ada")
    assert (refused.status_code, "have none that counts" in refused.text) == (422, True)
    _, passkey = signed_in(cast.a, cast.a.lead)
    asked = visitor.post(f"{page}/names", page, display_name="Ada")
    assert asked.location.startswith("/console/acts/")
    signed = visitor.sign(asked.location, passkey, asked.location)
    assert signed.location == page


def test_strangers_hear_the_same_of_whoever_has_no_provider(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    answers = []
    for handle in (cast.b.handle, "nobody.example", "no handle at all", "nul\x00.example", ""):
        fields = {"organisation": handle}
        page = visitor.post("/console/sign-in/organisation", "/console/sign-in", **fields)
        text = page.text
        answers.append((page.status_code, re.sub(r'(value|get)="[^"]*"', "", text)))
    assert answers[0][0] == 422
    assert len(set(answers)) == 1
    assert cast.a.handle not in visitor.get("/console/sign-in").text
    filled_in = visitor.get(f"/console/sign-in?organisation={cast.a.handle}").text
    assert f'value="{cast.a.handle}"' in filled_in


def test_a_code_and_a_state_are_good_once(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    url = provider.authorize(begin(visitor, cast.a.handle))
    assert come_back(visitor, url).location == "/console"
    visitor.post("/console/sign-out", "/console/passkeys")
    again = come_back(visitor, url)
    assert (again.status_code, "used already" in again.text) == (403, True)
    fresh = query_of(begin(visitor, cast.a.handle))
    old_code = f"{url.partition('?')[0]}?code=code-0&state={fresh['state']}"
    assert come_back(visitor, old_code).status_code == 403
    assert not is_in(visitor)
    # What a failed attempt left behind is used up, too.
    begun = provider.authorize(begin(visitor, cast.a.handle))
    assert come_back(visitor, f"{begun}x").status_code == 403
    assert come_back(visitor, begun).status_code == 403


def test_nobody_is_signed_in_by_an_answer_that_another_browser_asked_for(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, console: Flask
) -> None:
    bring(signer, cast.a, provider)
    attacker = Visitor(console)
    url = provider.authorize(begin(attacker, cast.a.handle))
    assert come_back(visitor, url).status_code == 403
    begin(visitor, cast.a.handle)
    mixed = come_back(visitor, url)
    assert (mixed.status_code, "another sign-in" in mixed.text) == (403, True)
    assert not is_in(visitor)


def test_it_is_begun_by_a_form_of_the_console_alone(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    provider.asked.clear()
    fields = {"csrf_token": visitor.token(), "organisation": cast.a.handle}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        sent = visitor.send("/console/sign-in/organisation", fields, headers)
        assert sent.status_code == 403
    assert visitor.get("/console/sign-in/organisation").status_code == 404
    assert provider.asked == []


def test_a_provider_answers_for_its_own_organisation_alone(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, clock: SteppedClock
) -> None:
    """The same person of the same provider, by another organisation's list and client."""
    bring(signer, cast.a, provider)
    with serving(int(clock.now().timestamp())) as other:
        bring(signer, cast.b, other)
        # An answer for one, brought back to the other's place.
        url = provider.authorize(begin(visitor, cast.a.handle))
        refused = come_back(visitor, url.replace(cast.a.handle, cast.b.handle))
        assert (refused.status_code, "did not begin it" in refused.text) == (403, True)
        # The other provider names the first as issuer, and uses its pages and its keys.
        other.claims = {"iss": provider.issuer}
        refused = sign_in(visitor, cast.b, other)
        assert (refused.status_code, "(iss)" in refused.text) == (403, True)
        # It says outright that another answered (RFC 9207).
        url = other.authorize(begin(visitor, cast.b.handle)) + f"&iss={provider.issuer}"
        refused = come_back(visitor, url)
        assert (refused.status_code, "another provider answered" in refused.text) == (403, True)
    assert not is_in(visitor)


def test_what_was_begun_with_a_provider_ends_with_it(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    url = provider.authorize(begin(visitor, cast.a.handle))
    bring(signer, cast.a, provider)
    refused = come_back(visitor, url)
    assert (refused.status_code, "was changed meanwhile" in refused.text) == (403, True)


def test_an_attempt_ends_after_ten_minutes(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, clock: SteppedClock
) -> None:
    bring(signer, cast.a, provider)
    url = provider.authorize(begin(visitor, cast.a.handle))
    clock.step(timedelta(minutes=10))
    refused = come_back(visitor, url)
    assert (refused.status_code, "took too long" in refused.text) == (403, True)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_coming_back_leads_to_no_other_site(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, target: str
) -> None:
    bring(signer, cast.a, provider)
    assert sign_in(visitor, cast.a, provider, next=target).location == "/console"


def test_coming_back_leads_to_the_page_that_was_asked_for(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    answer = sign_in(visitor, cast.a, provider, next="/console/people")
    assert answer.location == "/console/people"


def test_whoever_comes_back_from_elsewhere_comes_again_with_their_cookie(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    url = provider.authorize(begin(visitor, cast.a.handle))
    path = url.removeprefix(CONSOLE)
    arrived = visitor.get(path, **{"Sec-Fetch-Site": "cross-site"})
    assert unescape(GOES_TO.findall(arrived.text)[0]) == path
    assert come_back(visitor, url).location == "/console"


def test_a_browser_has_another_session_once_its_organisation_signed_it_in(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    url = provider.authorize(begin(visitor, cast.a.handle))
    before = visitor.cookie
    come_back(visitor, url)
    assert visitor.cookie != before


# ---------- what ends a session ----------


def _end_by_revocation(signer: Signer, own: Exchange) -> None:
    gone = {"subject": own.analyst.subject}
    assert signer.post(own.lead, "/v1/revocations", gone).status_code == 201


def _end_by_removal(signer: Signer, own: Exchange) -> None:
    assert signer.send(own.lead, "DELETE", PATH).status_code == 200


@pytest.mark.parametrize("end", [_end_by_revocation, _end_by_removal])
def test_a_session_ends_with_the_person_and_with_the_provider(
    signer: Signer,
    cast: Cast,
    provider: Provider,
    visitor: Visitor,
    end: Callable[[Signer, Exchange], None],
) -> None:
    bring(signer, cast.a, provider)
    sign_in(visitor, cast.a, provider)
    assert is_in(visitor)
    end(signer, cast.a)
    assert not is_in(visitor)
    assert visitor.cookie is None


def test_a_session_ends_where_another_provider_is_set(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    bring(signer, cast.a, provider)
    sign_in(visitor, cast.a, provider)
    bring(signer, cast.a, provider, {"person": cast.a.auditor.subject, "sub": "another"})
    assert not is_in(visitor)


def test_a_session_ends_with_its_partners_suspension_and_none_begins(
    signer: Signer,
    cast: Cast,
    provider: Provider,
    visitor: Visitor,
) -> None:
    bring(signer, cast.a, provider)
    sign_in(visitor, cast.a, provider)
    with transaction(visitor.app.extensions["holdfast"]) as uow:
        uow.finish(execute(SuspendPartner(handle=cast.a.handle), COORDINATOR, uow))
    assert not is_in(visitor)
    assert sign_in(visitor, cast.a, provider).status_code == 401
    assert not is_in(visitor)


def test_another_browsers_session_by_the_provider_can_be_ended(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, console: Flask
) -> None:
    bring(signer, cast.a, provider)
    other = Visitor(console)
    sign_in(other, cast.a, provider)
    sign_in(visitor, cast.a, provider)
    assert "one more browser" in visitor.get("/console/sessions").text
    visitor.post("/console/sessions/others/end", "/console/sessions")
    assert (is_in(visitor), is_in(other)) == (True, False)


# ---------- the page, and what it asks to be signed ----------


def _lead_sets(
    signed_in: SignedIn, own: Exchange, lead: Member, fields: dict[str, str]
) -> tuple[Visitor, TestResponse]:
    browser, passkey = signed_in(own, lead)
    page = "/console/people/sign-in"
    asked = browser.post(page, page, **fields)
    if asked.status_code != 303:
        return browser, asked
    return browser, browser.sign(asked.location, passkey, asked.location)


def test_a_lead_brings_a_provider_and_removes_it_with_their_passkey(
    cast: Cast, provider: Provider, signed_in: SignedIn, visitor: Visitor
) -> None:
    fields = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        f"sub-{cast.a.analyst.subject}": provider.sub,
        f"email-{cast.a.auditor.subject}": "audit@a.example",
    }
    browser, signed = _lead_sets(signed_in, cast.a, cast.a.lead, fields)
    assert signed.location == "/console/people/sign-in"
    shown = browser.get("/console/people/sign-in").text
    assert "2 people" in shown
    assert CLIENT_SECRET not in shown
    assert "audit@a.example" in shown
    assert sign_in(visitor, cast.a, provider).location == "/console"
    assert "Go on to sign" not in visitor.get("/console/people/sign-in").text
    # The secret stays where it is left empty.
    again = {name: text for name, text in fields.items() if name != "client_secret"}
    asked = browser.post("/console/people/sign-in", "/console/people/sign-in", **again)
    assert asked.status_code == 303
    removed = browser.post("/console/people/sign-in/remove", "/console/people/sign-in")
    assert removed.location.startswith("/console/acts/")


def test_what_is_wrong_with_a_provider_stands_beside_its_field(
    cast: Cast, provider: Provider, signed_in: SignedIn
) -> None:
    fields = {
        "issuer": f"{provider.issuer}/",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        f"email-{cast.a.analyst.subject}": "no address",
    }
    browser, refused = _lead_sets(signed_in, cast.a, cast.a.lead, fields)
    assert refused.status_code == 422
    assert f'id="f-email-{cast.a.analyst.subject}-error"' in refused.text
    assert 'value="no address"' in refused.text
    assert CLIENT_SECRET not in refused.text
    page = "/console/people/sign-in"
    fields[f"email-{cast.a.analyst.subject}"] = "ada@a.example"
    refused = browser.post(page, page, **fields)
    assert (refused.status_code, "names another issuer" in refused.text) == (422, True)
    del fields[f"email-{cast.a.analyst.subject}"]
    refused = browser.post(page, page, **fields | {"issuer": provider.issuer})
    assert (refused.status_code, "Say of one person" in refused.text) == (422, True)
