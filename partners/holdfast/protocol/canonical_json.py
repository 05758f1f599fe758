"""One spelling for every value (RFC 8785), for whatever is hashed and not sent as received.

The domain is that of `strict_json`: text, integers up to 2^53 - 1, true, false, null, arrays and
objects. Fractions are refused, so the hard part of RFC 8785 never arises.
"""

import json
from collections.abc import Iterable
from typing import Any

from holdfast.protocol.errors import CanonicalJsonError
from holdfast.protocol.strict_json import MAX_INTEGER

_MAX_DEPTH = 64
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_SORTING_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True
)


def dumps(value: Any) -> bytes:
    """Return the canonical JSON of `value`, UTF-8.

    Raises:
        CanonicalJsonError: If `value` holds a float, an integer beyond 2^53 - 1, a name that is not
            a string, a lone surrogate, any other type, or nests deeper than 64 levels.
    """
    if _check(value, _MAX_DEPTH):
        # The encoder sorts by code points, which are code units as long as names are ASCII.
        text = _SORTING_ENCODER.encode(value)
    else:
        text = _ENCODER.encode(_ordered(value))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise CanonicalJsonError("a lone surrogate has no canonical form") from None


def is_canonical(raw: bytes, value: Any) -> bool:
    """Tell whether `raw` is the canonical JSON of the value that `strict_json.loads` read in it."""
    if raw.isascii():
        # So are the names of all members, or another text would be theirs.
        return _SORTING_ENCODER.encode(value).encode() == raw
    return dumps(value) == raw


def _check(value: Any, depth: int) -> bool:
    """Refuse what has no canonical form; return whether the names of all members are ASCII."""
    if value is None or isinstance(value, str | bool):
        return True
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise CanonicalJsonError("an integer beyond 2^53 - 1; write it as a string")
        return True
    if depth == 0:
        raise CanonicalJsonError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, list | tuple):
        return _check_items(value, depth - 1)
    if not isinstance(value, dict):
        raise CanonicalJsonError(f"{type(value).__name__} has no canonical form")
    try:
        is_ascii = "".join(value).isascii()
    except TypeError:
        raise CanonicalJsonError("the names of an object's members are strings") from None
    return _check_items(value.values(), depth - 1) and is_ascii


def _check_items(items: Iterable[Any], depth: int) -> bool:
    is_ascii = True
    for item in items:
        # Most are plain or words of an enum, and thousands of lines come with one answer.
        kind = type(item)
        if kind is str or item is None or kind is bool or isinstance(item, str):
            continue
        if kind is int and -MAX_INTEGER <= item <= MAX_INTEGER:
            continue
        if not _check(item, depth):
            is_ascii = False
    return is_ascii


def _ordered(value: Any) -> Any:
    """Return a checked `value` with every object's members in canonical order.

    By UTF-16 code units (RFC 8785 section 3.2.3), which beyond the BMP differs from code points.
    """
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value
