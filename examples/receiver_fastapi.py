"""A receiver in FastAPI: verify, keep, answer; the work is done afterwards.

    RECEIVER_DIR=dir PORT=9000 python examples/receiver_fastapi.py

`dir` holds `secret` (the endpoint's, `whsec_…`) and `jwks.json` (the coordinator's, fetched once
over https). What came is kept in `dir/inbox.sqlite3`, each event once. It takes `fastapi` and a
server for it, here Granian.
"""

import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from granian import Granian
from granian.constants import Interfaces

from holdfast import Event, PublicKey, UntrustedEvidenceError, verify_webhook
from holdfast.protocol import strict_json

FOLDER = Path(os.environ["RECEIVER_DIR"])
SECRET = (FOLDER / "secret").read_text(encoding="ascii").strip()
KEYS = [
    PublicKey.from_jwk(jwk)
    for jwk in strict_json.loads((FOLDER / "jwks.json").read_bytes())["keys"]
]
MOST_BYTES = 64 * 1024

news = threading.Event()


def inbox() -> sqlite3.Connection:
    """Return a connection to what was kept; one a thread."""
    connection = sqlite3.connect(FOLDER / "inbox.sqlite3", timeout=10, isolation_level=None)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS event"
        " (id TEXT PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL, done INTEGER NOT NULL)"
    )
    return connection


def keep(event: Event) -> None:
    """Store an event for good; a repeat bears the same id and changes nothing."""
    connection = inbox()
    connection.execute(
        "INSERT INTO event VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING",
        (event.id, event.type, event.body),
    )
    connection.close()
    news.set()


def work() -> None:
    """Do what the events ask for, one after the other, also those of before a restart."""
    connection = inbox()
    while True:
        news.clear()
        waiting = "SELECT id, type, body FROM event WHERE done = 0 ORDER BY rowid"
        for event_id, kind, body in connection.execute(waiting).fetchall():
            is_drill = strict_json.loads(body)["data"].get("drill") is True
            # Here: verify the notice, and freeze. Of a drill (`notice.is_drill`) say what you would
            # have found, and touch nobody's funds.
            print(f"worked {event_id} {kind}{' drill' if is_drill else ''}", flush=True)
            connection.execute("UPDATE event SET done = 1 WHERE id = ?", (event_id,))
        news.wait()


@asynccontextmanager
async def working(_: FastAPI) -> AsyncIterator[None]:
    """Start the worker in the process that serves."""
    threading.Thread(target=work, daemon=True).start()
    yield


app = FastAPI(lifespan=working)


@app.post("/hook")
async def hook(request: Request) -> Response:
    """Take one delivery: 204 it is kept, 401 it is not the coordinator's, 413 it is too large."""
    body, size = b"", 0
    async for part in request.stream():
        size += len(part)
        if size <= MOST_BYTES:
            body += part
    if size > MOST_BYTES:
        return Response(status_code=413)
    try:
        event = verify_webhook(
            request.headers, body, secrets=[SECRET], public_keys=KEYS, now=int(time.time())
        )
    except UntrustedEvidenceError:
        return Response(status_code=401)
    await run_in_threadpool(keep, event)
    return Response(status_code=204)


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "9000"))
    Granian("receiver_fastapi:app", "127.0.0.1", port, interface=Interfaces.ASGI).serve()
