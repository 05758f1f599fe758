"""Totals in US dollars: what lines state, over distinct holds, and how corrections change it."""

from typing import Any

from coordinator.domain.actor import Viewer
from coordinator.domain.errors import InvalidInputError
from coordinator.storage.ledger import ledger_totals
from coordinator.storage.ledger.ledger_totals import AssetTotals
from tests.factories import ETHER
from tests.services.request_cast import (
    Ask,
    Desk,
    corrected,
    found,
    frozen,
    refusal,
    released,
    returned,
    seized,
    shared,
    topped_up,
)

NOTHING = dict.fromkeys(("found", "frozen", "held", "released", "returned", "seized"))


def _worth(line: dict[str, Any], value: str) -> dict[str, Any]:
    return line | {"usd": {"value": value, "at": "2026-01-05T00:00:00Z", "source": "list price"}}


def _frozen(desk: Desk, ask: Ask) -> tuple[list[str], str]:
    """Have B find 100 and freeze 80, stated to be worth 1 and 0.8; return line ids and the hold."""
    lines = (_worth(found(0, 100), "1"), _worth(frozen(0, 80), "0.8"))
    told = desk.report(desk.cast.b, ask, *lines)
    return [line["id"] for line in told["lines"]], told["lines"][1]["hold"]


def _shown(desk: Desk, **scope: Any) -> dict[str, AssetTotals]:
    """Return the totals of a scope as they stand on the wire."""
    with desk.database.engine.connect() as connection:
        return ledger_totals.as_text(ledger_totals.totals(connection, **scope))


def _usd(desk: Desk, **scope: Any) -> dict[str, object]:
    """Return the totals in dollars that differ from 0, as shown."""
    shown = _shown(desk, **scope)[ETHER].get("usd", NOTHING)
    return {name: value for name, value in shown.items() if value is not None}


def test_totals_show_what_lines_state_and_value_what_is_held_as_when_it_was_frozen(
    desk: Desk,
) -> None:
    ask = desk.go_out()
    _, hold = _frozen(desk, ask)
    leg = desk.leg(desk.cast.b, ask).id
    assert _usd(desk, leg_id=leg) == {"found": "1.00", "frozen": "0.80", "held": "0.80"}
    moves = (
        _worth(released(hold, 20), "0.30"),
        _worth(returned(hold, 10), "0.11"),
        _worth(seized(hold, 5), "0.04"),
    )
    told = desk.report(desk.cast.b, ask, *moves)
    expected = {
        "found": "1.00",
        "frozen": "0.80",
        "held": "0.45",
        "released": "0.30",
        "returned": "0.11",
        "seized": "0.04",
    }
    assert told["leg"]["totals"][ETHER]["usd"] == expected
    assert _usd(desk, leg_id=leg) == _usd(desk, request_id=ask.id) == expected
    assert told["lines"][0]["usd"]["value"] == "0.30"


def test_where_no_line_states_a_value_there_is_none(desk: Desk) -> None:
    ask = desk.go_out()
    desk.report(desk.cast.b, ask, found(0, 100), frozen(0, 80))
    shown = _shown(desk, request_id=ask.id)[ETHER]
    assert "usd" not in shown
    assert shown["unvalued"] == 2


def test_a_sum_that_nothing_values_is_no_zero_and_what_has_no_value_is_counted(desk: Desk) -> None:
    ask = desk.go_out()
    desk.report(desk.cast.b, ask, _worth(found(0, 100), "1"), frozen(0, 80))
    shown = _shown(desk, request_id=ask.id)[ETHER]
    assert shown["usd"] == NOTHING | {"found": "1.00"}
    assert shown["unvalued"] == 1


def test_a_top_up_adds_its_own_value_and_a_line_without_one_adds_none(desk: Desk) -> None:
    ask = desk.go_out()
    _, hold = _frozen(desk, ask)
    desk.report(desk.cast.b, ask, _worth(topped_up(hold, 0, 10), "0.40"))
    assert _usd(desk, request_id=ask.id)["frozen"] == "1.20"
    desk.report(desk.cast.b, ask, topped_up(hold, 0, 10))
    assert _usd(desk, request_id=ask.id)["frozen"] == "1.20"


def test_a_shared_hold_counts_once_in_the_incident_and_for_each_request(desk: Desk) -> None:
    first = desk.go_out()
    _, hold = _frozen(desk, first)
    incident = desk.request(first).incident_id
    second = desk.go_out(incident={"id": incident})
    desk.report(desk.cast.b, second, shared(hold, 0))
    a, b, d = (x.handle for x in (desk.cast.a, desk.cast.b, desk.cast.d))
    assert _usd(desk, request_id=second.id) == {"frozen": "0.80", "held": "0.80"}
    whole = {"found": "1.00", "frozen": "0.80", "held": "0.80"}
    assert _usd(desk, incident_id=incident, visible_to=Viewer(a, None)) == whole
    assert _usd(desk, incident_id=incident, visible_to=Viewer(b, None)) == whole
    assert _shown(desk, incident_id=incident, visible_to=Viewer(d, None)) == {}
    desk.report(desk.cast.b, second, _worth(released(hold, 80), "0.90"))
    assert _usd(desk, request_id=first.id)["released"] == "0.90"


def test_a_corrected_amount_takes_its_value_along_unless_the_correction_states_one(
    desk: Desk,
) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    [found_id, frozen_id], hold = _frozen(desk, ask)
    desk.report(b, ask, corrected(found_id, 50), corrected(frozen_id, 40))
    assert _usd(desk, request_id=ask.id) == {"found": "0.50", "frozen": "0.40", "held": "0.40"}
    desk.report(b, ask, _worth(corrected(frozen_id, 20), "7"))
    assert _usd(desk, request_id=ask.id) == {"found": "0.50", "frozen": "7.00", "held": "7.00"}
    # The proportion is that of what was first reported, however often it is corrected.
    desk.report(b, ask, corrected(frozen_id, 40))
    assert _usd(desk, request_id=ask.id)["frozen"] == "0.40"
    told = desk.report(b, ask, _worth(returned(hold, 40), "0.44"))
    desk.report(b, ask, corrected(told["lines"][0]["id"], 10))
    sums = _usd(desk, request_id=ask.id)
    assert (sums["returned"], sums["held"]) == ("0.11", "0.30")
    desk.report(b, ask, corrected(told["lines"][0]["id"], 0), corrected(frozen_id, 0))
    assert _usd(desk, request_id=ask.id) == {"found": "0.50"}


def test_a_value_needs_an_amount(desk: Desk) -> None:
    b = desk.cast.b
    ask = desk.go_out()
    [_, frozen_id], hold = _frozen(desk, ask)
    second = desk.go_out(incident={"id": desk.request(ask).incident_id})
    before = desk.snapshot()
    for where, line in (
        (ask, found(1, None)),
        (ask, frozen(1, None)),
        (ask, corrected(frozen_id, 0)),
        (second, shared(hold, 0)),
    ):
        refused = refusal(desk.report, b, where, _worth(line, "3"))
        assert refused.type is InvalidInputError
        assert refused.pointers["/lines/0/usd"] == "usd_without_amount"
    assert desk.snapshot() == before
