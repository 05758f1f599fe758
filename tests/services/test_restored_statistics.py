"""What came back, in statistics: restored beside frozen, misplaced deposits, and restitutions."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.api.test_query_counts import counted
from tests.factories import ETHER, Cast, Exchange, Signer, nonce
from tests.services.recovery_world import Recoveries, deposit, found, returned, tx
from tests.services.restoring_cast import allocate, claim, opened
from tests.services.test_return_requests import Case
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def statistics(w: World, exchange: Exchange, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = w.get(exchange.auditor, f"/v1/statistics{query}")
    return found


def test_restored_is_what_was_returned_and_confirmed(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made, "700")
    sent = case.send("400", made)
    case.send("50", None)  # returned, and nobody asked for it by name
    before = statistics(w, case.a)
    assert (before["totals"][ETHER]["returned"], before["totals"][ETHER]["restored"]) == (
        "450",
        "0",
    )
    assert before["restored"]["count"] == 0
    correction = {"corrects": sent["lines"][0]["id"], "amount": "300", "reason": "a slip"}
    w.report(case.b, case.request, [{"kind": "correction", **correction}])
    w.clock.step(timedelta(minutes=90))
    case.receive(made, "300")
    for side in (case.a, case.b):
        view = statistics(w, side)
        assert view["totals"][ETHER]["frozen"] == "700"
        assert view["totals"][ETHER]["restored"] == "300"
        assert view["restored"]["count"] == 1
        # From the notice to the confirmation.
        assert view["restored"]["median_ms"] == timedelta(minutes=90) / timedelta(milliseconds=1)
        [row] = [each for each in view["rows"] if each["partner"] == case.b.handle]
        assert row["assets"][ETHER]["restored"] == "300"
    # Another partner of the same request reads its own leg, and nothing came back on that.
    assert statistics(w, w.cast.c)["totals"][ETHER]["restored"] == "0"


def test_what_did_not_arrive_is_not_restored_until_it_does(w: World) -> None:
    case = Case(w)
    made = case.open()
    case.accept(made, "700")
    case.send("700", made)
    case.do(case.a.compliance, made, "receipt", received=False, amount="700", text="Not here.")
    assert statistics(w, case.a)["totals"][ETHER]["restored"] == "0"
    case.receive(made, "700")
    assert statistics(w, case.a)["totals"][ETHER]["restored"] == "700"


def test_deposits_stand_beside_the_legs_of_the_months_in_which_they_were_asked_for(
    w: World,
) -> None:
    both = Recoveries(w)
    request = both.out(deposit(1), deposit(2))
    both.answer(request, found(0))
    w.clock.step(timedelta(minutes=30))
    both.answer(request, returned(0))
    both.out(deposit(3), drill=True)
    view = statistics(w, w.cast.a)["recoveries"]
    assert view["sent"] == view["network"]
    figures = {"asked": 2, "found": 1, "returned": 1, "confirmed": 0, "declined": 0, "not_found": 0}
    assert view["sent"] == {**figures, "median_seconds": 1_800}
    assert view["received"]["asked"] == 0
    assert statistics(w, w.cast.b)["recoveries"]["received"] == view["sent"]
    earlier = statistics(w, w.cast.a, "?from=2026-01&to=2026-02")["recoveries"]
    assert earlier["network"]["asked"] == 0


def test_restitutions_are_told_with_sums_to_their_opener_and_as_counts_to_others(
    w: World,
) -> None:
    rst = opened(w)
    rst.came_back(1_000)
    first, second, _ = rst.file(claim(1, 300), claim(2, 500), claim(3, 400))
    for each in (first, second):
        rst.decide(w.cast.a.lead, each, decision="verify")
    allocate(rst, 80)
    [payout, _] = w.get(w.cast.a.lead, f"{rst.path}/payouts")["items"]
    rst.act(w.cast.a.lead, "payouts", lines=[{"payout": payout["id"], "tx": "0x01"}])
    view = statistics(w, w.cast.a)
    claims = {"received": 1, "allocated": 1, "paid": 1}
    paid = {ETHER: payout["amount"]}
    own = {"opened": 1, "claims": claims, "allocated": {ETHER: "80"}, "paid": paid}
    assert view["restitutions"] == {"own": own, "network": {"opened": 1, "claims": claims}}
    assert ETHER in view["units"]
    other = statistics(w, w.cast.d)["restitutions"]
    nothing = {"opened": 0, "claims": {}, "allocated": {}, "paid": {}}
    assert other == {"own": nothing, "network": {"opened": 1, "claims": claims}}
    earlier = statistics(w, w.cast.a, "?from=2026-01&to=2026-02")["restitutions"]
    assert earlier == {"own": nothing, "network": {"opened": 0, "claims": {}}}


def test_statistics_take_as_many_statements_for_many_as_for_one(w: World, app: Flask) -> None:
    if "sqlite" not in str(w.database.engine.url):
        pytest.skip("the statements are the same on both databases")

    def statements() -> int:
        with counted(app) as found:
            statistics(w, w.cast.a)
        return len(found)

    def more(case: Case, number: int) -> None:
        made = case.open()
        case.accept(made, "700")
        case.send("700", made)
        case.receive(made, "700")
        both = Recoveries(w)
        request = both.out(deposit(number))
        both.answer(request, found(0))
        both.answer(request, returned(0))
        rst = opened(w, nonce=nonce())
        rst.came_back(100, tx=tx(number))
        [filed] = rst.file(claim(number))
        rst.decide(w.cast.a.lead, filed, decision="verify")
        allocate(rst, 50)

    case = Case(w)
    more(case, 1)
    statements()  # what a process reads once
    few = statements()
    for number in (2, 3):
        more(case.again("700"), number)
    assert statements() == few
