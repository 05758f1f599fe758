"""Proving what is sealed: whose key that is, who sealed a file to whom, and that it is this file.

The coordinator hands out encryption keys, acts and parts, and none of it is believed: a key counts
if a security lead of its partner signed it, a file if its author signed its hash, and a recipient
if the author, or somebody who could open the file, signed the key that is wrapped for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError as ModelError

from holdfast.errors import NoEncryptionKeyError, UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct, prove_evidence
from holdfast.evidence.key_directory import KeyDirectory, TrustedKey
from holdfast.protocol import base64url, strict_json
from holdfast.protocol.encryption_key import EncryptionKey
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.request_token import (
    DEFAULT_SKEW,
    RequestToken,
    read_evidence_front,
    verify_request_evidence,
)
from holdfast.protocol.sealed_evidence import SealedPlace
from holdfast.protocol.sealed_payloads import (
    NewEncryptionKey,
    SealedEvidence,
    SealedEvidenceShare,
    WrappedKey,
)
from holdfast.protocol.views import EncryptionKeyView, EvidenceView, SealedEvidenceView
from holdfast.protocol.vocabulary import Role

_KEYS = "/v1/encryption-keys"


@dataclass(frozen=True, slots=True)
class ProvenFile:
    """A sealed file whose author, hash and recipients are beyond doubt.

    Attributes:
        place: Where it is sealed.
        signed_by: Whose act sealed it.
        sealed: That act's body: mark, size and hashes.
        keys: The wrapped key of every recipient, by partner.
    """

    place: SealedPlace
    signed_by: TrustedKey
    sealed: SealedEvidence
    keys: Mapping[str, WrappedKey]

    def wrapped_for(self, partner: str) -> tuple[str, bytes]:
        """Return which key of a partner's opens it, by thumbprint, and the wrapped key.

        Raises:
            UntrustedEvidenceError: It was not sealed to that partner.
        """
        key = self.keys.get(partner)
        if key is None:
            raise UntrustedEvidenceError(
                f"it was not sealed to {partner}: {self.place.author}, whose it is, can seal it"
                " to you",
                code="no_recipient",
            )
        return key.kid, base64url.decode(key.wrapped)


def key_in_force(
    directory: KeyDirectory, views: Iterable[EncryptionKeyView], partner: str
) -> EncryptionKey:
    """Return the key to seal to for a partner, as one of its security leads signed it.

    Args:
        directory: Whose key is whose.
        views: The partner's keys as the coordinator lists them.
        partner: Its handle.

    Raises:
        NoEncryptionKeyError: It has published none.
        UntrustedEvidenceError: What is shown as its key was signed by no lead of it.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    own = [view for view in views if view.partner == partner]
    in_force = [view for view in own if view.replaced_at is None]
    if not in_force:
        raise NoEncryptionKeyError(
            f"{partner} has published no encryption key: a security lead of theirs makes one with"
            " `holdfast encryption-key new`"
        )
    if len(in_force) > 1:
        raise _untrusted(partner, f"{len(in_force)} keys are shown as in force", "bad_key")
    key = prove_encryption_key(directory, in_force[0])
    if any(_replaces(directory, view, key.kid) for view in own):
        raise _untrusted(partner, f"{key.kid} was replaced, and is shown as in force", "bad_key")
    return key


def _replaces(directory: KeyDirectory, view: EncryptionKeyView, kid: str) -> bool:
    """Tell whether a lead put a key in the place of another."""
    try:
        return _prove(directory, view)[1] == kid
    except UntrustedEvidenceError:
        return False


def prove_encryption_key(directory: KeyDirectory, view: EncryptionKeyView) -> EncryptionKey:
    """Return a partner's encryption key, proven by the act that published it.

    Raises:
        UntrustedEvidenceError: A step failed; the message says which.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    return _prove(directory, view)[0]


def _prove(directory: KeyDirectory, view: EncryptionKeyView) -> tuple[EncryptionKey, str | None]:
    """Return an encryption key, and the thumbprint of the one that it replaced.

    Raises:
        UntrustedEvidenceError: A step failed; the message says which.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    partner = view.partner
    try:
        # (1) The token is well formed, and (2) names a key of the partner's, (3) which signed this
        # very body, for this coordinator.
        front = read_evidence_front(view.token or "")
        signer = directory.trusted_key(partner, front.kid)
        body = (view.body or "").encode()
        token = verify_request_evidence(front, body, key=signer.key, aud=directory.audience)
        # (4) It was this act, and its body holds a key that is safe to seal to,
        payload = NewEncryptionKey.model_validate(strict_json.loads(body))
        key = EncryptionKey.from_jwk(payload.jwk.model_dump())
    except (ProtocolError, ModelError) as error:
        raise _untrusted(partner, str(error).partition("\n")[0], "bad_key") from None
    if (token.htm, token.htu) != ("POST", directory.audience + _KEYS):
        raise _untrusted(partner, "its token was made for another act", "other_act")
    # (5) the one that is shown.
    if key.kid != view.kid:
        raise _untrusted(partner, f"{key.kid} was signed, and {view.kid} is shown", "bad_key")
    # (6) Who signed was a security lead then, with a key that was good.
    _require_lead(partner, signer, token)
    return key, payload.replaces


def _require_lead(partner: str, signer: TrustedKey, token: RequestToken) -> None:
    if (token.iss, token.sub) != (signer.partner, signer.subject):
        raise _untrusted(partner, "the token names somebody else than its key", "bad_subject")
    if not signer.is_person or Role.SECURITY_LEAD not in signer.roles_at(token.iat):
        raise _untrusted(partner, f"{signer.subject} was no security lead then", "not_a_lead")
    revoked_at = signer.revoked_at
    if signer.is_revoked and (
        revoked_at is None or token.iat - DEFAULT_SKEW > revoked_at.timestamp()
    ):
        raise _untrusted(partner, "signed after its signer's key was revoked", "revoked_key")


def _untrusted(partner: str, why: str, code: str) -> UntrustedEvidenceError:
    return UntrustedEvidenceError(f"the encryption key of {partner}: {why}", code=code)


def prove_sealed(
    directory: KeyDirectory, view: SealedEvidenceView, *, request_id: str, content_sha256: str
) -> ProvenFile:
    """Return a sealed file as its acts prove it; nothing of it was opened.

    Args:
        directory: Whose key is whose.
        view: As the coordinator shows it.
        request_id: Of the request that it belongs to.
        content_sha256: Of that request's document.

    Raises:
        UntrustedEvidenceError: An act is missing, altered or not its author's, or the coordinator
            shows another hash, mark or recipient than was signed.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    acts = [
        prove_evidence(
            directory,
            EvidenceView.model_validate(act.model_dump()),
            request_id=request_id,
            content_sha256=content_sha256,
        )
        for act in view.acts
    ]
    first, shares = acts[0] if acts else None, acts[1:]
    if first is None or not isinstance(first.payload, SealedEvidence):
        raise _other(view, "the act that seals it is not the first of those that are shown")
    if first.key.partner != view.partner:
        raise _other(view, f"{first.key.partner} sealed it, and {view.partner} is shown")
    sealed = first.payload
    keys = {key.partner: key for key in sealed.keys}
    for share in shares:
        keys |= _shared(view, share, sealed, keys)
    signed = (sealed.sha256, sealed.size, len(sealed.parts), sealed.tlp)
    if signed != (view.sha256, view.size, view.part_count, view.tlp):
        raise _other(view, "hash, size, parts or mark are not as they were signed")
    if {(each.partner, each.kid) for each in view.recipients} != {
        (key.partner, key.kid) for key in keys.values()
    }:
        raise _other(view, "the recipients are not those for whom somebody signed")
    place = SealedPlace(
        audience=directory.audience,
        request_id=request_id,
        content_sha256=content_sha256,
        author=view.partner,
    )
    return ProvenFile(place, first.key, sealed, keys)


def _shared(
    view: SealedEvidenceView,
    share: ProvenAct,
    sealed: SealedEvidence,
    known: Mapping[str, WrappedKey],
) -> dict[str, WrappedKey]:
    """Return the recipients that an act added, which somebody signed who might and could."""
    payload, by = share.payload, share.key.partner
    if not isinstance(payload, SealedEvidenceShare):
        raise _other(view, "two acts are shown that seal it")
    if not share.token.htu.endswith(f"/{view.id}/recipients") or payload.sha256 != sealed.sha256:
        raise _other(view, f"{by} sealed another file again, and not this one")
    if by not in known:
        raise _other(view, f"{by} could not open it, and is shown as having sealed it again")
    if by != view.partner and not sealed.tlp.may_be_passed_on:
        raise _other(view, f"{by} passed it on, which TLP:{sealed.tlp} leaves to {view.partner}")
    added = {key.partner: key for key in payload.keys}
    if added.keys() & known.keys():
        raise _other(view, f"{by} sealed it again to a partner that could open it")
    return added


def _other(view: SealedEvidenceView, why: str) -> UntrustedEvidenceError:
    return UntrustedEvidenceError(f"{view.id} by {view.partner}: {why}", code="sealed_evidence")
