"""What an exchange may build on is small, explained, and enough for an exchange to live by."""

import ast
import inspect
import re
from importlib import import_module

import pytest

import holdfast
from tests.architecture.tree import ROOT, modules

#: Beside what `holdfast` names: the models of the wire, and what needs the extra `flask`.
_PUBLIC_MODULES = ("holdfast.protocol", "holdfast.webhooks.flask_blueprint")


def _imports(source: str) -> set[tuple[str, str]]:
    """Return (module, name) of everything that a program takes from the kit."""
    return {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "holdfast"
        for alias in node.names
        if node.module
    }


def _is_public(module: str, name: str) -> bool:
    if module == "holdfast":
        return name in holdfast.__all__
    return module.startswith(_PUBLIC_MODULES) and hasattr(import_module(module), name)


@pytest.mark.parametrize("name", holdfast.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(holdfast, name))


@pytest.mark.parametrize("name", holdfast.__all__)
def test_every_public_method_says_what_it_does(name: str) -> None:
    methods = inspect.getmembers(getattr(holdfast, name), inspect.isfunction)
    ours = [
        (called, method)
        for called, method in methods
        if not called.startswith("_") and method.__module__.startswith("holdfast")
    ]
    assert [called for called, method in ours if not inspect.getdoc(method)] == []


def test_the_reference_exchange_needs_nothing_that_is_private() -> None:
    # It is there to be copied: what it imports must still be there after an upgrade.
    taken = {
        (name, *item)
        for name, _, source in modules("partners")
        if re.fullmatch(r"partners/reference_exchange/\w+\.py", name)
        for item in _imports(source)
    }
    assert taken
    assert {item for item in taken if not _is_public(*item[1:])} == set()


@pytest.mark.parametrize("document", ["README.md", "partners/README.md", "docs/protocol.md"])
def test_the_documents_import_nothing_that_is_private(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = re.findall(r"^(from holdfast\S* import [^\n(]+)$", text, re.MULTILINE)
    taken = _imports("\n".join(lines))
    assert {item for item in taken if not _is_public(*item)} == set()
