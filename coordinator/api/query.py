"""Query parameters."""

from flask import request
from pydantic import BaseModel, ValidationError

from coordinator.api import problems
from coordinator.domain.errors import (
    InvalidInputError,
    ParameterFault,
)


def parse_query(model: type[BaseModel]) -> BaseModel:
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
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problems.invalid_query(error) from None
