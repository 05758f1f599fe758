"""What a member says of itself: read by all, changed by its leads, told before one asks it."""

from typing import Any

import pytest
from sqlalchemy import text

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import Cast, Exchange, Signer
from tests.services.through_api import World

HOURS = {
    "zone": "Europe/Tallinn",
    "spans": [{"days": ["mon", "tue"], "opens": "09:00", "closes": "24:00"}],
}
HOURS_OF_NOBODY = {"days": [], "opens": "09:00", "closes": "17:00"}
ENTRY = {
    "freezes_on": "order",
    "jurisdictions": ["EE", "US-NY"],
    "languages": ["en", "zh-Hant", "pt-BR"],
    "hours": HOURS,
    "named_in_statistics": False,
}
UNSAID: dict[str, Any] = {
    "freezes_on": "request",
    "jurisdictions": [],
    "languages": [],
    "hours": None,
    "named_in_statistics": True,  # as the cast chose
}
ORDER = {"order": "12 O 3456/26"}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def change(w: World, exchange: Exchange, **changes: Any) -> dict[str, Any]:
    answer = w.signer.send(exchange.lead, "PATCH", "/v1/partners/me", changes)
    assert answer.status_code == 200, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def seen(w: World, exchange: Exchange) -> dict[str, Any]:
    """Return an entry as another member reads it, listed and alone."""
    listed = w.signer.get(w.cast.c.auditor, "/v1/partners").get_json()["items"]
    [view] = [each for each in listed if each["handle"] == exchange.handle]
    assert w.signer.get(w.cast.c.auditor, f"/v1/partners/{exchange.handle}").get_json() == view
    return {name: view[name] for name in ENTRY}


def test_every_member_reads_what_another_says_of_itself(w: World) -> None:
    b = w.cast.b
    assert seen(w, b) == UNSAID
    assert {name: change(w, b, **ENTRY)[name] for name in ENTRY} == ENTRY
    assert seen(w, b) == ENTRY
    assert seen(w, w.cast.a) == UNSAID
    change(w, b, languages=["et"])
    assert seen(w, b) == {**ENTRY, "languages": ["et"]}
    change(w, b, hours=None, jurisdictions=[], emergency_contact="the night desk")
    assert seen(w, b) == {**ENTRY, "languages": ["et"], "hours": None, "jurisdictions": []}


def test_what_a_member_said_in_the_open_is_in_the_log_and_its_contacts_are_not(
    w: World,
) -> None:
    def leaves() -> int:
        with w.database.engine.connect() as connection:
            query = text("SELECT count(*) FROM log_leaf WHERE type = 'partner.entry_changed'")
            return int(connection.execute(query).scalar_one())

    change(w, w.cast.b, freezes_on="order", contacts=["desk 4"])
    assert leaves() == 1


@pytest.mark.parametrize("who", ["compliance", "analyst", "auditor", "system"])
def test_only_a_lead_changes_the_entry(w: World, who: str) -> None:
    member = getattr(w.cast.b, who)
    answer = w.signer.send(member, "PATCH", "/v1/partners/me", {"freezes_on": "order"})
    assert answer.status_code == 403
    assert seen(w, w.cast.b) == UNSAID


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"freezes_on": "mood"}, "order"),
        ({"jurisdictions": ["Estonia"]}, "/jurisdictions/0"),
        ({"jurisdictions": ["EE", "EE"]}, "twice"),
        ({"languages": ["English"]}, "/languages/0"),
        ({"hours": {"zone": "Nowhere/City", "spans": HOURS["spans"]}}, "/hours/zone"),
        ({"hours": {"zone": "UTC", "spans": []}}, "/hours/spans"),
        (
            {
                "hours": {
                    "zone": "UTC",
                    "spans": [{"days": [], "opens": "09:00", "closes": "17:00"}],
                }
            },
            "/hours/spans/0/days",
        ),
        (
            {
                "hours": {
                    "zone": "UTC",
                    "spans": [{"days": ["mon"], "opens": "22:00", "closes": "06:00"}],
                }
            },
            "over midnight",
        ),
        ({"named_in_statistics": "yes"}, "/named_in_statistics"),
    ],
)
def test_what_is_no_entry_is_refused_with_its_place(
    w: World, body: dict[str, object], said: str
) -> None:
    answer = w.signer.send(w.cast.b.lead, "PATCH", "/v1/partners/me", body)
    assert answer.status_code == 422
    assert said in answer.text
    assert seen(w, w.cast.b) == UNSAID


def test_who_asks_hears_before_it_goes_out_that_a_partner_wants_an_order(w: World) -> None:
    b, c = w.cast.b, w.cast.c
    change(w, b, freezes_on="order")
    request = w.submit(to=[b.handle, c.handle])
    assert request["order_only"] == [b.handle]
    path = f"/v1/freeze-requests/{request['id']}"
    assert w.signer.get(w.cast.a.lead, path).get_json()["order_only"] == [b.handle]
    assert w.submit(to="all")["order_only"] == [b.handle]
    # What rests on an order is what it freezes on.
    assert w.submit(to=[b.handle], legal=ORDER)["order_only"] == []
    assert w.submit(to=[b.handle], support="order")["order_only"] == []
    assert w.submit(to=[c.handle])["order_only"] == []


def test_once_it_went_out_the_word_is_for_the_directory(w: World) -> None:
    b = w.cast.b
    change(w, b, freezes_on="order")
    live = w.live(to=[b.handle])
    path = f"/v1/freeze-requests/{live['id']}"
    assert w.signer.get(w.cast.a.lead, path).get_json()["order_only"] == []
    assert "order_only" not in w.signer.get(b.lead, path).get_json()
