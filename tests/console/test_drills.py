"""A drill is marked on every page about it, in every list, and where an act on it is signed."""

import re
from typing import Any

import pytest
from flask import Flask

from coordinator.console.routes import PAGES
from holdfast.protocol.readiness import verify_readiness
from tests.api.acts import approve, submit
from tests.console.conftest import SignedIn
from tests.console.visiting import Visitor
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.summary.pdf_reading import text_of

_REQUEST = "/console/requests/{request_id}"
BANNER = '<p class="drill" role="note"><b>Drill</b>'
#: Files and parts of pages; and pages about something that this drill does not have.
_NO_PAGES = re.compile(r"\.json$|\.pdf$|\.zip$|/live$|/\{(?!request_id)")
#: Where the drill has nothing to show: nothing moved on, two partners hold nothing; a leg is
#: limited by whoever was asked, and nobody proposed to erase it.
_NOT_THERE = {
    f"{_REQUEST}/{name}" for name in ("next", "extension", "same-funds", "limit", "erasure")
}


def _drill(signer: Signer, cast: Cast, *, drill: bool = True) -> dict[str, Any]:
    request: dict[str, Any] = submit(signer, cast, to=[cast.b.handle], drill=drill)
    return request


def _paths() -> list[str]:
    found = {page.path for page in PAGES if page.method == "GET" and _REQUEST in page.path}
    return sorted(path for path in found if not _NO_PAGES.search(path))


def _shown(visitor: Visitor, request_id: str, path: str) -> tuple[int, str]:
    answer = visitor.get(path.format(request_id=request_id))
    return answer.status_code, answer.text


@pytest.mark.parametrize("path", _paths())
def test_every_page_about_a_drill_says_so(
    console: Flask, signer: Signer, cast: Cast, path: str
) -> None:
    drill = _drill(signer, cast)
    if path != f"{_REQUEST}/decide":
        approve(signer, cast, drill)
    is_asked = path == f"{_REQUEST}/answer"
    visitor = visiting(console, cast.b.compliance if is_asked else cast.a.lead)
    status, shown = _shown(visitor, drill["id"], path)
    if status != 200:
        assert path in _NOT_THERE, (path, status)
        return
    assert BANNER in shown, path
    assert "<title>DRILL: " in shown


@pytest.mark.parametrize("path", [p for p in _paths() if p != f"{_REQUEST}/readiness"])
def test_no_page_about_a_real_request_does(
    console: Flask, signer: Signer, cast: Cast, path: str
) -> None:
    real = _drill(signer, cast, drill=False)
    approve(signer, cast, real)
    status, shown = _shown(visiting(console, cast.a.lead), real["id"], path)
    if status == 200:
        assert BANNER not in shown
        assert "DRILL" not in shown


def test_lists_name_a_drill_as_one(console: Flask, signer: Signer, cast: Cast) -> None:
    drill = _drill(signer, cast)
    lead = visiting(console, cast.a.lead)
    for path in ("/console", "/console/requests?box=sent", "/console/requests?box=to_approve"):
        assert "DRILL: " in lead.get(path).text, path
    approve(signer, cast, drill)
    asked = visiting(console, cast.b.compliance)
    for path in ("/console", "/console/requests?box=received", "/console/search?q=theft"):
        shown = asked.get(path).text
        assert "DRILL: " in shown, path
        assert BANNER not in shown
    assert "DRILL: approved" in lead.get("/console/audit").text


def test_the_report_is_a_page_with_both_files(console: Flask, signer: Signer, cast: Cast) -> None:
    drill = _drill(signer, cast)
    approve(signer, cast, drill)
    lead = visiting(console, cast.a.lead)
    url = f"/console/requests/{drill['id']}"
    assert f'href="{url}/readiness"' in lead.get(url).text
    shown = lead.get(f"{url}/readiness").text
    for words in (cast.b.handle, "Who was told, woken, and answered", "Your own people"):
        assert words in shown
    saved = lead.get(f"{url}/readiness.json")
    assert verify_readiness(saved.data).report.request_id == drill["id"]
    paper = lead.get(f"{url}/readiness.pdf")
    assert paper.content_type == "application/pdf"
    assert "DRILL" in text_of(paper.data)
    for answer, ending in ((saved, "json"), (paper, "pdf")):
        disposition = f'attachment; filename="{drill["id"]}.readiness.{ending}"'
        assert answer.headers["Content-Disposition"] == disposition
    stranger = visiting(console, cast.d.analyst)
    for ending in ("", ".json", ".pdf"):
        assert stranger.get(f"{url}/readiness{ending}").status_code == 404


def test_a_real_request_offers_no_report(console: Flask, signer: Signer, cast: Cast) -> None:
    real = _drill(signer, cast, drill=False)
    lead = visiting(console, cast.a.lead)
    assert "readiness" not in lead.get(f"/console/requests/{real['id']}").text
    assert lead.get(f"/console/requests/{real['id']}/readiness").status_code == 409


def test_what_is_signed_about_a_drill_says_so(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    for drill in (True, False):
        request = _drill(signer, cast, drill=drill)
        task = next(
            each["id"]
            for each in signer.get(cast.a.lead, "/v1/tasks").get_json()["items"]
            if each["request_id"] == request["id"]
        )
        asked = browser.post(f"/console/tasks/{task}/taken", "/console")
        page = browser.get(asked.location)
        assert page.status_code == 200
        assert (BANNER in page.text) is drill
