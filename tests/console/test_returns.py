"""Money is asked back in the console, from the form to the receipt, each side by its passkeys."""

from datetime import timedelta

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.factories import ETHER, Cast, Signer
from tests.services.every_event import register_destination
from tests.services.through_api import World

_TX = f"0x{'7a' * 32}"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_money_is_asked_approved_promised_and_received(w: World, signed_in: SignedIn) -> None:
    a, b = w.cast.a, w.cast.b
    destination = register_destination(w.signer, a, label="Cold wallet 3")["id"]
    w.clock.step(timedelta(hours=24))
    request = w.live(to=[b.handle])
    hold = w.freeze(b, request, "3000000000000000000")
    listed = f"/console/requests/{request['id']}/returns"

    first, key = signed_in(a, a.compliance)
    assert "ETH at exchange-b.example" in first.get(listed).text
    form = {"partner": f"{b.handle} {ETHER}", "destination": destination}
    error = {"ground": "own_error", "words": "A digit was wrong."}
    refused = first.post(listed, listed, **form, ground="court_order", words="A court")
    assert (refused.status_code, "A court" in refused.text) == (422, True)
    asked = first.post(listed, listed, **form, **error)
    assert first.sign(asked.location, key, asked.location).location == listed
    [made] = w.items(a.auditor, request, "return-requests")
    page = f"{listed}/{made['id']}"
    assert "You asked it" not in first.get(listed).text
    assert "another security lead of yours approves it" in first.get(page).text

    lead, lead_key = signed_in(a, a.lead)
    approved = lead.post(f"{page}/approve", page)
    assert lead.sign(approved.location, lead_key, approved.location).location == page

    other, other_key = signed_in(b, b.compliance)
    assert "Promise to send it" in other.get(page).text
    promised = other.post(f"{page}/accept", page)
    assert other.sign(promised.location, other_key, promised.location).location == page
    line = {
        "kind": "returned",
        "hold": hold,
        "amount": "3000000000000000000",
        "tx": "0x" + "7a" * 32,
    }
    w.report(b, request, [line | {"return_request": made["id"]}])

    received = first.post(f"{page}/confirm", page)
    assert first.sign(received.location, key, received.location).location == page
    assert "arrived" in first.get(page).text
    [shown] = w.items(b.auditor, request, "return-requests")
    assert shown["return_status"] == "settled"
