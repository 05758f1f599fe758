"""What the operator types, and what is answered."""

import gc
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click import Context
from click.testing import CliRunner, Result

from coordinator.cli import COMMANDS, main
from holdfast.protocol import strict_json

Run = Any


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("HOLDFAST_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)

    return run


def _invite(run: Run, handle: str = "exchange-a.example", *more: str) -> Result:
    result: Result = run("partner", "invite", handle, "--name", "Exchange A", *more)
    return result


def test_a_fresh_coordinator_is_migrated_and_checked(run: Run) -> None:
    assert run("check").exit_code == 1
    migrated = run("migrate")
    assert (migrated.exit_code, "SQLite" in migrated.stdout) == (0, True)
    assert "backup --keys-to" in migrated.stdout
    assert "keys" not in run("migrate").stdout
    checked = run("check", "--json")
    findings = strict_json.loads(checked.stdout.strip().encode())
    assert checked.exit_code == 0
    assert {finding["name"] for finding in findings} >= {"durability", "schema", "keys", "log"}
    assert all(finding["ok"] for finding in findings)


def test_a_partner_is_invited_and_listed(run: Run) -> None:
    run("migrate")
    invited = _invite(run, "exchange-a.example", "--jurisdiction", "EE", "--json")
    body = strict_json.loads(invited.stdout.strip().encode())
    assert (body["handle"], len(body["invitation"]) >= 20) == ("exchange-a.example", True)
    listed = strict_json.loads(run("partner", "list", "--json").stdout.strip().encode())
    assert [(row["handle"], row["status"]) for row in listed] == [("exchange-a.example", "invited")]
    assert listed[0]["jurisdiction"] == "EE"
    assert body["invitation"] not in run("partner", "list").stdout


def test_an_invitation_that_was_not_taken_is_renewed(run: Run) -> None:
    run("migrate")
    codes = [strict_json.loads(_invite(run, "a.example", "--json").stdout.encode()) for _ in "ab"]
    assert codes[0]["invitation"] != codes[1]["invitation"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("partner", "invite", "Exchange A", "--name", "A"), "DNS name"),
        (("partner", "invite", "a.example", "--name", "A\nB"), "DNS name"),
        (("partner", "invite", "a.example", "--name", "A", "--jurisdiction", "Estonia"), "ISO"),
        (("partner", "confirm", "b.example", "x"), "invite it first"),
        (("partner", "passkey-link", "b.example", "Ada"), "no person's id"),
        (
            ("partner", "passkey-link", "b.example", "per_01kk7h3m6xf9trv2c8e5b4n0qa"),
            "has not joined",
        ),
        (("partner", "confirm", "b.example", "-" + "h" * 42), "invite it first"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    run("migrate")
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("\n") == 1


def test_a_partner_is_confirmed_by_its_thumbprint_only(run: Run) -> None:
    run("migrate")
    _invite(run)
    result = run("partner", "confirm", "exchange-a.example", "A" * 43)
    assert (result.exit_code, "only a pending one" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOLDFAST_COLOUR", "red", "HOLDFAST_COLOUR"),
        ("HOLDFAST_PORT", "many", "HOLDFAST_PORT"),
        ("HOLDFAST_WEB_THREADS", "0", "HOLDFAST_WEB_THREADS"),
        ("HOLDFAST_ORIGIN", "http://a.example/path", "HOLDFAST_ORIGIN"),
        ("HOLDFAST_CONSOLE_ORIGIN", "http://127.0.0.1:8080", "no IP address"),
        ("HOLDFAST_CONSOLE_ORIGIN", "http://console.example", "HOLDFAST_CONSOLE_ORIGIN"),
        ("HOLDFAST_CONSOLE_ORIGIN", "https://console.example/", "HOLDFAST_CONSOLE_ORIGIN"),
        ("HOLDFAST_LOG_LEVEL", "loud", "HOLDFAST_LOG_LEVEL"),
        ("HOLDFAST_LOG_FORMAT", "xml", "HOLDFAST_LOG_FORMAT"),
        ("HOLDFAST_LEASE", "3", "HOLDFAST_LEASE"),
        ("HOLDFAST_DATABASE_URL", "mysql://a", "HOLDFAST_DATABASE_URL"),
        ("HOLDFAST_CONFIG", "/nowhere.toml", "HOLDFAST_CONFIG"),
    ],
)
def test_a_setting_that_is_wrong_is_named(run: Run, name: str, value: str, said: str) -> None:
    result = run("check", **{name: value})
    assert (result.exit_code, said in result.stderr) == (1, True), result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["check", "partner list", "partner suspend a.example", "web"])
def test_where_there_is_no_database_none_is_made_and_the_place_is_named(
    run: Run, tmp_path: Path, command: str
) -> None:
    result = run(*command.split())
    assert result.exit_code == 1
    assert f"there is no database at {tmp_path / 'data' / 'holdfast.sqlite3'}" in result.stderr
    assert "HOLDFAST_DATA_DIR" in result.stderr
    assert "holdfast-coordinator migrate" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOLDFAST_PORT", "http", "must be a whole number, not 'http'"),
        ("HOLDFAST_WEBHOOK_ALLOWED_PORTS", "443, x", "must be a whole number, not 'x'"),
        ("HOLDFAST_POLL_INTERVAL", "soon", "must be a number of seconds"),
        ("HOLDFAST_POLL_INTERVAL", "0", "must be a number of seconds"),
        ("HOLDFAST_POLL_INTERVAL", "nan", "must be a number of seconds"),
        ("HOLDFAST_POLL_INTERVAL", "1e300", "must be a number of seconds"),
        ("HOLDFAST_METRICS_PORT", "8080", "must be another than HOLDFAST_PORT"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_it_takes(
    run: Run, name: str, value: str, said: str
) -> None:
    result = run("check", **{name: value})
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"holdfast-coordinator: {name}: ")
    assert said in result.stderr


@pytest.mark.parametrize("content", [b"[web", b"\xff\xfe", b"port = 1"])
def test_a_settings_file_that_cannot_be_read_is_named(
    run: Run, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    result = run("check", HOLDFAST_CONFIG=str(file))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert str(file) in result.stderr


@pytest.mark.parametrize("command", [["check"], ["migrate"], ["serve"], ["partner", "list"]])
def test_a_file_that_is_no_database_is_said_in_one_line(
    run: Run, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "holdfast.sqlite3").write_bytes(b"no database" * 500)
    result = run(*command)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "file is not a database" in result.stderr


def test_every_command_is_listed_with_what_it_does(run: Run) -> None:
    listed = run("--help").stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(len(line.split()) > 1 for line in listed)
    assert run("serv").exit_code == 2


def test_no_garbage_is_looked_for_while_a_command_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = []

    def load(name: str) -> ModuleType:
        looked.append(gc.isenabled())
        return import_module(name)

    monkeypatch.setattr("coordinator.cli.import_module", load)
    assert main.get_command(Context(main), "check") is not None
    assert (looked, gc.isenabled()) == ([False], True)


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("serve", {"bip_utils", "granian", "coordinator.api", "coordinator.services"}),
        ("worker", {"granian"}),
        ("partner", {"granian", "flask_migrate", "coordinator.api", "coordinator.dispatcher"}),
    ],
)
def test_a_command_does_not_wait_for_what_only_others_need(
    command: str, unneeded: set[str]
) -> None:
    code = f"import coordinator.cli as c, sys; c.main.get_command(None, {command!r}); "
    done = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert unneeded & set(done.stdout.split()) == set()


def test_a_list_of_partners_says_what_its_columns_are(run: Run) -> None:
    run("migrate")
    assert "partner invite" in run("partner", "list").stdout
    _invite(run)
    head, row = run("partner", "list").stdout.splitlines()
    assert head.split() == ["HANDLE", "STATUS", "KIND", "ROOT", "KEY"]
    assert row.split() == ["exchange-a.example", "invited", "exchange", "-"]
    assert head.index("STATUS") == row.index("invited")
    assert head.index("KIND") == row.index("exchange ")
