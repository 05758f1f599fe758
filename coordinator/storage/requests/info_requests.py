"""Questions that partners asked before they can act."""

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
    leg_id: str
    act_id: str
    asked_at: datetime
    reply_by: datetime | None
    late_at: datetime | None
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
