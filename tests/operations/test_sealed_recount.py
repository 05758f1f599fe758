"""`check --thorough` proves sealed files and the keys that they are sealed to, and opens none."""

from collections.abc import Callable, Iterator
from os import urandom
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Executable, delete, select, update

from coordinator.domain.clock import SteppedClock
from coordinator.operations.checks import run_thorough_checks
from coordinator.settings import Settings
from coordinator.storage.engine.database import Database
from coordinator.storage.requests import sealed_evidence as store
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.sealed_evidence import (
    SealedEvidenceRow,
    SealedPartRow,
    SealedRecipientRow,
)
from holdfast.protocol.sealed_evidence import PART_BYTES
from tests.api.sealed_cast import Desks, desks_at, sealed, went_out
from tests.conftest import write_keys
from tests.factories import Cast, Signer

Told = Callable[[], list[str]]


@pytest.fixture(name="desks")
def _desks(app: Flask, clock: SteppedClock, tmp_path: Path) -> Iterator[Desks]:
    with desks_at(app, clock, tmp_path / "home") as made:
        yield made


@pytest.fixture(name="told")
def _told(desks: Desks, settings: Settings, signer: Signer, cast: Cast) -> Told:
    """Returns what is told of a coordinator where A sealed two parts to B."""
    write_keys(settings.keys_dir)
    desks.publish(cast.a.lead, cast.b.lead, cast.c.lead)
    request = went_out(signer, cast)
    sealed(desks, cast.a.lead, request, cast.b.handle, content=urandom(PART_BYTES + 9))

    def told() -> list[str]:
        found = run_thorough_checks(settings, lambda _what, _count: None)
        return [each.detail for each in found if each.name == "sealed evidence"]

    return told


def _change(database: Database, statement: Executable) -> None:
    with database.writing() as connection, connection.begin():
        connection.execute(statement)


def test_what_nobody_touched_is_as_it_was_signed(told: Told) -> None:
    assert told() == [
        "1 files are those that were signed, and so are the 3 keys that files are sealed to"
    ]


_SECOND = select(SealedPartRow.id).where(SealedPartRow.number == 1).scalar_subquery()
_OF_SECOND = (DocumentRow.owner_id == _SECOND) & (DocumentRow.name == store.PART)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (update(SealedEvidenceRow).values(sha256="0" * 64), "not as they were signed"),
        (update(SealedEvidenceRow).values(tlp="CLEAR"), "not as they were signed"),
        (
            update(SealedRecipientRow)
            .where(SealedRecipientRow.partner != "exchange-a.example")
            .values(partner="exchange-c.example"),
            "not those for whom somebody signed",
        ),
        (delete(DocumentRow).where(_OF_SECOND), "numbered from 0"),
        (
            update(SealedPartRow).values(number=1 - SealedPartRow.number),
            "part 0 is not the one that was signed",
        ),
    ],
)
def test_what_was_altered_is_named(
    told: Told, database: Database, statement: Executable, expected: str
) -> None:
    _change(database, statement)
    (said,) = told()
    assert expected in said
    assert "sev_" in said
