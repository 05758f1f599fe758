"""No dict of whatever goes through the middle: mypy sees every member that services hand on.

A document that is only passed on, or read by the names that its model checked when it came, is a
`strict_json.JsonObject`.
"""

import re

import pytest

from tests.architecture.tree import modules

#: What tells mypy nothing of the members of an object.
UNTYPED = re.compile(r"\b(?:dict|Dict|Mapping|MutableMapping|defaultdict)\[\s*str,\s*Any\b")
MIDDLE = ("coordinator/services/", "coordinator/storage/")


def test_services_and_storage_hand_on_no_untyped_dict() -> None:
    found = [
        f"{name}:{source.count(chr(10), 0, match.start()) + 1}"
        for name, _, source in modules("coordinator")
        if name.startswith(MIDDLE)
        for match in UNTYPED.finditer(source)
    ]
    assert found == []


@pytest.mark.parametrize(
    "slip",
    [
        "def view(row: Row) -> dict[str, Any]:",
        "totals: Mapping[str, Mapping[str, Any]]",
        "rows: Sequence[\n    dict[\n        str, Any\n    ]\n]",
    ],
)
def test_an_untyped_dict_is_seen(slip: str) -> None:
    assert UNTYPED.search(slip)
