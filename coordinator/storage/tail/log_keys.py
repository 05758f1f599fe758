"""What the log says of its own keys (`holdfast.protocol.log_keys`), in its order."""

from sqlalchemy import Connection, select

from coordinator.storage.engine.prebuilt import Prebuilt
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.tables.transparency_log import LogHeadRow, LogKeyStatementRow
from holdfast.protocol.log_keys import KeyChange, LogKeys, parse_key_change
from holdfast.protocol.signed_note import NoteVerifier

_STATEMENTS = Prebuilt(
    select(LogKeyStatementRow.body).order_by(LogKeyStatementRow.leaf_index),
)
_LOCK = Prebuilt(select(LogHeadRow.id).where(LogHeadRow.id == 1).with_for_update())


def statements(connection: Connection) -> list[KeyChange]:
    """Return all that the log says, if it had another origin once, what it said then, too.

    Raises:
        LogKeyError: If what is stored is no statement.
    """
    return [parse_key_change(bytes(body)) for body in _STATEMENTS.rows(connection)]


def stored_keys(connection: Connection, present: NoteVerifier) -> LogKeys:
    """Return the keys of the log as its own database has them, which proves nothing.

    Args:
        connection: Reads alone.
        present: The key that signs; the only one, if none was ever replaced.

    Raises:
        LogKeyError: If what is stored does not come to a sequence of keys.
    """
    changes = [each for each in statements(connection) if each.old.name == present.name]
    keys = LogKeys.of(changes[0].old if changes else present)
    for change in changes:
        keys = keys.changed_by(change)
    return keys


def lock(connection: Connection) -> None:
    """Have nobody else log anything until the commit; whoever does this locks nothing before it."""
    _LOCK.rows(connection)


def keep_statement(connection: Connection, leaf_index: int, body: bytes) -> None:
    """Store a statement, inside of the transaction that logs it."""
    insert_rows(connection, LogKeyStatementRow, ("leaf_index", "body"), [(leaf_index, body)])
