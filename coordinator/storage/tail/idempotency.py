"""Used tokens, and answers stored under idempotency keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from coordinator.storage.engine.batches import batches
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
    .values(status=bindparam("new_status"), about=bindparam("new_about"))
)
#: The fingerprint of an answer that was erased; no call has it.
ERASED = b""
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


class OnceOnly(NamedTuple):
    """A call that is carried out once; what it is answered is a document of `answer_id`.

    Attributes:
        jti: Of its token.
        key: Its idempotency key.
        fingerprint: Hash of method, URL and body.
    """

    partner: str
    subject: str
    jti: str
    key: str
    answer_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A token marked as used, and an idempotency key taken for the answer to come.

    Taking the key is what a concurrent twin waits for: until this transaction ends, the twin's own
    insert stands still, and then finds the answer or, after a rollback, goes on.
    """

    call: OnceOnly
    _token: PendingResult
    _answer: PendingResult

    def is_fresh_token(self) -> bool:
        """Whether the token was never used before; waits for the database."""
        return self._token.changed() == 1

    def is_first(self) -> bool:
        """Whether the key was never used before; waits for the database, and for a twin."""
        return self._answer.changed() == 1


def claim(connection: Connection, call: OnceOnly, now: datetime) -> Claim:
    """Mark a call's token as used and take its idempotency key."""
    token = send_token(connection, call.partner, call.jti, now)
    answer = send_rows(
        connection,
        StoredAnswerRow,
        _ANSWER_COLUMNS,
        [
            (
                call.partner,
                call.subject,
                call.key,
                call.answer_id,
                call.fingerprint,
                PRESUMED_STATUS,
                now,
            )
        ],
        conflict=DO_NOTHING,
    )
    return Claim(call, token, answer)


def find_answer(connection: Connection, call: OnceOnly) -> FoundAnswer | None:
    """Return the answer that is stored under a call's idempotency key."""
    return _ANSWER.row(connection, partner=call.partner, subject=call.subject, key=call.key)


def answer_to(
    connection: Connection, *, partner: str, subject: str, key: str
) -> FoundAnswer | None:
    """Return what is stored under an idempotency key, whatever the call was."""
    return _ANSWER.row(connection, partner=partner, subject=subject, key=key)


def is_answered(connection: Connection, *, partner: str, subject: str, key: str) -> bool:
    """Tell whether an answer is stored under this idempotency key."""
    return _ANSWER.row(connection, partner=partner, subject=subject, key=key) is not None


def complete(
    connection: Connection, call: OnceOnly, status: int, *, about: str | None = None
) -> None:
    """Store with which HTTP status a call is answered, and about whom the answer tells a name."""
    if status != PRESUMED_STATUS or about is not None:
        names = {"partner": call.partner, "subject": call.subject, "key": call.key}
        _CORRECT_STATUS.send(connection, **names, new_status=status, new_about=about)


def erase_about(connection: Connection, subject_id: str) -> None:
    """Erase the stored answers that tell the name of a person or system.

    The hash of what was sent goes, too, for a name may be guessed from it. The key stays taken, or
    a late retry would bring the name back.
    """
    told = (
        update(StoredAnswerRow)
        .where(StoredAnswerRow.about == subject_id)
        .values(fingerprint=ERASED, about=None)
        .returning(StoredAnswerRow.id)
    )
    ids = list(connection.execute(told).scalars())
    for some in batches(ids):
        connection.execute(delete(DocumentRow).where(DocumentRow.owner_id.in_(some)))


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
