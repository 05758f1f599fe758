"""What the README tells a newcomer to type works as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

pytestmark = pytest.mark.processes

README = Path(__file__).parents[2] / "README.md"
#: A slow machine is waited for this long; no test hangs on how long it takes.
PATIENCE = 180
#: Ids are the last that were printed; what is printed goes into one file.
_PROLOGUE = """
set -e -o pipefail
exec >"$LOG" 2>&1
latest() { grep -o "$1_[0-9a-z]*" "$LOG" | tail -1; }
"""


def _blocks() -> list[str]:
    section = README.read_text(encoding="utf-8").split("## A first request in five minutes")[1]
    found: list[str] = re.findall(
        r"^```sh\n(.*?)^```$", section.split("\n## ")[0], re.MULTILINE | re.DOTALL
    )
    return found


def _environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[str]:
    """A coordinator that stores in `var`, as `make run` does."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    environment = _environment(
        HOLDFAST_DATA_DIR=str(tmp_path / "var"),
        HOLDFAST_PORT=str(port),
        HOLDFAST_ORIGIN=origin,
        HOLDFAST_LOG_LEVEL="error",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator.cli", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any(line.startswith("ready:") for line in process.stdout)
    yield origin
    process.terminate()
    process.wait(PATIENCE)
    process.stdout.close()


def test_the_first_request_goes_as_the_readme_says(tmp_path: Path, origin: str) -> None:
    bash = shutil.which("bash")
    if bash is None or shutil.which("python3") is None:
        pytest.skip("needs bash and python3")
    run, *blocks = _blocks()
    assert run.startswith("make run")
    script = (_PROLOGUE + "".join(blocks)).replace("http://127.0.0.1:8080", origin)
    script = script.replace("mkdir -p /tmp/first && cd /tmp/first", "mkdir first && cd first")
    script = re.sub(r"\b(frq|hld)_…", r'"$(latest \1)"', script)
    log = tmp_path / "log"
    done = subprocess.run(
        [bash, "-c", script],
        cwd=tmp_path,
        env=_environment(LOG=str(log)),
        input="y\n",  # the lead approves
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    said = log.read_text(encoding="utf-8")
    assert done.returncode == 0, said
    assert said.rstrip().endswith("released"), said
    assert (
        re.findall(r"^(?:submit|approve|report) .* (\w+) +per_", said, re.MULTILINE)
        == ["verified"] * 3
    )
