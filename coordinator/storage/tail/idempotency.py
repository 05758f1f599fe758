"""Used tokens, and answers stored under idempotency keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from coordinator.storage.engine.driver import PendingResult
from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import DO_NOTHING, send_rows
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.idempotency import SeenTokenRow, StoredAnswerRow

_ANSWER_COLUMNS = (
    "partner",
    "subject",
    "idempotency_key",
    "id",
    "fingerprint",
    "status",
    "stored_at",
)


class FoundAnswer(NamedTuple):
    """The answer that is stored under an idempotency key; its body is a document of `id`."""

    id: str
    fingerprint: bytes
    status: int


_ANSWER = Prebuilt(
    select(StoredAnswerRow.id, StoredAnswerRow.fingerprint, StoredAnswerRow.status).where(
        StoredAnswerRow.partner == bindparam("partner"),
        StoredAnswerRow.subject == bindparam("subject"),
        StoredAnswerRow.idempotency_key == bindparam("key"),
    ),
    FoundAnswer,
)
_CORRECT_STATUS = Prebuilt(
    update(StoredAnswerRow)
    .where(
        StoredAnswerRow.partner == bindparam("partner"),
        StoredAnswerRow.subject == bindparam("subject"),
        StoredAnswerRow.idempotency_key == bindparam("key"),
    )
    .values(status=bindparam("new_status"))
)
#: What most changes answer; whoever answers otherwise corrects it before the commit.
PRESUMED_STATUS = 201


def send_token(connection: Connection, partner: str, jti: str, now: datetime) -> PendingResult:
    """Mark a token as used; nothing changes if it was used before."""
    return send_rows(
        connection,
        SeenTokenRow,
        ("partner", "jti", "seen_at"),
        [(partner, jti, now)],
        conflict=DO_NOTHING,
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """A token marked as used, and an idempotency key taken for the answer to come.

    Taking the key is what a concurrent twin waits for: until this transaction ends, the twin's own
    insert stands still, and then finds the answer or, after a rollback, goes on.
    """

    partner: str
    subject: str
    key: str
    answer_id: str
    _token: PendingResult
    _answer: PendingResult

    def is_fresh_token(self) -> bool:
        """Whether the token was never used before; waits for the database."""
        return self._token.changed() == 1

    def is_first(self) -> bool:
        """Whether the key was never used before; waits for the database, and for a twin."""
        return self._answer.changed() == 1


def claim(  # noqa: PLR0913 - the columns
    connection: Connection,
    *,
    partner: str,
    subject: str,
    jti: str,
    key: str,
    answer_id: str,
    fingerprint: bytes,
    now: datetime,
) -> Claim:
    """Mark a token as used and take an idempotency key; the body is a document of `answer_id`."""
    token = send_token(connection, partner, jti, now)
    answer = send_rows(
        connection,
        StoredAnswerRow,
        _ANSWER_COLUMNS,
        [(partner, subject, key, answer_id, fingerprint, PRESUMED_STATUS, now)],
        conflict=DO_NOTHING,
    )
    return Claim(partner, subject, key, answer_id, token, answer)


def find_answer(connection: Connection, of: Claim) -> FoundAnswer | None:
    """Return the answer that a claim came too late for."""
    return _ANSWER.row(connection, partner=of.partner, subject=of.subject, key=of.key)


def is_answered(connection: Connection, *, partner: str, subject: str, key: str) -> bool:
    """Tell whether an answer is stored under this idempotency key."""
    return _ANSWER.row(connection, partner=partner, subject=subject, key=key) is not None


def set_status(connection: Connection, of: Claim, status: int) -> None:
    """Store with which HTTP status a claim is answered."""
    if status != PRESUMED_STATUS:
        names = {"partner": of.partner, "subject": of.subject, "key": of.key}
        _CORRECT_STATUS.send(connection, **names, new_status=status)


def forget_old(
    connection: Connection, *, tokens_before: datetime, answers_before: datetime, limit: int = 1000
) -> int:
    """Delete used tokens and stored answers that are past their keeping; returns how many went."""
    gone = 0
    old_tokens = (
        select(SeenTokenRow.partner, SeenTokenRow.jti)
        .where(SeenTokenRow.seen_at < tokens_before)
        .limit(limit)
    )
    for partner, jti in connection.execute(old_tokens).all():
        connection.execute(
            delete(SeenTokenRow).where(SeenTokenRow.partner == partner, SeenTokenRow.jti == jti)
        )
        gone += 1
    old_answers = (
        select(StoredAnswerRow.id).where(StoredAnswerRow.stored_at < answers_before).limit(limit)
    )
    ids = list(connection.execute(old_answers).scalars())
    if ids:
        connection.execute(delete(StoredAnswerRow).where(StoredAnswerRow.id.in_(ids)))
        connection.execute(delete(DocumentRow).where(DocumentRow.owner_id.in_(ids)))
    return gone + len(ids)
