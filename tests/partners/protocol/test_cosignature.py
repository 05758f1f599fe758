"""Cosignatures, as C2SP specifies them."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.checkpoint import Checkpoint, open_checkpoint
from holdfast.protocol.cosignature import (
    WitnessVerifier,
    check_cosignature,
    check_cosignatures,
    cosign,
)
from holdfast.protocol.errors import CosignatureError, NoteError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.signed_note import (
    NoteSignature,
    NoteVerifier,
    SignedNote,
    key_line,
    parse_note,
    sign_note,
)

LOG_KEY = PrivateKey.from_seed(b"n" * 32)
LOG = NoteVerifier("c.example/v1/log", LOG_KEY.public)
KEY = PrivateKey.from_seed(b"w" * 32)
WITNESS = WitnessVerifier("a.example/witness", KEY.public)
OTHER = WitnessVerifier("b.example/witness", PrivateKey.from_seed(b"v" * 32).public)
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXT = Checkpoint(LOG.name, 7, bytes(range(32))).text()
MADE = cosign(TEXT, WITNESS.name, KEY, AT)
#: The key of a public witness, as transparency-dev/formats has it in its tests.
PUBLISHED = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
#: A key of ML-DSA-44, which is 1312 bytes long, and what it could have signed.
POST_QUANTUM = key_line("pq.example/witness", 6, bytes(1312))
STRANGERS = (
    NoteSignature("pq.example/witness", b"\1\2\3\4", bytes(8 + 2420)),
    NoteSignature(WITNESS.name, b"\0\0\0\0", bytes(72)),
    NoteSignature("z.example/witness", WITNESS.key_id, bytes(72)),
)


def _note(*signatures: NoteSignature) -> SignedNote:
    signed = parse_note(sign_note(TEXT, LOG.name, LOG_KEY))
    return SignedNote(TEXT, (*signed.signatures, *signatures))


def test_what_is_signed_is_laid_out_as_the_specification_says() -> None:
    timestamp, signature = MADE.signature[:8], MADE.signature[8:]
    assert int.from_bytes(timestamp, "big") == 1772452800
    said = b"cosignature/v1\ntime 1772452800\n" + TEXT.encode()
    Ed25519PublicKey.from_public_bytes(KEY.public.raw).verify(signature, said)


def test_a_key_is_written_and_read_as_kind_4() -> None:
    line = str(WITNESS)
    assert WitnessVerifier.parse(line) == WITNESS
    name, key_id, _ = line.split("+", 2)
    assert (name, key_id) == (WITNESS.name, MADE.key_id.hex())
    assert str(WitnessVerifier.parse(PUBLISHED)) == PUBLISHED
    assert WITNESS.key_id != NoteVerifier(WITNESS.name, KEY.public).key_id


@pytest.mark.parametrize("line", [str(LOG), POST_QUANTUM, "", "a+b+c", str(WITNESS)[:-4] + "AAA="])
def test_other_keys_are_no_witnesss(line: str) -> None:
    with pytest.raises(NoteError):
        WitnessVerifier.parse(line)


def test_a_cosignature_is_found_beside_those_of_strangers() -> None:
    note = _note(*STRANGERS, MADE)
    [found] = check_cosignatures(note, [OTHER, WITNESS])
    assert (found.witness, found.timestamp, found.signature) == (WITNESS, 1772452800, MADE)
    assert check_cosignatures(note, [OTHER]) == []
    assert open_checkpoint(note.encode(), LOG).size == 7


def test_of_two_by_one_witness_the_newer_counts_and_only_once() -> None:
    later = cosign(TEXT, WITNESS.name, KEY, AT.replace(minute=1))
    for order in [(MADE, later), (later, MADE)]:
        [found] = check_cosignatures(_note(*order), [WITNESS])
        assert found.signature == later


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(71),
        MADE.signature + b"\0",
        MADE.signature[8:],
        (2**63).to_bytes(8, "big") + MADE.signature[8:],
        (1772452801).to_bytes(8, "big") + MADE.signature[8:],
        MADE.signature[:8] + KEY.sign(TEXT.encode()),
    ],
)
def test_what_does_not_verify_is_refused(signature: bytes) -> None:
    bad = NoteSignature(WITNESS.name, WITNESS.key_id, signature)
    with pytest.raises(CosignatureError):
        check_cosignature(TEXT, bad, WITNESS)
    with pytest.raises(CosignatureError):
        check_cosignatures(_note(bad), [WITNESS])


def test_a_cosignature_is_of_one_checkpoint_and_one_witness() -> None:
    with pytest.raises(CosignatureError):
        check_cosignature(TEXT.replace("\n7\n", "\n8\n"), MADE, WITNESS)
    with pytest.raises(CosignatureError):
        check_cosignature(TEXT, MADE, OTHER)


def test_a_logs_signature_is_no_cosignature_nor_the_other_way_round() -> None:
    both = WitnessVerifier(LOG.name, LOG_KEY.public)
    assert check_cosignatures(_note(), [both]) == []
    alone = SignedNote(TEXT, (cosign(TEXT, LOG.name, LOG_KEY, AT),))
    with pytest.raises(NoteError):
        alone.require_signed(LOG)


def test_a_time_without_zone_or_before_1970_is_refused() -> None:
    for at in (AT.replace(tzinfo=None), AT.replace(year=1969)):
        with pytest.raises(CosignatureError):
            cosign(TEXT, WITNESS.name, KEY, at)


@given(st.binary(max_size=80))
def test_any_bytes_verify_or_are_refused(signature: bytes) -> None:
    with pytest.raises(CosignatureError):
        check_cosignature(TEXT, NoteSignature(WITNESS.name, WITNESS.key_id, signature), WITNESS)
