"""Programs that read what is in deploy/: used where they are, and left out aloud elsewhere."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

DEPLOY = ROOT / "deploy"
#: How a skipped test's reason begins; the summary of a run counts them.
REASON = "not on this machine: "
#: Debian keeps servers where only root looks.
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def tool_or_skip(name: str, package: str) -> str:
    """Return the path of a program, or skip the test and say how to install it."""
    found = shutil.which(name, path=_PLACES)
    if found is None:
        pytest.skip(f"{REASON}{name} ({package})")
    return found


def run(*command: str | Path, **more: str) -> str:
    """Run a program that must succeed; return what it said."""
    done = subprocess.run(
        command,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def advice(skipped: list[pytest.TestReport]) -> str | None:
    """Return the line for the summary of a run in which tools were missing."""
    reasons = [str(report.longrepr[-1]) for report in skipped if isinstance(report.longrepr, tuple)]
    missing = sorted({r.partition(REASON)[2] for r in reasons if REASON in r})
    if not missing:
        return None
    return f"What is in deploy/ was not checked by {', '.join(missing)}: install them"
