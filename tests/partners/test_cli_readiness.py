"""`holdfast readiness` shows and saves a drill's report; `holdfast verify` verifies it offline."""

import stat
from pathlib import Path

import pytest

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.jwk import PrivateKey
from tests.partners.protocol.test_readiness import KEY, ORIGIN, document, report
from tests.partners.shell import FRQ, REQUEST, Shell
from tests.partners.stub_coordinator import StubCoordinator

_PDF = b"%PDF-1.7 and so on"


def _answers(stub: StubCoordinator) -> None:
    stub.answers("GET", f"{REQUEST}/readiness", raw=document(), Content_Type="application/json")
    stub.answers("GET", f"{REQUEST}/readiness.pdf", raw=_PDF, Content_Type="application/pdf")


def _keys(folder: Path, key: PrivateKey) -> str:
    path = folder / "jwks.json"
    path.write_bytes(canonical_json.dumps({"keys": [key.public.jwk()]}))
    return str(path)


@pytest.mark.usefixtures("analyst")
def test_the_report_is_shown_and_says_that_it_is_a_drill(
    shell: Shell, stub: StubCoordinator
) -> None:
    _answers(stub)
    shown = shell("readiness", FRQ).output
    for words in ("THIS IS A DRILL", "exchange-b.example", "answered", "0.3 s"):
        assert words in shown
    assert (
        strict_json.loads(shell("--json", "readiness", FRQ).output.encode())["report"] == report()
    )


@pytest.mark.usefixtures("analyst")
def test_both_files_are_saved_as_they_came_for_their_owner_alone(
    shell: Shell, stub: StubCoordinator
) -> None:
    _answers(stub)
    folder = shell.folder / "reports"
    done = shell("readiness", FRQ, "--save", str(folder))
    assert done.exit_code == 0, done.output
    saved = {path.name: path for path in folder.iterdir()}
    assert saved[f"{FRQ}.readiness.json"].read_bytes() == document()
    assert saved[f"{FRQ}.readiness.pdf"].read_bytes() == _PDF
    assert {stat.S_IMODE(path.stat().st_mode) for path in saved.values()} == {0o600}


def test_a_saved_report_is_verified_and_nothing_is_fetched(
    shell: Shell, stub: StubCoordinator
) -> None:
    file = shell.folder / "report.json"
    file.write_bytes(document())
    own = shell("verify", str(file))
    assert own.exit_code == 0, own.output
    assert "the report's own word" in " ".join(own.output.split())
    given = shell("--json", "verify", str(file), "--keys", _keys(shell.folder, KEY))
    said = strict_json.loads(given.output.encode())
    assert (said["key"], said["coordinator"], said["drill"]) == ("given", ORIGIN, True)
    assert stub.seen == []


def test_a_report_by_another_key_fails_with_status_8(shell: Shell) -> None:
    file = shell.folder / "report.json"
    file.write_bytes(document())
    keys = _keys(shell.folder, PrivateKey.generate())
    done = shell("verify", str(file), "--keys", keys)
    assert done.exit_code == 8
    assert "names no key of this coordinator" in " ".join(done.output.split())


def test_options_go_with_what_they_are_for(shell: Shell) -> None:
    file = shell.folder / "report.json"
    file.write_bytes(document())
    keys = _keys(shell.folder, KEY)
    for arguments in (
        ("verify", FRQ, "--keys", keys),
        ("verify", str(file), "--pin", f"exchange-a.example={'A' * 43}"),
        ("verify", str(file), "--published"),
    ):
        assert shell(*arguments).exit_code == 2, arguments
