"""Who owes what: both sides read it, nobody else does."""

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import Cast, Exchange, Signer
from tests.services.request_cast import addresses
from tests.services.through_api import World, released_line


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def owed(w: World, exchange: Exchange) -> list[tuple[str, str, bool]]:
    items = w.get(exchange.auditor, "/v1/holds/owed")["items"]
    return [(item["id"], item["request_id"], item["lapsed"]) for item in items]


def test_a_withdrawal_is_owed_until_it_is_answered_and_shown_to_both_sides_alone(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    assert owed(w, w.cast.a) == owed(w, w.cast.b) == []
    w.act(
        w.cast.a.lead,
        request,
        "withdrawal",
        addresses="all",
        reason_code="other",
        reason="A mistake.",
    )
    assert owed(w, w.cast.a) == owed(w, w.cast.b) == [(hold, request["id"], False)]
    assert owed(w, w.cast.c) == []
    w.report(w.cast.b, request, [released_line(hold, "700", "withdrawn")])
    assert owed(w, w.cast.a) == owed(w, w.cast.b) == []


def test_a_lapsed_hold_is_owed_until_it_is_extended(w: World) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    w.step(days=14)
    w.run_timer("hold_clock")
    assert owed(w, w.cast.a) == owed(w, w.cast.b) == [(hold, request["id"], True)]
    w.act(
        w.cast.b.compliance,
        request,
        "hold-extensions",
        hold=hold,
        hold_expires_at="2026-04-01T12:00:00Z",
        basis="voluntary",
    )
    assert owed(w, w.cast.a) == owed(w, w.cast.b) == []


def test_the_list_is_read_page_by_page(w: World) -> None:
    first, second = w.live(), w.live(summary="Another matter.")
    holds = sorted([w.freeze(w.cast.b, first), w.freeze(w.cast.c, second)])
    for request in (first, second):
        w.act(
            w.cast.a.lead,
            request,
            "withdrawal",
            addresses="all",
            reason_code="other",
            reason="A mistake.",
        )
    page = w.get(w.cast.a.lead, "/v1/holds/owed?limit=1")
    rest = w.get(w.cast.a.lead, f"/v1/holds/owed?limit=1&cursor={page['next_cursor']}")
    assert [item["id"] for item in (*page["items"], *rest["items"])] == holds
    assert rest["next_cursor"] is None


def test_what_is_owed_about_a_shared_hold_is_owed_on_the_request_that_took_it_back_alone(
    w: World,
) -> None:
    a, b, c, _ = w.cast.all
    of_a = w.live(addresses=addresses(1, 900))
    of_c = w.live(c, to=[b.handle], addresses=addresses(3, 910))
    hold = w.freeze(b, of_a)
    w.report(b, of_c, [{"kind": "frozen", "address_no": 1, "hold": hold}])
    w.act(c.lead, of_c, "withdrawal", addresses=[1], reason_code="other", reason="not ours")
    assert owed(w, b) == owed(w, c) == [(hold, of_c["id"], False)]
    assert owed(w, a) == []
    [item] = w.get(b.auditor, "/v1/holds/owed")["items"]
    own = w.items(b.auditor, of_c, "legs")[0]
    assert (item["leg_id"], item["address_no"], item["shared"]) == (own["id"], 1, True)
    assert [x["owed_since"] for x in w.items(a.auditor, of_a, "holds")] == [None]
    assert w.items(c.auditor, of_c, "holds")[0]["owed_since"] is not None
    # Once both took it back, each is owed its answer, and a page may end between the two.
    w.act(a.lead, of_a, "withdrawal", addresses="all", reason_code="other", reason="not ours")
    both = [(hold, request["id"], False) for request in (of_a, of_c)]
    assert owed(w, b) == both
    assert (owed(w, a), owed(w, c)) == (both[:1], both[1:])
    page = w.get(b.auditor, "/v1/holds/owed?limit=1")
    rest = w.get(b.auditor, f"/v1/holds/owed?limit=1&cursor={page['next_cursor']}")
    shown = [(item["id"], item["request_id"]) for item in (*page["items"], *rest["items"])]
    assert shown == [(hold, of_a["id"]), (hold, of_c["id"])]
    assert rest["next_cursor"] is None
    kept = {"kind": "kept", "hold": hold, "basis": "own_policy"}
    w.report(b, of_c, [{**kept, "hold_expires_at": "2026-03-30T12:00:00Z"}])
    assert owed(w, b) == owed(w, a) == owed(w, c) == []
