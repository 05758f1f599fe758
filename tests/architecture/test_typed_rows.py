"""A misspelt column is an error of mypy's, wherever a row comes from (ADR 0024)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, project_files

SLIPS = """
from sqlalchemy import Connection

from coordinator.domain.actor import Viewer
from coordinator.storage.delivery import deliveries
from coordinator.storage.requests import freeze_requests
from coordinator.storage.membership import grant_proposals, partners


def slips(connection: Connection) -> None:
    hot = freeze_requests.get(connection, "frq_1")
    cold = grant_proposals.get(connection, "grp_1")
    some = deliveries.find(connection, "dlv_1", Viewer("a.example", None))
    sent = partners.send_people(connection, "a.example")
    if hot is not None:
        print(hot.adress_cuont)
    if cold is not None:
        print(cold.prposer)
    if some is not None:
        print(some.evnet_type)
    for person in sent.rows():
        print(person.rloes)
"""
ERRORS = [
    '"FreezeRequestRow" has no attribute "adress_cuont"',
    '"GrantProposalRow" has no attribute "prposer"',
    '"ShownDelivery" has no attribute "evnet_type"',
    '"Person" has no attribute "rloes"',
]
#: What tells mypy nothing of a row's columns.
UNTYPED = re.compile(r"\bRow\[|\brows?: (?:Sequence\[|list\[)?Any\b")


def test_mypy_catches_a_misspelt_column_of_a_row(tmp_path: Path) -> None:
    file = tmp_path / "slips.py"
    file.write_text(SLIPS)
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context"]
    found = subprocess.run([*command, file], cwd=ROOT, capture_output=True, text=True, check=False)
    # Behind it mypy may say what was perhaps meant.
    told = re.findall(r'slips.py:\d+: error: (".*" has no attribute "\w+")', found.stdout)
    assert told == ERRORS, found.stdout + found.stderr


def test_no_row_of_the_coordinator_is_untyped() -> None:
    """Attributes of SQLAlchemy's own `Row` are not checked: unpack it, or declare a row."""
    places = []
    for path in project_files():
        name = str(path.relative_to(ROOT))
        if path.suffix == ".py" and name.startswith("coordinator/"):
            text = path.read_text(encoding="utf-8")
            lines = [n for n, line in enumerate(text.splitlines(), 1) if UNTYPED.search(line)]
            places += [f"{name}:{n}" for n in (*lines, *_attributes_of_results(text))]
    assert places == []


#: Methods of a result whose value is a row, or rows, of SQLAlchemy's own.
GIVES_ROWS = {"execute", "all", "one", "one_or_none", "first", "fetchone", "fetchall"}


def _attributes_of_results(source: str) -> Iterator[int]:
    """Yield the lines in which a name that holds a result's row is asked for an attribute."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            names: set[str] = set()
            for _ in range(3):  # rows of a result, a row of these rows
                names |= {name for node in ast.walk(function) for name in _bound(node, names)}
            yield from (
                node.lineno
                for node in ast.walk(function)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in names
                and node.attr not in {*GIVES_ROWS, *OF_A_RESULT}
            )


#: What a result or a list of rows has itself.
OF_A_RESULT = {"rowcount", "scalars", "scalar", "scalar_one", "keys"}


def _bound(node: ast.AST, known: set[str]) -> Iterator[str]:
    """Yield the name that an assignment or a loop gives to what a result holds."""
    target: ast.expr | None = None
    value: ast.expr | None = None
    if isinstance(node, ast.Assign):
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.For | ast.comprehension):
        target, value = node.target, node.iter
    if isinstance(target, ast.Name) and value is not None and _is_result(value, known):
        yield target.id


def _is_result(value: ast.expr, known: set[str]) -> bool:
    if isinstance(value, ast.IfExp):
        return _is_result(value.body, known)
    if isinstance(value, ast.Name):
        return value.id in known
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
        return False
    called = value.func
    if called.attr == "execute":
        return ast.unparse(called.value).endswith("connection")
    return called.attr in GIVES_ROWS and _is_result(called.value, known)


@pytest.mark.parametrize(
    "slip",
    [
        "for row in connection.execute(query):\n        print(row.id)",
        "row = connection.execute(query).one()\n    print(row.id)",
        "rows = connection.execute(query).all()\n    print([row.id for row in rows])",
        "rows = connection.execute(query).all() if ids else []\n    return {r.id: r for r in rows}",
    ],
)
def test_an_attribute_of_a_result_is_seen(slip: str) -> None:
    assert list(_attributes_of_results(f"def read(connection):\n    {slip}\n"))
    assert not UNTYPED.search(slip)
