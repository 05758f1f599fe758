"""What a member needs beside it: refusals that name the member, and the same rules in JSON Schema.

Whether `next` must be there hangs on `code`. A validator of the whole object knows, but would name
the object; and a schema of types alone would not say it. Both come from here. In the schemas (JSON
Schema 2020-12, section 10.2.2) null counts as absent, as it does to the models.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

Schema = dict[str, Any]
#: A rule is about the members that it names; some checkers refuse all others unless told.
_AND_OTHERS: Schema = {"additionalProperties": True}


def fault_at(member: str, message: str) -> ValidationError:
    """Return the error that a validator of a whole object raises about one of its members."""
    return faults_at({member: message})


def faults_at(messages: Mapping[str, str]) -> ValidationError:
    """Return the error about several members at once, by name."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError("value_error", message), loc=(member,), input=None
        )
        for member, message in messages.items()
    ]
    return ValidationError.from_exception_data("body", details)


def rules(*each: Schema) -> Schema:
    """Return what a model's `json_schema_extra` holds: all these rules."""
    return {"allOf": list(each)}


def when(condition: Schema, then: Schema, otherwise: Schema | None = None) -> Schema:
    """Return the rule that `then` holds where `condition` does, and `otherwise` elsewhere."""
    rule: Schema = {"if": condition, "then": then}
    return rule if otherwise is None else rule | {"else": otherwise}


def given(*members: str) -> Schema:
    """Return the schema of an object in which these members are there and not null."""
    return {
        "required": list(members),
        "properties": {member: {"not": {"type": "null"}} for member in members},
        **_AND_OTHERS,
    }


def absent(*members: str) -> Schema:
    """Return the schema of an object in which these members are absent or null."""
    return {"properties": {member: {"type": "null"} for member in members}, **_AND_OTHERS}


def says(member: str, value: str) -> Schema:
    """Return the schema of an object in which a member has this value."""
    return {"required": [member], "properties": {member: {"const": value}}, **_AND_OTHERS}


def holds(member: str, schema: Schema) -> Schema:
    """Return the schema of an object in which a member is there and fits a schema."""
    return {"required": [member], "properties": {member: schema}, **_AND_OTHERS}


def any_of(*choices: Schema) -> Schema:
    """Return the rule that at least one of these holds."""
    return {"anyOf": list(choices)}


def one_of(*choices: Schema) -> Schema:
    """Return the rule that exactly one of these holds."""
    return {"oneOf": list(choices)}
