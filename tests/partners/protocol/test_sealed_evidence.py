"""What opens, and that nothing else does: a bit, a part, a name, a place."""

from collections.abc import Iterable
from dataclasses import replace
from os import urandom
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import base64url
from holdfast.protocol.encryption_key import DecryptionKey, EncryptionKey
from holdfast.protocol.errors import KeyFormatError, SealedEvidenceError
from holdfast.protocol.sealed_evidence import (
    PART_BYTES,
    WRAPPED_BYTES,
    SealedHeader,
    SealedPlace,
    open_parts,
    seal_parts,
    size_words,
    unwrap_key,
    wrap_key,
)
from holdfast.protocol.vocabulary import Tlp

PLACE = SealedPlace(
    audience="https://coordinator.example",
    request_id="frq_01jd3v8z8nfq0a5m6c7d8e9f0g",
    content_sha256="0" * 64,
    author="exchange-a.example",
)
HEADER = SealedHeader("Ledger of 3 May.csv", "text/csv")
READER, SHA256 = "exchange-b.example", "1" * 64
KEY, PRIVATE = urandom(32), DecryptionKey.generate()
WRAPPED = wrap_key(KEY, READER, PRIVATE.public, PLACE, sha256=SHA256)


def _opened(parts: Iterable[bytes], count: int, key: bytes = KEY, place: Any = PLACE) -> bytes:
    header, *content = open_parts(parts, count, key, place)
    assert header == HEADER
    return b"".join(piece for piece in content if isinstance(piece, bytes))


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 60, PART_BYTES, 2 * PART_BYTES + 1])
@pytest.mark.parametrize("piece", [1 << 12, 1 << 30])
def test_what_is_sealed_opens(size: int, piece: int) -> None:
    content = urandom(size)
    pieces = [content[start : start + piece] for start in range(0, size, piece)]
    parts = list(seal_parts(pieces, HEADER, KEY, PLACE))
    assert all(len(part) == PART_BYTES + 16 for part in parts[:-1])
    assert _opened(parts, len(parts)) == content
    assert HEADER.name.encode() not in b"".join(parts)


def test_a_bit_that_is_flipped_anywhere_closes_it() -> None:
    for place in range(8 * WRAPPED_BYTES):
        altered = bytearray(WRAPPED)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(SealedEvidenceError):
            unwrap_key(bytes(altered), READER, PRIVATE, PLACE, sha256=SHA256)
    [part] = seal_parts([b"content"], HEADER, KEY, PLACE)
    for place in range(8 * len(part)):
        altered = bytearray(part)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(SealedEvidenceError):
            _opened([bytes(altered)], 1)


def test_parts_open_in_their_number_and_order_alone() -> None:
    one, two, three = seal_parts([urandom(2 * PART_BYTES + 9)], HEADER, KEY, PLACE)
    wrong: list[tuple[list[bytes], int]] = [
        ([one, two], 2),
        ([one, three], 2),
        ([two, one, three], 3),
        ([one, two, three, three], 4),
        ([one, two], 3),
        ([], 0),
        ([one, one, three], 3),
    ]
    for parts, count in wrong:
        with pytest.raises(SealedEvidenceError):
            _opened(parts, count)


@pytest.mark.parametrize("member", ["audience", "request_id", "content_sha256", "author"])
def test_what_is_sealed_in_one_place_opens_in_no_other(member: str) -> None:
    elsewhere = replace(PLACE, **{member: "elsewhere"})
    with pytest.raises(SealedEvidenceError):
        unwrap_key(WRAPPED, READER, PRIVATE, elsewhere, sha256=SHA256)
    with pytest.raises(SealedEvidenceError):
        _opened(seal_parts([b"content"], HEADER, KEY, elsewhere), 1)


def test_a_wrapped_key_is_one_partners_for_one_file_to_one_key() -> None:
    assert unwrap_key(WRAPPED, READER, PRIVATE, PLACE, sha256=SHA256) == KEY
    for reader, private, digest in (
        ("exchange-c.example", PRIVATE, SHA256),
        (READER, DecryptionKey.generate(), SHA256),
        (READER, PRIVATE, "2" * 64),
    ):
        with pytest.raises(SealedEvidenceError):
            unwrap_key(WRAPPED, reader, private, PLACE, sha256=digest)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_wrapped_key_and_no_part_raise_nothing_else(junk: bytes) -> None:
    with pytest.raises(SealedEvidenceError):
        unwrap_key(junk, READER, PRIVATE, PLACE, sha256=SHA256)
    with pytest.raises(SealedEvidenceError):
        _opened([junk], 1)


@pytest.mark.parametrize(
    "name", ["", "..", ".profile", "a/b", "a\\b", "C:x", "a\nb", "\u202egpj.exe", "x" * 256]
)
def test_a_name_that_is_no_plain_files_is_not_sealed(name: str) -> None:
    with pytest.raises(SealedEvidenceError):
        list(seal_parts([b""], SealedHeader(name, "text/plain"), KEY, PLACE))


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\0\0\0\2{}",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x03nil",
        b'\0\0\0\x2a{"media_type":"text/plain","name":"../../x"}',
    ],
)
def test_what_begins_with_no_header_does_not_open(first: bytes, monkeypatch: Any) -> None:
    monkeypatch.setattr(SealedHeader, "encoded", lambda _: first)
    with pytest.raises(SealedEvidenceError):
        _opened(seal_parts([], HEADER, KEY, PLACE), 1)


#: Of order 1, 2, 4 and 8, then spellings of them and of others beyond the prime (RFC 7748).
LOW_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    2**255 - 20,
)
SECOND_SPELLINGS = (2**255 - 19, 2**255 - 18, 2**255 - 1, 2**255 + 9, 2**256 - 1)


@pytest.mark.parametrize("point", [*LOW_ORDER, *SECOND_SPELLINGS])
def test_a_point_that_is_not_safe_to_seal_to_is_no_key(point: int) -> None:
    raw = point.to_bytes(32, "little")
    with pytest.raises(KeyFormatError):
        EncryptionKey.from_jwk({"kty": "OKP", "crv": "X25519", "x": base64url.encode(raw)})
    # Nor is it one inside a wrapped key.
    with pytest.raises(SealedEvidenceError):
        unwrap_key(raw + WRAPPED[32:], READER, PRIVATE, PLACE, sha256=SHA256)


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        {},
        {"kty": "OKP", "crv": "Ed25519", "x": "CQ" + "A" * 41},
        {"kty": "OKP", "crv": "X25519", "x": 9},
        {"kty": "OKP", "crv": "X25519", "x": "CQ" + "A" * 40},
        {"kty": "OKP", "crv": "X25519", "x": "CQ" + "A" * 40 + "B"},
        {"kty": "OKP", "crv": "X25519", "x": "CQ" + "A" * 41, "use": "enc"},
        {"kty": "OKP", "crv": "X25519", "x": "CQ" + "A" * 41, "d": "CQ" + "A" * 41},
    ],
)
def test_what_is_no_such_jwk_is_refused(jwk: Any) -> None:
    with pytest.raises(KeyFormatError):
        EncryptionKey.from_jwk(jwk)


def test_a_key_is_known_by_its_thumbprint() -> None:
    """The point is that of RFC 8037 appendix A.6."""
    jwk = {"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
    key = EncryptionKey.from_jwk(jwk)
    assert key.jwk() == jwk
    assert DecryptionKey.from_pem(PRIVATE.to_pem("a passphrase"), "a passphrase").kid == PRIVATE.kid
    for passphrase in (None, "another passphrase"):
        with pytest.raises(KeyFormatError):
            DecryptionKey.from_pem(PRIVATE.to_pem("a passphrase"), passphrase)


def test_marks_are_ordered_and_two_of_them_may_be_passed_on() -> None:
    marks = [Tlp.RED, Tlp.AMBER_STRICT, Tlp.AMBER, Tlp.GREEN, Tlp.CLEAR]
    for place, mark in enumerate(marks):
        assert [mark.is_below(other) for other in marks] == [n < place for n in range(len(marks))]
    assert [mark for mark in marks if mark.may_be_passed_on] == [Tlp.GREEN, Tlp.CLEAR]


def test_sizes_are_told_in_units() -> None:
    sizes = {
        0: "0 bytes",
        1023: "1023 bytes",
        1536: "1.5 KiB",
        2**24: "16.0 MiB",
        2**41: "2048.0 GiB",
    }
    assert {size: size_words(size) for size in sizes} == sizes
