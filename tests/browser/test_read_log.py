"""Who read a request: others by their role, one's own by name, and whose the requester chooses."""

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import NewPage
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_in
from tests.dispatcher.outbox_cast import eventually
from tests.factories import Exchange

pytestmark = pytest.mark.processes

_REQUESTS = "/v1/freeze-requests"


def test_the_requester_sees_who_read_it_and_chooses_whose(
    served: Served, asker: Exchange, page: Page, new_page: NewPage
) -> None:
    body = factories.freeze_request_body(urgency="routine")
    made = served.post(asker.analyst, _REQUESTS, body).json()
    decision = {
        "decision": "approve",
        "content_sha256": made["content_sha256"],
        "context_sha256": made["context_sha256"],
        "warnings_accepted": [
            {"code": each["code"], "address_nos": "all", "reason": "checked twice"}
            for each in made["warnings"]
        ],
    }
    path = f"{_REQUESTS}/{made['id']}"
    assert served.post(asker.lead, f"{path}/approvals", decision).status_code == 201
    named = {"display_name": "<script>alert(1)</script> \N{HEBREW LETTER ALEF}da"}
    person = f"/v1/people/{asker.analyst.subject}"
    assert served.send(asker.lead, "PATCH", person, named).status_code == 200
    b, c = served.cast.b, served.cast.c
    for reader, name in ((b.lead, ""), (b.system, "/addresses"), (c.auditor, "/evidence-bundle")):
        assert served.get(reader, path + name).status_code == 200
    for _ in range(3):
        assert served.get(asker.analyst, path).status_code == 200
    # They are stored about a second later.
    eventually(lambda: len(served.get(asker.lead, f"{path}/reads").json()["items"]) == 4)
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/requests/{made['id']}/documents")
    page.get_by_role("link", name="Who read it").click()
    lines = page.get_by_role("table").get_by_role("row")
    expect(lines.filter(has_text="the evidence bundle")).to_have_count(1)
    expect(lines.filter(has_text="A security lead, per_")).to_contain_text(b.handle)
    expect(lines.filter(has_text="A system, sys_")).to_contain_text("its addresses")
    own = lines.filter(has_text=named["display_name"])
    expect(own).to_contain_text("3")
    check_page(page, "read-log")
    page.get_by_role("combobox", name="Whose reads").select_option(c.handle)
    page.get_by_role("button", name="Show").click()
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("An auditor, per_")
    theirs = new_page()
    sign_in(theirs, served, b.compliance)
    theirs.goto(f"{served.console}/console/requests/{made['id']}/reads")
    lines = theirs.get_by_role("table").get_by_role("row")
    expect(lines.filter(has_text="its addresses")).to_have_count(1)
    expect(lines.filter(has_text=asker.handle)).to_have_count(0)
    expect(theirs.get_by_role("combobox", name="Whose reads")).to_have_count(0)
    check_page(theirs, "read-log-partner")
