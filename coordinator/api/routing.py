"""How a route is declared: once, for Flask, for the pipeline and for OpenAPI.

`signed_get` and `signed_post` (PATCH and DELETE alike) register a function with the models of its
query, body and answer. What is not declared here is not served.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, get_args

from flask import Blueprint
from pydantic import BaseModel, ValidationInfo, field_validator

from coordinator.api import pipeline
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.domain.permission import Permission
from coordinator.services.commands import permission_of
from coordinator.services.suspended import require_holding
from holdfast.protocol.payloads import Body
from holdfast.protocol.views import View

#: A whole number as it is written in one way only; 16 digits hold 2^53.
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class Query(BaseModel):
    """Base of query parameters; unknown ones are refused, and numbers have one spelling."""

    model_config = {"extra": "forbid", "frozen": True}

    @field_validator("*", mode="before")
    @classmethod
    def _plain_number(cls, value: str, info: ValidationInfo) -> str:
        """Refuse what Python reads as a number but nobody else does: `1_0`, `+1`, ` 1`."""
        field = cls.model_fields[str(info.field_name)]
        if _takes_number(field.annotation) and not _WHOLE_NUMBER.fullmatch(value):
            raise ValueError(
                "must be a whole number in plain digits, without sign, blanks or leading zeros"
            )
        return value


def _takes_number(annotation: Any) -> bool:
    return annotation is int or any(_takes_number(part) for part in get_args(annotation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, as OpenAPI tells it.

    Attributes:
        not_found: What 404 means here beyond what path and method tell, as a sentence.
    """

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
    not_found: str = ""


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
    not_found: str = "",
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
                not_found=not_found,
            )
        )

        def view(**names: str) -> Any:
            def serve(reader: Reader, parameters: Any) -> Any:
                require_holding(reader.connection, reader.actor, names.get("request_id"))
                return function(reader, parameters, **names)

            return pipeline.serve_query(
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
    other_commands: tuple[type[Any], ...] = (),
    status: int = HTTPStatus.CREATED,
    method: str = "POST",
    large: bool = False,
    while_suspended: bool = False,
) -> Callable[[CommandFunction], CommandFunction]:
    """Serve `path` by a function of (call, body, **names) that returns the prepared command.

    The function runs before any transaction: parsing, checksums and look-ups elsewhere belong
    there. Which command it returns may depend on the body: `command` or one of `other_commands`;
    whoever may give none of them is refused before the body is read. With `while_suspended` a
    suspended partner is served, too; the handler sees to the limits.
    """
    commands = (command, *other_commands)

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

            return pipeline.serve_command(
                prepare, body, commands, large=large, while_suspended=while_suspended
            )

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
