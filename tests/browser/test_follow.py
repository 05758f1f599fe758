"""Following a request: its answers live, what one does about it, and who sees what."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.api.acts import fresh_account
from tests.browser.conftest import on_both
from tests.browser.followed import HOSTILE, Followed, ether, live, submitted
from tests.browser.pages import SCREENSHOTS, check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import ETHER, Exchange

pytestmark = pytest.mark.processes

NewPage = Callable[[], Page]
TABS = ("", "/addresses", "/timeline", "/ledger", "/money", "/owed", "/documents")
BITCOIN = "bip122:000000000019d6689c085ae165831e93:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def _answered(served: Served) -> tuple[Followed, str]:
    """Return a request on which B froze and contests, C asks, and from D money moved on."""
    a, b, c, d = served.cast.all
    case = live(served, a, summary=f"Proceeds of the theft. {HOSTILE}")
    hold = case.freeze(b, 4_200.5)
    case.act(c.analyst, "info-requests", missing=["tx"], text=f"Which transaction? {HOSTILE}")
    onward = {"service": "bridge-n.example", "account": BITCOIN}
    nothing = {"kind": "nothing", "address_nos": [1], "code": "moved_on", "next": onward}
    case.report(d, [{**nothing, "detail": f"Left at once. {HOSTILE}"}])
    case.act(b.compliance, "disputes", reference="REF-1", text=HOSTILE, hold=hold)
    return case, hold


def test_every_tab_tells_its_part_and_nobody_s_words_are_taken_for_the_page_s(
    served: Served, asker: Exchange, page: Page
) -> None:
    case, _ = _answered(served)
    sign_in(page, served, asker.lead)
    for tab in TABS:
        page.goto(f"{case.url}{tab}")
        check_page(page, f"follow{tab.replace('/', '-')}")
    page.goto(case.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("4\u202f200.5\u00a0ETH")
    row = page.get_by_role("row").filter(has_text="exchange-c.example")
    expect(row).to_contain_text("Asks you")
    expect(row).to_contain_text("You reply within")
    page.goto(f"{case.url}/timeline")
    expect(page.get_by_text("froze 4\u202f200.5\u00a0ETH")).to_be_visible()
    assert page.locator("main script").count() == 0
    page.get_by_role("listitem").filter(has_text="approved it").get_by_role("link").click()
    expect(page.get_by_role("heading", name="An approval")).to_be_visible()
    check_page(page, "follow-document")
    page.goto(case.url)
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Withdraw")).to_be_hidden()
    if SCREENSHOTS is not None:
        page.screenshot(path=SCREENSHOTS / "follow-print.png", full_page=True)


@on_both
def test_an_answer_through_the_api_appears_on_the_open_page(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(served, asker)
    sign_in(page, served, asker.lead)
    page.goto(case.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing is held so far")
    case.freeze(asked, 12)
    expect(page.get_by_role("heading", level=1)).to_contain_text("12\u00a0ETH")
    expect(page.get_by_role("row").filter(has_text=asked.handle)).to_contain_text("Frozen")


def test_what_one_types_outlives_what_happens_meanwhile(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(served, asker)
    sign_in(page, served, asker.lead)
    page.goto(case.url)
    field = page.get_by_role("searchbox", name="Find a partner")
    field.fill("exchange-b")
    case.freeze(asked, 12)
    expect(page.get_by_text("This page changed since you opened it")).to_be_visible()
    expect(field).to_have_value("exchange-b")
    expect(field).to_be_focused()


def test_a_wrong_target_is_withdrawn_and_cleared(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(served, asker)
    case.freeze(asked, 12)
    sign_in(page, served, asker.lead)
    page.goto(case.url)
    page.get_by_role("link", name="Withdraw").click()
    check_page(page, "withdraw")
    page.get_by_label("What", exact=True).select_option("some")
    page.get_by_label("Why, in words").fill("A digit was wrong")
    page.get_by_role("button", name="See what you sign").click()
    expect(page.get_by_role("alert")).to_contain_text("say which addresses", ignore_case=True)
    expect(page.get_by_label("Why, in words")).to_have_value("A digit was wrong")
    check_page(page, "withdraw-faults")
    page.get_by_label("no. 0").check()
    page.get_by_label("Reason", exact=True).select_option("wrong_target")
    page.get_by_role("button", name="See what you sign").click()
    check_page(page, "withdraw-sign")
    sign_act(page)
    expect(page).to_have_url(case.url)
    page.goto(f"{case.url}/timeline")
    expect(page.get_by_text("cleared 1\u00a0account: flagged by error")).to_be_visible()
    assert len(case.items(asked.auditor, "clearances")) == 1
    page.goto(f"{case.url}/owed")
    expect(page.get_by_text("it was taken back")).to_be_visible()
    page.goto(f"{case.url}/documents")
    page.get_by_role("link", name="Take it back for no. 0").click()
    page.get_by_role("button", name="See what you sign").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Why it was no error after all").fill("It was the thief's all along")
    page.get_by_role("button", name="See what you sign").click()
    sign_act(page)
    expect(page.get_by_role("table", name="flagged by error")).to_contain_text("Taken back")
    (cleared,) = case.items(asker.lead, "clearances")
    assert cleared["revoked_reason"] == "It was the thief's all along"


def test_the_same_tokens_held_twice_are_counted_once(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(served, asker)
    for exchange in (asked, served.cast.c):
        case.freeze(exchange, 12)
    sign_in(page, served, asker.lead)
    page.goto(case.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("24\u00a0ETH")
    page.get_by_role("link", name="Count once").click()
    page.get_by_label("Which one counts in its place").select_option(index=1)
    page.get_by_role("button", name="See what you sign").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Which one counts in its place").select_option(index=2)
    page.get_by_role("button", name="See what you sign").click()
    sign_act(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("12\u00a0ETH")
    totals = served.get(asker.lead, f"/v1/freeze-requests/{case.id}").json()["totals"]
    assert totals[ETHER]["held"] == ether(12)


def test_a_question_and_an_objection_are_answered(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case, _ = _answered(served)
    sign_in(page, served, asker.lead)
    page.goto(f"{case.url}/owed")
    page.get_by_role("link", name="Reply").click()
    check_page(page, "question")
    page.get_by_label("Your answer").fill("The second one of the list")
    page.get_by_role("button", name="See what you sign").click()
    sign_act(page)
    expect(page.get_by_text("Answered just now")).to_be_visible()
    (question,) = case.items(asker.auditor, "info-requests")
    assert question["answer"] == "The second one of the list"
    page.get_by_role("link", name=re.compile(f"^Answer ?: {asked.handle}")).click()
    check_page(page, "dispute")
    page.get_by_role("button", name="See what you sign").click()
    expect(page.get_by_role("alert")).to_contain_text("Say whether they are right")
    page.get_by_label("Are they right?").select_option("rejected")
    page.get_by_label("Why").fill("The trace is clear")
    page.get_by_role("button", name="See what you sign").click()
    sign_act(page)
    expect(page.get_by_text("Rejected just now")).to_be_visible()
    (dispute,) = case.items(asked.auditor, "disputes")
    assert dispute["resolution"] == "rejected"


@pytest.mark.parametrize("count", [44, 200])
def test_the_way_of_the_money_is_drawn_and_folded_where_it_is_long(
    served: Served, asker: Exchange, page: Page, count: int
) -> None:
    _, b, c, d = served.cast.all
    addresses = [
        {"account": fresh_account(), "asset": ETHER, "amount": ether(100 + number)}
        for number in range(count)
    ]
    case = live(served, asker, addresses=addresses)
    for place, exchange in enumerate((b, c)):
        for number in range(place, 12, 2):
            case.freeze(exchange, 40 + number, address_no=number)
    onward = {"service": "bridge-n.example", "account": BITCOIN}
    moved = {"kind": "nothing", "code": "moved_on", "next": onward}
    case.report(d, [{**moved, "address_nos": list(range(12, count))}])
    sign_in(page, served, asker.lead)
    page.goto(f"{case.url}/money")
    check_page(page, f"money-{count}")
    # Up to fifty only what is alike by the dozen is folded; above it, all that is alike.
    expect(page.locator(".flow rect")).to_have_count(17 if count == 44 else 7)
    expect(page.locator(".flow")).to_contain_text(f"{count - 12} addresses")


def test_each_of_two_organisations_sees_its_own_side_only(
    served: Served, asker: Exchange, asked: Exchange, page: Page, new_page: NewPage
) -> None:
    case, _ = _answered(served)
    sign_in(page, served, asked.lead)
    for tab in TABS:
        answer = page.goto(f"{case.url}{tab}")
        assert answer is not None
        assert answer.status == 200, tab
        text = page.locator("main").inner_text()
        assert "exchange-c.example" not in text, tab
        assert "exchange-d.example" not in text, tab
    page.goto(case.url)
    check_page(page, "follow-asked")
    for path in ("/withdraw", "/next", "/close"):
        refused = page.goto(f"{case.url}{path}")
        assert refused is not None
        assert refused.status == 404
    only_b = live(served, asker, to=[asked.handle])
    stranger = new_page()
    sign_in(stranger, served, served.cast.c.lead)
    for tab in (*TABS, "/live?after=0", "/evidence.json"):
        refused = stranger.goto(f"{only_b.url}{tab}")
        assert refused is not None
        assert refused.status == 404, tab


def test_everything_is_found_and_ended_cases_stay_found(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case, hold = _answered(served)
    case.act(asker.lead, "withdrawal", addresses="all", reason_code="resolved", reason="settled")
    sign_in(page, served, asker.lead)

    def look(text: str) -> None:
        page.goto(f"{served.console}/console/search")
        page.get_by_role("main").get_by_role("searchbox").fill(text)
        page.get_by_role("button", name="Find").click()

    account = case.items(asker.lead, "addresses")[0]["account"].rpartition(":")[2]
    for text in (account, account.lower(), "cold wallet"):
        look(text)
        expect(page.get_by_role("link", name="Cold wallet theft").first).to_be_visible()
    check_page(page, "search")
    look(case.id)
    expect(page).to_have_url(case.url)
    look(hold)
    expect(page).to_have_url(f"{case.url}/ledger")
    look(asked.handle)
    expect(page.get_by_text("a member of the network")).to_be_visible()
    look("nothing like this")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    check_page(page, "search-nothing")
    page.goto(f"{served.console}/console/requests?box=ended")
    expect(page.get_by_text("because the case was resolved")).to_be_visible()
    check_page(page, "requests-ended")


def test_lists_holds_and_home_say_what_waits_for_others(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    case = live(served, asker)
    case.freeze(asked, 12)
    waiting = submitted(served, asker)
    sign_in(page, served, asker.analyst)
    expect(
        page.get_by_text("You submitted this, so somebody else decides: a security lead.")
    ).to_be_visible()
    expect(page.get_by_role("heading", name="In your live cases")).to_be_visible()
    check_page(page, "home-with-cases")
    page.goto(f"{served.console}/console/requests")
    expect(page.get_by_role("link", name="Cold wallet theft")).to_have_count(2)
    check_page(page, "requests")
    page.goto(f"{served.console}/console/holds?side=for_us")
    expect(page.get_by_text("The next hold ends in")).to_be_visible()
    check_page(page, "holds")
    page.goto(waiting.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Nothing went out yet"))
    check_page(page, "follow-submitted")
