"""A browser is found or installed once, else its tests are left out aloud, or fail."""

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.chromium import (
    ADVICE,
    REASON,
    ChromiumUnavailableError,
    advice,
    chromium_or_skip,
    find,
    find_or_install,
)

INSTALL = ["apt-get", "install", "-y", "--no-install-recommends", "chromium-headless-shell"]


class Machine:
    """A machine on which a browser may be installed: `works` says by which of the commands."""

    def __init__(self, *, works: Sequence[str] = ()) -> None:
        self.works = works
        self.ran: list[list[str]] = []
        self.browser: Path | None = None

    def find(self) -> Path | None:
        return self.browser

    def run(self, command: Sequence[str]) -> bool:
        self.ran.append([*command])
        done = command[1] in self.works
        if done and command[1] == "install":
            self.browser = Path("/usr/bin/chromium")
        return done


def _program(path: Path, status: int) -> Path:
    path.write_text(f"#!/bin/sh\nexit {status}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def test_a_browser_is_found_in_its_place_or_by_its_name_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = _program(tmp_path / "some-browser", 0)
    assert find([browser], []) == browser
    assert find([tmp_path / "absent"], ["some-browser"]) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find([tmp_path / "absent"], ["some-browser"]) == browser


def test_a_script_that_only_tells_to_install_one_is_no_browser(tmp_path: Path) -> None:
    assert find([_program(tmp_path / "stub", 1)], []) is None


def test_where_it_may_be_it_is_installed(tmp_path: Path) -> None:
    machine = Machine(works=["install"])
    found = find_or_install(find=machine.find, run=machine.run, may_install=True, folder=tmp_path)
    assert (found, machine.ran) == (machine.browser, [INSTALL])
    find_or_install(find=machine.find, run=machine.run, may_install=True, folder=tmp_path)
    assert machine.ran == [INSTALL]


def test_where_the_list_of_packages_is_old_it_is_renewed_first(tmp_path: Path) -> None:
    machine = Machine(works=["update"])
    with pytest.raises(ChromiumUnavailableError, match="could not install"):
        find_or_install(find=machine.find, run=machine.run, may_install=True, folder=tmp_path)
    assert machine.ran == [INSTALL, ["apt-get", "update"], INSTALL]


def test_it_is_tried_once_in_a_run_by_whichever_test_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "run-1")
    machine = Machine()
    for _ in range(2):
        with pytest.raises(ChromiumUnavailableError):
            find_or_install(find=machine.find, run=machine.run, may_install=True, folder=tmp_path)
    assert machine.ran == [INSTALL, ["apt-get", "update"]]
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "run-2")
    with pytest.raises(ChromiumUnavailableError):
        find_or_install(find=machine.find, run=machine.run, may_install=True, folder=tmp_path)
    assert len(machine.ran) == 4


def test_two_test_processes_do_not_both_install_it(tmp_path: Path) -> None:
    machine = Machine(works=["install"])
    within = threading.Barrier(2)

    def look() -> Path | None:
        found = machine.find()
        if found is None and not within.broken:
            with contextlib.suppress(threading.BrokenBarrierError):
                within.wait(0.5)  # both have seen that there is none before either goes on
        return found

    def ask() -> None:
        find_or_install(find=look, run=machine.run, may_install=True, folder=tmp_path)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert machine.ran == [INSTALL]


def test_where_it_may_not_be_nothing_is_run(tmp_path: Path) -> None:
    machine = Machine(works=["install"])
    with pytest.raises(ChromiumUnavailableError, match="only root"):
        find_or_install(find=machine.find, run=machine.run, may_install=False, folder=tmp_path)
    assert machine.ran == []


def _none() -> Path:
    raise ChromiumUnavailableError("none here")


def test_without_one_a_test_is_skipped_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REQUIRE_CHROMIUM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium: none here"):
        chromium_or_skip(_none)
    monkeypatch.setenv("REQUIRE_CHROMIUM", "1")
    with pytest.raises(ChromiumUnavailableError):
        chromium_or_skip(_none)


def _skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport(
        "tests/browser/test_x.py::test", ("", 0, ""), {}, "skipped", ("x.py", 1, reason), "setup"
    )


def test_the_summary_says_what_to_install_if_and_only_if_tests_were_skipped_for_it() -> None:
    others = [_skipped("Skipped: no PostgreSQL: none")]
    assert advice(others) is None
    said = advice([*others, *[_skipped(f"Skipped: {REASON}none")] * 3])
    assert said == f"{ADVICE} (3 skipped)"
    assert "apt-get install chromium" in ADVICE
