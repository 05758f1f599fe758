"""The signature shows any change, and carries an authority's timestamp where there is one."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from asn1crypto import pem, x509  # type: ignore[import-untyped]  # ships no types
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from coordinator.summary.document import set_summary
from coordinator.summary.document_key import DocumentKey, DocumentKeyError
from coordinator.summary.signature import sign
from holdfast.protocol.errors import TimestampError
from holdfast.protocol.jwk import PrivateKey
from tests.summary.facts_cast import facts_with
from tests.summary.timestamp_authority import running_authority

_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = DocumentKey.generate("coordinator.example", _AT)
PDF = set_summary(facts_with(), certificate_sha256=KEY.fingerprint)


def _status(signed: bytes, *roots: bytes) -> PdfSignatureStatus:
    trusted = [x509.Certificate.load(each) for each in (KEY.certificate, *roots)]
    context = ValidationContext(trust_roots=trusted, allow_fetching=False)
    [signature] = PdfFileReader(BytesIO(signed)).embedded_signatures
    return validate_pdf_signature(signature, context)


def test_a_signed_document_is_whole_and_begins_with_what_was_signed() -> None:
    signed = sign(PDF, KEY, _AT)
    assert signed.startswith(PDF)
    status = _status(signed)
    assert status.bottom_line
    assert status.signer_reported_dt == _AT
    assert b"/SubFilter /ETSI.CAdES.detached" in signed


def test_a_changed_byte_shows() -> None:
    signed = bytearray(sign(PDF, KEY, _AT))
    place = signed.index(b"/MediaBox") - 40
    signed[place] ^= 1
    assert not _status(bytes(signed)).intact


def test_another_key_is_not_the_coordinators() -> None:
    other = DocumentKey.generate("coordinator.example", _AT)
    assert not _status(sign(PDF, other, _AT)).trusted


def test_an_authority_stamps_the_signature() -> None:
    with running_authority() as authority:
        signed = sign(PDF, KEY, _AT, authority.client().stamp)
        root = pem.unarmor(authority.root_pem)[2]
    status = _status(signed, root)
    assert status.bottom_line
    assert status.timestamp_validity is not None
    assert status.timestamp_validity.valid


def test_what_an_authority_lacks_is_said() -> None:
    def stamp(digest: bytes) -> bytes:
        raise TimestampError(f"none for {len(digest)} bytes")

    with pytest.raises(TimestampError, match="none for 32 bytes"):
        sign(PDF, KEY, _AT, stamp)


def test_the_key_file_holds_key_and_certificate() -> None:
    assert DocumentKey.from_pem(KEY.to_pem()) == KEY
    other = DocumentKey.generate("coordinator.example", _AT)
    certificate = KEY.to_pem().partition(b"-----BEGIN CERT")
    for wrong in (
        b"",
        certificate[0],
        PrivateKey.generate("EdDSA").to_pem() + b"".join(certificate[1:]),
        other.to_pem().partition(b"-----BEGIN CERT")[0] + b"".join(certificate[1:]),
    ):
        with pytest.raises(DocumentKeyError):
            DocumentKey.from_pem(wrong)
