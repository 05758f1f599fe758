"""What docs/operate.md tells an operator to type works as it stands there.

What needs root, systemd or Debian's packages is left to the hand: the paths of a host are replaced
by those of the test, and everything else is run.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from coordinator.app import create_app
from coordinator.cli import COMMANDS
from coordinator.domain.clock import SteppedClock, SystemClock
from coordinator.operations.preparation import open_settings_database, prepare
from coordinator.settings import Settings
from holdfast import LogMonitor
from holdfast.protocol.signed_note import NoteVerifier
from tests import factories
from tests.architecture.tree import ROOT
from tests.operations.reconciled import ClientLog

pytestmark = pytest.mark.processes

_PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
_PATIENCE = 180


def _blocks(heading: str) -> list[str]:
    section = _PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found: list[str] = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return found


class Host:
    """A host's paths, within a folder, and its coordinator on SQLite with four members."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.use("var/lib/holdfast")

    def use(self, data: str) -> Settings:
        """Write /etc/holdfast/holdfast.toml, with the data in a folder."""
        text = (ROOT / "deploy" / "holdfast.toml").read_text(encoding="utf-8")
        text = re.sub(r"^database_url.*\n", "", text, flags=re.MULTILINE)
        file = self.folder / "etc/holdfast/holdfast.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("/var/lib/holdfast", str(self.folder / data)), "utf-8")
        return Settings.from_env({"HOLDFAST_CONFIG": str(file)})

    def run(self, *blocks: str) -> str:
        """Run blocks of the page in a shell that ends at the first fault."""
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("needs bash")
        text = "".join(blocks)
        for place in (
            "/var/backups",
            "/var/lib/holdfast/erased",
            "/var/lib/holdfast-copies",
            "/media/holdfast-keys",
            "/etc/holdfast",
        ):
            text = text.replace(place, str(self.folder) + place)
        done = subprocess.run(
            [bash, "-c", f"set -e -o pipefail\n{text}"],
            cwd=self.folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")},
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOLDFAST_CONFIG": str(self.folder / "etc/holdfast/holdfast.toml"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def _follow(settings: Settings, folder: Path) -> None:
    """Have a member's monitor keep the log of a coordinator, up to its end."""
    app = create_app(settings, clock=SteppedClock(SystemClock().now() + timedelta(minutes=1)))
    client = app.test_client()
    key = NoteVerifier.parse(client.get("/v1").get_json()["log"]["verifier_key"])
    with LogMonitor(folder, key, ClientLog(client)) as monitor:
        assert monitor.step().size
    app.extensions["holdfast"].watcher.stop()
    app.extensions["holdfast"].database.engine.dispose()


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    settings = host.use("var/lib/holdfast")
    keys = prepare(settings)
    database = open_settings_database(settings)
    for handle in factories.HANDLES:
        exchange = factories.new_exchange(handle)
        factories.admit(database, keys.vault, SystemClock(), exchange)
    database.engine.dispose()
    return host


def test_an_operator_lets_in_suspends_backs_up_and_restores(host: Host) -> None:
    (invite,) = _blocks("Let members in")
    said = host.run(invite.replace("exchange-a.example", "exchange-z.example"))
    assert "HANDLE" in said
    assert re.search(r"^exchange-z\.example +invited", said, re.MULTILINE)

    back_up, erasures = _blocks("Back up")
    assert "verified" in host.run(back_up)
    host.run(erasures)
    daily = next(block for block in _blocks("Watch") if "holdfast-coordinator check" in block)
    assert "FAIL" not in host.run(daily)

    (suspend,) = _blocks("Suspend a member")
    said = host.run(suspend)
    assert "exchange-a.example is suspended" in said
    assert "exchange-a.example is active" in said

    _, restore, reconcile, again = _blocks("Restore")
    host.use("var/lib/elsewhere")
    said = host.run(restore)
    assert "as many as were backed up" in said
    assert "FAIL" not in said
    # A monitor that saw the log up to its end, and three minutes.
    monitor = host.folder / "var/lib/holdfast-copies/exchange-a.example"
    _follow(host.use("var/lib/holdfast"), monitor)
    host.use("var/lib/elsewhere")
    clock = host.folder / "clock"
    clock.write_text("200", encoding="ascii")
    said = host.run(f"export HOLDFAST_CLOCK_OFFSET_FILE={clock}\n", reconcile)
    assert "entries were given back" in said
    assert "FAIL" not in said
    assert "erased again: 0" in host.run(again)


def test_what_a_court_may_ask_for_is_kept_as_the_page_says(host: Host) -> None:
    (keep,) = _blocks("Answer a court")
    said = host.run(keep)
    assert "verified" in said
    assert "FAIL" not in said
    assert len(list((host.folder / "var/backups/holdfast-court").iterdir())) == 1


def test_a_new_webhook_key_is_taken(host: Host) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    made = re.search(r"`(umask 077; openssl .*?)`", _PAGE)
    assert made is not None
    settings = host.use("var/lib/holdfast")
    (settings.keys_dir / "webhook-signing.pem").unlink()
    command = made[1].replace("/var/lib/holdfast", str(settings.data_dir))
    assert "FAIL" not in host.run(f"{command}\nholdfast-coordinator check\n")


def test_keys_are_replaced_as_the_page_says(host: Host) -> None:
    documents, webhook, log, log_finished = (
        "".join(
            line
            for line in block.splitlines(keepends=True)
            if line.startswith("holdfast-coordinator ")
        )
        for block in _blocks("Replace a key")
    )
    said = host.run(
        documents,
        webhook,
        "holdfast-coordinator rotate-key webhook --finish\n",
        log,
        log_finished,
    )
    assert "data keys were wrapped under the new key" in said
    assert "stays published for clearances" in said
    assert "both sign until `rotate-key log --finish`" in said
    assert "the last of 2 keys" in said
    assert "FAIL" not in said


def test_a_process_of_its_own_signs_with_what_the_page_writes(host: Host) -> None:
    settings, move, _ = _blocks("Have a process of its own sign the log")
    place = host.folder / "signer"
    place.mkdir()
    lines = [
        line.replace("/run/holdfast-log", str(place))
        .replace("/var/lib/holdfast-log", str(place))
        .replace("/var/lib/holdfast", str(host.folder / "var/lib/holdfast"))
        for line in (settings + move).splitlines(keepends=True)
        if line.startswith(("socket=", "printf ", "sed ", "mv "))
    ]
    assert len(lines) == 4
    host.run(*lines)
    signing = (
        f"HOLDFAST_CONFIG=/etc/holdfast-log.toml holdfast-coordinator log-signer --keys {place} &\n"
        "trap 'kill $!' EXIT\n"
        f"until [ -S {place}/signer.sock ]; do sleep 0.1; kill -0 $!; done\n"
    )
    said = host.run(
        signing,
        "holdfast-coordinator partner invite exchange-z.example --name Z\n",
        "holdfast-coordinator check\n",
    )
    assert re.search(r"^ok +log signer: answers", said, re.MULTILINE)
    assert (place / "log-signed.json").exists()


def test_every_file_and_command_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]+\w", _PAGE)) - {"deploy/.env"}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    commands = set(re.findall(r"holdfast-coordinator ([a-z][a-z-]+)", _PAGE))
    assert commands - set(COMMANDS) == set()
    settings = {f"HOLDFAST_{name.upper()}" for name in Settings.__annotations__}
    settings |= {"HOLDFAST_CONFIG"}
    assert set(re.findall(r"HOLDFAST_[A-Z_]+", _PAGE)) - settings == set()


def test_the_wrapper_runs_what_the_units_run() -> None:
    wrapper = (ROOT / "deploy" / "holdfast-coordinator").read_text(encoding="utf-8")
    unit = (ROOT / "deploy" / "systemd" / "holdfast-web.service").read_text(encoding="utf-8")
    program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    user = re.search(r"^User=(\S+)", unit, re.MULTILINE)
    config = re.search(r"HOLDFAST_CONFIG=(\S+)", unit)
    assert program is not None
    assert user is not None
    assert config is not None
    for part in (f"{program[1]} ", f"--reuid {user[1]} ", f"HOLDFAST_CONFIG={config[1]} "):
        assert part in wrapper
