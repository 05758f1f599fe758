"""How requests and legs stand, in a word, a mark and a meaning of colour."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from coordinator.console.words import ago, moment
from holdfast.protocol.vocabulary import LegStatus, RequestStatus


class State(NamedTuple):
    """A state as it is shown; see `parts/marks.html`."""

    word: str
    tone: str
    mark: str


_REQUEST: Mapping[str, State] = MappingProxyType(
    {
        RequestStatus.SUBMITTED: State("Waits for approval", "waiting", "clock"),
        RequestStatus.ACTIVE: State("Active", "held", "lock"),
        RequestStatus.REJECTED: State("Rejected", "", "none"),
        RequestStatus.WITHDRAWN: State("Withdrawn", "", "none"),
        RequestStatus.EXPIRED: State("Expired", "", "none"),
        RequestStatus.CLOSED: State("Closed", "done", "check"),
    }
)
_PROVISIONAL = State("Out, not ratified", "waiting", "clock")
_UNRATIFIED = State("Nobody ratified it", "danger", "warn")
_LEG: Mapping[str, State] = MappingProxyType(
    {
        LegStatus.QUEUED: State("Not reached yet", "", "ring"),
        LegStatus.DELIVERED: State("Delivered", "", "ring"),
        LegStatus.ACKNOWLEDGED: State("Acknowledged", "", "check"),
        LegStatus.UNDER_REVIEW: State("Looking", "waiting", "clock"),
        LegStatus.INFO_REQUESTED: State("Asks", "waiting", "ask"),
        LegStatus.PARTIALLY_FROZEN: State("Partly frozen", "held", "half"),
        LegStatus.FROZEN: State("Frozen", "held", "lock"),
        LegStatus.RELEASED: State("Released", "", "back"),
        LegStatus.RETURNED: State("Returned", "done", "back"),
        LegStatus.NO_MATCH: State("Nothing there", "", "none"),
        LegStatus.CANNOT_SAY: State("Cannot say", "", "none"),
        LegStatus.DECLINED: State("Declined", "", "none"),
        LegStatus.WITHDRAWN: State("Withdrawn", "", "none"),
    }
)
_MOVED = State("Moved on", "danger", "move")
_LEFT = State("Left after the notice", "danger", "move")
_UNANSWERED = State("Not answered", "danger", "warn")
_UNREACHED = State("No notice arrives", "danger", "warn")
_OPEN = frozenset(
    {
        LegStatus.QUEUED,
        LegStatus.DELIVERED,
        LegStatus.ACKNOWLEDGED,
        LegStatus.UNDER_REVIEW,
        LegStatus.INFO_REQUESTED,
    }
)
#: What stands beside a state, at most two of them, the gravest first.
_FLAGS: Mapping[str, State] = MappingProxyType(
    {
        "disputed": State("Contested", "danger", "scale"),
        "contested": State("Contested elsewhere", "waiting", "scale"),
        "answer_owed": State("Owes an answer", "waiting", "clock"),
        "irregular": State("Irregular", "danger", "warn"),
        "undeliverable": State("No notice arrives", "danger", "warn"),
        "overdue": State("Late", "danger", "clock"),
        "unanswered": State("The rest is late", "danger", "clock"),
    }
)


def request_state(request: Mapping[str, Any]) -> State:
    """Return how a request (or its row in a list) stands."""
    if request["status"] == RequestStatus.ACTIVE and request["unratified"]:
        return _UNRATIFIED
    if request["status"] == RequestStatus.ACTIVE and request["provisional"]:
        return _PROVISIONAL
    return _REQUEST[request["status"]]


def request_words() -> list[tuple[str, str]]:
    """Return every status of a request with its word, to choose from."""
    return [(status, state.word) for status, state in _REQUEST.items()]


def leg_words() -> list[tuple[str, str]]:
    """Return every status of a leg with its word, to choose from."""
    return [(status, state.word) for status, state in _LEG.items()]


def leg_state(leg: Mapping[str, Any], *, is_own: bool) -> State:
    """Return how a leg stands, to its partner (`is_own`) or to the requester."""
    status, flags = leg["status"], leg["flags"]
    if status == LegStatus.DECLINED and leg["decline_code"] in {"moved_on", "left_after_notice"}:
        return _MOVED if leg["decline_code"] == "moved_on" else _LEFT
    if status in _OPEN and "unanswered" in flags:
        return _UNANSWERED
    if status == LegStatus.QUEUED and "undeliverable" in flags:
        return _UNREACHED
    if status == LegStatus.INFO_REQUESTED:
        return State("You asked" if is_own else "Asks you", "waiting", "ask")
    return _LEG[status]


def leg_status_state(status: str) -> State:
    """Return how a leg stands of which a list tells the status alone."""
    return _LEG[status]


def leg_flags(leg: Mapping[str, Any]) -> list[State]:
    """Return what stands beside a leg's state: at most two."""
    state = leg_state(leg, is_own=False)
    found = [flag for name, flag in _FLAGS.items() if name in leg["flags"]]
    if leg["acknowledged_at"] is not None or is_unreached(leg):
        found = [flag for flag in found if flag.word != "Late"]
    if state is _UNANSWERED:
        found = [flag for flag in found if flag.word != "The rest is late"]
    return [flag for flag in found if flag.word != state.word][:2]


class Alike(NamedTuple):
    """What one partner answered in the same words for every address that is shown."""

    partner: str
    addresses: int
    said: str
    tone: str
    mark: str

    @property
    def words(self) -> str:
        """How many, and what: "all 51, does not support the asset"."""
        return f"all {self.addresses}, {self.said[:1].lower()}{self.said[1:]}"


def is_open(leg: Mapping[str, Any]) -> bool:
    """Tell whether a leg's partner has answered nothing yet, and is to."""
    has_found = any(int(each["found"]) or each["withheld"] for each in leg["totals"].values())
    return leg["status"] in _OPEN and leg["answered_at"] is None and not has_found


def owes_rest(leg: Mapping[str, Any]) -> bool:
    """Tell whether a leg's partner has answered for some of the addresses, and owes the others."""
    is_over = leg["status"] == LegStatus.WITHDRAWN or leg["withdrawn_reason_code"] is not None
    return not (is_open(leg) or is_over) and leg["answered_at"] is None


def owes(leg: Mapping[str, Any]) -> bool:
    """Tell whether an answer for any address is still to come."""
    return is_open(leg) or owes_rest(leg)


def is_unreached(leg: Mapping[str, Any]) -> bool:
    """Tell whether no notice has reached a leg's partner yet."""
    return leg["status"] == LegStatus.QUEUED and leg["delivered_at"] is None


def unreached_words(leg: Mapping[str, Any], now: datetime) -> str:
    """Say that no notice has reached a leg's partner yet, and for how long."""
    at = moment(leg["queued_at"])
    if at is None or now - at < timedelta(minutes=1):
        return "Not reached yet"
    return f"Not reached yet, for {ago(at, now).removesuffix(' ago')}"
