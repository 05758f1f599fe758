"""The only JSON that is parsed, signed or hashed (RFC 8259, narrowed as in RFC 7493).

Refused beyond what JSON itself refuses: a byte order mark, duplicate members, NaN and Infinity,
lone surrogates, NUL in a string, deep nesting, fractions and exponents (amounts are decimal
strings), and integers beyond 2^53 - 1, because two readers could understand such bytes differently.

The common case runs in the standard library's C scanner. Only when something is found is the text
read a second time to say where.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from holdfast.protocol.errors import StrictJsonError

#: An object as `loads` returns it: a document that was checked when it came, read by name.
JsonObject = dict[str, Any]

MAX_DEPTH = 16
#: Values in one document; 20,000 addresses with every member use about a third of it. It bounds
#: memory: 16 MiB of "[]," would otherwise become half a gigabyte of empty lists.
MAX_VALUES = 1_000_000
#: The integers that every JSON reader holds exactly (RFC 7493 section 2.2).
MAX_INTEGER = 2**53 - 1
_MAX_INTEGER_DIGITS = 16
_BOM = b"\xef\xbb\xbf"
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
#: Escapes that may hide what is refused; an escaped backslash before the u is sorted out later.
_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class _FaultError(ValueError):
    """Raised inside the scanner: the text must be read again to say where."""


class _Fault:
    """Stands for a refused value in the second reading."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _Members(list[tuple[str, Any]]):
    """An object's members in the second reading, doubles included."""


def _integer_fault(text: str) -> str | None:
    if len(text.lstrip("-")) > _MAX_INTEGER_DIGITS or abs(int(text)) > MAX_INTEGER:
        return "an integer beyond 2^53 - 1; write large amounts as strings"
    return None


def _integer(text: str) -> int:
    if len(text) >= _MAX_INTEGER_DIGITS and _integer_fault(text):
        raise _FaultError
    return int(text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _FaultError
    return members


def _refuse(_text: str) -> NoReturn:
    raise _FaultError


def _mark_integer(text: str) -> Any:
    reason = _integer_fault(text)
    return _Fault(reason) if reason else int(text)


def _mark_fraction(_text: str) -> _Fault:
    return _Fault("a number with a fraction or exponent; write amounts as strings")


def _mark_constant(text: str) -> _Fault:
    return _Fault(f"{text} is not JSON")


_SCANNER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_refuse, parse_int=_integer, parse_constant=_refuse
)
_LOCATOR = json.JSONDecoder(
    object_pairs_hook=_Members,
    parse_float=_mark_fraction,
    parse_int=_mark_integer,
    parse_constant=_mark_constant,
)


def loads(raw: bytes, *, max_depth: int = MAX_DEPTH, max_bytes: int | None = None) -> Any:
    """Return the value that `raw` spells: str, int, bool, None, list or dict.

    Args:
        raw: The bytes exactly as received, UTF-8.
        max_depth: Greatest nesting of arrays and objects; a bare scalar has depth 0.
        max_bytes: Greatest length in bytes; None where the caller has already bounded it.

    Raises:
        StrictJsonError: If `raw` is anything else, with the place where it can be told.
    """
    if max_bytes is not None and len(raw) > max_bytes:
        raise StrictJsonError(f"longer than {max_bytes} bytes")
    if raw.startswith(_BOM):
        raise StrictJsonError("starts with a byte order mark; send plain UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError(f"not UTF-8 at byte {error.start}") from None
    _check_structure(raw, max_depth)
    try:
        value = _scanned(text)
    except _FaultError:
        _raise_located(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(error) from None
    if "\\u" in text and _SUSPICIOUS_ESCAPE.search(text):
        for pointer, reason in _faults(value, ""):
            raise StrictJsonError(reason, pointer=pointer)
    return value


def _scanned(text: str) -> Any:
    """Return what the decoder does; it looks for white space that is hardly ever there."""
    if not text[:1].strip():
        return _SCANNER.decode(text)
    value, end = _SCANNER.raw_decode(text)
    return value if end == len(text) else _SCANNER.decode(text)


def _check_structure(raw: bytes, max_depth: int) -> None:
    """Refuse deep or huge documents without reading them, in time linear in their length.

    What stands between every other quote is structure, once escapes are gone. Each round of
    removing "[]" takes one level off, from the leaves up, so a balanced document is gone after as
    many rounds as it has levels. What is unbalanced but harmless is left to the scanner, which says
    where.
    """
    if raw.count(b"[") + raw.count(b"{") <= max_depth and raw.count(b",") < MAX_VALUES:
        return
    if b"\\" in raw:
        raw = _ESCAPE.sub(b"", raw)
    structure = b"".join(raw.split(b'"')[::2])
    brackets = structure.translate(_TO_SQUARE, _NOT_BRACKETS)
    if structure.count(b",") + brackets.count(b"[") >= MAX_VALUES:
        raise StrictJsonError(f"holds more than {MAX_VALUES} values")
    for _ in range(max_depth):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if len(brackets.lstrip(b"]")) > max_depth or b"[]" in brackets:
        raise StrictJsonError(f"nested deeper than {max_depth} levels")


def _syntax_error(error: json.JSONDecodeError) -> StrictJsonError:
    reason = error.msg[:1].lower() + error.msg[1:]
    return StrictJsonError(f"not JSON: {reason}", line=error.lineno, column=error.colno)


def _raise_located(text: str) -> NoReturn:
    """Read `text` a second time, keeping what was refused, and name the first place."""
    try:
        value = _LOCATOR.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(error) from None
    for pointer, reason in _faults(value, ""):
        raise StrictJsonError(reason, pointer=pointer)
    raise AssertionError("the scanner found what the locator did not")  # pragma: no cover


def _faults(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield (pointer, reason) of everything refused below `value`, in document order."""
    if isinstance(value, str):
        if reason := _string_fault(value):
            yield pointer, reason
    elif isinstance(value, _Fault):
        yield pointer, value.reason
    elif isinstance(value, _Members):
        yield from _member_faults(value, pointer)
    elif isinstance(value, dict):
        yield from _member_faults(list(value.items()), pointer)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, f"{pointer}/{place}")


def _member_faults(members: list[tuple[str, Any]], pointer: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for name, value in members:
        if reason := _string_fault(name):
            # Such a name cannot be shown in a pointer.
            yield pointer, f"a member name with {reason}"
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if name in seen:
            yield place, "a member that stands twice"
        seen.add(name)
        yield from _faults(value, place)


def _string_fault(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    if _SURROGATE.search(text):
        return "a lone surrogate"
    return None
