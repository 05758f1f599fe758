"""Keys are replaced while the coordinator goes on, and nothing that the old ones did is lost."""

import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from coordinator.app import create_app
from coordinator.cli import main
from coordinator.key_files import (
    OLD_WEBHOOK_KEY,
    OLD_WRAPPING_KEY,
    RETIRED_KEYS,
    WEBHOOK_KEY,
    WRAPPING_KEY,
    KeyFileError,
    read_keys,
)
from coordinator.operations.backup import back_up, back_up_keys
from coordinator.operations.checks import run_checks
from coordinator.operations.key_rotation import (
    replace_webhook_key,
    replace_wrapping_key,
    retire_webhook_key,
    wrap_documents_anew,
)
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import PreparationError, open_settings_database, prepare
from coordinator.operations.restore import restore
from coordinator.services.membership.partners import InvitePartner
from coordinator.settings import Settings
from coordinator.storage.engine.documents import Vault, store_key
from holdfast.protocol.vocabulary import PartnerKind
from tests.operations.reconciled import take_changes_again


@pytest.fixture(name="fresh")
def _fresh(tmp_path: Path) -> Settings:
    settings = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")})
    prepare(settings)
    _invite(settings, "a.example")
    return settings


def _invite(settings: Settings, handle: str) -> None:
    carry_out(settings, InvitePartner(handle=handle, name="A", kind=PartnerKind.EXCHANGE))


def _new_data_key(settings: Settings, vault: Vault) -> None:
    """Store a data key as a process does that has this vault in memory."""
    database = open_settings_database(settings)
    with database.writing() as connection, connection.begin():
        key, wrapped = vault.new_key()
        store_key(connection, key, wrapped, datetime(2026, 3, 2, tzinfo=UTC))
    database.engine.dispose()


def _faults(settings: Settings) -> list[str]:
    return [finding.detail for finding in run_checks(settings) if not finding.is_good]


def _keys_line(settings: Settings) -> str:
    return next(f.detail for f in run_checks(settings) if f.name == "keys")


def test_documents_open_before_during_and_after(fresh: Settings) -> None:
    before = read_keys(fresh.keys_dir).vault
    replace_wrapping_key(fresh)
    assert (fresh.keys_dir / WRAPPING_KEY).stat().st_mode & 0o777 == 0o600
    assert (fresh.keys_dir / OLD_WRAPPING_KEY).stat().st_mode & 0o777 == 0o600
    _invite(fresh, "b.example")
    assert OLD_WRAPPING_KEY in _keys_line(fresh)
    _new_data_key(fresh, before)  # by a process that nobody restarted
    assert wrap_documents_anew(fresh) > 0
    assert OLD_WRAPPING_KEY not in _keys_line(fresh)
    assert wrap_documents_anew(fresh) == 0
    (fresh.keys_dir / OLD_WRAPPING_KEY).unlink()
    assert _faults(fresh) == []


def test_what_a_process_wrote_late_with_the_old_key_is_wrapped_by_another_run(
    fresh: Settings,
) -> None:
    before = read_keys(fresh.keys_dir).vault
    replace_wrapping_key(fresh)
    wrap_documents_anew(fresh)
    _new_data_key(fresh, before)
    assert "1 data keys need" in _keys_line(fresh)
    assert wrap_documents_anew(fresh) == 1


def test_a_key_is_not_replaced_before_the_last_one_was_finished(fresh: Settings) -> None:
    replace_wrapping_key(fresh)
    with pytest.raises(PreparationError, match="--finish"):
        replace_wrapping_key(fresh)
    replace_webhook_key(fresh)
    with pytest.raises(PreparationError, match="--finish"):
        replace_webhook_key(fresh)
    assert _faults(fresh) == []


def test_a_replacement_that_was_interrupted_goes_on(fresh: Settings) -> None:
    # As after the first of its two files.
    shutil.copy2(fresh.keys_dir / WRAPPING_KEY, fresh.keys_dir / OLD_WRAPPING_KEY)
    (fresh.keys_dir / f".{WRAPPING_KEY}.new").write_bytes(b"half")
    replace_wrapping_key(fresh)
    assert wrap_documents_anew(fresh) > 0
    assert _faults(fresh) == []


def test_nothing_is_replaced_where_the_keys_are_anothers(fresh: Settings, tmp_path: Path) -> None:
    other = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "other")})
    prepare(other)
    shutil.copy2(other.keys_dir / WRAPPING_KEY, fresh.keys_dir / WRAPPING_KEY)
    with pytest.raises(PreparationError, match="not those"):
        replace_wrapping_key(fresh)
    assert not (fresh.keys_dir / OLD_WRAPPING_KEY).exists()


@pytest.mark.parametrize(
    ("finish", "match"),
    [(wrap_documents_anew, "rotate-key documents"), (retire_webhook_key, "rotate-key webhook")],
)
def test_there_is_nothing_to_finish_where_nothing_began(
    fresh: Settings, finish: Callable[[Settings], object], match: str
) -> None:
    with pytest.raises(PreparationError, match=match):
        finish(fresh)


def _published(settings: Settings) -> list[str]:
    app = create_app(settings)
    keys = app.test_client().get("/.well-known/jwks.json").get_json()["keys"]
    return [key["kid"] for key in keys]


def test_both_webhook_keys_sign_until_the_old_one_is_retired_and_it_stays_published(
    fresh: Settings,
) -> None:
    old = read_keys(fresh.keys_dir).webhook.public
    keys = replace_webhook_key(fresh)
    new = keys.webhook.public
    assert [key.public for key in keys.webhook_keys] == [new, old]
    assert _published(fresh) == [new.kid, old.kid]
    assert old.kid in _keys_line(fresh)
    assert retire_webhook_key(fresh) == old
    keys = read_keys(fresh.keys_dir)
    assert [key.public for key in keys.webhook_keys] == [new]
    assert _published(fresh) == [new.kid, old.kid]
    assert _faults(fresh) == []


def test_every_key_that_signed_stays_published_once(fresh: Settings) -> None:
    kids = [read_keys(fresh.keys_dir).webhook.kid]
    for _ in range(2):
        kids.append(replace_webhook_key(fresh).webhook.kid)
        # As after the first of the two files that retiring changes.
        kept = (fresh.keys_dir / OLD_WEBHOOK_KEY).read_bytes()
        retire_webhook_key(fresh)
        (fresh.keys_dir / OLD_WEBHOOK_KEY).write_bytes(kept)
        (fresh.keys_dir / OLD_WEBHOOK_KEY).chmod(0o600)
        retire_webhook_key(fresh)
    assert sorted(_published(fresh)) == sorted(kids)


def test_a_stolen_webhook_key_signs_and_counts_no_more(fresh: Settings) -> None:
    keys = replace_webhook_key(fresh, is_stolen=True)
    assert keys.old_webhook is None
    assert _published(fresh) == [keys.webhook.kid]


def test_a_set_of_retired_keys_that_is_none_is_named(fresh: Settings) -> None:
    path = fresh.keys_dir / RETIRED_KEYS
    path.write_text('{"keys": [{"kty": "OKP"}]}', encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=RETIRED_KEYS):
        read_keys(fresh.keys_dir)
    assert any(RETIRED_KEYS in fault for fault in _faults(fresh))


def test_a_backup_of_before_opens_while_the_old_key_is_there(
    fresh: Settings, tmp_path: Path
) -> None:
    folder, _ = back_up(fresh, tmp_path / "backups")
    replace_wrapping_key(fresh)
    back_up_keys(fresh, tmp_path / "media", None)
    elsewhere = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "elsewhere")})
    restore(elsewhere, folder, tmp_path / "media")
    take_changes_again(elsewhere)
    assert _faults(elsewhere) == []
    (tmp_path / "media" / OLD_WRAPPING_KEY).unlink()
    with pytest.raises(PreparationError, match=WRAPPING_KEY):
        restore(
            Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "third")}),
            folder,
            tmp_path / "media",
        )


def test_a_backup_of_before_goes_with_another_webhook_key_if_that_is_said(
    fresh: Settings, tmp_path: Path
) -> None:
    folder, _ = back_up(fresh, tmp_path / "backups")
    replace_webhook_key(fresh)
    retire_webhook_key(fresh)
    back_up_keys(fresh, tmp_path / "media", None)
    elsewhere = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "elsewhere")})
    with pytest.raises(PreparationError, match=WEBHOOK_KEY):
        restore(elsewhere, folder, tmp_path / "media")
    restore(elsewhere, folder, tmp_path / "media", other_webhook_key=True)
    assert (elsewhere.keys_dir / RETIRED_KEYS).exists()


def test_the_command_says_what_comes_next(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_DATA_DIR", str(fresh.data_dir))

    def run(*words: str) -> str:
        return CliRunner().invoke(main, ["rotate-key", *words]).output

    assert "Restart" in run("documents")
    assert "data keys were wrapped" in run("documents", "--finish")
    assert "Both keys sign" in run("webhook")
    assert "stays published" in run("webhook", "--finish")
    assert "Tell all members" in run("webhook", "--stolen")
    assert "first step" in run("documents", "--stolen")
    assert stat.S_IMODE((fresh.keys_dir / WEBHOOK_KEY).stat().st_mode) == 0o600
