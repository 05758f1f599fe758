"""Examples of bodies and answers: `examples.json`, recorded of a coordinator by a test.

`RECORD_EXAMPLES=1` with `tests/contract/test_examples.py` records them anew.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from coordinator.api.view import Route

PATH = Path(__file__).with_name("examples.json")


@cache
def recorded() -> Mapping[str, Any]:
    """Return all that was recorded: `operations` by method and path, `problems` by status."""
    found: Mapping[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def body(route: Route) -> Any:
    """Return a body that the route took; None where it takes none."""
    return _of(route).get("body")


def answer(route: Route, status: int) -> Any:
    """Return an answer of the route with this status; None where none is recorded."""
    return _of(route).get("answers", {}).get(str(int(status)))


def problem(status: int) -> Any:
    """Return a problem document with this status; None where none is recorded."""
    return recorded()["problems"].get(str(int(status)))


def _of(route: Route) -> Mapping[str, Any]:
    found: Mapping[str, Any] = recorded()["operations"].get(f"{route.method} {route.path}", {})
    return found
