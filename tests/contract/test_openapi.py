"""The OpenAPI document is valid, and says of the routes neither more nor less than there is."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from coordinator.api import openapi
from coordinator.api.routing import ROUTES
from holdfast.protocol.vocabulary import EventType
from tests.conftest import World
from tests.factories import ORIGIN

#: Pages and their parts, and the document itself.
PAGES = {"/openapi.json", "/docs", "/docs/problems", "/docs/assets/{name}"}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The document does not hang on the database."""
    return sqlite_world


@pytest.fixture(name="document")
def _document(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").get_json()
    return document


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_names_every_route_of_the_api_and_no_other(
    app: Flask, document: dict[str, Any]
) -> None:
    served = {
        (method, re.sub(r"<([a-z_]+:)?([a-z_]+)>", r"{\2}", rule.rule))
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith("/console")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert served - {("GET", page) for page in PAGES} == told


def test_every_operation_has_an_id_of_its_own_and_a_summary(document: dict[str, Any]) -> None:
    operations = [o for item in document["paths"].values() for o in item.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert [o["operationId"] for o in operations if not o["summary"]] == []


def test_every_event_is_a_webhook(document: dict[str, Any]) -> None:
    assert set(document["webhooks"]) == {event.value for event in EventType}


def test_only_what_is_public_goes_without_a_token(document: dict[str, Any]) -> None:
    public = {
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        if operation.get("security") == []
    }
    declared = {route.path for route in ROUTES if not route.signed}
    assert public == declared
    assert {"/v1", "/healthz", "/readyz", "/.well-known/jwks.json"} <= public
    # The log is there to be watched by anybody; the yearly figures name no partner with few cases.
    open_by_design = ("/v1/log/", "/v1/statistics/")
    assert not {p for p in public if p.startswith("/v1/") and not p.startswith(open_by_design)}


def test_every_change_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    without = [
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "get" and "Idempotency-Key" not in [p["name"] for p in operation["parameters"]]
    ]
    assert without == []


def test_the_document_is_the_same_bytes_every_time() -> None:
    assert openapi.document_bytes(ORIGIN) == openapi.document_bytes.__wrapped__(ORIGIN)
