"""Set-up takes exactly the lock, whatever has been released since, with old pips and new ones."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution, distributions
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.local_index import OVERTAKEN, make_index
from tests.architecture.tree import ROOT, load_bootstrap, project_files

pytestmark = pytest.mark.processes

#: The pip that comes with Python 3.11.7, and the newest when the lock was made; with hashes.
OLD_PIP = "23.2.1"
PIPS = {
    OLD_PIP: "7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be",
    "26.3": "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13",
}
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")


@pytest.fixture(scope="module", name="pips")
def _pips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a wheel of each pip, as this machine's own settings find it."""
    folder = tmp_path_factory.mktemp("pips")
    for version, digest in PIPS.items():
        asked = folder / f"{version}.txt"
        asked.write_text(f"pip=={version} --hash=sha256:{digest}\n", encoding="ascii")
        fetch = [*_PIP, "download", "--no-deps", "--require-hashes", "-d", str(folder)]
        done = subprocess.run([*fetch, "-r", str(asked)], check=False, capture_output=True)
        if done.returncode != 0:
            # A machine without its package index can run every other test.
            if os.environ.get("CI"):
                pytest.fail(done.stderr.decode())
            pytest.skip(f"pip {version} cannot be had here: {done.stderr.decode().strip()}")
    return {version: next(folder.glob(f"pip-{version}-*.whl")) for version in PIPS}


@pytest.fixture(scope="module", name="checkout")
def _checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project, its lock naming the wheels of an index beside it."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in project_files():
        target = folder / "project" / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    lock = folder / "project" / "requirements.lock"
    lock.write_text(make_index(folder / "index", lock.read_text(encoding="utf-8")), "utf-8")
    return folder / "project"


def _set_up(
    checkout: Path, pip: Path, monkeypatch: pytest.MonkeyPatch, *, without: str = ""
) -> dict[str, str]:
    """Set up with this pip from the index beside the checkout; return what is there, by name.

    `without` is an option that is left out of what set-up gives to pip.
    """
    bootstrap = load_bootstrap()
    monkeypatch.setattr(bootstrap, "ROOT", checkout)
    index = (checkout.parent / "index").as_uri()
    run = bootstrap._run

    def run_isolated(command: list[str]) -> None:
        if command[1:3] == ["-m", "venv"]:
            # The interpreter's own pip is not asked for: a wheel of pip installs itself.
            run([*command, "--without-pip"])
            itself = [str(venv / "bin" / "python"), str(pip / "pip")]
            run([*itself, "install", "-qq", "--isolated", "--no-index", str(pip)])
            return
        if "install" in command:
            # The settings of the machine must not add places to look in.
            command = [word for word in command if word != without]
            command += ["--isolated", "--index-url", index]
        run(command)

    venv = checkout / f"{pip.stem}{without}"
    monkeypatch.setattr(bootstrap, "_run", run_isolated)
    bootstrap.install(venv)
    site = next(venv.glob("lib/python*/site-packages"))
    return {found.name: found.version for found in distributions(path=[str(site)])}


@pytest.mark.parametrize("version", PIPS)
def test_newer_releases_are_left_alone(
    checkout: Path, pips: dict[str, Path], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    installed = _set_up(checkout, pips[version], monkeypatch)
    assert installed["pip"] == version
    assert {name: installed[name] for name in OVERTAKEN} == {
        name: distribution(name).version for name in OVERTAKEN
    }
    assert installed["holdfast-kit"] == installed["holdfast-coordinator"]


def test_an_old_pip_that_resolves_would_fail(
    checkout: Path,
    pips: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bootstrap: ModuleType = load_bootstrap()
    with pytest.raises(Exception, match="failed with status 1") as refused:
        _set_up(checkout, pips[OLD_PIP], monkeypatch, without="--no-deps")
    assert type(refused.value).__name__ == bootstrap.BootstrapError.__name__
    assert "coverage[toml]" in capsys.readouterr().err
