"""The rulebook is read and accepted in a browser, and a partner reads why it is asked."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.followed import live
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes

_TEXT = """Rulebook of the network, first edition.

1. A request is information and a plea; it orders nothing. Each member decides alone.
2. No customer is named, and nobody trades on what they read here.
"""


def _publish(served: Served) -> None:
    """Publish the rulebook as the operator does, with the command line."""
    file = served.folder / "rulebook.txt"
    file.write_text(_TEXT)
    command = [sys.executable, "-m", "coordinator.cli", "rulebook", "publish", str(file)]
    done = subprocess.run(
        command, env={**os.environ, **served.environment}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_lead_reads_the_rulebook_and_accepts_it_by_passkey(
    served: Served, asker: Exchange, page: Page
) -> None:
    _publish(served)
    sign_in(page, served, asker.lead)
    expect(page.get_by_text("its freeze requests are refused")).to_be_visible()
    check_page(page, "home-rulebook")
    page.get_by_role("link", name="read it and accept it").click()
    expect(page.get_by_text("it orders nothing")).to_be_visible()
    check_page(page, "rulebook")
    page.get_by_role("button", name="Accept it for your organisation").click()
    sign_act(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("has accepted the rulebook")
    check_page(page, "rulebook-accepted")
    page.goto(f"{served.console}/console")
    expect(page.get_by_text("its freeze requests are refused")).to_have_count(0)


def test_a_partner_reads_why_it_is_asked_and_whose_interest_it_is(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(
        served,
        asker,
        to=[asked.handle],
        why_you=[{"to": [asked.handle], "why": "Deposit address of yours.", "address_nos": [0]}],
        interest={"kinds": ["own_funds", "claim"], "statement": "Our hot wallet was emptied."},
    )
    sign_in(page, served, asked.lead)
    page.goto(f"{served.console}/console/requests/{case.request['id']}/answer")
    expect(page.get_by_text("Deposit address of yours.")).to_be_visible()
    expect(page.get_by_text("Our hot wallet was emptied.")).to_be_visible()
    check_page(page, "answer-whys")
