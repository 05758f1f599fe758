"""What waits for a partner's people and systems, in one list by deadline: read, never stored.

Each kind of task is a branch: the rows that it is made of, read along an index of the partner's own
by their time. A page takes as many of each branch as it holds, in one statement, however much is
stored; the conditions are those by which acts and timers go, or the list of decisions.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Text,
    and_,
    cast,
    exists,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import SQLColumnExpression

from coordinator.domain.deadline import Policies
from coordinator.domain.delivery import FAILING_AFTER
from coordinator.storage.ending import withdrawal_proposals
from coordinator.storage.engine.base import UtcTime
from coordinator.storage.engine.reads import read_as
from coordinator.storage.membership.root_resets import WAITING
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import (
    AdditionRow,
    DisputeRow,
    GrantProposalRow,
    InfoRequestRow,
    RootResetRow,
    WithdrawalProposalRow,
)
from coordinator.storage.tables.outbox import WebhookEndpointRow
from coordinator.storage.tables.partners import PartnerKeyRow, SubjectRow
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.vocabulary import RequestStatus, Role

#: Until when something waits for which no clock runs: it comes last.
NO_TIME = datetime(9999, 12, 31, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NOW = timedelta()
#: By their names, so that tasks with one deadline stand in the order of their ids.
_KINDS = tuple(sorted(TaskKind))
_RANKS = {kind: rank for rank, kind in enumerate(_KINDS)}


class Place(NamedTuple):
    """Where a task stands in the list; no two stand at the same place."""

    until: datetime
    task: Task


class _Row(NamedTuple):
    until: datetime
    rank: int
    request_id: str | None
    about: str | None
    leg_id: str | None
    since: datetime
    thumbprint: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits.

    Attributes:
        until: `NO_TIME` where no clock runs at present.
        since: When it began to wait, the last time.
        leg_id: The leg that it is about, where it is about one.
        thumbprint: The root key that is to take over, where it is about one.
    """

    task: Task
    until: datetime
    since: datetime
    leg_id: str | None
    thumbprint: str | None

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return Place(self.until, self.task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose tasks are read, by which rules, and when.

    Attributes:
        partner: The handle.
        now: The present moment.
        policies: The clocks.
        kinds: Which tasks.
        person: Who is to decide: decisions in which this person had a hand are left out. None: all.
    """

    partner: str
    now: datetime
    policies: Policies
    kinds: Collection[TaskKind]
    person: str | None = None


_Text = SQLColumnExpression[str] | SQLColumnExpression[str | None]
_Moment = SQLColumnExpression[datetime] | SQLColumnExpression[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """Where the tasks of one kind are found.

    Attributes:
        request_id: The request that it is about; None where it is about the organisation.
        about: What it is about beside; None where the request itself waits.
        due: The column that the branch is read along; None: no clock runs.
        later: What comes to that time.
        since: When it began to wait.
        where: What holds of its rows.
    """

    kind: TaskKind
    request_id: _Text | None
    about: _Text | None
    due: _Moment | None
    since: _Moment
    where: Sequence[ColumnElement[bool]]
    later: timedelta = _NOW
    since_later: timedelta = _NOW
    leg_id: _Text | None = None
    thumbprint: _Text | None = None
    joins: Sequence[tuple[Any, ColumnElement[bool]]] = ()

    def read(self, *, after: Place | None = None, limit: int) -> Select[Any] | None:
        """Return the rows from a place on; None where there are none."""
        until: ColumnElement[Any] = literal(NO_TIME, UtcTime())
        if self.due is not None:
            until = _shifted(self.due, self.later)
        query = select(
            until.label("until"),
            literal_column(str(_RANKS[self.kind]), Integer).label("rank"),
            _text(self.request_id).label("request_id"),
            _text(self.about).label("about"),
            _text(self.leg_id).label("leg_id"),
            _shifted(self.since, self.since_later).label("since"),
            _text(self.thumbprint).label("thumbprint"),
        ).where(*self.where)
        for table, on in self.joins:
            query = query.join(table, on)
        if after is not None:
            rest = self._after(after)
            if rest is None:
                return None
            query = query.where(*rest)
        order = self.ids if self.due is None else [self.due, *self.ids]
        return query.order_by(*order).limit(limit)

    @property
    def ids(self) -> list[_Text]:
        """What its tasks' ids are made of, beside their kind."""
        return [column for column in (self.request_id, self.about) if column is not None]

    def of(self, task: Task) -> list[ColumnElement[bool]]:
        """Return what holds of the row of one task."""
        return [column == id_ for column, id_ in zip(self.ids, task.ids, strict=True)]

    def _after(self, place: Place) -> Sequence[ColumnElement[bool]] | None:
        """Return what holds of the rows behind a place; None: there are none."""
        mine, theirs = _RANKS[self.kind], _RANKS[place.task.kind]
        if self.due is None:
            if place.until < NO_TIME or mine > theirs:
                return []
            return [self._behind(place.task)] if mine == theirs else None
        if place.until >= NO_TIME:
            return None
        at = place.until - self.later
        if mine < theirs:
            return [self.due > at]
        if mine > theirs:
            return [self.due >= at]
        return [self.due >= at, or_(self.due > at, self._behind(place.task))]

    def _behind(self, task: Task) -> ColumnElement[bool]:
        first, *rest = zip(self.ids, task.ids, strict=True)
        behind = first[0] > first[1]
        for column, id_ in rest:
            behind = or_(behind, and_(first[0] == first[1], column > id_))
        return behind


def page(
    connection: Connection, wanted: Wanted, *, after: Place | None = None, limit: int
) -> list[Waiting]:
    """Return what waits, by deadline, in one statement.

    Args:
        connection: For reading.
        wanted: Whose, and which.
        after: The place of the last one of the page before.
        limit: At most so many.
    """
    selects = [
        select(rows.subquery())
        for branch in _branches(wanted)
        if (rows := branch.read(after=after, limit=limit)) is not None
    ]
    if not selects:
        return []
    every = union_all(*selects).subquery()
    order = (every.c.until, every.c.rank, every.c.request_id, every.c.about)
    query = select(every).order_by(*order).limit(limit)
    return [_waiting(row) for row in read_as(connection, _Row, query)]


def find(connection: Connection, wanted: Wanted, task: Task) -> Waiting | None:
    """Return one task if it waits for the partner."""
    for branch in _branches(wanted):
        if branch.kind is not task.kind:
            continue
        rows = branch.read(limit=1)
        if rows is not None:
            for row in read_as(connection, _Row, rows.where(*branch.of(task))):
                return _waiting(row)
    return None


def _waiting(row: _Row) -> Waiting:
    task = Task(_KINDS[row.rank], row.request_id, row.about)
    return Waiting(task, row.until, row.since, row.leg_id, row.thumbprint)


def _text(column: _Text | None) -> ColumnElement[Any]:
    return literal(None, String) if column is None else type_coerce(column, String)


def _shifted(moment: _Moment, by: timedelta) -> ColumnElement[Any]:
    micros = type_coerce(moment, BigInteger) + literal(by // _MICROSECOND, BigInteger)
    return type_coerce(micros, UtcTime())


def _is(column: SQLColumnExpression[str], word: str) -> ColumnElement[bool]:
    # In so many words, as the partial indexes say it: of a parameter SQLite cannot know it.
    return column == literal_column(f"'{word}'", String)


def _branches(wanted: Wanted) -> Iterable[_Branch]:
    for branches in (_decisions, _of_requester, _of_partner_asked, _of_organisation):
        yield from (each for each in branches(wanted) if each.kind in wanted.kinds)


def _decisions(wanted: Wanted) -> Iterable[_Branch]:
    request, partner, now = FreezeRequestRow, wanted.partner, wanted.now
    person = wanted.person

    def on_request(kind: TaskKind, due: _Moment, waits: Sequence[ColumnElement[bool]]) -> _Branch:
        return _Branch(
            kind=kind,
            request_id=request.id,
            about=None,
            due=due,
            since=request.submitted_at,
            where=[request.requester == partner, *waits, *awaited_decisions.undecided_by(person)],
        )

    submitted = [_is(request.status, RequestStatus.SUBMITTED)]
    yield on_request(TaskKind.APPROVE, request.approve_by, submitted)
    yield on_request(TaskKind.RATIFY, request.ratify_by, awaited_decisions.to_ratify())
    late = [request.unratified_until.is_not(None), *awaited_decisions.to_ratify_late(now)]
    yield on_request(TaskKind.RATIFY, request.unratified_until, late)
    within = wanted.policies.approve_within
    yield _Branch(
        kind=TaskKind.DECIDE_ADDITION,
        request_id=AdditionRow.request_id,
        about=AdditionRow.id,
        due=AdditionRow.proposed_at,
        later=within,
        since=AdditionRow.proposed_at,
        where=[
            AdditionRow.requester == partner,
            *awaited_decisions.pending_additions(now - within, person),
        ],
    )
    yield _Branch(
        kind=TaskKind.DECIDE_WITHDRAWAL,
        request_id=WithdrawalProposalRow.request_id,
        about=WithdrawalProposalRow.id,
        due=WithdrawalProposalRow.void_at,
        since=WithdrawalProposalRow.proposed_at,
        where=[
            WithdrawalProposalRow.requester == partner,
            *awaited_decisions.pending_withdrawals(now, person),
        ],
    )


def _of_requester(wanted: Wanted) -> Iterable[_Branch]:
    yield _Branch(
        kind=TaskKind.REPLY,
        request_id=InfoRequestRow.request_id,
        about=InfoRequestRow.id,
        leg_id=InfoRequestRow.leg_id,
        due=InfoRequestRow.reply_by,
        since=InfoRequestRow.asked_at,
        where=[
            InfoRequestRow.requester == wanted.partner,
            InfoRequestRow.answered_at.is_(None),
            InfoRequestRow.moot_at.is_(None),
        ],
    )
    # Upheld by one lead it waits for the other, as a proposed withdrawal.
    proposed = exists().where(
        WithdrawalProposalRow.request_id == DisputeRow.request_id,
        WithdrawalProposalRow.dispute_id == DisputeRow.id,
        _is(WithdrawalProposalRow.status, withdrawal_proposals.PENDING),
        WithdrawalProposalRow.void_at > wanted.now,
    )
    yield _Branch(
        kind=TaskKind.RESOLVE,
        request_id=DisputeRow.request_id,
        about=DisputeRow.id,
        leg_id=DisputeRow.leg_id,
        due=DisputeRow.answer_by,
        since=DisputeRow.raised_at,
        where=[
            DisputeRow.requester == wanted.partner,
            DisputeRow.resolved_at.is_(None),
            ~proposed,
        ],
    )
    yield _on_leg(
        TaskKind.REACH_PARTNER,
        LegRow.unreached_at,
        [LegRow.unreached_for == wanted.partner],
        since=LegRow.unreached_at,
    )


def _on_leg(
    kind: TaskKind,
    due: _Moment | None,
    where: Sequence[ColumnElement[bool]],
    *,
    since: _Moment,
    since_later: timedelta = _NOW,
) -> _Branch:
    return _Branch(
        kind=kind,
        request_id=LegRow.request_id,
        about=LegRow.id,
        leg_id=LegRow.id,
        due=due,
        since=since,
        since_later=since_later,
        where=where,
    )


def _of_partner_asked(wanted: Wanted) -> Iterable[_Branch]:
    own = LegRow.partner == wanted.partner
    yield _on_leg(
        TaskKind.ACKNOWLEDGE,
        LegRow.acknowledge_by,
        [own, LegRow.acknowledged_at.is_(None), ~LegRow.ended],
        since=LegRow.queued_at,
    )
    to_answer = [
        own,
        LegRow.acknowledged_at.is_not(None),
        LegRow.answered_at.is_(None),
        ~LegRow.ended,
        LegRow.answer_by.is_not(None),
    ]
    running = [*to_answer, LegRow.clock_paused_at.is_(None)]
    yield _on_leg(TaskKind.ANSWER, LegRow.answer_by, running, since=LegRow.queued_at)
    # The partner waits itself: for a reply, or until somebody stands by the request.
    paused = [*to_answer, LegRow.clock_paused_at.is_not(None)]
    yield _on_leg(TaskKind.ANSWER, None, paused, since=LegRow.queued_at)
    # At once: nothing says until when, and every day somebody may be frozen wrongly.
    owed = [own, LegRow.owed_since.is_not(None)]
    yield _on_leg(TaskKind.SETTLE, LegRow.owed_since, owed, since=LegRow.owed_since)
    ahead = max(wanted.policies.warn_before)
    near = [own, LegRow.hold_ends_at.is_not(None), LegRow.hold_ends_at <= wanted.now + ahead]
    yield _on_leg(
        TaskKind.HOLD_ENDS,
        LegRow.hold_ends_at,
        near,
        since=LegRow.hold_ends_at,
        since_later=-ahead,
    )
    yield _on_leg(
        TaskKind.REVIEW_ACCOUNT,
        LegRow.account_review_at,
        [own, LegRow.account_review_at.is_not(None)],
        since=LegRow.account_review_at,
        since_later=-wanted.policies.review_whole_account_after,
    )
    yield _extensions(wanted)
    yield _Branch(
        kind=TaskKind.CONSIDER_RELEASE,
        request_id=DisputeRow.request_id,
        about=DisputeRow.id,
        leg_id=DisputeRow.leg_id,
        due=DisputeRow.answer_by,
        since=DisputeRow.release_recommended_at,
        where=[
            DisputeRow.partner == wanted.partner,
            DisputeRow.resolved_at.is_(None),
            DisputeRow.release_recommended_at.is_not(None),
        ],
    )


def _extensions(wanted: Wanted) -> _Branch:
    request, leg, link = aliased(FreezeRequestRow), aliased(LegRow), aliased(HoldLinkRow)
    return _Branch(
        kind=TaskKind.ANSWER_EXTENSION,
        request_id=request.id,
        about=HoldRow.id,
        leg_id=leg.id,
        due=HoldRow.hold_expires_at,
        since=HoldRow.extension_asked_at,
        where=[
            HoldRow.partner == wanted.partner,
            HoldRow.extension_asked_at.is_not(None),
            ~HoldRow.ended,
            ~HoldRow.lapsed,
            # Whoever signs another end has answered.
            HoldRow.hold_expires_at == HoldRow.extension_asked_end,
            request.status == RequestStatus.ACTIVE,
        ],
        joins=[
            (request, request.id == HoldRow.extension_asked_on),
            (leg, and_(leg.request_id == request.id, leg.partner == HoldRow.partner)),
            (link, and_(link.leg_id == leg.id, link.hold_id == HoldRow.id)),
        ],
    )


def _of_organisation(wanted: Wanted) -> Iterable[_Branch]:
    # Nobody can approve what a key proposed that is gone, or that is a lead's no more.
    stands = exists().where(
        PartnerKeyRow.kid == GrantProposalRow.proposer_kid,
        PartnerKeyRow.revoked_at.is_(None),
        SubjectRow.id == PartnerKeyRow.subject,
        SubjectRow.revoked_at.is_(None),
        cast(SubjectRow.roles, Text).contains(Role.SECURITY_LEAD.value),
    )
    yield _Branch(
        kind=TaskKind.DECIDE_GRANT,
        request_id=None,
        about=GrantProposalRow.id,
        due=GrantProposalRow.expires_at,
        since=GrantProposalRow.proposed_at,
        where=[
            GrantProposalRow.partner == wanted.partner,
            _is(GrantProposalRow.status, "pending"),
            GrantProposalRow.expires_at > wanted.now,
            stands,
            *_gains_nothing(wanted.person),
        ],
    )
    yield _Branch(
        kind=TaskKind.CHECK_ROOT_RESET,
        request_id=None,
        about=RootResetRow.id,
        thumbprint=RootResetRow.new_kid,
        due=RootResetRow.effective_at,
        since=RootResetRow.announced_at,
        where=[RootResetRow.partner == wanted.partner, RootResetRow.status == WAITING],
    )
    yield _Branch(
        kind=TaskKind.MEND_ENDPOINT,
        request_id=None,
        about=WebhookEndpointRow.id,
        due=WebhookEndpointRow.failing_since,
        later=FAILING_AFTER,
        since=WebhookEndpointRow.failing_since,
        where=[
            WebhookEndpointRow.partner == wanted.partner,
            WebhookEndpointRow.deleted_at.is_(None),
            WebhookEndpointRow.enabled.is_(True),
            WebhookEndpointRow.failing_since <= wanted.now - FAILING_AFTER,
        ],
    )


def _gains_nothing(person: str | None) -> list[ColumnElement[bool]]:
    """Return what holds of a proposed grant that a person neither proposed nor gains from."""
    if person is None:
        return []
    return [
        GrantProposalRow.proposer != person,
        GrantProposalRow.subject.is_distinct_from(person),
        GrantProposalRow.subject_owner.is_distinct_from(person),
        ~awaited_decisions.has_proposed_key(GrantProposalRow.proposer_kid, person),
    ]
