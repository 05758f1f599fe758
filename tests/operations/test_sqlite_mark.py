"""A SQLite file that was copied while in use is noticed; one that is whole never is."""

import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from coordinator.operations.checks import run_checks
from coordinator.operations.membership import carry_out, list_partners
from coordinator.operations.preparation import (
    PreparationError,
    marked_in_use,
    open_settings_database,
    prepare,
    require_ready,
)
from coordinator.operations.restore import adopt_copy
from coordinator.services.membership.partners import InvitePartner
from coordinator.settings import Settings
from coordinator.storage.engine.database import open_database
from holdfast.protocol.vocabulary import PartnerKind
from tests.operations.reconciled import take_changes_again

COPIED = "was copied while a coordinator used it"


def _settings(folder: Path) -> Settings:
    return Settings.from_env({"HOLDFAST_DATA_DIR": str(folder)})


@pytest.fixture(name="own")
def _own(tmp_path: Path) -> Settings:
    settings = _settings(tmp_path / "data")
    prepare(settings)
    return settings


def _invite(settings: Settings, handle: str) -> None:
    carry_out(settings, InvitePartner(handle=handle, name="A", kind=PartnerKind.EXCHANGE))


def _file(settings: Settings) -> Path:
    return settings.data_dir / "holdfast.sqlite3"


def _copy(settings: Settings, folder: Path, *names: str) -> Settings:
    """Copy the keys and these files of the data folder, as somebody by hand would."""
    folder.mkdir()
    shutil.copytree(settings.keys_dir, folder / "keys")
    for name in names or [path.name for path in settings.data_dir.iterdir() if path.is_file()]:
        shutil.copy(settings.data_dir / name, folder / name)
    return _settings(folder)


def _faults(settings: Settings) -> list[str]:
    return [finding.detail for finding in run_checks(settings) if not finding.is_good]


def test_a_file_copied_without_its_log_lacks_what_came_last_and_is_noticed(
    own: Settings, tmp_path: Path
) -> None:
    _invite(own, "a.example")
    with marked_in_use(own):
        # Somebody who reads keeps SQLite from moving the log into the file, as a server does.
        reader = open_settings_database(own)
        with reader.engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM partner")).all()
            _invite(own, "b.example")
            copied = _copy(own, tmp_path / "copy", "holdfast.sqlite3")
        reader.engine.dispose()
        handles = [row["handle"] for row in list_partners(copied)]
        assert handles == ["a.example"], "without the mark nobody would notice"
        assert [COPIED in fault for fault in _faults(copied)] == [True]
        for start in (prepare, require_ready):
            with pytest.raises(PreparationError, match="Restore a backup"):
                start(copied)
        assert _faults(own) == []


def test_a_file_copied_after_the_end_is_whole(own: Settings, tmp_path: Path) -> None:
    with marked_in_use(own):
        _invite(own, "a.example")
    copied = _copy(own, tmp_path / "copy", "holdfast.sqlite3")
    assert [row["handle"] for row in list_partners(copied)] == ["a.example"]
    assert _faults(copied) == []
    require_ready(copied)


def test_the_mark_stays_until_the_last_user_leaves(own: Settings, tmp_path: Path) -> None:
    with marked_in_use(own):
        with marked_in_use(own):
            pass
        copied = _copy(own, tmp_path / "copy", "holdfast.sqlite3")
        assert len(_faults(copied)) == 1
    assert _faults(_copy(own, tmp_path / "after", "holdfast.sqlite3")) == []


def test_users_that_come_and_go_at_once_leave_no_mark_behind(own: Settings, tmp_path: Path) -> None:
    def use() -> None:
        for _ in range(5):
            with marked_in_use(own):
                pass

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _faults(own) == []
    assert _faults(_copy(own, tmp_path / "after", "holdfast.sqlite3")) == []


def test_after_a_crash_nothing_is_missing_and_all_starts_again(
    own: Settings, tmp_path: Path
) -> None:
    # What a crash leaves: everything as it lay, and nobody who clears the mark.
    with marked_in_use(own):
        _invite(own, "a.example")
        crashed = _copy(own, tmp_path / "crashed")
    for _ in range(2):  # the first who opens it moves the log into the file
        assert _faults(crashed) == []
    require_ready(crashed)
    with marked_in_use(crashed):
        pass
    assert _faults(_copy(crashed, tmp_path / "after", "holdfast.sqlite3")) == []


def test_all_that_is_left_can_be_taken_as_it_is(own: Settings, tmp_path: Path) -> None:
    with marked_in_use(own):
        copied = _copy(own, tmp_path / "copy", "holdfast.sqlite3")
    other = _settings(tmp_path / "other")
    with pytest.raises(PreparationError, match="is no file"):
        adopt_copy(other, tmp_path / "nowhere", own.keys_dir)
    log = adopt_copy(other, _file(copied), own.keys_dir)
    assert log.leaves == 0
    take_changes_again(other)
    assert _faults(other) == []
    require_ready(other)


def test_what_lies_beside_a_copy_is_taken_along(own: Settings, tmp_path: Path) -> None:
    with marked_in_use(own):
        reader = open_settings_database(own)
        with reader.engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM partner")).all()
            _invite(own, "a.example")
            copied = _copy(own, tmp_path / "copy", "holdfast.sqlite3", "holdfast.sqlite3-wal")
        reader.engine.dispose()
    other = _settings(tmp_path / "other")
    assert adopt_copy(other, _file(copied), own.keys_dir).leaves == 1
    take_changes_again(other)
    assert _faults(other) == []


def test_a_damaged_file_is_noticed(own: Settings, tmp_path: Path) -> None:
    for number in range(30):
        _invite(own, f"a{number}.example")
    copied = _copy(own, tmp_path / "copy", "holdfast.sqlite3")
    content = bytearray(_file(copied).read_bytes())
    database = open_database(own.resolved_database_url, pool_size=1)
    with database.engine.connect() as connection:
        page = connection.execute(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_document_key_id'")
        ).scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    database.engine.dispose()
    content[(page - 1) * size : page * size] = bytes(size)
    _file(copied).write_bytes(content)
    findings = {f.name: f.detail for f in run_checks(copied) if not f.is_good}
    assert "restore it from a backup" in findings["file"]
    with pytest.raises(PreparationError, match="take an earlier backup"):
        adopt_copy(_settings(tmp_path / "other"), _file(copied), own.keys_dir)
