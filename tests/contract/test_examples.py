"""The examples of the OpenAPI document are what a coordinator takes and answers.

A story is played through every operation: what is sent and answered in it now must be of the same
shape as the examples, and both must fit the document's schemas. After a change of the wire,
`RECORD_EXAMPLES=1` with this file records them anew.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator

from coordinator.api import openapi
from coordinator.api.reference import examples
from coordinator.api.routes import ROUTES
from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.conftest import World as Databases
from tests.contract.examples import record, shape, write
from tests.factories import ORIGIN, Cast, Signer
from tests.services.through_api import World

_TEXTS = {"application/json", "application/problem+json", "text/plain; charset=utf-8"}
DOCUMENT = openapi.document(ROUTES, ORIGIN)


@pytest.fixture
def world(sqlite_world: Databases) -> Databases:
    """What is answered is the same on every database."""
    return sqlite_world


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def recorded(app: Flask, w: World) -> Mapping[str, Any]:
    """The examples, as this coordinator would give them."""
    told = record(app, w)
    if os.environ.get("RECORD_EXAMPLES"):
        write(told)
        examples.recorded.cache_clear()
    return told


def _content(response: Mapping[str, Any]) -> Mapping[str, Any]:
    name = response.get("$ref", "").rpartition("/")[2]
    whole = DOCUMENT["components"]["responses"][name] if name else response
    return next(iter(whole.get("content", {}).values()), {})


def _contents() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every body and answer of the document, by its place."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            if "requestBody" in operation:
                yield f"{name} body", operation["requestBody"]["content"]["application/json"]
            for status, response in operation["responses"].items():
                # What is no text has no example.
                is_binary = not _TEXTS.issuperset(response.get("content", {}))
                if status != "304" and not is_binary:
                    yield f"{name} {status}", _content(response)


def _found(recorded: Mapping[str, Any], place: str) -> Any:
    """Return what was recorded of a place in the document."""
    name, _, part = place.rpartition(" ")
    example = recorded["operations"][name]
    found = example.get("body") if part == "body" else example["answers"].get(part)
    return recorded["problems"][part] if found is None else found


def _faults(schema: Mapping[str, Any], value: Any) -> list[str]:
    whole: dict[str, Any] = {**schema, "components": DOCUMENT["components"]}
    validator = OAS31Validator(whole)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def test_what_is_sent_and_answered_is_as_the_examples_show(recorded: Mapping[str, Any]) -> None:
    told = examples.recorded()
    for kind in ("operations", "problems"):
        assert recorded[kind].keys() == told[kind].keys()
        for name in told[kind]:
            assert shape(recorded[kind][name]) == shape(told[kind][name]), name
    faults = {
        place: _faults(content["schema"], _found(recorded, place)) for place, content in _contents()
    }
    assert {place: found for place, found in faults.items() if found} == {}


def test_every_body_and_answer_has_an_example() -> None:
    assert [place for place, content in _contents() if "example" not in content] == []


def test_every_example_fits_its_schema() -> None:
    faults = {place: _faults(each["schema"], each["example"]) for place, each in _contents()}
    assert {place: found for place, found in faults.items() if found} == {}


#: Bodies that the coordinator refuses for what is missing beside a member.
REFUSED: Mapping[str, tuple[str, dict[str, Any], list[str]]] = {
    "frozen without an end": (
        "FreezeReport",
        {"lines": [{"kind": "frozen", "address_no": 0, "asset": "eip155:1/slip44:60"}]},
        ["/lines/0/amount", "/lines/0/frozen_at", "/lines/0/hold_expires_at"],
    ),
    "moved on to nowhere": ("Decline", {"code": "moved_on"}, ["/next"]),
    "left, but when": ("Decline", {"code": "left_after_notice"}, ["/left_at"]),
    "other, in no words": ("Decline", {"code": "other"}, ["/detail"]),
    "evidence, but which": (
        "Decline",
        {"code": "insufficient_evidence"},
        ["/missing", "/retry"],
    ),
    "says more than it can": (
        "Decline",
        {"code": "cannot_say", "missing": ["a report"]},
        ["/missing"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_member_needs_beside_it_stands_in_the_schema_and_in_the_refusal(
    name: str, signer: Signer, cast: Cast
) -> None:
    model, members, pointers = REFUSED[name]
    body = {"content_sha256": "0" * 64, **members}
    assert _faults({"$ref": f"#/components/schemas/{model}"}, body)
    act = "freeze-reports" if model == "FreezeReport" else "decline"
    path = f"/v1/freeze-requests/frq_01kk7h3m6xf9trv2c8e5b4n0qa/{act}"
    answer = signer.post(cast.b.compliance, path, body)
    assert answer.status_code == 422
    assert sorted(error["pointer"] for error in answer.get_json()["errors"]) == pointers
