"""A claimant from the link to an objection, and on to the payment."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from holdfast.protocol.payloads import format_time
from tests.browser.followed import live
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.factories import ETHER, Exchange, Member, nonce
from tests.services.restoring_cast import RESTITUTIONS, claim
from tests.services.test_claim_links import link

pytestmark = pytest.mark.processes

NewPage = Callable[[], Page]
TOKEN = "Tk" + "7" * 41
ETH = 10**18


def test_a_claimant_objects_by_their_link_and_sees_it_paid(
    served: Served, asker: Exchange, new_page: NewPage
) -> None:
    case = live(served, asker)
    now = served.clock.now()
    terms = {
        "nonce": nonce(),
        "incident": case.request["incident"]["id"],
        "asset": ETHER,
        "verify_by_two_above": str(1_000 * ETH),
        "claims_close_at": format_time(now + timedelta(days=30)),
        "objections_until": format_time(now + timedelta(days=60)),
        "unclaimed_to": "Those whose claims were paid, in equal shares.",
    }
    rst = _posted(served, asker.compliance, RESTITUTIONS, terms)
    path = f"{RESTITUTIONS}/{rst['id']}"

    def act(member: Member, name: str, **members: Any) -> dict[str, Any]:
        body = {"content_sha256": rst["content_sha256"], **members}
        return _posted(served, member, f"{path}/{name}", body)

    filed = act(asker.compliance, "claims", claims=[claim(1, 5 * ETH // 2)])
    claim_id = filed["claims"][0]["id"]
    made = act(asker.compliance, "claim-links", links=[link(claim_id, TOKEN)])
    why = {"code": "other", "reason": "The deposit is on no list of the bridge."}
    act(asker.lead, f"claims/{claim_id}/decisions", decision="reject", **why)

    page = new_page()
    page.goto(f"{made['page']}#{TOKEN}")
    expect(page.get_by_role("button", name="Show my claim")).to_be_visible()
    expect(page).to_have_url(made["page"])
    check_page(page, "claim-door")
    page.get_by_role("button", name="Show my claim").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("rejected")
    check_page(page, "claim-rejected")
    page.get_by_label("What is wrong").fill("Write to me at someone@mail.example.")
    page.get_by_role("button", name="Send this objection").click()
    expect(page.get_by_text("Leave out names").first).to_be_visible()
    page.get_by_label("What is wrong").fill("It is deposit 17 of the list of 2 March.")
    page.get_by_role("button", name="Send this objection").click()
    expect(page.get_by_text("Your objection is recorded")).to_be_visible()
    check_page(page, "claim-contested")
    page.reload()  # it brings the same form again, which is refused: it is contested already
    page.goto(f"{made['page']}#{'x' * 43}")
    page.goto(f"{made['page']}#{'y' * 43}")  # in the same tab, on the same page
    expect(page).to_have_url(made["page"])
    page.get_by_role("button", name="Show my claim").click()
    expect(page.get_by_text("This link opens nothing")).to_be_visible()
    check_page(page, "claim-nothing")

    act(asker.lead, f"claims/{claim_id}/decisions", decision="verify")
    back = {"kind": "returned", "asset": ETHER, "amount": str(2 * ETH), "tx": "0x" + "ab" * 32}
    act(asker.compliance, "pool-lines", lines=[back])
    part = {"claim": claim_id, "value": str(5 * ETH // 2), "before": "0", "amount": str(2 * ETH)}
    allocated = act(
        asker.compliance, "allocations", method="pro_rata", pool=str(2 * ETH), claims=[part]
    )
    for lead in (asker.lead, asker.second_lead):
        body = {"decision": "approve", "act_sha256": allocated["act_sha256"]}
        act(lead, f"allocations/{allocated['id']}/approvals", **body)
    due = served.get(asker.lead, f"{path}/payouts").json()["items"][0]["id"]
    act(asker.lead, "payouts", lines=[{"payout": due, "tx": "0x" + "cd" * 32}])
    page.goto(f"{made['page']}#{TOKEN}")
    page.get_by_role("button", name="Show my claim").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 ETH")
    check_page(page, "claim-paid")


def _posted(served: Served, member: Member, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = served.post(member, path, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
