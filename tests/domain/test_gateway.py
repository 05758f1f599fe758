"""What two sides of a leg have in common, and what a report may tell by it."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from coordinator.domain.errors import GatewayError, InvalidInputError
from coordinator.domain.freeze_ledger import TellableAmounts
from coordinator.domain.gateway import (
    HeldGateway,
    LegGateway,
    leg_gateway,
    require_statable,
    require_verifiable,
)
from holdfast.protocol.vocabulary import Gateway
from tests.domain.ledger_cases import (
    DAY,
    NOW,
    OTHER,
    Desk,
    correction,
    found,
    frozen,
    kept,
    released,
    returned,
    seized,
    share,
    top_up,
)

US, UK, EU = (
    HeldGateway(each, None) for each in (Gateway.US_314B, Gateway.UK_S188, Gateway.EU_AMLR75)
)
TERMS, OTHER_TERMS = (HeldGateway(Gateway.OWN_TERMS, digit * 64) for digit in "ab")
UNTOLD = TellableAmounts(refusal="must be null")


@pytest.mark.parametrize(
    ("asking", "answering", "stated", "on_order", "shared"),
    [
        ([], [], None, False, None),
        ([US], [], None, False, None),
        ([US], [UK], None, False, None),
        ([US], [US], None, False, Gateway.US_314B),
        ([EU, UK], [UK, EU], None, False, Gateway.UK_S188),
        ([US, EU], [US, EU], Gateway.EU_AMLR75, False, Gateway.EU_AMLR75),
        ([US, EU], [US], Gateway.EU_AMLR75, False, None),
        # The document of one side is nothing to the other, but for an agreement.
        ([US._replace(document_sha256="c" * 64)], [US], None, False, Gateway.US_314B),
        ([TERMS], [TERMS], None, False, Gateway.OWN_TERMS),
        ([TERMS], [OTHER_TERMS], None, False, None),
        ([TERMS, OTHER_TERMS], [OTHER_TERMS], None, False, Gateway.OWN_TERMS),
        ([TERMS], [TERMS], Gateway.US_314B, False, None),
        ([], [], None, True, Gateway.ORDER),
        ([TERMS], [TERMS], None, True, Gateway.ORDER),
        ([US], [US], None, True, Gateway.US_314B),
        ([], [], Gateway.US_314B, True, Gateway.ORDER),
        # Stating an order makes none.
        ([US], [US], Gateway.ORDER, False, None),
    ],
)
def test_amounts_are_told_where_both_hold_the_same_or_on_an_order(
    asking: list[HeldGateway],
    answering: list[HeldGateway],
    stated: Gateway | None,
    *,
    on_order: bool,
    shared: Gateway | None,
) -> None:
    for one, other in ((asking, answering), (answering, asking)):
        found_ = leg_gateway(one, other, stated=stated, on_order=on_order)
        assert found_ == LegGateway(gateway=shared, amounts_told=shared is not None)


@pytest.mark.parametrize(
    ("stated", "held", "is_asked", "names_order", "words"),
    [
        (None, [], False, False, None),
        (None, [], True, False, None),
        (Gateway.US_314B, [US], True, False, None),
        (Gateway.ORDER, [], True, True, None),
        (Gateway.US_314B, [US], False, False, "leave it out"),
        (Gateway.ORDER, [US], True, False, "names none"),
        (Gateway.US_314B, [UK, EU], True, True, "yours that count are eu_amlr75, uk_s188"),
        (Gateway.OWN_TERMS, [], True, False, "none of yours counts"),
    ],
)
def test_a_request_states_what_its_requester_holds(
    stated: Gateway | None,
    held: list[HeldGateway],
    *,
    is_asked: bool,
    names_order: bool,
    words: str | None,
) -> None:
    if words is None:
        require_statable(stated, held, is_asked=is_asked, names_order=names_order)
        return
    with pytest.raises(GatewayError, match=words) as raised:
        require_statable(stated, held, is_asked=is_asked, names_order=names_order)
    assert [each.pointer for each in raised.value.errors] == ["/gateway"]


def test_a_verification_is_of_now_or_before_and_until_later() -> None:
    require_verifiable(NOW, NOW + DAY, NOW)
    for on, until in ((NOW + timedelta(seconds=1), NOW + DAY), (NOW - DAY, NOW)):
        with pytest.raises(InvalidInputError):
            require_verifiable(on, until, NOW)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def codes(refused: Mapping[str, str]) -> set[str]:
    return set(refused.values())


def test_every_amount_of_a_report_is_refused_and_null_is_taken(desk: Desk) -> None:
    refused = desk.refused(found(0, 5), frozen(0, 5), amounts=UNTOLD)
    assert refused == {
        "/lines/0/amount": "no_shared_gateway",
        "/lines/1/amount": "no_shared_gateway",
    }
    hold = desk.report(found(0, None), frozen(0, None), amounts=UNTOLD).opened[0]
    for leaving in (released(hold, 5), returned(hold, 5), seized(hold, 5)):
        assert desk.refused(leaving, amounts=UNTOLD)["/lines/0/amount"] == "no_shared_gateway"
    desk.report(released(hold, None), amounts=UNTOLD)
    assert not desk.hold(hold).is_open


def test_what_was_told_stays_and_a_hold_is_ended_without_an_amount(desk: Desk) -> None:
    booking = desk.report(found(0, 9), frozen(0, 9))
    hold, line = booking.opened[0], booking.lines[1].id
    assert codes(desk.refused(correction(line, 7), amounts=UNTOLD)) == {"no_shared_gateway"}
    desk.report(correction(line, None), released(hold, None), amounts=UNTOLD)
    assert not desk.hold(hold).is_open


def test_a_correction_to_nothing_tells_no_amount(desk: Desk) -> None:
    booking = desk.report(found(0, 9), frozen(0, 9))
    numbers = [line.id for line in booking.lines]
    desk.report(*(correction(line, 0) for line in numbers), amounts=UNTOLD)
    assert desk.hold(booking.opened[0]).is_void


def test_a_hold_that_was_told_of_is_shared_with_nobody_who_may_not_hear_it(desk: Desk) -> None:
    owner = Desk("leg_2", desk.ids)
    hold = owner.opens(0, 9)
    desk.ledger.other_holds = dict(owner.ledger.holds)
    told = TellableAmounts(refusal="must be null", told_of={hold})
    assert desk.refused(share(hold, 0), amounts=told) == {"/lines/0/hold": "no_shared_gateway"}
    desk.try_report(share(hold, 0), amounts=UNTOLD)


def test_an_amount_that_another_request_would_show_is_refused(desk: Desk) -> None:
    booking = desk.report(found(0, 10), frozen(0, 9))
    hold, line = booking.opened[0], booking.lines[1].id
    elsewhere = TellableAmounts(gateway=Gateway.US_314B, untold_elsewhere={hold})
    for told in (released(hold, 5), correction(line, 8), top_up(hold, 0, 1)):
        refused = desk.refused(told, amounts=elsewhere)
        assert refused["/lines/0/amount"] == "no_shared_gateway"
    desk.report(found(0, 3), amounts=elsewhere)


def test_a_hold_is_kept_for_another_request_though_nothing_is_owed(desk: Desk) -> None:
    hold = desk.opens(0, 9)
    parting = kept(hold, "other_request", other_request=OTHER)
    assert codes(desk.refused(parting)) == {"nothing_owed"}
    assert desk.report(parting, amounts=UNTOLD).unlinked == (hold,)


def test_a_line_says_on_what_ground_its_amount_is_told(desk: Desk) -> None:
    told = TellableAmounts(gateway=Gateway.US_314B)
    booking = desk.report(found(0, 9), found(1, None), amounts=told)
    assert [line.gateway for line in booking.lines] == [Gateway.US_314B, None]
