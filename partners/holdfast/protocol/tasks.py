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
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"  # of every address
    SETTLE = "settle"  # what is owed about holds after a withdrawal or a lapse


#: The prefix of what a task is about beside its request; of the others nothing is.
_ABOUT: Mapping[TaskKind, str] = MappingProxyType(
    {
        TaskKind.DECIDE_ADDITION: "add",
        TaskKind.DECIDE_WITHDRAWAL: "wdp",
        TaskKind.REPLY: "inf",
        TaskKind.RESOLVE: "dsp",
        TaskKind.ACKNOWLEDGE: "leg",
        TaskKind.ANSWER: "leg",
        TaskKind.SETTLE: "leg",
    }
)
#: Tasks of a partner asked; all others are the requester's.
OF_PARTNER_ASKED = frozenset({TaskKind.ACKNOWLEDGE, TaskKind.ANSWER, TaskKind.SETTLE})
_ID = re.compile(r"tsk_([a-z_]+?)_([0-7][0-9a-z]{25})(?:_([0-7][0-9a-z]{25}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        about: The addition, withdrawal, question, dispute or leg; None where the request waits.
    """

    kind: TaskKind
    request_id: str
    about: str | None = None

    @property
    def id(self) -> str:
        """Its id: `tsk_`, the kind, and what stands behind the prefix of each id it is about."""
        ids = [self.request_id] if self.about is None else [self.request_id, self.about]
        return "_".join(["tsk", self.kind.value, *(each.partition("_")[2] for each in ids)])

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
        prefix = _ABOUT.get(kind)
        if (prefix is None) != (parts[3] is None):
            raise IdFormatError("no id of a task")
        task = cls(kind, f"frq_{parts[2]}", None if prefix is None else f"{prefix}_{parts[3]}")
        for each, expected in ((task.request_id, "frq"), (task.about, prefix)):
            if each is not None and not re.fullmatch(id_pattern(str(expected)), each, re.ASCII):
                raise IdFormatError("no id of a task")
        return task
