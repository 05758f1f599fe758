"""What to do about a task: one list of wording, with the command and the call that do it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypedDict

from holdfast.protocol.tasks import TaskKind


class NextStep(TypedDict):
    """What to do next (`views.NextStep`).

    The command says what it lacks, a text or a date, and does nothing without.
    """

    words: str
    command: str
    method: Literal["GET", "POST"]
    path: str


class Names(NamedTuple):
    """What the wording names.

    Attributes:
        request: The request's id; empty where the task is about none.
        about: The id of what it is about.
        partner: The partner of the leg that the requester is concerned with.
        thumbprint: Of the root key that is to take over.
        addresses: Which of the request's, as options of a command; empty: all that are left.
    """

    request: str
    about: str
    partner: str
    thumbprint: str
    addresses: str = ""


class _Step(NamedTuple):
    words: str
    command: str
    path: str
    method: Literal["GET", "POST"] = "POST"


_REQUEST = "/v1/freeze-requests/{request}"
_APPROVALS = f"{_REQUEST}/approvals"
_REPORTS = f"{_REQUEST}/freeze-reports"
_EXTENSIONS = f"{_REQUEST}/hold-extensions"
_RETURNS = f"{_REQUEST}/return-requests/{{about}}"
_STEPS: Mapping[TaskKind, _Step] = MappingProxyType(
    {
        TaskKind.APPROVE: _Step("Approve or reject it", "approve {request}", _APPROVALS),
        TaskKind.RATIFY: _Step(
            "It is out already: ratify or reject it, or nothing new is frozen",
            "approve {request}",
            _APPROVALS,
        ),
        TaskKind.DECIDE_ADDITION: _Step(
            "Have more partners asked, or not", "decide-addition {request} {about} yes", _APPROVALS
        ),
        TaskKind.DECIDE_WITHDRAWAL: _Step(
            "Have frozen funds let go, or not",
            "decide-withdrawal {request} {about} yes",
            f"{_REQUEST}/withdrawals/{{about}}/approvals",
        ),
        TaskKind.REPLY: _Step(
            "Reply to {partner}, whose clock stands until then",
            "answer {request} {about}",
            f"{_REQUEST}/info-requests/{{about}}/answer",
        ),
        TaskKind.RESOLVE: _Step(
            "Uphold or reject what {partner} disputes",
            "resolve {request} {about}",
            f"{_REQUEST}/disputes/{{about}}/resolution",
        ),
        TaskKind.WITHDRAW: _Step(
            "Withdraw what you upheld: until then whoever holds it may hold on",
            "withdraw {request} --reason-code wrong_target{addresses}",
            f"{_REQUEST}/withdrawal",
        ),
        TaskKind.ACKNOWLEDGE: _Step(
            "Acknowledge it: the requester learns that your desk is at work",
            "acknowledge {request}",
            f"{_REQUEST}/acknowledgement",
        ),
        TaskKind.ANSWER: _Step(
            "Answer every address: found, frozen or nothing", "report {request}", _REPORTS
        ),
        TaskKind.SETTLE: _Step(
            "Release, return or keep what you hold, and report it", "holds {request}", _REPORTS
        ),
        TaskKind.HOLD_ENDS: _Step("Extend what ends, or let it go", "holds {request}", _EXTENSIONS),
        TaskKind.REVIEW_ACCOUNT: _Step(
            "Look again whether a whole account stays frozen", "holds {request}", _EXTENSIONS
        ),
        TaskKind.ANSWER_EXTENSION: _Step(
            "The requester asks you to hold longer: extend, or let it end",
            "extend {request} {about}",
            _EXTENSIONS,
        ),
        TaskKind.CONSIDER_RELEASE: _Step(
            "Nobody answered your dispute in time: release is recommended, and you decide",
            "holds {request}",
            _REPORTS,
        ),
        TaskKind.REACH_PARTNER: _Step(
            "No notice reaches {partner}: telephone its contact", "partners", "/v1/partners", "GET"
        ),
        TaskKind.DECIDE_GRANT: _Step(
            "Check the grant that another lead proposed; approve it if it is right",
            "approve-grant {about}",
            "/v1/grants/{about}/approvals",
        ),
        TaskKind.CHECK_ROOT_RESET: _Step(
            "A new root key takes over then: stop it if you did not ask for it",
            "revoke {thumbprint}",
            "/v1/revocations",
        ),
        TaskKind.DECIDE_RETURN: _Step(
            "Have a partner asked to send money back, or not",
            "return approve {request} {about}",
            f"{_RETURNS}/approvals",
        ),
        TaskKind.ANSWER_RETURN: _Step(
            "Say what you send back, or send what you promised and report it",
            "return list {request}",
            f"{_RETURNS}/answer",
        ),
        TaskKind.CONFIRM_RETURN: _Step(
            "Say whether what {partner} sent arrived",
            "return confirm {request} {about}",
            f"{_RETURNS}/receipt",
        ),
        TaskKind.DECIDE_DESTINATION: _Step(
            "Check an account that money is to come back to; approve it if it is yours",
            "destination approve {about}",
            "/v1/destinations/{about}/approvals",
        ),
        TaskKind.MEND_ENDPOINT: _Step(
            "This endpoint takes no events: mend it, turn it on if it is off, then test it",
            "endpoint test {about}",
            "/v1/webhook-endpoints/{about}/test",
        ),
    }
)
#: Of an answer whose clock stands: why the partner need not hurry; it may report meanwhile.
_WAITS_FOR_REPLY = "The clock stands until your question is replied to; you may report meanwhile"
#: Of an answer of a desk whose policy lets no private requester learn anything.
_SILENT = _Step(
    "Your policy has every private requester hear `cannot_say`: say that, whatever you know",
    "report {request} --nothing cannot_say",
    _REPORTS,
)
#: Of a request that nobody ratified, by kind; what was frozen in time owes nothing.
_UNRATIFIED = MappingProxyType(
    {
        TaskKind.ANSWER: "Nobody ratified it yet: freeze nothing new and release nothing",
        TaskKind.SETTLE: (
            "You froze when nobody stood by it: let go or keep that, or wait for its leads"
        ),
    }
)


def next_step(
    kind: TaskKind,
    names: Names,
    *,
    is_paused: bool = False,
    is_unratified: bool = False,
    is_silent: bool = False,
) -> NextStep:
    """Return what to do next.

    Args:
        kind: Of the task.
        names: What the wording names.
        is_paused: The partner waits itself, and no clock runs.
        is_unratified: Nobody stands by the request any more.
        is_silent: The partner's policy has this requester hear nothing, and nothing is frozen.
    """
    step = _STEPS[kind]
    if is_silent and kind is TaskKind.ANSWER:
        step = _SILENT
    elif is_unratified:
        step = step._replace(words=_UNRATIFIED.get(kind, step.words))
    elif kind is TaskKind.ANSWER and is_paused:
        step = step._replace(words=_WAITS_FOR_REPLY)
    named = names._asdict()
    return {
        "words": step.words.format_map(named),
        "command": f"holdfast {step.command}".format_map(named),
        "method": step.method,
        "path": step.path.format_map(named),
    }
