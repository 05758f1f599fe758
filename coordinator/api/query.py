"""Query parameters: none unknown, none doubled, and numbers in one spelling."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from flask import request
from pydantic import BaseModel, ValidationError, ValidationInfo, field_validator

from coordinator.api import problems
from coordinator.domain.errors import InvalidInputError, ParameterFault

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


Q = TypeVar("Q", bound=Query)


def parse_query(model: type[Q]) -> Q:
    """Return the query parameters as their model.

    Raises:
        InvalidInputError: If one is unknown, doubled or out of range.
    """
    values: dict[str, str] = {}
    for name, items in request.args.lists():
        if len(items) > 1:
            raise InvalidInputError(
                "a query parameter comes once",
                parameters=[ParameterFault(name, "comes more than once", "doubled")],
            )
        values[name] = items[0]
    return query_of(model, values)


def query_of(model: type[Q], values: Mapping[str, str]) -> Q:
    """Return query parameters as their model.

    Raises:
        InvalidInputError: If one is unknown or out of range.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problems.invalid_query(error) from None
