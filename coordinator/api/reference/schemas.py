"""JSON Schemas of all bodies and answers, as the document's components."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from coordinator.api.reference.members import describe
from coordinator.api.reference.presence import presence, sent_as_null
from holdfast.protocol.events import EVENTS

_REF = "#/components/schemas/{model}"
_OF_PAGES = re.compile(r"^Page_(\w+?)(?:View)?_$", re.ASCII)
_NULL = {"type": "null"}
_PAGE = "One page of a list; `next_cursor` is opaque, and null at the end."

_OF_EVENTS = frozenset(kind.data.__name__ for kind in EVENTS.values())

#: A model, and whether it is what we take ("body") or what we send ("answer").
Key = tuple[type[BaseModel], str]
Schema = dict[str, Any]


def components(wanted: Iterable[Key]) -> tuple[dict[Key, Schema], Schema]:
    """Return the reference to each model, and the definitions of all that they consist of."""
    keys = list(wanted)
    modes: Mapping[str, Any] = {"body": "validation", "answer": "serialization"}
    schemas, found = models_json_schema(
        [(model, modes[kind]) for model, kind in keys], ref_template=_REF
    )
    references = {key: _renamed(schemas[key[0], modes[key[1]]]) for key in keys}
    definitions = {}
    for given, schema in found["$defs"].items():
        name = _name(given)
        definitions[name] = _finished(name, _renamed(schema))
    return references, definitions


def _name(given: str) -> str:
    """Return what a model is called in the document, and so in clients: a page by its items."""
    return _OF_PAGES.sub(r"\1Page", given)


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _REF.format(model=_name(each.rpartition("/")[2])) if key == "$ref" else _renamed(each)
        for key, each in value.items()
    }


def _finished(name: str, schema: Schema) -> Schema:
    schema = _plain(schema)
    if "properties" not in schema:
        return schema
    is_body = schema.get("additionalProperties") is False
    properties = schema["properties"]
    if not is_body:
        schema = _as_sent(name, schema)
        properties = schema["properties"]
    required = frozenset(schema.get("required", ()))
    schema["properties"] = {
        member: _described(name, member, each, is_required=member in required)
        for member, each in properties.items()
    }
    return schema


def _described(model: str, member: str, schema: Schema, *, is_required: bool) -> Schema:
    """Return a member's schema with its meaning, in words also what holds where it is absent.

    Some generators take a `default` for a promise that the member is there, and then ask for it in
    bodies, too.
    """
    kept = {key: value for key, value in schema.items() if key not in {"title", "default"}}
    # Of `X | None` pydantic leaves the description of X inside.
    inside = [each["description"] for each in kept.get("anyOf", ()) if "description" in each]
    said = describe(model, member, is_always_there=is_required)
    texts = [kept.get("description"), said, *inside]
    text = next(filter(None, texts), None)
    if text is None:
        return kept
    default = schema.get("default")
    if not is_required and isinstance(default, str | int):
        text += f" Absent: `{default if isinstance(default, str) else str(default).lower()}`."
    return kept | {"description": text}


def _as_sent(name: str, schema: Schema) -> Schema:
    """Return an answer's schema: what is always there, and what may be null, as it is sent."""
    if name in _OF_EVENTS:
        return schema  # its model says so itself
    sent = presence(name)
    is_page = name.endswith("Page") and "items" in schema["properties"]
    required = set(schema.get("required", ()))
    nullable = sent_as_null(name, is_page=is_page)
    if sent is not None:
        required |= sent.always & schema["properties"].keys()
        nullable |= sent.nullable
    else:
        required |= nullable
    properties = {
        member: each if member in nullable else _never_null(each)
        for member, each in schema["properties"].items()
    }
    described = {"description": _PAGE} if is_page else {}
    return described | schema | {"properties": properties, "required": sorted(required)}


def _never_null(schema: Schema) -> Schema:
    choices = schema.get("anyOf")
    if choices is None or _NULL not in choices:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    left = [choice for choice in choices if choice != _NULL]
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


def _plain(value: Any) -> Any:
    """Return a schema as generators of clients read it best.

    Every value of an enumeration is named once, where `Literal[Kind.FOUND, "found"]` has it twice;
    and of several choices a constant comes late: some readers try one after the other, and stop at
    a constant that does not fit.
    """
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _plain(each) for key, each in value.items()}
    values = plain.get("enum")
    if isinstance(values, list):
        plain["enum"] = list(dict.fromkeys(values))
        if len(plain["enum"]) == 1:
            plain["const"] = plain.pop("enum")[0]
    if isinstance(plain.get("anyOf"), list):
        plain["anyOf"].sort(key=lambda each: ("const" in each, each == _NULL))
    return plain
