"""Every member of the OpenAPI document is described, told null from absent, and sent so."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from coordinator.api import openapi
from coordinator.api.reference.members import EVERY, texts
from coordinator.api.reference.operations import TAGS, roles
from coordinator.api.routes import ROUTES
from coordinator.domain.permission import Permission
from tests.conftest import World
from tests.factories import ORIGIN, Cast, Signer

DOCUMENT = openapi.document(ROUTES, ORIGIN)
SCHEMAS: Mapping[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
NULL = {"type": "null"}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The document does not hang on the database."""
    return sqlite_world


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation


def _responses(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in operation["responses"].items():
        name = response.get("$ref", "").rpartition("/")[2]
        yield status, DOCUMENT["components"]["responses"][name] if name else response


def _members() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model, schema in SCHEMAS.items():
        for member, each in schema.get("properties", {}).items():
            yield model, member, each


def test_every_model_and_every_member_is_described() -> None:
    assert [name for name, schema in SCHEMAS.items() if not schema.get("description")] == []
    silent = [f"{model}.{name}" for model, name, each in _members() if not each.get("description")]
    assert silent == [], "describe it in its model, or in coordinator/api/reference/members.toml"


def test_no_description_is_left_of_a_member_that_is_gone() -> None:
    there = {(model, name) for model, name, _ in _members()}
    own = {(model, name) for model, told in texts().items() for name in told if model != EVERY}
    assert own - there == set()
    assert set(texts()[EVERY]) - {name for _, name in there} == set()


def test_no_blank_of_a_description_is_left_open() -> None:
    assert [
        f"{model}.{name}" for model, name, each in _members() if "{" in each["description"]
    ] == []


def test_an_enumeration_names_a_value_once() -> None:
    def enums(value: Any) -> Iterator[list[Any]]:
        if isinstance(value, dict):
            if isinstance(value.get("enum"), list):
                yield value["enum"]
            for each in value.values():
                yield from enums(each)
        elif isinstance(value, list):
            for each in value:
                yield from enums(each)

    found = list(enums(DOCUMENT))
    assert found
    assert [each for each in found if len(set(map(str, each))) != len(each)] == []


def test_of_answers_always_there_and_null_are_told_apart() -> None:
    def is_nullable(schema: Mapping[str, Any]) -> bool:
        return NULL in schema.get("anyOf", ())

    request = SCHEMAS["FreezeRequestView"]
    assert "decided_at" in request["required"]
    assert is_nullable(request["properties"]["decided_at"])
    # Lines of another kind do not have it; where it is, it is never null.
    assert "hold" not in SCHEMAS["LineView"]["required"]
    assert not is_nullable(SCHEMAS["LineView"]["properties"]["hold"])
    assert "next_cursor" in SCHEMAS["LegPage"]["required"]
    assert is_nullable(SCHEMAS["LegPage"]["properties"]["next_cursor"])


def test_operations_have_short_names() -> None:
    ids = [operation["operationId"] for _, operation in _operations()]
    assert len(set(ids)) == len(ids)
    assert [each for each in ids if len(each) > 24 or not each.replace("_", "").isalpha()] == []


def test_every_tag_and_parameter_says_what_it_is() -> None:
    used = {tag for _, operation in _operations() for tag in operation["tags"]}
    assert used | {"webhooks"} == set(TAGS)
    silent = [
        (name, parameter["name"])
        for name, operation in _operations()
        for parameter in operation["parameters"]
        if not parameter.get("description")
    ]
    assert silent == []


def test_every_status_is_described_and_bears_the_headers_that_it_is_sent_with() -> None:
    for name, operation in _operations():
        responses = dict(_responses(operation))
        assert {"400", "500", "503"} <= responses.keys(), name
        for status, response in responses.items():
            assert len(response["description"]) > 5, (name, status)
            assert "X-Request-Id" in response["headers"], (name, status)
            retries = "Retry-After" in response["headers"]
            assert retries is (status in {"429", "503"}), (name, status)
        done = min(responses)
        # What nobody signs has no key of idempotency: a cosignature may come twice.
        changes = not name.startswith("GET ") and operation.get("security") != []
        assert ("Idempotency-Replayed" in responses[done]["headers"]) is changes, name


def _sent_headers(response: Any) -> set[str]:
    return set(DOCUMENT["components"]["headers"]).intersection(response.headers.keys())


def test_no_header_is_sent_that_the_document_does_not_name(
    signer: Signer, client: FlaskClient, cast: Cast
) -> None:
    def named(method: str, path: str, status: int) -> set[str]:
        operation = DOCUMENT["paths"][path][method]
        return set(dict(_responses(operation))[str(status)]["headers"])

    body = {"url": "http://127.0.0.1:9/hook"}
    first = signer.post(cast.a.system, "/v1/webhook-endpoints", body, key="one-key-1")
    again = signer.post(cast.a.system, "/v1/webhook-endpoints", body, key="one-key-1")
    for answer in (first, again):
        assert _sent_headers(answer) <= named("post", "/v1/webhook-endpoints", 201)
    assert first.headers["Location"].endswith(first.get_json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    read = signer.get(cast.a.system, "/v1/webhook-endpoints")
    assert {"ETag", "RateLimit", "RateLimit-Policy"} <= _sent_headers(read)
    assert _sent_headers(read) <= named("get", "/v1/webhook-endpoints", 200)
    stranger = client.get("/v1/webhook-endpoints")
    assert "WWW-Authenticate" in _sent_headers(stranger)
    assert _sent_headers(stranger) <= named("get", "/v1/webhook-endpoints", 401)


def test_roles_stand_beside_the_permission_that_an_operation_needs() -> None:
    for route in ROUTES:
        if route.view.needs is not None:
            told = DOCUMENT["paths"][route.path][route.method.lower()]["description"]
            assert f"Needs `{route.view.needs.value}`" in told
            assert [role for role in roles(route.view.needs) if role not in told] == []
    assert roles(Permission.FREEZE_REQUEST_APPROVE) == ["`security_lead`"]
    assert roles(Permission.GRANT_MAKE) == ["`security_lead`", "the root key"]
