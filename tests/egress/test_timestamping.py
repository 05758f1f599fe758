"""Timestamps of a real authority: asked for within bounds, verified on receipt and offline."""

import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from coordinator.egress.timestamping import TimestampAuthority
from holdfast.protocol.errors import TimestampError
from holdfast.protocol.timestamp_token import read_authorities, verify_timestamp
from tests.summary.timestamp_authority import TimestampServer, make_authority, running_authority

_CONTENT = b"the manifest"
_DIGEST = sha256(_CONTENT).digest()


@pytest.fixture(name="authority", scope="module")
def _authority() -> Iterator[TimestampServer]:
    with running_authority() as server:
        yield server


@pytest.fixture(name="response", scope="module")
def _response(authority: TimestampServer) -> bytes:
    return authority.client().stamp(_DIGEST)


def test_a_response_is_verified_offline_and_by_openssl(
    authority: TimestampServer, response: bytes, tmp_path: Path
) -> None:
    found = verify_timestamp(response, _DIGEST, read_authorities(authority.root_pem))
    assert found.authority == "CN=Clock of the tests"
    assert found.at.utcoffset() is not None
    for name, content in (("r.tsr", response), ("m", _CONTENT), ("ca.pem", authority.root_pem)):
        (tmp_path / name).write_bytes(content)
    command = "openssl ts -verify -in r.tsr -data m -CAfile ca.pem"
    done = subprocess.run(command.split(), cwd=tmp_path, check=False, capture_output=True)
    assert b"Verification: OK" in done.stdout + done.stderr


def test_another_digest_authority_or_nonce_is_refused(
    authority: TimestampServer, response: bytes, tmp_path: Path
) -> None:
    roots = read_authorities(authority.root_pem)
    with pytest.raises(TimestampError, match="not proven"):
        verify_timestamp(response, sha256(b"another").digest(), roots)
    with pytest.raises(TimestampError, match="not proven"):
        verify_timestamp(response, _DIGEST, read_authorities(make_authority(tmp_path)))
    with pytest.raises(TimestampError, match="not proven"):
        verify_timestamp(response, _DIGEST, roots, nonce=1)
    with pytest.raises(TimestampError, match="no authority is trusted"):
        verify_timestamp(response, _DIGEST, [])


def test_no_change_of_a_byte_passes_or_raises_anything_else(
    authority: TimestampServer, response: bytes
) -> None:
    roots = read_authorities(authority.root_pem)
    untouched = verify_timestamp(response, _DIGEST, roots)
    for place in range(0, len(response), 7):
        changed = bytearray(response)
        changed[place] ^= 0x55
        try:
            # What no signature covers may differ; what is said may not.
            found = verify_timestamp(bytes(changed), _DIGEST, roots)
        except TimestampError:
            continue
        assert found == untouched, place
    for cut in range(0, len(response), 31):
        with pytest.raises(TimestampError):
            verify_timestamp(response[:cut], _DIGEST, roots)


def test_what_is_no_timestamp_is_said(authority: TimestampServer) -> None:
    client = authority.client()
    try:
        for answer, why in (
            ((500, b""), "127.0.0.1 answered 500"),
            ((302, b""), "127.0.0.1 answered 302"),
            ((200, b"<html>"), "no response of a timestamp authority"),
            ((200, b"x" * 70_000), "more than 65536 bytes"),
            ((200, bytes.fromhex("30053003020102")), "gave no timestamp"),
        ):
            authority.answer = answer
            with pytest.raises(TimestampError, match=why):
                client.stamp(_DIGEST)
    finally:
        authority.answer = None


def test_an_answer_to_another_question_is_refused(
    authority: TimestampServer, response: bytes
) -> None:
    authority.answer = (200, response)
    try:
        with pytest.raises(TimestampError, match="Nonce mismatch"):
            authority.client().stamp(_DIGEST)
    finally:
        authority.answer = None


def test_an_authority_that_is_away_is_said() -> None:
    away = TimestampAuthority("http://127.0.0.1:9/", [])
    with pytest.raises(TimestampError, match="did not answer"):
        away.stamp(_DIGEST)


def test_a_file_without_certificates_names_nobody() -> None:
    with pytest.raises(TimestampError, match="no certificate"):
        read_authorities(b"nothing")
