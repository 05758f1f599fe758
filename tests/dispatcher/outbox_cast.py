"""Endpoints of the cast, events owed to them, and a receiver that remembers what it got."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from sqlalchemy import text

from coordinator.dispatcher.context import WorkerContext
from coordinator.dispatcher.loop import DeliveryLoop, LoopSettings, SendOutcome
from coordinator.domain.clock import Clock
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import About, transaction
from coordinator.services.delivery.webhook_endpoints import RegisterEndpoint
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.engine.wakeup import Watcher
from holdfast.protocol import payloads
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.webhook_signature import new_secret
from tests.factories import Member
from tests.rulebook import ANY_EVIDENCE, LOG_SIGNER, ORIGIN, RULEBOOK, command_context

WEBHOOK_KEY = PrivateKey.from_seed(b"s" * 32)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One registered endpoint with its first secret."""

    id: str
    secret: str


@dataclass(slots=True)
class Outbox:
    """Makes endpoints and events by the ways that make them for real."""

    database: Database
    vault: Vault
    clock: Clock
    _loops: list[DeliveryLoop] = field(default_factory=list)

    @property
    def context(self) -> WorkerContext:
        """What a worker that serves this outbox works with."""
        return WorkerContext(
            origin=ORIGIN,
            database=self.database,
            vault=self.vault,
            clock=self.clock,
            rulebook=RULEBOOK,
            log_signer=LOG_SIGNER,
            webhook_keys=[WEBHOOK_KEY],
        )

    def close(self) -> None:
        """Have every loop give up its connection, also those that were never run."""
        for loop in self._loops:
            loop._lanes.close()

    def endpoint(self, owner: Member, url: str = "http://127.0.0.1:9/hook") -> Endpoint:
        """Register an endpoint of `owner`'s partner."""
        secret = new_secret()
        context = command_context(self.database, self.vault, self.clock)
        with transaction(context, ANY_EVIDENCE) as uow:
            command = RegisterEndpoint(body=payloads.NewEndpoint(url=url), secret=secret)
            answer = execute(command, owner.actor, uow)
            uow.finish(answer)
        return Endpoint(str(answer.body["id"]), secret)

    def event(
        self,
        partner: str,
        request_id: str | None = None,
        *,
        urgency: str = "routine",
        event_type: str = "freeze.found",
        note: str = "",
    ) -> str:
        """Record one event for `partner`; returns its id."""
        with transaction(command_context(self.database, self.vault, self.clock)) as uow:
            key = uow.key(
                self.value("SELECT document_key_id FROM partner WHERE handle = :p", p=partner)
            )
            recorded = uow.record(
                event_type,
                {"note": note},
                key=key,
                audience=[partner],
                about=None if request_id is None else About(request_id, urgency),
            )
            uow.finish()
        return recorded.id

    def value(self, sql: str, **values: Any) -> Any:
        """Return the first column of the first row."""
        with self.database.engine.connect() as connection:
            return connection.execute(text(sql), values).scalar()

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return all rows."""
        with self.database.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def change(self, sql: str, **values: Any) -> None:
        """Write something that only a fault or the passing of time would."""
        with self.database.writing() as connection, connection.begin():
            connection.execute(text(sql), values)

    def expire_leases(self) -> None:
        """Let leases run out: by the clocks that they run by, which nobody can put forward."""
        self.change("UPDATE lane SET lease_until = 1 WHERE lease_until IS NOT NULL")
        if self.database.is_sqlite:
            # Begun when the host was started, and over at once.
            began = "UPDATE lane SET lease_token = substr(lease_token, 1, length(lease_token) - 20)"
            self.change(f"{began} || :times WHERE lease_token IS NOT NULL", times="0" * 20)

    def status(self, event_id: str) -> str:
        """Return the status of an event's one delivery."""
        return str(self.value("SELECT status FROM delivery WHERE event_id = :e", e=event_id))

    def loop(
        self,
        send: Callable[[str, Mapping[str, str], bytes], SendOutcome],
        *,
        senders: int = 4,
        partner_share: int = 2,
        watcher: Watcher | None = None,
        on_notice: Callable[[], None] = lambda: None,
        **settings: timedelta,
    ) -> DeliveryLoop:
        """Return a delivery loop that is not running."""
        made = DeliveryLoop(
            self.context,
            send=send,
            settings=LoopSettings(senders=senders, partner_share=partner_share, **settings),
            watcher=watcher or Watcher(self.database),
            on_notice=on_notice,
        )
        self._loops.append(made)
        return made


def eventually(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `is_so`; the limit only ends a broken test."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


class Running:
    """Runs a loop on a thread for the length of a block."""

    def __init__(self, loop: DeliveryLoop) -> None:
        self.loop = loop
        self.stop = threading.Event()
        self._thread = threading.Thread(target=loop.run, args=(self.stop,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop the loop and wait until it has."""
        self.stop.set()
        self.loop.wake()
        self._thread.join(30)
        assert not self._thread.is_alive()


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers["webhook-id"]


class Receiver:
    """A real HTTP server that answers as a test says and remembers what it got.

    On loopback, unless `host` is another address of this machine.
    """

    def __init__(
        self, answer: Callable[[Received], int] = lambda _: 204, host: str = "127.0.0.1"
    ) -> None:
        self.got: list[Received] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.path, headers, self.rfile.read(length))
                with receiver.arrived:
                    receiver.got.append(received)
                    receiver.arrived.notify_all()
                self.send_response(answer(received))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
                pass

        class Server(ThreadingHTTPServer):
            # Where the queue is full, connecting takes seconds.
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing: a sender that was killed leaves a broken connection."""

        self._server = Server((host, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/hook"

    @property
    def counts(self) -> Counter[str]:
        """How often each `webhook-id` came."""
        return Counter(received.id for received in self.got)

    def wait_for(self, is_enough: Callable[[], bool], seconds: float = 60) -> bool:
        """Wait until `is_enough`, looked at on every arrival; the limit only ends a broken test."""
        with self.arrived:
            return self.arrived.wait_for(is_enough, seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
