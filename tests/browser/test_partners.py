"""The directory: a member's key is compared by telephone; one's own contacts change by passkey."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes

_HOSTILE = "<script>alert(1)</script> מרחבא desk"


def test_a_members_key_is_read_out_and_its_people_are_reached(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    body = {"contacts": [_HOSTILE], "emergency_contact": "+372 5555 0100"}
    answer = served.send(asked.lead, "PATCH", "/v1/partners/me", body)
    assert answer.status_code == 200, answer.text
    sign_in(page, served, asker.lead)
    page.get_by_role("link", name="Partners", exact=True).first.click()
    row = page.get_by_role("row", name=asked.handle)
    expect(row).to_contain_text("Active")
    expect(row.get_by_role("link", name="+372 5555 0100")).to_have_attribute(
        "href", "tel:+37255550100"
    )
    check_page(page, "partners")
    row.get_by_role("link", name=asked.handle).click()
    kid = asked.root.key.kid
    groups = page.locator("[data-thumbprint] span")
    assert groups.all_inner_texts() == [kid[at : at + 4] for at in range(0, len(kid), 4)]
    expect(page.get_by_text(f"holdfast pin {asked.handle} {kid}")).to_be_visible()
    expect(page.get_by_text(_HOSTILE)).to_be_visible()
    grants = page.get_by_role("table", name="Grants")
    expect(grants).to_contain_text("the role security lead")
    expect(grants).to_contain_text("the root key")
    check_page(page, "partner")
    expect(page.get_by_role("button", name="Go on to sign")).to_have_count(0)


def test_ones_own_contacts_change_by_passkey(served: Served, asker: Exchange, page: Page) -> None:
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/partners/{asker.handle}")
    page.get_by_label("In an emergency").fill("line\N{ZERO WIDTH SPACE}")
    page.get_by_label("Contacts").fill("desk@exchange-a.example\nsecond desk")
    page.get_by_role("button", name="Go on to sign").click()
    expect(page.get_by_label("In an emergency")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Contacts")).to_have_value("desk@exchange-a.example\nsecond desk")
    check_page(page, "partner-refused")
    page.get_by_label("In an emergency").fill("+41 44 555 01 00")
    page.get_by_role("button", name="Go on to sign").click()
    sign_act(page)
    expect(page.get_by_text("Signed: Change how other members")).to_be_visible()
    read = served.get(asker.lead, "/v1/partners/me").json()
    assert read["contacts"] == ["desk@exchange-a.example", "second desk"]
    assert read["emergency_contact"] == "+41 44 555 01 00"
    page.goto(f"{served.console}/console/audit")
    expect(page.get_by_role("row", name="signed in with Chrome")).to_be_visible()


def test_what_one_says_of_oneself_changes_by_passkey_and_is_told_who_asks(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    sign_in(page, served, asked.lead)
    page.goto(f"{served.console}/console/partners/{asked.handle}")
    page.get_by_role("link", name="What you say of yourself").click()
    page.get_by_label("You freeze on").select_option("order")
    page.get_by_label("For which countries").fill("EE, LV")
    page.get_by_label("What languages your desk speaks").fill("en et")
    page.get_by_label("When somebody is at the desk").fill("nine to five")
    page.get_by_label("On whose wall clock").fill("Europe/Tallinn")
    page.get_by_role("button", name="Go on to sign").click()
    expect(page.get_by_label("When somebody is at the desk")).to_have_attribute(
        "aria-invalid", "true"
    )
    expect(page.get_by_label("For which countries")).to_have_value("EE, LV")
    check_page(page, "entry-refused")
    page.get_by_label("When somebody is at the desk").fill("mon-fri 09:00-17:30\nsat 10:00-14:00")
    page.get_by_role("button", name="Go on to sign").click()
    sign_act(page)
    said = "mon-fri 09:00-17:30, sat 10:00-14:00 (Europe/Tallinn)"
    expect(page.get_by_text(said)).to_be_visible()
    check_page(page, "entry-said")
    read = served.get(asker.lead, f"/v1/partners/{asked.handle}").json()
    assert (read["freezes_on"], read["jurisdictions"]) == ("order", ["EE", "LV"])


def test_nobody_of_that_name(served: Served, asker: Exchange, page: Page) -> None:
    sign_in(page, served, asker.lead)
    answer = page.goto(f"{served.console}/console/partners/nobody.example")
    assert answer is not None
    assert answer.status == 404
