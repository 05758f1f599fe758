"""From a link to a passkey that counts: pending, refused, granted, signed in, acting."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from holdfast.cli import cli
from holdfast.cli.session import Session
from holdfast.client.client import Client
from holdfast.client.transport import Transport
from holdfast.profiles.store import Profile, ProfileStore
from holdfast.protocol import strict_json
from tests import factories
from tests.browser.conftest import NewPage, on_both
from tests.browser.pages import check_page
from tests.browser.passkeys import Authenticator
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import ORIGIN, Exchange, Member

pytestmark = pytest.mark.processes


def link(served: Served, member: Member, **body: str) -> str:
    """Have somebody ask for a link, with the key that they have already."""
    answer = served.post(member, "/v1/console-links", body)
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    return url


def make_passkey(page: Page, url: str, name: str = "Phone", *, checks: bool = False) -> str:
    """Make a passkey by a link; returns its kid, and the page says that it is pending."""
    page.goto(url)
    assert "#" not in page.url, "the secret is out of the address bar"
    if checks:
        check_page(page, "passkey-new")
    page.get_by_label("What do you call it?").fill(name)
    page.get_by_role("button", name="Go on").click()
    if checks:
        check_page(page, "passkey-make")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Let it sign once")).to_be_visible()
    if checks:
        check_page(page, "passkey-prove")
    page.get_by_role("button", name=f"Sign with “{name}”").click()
    expect(page).to_have_url(re.compile("/console/passkeys/waiting/"))
    return page.url.rpartition("/")[2]


def sign_in_with_passkey(page: Page, served: Served) -> None:
    """Press the button of the door; where that leads is the test's business."""
    page.goto(f"{served.console}/console/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()


def ask_to_freeze(served: Served, asker: Exchange, asked: Exchange) -> None:
    """Have something wait for a decision."""
    body = factories.freeze_request_body(to=[asked.handle])
    assert served.post(asker.analyst, "/v1/freeze-requests", body).status_code == 201


Holdfast = Callable[..., str]


@pytest.fixture
def holdfast(
    served: Served, asker: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Holdfast:
    """The command line of exchange A, on the machine with its root key; returns what it prints."""
    store = ProfileStore(tmp_path / "home")
    lead = asker.lead
    root = Profile("root", ORIGIN, asker.handle, asker.handle, "root", asker.root.key)
    store.save(root)
    store.save(Profile("lead", ORIGIN, lead.handle, lead.subject, "person", lead.key))

    def connect(self: Session, profile: Profile | None = None) -> Client:
        chosen = profile or self.profile()
        address = f"http://127.0.0.1:{served.port}"
        return Client(chosen, transport=Transport(chosen, ORIGIN, base_url=address))

    monkeypatch.setattr(Session, "client", connect)

    def run(*words: str) -> str:
        ran = CliRunner().invoke(cli, words, env={"HOLDFAST_HOME": str(store.home)})
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    return run


def test_a_first_passkey_is_pending_until_the_root_key_grants_it(  # noqa: PLR0913, PLR0917
    served: Served,
    asker: Exchange,
    asked: Exchange,
    page: Page,
    authenticator: Authenticator,
    holdfast: Holdfast,
    tmp_path: Path,
) -> None:
    ask_to_freeze(served, asker, asked)
    url = holdfast("--as", "lead", "passkey", "link").split()[0]
    kid = make_passkey(page, url, checks=True)
    check_page(page, "passkey-waiting")
    # Nobody uses the link twice.
    page.goto(url)
    page.get_by_label("What do you call it?").fill("Another")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("used already")
    check_page(page, "passkey-link-used")

    sign_in_with_passkey(page, served)
    expect(page.get_by_role("heading", name="not signed in")).to_be_visible()
    check_page(page, "sign-in-pending")
    with page.expect_download() as download:
        page.get_by_role("link", name="the key request").click()
    request = tmp_path / "downloaded.json"
    download.value.save_as(request)
    written = tmp_path / "written.json"
    said = holdfast("--as", "lead", "passkey", "request", kid, "-o", str(written))
    assert strict_json.loads(written.read_bytes()) == strict_json.loads(request.read_bytes())
    digits = page.locator(".digits").first.text_content() or ""
    assert digits.replace("…", " … ") in said

    holdfast("--as", "root", "grant", str(request), "--role", "security_lead")
    sign_in_with_passkey(page, served)
    expect(page).to_have_url(f"{served.console}/console")
    page.get_by_role("button", name="I have it").click()
    sign_act(page)
    expect(page.get_by_text("You have it, since just now")).to_be_visible()
    assert len(authenticator.credentials()) == 1


def test_two_leads_grant_what_a_newcomer_made(
    served: Served, asker: Exchange, new_page: NewPage, page: Page
) -> None:
    served.send(
        asker.lead, "PATCH", f"/v1/people/{asker.lead.subject}", {"display_name": "Ada Lovelace"}
    )
    newcomer, first, second = new_page(), page, new_page()
    sign_in(first, served, asker.lead)
    first.goto(f"{served.console}/console/people")
    first.get_by_role("button", name="Make a link for somebody new").click()
    sign_act(first)
    expect(first.get_by_role("heading", name="This link makes one passkey")).to_be_visible()
    check_page(first, "passkey-link")
    url = first.locator("code.secret").inner_text()
    first.reload()
    expect(first.get_by_text("A link is shown once")).to_be_visible()
    expect(first.get_by_text(url)).to_have_count(0)

    Authenticator(newcomer)
    make_passkey(newcomer, url, "Phone")
    digits = newcomer.locator(".digits").first.text_content()

    first.goto(f"{served.console}/console/people")
    expect(first.get_by_role("heading", name="Passkey “Phone” of somebody new")).to_be_visible()
    check_page(first, "people-pending")
    first.get_by_role("link", name="Grant a right").click()
    assert first.locator(".digits").first.text_content() == digits
    first.get_by_role("button", name="Propose it").click()
    expect(first.get_by_role("alert")).to_contain_text("Choose at least one role")
    check_page(first, "grant-passkey-fault")
    first.get_by_label("Analyst").check()
    first.get_by_role("button", name="Propose it").click()
    check_page(first, "grant-sign")
    sign_act(first)
    first.get_by_role("link", name="Look at it").click()
    expect(first.get_by_text("You proposed it. It takes another security lead")).to_be_visible()
    check_page(first, "grant-four-eyes")

    sign_in_with_passkey(newcomer, served)
    expect(newcomer.get_by_role("heading", name="not signed in")).to_be_visible()

    sign_in(second, served, asker.second_lead)
    second.goto(f"{served.console}/console/people")
    second.get_by_role("link", name="Look at it").click()
    expect(second.get_by_role("heading", name="Ada Lovelace proposes")).to_be_visible()
    assert second.locator(".digits").first.text_content() == digits
    check_page(second, "grant-approve")
    second.get_by_role("button", name="Approve it").click()
    sign_act(second)
    expect(second).to_have_url(f"{served.console}/console/people")
    check_page(second, "people")

    sign_in_with_passkey(newcomer, served)
    expect(newcomer).to_have_url(f"{served.console}/console")
    newcomer.goto(f"{served.console}/console/people")
    newcomer.get_by_role("row", name="(you)").get_by_role("link").click()
    expect(newcomer.get_by_text("by Ada Lovelace, who proposed it, and")).to_be_visible()
    check_page(newcomer, "person-own")


def test_whoever_came_by_link_reads_and_signs_nothing(
    served: Served, asker: Exchange, asked: Exchange, page: Page, authenticator: Authenticator
) -> None:
    ask_to_freeze(served, asker, asked)
    url = link(served, asker.lead, purpose="sign_in")
    page.goto(url)
    check_page(page, "enter")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{served.console}/console")
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("You have no passkey that counts")).to_be_visible()
    check_page(page, "sign-without-passkey")
    page.get_by_role("main").get_by_role("link", name="Make one").click()
    expect(page.get_by_role("heading", name="You have no passkey")).to_be_visible()
    check_page(page, "passkeys-none")
    page.get_by_role("link", name="Make one on this device").click()
    page.get_by_label("What do you call it?").fill("Laptop")
    page.get_by_role("button", name="Go on").click()
    authenticator.refuse()
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was signed")
    authenticator.refuse(refuses=False)
    page.get_by_role("button", name="Make the passkey").click()
    authenticator.refuse()
    page.get_by_role("button", name="Sign with").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was signed")
    authenticator.refuse(refuses=False)
    page.get_by_role("button", name="Sign with").click()
    expect(page).to_have_url(re.compile("/console/passkeys/waiting/"))
    page.goto(f"{served.console}/console/passkeys")
    expect(page.get_by_text("Pending since")).to_be_visible()
    check_page(page, "passkeys-pending")
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_role("heading", name="You have no passkey")).to_be_visible()
    # The link was good once.
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(url)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("this link was used already", exact=False)).to_be_visible()
    check_page(page, "enter-used")


@on_both
def test_a_key_and_a_session_end_in_the_midst(
    served: Served, asker: Exchange, asked: Exchange, page: Page, new_page: NewPage
) -> None:
    ask_to_freeze(served, asker, asked)
    person = sign_in(page, served, asker.lead)
    phone = new_page()
    second = sign_in(phone, served, asker.lead)
    page.goto(f"{served.console}/console/sessions")
    expect(page.get_by_role("heading", name="here and in one more browser")).to_be_visible()
    check_page(page, "sessions")
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.get_by_role("heading", name="You are signed in here.")).to_be_visible()
    phone.get_by_role("button", name="I have it").click()
    expect(phone.get_by_text("You are signed out")).to_be_visible()
    check_page(phone, "signed-out")
    sign_in_with_passkey(phone, served)
    expect(phone).to_have_url(f"{served.console}/console")

    page.goto(f"{served.console}/console/passkeys")
    check_page(page, "passkeys")
    page.goto(f"{served.console}/console/people/{asker.lead.subject}")
    check_page(page, "person")
    gone = served.post(asker.second_lead, "/v1/revocations", {"kid": second.kid})
    assert gone.status_code == 201, gone.text
    phone.get_by_role("button", name="I have it").click()
    expect(phone.get_by_text("You are signed out")).to_be_visible()
    sign_in_with_passkey(phone, served)
    expect(phone.get_by_text("this passkey was taken away", exact=False)).to_be_visible()
    check_page(phone, "sign-in-revoked")
    # The other passkey is the last: it stays until there is another.
    page.goto(f"{served.console}/console/passkeys")
    expect(page.get_by_text("Your only one that counts")).to_be_visible()
    assert person.kid != second.kid


def test_a_lead_names_people_and_changes_the_policy(
    served: Served, asker: Exchange, page: Page
) -> None:
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/people/{asker.analyst.subject}")
    page.get_by_label("Called").fill("Jonas\u202eWeber")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_page(page, "person-fault")
    page.get_by_label("Called").fill("Jonas Weber")
    page.get_by_label("Reached by").fill("+372 555 0100")
    page.get_by_role("button", name="Change it").click()
    sign_act(page)
    expect(page).to_have_url(f"{served.console}/console/people/{asker.analyst.subject}")
    expect(page.get_by_role("heading", name="Jonas Weber")).to_be_visible()
    page.goto(f"{served.console}/console/people/policy")
    check_page(page, "policy")
    page.get_by_text("Propose another policy").click()
    page.get_by_label("Leads who approve a request").fill("2")
    page.get_by_label("Jonas Weber").check()
    check_page(page, "policy-open")
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_text("2, instead of 1")).to_be_visible()
    sign_act(page)
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_text("2, instead of 1")).to_be_visible()
    check_page(page, "grant-policy")
