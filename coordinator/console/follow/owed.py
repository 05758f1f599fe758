"""Who owes an answer: questions, objections, notices, holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response

from coordinator.api import disputes, info_requests, ledger_reads
from coordinator.api.paging import PageQuery
from coordinator.console.follow import states
from coordinator.console.follow.case import Case
from coordinator.console.visit import Visit
from coordinator.console.words import Countdown, ago, countdown
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import WITHDRAWN_BECAUSE

_EVERY = "An answer for every address"
_TO_ANSWER = ("to answer", "to answer the rest")
_MOST = PageQuery.model_validate({"limit": "1000"})


@dataclass(frozen=True, slots=True)
class Debt:
    """Something that somebody owes.

    Attributes:
        by: Whose turn it is; empty: the reader's own organisation.
        words: What somebody else wrote about it.
        done: How it was settled; empty while it is open.
        due: When it was to be, where no clock says that.
    """

    by: str
    what: str
    clock: Countdown
    clock_words: str
    tone: str
    mark: str
    words: str = ""
    url: str = ""
    button: str = ""
    has: str = ""
    done: str = ""
    done_words: str = ""
    due: datetime | None = None


def show(visit: Visit, request_id: str) -> Response:
    """Show what is owed, one's own debts first."""
    case = Case.read(visit, request_id)
    debts = [*_questions(case), *_disputes(case), *_silent(case), *_holds(case)]
    open_ = sorted((each for each in debts if not each.done), key=_soonest(case))
    return case.page(
        "owed",
        ours=[each for each in open_ if not each.by],
        theirs=[each for each in open_ if each.by],
        settled=[each for each in debts if each.done],
    )


def _soonest(case: Case) -> Any:
    return lambda each: each.due or each.clock.until or case.now.replace(year=9999)


def _questions(case: Case) -> Iterable[Debt]:
    page = case.visit.read(info_requests.list_questions, _MOST, request_id=case.id)
    for each in page["items"]:
        asker = each["partner"]
        left = countdown(each["reply_by"] if not each["answered_at"] else None, case.now)
        missing = ", ".join(each["missing"])
        yield Debt(
            by="" if case.is_ours else case.request["requester"],
            what=f"{asker} asks you a question" if case.is_ours else "You asked",
            clock=left,
            clock_words="to reply",
            tone="danger" if left.is_late else "waiting",
            mark="ask",
            words=": ".join(filter(None, (missing, each["text"] or ""))),
            url=f"{case.url}/questions/{each['id']}" if case.is_ours else "",
            button="Reply" if case.visit.may(Permission.INFO_REQUEST_ANSWER) else "See it",
            has=_has(case, each.get("task")),
            done=_answered(case, each["answered_at"]),
            done_words=each["answer"] or "",
        )


def _answered(case: Case, at: str | None) -> str:
    return f"Answered {ago(at, case.now)}" if at else ""


def _disputes(case: Case) -> Iterable[Debt]:
    page = case.visit.read(disputes.list_disputes, _MOST, request_id=case.id)
    for each in page["items"]:
        left = countdown(each["answer_by"] if not each["resolved_at"] else None, case.now)
        who = f"{each['partner']} contests" if case.is_ours else "You contest"
        late = ", a release is recommended" if each["release_recommended_at"] else ""
        yield Debt(
            by="" if case.is_ours else case.request["requester"],
            what=f"{who} the freeze for a customer{late}",
            clock=left,
            clock_words="to answer",
            tone="danger",
            mark="scale",
            words=each["text"] or "",
            url=f"{case.url}/disputes/{each['id']}" if case.is_ours else "",
            button="Answer" if case.visit.may(Permission.DISPUTE_RESOLVE) else "See it",
            has=_has(case, each.get("task")),
            done=_resolved(case, each),
            done_words=each["resolution_text"] or "",
        )


_RESOLVED = {"upheld": "Upheld", "rejected": "Rejected", "moot": "Ended with the hold"}


def _resolved(case: Case, dispute: Mapping[str, Any]) -> str:
    if not dispute["resolved_at"]:
        return ""
    return f"{_RESOLVED[dispute['resolution']]} {ago(dispute['resolved_at'], case.now)}"


def _has(case: Case, task: Mapping[str, Any] | None) -> str:
    if not task or not task.get("taken_at"):
        return ""
    name = case.visit.name_of(task.get("taken_by"), case.request["requester"])
    verb = "have" if name == "you" else "has"
    return f"{name[:1].upper()}{name[1:]} {verb} it"


def _silent(case: Case) -> Iterable[Debt]:
    """Yield the legs whose partner has not answered yet, and is to."""
    if not case.is_live:
        return
    for leg in case.legs:
        if not states.owes(leg) or leg["clock_paused_at"] is not None:
            continue
        is_acknowledged = leg["acknowledged_at"] is not None
        left = countdown(leg["answer_by" if is_acknowledged else "acknowledge_by"], case.now)
        if case.is_ours and states.is_unreached(leg):
            yield _unreached(case, leg, left)
            continue
        is_rest = states.owes_rest(leg)
        answer = "An answer for the rest of the addresses" if is_rest else _EVERY
        yield Debt(
            by=leg["partner"] if case.is_ours else "",
            what=answer if is_acknowledged else "To acknowledge the notice",
            clock=left,
            clock_words=_TO_ANSWER[is_rest] if is_acknowledged else "to acknowledge",
            tone="danger" if left.is_late else "",
            mark="warn" if left.is_late else "clock",
            url="" if case.is_ours else f"{case.url}/answer",
            button="Answer",
        )


def _unreached(case: Case, leg: Mapping[str, Any], left: Countdown) -> Debt:
    """Return that a notice is on its way still: nobody there is to blame for it."""
    return Debt(
        by=leg["partner"],
        what=states.unreached_words(leg, case.now),
        clock=Countdown("late" if left.is_late else "on its way", None, is_late=left.is_late),
        clock_words="",
        tone="danger" if left.is_late else "",
        mark="warn" if left.is_late else "ring",
        due=left.until,
    )


def _holds(case: Case) -> Iterable[Debt]:
    """Yield the holds about which an answer is owed: lapsed, or taken back by the requester."""
    page = case.visit.read(ledger_reads.list_holds, _MOST, request_id=case.id)
    for hold in page["items"]:
        if hold["owed_since"] is None:
            continue
        held = case.amount(hold["held"], hold["asset"])
        amount = "an amount not told" if hold["withheld"] else str(held)
        why = "its hold lapsed" if hold["lapsed"] else "it was taken back"
        code = WITHDRAWN_BECAUSE.get(hold["withdrawn_reason_code"] or "", "")
        reason = f": {code}" if code and not hold["lapsed"] else ""
        yield Debt(
            by=hold["partner"] if case.is_ours else "",
            what=f"To release, return or keep {amount} on address no. {hold['address_no']};"
            f" {why}{reason}",
            clock=Countdown(ago(hold["owed_since"], case.now), None),
            clock_words="",
            tone="waiting",
            mark="lock",
            url="" if case.is_ours else f"{case.url}/answer",
            button="Answer",
        )
