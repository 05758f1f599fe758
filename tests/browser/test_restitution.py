"""What came back is given to those who lost it: verified by two, shared, approved, and paid."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.followed import live
from tests.browser.pages import check_page
from tests.browser.served import Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import ETHER, Exchange, Member, nonce

pytestmark = pytest.mark.processes

_ETH = 10**18


def _opened(served: Served, asker: Exchange, asked: Exchange) -> str:
    """Have a restitution of 4 ETH open, on which one victim claims 6; returns its page."""
    case = live(served, asker, to=[asked.handle])

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = served.post(asker.compliance, path, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    request = served.get(asker.lead, f"/v1/freeze-requests/{case.id}").json()
    terms = {
        "nonce": nonce(),
        "incident": request["incident"]["id"],
        "asset": ETHER,
        "verify_by_two_above": str(5 * _ETH),
        "claims_close_at": "2036-06-01T00:00:00Z",
        "objections_until": "2036-07-01T00:00:00Z",
        "unclaimed_to": "Those whose claims were paid.",
    }
    made = post("/v1/restitutions", terms)
    below, act = f"/v1/restitutions/{made['id']}", {"content_sha256": made["content_sha256"]}
    back = {"kind": "returned", "asset": ETHER, "amount": str(4 * _ETH), "tx": f"0x{'6b' * 32}"}
    post(f"{below}/pool-lines", act | {"lines": [back]})
    claim = {
        "ref": "V-1",
        "addresses": [f"eip155:1:0x{'1' * 40}"],
        "asset": ETHER,
        "amount": str(6 * _ETH),
        "proof": "documents",
        "documents": ["ab" * 32],
        "payout": f"eip155:1:0x{'2' * 40}",
    }
    post(f"{below}/claims", act | {"claims": [claim]})
    return f"{served.console}/console/restitutions/{made['id']}"


def _press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    sign_act(page)


def test_a_claim_is_verified_by_two_shared_approved_by_two_and_paid(
    served: Served, asker: Exchange, asked: Exchange, new_page: NewPage
) -> None:
    at = _opened(served, asker, asked)

    def visit(member: Member) -> Page:
        page = new_page()
        sign_in(page, served, member)
        page.goto(at)
        return page

    first, lead, other = map(visit, (asker.compliance, asker.lead, asker.second_lead))
    for page in (first, lead):
        page.get_by_role("link", name="Claims").click()
        page.get_by_role("link", name="V-1").click()
        _press(page, "Verify it")
    expect(lead.get_by_text("Given so far")).to_have_count(0)
    expect(lead.locator(".part__head .state")).to_have_text("verified")

    first.goto(f"{at}/allocations")
    _press(first, "Compute it and go on to sign")
    expect(first.get_by_text("A proposal waits for approval")).to_be_visible()
    for page in (lead, other):
        page.goto(at)
        page.get_by_role("link", name="Approve that").first.click()
        expect(page.get_by_role("row", name="V-1")).to_contain_text("66")
        _press(page, "Approve 4")
    check_page(other, "allocation-approved")

    first.goto(f"{at}/payouts")
    expect(first.get_by_role("heading", level=1)).to_contain_text("You owe 4")
    first.get_by_label("It was paid in transaction").fill(f"0x{'7c' * 32}")
    _press(first, "Go on to sign")
    expect(first.get_by_role("heading", level=1)).to_contain_text("Nothing is to be paid")
    first.get_by_role("link", name="Sums").click()
    expect(first.get_by_role("row", name="paid: 1")).to_contain_text("4")
    expect(first.get_by_role("row", name="Available now")).to_contain_text("0")
    check_page(first, "restitution-paid")
