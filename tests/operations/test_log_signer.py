"""A coordinator whose log is signed by a process of its own."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from coordinator.app import create_app
from coordinator.domain.errors import UnavailableError
from coordinator.key_files import LOG_KEY, KeyFileError
from coordinator.operations.checks import run_checks
from coordinator.operations.log_signer import serve_signer
from coordinator.operations.membership import carry_out
from coordinator.operations.preparation import (
    PreparationError,
    open_settings_database,
    prepare,
)
from coordinator.services.membership.partners import InvitePartner
from coordinator.settings import Settings
from coordinator.transparency_log.high_water import HIGH_WATER
from coordinator.transparency_log.socket_signer import SocketSigner
from holdfast.protocol.checkpoint import log_origin
from holdfast.protocol.vocabulary import PartnerKind
from tests.architecture.tree import ROOT
from tests.operations.signing import signing


@pytest.fixture
def apart(tmp_path: Path) -> Settings:
    """Settings of a prepared coordinator whose log's key lies with the signer."""
    fresh = Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")})
    prepare(fresh)
    folder = tmp_path / "signer"
    folder.mkdir()
    (fresh.keys_dir / LOG_KEY).rename(folder / LOG_KEY)
    return replace(fresh, log_signer_socket=tmp_path / "signer.sock")


@contextmanager
def _signing(settings: Settings) -> Iterator[Path]:
    """Run the signer; yields its folder."""
    folder = settings.data_dir.parent / "signer"
    with signing(settings, folder):
        yield folder


def _faults(settings: Settings) -> list[str]:
    return [finding.detail for finding in run_checks(settings) if not finding.is_good]


def _invite(settings: Settings, handle: str) -> None:
    carry_out(settings, InvitePartner(handle=handle, name="A", kind=PartnerKind.EXCHANGE))


def _execute(settings: Settings, *statements: str) -> None:
    database = open_settings_database(settings)
    with database.writing() as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))
    database.engine.dispose()


def test_a_coordinator_commits_what_the_signer_signs(apart: Settings) -> None:
    with _signing(apart) as folder:
        _invite(apart, "a.example")
        assert (folder / HIGH_WATER).stat().st_mode & 0o777 == 0o600
        signer = SocketSigner(folder.parent / "signer.sock", log_origin(apart.origin))
        assert signer.verifier.name == "127.0.0.1:8080/v1/log"
        assert _faults(apart) == []


def test_a_check_says_that_the_signer_is_down_or_signs_another_log(apart: Settings) -> None:
    (fault,) = _faults(apart)
    assert "does not answer" in fault
    with _signing(apart):
        (fault,) = _faults(replace(apart, origin="https://other.example"))
    assert "signs the log 127.0.0.1:8080/v1/log and no other" in fault


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which root alone may")
def test_a_user_who_may_not_open_the_socket_is_told_so(apart: Settings, tmp_path: Path) -> None:
    script = f"""if True:
        import os
        from pathlib import Path
        from coordinator.transparency_log.socket_signer import SocketSigner
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
        print(SocketSigner(Path("signer.sock"), {log_origin(apart.origin)!r}).verifier)
    """
    with _signing(apart):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert "must be in the group of the signer's user" in done.stderr


def test_a_web_process_is_ready_only_while_its_signer_answers(apart: Settings) -> None:
    with _signing(apart):
        app = create_app(apart)
        assert app.test_client().get("/readyz").status_code == 200
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["detail"] == "the log's signer does not answer"
    assert app.test_client().get("/healthz").status_code == 200


def test_while_the_signer_is_down_nothing_is_committed(apart: Settings) -> None:
    with pytest.raises(UnavailableError, match="log-signer"):
        _invite(apart, "a.example")
    with _signing(apart):
        _invite(apart, "a.example")


def test_callers_do_not_learn_where_the_signer_should_be(apart: Settings) -> None:
    client = create_app(apart).test_client()
    with capture_logs() as logs:
        answer = client.get("/v1")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert answer.get_json()["detail"] == "the log's signer does not answer"
    assert b"signer.sock" not in answer.data
    # The operator does.
    assert "signer.sock" in str(logs)


def test_a_log_that_was_cut_is_not_signed_on(apart: Settings) -> None:
    with _signing(apart):
        for number in range(3):
            _invite(apart, f"a{number}.example")
    # As after the restore of a backup from before the last two.
    _execute(
        apart,
        "UPDATE log_head SET leaf_count = 1, tree_size = 1, frontier = (SELECT substr(nodes, 1, 32)"
        ' FROM log_leaf WHERE "index" = 0)',
        'DELETE FROM log_leaf WHERE "index" > 0',
    )
    with _signing(apart), pytest.raises(UnavailableError, match="older"):
        _invite(apart, "b.example")


def test_a_second_signer_on_one_key_does_not_start_and_leaves_the_first_alone(
    apart: Settings,
) -> None:
    at_once = threading.Event()
    at_once.set()
    with _signing(apart) as folder:
        with pytest.raises(PreparationError, match="already"):
            serve_signer(apart, folder, at_once)
        _invite(apart, "a.example")
    with _signing(apart):
        _invite(apart, "b.example")


def test_a_signer_without_a_socket_or_key_says_so(apart: Settings, tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(PreparationError, match="HOLDFAST_LOG_SIGNER_SOCKET"):
        serve_signer(replace(apart, log_signer_socket=None), tmp_path, stop)
    with pytest.raises(KeyFileError, match="missing"):
        serve_signer(apart, tmp_path, stop)
    nowhere = replace(apart, log_signer_socket=tmp_path / "nowhere" / "signer.sock")
    with pytest.raises(PreparationError, match=r"nowhere/signer\.sock.*its folder"):
        serve_signer(nowhere, tmp_path / "signer", stop)
    (tmp_path / "signer" / HIGH_WATER).write_bytes(b"{}")
    with pytest.raises(PreparationError, match="not of the log"):
        serve_signer(apart, tmp_path / "signer", stop)
