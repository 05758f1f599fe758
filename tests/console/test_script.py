"""The parts of the console's script that need no page, by node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.console.preview import CONSOLE

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node: the script is tested in the browser only")
def test_the_script_by_node() -> None:
    assert NODE
    tests = Path(__file__).parent / "script.test.cjs"
    done = subprocess.run(
        [NODE, "--test", tests], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_script_makes_no_markup_from_strings_and_calls_no_other_host() -> None:
    script = (CONSOLE / "static/console.js").read_text()
    forbidden = "innerHTML outerHTML insertAdjacentHTML document.write( eval( .style. https://"
    assert [word for word in forbidden.split() if word in script] == []
