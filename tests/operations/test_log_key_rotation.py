"""The log's key is replaced while the coordinator goes on, and members can follow."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete

from coordinator.app import create_app
from coordinator.cli import main
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import ConflictError, UnavailableError
from coordinator.key_files import LOG_KEY, NEXT_LOG_KEY, KeyFileError, read_keys
from coordinator.operations.backup import back_up, back_up_keys
from coordinator.operations.checks import run_checks, run_thorough_checks
from coordinator.operations.key_rotation import hand_over_log_key, retire_log_key
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import PreparationError, open_settings_database, prepare
from coordinator.operations.restore import restore
from coordinator.rulebook_files import read_rulebook
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import CommandContext, transaction
from coordinator.services.membership.partners import InvitePartner
from coordinator.settings import Settings, clock_of
from coordinator.storage.tables.transparency_log import LogKeyStatementRow
from coordinator.storage.tail import transparency_log as log_store
from holdfast import LogKeys, follow_log_keys
from holdfast.protocol.checkpoint import log_origin, open_checkpoint
from holdfast.protocol.signed_note import NoteVerifier, parse_note
from holdfast.protocol.vocabulary import PartnerKind
from tests.conftest import BACKENDS
from tests.operations.reconciled import take_changes_again
from tests.operations.signing import signing
from tests.postgres import PostgresServer


@pytest.fixture(name="url", params=BACKENDS)
def _url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture(name="fresh")
def _fresh(tmp_path: Path, url: str) -> Settings:
    """Settings of a coordinator with one invitation."""
    settings = Settings.from_env(
        {"HOLDFAST_DATA_DIR": str(tmp_path / "data"), "HOLDFAST_DATABASE_URL": url}
    )
    prepare(settings)
    _invite(settings, "a.example")
    return settings


@pytest.fixture(name="small")
def _small(tmp_path: Path) -> Settings:
    """The same, on SQLite, for what does not depend on the database."""
    settings = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")})
    prepare(settings)
    _invite(settings, "a.example")
    return settings


def _invitation(handle: str) -> InvitePartner:
    return InvitePartner(handle=handle, name="A", kind=PartnerKind.EXCHANGE)


def _invite(settings: Settings, handle: str) -> None:
    carry_out(settings, _invitation(handle))


def _line(settings: Settings) -> NoteVerifier:
    key = read_keys(settings.keys_dir).log
    assert key is not None
    return NoteVerifier(log_origin(settings.origin), key.public)


def _newest(settings: Settings) -> bytes:
    database = open_settings_database(settings)
    try:
        with database.engine.connect() as connection:
            size = log_store.tree_size(connection)
            found = log_store.checkpoint_at(connection, size)
    finally:
        database.engine.dispose()
    assert found is not None
    return found


def _signers(settings: Settings) -> set[bytes]:
    """Return the ids of the keys that signed the newest checkpoint."""
    return {each.key_id for each in parse_note(_newest(settings)).signatures}


def _statements(settings: Settings) -> list[bytes]:
    app = create_app(settings)
    try:
        answer = app.test_client().get("/v1/log/keys")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        return [text.encode() for text in answer.get_json()["statements"]]
    finally:
        app.extensions["holdfast"].database.engine.dispose()


def _size(settings: Settings) -> int:
    database = open_settings_database(settings)
    try:
        with database.engine.connect() as connection:
            return log_store.tree_size(connection)
    finally:
        database.engine.dispose()


def _faults(settings: Settings) -> list[str]:
    return [finding.detail for finding in run_checks(settings) if not finding.is_good]


def _thorough(settings: Settings) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in run_thorough_checks(settings, lambda *_: None):
        found.setdefault(finding.name, []).append(finding.detail if not finding.is_good else "")
    return found


@contextmanager
def _process(settings: Settings) -> Iterator[CommandContext]:
    """What a process has in memory that was started with the keys as they are now."""
    keys = read_keys(settings.keys_dir)
    database = open_settings_database(settings)
    try:
        yield CommandContext(
            origin=settings.origin,
            database=database,
            vault=keys.vault,
            clock=clock_of(settings),
            rulebook=read_rulebook(),
            log_signer=keys.log_signer(settings.origin, settings.log_signer_socket),
        )
    finally:
        database.engine.dispose()


def _carry_out(context: CommandContext, handle: str) -> None:
    with transaction(context) as uow:
        uow.finish(execute(_invitation(handle), COORDINATOR, uow))


def test_both_keys_sign_until_the_old_one_is_retired_and_members_follow(fresh: Settings) -> None:
    old = _line(fresh)
    assert _statements(fresh) == []
    new = hand_over_log_key(fresh, fresh.keys_dir)
    assert (fresh.keys_dir / NEXT_LOG_KEY).stat().st_mode & 0o777 == 0o600
    _invite(fresh, "b.example")
    assert _signers(fresh) == {old.key_id, new.key_id}
    assert follow_log_keys(old, _statements(fresh)).keys == (old, new)
    assert _faults(fresh) == []
    assert any("handed over to" in each.detail for each in run_checks(fresh))
    assert retire_log_key(fresh, fresh.keys_dir) == (old, new)
    assert not (fresh.keys_dir / NEXT_LOG_KEY).exists()
    _invite(fresh, "c.example")
    assert _signers(fresh) == {new.key_id}
    keys = follow_log_keys(old, _statements(fresh))
    assert keys == follow_log_keys(new, _statements(fresh))
    assert keys.counting_at(_size(fresh)) == (new,)
    assert open_checkpoint(_newest(fresh), keys).size == _size(fresh)
    assert _faults(fresh) == []
    assert set(_thorough(fresh)["log keys"] + _thorough(fresh)["log tree"]) == {""}


def test_a_key_is_replaced_again_and_again(small: Settings) -> None:
    lines = [_line(small)]
    for _ in range(2):
        hand_over_log_key(small, small.keys_dir)
        retire_log_key(small, small.keys_dir)
        lines.append(_line(small))
    for known in lines:
        assert follow_log_keys(known, _statements(small)).keys == tuple(lines)
    assert set(_thorough(small)["log keys"] + _thorough(small)["log tree"]) == {""}


def test_a_process_that_nobody_restarted_commits_until_the_old_key_is_retired(
    fresh: Settings,
) -> None:
    with _process(fresh) as before:
        old = _line(fresh)
        new = hand_over_log_key(fresh, fresh.keys_dir)
        _carry_out(before, "b.example")
        assert _signers(fresh) == {old.key_id}
        (fault,) = _faults(fresh)
        assert "did not sign the newest checkpoint" in fault
        with _process(fresh) as between:
            _carry_out(between, "c.example")
            assert _signers(fresh) == {old.key_id, new.key_id}
            retire_log_key(fresh, fresh.keys_dir)
            with pytest.raises(UnavailableError, match="restart the process that signs"):
                _carry_out(before, "d.example")
            _carry_out(between, "e.example")
            assert _signers(fresh) == {old.key_id, new.key_id}
    keys = follow_log_keys(old, _statements(fresh))
    assert open_checkpoint(_newest(fresh), keys).size == _size(fresh)


def test_those_who_replace_it_at_once_log_one_statement(fresh: Settings) -> None:
    before, named = _size(fresh), []

    def hand_over() -> None:
        named.append(hand_over_log_key(fresh, fresh.keys_dir))

    threads = [threading.Thread(target=hand_over) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(named) == 4
    assert (len(_statements(fresh)), _size(fresh)) == (1, before + 1)
    assert set(named) == {follow_log_keys(_line(fresh), _statements(fresh)).newest}
    assert [path.name for path in fresh.keys_dir.iterdir() if path.name.startswith(".")] == []


def test_either_step_goes_on_where_it_was_interrupted(small: Settings) -> None:
    folder = small.keys_dir
    new = hand_over_log_key(small, folder)
    assert hand_over_log_key(small, folder) == new
    assert len(_statements(small)) == 1
    old_pem, new_pem = ((folder / name).read_bytes() for name in (LOG_KEY, NEXT_LOG_KEY))
    retire_log_key(small, folder)
    # As after the statement, before the files; and as between the two files.
    for pem in (old_pem, new_pem):
        for name, content in ((LOG_KEY, pem), (NEXT_LOG_KEY, new_pem)):
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        retire_log_key(small, folder)
        assert _line(small) == new
        assert not (folder / NEXT_LOG_KEY).exists()
    assert len(_statements(small)) == 2
    assert _faults(small) == []


def test_there_is_nothing_to_finish_where_nothing_began(small: Settings) -> None:
    with pytest.raises(PreparationError, match="rotate-key log"):
        retire_log_key(small, small.keys_dir)
    (small.keys_dir / LOG_KEY).unlink()
    with pytest.raises(KeyFileError, match="missing"):
        hand_over_log_key(small, small.keys_dir)


def test_nothing_is_handed_over_by_a_key_that_does_not_sign(
    small: Settings, tmp_path: Path
) -> None:
    other = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "other")})
    prepare(other)
    with pytest.raises(PreparationError, match="another key than the one in that folder"):
        hand_over_log_key(small, other.keys_dir)
    assert not (other.keys_dir / NEXT_LOG_KEY).exists()
    shutil.copy2(other.keys_dir / LOG_KEY, small.keys_dir / LOG_KEY)
    with pytest.raises(PreparationError, match="not the one that signed this log"):
        hand_over_log_key(small, small.keys_dir)


def test_a_restored_log_hands_nothing_over_before_it_is_reconciled(
    small: Settings, tmp_path: Path
) -> None:
    backup, _ = back_up(small, tmp_path / "backups")
    other = replace(small, data_dir=tmp_path / "other")
    restore(other, backup, small.keys_dir)
    with pytest.raises(PreparationError, match="holdfast-coordinator reconcile"):
        hand_over_log_key(other, other.keys_dir)
    # No key is left behind that a later run would take for one that takes over.
    assert not (other.keys_dir / NEXT_LOG_KEY).exists()


def test_no_second_key_takes_over_while_one_does(small: Settings) -> None:
    hand_over_log_key(small, small.keys_dir)
    (small.keys_dir / NEXT_LOG_KEY).unlink()
    with pytest.raises(ConflictError, match="copy its file"):
        hand_over_log_key(small, small.keys_dir)
    assert len(_statements(small)) == 1


def test_the_check_names_a_handover_that_this_coordinator_did_not_make(small: Settings) -> None:
    hand_over_log_key(small, small.keys_dir)
    database = open_settings_database(small)
    with database.writing() as connection, connection.begin():
        connection.execute(delete(LogKeyStatementRow))
    database.engine.dispose()
    (fault,) = _thorough(small)["log keys"]
    assert "did not make it" in fault


def test_the_old_key_alone_is_no_key_of_the_log_afterwards(small: Settings, tmp_path: Path) -> None:
    shutil.copy2(small.keys_dir / LOG_KEY, tmp_path / LOG_KEY)
    hand_over_log_key(small, small.keys_dir)
    retire_log_key(small, small.keys_dir)
    _invite(small, "b.example")
    shutil.copy2(tmp_path / LOG_KEY, small.keys_dir / LOG_KEY)
    (fault,) = _faults(small)
    assert "not the one that signed this log" in fault
    with pytest.raises(UnavailableError, match="was replaced by"):
        _invite(small, "c.example")


def test_a_log_of_another_origin_begins_with_the_key_that_is_there(small: Settings) -> None:
    hand_over_log_key(small, small.keys_dir)
    retire_log_key(small, small.keys_dir)
    moved = replace(small, origin="https://moved.example")
    _invite(moved, "b.example")
    first = _line(moved)
    assert follow_log_keys(first, _statements(moved)) == LogKeys.of(first)
    assert open_checkpoint(_newest(moved), LogKeys.of(first)).size == _size(moved)
    second = hand_over_log_key(moved, moved.keys_dir)
    retire_log_key(moved, moved.keys_dir)
    assert follow_log_keys(first, _statements(moved)).keys == (first, second)
    assert set(_thorough(moved)["log keys"] + _thorough(moved)["log tree"]) == {""}


def test_a_backup_of_between_has_both_keys(small: Settings, tmp_path: Path) -> None:
    hand_over_log_key(small, small.keys_dir)
    folder, _ = back_up(small, tmp_path / "backups")
    back_up_keys(small, tmp_path / "media", None)
    elsewhere = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "elsewhere")})
    restore(elsewhere, folder, tmp_path / "media")
    take_changes_again(elsewhere)
    assert _faults(elsewhere) == []
    retire_log_key(elsewhere, elsewhere.keys_dir)
    _invite(elsewhere, "b.example")
    assert _faults(elsewhere) == []


def test_the_key_of_a_signer_apart_is_replaced_in_its_own_folder(
    small: Settings, tmp_path: Path
) -> None:
    old, folder = _line(small), tmp_path / "signer"
    folder.mkdir()
    (small.keys_dir / LOG_KEY).rename(folder / LOG_KEY)
    apart = replace(small, log_signer_socket=tmp_path / "signer.sock")
    with pytest.raises(PreparationError, match="does not answer"):
        hand_over_log_key(apart, folder)
    with signing(apart, folder):
        new = hand_over_log_key(apart, folder)
        assert _signers(apart) == {old.key_id}
        # It has not read the new key yet.
        with pytest.raises(UnavailableError, match="restart the process that signs"):
            retire_log_key(apart, folder)
    with signing(apart, folder):
        _invite(apart, "b.example")
        assert _signers(apart) == {old.key_id, new.key_id}
        assert retire_log_key(apart, folder) == (old, new)
    assert not (folder / NEXT_LOG_KEY).exists()
    with signing(apart, folder):
        _invite(apart, "c.example")
        assert _signers(apart) == {new.key_id}
        assert follow_log_keys(old, _statements(apart)).newest == new
        assert _faults(apart) == []


def test_the_command_says_what_comes_next(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_DATA_DIR", str(small.data_dir))

    def run(*words: str) -> str:
        return CliRunner().invoke(main, ["rotate-key", *words]).output

    old = str(_line(small))
    said = run("log")
    assert "handed over to 127.0.0.1:8080/v1/log+" in said
    assert "Restart" in said
    assert "--finish" in said
    said = run("log", "--finish")
    assert f"What {old} signed before stays proven" in said
    assert "webhook --stolen" in run("log", "--stolen")
    assert "rotate-key log" in run("log", "--finish")
    assert "rotate-key log --keys" in run("webhook", "--keys", str(small.keys_dir))
