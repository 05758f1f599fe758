"""The server takes the time from its Clock, so that tests and a shifted clock reach every rule."""

import ast

from tests.architecture.tree import modules

WALL_CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime"),
}
CLOCK = "coordinator/domain/clock.py"


def _wall_clocks(tree: ast.Module) -> list[int]:
    """Return the lines that read the wall clock, or import it to read it under another name."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if f"{owner}.{node.attr}" in WALL_CLOCKS:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom):
            read = {f"{node.module}.{alias.name}" for alias in node.names}
            if read & WALL_CLOCKS:
                lines.append(node.lineno)
    return lines


def test_only_the_clock_reads_the_wall_clock() -> None:
    found = {
        name: lines
        for name, tree, _ in modules("coordinator")
        if name != CLOCK and (lines := _wall_clocks(tree))
    }
    assert found == {}


def test_the_search_sees_every_way_to_read_it() -> None:
    source = (
        "import datetime, time\nfrom time import time_ns\n"
        "datetime.datetime.now()\ndatetime.now(UTC)\ntime.time()\n"
    )
    assert sorted(_wall_clocks(ast.parse(source))) == [2, 3, 4, 5]
