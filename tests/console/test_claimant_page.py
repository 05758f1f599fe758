"""The page of one claim: whom it opens for, what it shows, and what is said by it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coordinator.api.rate_limit import RateLimiter
from coordinator.console.context import EXTENSION
from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.visitor import Visitor
from tests.factories import Cast, Signer
from tests.services.restoring_cast import DAY, TX, Restoring, allocate, claim, opened
from tests.services.test_claim_links import link
from tests.services.through_api import World

PAGE = "/console/claim"
TOKEN, OTHER = "A" * 43, "B" * 43


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def rst(w: World) -> Restoring:
    return opened(w)


@pytest.fixture
def claims(rst: Restoring) -> list[str]:
    """Two claims, of which each has a link."""
    filed = rst.file(claim(1, 500), claim(2, 700))
    links = [link(each, token) for each, token in zip(filed, (TOKEN, OTHER), strict=True)]
    rst.act(rst.w.cast.a.compliance, "claim-links", links=links)
    return filed


def _open(visitor: Visitor, token: str = TOKEN) -> Any:
    return visitor.post(f"{PAGE}/shown", PAGE, secret=token)


def _object(visitor: Visitor, reason: str, token: str = TOKEN) -> Any:
    return visitor.post(f"{PAGE}/objection", PAGE, secret=token, reason=reason)


def _plain(text: str) -> str:
    """Return a page without what differs each time it is opened."""
    return re.sub(r'(name="csrf_token" value=|data-now=)"[^"]*"|req_[0-9a-z]+', "", text)


def test_it_shows_one_claim_and_nothing_of_another(claims: list[str], visitor: Visitor) -> None:
    shown = _open(visitor)
    assert shown.status_code == 200
    assert (shown.headers["Cache-Control"], "V-1" in shown.text) == ("no-store", True)
    for hidden in (*claims, "V-2", OTHER, "700", claim(1)["payout"], claim(1)["addresses"][0]):
        assert hidden not in shown.text
    for path in (PAGE, f"{PAGE}/shown", f"{PAGE}/objection"):
        asked = visitor.get(path)
        assert (asked.status_code, "V-1" in asked.text, TOKEN in asked.text) == (200, False, False)


def test_it_follows_the_claim_to_its_payment(
    w: World, rst: Restoring, claims: list[str], visitor: Visitor
) -> None:
    a = w.cast.a
    assert "Your claim is <b>received" in _open(visitor).text
    for each in claims:
        rst.decide(a.lead, each, decision="verify")
    assert "Your loss is recognised" in _open(visitor).text
    rst.came_back(600)
    allocate(rst, 600)
    assert "to be paid" in _open(visitor).text
    due = {each["claim_id"]: each["id"] for each in w.get(a.lead, f"{rst.path}/payouts")["items"]}
    rst.act(a.lead, "payouts", lines=[{"payout": due[claims[0]], "failed": "Account closed."}])
    assert "A payment did not arrive" in (page := _open(visitor).text)
    assert "Account closed." in page
    rst.act(a.lead, "payouts", lines=[{"payout": due[claims[0]], "tx": TX}])
    assert TX in (page := _open(visitor).text)
    assert TX not in _open(visitor, OTHER).text
    assert "takes no objection by this page" in page


def _replace(rst: Restoring, claims: list[str]) -> None:
    body = {"links": [link(claims[0], "C" * 43)]}
    rst.act(rst.w.cast.a.lead, "claim-links", **body)


def _revoke(rst: Restoring, claims: list[str]) -> None:
    rst.act(rst.w.cast.a.lead, "claim-link-revocations", claims=claims[:1])


def _expire(rst: Restoring, claims: list[str]) -> None:
    del claims
    rst.w.clock.step(180 * DAY)


def _close(rst: Restoring, claims: list[str]) -> None:
    for each in claims:
        rst.decide(rst.w.cast.a.lead, each, decision="reject", code="not_a_victim")
    rst.w.clock.step(61 * DAY)
    rst.act(rst.w.cast.a.lead, "closure")
    rst.w.clock.step(30 * DAY)


@pytest.mark.parametrize("over", [_replace, _revoke, _expire, _close])
def test_a_link_that_opens_nothing_answers_like_one_that_never_was(
    rst: Restoring,
    claims: list[str],
    visitor: Visitor,
    over: Callable[[Restoring, list[str]], None],
) -> None:
    assert _open(visitor).status_code == 200
    over(rst, claims)
    tokens = (TOKEN, "x" * 43, "", "nonsense", "\N{SNOWMAN}" * 9_000)
    answers = [_open(visitor, token) for token in tokens]
    answers += [_object(visitor, words, TOKEN) for words in ("It was ours.", "", "a@b.example")]
    assert {each.status_code for each in answers} == {404}
    assert len({_plain(each.text) for each in answers[: len(tokens)]}) == 1
    assert len({_plain(each.text) for each in answers[len(tokens) :]}) == 1


def test_a_restitution_that_is_closed_is_read_on_for_a_while(
    rst: Restoring, claims: list[str], visitor: Visitor
) -> None:
    for each in claims:
        rst.decide(rst.w.cast.a.lead, each, decision="reject", code="not_a_victim")
    rst.w.clock.step(61 * DAY)
    rst.act(rst.w.cast.a.lead, "closure")
    page = _open(visitor)
    assert (page.status_code, "Objections were taken until" in page.text) == (200, True)
    assert _object(visitor, "It was ours.").status_code == 409


def test_an_objection_is_recorded_as_nobodys_signature(
    w: World, rst: Restoring, claims: list[str], visitor: Visitor
) -> None:
    a = w.cast.a
    assert _object(visitor, "Too soon.").status_code == 409
    why = {"code": "other", "reason": "The list has it not."}
    rst.decide(a.lead, claims[0], decision="reject", **why)
    assert "The list has it not." in _open(visitor).text
    for wrong in ("", "x" * 2_001, "Write to me at someone@mail.example, please."):
        refused = _object(visitor, wrong)
        assert (refused.status_code, 'class="error"' in refused.text) == (422, True)
    assert "objection is recorded" in _object(visitor, "The transfer was ours.").text
    assert _object(visitor, "Once more.").status_code == 409
    view, other = rst.claims(a.lead)
    assert (view["status"], view["objection"]) == ("objection", "The transfer was ours.")
    assert (view["objection_unsigned"], other["objection_unsigned"]) == (True, None)
    [told] = w.events(a, "restitution.claim_contested")
    assert (told["by"], told["unverified"]) == ("coordinator", True)
    assert "transfer was ours" not in str(told)
    assert "by this link" in _open(visitor).text
    rst.decide(a.lead, claims[0], decision="verify")
    words = {"reason": "It was more."}
    rst.act(a.compliance, f"claims/{claims[0]}/objections", **words)
    assert rst.claims(a.lead)[0]["objection_unsigned"] is None


def test_no_objection_is_taken_behind_its_date(
    rst: Restoring, claims: list[str], visitor: Visitor
) -> None:
    rst.decide(rst.w.cast.a.lead, claims[0], decision="reject", code="double")
    rst.w.clock.step(60 * DAY)
    assert "Send this objection" in _open(visitor).text
    rst.w.clock.step(DAY)
    assert "Objections were taken until" in _open(visitor).text
    assert _object(visitor, "It was ours.").status_code == 409


@pytest.mark.usefixtures("claims")
def test_a_link_is_used_so_often_a_minute_good_or_not(w: World, visitor: Visitor) -> None:
    app = w.signer.client.application
    limiter = RateLimiter(2, monotonic=lambda: 0.0)
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], claimants=limiter)
    for token in (TOKEN, "x" * 43):
        codes = [_open(visitor, token).status_code for _ in range(3)]
        assert codes[-1] == 429
        assert _object(visitor, "It was ours.", token).status_code == 429
    assert _open(visitor, OTHER).status_code == 200
