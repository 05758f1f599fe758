"""Ids of tasks: made of what they are about, and read back as that and nothing else."""

import pytest

from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.tasks import OF_ORGANISATION, Task, TaskKind
from holdfast.protocol.type_ids import new_id

PREFIXES = {
    TaskKind.APPROVE: None,
    TaskKind.RATIFY: None,
    TaskKind.DECIDE_ADDITION: "add",
    TaskKind.DECIDE_WITHDRAWAL: "wdp",
    TaskKind.REPLY: "inf",
    TaskKind.RESOLVE: "dsp",
    TaskKind.ACKNOWLEDGE: "leg",
    TaskKind.ANSWER: "leg",
    TaskKind.SETTLE: "leg",
    TaskKind.HOLD_ENDS: "leg",
    TaskKind.REVIEW_ACCOUNT: "leg",
    TaskKind.ANSWER_EXTENSION: "hld",
    TaskKind.CONSIDER_RELEASE: "dsp",
    TaskKind.WITHDRAW: "dsp",
    TaskKind.REACH_PARTNER: "leg",
    TaskKind.DECIDE_GRANT: "grp",
    TaskKind.CHECK_ROOT_RESET: "rst",
    TaskKind.DECIDE_RETURN: "ret",
    TaskKind.ANSWER_RETURN: "ret",
    TaskKind.CONFIRM_RETURN: "ret",
    TaskKind.DECIDE_DESTINATION: "dst",
    TaskKind.MEND_ENDPOINT: "wep",
}


@pytest.mark.parametrize("kind", TaskKind)
def test_an_id_says_what_it_is_about(kind: TaskKind) -> None:
    prefix = PREFIXES[kind]
    request = None if kind in OF_ORGANISATION else new_id("frq")
    task = Task(kind, request, None if prefix is None else new_id(prefix))
    assert Task.of(task.id) == task
    assert len(task.id) <= 80
    more_or_less = Task(kind, request, new_id("leg") if prefix is None else None).id
    if request is None:
        more_or_less = Task(kind, new_id("frq"), task.about).id
    for wrong in (more_or_less, task.id.upper(), f"{task.id}x", task.id[:-1], f"{task.id}\n"):
        with pytest.raises(IdFormatError):
            Task.of(wrong)


def test_an_unknown_kind_is_no_task() -> None:
    with pytest.raises(IdFormatError):
        Task.of(Task(TaskKind.APPROVE, new_id("frq")).id.replace("approve", "sleep"))
    with pytest.raises(IdFormatError):
        Task.of(Task(TaskKind.APPROVE, f"frq_{'7' + 'u' * 25}").id)
