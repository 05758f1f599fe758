"""Signed notes and checkpoints, as C2SP specifies them."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.checkpoint import (
    Checkpoint,
    log_origin,
    open_checkpoint,
    parse_checkpoint,
)
from holdfast.protocol.errors import CheckpointError, LogError, NoteError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.signed_note import (
    NoteSignature,
    NoteVerifier,
    SignedNote,
    parse_note,
    sign_note,
)

#: The example that C2SP publishes (signed-note.md and the Go package behind it).
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n"
    "\N{EM DASH} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjO"
    "BH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
KEY = PrivateKey.from_seed(b"n" * 32)
LOG = NoteVerifier("c.example/v1/log", KEY.public)
ROOT = bytes(range(32))
TREE = Checkpoint(LOG.name, 7, ROOT)
#: Lines of keys that nobody here knows: ML-DSA-44 is long, cosignatures are of type 4.
STRANGERS = (
    NoteSignature("witness.example", b"\1\2\3\4", bytes(72)),
    NoteSignature("pq.example", b"\5\6\7\x08", bytes(2420)),
    NoteSignature(LOG.name, b"\0\0\0\0", bytes(64)),
    NoteSignature("another.example", LOG.key_id, bytes(64)),
)


def _note() -> bytes:
    return sign_note(TREE.text(), LOG.name, KEY)


def test_the_published_example_verifies() -> None:
    verifier = NoteVerifier.parse(EXAMPLE_KEY)
    note = parse_note(EXAMPLE_NOTE)
    assert note.text == "This is an example message.\n"
    assert note.require_signed(verifier) == [verifier]
    assert str(verifier) == EXAMPLE_KEY
    assert note.encode() == EXAMPLE_NOTE


@pytest.mark.parametrize("place", range(0, len(EXAMPLE_NOTE), 7))
def test_the_published_example_altered_anywhere_does_not(place: int) -> None:
    altered = bytearray(EXAMPLE_NOTE)
    altered[place] ^= 1
    with pytest.raises(NoteError):
        parse_note(bytes(altered)).require_signed(NoteVerifier.parse(EXAMPLE_KEY))


def test_signatures_of_unknown_kinds_and_names_are_passed_over() -> None:
    own = parse_note(_note())
    note = SignedNote(own.text, (*STRANGERS, *own.signatures, *STRANGERS))
    assert open_checkpoint(note.encode(), LOG) == TREE


def test_a_note_that_only_strangers_signed_is_refused() -> None:
    note = SignedNote(TREE.text(), STRANGERS)
    with pytest.raises(NoteError, match="no known key"):
        parse_note(note.encode()).require_signed(LOG)


def test_a_wrong_signature_beside_a_good_one_spoils_the_note() -> None:
    own = parse_note(_note())
    wrong = NoteSignature(LOG.name, LOG.key_id, bytes(64))
    note = SignedNote(own.text, (*own.signatures, wrong))
    with pytest.raises(NoteError, match="does not verify"):
        note.require_signed(LOG)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno signature\n",
        "text\n\n\N{EM DASH} name\n".encode(),
        "text\n\n\N{EM DASH} name AAAA\n".encode(),
        "text\n\n\N{EM DASH} na+me AAAAAAAA\n".encode(),
        "text\n\n\N{EM DASH}  AAAAAAAA\n".encode(),
        "text\n\n\N{EM DASH} name AAAAAAA*\n".encode(),
        "text\n\n\N{EM DASH} name AAAAAAB=\n".encode(),
        "text\n\n\N{EM DASH} name AAAAAAAA".encode(),
        "te\txt\n\n\N{EM DASH} name AAAAAAAA\n".encode(),
        "te\rxt\n\n\N{EM DASH} name AAAAAAAA\n".encode(),
        b"\xff\n\n\xe2\x80\x94 name AAAAAAAA\n",
        ("text\n\n" + "\N{EM DASH} name AAAAAAAA\n" * 101).encode(),
        b"a" * (1 << 20) + b"\n\n",
    ],
)
def test_what_is_no_note_is_refused_with_one_error(encoded: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(encoded)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a+",
        EXAMPLE_KEY.upper(),
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY + "=",
        EXAMPLE_KEY.replace("foo", "fo o"),
        EXAMPLE_KEY.replace("foo", "f\ud800"),
        # An ECDSA key, and a key of low order.
        "example.com/foo+00000000+" + b64encode(b"\2" + bytes(32)).decode(),
        "example.com/foo+00000000+" + b64encode(b"\1" + bytes(32)).decode(),
        "example.com/foo+00000000+" + b64encode(b"\1" + bytes(31)).decode(),
    ],
)
def test_what_is_no_verifier_key_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(NoteError):
        NoteVerifier.parse(text)


@pytest.mark.parametrize("text", ["no line feed", "tab\t\n", "", "\ud800\n"])
def test_what_cannot_stand_in_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign_note(text, LOG.name, KEY)


def test_a_key_of_another_kind_signs_no_note() -> None:
    with pytest.raises(NoteError):
        sign_note("text\n", "name", PrivateKey.generate("ES256"))
    for name in ("na me", "n\ud800"):
        with pytest.raises(NoteError):
            sign_note("text\n", name, KEY)


def test_a_checkpoint_says_what_was_signed() -> None:
    assert open_checkpoint(_note(), LOG) == TREE
    assert _note().startswith(
        b"c.example/v1/log\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n"
    )


def test_extension_lines_are_passed_over() -> None:
    note = sign_note(TREE.text() + "something new\n", LOG.name, KEY)
    assert open_checkpoint(note, LOG) == TREE


def test_a_checkpoint_of_another_log_under_the_same_key_is_refused() -> None:
    text = Checkpoint("other.example/v1/log", 7, ROOT).text()
    with pytest.raises(CheckpointError, match="of the log"):
        open_checkpoint(sign_note(text, LOG.name, KEY), LOG)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n7\n",
        "origin\n07\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "origin\n-7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "origin\n\N{ARABIC-INDIC DIGIT SEVEN}\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"origin\n{2**63}\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "origin\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n",
        "origin\n7\nAAECAw==\n",
        "origin\n7\nno base64\n",
        "origin\n0\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "origin\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(SignedNote(text, ()))


def test_a_checkpoint_that_is_no_note_is_refused_as_a_checkpoint() -> None:
    with pytest.raises(CheckpointError):
        open_checkpoint(b"no note", LOG)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(encoded: bytes) -> None:
    for each in (encoded, EXAMPLE_NOTE[:40] + encoded, EXAMPLE_NOTE + encoded):
        try:
            open_checkpoint(each, NoteVerifier.parse(EXAMPLE_KEY))
        except LogError:
            continue


def test_the_log_is_named_after_where_it_is_served() -> None:
    assert log_origin("https://c.example") == "c.example/v1/log"
    assert log_origin("http://127.0.0.1:8080") == "127.0.0.1:8080/v1/log"
