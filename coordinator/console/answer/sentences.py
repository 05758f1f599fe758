"""What the page says at its top: the sentence, the clock, and what is unusual, in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from coordinator.console.answer.case import AnswerCase
from coordinator.console.answer.wording import SUPPORTS
from coordinator.console.words import Countdown, countdown, counted, grouped, listed, moment
from coordinator.domain.leg import LegAct, LegFlag
from coordinator.domain.permission import Permission
from holdfast.protocol.vocabulary import LegStatus, RequestStatus, Support, Urgency


class Clock(NamedTuple):
    """What there is time for: the time left, what for, and what the page says about it."""

    left: Countdown
    what: str
    text: str


class Note(NamedTuple):
    """A line under the sentence: mark, tone and text."""

    mark: str
    tone: str
    text: str


class Sentence(NamedTuple):
    """The sentence in its parts."""

    addresses: str
    stated: str
    worth: str
    hours: str
    end: str


def sentence(case: AnswerCase) -> Sentence:
    """Return how the request reads in one sentence."""
    request = case.request
    stated = listed(str(each) for each in case.asked.sums(case.visit.assets)[:3])
    return Sentence(
        counted(case.asked.count or request["address_count"], "address"),
        stated,
        case.asked.worth,
        counted(request["hold_hours"], "hour"),
        _ENDS.get(RequestStatus(request["status"]), ""),
    )


def progress(case: AnswerCase) -> Note | None:
    """Return "2 of 51 answered", as a flag; None where the leg's own state says it all."""
    left, count = case.left, case.asked.count
    is_reported = case.leg["status"] in _REPORTED
    if not left or not count or not is_reported:
        return None
    return Note(
        "half", "waiting", f"{grouped(str(count - left))} of {grouped(str(count))} answered"
    )


def left_words(case: AnswerCase) -> str:
    """Return "49 of 51 left"; "" where that is not known, or none is."""
    if not case.left:
        return ""
    return f"{grouped(str(case.left))} of {grouped(str(case.asked.count))} left"


def examples(case: AnswerCase) -> list[str]:
    """Return how two amounts are typed, in units of the request, as far as it names any."""
    units = [each.unit for each in case.asked.sums(case.visit.assets) if each.unit]
    first, second = [*units, *(unit for unit in ("ETH", "USDT") if unit not in units)][:2]
    return [f"1.5 {first}", f"200 {second}"]


_REPORTED = frozenset({LegStatus.PARTIALLY_FROZEN, LegStatus.FROZEN})
_ENDS: Mapping[RequestStatus, str] = MappingProxyType(
    {
        RequestStatus.WITHDRAWN: "It was withdrawn since.",
        RequestStatus.CLOSED: "It is closed since.",
    }
)


def clock(case: AnswerCase) -> Clock | None:
    """Return the clock that runs for one's desk; None where none does."""
    leg = case.leg
    if case.request["status"] != RequestStatus.ACTIVE:
        return None
    if leg["acknowledged_at"] is None:
        text = "Say that you have it; nothing is frozen by that."
        return Clock(countdown(leg["acknowledge_by"], case.now), "to acknowledge", text)
    if leg["answered_at"] is not None or leg["answer_by"] is None:
        return None
    if leg["clock_paused_at"] is not None:
        return None
    text = "Every address has an answer by then: found, frozen, or nothing."
    return Clock(countdown(leg["answer_by"], case.now), "to answer", text)


def notes(case: AnswerCase) -> list[Note]:
    """Return what is unusual about the request, and what waits for others."""
    return [*_of_request(case), *_of_leg(case)]


_FLASH = "A flash: it went out at once, before another lead of theirs looked at it."
_INDEMNITY = "Indemnity promised: they offer to make good what a wrong freeze costs."


def _minute(value: str | datetime) -> str:
    """Return a time to the minute, in the past rather than too late: "30 Nov, 03:53 UTC"."""
    at = moment(value)
    return f"{at.astimezone(UTC):%d %b, %H:%M} UTC".lstrip("0") if at else ""


def _provisional(request: Mapping[str, Any]) -> str:
    by = f" They have until {_minute(request['ratify_by'])}." if request.get("ratify_by") else ""
    return (
        f"Provisional: no lead of theirs stands by it yet.{by} Where none does in time, nothing"
        " new is frozen on it; what is held stays."
    )


def _late(request: Mapping[str, Any]) -> str:
    until = request.get("unratified_until")
    return f" They may still until {_minute(until)}; then it withdraws itself." if until else ""


def _of_request(case: AnswerCase) -> list[Note]:
    request = case.request
    word = SUPPORTS[Support(request["support"])]
    found = [Note("doc", "", f"On whose word: {word[:1].lower()}{word[1:]}.")]
    if request["urgency"] == Urgency.FLASH:
        found.append(Note("bolt", "danger", _FLASH if request["provisional"] else "A flash."))
    if request["provisional"]:
        found.append(Note("clock", "waiting", _provisional(request)))
    if request["unratified"]:
        found.append(
            Note(
                "warn",
                "danger",
                f"Unratified: no lead of theirs stood by it in time.{_late(request)}"
                " Freeze nothing new on it; what is held stays, and stays yours to decide.",
            )
        )
    if case.asked.indemnity:
        found.append(Note("shield", "", _INDEMNITY))
    if request["requester_suspended"]:
        found.append(Note("warn", "danger", "The requester is suspended from the network."))
    return found


def _of_leg(case: AnswerCase) -> list[Note]:
    leg, found = case.leg, list[Note]()
    flags = set(leg["flags"])
    if LegFlag.CONTESTED in flags:
        found.append(
            Note(
                "scale",
                "danger",
                "Contested: another partner disputes a freeze of the same account.",
            )
        )
    if LegFlag.DISPUTED in flags:
        found.append(Note("scale", "waiting", "You dispute this; the requester is to answer."))
    if LegFlag.ANSWER_OWED in flags:
        found.append(
            Note(
                "warn",
                "danger",
                "You owe an answer: say below what becomes of what you still hold.",
            )
        )
    if leg["clock_paused_at"] is not None:
        found.append(Note("clock", "", "Your time to answer stands still: you wait for others."))
    return found


_IS_OVER = (
    "The request is over: there is nothing to acknowledge, ask or decline any more. Report what"
    " happened all the same, and say what becomes of what you hold."
)


def lacking(case: AnswerCase) -> list[str]:
    """Return why acts that one might look for are not there, and what to do instead."""
    if case.request["status"] != RequestStatus.ACTIVE:
        return [_IS_OVER]
    found = []
    if not case.takes(LegAct.DECLINE):
        found.append(
            "You froze something, so that you cannot decline: release it, or correct the line that"
            " was wrong."
        )
    if not case.holds_something:
        found.append("To dispute, or to attach an order, there must be something that you hold.")
    return found


class Right(NamedTuple):
    """What somebody may not do here, and who may."""

    what: str
    who: str


def withheld_rights(case: AnswerCase) -> list[Right]:
    """Return what the reader may not do, each with who may: nobody is left with "no"."""
    lacking = [what for right, what in _RIGHTS.items() if not case.may(right)]
    if not lacking:
        return []
    return [Right(listed(lacking), case.who_may(Permission.LEG_DECLINE))]


_RIGHTS: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.LEG_REPORT: "reporting",
        Permission.LEG_DECLINE: "declining",
        Permission.HOLD_RELEASE: "releasing",
        Permission.HOLD_RETURN: "returning",
        Permission.HOLD_KEEP: "keeping and extending holds",
        Permission.FREEZE_LEDGER_CORRECT: "correcting a line",
        Permission.DISPUTE_RAISE: "disputing",
        Permission.LEGAL_ORDER_ATTACH: "attaching an order",
    }
)


def local_input(at: datetime | str | None) -> str:
    """Return a time as a browser's field of date and time takes it, in UTC, to the minute."""
    found = moment(at)
    return "" if found is None else f"{found:%Y-%m-%dT%H:%M}"
