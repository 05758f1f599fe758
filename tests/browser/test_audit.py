"""Audit: what somebody signed by passkey stands there, with who, when and its place in the log."""

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes


def test_an_act_by_passkey_is_listed(served: Served, asker: Exchange, page: Page) -> None:
    body = factories.freeze_request_body()
    assert served.post(asker.analyst, "/v1/freeze-requests", body).status_code == 201
    named = {"display_name": "<script>alert(1)</script> \N{HEBREW LETTER ALEF}da"}
    path = f"/v1/people/{asker.analyst.subject}"
    assert served.send(asker.lead, "PATCH", path, named).status_code == 200
    sign_in(page, served, asker.lead)
    page.get_by_role("button", name="I have it").click()
    sign_act(page)
    expect(page.get_by_text("You have it, since just now")).to_be_visible()
    page.goto(f"{served.console}/console/audit")
    newest = page.get_by_role("table").get_by_role("row").nth(1)
    expect(newest).to_contain_text("said “I have it”")
    expect(newest).to_contain_text("by passkey")
    wrote = page.get_by_role("row", name="wrote the request")
    expect(wrote).to_contain_text(named["display_name"])
    check_page(page, "audit")
    page.get_by_role("link", name="Grants", exact=True).click()
    expect(page.get_by_role("row", name="granted").first).to_contain_text("The root key")
    page.get_by_role("link", name="Sign-ins", exact=True).click()
    expect(page.get_by_role("row", name="signed in with Chrome")).to_have_count(1)
    check_page(page, "audit-sign-ins")


def test_an_analyst_does_not_read_it(served: Served, asker: Exchange, page: Page) -> None:
    sign_in(page, served, asker.analyst)
    answer = page.goto(f"{served.console}/console/audit")
    assert answer is not None
    assert answer.status == 403
