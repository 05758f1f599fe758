"""Drills in a real browser: the mark cannot be overlooked, and stays in sight."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.followed import live
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes


def test_a_drill_stays_marked_while_one_scrolls_in_every_width_and_both_themes(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(served, asker, drill=True)
    case.act(asked.compliance, "acknowledgement")
    sign_in(page, served, asker.lead)
    for tab in ("", "/readiness"):
        page.goto(f"{case.url}{tab}")
        check_page(page, f"drill{tab.replace('/', '-')}")
    expect(page.get_by_role("link", name="Signed PDF")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 500})
    page.mouse.wheel(0, 2_000)
    mark = page.get_by_role("note")
    expect(mark).to_be_in_viewport()
    expect(mark).to_contain_text("Drill")
    page.goto(f"{case.url.rpartition('/')[0]}")
    expect(page.get_by_role("row").filter(has_text="DRILL: ")).to_be_visible()
