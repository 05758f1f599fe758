"""The operator's page: on its own bind alone, read-only, and silent about what partners wrote."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from coordinator.domain.clock import SteppedClock
from coordinator.operations.operator_page import dispatched, is_operators, operator_app
from coordinator.settings import Settings
from coordinator.storage.engine.database import Database
from tests.api.acts import approve, submit
from tests.factories import Cast, Signer


@pytest.fixture
def operator(settings: Settings, database: Database, clock: SteppedClock) -> FlaskClient:
    """A browser at the operator's bind."""
    return operator_app(settings, database, clock).test_client()


def test_it_says_what_needs_doing_and_how(operator: FlaskClient, cast: Cast) -> None:
    answer = operator.get("/operator")
    assert answer.status_code == 200
    for each in cast.all:
        assert each.handle in answer.text
    assert "Log head" in answer.text


def test_it_tells_nothing_that_partners_wrote(
    operator: FlaskClient, signer: Signer, cast: Cast
) -> None:
    url = "http://127.0.0.1:9/secret-path"
    signer.post(cast.b.lead, "/v1/webhook-endpoints", {"url": url, "description": "our hooks"})
    request = submit(signer, cast)
    approve(signer, cast, request)
    text = operator.get("/operator").text
    told = [request["id"], request["incident"]["title"], "secret-path", "our hooks", "whsec_"]
    assert [word for word in told if word in text] == []


def test_it_takes_nothing_but_get(operator: FlaskClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert operator.open("/operator", method=method).status_code == 405


def test_it_answers_to_no_strangers_name(operator: FlaskClient) -> None:
    for host in ("localhost:9100", "127.0.0.1:9100", "[::1]:9100"):
        assert operator.get("/operator", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "localhost.evil.example:9100"):
        assert operator.get("/operator", headers={"Host": host}).status_code == 404


def test_the_public_port_has_no_such_page(signer: Signer) -> None:
    for path in ("/operator", "/operator/", "/console/operator"):
        assert signer.client.get(path).status_code in {302, 404}
        assert "Members and invitations" not in signer.client.get(path).text


def test_metrics_keep_their_own_paths() -> None:
    assert [is_operators(path) for path in ("/metrics", "/", "/operatorx")] == [False] * 3
    chosen = dispatched(lambda *_: [b"page"], lambda *_: [b"metrics"])
    environ = {"PATH_INFO": "/operator"}
    assert list(chosen(environ, _start)) == [b"page"]
    assert list(chosen({"PATH_INFO": "/metrics"}, _start)) == [b"metrics"]


def _start(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
    raise AssertionError(f"{status}, {headers}, {exc_info}")
