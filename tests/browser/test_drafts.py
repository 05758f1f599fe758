"""Submitting: what was pasted becomes a checked draft, is mended, shown, signed, and waits."""

import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests import factories
from tests.browser.conftest import on_both
from tests.browser.pages import MOST_BYTES, check_page, watch_of
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange
from tests.partners.test_workbooks import workbook

pytestmark = pytest.mark.processes

FIRST, SECOND = (
    "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D",
    "0x96244D83DC15d36847C35209bBDc5bdDE9bEc3D8",
)
THIRD = "0xb172F7e99452446f18FF49A71bfEeCf0873003b4"
SHORT = THIRD[:-1]
SOLANA = "G3udanrxk8stVe8Se2zXmJ3QwU8GSFJMn28mTfn8t1kq"
SCRIPT = "<script>document.title='taken'</script><b onclick=x>\u202egnp.exe"
CHAT = f"""[03:12] Anna: they are in the hot wallet!! {SCRIPT}
[03:14] Ben: ETH: {FIRST} 12.5 ETH
> hxxps://etherscan[.]io/address/{SECOND}
[03:15] Anna: next hop on Ethereum {SHORT} 3 ETH
[03:16] Ben: same one again, ETH {FIRST}
[03:16] Ben: 0x51E9d833\u2026398C135D sent more

[03:17] Anna: and then {SOLANA}
"""


def begin(page: Page, served: Served, text: str) -> None:
    page.goto(f"{served.console}/console/requests/new")
    page.get_by_label("What you have").fill(text)
    page.get_by_role("button", name="Make a draft of it").click()
    expect(page).to_have_url(re.compile("/console/drafts/drf_"))


def tell(page: Page, *partners: str, title: str = "Hot wallet theft") -> None:
    page.get_by_label("What happened, in a few words").fill(title)
    page.get_by_label("When, in UTC").fill("2026-03-02T09:00")
    page.get_by_label("Summary").fill("Proceeds of the theft, still moving.")
    for handle in partners:
        page.get_by_role("checkbox", name=handle).check()


def test_a_chat_becomes_a_request_that_waits_for_a_lead(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    sign_in(page, served, asker.analyst)
    page.goto(f"{served.console}/console/requests/new")
    check_page(page, "submit-new")
    begin(page, served, CHAT)
    expect(page.get_by_label("Line 4", exact=True)).to_have_value(re.compile(SHORT))
    expect(page.get_by_label("Line 6", exact=True)).to_be_visible()
    expect(page.get_by_text("the same account as line 2, taken with the asset")).to_be_visible()
    assert page.title() != "taken"
    check_page(page, "submit-draft-faults")

    page.get_by_label("Line 4", exact=True).fill(f"on Ethereum {THIRD} 3 ETH")
    page.get_by_label("Leave line 6 out").check()
    page.get_by_label("The chain of this address").select_option("Solana")
    tell(page, asked.handle, title=f"Theft {SCRIPT}")
    page.get_by_role("button", name="Read it again").click()
    expect(page.get_by_role("heading", name="Nothing in it is wrong")).to_be_visible()
    check_page(page, "submit-draft")

    page.get_by_label("What happened, in a few words").fill("Hot wallet theft")
    page.get_by_role("button", name="See what will be signed").click()
    expect(page.get_by_text("No partner learns of it until")).to_be_visible()
    check_page(page, "submit-preview")
    page.get_by_role("button", name="Sign it by passkey").click()
    check_page(page, "submit-sign")
    sign_act(page)
    expect(page.get_by_role("heading", name="A security lead must now decide")).to_be_visible()
    check_page(page, "submit-submitted")

    [made] = served.get(asker.lead, "/v1/freeze-requests?box=sent").json()["items"]
    assert (made["status"], made["address_count"]) == ("submitted", 4)
    page.goto(f"{served.console}/console/requests/new")
    expect(page.get_by_text("None is kept")).to_be_visible()


def upload(page: Page, served: Served, name: str, content: bytes) -> None:
    page.goto(f"{served.console}/console/requests/new")
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    page.get_by_label("Or a file").set_input_files(file)
    page.get_by_role("button", name="Make a draft of it").click()


def test_a_workbook_and_a_list_with_faults_are_mended_line_by_line(
    served: Served, asker: Exchange, page: Page
) -> None:
    sign_in(page, served, asker.analyst)
    rows: list[list[Any]] = [
        ["chain", "address", "amount"],
        ["eth", FIRST, "1.5 ETH"],
        ["eth", SECOND, 1.23e22],
        ["eth", SHORT, "2 ETH"],
    ]
    upload(page, served, "list.xlsx", workbook(rows))
    expect(page.get_by_text("of which Excel keeps 15 digits").first).to_be_visible()
    page.get_by_label("Line 3", exact=True).fill(f"eth\t{SECOND}\t12300 ETH")
    page.get_by_label("Line 4", exact=True).fill(f"eth\t{THIRD}\t2 ETH")
    page.get_by_role("button", name="Read it again").click()
    expect(page.get_by_role("heading", name="Found 3 addresses")).to_contain_text(
        re.compile("12.303.5")
    )

    rows_of_csv = (
        f"account;amount;note\neip155:1:{FIRST};1,5 ETH;{SCRIPT}\neip155:1:{SHORT};1 ETH;x"
    )
    upload(page, served, "list.csv", rows_of_csv.encode())
    expect(page.get_by_label("Line 2", exact=True)).to_be_visible()
    expect(page.get_by_label("Line 3", exact=True)).to_be_visible()
    check_page(page, "submit-csv")
    page.get_by_label("Leave line 3 out").check()
    page.get_by_label("Line 2", exact=True).fill(f"eip155:1:{FIRST};1.5 ETH;seen {SCRIPT}")
    page.get_by_role("button", name="Read it again").click()
    page.get_by_role("link", name="Change no. 1").click()
    expect(page.get_by_label("Amount")).to_have_value("1.5 ETH")
    page.get_by_label("Amount").fill("1.5 HTE")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_page(page, "submit-address")
    page.get_by_label("Amount").fill("2 ETH")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text(re.compile("stated: 2.ETH"))).to_be_visible()

    upload(page, served, "list.csv", b"account,note\n\xff\xfe\xfa,x")
    expect(page.get_by_text("CSV UTF-8").first).to_be_visible()


@on_both
def test_a_draft_is_kept_and_two_tabs_do_not_overwrite_each_other(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    sign_in(page, served, asker.analyst)
    begin(page, served, f"ETH: {FIRST} 1 ETH")
    draft = page.url
    page.get_by_role("button", name="See what will be signed").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose which partners to ask")
    check_page(page, "submit-missing")
    tell(page, asked.handle, title="Kept over the night")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.get_by_text("Kept", exact=True)).to_be_visible()

    other = page.context.new_page()
    other.goto(draft)
    other.get_by_label("Summary").fill("What the other tab says.")
    other.get_by_role("button", name="Keep the draft").click()
    expect(other.get_by_text("Kept", exact=True)).to_be_visible()
    page.get_by_label("Summary").fill("What the first tab says.")
    page.get_by_role("button", name="See what will be signed").click()
    expect(page.get_by_role("heading", name="changed in another tab")).to_be_visible()
    expect(page.get_by_label("Summary")).to_have_value("What the first tab says.")
    other.reload()
    expect(other.get_by_label("Summary")).to_have_value("What the other tab says.")
    other.close()

    page.locator("summary[aria-label=Menu]").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{served.console}/console/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("link", name="Your draft: Kept over the night").first).to_be_visible()
    check_page(page, "home-draft")
    page.goto(draft)
    page.get_by_text("Throw the draft away").click()
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_text("None is kept")).to_be_visible()
    assert page.goto(draft).status == 404  # type: ignore[union-attr]  # there is an answer


def test_money_that_moved_on_is_followed_by_a_ready_draft(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    body = factories.freeze_request_body(to=[asked.handle])
    made = served.post(asker.analyst, "/v1/freeze-requests", body).json()
    path, about = f"/v1/freeze-requests/{made['id']}", {"content_sha256": made["content_sha256"]}
    approval = {**about, "decision": "approve", "context_sha256": made["context_sha256"]}
    accepted = [
        {"code": each["code"], "address_nos": "all", "reason": "checked"}
        for each in made["warnings"]
    ]
    approved = served.post(
        asker.lead, f"{path}/approvals", {**approval, "warnings_accepted": accepted}
    )
    assert approved.status_code == 201, approved.text
    onward = {"account": "tron:0x2b6653dc:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}
    onward["service"] = served.cast.c.handle
    said = served.post(asked.lead, f"{path}/decline", {**about, "code": "moved_on", "next": onward})
    assert said.status_code == 201, said.text

    sign_in(page, served, asker.analyst)
    page.goto(f"{served.console}/console/requests/new?follows={made['id']}")
    check_page(page, "submit-follows")
    page.get_by_role("button", name="Make a draft of it").click()
    expect(page.get_by_label("Incident")).not_to_have_value("")
    page.get_by_role("button", name="See what will be signed").click()
    expect(page.get_by_text("The contract of a token")).to_be_visible()
    check_page(page, "submit-preview-warned")
    page.get_by_role("button", name="Sign it by passkey").click()
    sign_act(page)
    expect(page.get_by_role("heading", name="A security lead must now decide")).to_be_visible()
    page.get_by_role("link", name="See the request").get_attribute("href")
    newest = served.get(asker.lead, "/v1/freeze-requests?box=sent").json()["items"][0]
    whole = served.get(asker.lead, f"/v1/freeze-requests/{newest['id']}").json()
    assert whole["follows"] == made["id"]


def test_an_auditor_reads_why_not(served: Served, asker: Exchange, page: Page) -> None:
    sign_in(page, served, asker.auditor)
    page.goto(f"{served.console}/console/requests/new")
    expect(page.get_by_role("heading", name="You cannot submit a request")).to_be_visible()
    check_page(page, "submit-may-not")


def test_a_list_of_20_000_lines_pages(
    served: Served,
    asker: Exchange,
    asked: Exchange,
    page: Page,
) -> None:
    sign_in(page, served, asker.analyst)
    rows = [f"eip155:1:0x{number:040x};{number} ETH" for number in range(1_000, 21_000)]
    upload(page, served, "list.csv", "\n".join(["account;amount", *rows]).encode())
    expect(page.get_by_text("1 to 50 of")).to_be_visible()
    assert watch_of(page).transferred <= MOST_BYTES
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("51 to 100 of")).to_be_visible()
    check_page(page, "submit-20000", themes=["light"])
    tell(page, asked.handle)
    page.get_by_role("button", name="See what will be signed").click()
    expect(page.get_by_text("Written without its checksum")).to_be_visible()
    assert watch_of(page).transferred <= MOST_BYTES
    page.get_by_role("button", name="Sign it by passkey").click()
    sign_act(page)
    expect(page.get_by_role("heading", name="A security lead must now decide")).to_be_visible()
