"""Canonical JSON, against another implementation of RFC 8785."""

from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import CanonicalJsonError

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=6),
    max_leaves=25,
)


@given(_VALUES)
def test_another_implementation_of_rfc_8785_writes_the_same_bytes(value: Any) -> None:
    assert canonical_json.dumps(value) == rfc8785.dumps(value)


def test_the_sorting_example_of_rfc_8785_comes_out_as_printed_there() -> None:
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(strict_json.loads(canonical_json.dumps(names)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_a_tuple_is_an_array() -> None:
    assert canonical_json.dumps({"b": (1, 2), "a": None}) == b'{"a":null,"b":[1,2]}'


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), 2**53, -(2**53), {1: 2}, "\ud800", {"\udc00": 1}, b"x", {1}, _deep(65)],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalJsonError):
        canonical_json.dumps([value] if not isinstance(value, list) else value)


def test_sixty_four_levels_are_written() -> None:
    assert canonical_json.dumps(_deep(64)) == b"[" * 64 + b"1" + b"]" * 64


def test_a_word_of_the_vocabulary_is_written_as_its_text() -> None:
    class Word(StrEnum):
        FROZEN = "frozen"

    assert canonical_json.dumps({Word.FROZEN: [Word.FROZEN]}) == b'{"frozen":["frozen"]}'
