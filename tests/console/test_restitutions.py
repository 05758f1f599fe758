"""Giving back in the console: every act by a passkey, sums that add up, doubles side by side."""

import re
from datetime import timedelta

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.factories import Cast, Signer
from tests.services.request_cast import account
from tests.services.restoring_cast import DAY, TX, Restoring, allocate, claim, opened
from tests.services.through_api import World

ETH = 10**18


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _text(html: str) -> str:
    """Return what a page says, without its tags and thin blanks."""
    told = re.sub(r"<[^>]+>", " ", html.partition("<main")[2])
    return re.sub(r"\s+", " ", told.replace("\N{NO-BREAK SPACE}", " ")).replace(
        "\N{NARROW NO-BREAK SPACE}", ""
    )


def _restitution(w: World, pool: int = 4 * ETH) -> Restoring:
    rst = opened(w, verify_by_two_above=str(2 * ETH))
    rst.came_back(pool)
    return rst


def test_a_claim_is_verified_by_two_shared_approved_and_paid(w: World, signed_in: SignedIn) -> None:
    a, rst = w.cast.a, _restitution(w)
    accounts = [f"eip155:1:0x{number * 40}" for number in "12"]
    large, small = rst.file(
        claim(1, 6 * ETH, payout=accounts[0]), claim(2, 2 * ETH, payout=accounts[1])
    )
    page = f"/console/restitutions/{rst.view['id']}"
    first, key = signed_in(a, a.compliance)
    lead, lead_key = signed_in(a, a.lead)
    second, second_key = signed_in(a, a.second_lead)

    at = f"{page}/claims/{large}"
    assert "two people verify" in _text(first.get(at).text)
    once = first.post(f"{at}/verify", at, amount="6 ETH")
    assert first.sign(once.location, key, once.location).location == at
    assert "One of yours verified 6 ETH" in _text(lead.get(at).text)
    again = first.post(f"{at}/verify", at, amount="6 ETH")
    assert (again.status_code, "takes another person" in again.text) == (422, True)
    other = lead.post(f"{at}/verify", at, amount="5 ETH")
    assert other.status_code == 422
    twice = lead.post(f"{at}/verify", at, amount="6 ETH")
    assert lead.sign(twice.location, lead_key, twice.location).location == at
    at = f"{page}/claims/{small}"
    unit = first.post(f"{at}/verify", at, amount="2")
    assert (unit.status_code, "has no unit" in unit.text) == (422, True)
    whole = first.post(f"{at}/verify", at, amount="2 ETH")
    assert first.sign(whole.location, key, whole.location).location == at

    listed = f"{page}/allocations"
    proposed = first.post(listed, listed, pool="4 ETH")
    assert first.sign(proposed.location, key, proposed.location).location == listed
    [made] = w.get(a.auditor, f"{rst.path}/allocations")["items"]
    shown = f"{listed}/{made['id']}"
    assert "You proposed it" in first.get(shown).text
    said = _text(lead.get(shown).text)
    assert "V-1 exchange-a.example 3 ETH 75 % 6 ETH 0 ETH 50 %" in said
    assert "V-2 exchange-a.example 1 ETH 25 % 2 ETH 0 ETH 50 %" in said
    assert made["act_sha256"][:4] in said
    for browser, passkey in ((lead, lead_key), (second, second_key)):
        approved = browser.post(shown, shown, decision="approve")
        assert browser.sign(approved.location, passkey, approved.location).location == shown

    assert "You owe 4 ETH in 2 payouts" in _text(first.get(page).text)
    table = first.get(f"{page}/payouts.csv")
    assert (table.mimetype, len(table.text.splitlines())) == ("text/csv", 3)
    due = w.get(a.auditor, f"{rst.path}/payouts")["items"]
    payouts = f"{page}/payouts"
    neither = first.post(payouts, payouts, payout=due[0]["id"])
    assert neither.status_code == 422
    lines = f"{due[0]['id']} {TX}\n{due[1]['id']} failed: The account is closed."
    paid = first.post(payouts, payouts, list=lines)
    assert first.sign(paid.location, key, paid.location).location == payouts
    told = _text(first.get(page).text)
    assert "paid: 1 payout" in told
    assert "did not arrive: 1 payout" in told
    one = first.post(payouts, payouts, payout=due[0]["id"], tx=TX)
    assert (one.status_code, "paid already" in one.text) == (422, True)


def test_sums_are_shown_line_by_line_and_come_to_what_is_available(
    w: World, signed_in: SignedIn
) -> None:
    a, rst = w.cast.a, _restitution(w)
    asset = rst.view["asset"]
    lines = [
        {"kind": "cost", "asset": asset, "amount": str(ETH // 2), "what": "Counsel"},
        {"kind": "reserve", "asset": asset, "amount": str(ETH), "what": "Late claims"},
    ]
    rst.act(a.compliance, "pool-lines", lines=lines)
    [only] = rst.file(claim(1, ETH))
    rst.decide(a.lead, only, decision="verify")
    allocate(rst, ETH)
    browser, _ = signed_in(a, a.auditor)
    page = f"/console/restitutions/{rst.view['id']}"
    told = _text(browser.get(page).text)
    for line in ("Came back 4 ETH", "Costs 0.5 ETH", "reserve 1 ETH", "victims 1 ETH"):
        assert line in told
    assert "Available now 1.5 ETH" in told
    pool = _text(browser.get(f"{page}/pool").text)
    assert "Cost Counsel" in pool
    assert "Restitution in ETH" in browser.get("/console/restitutions").text


def test_doubles_stand_side_by_side_and_take_a_look(w: World, signed_in: SignedIn) -> None:
    a, rst = w.cast.a, _restitution(w)
    one, two = rst.file(claim(1, ETH), claim(2, ETH, addresses=[account(1)]))
    rst.decide(a.lead, one, decision="verify")
    browser, key = signed_in(a, a.compliance)
    at = f"/console/restitutions/{rst.view['id']}/claims/{two}"
    page = browser.get(at).text
    assert "1 claim names the same" in _text(page)
    assert "The same" in page
    refused = browser.post(f"{at}/verify", at, amount="1 ETH")
    assert (refused.status_code, "names the same address" in refused.text) == (422, True)
    looked = browser.post(f"{at}/verify", at, amount="1 ETH", not_a_double="1")
    assert browser.sign(looked.location, key, looked.location).location == at
    listed = browser.get(f"/console/restitutions/{rst.view['id']}/claims?status=verified").text
    assert "1 like it" in listed


def test_a_rejection_is_told_and_objected_to_by_whoever_filed_it(
    w: World, signed_in: SignedIn
) -> None:
    a, b, rst = w.cast.a, w.cast.b, _restitution(w)
    w.clock.step(31 * DAY)
    victim = claim(1, ETH, proof="attested", documents=...)
    [filed] = rst.file(victim, by=b.compliance)
    [foreign] = rst.file(claim(2, ETH))
    browser, key = signed_in(a, a.compliance)
    page = f"/console/restitutions/{rst.view['id']}"
    at = f"{page}/claims/{filed}"
    assert "Late" in browser.get(f"{page}/claims").text
    wordless = browser.post(f"{at}/reject", at, code="other")
    assert wordless.status_code == 422
    rejected = browser.post(f"{at}/reject", at, code="not_a_victim")
    assert browser.sign(rejected.location, key, rejected.location).location == at

    theirs, their_key = signed_in(b, b.compliance)
    assert "Nothing was taken from these addresses" in theirs.get(at).text
    assert theirs.get(f"{page}/claims/{foreign}").status_code == 404
    for own in ("allocations", "payouts", "payouts.csv"):
        assert theirs.get(f"{page}/{own}").status_code == 404
    objected = theirs.post(f"{at}/object", at, objection="It was ours.")
    assert theirs.sign(objected.location, their_key, objected.location).location == at
    assert "It was ours." in browser.get(at).text
    assert browser.get(f"{page}/claims/{new_claim(w)}").status_code == 404
    w.clock.step(timedelta(days=40))
    assert "Object to this decision" not in theirs.get(at).text


def new_claim(w: World) -> str:
    """Return the id of a claim of another restitution."""
    other = opened(w, nonce="AAAAAAAAAAAAAAAAAAAAAQ")
    [claim_id] = other.file(claim(9))
    return claim_id


def test_it_is_closed_when_nothing_waits(w: World, signed_in: SignedIn) -> None:
    a, rst = w.cast.a, _restitution(w)
    browser, key = signed_in(a, a.lead)
    page = f"/console/restitutions/{rst.view['id']}"
    assert "Close this restitution" not in browser.get(page).text
    early = browser.post(f"{page}/closure", page)
    assert (early.status_code, "Objections are taken until" in early.text) == (422, True)
    w.clock.step(61 * DAY)
    browser, key = signed_in(a, a.second_lead)
    assert "Close this restitution" in browser.get(page).text
    ended = browser.post(f"{page}/closure", page)
    assert browser.sign(ended.location, key, ended.location).location == page
    assert "is <b>over</b>" in browser.get(page).text
