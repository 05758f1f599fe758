"""What no page sends: it is refused with a page, and touches nobody else's."""

import pytest

from coordinator.console import draft_content, forms
from coordinator.console.signing_in import own_path
from tests.api.acts import submit
from tests.conftest import World
from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor
from tests.factories import Cast, Signer

_LONG = "9" * 5_000
_TABS = ("addresses", "timeline", "ledger", "documents", "evidence.json", "reads")


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What is typed is looked at before any database is asked."""
    return sqlite_world


def _send(browser: Visitor, path: str, **fields: str) -> int:
    return browser.post(path, "/console/passkeys", **fields).status_code


def test_a_cursor_that_no_page_gave_is_refused(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    request_id = submit(signer, cast)["id"]
    browser, _ = signed_in(cast.a, cast.a.lead)
    paths = ["/console/holds", *(f"/console/requests/{request_id}/{tab}" for tab in _TABS)]
    for path in paths:
        refused = browser.get(f"{path}?cursor={'A' * 3_000}")
        assert 400 <= refused.status_code < 500, path
        assert browser.get(path).status_code == 200


@pytest.mark.parametrize("text", [_LONG, "\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}"])
def test_a_number_that_no_page_writes_is_none(
    cast: Cast, signer: Signer, signed_in: SignedIn, text: str
) -> None:
    assert forms.number_of(text) is None
    request_id = submit(signer, cast)["id"]
    browser, _ = signed_in(cast.a, cast.a.lead)
    policy = _send(browser, "/console/people/policy", approval_quorum=text)
    assert policy in {303, 422}
    decide = f"/console/requests/{request_id}/decide"
    assert _send(browser, decide, seen=f"a/{text}", decision="approve") == 409
    made = browser.post(
        "/console/requests/new", "/console/requests/new", pasted="to nobody\n0x12345678"
    )
    draft = made.location
    state = browser.get(draft).text.partition('name="state" value="')[2].partition('"')[0]
    assert _send(browser, draft, state=state, leave_out=text, **{f"line-{text}": "x"}) == 303


def test_a_url_that_is_none_leads_home(cast: Cast, visitor: Visitor, signed_in: SignedIn) -> None:
    assert own_path("http://[") == "/console"
    assert visitor.get("/console/sign-in?next=http://[").status_code == 200
    browser, _ = signed_in(cast.a, cast.a.lead)
    fields = {"csrf_token": browser.token("/console/passkeys")}
    headers = {"Origin": browser.origin, "Referer": "http://["}
    refused = browser.send("/console/tasks/none/taken", fields, headers)
    assert (refused.status_code, refused.mimetype) == (404, "text/html")


def test_a_form_of_too_many_fields_is_not_taken_apart(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "_MOST_PARTS", 20)
    fields = {f"x{number}": "" for number in range(30)}
    refused = visitor.post("/console/enter", "/console/enter", secret="x", **fields)
    assert (refused.status_code, "more fields" in refused.text) == (400, True)
    assert visitor.post("/console/enter", "/console/enter", secret="x").status_code == 404


def test_nobody_changes_contacts_on_the_page_of_another_member(
    cast: Cast, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(cast.b, cast.b.lead)
    theirs = f"/console/partners/{cast.a.handle}/contacts"
    assert _send(browser, theirs, contacts="+1 555 0100") == 404
    own = f"/console/partners/{cast.b.handle}/contacts"
    assert _send(browser, own, contacts="+1 555 0100") == 303


def test_a_text_longer_than_any_request_is_not_read(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, _ = signed_in(cast.a, cast.a.analyst)
    new = "/console/requests/new"
    draft = browser.post(new, new, pasted="0x12345678\n0x34567890").location
    monkeypatch.setattr(draft_content, "_MOST_LINES", 3)
    monkeypatch.setattr(draft_content, "_MOST_LONG_WORDS", 2)
    long = "1" * 25
    for text in ("a\n" * 4, f"{long} {long} {long}", long * 3):
        refused = browser.post(new, new, pasted=f"to\n{text}")
        assert (refused.status_code, "more than one request" in refused.text) == (422, True)
    state = browser.get(draft).text.partition('name="state" value="')[2].partition('"')[0]
    mended = browser.post(draft, draft, state=state, **{"line-1": f"{long} {long} {long}"})
    assert (mended.status_code, "more than one request" in mended.text) == (422, True)
    assert browser.get(draft).status_code == 200
