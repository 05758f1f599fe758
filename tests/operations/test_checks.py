"""`check` names everything that is wrong, not only the first of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, Executable, delete, event, text, update

from coordinator.key_files import INDEX_KEY, WEBHOOK_KEY, WRAPPING_KEY
from coordinator.operations.checks import run_checks
from coordinator.settings import Settings
from coordinator.storage.engine.database import Database
from coordinator.storage.tables.transparency_log import LogHeadRow, LogLeafRow
from tests.conftest import write_keys
from tests.factories import Cast, Signer, freeze_request_body

Faults = Callable[[], list[str]]


@pytest.fixture(name="faults")
def _faults(settings: Settings) -> Faults:
    write_keys(settings.keys_dir)

    def faults() -> list[str]:
        return [f"{f.name}: {f.detail}" for f in run_checks(settings) if not f.is_good]

    return faults


def _change(database: Database, *statements: Executable) -> None:
    with database.writing() as connection, connection.begin():
        for statement in statements:
            connection.execute(statement)


def test_every_gap_of_the_log_is_named(
    faults: Faults, database: Database, signer: Signer, cast: Cast
) -> None:
    for _ in range(4):
        signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body())
    assert faults() == []
    with database.engine.connect() as connection:
        head = connection.execute(text("SELECT leaf_count, event_seq FROM log_head")).one()
    leaves, events = head
    missing = (1, 4, 5, leaves - 1)
    _change(
        database,
        delete(LogLeafRow).where(LogLeafRow.index.in_(missing)),
        update(LogHeadRow).values(event_seq=events + 2),
    )
    said = [fault.partition("but ")[2].partition(";")[0] for fault in faults()]
    assert said == [
        "leaf 1 is missing",
        "leaves 4 to 5 are missing",
        f"leaf {leaves - 1} is missing",
        f"events {events + 1} to {events + 2} are missing",
    ]


def test_a_log_that_goes_on_behind_its_head_is_noticed(
    faults: Faults, database: Database, signer: Signer, cast: Cast
) -> None:
    signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body())
    _change(database, update(LogHeadRow).values(leaf_count=LogHeadRow.leaf_count - 1))
    assert ["the leaves go on to" in fault for fault in faults()] == [True]


def test_what_is_committed_while_it_looks_is_no_fault(
    faults: Faults, signer: Signer, cast: Cast
) -> None:
    posted: list[object] = []

    def post(*told: object) -> None:
        if "log_head" in str(told[2]) and not posted:
            posted.append(told[2])
            signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body())

    event.listen(Engine, "after_cursor_execute", post)
    try:
        assert faults() == []
    finally:
        event.remove(Engine, "after_cursor_execute", post)
    assert len(posted) == 1


def test_every_key_file_that_is_wrong_is_named(faults: Faults, settings: Settings) -> None:
    (settings.keys_dir / WRAPPING_KEY).write_bytes(b"short")
    (settings.keys_dir / INDEX_KEY).unlink()
    (settings.keys_dir / WEBHOOK_KEY).chmod(0o644)
    said = faults()
    assert len(said) == 3
    for name, fault in zip((WRAPPING_KEY, INDEX_KEY, WEBHOOK_KEY), said, strict=True):
        assert name in fault


def test_a_database_that_nobody_migrated_is_told_once_about_its_keys(tmp_path: Path) -> None:
    settings = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path)})
    (tmp_path / "holdfast.sqlite3").touch()
    schema, keys = (f.detail for f in run_checks(settings) if f.name in ("schema", "keys"))
    assert schema.startswith("revision none")
    assert keys.startswith(f"none in {settings.keys_dir}")


def test_every_data_key_that_does_not_open_is_named(faults: Faults, database: Database) -> None:
    with database.engine.connect() as connection:
        query = text("SELECT id FROM document_key ORDER BY id")
        ids = list(connection.execute(query).scalars())
    other = text("SELECT wrapped FROM document_key WHERE id = :id")
    with database.writing() as connection, connection.begin():
        wrapped = connection.execute(other, {"id": ids[3]}).scalar_one()
        change = text("UPDATE document_key SET wrapped = :wrapped WHERE id = :id")
        for key_id in ids[:2]:  # not the newest, which a start looks at
            connection.execute(change, {"wrapped": wrapped, "id": key_id})
    said = faults()
    assert [key_id in fault for key_id, fault in zip(ids, said, strict=False)] == [True, True]
    assert len(said) == 2


def test_every_list_of_wallets_that_cannot_be_read_is_named(
    settings: Settings, tmp_path: Path, faults: Faults
) -> None:
    folder = tmp_path / "wallets"
    folder.mkdir()
    (folder / "a.json").write_text("{", encoding="utf-8")
    (folder / "b.json").write_bytes(b"\xff")
    (folder / "c.json").write_text('{"eip155:1:0xzz": "x", "nochain:1": "y"}', encoding="utf-8")
    (folder / "d.json").write_text("[]", encoding="utf-8")
    assert faults() == []
    with_lists = replace(settings, service_wallets_file=folder)
    said = [finding.detail for finding in run_checks(with_lists) if not finding.is_good]
    for name in ("a.json", "b.json", "eip155:1:0xzz", "nochain:1", "d.json"):
        assert any(name in fault for fault in said), (name, said)
