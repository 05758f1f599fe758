"""Numbers, states and what requests rest on, in sentences."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from holdfast.protocol.views import FreezeRequestSummary, FreezeRequestView
from holdfast.protocol.vocabulary import InterestKind, Support

#: Whose word a request rests on, in words.
RESTS_ON: Mapping[Support, str] = {
    Support.NONE: "the requester's word alone",
    Support.POLICE_REPORT: "a police report",
    Support.ORDER_APPLIED: "an order applied for",
    Support.ORDER: "an order",
}


#: What is said of a drill wherever it is shown whole.
DRILL = "THIS IS A DRILL: answer it as you would, and move no money for it"

#: What a requester stands to gain or lose, in words.
INTERESTS: Mapping[InterestKind, str] = {
    InterestKind.OWN_FUNDS: "its own funds were taken",
    InterestKind.CUSTOMERS: "its customers' funds were taken",
    InterestKind.CLAIM: "it has a claim against whoever holds the account",
    InterestKind.REWARD: "it is paid by what is frozen or recovered",
    InterestKind.COMPETITION: "it competes with whoever holds the account",
    InterestKind.POSITION: "it holds, trades or issued what is flagged",
    InterestKind.OTHER: "another interest",
}


def interest_words(kinds: Iterable[InterestKind]) -> str:
    """Return what a requester stands to gain or lose: "its own funds were taken; …"."""
    return "; ".join(INTERESTS[InterestKind(kind)] for kind in kinds)


def counted(count: int, noun: str) -> str:
    """Return "1 fault", "2 faults", "2 addresses"."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count} {noun}{ending}"


def request_state(view: FreezeRequestView | FreezeRequestSummary) -> str:
    """Return how a request stands, e.g. "active (unratified)"."""
    waits = "provisional" if view.provisional else "unratified" if view.unratified else ""
    return f"{view.status.value} ({waits})" if waits else view.status.value


def marked(text: str, *, drill: bool) -> str:
    """Return what a list calls a request or an incident: a drill says so first of all."""
    return f"DRILL: {text}" if drill else text


def time_left(until: datetime, now: datetime) -> str:
    """Return how long there is, or how late it is: "in 12 min", "now", "3 h 20 min late"."""
    if abs(until - now) < timedelta(minutes=1):
        return "now"
    span = span_words(abs(until - now))
    return f"{span} late" if until < now else f"in {span}"


def duration_words(milliseconds: int) -> str:
    """Return how long something took: "0.8 s", "12 s", "4 min 5 s", "2 h 3 min"."""
    seconds = milliseconds // 1000
    if seconds < 10:  # noqa: PLR2004 - then tenths tell something
        return f"{milliseconds / 1000:.1f} s"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds} s"
    if seconds < 3600:  # noqa: PLR2004
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def span_words(span: timedelta) -> str:
    """Return a span in its two largest units: "2 d 4 h", "3 h 20 min", "0 min"."""
    minutes = span // timedelta(minutes=1)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
