"""What waits for a person, by an id that says of itself what it is about.

A task is never stored; its id is made of its kind and of the ids that it is about, so that both
sides, and whoever checks evidence later, make the same one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.type_ids import id_pattern


class TaskKind(StrEnum):
    """What is to be done."""

    APPROVE = "approve"
    RATIFY = "ratify"
    DECIDE_ADDITION = "decide_addition"
    DECIDE_WITHDRAWAL = "decide_withdrawal"  # that another lead proposed
    REPLY = "reply"  # to a partner's question
    RESOLVE = "resolve"  # a dispute
    WITHDRAW = "withdraw"  # what a dispute was upheld about
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"  # of every address
    SETTLE = "settle"  # what is owed about holds after a withdrawal or a lapse
    HOLD_ENDS = "hold_ends"  # the first of a leg's, or its review date comes
    REVIEW_ACCOUNT = "review_account"  # that is frozen whole
    ANSWER_EXTENSION = "answer_extension"  # that the requester asks for
    CONSIDER_RELEASE = "consider_release"  # of what nobody answered a dispute about
    REACH_PARTNER = "reach_partner"  # whom no notice reaches
    DECIDE_GRANT = "decide_grant"  # that another lead proposed
    CHECK_ROOT_RESET = "check_root_reset"  # while it can be stopped
    DECIDE_RETURN = "decide_return"  # that somebody else asks back
    ANSWER_RETURN = "answer_return"  # what is asked back, or send what was promised
    CONFIRM_RETURN = "confirm_return"  # that what was sent arrived
    DECIDE_DESTINATION = "decide_destination"  # that somebody else proposed
    MEND_ENDPOINT = "mend_endpoint"  # that takes no events


class Strip(StrEnum):
    """What a task is urgent for; in the order in which people look."""

    CAN_LEAVE = "can_leave"  # money can still leave
    WRONGLY_FROZEN = "wrongly_frozen"  # somebody may be wrongly frozen
    TODAY = "today"  # ends within a day
    REST = "rest"


#: The prefix of what a task is about beside its request; of the others nothing is.
_ABOUT: Mapping[TaskKind, str] = MappingProxyType(
    {
        TaskKind.DECIDE_ADDITION: "add",
        TaskKind.DECIDE_WITHDRAWAL: "wdp",
        TaskKind.REPLY: "inf",
        TaskKind.RESOLVE: "dsp",
        TaskKind.WITHDRAW: "dsp",
        TaskKind.ACKNOWLEDGE: "leg",
        TaskKind.ANSWER: "leg",
        TaskKind.SETTLE: "leg",
        TaskKind.HOLD_ENDS: "leg",
        TaskKind.REVIEW_ACCOUNT: "leg",
        TaskKind.ANSWER_EXTENSION: "hld",
        TaskKind.CONSIDER_RELEASE: "dsp",
        TaskKind.REACH_PARTNER: "leg",
        TaskKind.DECIDE_GRANT: "grp",
        TaskKind.CHECK_ROOT_RESET: "rst",
        TaskKind.DECIDE_RETURN: "ret",
        TaskKind.ANSWER_RETURN: "ret",
        TaskKind.CONFIRM_RETURN: "ret",
        TaskKind.DECIDE_DESTINATION: "dst",
        TaskKind.MEND_ENDPOINT: "wep",
    }
)
#: Tasks that are about no request, but about the organisation itself.
OF_ORGANISATION = frozenset(
    {
        TaskKind.DECIDE_GRANT,
        TaskKind.CHECK_ROOT_RESET,
        TaskKind.DECIDE_DESTINATION,
        TaskKind.MEND_ENDPOINT,
    }
)
#: Tasks of a partner asked; all others on a request are the requester's.
OF_PARTNER_ASKED = frozenset(
    {
        TaskKind.ACKNOWLEDGE,
        TaskKind.ANSWER,
        TaskKind.SETTLE,
        TaskKind.HOLD_ENDS,
        TaskKind.REVIEW_ACCOUNT,
        TaskKind.ANSWER_EXTENSION,
        TaskKind.CONSIDER_RELEASE,
        TaskKind.ANSWER_RETURN,
    }
)
_ID = re.compile(r"tsk_([a-z_]+?)_([0-7][0-9a-z]{25})(?:_([0-7][0-9a-z]{25}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        request_id: None where it is about the organisation itself.
        about: The addition, withdrawal, question, dispute, leg, hold, proposed grant, root reset,
            destination or endpoint; None where the request waits.
    """

    kind: TaskKind
    request_id: str | None
    about: str | None = None

    @property
    def ids(self) -> list[str]:
        """The ids of what it is about, one or two."""
        return [each for each in (self.request_id, self.about) if each is not None]

    @property
    def id(self) -> str:
        """Its id: `tsk_`, the kind, and what stands behind the prefix of each id it is about."""
        tails = (each.partition("_")[2] for each in self.ids)
        return "_".join(["tsk", self.kind.value, *tails])

    @classmethod
    def of(cls, task_id: str) -> "Task":
        """Return the task of an id.

        Raises:
            IdFormatError: If it is no such id.
        """
        parts = _ID.fullmatch(task_id)
        if parts is None or parts[1] not in set(TaskKind):
            raise IdFormatError("no id of a task")
        kind = TaskKind(parts[1])
        prefixes = [] if kind in OF_ORGANISATION else ["frq"]
        if kind in _ABOUT:
            prefixes.append(_ABOUT[kind])
        tails = [tail for tail in parts.groups()[1:] if tail is not None]
        if len(tails) != len(prefixes):
            raise IdFormatError("no id of a task")
        ids = [f"{prefix}_{tail}" for prefix, tail in zip(prefixes, tails, strict=True)]
        for each, prefix in zip(ids, prefixes, strict=True):
            if not re.fullmatch(id_pattern(prefix), each, re.ASCII):
                raise IdFormatError("no id of a task")
        if kind in OF_ORGANISATION:
            return cls(kind, None, ids[0])
        return cls(kind, ids[0], ids[1] if len(ids) > 1 else None)
