"""Proving acts from raw bytes: who asked what, without believing the coordinator.

An act's evidence is the token that signed it and the exact body: a request token, or a passkey's
(`holdfast.protocol.passkey_token`). `prove_act` ties both to a key that the partner's root key
granted, and to one kind of act by the table in `act_rules`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as ModelError

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.act_rules import ACT_RULES, ActRule, roles_for
from holdfast.evidence.key_directory import KeyDirectory, TrustedKey
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.payloads import Body
from holdfast.protocol.remainder import read_asked
from holdfast.protocol.request_token import (
    DEFAULT_SKEW,
    RequestToken,
    read_evidence_front,
    verify_request_evidence,
    verify_signature,
)
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import EvidenceKind, Role

#: Seconds by which clocks may differ when the times of two acts are compared.
SKEW = 60
_SIGNED = frozenset({EvidenceKind.JWS, EvidenceKind.WEBAUTHN})


class Evidence(BaseModel):
    """One act's evidence as a notice carries it; `body` is absent where it was too large.

    `remainder` stands in place of the submitted body where the approval left addresses out.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    act: str
    kid: str
    token: str
    body: str | None = None
    remainder: str | None = None


@dataclass(frozen=True, slots=True)
class ProvenAct:
    """An act whose author is beyond doubt.

    Attributes:
        act: Its name, e.g. "submit".
        key: Whose key signed it.
        token: What was signed, and when.
        body: The exact bytes; of a submission whose approval left addresses out, the remainder,
            for which the approvals vouch and not this act's signature.
        document: The same, parsed.
        payload: The same by its model, e.g. a `FreezeRequest` or its `Remainder`.
    """

    act: str
    key: TrustedKey
    token: RequestToken
    body: bytes
    document: dict[str, Any]
    payload: Body

    @property
    def sha256(self) -> str:
        """SHA-256 of the exact body: what later acts name."""
        return self.token.body_sha256

    @property
    def kind(self) -> EvidenceKind:
        """Whether a program's key signed it, or a person's passkey."""
        is_passkey = self.key.key.webauthn is not None
        return EvidenceKind.WEBAUTHN if is_passkey else EvidenceKind.JWS


def prove_act(
    directory: KeyDirectory,
    *,
    act: str,
    partner: str,
    token: str,
    body: bytes,
    request_id: str | None = None,
    content_sha256: str | None = None,
    allow_revoked: bool = False,
    place: int | None = None,
) -> ProvenAct:
    """Return the act that `token` and `body` prove.

    Args:
        directory: Whose key is whose.
        act: Its name: one that makes a document ("submit", …), or is done on one.
        partner: Whose act it is said to be.
        token: The request token or the passkey's, as forwarded.
        body: The exact body that was signed with it.
        request_id: Which request it acts on, restitution or recovery request; None for what makes
            one.
        content_sha256: The document that it must be about; None where it makes the document.
        allow_revoked: Accept a key that was revoked after the act (looking back, not acting).
        place: Where its entry stands in the log, where that is proven.

    Raises:
        UntrustedEvidenceError: A step failed; the message says which.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    rule = ACT_RULES.get(act)
    if rule is None:
        raise UntrustedEvidenceError(f"{act}: no such act is known here", code="unknown_act")
    said = f"{act} by {partner}"
    try:
        # (1) The token is well formed, (2) its partner's root key granted the key that it names,
        front = read_evidence_front(token)
        key = directory.trusted_key(partner, front.kid)
        # (3) that key signed it, over exactly this body and for this coordinator.
        proven = verify_request_evidence(front, body, key=key.key, aud=directory.audience)
        document = strict_json.loads(body)
    except ProtocolError as error:
        raise UntrustedEvidenceError(f"{said}: {error}", code="bad_evidence") from None
    _require_good_key(said, key, proven, place, allow_revoked=allow_revoked)
    # (4) The token names the subject that the key was granted to.
    if (proven.iss, proven.sub) != (key.partner, key.subject):
        raise UntrustedEvidenceError(
            f"{said}: the token names somebody else than its key", code="bad_subject"
        )
    # (5) It was this act on this request, and (6) about this very document.
    origin = directory.audience
    if proven.htm != "POST" or not rule.fits(proven.htu, origin=origin, request_id=request_id):
        raise UntrustedEvidenceError(
            f"{said}: its token was made for {proven.htm} {proven.htu}, which is another act",
            code="other_act",
        )
    if not isinstance(document, dict):
        raise UntrustedEvidenceError(f"{said}: the body is no object", code="bad_body")
    if content_sha256 is not None and document.get("content_sha256") != content_sha256:
        raise UntrustedEvidenceError(f"{said} is about another document", code="other_document")
    # (7) Its body says so, and (8) whoever signed it had the right to, then.
    payload = _payload(said, rule.body.model_validate, document)
    decision = getattr(payload, "decision", None)
    if rule.decision is not None and decision != rule.decision:
        raise UntrustedEvidenceError(
            f"{said}: whoever decided said {decision}, and not {rule.decision}", code="bad_body"
        )
    _require_role(said, rule, payload, key, proven.iat)
    return ProvenAct(act, key, proven, body, document, payload)


def prove_cut_submission(
    directory: KeyDirectory,
    *,
    partner: str,
    token: str,
    remainder: bytes,
    allow_revoked: bool = False,
    place: int | None = None,
) -> ProvenAct:
    """Return the submission that a token proves, with what went out of it.

    The submitted body is not shown, for it names addresses that the approval left out. So the
    token proves who submitted the document of that hash, and the approvals what remains of it:
    `four_eyes.require_vouched` has to follow.

    Args:
        directory: Whose key is whose.
        partner: Whose act it is said to be.
        token: The request token or the passkey's, as forwarded.
        remainder: What went out in place of the document.
        allow_revoked: Accept a key that was revoked after the act (looking back, not acting).
        place: Where its entry stands in the log, where that is proven.

    Raises:
        UntrustedEvidenceError: A step failed; the message says which.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    said = f"submit by {partner}"
    try:
        front = read_evidence_front(token)
        key = directory.trusted_key(partner, front.kid)
        proven = verify_signature(
            front, key.key, iss=key.partner, sub=key.subject, aud=directory.audience
        )
        document = strict_json.loads(remainder)
    except ProtocolError as error:
        raise UntrustedEvidenceError(f"{said}: {error}", code="bad_evidence") from None
    rule = ACT_RULES["submit"]
    _require_good_key(said, key, proven, place, allow_revoked=allow_revoked)
    if proven.htm != "POST" or not rule.fits(
        proven.htu, origin=directory.audience, request_id=None
    ):
        raise UntrustedEvidenceError(f"{said}: its token is for another act", code="other_act")
    if not isinstance(document, dict) or "nonce" in document:
        raise UntrustedEvidenceError(f"{said}: the remainder is none", code="bad_body")
    payload = _payload(said, read_asked, document)
    _require_role(said, rule, payload, key, proven.iat)
    return ProvenAct("submit", key, proven, remainder, document, payload)


def _require_good_key(
    said: str, key: TrustedKey, token: RequestToken, place: int | None, *, allow_revoked: bool
) -> None:
    """Refuse a key that was revoked: before the act, or at all where it starts something.

    What was before is decided by the log, where both stand in it: clocks differ, and lie.
    """
    if place is not None and key.granted_place is not None and place < key.granted_place:
        raise UntrustedEvidenceError(
            f"{said}: logged as entry {place}, and its key was granted by entry"
            f" {key.granted_place}",
            code="unknown_key",
        )
    if allow_revoked and place is not None and key.revoked_place is not None:
        if place > key.revoked_place:
            raise UntrustedEvidenceError(
                f"{said}: logged as entry {place}, after its key was revoked by entry"
                f" {key.revoked_place}",
                code="revoked_key",
            )
        return
    if not key.is_revoked:
        return
    if not allow_revoked:
        raise UntrustedEvidenceError(f"{said}: its key was revoked meanwhile", code="revoked_key")
    revoked_at = key.revoked_at
    if revoked_at is not None and token.iat - DEFAULT_SKEW > revoked_at.timestamp():
        raise UntrustedEvidenceError(
            f"{said}: signed after its key was revoked, at {revoked_at:%Y-%m-%d %H:%M:%S} UTC",
            code="revoked_key",
        )


def _payload(said: str, read: Callable[[dict[str, Any]], Body], document: dict[str, Any]) -> Body:
    try:
        return read(document)
    except ModelError as error:
        raise UntrustedEvidenceError(
            f"{said}: the body is none of such an act: {error.errors()[0]['msg']}", code="bad_body"
        ) from None


def _require_role(said: str, rule: ActRule, payload: Body, key: TrustedKey, at: int) -> None:
    if rule.by_person and not key.is_person:
        raise UntrustedEvidenceError(
            f"{said}: {key.subject} is a machine, and this takes a person", code="not_a_person"
        )
    roles = key.roles_at(at)
    if all(roles & each for each in (rule.roles, *roles_for(payload))):
        return
    if rule.roles == {Role.SECURITY_LEAD}:
        raise UntrustedEvidenceError(
            f"{said}: {key.subject} was no security lead then", code="not_a_lead"
        )
    held = ", ".join(sorted(roles)) or "none"
    raise UntrustedEvidenceError(
        f"{said}: {key.subject} had no role that may do it (held: {held})", code="not_allowed"
    )


def prove_evidence(
    directory: KeyDirectory, evidence: EvidenceView, *, request_id: str, content_sha256: str
) -> ProvenAct:
    """Return the act that one entry of a request's evidence proves, keys revoked since included.

    Raises:
        UntrustedEvidenceError: It proves nothing, or is no signed act.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    rule = ACT_RULES.get(evidence.act)
    if rule is not None and not rule.is_of(request_id):
        raise UntrustedEvidenceError(f"{evidence.act} is no act on {request_id}", code="other_act")
    is_submission = rule is not None and rule.path is None
    token, body = evidence.token, evidence.body
    if evidence.act == "submit" and token is not None and evidence.remainder is not None:
        proven = prove_cut_submission(
            directory,
            partner=evidence.partner or "",
            token=token,
            remainder=evidence.remainder.encode(),
            allow_revoked=True,
            place=directory.places.acts.get(evidence.act_id),
        )
    elif evidence.kind in _SIGNED and token is not None and body is not None:
        proven = prove_act(
            directory,
            act=evidence.act,
            partner=evidence.partner or "",
            token=token,
            body=body.encode(),
            request_id=None if is_submission else request_id,
            content_sha256=None if is_submission else content_sha256,
            allow_revoked=True,
            place=directory.places.acts.get(evidence.act_id),
        )
    else:
        raise UntrustedEvidenceError(
            f"{evidence.act}: no signature to check ({evidence.kind.value})", code="no_signature"
        )
    if is_submission and proven.sha256 != content_sha256:
        raise UntrustedEvidenceError(
            "the submitted body is another document than the one shown", code="other_document"
        )
    moment = evidence.at.timestamp()
    if not proven.token.iat - SKEW <= moment <= proven.token.exp + SKEW:
        raise UntrustedEvidenceError(
            f"{evidence.act}: signed at another time than it is said to have come", code="bad_time"
        )
    if evidence.kind is not proven.kind:
        raise UntrustedEvidenceError(
            f"{evidence.act}: shown as {evidence.kind.value}, and signed as {proven.kind.value}",
            code="bad_kind",
        )
    if (evidence.subject, evidence.kid) != (proven.key.subject, proven.key.key.kid):
        raise UntrustedEvidenceError(
            f"{evidence.act}: signed by {proven.key.subject}, and shown as somebody else's",
            code="bad_subject",
        )
    return proven
