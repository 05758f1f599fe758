"""Deciding: a lead sees what is asked and what may be wrong, and approves, cuts or rejects it."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from holdfast.protocol import membership_payloads
from holdfast.protocol.payloads import format_time
from tests.browser.conftest import NewPage, on_both
from tests.browser.deciding import address, name_people, open_decision, submit
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import ETHER, Exchange

pytestmark = pytest.mark.processes


def test_an_approval_by_passkey_accepts_each_warning_and_reaches_the_partners(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    name_people(served, asker)
    request_id = submit(served, asker)
    sign_in(page, served, asker.lead)
    open_decision(page, served, request_id)
    expect(page.get_by_role("heading", level=1)).to_contain_text("asks 3 partners to freeze")
    check_page(page, "decide")
    page.get_by_role("button", name="Approve all 5").first.click()
    expect(page.get_by_role("alert")).to_contain_text("2 things are missing or wrong")
    check_page(page, "decide-missing")
    page.get_by_label("Why is no. 2 right all the same?").fill("All nine deposits are ours.")
    page.get_by_label("Why is it right all the same?").fill("Copied from the explorer.")
    page.get_by_role("button", name="Approve all 5").first.click()
    check_page(page, "decide-sign")
    sign_act(page)
    expect(page.get_by_role("heading", name="How it was decided")).to_be_visible()
    check_page(page, "decide-decided")
    view = served.get(asker.lead, f"/v1/freeze-requests/{request_id}").json()
    assert (view["status"], view["approvals"][0]["person"]) == ("active", asker.lead.subject)
    acts = served.get(asked.analyst, f"/v1/freeze-requests/{request_id}/evidence").json()["items"]
    kinds = {act["act"]: act["kind"] for act in acts}
    assert kinds["approve"] == "webauthn"


def test_an_approval_leaves_two_addresses_out_and_the_digits_follow(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    name_people(served, asker)
    request_id = submit(served, asker)
    sign_in(page, served, asker.lead)
    open_decision(page, served, request_id)
    digits = page.locator("[data-shown] .digits")
    for number in (2, 4):
        before = digits.inner_text()
        page.get_by_label(f"Leave out no. {number}").check()
        expect(digits).not_to_have_text(before)  # they are worked out beside the page
    expect(page.get_by_role("button", name="Approve 3, leave out no. 2 and 4")).to_be_visible()
    after = digits.inner_text()
    page.get_by_role("button", name="Approve 3").first.click()
    signed = page.locator(".sign__digits .digits").inner_text()
    assert "".join(signed.split()) == "".join(after.split())
    expect(page.get_by_text(f"holdfast verify-approval {request_id} --except 2,4")).to_be_visible()
    check_page(page, "decide-sign-left-out")
    sign_act(page)
    expect(page.get_by_text("approved without no. 2, 4")).to_be_visible()
    read = served.get(asked.analyst, f"/v1/freeze-requests/{request_id}/addresses").json()
    assert [each["address_no"] for each in read["items"]] == [0, 1, 3]


def test_a_rejection_takes_a_reason_and_keeps_what_was_typed(
    served: Served, asker: Exchange, page: Page
) -> None:
    request_id = submit(served, asker)
    sign_in(page, served, asker.lead)
    open_decision(page, served, request_id)
    page.get_by_label("Why is no. 2 right all the same?").fill("Looked at each deposit.")
    page.locator("#reject summary").click()
    page.locator("#reject").get_by_role("button", name="Reject").click()
    page.get_by_role("link", name="Say why you reject it.").click()
    expect(page.get_by_label("Reason", exact=True)).to_be_focused()
    expect(page.get_by_label("Why is no. 2 right all the same?")).to_have_value(
        "Looked at each deposit."
    )
    check_page(page, "decide-reject")
    page.get_by_label("Reason", exact=True).fill("These are our own wallets.")
    page.locator("#reject").get_by_role("button", name="Reject").click()
    sign_act(page)
    expect(page.get_by_role("heading", name="How it was decided")).to_be_visible()
    expect(page.get_by_text("These are our own wallets.")).to_be_visible()
    view = served.get(asker.lead, f"/v1/freeze-requests/{request_id}").json()
    assert (view["status"], view["approvals"][0]["comment"]) == (
        "rejected",
        "These are our own wallets.",
    )


@on_both
def test_of_two_leads_on_a_flash_one_decides_and_the_other_reads_who_did(
    served: Served, asker: Exchange, new_page: NewPage
) -> None:
    name_people(served, asker)
    policy = {"policy": policy_of(asker)}
    assert served.post(asker.root, "/v1/grants", policy).status_code == 201
    request_id = submit(
        served, asker, urgency="flash", addresses=[address(0), address(1), address(3)]
    )
    phone, laptop = new_page(), new_page()
    phone.set_viewport_size({"width": 360, "height": 800})
    sign_in(phone, served, asker.lead)
    sign_in(laptop, served, asker.second_lead)
    for page in (phone, laptop):
        open_decision(page, served, request_id)
    expect(phone.get_by_text("Sent already (flash).")).to_be_visible()
    check_page(phone, "decide-flash")
    phone.locator(".actionbar").get_by_role("button", name="Ratify all 3").click()
    laptop.get_by_role("button", name="Ratify all 3").first.click()
    sign_act(laptop)
    expect(laptop.get_by_role("heading", name="How it was decided")).to_be_visible()
    sign_act(phone)
    expect(phone.get_by_text("That was refused, and nothing changed.")).to_be_visible()
    phone.get_by_role("link", name="See how it stands now").click()
    expect(phone.get_by_text("Tom Okafor approved")).to_be_visible()
    check_page(phone, "decide-too-late")


def test_whoever_submitted_reads_why_they_cannot_decide_and_who_can(
    served: Served, asker: Exchange, page: Page
) -> None:
    name_people(served, asker)
    request_id = submit(served, asker, by=asker.lead)
    sign_in(page, served, asker.lead)
    open_decision(page, served, request_id)
    expect(page.get_by_text("You submitted this.")).to_be_visible()
    expect(page.get_by_text("Tom Okafor can.")).to_be_visible()
    check_page(page, "decide-cannot")


def test_twenty_thousand_addresses_are_a_page_that_one_can_search(
    served: Served, asker: Exchange, page: Page
) -> None:
    addresses = [
        {"account": f"eip155:1:0x{number + 1:040x}", "asset": ETHER, "amount": str(10**18 + number)}
        for number in range(300, 20_300)
    ]
    request_id = submit(served, asker, addresses=addresses)
    sign_in(page, served, asker.lead)
    open_decision(page, served, request_id)
    expect(page.get_by_role("button", name="Approve all 20")).to_be_visible()
    page.get_by_role("searchbox", name="Find an address").fill(f"{20_000 + 1:x}")
    page.get_by_role("button", name="Find", exact=True).last.click()
    page.get_by_label("Leave out no. 19700").check()
    page.get_by_role("searchbox", name="Find an address").fill("")
    page.get_by_role("button", name="Find", exact=True).last.click()
    expect(page.get_by_label("No. 19700")).to_be_checked()
    check_page(page, "decide-many")


def test_another_lead_asks_the_partners_that_one_proposed(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    name_people(served, asker)
    request_id = submit(served, asker, to=[asked.handle], addresses=[address(0)])
    view = served.get(asker.lead, f"/v1/freeze-requests/{request_id}").json()
    names = ("content_sha256", "context_sha256")
    approval = {name: view[name] for name in names} | {"decision": "approve"}
    path = f"/v1/freeze-requests/{request_id}"
    assert served.post(asker.lead, f"{path}/approvals", approval).status_code == 201
    more = {"content_sha256": view["content_sha256"], "to": [served.cast.c.handle]}
    proposed = served.post(asker.second_lead, f"{path}/partners", more)
    assert proposed.status_code == 201, proposed.text
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/requests/{request_id}/additions/{proposed.json()['id']}")
    check_page(page, "addition")
    page.get_by_role("button", name="more partner").click()
    check_page(page, "addition-sign")
    sign_act(page)
    expect(page.get_by_role("heading", name="How it was decided")).to_be_visible()
    assert served.get(asker.lead, path).json()["to"] == [asked.handle, served.cast.c.handle]


@on_both
def test_another_lead_lets_go_what_one_proposed(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    name_people(served, asker)
    policy = {"policy": policy_of(asker, withdrawal_quorum=2)}
    assert served.post(asker.root, "/v1/grants", policy).status_code == 201
    request_id = submit(served, asker, to=[asked.handle], addresses=[address(0)])
    view = served.get(asker.lead, f"/v1/freeze-requests/{request_id}").json()
    path = f"/v1/freeze-requests/{request_id}"
    about = {"content_sha256": view["content_sha256"]}
    approval = {**about, "context_sha256": view["context_sha256"], "decision": "approve"}
    assert served.post(asker.lead, f"{path}/approvals", approval).status_code == 201
    assert served.post(asked.compliance, f"{path}/acknowledgement", about).status_code == 201
    amount = {"address_no": 0, "asset": ETHER, "amount": "1250000000000000000000"}
    now = served.clock.now()
    hold = {
        "frozen_at": format_time(now),
        "hold_expires_at": format_time(now + timedelta(hours=24)),
        "basis": "voluntary",
    }
    lines = [{"kind": "found", **amount}, {"kind": "frozen", **hold, **amount}]
    report = served.post(asked.compliance, f"{path}/freeze-reports", {**about, "lines": lines})
    assert report.status_code == 201, report.text
    body = {"addresses": "all", "reason_code": "wrong_target", "reason": "A partner's own wallet."}
    proposed = served.post(asker.second_lead, f"{path}/withdrawal", {**about, **body}).json()
    sign_in(page, served, asker.lead)
    withdrawal = proposed["withdrawal"]["id"]
    page.goto(f"{served.console}/console/requests/{request_id}/withdrawals/{withdrawal}")
    expect(page.get_by_text("1\u202f250\xa0ETH")).to_be_visible()
    check_page(page, "withdrawal")
    page.get_by_role("button", name="Let go").click()
    sign_act(page)
    expect(page.get_by_text("This is approved.").first).to_be_visible()
    assert served.get(asker.lead, path).json()["status"] == "withdrawn"


def policy_of(asker: Exchange, **members: object) -> dict[str, object]:
    """Return a policy under which its analyst may send a flash at once."""
    policy = membership_payloads.Policy().model_dump(mode="json")
    return policy | {"may_flash": [asker.analyst.subject], **members}
