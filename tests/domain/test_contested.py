"""Whom a dispute concerns, against the rule as a person would say it, over random holdings."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.contested import HeldPlace, OpenDispute, contested_addresses

LEGS = st.sampled_from(["leg_b", "leg_c", "leg_d"])
HOLDS = st.sampled_from([f"hld_{number}" for number in range(4)])
PLACES = st.lists(st.builds(HeldPlace, LEGS, HOLDS, st.integers(0, 3)), max_size=8, unique=True)
DISPUTES = st.lists(st.builds(OpenDispute, LEGS, st.none() | HOLDS), max_size=3)
#: Addresses 2 and 3 are one account under two numbers.
ACCOUNTS = {0: b"x", 1: b"y", 2: b"z", 3: b"z"}


@given(disputes=DISPUTES, held=PLACES)
def test_a_leg_is_contested_where_another_disputes_what_it_holds_of_the_same_account(
    disputes: list[OpenDispute], held: list[HeldPlace]
) -> None:
    expected: dict[str, set[int]] = {}
    for mine in held:
        for theirs in held:
            is_disputed = any(
                d.leg_id == theirs.leg_id and d.hold_id in (None, theirs.hold_id) for d in disputes
            )
            same = ACCOUNTS[mine.address_no] == ACCOUNTS[theirs.address_no]
            if is_disputed and same and mine.leg_id != theirs.leg_id:
                expected.setdefault(mine.leg_id, set()).add(mine.address_no)
    assert contested_addresses(disputes, held, ACCOUNTS) == expected


def test_nobody_is_told_of_their_own_dispute() -> None:
    held = [HeldPlace("leg_b", "hld_1", 0), HeldPlace("leg_b", "hld_2", 0)]
    assert contested_addresses([OpenDispute("leg_b", "hld_1")], held, ACCOUNTS) == {}
