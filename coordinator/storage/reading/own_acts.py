"""What one partner's people and systems did here, from the four places where it is written down.

All ids begin with their time (ULID), so that the part behind the prefix orders acts, grants and
sessions together, and is the one key to go on after.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, or_, select, union_all

from coordinator.domain.actor import Viewer
from coordinator.storage.engine.reads import read_as
from coordinator.storage.requests.leg_limits import hidden_requests, seen
from coordinator.storage.tables.console import ConsoleSessionRow
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from coordinator.storage.tables.life_cycle import GrantProposalRow
from coordinator.storage.tables.on_call import AlarmRow
from coordinator.storage.tables.partners import GrantRow, MemberActRow
from coordinator.storage.tables.sealed_evidence import SealedEvidenceRow


class Wanted(NamedTuple):
    """Which acts.

    Attributes:
        source: "act", "grant", "organisation" or "session"; None for all.
        person: Who did it; None for anybody.
        before: The part behind the prefix of the id that a page goes on before; None at the start.
        limit: How many at most.
    """

    source: str | None
    person: str | None
    before: str | None
    limit: int


class OwnAct(NamedTuple):
    """An act on a request."""

    id: str
    kind: str
    at: datetime
    subject: str | None
    kid: str | None
    request_id: str
    drill: bool
    leg_id: str | None
    decision: str | None
    evidence_kind: str
    leaf_index: int | None


class OwnGrant(NamedTuple):
    """A grant; `proposer` and `approver` are None where the root key signed."""

    id: str
    made_at: datetime
    subject: str | None
    roles: Sequence[str]
    kid: str | None
    evidence_id: str
    leaf_index: int | None
    proposer: str | None
    approver: str | None


class OwnMemberAct(NamedTuple):
    """A revocation, or a change of an endpoint; `subject` is None where the root key signed."""

    id: str
    kind: str
    at: datetime
    subject: str | None
    kid: str
    about: str | None
    evidence_kind: str
    leaf_index: int | None


class OwnSession(NamedTuple):
    """A session of the console that was opened."""

    number: str
    opened_at: datetime
    person: str | None
    kid: str | None
    browser: str


OwnEntry = OwnAct | OwnGrant | OwnMemberAct | OwnSession


def key_of(entry: OwnEntry) -> str:
    """Return what an entry is ordered by: its id without the prefix."""
    return entry[0].partition("_")[2]


def page(connection: Connection, viewer: Viewer, wanted: Wanted) -> list[OwnEntry]:
    """Return the newest entries before a key, the newest first; a query for each source."""
    found = sorted(_entries(connection, viewer, wanted), key=key_of, reverse=True)
    return found[: wanted.limit]


def _entries(connection: Connection, viewer: Viewer, wanted: Wanted) -> Iterator[OwnEntry]:
    if wanted.source in {None, "act"}:
        yield from _acts(connection, viewer, wanted)
    if wanted.source in {None, "grant"}:
        yield from _grants(connection, viewer.partner, wanted)
    if wanted.source in {None, "organisation"}:
        yield from _member_acts(connection, viewer, wanted)
    if wanted.source in {None, "session"}:
        yield from _sessions(connection, viewer.partner, wanted)


def _acts(connection: Connection, viewer: Viewer, wanted: Wanted) -> list[OwnAct]:
    query = (
        select(
            ActRow.id,
            ActRow.kind,
            ActRow.at,
            ActRow.subject,
            ActRow.kid,
            ActRow.request_id,
            FreezeRequestRow.drill,
            ActRow.leg_id,
            ActRow.decision,
            ActRow.evidence_kind,
            ActRow.leaf_index,
        )
        .join(FreezeRequestRow, FreezeRequestRow.id == ActRow.request_id)
        .where(ActRow.partner == viewer.partner, *seen(ActRow.request_id, viewer))
        .order_by(ActRow.id.desc())
        .limit(wanted.limit)
    )
    if wanted.person is not None:
        query = query.where(ActRow.subject == wanted.person)
    if wanted.before is not None:
        query = query.where(ActRow.id < f"act_{wanted.before}")
    return read_as(connection, OwnAct, query)


def _grants(connection: Connection, partner: str, wanted: Wanted) -> list[OwnGrant]:
    query = (
        select(
            GrantRow.id,
            GrantRow.made_at,
            GrantRow.subject,
            GrantRow.roles,
            GrantRow.kid,
            GrantRow.evidence_id,
            GrantRow.leaf_index,
            GrantProposalRow.proposer,
            GrantProposalRow.approver,
        )
        .outerjoin(GrantProposalRow, GrantProposalRow.id == GrantRow.evidence_id)
        .where(GrantRow.partner == partner)
        .order_by(GrantRow.id.desc())
        .limit(wanted.limit)
    )
    if wanted.person is not None:
        query = query.where(
            or_(
                GrantProposalRow.proposer == wanted.person,
                GrantProposalRow.approver == wanted.person,
            )
        )
    if wanted.before is not None:
        query = query.where(GrantRow.id < f"grt_{wanted.before}")
    return read_as(connection, OwnGrant, query)


def _member_acts(connection: Connection, viewer: Viewer, wanted: Wanted) -> list[OwnMemberAct]:
    row = MemberActRow
    # Their prefixes differ, and are of one length.
    number = func.substr(row.id, len("act_") + 1)
    columns = (row.id, row.kind, row.at, row.subject, row.kid, row.about)
    query = (
        select(*columns, row.evidence_kind, row.leaf_index)
        .where(row.partner == viewer.partner, *_are_seen(viewer))
        .order_by(number.desc())
        .limit(wanted.limit)
    )
    if wanted.person is not None:
        query = query.where(row.subject == wanted.person)
    if wanted.before is not None:
        query = query.where(number < wanted.before)
    return read_as(connection, OwnMemberAct, query)


def _are_seen(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Return what holds of acts about no leg, and no file of one, that is hidden from a viewer."""
    if viewer.person is None:
        return []
    hidden = hidden_requests(viewer.partner, viewer.person)
    about_hidden = union_all(
        select(LegRow.id).where(LegRow.partner == viewer.partner, LegRow.request_id.in_(hidden)),
        select(SealedEvidenceRow.id).where(SealedEvidenceRow.request_id.in_(hidden)),
        select(AlarmRow.id).where(
            AlarmRow.partner == viewer.partner, AlarmRow.request_id.in_(hidden)
        ),
    )
    return [or_(MemberActRow.about.is_(None), MemberActRow.about.not_in(about_hidden))]


def _sessions(connection: Connection, partner: str, wanted: Wanted) -> list[OwnSession]:
    query = (
        select(
            ConsoleSessionRow.number,
            ConsoleSessionRow.opened_at,
            ConsoleSessionRow.person,
            ConsoleSessionRow.kid,
            ConsoleSessionRow.browser,
        )
        .where(ConsoleSessionRow.partner == partner)
        .order_by(ConsoleSessionRow.number.desc())
        .limit(wanted.limit)
    )
    if wanted.person is not None:
        query = query.where(ConsoleSessionRow.person == wanted.person)
    if wanted.before is not None:
        query = query.where(ConsoleSessionRow.number < f"ses_{wanted.before}")
    return read_as(connection, OwnSession, query)
