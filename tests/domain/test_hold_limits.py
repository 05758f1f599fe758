"""How long a hold may last: the shorter of the ladder of support and the ground's own maximum."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.domain.hold import END_SKEW, end_fault, extended, lapses
from coordinator.domain.hold_limits import HoldLimits, is_higher, lasting
from holdfast.protocol.vocabulary import HoldBasis, Support
from tests.domain.test_hold import OPEN

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BY_BASIS = {
    HoldBasis.VOLUNTARY: 60 * DAY,
    HoldBasis.OWN_POLICY: 180 * DAY,
    HoldBasis.LEGAL_ORDER: 366 * DAY,
}
LADDER = {Support.NONE: 3 * DAY, Support.POLICE_REPORT: 14 * DAY, Support.ORDER_APPLIED: 90 * DAY}
V = HoldBasis.VOLUNTARY


def limits(support: Support, *, is_issuer: bool = False) -> HoldLimits:
    return HoldLimits(by_basis=BY_BASIS, by_support=LADDER, support=support, is_issuer=is_issuer)


def fault(days: float, support: Support, basis: HoldBasis = V) -> tuple[str, str] | None:
    return end_fault(NOW + days * DAY, basis=basis, now=NOW, max_hold=limits(support))


@pytest.mark.parametrize(
    ("support", "days", "code"),
    [
        (Support.NONE, 3, "beyond_support"),
        (Support.POLICE_REPORT, 14, "beyond_support"),
        (Support.ORDER_APPLIED, 60, "end_too_far"),  # the place's own maximum is shorter
        (Support.ORDER, 366, "end_too_far"),
    ],
)
def test_a_voluntary_hold_lasts_as_long_as_the_word_behind_it_carries(
    support: Support, days: int, code: str
) -> None:
    assert fault(days, support) is None
    found = fault(days + 1, support)
    assert found is not None
    assert found[1] == code
    assert f"{(NOW + days * DAY):%Y-%m-%d}T12:00:00Z at the latest" in found[0]


@pytest.mark.parametrize("support", Support)
@pytest.mark.parametrize(
    ("basis", "days"), [(HoldBasis.OWN_POLICY, 180), (HoldBasis.LEGAL_ORDER, 366)]
)
def test_the_partner_s_own_ground_does_not_hang_on_the_requester_s_word(
    support: Support, basis: HoldBasis, days: int
) -> None:
    assert fault(days, support, basis) is None
    found = fault(days + 1, support, basis)
    assert found is not None
    assert found[1] == "end_too_far"


@pytest.mark.parametrize(
    ("support", "said"),
    [
        (Support.NONE, "nobody's word but the requester's: at most 72 h; a police report makes"),
        (Support.POLICE_REPORT, "a police report: at most 14 days; an application for an order"),
    ],
)
def test_a_refusal_says_what_the_request_rests_on_and_what_carries_farther(
    support: Support, said: str
) -> None:
    found = fault(100, support)
    assert found is not None
    assert said in found[0]


def test_a_clock_that_is_a_little_ahead_refuses_no_hold_of_the_full_length() -> None:
    full = NOW + 3 * DAY
    alike = {"basis": V, "now": NOW, "max_hold": limits(Support.NONE)}
    assert end_fault(full + END_SKEW, **alike) is None  # type: ignore[arg-type]
    assert end_fault(full + END_SKEW + timedelta(seconds=1), **alike) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("is_issuer", [False, True])
@pytest.mark.parametrize("support", Support)
@pytest.mark.parametrize("basis", HoldBasis)
def test_an_end_is_a_review_date_on_an_order_and_where_nothing_undoes_itself(
    basis: HoldBasis, support: Support, *, is_issuer: bool
) -> None:
    on_order = basis is HoldBasis.LEGAL_ORDER or (basis is V and support is Support.ORDER)
    reviewed = limits(support, is_issuer=is_issuer).has_review_date(basis)
    assert reviewed is (on_order or is_issuer)
    hold = extended(
        OPEN,
        hold_expires_at=OPEN.hold_expires_at + HOUR,
        basis=basis,
        now=OPEN.hold_expires_at - HOUR,
        max_hold=limits(support, is_issuer=is_issuer),
    )
    assert lapses(hold, now=hold.hold_expires_at) is not reviewed


def test_support_is_only_ever_raised() -> None:
    order = list(Support)
    for one in Support:
        for other in Support:
            assert is_higher(one, than=other) is (order.index(one) > order.index(other))


def test_lengths_are_said_as_people_say_them() -> None:
    assert [lasting(span) for span in (HOUR, 3 * DAY, 14 * DAY)] == ["1 h", "72 h", "14 days"]
