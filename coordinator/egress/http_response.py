"""Reading one HTTP/1.1 answer from a receiver that nobody trusts (RFC 9112).

Every length is bounded before it is stored, nothing is ever decompressed, and all that a receiver
can send ends in a `Response` or an `ExchangeError`. Where the framing leaves a doubt the
connection is not used again, so that one answer can never be taken for another's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_HEAD_BYTES = 16_384
MAX_FIELDS = 100
MAX_INTERIM = 4
MAX_CHUNKS = 1_024
MAX_CHUNK_LINE_BYTES = 256

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?")
#: A field's line may go on in the next one, which then begins with a blank (RFC 9112 §5.2).
_FOLD = re.compile(rb"\r?\n[ \t]+")
_FIELD_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?", re.DOTALL)
_NO_BODY = frozenset({204, 304})


class ExchangeError(Exception):
    """The exchange did not come to a whole, well-formed answer.

    Args:
        code: Stable word for programs.
        detail: What happened, for people; never bytes of the receiver's.
        status: The answer's status, if it came as far as that.
    """

    def __init__(self, code: str, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    """One final answer.

    Args:
        status: 200 to 599.
        fields: By lower-case name; repeated ones joined by ", ".
        body: Undecoded, up to the bound.
        is_whole: Whether `body` is all of it; False where it was cut at the bound.
        is_reusable: Whether the connection may carry another request.
    """

    status: int
    fields: dict[bytes, bytes]
    body: bytes
    is_whole: bool
    is_reusable: bool


def read_response(receive: Callable[[], bytes], *, max_body_bytes: int) -> Response:
    """Read one final answer, passing over interim ones (1xx).

    Args:
        receive: Returns the next bytes, empty at the end; may raise ExchangeError.
        max_body_bytes: Where the body is cut; the status stands all the same.

    Raises:
        ExchangeError: connection_lost, bad_response, headers_too_large, incomplete_response, or
            whatever `receive` raises.
    """
    source = _Source(receive)
    for _ in range(MAX_INTERIM + 1):
        minor, status, fields = _parse_head(source.head())
        if status >= 200:  # noqa: PLR2004 - the first final status
            break
        if status == 101:  # noqa: PLR2004
            raise ExchangeError("bad_response", "the receiver changed to another protocol")
    else:
        raise ExchangeError("bad_response", "too many interim answers")
    try:
        body, is_whole, is_framed = _read_body(source, status, fields, max_body_bytes)
    except ExchangeError as error:
        error.status = status
        raise
    may_stay = minor == b"1" and b"close" not in fields.get(b"connection", b"").lower()
    return Response(
        status=status,
        fields=fields,
        body=body,
        is_whole=is_whole,
        is_reusable=may_stay and is_framed and is_whole and not source.buffer,
    )


class _Source:
    """The bytes of one answer, as far as they have come."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self.buffer = b""

    def head(self) -> bytes:
        """Return status line and fields, without the empty line that ends them."""
        searched = 0
        while (end := _END_OF_HEAD.search(self.buffer, searched)) is None:
            if len(self.buffer) > MAX_HEAD_BYTES:
                break
            searched = max(0, len(self.buffer) - 3)
            if not self._fill():
                if self.buffer:
                    raise ExchangeError("incomplete_response", "closed within the header fields")
                raise ExchangeError("connection_lost", "closed without an answer")
        if end is None or end.start() > MAX_HEAD_BYTES:
            raise ExchangeError(
                "headers_too_large", f"the header fields exceed {MAX_HEAD_BYTES} bytes"
            )
        head = self.buffer[: end.start()]
        self.buffer = self.buffer[end.end() :]
        return head

    def line(self) -> bytes:
        """Return the next line of the chunked coding without its end."""
        while (end := self.buffer.find(b"\n", 0, MAX_CHUNK_LINE_BYTES)) < 0:
            if len(self.buffer) >= MAX_CHUNK_LINE_BYTES:
                raise ExchangeError("bad_response", "a line of the chunked body is too long")
            if not self._fill():
                raise ExchangeError("incomplete_response", "closed within the body")
        line = self.buffer[:end]
        self.buffer = self.buffer[end + 1 :]
        return line.removesuffix(b"\r")

    def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        parts = [self.buffer]
        missing = count - len(self.buffer)
        while missing > 0:
            part = self._receive()
            if not part:
                raise ExchangeError("incomplete_response", "closed within the body")
            parts.append(part)
            missing -= len(part)
        data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def until_close(self, limit: int) -> tuple[bytes, bool]:
        """Return what comes, at most `limit` bytes, and whether that was all."""
        while len(self.buffer) <= limit:
            if not self._fill():
                return self.buffer, True
        return self.buffer[:limit], False

    def _fill(self) -> bool:
        data = self._receive()
        self.buffer += data
        return bool(data)


def _parse_head(head: bytes) -> tuple[bytes, int, dict[bytes, bytes]]:
    """Return HTTP's minor version, the status, and the fields."""
    status_line, _, rest = head.partition(b"\n")
    match = _STATUS_LINE.fullmatch(status_line.removesuffix(b"\r"))
    if match is None:
        raise ExchangeError("bad_response", "the answer does not begin with an HTTP/1 status line")
    if rest[:1] in {b" ", b"\t"}:  # there is no field yet that it could go on (RFC 9112 §2.2)
        raise ExchangeError("bad_response", "a blank stands before the first header field")
    lines = _FOLD.sub(b" ", rest).split(b"\n") if rest else []
    if len(lines) > MAX_FIELDS:
        raise ExchangeError("headers_too_large", f"more than {MAX_FIELDS} header fields")
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _FIELD_NAME.fullmatch(name) is None:
            raise ExchangeError("bad_response", "a header field is malformed")
        name, value = name.lower(), value.strip()
        fields[name] = fields[name] + b", " + value if name in fields else value
    return match[1], int(match[2]), fields


def _read_body(
    source: _Source, status: int, fields: dict[bytes, bytes], limit: int
) -> tuple[bytes, bool, bool]:
    """Return the body, whether it is whole, and whether its end was beyond doubt."""
    if status in _NO_BODY:
        return b"", True, True
    coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if coding is not None:
        if coding.lower() != b"chunked":
            return *source.until_close(limit), False
        # With a length as well, somebody on the way may have read it otherwise (RFC 9112 §6.3).
        return *_read_chunks(source, limit), length is None
    if length is None:
        return *source.until_close(limit), False
    if _LENGTH.fullmatch(length) is None:  # repeated ones, too: they are joined by a comma
        raise ExchangeError("bad_response", "Content-Length is not one number")
    wanted = int(length)
    return source.exactly(min(wanted, limit)), wanted <= limit, True


def _read_chunks(source: _Source, limit: int) -> tuple[bytes, bool]:
    """Return the chunks' data, at most `limit` bytes, and whether that was all."""
    parts: list[bytes] = []
    room = limit
    for _ in range(MAX_CHUNKS):
        match = _CHUNK_LINE.fullmatch(source.line())
        if match is None:
            raise ExchangeError("bad_response", "the chunked body is malformed")
        size = int(match[1], 16)
        if size == 0:
            return b"".join(parts), _read_trailers(source)
        parts.append(source.exactly(min(size, room)))
        room -= size
        if room < 0:
            break
        if source.line():
            raise ExchangeError("bad_response", "the chunked body is malformed")
    return b"".join(parts), False


def _read_trailers(source: _Source) -> bool:
    """Skip the trailer fields; False if there are too many."""
    return any(not source.line() for _ in range(MAX_FIELDS))
