"""The process that a small exchange runs: a webhook receiver and a worker that answers.

    python -m reference_exchange.app --home DIR

`DIR` is its HOLDFAST_HOME with the profile of a system; books and inbox are kept there, too.
Behind a real exchange's web server only `create_app` is of interest.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from flask import Flask
from pydantic import BaseModel
from werkzeug.serving import WSGIRequestHandler, make_server

from holdfast import (
    Client,
    ConflictError,
    Event,
    HoldfastError,
    KeyDirectory,
    LogMonitor,
    LogReceipts,
    Notice,
    ProfileStore,
    Screening,
    SqliteSeenEvents,
    UntrustedEvidenceError,
    monitor_folder,
    read_private,
    wall_clock,
    write_private,
)
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import EndpointChanges, NewEndpoint
from holdfast.webhooks.flask_blueprint import WebhookInbox, webhook_blueprint
from reference_exchange.answering import answer
from reference_exchange.deposit_book import DepositBook
from reference_exchange.giving_back import GivingBack, ProvenReturns
from reference_exchange.inbox import Inbox, Matter, Recovery, Task
from reference_exchange.incoming import IncomingDeposits, open_screening, screen
from reference_exchange.log_watch import open_monitor, watch
from reference_exchange.misplaced import Misplaced
from reference_exchange.settling import settle
from reference_exchange.withdrawals import ProvenWithdrawals

_log = logging.getLogger(__name__)
WEBHOOK_PATH = "/holdfast"


@dataclass(slots=True)
class Exchange:
    """The parts of one exchange, all kept below one folder."""

    client: Client
    book: DepositBook
    inbox: Inbox
    withdrawals: ProvenWithdrawals
    giving_back: GivingBack
    misplaced: Misplaced
    seen: SqliteSeenEvents
    pins: dict[str, str]
    endpoint_file: Path
    now: Callable[[], float]
    receipts: LogReceipts
    monitor: LogMonitor | None = None
    incoming: IncomingDeposits | None = None
    screening: Screening | None = None

    @classmethod
    def open(cls, home: Path, profile: str) -> "Exchange":
        """Open the exchange whose profiles and books lie in `home`."""
        store = ProfileStore(home)
        now = wall_clock(os.environ)
        system = store.load(profile)
        receipts = LogReceipts(monitor_folder(home, system.coordinator))
        client = Client(system, now=now, on_receipt=receipts.keep)
        inbox, pins = Inbox(home / "inbox.sqlite3"), store.pins()
        chains = client.chains()
        directory = KeyDirectory(client, client.profile.coordinator, pins=pins)
        book = DepositBook(home / "book.sqlite3", chains)
        returns = ProvenReturns(inbox, directory, client.evidence)
        return cls(
            client=client,
            book=book,
            inbox=inbox,
            withdrawals=ProvenWithdrawals(inbox, directory, client.evidence),
            giving_back=GivingBack(book, client, returns),
            misplaced=Misplaced(book, client, fees={}),
            seen=SqliteSeenEvents(home / "seen.sqlite3"),
            pins=pins,
            endpoint_file=home / "endpoint.json",
            now=now,
            receipts=receipts,
            monitor=open_monitor(store, client, monitor_folder(home, system.coordinator)),
            incoming=IncomingDeposits(home / "incoming.sqlite3"),
            screening=open_screening(store, home / "screening", chains, now),
        )

    def take(self, event: Event, notice: Notice | None) -> None:
        """Keep where an event stands in the log, and put it into the inbox."""
        try:
            self.receipts.keep_event(event.body)
        except UntrustedEvidenceError as error:
            _log.error("%s is not what the log commits to: %s", event.id, error)
        self.inbox.put(event, notice)


class Endpoint(BaseModel):
    """Our registered webhook endpoint; the secret is shown once, so we keep it."""

    id: str
    secret: str


def register_endpoint(exchange: Exchange, url: str) -> Endpoint:
    """Register our webhook address at the coordinator, or tell it the new one after a restart."""
    path = exchange.endpoint_file
    if path.exists():
        endpoint = Endpoint.model_validate(strict_json.loads(read_private(path)))
        exchange.client.change_endpoint(endpoint.id, EndpointChanges(url=url))
        return endpoint
    view = exchange.client.add_endpoint(NewEndpoint(url=url))
    endpoint = Endpoint(id=view.id, secret=view.secret or "")
    write_private(path, canonical_json.dumps(endpoint.model_dump()))
    return endpoint


def create_app(exchange: Exchange, secrets: list[str]) -> Flask:
    """Return the WSGI application that takes webhooks; `secrets` may be filled in later."""
    app = Flask(__name__)
    app.register_blueprint(
        webhook_blueprint(
            WebhookInbox(
                client=exchange.client,
                store=exchange.seen,
                secrets=secrets,
                handle_event=exchange.take,
                pins=exchange.pins,
                now=exchange.now,
            ),
            path=WEBHOOK_PATH,
        )
    )
    return app


def work(exchange: Exchange, stop: threading.Event) -> None:
    """Answer what the inbox holds until `stop` is set."""
    while not stop.is_set():
        task = exchange.inbox.next_task(wait=0.5)
        if task is None:
            continue
        try:
            _deal_with(exchange, task)
        except ConflictError as error:
            # Withdrawn or closed meanwhile, or answered by a colleague: a person decides, not a
            # loop.
            _log.error("%s needs a person: %s", _name(task), error)
            exchange.inbox.finish(task)
        except HoldfastError as error:
            _log.warning("%s will be tried again: %s", _name(task), error)
            exchange.inbox.postpone(task)
        else:
            exchange.inbox.finish(task)


def _deal_with(exchange: Exchange, task: Task | Matter | Recovery) -> None:
    now = datetime.fromtimestamp(int(exchange.now()), UTC)
    if isinstance(task, Recovery):
        exchange.misplaced.settle(task.id)
    elif isinstance(task, Task):
        answer(task, exchange.book, exchange.client, now)
    elif task.type.startswith("return."):
        exchange.giving_back.settle(task.document)
    else:
        settle(task, exchange.book, exchange.client, now, exchange.withdrawals.covers)


def _name(task: Task | Matter | Recovery) -> str:
    """Return the id by which people find what a task is about."""
    return task.id if isinstance(task, Recovery) else task.document.id


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: every delivery is in the inbox anyway."""


@click.command()
@click.option(
    "--home", required=True, type=click.Path(path_type=Path, file_okay=False, exists=True)
)
@click.option("--profile", default="system", show_default=True)
@click.option("--port", default=0, show_default=True, help="0: any free port.")
def main(home: Path, profile: str, port: int) -> None:
    """Run one exchange on 127.0.0.1 until SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    exchange = Exchange.open(home, profile)
    secrets: list[str] = []
    server = make_server(
        "127.0.0.1",
        port,
        create_app(exchange, secrets),
        threaded=True,
        request_handler=_QuietHandler,
    )
    stop = threading.Event()

    def shut_down(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, shut_down)
    signal.signal(signal.SIGINT, shut_down)
    threads = [threading.Thread(target=work, args=(exchange, stop), name="worker")]
    if exchange.monitor is not None:
        watching = (exchange.monitor, stop)
        threads.append(threading.Thread(target=watch, args=watching, name="monitor"))
    if exchange.screening is not None and exchange.incoming is not None:
        parts = (exchange.incoming, exchange.book, exchange.screening, exchange.now, stop)
        threads.append(threading.Thread(target=screen, args=parts, name="screening"))
    for thread in threads:
        thread.start()
    try:
        endpoint = register_endpoint(
            exchange, f"http://127.0.0.1:{server.server_port}{WEBHOOK_PATH}"
        )
        secrets.append(endpoint.secret)
        click.echo(f"listening on 127.0.0.1:{server.server_port}")
        server.serve_forever()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.server_close()


if __name__ == "__main__":
    main()
