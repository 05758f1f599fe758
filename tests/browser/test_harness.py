"""The harness finds what it is there to find: each page of the small site has one known fault."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page
from webauthn import (
    base64url_to_bytes,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    PublicKeyCredentialType,
)

from holdfast.protocol import base64url
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.vocabulary import Role
from tests.browser.keyboard import keyboard_faults
from tests.browser.pages import check_page, page_faults, watch_of
from tests.browser.passkeys import Authenticator, Person
from tests.browser.small_site import small_site

pytestmark = pytest.mark.processes

CHALLENGE = b"c" * 32
_GET = """async (challenge) => {
  const bytes = Uint8Array.from(challenge);
  const found = await navigator.credentials.get(
    {publicKey: {challenge: bytes, rpId: "localhost", userVerification: "required"}});
  return found.toJSON();
}"""
_CREATE = """async (challenge) => {
  const made = await navigator.credentials.create({publicKey: {
    challenge: Uint8Array.from(challenge),
    rp: {id: "localhost", name: "Holdfast"},
    user: {id: new TextEncoder().encode("per_1"), name: "Ada", displayName: "Ada"},
    pubKeyCredParams: [{type: "public-key", alg: -7}],
    authenticatorSelection: {residentKey: "required", userVerification: "required"},
  }});
  return made.toJSON();
}"""


@pytest.fixture(name="site", scope="module")
def _site() -> Iterator[str]:
    with small_site() as origin:
        yield origin


def _faults(page: Page, site: str, name: str, folder: Path) -> list[str]:
    page.goto(f"{site}/{name}")
    return page_faults(page, name, folder=folder)


def test_a_good_page_passes_and_has_its_picture_taken_in_both_widths_and_themes(
    page: Page, site: str, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 800, "height": 600})
    page.goto(f"{site}/good")
    check_page(page, "good", folder=tmp_path)
    pictures = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(pictures) == {
        f"good-{width}-{theme}.png" for width in (360, 1440) for theme in ("light", "dark")
    }
    assert len(set(pictures.values())) == 4
    assert page.viewport_size == {"width": 800, "height": 600}
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is False


def test_a_page_with_a_fault_fails_the_test_and_is_named(
    page: Page, site: str, tmp_path: Path
) -> None:
    page.goto(f"{site}/unlabelled")
    with pytest.raises(AssertionError, match=r"form \(http.*\n.*axe: label"):
        check_page(page, "form", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unlabelled", ("axe: label:", {"360 px, light", "1440 px, light"})),
        ("dim-in-the-dark", ("axe: color-contrast:", {"360 px, dark", "1440 px, dark"})),
        ("crowded", ("axe: target-size:", {"360 px, light", "1440 px, light"})),
        ("wide", ("px too wide: <p", {"360 px, light", "360 px, dark"})),
        ("elsewhere", ("asks another host: http://elsewhere.example/", set())),
        ("inline", ("content policy: script-src-elem refused inline", set())),
        ("failing", ("console: as it must", set())),
        ("heavy", ("bytes are transferred, more than 300000", set())),
    ],
)
def test_it_finds_the_fault_of_a_page_and_where_it_shows(
    page: Page, site: str, tmp_path: Path, name: str, expected: tuple[str, set[str]]
) -> None:
    fault, where = expected
    faults = [found for found in _faults(page, site, name, tmp_path) if fault in found]
    assert faults != []
    assert where <= {found.partition(": ")[0] for found in faults}


@pytest.mark.parametrize("name", ["dim-in-the-dark", "wide"])
def test_a_fault_of_one_theme_or_width_is_not_told_of_the_other(
    page: Page, site: str, tmp_path: Path, name: str
) -> None:
    page.goto(f"{site}/{name}")
    good = page_faults(page, name, sizes={1440: 900}, themes=["light"], folder=tmp_path)
    assert good == []


def test_going_by_key_finds_what_shows_no_focus_or_is_covered_where_it_has_it(
    page: Page, site: str
) -> None:
    page.goto(f"{site}/keys")
    faults = keyboard_faults(page)
    assert 'button "Bare" shows no focus' in faults
    assert any(fault.startswith('button "Under" is covered') for fault in faults)
    assert [fault for fault in faults if "Good" in fault or "does not reach <" in fault] == []


def test_another_host_is_not_reached(page: Page, site: str, tmp_path: Path) -> None:
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    # A name that Chromium leads to this machine by itself, where somebody does listen.
    other = site.replace("localhost", "other.localhost")
    page.goto(f"{site}/good")
    page.evaluate(
        "(url) => new Promise((done) => { const image = new Image();"
        " image.onload = image.onerror = done; image.src = url; })",
        f"{other}/site.css",
    )
    assert failed == [f"{other}/site.css"]
    found = page_faults(page, "other", folder=tmp_path)
    assert f"asks another host: {other}/site.css" in found


def test_what_was_transferred_for_another_page_does_not_count_and_nothing_is_cached(
    page: Page, site: str
) -> None:
    def transferred(name: str) -> int:
        # What was received is told of beside the page's own events, and may come behind its load.
        page.goto(f"{site}/{name}", wait_until="networkidle")
        return watch_of(page).transferred

    once = transferred("good")
    assert transferred("heavy") > 300_000
    assert transferred("good") == once > 700


def test_a_page_that_answers_with_a_refusal_is_no_error_of_the_console(
    page: Page, site: str, tmp_path: Path
) -> None:
    assert _faults(page, site, "refused", tmp_path) == []


def test_a_passkey_is_made_and_signs_at_localhost(
    page: Page, site: str, authenticator: Authenticator
) -> None:
    page.goto(f"{site}/good")
    made = page.evaluate(_CREATE, list(CHALLENGE))
    registered = verify_registration_response(
        credential=made,
        expected_challenge=CHALLENGE,
        expected_rp_id="localhost",
        expected_origin=site,
        require_user_verification=True,
        supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
    )
    (kept,) = authenticator.credentials()
    assert kept["isResidentCredential"]
    signed = page.evaluate(_GET, list(CHALLENGE))
    verified = verify_authentication_response(
        credential=signed,
        expected_challenge=CHALLENGE,
        expected_rp_id="localhost",
        expected_origin=site,
        credential_public_key=registered.credential_public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert verified.user_verified
    assert base64url.decode(signed["response"]["userHandle"]) == b"per_1"


def _verify(person: Person, signed: dict[str, str], origin: str) -> None:
    """Verify an assertion by the key that a person's JWK tells."""
    wanted = {name: person.jwk[name] for name in ("kty", "crv", "x", "y")}
    numbers = person.key.public_key().public_numbers()
    assert PrivateKey(person.key).public.jwk() == wanted
    cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + numbers.x.to_bytes(32, "big")
    cose += b"\x22\x58\x20" + numbers.y.to_bytes(32, "big")
    verify_authentication_response(
        credential=AuthenticationCredential(
            id=base64url.encode(person.credential_id),
            raw_id=person.credential_id,
            response=AuthenticatorAssertionResponse(
                client_data_json=base64url_to_bytes(signed["clientDataJSON"]),
                authenticator_data=base64url_to_bytes(signed["authenticatorData"]),
                signature=base64url_to_bytes(signed["signature"]),
            ),
            type=PublicKeyCredentialType.PUBLIC_KEY,
        ),
        expected_challenge=CHALLENGE,
        expected_rp_id="localhost",
        expected_origin=origin,
        credential_public_key=cose,
        credential_current_sign_count=0,
        require_user_verification=True,
    )


def test_a_person_of_the_tests_signs_in_the_browser_and_without_it_alike(
    page: Page, site: str, authenticator: Authenticator
) -> None:
    person = Person.new("exchange-a.example", site, Role.SECURITY_LEAD)
    authenticator.add(person)
    page.goto(f"{site}/good")
    signed = page.evaluate(_GET, list(CHALLENGE))
    assert signed["rawId"] == base64url.encode(person.credential_id)
    assert base64url.decode(signed["response"]["userHandle"]) == person.subject.encode()
    _verify(person, signed["response"], site)
    _verify(person, person.sign(CHALLENGE).members(), site)
    assert person.jwk["webauthn"] == {"rp_id": "localhost", "origin": site}
    assert json.loads(person.sign(CHALLENGE).client_data_json)["type"] == "webauthn.get"


def test_an_authenticator_that_does_not_know_its_user_signs_nothing(
    page: Page, site: str, authenticator: Authenticator
) -> None:
    authenticator.add(Person.new("exchange-a.example", site))
    authenticator.refuse()
    page.goto(f"{site}/good")
    with pytest.raises(Error, match="NotAllowedError"):
        page.evaluate(_GET, list(CHALLENGE))


def test_every_page_has_a_context_of_its_own_in_the_one_browser(
    new_page: Callable[[], Page], browser: Browser, site: str
) -> None:
    first, second = new_page(), new_page()
    assert first.context is not second.context
    assert {first.context.browser, second.context.browser} == {browser}
    first.goto(f"{site}/good")
    first.evaluate("document.cookie = 'who=first'")
    second.goto(f"{site}/good")
    assert second.evaluate("document.cookie") == ""


def test_tests_without_a_browser_may_run_an_event_loop_of_their_own(
    chromium: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("_running_browser")
    assert chromium.is_file()
    assert asyncio.run(asyncio.sleep(0, "ran")) == "ran"
