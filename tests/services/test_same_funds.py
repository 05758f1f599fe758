"""The same tokens held twice: sums over partners count them once, and no partner learns of it."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import ConflictError
from coordinator.domain.same_funds import PlacedHold, require_same_funds
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import ETHER, Cast, Signer
from tests.services.through_api import REQUESTS, World, problem, released_line


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _both(w: World) -> tuple[dict[str, Any], str, str]:
    """Have B and C freeze 700 each for the same address."""
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    return request, w.freeze(w.cast.b, request), w.freeze(w.cast.c, request)


def _mark(w: World, request: dict[str, Any], hold: str, same_as: str | None) -> None:
    w.act(w.cast.a.analyst, request, "same-funds", hold=hold, same_as=same_as)


def _totals(w: World, request: dict[str, Any], reader: Any = None) -> dict[str, Any]:
    member = (reader or w.cast.a).auditor
    return dict(w.get(member, f"{REQUESTS}/{request['id']}")["totals"][ETHER])


def _sums(w: World, request: dict[str, Any], reader: Any = None) -> tuple[str, str, str | None]:
    shown = _totals(w, request, reader)
    return shown["frozen"], shown["held"], shown.get("same_funds")


def test_funds_that_two_partners_hold_count_once_and_stand_beside(w: World) -> None:
    request, ours, issuers = _both(w)
    assert _sums(w, request) == ("1400", "1400", None)
    _mark(w, request, issuers, ours)
    assert _sums(w, request) == ("700", "700", "700")
    incident = w.get(w.cast.a.auditor, f"/v1/incidents/{request['incident']['id']}")
    shown = incident["totals"][ETHER]
    assert (shown["held"], shown["same_funds"]) == ("700", "700")
    _mark(w, request, issuers, None)
    assert _sums(w, request) == ("1400", "1400", None)


def test_what_is_found_of_the_same_tokens_is_not_added_up_twice(w: World) -> None:
    request, ours, issuers = _both(w)
    assert _totals(w, request)["found"] == "1400"
    _mark(w, request, issuers, ours)
    assert _totals(w, request)["found"] == "700"
    assert _totals(w, request, w.cast.c)["found"] == "700"
    incident = w.get(w.cast.a.auditor, f"/v1/incidents/{request['incident']['id']}")
    assert incident["totals"][ETHER]["found"] == "700"


def test_when_the_counted_hold_ends_the_other_counts_again(w: World) -> None:
    request, ours, issuers = _both(w)
    _mark(w, request, issuers, ours)
    w.report(w.cast.b, request, [released_line(ours, "700")])
    assert _sums(w, request) == ("1400", "700", None)


def test_no_partner_learns_that_another_holds_the_same(w: World) -> None:
    request, ours, issuers = _both(w)
    before = {x.handle: _totals(w, request, x) for x in (w.cast.b, w.cast.c)}
    _mark(w, request, issuers, ours)
    for exchange in (w.cast.b, w.cast.c):
        assert _totals(w, request, exchange) == before[exchange.handle]
        incident = w.get(exchange.auditor, f"/v1/incidents/{request['incident']['id']}")
        assert incident["totals"][ETHER]["held"] == "700"
        assert w.events(exchange, "freeze_request.same_funds_marked") == []
        acts = [act["act"] for act in w.items(exchange.auditor, request, "evidence")]
        assert "mark_same_funds" not in acts
        assert "same_funds_as" not in w.items(exchange.auditor, request, "holds")[0]
    assert w.events(w.cast.a, "freeze_request.same_funds_marked")[0]["same_as"] == ours
    acts = [act["act"] for act in w.items(w.cast.a.auditor, request, "evidence")]
    assert "mark_same_funds" in acts


def test_only_the_requester_marks_and_only_holds_of_its_request(w: World) -> None:
    request, ours, issuers = _both(w)
    words = {"hold": issuers, "same_as": ours}
    problem(w.try_act(w.cast.a.compliance, request, "same-funds", **words), 403, "not_allowed")
    problem(w.try_act(w.cast.b.lead, request, "same-funds", **words), 404, "not_found")
    other, _, _ = _both(w)
    problem(w.try_act(w.cast.a.lead, other, "same-funds", **words), 404, "no_such_hold")
    _mark(w, request, issuers, ours)
    problem(w.try_act(w.cast.a.lead, request, "same-funds", **words), 409, "already_marked")


ONE = PlacedHold("hld_1", "exchange-b.example", 0, ETHER, True, None, 0)  # noqa: FBT003
TWO = ONE._replace(id="hld_2", partner="issuer.example")


def test_two_holds_of_the_same_tokens_are_marked() -> None:
    require_same_funds(TWO, ONE)


@pytest.mark.parametrize(
    ("hold", "counted", "code"),
    [
        (TWO, ONE._replace(is_own=False), "shared_hold"),
        (TWO._replace(is_own=False), ONE, "shared_hold"),
        (TWO, ONE._replace(partner=TWO.partner), "same_partner"),
        (TWO, ONE._replace(address_no=1), "other_funds"),
        (TWO, ONE._replace(asset="eip155:1/slip44:61"), "other_funds"),
        (TWO, ONE._replace(same_funds_as="hld_3"), "left_out_itself"),
        (TWO._replace(counts_for=1), ONE, "counts_for_others"),
    ],
)
def test_what_cannot_be_the_same_or_would_count_nowhere_is_refused(
    hold: PlacedHold, counted: PlacedHold, code: str
) -> None:
    with pytest.raises(ConflictError) as refused:
        require_same_funds(hold, counted)
    assert refused.value.code == code
