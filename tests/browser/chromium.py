"""A Chromium for the tests: the machine's own, else Debian's, installed where that may be done.

Playwright would bring a browser of its own from its own servers. Here the machine's is driven, and
nothing is fetched but by the system's package manager. Debian's `chromium-headless-shell` is the
same engine without the windows around it, which cost a third of what such tests take.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

PLACES = (
    Path("/usr/bin/chromium-headless-shell"),
    Path("/usr/bin/chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)
#: What of Debian's is installed where there is none.
PACKAGE = "chromium-headless-shell"
#: What the summary of a run says, once, where these tests were left out.
ADVICE = (
    "Chromium is not on this machine, so every test of the console in a browser was left out: "
    "install Debian's (apt-get install chromium-headless-shell), or put chromium or google-chrome "
    "on PATH; REQUIRE_CHROMIUM=1 makes this a failure"
)
#: How a skipped test's reason begins.
REASON = "no Chromium: "
_ASK_SECONDS = 60
_INSTALL_SECONDS = 900
#: Set by pytest-xdist, the same in all test processes of a run.
_RUN = "PYTEST_XDIST_TESTRUNUID"

Run = Callable[[Sequence[str]], bool]


class ChromiumUnavailableError(Exception):
    """There is no Chromium here and none can be installed; the message says why."""


def find(places: Sequence[Path] = PLACES, names: Sequence[str] = NAMES) -> Path | None:
    """Return a Chromium that starts, or None.

    Some systems have a script of that name which only tells to install it from elsewhere.
    """
    on_path = [Path(found) for name in names if (found := shutil.which(name))]
    return next((path for path in (*places, *on_path) if path.is_file() and _starts(path)), None)


def find_or_install(
    *,
    find: Callable[[], Path | None] = find,
    run: Run | None = None,
    may_install: bool | None = None,
    folder: Path | None = None,
) -> Path:
    """Return a Chromium; where there is none, install Debian's, tried once in a run of the tests.

    Args:
        find: Looks for one.
        run: Runs a command and tells whether it did its work; by default a command of the system.
        may_install: By default, whether we are root and the system has `apt-get`.
        folder: Where test processes of a run wait for each other; by default the temporary folder.

    Raises:
        ChromiumUnavailableError: Saying why there is none.
    """
    found = find()
    if found is not None:
        return found
    if may_install is None:
        may_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
    if not may_install:
        raise ChromiumUnavailableError("none is found, and only root can install it, by apt-get")
    with _by_turns(folder or Path(tempfile.gettempdir())) as tried:
        found = find()  # another test process may have been quicker
        if found is not None:
            return found
        if _this_run() in tried.read_text(encoding="ascii").split():
            raise ChromiumUnavailableError("apt-get could not install it, a moment ago")
        tried.write_text(_this_run(), encoding="ascii")
        _install(run or _run)
        found = find()
    if found is None:
        raise ChromiumUnavailableError("apt-get could not install a Chromium that starts")
    return found


def chromium_or_skip(look: Callable[[], Path] = find_or_install) -> Path:
    """Return a Chromium, or skip the test and say why; REQUIRE_CHROMIUM=1 fails it instead."""
    try:
        return look()
    except ChromiumUnavailableError as error:
        if os.environ.get("REQUIRE_CHROMIUM"):
            raise
        pytest.skip(f"{REASON}{error}")


def advice(skipped: Sequence[pytest.TestReport]) -> str | None:
    """Return the line for the summary of a run in which tests were skipped for want of Chromium."""
    reasons = [str(report.longrepr[-1]) for report in skipped if isinstance(report.longrepr, tuple)]
    count = sum(REASON in reason for reason in reasons)
    return f"{ADVICE} ({count} skipped)" if count else None


def _install(run: Run) -> None:
    """Install Debian's package; the list of packages may be absent or old in a container."""
    install = ["apt-get", "install", "-y", "--no-install-recommends", PACKAGE]
    if not run(install) and run(["apt-get", "update"]):
        run(install)


def _run(command: Sequence[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _starts(path: Path) -> bool:
    try:
        asked = subprocess.run(
            [path, "--version"], capture_output=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _this_run() -> str:
    return os.environ.get(_RUN) or f"process-{os.getpid()}"


@contextmanager
def _by_turns(folder: Path) -> Iterator[Path]:
    """Let one test process in at a time; yield the file in which the last try is noted."""
    note = folder / f"holdfast-chromium-{os.geteuid()}"
    with note.open("a+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield note
