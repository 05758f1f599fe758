"""Any bytes whatever, in any pieces, are an answer or an ExchangeError."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.egress.http_response import (
    MAX_CHUNKS,
    MAX_HEAD_BYTES,
    ExchangeError,
    Response,
    read_response,
)

LIMIT = 200

PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 503 No",
        b"HTTP/1.1 100 Go on",
        b"HTTP/1.1 204 ",
        b"Content-Length: 3",
        b"Content-Length: 999",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"3",
        b"3;ext",
        b"0",
        b"abc",
        b"",
        b"\x00",
    ]
)
ANSWERS = st.one_of(
    st.binary(max_size=400),
    st.lists(PIECES, max_size=12).map(b"\r\n".join),
    st.lists(PIECES, max_size=12).map(b"\n".join),
    st.lists(PIECES, max_size=8).map(lambda lines: b"\r\n".join([b"HTTP/1.1 200 OK", *lines])),
)


def read(data: bytes, cuts: list[int]) -> Response | str:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts} - {0, len(data)}), len(data)]
    pieces = iter([data[start:end] for start, end in pairwise(places)] if data else [])
    try:
        return read_response(lambda: next(pieces, b""), max_body_bytes=LIMIT)
    except ExchangeError as error:
        return error.code


@given(ANSWERS)
def test_nothing_but_an_answer_or_an_exchange_error_comes_of_any_bytes(data: bytes) -> None:
    answer = read(data, [])
    if isinstance(answer, str):
        assert answer in {
            "connection_lost",
            "bad_response",
            "headers_too_large",
            "incomplete_response",
        }
    else:
        assert 200 <= answer.status <= 599
        assert len(answer.body) <= LIMIT


@given(ANSWERS, st.lists(st.integers(0, 400), max_size=20))
def test_how_the_bytes_are_cut_on_the_way_does_not_change_the_answer(
    data: bytes, cuts: list[int]
) -> None:
    whole, pieced = read(data, []), read(data, cuts)
    if isinstance(whole, Response) and isinstance(pieced, Response):
        assert (pieced.status, pieced.body, pieced.is_whole) == (
            whole.status,
            whole.body,
            whole.is_whole,
        )
    else:
        assert pieced == whole


def endless(start: bytes, part: bytes, taken: list[bytes]) -> Callable[[], bytes]:
    def receive() -> bytes:
        taken.append(part if taken else start)
        assert len(taken) < 5_000, "reads without end"
        return taken[-1]

    return receive


def test_header_fields_without_end_are_not_gathered() -> None:
    taken: list[bytes] = []
    with pytest.raises(ExchangeError) as caught:
        read_response(endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000, taken), max_body_bytes=LIMIT)
    assert caught.value.code == "headers_too_large"
    assert len(taken) * 1000 < 2 * MAX_HEAD_BYTES


def test_the_number_of_chunks_is_bounded_besides_their_size() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = read_response(endless(head, b"1\r\nx\r\n", []), max_body_bytes=10**9)
    assert answer.body == b"x" * MAX_CHUNKS
    assert not answer.is_whole
    assert not answer.is_reusable
