"""What to do about a task, in one sentence that names the command, and the route that does it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from holdfast.protocol.tasks import TaskKind


class NextStep(NamedTuple):
    """What to do next.

    Attributes:
        sentence: For people; it ends with a command of `holdfast`.
        route: Method and path for programs.
    """

    sentence: str
    route: str


class Words(NamedTuple):
    """What a sentence names.

    Attributes:
        request: The request's id; empty where the task is about none.
        about: The id of what it is about.
        partner: The partner of the leg that the requester is concerned with.
        kid: The thumbprint of the key that is to take over as root.
    """

    request: str
    about: str
    partner: str
    kid: str


_REQUEST = "/v1/freeze-requests/{request}"
_STEPS: Mapping[TaskKind, NextStep] = MappingProxyType(
    {
        TaskKind.APPROVE: NextStep(
            "Approve or reject it: holdfast approve {request}", f"POST {_REQUEST}/approvals"
        ),
        TaskKind.RATIFY: NextStep(
            "It is out already; ratify or reject it: holdfast approve {request}",
            f"POST {_REQUEST}/approvals",
        ),
        TaskKind.DECIDE_ADDITION: NextStep(
            "Have more partners asked, or not: holdfast decide-addition {request} {about} yes",
            f"POST {_REQUEST}/approvals",
        ),
        TaskKind.DECIDE_WITHDRAWAL: NextStep(
            "Have frozen funds let go, or not: holdfast decide-withdrawal {request} {about} yes",
            f"POST {_REQUEST}/withdrawals/{{about}}/approvals",
        ),
        TaskKind.REPLY: NextStep(
            "Reply to {partner}, which waits for it: holdfast answer {request} {about}",
            f"POST {_REQUEST}/info-requests/{{about}}/answer",
        ),
        TaskKind.RESOLVE: NextStep(
            "Uphold or reject what {partner} disputes: holdfast resolve {request} {about} upheld",
            f"POST {_REQUEST}/disputes/{{about}}/resolution",
        ),
        TaskKind.ACKNOWLEDGE: NextStep(
            "Say that you have it: holdfast acknowledge {request}",
            f"POST {_REQUEST}/acknowledgement",
        ),
        TaskKind.ANSWER: NextStep(
            "Answer every address, found, frozen or nothing: holdfast report {request}",
            f"POST {_REQUEST}/freeze-reports",
        ),
        TaskKind.SETTLE: NextStep(
            "Release, return or keep what you hold, and report it: holdfast report {request}",
            f"POST {_REQUEST}/freeze-reports",
        ),
        TaskKind.HOLD_ENDS: NextStep(
            "Extend what ends, or let it go; see what you hold: holdfast holds {request}",
            f"POST {_REQUEST}/hold-extensions",
        ),
        TaskKind.REVIEW_ACCOUNT: NextStep(
            "Look again whether a whole account stays frozen: holdfast holds {request}",
            f"POST {_REQUEST}/hold-extensions",
        ),
        TaskKind.ANSWER_EXTENSION: NextStep(
            "The requester asks you to hold longer; extend it, or let it end:"
            " holdfast extend {request} {about}",
            f"POST {_REQUEST}/hold-extensions",
        ),
        TaskKind.CONSIDER_RELEASE: NextStep(
            "Nobody answered your dispute in time, so release is recommended, and you decide:"
            " holdfast report {request}",
            f"POST {_REQUEST}/freeze-reports",
        ),
        TaskKind.REACH_PARTNER: NextStep(
            "No notice reaches {partner}; telephone its contact: holdfast partners",
            "GET /v1/partners",
        ),
        TaskKind.DECIDE_GRANT: NextStep(
            "Check the proposed grant; approve it if it is right: holdfast approve-grant {about}",
            "POST /v1/grants/{about}/approvals",
        ),
        TaskKind.CHECK_ROOT_RESET: NextStep(
            "A new root key takes over then; stop it if you did not ask for it:"
            " holdfast revoke {kid}",
            "POST /v1/revocations",
        ),
        TaskKind.MEND_ENDPOINT: NextStep(
            "This endpoint takes no events; mend it, then try: holdfast endpoint test {about}",
            "POST /v1/webhook-endpoints/{about}/test",
        ),
    }
)
#: Of an answer whose clock stands: why the partner need not hurry.
_WAITS_FOR_REPLY = "The clock stands until your question is replied to"
_WAITS_FOR_LEADS = "Nobody ratified it yet; freeze nothing new and release nothing"
_TELL = "you may report meanwhile: holdfast report {request}"


def next_step(
    kind: TaskKind, words: Words, *, is_paused: bool = False, is_unratified: bool = False
) -> NextStep:
    """Return what to do next.

    Args:
        kind: Of the task.
        words: What the sentence names.
        is_paused: The partner waits itself, and no clock runs.
        is_unratified: Nobody stands by the request any more.
    """
    step = _STEPS[kind]
    sentence = step.sentence
    if kind is TaskKind.ANSWER and (is_paused or is_unratified):
        sentence = f"{_WAITS_FOR_LEADS if is_unratified else _WAITS_FOR_REPLY}; {_TELL}"
    return NextStep(sentence.format_map(words._asdict()), step.route.format_map(words._asdict()))
