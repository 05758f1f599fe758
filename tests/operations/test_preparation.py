"""Keys are made once, with a fresh database, and never replaced in silence."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from coordinator.key_files import (
    DOCUMENT_KEY,
    INDEX_KEY,
    LOG_KEY,
    WEBHOOK_KEY,
    WRAPPING_KEY,
    KeyFileError,
    make_keys,
    make_log_key,
    read_keys,
    read_log_keys,
)
from coordinator.operations.checks import run_checks
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import (
    PreparationError,
    open_settings_database,
    prepare,
    require_ready,
)
from coordinator.services.membership.partners import InvitePartner
from coordinator.settings import Settings
from coordinator.storage import schema
from coordinator.storage.engine.base import Base
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.vocabulary import PartnerKind

NAMES = [WRAPPING_KEY, INDEX_KEY, WEBHOOK_KEY, LOG_KEY]


@pytest.fixture(name="fresh")
def _fresh(tmp_path: Path) -> Settings:
    return Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")})


def _execute(settings: Settings, statement: str) -> None:
    database = open_settings_database(settings)
    with database.writing() as connection, connection.begin():
        connection.execute(text(statement))
    database.engine.dispose()


def _invite(settings: Settings) -> None:
    carry_out(settings, InvitePartner(handle="a.example", name="A", kind=PartnerKind.EXCHANGE))


def test_a_fresh_coordinator_gets_its_keys_and_its_schema(fresh: Settings) -> None:
    keys = prepare(fresh)
    made = sorted(path.name for path in fresh.keys_dir.iterdir())
    assert made == sorted([*NAMES, DOCUMENT_KEY])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in fresh.keys_dir.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(fresh.keys_dir.stat().st_mode) == 0o700
    assert prepare(fresh).webhook.kid == keys.webhook.kid
    assert [finding for finding in run_checks(fresh) if not finding.is_good] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_key_of_a_used_database_is_not_replaced(fresh: Settings, name: str) -> None:
    prepare(fresh)
    (fresh.keys_dir / name).unlink()
    with pytest.raises(KeyFileError, match=f"{name} is missing.*backup"):
        prepare(fresh)
    assert not (fresh.keys_dir / name).exists()


def test_a_lost_key_of_documents_is_made_anew_by_migrating_alone(fresh: Settings) -> None:
    first = prepare(fresh).document_key().fingerprint
    assert prepare(fresh).document_key().fingerprint == first
    (fresh.keys_dir / DOCUMENT_KEY).unlink()
    with pytest.raises(KeyFileError, match="holdfast-coordinator migrate"):
        require_ready(fresh)
    assert not (fresh.keys_dir / DOCUMENT_KEY).exists()
    assert prepare(fresh).document_key().fingerprint != first
    require_ready(fresh)


def test_a_malformed_key_of_documents_is_named(fresh: Settings) -> None:
    prepare(fresh)
    (fresh.keys_dir / DOCUMENT_KEY).write_bytes(b"nothing")
    with pytest.raises(KeyFileError, match=DOCUMENT_KEY):
        prepare(fresh)
    assert {f.name for f in run_checks(fresh) if not f.is_good} == {"keys"}


def test_a_log_that_was_never_signed_gets_its_key_when_it_is_migrated(fresh: Settings) -> None:
    make_keys(fresh.keys_dir)
    (fresh.keys_dir / LOG_KEY).unlink()
    database = open_settings_database(fresh)
    schema.upgrade(database, "0006")
    database.engine.dispose()
    keys = prepare(fresh)
    assert keys.log is not None
    assert read_log_keys(fresh.keys_dir)[0].kid == keys.log.kid


def test_the_key_of_the_log_may_lie_with_a_process_of_its_own(
    fresh: Settings, tmp_path: Path
) -> None:
    prepare(fresh)
    (fresh.keys_dir / LOG_KEY).unlink()
    apart = replace(fresh, log_signer_socket=tmp_path / "signer.sock")
    assert prepare(apart).log is None
    # Nothing is wrong but that it does not run here.
    assert {f.name for f in run_checks(apart) if not f.is_good} == {"log signer"}
    assert {f.name for f in run_checks(fresh) if not f.is_good} == {"keys"}


def test_another_key_than_the_one_that_signed_the_log_is_refused(fresh: Settings) -> None:
    prepare(fresh)
    _invite(fresh)
    prepare(fresh)
    (fresh.keys_dir / LOG_KEY).unlink()
    make_log_key(fresh.keys_dir)
    for start in (prepare, require_ready):
        with pytest.raises(PreparationError, match="not the one that signed this log"):
            start(fresh)
    assert {f.name for f in run_checks(fresh) if not f.is_good} == {"log key"}
    # Under another origin it is another log, which members meet for the first time.
    require_ready(replace(fresh, origin="https://other.example"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(fresh: Settings, mode: int) -> None:
    prepare(fresh)
    (fresh.keys_dir / WEBHOOK_KEY).chmod(mode)
    with pytest.raises(KeyFileError, match="open to others"):
        prepare(fresh)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (WRAPPING_KEY, b"short"),
        (INDEX_KEY, b"x" * 33),
        (WEBHOOK_KEY, b"no key"),
        (WEBHOOK_KEY, PrivateKey.generate("ES256").to_pem()),
    ],
    ids=["short", "long", "no PEM", "P-256"],
)
def test_a_malformed_key_is_refused(fresh: Settings, name: str, content: bytes) -> None:
    prepare(fresh)
    (fresh.keys_dir / name).write_bytes(content)
    with pytest.raises(KeyFileError, match=name):
        read_keys(fresh.keys_dir)


def test_another_coordinators_keys_are_refused(fresh: Settings) -> None:
    prepare(fresh)
    _invite(fresh)
    for name in NAMES:
        (fresh.keys_dir / name).unlink()
    make_keys(fresh.keys_dir)
    with pytest.raises(PreparationError, match="not those that this database was sealed with"):
        prepare(fresh)
    assert {f.name for f in run_checks(fresh) if not f.is_good} == {"keys", "log key"}


def test_keys_are_never_overwritten(fresh: Settings) -> None:
    make_keys(fresh.keys_dir)
    before = (fresh.keys_dir / WRAPPING_KEY).read_bytes()
    with pytest.raises(KeyFileError, match="not overwritten"):
        make_keys(fresh.keys_dir)
    assert (fresh.keys_dir / WRAPPING_KEY).read_bytes() == before


def test_a_database_of_a_later_release_is_refused(fresh: Settings) -> None:
    prepare(fresh)
    _execute(fresh, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(PreparationError, match="revision 9999"):
        prepare(fresh)
    assert {f.name for f in run_checks(fresh) if not f.is_good} == {"schema"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_head SET leaf_count = leaf_count + 1",
        "UPDATE log_head SET event_seq = event_seq + 1",
        "DELETE FROM log_leaf",
        'UPDATE log_leaf SET "index" = "index" + 1',
    ],
)
def test_a_log_that_does_not_fit_its_head_is_found(fresh: Settings, statement: str) -> None:
    prepare(fresh)
    _invite(fresh)
    assert all(finding.is_good for finding in run_checks(fresh))
    _execute(fresh, statement)
    assert {f.name for f in run_checks(fresh) if not f.is_good} == {"log"}


def test_a_database_that_was_never_migrated_is_found_and_left_alone(fresh: Settings) -> None:
    open_settings_database(fresh).engine.connect().close()
    found = {f.name for f in run_checks(fresh) if not f.is_good}
    assert found == {"schema", "keys"}
    assert Base.metadata.tables
    assert not fresh.keys_dir.exists()
