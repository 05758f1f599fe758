"""Browsers that have one page open and follow it live: `python -m tests.benchmarks.viewers`.

They do what `console.js` does: wait for news with one request, and read the page again when it
comes. What they need is read from standard input, as JSON; they run until they are terminated.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _View:
    """What all of them look at.

    Attributes:
        host: As the console is called.
        page: Path of the page.
        live: Path that answers when something happened.
    """

    port: int
    host: str
    page: str
    live: str


async def _follow(view: _View, cookie: str, seen: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", view.port)
    while True:
        status, body = await _get(view, cookie, f"{view.live}?after={seen}", reader, writer)
        if status == 200:
            seen = json.loads(body)["seq"]
            await _get(view, cookie, view.page, reader, writer)
            await asyncio.sleep(1)
        elif status != 204:
            raise AssertionError(f"{view.live}: {status} {body[:200]!r}")


async def _get(
    view: _View,
    cookie: str,
    path: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> tuple[int, bytes]:
    head = f"GET {path} HTTP/1.1\r\nHost: {view.host}\r\nCookie: {cookie}\r\nX-Part: main\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    _, found, length = answer.lower().partition(b"content-length:")
    body = await reader.readexactly(int(length.split(b"\r\n")[0])) if found else b""
    return int(answer[9:12]), body


async def _main(wanted: dict[str, Any]) -> None:
    view = _View(**wanted["view"])
    cookies, seen = wanted["cookies"], wanted["seen"]
    async with asyncio.TaskGroup() as group:
        for cookie in cookies:
            group.create_task(_follow(view, cookie, seen))


if __name__ == "__main__":
    asyncio.run(_main(json.load(sys.stdin)))
