"""The tree keeps its shape: where files lie and what they are called."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.tree import ROOT, modules, project_files

TOP_LEVEL = {
    *("coordinator", "partners", "tests", "config", "docs", ".ci"),
    *("wsgi.py", "pyproject.toml", "requirements.lock", "Makefile", ".gitignore"),
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", ".pre-commit-config.yaml"),
    *("SECURITY.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", ".github", "deploy", "examples"),
    *(".dockerignore", ".editorconfig", ".gitattributes"),
}
# Names under which everything and nothing belongs.
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def test_the_top_level_holds_only_what_belongs_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in project_files()} - TOP_LEVEL == set()


def test_config_holds_data_only() -> None:
    code = [path for path in project_files() if path.is_relative_to(ROOT / "config")]
    assert [path.name for path in code if path.suffix == ".py"] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    parts = {part for name, _, _ in modules("coordinator", "partners") for part in Path(name).parts}
    assert {part.removesuffix(".py") for part in parts} & VAGUE == set()


def test_no_function_of_the_product_excuses_its_number_of_arguments_where_it_stands() -> None:
    # Where it cannot be otherwise, pyproject.toml argues it for a whole file.
    excused = re.compile(r"# noqa:.*\bPLR09(?:13|17)\b")
    found = [name for name, _, text in modules("coordinator", "partners") if excused.search(text)]
    assert found == []


def test_every_folder_with_modules_is_a_package() -> None:
    # Without __init__.py the import linter passes a folder by, and pytest mixes up equal names.
    folders = {Path(name).parent for name, _, _ in modules("coordinator", "partners", "tests")}
    versions = {folder for folder in folders if folder.name == "versions"}  # Alembic loads by path
    assert {str(f) for f in folders - versions if not (ROOT / f / "__init__.py").is_file()} == set()


def test_the_folder_of_the_kit_is_no_package() -> None:
    # Else `partners.holdfast` would be a second name of the same modules.
    assert not (ROOT / "partners" / "__init__.py").exists()


def _links() -> list[tuple[str, str]]:
    documents = [path for path in project_files() if path.suffix == ".md"]
    return [
        (str(path.relative_to(ROOT)), target)
        for path in documents
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:|#", target)
    ]


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        (document, target)
        for document, target in _links()
        if not ((ROOT / document).parent / unquote(target.partition("#")[0])).exists()
    ]
    assert broken == []


def test_every_decision_record_has_its_own_number() -> None:
    names = sorted(path.name for path in project_files() if path.parent == ROOT / "docs" / "adr")
    if not names:
        pytest.skip("no decision is recorded yet")
    numbers = [name[:4] for name in names if re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)]
    assert len(numbers) == len(names), f"not all are called NNNN-title.md: {names}"
    assert len(set(numbers)) == len(numbers)
