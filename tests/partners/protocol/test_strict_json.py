"""Strict JSON reads what has one meaning and names what has not."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import strict_json
from holdfast.protocol.errors import StrictJsonError

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES, st.booleans())
def test_every_value_of_the_domain_is_read_as_it_was_written(
    value: Any,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    raw = json.JSONEncoder(ensure_ascii=ascii_only).encode(value).encode()
    assert strict_json.loads(raw, max_depth=64) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_and_never_crash(raw: bytes) -> None:
    with contextlib.suppress(StrictJsonError):
        strict_json.loads(raw)


@given(st.text(alphabet='[]{}",:\\u0d81ae.-N \n', max_size=60))
def test_whatever_is_read_the_standard_library_reads_alike(text: str) -> None:
    try:
        value = strict_json.loads(text.encode())
    except StrictJsonError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("raw", "pointer", "reason"),
    [
        (b'{"a":1,"a":1}', "/a", "a member that stands twice"),
        (b'{"a":1,"\\u0061":2}', "/a", "a member that stands twice"),
        (b'[{"b":[0,{"c/~":1,"c/~":2}]}]', "/0/b/1/c~1~0", "a member that stands twice"),
        (b'{"a":1.5}', "/a", "a number with a fraction or exponent; write amounts as strings"),
        (b"[1e3]", "/0", "a number with a fraction or exponent; write amounts as strings"),
        (b"[1.0]", "/0", "a number with a fraction or exponent; write amounts as strings"),
        (b"[NaN]", "/0", "NaN is not JSON"),
        (b'{"a":[Infinity]}', "/a/0", "Infinity is not JSON"),
        (b"-Infinity", "", "-Infinity is not JSON"),
        (b'["\\ud800"]', "/0", "a lone surrogate"),
        (b'["\\udc00\\ud800"]', "/0", "a lone surrogate"),
        (b'["a","\\uDBFF\\n"]', "/1", "a lone surrogate"),
        (b'{"x":{"\\udfff":1}}', "/x", "a member name with a lone surrogate"),
        (b'{"x":"\\u0000"}', "/x", "a NUL character"),
        (b'{"\\u0000":1}', "", "a member name with a NUL character"),
        (b'{"a":1,"a":"\\u0000"}', "/a", "a member that stands twice"),
    ],
)
def test_what_is_refused_is_named_with_its_place(raw: bytes, pointer: str, reason: str) -> None:
    with pytest.raises(StrictJsonError) as caught:
        strict_json.loads(raw)
    assert (caught.value.pointer, caught.value.reason) == (pointer, reason)


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740992", "9" * 5_000])
def test_an_integer_that_other_readers_would_round_is_refused(text: str) -> None:
    with pytest.raises(StrictJsonError, match=r"beyond 2\^53 - 1.* at /n"):
        strict_json.loads(b'{"n":%s}' % text.encode())


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0])
def test_the_largest_exact_integers_are_read(number: int) -> None:
    assert strict_json.loads(str(number).encode()) == number


def test_an_escaped_backslash_before_u_is_no_escape() -> None:
    assert strict_json.loads(rb'["\\ud800", "\\u0000"]') == ["\\ud800", "\\u0000"]


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert strict_json.loads(rb'["\ud83d\ude00", {"\ud83d\ude00": 1}]') == ["😀", {"😀": 1}]


def test_a_broken_text_is_named_with_line_and_column() -> None:
    with pytest.raises(StrictJsonError, match="line 2, column 7") as caught:
        strict_json.loads(b'{"a": 1,\n "b": }')
    assert (caught.value.line, caught.value.column) == (2, 7)


def test_a_broken_text_is_named_even_when_something_before_it_was_refused() -> None:
    with pytest.raises(StrictJsonError, match="line 1, column 6"):
        strict_json.loads(b"[1.5,}")


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbf{}", b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', '"a"'.encode("utf-16")]
)
def test_only_plain_utf_8_is_read(raw: bytes) -> None:
    with pytest.raises(StrictJsonError, match="UTF-8"):
        strict_json.loads(raw)


def test_a_body_longer_than_allowed_is_refused_before_it_is_read() -> None:
    assert strict_json.loads(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(StrictJsonError, match="longer than 4 bytes"):
        strict_json.loads(b'"abc"', max_bytes=4)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"]":'])
def test_nesting_is_bounded_exactly(opening: str) -> None:
    def nested(rounds: int) -> bytes:
        closing = {"[": "]", '{"a":': "}", '[{"]":': "}]"}[opening]
        return (opening * rounds + "1" + closing * rounds).encode()

    per_round = 2 if opening.startswith("[{") else 1
    assert strict_json.loads(nested(16 // per_round))
    with pytest.raises(StrictJsonError, match="nested deeper than 16 levels"):
        strict_json.loads(nested(16 // per_round + 1))


def test_brackets_inside_strings_neither_count_nor_hide_what_counts() -> None:
    text = '["[[[[[[[[[[[[[[[[[[[[","]]]]]]]]]]]]]]]]]]]]]]","\\"[[[[[[[["]'
    assert len(strict_json.loads(text.encode())) == 3
    deep = '["]",' * 17 + "1" + "]" * 17
    with pytest.raises(StrictJsonError, match="nested deeper"):
        strict_json.loads(deep.encode())


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[[]," * 50_000])
def test_a_bottomless_document_is_refused_without_being_followed(raw: bytes) -> None:
    with pytest.raises(StrictJsonError, match="nested deeper"):
        strict_json.loads(raw)


def test_a_document_with_many_brackets_that_do_not_match_is_broken_not_deep() -> None:
    with pytest.raises(StrictJsonError, match="not JSON"):
        strict_json.loads(b"[" + b"[]," * 20 + b"[")
    with pytest.raises(StrictJsonError, match="not JSON"):
        strict_json.loads(b"[]" * 20 + b"]" * 20)


@pytest.mark.parametrize("item", [b"1,", b"[],", b'"\\"",'])
def test_the_number_of_values_is_bounded(item: bytes) -> None:
    with pytest.raises(StrictJsonError, match="more than 1000000 values"):
        strict_json.loads(b"[" + item * 1_000_001 + b"1]")


def test_many_commas_inside_a_string_are_no_values() -> None:
    text = "," * 1_000_001
    assert strict_json.loads(f'["{text}"]'.encode()) == [text]
