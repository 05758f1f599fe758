"""`holdfast bundle` and `holdfast verify BUNDLE.zip`: what they write, print and leave with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.profiles.key_requests import new_profile
from holdfast.profiles.store import ProfileStore
from holdfast.protocol import strict_json
from holdfast.protocol.bundle_layout import CONTENT_TYPE
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.signed_note import NoteVerifier
from tests.factories import ORIGIN
from tests.partners.shell import FRQ, REQUEST, Shell
from tests.partners.stub_coordinator import StubCoordinator
from tests.services.bundles import Unpacked, examined, fetch
from tests.services.request_cast import Office

_ON_PAPER = pytest.mark.parametrize("office", ["sqlite"], indirect=True, scope="module")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("holdfast.client.transport.RetryPolicy.wait_before", lambda *_: 0.0)
    return Shell(ProfileStore(tmp_path / "home"), tmp_path)


@pytest.fixture(scope="module")
def packed(office: Office) -> bytes:
    """A bundle of a request that went out."""
    ask = office.desk.go_out()
    office.desk.hold(office.desk.cast.b, ask)
    return fetch(office, office.desk.cast.a.auditor, ask)


@pytest.fixture
def stub(packed: bytes, shell: Shell) -> Iterator[StubCoordinator]:
    """A coordinator that hands it out."""
    with StubCoordinator() as stub:
        profile = new_profile("me", coordinator=stub.origin, handle="a.example", kind="person")
        stub.keys[profile.key.kid] = profile.key.public
        shell.store.save(profile)
        path = f"{REQUEST}/evidence-bundle"
        stub.answers("GET", path, raw=packed, Content_Type=CONTENT_TYPE)
        yield stub


@_ON_PAPER
def test_a_bundle_is_written_whole_and_over_nothing(
    stub: StubCoordinator, shell: Shell, packed: bytes
) -> None:
    file = shell.folder / "case.zip"
    done = shell("bundle", FRQ, "--output", str(file))
    assert done.exit_code == 0, done.output
    assert file.read_bytes() == packed
    assert file.stat().st_mode & 0o077 == 0
    file.write_bytes(b"mine")
    again = shell("bundle", FRQ, "--output", str(file))
    assert (again.exit_code, file.read_bytes()) == (2, b"mine")
    # No export is recorded that nobody gets.
    assert len(stub.seen) == 1
    forced = shell("bundle", FRQ, "-o", str(file), "--force", "--json")
    assert strict_json.loads(forced.stdout.encode())["bytes"] == len(packed)
    assert file.read_bytes() == packed


@_ON_PAPER
def test_what_is_no_zip_is_not_kept(stub: StubCoordinator, shell: Shell) -> None:
    stub.forget_all()
    stub.answers("GET", f"{REQUEST}/evidence-bundle", raw=b"<html>", Content_Type="text/html")
    file = shell.folder / "case.zip"
    assert shell("bundle", FRQ, "--output", str(file)).exit_code == 7
    assert not file.exists()


@_ON_PAPER
def test_a_bundle_is_verified_without_profile_and_coordinator(shell: Shell, packed: bytes) -> None:
    file = shell.write("case.zip", packed)
    done = shell("verify", file)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[1].split()[:3] == ["1", "files", "verified"]
    assert "compare it by phone" in done.output
    assert lines[-1].startswith("Nothing failed: ")
    rows = [
        strict_json.loads(line.encode())
        for line in shell("verify", file, "--json").stdout.splitlines()
    ]
    assert [row["number"] for row in rows[:-1]] == list(range(1, len(rows)))
    assert rows[-1]["failed"] == 0


@_ON_PAPER
def test_what_is_pinned_and_kept_is_used(shell: Shell, packed: bytes) -> None:
    file = shell.write("case.zip", packed)
    log_key = Unpacked.of(packed).manifest["log"]
    roots = {partner: kid for partner, (kid, _) in examined(packed).roots.items()}
    pins = [word for partner, kid in roots.items() for word in ("--pin", f"{partner}={kid}")]
    done = shell("verify", file, "--log-key", log_key, *pins)
    assert done.exit_code == 0, done.output
    assert "not pinned" not in done.output
    assert "the one that you trust" in done.output
    [partner, *_] = roots
    assert shell("verify", file, "--pin", f"{partner}={'A' * 43}").exit_code == 8
    other = NoteVerifier(NoteVerifier.parse(log_key).name, PrivateKey.generate().public)
    assert shell("verify", file, "--log-key", str(other)).exit_code == 8
    shell.store.keep_log_key(ORIGIN, other)
    kept = shell("verify", file)
    assert (kept.exit_code, str(other) in "".join(kept.stderr.split())) == (8, True)
    assert shell("verify", file, "--log-key", log_key).exit_code == 8
    shell.store.keep_log_key(ORIGIN, NoteVerifier.parse(log_key))
    shell.store.pin(partner, "A" * 43)
    assert shell("verify", file).exit_code == 8
    assert shell("verify", file, *pins).exit_code == 8


@_ON_PAPER
def test_whose_word_key_and_quorum_are_is_said_and_the_key_printed(
    shell: Shell, packed: bytes
) -> None:
    file = shell.write("case.zip", packed)
    log_key = Unpacked.of(packed).manifest["log"]
    said = shell("verify", file).output
    assert "The bundle's own statement" in said
    assert "the log's key and who has to cosign" in " ".join(said.split())
    assert f"  --log-key {log_key}\n" in said
    policy = shell.write("policy", f"log {log_key}\nquorum none\n".encode())
    trusting = shell("verify", file, "--policy", policy)
    assert trusting.exit_code == 0, trusting.output
    assert "own statement" not in trusting.output
    document = strict_json.loads(
        shell("verify", file, "--policy", policy, "--json").stdout.splitlines()[-1].encode()
    )
    assert document["log_key"] == log_key
    assert (document["log_key_trusted"], document["quorum_trusted"]) == (True, True)
    # A key that is pinned, and a policy that says nothing of keys.
    witnesses = shell.write("witnesses", b"quorum none\n")
    kept = shell("verify", file, "--log-key", log_key, "--policy", witnesses)
    assert (kept.exit_code, "own statement" in kept.output) == (0, False)
    other = NoteVerifier(NoteVerifier.parse(log_key).name, PrivateKey.generate().public)
    strange = shell.write("strange", f"log {other}\nquorum none\n".encode())
    refused = shell("verify", file, "--policy", strange)
    assert (refused.exit_code, "that of your policy is" in " ".join(refused.stderr.split())) == (
        8,
        True,
    )


@_ON_PAPER
def test_the_first_that_fails_is_named(shell: Shell, packed: bytes) -> None:
    bundle = Unpacked.of(packed)
    name = f"{bundle.act('report')}.body"
    bundle.files[name] = bundle.files[name].replace(b"100", b"101")
    done = shell("verify", shell.write("case.zip", bundle.pack()))
    assert done.exit_code == 8
    assert "FAILED" in done.stdout
    assert "The first: report of exchange-b.example" in " ".join(done.stderr.split())
    done = shell("verify", "--json", shell.write("case.zip", bundle.pack(is_mended=False)))
    assert done.exit_code == 8
    assert name in strict_json.loads(done.stderr.encode())["error"]["message"]


@pytest.mark.parametrize(
    "words", [("--log-key", "x"), ("--pin", "a.example"), ("--pin", "a.example=short")]
)
def test_keys_that_are_none_are_said_to_be_none(shell: Shell, words: tuple[str, str]) -> None:
    assert shell("verify", shell.write("case.zip", b"x"), *words).exit_code == 2
    assert shell("verify", FRQ, "--pin", f"a.example={'A' * 43}").exit_code == 2


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--policy", b"quorum"),
        ("--policy", b"#" * (1 << 19)),
        ("--timestamp-roots", b"no certificate"),
    ],
)
def test_files_of_trust_that_are_none_are_said_to_be_none(
    shell: Shell, option: str, content: bytes
) -> None:
    bundle, file = shell.write("case.zip", b"x"), shell.write("given", content)
    assert shell("verify", bundle, option, file).exit_code == 2
    assert shell("verify", bundle, option, f"{file}.gone").exit_code == 2
    assert shell("verify", FRQ, option, shell.write("policy", b"quorum none\n")).exit_code == 2


def test_two_pins_of_one_partner_are_refused(shell: Shell) -> None:
    pins = [word for letter in "AB" for word in ("--pin", f"a.example={letter * 43}")]
    assert shell("verify", shell.write("case.zip", b"x"), *pins).exit_code == 2


def test_a_file_that_is_not_there_is_no_request_either(shell: Shell) -> None:
    done = shell("verify", "nowhere.zip")
    assert (done.exit_code, "is no request's id" in done.stderr) == (2, True)
