"""One whole case by two organisations in the console: a desktop asks, a phone answers."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from holdfast.protocol import membership_payloads
from tests.api.acts import fresh_account
from tests.browser.conftest import NewPage, on_both
from tests.browser.deciding import name_people
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes

SIGNED = "See what you sign"


@dataclass(frozen=True)
class Story:
    """Who takes part: three people of A at their desks, one of B's with a phone."""

    served: Served
    asked: Exchange
    analyst: Page
    lead: Page
    other_lead: Page
    phone: Page


def look(page: Page, name: str) -> None:
    """Check a page at the one size that its person has, in both themes."""
    size = page.viewport_size
    assert size is not None
    check_page(page, f"case-{name}", sizes={size["width"]: size["height"]})


def fold(page: Page, title: str, within: Locator | None = None) -> Locator:
    """Open the fold of an act, and return it."""
    found = (within or page.get_by_role("main")).locator("details").filter(has_text=title).first
    found.locator("summary").first.click()
    return found


def press(within: Page | Locator, button: str) -> None:
    """Press a button."""
    within.get_by_role("button", name=button, exact=True).first.click()


def from_home(page: Page, served: Served, button: str) -> None:
    """Go where the first card of the home page with such a button leads."""
    page.goto(f"{served.console}/console")
    page.get_by_role("main").get_by_role("link", name=re.compile(f"^{button}")).first.click()


@on_both
def test_a_case_from_a_pasted_chat_to_its_closing(
    served: Served, asker: Exchange, asked: Exchange, new_page: NewPage
) -> None:
    name_people(served, asker)
    policy = membership_payloads.Policy().model_dump(mode="json") | {"withdrawal_quorum": 2}
    assert served.post(asker.root, "/v1/grants", {"policy": policy}).status_code == 201
    story = Story(served, asked, new_page(), new_page(), new_page(), new_page())
    story.phone.set_viewport_size({"width": 360, "height": 800})
    people = (asker.analyst, asker.lead, asker.second_lead, asked.compliance)
    pages = (story.analyst, story.lead, story.other_lead, story.phone)
    for page, member in zip(pages, people, strict=True):
        sign_in(page, served, member)
    _submit(story)
    follow = _approve(story)
    _ask_and_reply(story, follow)
    _freeze(story)
    _hold_longer(story, follow)
    _contest(story)
    _let_go(story)
    _release_and_return(story)
    _close(story, follow)
    [made] = served.get(asker.auditor, "/v1/freeze-requests?box=sent").json()["items"]
    assert made["status"] == "closed"


def _submit(story: Story) -> None:
    """Paste what the chat says, and sign what became of it."""
    page = story.analyst
    first, second = (fresh_account().rpartition(":")[2] for _ in range(2))
    page.get_by_role("link", name="Requests").first.click()
    page.get_by_role("main").get_by_role("link", name="New request").click()
    chat = f"[03:12] Anna: ETH {first} 12.5 ETH\n[03:14] Ben: next hop, ETH {second} 3 ETH"
    page.get_by_label("What you have").fill(chat)
    press(page, "Make a draft of it")
    page.get_by_label("What happened, in a few words").fill("Hot wallet theft")
    page.get_by_label("When, in UTC").fill("2026-03-02T09:00")
    page.get_by_label("Summary").fill("Proceeds of the theft, still moving.")
    page.get_by_role("checkbox", name=story.asked.handle).check()
    press(page, "See what will be signed")
    look(page, "01-preview")
    page.get_by_role("button", name="Sign it by passkey").click()
    sign_act(page)
    expect(page.get_by_role("heading", name="A security lead must now decide")).to_be_visible()


def _approve(story: Story) -> str:
    """Approve it; return the page on which its answers are followed."""
    page = story.lead
    from_home(page, story.served, "Decide")
    look(page, "02-decide")
    for reason in page.get_by_label(re.compile("right all the same")).all():
        reason.fill("Copied from the explorer, looked at twice.")
    page.get_by_role("button", name="Approve").first.click()
    sign_act(page)
    page.get_by_role("link", name="Follow the answers").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing is held so far")
    look(page, "03-nothing-yet")
    return page.url


def _ask_and_reply(story: Story, follow: str) -> None:
    """Acknowledge, look into it, ask; the lead sees each without reloading, and replies."""
    phone, lead = story.phone, story.lead
    row = lead.get_by_role("row").filter(has_text=story.asked.handle)
    phone.goto(f"{story.served.console}/console")
    look(phone, "04-home")
    phone.get_by_role("main").get_by_role("link", name="Acknowledge").first.click()
    look(phone, "05-answer")
    phone.get_by_role("button", name="Acknowledge").click()
    look(phone, "06-sign")
    sign_act(phone)
    expect(row).to_contain_text("Acknowledged")
    press(fold(phone, "Say that you look into it"), "Say that you look into it")
    sign_act(phone)
    expect(row).to_contain_text("Looking")
    asking = fold(phone, "Ask for what you need")
    asking.get_by_label("What you need").fill("The theft's transaction")
    press(asking, "Ask")
    sign_act(phone)
    expect(row).to_contain_text("Asks you")
    from_home(lead, story.served, "Reply")
    look(lead, "07-question")
    lead.get_by_label("Your answer").fill("It left our hot wallet in block 21895238.")
    press(lead, SIGNED)
    sign_act(lead)
    expect(lead.get_by_text("Answered just now")).to_be_visible()
    lead.goto(follow)


def _freeze(story: Story) -> None:
    """Find all of it, and freeze it."""
    phone, lead = story.phone, story.lead
    from_home(phone, story.served, "Answer")
    expect(phone.get_by_text("It left our hot wallet in block 21895238.")).to_be_visible()
    for number, amount in enumerate(("12.5 ETH", "3 ETH")):
        phone.get_by_role("textbox", name=f"Found at no. {number}").fill(amount)
        phone.get_by_role("textbox", name=f"Frozen at no. {number}").fill(amount)
    look(phone, "08-report")
    press(phone, "See what you report")
    look(phone, "09-report-sign")
    sign_act(phone)
    expect(phone.get_by_role("heading", name="What you hold")).to_be_visible()
    look(phone, "10-held")
    expect(lead.get_by_role("heading", level=1)).to_contain_text("15.5\u00a0ETH")
    look(lead, "11-held")


def _hold_longer(story: Story, follow: str) -> None:
    """Rest the request on a police report, which carries farther, and ask for more time."""
    lead, phone = story.lead, story.phone
    lead.goto(f"{follow}/extension")
    expect(lead.get_by_text("a police report makes it 14 days")).to_be_visible()
    lead.get_by_role("link", name="a better word first").click()
    lead.get_by_label("What there is now").select_option("police_report")
    lead.get_by_label("SHA-256 of the document").fill("ab" * 32)
    press(lead, SIGNED)
    sign_act(lead)
    lead.goto(f"{follow}/extension")
    lead.get_by_label("Which hold").select_option(index=0)
    until = story.served.clock.now() + timedelta(days=9)
    lead.get_by_label("Until the end of").fill(f"{until:%Y-%m-%d}")
    lead.get_by_label("Why").fill("The order takes a week")
    look(lead, "12-extension")
    press(lead, SIGNED)
    sign_act(lead)
    from_home(phone, story.served, "Answer")
    look(phone, "13-extension")
    wished = phone.get_by_role("article").filter(has_text="They ask you to hold until")
    press(fold(phone, "Extend…", wished), "Extend")
    sign_act(phone)
    expect(phone.get_by_text("They ask you to hold until")).to_have_count(0)


def _contest(story: Story) -> None:
    """Contest one of the two holds for a customer; a lead proposes to agree, another does."""
    phone, lead, other = story.phone, story.lead, story.other_lead
    contest = fold(phone, "Dispute, for a customer")
    contest.get_by_label("Which hold").select_option(index=2)
    contest.get_by_label("Why").fill("Paid for a car, with an invoice")
    contest.get_by_label("Your word for the matter").fill("matter-12")
    look(phone, "14-dispute")
    press(contest, "Dispute")
    sign_act(phone)
    from_home(lead, story.served, "Open")
    look(lead, "15-dispute")
    lead.get_by_label("Are they right?").select_option("upheld")
    lead.get_by_label("Why").fill("The invoice is right: it was paid before the theft.")
    press(lead, SIGNED)
    expect(lead.get_by_role("heading", level=1)).to_contain_text("Propose to agree with")
    sign_act(lead)
    expect(lead.get_by_text("You proposed to agree with a dispute.")).to_be_visible()
    look(lead, "16-proposed")
    from_home(other, story.served, "Decide")
    expect(other.get_by_text("Paid for a car, with an invoice")).to_be_visible()
    expect(other.get_by_text("3\u00a0ETH").first).to_be_visible()
    look(other, "17-second-lead")
    press(other, "Agree with them")
    sign_act(other)


def _let_go(story: Story) -> None:
    """Withdraw the address that was contested, which takes two leads as well."""
    lead, other = story.lead, story.other_lead
    other.get_by_role("link", name="Withdraw what is contested").click()
    expect(other.get_by_label("no. 1")).to_be_checked()
    expect(other.get_by_label("no. 0")).not_to_be_checked()
    other.get_by_label("Why, in words").fill("A customer who was paid before the theft.")
    look(other, "18-withdraw")
    press(other, SIGNED)
    expect(other.get_by_role("heading", level=1)).to_contain_text("Propose to withdraw")
    sign_act(other)
    expect(other.get_by_text("You proposed to let funds go.")).to_be_visible()
    from_home(lead, story.served, "Decide")
    look(lead, "19-let-go")
    press(lead, "Let go")
    sign_act(lead)
    expect(lead.get_by_text("This is approved.").first).to_be_visible()


def _release_and_return(story: Story) -> None:
    """Release what was wrongly frozen, and send the rest back."""
    phone = story.phone
    from_home(phone, story.served, "Answer")
    look(phone, "20-taken-back")
    owed = phone.get_by_role("article").filter(has_text="Answer owed")
    press(fold(phone, "Release…", owed), "Release")
    sign_act(phone)
    expect(phone.get_by_text("Answer owed")).to_have_count(0)
    kept = phone.get_by_role("article").filter(has_text="12.5")
    returning = fold(phone, "Return…", kept)
    returning.get_by_label("Transaction that took it back").fill("0x" + "ab" * 32)
    press(returning, "Report it returned")
    sign_act(phone)
    look(phone, "21-returned")


def _close(story: Story, follow: str) -> None:
    """Close it: nothing is held any more."""
    lead, phone = story.lead, story.phone
    lead.goto(follow)
    expect(lead.get_by_role("heading", level=1)).to_contain_text("12.5\u00a0ETH of 12.5 came back")
    look(lead, "22-came-back")
    lead.get_by_role("link", name="Close").click()
    look(lead, "23-close")
    lead.get_by_label("A word on how it ended").fill("What was stolen came back.")
    press(lead, SIGNED)
    sign_act(lead)
    look(lead, "24-closed")
    phone.goto(follow)
    look(phone, "25-closed")
