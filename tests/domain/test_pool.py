"""A pool's sums, line after line, against plain additions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.errors import LedgerBreachError
from coordinator.domain.pool import Pool
from holdfast.protocol.pool_sums import Entry

AMOUNTS = st.one_of(st.integers(1, 50), st.integers(1, 2**256 - 1))
LINES = st.lists(
    st.one_of(
        st.builds(
            lambda kind, asset, amount: Entry(kind=kind, asset=asset, amount=amount),
            st.sampled_from(["returned", "cost", "reserve", "reserve_released"]),
            st.sampled_from("AB"),
            AMOUNTS,
        ),
        st.builds(
            lambda out, into, fee: Entry("converted", "A", out, "B", into, min(fee, into)),
            AMOUNTS,
            AMOUNTS,
            st.integers(0, 9),
        ),
    ),
    max_size=30,
)


def _after(there: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Return what is there and what is reserved by asset, after a line."""
    free, kept = dict(there["free"]), dict(there["kept"])
    if entry.kind == "returned":
        free[entry.asset] += entry.amount
    else:
        sign = 1 if entry.kind == "reserve_released" else -1
        free[entry.asset] += sign * entry.amount
    if entry.kind.startswith("reserve"):
        kept[entry.asset] += entry.amount if entry.kind == "reserve" else -entry.amount
    if entry.to_asset:
        free[entry.to_asset] += entry.to_amount - entry.fee
    return {"free": free, "kept": kept}


@given(lines=LINES)
def test_nothing_leaves_a_pool_that_is_not_in_it(lines: list[Entry]) -> None:
    there: dict[str, Any] = {"free": {"A": 0, "B": 0}, "kept": {"A": 0, "B": 0}}
    taken: list[Entry] = []
    for entry in lines:
        after = _after(there, entry)
        try:
            Pool(taken).add(entry)
        except LedgerBreachError as refused:
            if refused.code == "amount_too_large":
                continue
            wrong = min(*after["free"].values(), *after["kept"].values())
            assert wrong < 0, entry
            continue
        there = after
        taken.append(entry)
        assert min(*there["free"].values(), *there["kept"].values()) >= 0
    pool = Pool(taken)
    for asset in "AB":
        found = pool.sums.get(asset)
        assert (found.available if found else 0) == there["free"][asset]
        assert (found.reserved if found else 0) == there["kept"][asset]


def test_what_is_allocated_is_no_longer_there() -> None:
    pool = Pool([Entry("returned", "A", 10)], {"A": 7})
    assert pool.sums["A"].available == 3
    with pytest.raises(LedgerBreachError, match="only 3"):
        pool.add(Entry("cost", "A", 4))
