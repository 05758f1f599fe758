"""Partners' tag keys: stored sealed under their data keys, one a partner."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, select

from coordinator.storage.engine.batches import batches
from coordinator.storage.engine.documents import DocumentKey, Vault
from coordinator.storage.engine.prebuilt import Pending, Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.partners import TagKeyRow
from coordinator.storage.tables.transparency_log import LogHeadRow

#: The name of the document that a key is.
DOCUMENT = "tag_key"


class SealedTagKey(NamedTuple):
    """A partner's tag key as it is stored, with its data key, wrapped."""

    partner: str
    id: str
    leaf_index: int | None
    sealed: bytes
    key_id: str
    wrapped: bytes


_KEYS = Prebuilt(
    select(
        TagKeyRow.partner,
        TagKeyRow.id,
        TagKeyRow.leaf_index,
        DocumentRow.sealed,
        DocumentRow.key_id,
        DocumentKeyRow.wrapped,
    )
    .join(DocumentRow, and_(DocumentRow.owner_id == TagKeyRow.id, DocumentRow.name == DOCUMENT))
    .join(DocumentKeyRow, DocumentKeyRow.id == DocumentRow.key_id),
    SealedTagKey,
    among=TagKeyRow.partner,
)
_CHANGED = Prebuilt(select(LogHeadRow.tag_keys_changed).where(LogHeadRow.id == 1))


def send(connection: Connection, partners: Iterable[str]) -> list[Pending[SealedTagKey]]:
    """Send the queries for the keys of these partners."""
    return [_KEYS.send(connection, among=some) for some in batches(sorted(partners))]


def read(pending: Sequence[Pending[SealedTagKey]], vault: Vault) -> dict[str, bytes]:
    """Read the answers of `send`; a partner without a key is absent."""
    return {row.partner: opened(row, vault) for part in pending for row in part.rows()}


def opened(row: SealedTagKey, vault: Vault) -> bytes:
    """Return the key in the clear, 32 bytes."""
    key: DocumentKey = vault.unwrap(row.key_id, row.wrapped)
    return key.open(row.id, DOCUMENT, row.sealed)


def find(connection: Connection, partner: str) -> SealedTagKey | None:
    """Return a partner's key as it is stored, or None."""
    return next(iter(_KEYS.rows(connection, among=[partner])), None)


def changed_at(connection: Connection) -> int:
    """Return how many leaves the log had when a key last changed; 0: none ever did."""
    return _CHANGED.row(connection) or 0


def changed_since(connection: Connection, leaves: int) -> list[str]:
    """Return the partners whose key changed by a leaf of this index or a later one."""
    query = select(TagKeyRow.partner).where(TagKeyRow.leaf_index >= leaves)
    return list(connection.execute(query).scalars())


def replace(connection: Connection, tag_key_id: str, partner: str) -> None:
    """Store that a partner has a key, in place of the one before; its document is the caller's."""
    connection.execute(delete(TagKeyRow).where(TagKeyRow.partner == partner))
    insert_rows(connection, TagKeyRow, ("id", "partner"), [(tag_key_id, partner)])
