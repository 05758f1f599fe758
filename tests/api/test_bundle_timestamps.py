"""What a timestamp authority says of a bundle's checkpoint: in the bundle, and verified offline."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from holdfast import BundleReader, Finding, Result, Trust, examine_bundle
from holdfast.protocol.timestamp_token import read_authorities
from tests.api.acts import submit
from tests.conftest import World
from tests.factories import Cast, Signer
from tests.services.bundles import Unpacked, by_openssl
from tests.summary.timestamp_authority import TimestampServer, make_authority, running_authority


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Nothing here is stored."""
    return sqlite_world


@pytest.fixture(scope="module")
def authority() -> Iterator[TimestampServer]:
    with running_authority() as server:
        yield server


@pytest.fixture
def fetch(
    app: Flask, signer: Signer, cast: Cast, authority: TimestampServer
) -> Callable[[], bytes]:
    """Return what exports a bundle from a coordinator that asks the authority."""
    context = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(context, timestamps=authority.client())
    asked = submit(signer, cast)

    def export() -> bytes:
        answer = signer.get(cast.a.auditor, f"/v1/freeze-requests/{asked['id']}/evidence-bundle")
        assert answer.status_code == 200, answer.data
        return answer.get_data()

    return export


def _timestamp(packed: bytes, trust: Trust | None = None) -> Finding:
    examination = examine_bundle(BundleReader(io.BytesIO(packed)), trust or Trust())
    [found] = [each for each in examination.own if each.what == "timestamp"]
    assert [each for each in examination.failures if each != found] == []
    return found


def test_the_checkpoint_is_stamped_by_whom_one_trusts_or_by_the_bundles_own_word(
    fetch: Callable[[], bytes], authority: TimestampServer, tmp_path: Path
) -> None:
    packed = fetch()
    asserted = _timestamp(packed)
    assert asserted.result is Result.ASSERTED
    assert "CN=Clock of the tests, whose roots are the bundle's own word" in asserted.detail
    roots = read_authorities(authority.root_pem)
    verified = _timestamp(packed, Trust(timestamp_roots=roots))
    assert (verified.result, "that you trust" in verified.detail) == (Result.VERIFIED, True)
    others = read_authorities(make_authority(tmp_path))
    assert _timestamp(packed, Trust(timestamp_roots=others)).result is Result.FAILED


def test_a_timestamp_of_something_else_or_of_nobody_fails(
    fetch: Callable[[], bytes], authority: TimestampServer
) -> None:
    packed = fetch()
    bundle = Unpacked.of(packed)
    bundle.files["timestamp.tsr"] = authority.client().stamp(b"\1" * 32)
    assert _timestamp(bundle.pack()).result is Result.FAILED
    bundle = Unpacked.of(packed)
    bundle.files["timestamp.tsr"] = bundle.files["timestamp.tsr"][:-9]
    assert _timestamp(bundle.pack()).result is Result.FAILED
    for content in (b"", b"x" * (1 << 19)):
        bundle = Unpacked.of(packed)
        bundle.files["timestamp-roots.pem"] = content
        assert _timestamp(bundle.pack()).result is Result.FAILED
    del bundle.files["timestamp-roots.pem"]
    assert "no file timestamp-roots.pem" in _timestamp(bundle.pack()).detail


def test_openssl_verifies_it_by_the_commands_of_verify_txt(
    fetch: Callable[[], bytes], authority: TimestampServer, tmp_path: Path
) -> None:
    bundle = Unpacked.of(fetch())
    done = by_openssl(tmp_path / "good", bundle)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "ok      timestamp.tsr is over checkpoint, which existed at " in done.stdout
    assert "timestamp authority: subject=CN = Root of the tests" in done.stdout
    bundle.files["timestamp.tsr"] = authority.client().stamp(b"\1" * 32)
    bundle = Unpacked.of(bundle.pack())
    done = by_openssl(tmp_path / "bad", bundle)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert [line[:28] for line in failed] == ["FAILED  timestamp.tsr is ove"]
    assert done.returncode == 1


def test_without_an_answer_or_an_authority_a_bundle_says_that_there_is_none(
    app: Flask, fetch: Callable[[], bytes], authority: TimestampServer, tmp_path: Path
) -> None:
    authority.answer = (503, b"")
    try:
        silent = fetch()
    finally:
        authority.answer = None
    app.extensions["holdfast"] = replace(app.extensions["holdfast"], timestamps=None)
    for number, packed in enumerate((silent, fetch())):
        found = _timestamp(packed)
        assert (found.result, found.detail[:4]) == (Result.ASSERTED, "none")
        bundle = Unpacked.of(packed)
        assert "timestamp.tsr" not in bundle.files
        said = by_openssl(tmp_path / str(number), bundle).stdout
        assert "There is no timestamp of an authority" in said
