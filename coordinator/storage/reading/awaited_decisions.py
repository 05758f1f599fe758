"""What waits for one security lead: requests, what to ratify, partners to add, withdrawals.

A lead is shown nothing that the four-eyes rule would refuse: what that person submitted or
proposed, nor what a key submitted that the person proposed.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    String,
    and_,
    exists,
    literal_column,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from coordinator.domain.actor import Actor, Viewer
from coordinator.storage.engine.newest import NewestRequests
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.reads import read
from coordinator.storage.requests.additions import PENDING
from coordinator.storage.requests.freeze_requests import ListedRequest, listed
from coordinator.storage.requests.leg_limits import person_of
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow
from coordinator.storage.tables.life_cycle import (
    AdditionDecisionRow,
    AdditionRow,
    WithdrawalProposalRow,
)
from coordinator.storage.tables.partners import PartnerKeyRow
from holdfast.protocol.vocabulary import RequestStatus

#: As a value, or as the parameter of a statement that is made once.
_Person = str | BindParameter[str]
_Moment = datetime | BindParameter[datetime]
#: Above every request's id, whatever the collation.
_ABOVE_ALL = "frs"


def requests(
    connection: Connection,
    lead: Actor,
    wanted: NewestRequests,
    *,
    now: datetime,
    proposed_after: datetime,
) -> list[str]:
    """Return ids of the lead's partner's requests on which the lead has something to decide.

    Args:
        connection: For reading.
        lead: The security lead.
        wanted: Which of them; a status narrows nothing.
        now: What could be ratified until then waits no more.
        proposed_after: Additions proposed before wait no more.
    """
    person = lead.person
    # Always below some id: only then SQLite takes the short index over provisional requests, and
    # not the one over all that the partner ever sent.
    own = [
        FreezeRequestRow.requester == lead.partner,
        FreezeRequestRow.id < (wanted.before or _ABOVE_ALL),
    ]
    if wanted.incident_id is not None:
        own.append(FreezeRequestRow.incident_id == wanted.incident_id)
    found: set[str] = set()
    for waits in (
        and_(*to_approve(), *undecided_by(person)),
        and_(*to_ratify(), *undecided_by(person)),
        and_(*to_ratify_late(now), *undecided_by(person)),
        FreezeRequestRow.id.in_(
            select(AdditionRow.request_id).where(*pending_additions(proposed_after, person))
        ),
        FreezeRequestRow.id.in_(
            select(WithdrawalProposalRow.request_id).where(*pending_withdrawals(now, person))
        ),
    ):
        query = select(FreezeRequestRow.id).where(waits, *own)
        newest = query.order_by(FreezeRequestRow.id.desc()).limit(wanted.limit)
        found.update(connection.execute(newest).scalars())
    return sorted(found, reverse=True)[: wanted.limit]


_LISTED = Prebuilt(
    listed().order_by(FreezeRequestRow.id.desc()), ListedRequest, among=FreezeRequestRow.id
)


def rows(connection: Connection, ids: Sequence[str], viewer: Viewer) -> list[ListedRequest]:
    """Return requests that a viewer may read by id, newest first, as the other lists have them."""
    if not ids:
        return []
    reader, person = viewer.partner, person_of(viewer)
    return _LISTED.rows(connection, among=ids, reader=reader, person=person)


def undecided(connection: Connection, ids: Sequence[str], person: str, now: datetime) -> set[str]:
    """Return those of the requests that wait themselves, not only for an addition."""
    waits = and_(*to_approve()) | and_(*to_ratify()) | and_(*to_ratify_late(now))
    query = select(FreezeRequestRow.id).where(
        FreezeRequestRow.id.in_(ids), waits, *undecided_by(person)
    )
    return set(connection.execute(query).scalars())


def additions(
    connection: Connection, ids: Sequence[str], person: str, proposed_after: datetime
) -> list[AdditionRow]:
    """Return the additions of the requests on which `person` has to decide, oldest first."""
    query = select(AdditionRow).where(
        AdditionRow.request_id.in_(ids), *pending_additions(proposed_after, person)
    )
    return read(connection, query.order_by(AdditionRow.id))


def withdrawals(
    connection: Connection, ids: Sequence[str], person: str, now: datetime
) -> list[WithdrawalProposalRow]:
    """Return the proposed withdrawals on which `person` has to decide, oldest first."""
    query = select(WithdrawalProposalRow).where(
        WithdrawalProposalRow.request_id.in_(ids), *pending_withdrawals(now, person)
    )
    return read(connection, query.order_by(WithdrawalProposalRow.id))


def to_approve() -> list[ColumnElement[bool]]:
    """Return what holds of a request that waits for its approval."""
    # Without `approve_by`: a timer ends what is past it within a second, and SQLite would rather
    # look through all that wait by that time than read the newest of them in order.
    return [FreezeRequestRow.status == RequestStatus.SUBMITTED]


def to_ratify() -> list[ColumnElement[bool]]:
    """Return what holds of a request that is out and in time to be ratified."""
    # Said as the partial index says it: `IS 1` would be another condition to SQLite. Without
    # `ratify_by`, after which it may be ratified still.
    return [FreezeRequestRow.__table__.c.provisional]


def to_ratify_late(now: _Moment) -> list[ColumnElement[bool]]:
    """Return what holds of a request that is unratified, and can be ratified after all."""
    return [FreezeRequestRow.unratified_until > now]


def undecided_by(person: _Person | None) -> list[ColumnElement[bool]]:
    """Return what holds of a request in which a person had no hand yet; of any, without one."""
    if person is None:
        return []
    decided = exists().where(
        ActRow.request_id == FreezeRequestRow.id,
        ActRow.person == person,
        ActRow.decision.is_not(None),
    )
    # The owner of a system that submitted is `submitted_by_person`, too.
    return [
        FreezeRequestRow.submitted_by_person != person,
        ~has_proposed_key(FreezeRequestRow.submitted_by_kid, person),
        ~decided,
    ]


def pending_additions(proposed_after: _Moment, person: _Person | None) -> list[ColumnElement[bool]]:
    """Return what holds of an addition that a person can decide on; or that anybody can."""
    # Nobody is added to what has ended, nor, until somebody does, to what nobody ratified.
    is_active = exists().where(
        FreezeRequestRow.id == AdditionRow.request_id,
        FreezeRequestRow.status == RequestStatus.ACTIVE,
        FreezeRequestRow.unratified_until.is_(None),
    )
    pending = [_is_pending(AdditionRow.status), is_active, AdditionRow.proposed_at > proposed_after]
    if person is None:
        return pending
    decided = exists().where(
        AdditionDecisionRow.addition_id == AdditionRow.id, AdditionDecisionRow.person == person
    )
    return [
        *pending,
        AdditionRow.proposed_by_person != person,
        ~has_proposed_key(AdditionRow.proposed_by_kid, person),
        ~decided,
    ]


def pending_withdrawals(now: _Moment, person: _Person | None) -> list[ColumnElement[bool]]:
    """Return what holds of a proposed withdrawal that a person can decide on, or that anybody can.

    The same of a dispute that is to be upheld.
    """
    pending = [
        _is_pending(WithdrawalProposalRow.status),
        WithdrawalProposalRow.void_at > now,
    ]
    if person is None:
        return pending
    return [
        *pending,
        WithdrawalProposalRow.proposed_by_person != person,
        ~has_proposed_key(WithdrawalProposalRow.proposed_by_kid, person),
    ]


def _is_pending(status: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    # In so many words, as the partial indexes say it: of a parameter SQLite cannot know it.
    return status == literal_column(f"'{PENDING}'", String)


def has_proposed_key(kid: InstrumentedAttribute[str], person: _Person) -> ColumnElement[bool]:
    """Return that a person proposed the grant of a key."""
    return exists().where(PartnerKeyRow.kid == kid, PartnerKeyRow.proposer == person)
