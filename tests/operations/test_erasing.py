"""The operator proposes an erasure, lists what was erased, and erases again after a restore."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coordinator.cli import main
from coordinator.operations.backup import back_up, back_up_keys
from coordinator.operations.checks import run_checks, run_thorough_checks
from coordinator.operations.restore import restore
from coordinator.settings import Settings
from holdfast.protocol import strict_json
from tests.api.acts import approve, submit
from tests.conftest import World, write_keys
from tests.factories import Cast, Signer
from tests.operations.reconciled import take_changes_again

PATH = "/v1/freeze-requests"
UNKNOWN = "frq_01kk7h3m6xf9trv2c8e5b4n0qa"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What the commands do to a database has tests on both; these are about the commands."""
    return sqlite_world


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """A coordinator with its keys."""
    made = replace(settings, data_dir=tmp_path / "data")
    made.data_dir.mkdir()
    write_keys(made.keys_dir)
    return made


def _run(settings: Settings, *words: str) -> Result:
    environment = {
        "HOLDFAST_ORIGIN": settings.origin,
        "HOLDFAST_DATABASE_URL": settings.database_url,
        "HOLDFAST_DATA_DIR": str(settings.data_dir),
    }
    return CliRunner().invoke(main, ["erase", *words], env=environment, catch_exceptions=False)


def _withdrawn(signer: Signer, cast: Cast) -> dict[str, Any]:
    request = submit(signer, cast, to=[cast.b.handle])
    body = {"content_sha256": request["content_sha256"], "addresses": "all"}
    body |= {"reason_code": "other", "reason": "sent by mistake"}
    answer = signer.post(cast.a.lead, f"{PATH}/{request['id']}/withdrawal", body)
    assert answer.status_code == 201
    return request


def _sign(signer: Signer, cast: Cast, request: dict[str, Any]) -> None:
    body = {"content_sha256": request["content_sha256"], "reason": "wrong_data"}
    answer = signer.post(cast.a.lead, f"{PATH}/{request['id']}/erasure", body)
    assert answer.status_code == 201, answer.text


def test_it_is_proposed_signed_listed_and_erased_again_in_an_older_backup(
    own: Settings, signer: Signer, cast: Cast, tmp_path: Path
) -> None:
    request, live = _withdrawn(signer, cast), submit(signer, cast)
    approve(signer, cast, live)
    folder, _ = back_up(own, tmp_path / "backups")
    back_up_keys(own, tmp_path / "keys", None)
    proposed = _run(own, request["id"], "--reason", "wrong_data")
    assert proposed.exit_code == 0, proposed.output
    assert f"erase {request['id']} --reason wrong_data" in " ".join(proposed.stdout.split())
    assert _run(own, "--list").stdout == ""
    _sign(signer, cast, request)
    listed = _run(own, "--list").stdout
    assert strict_json.loads(listed.encode())["request_id"] == request["id"]
    for findings in (run_checks(own), run_thorough_checks(own, lambda *_: None)):
        assert [finding for finding in findings if not finding.is_good] == []

    other = replace(own, data_dir=tmp_path / "other", database_url="")
    restore(other, folder, tmp_path / "keys")
    again = replace(other, database_url=other.resolved_database_url)
    file = tmp_path / "erased.jsonl"
    file.write_text(listed)
    refused = _run(again, "--again", str(file))
    assert (refused.exit_code, "holdfast-coordinator reconcile" in refused.output) == (1, True)
    take_changes_again(again)
    more = [listed.replace(request["id"], other_id) for other_id in (live["id"], UNKNOWN)]
    file.write_text(listed + "".join(more))
    done = _run(again, "--again", str(file))
    assert done.exit_code == 1  # for the one that is not over there
    assert "erased again: 1" in done.stdout
    assert f"NOT ERASED  {live['id']}" in done.stdout
    assert UNKNOWN not in done.stdout
    assert strict_json.loads(_run(again, "--list").stdout.encode())["reason"] == "wrong_data"
    file.write_text(listed)
    assert _run(again, "--again", str(file)).exit_code == 0
    assert [finding for finding in run_checks(again) if not finding.is_good] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say which freeze request"),
        (("frq_1", "--reason", "other"), "say which freeze request"),
        ((UNKNOWN,), "--reason"),
        ((UNKNOWN, "--reason", "other"), f"there is no freeze request {UNKNOWN}"),
    ],
)
def test_what_cannot_be_proposed_is_said(own: Settings, words: tuple[str, ...], said: str) -> None:
    result = _run(own, *words)
    assert (result.exit_code, said in " ".join(result.stderr.split())) == (1, True), result.output


@pytest.mark.parametrize("line", ["frq_1", "{}", '{"request_id":"frq_1","reason":"other"}', "["])
def test_what_is_no_list_of_erasures_erases_nothing(
    own: Settings, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "list"
    file.write_text(f"{line}\n")
    result = _run(own, "--again", str(file))
    assert result.exit_code == 1
    assert "line 1 is none of a list" in " ".join(result.stderr.split())
