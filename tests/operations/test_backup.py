"""A backup holds everything, opens with its own keys alone, and is restored where nothing is."""

import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from coordinator.cli import main
from coordinator.key_files import (
    INDEX_KEY,
    LOG_KEY,
    NEEDED_KEYS,
    WEBHOOK_KEY,
    WRAPPING_KEY,
    make_keys,
    read_keys,
)
from coordinator.operations import postgres_programs
from coordinator.operations.backup import back_up, back_up_keys
from coordinator.operations.checks import READ_ONLY_CHECK, run_checks
from coordinator.operations.manifest import NAME, Manifest
from coordinator.operations.preparation import PreparationError, prepare
from coordinator.operations.restore import restore
from coordinator.settings import Settings
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database, open_database
from holdfast.protocol import canonical_json, strict_json
from tests.conftest import write_keys
from tests.factories import Cast, Signer, freeze_request_body
from tests.operations.reconciled import Empty, take_changes_again
from tests.postgres import PostgresServer

#: What is there where no key was ever replaced.
_MADE = (*NEEDED_KEYS, LOG_KEY)


def _contents(connection: Connection) -> dict[str, list[Any]]:
    return {
        table.name: sorted(map(repr, connection.execute(select(table))))
        for table in Base.metadata.sorted_tables
        if table.name != "write_probe"
    }


def _faults(settings: Settings) -> list[str]:
    """Return what is wrong with a restored coordinator, but that nobody has reconciled it."""
    found = [finding.name for finding in run_checks(settings) if not finding.is_good]
    found.remove(READ_ONLY_CHECK)
    return found


def _all_of(database: Database) -> dict[str, list[Any]]:
    with database.engine.connect() as connection:
        return _contents(connection)


@pytest.fixture(name="own")
def _own(settings: Settings, signer: Signer, cast: Cast, tmp_path: Path) -> Settings:
    """A coordinator with its keys and three requests."""
    settings = replace(settings, data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    write_keys(settings.keys_dir)
    for _ in range(3):
        answer = signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body())
        assert answer.status_code == 201, answer.text
    return settings


def test_everything_is_restored_elsewhere_and_nothing_else_is_copied(
    own: Settings, empty: Empty, database: Database, tmp_path: Path
) -> None:
    before = _all_of(database)
    folder, manifest = back_up(own, tmp_path / "backups")
    assert back_up_keys(own, tmp_path / "elsewhere", None)
    assert {path.name for path in folder.iterdir()} == {manifest.file, "manifest.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (manifest.log.leaves, manifest.log.events) == (
        len(before["log_leaf"]),
        len(before["event"]),
    )
    other = empty()
    assert restore(other, folder, tmp_path / "elsewhere") == manifest == Manifest.read(folder)
    restored = open_database(other.resolved_database_url, pool_size=1)
    after = _all_of(restored)
    restored.engine.dispose()
    # The one thing that differs: it is marked, see test_reconcile.
    assert after.pop("log_head") != before.pop("log_head")
    assert after == before
    assert _faults(other) == []
    assert {stat.S_IMODE(p.stat().st_mode) for p in other.keys_dir.iterdir()} == {0o600}
    document = read_keys(own.keys_dir).document_key()
    assert prepare(other).document_key() == document


def test_keys_that_are_in_the_data_folder_already_are_enough(
    own: Settings, empty: Empty, tmp_path: Path
) -> None:
    folder, _ = back_up(own, tmp_path / "backups")
    other = empty()
    shutil.copytree(own.keys_dir, other.keys_dir)
    restore(other, folder, None)
    assert _faults(other) == []


def test_a_backup_says_nothing_of_the_keys_but_which_they_are(
    own: Settings, tmp_path: Path
) -> None:
    folder, manifest = back_up(own, tmp_path / "backups")
    assert set(manifest.keys) == set(_MADE)
    stored = b"".join(path.read_bytes() for path in folder.iterdir())
    for name in _MADE:
        assert (own.keys_dir / name).read_bytes() not in stored


@pytest.mark.parametrize("name", _MADE)
def test_the_wrong_key_is_named_before_anything_is_restored(
    own: Settings, empty: Empty, tmp_path: Path, name: str
) -> None:
    folder, _ = back_up(own, tmp_path / "backups")
    keys, other = tmp_path / "elsewhere", empty()
    back_up_keys(own, keys, None)
    make_keys(tmp_path / "strange")
    shutil.copy(tmp_path / "strange" / name, keys / name)
    with pytest.raises(PreparationError, match=f"{name}: not of the coordinator"):
        restore(other, folder, keys)
    assert not other.data_dir.exists()


def test_a_webhook_key_that_was_replaced_since_is_taken_if_one_says_so(
    own: Settings, empty: Empty, tmp_path: Path
) -> None:
    folder, manifest = back_up(own, tmp_path / "backups")
    keys, other = tmp_path / "elsewhere", empty()
    back_up_keys(own, keys, None)
    make_keys(tmp_path / "strange")
    shutil.copy(tmp_path / "strange" / WEBHOOK_KEY, keys / WEBHOOK_KEY)
    with pytest.raises(PreparationError, match="--other-webhook-key"):
        restore(other, folder, keys)
    assert restore(other, folder, keys, other_webhook_key=True).log == manifest.log
    assert _faults(other) == []


@pytest.mark.parametrize("name", [WRAPPING_KEY, LOG_KEY])
def test_no_other_key_may_have_been_replaced(
    own: Settings, empty: Empty, tmp_path: Path, name: str
) -> None:
    folder, _ = back_up(own, tmp_path / "backups")
    keys = tmp_path / "elsewhere"
    back_up_keys(own, keys, None)
    make_keys(tmp_path / "strange")
    shutil.copy(tmp_path / "strange" / name, keys / name)
    with pytest.raises(PreparationError, match=f"{name}: not of the coordinator"):
        restore(empty(), folder, keys, other_webhook_key=True)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_backup_from_before_there_was_a_log_key_is_restored(
    own: Settings, empty: Empty, tmp_path: Path, *, is_there: bool
) -> None:
    folder, manifest = back_up(own, tmp_path / "backups")
    document = strict_json.loads((folder / NAME).read_bytes())
    del document["keys"][LOG_KEY]
    (folder / NAME).write_bytes(canonical_json.dumps(document))
    keys = tmp_path / "keys"
    back_up_keys(own, keys, None)
    if not is_there:
        (keys / LOG_KEY).unlink()
    other = empty()
    assert restore(other, folder, keys).log == manifest.log
    assert (other.keys_dir / LOG_KEY).exists() == is_there


def test_no_keys_are_told_of_with_what_to_do(own: Settings, empty: Empty, tmp_path: Path) -> None:
    folder, _ = back_up(own, tmp_path / "backups")
    with pytest.raises(PreparationError, match="with --keys"):
        restore(empty(), folder, None)


def test_what_is_there_is_not_overwritten(own: Settings, empty: Empty, tmp_path: Path) -> None:
    folder, _ = back_up(own, tmp_path / "backups")
    other = empty()
    restore(other, folder, own.keys_dir)
    with pytest.raises(PreparationError, match=r"is there already|is not empty"):
        restore(other, folder, None)
    third = empty()
    make_keys(third.keys_dir)
    with pytest.raises(PreparationError, match="holds other keys"):
        restore(third, folder, own.keys_dir)


def test_a_backup_that_was_changed_or_cut_is_refused(
    own: Settings, empty: Empty, tmp_path: Path
) -> None:
    folder, manifest = back_up(own, tmp_path / "backups")
    file = folder / manifest.file
    content = file.read_bytes()
    for changed in (content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        file.write_bytes(changed)
        with pytest.raises(PreparationError, match="is not the file that was backed up"):
            restore(empty(), folder, own.keys_dir)
    file.unlink()
    with pytest.raises(PreparationError, match="cannot be read"):
        restore(empty(), folder, own.keys_dir)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "no backup's manifest"),
        (b"[", "no backup's manifest"),
        (None, "name the folder"),
    ],
)
def test_what_is_no_backup_is_told_so(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(PreparationError, match=said):
        Manifest.read(tmp_path)


def test_a_manifest_of_a_later_form_names_its_release(own: Settings, tmp_path: Path) -> None:
    folder, manifest = back_up(own, tmp_path / "backups")
    (folder / "manifest.json").unlink()
    replace(manifest, version=2, release="9.9.9").write(folder)
    with pytest.raises(PreparationError, match=r"restore with release 9\.9\.9"):
        Manifest.read(folder)


def test_what_is_restored_is_compared_with_the_manifest(
    own: Settings, empty: Empty, tmp_path: Path
) -> None:
    folder, manifest = back_up(own, tmp_path / "backups")
    (folder / "manifest.json").unlink()
    more = replace(manifest.log, leaves=manifest.log.leaves + 1)
    replace(manifest, log=more).write(folder)
    with pytest.raises(PreparationError, match=f"says {more.leaves} and {more.events}"):
        restore(empty(), folder, own.keys_dir)


@pytest.mark.postgresql
def test_a_backup_is_not_restored_into_the_other_kind_of_database(
    own: Settings, empty: Empty, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder, _ = back_up(own, tmp_path / "backups")
    other = empty()
    url = ""
    if not other.database_url:
        url = request.getfixturevalue("postgres").create_database()
    with pytest.raises(PreparationError, match="into its own kind"):
        restore(replace(other, database_url=url), folder, own.keys_dir)


def test_keys_and_database_are_kept_apart(own: Settings, tmp_path: Path) -> None:
    for keys in (tmp_path / "b", tmp_path / "b" / "keys"):
        with pytest.raises(PreparationError, match="reads everything"):
            back_up_keys(own, keys, tmp_path / "b")
    with pytest.raises(PreparationError, match="reads everything"):
        back_up_keys(own, own.data_dir / "more", None)


def test_keys_are_copied_once_and_others_never_overwritten(own: Settings, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    assert back_up_keys(own, keys, None)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}
    assert not back_up_keys(own, keys, None)
    (keys / INDEX_KEY).write_bytes(b"x" * 32)
    with pytest.raises(PreparationError, match=f"{INDEX_KEY} is another key"):
        back_up_keys(own, keys, None)
    assert (keys / INDEX_KEY).read_bytes() == b"x" * 32


def test_a_coordinator_with_anothers_keys_is_not_backed_up(own: Settings, tmp_path: Path) -> None:
    shutil.rmtree(own.keys_dir)
    make_keys(own.keys_dir)
    with pytest.raises(PreparationError, match="not those that this database was sealed with"):
        back_up(own, tmp_path / "backups")
    assert not (tmp_path / "backups").exists()


def test_what_fails_leaves_nothing_behind(
    own: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_manifest: Manifest, folder: Path) -> None:
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(Manifest, "write", full)
    with pytest.raises(PreparationError, match="No space left on device; name another folder"):
        back_up(own, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_an_older_pg_dump_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.4'\n", encoding="ascii")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_programs, "wheel_folders", list)
    with pytest.raises(PreparationError, match=r"version 12.*postgresql-client-18"):
        postgres_programs.find_program("pg_dump", 18)
    assert postgres_programs.find_program("pg_dump", 12) == old


def test_no_password_is_shown_to_whoever_lists_processes(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    program = tmp_path / "pg_dump"
    said = tmp_path / "said"
    script = f'#!/bin/sh\n(echo "$@"; env; cat "$PGPASSFILE") > {said}\n'
    program.write_text(script, encoding="ascii")
    program.chmod(0o755)
    url = make_url(postgres.url)
    password = str(url.password)
    where = postgres_programs.without_password(url)
    postgres_programs.run_program(program, [where], url)
    lines = said.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if password in line] == [f"*:*:*:*:{password}"]
    with psycopg.connect(where, password=password) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_commands_say_what_they_did(own: Settings, tmp_path: Path) -> None:
    variables = {
        "HOLDFAST_DATA_DIR": str(own.data_dir),
        "HOLDFAST_DATABASE_URL": own.database_url,
    }

    def run(*words: str, **more: str) -> Any:
        return CliRunner().invoke(main, words, env={**variables, **more}, catch_exceptions=False)

    nothing = run("backup")
    assert (nothing.exit_code, "--to FOLDER" in nothing.stderr) == (1, True)
    together = run("backup", "--to", str(tmp_path / "b"), "--keys-to", str(tmp_path / "b" / "k"))
    assert (together.exit_code, "reads everything" in together.stderr) == (1, True)
    keys = tmp_path / "keys"
    done = run("backup", "--to", str(tmp_path / "b"), "--keys-to", str(keys), "--json")
    said = strict_json.loads(done.stdout.encode())
    assert (done.exit_code, Path(said["backup"]).parent) == (0, tmp_path / "b")
    again = run("backup", "--to", str(tmp_path / "c"), "--keys-to", str(keys))
    assert "verified" in again.stdout
    assert "the same are already in" in again.stdout
    if own.database_url.startswith("sqlite"):
        elsewhere = {"HOLDFAST_DATA_DIR": str(tmp_path / "d"), "HOLDFAST_DATABASE_URL": ""}
        restored = run("restore", said["backup"], "--keys", str(keys), **elsewhere)
        assert (restored.exit_code, "as many as were backed up" in restored.stdout) == (0, True)
        assert run("check", **elsewhere).exit_code == 1
        take_changes_again(replace(own, data_dir=tmp_path / "d", database_url=""))
        assert run("check", **elsewhere).exit_code == 0
