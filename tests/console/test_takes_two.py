"""What takes a second lead is a proposal, and the console never says that it is done."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from holdfast.protocol import membership_payloads
from tests.api.acts import approve, report_frozen, submit
from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor
from tests.factories import Cast, Signer


def _quorum(signer: Signer, cast: Cast, count: int) -> None:
    policy = membership_payloads.Policy().model_dump(mode="json") | {"withdrawal_quorum": count}
    assert signer.post(cast.a.root, "/v1/grants", {"policy": policy}).status_code == 201


def _held(signer: Signer, cast: Cast) -> tuple[dict[str, Any], str]:
    """Return a request on which B holds something; and the hold."""
    request = submit(signer, cast)
    approve(signer, cast, request)
    return request, report_frozen(signer, cast.b, request)["lines"][1]["hold"]


def _asked_to_sign(browser: Visitor, path: str, **fields: Any) -> str:
    """Send a form, and return the page on which it is to be signed."""
    sent: TestResponse = browser.post(path, path, **fields)
    assert sent.status_code == 303, sent.text
    return browser.get(sent.location).text


@pytest.mark.parametrize(("quorum", "is_held"), [(1, True), (2, True), (2, False)])
def test_a_withdrawal_says_whether_another_lead_decides(
    cast: Cast, signer: Signer, signed_in: SignedIn, quorum: int, *, is_held: bool
) -> None:
    _quorum(signer, cast, quorum)
    request = submit(signer, cast)
    approve(signer, cast, request)
    if is_held:
        report_frozen(signer, cast.b, request)
    browser, _ = signed_in(cast.a, cast.a.lead)
    page = f"/console/requests/{request['id']}"
    form = {"scope": "all", "reason_code": "wrong_target", "reason": "A digit was wrong"}
    shown = _asked_to_sign(browser, f"{page}/withdraw", **form)
    is_proposed = quorum > 1 and is_held
    assert ("Propose to withdraw the whole request" in shown) is is_proposed


def test_what_was_proposed_stands_on_the_page_until_it_is_decided(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    _quorum(signer, cast, 2)
    request, hold = _held(signer, cast)
    path = f"/v1/freeze-requests/{request['id']}"
    about = {"content_sha256": request["content_sha256"]}
    raised = {**about, "reference": "matter-1", "text": "Paid for a car", "hold": hold}
    dispute = signer.post(cast.b.compliance, f"{path}/disputes", raised).get_json()
    browser, _ = signed_in(cast.a, cast.a.lead)
    page = f"/console/requests/{request['id']}"
    assert "Another lead of yours decides" not in browser.get(page).text
    form = {"resolution": "upheld", "text": "The invoice is right"}
    shown = _asked_to_sign(browser, f"{page}/disputes/{dispute['id']}", **form)
    assert "Propose to agree with" in shown
    resolved = {**about, **form}
    answer = signer.post(cast.a.lead, f"{path}/disputes/{dispute['id']}/resolution", resolved)
    assert answer.status_code == 201, answer.data
    assert "You proposed to agree with a dispute" in browser.get(page).text
    other, _ = signed_in(cast.a, cast.a.second_lead)
    proposal = answer.get_json()["withdrawal"]["id"]
    decided = other.get(f"{page}/withdrawals/{proposal}").text
    assert "Paid for a car" in decided
    assert "0.0000000000000007" in decided  # what is held there


def test_a_partner_reads_what_was_signed_where_nothing_was_taken_back(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    request, _ = _held(signer, cast)
    browser, _ = signed_in(cast.b, cast.b.compliance)
    assert browser.get(f"/console/requests/{request['id']}/documents").status_code == 200
