"""How a route is declared: once, for Flask, for the pipeline and for OpenAPI.

`signed_get` and `signed_post` (PATCH and DELETE alike) register a function with the models of its
query, body and answer. What is not declared here is not served.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint
from pydantic import BaseModel

from coordinator.api import pipeline
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.domain.permission import Permission
from coordinator.services.bus import permission_of
from coordinator.services.suspended import require_holding
from holdfast.protocol.payloads import Body
from holdfast.protocol.views import View


class Query(BaseModel):
    """Base of query parameters; unknown ones are refused."""

    model_config = {"extra": "forbid", "frozen": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, as OpenAPI tells it."""

    method: str
    path: str
    tag: str
    summary: str
    description: str
    answer: Any
    status: int = 200
    body: type[Body] | None = None
    query: type[Query] | None = None
    signed: bool = True
    large: bool = False
    needs: Permission | None = None
    while_suspended: bool = False


#: Every declared route, in order.
ROUTES: list[Route] = []
blueprint = Blueprint("api", __name__)

ReadFunction = Callable[..., View | dict[str, Any] | bytes]
CommandFunction = Callable[..., Prepared]


def _describe(function: Callable[..., Any]) -> tuple[str, str]:
    summary, _, rest = (function.__doc__ or function.__name__).strip().partition("\n")
    return summary.rstrip("."), " ".join(rest.split())


def _flask_rule(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def signed_get(  # noqa: PLR0913 - what OpenAPI tells of a route
    path: str,
    *,
    tag: str,
    answer: Any,
    needs: Permission,
    query: type[Query] = Query,
    while_suspended: bool = False,
) -> Callable[[ReadFunction], ReadFunction]:
    """Serve `path` (with `{names}`) by a function of (reader, query, **names).

    With `while_suspended` a suspended partner's people and systems are served, too, where
    `{request_id}` is a request on which they have a hold.
    """

    def register(function: ReadFunction) -> ReadFunction:
        summary, description = _describe(function)
        ROUTES.append(
            Route(
                method="GET",
                path=path,
                tag=tag,
                summary=summary,
                description=description,
                answer=answer,
                query=query,
                needs=needs,
                while_suspended=while_suspended,
            )
        )

        def view(**names: str) -> Any:
            def serve(reader: Reader, parameters: Any) -> Any:
                require_holding(reader.connection, reader.actor, names.get("request_id"))
                return function(reader, parameters, **names)

            return pipeline.read(
                serve,
                query,
                needs,
                while_suspended=while_suspended,
            )

        blueprint.add_url_rule(
            _flask_rule(path), f"GET {path}", view, methods=["GET"], provide_automatic_options=False
        )
        return function

    return register


def signed_post(  # noqa: PLR0913 - what OpenAPI tells of a route
    path: str,
    *,
    tag: str,
    answer: Any,
    command: type[Any],
    body: type[Body] | None,
    status: int = HTTPStatus.CREATED,
    method: str = "POST",
    large: bool = False,
    while_suspended: bool = False,
) -> Callable[[CommandFunction], CommandFunction]:
    """Serve `path` by a function of (call, body, **names) that returns the prepared command.

    The function runs before any transaction: parsing, checksums and look-ups elsewhere belong
    there. With `while_suspended` a suspended partner is served, too; the handler sees to the
    limits.
    """

    def register(function: CommandFunction) -> CommandFunction:
        summary, description = _describe(function)
        ROUTES.append(
            Route(
                method=method,
                path=path,
                tag=tag,
                summary=summary,
                description=description,
                answer=answer,
                status=int(status),
                body=body,
                large=large,
                needs=permission_of(command),
                while_suspended=while_suspended,
            )
        )

        def view(**names: str) -> Any:
            def prepare(call: SignedCall, content: Any) -> Prepared:
                return function(call, content, **names)

            return pipeline.change(prepare, body, large=large, while_suspended=while_suspended)

        blueprint.add_url_rule(
            _flask_rule(path),
            f"{method} {path}",
            view,
            methods=[method],
            provide_automatic_options=False,
        )
        return function

    return register


__all__ = [
    "ROUTES",
    "Prepared",
    "Query",
    "Reader",
    "Route",
    "SignedCall",
    "signed_get",
    "signed_post",
]
