"""A new user needs Python and make, and gets the very packages that were tested."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.tree import ROOT, load_bootstrap, text_lines

TARGETS = {
    *(
        "help",
        "setup",
        "run",
        "demo",
        "test",
        "test-fast",
        "check",
        "lint",
        "format",
        "types",
        "coverage",
    ),
    *("bench", "migrate", "wheels", "lock"),
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
KIT = tomllib.loads((ROOT / "partners" / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def bootstrap() -> ModuleType:
    return load_bootstrap()


def _locked() -> dict[str, str]:
    """Return what the lock says of each package, by name: pin, marker and hashes."""
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n", "", LOCK))
    return {re.split(r"[=\[ ]", entry)[0]: entry for entry in entries if entry.strip()}


def _asked() -> list[str]:
    """Return every requirement of both distributions, of their extras and of the tools."""
    extras = KIT["project"]["optional-dependencies"].values()
    return [
        *(*PROJECT["project"]["dependencies"], *KIT["project"]["dependencies"]),
        *(*PROJECT["dependency-groups"]["dev"], *(item for extra in extras for item in extra)),
    ]


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=;! ]", requirement)[0].lower().replace("_", "-")


def test_every_make_target_has_a_help_text() -> None:
    declared = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):[^#\n]*## \S", MAKEFILE, re.MULTILINE))
    assert declared == explained
    assert declared >= TARGETS


def _make(*words: str, **environ: str) -> str:
    """Return what make prints."""
    # Under `make test` the outer make's flags would turn this into a part of it.
    outer = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "--no-print-directory", *words],  # noqa: S607 - the user's own make
        cwd=ROOT,
        env=outer | environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_make_without_a_target_lists_them() -> None:
    assert {line.split()[0] for line in _make().splitlines()} >= TARGETS


def test_what_make_starts_keeps_what_it_compiles() -> None:
    shown = "shown: ; @echo [$$PYTHONDONTWRITEBYTECODE]"
    assert _make(f"--eval={shown}", "shown", PYTHONDONTWRITEBYTECODE="1") == "[]\n"


def test_continuous_integration_runs_every_check() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make check" in script.read_text(encoding="utf-8")
    assert re.search(r"^check: lint types test\b", MAKEFILE, re.MULTILINE)


def test_every_locked_package_is_pinned_and_hashed() -> None:
    loose = {
        name
        for name, entry in _locked().items()
        if not re.match(r"\S+==\S+", entry) or "--hash=sha256:" not in entry
    }
    assert loose == set()


def test_the_lock_names_no_place_to_install_from() -> None:
    assert re.findall(r"(?m)^.*(?:://|--\w*index|--find-links|^-).*$", _without_hashes()) == []


def _without_hashes() -> str:
    return re.sub(r"--hash=\S+", "", LOCK)


def test_the_lock_has_every_package_that_the_project_asks_for() -> None:
    assert {_name(item) for item in _asked()} - set(_locked()) == {"holdfast-kit"}


#: What would fetch a project called `holdfast` from the package index: it is a stranger's.
_STRANGER = re.compile(
    r"(?:pip|pipx|uv|poetry|pdm)\S*\s+(?:install|add)\s[^`]*?(?<![\w./~-])holdfast(?![\w./-])|^\W*holdfast[\[=<>~]"
)


def test_nothing_asks_for_the_strangers_package_of_our_name() -> None:
    asked = {_name(item) for item in (*_asked(), *PROJECT["build-system"]["requires"])}
    assert "holdfast" not in asked | set(_locked())
    told = [(place, line) for place, line in text_lines() if place.rpartition(":")[0][-3:] == ".md"]
    assert [place for place, line in told if _STRANGER.search(line)] == []


@pytest.mark.parametrize(
    "advice",
    [
        "pip install holdfast",
        "`pip install -U 'holdfast[flask]'`",
        "uv add holdfast",
        "holdfast==1",
    ],
)
def test_the_search_would_find_such_advice(advice: str) -> None:
    assert _STRANGER.search(advice)


def test_both_distributions_have_one_version_and_ask_for_it() -> None:
    version = PROJECT["project"]["version"]
    assert KIT["project"]["version"] == version
    assert (
        f"holdfast-kit[addresses,proofs,timestamps,xlsx]=={version}"
        in PROJECT["project"]["dependencies"]
    )
    assert KIT["project"]["urls"] == PROJECT["project"]["urls"]


def test_the_changelog_has_the_version_that_is_built() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, newest, *_ = re.findall(r"^## (.+)$", changes, re.MULTILINE)
    assert unreleased == "Unreleased"
    assert re.fullmatch(re.escape(PROJECT["project"]["version"]) + r" - \d{4}-\d\d-\d\d", newest)


def test_the_lock_has_what_builds_the_project() -> None:
    # The editable install takes it from the environment, never unhashed from elsewhere.
    assert {_name(item) for item in PROJECT["build-system"]["requires"]} <= set(_locked())


def test_an_interpreter_without_ensurepip_is_told_what_to_install(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bootstrap.importlib.util, "find_spec", lambda name: name != "ensurepip" or None
    )
    wanted = rf"install python{sys.version_info.major}\.{sys.version_info.minor}-venv"
    with pytest.raises(bootstrap.BootstrapError, match=wanted):
        bootstrap.require_interpreter()


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0)])
def test_an_interpreter_that_the_lock_has_no_wheels_for_is_refused(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", version)
    with pytest.raises(bootstrap.BootstrapError, match=r"needs Python 3\.11 to 3\.13"):
        bootstrap.require_interpreter()


def test_a_second_run_installs_nothing(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[Path] = []

    def install(venv: Path) -> None:
        venv.mkdir(exist_ok=True)
        made.append(venv)

    monkeypatch.setattr(bootstrap, "install", install)
    venv = tmp_path / "venv"
    assert bootstrap.main([str(venv)]) == 0
    assert bootstrap.main([str(venv)]) == 0
    assert made == [venv]


def test_a_changed_dependency_installs_again(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "partners").mkdir()
    for name in bootstrap.MADE_FROM:
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    seen = {bootstrap.contents()}
    for name in bootstrap.MADE_FROM:
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write("# one more line\n")
        seen.add(bootstrap.contents())
    assert len(seen) == 1 + len(bootstrap.MADE_FROM)
