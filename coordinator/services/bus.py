"""One way in.

Every change is a command, and a command has exactly one handler and one permission.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from coordinator.domain.actor import Actor
from coordinator.domain.permission import Permission, require
from coordinator.services.unit_of_work import Answer, UnitOfWork

C = TypeVar("C")
Handler = Callable[[Any, Actor, UnitOfWork], Answer]


@dataclass(frozen=True, slots=True)
class _Entry:
    handler: Handler
    needs: Permission


_HANDLERS: dict[type[Any], _Entry] = {}


def handles(
    command: type[C], *, needs: Permission
) -> Callable[[Callable[[C, Actor, UnitOfWork], Answer]], Callable[[C, Actor, UnitOfWork], Answer]]:
    """Register the one handler of a command, with the permission that it needs."""

    def register(
        handler: Callable[[C, Actor, UnitOfWork], Answer],
    ) -> Callable[[C, Actor, UnitOfWork], Answer]:
        if command in _HANDLERS:
            raise ValueError(f"{command.__name__} has a handler already")
        _HANDLERS[command] = _Entry(handler, needs)
        return handler

    return register


def permission_of(command: type[Any]) -> Permission:
    """Return the permission that a command needs.

    Raises:
        KeyError: If it has no handler.
    """
    return _HANDLERS[command].needs


def require_permission(command: type[Any], actor: Actor) -> None:
    """Raise PermissionDeniedError unless `actor` may give this command at all."""
    require(permission_of(command), actor)


def execute(command: object, actor: Actor, uow: UnitOfWork) -> Answer:
    """Check the permission and run the command's handler inside `uow`.

    Raises:
        PermissionDeniedError: If the actor's role does not carry the permission.
        CoordinatorError: Whatever the rules refuse.
        KeyError: If the command has no handler; nothing undeclared is carried out.
    """
    entry = _HANDLERS[type(command)]
    require(entry.needs, actor)
    return entry.handler(command, actor, uow)


def commands() -> dict[str, Permission]:
    """Return every command with the permission it needs, for tests and documents."""
    return {command.__name__: entry.needs for command, entry in _HANDLERS.items()}
