"""What waits for a partner's people and systems, in one list by deadline: read, never stored.

Each kind of task is a branch: the rows that it is made of, read along an index of the partner's own
by their time. A page takes as many of each branch as it holds, in one statement, however much is
stored; the conditions are those by which acts and timers go, or the list of decisions. Statements
are made once for each set of kinds (`Prebuilt`): to put one together takes longer than to run it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    literal,
    literal_column,
    null,
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
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.membership.root_resets import WAITING
from coordinator.storage.reading import awaited_decisions
from coordinator.storage.requests.leg_limits import EVERYTHING, is_seen
from coordinator.storage.tables.data_subjects import DataSubjectCaseRow
from coordinator.storage.tables.encumbrances import EncumbranceRow
from coordinator.storage.tables.freeze_ledger import HoldLinkRow, HoldRow
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import (
    AdditionRow,
    DisputeRow,
    ErasureRow,
    GrantProposalRow,
    InfoRequestRow,
    LegalOrderRow,
    RootResetRow,
    WithdrawalProposalRow,
)
from coordinator.storage.tables.outbox import WebhookEndpointRow
from coordinator.storage.tables.partners import PartnerKeyRow, SubjectRow
from coordinator.storage.tables.recovery import RecoveryRequestRow
from coordinator.storage.tables.restoring import DestinationRow, ReturnRequestRow
from holdfast.protocol.tasks import Task, TaskKind
from holdfast.protocol.vocabulary import EncumbranceStatus, RequestStatus, ReturnStatus, Role

#: Until when something waits for which no clock runs: it comes last.
NO_TIME = datetime(9999, 12, 31, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: What changes from call to call.
_PARTNER = bindparam("partner", type_=String)
_PERSON = bindparam("person", type_=String)
_VIEWER = bindparam("viewer", type_=String)
_NOW = bindparam("now", type_=UtcTime())
_ADDED_AFTER = bindparam("added_after", type_=UtcTime())
_NEAR = bindparam("near", type_=UtcTime())
_FAILING_BEFORE = bindparam("failing_before", type_=UtcTime())
_SIZE = bindparam("size", type_=Integer)
_AFTER_RANK = bindparam("after_rank", type_=Integer)
_AFTER_REQUEST = bindparam("after_request", type_=String)
_AFTER_ABOUT = bindparam("after_about", type_=String)
_THE_REQUEST = bindparam("the_request", type_=String)
_THE_ABOUT = bindparam("the_about", type_=String)


class _Span(NamedTuple):
    """What comes to a stored time, in microseconds; and the place to go on after, less that."""

    micros: BindParameter[int] | None
    after: BindParameter[datetime]

    @classmethod
    def of(cls, name: str) -> "_Span":
        return cls(bindparam(name, type_=BigInteger), bindparam(f"after_{name}", type_=UtcTime()))


_NO_SPAN = _Span(None, bindparam("after_until", type_=UtcTime()))
_TO_DECIDE_ADDITION = _Span.of("to_decide_addition")
_BEFORE_END = _Span.of("before_end")
_BEFORE_REVIEW = _Span.of("before_review")
_FAILING = _Span.of("failing")
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
        viewer: Who reads: what is about a leg that is limited to others is left out. None: a
            machine, or the coordinator.
    """

    partner: str
    now: datetime
    policies: Policies
    kinds: Collection[TaskKind]
    person: str | None = None
    viewer: str | None = None


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
    later: _Span = _NO_SPAN
    since_later: _Span = _NO_SPAN
    leg_id: _Text | None = None
    thumbprint: _Text | None = None
    joins: Sequence[tuple[Any, ColumnElement[bool]]] = ()

    def read(self, *, behind: bool) -> Select[Any]:
        """Return its rows in their order, or those behind the place that is given."""
        until: ColumnElement[Any] = literal(NO_TIME, UtcTime())
        if self.due is not None:
            until = _shifted(self.due, self.later)
        query = select(
            until.label("until"),
            literal_column(str(self._rank), Integer).label("rank"),
            _text(self.request_id).label("request_id"),
            _text(self.about).label("about"),
            _text(self.leg_id).label("leg_id"),
            _shifted(self.since, self.since_later).label("since"),
            _text(self.thumbprint).label("thumbprint"),
        ).where(*self.where)
        for table, on in self.joins:
            query = query.join(table, on)
        if behind:
            query = query.where(*self._behind())
        ids = [column for column in (self.request_id, self.about) if column is not None]
        order = ids if self.due is None else [self.due, *ids]
        return query.order_by(*order).limit(_SIZE)

    def named(self) -> list[ColumnElement[bool]]:
        """Return what holds of the row of the task that is given."""
        pairs = ((self.request_id, _THE_REQUEST), (self.about, _THE_ABOUT))
        return [column == given for column, given in pairs if column is not None]

    @property
    def _rank(self) -> int:
        return _RANKS[self.kind]

    def _behind(self) -> list[ColumnElement[bool]]:
        rank = literal_column(str(self._rank), Integer)
        in_order = or_(rank > _AFTER_RANK, and_(rank == _AFTER_RANK, self._has_higher_ids()))
        if self.due is None:
            return [or_(_NO_SPAN.after < literal(NO_TIME, UtcTime()), in_order)]
        at = self.later.after
        return [self.due >= at, or_(self.due > at, in_order)]

    def _has_higher_ids(self) -> ColumnElement[bool]:
        request, about = self.request_id, self.about
        if request is None or about is None:
            return request > _AFTER_REQUEST if request is not None else about > _AFTER_ABOUT
        return or_(request > _AFTER_REQUEST, and_(request == _AFTER_REQUEST, about > _AFTER_ABOUT))


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
    if not wanted.kinds:
        return []
    statement = _page(
        frozenset(wanted.kinds), decides=wanted.person is not None, behind=after is not None
    )
    values = _values(wanted)._asdict()
    if after is None:
        rows = statement.rows(connection, size=limit, **values)
    else:
        place = _after_values(wanted.policies, after)._asdict()
        rows = statement.rows(connection, size=limit, **values, **place)
    return [_waiting(row) for row in rows]


def find(connection: Connection, wanted: Wanted, task: Task) -> Waiting | None:
    """Return one task if it waits for the partner."""
    statement = _one(task.kind, decides=wanted.person is not None)
    request_id, about = task.request_id, task.about
    rows = statement.rows(
        connection, size=1, the_request=request_id, the_about=about, **_values(wanted)._asdict()
    )
    return _waiting(rows[0]) if rows else None


@lru_cache(maxsize=256)
def _page(kinds: frozenset[TaskKind], *, decides: bool, behind: bool) -> Prebuilt[_Row]:
    branches = (each for each in _branches(decides=decides) if each.kind in kinds)
    selects = [select(each.read(behind=behind).subquery()) for each in branches]
    every = union_all(*selects).subquery()
    order = (every.c.until, every.c.rank, every.c.request_id, every.c.about)
    return Prebuilt(select(every).order_by(*order).limit(_SIZE), _Row)


@lru_cache(maxsize=256)
def _one(kind: TaskKind, *, decides: bool) -> Prebuilt[_Row]:
    branches = (each for each in _branches(decides=decides) if each.kind is kind)
    selects = [select(each.read(behind=False).where(*each.named()).subquery()) for each in branches]
    return Prebuilt(select(union_all(*selects).subquery()), _Row)


class _Values(NamedTuple):
    partner: str
    person: str | None
    viewer: str
    now: datetime
    added_after: datetime
    near: datetime
    failing_before: datetime
    to_decide_addition: int
    before_end: int
    before_review: int
    failing: int


class _AfterValues(NamedTuple):
    after_until: datetime
    after_to_decide_addition: datetime
    after_failing: datetime
    after_rank: int
    after_request: str | None
    after_about: str | None


def _values(wanted: Wanted) -> _Values:
    policies, now = wanted.policies, wanted.now
    ahead = max(policies.warn_before)
    return _Values(
        partner=wanted.partner,
        person=wanted.person,
        viewer=wanted.viewer or EVERYTHING,
        now=now,
        added_after=now - policies.approve_within,
        near=now + ahead,
        failing_before=now - FAILING_AFTER,
        to_decide_addition=policies.approve_within // _MICROSECOND,
        before_end=-ahead // _MICROSECOND,
        before_review=-policies.review_whole_account_after // _MICROSECOND,
        failing=FAILING_AFTER // _MICROSECOND,
    )


def _after_values(policies: Policies, place: Place) -> _AfterValues:
    return _AfterValues(
        after_until=place.until,
        after_to_decide_addition=place.until - policies.approve_within,
        after_failing=place.until - FAILING_AFTER,
        after_rank=_RANKS[place.task.kind],
        after_request=place.task.request_id,
        after_about=place.task.about,
    )


def _waiting(row: _Row) -> Waiting:
    task = Task(_KINDS[row.rank], row.request_id, row.about)
    return Waiting(task, row.until, row.since, row.leg_id, row.thumbprint)


def _text(column: _Text | None) -> ColumnElement[Any]:
    return type_coerce(null() if column is None else column, String)


def _shifted(moment: _Moment, by: _Span) -> ColumnElement[Any]:
    if by.micros is None:
        return type_coerce(moment, UtcTime())
    return type_coerce(type_coerce(moment, BigInteger) + by.micros, UtcTime())


def _is(column: SQLColumnExpression[str], word: str) -> ColumnElement[bool]:
    # In so many words, as the partial indexes say it: of a parameter SQLite cannot know it.
    return column == literal_column(f"'{word}'", String)


def _branches(*, decides: bool) -> Iterable[_Branch]:
    """Yield all; of decisions those that a person can make (`decides`), or that anybody can."""
    person = _PERSON if decides else None
    yield from _decisions(person)
    yield from _of_requester()
    yield from _of_partner_asked()
    yield from _returns(person)
    yield from _of_organisation(person)


def _decisions(person: BindParameter[str] | None) -> Iterable[_Branch]:
    request = FreezeRequestRow

    def on_request(kind: TaskKind, due: _Moment, waits: Sequence[ColumnElement[bool]]) -> _Branch:
        return _Branch(
            kind=kind,
            request_id=request.id,
            about=None,
            due=due,
            since=request.submitted_at,
            where=[request.requester == _PARTNER, *waits, *awaited_decisions.undecided_by(person)],
        )

    submitted = [_is(request.status, RequestStatus.SUBMITTED)]
    yield on_request(TaskKind.APPROVE, request.approve_by, submitted)
    yield on_request(TaskKind.RATIFY, request.ratify_by, awaited_decisions.to_ratify())
    late = [request.unratified_until.is_not(None), *awaited_decisions.to_ratify_late(_NOW)]
    yield on_request(TaskKind.RATIFY, request.unratified_until, late)
    yield _Branch(
        kind=TaskKind.DECIDE_ADDITION,
        request_id=AdditionRow.request_id,
        about=AdditionRow.id,
        due=AdditionRow.proposed_at,
        later=_TO_DECIDE_ADDITION,
        since=AdditionRow.proposed_at,
        where=[
            AdditionRow.requester == _PARTNER,
            *awaited_decisions.pending_additions(_ADDED_AFTER, person),
        ],
    )
    yield _Branch(
        kind=TaskKind.DECIDE_WITHDRAWAL,
        request_id=WithdrawalProposalRow.request_id,
        about=WithdrawalProposalRow.id,
        due=WithdrawalProposalRow.void_at,
        since=WithdrawalProposalRow.proposed_at,
        where=[
            WithdrawalProposalRow.requester == _PARTNER,
            *awaited_decisions.pending_withdrawals(_NOW, person),
        ],
    )


def _of_requester() -> Iterable[_Branch]:
    unanswered = [
        InfoRequestRow.requester == _PARTNER,
        InfoRequestRow.answered_at.is_(None),
        InfoRequestRow.moot_at.is_(None),
    ]
    reply = _Branch(
        kind=TaskKind.REPLY,
        request_id=InfoRequestRow.request_id,
        about=InfoRequestRow.id,
        leg_id=InfoRequestRow.leg_id,
        due=InfoRequestRow.reply_by,
        since=InfoRequestRow.asked_at,
        where=[*unanswered, InfoRequestRow.reply_by.is_not(None)],
    )
    yield reply
    # Asked before replies had a clock.
    yield replace(reply, due=None, where=[*unanswered, InfoRequestRow.reply_by.is_(None)])
    # Upheld by one lead it waits for the other, as a proposed withdrawal.
    proposed = exists().where(
        WithdrawalProposalRow.request_id == DisputeRow.request_id,
        WithdrawalProposalRow.dispute_id == DisputeRow.id,
        _is(WithdrawalProposalRow.status, withdrawal_proposals.PENDING),
        WithdrawalProposalRow.void_at > _NOW,
    )
    yield _Branch(
        kind=TaskKind.RESOLVE,
        request_id=DisputeRow.request_id,
        about=DisputeRow.id,
        leg_id=DisputeRow.leg_id,
        due=DisputeRow.answer_by,
        since=DisputeRow.raised_at,
        where=[
            DisputeRow.requester == _PARTNER,
            DisputeRow.resolved_at.is_(None),
            ~proposed,
        ],
    )
    # At once: until then all others hold on to what the requester itself says is wrong.
    yield _Branch(
        kind=TaskKind.WITHDRAW,
        request_id=DisputeRow.request_id,
        about=DisputeRow.id,
        leg_id=DisputeRow.leg_id,
        due=DisputeRow.withdraw_since,
        since=DisputeRow.withdraw_since,
        where=[DisputeRow.requester == _PARTNER, DisputeRow.withdraw_since.is_not(None)],
    )
    yield _Branch(
        kind=TaskKind.ANSWER_DATA_SUBJECT,
        request_id=DataSubjectCaseRow.request_id,
        about=DataSubjectCaseRow.data_subject_request_id,
        due=DataSubjectCaseRow.due_at,
        since=DataSubjectCaseRow.routed_at,
        where=[
            DataSubjectCaseRow.requester == _PARTNER,
            DataSubjectCaseRow.answered_at.is_(None),
        ],
    )
    yield _Branch(
        kind=TaskKind.ERASE,
        request_id=ErasureRow.request_id,
        about=None,
        due=None,
        since=ErasureRow.proposed_at,
        where=[ErasureRow.requester == _PARTNER, ErasureRow.erased_at.is_(None)],
    )
    yield _on_leg(
        TaskKind.REACH_PARTNER,
        LegRow.unreached_at,
        [LegRow.unreached_for == _PARTNER],
        since=LegRow.unreached_at,
    )


def _on_leg(
    kind: TaskKind,
    due: _Moment | None,
    where: Sequence[ColumnElement[bool]],
    *,
    since: _Moment,
    since_later: _Span = _NO_SPAN,
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


def _of_partner_asked() -> Iterable[_Branch]:
    own = and_(LegRow.partner == _PARTNER, is_seen(LegRow.request_id, _PARTNER, _VIEWER))
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
    # A hold that owes an answer waits to be settled: to extend it is no choice any more.
    undecided = exists().where(
        HoldLinkRow.leg_id == LegRow.id,
        HoldRow.id == HoldLinkRow.hold_id,
        ~HoldRow.ended,
        ~HoldRow.lapsed,
        HoldRow.owed_since.is_(None),
        HoldRow.hold_expires_at <= _NEAR,
    )
    near = [own, LegRow.hold_ends_at.is_not(None), LegRow.hold_ends_at <= _NEAR, undecided]
    yield _on_leg(
        TaskKind.HOLD_ENDS,
        LegRow.hold_ends_at,
        near,
        since=LegRow.hold_ends_at,
        since_later=_BEFORE_END,
    )
    yield _on_leg(
        TaskKind.REVIEW_ACCOUNT,
        LegRow.account_review_at,
        [own, LegRow.account_review_at.is_not(None)],
        since=LegRow.account_review_at,
        since_later=_BEFORE_REVIEW,
    )
    yield _extensions()
    yield _reviews(TaskKind.REVIEW_ENCUMBRANCE, EncumbranceRow)
    yield _reviews(TaskKind.REVIEW_ORDER, LegalOrderRow)
    yield _Branch(
        kind=TaskKind.CONSIDER_RELEASE,
        request_id=DisputeRow.request_id,
        about=DisputeRow.id,
        leg_id=DisputeRow.leg_id,
        due=DisputeRow.answer_by,
        since=DisputeRow.release_recommended_at,
        where=[
            DisputeRow.partner == _PARTNER,
            is_seen(DisputeRow.request_id, _PARTNER, _VIEWER),
            DisputeRow.resolved_at.is_(None),
            DisputeRow.release_recommended_at.is_not(None),
        ],
    )


def _reviews(kind: TaskKind, row: type[EncumbranceRow] | type[LegalOrderRow]) -> _Branch:
    """Return what its own partner is to look at again, be it the requester or asked."""
    return _Branch(
        kind=kind,
        request_id=row.request_id,
        about=row.id,
        leg_id=row.leg_id,
        due=row.review_at,
        since=row.review_at,
        since_later=_BEFORE_END,
        where=[
            row.partner == _PARTNER,
            row.status != EncumbranceStatus.LIFTED.value,
            row.review_at.is_not(None),
            row.review_at <= _NEAR,
            is_seen(row.request_id, _PARTNER, _VIEWER),
        ],
    )


def _extensions() -> _Branch:
    request, leg, link = aliased(FreezeRequestRow), aliased(LegRow), aliased(HoldLinkRow)
    return _Branch(
        kind=TaskKind.ANSWER_EXTENSION,
        request_id=request.id,
        about=HoldRow.id,
        leg_id=leg.id,
        due=HoldRow.hold_expires_at,
        since=HoldRow.extension_asked_at,
        where=[
            HoldRow.partner == _PARTNER,
            HoldRow.extension_asked_at.is_not(None),
            ~HoldRow.ended,
            ~HoldRow.lapsed,
            # Whoever signs another end has answered.
            HoldRow.hold_expires_at == HoldRow.extension_asked_end,
            request.status == RequestStatus.ACTIVE,
            is_seen(request.id, _PARTNER, _VIEWER),
        ],
        joins=[
            (request, request.id == HoldRow.extension_asked_on),
            (leg, and_(leg.request_id == request.id, leg.partner == HoldRow.partner)),
            (link, and_(link.leg_id == leg.id, link.hold_id == HoldRow.id)),
        ],
    )


def _returns(person: BindParameter[str] | None) -> Iterable[_Branch]:
    row = ReturnRequestRow
    mine = (
        []
        if person is None
        else [
            row.asked_by != person,
            ~awaited_decisions.has_proposed_key(row.asked_kid, person),
        ]
    )
    decide = _Branch(
        kind=TaskKind.DECIDE_RETURN,
        request_id=row.request_id,
        about=row.id,
        due=row.void_at,
        since=row.asked_at,
        where=[
            row.requester == _PARTNER,
            _is(row.status, ReturnStatus.SUBMITTED.value),
            row.void_at > _NOW,
            *mine,
        ],
    )
    yield decide
    asked = [row.partner == _PARTNER, is_seen(row.request_id, _PARTNER, _VIEWER)]
    answer = replace(
        decide,
        kind=TaskKind.ANSWER_RETURN,
        leg_id=row.leg_id,
        due=row.answer_by,
        since=row.opened_at,
        where=[*asked, _is(row.status, ReturnStatus.OPEN.value)],
    )
    yield answer
    promised = or_(
        _is(row.status, ReturnStatus.ACCEPTED.value), _is(row.status, ReturnStatus.PARTIAL.value)
    )
    # What is promised is sent; once something was, the requester says whether it arrived.
    yield replace(answer, since=row.answered_at, where=[*asked, promised, row.sent_at.is_(None)])
    yield replace(
        answer,
        kind=TaskKind.CONFIRM_RETURN,
        due=None,
        since=row.sent_at,
        where=[row.requester == _PARTNER, promised, row.sent_at.is_not(None)],
    )


def _of_organisation(person: BindParameter[str] | None) -> Iterable[_Branch]:
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
            GrantProposalRow.partner == _PARTNER,
            _is(GrantProposalRow.status, "pending"),
            GrantProposalRow.expires_at > _NOW,
            stands,
            *_gains_nothing(person),
        ],
    )
    yield _Branch(
        kind=TaskKind.CHECK_ROOT_RESET,
        request_id=None,
        about=RootResetRow.id,
        thumbprint=RootResetRow.new_kid,
        due=RootResetRow.effective_at,
        since=RootResetRow.announced_at,
        where=[RootResetRow.partner == _PARTNER, RootResetRow.status == WAITING],
    )
    yield _Branch(
        kind=TaskKind.DECIDE_DESTINATION,
        request_id=None,
        about=DestinationRow.id,
        due=DestinationRow.expires_at,
        since=DestinationRow.proposed_at,
        where=[
            DestinationRow.partner == _PARTNER,
            _is(DestinationRow.status, "proposed"),
            DestinationRow.expires_at > _NOW,
            *_named_by_another(person),
        ],
    )
    yield from _recovery_branches(person)
    yield _Branch(
        kind=TaskKind.MEND_ENDPOINT,
        request_id=None,
        about=WebhookEndpointRow.id,
        due=WebhookEndpointRow.failing_since,
        later=_FAILING,
        since=WebhookEndpointRow.failing_since,
        where=[
            WebhookEndpointRow.partner == _PARTNER,
            WebhookEndpointRow.deleted_at.is_(None),
            # One that said that it is gone was turned off, and is not mended by that.
            or_(
                and_(
                    WebhookEndpointRow.enabled.is_(True),
                    WebhookEndpointRow.failing_since <= _FAILING_BEFORE,
                ),
                WebhookEndpointRow.gone_at.is_not(None),
            ),
        ],
    )


def _recovery_branches(person: BindParameter[str] | None) -> Iterable[_Branch]:
    """Yield what waits for either side of recovery requests."""
    others = (
        []
        if person is None
        else [
            RecoveryRequestRow.submitted_by_person != person,
            ~awaited_decisions.has_proposed_key(RecoveryRequestRow.submitted_by_kid, person),
        ]
    )
    yield _Branch(
        kind=TaskKind.DECIDE_RECOVERY,
        request_id=None,
        about=RecoveryRequestRow.id,
        due=RecoveryRequestRow.approve_by,
        since=RecoveryRequestRow.submitted_at,
        where=[
            RecoveryRequestRow.requester == _PARTNER,
            _is(RecoveryRequestRow.status, "submitted"),
            RecoveryRequestRow.approve_by > _NOW,
            *others,
        ],
    )
    for kind, side, due in (
        (
            TaskKind.ANSWER_RECOVERY,
            RecoveryRequestRow.partner,
            RecoveryRequestRow.partner_due_at,
        ),
        (
            TaskKind.REPLY_RECOVERY,
            RecoveryRequestRow.requester,
            RecoveryRequestRow.requester_due_at,
        ),
    ):
        yield _Branch(
            kind=kind,
            request_id=None,
            about=RecoveryRequestRow.id,
            due=due,
            since=RecoveryRequestRow.decided_at,
            where=[side == _PARTNER, due.is_not(None)],
        )


def _named_by_another(person: BindParameter[str] | None) -> list[ColumnElement[bool]]:
    """Return what holds of a proposed destination that a person may decide on."""
    if person is None:
        return []
    return [
        DestinationRow.proposed_by != person,
        ~awaited_decisions.has_proposed_key(DestinationRow.proposer_kid, person),
    ]


def _gains_nothing(person: BindParameter[str] | None) -> list[ColumnElement[bool]]:
    """Return what holds of a proposed grant that a person neither proposed nor gains from."""
    if person is None:
        return []
    return [
        GrantProposalRow.proposer != person,
        GrantProposalRow.subject.is_distinct_from(person),
        GrantProposalRow.subject_owner.is_distinct_from(person),
        ~awaited_decisions.has_proposed_key(GrantProposalRow.proposer_kid, person),
    ]
