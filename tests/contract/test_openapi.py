"""The OpenAPI document is valid, and says of the routes neither more nor less than there is."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from coordinator.api import openapi
from coordinator.api.routes import ROUTES
from coordinator.api.view import Route
from coordinator.domain.permission import Permission
from holdfast.protocol.vocabulary import EventType
from tests.conftest import World
from tests.factories import ORIGIN, Cast, Member, Signer

#: Pages and their parts, and the document itself.
PAGES = {"/openapi.json", "/docs", "/docs/problems", "/docs/{page}", "/docs/assets/{name}"}


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
    declared = {route.path for route in ROUTES if not route.view.signed}
    assert public == declared
    assert {"/v1", "/healthz", "/readyz", "/.well-known/jwks.json"} <= public
    # The log is there to be watched by anybody; the yearly figures name no partner with few cases.
    # A clearance is shown to outsiders, who ask by its id whether it was revoked. The rulebook is
    # read by whoever is invited, before anybody knows their key.
    open_by_design = ("/v1/log/", "/v1/statistics/", "/v1/clearances/", "/v1/rulebook")
    assert not {p for p in public if p.startswith("/v1/") and not p.startswith(open_by_design)}


def test_every_change_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    without = [
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "get"
        # What anybody may hand in says the same however often it comes.
        and operation.get("security") != []
        and "Idempotency-Key" not in [p["name"] for p in operation["parameters"]]
    ]
    assert without == []


def test_the_document_is_the_same_bytes_every_time() -> None:
    assert openapi.document_bytes(ROUTES, ORIGIN) == openapi.document_bytes(ROUTES, ORIGIN)


#: Ids of the right form that nobody gave, and a year before the first.
UNKNOWN = "01kk7h3m6xf9trv2c8e5b4n0qa"
PREFIXES = {
    "request_id": "frq",
    "incident_id": "inc",
    "restitution_id": "rst",
    "change_id": "poc",
    "delivery_id": "dlv",
    "endpoint_id": "wep",
}


def _path(route: Route) -> str:
    names = re.findall(r"{([a-z_]+)}", route.path)
    made = {n: "1999" if n == "year" else f"{PREFIXES.get(n, 'abc')}_{UNKNOWN}" for n in names}
    return route.path.format(**made)


def _observed(signer: Signer, member: Member, route: Route) -> dict[int, Any]:
    """Return what a route answers to requests of all kinds, by status."""
    path = _path(route)
    answers: list[Any] = []
    if route.method == "GET" and route.view.signed:
        first = signer.get(member, path)
        etag = first.headers.get("ETag", "")
        answers = [
            first,
            signer.send(member, "GET", path, headers={"If-None-Match": etag}),
            signer.send(member, "GET", path, headers={"If-Match": '"another"'}),
            signer.get(member, f"{path}?colour=red"),
            signer.client.get(path),
        ]
    elif route.method == "GET":
        answers = [signer.client.get(path)]
    else:
        raw = b"" if route.view.body is None else b"{}"
        answers = [
            signer.send(member, route.method, path, raw),
            signer.send(member, route.method, f"{path}?x=1", raw),
            signer.send(member, route.method, path, raw and b"no JSON"),
            signer.send(member, route.method, path, raw, headers={"Idempotency-Key": "short"}),
        ]
    return {answer.status_code: answer for answer in answers}


def test_what_a_route_answers_is_in_the_document_and_says_what_it_means(
    signer: Signer, cast: Cast, document: dict[str, Any]
) -> None:
    missing = []
    for route in ROUTES:
        told = document["paths"][route.path][route.method.lower()]["responses"]
        # Flags are read by machines alone.
        is_for_machines = route.view.needs is Permission.FLAG_READ
        reader = cast.a.system if is_for_machines else cast.a.lead
        observed = _observed(signer, reader, route)
        missing += [(route.method, route.path, s) for s in observed if str(s) not in told]
        if route.method == "GET" and route.view.signed and "{" not in route.path:
            assert {200, 304, 412} <= observed.keys(), route.path
        if route.method != "GET" or "{" in route.path:
            assert 404 in observed, route.path
        for status in ("304", "404"):
            if status in told:
                assert len(told[status]["description"]) > 20, (route.path, status)
    assert missing == []


def test_304_and_412_are_told_of_what_has_an_etag_and_of_nothing_else(
    document: dict[str, Any],
) -> None:
    for route in ROUTES:
        told = document["paths"][route.path][route.method.lower()]
        headers = {p["name"] for p in told.get("parameters", ()) if p["in"] == "header"}
        is_json = route.view.content_type == "application/json"
        has_etag = route.view.signed and route.method == "GET" and is_json
        assert ({"304", "412"} <= told["responses"].keys()) is has_etag
        assert ({"If-None-Match", "If-Match"} <= headers) is has_etag
        assert not {"304", "412"} & told["responses"].keys() or has_etag


def test_404_says_what_is_not_there(document: dict[str, Any]) -> None:
    def told(method: str, path: str) -> str:
        return str(document["paths"][path][method]["responses"]["404"]["description"])

    answer = "/v1/freeze-requests/{request_id}/info-requests/{info_request_id}/answer"
    assert "no such freeze request, or no such question" in told("post", answer)
    assert "invitation" in told("post", "/v1/join")
    assert "another partner" in told("get", "/v1/grants")
    assert "query string" in told("post", "/v1/freeze-requests")
    assert "404" not in document["paths"]["/v1/events"]["get"]["responses"]


def test_another_partners_proposals_are_not_there(signer: Signer, cast: Cast) -> None:
    path = f"/v1/grants?status=pending&partner={cast.b.handle}"
    assert signer.get(cast.a.lead, path).status_code == 404


def test_an_answer_that_changed_since_is_refused_with_a_problem(signer: Signer, cast: Cast) -> None:
    path = "/v1/freeze-requests"
    etag = signer.get(cast.a.lead, path).headers["ETag"]
    same = signer.send(cast.a.lead, "GET", path, headers={"If-Match": etag})
    assert (same.status_code, same.headers["ETag"]) == (200, etag)
    other = signer.send(cast.a.lead, "GET", path, headers={"If-Match": '"another"'})
    assert (other.status_code, other.content_type) == (412, "application/problem+json")
    assert other.get_json()["code"] == "precondition_failed"


def test_a_change_that_is_there_already_is_told_of_where_it_may_be(
    document: dict[str, Any],
) -> None:
    both = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if {"200", "201"} <= operation["responses"].keys()
    }
    assert both == {
        "/v1/freeze-requests/{request_id}/legal-orders",
        "/v1/freeze-requests/{request_id}/encumbrances",
        "/v1/partners/me/tag-key",
        "/v1/recovery-requests",
        "/v1/rulebook/acceptances",
        "/v1/gateways",
        "/v1/freeze-requests/{request_id}/sealed-evidence/parts",
    }
