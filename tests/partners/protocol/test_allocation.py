"""Parts of a pool: they sum to it to the unit, and follow the rules of `allocation`."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.allocation import (
    LIMIT,
    Allocation,
    AllocationError,
    ValuedClaim,
    share_by_schedule,
    share_pro_rata,
    value_claims,
)

_ETHER = "eip155:1/slip44:60"
_DOLLARS = "eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
#: The census of 1790 and the seats that Hamilton's method gives for a House of 120.
_CENSUS = {
    "Connecticut": (236_841, 8),
    "Delaware": (55_540, 2),
    "Georgia": (70_835, 2),
    "Kentucky": (68_705, 2),
    "Maryland": (278_514, 9),
    "Massachusetts": (475_327, 16),
    "New Hampshire": (141_822, 5),
    "New Jersey": (179_570, 6),
    "New York": (331_589, 11),
    "North Carolina": (353_523, 12),
    "Pennsylvania": (432_879, 14),
    "Rhode Island": (68_446, 2),
    "South Carolina": (206_236, 7),
    "Vermont": (85_533, 3),
    "Virginia": (630_560, 21),
}

_pools = st.integers(1, 256).flatmap(lambda bits: st.integers(1, 2**bits - 1))
_values = st.integers(1, 300).flatmap(lambda bits: st.integers(0, 2**bits - 1))


@st.composite
def _claims(draw: st.DrawFn, *, paid: bool = True, most: int = 40) -> list[ValuedClaim]:
    values = draw(st.lists(_values | st.integers(0, 9), min_size=1, max_size=most))
    had = [draw(_pools | st.just(0)) if paid else 0 for _ in values]
    return [
        ValuedClaim(f"C-{number}", value, before)
        for number, (value, before) in enumerate(zip(values, had, strict=True))
    ]


def _by_value(*values: int) -> list[ValuedClaim]:
    return [ValuedClaim(f"C-{number}", value) for number, value in enumerate(values)]


def test_hamiltons_method_gives_the_seats_that_hamilton_gave() -> None:
    claims = [ValuedClaim(state, people) for state, (people, _) in _CENSUS.items()]
    parts = share_pro_rata(120, claims).parts
    assert dict(parts) == {state: seats for state, (_, seats) in _CENSUS.items()}


@given(_pools, _claims(), _values | st.none(), _pools | st.just(0), st.randoms())
def test_parts_sum_to_the_pool_in_whatever_order_the_claims_come(
    pool: int, claims: list[ValuedClaim], unit_value: int | None, minimum: int, random: Random
) -> None:
    unit_value = unit_value or None
    found = share_pro_rata(pool, claims, unit_value=unit_value, minimum=minimum)
    assert sum(found.parts.values()) + found.left == pool
    assert found.left >= 0
    assert list(found.parts) == sorted(claim.ref for claim in claims)
    for claim in claims:
        part = found.parts[claim.ref]
        assert part == 0 or part >= minimum
        if part and unit_value:
            assert claim.paid + part <= -(-claim.value // unit_value)
    random.shuffle(claims)
    assert share_pro_rata(pool, claims, unit_value=unit_value, minimum=minimum) == found


@given(_pools, _claims(paid=False))
def test_all_of_the_pool_is_given_to_those_who_lost_something(
    pool: int, claims: list[ValuedClaim]
) -> None:
    found = share_pro_rata(pool, claims)
    assert found.left == (0 if any(claim.value for claim in claims) else pool)
    assert not found.waiting
    assert all(claim.value or not found.parts[claim.ref] for claim in claims)


@given(_pools, _claims(paid=False), _pools | st.just(0), _values | st.none())
def test_who_lost_more_never_gets_less(
    pool: int, claims: list[ValuedClaim], minimum: int, unit_value: int | None
) -> None:
    found = share_pro_rata(pool, claims, unit_value=unit_value or None, minimum=minimum)
    parts = [found.parts[claim.ref] for claim in sorted(claims, key=lambda c: c.value)]
    values = sorted(claim.value for claim in claims)
    for (value, part), (more, its_part) in zip(
        zip(values, parts, strict=True), list(zip(values, parts, strict=True))[1:], strict=False
    ):
        assert its_part >= part - (value == more)
        if value == more:
            assert abs(its_part - part) <= 1


@given(_pools, _claims(), _values | st.none())
def test_it_is_what_plain_fractions_give(
    pool: int, claims: list[ValuedClaim], unit_value: int | None
) -> None:
    unit_value = unit_value or None
    found = share_pro_rata(pool, claims, unit_value=unit_value)
    assert found.rate == _rate_by_fractions(pool, claims, unit_value)
    for claim in claims:
        exact = max(Fraction(0), (found.rate or Fraction(0)) * claim.value - claim.paid)
        assert abs(Fraction(found.parts[claim.ref]) - exact) < 1


def _rate_by_fractions(
    pool: int, claims: Sequence[ValuedClaim], unit_value: int | None
) -> Fraction | None:
    """Take out, again and again, whoever had more than the share of those that are left."""
    left = [claim for claim in claims if claim.value]
    if unit_value:
        left = [claim for claim in left if claim.paid <= claim.value // unit_value]
    while left:
        rate = Fraction(pool + sum(c.paid for c in left), sum(c.value for c in left))
        below = [claim for claim in left if claim.paid <= rate * claim.value]
        if len(below) == len(left):
            return min(rate, Fraction(1, unit_value)) if unit_value else rate
        left = below
    return None


@given(_pools, _claims(most=6), st.integers(1, 2**70))
def test_the_minimum_leaves_out_as_few_as_can_be(
    pool: int, claims: list[ValuedClaim], minimum: int
) -> None:
    found = share_pro_rata(pool, claims, minimum=minimum)
    got = {ref for ref, part in found.parts.items() if part}
    assert len(got) >= max(map(len, _fair_choices(pool, claims, minimum)), default=0)


def _fair_choices(pool: int, claims: Sequence[ValuedClaim], minimum: int) -> list[set[str]]:
    """Return every choice of claims that treats equals alike and gives each the minimum."""
    worth = [claim for claim in claims if claim.value]
    choices = []
    for size in range(1, len(worth) + 1):
        for some in combinations(worth, size):
            rate = Fraction(pool + sum(c.paid for c in some), sum(c.value for c in some))
            if all(rate * c.value - c.paid >= minimum for c in some) and not any(
                _asks(other, minimum) <= max(_asks(c, minimum) for c in some)
                for other in worth
                if other not in some
            ):
                choices.append({c.ref for c in some})
    return choices


def _asks(claim: ValuedClaim, minimum: int) -> Fraction:
    return Fraction(claim.paid + minimum, claim.value)


@given(_pools, _pools, _claims(paid=False))
def test_two_pools_come_to_what_one_would_have_come_to(
    first: int, second: int, claims: list[ValuedClaim]
) -> None:
    had = share_pro_rata(first, claims).parts
    after = [ValuedClaim(claim.ref, claim.value, had[claim.ref]) for claim in claims]
    later = share_pro_rata(second, after).parts
    whole = sum(claim.value for claim in claims)
    for claim in claims:
        exact = Fraction(claim.value * (first + second), whole or 1)
        assert abs(Fraction(had[claim.ref] + later[claim.ref]) - exact) < 2


def test_a_late_claim_catches_up_and_nobody_is_asked_back() -> None:
    early = [ValuedClaim("anna", 100, paid=40), ValuedClaim("bert", 200, paid=80)]
    late = ValuedClaim("cleo", 100)
    assert share_pro_rata(30, [*early, late]).parts == {"anna": 0, "bert": 0, "cleo": 30}
    together = share_pro_rata(80, [*early, late])
    assert together.parts == {"anna": 10, "bert": 20, "cleo": 50}
    assert together.rate == Fraction(1, 2)


def test_what_is_below_the_minimum_goes_to_the_others_and_comes_later() -> None:
    claims = [ValuedClaim("anna", 900), ValuedClaim("bert", 90), ValuedClaim("cleo", 10)]
    found = share_pro_rata(100, claims, minimum=5)
    assert (found.parts, found.left) == ({"anna": 91, "bert": 9, "cleo": 0}, 0)
    assert found.waiting == ["cleo"]
    after = [ValuedClaim(c.ref, c.value, found.parts[c.ref]) for c in claims]
    later = share_pro_rata(500, after, minimum=5)
    assert later.parts == {"anna": 449, "bert": 45, "cleo": 6}
    assert later.waiting == []


def test_who_stands_alike_is_left_out_alike() -> None:
    found = share_pro_rata(7, _by_value(10, 10, 10), minimum=3)
    assert set(found.parts.values()) == {0}
    assert (found.left, found.waiting, found.rate) == (7, ["C-0", "C-1", "C-2"], None)


def test_who_waits_is_not_who_has_enough() -> None:
    claims = [ValuedClaim("anna", 10, paid=9), ValuedClaim("bert", 10), ValuedClaim("cleo", 1)]
    found = share_pro_rata(6, claims, minimum=2)
    assert found.parts == {"anna": 0, "bert": 6, "cleo": 0}
    assert found.waiting == ["cleo"]


def test_nobody_gets_more_than_the_loss() -> None:
    found = share_pro_rata(100, _by_value(30, 45), unit_value=2)
    assert found.parts == {"C-0": 15, "C-1": 22}
    assert (found.left, found.rate) == (63, Fraction(1, 2))


def test_a_loss_below_the_minimum_waits_and_one_made_good_does_not() -> None:
    claims = [ValuedClaim("anna", 8, paid=4), ValuedClaim("bert", 4)]
    found = share_pro_rata(9, claims, unit_value=2, minimum=3)
    assert (found.left, found.waiting, found.rate) == (9, ["bert"], None)


def test_ties_are_drawn_anew_for_other_inputs_and_never_by_the_reference_alone() -> None:
    claims = _by_value(*[1] * 50)
    first = {ref for ref, part in share_pro_rata(25, claims).parts.items() if part}
    assert first == {ref for ref, part in share_pro_rata(25, claims[::-1]).parts.items() if part}
    assert first != {f"C-{number}" for number in range(25)}
    renamed = [*claims[:-1], ValuedClaim("C-x", 1)]
    again = {ref for ref, part in share_pro_rata(25, renamed).parts.items() if part}
    assert first - {"C-49"} != again - {"C-x"}


def test_the_draw_is_the_same_for_ever() -> None:
    """Whoever recomputes an allocation in ten years must find these."""
    parts = share_pro_rata(3, _by_value(1, 1, 1, 1, 1)).parts
    assert [ref for ref, part in parts.items() if part] == _DRAWN


_DRAWN = ["C-0", "C-2", "C-4"]


def test_losses_in_several_assets_are_valued_exactly() -> None:
    prices = {
        _ETHER: Fraction("3012.45") / 10**18,
        _DOLLARS: Fraction("0.9998") / 10**6,
    }
    losses = {"anna": [(_ETHER, 10**18), (_DOLLARS, 5)], "bert": [(_DOLLARS, 10**6)]}
    values, unit = value_claims(losses, prices, _DOLLARS)
    assert Fraction(values["anna"], values["bert"]) == Fraction(
        prices[_ETHER] * 10**18 + 5 * prices[_DOLLARS], prices[_DOLLARS] * 10**6
    )
    assert values["bert"] == unit * 10**6


def test_a_worthless_token_gives_no_part() -> None:
    values, unit = value_claims(
        {"anna": [(_ETHER, 5)], "bert": [("x", 7)]},
        {_ETHER: Fraction(1), "x": Fraction(0)},
        _ETHER,
    )
    claims = [ValuedClaim(ref, value) for ref, value in values.items()]
    assert share_pro_rata(5, claims, unit_value=unit).parts == {"anna": 5, "bert": 0}


@pytest.mark.parametrize(
    ("losses", "prices", "says"),
    [
        ({"a": [("x", 1)]}, {_ETHER: Fraction(1)}, "claim a: x has no price"),
        ({}, {"x": Fraction(1)}, "the pool's asset has no price"),
        ({}, {_ETHER: Fraction(0)}, "the pool's asset has no price"),
        ({}, {_ETHER: Fraction(-1)}, "negative or too long"),
        ({}, {_ETHER: Fraction(2**600)}, "negative or too long"),
        ({}, {_ETHER: Fraction(1, 2**600)}, "too fine"),
        ({"a": [(_ETHER, -1)]}, {_ETHER: Fraction(1)}, "claim a: the amount"),
        ({"a": [(_ETHER, LIMIT)]}, {_ETHER: Fraction(1)}, "claim a: the amount"),
    ],
)
def test_what_cannot_be_valued_says_why(
    losses: dict[str, list[tuple[str, int]]], prices: dict[str, Fraction], says: str
) -> None:
    with pytest.raises(AllocationError, match=says):
        value_claims(losses, prices, _ETHER)


def test_a_schedule_gives_what_it_says_less_what_was_paid() -> None:
    claims = [ValuedClaim("anna", 0, paid=10), ValuedClaim("bert", 0), ValuedClaim("cleo", 0, 9)]
    found = share_by_schedule(100, claims, {"anna": 30, "bert": 50, "cleo": 5})
    assert found == Allocation({"anna": 20, "bert": 50, "cleo": 0}, 30)
    assert share_by_schedule(9, claims, {"bert": 9}).left == 0


@given(_pools, _claims(), st.data())
def test_a_schedule_sums_to_the_pool_too(
    pool: int, claims: list[ValuedClaim], data: st.DataObject
) -> None:
    table = {claim.ref: data.draw(st.integers(0, 2 * pool // len(claims))) for claim in claims}
    table = {ref: min(amount, LIMIT - 1) for ref, amount in table.items()}
    owed = sum(max(0, table[claim.ref] - claim.paid) for claim in claims)
    if owed > pool:
        with pytest.raises(AllocationError, match=f"gives {owed - pool} base units more"):
            share_by_schedule(pool, claims, table)
    else:
        found = share_by_schedule(pool, claims, table)
        assert sum(found.parts.values()) + found.left == pool


_ONE = [ValuedClaim("anna", 1)]
_Case = tuple[Callable[[], Allocation], str]


def _ids(cases: Sequence[_Case]) -> list[ParameterSet]:
    return [pytest.param(*case, id=str(number)) for number, case in enumerate(cases)]


@pytest.mark.parametrize(
    ("share", "says"),
    _ids(
        [
            (lambda: share_pro_rata(0, _ONE), "the pool is empty"),
            (lambda: share_pro_rata(-1, _ONE), "the pool must be"),
            (lambda: share_pro_rata(LIMIT, _ONE), "the pool must be"),
            (lambda: share_pro_rata(1, _ONE, minimum=-1), "the minimum must be"),
            (lambda: share_pro_rata(1, _ONE, unit_value=0), "must be worth something"),
            (lambda: share_pro_rata(1, []), "there must be 1 to 100,000 claims"),
            (lambda: share_pro_rata(1, _ONE * 100_001), "there must be 1 to 100,000 claims"),
            (lambda: share_pro_rata(1, _ONE * 2), "the reference 'anna' stands twice"),
            (lambda: share_pro_rata(1, [ValuedClaim("a", -1)]), "claim a: the value is below 0"),
            (lambda: share_pro_rata(1, [ValuedClaim("a", 2**1024)]), "too large"),
            (lambda: share_pro_rata(1, [ValuedClaim("a", 1, -1)]), "claim a: what was paid before"),
            (lambda: share_pro_rata(1, [ValuedClaim("a", 1, LIMIT)]), "what was paid before"),
            (lambda: share_pro_rata(1, [ValuedClaim("\ud800", 1)]), "half a character"),
            (lambda: share_by_schedule(0, _ONE, {}), "the pool is empty"),
            (lambda: share_by_schedule(1, _ONE, {"anna": -1}), "the schedule's amount for anna"),
            (lambda: share_by_schedule(1, _ONE, {"anna": LIMIT}), "the schedule's amount for anna"),
            (lambda: share_by_schedule(1, _ONE, {"bert": 1}), "names bert, which"),
            (lambda: share_by_schedule(1, _ONE, {"cleo": 1, "bert": 1}), "bert and 1 more, which"),
            (lambda: share_by_schedule(1, _ONE, {"anna": 3}), "gives 2 base units more"),
        ]
    ),
)
def test_inputs_out_of_their_range_say_what_to_change(
    share: Callable[[], Allocation], says: str
) -> None:
    with pytest.raises(AllocationError, match=says):
        share()


@pytest.mark.parametrize("pool", [1, 9_999, 10_000, 2**64, 2**256 - 1])
@pytest.mark.parametrize("minimum", [0, 10**15])
def test_ten_thousand_claims_sum_to_pools_of_every_size(pool: int, minimum: int) -> None:
    random = Random(pool + minimum)  # noqa: S311 - made up, and the same in each run
    claims = [
        ValuedClaim(f"C-{number:05}", random.getrandbits(random.choice((8, 64, 250))))
        for number in range(10_000)
    ]
    found = share_pro_rata(pool, claims, minimum=minimum)
    assert sum(found.parts.values()) + found.left == pool
    after = [ValuedClaim(c.ref, c.value, found.parts[c.ref]) for c in claims]
    later = share_pro_rata(pool, after, minimum=minimum)
    assert sum(later.parts.values()) + later.left == pool
