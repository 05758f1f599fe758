"""Make or refresh an environment from `requirements.lock`; `make setup` and all targets call it.

    python3 .ci/bootstrap.py [.venv]

It needs nothing but Python's standard library, and does nothing when lock file, project file,
interpreter and place are those of the last run. The lock holds the hash of every wheel, and
everything is taken from it as it stands: nothing is resolved on a user's machine.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The file in an environment that says what it was made from.
STAMP = ".holdfast-stamp"
#: The lock file has wheels for these and all between.
OLDEST, NEWEST = (3, 11), (3, 13)
#: What an environment is made from, the kit being a distribution of its own.
MADE_FROM = ("requirements.lock", "pyproject.toml", "partners/pyproject.toml")


class BootstrapError(Exception):
    """The environment cannot be made; the message says what to change."""


def place() -> str:
    """Return what a virtual environment is tied to: its folder and its interpreter."""
    return _digest(str(ROOT).encode(), sys.version.encode())


def contents() -> str:
    """Return what was installed: the lock file and the project files."""
    return _digest(*((ROOT / name).read_bytes() for name in MADE_FROM))


def require_interpreter() -> None:
    """Refuse an interpreter that the lock has no wheels for, or that lacks what `venv` needs.

    Raises:
        BootstrapError: Naming what to install.
    """
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise BootstrapError(
            f"Holdfast needs Python 3.11 to 3.13, this is {sys.version.split()[0]} "
            f"({sys.executable}); install one of these, or name it: make PYTHON=/path/to/python3.13"
        )
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise BootstrapError(
                f"{sys.executable} comes without `{module}`; install python{minor}-venv "
                f"(Debian, Ubuntu), or python{minor} whole (other systems)"
            )


def main(arguments: list[str]) -> int:
    """Bring the environment up to date; return the exit status."""
    venv = ROOT / (arguments[0] if arguments else ".venv")
    try:
        require_interpreter()
        wanted = (place(), contents())
        if _stamp(venv) == wanted:
            return 0
        # Two targets may be started at once; the second waits and then finds the work done.
        with (ROOT / ".ci" / "bootstrap.py").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _stamp(venv) != wanted:
                install(venv)
                (venv / STAMP).write_text("\n".join(wanted) + "\n", encoding="ascii")
    except BootstrapError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    return 0


def install(venv: Path) -> None:
    """Make the environment anew, with the lock's packages, the kit and the coordinator in it.

    Raises:
        BootstrapError: If a step fails; pip's own message is printed before.
    """
    sys.stderr.write(f"setup: installing into {venv.name} (once; about half a minute) ...\n")
    # Always anew: what an earlier lock installed, or another interpreter, must not linger.
    if venv.exists():
        shutil.rmtree(venv)
    _run([sys.executable, "-m", "venv", str(venv)])
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    install = [*pip, "install", "--quiet", "--no-deps"]
    # Exactly the lock: it is complete, so nothing is resolved here. With dependencies, older pips
    # look for newer releases of what another line asks for with an extra, and find no hash for it.
    _run([*install, "--only-binary", ":all:", "--require-hashes", "-r", "requirements.lock"])
    # With isolation an editable install would fetch its build backend unhashed.
    _run([*install, "--no-build-isolation", "-e", "partners", "-e", "."])
    _run([*pip, "check"])


def _run(command: list[str]) -> None:
    # A user's PYTHONPATH or active environment must not leak into ours.
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(  # noqa: S603 - our own fixed commands
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise BootstrapError(
            f"`{' '.join(command)}` failed with status {done.returncode}; its message is above. "
            "Mend that and run make again"
        )


def _stamp(venv: Path) -> tuple[str, str] | None:
    try:
        lines = (venv / STAMP).read_text(encoding="ascii").split()
    except OSError:
        return None
    return (lines[0], lines[1]) if len(lines) == 2 else None  # noqa: PLR2004


def _digest(*parts: bytes) -> str:
    # The length before each part keeps moved text from giving the same digest.
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
