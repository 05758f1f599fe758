"""Around every answer: headers, ids, a line in the log without secrets, pages that work offline."""

import ast
import re
import secrets
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from structlog.testing import capture_logs

from coordinator.api.problem_catalog import catalog
from coordinator.api.problems import STATUS_BY_ERROR
from holdfast.protocol import canonical_json
from tests.api.acts import submit
from tests.architecture.tree import modules
from tests.conftest import KEYS, World
from tests.factories import ORIGIN, Cast, Signer, freeze_request_body, request_token

REFUSALS = {error.__name__ for error in STATUS_BY_ERROR}
PUBLIC = ["/v1", "/.well-known/jwks.json", "/healthz", "/readyz", "/openapi.json", "/docs"]


@pytest.fixture
def world(sqlite_world: World) -> World:
    """None of this hangs on the database."""
    return sqlite_world


@pytest.mark.parametrize("path", [*PUBLIC, "/docs/problems", "/docs/assets/docs.js", "/nowhere"])
def test_every_answer_bears_the_headers_that_protect_browsers(
    client: FlaskClient, path: str
) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["X-Request-Id"].startswith("req_")
    assert len({name.lower() for name, _ in headers}) == len(headers)  # each once


@pytest.mark.parametrize("path", PUBLIC)
def test_what_is_public_needs_no_token(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_coordinator_says_what_it_is(client: FlaskClient) -> None:
    about = client.get("/v1").get_json()
    assert about["origin"] == ORIGIN
    assert about["time"] == "2026-03-02T12:00:00Z"
    keys = client.get("/.well-known/jwks.json").get_json()["keys"]
    assert [key["kid"] for key in keys] == [KEYS.webhook.kid]
    assert not {"d", "k", "p", "q"} & set(keys[0])


def test_the_pages_load_nothing_from_elsewhere(client: FlaskClient) -> None:
    for path in ("/docs", "/docs/problems"):
        page = client.get(path).text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert loaded
        for target in loaded:
            assert target.startswith("/")
            assert client.get(target).status_code == 200, target
        # The policy forbids scripts and handlers in the page itself.
        assert re.findall(r"<script>|<script (?!src)| on[a-z]+=", page) == []


@pytest.mark.parametrize("name", ["..%2f..%2fapp.py", "docs.py", "../app.py", "swagger.svg"])
def test_no_other_file_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/docs/assets/{name}").status_code == 404


def test_every_problem_leads_to_its_explanation(signer: Signer, cast: Cast) -> None:
    problem = signer.post(cast.a.analyst, "/v1/freeze-requests", {}).get_json()
    page, _, anchor = problem["type"].partition("#")
    assert f'id="{anchor}"' in signer.client.get(page).text


def _refusal(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in REFUSALS - {"AuthenticationError"}


def test_every_code_is_explained() -> None:
    raised = {
        keyword.value.value
        for name, tree, _ in modules("coordinator")
        if name.startswith(("coordinator/api", "coordinator/domain", "coordinator/services"))
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and _refusal(call.func)
        for keyword in call.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
    assert len(raised) > 10
    assert raised - {kind.code for kind in catalog()} == set(), "explain it in problem_catalog.py"
    codes = [kind.code for kind in catalog()]
    assert len(set(codes)) == len(codes)


def test_a_request_is_one_line_in_the_log_and_tells_no_secret(signer: Signer, cast: Cast) -> None:
    body = freeze_request_body(summary="a very particular sentence")
    raw = canonical_json.dumps(body)
    token = request_token(cast.a.analyst, "POST", "/v1/freeze-requests", raw, signer.clock)
    key = secrets.token_hex(16)
    with capture_logs() as logs:
        answer = signer.client.post(
            "/v1/freeze-requests",
            data=raw,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
    lines = [entry for entry in logs if entry["event"] == "request"]
    assert len(lines) == 1
    assert (lines[0]["status"], lines[0]["route"]) == (201, "/v1/freeze-requests")
    text = str(logs)
    for secret in (token, "particular sentence", key, body["addresses"][0]["account"]):
        assert secret not in text
    assert answer.headers["X-Request-Id"].startswith("req_")


def test_a_request_that_only_reads_tells_the_log_no_id_of_a_request(
    signer: Signer, cast: Cast
) -> None:
    request: dict[str, Any] = submit(signer, cast)
    with capture_logs() as logs:
        signer.get(cast.a.lead, f"/v1/freeze-requests/{request['id']}")
    assert request["id"] not in str(logs)


def test_a_full_disk_is_a_503_whose_reason_only_the_log_tells(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    def stop_growing(raw: Any, *_: Any) -> None:
        raw.execute("PRAGMA max_page_count=1").close()

    engine = app.extensions["holdfast"].database.engine
    event.listen(engine, "checkout", stop_growing)
    with capture_logs() as logs:
        sent = (
            signer.post(
                cast.a.analyst, "/v1/freeze-requests", freeze_request_body(summary="x" * 2000)
            )
            for _ in range(100)
        )
        answer = next(answer for answer in sent if answer.status_code != 201)
    event.remove(engine, "checkout", stop_growing)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert "full" not in answer.get_data(as_text=True)
    assert [line["reason"] for line in logs if line["event"] == "database_failed"] == [
        "database or disk is full"
    ]


def test_what_is_not_there_leads_to_the_documentation(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, "/docs" in answer.get_json()["detail"]) == (404, True)
