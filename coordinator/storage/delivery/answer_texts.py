"""What failed answers said: their first bytes, sealed, for a day.

A receiver may answer anything, a trace with customers' names in it for one. It is the data of the
partner whose endpoint it is, so it is sealed under that partner's key and shown to nobody else; of
each delivery the text of the last failed try alone is kept, and a timer erases it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from coordinator.domain.delivery import ANSWER_KEPT
from coordinator.storage.delivery.lanes import AnswerText, Head
from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.documents import SealedDocument, Vault, load_one, store
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.outbox import DeliveryRow

#: The name of the document; it belongs to the delivery.
DOCUMENT = "answer_text"


def keep(connection: Connection, texts: Sequence[tuple[Head, AnswerText]], now: datetime) -> None:
    """Keep the texts of failed tries in place of those of earlier ones."""
    newest = {
        head.delivery_id: (b"%d\n%s" % (head.attempts + 1, text.content), text.key)
        for head, text in texts
    }
    _forget(connection, list(newest))
    sealed = [
        SealedDocument(id_, DOCUMENT, key.id, key.seal(id_, DOCUMENT, content))
        for id_, (content, key) in newest.items()
    ]
    store(connection, sealed)
    _mark(connection, list(newest), now + ANSWER_KEPT)


def read(connection: Connection, vault: Vault, delivery_id: str) -> tuple[int, str] | None:
    """Return which try of a delivery an answer is kept of, and its text, as far as it is text."""
    kept = load_one(connection, vault, delivery_id, DOCUMENT)
    if kept is None:
        return None
    number, _, content = kept.partition(b"\n")
    return int(number), content.decode("utf-8", "replace")


def erase_old(connection: Connection, now: datetime, limit: int) -> int:
    """Erase the texts whose time is over; returns how many there were, `limit` at most."""
    query = select(DeliveryRow.id).where(DeliveryRow.answer_until <= now).limit(limit)
    old = list(connection.execute(query).scalars())
    _forget(connection, old)
    _mark(connection, old, None)
    return len(old)


def _forget(connection: Connection, delivery_ids: Sequence[str]) -> None:
    for some in batches(delivery_ids):
        connection.execute(
            delete(DocumentRow).where(DocumentRow.owner_id.in_(some), DocumentRow.name == DOCUMENT)
        )


def _mark(connection: Connection, delivery_ids: Sequence[str], until: datetime | None) -> None:
    for some in batches(delivery_ids):
        connection.execute(
            update(DeliveryRow).where(DeliveryRow.id.in_(some)).values(answer_until=until)
        )
