"""A clearance: the coordinator's signed word that an account was flagged by error.

Whoever holds it shows it elsewhere: to another exchange, a bank, a screening service. It says which
request flagged the account, who withdrew that as a wrong target and by which act, and nothing about
customers or other accounts. It verifies offline; whether it was revoked since is asked for by its
id (`GET /v1/clearances/{id}`). RFC 7515.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from holdfast.protocol.compact_jws import (
    claim_issued_at,
    claim_text,
    sign_claims,
    verified_claims,
)
from holdfast.protocol.errors import TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.type_ids import id_pattern
from holdfast.protocol.vocabulary import WithdrawalReason

TYP = "holdfast-clearance+jwt"
_TEXT = re.compile(r"[!-~]{1,300}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """What a clearance says.

    Attributes:
        iss: The coordinator's origin.
        jti: `clr_…`.
        iat: When the account was cleared, seconds since 1970 UTC.
        account: CAIP-10, as the request named it.
        tag: The account's tag, where it has one.
        request_id: The freeze request that flagged it.
        requester: Handle of the partner that flagged it, and took that back.
        act_sha256: Hash of the signed body that withdrew it.
        reason: Always `wrong_target`.
    """

    iss: str
    jti: str
    iat: int
    account: str
    tag: str | None
    request_id: str
    requester: str
    act_sha256: str
    reason: str = WithdrawalReason.WRONG_TARGET.value

    def sign(self, key: PrivateKey) -> str:
        """Return the statement as a JWS by the coordinator's key."""
        return sign_claims(asdict(self), key, typ=TYP)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Which coordinator signs: its origin and its key, whose public half is in its JWK set."""

    origin: str
    key: PrivateKey


_MEMBERS = frozenset(Clearance.__dataclass_fields__)
_FORMS = {
    "iss": (_TEXT, TokenReason.ISS),
    "jti": (re.compile(id_pattern("clr"), re.ASCII), TokenReason.JTI),
    "account": (_TEXT, TokenReason.CLAIM),
    "request_id": (re.compile(id_pattern("frq"), re.ASCII), TokenReason.CLAIM),
    "requester": (_TEXT, TokenReason.HANDLE),
    "act_sha256": (_SHA256, TokenReason.BODY_SHA256),
    "reason": (re.compile(WithdrawalReason.WRONG_TARGET.value), TokenReason.CLAIM),
}


def verify_clearance(jws: str | bytes, *, keys: Iterable[PublicKey]) -> Clearance:
    """Return what a clearance says, if one of the coordinator's keys signed it.

    Args:
        jws: The statement, as it was shown.
        keys: The coordinator's keys, from a set that one trusts.

    Raises:
        TokenError: If it is malformed, of another kind, or signed by none of them.
    """
    claims, _ = verified_claims(jws, typ=TYP, members=_MEMBERS, keys=keys, check=_check_claims)
    return Clearance(**claims)


def _check_claims(claims: dict[str, Any]) -> None:
    """Refuse claims that are not each of their own form."""
    for name, (pattern, reason) in _FORMS.items():
        claim_text(claims, name, pattern, reason)
    if claims["tag"] is not None:
        claim_text(claims, "tag", _TEXT, TokenReason.CLAIM)
    claim_issued_at(claims)
