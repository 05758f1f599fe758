"""What a member was told, to be found in the log: receipts of its own acts and of events.

A receiver puts each event in, a client each answer to an act; the monitor beside them looks them
up. Several processes of one host may use the file at once.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from holdfast.errors import ProfileError, UntrustedEvidenceError
from holdfast.profiles.private_files import make_private_folder
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.commitment import check_event
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.payloads import format_time, parse_time

#: The file in a monitor's folder.
RECEIPTS_FILE = "receipts.sqlite3"
_TABLES = """
CREATE TABLE IF NOT EXISTS receipt (
  id INTEGER PRIMARY KEY, leaf_index INTEGER NOT NULL, place BLOB NOT NULL UNIQUE,
  is_found INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS receipt_by_leaf ON receipt (leaf_index);
CREATE INDEX IF NOT EXISTS receipt_to_find ON receipt (id) WHERE is_found = 0;
CREATE TABLE IF NOT EXISTS owed (
  leaf_index INTEGER PRIMARY KEY, type TEXT NOT NULL, at TEXT NOT NULL, seen_at TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One place in the log that somebody was told.

    Attributes:
        id: Counts up.
        place: The member `log` of the answer or event.
    """

    id: int
    place: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """An entry that was logged for this member, and of which it has no receipt.

    Attributes:
        index: Its place in the log.
        type: What happened.
        at: When, as the log says.
        seen_at: When the monitor first saw it.
    """

    index: int
    type: str
    at: datetime
    seen_at: datetime


class LogReceipts:
    """The receipts in one SQLite file.

    Args:
        folder: The monitor's; it is made where it is not there.

    Raises:
        ProfileError: If the file cannot be made or used; so does every method.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / RECEIPTS_FILE
        try:
            make_private_folder(folder)
            path.touch(mode=0o600)
        except OSError as error:
            raise ProfileError(f"cannot create {path}: {error.strerror}") from None
        self._lock = threading.Lock()
        with _told():
            self._database = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def keep_event(self, body: bytes) -> None:
        """Keep an event's place in the log: a webhook's body, once its signature was verified.

        Raises:
            UntrustedEvidenceError: If it is no event, or the log commits to another.
        """
        try:
            place = check_event(body)
        except ProtocolError as error:
            raise UntrustedEvidenceError(str(error), code="not_as_logged") from None
        self.keep(place)

    def keep(self, place: Mapping[str, Any]) -> None:
        """Keep a place in the log: the member `log` of an answer to an act, as it came.

        Raises:
            UntrustedEvidenceError: If it is none.
        """
        index = place.get("leaf_index")
        if type(index) is not int or not 0 <= index < 2**63:
            raise UntrustedEvidenceError("this names no entry of the log", code="no_entry")
        self._run(
            "INSERT INTO receipt (leaf_index, place) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (index, canonical_json.dumps(dict(place))),
        )

    def to_find(self, limit: int, after: int) -> list[Receipt]:
        """Return receipts that were not found in the log yet, in the order in which they came."""
        rows = self._run(
            "SELECT id, place FROM receipt WHERE is_found = 0 AND id > ? ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [Receipt(number, strict_json.loads(place)) for number, place in rows]

    def found(self, receipts: Iterable[Receipt]) -> None:
        """Note that receipts were found in the log."""
        ids = [(each.id,) for each in receipts]
        if ids:
            self._run_all("UPDATE receipt SET is_found = 1 WHERE id = ?", ids)

    def owe(self, entries: Iterable[Owed]) -> None:
        """Note entries that were logged for this member; those that are noted already stay."""
        rows = [(e.index, e.type, format_time(e.at), format_time(e.seen_at)) for e in entries]
        self._run_all("INSERT INTO owed VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)

    def undelivered(self) -> list[Owed]:
        """Return what was logged for this member and of which it has no receipt, the first first.

        What has one meanwhile is forgotten.
        """
        self._run("DELETE FROM owed WHERE leaf_index IN (SELECT leaf_index FROM receipt)")
        rows = self._run(
            "SELECT leaf_index, type, at, seen_at FROM owed ORDER BY leaf_index LIMIT 1000"
        )
        return [
            Owed(index, kind, parse_time(at), parse_time(seen)) for index, kind, at, seen in rows
        ]

    def forgive(self, seen_before: datetime) -> None:
        """Forget what was logged for this member, seen before a time, and not delivered."""
        late = [each.index for each in self.undelivered() if each.seen_at < seen_before]
        self._run_all("DELETE FROM owed WHERE leaf_index = ?", [(index,) for index in late])

    def count(self) -> tuple[int, int]:
        """Return how many receipts there are, and how many of them were found in the log."""
        [(total, found)] = self._run("SELECT count(*), total(is_found) FROM receipt")
        return total, int(found)

    def _run(self, statement: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        with self._lock, _told():
            return self._database.execute(statement, parameters).fetchall()

    def _run_all(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._lock, _told(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(statement, rows)


def read_receipts(folder: Path, first: int) -> Iterator[Receipt]:
    """Yield what a copy of a monitor's folder has of receipts of entries from `first` on, in order.

    Nothing is written; where there is no file there are none.

    Raises:
        ProfileError: If the file cannot be read.
    """
    path = folder / RECEIPTS_FILE
    if not path.exists():
        return
    query = "SELECT id, place FROM receipt WHERE leaf_index >= ? ORDER BY leaf_index, id"
    with _told(), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
        for number, place in file.execute(query, (first,)):
            yield Receipt(number, strict_json.loads(place))


def receipts_kept_in(folder: Path) -> Callable[[Mapping[str, Any]], None]:
    """Return what keeps receipts in a monitor's folder, for `Client(on_receipt=…)`."""

    def keep(place: Mapping[str, Any]) -> None:
        with closing(LogReceipts(folder)) as receipts:
            receipts.keep(place)

    return keep


@contextmanager
def _told() -> Iterator[None]:
    """Raise ProfileError where the file cannot be used."""
    try:
        yield
    except sqlite3.Error as error:
        raise ProfileError(f"the monitor's receipts cannot be used: {error}") from None
