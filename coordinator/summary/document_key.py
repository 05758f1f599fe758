"""The key that signs documents for people, and its certificate.

P-256, because every reader of PDF verifies its signatures. Nobody vouches for the certificate: it
names the coordinator, and its fingerprint is published.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: A summary is kept for as long as a case is; the key is changed when it has to be, not by a date.
_VALID_FOR = timedelta(days=30 * 365)
_MOST_NAME = 64


class DocumentKeyError(Exception):
    """There is no key with its certificate in a file; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """A key of P-256 and its certificate, both DER.

    Attributes:
        key: PKCS #8.
        certificate: X.509, signed by that key.
    """

    key: bytes
    certificate: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, 64 hex digits."""
        return sha256(self.certificate).hexdigest()

    @classmethod
    def generate(cls, name: str, now: datetime) -> "DocumentKey":
        """Make a key for the coordinator that is called `name` (a host)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Holdfast coordinator"),
                x509.NameAttribute(NameOID.COMMON_NAME, name[:_MOST_NAME]),
            ]
        )
        start = now.astimezone(UTC).replace(microsecond=0) - timedelta(days=1)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=True,
            **dict.fromkeys(
                (
                    "key_encipherment",
                    "data_encipherment",
                    "key_agreement",
                    "key_cert_sign",
                    "crl_sign",
                    "encipher_only",
                    "decipher_only",
                ),
                False,
            ),
        )
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + _VALID_FOR)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            certificate.public_bytes(serialization.Encoding.DER),
        )

    def to_pem(self) -> bytes:
        """Return the key and its certificate, as they are kept in one file."""
        key = serialization.load_der_private_key(self.key, None)
        certificate = x509.load_der_x509_certificate(self.certificate)
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ) + certificate.public_bytes(serialization.Encoding.PEM)

    @classmethod
    def from_pem(cls, content: bytes) -> "DocumentKey":
        """Read what `to_pem` wrote.

        Raises:
            DocumentKeyError: If it is no key of P-256 with its certificate.
        """
        try:
            key = serialization.load_pem_private_key(content, None)
            certificate = x509.load_pem_x509_certificate(content)
        except (ValueError, TypeError) as error:
            raise DocumentKeyError(f"no private key and certificate in PEM: {error}") from None
        public = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise DocumentKeyError("the key must be one of P-256")
        if key.public_key() != public:
            raise DocumentKeyError("the certificate is of another key")
        return cls(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            certificate.public_bytes(serialization.Encoding.DER),
        )
