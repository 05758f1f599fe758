"""A leg's acts and its status, against the table and against a plain second reading of it."""

from datetime import UTC, datetime
from itertools import product

import pytest

from coordinator.domain.errors import InvalidTransitionError
from coordinator.domain.leg import (
    FINAL,
    IMPLIES_ACKNOWLEDGEMENT,
    LEG_ACTS,
    LegAct,
    LegFacts,
    counts,
    is_final,
    leg_status,
    require_act,
)
from holdfast.protocol.vocabulary import DeclineCode, LegStatus, RequestStatus

S = LegStatus
A = LegAct
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

#: Facts that show as each status, so that every status can be tried with every act.
SHOWN_AS = {
    S.QUEUED: LegFacts(),
    S.DELIVERED: LegFacts(last_act=A.DELIVER),
    S.ACKNOWLEDGED: LegFacts(last_act=A.ACKNOWLEDGE),
    S.UNDER_REVIEW: LegFacts(last_act=A.REVIEW),
    S.INFO_REQUESTED: LegFacts(last_act=A.ASK),
    S.PARTIALLY_FROZEN: LegFacts(
        last_act=A.REPORT, any_found=True, any_frozen=True, any_held=True, frozen_lt_found=True
    ),
    S.FROZEN: LegFacts(last_act=A.REPORT, any_found=True, any_frozen=True, any_held=True),
    S.RELEASED: LegFacts(last_act=A.REPORT, any_found=True, any_frozen=True),
    S.RETURNED: LegFacts(
        last_act=A.REPORT, any_found=True, any_frozen=True, any_returned_or_seized=True
    ),
    S.NO_MATCH: LegFacts(
        last_act=A.REPORT, address_count=1, answered={DeclineCode.NOT_OUR_ADDRESS: 1}
    ),
    S.DECLINED: LegFacts(last_act=A.DECLINE),
    S.WITHDRAWN: LegFacts(last_act=A.ACKNOWLEDGE, ended=True),
}
NOTHING_FROZEN = {
    S.QUEUED,
    S.DELIVERED,
    S.ACKNOWLEDGED,
    S.UNDER_REVIEW,
    S.INFO_REQUESTED,
    S.NO_MATCH,
    S.DECLINED,
}
WENT_OUT = {RequestStatus.ACTIVE, RequestStatus.WITHDRAWN, RequestStatus.CLOSED}


def allowed(act: LegAct, status: LegStatus, request: RequestStatus) -> bool:
    """Read the table a second time."""
    if act is A.DELIVER or act is A.REPORT:
        return request in WENT_OUT
    if act is A.WITHDRAW:
        return request in {RequestStatus.WITHDRAWN, RequestStatus.CLOSED}
    if request is not RequestStatus.ACTIVE:
        return False
    if act is A.ACKNOWLEDGE:
        return status in {S.QUEUED, S.DELIVERED}
    if act is A.DECLINE:
        return status in NOTHING_FROZEN
    return status is not S.WITHDRAWN  # review, ask, answer


@pytest.mark.parametrize("status", LegStatus)
def test_the_facts_of_these_tests_show_as_they_say(status: LegStatus) -> None:
    assert leg_status(SHOWN_AS[status]) is status


@pytest.mark.parametrize(("act", "status", "request_status"), [*product(A, S, RequestStatus)])
def test_an_act_in_the_table_is_taken_and_any_other_refused_with_the_status_as_it_is(
    act: LegAct, status: LegStatus, request_status: RequestStatus
) -> None:
    facts = SHOWN_AS[status]
    if allowed(act, status, request_status):
        require_act(act, facts=facts, request_status=request_status)
        return
    with pytest.raises(InvalidTransitionError) as refused:
        require_act(act, facts=facts, request_status=request_status)
    assert refused.value.current_status == status.value
    assert act.value in refused.value.message


def test_a_refusal_says_while_what_the_act_is_taken() -> None:
    with pytest.raises(InvalidTransitionError, match="taken while it is delivered or queued"):
        require_act(A.ACKNOWLEDGE, facts=SHOWN_AS[S.FROZEN], request_status=RequestStatus.ACTIVE)
    with pytest.raises(InvalidTransitionError, match=r"request is closed; .* it is active$"):
        require_act(A.REVIEW, facts=SHOWN_AS[S.FROZEN], request_status=RequestStatus.CLOSED)


def test_every_act_has_a_rule() -> None:
    assert set(LEG_ACTS) == set(LegAct)


BOOLS = [False, True]
CODES = [
    {},
    {DeclineCode.NO_MATCH: 1},
    {DeclineCode.NO_MATCH: 1, DeclineCode.NO_SUCH_TRANSACTION: 1},
    {DeclineCode.NOT_OUR_ADDRESS: 1, DeclineCode.FUNDS_GONE: 1},
    {DeclineCode.NO_MATCH: 2, DeclineCode.FUNDS_GONE: 0},
]


def expected_status(facts: LegFacts) -> LegStatus:  # noqa: C901, PLR0911 - as long as the rule
    """Read the rule sentence by sentence, as slowly as it is written."""
    if facts.any_held and facts.frozen_lt_found:
        return S.PARTIALLY_FROZEN
    if facts.any_held:
        return S.FROZEN
    if facts.any_frozen and facts.any_returned_or_seized:
        return S.RETURNED
    if facts.any_frozen:
        return S.RELEASED
    if facts.last_act is A.WITHDRAW:
        return S.WITHDRAWN
    shown = {
        None: S.QUEUED,
        A.DELIVER: S.DELIVERED,
        A.ACKNOWLEDGE: S.ACKNOWLEDGED,
        A.ASK: S.INFO_REQUESTED,
        A.DECLINE: S.DECLINED,
    }.get(facts.last_act, S.UNDER_REVIEW)
    if facts.last_act is A.REPORT and not facts.any_found:
        answered = [code for code, count in facts.answered.items() for _ in range(count)]
        if len(answered) == facts.address_count:
            harmless = {"no_match", "not_our_address", "no_such_transaction"}
            shown = S.NO_MATCH if set(answered) <= harmless else S.DECLINED
    if facts.ended and shown not in {S.DECLINED, S.NO_MATCH}:
        return S.WITHDRAWN
    return shown


def test_the_status_is_the_first_that_fits_for_every_combination_of_facts() -> None:
    seen = set()
    for last_act, ended, answered, found, frozen, held, less, gone in product(
        [None, *LegAct], BOOLS, CODES, BOOLS, BOOLS, BOOLS, BOOLS, BOOLS
    ):
        if held and not frozen:
            continue  # what is held was frozen
        facts = LegFacts(
            last_act=last_act,
            ended=ended,
            address_count=2,
            answered=answered,
            any_found=found,
            any_frozen=frozen,
            any_held=held,
            frozen_lt_found=less,
            any_returned_or_seized=gone,
        )
        seen.add(leg_status(facts))
        assert leg_status(facts) is expected_status(facts), facts
    assert seen == set(LegStatus)


@pytest.mark.parametrize("last", [A.DECLINE, A.REPORT])
def test_declined_and_no_match_legs_may_review_and_report_again(last: LegAct) -> None:
    facts = LegFacts(last_act=last, address_count=1, answered={DeclineCode.NO_MATCH: 1})
    assert leg_status(facts) in {S.DECLINED, S.NO_MATCH}
    for act in (A.REVIEW, A.REPORT):
        require_act(act, facts=facts, request_status=RequestStatus.ACTIVE)


def test_a_delivery_shows_only_while_the_leg_is_queued() -> None:
    assert [s for s in S if counts(A.DELIVER, s, last_act=None)] == [S.QUEUED]


def test_an_answer_shows_only_where_the_partner_did_nothing_since_its_question() -> None:
    assert [last for last in A if counts(A.ANSWER, S.UNDER_REVIEW, last_act=last)] == [A.ASK]


def test_the_end_of_a_request_is_never_a_legs_last_act() -> None:
    assert not any(counts(A.WITHDRAW, status, last_act=None) for status in S)
    always = set(A) - {A.DELIVER, A.ANSWER, A.WITHDRAW}
    assert all(counts(act, S.FROZEN, last_act=A.REPORT) for act in always)


def test_whoever_answers_in_any_way_has_acknowledged() -> None:
    assert frozenset(A) - IMPLIES_ACKNOWLEDGEMENT == {A.DELIVER, A.ANSWER, A.WITHDRAW}


@pytest.mark.parametrize("status", LegStatus)
def test_a_leg_is_final_only_if_nothing_is_owed(status: LegStatus) -> None:
    final = {S.DECLINED, S.NO_MATCH, S.RELEASED, S.RETURNED, S.WITHDRAWN}
    assert is_final(status, owes_answer=False) is (status in final)
    assert not is_final(status, owes_answer=True)
    assert final == FINAL
