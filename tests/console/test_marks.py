"""How far a request may travel stands wherever it is shown; sealed evidence, where it is told."""

from typing import Any

import pytest

from holdfast.protocol import base64url
from tests.api.acts import approve, report_frozen, submit
from tests.api.sealed_cast import by_hand, publish_by_hand
from tests.conftest import World
from tests.console.conftest import SignedIn
from tests.factories import Cast, Exchange, Signer

MARK = "TLP:GREEN"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What a page shows is the same on either database."""
    return sqlite_world


@pytest.fixture
def request_id(signer: Signer, cast: Cast) -> str:
    """A request of A's that is marked as no other is by default, with a hold of B's."""
    request = submit(signer, cast, tlp="GREEN")
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    return str(request["id"])


@pytest.mark.parametrize(
    ("side", "page"),
    [
        *(("a", f"/console/requests/{{id}}{tab}") for tab in ("", "/addresses", "/documents")),
        *(("a", f"/console/requests/{{id}}{tab}") for tab in ("/timeline", "/ledger", "/papers")),
        ("a", "/console/requests"),
        ("a", "/console/search?q=theft"),
        ("a", "/console/holds?side=for_us"),
        ("b", "/console/requests/{id}/answer"),
        ("b", "/console/requests?box=received"),
        ("b", "/console/holds"),
        ("c", "/console"),
    ],
)
def test_a_page_that_shows_a_request_shows_its_mark(
    request_id: str, cast: Cast, signed_in: SignedIn, side: str, page: str
) -> None:
    own: Exchange = getattr(cast, side)
    browser, _ = signed_in(own, own.lead)
    answer = browser.get(page.format(id=request_id))
    assert answer.status_code == 200
    assert MARK in answer.text


def test_whoever_decides_sees_the_mark(cast: Cast, signer: Signer, signed_in: SignedIn) -> None:
    request = submit(signer, cast, tlp="GREEN")
    browser, _ = signed_in(cast.a, cast.a.lead)
    assert MARK in browser.get(f"/console/requests/{request['id']}/decide").text
    assert MARK in browser.get("/console").text


def test_every_list_and_event_that_shows_a_request_has_its_mark(
    request_id: str, cast: Cast, signer: Signer
) -> None:
    def items(member: Any, path: str) -> Any:
        return signer.get(member, path).get_json()["items"]

    marked = [
        *items(cast.a.lead, "/v1/freeze-requests"),
        *items(cast.b.lead, "/v1/freeze-requests?box=received"),
        *items(cast.c.lead, "/v1/tasks"),
        *items(cast.b.lead, "/v1/holds"),
        *items(cast.a.lead, f"/v1/search?q={request_id}"),
    ]
    for exchange in (cast.a, cast.b, cast.c):
        feed = signer.get(exchange.lead, "/v1/events").get_json()["events"]
        marked += [event["data"] for event in feed if "request_id" in event["data"]]
    assert len(marked) > 10
    assert {each["tlp"] for each in marked} == {"GREEN"}


def test_sealed_evidence_is_listed_to_those_who_may_know_of_it(
    request_id: str, cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    path = f"/v1/freeze-requests/{request_id}"
    known = signer.get(cast.a.lead, path).get_json()["content_sha256"]
    kids = publish_by_hand(signer, cast.b.lead)
    part = bytes(1_600)
    act = {"content_sha256": known}
    sent = signer.post(
        cast.a.lead, f"{path}/sealed-evidence/parts", {**act, "data": base64url.encode(part)}
    )
    assert sent.status_code == 201, sent.data
    sealed = signer.post(cast.a.lead, f"{path}/sealed-evidence", {**act, **by_hand([part], kids)})
    assert sealed.status_code == 201, sealed.data
    evidence = sealed.get_json()["id"]
    pages = {
        side: signed_in(own, own.lead)[0].get(f"/console/requests/{request_id}/documents").text
        for side, own in (("a", cast.a), ("b", cast.b), ("c", cast.c))
    }
    command = f"holdfast evidence open {request_id} {evidence}"
    assert command in pages["b"]
    assert "1.5 KiB" in pages["b"]
    assert command not in pages["a"]  # A did not seal it to itself
    assert "Sealed, and not to you" in pages["a"]
    assert "Sealed evidence" not in pages["c"]
    assert evidence not in pages["c"]
