"""What a person asks, in the console: a task, a page to decide on, and a part of the documents."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.ending.erasures import ProposeErasure
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import ErasureReason
from tests.api.membership_acts import operate
from tests.console.conftest import SignedIn
from tests.factories import Cast, Signer
from tests.services.through_api import World

LETTER = {"kind": "access", "reference": "DS-17/2026", "received_at": "2026-03-01T09:00:00Z"}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_compliance_decides_from_its_task_and_the_documents_say_so(
    w: World, signed_in: SignedIn
) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live()
    sent = LETTER | {"request_id": request["id"]}
    passed_on = w.signer.post(b.compliance, "/v1/data-subject-requests", sent).get_json()
    page = f"/console/requests/{request['id']}/data-subjects/{passed_on['id']}"
    documents = f"/console/requests/{request['id']}/documents"
    browser, passkey = signed_in(a, a.compliance)
    home = browser.get("/console").text
    assert "A person asks for a right of theirs" in home
    assert page in home
    shown = browser.get(page).text
    for told in ("DS-17/2026", "Access to what is stated", b.handle, "1 Apr 2026"):
        assert told in shown
    assert page in browser.get(documents).text
    faulty = browser.post(page, page, decision="refused", reason="complex")
    assert (faulty.status_code, "one of these" in faulty.text) == (422, True)
    asked = browser.post(page, page, decision="refused", reason="accurate")
    assert "What is stated is right" in browser.get(asked.location).text
    assert browser.sign(asked.location, passkey, asked.location).location == documents
    assert "Refused" in browser.get(documents).text
    assert "nothing to decide any more" in browser.get(page).text
    assert page not in browser.get("/console").text
    timeline = browser.get(f"/console/requests/{request['id']}/timeline").text
    assert "refused what a person asks: access to what is stated" in timeline
    # The partner that passed it on reads its own; the other one asked reads nothing of it.
    theirs, _ = signed_in(b, b.compliance)
    assert "the request is theirs" in theirs.get(page).text
    other, _ = signed_in(w.cast.c, w.cast.c.compliance)
    assert other.get(page).status_code == 404
    assert "DS-17/2026" not in other.get(documents).text


def test_a_lead_signs_an_erasure_from_its_task(w: World, signed_in: SignedIn) -> None:
    a = w.cast.a
    request = w.live()
    reason = {"addresses": "all", "reason_code": "other", "reason": "sent by mistake"}
    w.act(a.lead, request, "withdrawal", **reason)
    page = f"/console/requests/{request['id']}/erasure"
    browser, passkey = signed_in(a, a.lead)
    assert browser.get(page).status_code == 404
    propose = ProposeErasure(request_id=request["id"], reason=ErasureReason.DATA_SUBJECT)
    operate(w.database, w.vault, w.clock, propose)
    home = browser.get("/console").text
    assert "The operator proposes to erase" in home
    assert page in home
    assert "A person whose data it holds asked for it" in browser.get(page).text
    asked = browser.post(page, page)
    assert browser.sign(asked.location, passkey, asked.location).location == "/console"
    assert page not in browser.get("/console").text
    gone = w.signer.get(a.lead, f"/v1/freeze-requests/{request['id']}")
    assert gone.status_code == 410


def test_a_letter_is_passed_on_by_its_form(w: World, signed_in: SignedIn) -> None:
    a, b = w.cast.a, w.cast.b
    request = w.live(to=[b.handle])
    page = "/console/data-subjects"
    browser, passkey = signed_in(b, b.compliance)
    assert "Nobody asked yet" in browser.get(page).text
    letter = {"kind": "erasure", "reference": "DS-18/2026", "request_id": request["id"]}
    for wrong in ({}, {"received_at": "soon"}, {"received_at": "2036-03-01"}):
        refused = browser.post(page, page, **letter, **wrong)
        assert (refused.status_code, "DS-18/2026" in refused.text) == (422, True)
    both = {"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"}
    came = {"received_at": "2026-03-01"}
    assert browser.post(page, page, **letter, **came, **both).status_code == 422
    asked = browser.post(page, page, **letter, **came)
    assert browser.sign(asked.location, passkey, asked.location).location == page
    shown = browser.get(page).text
    for told in ("That it be erased", "DS-18/2026", f"/console/requests/{request['id']}"):
        assert told in shown
    requester, _ = signed_in(a, a.compliance)
    assert "DS-18/2026" in requester.get(page).text
    stranger, _ = signed_in(w.cast.d, w.cast.d.compliance)
    assert "DS-18/2026" not in stranger.get(page).text
