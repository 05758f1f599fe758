"""What a person asks for: every cell of what may be decided on it, and until when."""

from datetime import UTC, datetime
from itertools import product

import pytest

from coordinator.domain.data_subject import (
    ACTION_OF,
    TRANSITIONS,
    UNDECIDED,
    CaseAction,
    next_status,
)
from coordinator.domain.errors import ConflictError
from holdfast.protocol.vocabulary import DataSubjectDecision, DataSubjectStatus
from tests.rulebook import RULEBOOK

S = DataSubjectStatus
A = CaseAction
#: The table a second time, flat.
ALLOWED = {
    (S.OPEN, A.GRANT): S.GRANTED,
    (S.OPEN, A.REFUSE): S.REFUSED,
    (S.OPEN, A.EXTEND): S.EXTENDED,
    (S.OPEN, A.ERASE): S.ERASED,
    (S.EXTENDED, A.GRANT): S.GRANTED,
    (S.EXTENDED, A.REFUSE): S.REFUSED,
    (S.EXTENDED, A.ERASE): S.ERASED,
}


@pytest.mark.parametrize(("status", "action"), list(product(S, A)))
def test_every_cell(status: DataSubjectStatus, action: CaseAction) -> None:
    expected = ALLOWED.get((status, action))
    if expected is not None:
        assert next_status(status, action) is expected
        return
    with pytest.raises(ConflictError) as caught:
        next_status(status, action)
    code = "extended_before" if status is S.EXTENDED else "data_subject_answered"
    assert (caught.value.code, caught.value.current_status) == (code, status)


def test_the_table_and_its_words_are_whole() -> None:
    assert dict(TRANSITIONS) == ALLOWED
    assert {status for status, _ in ALLOWED} == UNDECIDED
    assert set(ACTION_OF) == set(DataSubjectDecision)
    assert set(ACTION_OF.values()) == set(A) - {A.ERASE}


def test_a_month_ends_on_its_last_day_and_two_more_are_counted_from_the_letter() -> None:
    came = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert RULEBOOK.policies.answer_person_by(came) == datetime(2026, 2, 28, 9, tzinfo=UTC)
    longer = RULEBOOK.policies.answer_person_by(came, is_extended=True)
    assert longer == datetime(2026, 4, 30, 9, tzinfo=UTC)
