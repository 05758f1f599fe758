"""JSON responses: with an ETag for reads, as stored for changes."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from flask import Response, request

from coordinator.api import problems
from coordinator.domain.errors import (
    PreconditionFailedError,
)
from holdfast.protocol import canonical_json

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that takes a while to make and no connection: it is made once that is given back.

    Attributes:
        make: Makes it, of what was read.
    """

    make: Callable[[], Response]


def json_response(answer: Any) -> Response:
    """Return the response to a read, with its ETag, or 304 if the caller has it already.

    Raises:
        PreconditionFailedError: If it is not what `If-Match` names.
    """
    if isinstance(answer, Response):
        return answer
    content = answer if isinstance(answer, bytes) else canonical_json.dumps(answer)
    etag = sha256(content).hexdigest()[:32]
    response = Response(content, 200, content_type=JSON)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return conditional(response)


def conditional(response: Response) -> Response:
    """Apply `If-Match` and `If-None-Match` to a response with an ETag.

    Raises:
        PreconditionFailedError: If it is not what `If-Match` names.
    """
    response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise PreconditionFailedError(
            "it is no longer what If-Match names; read it without that header"
        )
    return response


def stored_response(status: int, content: bytes) -> Response:
    """Return a stored answer to a change: JSON, or a problem document."""
    problem = status >= 400  # noqa: PLR2004 - client errors start there
    kind = problems.CONTENT_TYPE if problem else JSON
    response = Response(content, status, content_type=kind)
    response.headers["Cache-Control"] = "no-store"
    return response
