"""What is installed from a wheel is whole: modules, templates and the files of `config/`."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.architecture.tree import ROOT, project_files

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")
OFFLINE = ("--no-deps", "--no-index")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel, built from a copy, for building leaves its traces in the folder."""
    copy, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for path in project_files():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    command = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", str(built), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    return next(built.glob("holdfast-*.whl"))


def test_the_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    ours = {str(path.relative_to(ROOT)) for path in project_files()}
    assert {n for n in ours if n.startswith(("coordinator/", "partners/"))} - packed == set()


def test_the_wheel_leaves_the_tests_at_home(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        assert [
            name for name in archive.namelist() if name.startswith(("tests", "docs", "."))
        ] == []


def test_an_installed_coordinator_finds_its_own_configuration(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    install = [*PIP, "install", *OFFLINE, "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    names = [path.name for path in project_files() if path.parent == ROOT / "config"]
    ask = "import sys; from coordinator.config_files import config_path as c; "
    found = subprocess.run(
        [sys.executable, "-c", ask + "print(*map(c, sys.argv[1:]), sep='\\n')", *names],
        cwd=tmp_path,
        env={"PYTHONPATH": str(target)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert found == [str(target.resolve() / "share" / "holdfast" / "config" / n) for n in names]
