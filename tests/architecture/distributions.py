"""Builds the wheels, and environments that hold a wheel and what it asks for, and nothing else."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, project_files
from tests.ports import free_port

KIT = "holdfast-kit"
COORDINATOR = "holdfast-coordinator"
#: Where each is built from, below the top of the repository.
SOURCES = {KIT: Path("partners"), COORDINATOR: Path()}

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")


def build_wheels(folder: Path) -> dict[str, Path]:
    """Return a wheel for each distribution, built offline from a copy of the project's files."""
    copy, built = folder / "source", folder / "wheels"
    for path in project_files():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    wheel = [*_PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(built)]
    for source in SOURCES.values():
        subprocess.run([*wheel, str(copy / source)], check=True, capture_output=True)
    return {name: next(built.glob(f"{name.replace('-', '_')}-*.whl")) for name in SOURCES}


class Environment:
    """A virtual environment of its own: wheels, and what they ask for, linked from the running one.

    Nothing is looked up anywhere: a requirement that the running environment lacks is an error.
    """

    def __init__(self, folder: Path, *wheels: Path, extras: tuple[str, ...] = ()) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        self._site = next(folder.glob("lib/python*/site-packages"))
        names = [wheel.name.partition("-")[0].replace("_", "-") for wheel in wheels]
        for name in _required(names, extras):
            _link(distribution(name), self._site)
        install = [*_PIP, "--python", str(self.python), "install", "--no-deps", "--no-index"]
        subprocess.run([*install, *map(str, wheels)], check=True, capture_output=True)

    def run(self, *command: str, **environ: str) -> str:
        """Return what a program of this environment prints; its folder is the working directory.

        Raises:
            AssertionError: If it fails, with what it said.
        """
        program = [str(self.folder / "bin" / command[0]), *command[1:]]
        done = subprocess.run(
            program, cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run the coordinator that is installed here, and yield its origin once it is ready."""
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        with subprocess.Popen(
            [str(self.folder / "bin" / "holdfast-coordinator"), "serve"],
            cwd=self.folder,
            env={"HOLDFAST_PORT": str(port), "HOLDFAST_ORIGIN": origin},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                assert any(line.startswith("ready:") for line in process.stdout)
                yield origin
            finally:
                process.terminate()

    def pip_check(self) -> str:
        """Return what pip finds missing or clashing; nothing where all is well."""
        check = [*_PIP[:-1], "--python", str(self.python), "check"]
        return subprocess.run(check, capture_output=True, text=True, check=False).stdout


def _required(names: list[str], extras: tuple[str, ...]) -> set[str]:
    """Return every distribution that these ask for, they themselves and each other left out."""
    ours, found = set(names), set[str]()
    waiting = [(name, frozenset(extras)) for name in names]
    seen = set(waiting)
    while waiting:
        name, wanted = waiting.pop()
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in (*wanted, "")):
                continue
            asked = (canonicalize_name(requirement.name), frozenset(requirement.extras))
            if asked not in seen:
                seen.add(asked)
                waiting.append(asked)
                found.add(asked[0])
    return found - ours


def _link(installed: Distribution, site: Path) -> None:
    """Link the top of whatever a distribution brought into another environment."""
    tops = {file.parts[0] for file in installed.files or () if file.parts[0] not in {"..", "."}}
    for top in tops - {"__pycache__"}:
        target = site / top
        if not target.exists():
            target.symlink_to(Path(str(installed.locate_file(top))))
