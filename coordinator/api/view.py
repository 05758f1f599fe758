"""How a view is declared: beside its function, once, for the pipeline and for OpenAPI.

The function's docstring is its documentation: the first line is the summary, the rest the
description. `coordinator.api.routes` says at which URL a view is served.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response

from coordinator.api.context import AppContext
from coordinator.api.query import Query
from coordinator.domain.permission import Permission
from coordinator.services.commands import permission_of
from holdfast.protocol.payloads import Body
from holdfast.protocol.read_log_views import ReadOf


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A function that serves its request itself, and what OpenAPI tells of it.

    Attributes:
        answer: The model of what it answers; `str` or `bytes` where that is no JSON.
        content_type: Of what it answers.
        body: The model of what it takes; None where it takes nothing.
        not_found: What 404 means here beyond what path and method tell, as a sentence.
        known: What 200 means beside 201, as a sentence; empty where it is never answered.
        body_may_be_absent: Whether no body at all stands for {}.
        is_personal: Whether the body names people. It is short, and could be guessed from its hash,
            so that only a keyed hash of it is stored.
    """

    function: Callable[..., Any] = field(kw_only=False)
    answer: Any
    status: int = HTTPStatus.OK
    content_type: str = "application/json"
    body: type[Body] | None = None
    query: type[Query] | None = None
    needs: Permission | None = None
    signed: bool = True
    not_found: str = ""
    known: str = ""
    body_may_be_absent: bool = False
    is_personal: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return self._documentation[0].rstrip(".")

    @property
    def description(self) -> str:
        """What else there is to know; may be empty."""
        return " ".join(self._documentation[2].split())

    @property
    def _documentation(self) -> tuple[str, str, str]:
        return (self.function.__doc__ or self.function.__name__).strip().partition("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryView(View):
    """A signed GET: a function of (reader, query, **names), or (reader, **names) without a query.

    Attributes:
        needs: The permission that it takes.
        while_suspended: Whether a suspended partner's people and systems are served, too, where
            `{request_id}` is a request on which they have a hold.
        logged_as: What of a request is read, for its read log; None: it is not logged.
        requests_in: Returns which requests were read, from what was answered; None: that of
            `{request_id}`, where there is one.
    """

    needs: Permission
    while_suspended: bool = False
    logged_as: ReadOf | None = "request"
    requests_in: Callable[[Any], Iterable[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView(View):
    """A signed POST, PATCH or DELETE: a function of (call, **names) that returns a command.

    The function runs before any transaction: parsing, checksums and look-ups elsewhere belong
    there. Which command it returns may depend on the body.

    Attributes:
        commands: What it may return. Whoever may give none of them is refused before the body is
            read.
        large: Whether the body is a document.
        follow: What is done behind the commit: it returns the answer with what came of it.
        while_suspended: Whether a suspended partner is served, too; the handler sees to the limits.
        while_pending: Whether a partner is served before the operator has confirmed it.
    """

    commands: tuple[type[Any], ...]
    large: bool = False
    follow: Callable[[AppContext, Response], Response] | None = None
    while_suspended: bool = False
    while_pending: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A URL and method, and the view that serves it.

    Attributes:
        path: With `{names}`, which the view is given.
        tag: The section of the documentation.
    """

    method: str
    path: str
    view: View
    tag: str


V = TypeVar("V", bound=View)
Declare = Callable[[Callable[..., Any]], View]
DeclareQuery = Callable[[Callable[..., Any]], QueryView]


def query_view(
    *,
    answer: Any,
    needs: Permission,
    query: type[Query] | None = None,
    while_suspended: bool = False,
    not_found: str = "",
) -> DeclareQuery:
    """Declare a function as a `QueryView`."""
    return lambda function: QueryView(
        function,
        answer=answer,
        needs=needs,
        query=query,
        while_suspended=while_suspended,
        not_found=not_found,
    )


def command_view(
    *commands: type[Any],
    answer: Any,
    body: type[Body] | None = None,
    status: int = HTTPStatus.CREATED,
    large: bool = False,
    while_suspended: bool = False,
) -> Declare:
    """Declare a function as a `CommandView`."""
    return lambda function: CommandView(
        function,
        commands=commands,
        answer=answer,
        status=status,
        body=body,
        needs=permission_of(commands[0]),
        large=large,
        while_suspended=while_suspended,
    )


def or_bodiless(view: View) -> View:
    """Say of a view that it takes a call without a body for one with {}."""
    return replace(view, body_may_be_absent=True)


def followed(by: Callable[[AppContext, Response], Response]) -> Callable[[View], View]:
    """Say of a command's view what is done behind the commit; it returns the answer."""

    def declare(view: View) -> View:
        if not isinstance(view, CommandView):
            raise TypeError("nothing is committed but by a command")
        return replace(view, follow=by)

    return declare


def of_type(content_type: str) -> Callable[[V], V]:
    """Say of a view what it answers instead of JSON."""
    return lambda view: replace(view, content_type=content_type)


def logged_as(
    what: ReadOf, *, requests_in: Callable[[Any], Iterable[str]] | None = None
) -> Callable[[QueryView], QueryView]:
    """Say of a view what of a request is read by it, and of which where its path names none."""
    return lambda view: replace(view, logged_as=what, requests_in=requests_in)


def not_logged(view: QueryView) -> QueryView:
    """Say of a view that it tells nothing of what a request says, so that no read log has it."""
    return replace(view, logged_as=None)


def or_known(known: str) -> Callable[[View], View]:
    """Say of a view that it answers 200 where what is asked for is there already, and what then."""
    return lambda view: replace(view, known=known)


def personal(view: View) -> View:
    """Say of a view that its body names people."""
    return replace(view, is_personal=True)


def before_confirmation(view: View) -> View:
    """Say of a command's view that a partner is served that is not confirmed yet."""
    if not isinstance(view, CommandView):
        raise TypeError("only a command's view knows of such partners")
    return replace(view, while_pending=True)


def public_view(
    *, answer: Any, not_found: str = "", content_type: str = "application/json"
) -> Declare:
    """Declare a function of (**names) as a view that anybody may read."""
    return lambda function: View(
        function, answer=answer, signed=False, not_found=not_found, content_type=content_type
    )


def taken_from_anybody(*, body: type[Body], answer: Any, not_found: str) -> Declare:
    """Declare a function of (**names) as a view that takes a body from anybody.

    It reads the body itself. What it does is the same however often it is sent, so that it takes no
    idempotency key.
    """
    return lambda function: View(
        function, answer=answer, body=body, signed=False, not_found=not_found
    )


def custom_view(
    *,
    answer: Any,
    query: type[Query] | None = None,
    body: type[Body] | None = None,
    needs: Permission | None = None,
    not_found: str = "",
) -> Declare:
    """Declare a function that serves its signed request itself, from the token to the answer."""
    return lambda function: View(
        function,
        answer=answer,
        status=HTTPStatus.OK if body is None else HTTPStatus.CREATED,
        query=query,
        body=body,
        needs=needs,
        not_found=not_found,
    )
