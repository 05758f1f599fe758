"""Questions that partners asked before they can act."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from coordinator.domain.errors import ConflictError
from coordinator.storage.engine.reads import read_as
from coordinator.storage.tables.freeze_requests import LegRow
from coordinator.storage.tables.life_cycle import InfoRequestRow


class InfoRequestOnLeg(NamedTuple):
    """A question with the partner whose leg it is about."""

    id: str
    request_id: str
    requester: str
    leg_id: str
    act_id: str
    asked_at: datetime
    reply_by: datetime | None
    late_at: datetime | None
    moot_at: datetime | None
    answer_act_id: str | None
    answered_at: datetime | None
    partner: str


_QUESTIONS = select(InfoRequestRow.__table__, LegRow.partner).join(
    LegRow, LegRow.id == InfoRequestRow.leg_id
)


def insert_question(connection: Connection, question: InfoRequestOnLeg) -> None:
    """Store an open question."""
    values = question._asdict()
    del values["partner"]
    connection.execute(insert(InfoRequestRow).values(**values))


def get(connection: Connection, request_id: str, info_request_id: str) -> InfoRequestOnLeg | None:
    """Return one question of a request."""
    query = _QUESTIONS.where(
        InfoRequestRow.id == info_request_id, InfoRequestRow.request_id == request_id
    )
    return next(iter(read_as(connection, InfoRequestOnLeg, query)), None)


def by_id(connection: Connection, info_request_id: str) -> InfoRequestOnLeg | None:
    """Return one question, whatever request it is about."""
    query = _QUESTIONS.where(InfoRequestRow.id == info_request_id)
    return next(iter(read_as(connection, InfoRequestOnLeg, query)), None)


def mark_answered(connection: Connection, info_request_id: str, act_id: str, now: datetime) -> None:
    """Note the answer where there is none yet.

    Raises:
        ConflictError: If somebody answered meanwhile.
    """
    statement = (
        update(InfoRequestRow)
        .where(InfoRequestRow.id == info_request_id, InfoRequestRow.answered_at.is_(None))
        .values(answer_act_id=act_id, answered_at=now)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConflictError("this question was answered meanwhile", code="already_answered")


def end_of_leg(connection: Connection, leg_id: str, now: datetime) -> None:
    """Note of a leg's open questions that nobody has to reply any more."""
    statement = update(InfoRequestRow).where(
        InfoRequestRow.leg_id == leg_id, InfoRequestRow.answered_at.is_(None)
    )
    connection.execute(statement.values(moot_at=now))


def mark_late(connection: Connection, info_request_id: str, now: datetime) -> None:
    """Note that a question had no reply in time."""
    statement = update(InfoRequestRow).where(InfoRequestRow.id == info_request_id)
    connection.execute(statement.values(late_at=now))


def due_for_reply(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Return questions whose time to reply has passed, and of which nobody was told yet."""
    query = (
        select(InfoRequestRow.id)
        .join(LegRow, LegRow.id == InfoRequestRow.leg_id)
        .where(
            InfoRequestRow.answered_at.is_(None),
            InfoRequestRow.late_at.is_(None),
            InfoRequestRow.reply_by <= now,
            ~LegRow.ended,
        )
        .order_by(InfoRequestRow.reply_by)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def reply_times(
    connection: Connection, leg_ids: Sequence[str]
) -> dict[str, tuple[datetime, datetime | None]]:
    """Return by leg until when its oldest open question is to be replied to, and if that is late.

    "Oldest" by that time; late since the second of the two, or None.
    """
    query = (
        select(InfoRequestRow.leg_id, InfoRequestRow.reply_by, InfoRequestRow.late_at)
        .where(
            InfoRequestRow.leg_id.in_(leg_ids),
            InfoRequestRow.answered_at.is_(None),
        )
        .order_by(InfoRequestRow.reply_by.desc())
    )
    rows = connection.execute(query).all()
    return {leg_id: (by, late_at) for leg_id, by, late_at in rows if by is not None}


def open_of_leg(connection: Connection, leg_id: str) -> int:
    """Count a leg's questions that nobody answered."""
    query = select(func.count()).where(
        InfoRequestRow.leg_id == leg_id, InfoRequestRow.answered_at.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def page(
    connection: Connection, request_id: str, *, leg_id: str | None, after: str, limit: int
) -> list[InfoRequestOnLeg]:
    """Return questions on a request (or on one leg of it), oldest first, with the leg's partner."""
    query = _QUESTIONS.where(InfoRequestRow.request_id == request_id, InfoRequestRow.id > after)
    if leg_id is not None:
        query = query.where(InfoRequestRow.leg_id == leg_id)
    return read_as(connection, InfoRequestOnLeg, query.order_by(InfoRequestRow.id).limit(limit))
