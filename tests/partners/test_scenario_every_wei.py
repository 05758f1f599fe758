"""The ledger of the third act: it adds up, or it says which sum does not."""

from dataclasses import replace
from typing import Any

import pytest

from holdfast.protocol.restitution_views import PoolSumsView
from holdfast.protocol.views import AssetTotals
from reference_exchange.scenarios.every_wei import Flow, lines_of

_NOTHING = dict.fromkeys(AssetTotals.model_fields, "0") | {"usd": None}
_EMPTY = dict.fromkeys(PoolSumsView.model_fields, "0")


def totals(**said: str) -> AssetTotals:
    return AssetTotals.model_validate(
        {name: value for name, value in (_NOTHING | said).items() if value is not None}
    )


def pool(**said: str) -> PoolSumsView:
    return PoolSumsView.model_validate(_EMPTY | said)


ETHER_POOL = {
    "returned": "70",
    "converted_in": "20",
    "fees": "1",
    "costs": "2",
    "allocated": "87",
}
FLOW = Flow(
    taken=100,
    swapped=20,
    ether=totals(frozen="70", returned="70"),
    dollars=totals(frozen="9", returned="9"),
    ether_pool=pool(**ETHER_POOL),
    dollar_pool=pool(returned="9", converted_out="9"),
    paid=87,
)


def test_what_adds_up_is_told_to_the_last_unit_at_eighty_columns() -> None:
    assert FLOW.faults() == []
    assert FLOW.never_found == 10
    lines = lines_of(FLOW, 1_650)
    assert max(map(len, lines)) <= 80
    assert sum(line.endswith("0.000000000000000087") for line in lines) == 2
    assert max(len(line) for line in lines_of(replace(FLOW, taken=2 * 10**24), 1_650)) <= 80


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"taken": 89}, "more was frozen than taken"),
        ({"ether": totals(frozen="71", returned="70")}, "did not all come back"),
        ({"dollars": totals(frozen="9", returned="8")}, "did not all come back"),
        ({"ether_pool": pool(**ETHER_POOL | {"returned": "69"})}, "the pool is not what came back"),
        ({"dollar_pool": pool(returned="9", converted_out="8")}, "nobody sold"),
        ({"ether_pool": pool(**ETHER_POOL | {"fees": "0"})}, "the pool does not add up"),
        ({"paid": 86}, "is not what was paid"),
    ],
)
def test_a_unit_that_is_missing_is_named(change: dict[str, Any], says: str) -> None:
    assert any(says in fault for fault in replace(FLOW, **change).faults())
