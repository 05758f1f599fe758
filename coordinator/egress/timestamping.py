"""Asking a timestamp authority (RFC 3161) for the time at which something existed.

The operator names the authority, so it may be anywhere, and reached over plain http: what it
answers is signed, and verified before it is kept. The exchange is bounded like every other.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_network
from urllib.parse import urlsplit

from asn1crypto import tsp  # type: ignore[import-untyped]  # ships no types
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.fetching import Fetcher, FetchError
from holdfast.protocol.errors import TimestampError
from holdfast.protocol.timestamp_token import (
    MAX_RESPONSE_BYTES,
    QUERY_TYPE,
    REPLY_TYPE,
    verify_timestamp,
)

_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_DEADLINE = timedelta(seconds=5)


class TimestampAuthority:
    """One authority; used from any number of threads.

    Args:
        url: Where it is asked.
        roots: Its root certificates.
        deadline: For the whole exchange.
    """

    def __init__(
        self, url: str, roots: Sequence[x509.Certificate], *, deadline: timedelta = _DEADLINE
    ) -> None:
        self._url = url
        self._roots = roots
        self._fetcher = Fetcher(
            EndpointPolicy(allowed_networks=_ANYWHERE),
            deadline=deadline,
            most_bytes=MAX_RESPONSE_BYTES,
        )

    @property
    def host(self) -> str:
        """Where it is, for people."""
        return urlsplit(self._url).hostname or self._url

    @property
    def roots_pem(self) -> bytes:
        """Its root certificates, in PEM."""
        return b"".join(root.public_bytes(Encoding.PEM) for root in self._roots)

    def stamp(self, digest: bytes) -> bytes:
        """Return the authority's response (TimeStampResp, DER) about a SHA-256, verified.

        Raises:
            TimestampError: Saying why there is none; whatever it is for goes on without.
        """
        nonce = secrets.randbits(63)
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
        request = tsp.TimeStampReq(
            {"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True}
        )
        fields = {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE}
        try:
            fetched = self._fetcher.post(self._url, fields, request.dump())
        except FetchError as error:
            raise TimestampError(f"{self.host} did not answer: {error}") from None
        if fetched.status != HTTPStatus.OK:
            raise TimestampError(f"{self.host} answered {fetched.status}")
        verify_timestamp(fetched.body, digest, self._roots, nonce=nonce)
        return fetched.body
