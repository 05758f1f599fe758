"""Figures: what the page shows is what the ledger says; anybody reads the public page."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from holdfast.protocol.payloads import format_time
from tests import factories
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes


def _frozen_case(served: Served, asker: Exchange, asked: Exchange) -> None:
    body = factories.freeze_request_body(to=[asked.handle])
    sent = served.post(asker.analyst, "/v1/freeze-requests", body)
    assert sent.status_code == 201, sent.text
    request = sent.json()
    path = f"/v1/freeze-requests/{request['id']}"
    named = {"content_sha256": request["content_sha256"]}
    decision = {**named, "decision": "approve", "context_sha256": request["context_sha256"]}
    answer = served.post(asker.lead, f"{path}/approvals", decision)
    assert answer.status_code == 201, answer.text
    lines = [
        {"kind": kind, "address_no": 0, "asset": factories.ETHER, "amount": "1500000000000000000"}
        for kind in ("found", "frozen")
    ]
    now = served.clock.now()
    lines[1] |= {
        "basis": "voluntary",
        "frozen_at": format_time(now),
        "hold_expires_at": format_time(now + timedelta(hours=48)),
    }
    report = served.post(asked.lead, f"{path}/freeze-reports", {**named, "lines": lines})
    assert report.status_code == 201, report.text


def test_figures_add_up(served: Served, asker: Exchange, asked: Exchange, page: Page) -> None:
    _frozen_case(served, asker, asked)
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/figures?months=3")
    row = page.get_by_role("table", name="by asset").get_by_role("row", name="ETH")
    expect(row).to_contain_text("1.5")
    expect(page.get_by_role("table", name="Time to acknowledge")).to_contain_text(asked.handle)
    check_page(page, "figures")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text()
    assert text.startswith("month,partner,urgency,requests,")
    assert "1500000000000000000" in text


def test_nobody_was_asked(served: Served, asker: Exchange, page: Page) -> None:
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/figures")
    expect(page.get_by_role("heading", name="Nobody was asked in this time")).to_be_visible()
    check_page(page, "figures-empty")


def test_anybody_reads_the_public_page(served: Served, page: Page) -> None:
    page.goto(f"{served.console}/console/public")
    expect(page.get_by_role("heading", level=1)).to_contain_text("freeze stolen funds")
    check_page(page, "public")
    answer = page.goto(f"{served.console}/console/public?year=1999")
    assert answer is not None
    assert answer.status == 404
