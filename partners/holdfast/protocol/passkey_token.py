"""An act that a person signed with a passkey: as good as a request token, wherever that is shown.

A passkey signs a challenge and nothing else, so the challenge is the SHA-256 of the whole act
(RFC 8785). The token carries the **base document**, which says who does what to which URL with
which body. Base document and body make the **act document**, whose hash was signed: of a decision
on a freeze request it repeats what the body decides, so that who signed cannot have meant another.
"""

import re
from hashlib import sha256
from typing import Any

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.compact_jws import claim_text, read_object
from holdfast.protocol.errors import StrictJsonError, TokenError, TokenReason
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.passkey_signature import (
    PasskeySignature,
    is_passkey_token,
    pack_signature,
    unpack_signature,
    verify_passkey_signature,
)
from holdfast.protocol.request_claims import (
    RequestToken,
    TokenFront,
    body_sha256,
    check_claims,
    compare_claim,
)
from holdfast.protocol.type_ids import id_pattern

__all__ = [
    "ACT_PURPOSE",
    "DECISION_PURPOSE",
    "MAX_LIFETIME",
    "VERSION",
    "act_document",
    "base_document",
    "challenge_of",
    "is_passkey_token",
    "make_passkey_token",
    "read_passkey_front",
    "verify_passkey_token",
]

#: Version of base and act document.
VERSION = 1
ACT_PURPOSE = "holdfast-act/1"
DECISION_PURPOSE = "holdfast-decision/1"
#: Seconds; `exp - iat` of every token is 1 to this. A program signs at once; a person reads what is
#: asked, compares digits on a second device, and finds the key.
MAX_LIFETIME = 600

#: The base document's members, by the claim of a request token that says the same.
_MEMBER_BY_CLAIM = {
    "aud": "aud",
    "body_sha256": "body_sha256",
    "exp": "exp",
    "htm": "method",
    "iat": "iat",
    "iss": "partner",
    "jti": "nonce",
    "sub": "person",
}
_MEMBERS = frozenset({"v", "path", *_MEMBER_BY_CLAIM.values()})
#: Reading is no act: what a person reads in the console is not signed for.
_METHOD = re.compile(r"POST|PUT|PATCH|DELETE", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{1,500}", re.ASCII)
_PERSON = re.compile(id_pattern("per").removesuffix("$"), re.ASCII)
#: 128 bits at least: challenges cannot be foreseen (Web Authentication, section 13.4.3).
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
_REQUEST_ID = id_pattern("frq").removeprefix("^").removesuffix("$")
_DECISION = re.compile(rf"/v1/freeze-requests/(?P<id>{_REQUEST_ID})/approvals", re.ASCII)


def base_document(
    *,
    aud: str,
    method: str,
    path: str,
    body: bytes,
    partner: str,
    person: str,
    nonce: str,
    iat: int,
    exp: int,
) -> bytes:
    """Return who does what, and when: canonical JSON, as the token carries it.

    Args:
        aud: The coordinator's configured origin, which is not the console's.
        method: HTTP method in capitals; one that changes something.
        path: The path of the API that the act goes to, without a query string.
        body: The raw body of that request.
        partner: The partner's handle.
        person: Whose passkey it is.
        nonce: 22 to 64 characters of base64url, never used before.
        iat: When the act was shown, seconds since 1970 UTC.
        exp: Until when it may be signed; 1 to 600 s later.

    Raises:
        TokenError: If a member is not of its form.
    """
    members: dict[str, Any] = {
        "v": VERSION,
        "aud": aud,
        "method": method,
        "path": path,
        "body_sha256": body_sha256(body),
        "partner": partner,
        "person": person,
        "nonce": nonce,
        "iat": iat,
        "exp": exp,
    }
    _claims(members)
    return canonical_json.dumps(members)


def act_document(base: bytes, body: bytes | None) -> bytes:
    """Return what a person signs for: the base document's members, its purpose, and a decision's.

    Args:
        base: See `base_document`.
        body: The raw body; None where it is not at hand, which does for any act but a decision.

    Raises:
        TokenError: If `base` is none, the body is another's, or decides nothing where it should.
    """
    return _act_document(_base_members(base), body)


def challenge_of(base: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that the authenticator is given to sign; raises as `act_document`."""
    return sha256(act_document(base, body)).digest()


def make_passkey_token(
    *, kid: str, base: bytes, client_data: bytes, authenticator_data: bytes, signature: bytes
) -> str:
    """Return the token of an act from what the browser handed over, at most 4 KiB.

    Args:
        kid: The passkey's RFC 7638 thumbprint.
        base: See `base_document`.
        client_data: `response.clientDataJSON`, byte for byte.
        authenticator_data: `response.authenticatorData`.
        signature: `response.signature`.

    Raises:
        TokenError: If the outcome would be refused for its form; the signature is not checked.
    """
    signed = PasskeySignature(base, client_data, authenticator_data, signature)
    return read_passkey_front(pack_signature(kid, signed)).token


def read_passkey_front(token: str | bytes) -> TokenFront:
    """Return what a passkey's token claims, by the names that a request token has for it.

    Raises:
        TokenError: If anything about the form is wrong.
    """
    text, kid, signed = unpack_signature(token)
    return TokenFront(text, kid, None, _claims(_base_members(signed.document)), signed)


def verify_passkey_token(front: TokenFront, key: PublicKey, body: bytes | None) -> RequestToken:
    """Return what a token says if this passkey signed it; whose it is, the caller checks.

    Args:
        front: See `read_passkey_front`.
        key: The key that is registered under its `kid`.
        body: The raw body; None where it is not at hand, which does for any act but a decision.

    Raises:
        TokenError: If it did not.
    """
    signed = front.passkey
    if signed is None:
        raise TokenError(TokenReason.KEY_KIND, "no passkey made this token")
    document = _act_document(_base_members(signed.document), body)
    challenge = sha256(document).digest()
    verify_passkey_signature(signed, kid=front.kid, key=key, challenge=challenge)
    return RequestToken(kid=key.kid, alg=key.alg, **front.claims)


def _base_members(base: bytes) -> dict[str, Any]:
    """Return the members of a base document whose form is right in every respect."""
    members = read_object(base, TokenReason.CLAIMS_JSON)
    # To Python true is 1.
    if members.keys() != _MEMBERS or members["v"] is True or members["v"] != VERSION:
        names = ", ".join(sorted(_MEMBERS))
        raise TokenError(TokenReason.CLAIMS_MEMBERS, f"the members are {names}, and v is {VERSION}")
    if canonical_json.dumps(members) != base:
        raise TokenError(TokenReason.CLAIMS_JSON, "not in canonical form")
    _claims(members)
    return members


def _claims(members: dict[str, Any]) -> dict[str, Any]:
    """Return a base document as a request token's claims, each of its own form."""
    claims = {claim: members[name] for claim, name in _MEMBER_BY_CLAIM.items()}
    claim_text(claims, "sub", _PERSON, TokenReason.SUB)
    claim_text(claims, "jti", _NONCE, TokenReason.JTI)
    claim_text(claims, "htm", _METHOD, TokenReason.HTM)
    path = claim_text(members, "path", _PATH, TokenReason.HTU)
    claims["htu"] = f"{claims['aud']}{path}"
    check_claims(claims, max_lifetime=MAX_LIFETIME)
    return claims


def _act_document(members: dict[str, Any], body: bytes | None) -> bytes:
    if body is not None:
        compare_claim(members["body_sha256"], body_sha256(body), TokenReason.BODY_MISMATCH)
    decision = _DECISION.fullmatch(members["path"]) if members["method"] == "POST" else None
    if decision is None:
        return canonical_json.dumps({**members, "purpose": ACT_PURPOSE})
    decided = _decided(body)
    return canonical_json.dumps(
        {**members, **decided, "purpose": DECISION_PURPOSE, "request_id": decision["id"]}
    )


def _decided(body: bytes | None) -> dict[str, Any]:
    """Return what the body of a decision decides, for the act document."""
    if body is None:
        raise TokenError(TokenReason.ACT_BODY, "a decision is verified together with its body")
    try:
        document = strict_json.loads(body)
    except StrictJsonError as error:
        raise TokenError(TokenReason.ACT_BODY, str(error)) from None
    if not isinstance(document, dict):
        raise TokenError(TokenReason.ACT_BODY, "the body is no object")
    texts = {name: document.get(name) for name in ("content_sha256", "decision", "context_sha256")}
    left_out, comment = document.get("except", []), document.get("comment")
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(left_out, list):
        raise TokenError(TokenReason.ACT_BODY, "the body is no decision on a request")
    if comment is not None and not isinstance(comment, str):
        raise TokenError(TokenReason.ACT_BODY, "the comment is no text")
    return {**texts, "except": left_out, "comment_sha256": body_sha256((comment or "").encode())}
