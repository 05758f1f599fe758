"""Programs of npm's registry for the tests, in pinned versions, where node and npm are at hand.

A project is a folder under version control with a `package.json`, a `package-lock.json` (made with
the `.npmrc` beside it, so that it names versions and hashes but no registry) and that `.npmrc`. It
is installed once, as its lock says, into `build/node/`; nothing is resolved here and no package
runs a script while it is installed.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: The oldest major version of node that the pinned programs run on.
OLDEST = 20
#: Where projects are installed; `make wheels` clears it away with the rest of `build/`.
INSTALLED = ROOT / "build" / "node"
#: What a project is installed from.
MADE_FROM = ("package.json", "package-lock.json", ".npmrc")
#: What the summary of a run says, once, where these tests were left out.
ADVICE = (
    f"node {OLDEST} or newer with npm and its registry are not all at hand, so every test that "
    "needs them was left out: the reasons stand at the skipped tests; REQUIRE_NODE=1 makes this a "
    "failure"
)
#: How a skipped test's reason begins.
REASON = "no node project: "
#: The file in an installed project that says what it was made from.
_STAMP = ".made-from"
_ASK_SECONDS = 60
_INSTALL_SECONDS = 900
_RUN_SECONDS = 600
#: The codes with which npm says that it could not reach its registry. Any other is a fault of ours:
#: a hash that does not fit, a lock that is not that of its package.json.
_UNREACHABLE = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT"
    r"|ERR_SOCKET_TIMEOUT|ENOTCACHED|E50[234])\b"
)
#: Set by pytest-xdist, the same in all test processes of a run.
_THIS_RUN = "PYTEST_XDIST_TESTRUNUID"


class NodeUnavailableError(Exception):
    """There is no node, no npm or no registry here; the message says which."""


class InstallError(Exception):
    """A project cannot be installed though all that it takes is here; the message is npm's."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node on this machine, with its npm.

    Attributes:
        node: The interpreter.
        npm: The package manager.
        version: What `node --version` says, such as `v20.20.2`.
    """

    node: Path
    npm: Path
    version: str


@dataclass(frozen=True, slots=True)
class Project:
    """An installed project.

    Attributes:
        node: The interpreter that it was installed for.
        folder: Where its `node_modules` lies.
    """

    node: Path
    folder: Path

    def run(
        self,
        program: str,
        *arguments: str | Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs by name, or a script by its path, and return how it ended.

        Args:
            program: A name from `node_modules/.bin`, or the path of a script.
            *arguments: What it is told.
            cwd: Where it runs.
            env: What its environment has beyond ours.
        """
        named = self.folder / "node_modules" / ".bin" / program
        return subprocess.run(
            [self.node, named if named.exists() else program, *arguments],
            cwd=cwd,
            env={**os.environ, "NO_COLOR": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )

    def lend(self, folder: Path) -> None:
        """Let scripts in `folder` import what is installed here."""
        (folder / "node_modules").symlink_to(self.folder / "node_modules")


def find() -> Node:
    """Return the node and the npm on PATH.

    Raises:
        NodeUnavailableError: If one of them is missing, does not start or is too old.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeUnavailableError(f"{'node' if node is None else 'npm'} is not on PATH")
    version = _ask(node)
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        raise NodeUnavailableError(f"node is {version}, and {OLDEST} or newer is needed")
    return Node(Path(node), Path(npm), version)


Run = Callable[[Sequence[str | Path], Path], "subprocess.CompletedProcess[str]"]


def install(
    source: Path,
    *,
    find: Callable[[], Node] = find,
    run: Run | None = None,
    target: Path = INSTALLED,
) -> Project:
    """Return the project of a folder, installed; what is installed already is not touched.

    Args:
        source: The folder with the project's `MADE_FROM`.
        find: Looks for node.
        run: Runs a command in a folder; by default one of the system.
        target: Where projects are installed, each under the name of its folder.

    Raises:
        NodeUnavailableError: If node, npm or its registry is out of reach, as tried once in a run.
        InstallError: If npm refuses the lock, or a package is not what the lock's hash says.
    """
    node = find()
    folder = target / source.name
    stamp = _made_from(source, node)
    with _by_turns(target, source.name) as tried:
        if _read(folder / _STAMP) == stamp:
            return Project(node.node, folder)
        if _this_run() in tried.read_text(encoding="ascii").split():
            raise NodeUnavailableError("npm could not reach its registry, a moment ago")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in MADE_FROM:
            shutil.copyfile(source / name, folder / name)
        try:
            _install(node, folder, run or _run)
        except NodeUnavailableError:
            tried.write_text(_this_run(), encoding="ascii")
            raise
        (folder / _STAMP).write_text(stamp, encoding="ascii")
    return Project(node.node, folder)


def project_or_skip(source: Path, install: Callable[[Path], Project] = install) -> Project:
    """Return a folder's project, or skip the test and say why; REQUIRE_NODE=1 fails it instead."""
    try:
        return install(source)
    except NodeUnavailableError as error:
        if os.environ.get("REQUIRE_NODE"):
            raise
        pytest.skip(f"{REASON}{error}")


def advice(skipped: Sequence[pytest.TestReport]) -> str | None:
    """Return the line for the summary of a run in which tests were skipped for want of node."""
    reasons = [str(report.longrepr[-1]) for report in skipped if isinstance(report.longrepr, tuple)]
    count = sum(REASON in reason for reason in reasons)
    return f"{ADVICE} ({count} skipped)" if count else None


def _install(node: Node, folder: Path, run: Run) -> None:
    done = run([node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    if done.returncode == 0:
        return
    said = "\n".join(line for line in done.stderr.splitlines() if line.startswith("npm error"))
    if _UNREACHABLE.search(said):
        raise NodeUnavailableError("npm could not reach its registry")
    raise InstallError(f"npm ci in {folder} failed:\n{said or done.stderr[-2000:]}")


def _run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NodeUnavailableError(f"npm did not end in {_INSTALL_SECONDS} s") from error


def _ask(node: str) -> str:
    try:
        asked = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeUnavailableError(f"{node} does not start: {error}") from error
    version = asked.stdout.strip()
    if not re.fullmatch(r"v\d+\.\d+\.\d+\S*", version):
        raise NodeUnavailableError(f"{node} does not say its version")
    return version


def _made_from(source: Path, node: Node) -> str:
    digest = hashlib.sha256(f"{node.version} {node.npm}".encode())
    for name in MADE_FROM:
        digest.update(hashlib.sha256((source / name).read_bytes()).digest())
    return digest.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="ascii") if path.is_file() else None


def _this_run() -> str:
    return os.environ.get(_THIS_RUN) or f"process-{os.getpid()}"


@contextmanager
def _by_turns(target: Path, name: str) -> Iterator[Path]:
    """Let one test process in at a time; yield the file in which the last vain try is noted."""
    target.mkdir(parents=True, exist_ok=True)
    note = target / f"{name}.lock"
    with note.open("a+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield note
