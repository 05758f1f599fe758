"""A guest from the mail to its answer, and what the requester reads of it."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.guest_mail import GuestMail, GuestMailSettings
from coordinator.egress.fetching import Fetched
from coordinator.egress.mail import Mailer
from coordinator.key_files import read_keys
from coordinator.storage.engine.database import open_database
from holdfast.protocol.payloads import format_time
from tests.browser.followed import live
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.dispatcher.mail_server import Mailbox, mailbox
from tests.dispatcher.sending import AMPLE
from tests.factories import ORIGIN, Exchange
from tests.rulebook import RULEBOOK

pytestmark = pytest.mark.processes

NewPage = Callable[[], Page]
DOMAIN = "guest.example"


def _writes(served: Served, database_url: str, box: Mailbox) -> GuestMail:
    """Return what writes to guests beside the web process, to a contact that stands here."""
    keys = read_keys(served.folder / "keys")
    expires = format_time(served.clock.now() + timedelta(days=1))
    published = f"Contact: mailto:security@{DOMAIN}\nExpires: {expires}\n".encode()
    context = WorkerContext(
        origin=ORIGIN,
        database=open_database(database_url, pool_size=2),
        vault=keys.vault,
        clock=served.clock,
        rulebook=RULEBOOK,
        log_signer=keys.log_signer(ORIGIN, None),
        webhook_keys=(),
    )
    return GuestMail(
        context,
        fetch=lambda _url, _fields: Fetched(200, published),
        send=Mailer(box.server, clock=served.clock, deadline=AMPLE).send,
        settings=GuestMailSettings(console=served.console),
    )


def test_a_guest_answers_from_its_mail_and_the_requester_reads_it_marked(
    served: Served, asker: Exchange, new_page: NewPage, database_url: str
) -> None:
    case = live(served, asker)
    lead, guest = new_page(), new_page()
    sign_in(lead, served, asker.lead)
    lead.goto(case.url)
    lead.get_by_role("link", name="Ask a non-member").click()
    check_page(lead, "guest-ask")
    lead.get_by_label("Its domain").fill(DOMAIN)
    lead.get_by_role("button", name="See what you sign").click()
    sign_act(lead)
    with mailbox() as box:
        writes = _writes(served, database_url, box)
        writes.run_pass()
        [link] = re.findall(r"\S+/console/guest#\S+", box.mails[0][1].get_content())
        guest.goto(link)
        check_page(guest, "guest-door")
        guest.get_by_role("button", name="Send the code").click()
        expect(guest.get_by_role("heading", level=1)).to_contain_text("a code is under way")
        check_page(guest, "guest-code")
        writes.run_pass()
        [code] = re.findall(r"\b\d{4} \d{4}\b", box.mails[1][1].get_content())
    guest.get_by_label("The code").fill(code)
    guest.get_by_role("button", name="Open the page").click()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("3 addresses")
    guest.get_by_role("button", name="We have it").click()
    guest.get_by_label("Address no. 0").select_option("frozen")
    guest.get_by_label("Amount, no. 0").fill("12")
    guest.get_by_role("button", name="Send this answer").click()
    expect(guest.get_by_text("has no unit").first).to_be_visible()
    guest.get_by_label("Amount, no. 0").fill("12 ETH")
    guest.get_by_role("button", name="Send this answer").click()
    expect(guest.get_by_text("Frozen here: 12")).to_be_visible()
    check_page(guest, "guest-page")
    lead.goto(case.url)
    row = lead.get_by_role("row").filter(has_text=DOMAIN)
    expect(row).to_contain_text("Unverified")
    expect(row).to_contain_text("froze 12")
    expect(lead.get_by_role("heading", level=1)).to_contain_text("Nothing is held so far")
    check_page(lead, "guest-answers")
