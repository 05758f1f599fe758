"""What leads do in the console about people: the API's rules hold, and their reasons are shown."""

from coordinator.domain.clock import SteppedClock
from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor, passkey_link
from tests.factories import Cast, Exchange, Member, Signer
from tests.passkeys import SoftPasskey


def _pending(signer: Signer, own: Exchange, member: Member, browser: Visitor) -> SoftPasskey:
    passkey = SoftPasskey.generate()
    Visitor(browser.app).enrol(passkey_link(signer, own.lead, member.subject), passkey)
    return passkey


def _proposal(browser: Visitor, passkey: SoftPasskey, pending: SoftPasskey) -> str:
    """Propose a pending passkey; returns the page of what is proposed."""
    page = f"/console/passkeys/{pending.kid}/grant"
    asked = browser.post(page, page, roles=["analyst"])
    signed = browser.sign(asked.location, passkey, asked.location)
    assert signed.location == "/console/people"
    html = browser.get("/console/people").text
    return "/console/grants/" + html.partition("/console/grants/")[2].partition('"')[0]


def test_a_link_for_ones_own_other_device_is_shown_once(cast: Cast, signed_in: SignedIn) -> None:
    browser, passkey = signed_in(cast.a, cast.a.analyst)
    asked = browser.post("/console/passkeys/link", "/console/passkeys")
    signed = browser.sign(asked.location, passkey, asked.location)
    shown = browser.get(signed.location)
    url = shown.text.partition('data-copy="')[2].partition('"')[0]
    assert "/console/passkeys/new#" in url
    assert "<svg" in shown.text
    assert "style=" not in shown.text, "the content policy takes none"
    assert url not in browser.get(signed.location).text
    assert url not in browser.get(asked.location).text
    other = SoftPasskey.generate()
    assert Visitor(browser.app).enrol(url, other).location.endswith(other.kid)


def test_nobody_proposes_their_own_passkey(cast: Cast, signer: Signer, signed_in: SignedIn) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    pending = _pending(signer, cast.a, cast.a.lead, browser)
    page = f"/console/passkeys/{pending.kid}/grant"
    assert "nobody gives a right to themselves" in browser.get(page).text
    refused = browser.post(page, "/console/people", roles=["security_lead"])
    assert refused.status_code == 422
    assert "A lead proposes for others" in refused.text


def test_nobody_approves_what_they_proposed_nor_what_is_for_them(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    first, passkey = signed_in(cast.a, cast.a.lead)
    second, other = signed_in(cast.a, cast.a.second_lead)
    newcomer = _pending(signer, cast.a, cast.a.analyst, first)
    page = _proposal(first, passkey, newcomer)
    assert "You proposed it" in first.get(page).text
    body = second.get(page).text
    sha256 = body.partition('name="grant_sha256" value="')[2].partition('"')[0]
    refused = first.post(page, "/console/people", grant_sha256=sha256)
    assert (refused.status_code, "neither proposed it" in refused.text) == (422, True)
    # What was proposed is what is approved.
    stale = second.post(page, page, grant_sha256="0" * 64)
    assert (stale.status_code, "another grant" in stale.text) == (422, True)
    asked = second.post(page, page, grant_sha256=sha256)
    assert second.sign(asked.location, other, asked.location).location == "/console/people"
    assert first.get(page).status_code == 404, "it waits no longer"
    assert Visitor(first.app).sign_in(newcomer).location == "/console"


def test_only_leads_propose_name_and_take_away(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    lead, _ = signed_in(cast.a, cast.a.lead)
    pending = _pending(signer, cast.a, cast.a.auditor, lead)
    browser, passkey = signed_in(cast.a, cast.a.analyst)
    someone = f"/console/people/{cast.a.lead.subject}"
    assert browser.get(f"/console/passkeys/{pending.kid}/grant").status_code == 403
    assert "Waits for security leads" not in browser.get("/console/people").text
    for path in (
        "/console/people/links",
        f"{someone}/end",
        f"/console/keys/{cast.a.lead.key.kid}/end",
    ):
        assert browser.post(path, "/console/passkeys").status_code == 403
    own = browser.post(f"/console/keys/{passkey.kid}/end", "/console/passkeys")
    assert (own.status_code, "your only passkey" in own.text) == (409, True)
    named = browser.post(f"{someone}/names", "/console/passkeys", display_name="Ada")
    assert (named.status_code, "one of these roles" in named.text) == (422, True)
    assert "Take this key away" not in browser.get(someone).text


def test_a_colleague_of_another_organisation_is_not_there(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    pending = _pending(signer, cast.b, cast.b.analyst, browser)
    for path in (
        f"/console/people/{cast.b.lead.subject}",
        f"/console/passkeys/{pending.kid}/grant",
        f"/console/passkeys/{'A' * 43}/grant",
        "/console/passkeys/short/grant",
        "/console/grants/grp_1",
    ):
        assert browser.get(path).status_code == 404


def test_whoever_is_taken_away_is_signed_out(
    cast: Cast, signed_in: SignedIn, clock: SteppedClock
) -> None:
    lead, passkey = signed_in(cast.a, cast.a.lead)
    gone, _ = signed_in(cast.a, cast.a.analyst)
    person = f"/console/people/{cast.a.analyst.subject}"
    asked = lead.post(f"{person}/end", person)
    assert lead.sign(asked.location, passkey, asked.location).location == "/console/people"
    assert gone.get("/console").status_code == 303
    page = lead.get(person).text
    assert "no longer" in page
    assert f"{clock.now():%-d %b}" in page
