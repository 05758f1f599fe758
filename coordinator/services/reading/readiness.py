"""A readiness report: who was told of a drill, was woken, took it and answered, and how fast.

Everything in it its reader may read elsewhere, too. Of another organisation it has the units and
the times, and nobody's name: who was paged there, and by what, is that one's own to show.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypedDict

from coordinator.domain.durations import milliseconds, percentile
from coordinator.domain.errors import ConflictError
from coordinator.services.core.access import readable_request
from coordinator.services.core.read_context import ReadContext
from coordinator.services.reading.names import partner_names, people_names
from coordinator.services.requests.freeze_request_views import incident_views
from coordinator.services.requests.left_out import is_hidden_from
from coordinator.storage.requests import alarms as alarm_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.alarms import Alarm
from coordinator.storage.requests.left_out_acts import Heard
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from holdfast.protocol.clearance import Issuer
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.readiness import Step, sign_report
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.vocabulary import LegStatus, RequestStatus, Urgency

#: As many as a request may ask.
_MOST_PARTNERS = 1_000
#: Alarms and acts of one drill; of the first each partner has a few, and each hour or so one more.
_MOST_ALARMS, _MOST_ACTS = 20_000, 20_000
#: The act by which somebody says "I have it".
_TAKE = "take"
#: Of the requester's people: what they do before the partners are asked, or to stand behind it.
_OF_REQUESTER = frozenset({TaskKind.APPROVE, TaskKind.RATIFY})
#: Steps that a partner asked goes through.
_STEPS = (Step.ARRIVED, Step.PAGED, Step.TAKEN, Step.ACKNOWLEDGED, Step.ANSWERED)


class ReadinessStep(TypedDict):
    """One step of an organisation (`readiness.ReadinessStep`)."""

    step: Step
    at: str | None
    after_ms: int | None
    due_at: str | None
    in_time: bool | None


class ReadinessPerson(TypedDict):
    """What one of the reader's own people did (`readiness.ReadinessPerson`)."""

    subject: str
    name: str | None
    did: str
    at: str | None
    by: str | None


class ReadinessUnit(TypedDict):
    """One organisation (`readiness.ReadinessUnit`)."""

    partner: str
    name: str
    role: Literal["requester", "asked"]
    status: str
    since: str
    steps: list[ReadinessStep]
    people: list[ReadinessPerson] | None


class ReadinessSpeed(TypedDict):
    """How fast a step was over all organisations asked (`readiness.ReadinessSpeed`)."""

    step: Step
    count: int
    of: int
    median_ms: int | None
    slowest_ms: int | None


class ReadinessReport(TypedDict):
    """How fast who answered one drill (`readiness.ReadinessReport`)."""

    drill: Literal[True]
    request_id: str
    incident_id: str
    title: str
    content_sha256: str
    urgency: Urgency
    requester: str
    submitted_at: str
    ended_at: str | None
    made_at: str
    made_for: str
    sees_all: bool
    units: list[ReadinessUnit]
    speed: list[ReadinessSpeed]


class ReadinessView(TypedDict):
    """A report with the coordinator's signature (`readiness.ReadinessView`)."""

    report: ReadinessReport
    statement: str
    key: JsonObject


def readiness_view(read: ReadContext, request_id: str, issuer: Issuer) -> ReadinessView:
    """Return a drill's readiness report, signed.

    Args:
        read: Who reads, and from where.
        request_id: Of the drill.
        issuer: Signs the statement.

    Raises:
        NotFoundError: If the reader is neither the requester nor asked.
        ConflictError: If the request is real.
    """
    report = readiness_report(read, request_id)
    statement = sign_report(report, issuer, iat=int(read.now.timestamp()))
    return {"report": report, "statement": statement, "key": issuer.key.public.jwk()}


def readiness_report(read: ReadContext, request_id: str) -> ReadinessReport:
    """Return how fast who answered a drill, as far as the reader may know.

    Raises:
        NotFoundError: If the reader is neither the requester nor asked.
        ConflictError: If the request is real: statistics tell how fast such were answered.
    """
    own = read.actor.partner
    row, leg = readable_request(read.connection, read.actor.viewer, request_id)
    if not row.drill:
        raise ConflictError(
            "this request is real: a readiness report is made of a drill",
            code="no_drill",
            current_status=row.status,
        )
    return _Drill(read, row, None if row.requester == own else leg).report()


@dataclass
class _Drill:
    """One drill as its reader sees it; `leg` is the reader's, None for the requester."""

    read: ReadContext
    row: FreezeRequestRow
    leg: LegRow | None

    def report(self) -> ReadinessReport:
        row, own = self.row, self.read.actor.partner
        asked = [self._asked(each) for each in self.legs]
        incident = incident_views(
            self.read.connection, self.read.vault, [row.incident_id], self.read.actor.viewer
        )
        return {
            "drill": True,
            "request_id": row.id,
            "incident_id": row.incident_id,
            "title": incident[row.incident_id]["title"],
            "content_sha256": row.content_sha256,
            "urgency": Urgency(row.urgency),
            "requester": row.requester,
            "submitted_at": format_time(row.submitted_at),
            "ended_at": optional_time(row.ended_at),
            "made_at": format_time(self.read.now),
            "made_for": own,
            "sees_all": self.leg is None,
            "units": [self._requester(), *asked],
            "speed": [_speed(step, asked) for step in _STEPS],
        }

    # ---- what is read ------------------------------------------------------------------------

    @cached_property
    def legs(self) -> Sequence[LegRow]:
        if self.leg is not None:
            return [self.leg]
        return leg_store.of_request(
            self.read.connection, self.row.id, after="", limit=_MOST_PARTNERS
        )

    @cached_property
    def acts(self) -> Sequence[ActRow]:
        heard = Heard(
            None if self.leg is None else self.leg.id, not is_hidden_from(self.row, self.leg)
        )
        return store.acts(self.read.connection, self.row.id, heard=heard, limit=_MOST_ACTS)

    @cached_property
    def alarms(self) -> Sequence[Alarm]:
        """Who was woken, oldest first: of every partner, or of the reader's and the requester."""
        partners = None if self.leg is None else {self.leg.partner, self.row.requester}
        found = alarm_store.of_request(
            self.read.connection, self.row.id, partners, limit=_MOST_ALARMS
        )
        return found[::-1]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What partners are called, by handle."""
        return partner_names(self.read)

    @cached_property
    def people(self) -> Mapping[str, str]:
        """What the reader's own people are called, by id, as far as it may read that."""
        return people_names(self.read)

    # ---- units -------------------------------------------------------------------------------

    def _requester(self) -> ReadinessUnit:
        row = self.row
        decided = row.decided_at if row.status != RequestStatus.EXPIRED else None
        due_at = row.approve_by if row.ratify_by is None else row.ratify_by
        steps = [
            self._step(Step.PAGED, self._paged(row.requester, of_leg=None), row.submitted_at),
            self._step(Step.TAKEN, self._taken(row.requester, of_leg=None), row.submitted_at),
            self._step(Step.DECIDED, decided, row.submitted_at, due_at),
        ]
        return self._unit(
            row.requester, "requester", RequestStatus(row.status).value, row.submitted_at, steps
        )

    def _asked(self, leg: LegRow) -> ReadinessUnit:
        since = leg.queued_at
        steps = [
            self._step(Step.ARRIVED, leg.delivered_at, since),
            self._step(Step.PAGED, self._paged(leg.partner, of_leg=leg.id), since),
            self._step(Step.TAKEN, self._taken(leg.partner, of_leg=leg.id), since),
            self._step(Step.ACKNOWLEDGED, leg.acknowledged_at, since, leg.acknowledge_by),
            self._step(Step.ANSWERED, leg.answered_at, since, leg.answer_by),
        ]
        return self._unit(leg.partner, "asked", _answer(leg), since, steps)

    def _unit(
        self,
        partner: str,
        role: Literal["requester", "asked"],
        status: str,
        since: datetime,
        steps: list[ReadinessStep],
    ) -> ReadinessUnit:
        is_own = partner == self.read.actor.partner
        return {
            "partner": partner,
            "name": self.names.get(partner, partner),
            "role": role,
            "status": status,
            "since": format_time(since),
            "steps": steps,
            "people": list(self._who_did_what()) if is_own else None,
        }

    def _step(
        self, step: Step, at: datetime | None, since: datetime, due_at: datetime | None = None
    ) -> ReadinessStep:
        in_time = None
        if due_at is not None and (at is not None or self.read.now > due_at):
            in_time = at is not None and at <= due_at
        return {
            "step": step,
            "at": optional_time(at),
            "after_ms": None if at is None else milliseconds(at - since),
            "due_at": optional_time(due_at),
            "in_time": in_time,
        }

    def _paged(self, partner: str, *, of_leg: str | None) -> datetime | None:
        """Return when somebody of a partner was first paged: for a leg, or for the request."""
        kinds = _OF_REQUESTER if of_leg is None else {TaskKind.ANSWER}
        paged = [
            each.paged_at
            for each in self.alarms
            if each.partner == partner
            and each.kind in kinds
            and each.about == of_leg
            and each.paged_at is not None
        ]
        return min(paged, default=None)

    def _taken(self, partner: str, *, of_leg: str | None) -> datetime | None:
        """Return when somebody of a partner first said "I have it", as `_paged` is for."""
        taken = [
            act.at
            for act in self.acts
            if act.kind == _TAKE and act.partner == partner and act.leg_id == of_leg
        ]
        return min(taken, default=None)

    def _who_did_what(self) -> Iterable[ReadinessPerson]:
        """Yield whom the reader's organisation paged, and what its people did, in order."""
        own = self.read.actor.partner
        mine = [alarm.id for alarm in self.alarms if alarm.partner == own]
        said: list[tuple[datetime, ReadinessPerson]] = []
        for calls in alarm_store.calls(self.read.connection, mine).values():
            for call in calls:
                at = optional_time(call.sent_at)
                person = self._person(call.person, "paged", at, call.channel)
                said.append((call.sent_at or call.queued_at, person))
        for act in self.acts:
            if act.partner == own and act.subject is not None:
                person = self._person(act.subject, act.decision or act.kind, format_time(act.at))
                said.append((act.at, person))
        return [person for _, person in sorted(said, key=lambda each: each[0])]

    def _person(
        self, subject: str, did: str, at: str | None, by: str | None = None
    ) -> ReadinessPerson:
        name = self.people.get(subject)
        return {"subject": subject, "name": name, "did": did, "at": at, "by": by}


def _answer(leg: LegRow) -> str:
    """Return how a leg stands; who found what there is and froze nothing has answered a drill."""
    status = LegStatus(leg.status)
    if leg.answered_at is not None and status in {LegStatus.UNDER_REVIEW, LegStatus.WITHDRAWN}:
        return "answered"
    return status.value


def _speed(step: Step, asked: Sequence[ReadinessUnit]) -> ReadinessSpeed:
    """Return how fast a step was over the organisations asked."""
    taken = sorted(
        each["after_ms"]
        for unit in asked
        for each in unit["steps"]
        if each["step"] is step and each["after_ms"] is not None
    )
    return {
        "step": step,
        "count": len(taken),
        "of": len(asked),
        "median_ms": percentile(taken, 50),
        "slowest_ms": taken[-1] if taken else None,
    }
