"""Signing in through one's organisation in a real browser: there, back, and what it may do."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.console.openid import CLIENT_ID, CLIENT_SECRET, Provider, serving
from tests.factories import Exchange

pytestmark = pytest.mark.processes


@pytest.fixture
def provider(served: Served) -> Iterator[Provider]:
    """A provider that every browser trusts: it asks for nothing."""
    with serving(int(served.clock.now().timestamp())) as running:
        yield running


def test_a_lead_brings_a_provider_and_a_colleague_reads_by_it(
    served: Served, asker: Exchange, provider: Provider, new_page: NewPage
) -> None:
    lead = new_page()
    sign_in(lead, served, asker.lead)
    lead.goto(f"{served.console}/console/people/sign-in")
    check_page(lead, "provider-none")
    lead.get_by_text("Bring a provider").click()
    lead.get_by_label("Issuer").fill(f"{provider.issuer}/")
    lead.get_by_label("Client ID").fill(CLIENT_ID)
    lead.get_by_label("Client secret").fill(CLIENT_SECRET)
    subject = lead.locator(f"#f-sub-{asker.auditor.subject}")
    subject.fill(provider.sub)
    lead.get_by_role("button", name="Go on to sign").click()
    expect(lead.get_by_text("names another issuer").first).to_be_visible()
    check_page(lead, "provider-fault")
    lead.get_by_label("Issuer").fill(provider.issuer)
    lead.get_by_label("Client secret").fill(CLIENT_SECRET)
    lead.get_by_role("button", name="Go on to sign").click()
    sign_act(lead)
    expect(lead.get_by_role("heading", level=1)).to_contain_text("1 person")
    check_page(lead, "provider")

    reader = new_page()
    reader.goto(f"{served.console}/console/people")
    reader.get_by_text("Or through your organisation, to read").click()
    reader.get_by_label("Your organisation's handle").fill("nobody.example")
    reader.get_by_role("button", name="Go on to sign in there").click()
    expect(reader.get_by_text("No sign-in of its own").first).to_be_visible()
    check_page(reader, "sign-in-organisation")
    reader.get_by_label("Your organisation's handle").fill(asker.handle)
    reader.get_by_role("button", name="Go on to sign in there").click()
    reader.wait_for_url(f"{served.console}/console/people")
    _is_read_only(reader, served)


def _is_read_only(page: Page, served: Served) -> None:
    page.goto(f"{served.console}/console/sessions")
    expect(page.get_by_text("through your organisation, to read")).to_be_visible()
    page.goto(f"{served.console}/console/people/sign-in")
    expect(page.get_by_text("A security lead of yours changes it.")).to_be_visible()
