"""One spelling of every URL: evidence names the path, so no second path may lead to a route.

Werkzeug forgives doubled slashes in front, and servers decode what was percent-encoded. An act that
was signed for another spelling would be carried out, and then its evidence, which names that
spelling, would verify for nobody: whoever signed it could disown it.
"""

import re
from collections.abc import Mapping
from typing import Any

from coordinator.domain.errors import NotFoundError

#: Slash-separated segments of the characters that paths use; none of them is ever encoded.
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_DOT_SEGMENTS = frozenset({".", ".."})
#: The absolute form of a request target, which servers must take: RFC 9112 section 3.2.2.
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", re.ASCII)
_READING = frozenset({"GET", "HEAD"})


def _without_authority(target: str) -> str:
    found = _AUTHORITY.match(target)
    return target if found is None else target[found.end() :]


def require_exact_url(environ: Mapping[str, Any]) -> None:
    """Refuse a URL that is spelled otherwise than a route, before any token is looked at.

    What the server in front dropped or decoded on the way cannot be seen here unless it hands on
    the target as sent (`RAW_URI` or `REQUEST_URI`); it is refused with 401 then, for `htu` differs.

    Args:
        environ: The request's WSGI environment.

    Raises:
        NotFoundError: If the path is no exact one, or a change has a query string.
    """
    path = str(environ.get("PATH_INFO", ""))
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or path)
    raw_path, question_mark, _ = _without_authority(target).partition("?")
    is_exact = (
        _PATH.fullmatch(path) is not None
        and raw_path == path
        and _DOT_SEGMENTS.isdisjoint(path.split("/"))
    )
    has_query = bool(question_mark or environ.get("QUERY_STRING"))
    if is_exact and not (has_query and environ["REQUEST_METHOD"] not in _READING):
        return
    raise NotFoundError(
        "there is nothing at this URL: write the path exactly as /docs describes it, without "
        "doubled or final slashes, dot segments or percent-encoding, and leave out '?' and query "
        "string of a POST, PATCH or DELETE"
    )
