"""What no accepted request can do without: a Flask route, a verified token, one durable insert."""

import os
import threading
from typing import Any

import jwt
from flask import Flask, Response, request
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from sqlalchemy import make_url

from coordinator.operations.lifetime import end_with_parent
from coordinator.storage.engine.database import open_database
from holdfast.protocol.jwk import PublicKey
from tests.factories import ORIGIN

THREADS = 8
TABLE = "CREATE TABLE floor_row (jti VARCHAR(64) PRIMARY KEY, body BYTEA NOT NULL)"


def make_app() -> Flask:
    """Return the bare app; its key and database come from the environment."""
    end_with_parent()
    key = PublicKey.from_jwk(
        {"kty": "OKP", "crv": "Ed25519", "x": os.environ["FLOOR_KEY"]}
    ).verifying_key
    url = os.environ["FLOOR_DATABASE"]
    database = open_database(url, pool_size=THREADS)
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    mark = "?" if is_sqlite else "%s"
    insert = f"INSERT INTO floor_row (jti, body) VALUES ({mark}, {mark})"  # noqa: S608 - a constant
    local = threading.local()
    app = Flask("floor")

    def connection() -> Any:
        # The driver's own connection with the coordinator's own settings, one a thread. The pool's
        # wrapper is what is kept: once nobody holds it, the pool takes the connection back.
        if not hasattr(local, "pooled"):
            local.pooled = database.engine.raw_connection()
        return local.pooled.driver_connection

    @app.post("/v1/freeze-requests")
    def accept() -> Response:
        body = request.get_data()
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=ORIGIN)
        own = connection()
        if is_sqlite:
            with database.write_lock.held():
                own.execute("BEGIN IMMEDIATE")
                own.execute(insert, (claims["jti"], body))
                own.execute("COMMIT")
        else:
            own.execute(insert, (claims["jti"], body))
            own.commit()
        return Response(b"{}", 201, content_type="application/json")

    return app


if __name__ == "__main__":
    Granian(
        "floor:app",
        address="127.0.0.1",
        port=int(os.environ["FLOOR_PORT"]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=make_app, wrap_loader=False)
