"""Used tokens and stored answers."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, text

from coordinator.storage.rows import insert_rows
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.requests import SeenTokenRow, StoredAnswerRow

_ANSWER_COLUMNS = (
    "partner",
    "subject",
    "idempotency_key",
    "id",
    "fingerprint",
    "status",
    "stored_at",
)


_ANSWER = select(StoredAnswerRow.id, StoredAnswerRow.fingerprint, StoredAnswerRow.status).where(
    StoredAnswerRow.partner == bindparam("partner"),
    StoredAnswerRow.subject == bindparam("subject"),
    StoredAnswerRow.idempotency_key == bindparam("key"),
)


def use_token(connection: Connection, partner: str, jti: str, now: datetime) -> bool:
    """Mark a token as used; False if it was used before."""
    inserted = insert_rows(
        connection,
        SeenTokenRow,
        ("partner", "jti", "seen_at"),
        [(partner, jti, now)],
        ignore_conflicts=True,
    )
    return inserted == 1


def find_answer(connection: Connection, partner: str, subject: str, key: str) -> Row[Any] | None:
    """Return the stored answer of an idempotency key, having waited for a twin under way.

    On SQLite the writing transaction already excludes twins; on PostgreSQL an advisory lock on the
    key's hash does, until this transaction ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"{partner}\n{subject}\n{key}"},
        )
    names = {"partner": partner, "subject": subject, "key": key}
    found: Any = connection.execute(_ANSWER, names).one_or_none()
    row: Row[Any] | None = found
    return row


def store_answer(  # noqa: PLR0913 - the columns
    connection: Connection,
    *,
    answer_id: str,
    partner: str,
    subject: str,
    key: str,
    fingerprint: bytes,
    status: int,
    now: datetime,
) -> None:
    """Store what an idempotency key was answered; the body is a document of `answer_id`."""
    insert_rows(
        connection,
        StoredAnswerRow,
        _ANSWER_COLUMNS,
        [(partner, subject, key, answer_id, fingerprint, status, now)],
    )


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
    for row in connection.execute(old_tokens).all():
        connection.execute(
            delete(SeenTokenRow).where(
                SeenTokenRow.partner == row.partner, SeenTokenRow.jti == row.jti
            )
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
