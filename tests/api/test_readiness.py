"""Ready means that changes are taken: what answers them with 503 is not ready either."""

from collections.abc import Iterator

import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import text

from tests.conftest import World
from tests.factories import Cast, Signer, freeze_request_body
from tests.postgres import PostgresServer


@pytest.fixture
def world(postgres_world: World) -> World:
    """Only a server can be made read-only behind our back; a full disk is tried with `serve`."""
    return postgres_world


def test_a_database_that_was_made_read_only_is_not_ready_and_takes_nothing(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    engine = app.extensions["holdfast"].database.engine
    with engine.connect() as connection:
        switch = f'ALTER DATABASE "{engine.url.database}" SET default_transaction_read_only = on'
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(switch))
    engine.dispose()
    readiness = signer.client.get("/readyz")
    assert (readiness.status_code, readiness.headers["Retry-After"]) == (503, "1")
    assert "takes no changes" in readiness.get_json()["detail"]
    assert signer.client.get("/healthz").status_code == 200
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert signer.get(cast.a.analyst, "/v1/freeze-requests").status_code == 200


def test_a_database_that_takes_changes_is_ready(signer: Signer) -> None:
    assert signer.client.get("/readyz").get_json() == {"status": "ready"}


@pytest.fixture
def shut(app: Flask, postgres: PostgresServer) -> Iterator[None]:
    """The server lets nobody into the database, and has sent away who was in it."""
    name = str(app.extensions["holdfast"].database.engine.url.database)

    def let_in(word: str) -> None:
        statement = "ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}"
        postgres.execute(sql.SQL(statement).format(sql.Identifier(name), sql.SQL(word)))

    let_in("false")
    ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}"
    postgres.execute(sql.SQL(ends).format(sql.Literal(name)))
    yield
    let_in("true")


@pytest.mark.usefixtures("shut")
@pytest.mark.parametrize("path", ["/v1/freeze-requests", "/v1/tasks", "/readyz"])
def test_while_the_database_is_away_who_reads_is_asked_to_come_back(
    signer: Signer, cast: Cast, path: str
) -> None:
    for _ in range(2):  # on a connection that was lost, and without any
        answer = signer.get(cast.a.analyst, path)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("shut")
def test_while_the_database_is_away_who_writes_is_asked_to_come_back(
    signer: Signer, cast: Cast
) -> None:
    answer = signer.post(cast.a.analyst, "/v1/freeze-requests", freeze_request_body())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
