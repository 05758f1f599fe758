"""Answering by hand: a partner without automation does in the browser all that the API takes."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from holdfast.protocol.payloads import format_time
from tests import factories
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes

ETH = 10**18
SCRIPT = "<script>alert(1)</script>\u202egnp.exe مرحبا"


def sent(served: Served, asker: Exchange, asked: Exchange, **changes: Any) -> dict[str, Any]:
    """Return a request that went out to one partner."""
    body = factories.freeze_request_body(to=[asked.handle], **changes)
    made = served.post(asker.analyst, "/v1/freeze-requests", body)
    assert made.status_code == 201, made.text
    view: dict[str, Any] = made.json()
    decided = served.post(
        asker.lead,
        f"/v1/freeze-requests/{view['id']}/approvals",
        {
            "content_sha256": view["content_sha256"],
            "context_sha256": view["context_sha256"],
            "decision": "approve",
            "warnings_accepted": [
                {"code": each["code"], "address_nos": "all", "reason": "Looked at each"}
                for each in view["warnings"]
            ],
        },
    )
    assert decided.status_code == 201, decided.text
    return view


def open_answer(page: Page, served: Served, request_id: str) -> None:
    """Open the page."""
    page.goto(f"{served.console}/console/requests/{request_id}/answer")


def open_fold(page: Page, key: str) -> Locator:
    """Open the fold of an act and return it."""
    fold = page.locator(f"#{key}")
    fold.locator("summary").first.click()
    return fold


def read(served: Served, asker: Exchange, request_id: str, what: str) -> list[dict[str, Any]]:
    """Return a list of a request as its requester reads it."""
    answer = served.get(asker.lead, f"/v1/freeze-requests/{request_id}/{what}?limit=100")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def report(served: Served, who: Any, view: dict[str, Any], *lines: dict[str, Any]) -> Any:
    """Report by the API."""
    body = {"content_sha256": view["content_sha256"], "lines": list(lines)}
    made = served.post(who, f"/v1/freeze-requests/{view['id']}/freeze-reports", body)
    assert made.status_code == 201, made.text
    return made.json()


def in_hours(now: datetime, hours: int) -> str:
    """Return a time as the API takes it."""
    return format_time(now + timedelta(hours=hours))


def frozen(served: Served, who: Any, view: dict[str, Any], ether: int = 3) -> dict[str, Any]:
    """Report by the API that so much was found and frozen just now; return the hold's line."""
    now = served.clock.now()
    amount, asset = str(ether * ETH), factories.ETHER
    common = {"address_no": 0, "asset": asset, "amount": amount}
    ends = in_hours(now, 48)
    made = report(
        served,
        who,
        view,
        {"kind": "found", **common},
        {"kind": "frozen", **common, "frozen_at": in_hours(now, 0), "hold_expires_at": ends},
    )
    line: dict[str, Any] = made["lines"][1]
    return line


def test_acknowledge_then_report_found_and_frozen_by_form(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    sign_in(page, served, asked.compliance)
    page.get_by_role("link", name="Acknowledge").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("10 000")
    check_page(page, "answer-new")
    page.get_by_role("button", name="Acknowledge").click()
    sign_act(page)
    expect(page.get_by_text("Signed: Tell")).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.get_by_role("textbox", name="Found at no. 0").fill("12.5 ETH")
    page.get_by_role("textbox", name="Frozen at no. 0").fill("13 ETH")
    page.get_by_role("button", name="See what you report").click()
    fault = "13 ETH would be frozen for no. 0, but 12.5 ETH was found"
    expect(page.get_by_role("alert")).to_contain_text(fault)
    expect(page.get_by_role("textbox", name="Frozen at no. 0")).to_have_value("13 ETH")
    check_page(page, "answer-fault")
    page.get_by_role("textbox", name="Frozen at no. 0").fill("12.5 ETH")
    page.get_by_role("button", name="See what you report").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("found 12.5 ETH")
    check_page(page, "answer-sign")
    sign_act(page)
    expect(page.get_by_role("heading", name="What you hold")).to_be_visible()
    check_page(page, "answer-held")
    lines = read(served, asker, view["id"], "ledger")
    assert [(x["kind"], x["amount"]) for x in lines] == [
        ("found", str(25 * ETH // 2)),
        ("frozen", str(25 * ETH // 2)),
    ]
    acts = {x["act"]: x["kind"] for x in read(served, asker, view["id"], "evidence")}
    assert acts["acknowledge"] == acts["report"] == "webauthn"


def test_decline_says_what_is_missing(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    fold = open_fold(page, "decline")
    fold.get_by_label("Why").select_option("insufficient_evidence")
    fold.get_by_label("In a sentence").fill("Nothing links it to the theft")
    fold.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("alert")).to_contain_text("2 things are missing or wrong")
    expect(page.locator("#f-decline-detail")).to_have_value("Nothing links it to the theft")
    check_page(page, "answer-decline")
    page.locator("#f-decline-missing").fill("The theft's transaction\nA police report")
    page.locator("#f-decline-retry").check()
    page.locator("#decline").get_by_role("button", name="Decline").click()
    sign_act(page)
    expect(page.get_by_text("Declined", exact=True)).to_be_visible()
    expect(page.locator("#decline")).to_have_count(1)
    leg = read(served, asker, view["id"], "legs")[0]
    assert (leg["status"], leg["decline_code"]) == ("declined", "insufficient_evidence")
    body = next(x for x in read(served, asker, view["id"], "evidence") if x["act"] == "decline")
    assert '"missing":["The theft\'s transaction","A police report"]' in body["body"]


def test_a_table_with_three_faults_is_mended_on_the_page(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    accounts = [f"eip155:1:0x{number:040x}" for number in range(0xA0, 0xA4)]
    stated = [
        {"account": each, "asset": factories.ETHER, "amount": str(5 * ETH)} for each in accounts
    ]
    view = sent(served, asker, asked, addresses=stated)
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    fold = open_fold(page, "by-table")
    good = f"kind,no,address,amount,code\nfound,0,,2 ETH,\nfrozen,,{accounts[0][9:]},2 ETH,\n"
    fold.get_by_label("The table").fill(f"{good}found,1,,1500,\nfound,9,,1 ETH,\ngone,2,,1 ETH,\n")
    fold.get_by_role("button", name="Check the table").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("3 things are missing or wrong")
    expect(alert).to_contain_text("Line 4: Amount: '1500' has no unit")
    expect(alert).to_contain_text("Line 5: No. 9 is not in this request.")
    expect(alert).to_contain_text("Line 6: 'gone' is no kind")
    check_page(page, "answer-table")
    table = page.locator("#f-table-table")
    expect(table).to_have_value(re.compile("gone,2"))
    assert read(served, asker, view["id"], "ledger") == []
    table.fill(f"{good}found,1,,7 ETH,\nnothing,rest,,,no_match\n")
    page.get_by_role("button", name="Check the table").click()
    beyond = "Line 4: 7 ETH would be found for no. 1, for which the request states 5 ETH"
    expect(page.get_by_role("alert")).to_contain_text(beyond)
    page.locator("#f-table-table").fill(f"{good}found,1,,1.5 ETH,\nnothing,rest,,,no_match\n")
    page.get_by_role("button", name="Check the table").click()
    check_page(page, "answer-table-sign")
    sign_act(page)
    expect(page.get_by_text("Signed: Report")).to_be_visible()
    lines = read(served, asker, view["id"], "ledger")
    assert [(x["kind"], x.get("amount")) for x in lines] == [
        ("found", str(2 * ETH)),
        ("frozen", str(2 * ETH)),
        ("found", str(3 * ETH // 2)),
        ("nothing", None),
    ]


def test_what_is_held_is_never_released_twice(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    hold = frozen(served, asked.compliance, view)["hold"]
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    key = f"release-{hold[-8:]}"
    open_fold(page, key).get_by_label("How much").fill("3.5 ETH")
    page.locator(f"#{key}").get_by_role("button", name="Release").click()
    over = "3.5 ETH would have left this hold, of which only 3 ETH was frozen"
    expect(page.get_by_role("alert")).to_contain_text(over)
    expect(page.locator(f"#f-{key}-amount")).to_have_value("3.5 ETH")
    expect(page.locator(f"#f-{key}-amount-error")).to_contain_text(over)
    page.locator(f"#f-{key}-amount").fill("500")
    page.locator(f"#{key}").get_by_role("button", name="Release").click()
    expect(page.get_by_role("alert")).to_contain_text("has no unit")
    check_page(page, "answer-release-fault")
    page.locator(f"#f-{key}-amount").fill("1 ETH")
    page.locator(f"#{key}").get_by_role("button", name="Release").click()
    sign_act(page)
    expect(page.get_by_role("heading", name="2 ETH held")).to_be_visible()
    assert read(served, asker, view["id"], "holds")[0]["released"] == str(ETH)


def test_a_release_after_a_withdrawal_settles_what_is_owed(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    hold = frozen(served, asked.compliance, view)["hold"]
    withdrawn = served.post(
        asker.lead,
        f"/v1/freeze-requests/{view['id']}/withdrawal",
        {
            "content_sha256": view["content_sha256"],
            "addresses": "all",
            "reason_code": "wrong_target",
            "reason": "We misread the trace",
        },
    )
    assert withdrawn.status_code == 201, withdrawn.text
    sign_in(page, served, asked.compliance)
    check_page(page, "answer-home-settle")
    page.get_by_role("link", name="Answer").first.click()
    expect(page.get_by_text("the wrong account was flagged")).to_be_visible()
    expect(page.get_by_text("We misread the trace").first).to_be_visible()
    check_page(page, "answer-owed")
    key = f"release-{hold[-8:]}"
    fold = open_fold(page, key)
    fold.get_by_label("Why").select_option("withdrawn")
    fold.get_by_role("button", name="Release").click()
    sign_act(page)
    expect(page.get_by_text("Signed: Release")).to_be_visible()
    expect(page.get_by_text("Answer owed")).to_have_count(0)
    assert served.get(asked.compliance, "/v1/holds/owed").json()["items"] == []


def test_keep_extend_return_and_correct(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    line = frozen(served, asked.compliance, view)
    key = line["hold"][-8:]
    now = served.clock.now()
    wished = in_hours(now, 120)
    served.post(
        asker.lead,
        f"/v1/freeze-requests/{view['id']}/extension-requests",
        {
            "content_sha256": view["content_sha256"],
            "hold": line["hold"],
            "hold_expires_at": wished,
            "reason": "The order takes a week",
        },
    )
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    expect(page.get_by_text("The order takes a week")).to_be_visible()
    fold = open_fold(page, f"extend-{key}")
    expect(fold.get_by_label("New end, UTC")).to_have_value(wished[:16])
    check_page(page, "answer-extend")
    fold.get_by_role("button", name="Extend").click()
    sign_act(page)
    expect(page.get_by_text("Signed: Hold what you froze")).to_be_visible()
    expect(page.get_by_text("The order takes a week")).to_have_count(0)
    assert read(served, asker, view["id"], "holds")[0]["hold_expires_at"][:16] == wished[:16]
    fold = open_fold(page, f"return-{key}")
    fold.get_by_label("How much").fill("1 ETH")
    fold.get_by_role("button", name="Report it returned").click()
    expect(page.get_by_role("alert")).to_contain_text("Name the transaction")
    page.locator(f"#f-return-{key}-tx").fill("0x" + "ab" * 32)
    page.locator(f"#return-{key}").get_by_role("button", name="Report it returned").click()
    sign_act(page)
    expect(page.get_by_role("heading", name="2 ETH held")).to_be_visible()
    wrong = f"correct-{line['id'][-8:]}"
    fold = open_fold(page, wrong)
    fold.get_by_label("What it should have said").fill("2.5 ETH")
    fold.get_by_label("What was wrong").fill("Half was somebody else's")
    check_page(page, "answer-correct")
    fold.get_by_role("button", name="Correct it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("it said 3 ETH")
    sign_act(page)
    expect(page.get_by_role("heading", name="1.5 ETH held")).to_be_visible()
    assert read(served, asker, view["id"], "ledger")[-1]["corrects"] == line["id"]


def test_a_dispute_and_an_order(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    hold = frozen(served, asked.compliance, view)["hold"]
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    fold = open_fold(page, "dispute")
    fold.get_by_label("What is contested").select_option("good_faith")
    fold.get_by_label("Which hold").select_option(hold)
    fold.get_by_label("Why").fill("Paid for a car, with an invoice")
    fold.get_by_label("Your word for the matter").fill("12")
    fold.get_by_role("button", name="Dispute").click()
    expect(page.locator("#f-dispute-reference-error")).to_be_visible()
    check_page(page, "answer-dispute")
    page.locator("#f-dispute-reference").fill("matter-12")
    page.locator("#dispute").get_by_role("button", name="Dispute").click()
    sign_act(page)
    expect(page.get_by_text("You dispute this; the requester is to answer.")).to_be_visible()
    found = read(served, asker, view["id"], "disputes")[0]
    assert (found["hold"], found["text"]) == (
        hold,
        "Good-faith claim. Paid for a car, with an invoice",
    )
    fold = open_fold(page, "order")
    fold.get_by_label("Authority").fill("Landgericht Berlin")
    fold.get_by_label("Number of the order").fill("12 O 7/26")
    fold.get_by_label("SHA-256 of the document").fill("ab" * 31)
    fold.get_by_role("button", name="Attach the order").click()
    expect(page.locator("#f-order-document_sha256-error")).to_be_visible()
    page.locator("#f-order-document_sha256").fill("AB" * 32)
    page.locator("#order").get_by_role("button", name="Attach the order").click()
    sign_act(page)
    expect(page.get_by_text("Landgericht Berlin").last).to_be_visible()
    check_page(page, "answer-papers")
    assert read(served, asker, view["id"], "legal-orders")[0]["document_sha256"] == "ab" * 32


def test_an_analyst_sees_what_an_analyst_may_do_and_reads_why(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    frozen(served, asked.compliance, view)
    sign_in(page, served, asked.analyst)
    open_answer(page, served, view["id"])
    expect(page.get_by_role("heading", name="What you may not do")).to_be_visible()
    expect(page.get_by_text("Your role does not give you declining, releasing")).to_be_visible()
    for act in ("decline", "dispute", "order"):
        expect(page.locator(f"#{act}")).to_have_count(0)
    expect(page.get_by_text("Release…")).to_have_count(0)
    expect(page.locator("#ask")).to_have_count(1)
    check_page(page, "answer-analyst")


def test_what_the_requester_wrote_stays_a_quotation(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    address = {
        "account": factories.ACCOUNT,
        "asset": factories.ETHER,
        "amount": str(9 * ETH),
        "note": SCRIPT[:150],
    }
    incident = {"title": SCRIPT[:100], "kind": "hack", "occurred_at": "2026-03-02T09:00:00Z"}
    view = sent(served, asker, asked, summary=SCRIPT, addresses=[address], incident=incident)
    page_dialogs: list[str] = []
    page.on("dialog", lambda dialog: page_dialogs.append(dialog.message))
    sign_in(page, served, asked.lead)
    open_answer(page, served, view["id"])
    expect(page.get_by_text("alert(1)").first).to_be_visible()
    check_page(page, "answer-hostile")
    open_fold(page, "ask").get_by_label("What you need").fill("A report")
    page.locator("#ask").get_by_role("button", name="Ask").click()
    check_page(page, "answer-hostile-sign")
    assert page_dialogs == []


def test_twenty_thousand_addresses_are_paged_and_searched_and_nothing_typed_is_lost(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    addresses = [
        {"account": f"eip155:1:0x{number:040x}", "asset": factories.ETHER, "amount": str(ETH)}
        for number in range(1, 20_001)
    ]
    view = sent(served, asker, asked, addresses=addresses)
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    expect(page.get_by_role("heading", level=1)).to_contain_text("20\u202f000")
    page.get_by_role("textbox", name="Found at no. 3").fill("1 ETH")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("26 to 50 of")).to_be_visible()
    expect(page.get_by_role("textbox", name="Found at no. 3", exact=True)).to_have_value("1 ETH")
    page.get_by_role("searchbox", name="Find an address").fill(f"{19_999:x}")
    page.get_by_role("searchbox", name="Find an address").press("Enter")
    page.get_by_role("textbox", name="Found at no. 19998").fill("0.5 ETH")
    page.get_by_role("textbox", name="Frozen at no. 19998").fill("0.5 ETH")
    page.get_by_label("Nothing on all the addresses that have no answer yet").check()
    check_page(page, "answer-20000")
    page.get_by_role("button", name="See what you report").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("found 1.5 ETH")
    sign_act(page)
    expect(page.get_by_text("Signed: Report")).to_be_visible()
    lines = read(served, asker, view["id"], "ledger")
    assert [(x["kind"], x.get("address_no")) for x in lines] == [
        ("found", 3),
        ("found", 19_998),
        ("frozen", 19_998),
        ("nothing", None),
    ]
    assert read(served, asker, view["id"], "legs")[0]["answered_at"]


def test_a_flash_says_that_nobody_stands_by_it_yet(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    body = factories.freeze_request_body(to=[asked.handle], urgency="flash")
    policy = {"policy": {"may_flash": [asker.analyst.subject]}}
    assert served.post(asker.root, "/v1/grants", policy).status_code == 201
    made = served.post(asker.analyst, "/v1/freeze-requests", body).json()
    assert made["provisional"], made
    sign_in(page, served, asked.compliance)
    open_answer(page, served, made["id"])
    expect(page.get_by_text("A flash: it went out at once")).to_be_visible()
    expect(page.get_by_text("Provisional: no lead of theirs stands by it yet")).to_be_visible()
    check_page(page, "answer-flash")


def test_what_was_taken_back_is_kept_on_a_ground_and_the_rest_seized(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    view = sent(served, asker, asked)
    hold = frozen(served, asked.compliance, view)["hold"]
    withdrawn = served.post(
        asker.lead,
        f"/v1/freeze-requests/{view['id']}/withdrawal",
        {
            "content_sha256": view["content_sha256"],
            "addresses": "all",
            "reason_code": "resolved",
            "reason": "Settled",
        },
    )
    assert withdrawn.status_code == 201, withdrawn.text
    sign_in(page, served, asked.compliance)
    open_answer(page, served, view["id"])
    keep = f"keep-{hold[-8:]}"
    fold = open_fold(page, keep)
    fold.get_by_role("button", name="Keep it").click()
    expect(page.locator(f"#f-{keep}-hold_expires_at-error")).to_have_text("Say until when.")
    until = in_hours(served.clock.now(), 24)[:16]
    page.locator(f"#f-{keep}-hold_expires_at").fill(until)
    check_page(page, "answer-keep")
    page.locator(f"#{keep}").get_by_role("button", name="Keep it").click()
    sign_act(page)
    expect(page.get_by_text("Signed: Keep the hold")).to_be_visible()
    expect(page.get_by_text("Answer owed")).to_have_count(0)
    seize = f"seize-{hold[-8:]}"
    fold = open_fold(page, seize)
    fold.get_by_label("Which authority took it").fill("Bundeskriminalamt")
    fold.get_by_role("button", name="Report it seized").click()
    sign_act(page)
    expect(page.get_by_text("Signed: Report that Bundeskriminalamt")).to_be_visible()
    kept = read(served, asker, view["id"], "holds")[0]
    assert (kept["basis"], kept["seized"]) == ("own_policy", str(3 * ETH))
