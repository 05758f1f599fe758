"""A signer signs one tree of each size, whatever it is asked and whenever it was stopped."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.transparency_log.high_water import HighWaterFile, NotingSigner
from coordinator.transparency_log.signer import (
    SeedSigner,
    Signed,
    SignerError,
    SizeSpentError,
    Tree,
)
from coordinator.transparency_log.signing_process import CountingSigner, SigningServer
from coordinator.transparency_log.signing_protocol import decode_line
from coordinator.transparency_log.socket_signer import SocketSigner
from holdfast.protocol.checkpoint import open_checkpoint
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.merkle_tree import EMPTY_ROOT

ORIGIN = "c.example/v1/log"
KEY = PrivateKey.from_seed(b"l" * 32)
NOTHING = Tree(0, EMPTY_ROOT)
FIVE, OTHER_FIVE = Tree(5, b"5" * 32), Tree(5, b"f" * 32)
SIX, SEVEN = Tree(6, b"6" * 32), Tree(7, b"7" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the signer remembers what it signed."""
    return tmp_path / "signed.json"


def _signer(path: Path) -> CountingSigner:
    return CountingSigner(ORIGIN, KEY, HighWaterFile(path, ORIGIN))


def test_a_seed_signs_whatever_the_head_s_lock_let_through() -> None:
    signer = SeedSigner(ORIGIN, KEY)
    checkpoint = open_checkpoint(signer.sign(FIVE, NOTHING), signer.verifier)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, *FIVE)


def test_two_trees_of_one_size_are_never_signed(path: Path) -> None:
    signer = _signer(path)
    note = signer.sign(FIVE, NOTHING)
    with pytest.raises(SizeSpentError) as refused:
        signer.sign(OTHER_FIVE, NOTHING)
    assert refused.value.size == 5
    # The same tree is no second one.
    assert signer.sign(FIVE, NOTHING) == note


def test_it_remembers_over_a_restart(path: Path) -> None:
    _signer(path).sign(FIVE, NOTHING)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SizeSpentError):
        _signer(path).sign(OTHER_FIVE, NOTHING)


def test_a_smaller_tree_is_refused(path: Path) -> None:
    signer = _signer(path)
    signer.sign(SIX, NOTHING)
    with pytest.raises(SizeSpentError) as refused:
        signer.sign(FIVE, NOTHING)
    assert refused.value.size == 6


def test_a_tree_from_before_what_was_committed_is_refused_whatever_its_size(path: Path) -> None:
    signer = _signer(path)
    signer.sign(FIVE, NOTHING)
    signer.sign(SIX, FIVE)  # which says that the five were committed
    with pytest.raises(SignerError, match="older"):
        signer.sign(SEVEN, Tree(4, b"4" * 32))


def test_a_tree_that_grew_from_another_one_is_refused(path: Path) -> None:
    signer = _signer(path)
    signer.sign(FIVE, NOTHING)
    signer.sign(SIX, FIVE)
    with pytest.raises(SignerError, match="fork"):
        signer.sign(SEVEN, OTHER_FIVE)
    with pytest.raises(SignerError, match="fork"):
        signer.sign(SEVEN, Tree(6, b"f" * 32))


def test_after_a_rollback_a_larger_tree_is_signed(path: Path) -> None:
    signer = _signer(path)
    signer.sign(FIVE, NOTHING)
    signer.sign(SIX, FIVE)  # and rolled back
    assert open_checkpoint(signer.sign(SEVEN, FIVE), signer.verifier).size == 7


def test_nothing_is_signed_that_could_not_be_remembered(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = _signer(path)
    signer.sign(FIVE, NOTHING)

    def fail(_: object, __: Signed) -> None:
        raise SignerError("no space is left")

    with monkeypatch.context() as patched:
        patched.setattr(HighWaterFile, "write", fail)
        with pytest.raises(SignerError):
            signer.sign(SIX, FIVE)
    # What was not remembered was not signed, so that another tree of that size still may be.
    signer.sign(Tree(6, b"g" * 32), FIVE)


def test_it_is_on_disk_before_the_signature_is_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    write, sign = HighWaterFile.write, SeedSigner.sign

    def writing(file: HighWaterFile, signed: Signed) -> None:
        write(file, signed)
        order.append("written")

    def signing(signer: SeedSigner, tree: Tree, base: Tree) -> bytes:
        order.append("signed")
        return sign(signer, tree, base)

    monkeypatch.setattr(HighWaterFile, "write", writing)
    monkeypatch.setattr(SeedSigner, "sign", signing)
    _signer(path).sign(FIVE, NOTHING)
    assert order == ["written", "signed"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"origin":"other.example"}',
        b'{"origin":"c.example/v1/log","largest_size":5}',
        b'{"origin":"c.example/v1/log","largest_size":"5","largest_root":""}',
    ],
)
def test_a_file_that_cannot_be_read_stops_it(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SignerError):
        _signer(path)


@pytest.fixture
def served(tmp_path: Path, path: Path) -> Iterator[Path]:
    """The socket of a signer that runs."""
    socket_path = tmp_path / "signer.sock"
    with SigningServer(socket_path, _signer(path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield socket_path
        server.shutdown()
        thread.join()


def test_a_signer_behind_a_socket_signs_likewise(served: Path) -> None:
    # The coordinator is of the signer's group, and has no business with its files.
    assert served.stat().st_mode & 0o777 == 0o660
    signer = SocketSigner(served, ORIGIN)
    assert open_checkpoint(signer.sign(FIVE, NOTHING), signer.verifier).size == 5
    with pytest.raises(SizeSpentError) as refused:
        signer.sign(OTHER_FIVE, NOTHING)
    assert refused.value.size == 5
    signer.sign(SIX, FIVE)
    with pytest.raises(SignerError, match="fork"):
        signer.sign(SEVEN, OTHER_FIVE)


def test_it_signs_no_other_log(served: Path) -> None:
    with pytest.raises(SignerError, match="no other"):
        SocketSigner(served, "other.example/v1/log").sign(FIVE, NOTHING)


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n",
        b"[]\n",
        b'{"origin":"c.example/v1/log","size":5}\n',
        b'{"origin":"c.example/v1/log","size":true,"root":"00"}\n',
        b'{"origin":"c.example/v1/log","size":-1,"root":"00"}\n',
        b'{"origin":"c.example/v1/log","size":1,"root":"zz"}\n',
        b"{" * 9_000 + b"\n",
    ],
)
def test_whoever_says_something_else_is_refused_and_the_next_is_served(
    served: Path, line: bytes
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(served))
        connection.sendall(line)
        with connection.makefile("rb") as answers:
            assert "refused" in decode_line(answers.readline())
    assert SocketSigner(served, ORIGIN).verifier.name == ORIGIN


@pytest.mark.parametrize(
    "note",
    [
        "no note",
        SeedSigner(ORIGIN, KEY).sign(OTHER_FIVE, NOTHING).decode(),
        SeedSigner(ORIGIN, KEY).sign(SIX, NOTHING).decode(),
        SeedSigner(ORIGIN, PrivateKey.from_seed(b"o" * 32)).sign(FIVE, NOTHING).decode(),
        SeedSigner("other.example/v1/log", KEY).sign(FIVE, NOTHING).decode(),
    ],
    ids=["no note", "another tree", "another size", "another key", "another log"],
)
def test_what_the_signer_answers_is_looked_at_before_it_is_committed(
    served: Path, monkeypatch: pytest.MonkeyPatch, note: str
) -> None:
    signer = SocketSigner(served, ORIGIN)
    assert signer.verifier.name == ORIGIN
    monkeypatch.setattr(SigningServer, "answer", lambda *_: {"note": note})
    with pytest.raises(SignerError):
        signer.sign(FIVE, NOTHING)


def test_whoever_hangs_up_disturbs_nobody(served: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(served))
    assert SocketSigner(served, ORIGIN).verifier.name == ORIGIN


def test_a_signer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SignerError, match="holdfast-coordinator log-signer"):
        SocketSigner(tmp_path / "none.sock", ORIGIN).sign(FIVE, NOTHING)


def test_a_key_in_every_process_notes_now_and_then_how_far_was_committed(path: Path) -> None:
    at = [0.0]
    signer = NotingSigner(ORIGIN, KEY, HighWaterFile(path, ORIGIN), steady=lambda: at[0])
    signer.sign(SIX, FIVE)
    assert signer.remembered() == Signed(FIVE, FIVE, is_exact=False)
    signer.sign(SEVEN, SIX)
    assert signer.remembered() == Signed(FIVE, FIVE, is_exact=False)
    at[0] = 1.0
    signer.sign(SEVEN, SIX)
    assert signer.remembered() == Signed(SIX, SIX, is_exact=False)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{}", b'{"origin": "other.example/v1/log"}'])
def test_a_note_that_says_nothing_keeps_nobody_from_signing(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    signer = NotingSigner(ORIGIN, KEY, HighWaterFile(path, ORIGIN))
    assert signer.remembered() is None
    path.unlink()
    path.mkdir()  # so that nothing can take its place
    assert open_checkpoint(signer.sign(SIX, FIVE), signer.verifier).size == SIX.size


def test_a_process_says_how_far_it_signed(path: Path, tmp_path: Path) -> None:
    counting = _signer(path)
    counting.sign(SIX, FIVE)
    with SigningServer(tmp_path / "s", counting) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        asked = SocketSigner(tmp_path / "s", ORIGIN).remembered()
        server.shutdown()
        thread.join()
    assert asked == Signed(largest=SIX, committed=FIVE, is_exact=True)
