"""Orders and claims in the console: attached, called back about, looked at again, lifted by two."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.factories import Cast, Signer
from tests.services.through_api import World

_HASH = "ab" * 32


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_a_claim_is_attached_looked_at_again_and_lifted_by_another(
    w: World, signed_in: SignedIn
) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    hold = w.freeze(b, request, "3000000000000000000")
    page = f"/console/requests/{request['id']}/orders"
    first, key = signed_in(b, b.compliance)
    form = f"{page}/claim"
    assert "3 ETH" in first.get(form).text.replace("\N{NO-BREAK SPACE}", " ")
    claim = {"kind": "injunction", "hold": hold, "court": "County Court", "number": "1-23"}
    claim |= {"blocks": "return", "order_sha256": _HASH}
    for wrong in ({"amount": "1"}, {"order_sha256": "ab"}, {"review_at": "soon"}):
        refused = first.post(form, form, **claim | wrong)
        assert (refused.status_code, "County Court" in refused.text) == (422, True)
    asked = first.post(form, form, **claim, amount="1.5 ETH", review_at="2027-03-31")
    assert first.sign(asked.location, key, asked.location).location == page
    [made] = w.items(b.auditor, request, "encumbrances")
    assert (made["amount"], made["blocks"]) == ("1500000000000000000", ["return"])
    assert "An injunction on 1.5" in first.get(page).text

    at = f"{page}/{made['id']}"
    again = first.post(f"{at}/review", f"{at}/review", review_at="2027-06-30")
    assert first.sign(again.location, key, again.location).location == page
    own = first.post(f"{at}/lift", f"{at}/lift", document_sha256=_HASH)
    assert own.status_code == 422, "whoever attached it lifted it"
    lead, lead_key = signed_in(b, b.lead)
    lifted = lead.post(f"{at}/lift", f"{at}/lift", document_sha256="cd" * 32)
    assert lead.sign(lifted.location, lead_key, lifted.location).location == page
    assert "lifted" in lead.get(at).text
    assert "Nothing" in lead.get(page).text
    # The requester reads it, and attaches nothing: it is no authority.
    a = w.cast.a
    requester, _ = signed_in(a, a.lead)
    assert "An injunction" in requester.get(page).text
    assert "Attach a claim to a hold" not in requester.get(page).text
    assert requester.get(f"{page}/enc_01h455vb4pex5vsknk084sn02q").status_code == 404
    assert requester.get(f"{at}/appeal").status_code == 404


def test_an_order_is_attached_and_another_member_calls_back(w: World, signed_in: SignedIn) -> None:
    b = w.cast.b
    request = w.live(to=[b.handle])
    w.freeze(b, request)
    page = f"/console/requests/{request['id']}/orders"
    first, key = signed_in(b, b.compliance)
    form = f"{page}/order"
    order = {"agency": "State police", "reference": "1-23-456", "document_sha256": _HASH}
    called = {"verification": "call_back", "number_from": "agency_website"}
    timeless = first.post(form, form, **order, **called)
    assert (timeless.status_code, "write day and time" in timeless.text.lower()) == (422, True)
    asked = first.post(form, form, **order, **called, called_at="2026-03-02T11:00")
    assert first.sign(asked.location, key, asked.location).location == page
    [made] = w.items(b.auditor, request, "legal-orders")
    assert made["call_back"] == {"at": "2026-03-02T11:00:00Z", "number_from": "agency_website"}
    at = f"{page}/{made['id']}"
    assert "The authority was called back" in first.get(at).text
    heard = {"at": "2026-03-02T11:30", "number_from": "known_before", "outcome": "confirmed"}
    assert "You called the authority back" not in first.get(at).text, "its own stands in it"
    a = w.cast.a
    lead, lead_key = signed_in(a, a.lead)
    answer = lead.post(f"{at}/call-back", f"{at}/call-back", **heard)
    assert lead.sign(answer.location, lead_key, answer.location).location == page
    assert "called back and confirmed by 1" in lead.get(at).text
