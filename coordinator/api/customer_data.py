"""Looks a body's free texts through for customer data, wherever its model holds one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from coordinator.domain.errors import FieldFault
from coordinator.domain.free_text import depends_on_regions, find_customer_data
from coordinator.domain.phone_numbers import regions_of
from holdfast.protocol.texts import Form, FreeText

_Path = tuple[str | int, ...]
#: Types whose values hold no text of anybody's own.
_WORDLESS = (bool, int, float, datetime, NoneType, Enum)


@dataclass(frozen=True, slots=True)
class Member:
    """What a model's member is, or can hold, as far as texts are concerned.

    Attributes:
        name: Of the member.
        free: How its free texts are marked; None where all of its texts have a form of their own.
        models: The models that it holds, itself or in a list.
    """

    name: str
    free: FreeText | None
    models: tuple[type[BaseModel], ...]


@cache
def members_of(model: type[BaseModel]) -> tuple[Member, ...]:
    """Return every member of a model.

    Raises:
        TypeError: If a member's type is one that nobody has said yet how to look through.
    """
    return tuple(_member(name, field) for name, field in model.model_fields.items())


@cache
def _read(model: type[BaseModel]) -> tuple[Member, ...]:
    """Return the members of a model that hold free text, themselves or in models of theirs."""
    return tuple(
        member
        for member in members_of(model)
        if member.free is not None or any(_read(inner) for inner in member.models)
    )


def customer_data(body: BaseModel, jurisdictions: Callable[[], frozenset[str]]) -> list[FieldFault]:
    """Return a fault for every place where a free text of the body names a customer.

    Args:
        body: As it came, validated.
        jurisdictions: Asked once, and only where a text holds what may be a national phone number.
    """
    texts = list(_texts(body, ()))
    regions = regions_of(())
    if any(depends_on_regions(text) for _, text, _ in texts):
        regions = regions_of(jurisdictions())
    return [
        FieldFault(_pointer(path), finding.message, f"customer_data_{finding.kind}")
        for path, text, free in texts
        for finding in find_customer_data(text, regions, is_reference=free.is_file_number)
    ]


#: Nothing is found in a text without one of these; most texts have none.
_SIGN = re.compile(r"[@\d]|[^\x00-\x7f]|\bat\b", re.IGNORECASE)


def _texts(model: BaseModel, path: _Path) -> Iterator[tuple[_Path, str, FreeText]]:
    for member in _read(type(model)):
        value = getattr(model, member.name)
        if value is None:
            continue
        for place, item in _items(value, (*path, member.name)):
            if isinstance(item, BaseModel):
                yield from _texts(item, place)
            elif member.free is not None and isinstance(item, str) and _SIGN.search(item):
                yield place, item, member.free


def _items(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield (*path, number), item
    else:
        yield path, value


def _pointer(path: _Path) -> str:
    return "".join(f"/{part}" for part in path)


def _member(name: str, field: FieldInfo) -> Member:
    free: list[FreeText] = []
    models: list[type[BaseModel]] = []
    for leaf, metadata in _leaves(field.annotation, field.metadata):
        if leaf is str:
            mark = _mark(metadata)
            free += [] if mark is None else [mark]
        elif issubclass(leaf, BaseModel):
            models.append(leaf)
        elif not issubclass(leaf, _WORDLESS):
            raise TypeError(f"{name}: say how a {leaf} is looked through")
    return Member(name, free[0] if free else None, tuple(models))


def _mark(metadata: list[Any]) -> FreeText | None:
    """Return how a text is marked; what has no form of its own is free."""
    declared = next((item for item in metadata if isinstance(item, FreeText)), None)
    if declared is not None:
        return declared
    has_form = any(isinstance(item, Form) or getattr(item, "pattern", None) for item in metadata)
    return None if has_form else FreeText()


def _leaves(annotation: Any, metadata: list[Any]) -> Iterator[tuple[type[Any], list[Any]]]:
    """Return the plain types in an annotation, each with what was said of it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *said = get_args(annotation)
        flat = [
            m for item in said for m in (item.metadata if isinstance(item, FieldInfo) else [item])
        ]
        yield from _leaves(inner, [*metadata, *flat])
    elif origin in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _leaves(part, metadata)
    elif origin is list:
        yield from _leaves(get_args(annotation)[0], [])
    elif origin is Literal:
        return
    else:
        yield annotation, metadata
