"""The readiness of a drill: who was told, woken, took it and answered, and how fast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from flask import Response

from coordinator.api import readiness_reports as api
from coordinator.api.responses import Later
from coordinator.console.follow.case import Case
from coordinator.console.follow.documents import attached
from coordinator.console.follow.states import State, leg_status_state, request_state
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from holdfast.protocol import canonical_json
from holdfast.protocol.readiness import Step
from holdfast.wording import duration_words

#: What each step is called at the head of its column.
_STEPS: Mapping[Step, str] = {
    Step.ARRIVED: "Arrived",
    Step.PAGED: "Paged",
    Step.TAKEN: "Taken",
    Step.ACKNOWLEDGED: "Acknowledged",
    Step.ANSWERED: "Answered",
    Step.DECIDED: "Decided",
}
_ANSWERED = State("Answered", "done", "check")
_DID: Mapping[str, str] = {
    "submit": "submitted it",
    "approve": "approved it",
    "reject": "rejected it",
    "take": "took it",
    "acknowledge": "acknowledged it",
    "review": "looked into it",
    "decline": "declined",
    "report": "reported",
    "withdraw": "withdrew it",
    "close": "closed it",
}


class Cell(NamedTuple):
    """One step of an organisation: how long it took, when it was, and what of its time.

    Attributes:
        late: "late" or "due …"; "" where it was in time, or nothing was due.
    """

    word: str
    took: str
    at: datetime | None
    late: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One organisation."""

    partner: str
    state: State
    since: datetime | None
    cells: Sequence[Cell]


class Person(NamedTuple):
    """What one of one's own people did, or that they were paged."""

    who: str
    did: str
    at: datetime | None


class Speed(NamedTuple):
    """How fast a step was over all that were asked."""

    step: str
    how_many: str
    median: str
    slowest: str


def show(visit: Visit, request_id: str) -> Response:
    """Show the report of a drill."""
    case = Case.read(visit, request_id)
    report: Mapping[str, Any] = visit.read(api.read_report, request_id=request_id)["report"]
    requester, *asked = report["units"]
    people = [each for unit in report["units"] for each in unit["people"] or ()]
    return case.page(
        "readiness",
        requester=_row(requester, request_state(case.request)),
        asked=[_row(each, _state(each["status"])) for each in asked],
        speed=[_speed(each) for each in report["speed"]] if asked else [],
        people=list(_people(visit, people)),
        made_at=moment(report["made_at"]),
        sees_all=report["sees_all"],
    )


def download(visit: Visit, request_id: str) -> Response:
    """Serve the signed JSON, as the API does."""
    view = visit.read(api.read_report, request_id=request_id)
    made = Response(canonical_json.dumps(view), content_type="application/json")
    return attached(made, f"{request_id}.readiness.json")


def download_document(visit: Visit, request_id: str) -> Later:
    """Serve the report for a supervisor, as the API does."""
    made: Later = visit.read(api.read_document, request_id=request_id)
    return Later(lambda: attached(made.make(), f"{request_id}.readiness.pdf"))


def _state(status: str) -> State:
    return _ANSWERED if status == "answered" else leg_status_state(status)


def _row(unit: Mapping[str, Any], state: State) -> Row:
    cells = [_cell(each) for each in unit["steps"]]
    return Row(unit["partner"], state, moment(unit["since"]), cells)


def _cell(step: Mapping[str, Any]) -> Cell:
    word, due_at = _STEPS[Step(step["step"])], moment(step["due_at"])
    if step["after_ms"] is None:
        late = "" if due_at is None else "was due" if step["in_time"] is False else "due"
        return Cell(word, "", None, late, due_at)
    late = "late, was due" if step["in_time"] is False else ""
    return Cell(word, duration_words(step["after_ms"]), moment(step["at"]), late, due_at)


def _people(visit: Visit, people: Iterable[Mapping[str, Any]]) -> Iterable[Person]:
    for each in people:
        did = f"was paged by {each['by']}" if each["by"] else _DID.get(each["did"], each["did"])
        yield Person(visit.called(each["subject"]), did.replace("_", " "), moment(each["at"]))


def _speed(speed: Mapping[str, Any]) -> Speed:
    times = (speed["median_ms"], speed["slowest_ms"])
    median, slowest = ("" if each is None else duration_words(each) for each in times)
    step = _STEPS[Step(speed["step"])]
    return Speed(step, f"{speed['count']} of {speed['of']}", median, slowest)
