"""Timestamps of others (RFC 3161): that something existed at a time, by an authority's signature.

A response is kept whole, as the authority sent it, so that `openssl ts -verify` reads it, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509

from holdfast.protocol.errors import MissingLibraryError, TimestampError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

#: Of a request and of a response.
QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
#: A response with a few certificates in it has some 5 kB.
MAX_RESPONSE_BYTES = 65_536
#: Of a file with root certificates.
MAX_ROOTS_BYTES = 1 << 18
_SHA256 = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a verified response says.

    Attributes:
        at: When the authority signed; in UTC.
        authority: The subject of the certificate that signed (RFC 4514).
        serial_number: What the authority calls it.
        nonce: Of the request; None where that had none.
    """

    at: datetime
    authority: str
    serial_number: int
    nonce: int | None


def read_authorities(pem: bytes) -> list[x509.Certificate]:
    """Return the root certificates of authorities that one trusts, from a file in PEM.

    Raises:
        TimestampError: If there is none, or the file is longer than such a file gets.
    """
    if len(pem) > MAX_ROOTS_BYTES:
        raise TimestampError(f"more than {MAX_ROOTS_BYTES} bytes of certificates are not read")
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise TimestampError(f"holds no certificate in PEM: {error}") from None


def verify_timestamp(
    response: bytes,
    digest: bytes,
    authorities: Sequence[x509.Certificate],
    *,
    nonce: int | None = None,
) -> Timestamp:
    """Verify an authority's response about a SHA-256, and return what it says.

    Certificates have to be good at the time of the timestamp, not now.

    Args:
        response: A TimeStampResp in DER, as the authority sent it.
        digest: SHA-256 of what was stamped, 32 bytes.
        authorities: Root certificates that are trusted for this.
        nonce: What the response has to repeat, by whoever asked for it; None offline.

    Raises:
        TimestampError: If it is no such response, about something else, or not signed by one of
            them.
        MissingLibraryError: Without the kit's extra `timestamps`.
    """
    _require_library()
    from rfc3161_client import VerificationError, VerifierBuilder  # noqa: PLC0415 - an extra

    if not authorities:
        raise TimestampError("no authority is trusted: nothing can be verified")
    parsed = _parse(response)
    builder = VerifierBuilder(roots=list(authorities), nonce=nonce)
    try:
        if parsed.tst_info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            raise TimestampError("the timestamp is not over a SHA-256")
        builder.build().verify(parsed, digest)
        return _said(parsed)
    except (VerificationError, ValueError, TypeError) as error:
        raise TimestampError(f"the timestamp is not proven: {error}") from None


def _parse(response: bytes) -> "TimeStampResponse":
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - an extra

    if len(response) > MAX_RESPONSE_BYTES:
        raise TimestampError(f"a response of more than {MAX_RESPONSE_BYTES} bytes is not read")
    try:
        parsed = decode_timestamp_response(response)
        if parsed.status != 0:
            why = "; ".join(parsed.status_string) or f"status {parsed.status}"
            raise TimestampError(f"the authority gave no timestamp: {why}")
    except (ValueError, TypeError) as error:
        raise TimestampError(f"no response of a timestamp authority (RFC 3161): {error}") from None
    return parsed


def _said(parsed: "TimeStampResponse") -> Timestamp:
    signers = parsed.signed_data.signer_infos
    certificates = [x509.load_der_x509_certificate(c) for c in parsed.signed_data.certificates]
    info = parsed.tst_info
    authority = next(
        (
            each.subject.rfc4514_string()
            for each in certificates
            for signer in signers
            if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number)
        ),
        "",
    )
    return Timestamp(info.gen_time, authority, info.serial_number, info.nonce)


def _require_library() -> None:
    try:
        import rfc3161_client  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise MissingLibraryError(
            "timestamps need the kit's extra: install holdfast-kit[timestamps]"
        ) from None
