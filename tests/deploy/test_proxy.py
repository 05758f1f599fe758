"""What partners sign arrives through nginx as it was sent: the URL, the body, byte for byte."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.proxied import HOST, Proxy, configure, nginx
from tests.deploy.tools import run, tool_or_skip
from tests.ports import free_port

pytestmark = pytest.mark.processes

TARGETS = [
    "/",
    "/v1/freeze-requests",
    "/v1/freeze-requests/%66rq_01k",
    "/v1/freeze-requests/frq%5f01k",
    "/v1//freeze-requests",
    "//v1/freeze-requests",
    "/v1/./freeze-requests",
    "/v1/holds/../freeze-requests",
    "/v1/a%2Fb%2fc",
    "/v1/a%20b%2B+c",
    "/v1/a;b=c,d~e!$&'()*:@",
    "/v1/%E2%82%AC",
    "/v1/%C3%28",
    "/v1/%2e%2e/x",
    "/v1/trailing/",
    "/v1/events?after=0&types=freeze.*",
    "/v1/events?after=%30&&x=&=y",
    "/v1/search?q=0x51E9%20d833%26%3D%23",
    "/v1/search?q=a?b?c",
    "/v1?",
    "/v1/" + "x" * 3000,
]
BODIES = [
    b"",
    b"{}",
    b' \t\r\n{ "a" : 1 } \n',
    b'{"a":"\xe2\x82\xac\xf0\x9f\xa5\xb6"}',
    b"\x00\xff\x0d\x0a\x0d\x0a\x00",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"x" * 262_145,
    bytes(range(256)) * 40_000,
]


@dataclass
class Upstream:
    """Takes requests and remembers them raw: the request line, the head's fields, the body."""

    port: int = 0
    lines: list[str] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def _upstream() -> Iterator[Upstream]:
    seen = Upstream()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline():
                head = {}
                while (raw := self.rfile.readline()) not in {b"\r\n", b""}:
                    name, _, value = raw.decode("latin-1").partition(":")
                    head[name.lower()] = value.strip()
                body = self.rfile.read(int(head.get("content-length", "0")))
                seen.lines.append(line.decode("latin-1").rstrip("\r\n"))
                seen.heads.append(head)
                seen.bodies.append(body)
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((HOST, 0), Handler) as server:
        seen.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()


@pytest.fixture(name="behind", scope="module")
def _behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, Upstream]]:
    with _upstream() as upstream, nginx(tmp_path_factory.mktemp("nginx"), upstream.port) as proxy:
        yield proxy, upstream


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    program = tool_or_skip("nginx", "Debian's package nginx")
    main = configure(tmp_path, free_port(), free_port())
    said = run(program, "-t", "-p", tmp_path, "-c", main, "-e", tmp_path / "error.log")
    assert "test is successful" in said
    assert "[warn]" not in said


@pytest.mark.parametrize("target", TARGETS)
def test_the_url_arrives_as_it_was_signed(behind: tuple[Proxy, Upstream], target: str) -> None:
    proxy, upstream = behind
    assert proxy.ask("GET", target).status == 200
    assert upstream.lines[-1] == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_body_arrives_as_it_was_signed(behind: tuple[Proxy, Upstream], body: bytes) -> None:
    proxy, upstream = behind
    assert proxy.ask("POST", "/v1/freeze-requests", body).status == 200
    assert upstream.bodies[-1] == body
    assert "transfer-encoding" not in upstream.heads[-1]


def test_a_body_is_read_whole_before_a_web_process_hears_of_it(
    behind: tuple[Proxy, Upstream],
) -> None:
    proxy, upstream = behind
    so_far = len(upstream.lines)
    with pytest.raises(TimeoutError):
        _send_half(proxy)
    assert len(upstream.lines) == so_far


def _send_half(proxy: Proxy) -> None:
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    with (
        socket.create_connection((HOST, proxy.port), timeout=1) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        secured.sendall(b"POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
        secured.recv(1)


def test_the_token_and_the_callers_address_arrive(behind: tuple[Proxy, Upstream]) -> None:
    proxy, upstream = behind
    token = "Bearer " + "e" * 4000
    proxy.ask(
        "POST",
        "/v1",
        b"{}",
        {"Authorization": token, "Idempotency-Key": "k_1", "X-Forwarded-For": "192.0.2.1"},
    )
    head = upstream.heads[-1]
    assert (head["authorization"], head["idempotency-key"]) == (token, "k_1")
    assert head["x-forwarded-for"] == f"192.0.2.1, {HOST}"
    assert head["host"] == HOST


def test_a_body_that_is_too_large_for_any_route_is_refused_by_the_proxy(
    behind: tuple[Proxy, Upstream],
) -> None:
    proxy, upstream = behind
    so_far = len(upstream.lines)
    head = {"Content-Length": str(18 * 2**20)}
    assert proxy.ask("POST", "/v1", b"", head).status == 413
    assert len(upstream.lines) == so_far
