"""Which members of an answer are always there, and which may be null.

The models of `holdfast.protocol.views` are what readers take, an older coordinator's answers among
them, so most of their members may be absent and null. What this coordinator sends is narrower, and
stands in the TypedDicts beside the builders in `coordinator.services`.
"""

import importlib
import pkgutil
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as _is_typeddict

import coordinator.services
import coordinator.storage

#: Models whose TypedDict has another name.
OTHER_NAME: Mapping[str, str] = {
    "AddressWarning": "ContextWarning",
    "DecisionView": "DecisionAnswer",
}
#: What `coordinator.api` puts together itself: members that are there as null, too.
_SENT_AS_NULL: Mapping[str, frozenset[str]] = {
    "IncidentDetailView": frozenset({"reference"}),
    "IncidentSummary": frozenset({"reference"}),
    "TimelinePage": frozenset({"next_cursor"}),
    "TracePage": frozenset({"next_cursor"}),
}
_PAGES_TOO = "next_cursor"


@dataclass(frozen=True, slots=True)
class Presence:
    """What a coordinator sends of one model.

    Attributes:
        always: Members that are always there.
        nullable: Members that may be null.
    """

    always: frozenset[str]
    nullable: frozenset[str]


def presence(name: str) -> Presence | None:
    """Return what is sent of the model of this name; None where services do not build it."""
    typed = _typed_dicts().get(OTHER_NAME.get(name, name))
    if typed is None:
        return None
    hints = get_type_hints(typed, include_extras=True)
    return Presence(
        always=frozenset(typed.__required_keys__),
        nullable=frozenset(member for member, hint in hints.items() if _may_be_none(hint)),
    )


def sent_as_null(name: str, *, is_page: bool) -> frozenset[str]:
    """Return the members that are there as null of a model that services do not build."""
    return _SENT_AS_NULL.get(name, frozenset()) | ({_PAGES_TOO} if is_page else frozenset())


def _may_be_none(hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Annotated, NotRequired}:
        return _may_be_none(arguments[0])
    if origin in {Union, types.UnionType}:
        return type(None) in arguments
    return hint in {Any, object}


@cache
def _typed_dicts() -> Mapping[str, Any]:
    return {typed.__name__: typed for typed in _walk()}


def _walk() -> Iterator[Any]:
    for package in (coordinator.services, coordinator.storage):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if ".migrations" in found.name:
                continue
            module = importlib.import_module(found.name)
            for member in vars(module).values():
                if _is_typeddict(member) and member.__module__ == found.name:
                    yield member
