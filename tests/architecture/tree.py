"""The files of the project, as version control sees them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@cache
def project_files() -> tuple[Path, ...]:
    """Return every file that is, or is about to be, under version control.

    Skips the calling test in an unpacked archive, where nothing tells ours from what was generated.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs a git checkout: {error}")
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return tuple(path for name in names if (path := ROOT / name).is_file())


def text_lines() -> Iterator[tuple[str, str]]:
    """Yield (place, line) for every line of every text file; place reads `folder/file:7`."""
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an image or the like
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def modules(*packages: str) -> Iterator[tuple[str, ast.Module, str]]:
    """Yield (name, parsed, source) for every Python file below the given top-level folders."""
    for path in project_files():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and name.parts[0] in packages:
            yield str(name), *_parsed(path)


@cache
def _parsed(path: Path) -> tuple[ast.Module, str]:
    source = path.read_text(encoding="utf-8")
    return ast.parse(source), source


def load_bootstrap() -> ModuleType:
    """Return the script that sets up a checkout, as a module of its own for every caller."""
    spec = spec_from_file_location("bootstrap", ROOT / ".ci" / "bootstrap.py")
    assert isinstance(spec, ModuleSpec)
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
