"""`check --thorough` finds whatever was altered in the database, and no fault where nothing was."""

from collections.abc import Callable

import pytest
from sqlalchemy import Executable, delete, select, text, update

from coordinator.operations.checks import run_checks, run_thorough_checks
from coordinator.settings import Settings
from coordinator.storage.engine.database import Database
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.freeze_ledger import LedgerLineRow
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow, LegRow
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow
from tests.api.acts import approve, report_frozen, submit
from tests.conftest import write_keys
from tests.factories import NOON, Cast, Signer

Faults = Callable[[], list[str]]


@pytest.fixture(name="faults")
def _faults(settings: Settings, signer: Signer, cast: Cast) -> Faults:
    """Return what is found in a coordinator with a request that was approved and answered."""
    write_keys(settings.keys_dir)
    request = submit(signer, cast, to=[cast.b.handle])
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)

    def faults() -> list[str]:
        assert all(finding.is_good for finding in run_checks(settings))
        found = run_thorough_checks(settings, lambda _what, _count: None)
        return [f"{f.name}: {f.detail}" for f in found if not f.is_good]

    return faults


def _change(database: Database, *statements: Executable) -> None:
    with database.writing() as connection, connection.begin():
        for statement in statements:
            connection.execute(statement)


def test_nothing_is_found_where_nothing_was_altered(faults: Faults) -> None:
    assert faults() == []


#: A leaf with an event that commits to it, and hashes of more than itself beside it.
_LEAF = LogLeafRow.index == (
    select(EventRow.leaf_index).where(EventRow.type == "freeze.frozen").limit(1).scalar_subquery()
)

#: What somebody with the database could do, and a part of what is said of it.
LIES: dict[str, tuple[tuple[Executable, ...], tuple[str, ...]]] = {
    "a commitment": (
        (update(LogLeafRow).where(_LEAF).values(commitment=b"x" * 32),),
        ("is not what its stored hashes", "of another tree", "events: event"),
    ),
    "a time, a day earlier": (
        (update(LogLeafRow).where(_LEAF).values(at=text("at - 86400000000")),),
        ("is not what its stored hashes", " in at"),
    ),
    "a hash of the tree": (
        (update(LogLeafRow).where(LogLeafRow.index == 2).values(nodes=b"x" * 32),),
        ("log tree: leaf 2 is not what its stored hashes",),
    ),
    "the head's tree": (
        (update(LogHeadRow).values(frontier=b"x" * 32),),
        ("log tree: the head's tree",),
    ),
    "an event's type": (
        (update(EventRow).where(EventRow.type == "freeze.frozen").values(type="freeze.found"),),
        ("the row of the event",),
    ),
    "an act's name": (
        (update(ActRow).where(ActRow.kind == "approve").values(kind="reject"),),
        ("requests: frq_",),
    ),
    "no approval": (
        (delete(ActRow).where(ActRow.kind == "approve"),),
        ("requests: frq_", "approvals"),
    ),
    "an amount": (
        (update(LedgerLineRow).where(LedgerLineRow.kind == "frozen").values(amount=7),),
        ("ledger of exchange-b.example",),
    ),
    "a request's status": (
        (update(FreezeRequestRow).values(status="closed"),),
        ("status",),
    ),
    "a leg's status": (
        (update(LegRow).values(status="no_match"),),
        ("leg of exchange-b.example",),
    ),
    "a text": (
        (text("UPDATE document SET sealed = substr(sealed, 2) WHERE name = 'evidence'"),),
        ("requests: frq_", "cannot be read as a whole"),
    ),
    "an event's text": (
        (text("UPDATE document SET sealed = substr(sealed, 2) WHERE name = 'body'"),),
        ("cannot be opened",),
    ),
    "an event's text, thrown away": (
        (text("DELETE FROM document WHERE name = 'body'"),),
        ("events: event", "is gone, and nobody erased"),
    ),
    "an act's text, thrown away": (
        (text("DELETE FROM document WHERE name = 'evidence'"),),
        ("requests: frq_",),
    ),
    "an erasure that the log does not have": (
        (
            text("DELETE FROM document WHERE name = 'body'"),
            update(FreezeRequestRow).values(erased_at=NOON),
        ),
        ("events: event", "is gone, and nobody erased"),
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_what_was_altered_is_named(faults: Faults, database: Database, name: str) -> None:
    statements, said = LIES[name]
    _change(database, *statements)
    found = "\n".join(faults())
    assert [part for part in said if part not in found] == [], found
