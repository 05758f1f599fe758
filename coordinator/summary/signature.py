"""The coordinator's signature inside a PDF: PAdES (ETSI EN 319 142-1), ECDSA on P-256.

Baseline B-B, and B-T with a timestamp of others over the signature.
"""

from collections.abc import Callable
from datetime import datetime
from io import BytesIO

from asn1crypto import cms, tsp  # type: ignore[import-untyped]  # ships no types
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from coordinator.summary.document_key import DocumentKey

_FIELD = "Coordinator"
_HASH = "sha256"
#: More than a signature takes as hex digits, so that no trial signature is made to see: one with
#: its certificate alone, and one that also has what an authority answers.
_RESERVED, _RESERVED_STAMPED = 8_192, 65_536
#: Returns an authority's response (RFC 3161, DER) about a SHA-256 of 32 bytes.
Stamp = Callable[[bytes], bytes]


def sign(pdf: bytes, key: DocumentKey, at: datetime, stamp: Stamp | None = None) -> bytes:
    """Return a document with the signature in it, behind the bytes that it signs.

    Args:
        pdf: As it was written.
        key: The coordinator's for documents.
        at: What the signature gives as its time; only a timestamp of others proves it.
        stamp: Gets that; None: nobody is asked. What it raises is raised here.
    """
    signer = SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(key.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(key.key),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )
    said = PdfSignatureMetadata(
        field_name=_FIELD,
        md_algorithm=_HASH,
        subfilter=SigSeedSubFilter.PADES,
        reason="Made by the coordinator from its records",
    )
    stamper = None if stamp is None else _Stamper(stamp)
    signed = _Signer(said, signer, stamper, at).sign_pdf(
        IncrementalPdfFileWriter(BytesIO(pdf)),
        bytes_reserved=_RESERVED if stamp is None else _RESERVED_STAMPED,
    )
    return bytes(signed.getbuffer())


class _Signer(PdfSigner):
    """Signs at the time that it is told instead of the host's."""

    def __init__(
        self,
        said: PdfSignatureMetadata,
        signer: SimpleSigner,
        stamper: TimeStamper | None,
        at: datetime,
    ) -> None:
        super().__init__(said, signer=signer, timestamper=stamper)
        self._at = at

    def init_signing_session(
        self,
        pdf_out: BasePdfFileWriter,
        existing_fields_only: bool = False,  # noqa: FBT001, FBT002 - as it is called
    ) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self._at
        return session


class _Stamper(TimeStamper):
    """Asks by our own bounded exchange, which verifies what comes back."""

    def __init__(self, stamp: Stamp) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stamp = stamp

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        if md_algorithm != _HASH:
            raise ValueError(f"timestamps are over {_HASH}, not {md_algorithm}")
        response = tsp.TimeStampResp.load(self._stamp(message_digest))
        return response["time_stamp_token"]
