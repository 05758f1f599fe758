"""Two distributions leave this repository, and each is whole where nothing else of it is.

The kit works beside an exchange's own code with the packages it asks for and no others; the
coordinator finds its templates, its migrations and the files of `config/` and `docs/`.
"""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.architecture.distributions import COORDINATOR, KIT, Environment, build_wheels
from tests.architecture.tree import ROOT, modules, project_files

pytestmark = pytest.mark.processes

PACKAGES = {KIT: "partners/holdfast", COORDINATOR: "coordinator"}
#: What the extra `flask` is for.
NEEDS_FLASK = "holdfast.webhooks.flask_blueprint"
#: What the extra `paper` is for: a program that a process of its own runs.
NEEDS_TYPST = "holdfast.typesetting.process"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return both wheels, built from a copy, for building leaves its traces in the folder."""
    return build_wheels(tmp_path_factory.mktemp("distributions"))


def _packed(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def _kit_modules() -> list[str]:
    names = [name for name, _, _ in modules("partners") if name.startswith("partners/holdfast/")]
    dotted = [n.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for n in names]
    return [name.removeprefix("partners.") for name in dotted]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_holds_every_file_of_its_package_and_no_other(
    wheels: dict[str, Path], name: str
) -> None:
    above = ROOT / PACKAGES[name]
    ours = {
        str(path.relative_to(above.parent)) for path in project_files() if above in path.parents
    }
    packed = {name for name in _packed(wheels[name]) if ".dist-info/" not in name}
    data = {name for name in packed if ".data/data/share/" in name}
    assert packed - data == ours


def test_the_kit_needs_no_more_than_what_it_asks_for(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "exchange", wheels[KIT])
    assert environment.pip_check() == "No broken requirements found.\n"
    assert environment.run("holdfast", "--version") == "holdfast, version 0.1.0\n"
    light = [name for name in _kit_modules() if name not in {NEEDS_FLASK, NEEDS_TYPST}]
    environment.run("python", "-c", "".join(f"import {name}\n" for name in light))
    with pytest.raises(AssertionError, match="No module named 'flask'"):
        environment.run("python", "-c", f"import {NEEDS_FLASK}")


def test_the_kits_blueprint_comes_with_its_extra(wheels: dict[str, Path], tmp_path: Path) -> None:
    environment = Environment(tmp_path / "exchange", wheels[KIT], extras=("flask",))
    environment.run("python", "-c", f"import {NEEDS_FLASK}")


def test_an_exchange_with_the_kit_joins_an_installed_coordinator(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    operator = Environment(tmp_path / "operator", wheels[KIT], wheels[COORDINATOR])
    assert operator.pip_check() == "No broken requirements found.\n"
    operator.run("holdfast-coordinator", "migrate")
    invited = operator.run(
        "holdfast-coordinator", "partner", "invite", "a.example", "--name", "A", "--json"
    )
    exchange = Environment(tmp_path / "exchange", wheels[KIT])
    with operator.serving() as origin:
        home = {"HOLDFAST_HOME": str(tmp_path / "home")}
        join = ("--handle", "a.example", "--invitation", json.loads(invited)["invitation"])
        named = ("--coordinator", origin, "--lead", "lead", "--json")
        joined = json.loads(exchange.run("holdfast", "join", *named, *join, **home))
        operator.run("holdfast-coordinator", "partner", "confirm", "a.example", joined["root_kid"])
        inbox = exchange.run("holdfast", "--as", "lead", "inbox", "--json", **home)
    assert inbox == ""  # one line of JSON a request, and nobody asked anything yet


@pytest.mark.parametrize("folder", ["config", "docs"])
def test_an_installed_coordinator_has_every_file_of_its_configuration_and_its_pages(
    wheels: dict[str, Path], folder: str
) -> None:
    names = {path.name for path in project_files() if path.parent == ROOT / folder}
    packed = {
        name
        for name in _packed(wheels[COORDINATOR])
        if f"/share/holdfast-coordinator/{folder}/" in name
    }
    assert {Path(name).name for name in packed} == names
