"""What a handler is: a function that carries out one command, and the permission it needs.

`coordinator.services.commands` lists them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from coordinator.domain.actor import Actor
from coordinator.domain.permission import Permission
from coordinator.services.core.unit_of_work import Answer, UnitOfWork

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Handler(Generic[C]):
    """A function that carries out one kind of command, and the permission that it takes."""

    command: type[C]
    needs: Permission
    function: Callable[[C, Actor, UnitOfWork], Answer]

    def __call__(self, command: C, actor: Actor, uow: UnitOfWork) -> Answer:
        """Carry the command out; the permission was checked before."""
        return self.function(command, actor, uow)


def handles(
    command: type[C], *, needs: Permission
) -> Callable[[Callable[[C, Actor, UnitOfWork], Answer]], Handler[C]]:
    """Declare a function as the handler of a command; `commands.HANDLERS` has to name it."""

    def declare(function: Callable[[C, Actor, UnitOfWork], Answer]) -> Handler[C]:
        return Handler(command, needs, function)

    return declare


def handlers_by_command(handlers: tuple[Handler[Any], ...]) -> dict[type[Any], Handler[Any]]:
    """Return handlers by the command that each carries out.

    Raises:
        ValueError: If two of them handle the same command.
    """
    found: dict[type[Any], Handler[Any]] = {}
    for handler in handlers:
        if handler.command in found:
            raise ValueError(f"{handler.command.__name__} has a handler already")
        found[handler.command] = handler
    return found
