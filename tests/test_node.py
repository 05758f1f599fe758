"""Pinned programs of npm are installed once and as locked, else left out aloud, or fail."""

import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import node as node_module
from tests.architecture.tree import project_files
from tests.node import (
    ADVICE,
    MADE_FROM,
    REASON,
    InstallError,
    Node,
    NodeUnavailableError,
    Project,
    advice,
    find,
    install,
    project_or_skip,
)

NODE = Node(Path("/bin/node"), Path("/bin/npm"), "v20.0.0")


class Npm:
    """An npm that notes what it was told and ends as `stderr` says."""

    def __init__(self, stderr: str = "") -> None:
        self.stderr = stderr
        self.ran: list[list[str]] = []

    def __call__(
        self, command: Sequence[str | Path], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        assert [name for name in MADE_FROM if not (folder / name).is_file()] == []
        self.ran.append([str(part) for part in command])
        return subprocess.CompletedProcess([], int(bool(self.stderr)), "", self.stderr)


def _find() -> Node:
    return NODE


def _source(folder: Path) -> Path:
    source = folder / "some-project"
    source.mkdir()
    for name in MADE_FROM:
        (source / name).write_text("{}", encoding="ascii")
    return source


def _program(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho {says}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def test_node_is_found_with_its_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeUnavailableError, match="node is not on PATH"):
        find()
    node = _program(tmp_path / "node", "v20.1.0")
    with pytest.raises(NodeUnavailableError, match="npm is not on PATH"):
        find()
    npm = _program(tmp_path / "npm", "11.0.0")
    assert find() == Node(node, npm, "v20.1.0")


@pytest.mark.parametrize(
    ("says", "why"), [("v18.20.0", "node is v18.20.0, and 20"), ("hello", "does not say")]
)
def test_a_node_that_will_not_do_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, why: str
) -> None:
    _program(tmp_path / "node", says)
    _program(tmp_path / "npm", "11.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeUnavailableError, match=why):
        find()


def test_a_project_is_installed_once_and_again_when_its_lock_changes(tmp_path: Path) -> None:
    source, npm = _source(tmp_path), Npm()
    target = tmp_path / "built"
    expected = Project(NODE.node, target / "some-project")
    for _ in range(2):
        assert install(source, find=_find, run=npm, target=target) == expected
    assert npm.ran == [["/bin/npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]]
    (source / "package-lock.json").write_text("[]", encoding="ascii")
    install(source, find=_find, run=npm, target=target)
    assert len(npm.ran) == 2


def test_a_registry_out_of_reach_is_asked_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, npm = _source(tmp_path), Npm("npm error code EAI_AGAIN")
    for run in ("run-1", "run-1", "run-2"):
        monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
        with pytest.raises(NodeUnavailableError, match="could not reach its registry"):
            install(source, find=_find, run=npm, target=tmp_path / "built")
    assert len(npm.ran) == 2


@pytest.mark.parametrize("code", ["EINTEGRITY", "EUSAGE", "E404"])
def test_what_npm_refuses_is_no_reason_to_skip(tmp_path: Path, code: str) -> None:
    npm = Npm(f"npm warn ENOTFOUND is only a word here\nnpm error code {code}")
    with pytest.raises(InstallError, match=code):
        install(_source(tmp_path), find=_find, run=npm, target=tmp_path / "built")


def test_two_test_processes_do_not_both_install_it(tmp_path: Path) -> None:
    source, npm = _source(tmp_path), Npm()
    threads = [
        threading.Thread(
            target=install,
            args=[source],
            kwargs={"find": _find, "run": npm, "target": tmp_path / "built"},
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(npm.ran) == 1


def _none(_: Path) -> Project:
    raise NodeUnavailableError("none here")


def test_without_it_a_test_is_skipped_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REQUIRE_NODE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no node project: none here"):
        project_or_skip(Path(), _none)
    monkeypatch.setenv("REQUIRE_NODE", "1")
    with pytest.raises(NodeUnavailableError):
        project_or_skip(Path(), _none)


def test_a_fault_of_ours_is_never_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_NODE", raising=False)

    def refuse(_: Path) -> Project:
        raise InstallError("EINTEGRITY")

    with pytest.raises(InstallError):
        project_or_skip(Path(), refuse)


def _skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport(
        "tests/contract/test_x.py::test", ("", 0, ""), {}, "skipped", ("x.py", 1, reason), "setup"
    )


def test_the_summary_says_it_if_and_only_if_tests_were_skipped_for_it() -> None:
    others = [_skipped("Skipped: no PostgreSQL: none")]
    assert advice(others) is None
    assert advice([*others, *[_skipped(f"Skipped: {REASON}none")] * 3]) == f"{ADVICE} (3 skipped)"


def _locks() -> list[Path]:
    return [path for path in project_files() if path.name == "package-lock.json"]


def test_every_lock_holds_a_hash_of_each_package_and_no_registry() -> None:
    assert _locks(), "no project is left: take tests/node.py away, too"
    for lock in _locks():
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        fetched = {name: package for name, package in packages.items() if name}
        assert [n for n, package in fetched.items() if "integrity" not in package] == []
        assert [n for n, package in fetched.items() if "resolved" in package] == []


def test_every_project_pins_its_programs_and_keeps_registries_out_of_its_lock() -> None:
    for lock in _locks():
        package = json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))
        assert package["private"] is True
        loose = [v for v in package["dependencies"].values() if not v[0].isdigit()]
        assert loose == []
        settings = (lock.parent / ".npmrc").read_text(encoding="ascii").split()
        assert "omit-lockfile-registry-resolved=true" in settings


def test_projects_are_installed_where_version_control_does_not_look() -> None:
    inside = [path for path in project_files() if path.is_relative_to(node_module.INSTALLED)]
    assert inside == []
