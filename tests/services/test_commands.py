"""A command has one handler and one permission, and is carried out only where it is listed."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from coordinator import services
from coordinator.domain.actor import Actor
from coordinator.domain.errors import PermissionDeniedError
from coordinator.domain.permission import Permission
from coordinator.services.commands import HANDLERS, execute, permission_of
from coordinator.services.core.bus import Handler, handlers_by_command, handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.requests.legs import MarkLegOverdue
from tests.factories import Cast


@dataclass(frozen=True)
class _Unlisted:
    """A command that nobody listed."""


def _carry_out(command: _Unlisted, actor: Actor, uow: UnitOfWork) -> Answer:
    raise AssertionError((command, actor, uow))


def _declared() -> Iterator[Handler[Any]]:
    """Yield every handler that stands in a module of the services, listed or not."""
    for found in pkgutil.walk_packages(services.__path__, f"{services.__name__}."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, Handler):
                yield value


def test_every_handler_is_listed() -> None:
    assert {h.command.__name__ for h in _declared()} == {h.command.__name__ for h in HANDLERS}


def test_every_command_has_one_handler_and_one_permission() -> None:
    assert len(handlers_by_command(HANDLERS)) == len(HANDLERS)
    assert {h.command: permission_of(h.command) for h in HANDLERS} == {
        h.command: h.needs for h in HANDLERS
    }


def test_a_second_handler_of_a_command_is_refused() -> None:
    declare = handles(_Unlisted, needs=Permission.TIMER_FIRE)
    with pytest.raises(ValueError, match="_Unlisted has a handler already"):
        handlers_by_command((declare(_carry_out), declare(_carry_out)))


#: What is refused before its handler runs needs no database.
NO_UNIT_OF_WORK: Any = None


def test_a_command_that_is_not_listed_is_not_carried_out(cast: Cast) -> None:
    handles(_Unlisted, needs=Permission.FREEZE_REQUEST_READ)(_carry_out)
    with pytest.raises(KeyError):
        execute(_Unlisted(), cast.a.lead.actor, NO_UNIT_OF_WORK)


def test_a_command_needs_its_permission(cast: Cast) -> None:
    with pytest.raises(PermissionDeniedError):
        execute(MarkLegOverdue(leg_id="leg_x"), cast.a.lead.actor, NO_UNIT_OF_WORK)
