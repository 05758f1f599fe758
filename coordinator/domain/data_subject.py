"""What a person asks for under data-protection law, and how its answer may go.

A requester is the controller of what its freeze request says (GDPR, Article 4(7)), so it decides,
within a month (Article 12(3)), once longer by two. Nothing else of the network follows by itself:
a withdrawal, a clearance or an erasure is an act of its own.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import ConflictError
from holdfast.protocol.vocabulary import DataSubjectDecision, DataSubjectStatus


class CaseAction(StrEnum):
    """What can happen to what a requester has to answer."""

    GRANT = "grant"
    REFUSE = "refuse"
    EXTEND = "extend"
    ERASE = "erase"  # of the freeze request that it is about


_Status = DataSubjectStatus
#: (status, action) -> status. What is not here is refused.
TRANSITIONS: Mapping[tuple[DataSubjectStatus, CaseAction], DataSubjectStatus] = MappingProxyType(
    {
        (_Status.OPEN, CaseAction.GRANT): _Status.GRANTED,
        (_Status.OPEN, CaseAction.REFUSE): _Status.REFUSED,
        (_Status.OPEN, CaseAction.EXTEND): _Status.EXTENDED,
        (_Status.OPEN, CaseAction.ERASE): _Status.ERASED,
        (_Status.EXTENDED, CaseAction.GRANT): _Status.GRANTED,
        (_Status.EXTENDED, CaseAction.REFUSE): _Status.REFUSED,
        (_Status.EXTENDED, CaseAction.ERASE): _Status.ERASED,
    }
)
#: Waiting for a decision.
UNDECIDED = frozenset({_Status.OPEN, _Status.EXTENDED})
ACTION_OF: Mapping[DataSubjectDecision, CaseAction] = MappingProxyType(
    {
        DataSubjectDecision.GRANTED: CaseAction.GRANT,
        DataSubjectDecision.REFUSED: CaseAction.REFUSE,
        DataSubjectDecision.EXTENDED: CaseAction.EXTEND,
    }
)


def next_status(current: DataSubjectStatus, action: CaseAction) -> DataSubjectStatus:
    """Return the status after an action.

    Raises:
        ConflictError: If the case as it is does not take it.
    """
    after = TRANSITIONS.get((current, action))
    if after is not None:
        return after
    if current in UNDECIDED:
        raise ConflictError(
            "the time was made longer once, and no law gives more: grant it or refuse it",
            code="extended_before",
            current_status=current,
        )
    raise ConflictError(
        f"it is {current} already; what was decided wrongly is put right with the person directly",
        code="data_subject_answered",
        current_status=current,
    )
