"""What a readiness report says on paper: a drill's units and times, in words; no database, no page.

Times are UTC, and the page says so once. A cell says when, and how long after the first of its row.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.protocol.readiness import (
    ReadinessPerson,
    ReadinessReport,
    ReadinessSpeed,
    ReadinessStep,
    ReadinessUnit,
    Step,
)
from holdfast.wording import duration_words

#: Of the reader's own people so many lines stand on the page; the signed JSON has all.
MOST_LINES = 16
_STEPS = {
    Step.ARRIVED: "Notice arrived",
    Step.PAGED: "Somebody paged",
    Step.TAKEN: "Somebody took it",
    Step.ACKNOWLEDGED: "Acknowledged",
    Step.ANSWERED: "All answered",
    Step.DECIDED: "Decided",
}
#: Acts by the way that they are told; others by their own names.
_DID = {
    "submit": "submitted it",
    "approve": "approved it",
    "reject": "rejected it",
    "take": "took it",
    "acknowledge": "acknowledged",
    "review": "looked into it",
    "decline": "declined",
    "report": "reported",
    "withdraw": "withdrew it",
    "close": "closed it",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """When one step was, how long after, and whether in time; each "" where there is nothing."""

    at: str
    after: str
    due: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A row: an organisation, how it stands, from when on it is timed, and its steps."""

    name: str
    partner: str
    state: str
    since: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """What one of the reader's people did, or that they were paged."""

    at: str
    who: str
    did: str


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast one step was over all that were asked."""

    step: str
    count: str
    median: str
    slowest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessFacts:
    """All that the page says; times in words.

    Attributes:
        title: What the drill is called.
        day: The date to which times without one belong.
        report_sha256: Of the canonical JSON of the same report, which a statement signs.
        made_at: To that moment it speaks.
        people_left: So many lines about people have no room.
    """

    request_id: str
    title: str
    content_sha256: str
    urgency: str
    requester: str
    submitted: str
    ended: str
    day: str
    made_at: datetime
    made_for: str
    sees_all: bool
    coordinator: str
    report_sha256: str
    requester_steps: tuple[str, ...]
    requester_unit: Unit
    asked_steps: tuple[str, ...]
    asked: tuple[Unit, ...]
    speed: tuple[Speed, ...]
    people: tuple[Person, ...]
    people_left: int


def readiness_facts(
    report: ReadinessReport, *, coordinator: str, report_sha256: str
) -> ReadinessFacts:
    """Return a report as the page says it.

    Args:
        report: As it is signed.
        coordinator: Its origin.
        report_sha256: What its statement names, 64 hex digits.
    """
    day = report.submitted_at.astimezone(UTC)
    requester, *asked = report.units
    people = [each for unit in report.units for each in unit.people or ()]
    return ReadinessFacts(
        request_id=report.request_id,
        title=report.title or "A drill",
        content_sha256=report.content_sha256,
        urgency=report.urgency.value,
        requester=report.requester,
        submitted=_whole(report.submitted_at),
        ended="" if report.ended_at is None else _whole(report.ended_at),
        day=f"{day:%d %B %Y}".lstrip("0"),
        made_at=report.made_at,
        made_for=report.made_for,
        sees_all=report.sees_all,
        coordinator=coordinator,
        report_sha256=report_sha256,
        requester_steps=tuple(_STEPS[each.step] for each in requester.steps),
        requester_unit=_unit(requester, day),
        asked_steps=tuple(_STEPS[each.step] for each in asked[0].steps) if asked else (),
        asked=tuple(_unit(each, day) for each in asked),
        speed=tuple(map(_speed, report.speed)),
        people=tuple(_person(each, day) for each in people[:MOST_LINES]),
        people_left=max(0, len(people) - MOST_LINES),
    )


def _unit(unit: ReadinessUnit, day: datetime) -> Unit:
    return Unit(
        name=unit.name,
        partner=unit.partner,
        state=unit.status.replace("_", " "),
        since=_clock(unit.since, day),
        cells=tuple(_cell(each, day) for each in unit.steps),
    )


def _cell(step: ReadinessStep, day: datetime) -> Cell:
    due = "" if step.due_at is None else _clock(step.due_at, day)
    if step.at is None:
        words = f"was due {due}" if step.in_time is False else f"due {due}"
        return Cell("not so far", "", words if due else "")
    late = f"late: was due {due}" if step.in_time is False else "in time"
    after = "" if step.after_ms is None else f"after {duration_words(step.after_ms)}"
    return Cell(_clock(step.at, day), after, late if due else "")


def _person(person: ReadinessPerson, day: datetime) -> Person:
    did = _DID.get(person.did) or person.did.replace("_", " ")
    if person.by is not None:
        did = f"{did} by {person.by}"
    at = "not sent" if person.at is None else _clock(person.at, day)
    return Person(at, person.name or person.subject, did)


def _speed(speed: ReadinessSpeed) -> Speed:
    return Speed(
        step=_STEPS[speed.step],
        count=f"{speed.count} of {speed.of}",
        median="–" if speed.median_ms is None else duration_words(speed.median_ms),  # noqa: RUF001 - a dash
        slowest="–" if speed.slowest_ms is None else duration_words(speed.slowest_ms),  # noqa: RUF001
    )


def _whole(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC".lstrip("0")


def _clock(at: datetime, day: datetime) -> str:
    """Return a time of the day, with its date where that is another."""
    utc = at.astimezone(UTC)
    return f"{utc:%H:%M:%S}" if utc.date() == day.date() else f"{utc:%d %b %H:%M:%S}".lstrip("0")
