"""Whatever keeps a coordinator from starting is said in one line, with what to do."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.operations.preparation import prepare
from coordinator.settings import Settings
from tests.ports import free_port

pytestmark = pytest.mark.processes

_PATIENCE = 120
Start = Callable[..., str]


def _bound_by_modes() -> list[str]:
    """Return what to start a command with so that even root needs a file's permission."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may write everywhere, and there is no setpriv to take that away")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


@pytest.fixture(name="start")
def _start(tmp_path: Path) -> Start:
    """Start a command that must be refused; returns the one line that it says."""

    def start(*words: str, **more: str) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
        # The usual port may be another test's, and would be refused first.
        own = {"HOLDFAST_DATA_DIR": str(tmp_path / "data"), "HOLDFAST_PORT": str(free_port())}
        done = subprocess.run(
            [*_bound_by_modes(), sys.executable, "-m", "coordinator.cli", *words],
            env={**kept, **own, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 1, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("holdfast-coordinator: ")
        return lines[0]

    return start


@pytest.fixture(name="locked")
def _locked(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a coordinator, in which nothing can be written."""
    folder = tmp_path / "data"
    prepare(Settings.from_env({"HOLDFAST_DATA_DIR": str(folder)}))
    for path in folder.glob("holdfast.sqlite3-*"):
        path.unlink()
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


@pytest.mark.parametrize(
    "words",
    ["serve", "web", "worker", "migrate", "check", "partner list"],
)
def test_a_folder_that_cannot_be_written_is_named_with_who_needs_it(
    start: Start, locked: Path, words: str
) -> None:
    (locked / "holdfast.sqlite3.lock").unlink(missing_ok=True)
    said = start(*words.split())
    assert "HOLDFAST_DATA_DIR" in said
    assert "chown" in said


def test_a_folder_of_metrics_that_cannot_be_made_is_named(start: Start, locked: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    said = start("web", HOLDFAST_METRICS_PORT=port)
    assert f"{locked / f'metrics-{port}'}: Permission denied" in said


def test_a_folder_that_cannot_be_made_is_named(start: Start, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        said = start("serve")
    finally:
        tmp_path.chmod(0o700)
    assert f"cannot make {tmp_path / 'data'}: Permission denied" in said
    assert "choose another HOLDFAST_DATA_DIR" in said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://u:secret@127.0.0.1:many/x", "must be sqlite:////path/of/the/file"),
        ("postgresql+psycopg://u:secret@127.0.0.1", "must be sqlite:////path/of/the/file"),
        ("sqlite:///", "must be sqlite:////path/of/the/file"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "see that it runs"),
        ("sqlite:////nowhere/at/all.sqlite3", "chown"),
    ],
)
def test_a_database_that_cannot_be_is_told_without_its_password(
    start: Start, url: str, said: str
) -> None:
    line = start("serve", HOLDFAST_DATABASE_URL=url)
    assert said in line
    assert "secret" not in line


def test_a_list_that_cannot_be_read_is_named_before_anything_starts(start: Start) -> None:
    said = start("serve", HOLDFAST_SERVICE_WALLETS_FILE="/nowhere")
    assert said.startswith("holdfast-coordinator: HOLDFAST_SERVICE_WALLETS_FILE: /nowhere: ")


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_port_that_is_taken_is_named_with_the_setting(
    start: Start, tmp_path: Path, command: str
) -> None:
    prepare(Settings.from_env({"HOLDFAST_DATA_DIR": str(tmp_path / "data")}))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        said = start(command, HOLDFAST_PORT=port)
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "choose another HOLDFAST_PORT" in said


def test_a_host_that_is_not_ours_is_named(start: Start) -> None:
    said = start("serve", HOLDFAST_HOST="192.0.2.1")
    assert "cannot listen on 192.0.2.1" in said


def test_an_address_for_metrics_that_is_not_ours_is_named(start: Start) -> None:
    said = start("serve", HOLDFAST_METRICS_HOST="192.0.2.1", HOLDFAST_METRICS_PORT="9199")
    assert "cannot serve metrics on 192.0.2.1:9199" in said
