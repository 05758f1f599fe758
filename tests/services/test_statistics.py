"""Statistics: they add up to the ledger, over what the reader may see, and name few."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from coordinator.domain.clock import SteppedClock
from coordinator.domain.durations import percentile
from coordinator.domain.usd import in_proportion, usd_cents, usd_text
from coordinator.services.reading.statistics import (
    YearlySummary,
    count_figures,
    month_start,
    yearly_view,
)
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.reading.statistics import Scope
from holdfast.protocol.payloads import Usd
from tests.factories import ACCOUNT, ETHER, Cast, Exchange, Signer
from tests.services.request_cast import addresses, nothing
from tests.services.through_api import (
    World,
    found_line,
    frozen_line,
    parameters,
    policies,
    problem,
    released_line,
)

USD = {"at": "2026-03-02T11:00:00Z", "source": "an index"}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _statistics(w: World, exchange: Exchange, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = w.get(exchange.auditor, f"/v1/statistics{query}")
    return found


def _row(view: dict[str, Any], exchange: Exchange, month: str = "2026-03") -> dict[str, Any]:
    wanted = (exchange.handle, month)
    found: list[dict[str, Any]] = [
        row for row in view["rows"] if (row["partner"], row["month"]) == wanted
    ]
    assert len(found) == 1
    return found[0]


def test_the_percentile_is_always_one_of_the_values() -> None:
    assert percentile([], 50) is None
    assert [percentile([7], 50), percentile([7], 90)] == [7, 7]
    ten = list(range(1, 11))
    assert [percentile(ten, 50), percentile(ten, 90)] == [5, 9]
    assert [percentile([1, 2, 3], 50), percentile([1, 2, 3], 90)] == [2, 3]


@pytest.mark.parametrize(
    ("value", "cents"), [("0", 0), ("12", 1200), ("12.5", 1250), ("12.05", 1205)]
)
def test_dollars_are_whole_cents(value: str, cents: int) -> None:
    stated = Usd.model_validate({"value": value, **USD})
    assert usd_cents(stated) == cents
    assert usd_text(1205) == "12.05"
    assert usd_cents(None) is None
    assert in_proportion(1000, of=0, to=5) == 0
    assert in_proportion(1000, of=3, to=2) == 666


def test_times_count_from_the_notice_to_acknowledging_and_to_the_first_freeze(w: World) -> None:
    for minutes in (1, 2, 60):
        request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
        w.step(minutes=minutes)
        w.act(w.cast.b.analyst, request, "acknowledgement")
        w.step(seconds=30)
        w.freeze(w.cast.b, request)
    view = _statistics(w, w.cast.a)
    row = _row(view, w.cast.b)
    assert (row["urgency"], row["legs"]) == ("urgent", 3)
    acknowledged = {"count": 3, "median_ms": 120_000, "p90_ms": 3_600_000}
    assert row["acknowledged"] == acknowledged
    assert row["first_freeze"]["median_ms"] == 150_000
    silent = _row(view, w.cast.c)
    assert silent["legs"] == 3
    assert silent["acknowledged"] == {"count": 0, "median_ms": None, "p90_ms": None}


def test_who_answers_in_time_and_who_does_not(w: World) -> None:
    b, c, d = w.cast.b, w.cast.c, w.cast.d
    in_time, late, silent = (w.live(to=[x.handle for x in (b, c, d)]) for _ in range(3))
    w.step(hours=1)
    w.report(b, in_time, [nothing()])
    w.step(hours=24)
    w.run_timer("acknowledge_by")
    w.run_timer("answer_by")
    w.report(b, late, [nothing()])
    w.act(c.lead, silent, "acknowledgement")
    w.act(
        w.cast.a.lead,
        w.live(to=[b.handle]),
        "withdrawal",
        addresses="all",
        reason="an error",
        reason_code="other",
    )
    row = _row(_statistics(w, w.cast.a), b)
    assert row["legs"] == 4
    assert row["answered"] == {"count": 2, "median_ms": 3_600_000, "p90_ms": 90_000_000}
    # What was withdrawn before its time counts neither way.
    assert row["answered_in_time"] == {"count": 3, "in_time": 1}
    assert row["acknowledged_in_time"] == {"count": 3, "in_time": 1}
    row = _row(_statistics(w, w.cast.a), c)
    assert row["answered_in_time"] == {"count": 3, "in_time": 0}
    assert row["acknowledged_in_time"] == {"count": 3, "in_time": 0}
    assert row["answered"] == {"count": 0, "median_ms": None, "p90_ms": None}


def test_waiting_for_a_reply_makes_no_answer_late(w: World) -> None:
    b, request = w.cast.b, w.live(to=[w.cast.b.handle])
    asked = w.act(b.analyst, request, "info-requests", missing=["one"])
    w.step(hours=48)
    w.act(w.cast.a.analyst, request, f"info-requests/{asked['id']}/answer", text="Here.")
    w.step(hours=23)
    w.report(b, request, [nothing()])
    row = _row(_statistics(w, w.cast.a), b)
    assert row["answered_in_time"] == {"count": 1, "in_time": 1}


def test_who_may_not_speak_is_never_late(w: World, database: Database) -> None:
    b, request = w.cast.b, w.live(to=[w.cast.b.handle])
    w.step(hours=24)
    w.run_timer("answer_by")
    w.act(b.lead, request, "decline", code="legally_barred")
    status = "UPDATE leg SET status = 'cannot_say'"
    with database.writing() as connection, connection.begin():
        connection.execute(text(status))
    row = _row(_statistics(w, w.cast.a), b)
    assert row["answered_in_time"] == {"count": 0, "in_time": 0}
    assert row["answered"]["count"] == 0
    with database.writing() as connection, connection.begin():
        connection.execute(text(status.replace("cannot_say", "declined")))


def test_amounts_add_up_to_the_ledger_and_a_shared_hold_counts_once(w: World) -> None:
    first = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    hold = w.freeze(w.cast.b, first, "700")
    w.freeze(w.cast.c, first, "50")
    second = w.live(
        to=[w.cast.b.handle],
        incident={"id": first["incident"]["id"]},
        addresses=[{"account": ACCOUNT}],
    )
    w.report(w.cast.b, second, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    returned = {"kind": "returned", "hold": hold, "amount": "300", "tx": "0x" + "ab" * 32}
    w.report(w.cast.b, first, [returned])
    view = _statistics(w, w.cast.a)
    ledger = w.get(w.cast.a.lead, f"/v1/incidents/{first['incident']['id']}")["totals"][ETHER]
    whole = view["totals"][ETHER]
    assert {n: whole[n] for n in ("found", "frozen", "returned")} == {
        "found": "750",
        "frozen": "750",
        "returned": "300",
    }
    assert all(whole[n] == ledger[n] for n in ("found", "frozen", "returned"))
    rows = [row["assets"].get(ETHER, {}) for row in view["rows"]]
    for name in ("found", "frozen", "returned"):
        assert sum(int(row.get(name, 0)) for row in rows) == int(whole[name])


def test_what_is_asked_of_two_partners_stands_in_both_rows_and_counts_once(w: World) -> None:
    address = {"account": ACCOUNT, "asset": ETHER, "amount": "900"}
    valued = address | {"usd": {"value": "10.00", **USD}}
    w.live(to=[w.cast.b.handle, w.cast.c.handle], addresses=[valued])
    w.live(to=[w.cast.b.handle], addresses=[address])
    view = _statistics(w, w.cast.a)
    asked = [_row(view, x)["assets"][ETHER]["asked"] for x in (w.cast.b, w.cast.c)]
    assert (asked, view["totals"][ETHER]["asked"]) == (["1800", "900"], "1800")
    assert [_row(view, x)["usd"]["asked"] for x in (w.cast.b, w.cast.c)] == ["10.00"] * 2
    assert (view["usd"]["asked"], view["usd"]["unvalued"]) == ("10.00", 1)
    assert _year(w, name_from=1)["assets"][ETHER]["asked"] == "1800"


def _marked(w: World) -> tuple[dict[str, Any], str, str]:
    """Have B and C freeze the same 700, B's valued, and the requester mark C's."""
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    usd = {"value": "10.00", **USD}
    told = w.report(w.cast.b, request, [found_line("700", usd=usd), frozen_line("700", usd=usd)])
    ours, issuers = told["lines"][1]["hold"], w.freeze(w.cast.c, request)
    w.act(w.cast.a.analyst, request, "same-funds", hold=issuers, same_as=ours)
    return request, ours, issuers


def _figures(view: Any) -> list[str]:
    shown = view["totals" if "totals" in view else "assets"][ETHER]
    return [shown.get(name, "-") for name in ("found", "frozen", "returned")]


def test_the_same_tokens_of_two_partners_count_once_for_the_requester_and_the_public(
    w: World,
) -> None:
    request, ours, issuers = _marked(w)
    view = _statistics(w, w.cast.a)
    assert _figures(view) == ["700", "700", "0"]
    assert _row(view, w.cast.c)["assets"][ETHER]["frozen"] == "0"
    assert _figures(_year(w, name_from=1)) == ["700", "700", "-"]
    # Whoever froze reads its own figures whole: nothing tells it that another holds the same.
    assert _figures(_statistics(w, w.cast.c)) == ["700", "700", "0"]
    assert _statistics(w, w.cast.c)["usd"]["unvalued"] == 3
    # That the counted hold ends makes one freeze of the past no two.
    w.report(w.cast.b, request, [released_line(ours, "700")])
    assert _figures(_statistics(w, w.cast.a)) == ["700", "700", "0"]
    w.report(w.cast.c, request, [_returned(issuers, "700")])
    assert _figures(_statistics(w, w.cast.a)) == ["700", "700", "700"]


def test_what_both_say_to_have_returned_of_the_same_tokens_counts_once(w: World) -> None:
    request, ours, issuers = _marked(w)
    w.report(w.cast.b, request, [_returned(ours, "700")])
    w.report(w.cast.c, request, [_returned(issuers, "700")])
    assert _figures(_statistics(w, w.cast.a)) == ["700", "700", "700"]


def test_the_same_tokens_count_where_the_other_hold_was_never_there(w: World) -> None:
    request, ours, _ = _marked(w)
    lines = w.items(w.cast.a.auditor, request, "ledger")
    [opened] = [line["id"] for line in lines if line.get("hold") == ours]
    void = {"kind": "correction", "corrects": opened, "amount": "0", "reason": "a slip"}
    w.report(w.cast.b, request, [void])
    assert _figures(_statistics(w, w.cast.a)) == ["1400", "700", "0"]


def _returned(hold: str, amount: str) -> dict[str, Any]:
    return {"kind": "returned", "hold": hold, "amount": amount, "tx": "0x" + "1" * 64}


def test_dollars_are_those_that_lines_state_and_follow_corrections(w: World) -> None:
    stated = {"value": "2000.50", **USD}
    address = {"account": ACCOUNT, "asset": ETHER, "amount": "900", "usd": stated}
    request = w.live(to=[w.cast.b.handle], addresses=[address])
    usd = {"value": "1000.00", **USD}
    lines = [found_line("700", usd=usd), frozen_line("700", usd=usd)]
    report = w.report(w.cast.b, request, lines)
    figures = _statistics(w, w.cast.b)["usd"]
    assert figures == {
        "asked": "2000.50",
        "found": "1000.00",
        "frozen": "1000.00",
        "released": None,
        "returned": None,
        "restored": None,
        "unvalued": 0,
    }
    for amount in ("140", "70"):
        correction = {"corrects": report["lines"][1]["id"], "amount": amount, "reason": "a slip"}
        w.report(w.cast.b, request, [{"kind": "correction", **correction}])
    assert _statistics(w, w.cast.a)["usd"]["frozen"] == "100.00"
    assert _statistics(w, w.cast.a)["usd"]["found"] == "1000.00"


def test_what_both_released_of_the_same_tokens_counts_once(w: World) -> None:
    request, ours, issuers = _marked(w)
    w.report(w.cast.b, request, [released_line(ours, "300")])
    assert _statistics(w, w.cast.a)["totals"][ETHER]["released"] == "300"
    w.report(w.cast.c, request, [released_line(issuers, "300")])
    assert _statistics(w, w.cast.a)["totals"][ETHER]["released"] == "300"
    # Whoever released reads its own figures whole.
    assert _statistics(w, w.cast.c)["totals"][ETHER]["released"] == "300"


def test_times_of_all_rows_stand_together(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    w.step(minutes=1)
    hold = w.freeze(w.cast.b, request)
    w.freeze(w.cast.c, request)
    w.step(minutes=1)
    w.report(w.cast.b, request, [_returned(hold, "70")])
    view = _statistics(w, w.cast.a)
    assert view["first_freeze"] == {"count": 2, "median_ms": 60_000, "p90_ms": 60_000}
    assert view["first_return"] == {"count": 1, "median_ms": 120_000, "p90_ms": 120_000}
    assert _row(view, w.cast.c)["first_return"]["count"] == 0


def test_months_can_be_told_together(w: World) -> None:
    for _ in range(2):
        request = w.live(to=[w.cast.b.handle])
        w.act(w.cast.b.analyst, request, "acknowledgement")
        w.step(days=31)
    now = w.clock.now()
    path = f"/v1/statistics?from={now - timedelta(days=93):%Y-%m}&to={now:%Y-%m}"
    each = w.get(w.cast.a.auditor, path)["rows"]
    assert [row["legs"] for row in each] == [1, 1]
    [both] = w.get(w.cast.a.auditor, f"{path}&rows=together")["rows"]
    assert (both["legs"], both["month"], both["acknowledged"]["count"]) == (2, None, 2)


def test_a_withheld_amount_is_counted_and_not_summed(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    w.report(w.cast.b, request, [found_line(None), frozen_line(None)])
    view = _statistics(w, w.cast.a)
    whole = view["totals"][ETHER]
    assert (whole["found"], whole["frozen"], whole["withheld"]) == ("0", "0", 2)
    assert view["units"] == {ETHER: {"symbol": "ETH", "decimals": 18}}


def test_declines_and_empty_answers_are_told_by_code(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    w.act(w.cast.b.lead, request, "decline", code="policy_refusal")
    w.report(w.cast.c, request, [{"kind": "nothing", "address_nos": "rest", "code": "funds_gone"}])
    view = _statistics(w, w.cast.a)
    assert _row(view, w.cast.b)["declined"] == {"policy_refusal": 1}
    assert _row(view, w.cast.c)["nothing"] == {"funds_gone": 1}
    w.act(w.cast.b.lead, request, "review")
    assert _row(_statistics(w, w.cast.a), w.cast.b)["declined"] == {}


def test_who_cannot_say_is_outside_the_statistics_of_answers(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    w.act(w.cast.b.lead, request, "decline", code="cannot_say")
    silent = {"kind": "nothing", "address_nos": "rest", "code": "cannot_say"}
    w.report(w.cast.c, request, [silent])
    view = _statistics(w, w.cast.a)
    for exchange in (w.cast.b, w.cast.c):
        assert w.leg(request, exchange)["status"] == "cannot_say"
        row = _row(view, exchange)
        assert (row["legs"], row["declined"], row["nothing"]) == (1, {}, {})


def test_each_leg_that_shows_declined_counts_once_in_the_decline_mix(w: World) -> None:
    five = addresses(5)
    said: list[dict[str, list[int]]] = [
        {"funds_gone": [0, 1], "policy_refusal": [2], "no_match": [3, 4]},
        {"funds_gone": [0], "below_threshold": [1], "not_our_address": [2, 3, 4]},
        {"no_match": [0, 1, 2, 3, 4]},
    ]
    partners = [w.cast.b, w.cast.c, w.cast.d]
    for codes in said:
        request = w.live(to=[w.cast.b.handle], addresses=five)
        lines = [{"kind": "nothing", "address_nos": n, "code": c} for c, n in codes.items()]
        w.report(w.cast.b, request, lines)
    for exchange in partners[1:]:
        request = w.live(to=[exchange.handle])
        nothing = {"kind": "nothing", "address_nos": "rest", "code": "funds_gone"}
        w.report(exchange, request, [nothing])
        w.act(exchange.lead, request, "decline", code="policy_refusal")
    view = _statistics(w, w.cast.a)
    assert _row(view, w.cast.b)["declined"] == {"funds_gone": 1, "below_threshold": 1}
    for exchange in partners[1:]:
        assert _row(view, exchange)["declined"] == {"policy_refusal": 1}
        assert _row(view, exchange)["nothing"] == {"funds_gone": 1}
    path = "/v1/freeze-requests?box=sent"
    listed = w.get(w.cast.a.auditor, path)["items"]
    legs = [leg for request in listed for leg in w.items(w.cast.a.auditor, request, "legs")]
    shown = [leg for leg in legs if leg["status"] == "declined"]
    assert sum(sum(row["declined"].values()) for row in view["rows"]) == len(shown) == 4
    for _ in range(policies().name_from_cases):
        w.live(to=[w.cast.b.handle])
    w.step(hours=1)
    year = w.signer.client.get("/v1/statistics/2026").get_json()
    assert year["declined"] == {"funds_gone": 1, "below_threshold": 1, "policy_refusal": 2}


def test_a_freeze_that_was_corrected_to_nothing_never_was_the_first(w: World) -> None:
    slip = w.live(to=[w.cast.b.handle])
    report = w.report(w.cast.b, slip, [found_line("700"), frozen_line("700")])
    correction = {"corrects": report["lines"][1]["id"], "amount": "0", "reason": "a slip"}
    w.report(w.cast.b, slip, [{"kind": "correction", **correction}])
    assert _row(_statistics(w, w.cast.a), w.cast.b)["first_freeze"]["count"] == 0
    w.step(minutes=5)
    w.report(w.cast.b, slip, [frozen_line("600")])
    late = {"count": 1, "median_ms": 300_000, "p90_ms": 300_000}
    assert _row(_statistics(w, w.cast.a), w.cast.b)["first_freeze"] == late
    withheld = w.live(to=[w.cast.c.handle])
    w.report(w.cast.c, withheld, [found_line(None), frozen_line(None)])
    assert _row(_statistics(w, w.cast.a), w.cast.c)["first_freeze"]["count"] == 1


def test_dollars_of_a_shared_hold_count_for_every_reader_whoever_wrote_of_them(w: World) -> None:
    to = [w.cast.b.handle]
    of_a, of_c = w.live(to=to), w.live(w.cast.c, to=to)
    usd = {"value": "1000.00", **USD}
    lines = [found_line("700", usd=usd), frozen_line("700", usd=usd)]
    hold = w.report(w.cast.b, of_a, lines)["lines"][1]["hold"]
    w.report(w.cast.b, of_c, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    returned = {"kind": "returned", "hold": hold, "amount": "70", "tx": "0x" + "ab" * 32}
    w.report(w.cast.b, of_a, [{**returned, "usd": {"value": "110.00", **USD}}])
    w.report(w.cast.b, of_c, [{**returned, "usd": {"value": "90.00", **USD}}])
    for reader in (w.cast.a, w.cast.b, w.cast.c):
        usd_sums = _statistics(w, reader)["usd"]
        assert (usd_sums["frozen"], usd_sums["returned"]) == ("1000.00", "200.00")


def test_a_reader_has_the_figures_of_what_it_may_see_alone(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    w.freeze(w.cast.b, request, "700")
    w.freeze(w.cast.c, request, "50")
    seen = {x.handle: _statistics(w, x) for x in w.cast.all}
    named = {handle: {row["partner"] for row in view["rows"]} for handle, view in seen.items()}
    assert named == {
        w.cast.a.handle: {w.cast.b.handle, w.cast.c.handle},
        w.cast.b.handle: {w.cast.b.handle},
        w.cast.c.handle: {w.cast.c.handle},
        w.cast.d.handle: set(),
    }
    assert seen[w.cast.c.handle]["totals"][ETHER]["frozen"] == "50"
    unsigned = w.signer.client.get("/v1/statistics")
    assert unsigned.status_code == 401


def test_a_leg_belongs_to_the_month_in_which_it_began(w: World) -> None:
    march = w.live(to=[w.cast.b.handle])
    w.freeze(w.cast.b, march, "700")
    w.step(days=30)
    w.live(to=[w.cast.b.handle])
    assert [r["month"] for r in _statistics(w, w.cast.a)["rows"]] == ["2026-04"]
    both = _statistics(w, w.cast.a, "?from=2026-03&to=2026-04")
    assert [r["month"] for r in both["rows"]] == ["2026-03", "2026-04"]
    assert _row(both, w.cast.b)["assets"][ETHER]["frozen"] == "700"
    assert _statistics(w, w.cast.a, "?from=2026-03")["to_month"] == "2026-04"
    assert _statistics(w, w.cast.a, "?to=2026-02")["rows"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?from=2026-13", "from"),
        ("?from=march", "from"),
        ("?to=2026-3", "to"),
        ("?from=2026-04&to=2026-03", "to"),
        ("?from=2020-01&to=2026-03", "to"),
        ("?since=2026-03", "since"),
    ],
)
def test_months_that_are_none_are_refused(w: World, query: str, parameter: str) -> None:
    refused = w.signer.get(w.cast.a.lead, f"/v1/statistics{query}")
    assert parameters(problem(refused, 422, "invalid_input")) == [parameter]


def test_the_public_summary_names_no_partner_with_few_cases(w: World) -> None:
    few = policies().name_from_cases
    before: dict[str, Any] = {}
    for number in range(few):
        to = [w.cast.b.handle, w.cast.c.handle] if number else [w.cast.b.handle]
        request = w.live(to=to, summary="The same theft again.")
        w.clock.step(timedelta(minutes=1))
        w.act(w.cast.b.analyst, request, "acknowledgement")
        if number == 1:
            w.report(w.cast.c, request, [{"kind": "nothing", "address_nos": "rest"}])
        if number == few - 2:
            before |= w.signer.client.get("/v1/statistics/2026").get_json()
    assert before["partners"] == []
    same = w.signer.client.get("/v1/statistics/2026").get_json()
    assert same == before
    w.step(hours=1)
    answer = w.signer.client.get("/v1/statistics/2026")
    summary = answer.get_json()
    assert (summary["requests"], summary["cases"]) == (few, 2 * few - 1)
    assert [partner["partner"] for partner in summary["partners"]] == [w.cast.b.handle]
    assert summary["partners"][0]["acknowledged"]["median_ms"] == 60_000
    assert summary["nothing"] == {"no_match": 1}
    # Ten cases, but of two partners: their sums would be theirs.
    assert (summary["assets"], summary["usd"], summary["units"]) == ({}, {}, {})
    assert w.cast.c.handle.encode() not in answer.data


def _year(w: World, *, name_from: int) -> YearlySummary:
    """Return the public year as it would be with another number of cases and partners."""
    scope = Scope(month_start(2026, 1), month_start(2027, 1), None)
    with w.database.engine.connect() as connection:
        counted = count_figures(connection, scope)
    return yearly_view(counted, year=2026, requests=1, name_from=name_from)


def test_the_public_year_tells_no_sum_of_one_partner_however_many_its_cases(w: World) -> None:
    lines = [
        found_line("777000333", usd={"value": "4321.09", **USD}),
        frozen_line("777000333", usd={"value": "4321.09", **USD}),
    ]
    amount = {"asset": ETHER, "amount": "888000444", "usd": {"value": "5432.10", **USD}}
    for _ in range(policies().name_from_cases):
        request = w.live(to=[w.cast.b.handle], addresses=[{"account": ACCOUNT, **amount}])
        hold = w.report(w.cast.b, request, lines)["lines"][1]["hold"]
        w.report(w.cast.b, request, [released_line(hold, "1")])
    summary = w.signer.client.get("/v1/statistics/2026").get_json()
    assert [partner["partner"] for partner in summary["partners"]] == [w.cast.b.handle]
    assert (summary["assets"], summary["usd"], summary["units"]) == ({}, {}, {})


def test_each_sum_of_a_public_year_comes_from_enough_cases_and_enough_partners(w: World) -> None:
    b, c, d = w.cast.b, w.cast.c, w.cast.d
    usd = {"value": "10.00", **USD}
    amount = {"asset": ETHER, "amount": "1000", "usd": usd}
    asks = [
        w.live(to=[b.handle, c.handle], addresses=[{"account": ACCOUNT, **amount}])
        for _ in range(2)
    ]
    for exchange, request in ((b, asks[0]), (c, asks[0]), (b, asks[1])):
        w.report(exchange, request, [found_line("50", usd=usd)])
    w.report(b, asks[0], [frozen_line("40", usd=usd)])
    w.report(b, asks[1], [frozen_line("40", usd=usd)])
    # Two partners and three cases stand behind what was found, one partner behind what was frozen,
    # and behind what was asked one requester, however many it asked.
    assert _year(w, name_from=2)["assets"] == {ETHER: {"found": "150"}}
    assert _year(w, name_from=2)["usd"] == {"found": "30.00"}
    assert _year(w, name_from=3)["assets"] == {}
    w.report(c, asks[1], [found_line("7"), frozen_line("7")])
    assert _year(w, name_from=2)["assets"] == {ETHER: {"found": "157", "frozen": "87"}}
    assert "frozen" not in _year(w, name_from=2)["usd"]
    other = w.live(d, to=[b.handle], addresses=[{"account": ACCOUNT, **amount}])
    shown = _year(w, name_from=2)
    assert shown["assets"][ETHER]["asked"] == "3000"
    assert shown["usd"]["asked"] == "30.00"
    w.report(b, other, [found_line(None)])
    assert "withheld" not in _year(w, name_from=2)["assets"][ETHER]
    # Three partners each, and cases enough: nobody's part can be made out.
    once = w.live(d, to=[c.handle], addresses=[{"account": ACCOUNT, **amount}])
    w.report(c, once, [found_line(None)])
    assert _year(w, name_from=2)["assets"][ETHER]["withheld"] == 2


def test_a_year_with_few_cases_tells_counts_alone(w: World) -> None:
    request = w.live(to=[w.cast.b.handle])
    w.freeze(w.cast.b, request)
    summary = w.signer.client.get("/v1/statistics/2026").get_json()
    assert (summary["cases"], summary["partners"]) == (1, [])
    assert "assets" not in summary


@pytest.mark.parametrize("year", ["2027", "1999", "abc", "20260", "2019"])
def test_there_is_no_summary_of_other_years(w: World, year: str) -> None:
    problem(w.signer.client.get(f"/v1/statistics/{year}"), 404, "not_found")


def test_a_month_is_read_by_its_index(w: World) -> None:
    w.live()
    request = w.live()
    w.freeze(w.cast.b, request)
    statement = "SELECT id FROM leg WHERE queued_at >= 0 AND queued_at < 1"
    with w.database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}").all()
        else:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    assert "ix_leg_queued_at" in str(plan)


def _judged(w: World, exchange: Exchange) -> dict[str, tuple[int, ...]]:
    names = ("frozen_requests", "wrong_requests", "frozen_addresses", "wrong_addresses")
    rows = _statistics(w, exchange)["requesters"]
    return {row["requester"]: tuple(row[name] for name in names) for row in rows}


def _wrong(w: World, request: dict[str, Any], numbers: Any, code: str = "wrong_target") -> None:
    words = {"addresses": numbers, "reason_code": code, "reason": "a market maker's"}
    w.act(w.cast.a.lead, request, "withdrawal", **words)


def test_wrong_targets_are_counted_among_what_was_frozen_by_request_and_by_address(
    w: World,
) -> None:
    a, b, c, d = w.cast.all
    first = w.live(addresses=addresses(3, 500))
    for exchange, number in ((b, 0), (c, 0), (b, 1)):
        w.report(exchange, first, [found_line("5", number), frozen_line("5", number)])
    w.freeze(b, w.live(addresses=addresses(1, 510)))
    assert _judged(w, a) == {a.handle: (2, 0, 3, 0)}
    # Nobody froze the third address: taking it back hurt nobody.
    _wrong(w, first, [2])
    assert _judged(w, a)[a.handle] == (2, 0, 3, 0)
    _wrong(w, first, [0])
    assert _judged(w, a)[a.handle] == (2, 1, 3, 1)
    # Over what the reader may see: B froze all three, C the wrong one, D nothing.
    assert _judged(w, b)[a.handle] == (2, 1, 3, 1)
    assert _judged(w, c)[a.handle] == (1, 1, 1, 1)
    assert _judged(w, d)[a.handle] == (0, 0, 0, 0)


def test_what_was_withdrawn_for_another_reason_or_cleared_in_vain_is_no_wrong_target(
    w: World,
) -> None:
    a, b, *_ = w.cast.all
    request = w.live(addresses=addresses(2, 530))
    for number in (0, 1):
        w.report(b, request, [found_line("5", number), frozen_line("5", number)])
    _wrong(w, request, [0])
    [cleared] = w.items(a.auditor, request, "clearances")
    assert _judged(w, a)[a.handle] == (1, 1, 2, 1)
    path = f"clearances/{cleared['id']}/revocation"
    w.act(a.lead, request, path, reason="It was the thief's after all.")
    _wrong(w, request, "all", "superseded")
    assert _judged(w, a)[a.handle] == (1, 0, 2, 0)


def test_a_freeze_that_a_correction_voided_is_none_to_judge_a_requester_by(w: World) -> None:
    request = w.live(addresses=addresses(2, 540))
    lines = w.report(w.cast.b, request, [found_line("5"), frozen_line("5")])["lines"]
    void = {"kind": "correction", "corrects": lines[1]["id"], "amount": "0", "reason": "A typo."}
    w.report(w.cast.b, request, [void])
    assert _judged(w, w.cast.b)[w.cast.a.handle] == (0, 0, 0, 0)
