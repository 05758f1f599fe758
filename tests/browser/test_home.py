"""Home: what waits, and "I have it"."""

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes


def test_a_lead_sees_what_waits_and_takes_it(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    body = factories.freeze_request_body(to=[asked.handle])
    sent = served.post(asker.analyst, "/v1/freeze-requests", body)
    assert sent.status_code == 201, sent.text
    sign_in(page, served, asker.lead)
    expect(page.get_by_role("link", name="waits to go out").first).to_be_visible()
    check_page(page, "home")
    page.get_by_role("button", name="I have it").click()
    check_page(page, "sign")
    sign_act(page)
    expect(page.get_by_text("You have it, since just now")).to_be_visible()
    tasks = served.get(asker.lead, "/v1/tasks").json()["items"]
    assert tasks[0]["taken_by"] == asker.lead.subject


def test_a_flash_that_waits_says_why(served: Served, asker: Exchange, page: Page) -> None:
    body = factories.freeze_request_body(urgency="flash")
    sent = served.post(asker.analyst, "/v1/freeze-requests", body)
    assert (sent.status_code, sent.json()["waits_because"]) == (201, "policy"), sent.text
    sign_in(page, served, asker.lead)
    card = page.get_by_role("listitem").filter(has_text="waits to go out")
    expect(card).to_contain_text("it waits because your policy lets its author send no flash")
    page.goto(f"{served.console}/console/requests")
    expect(page.get_by_role("row").nth(1)).to_contain_text("to decide")


def test_nothing_waits(served: Served, asker: Exchange, page: Page) -> None:
    sign_in(page, served, asker.lead)
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    check_page(page, "home-empty")
