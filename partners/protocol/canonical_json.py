"""One spelling for every value (RFC 8785), for whatever is hashed and not sent as received.

The domain is that of `strict_json`: text, integers up to 2^53 - 1, true, false, null, arrays and
objects. Fractions are refused, so the hard part of RFC 8785 never arises.
"""

import json
from typing import Any

from partners.protocol.errors import CanonicalJsonError
from partners.protocol.strict_json import MAX_INTEGER

_MAX_DEPTH = 64
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def dumps(value: Any) -> bytes:
    """Return the canonical JSON of `value`, UTF-8.

    Raises:
        CanonicalJsonError: If `value` holds a float, an integer beyond 2^53 - 1, a name that is not
            a string, a lone surrogate, any other type, or nests deeper than 64 levels.
    """
    try:
        return _ENCODER.encode(_ordered(value, _MAX_DEPTH)).encode("utf-8")
    except UnicodeEncodeError:
        raise CanonicalJsonError("a lone surrogate has no canonical form") from None


def _ordered(value: Any, depth: int) -> Any:
    """Return `value` with every object's members in canonical order, or raise."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise CanonicalJsonError("an integer beyond 2^53 - 1; write it as a string")
        return value
    if depth == 0:
        raise CanonicalJsonError(f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {name: _ordered(value[name], depth - 1) for name in _sorted_names(value)}
    raise CanonicalJsonError(f"{type(value).__name__} has no canonical form")


def _sorted_names(members: dict[Any, Any]) -> list[str]:
    for name in members:
        if not isinstance(name, str):
            raise CanonicalJsonError("the names of an object's members are strings")
    if "".join(members).isascii():
        return sorted(members)  # code units and code points are the same there
    # By UTF-16 code units (RFC 8785 section 3.2.3), which beyond the BMP differs from code points.
    return sorted(members, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
