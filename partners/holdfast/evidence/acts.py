"""Proving acts from raw bytes: who asked what, without believing the coordinator.

An act's evidence is the token that signed it and the exact body. `prove_act` ties both to a key
that the partner's root key granted; `prove_notice` does so for a freeze request and its approvals,
which is what a partner checks before it touches anybody's funds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as ModelError

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import KeyDirectory, TrustedKey
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.life_cycle_payloads import PartnersAddition
from holdfast.protocol.payloads import Approval, FreezeRequest
from holdfast.protocol.request_token import RequestToken, read_token_front, verify_request_evidence
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Decision, EvidenceKind, Role

_REQUESTS = "/v1/freeze-requests"
_DECISIONS = frozenset({"approve", "reject", "approve_addition", "reject_addition"})
#: Version of the form of an addition's decision context.
_CONTEXT_VERSION = 1
#: Seconds by which clocks may differ when the times of two acts are compared.
_SKEW = 60


class Evidence(BaseModel):
    """One act's evidence as a notice carries it; `body` is absent where it was too large."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    act: str
    kid: str
    token: str
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ProvenAct:
    """An act whose author is beyond doubt.

    Attributes:
        act: Its name, e.g. "submit".
        key: Whose key signed it.
        token: What was signed, and when.
        body: The exact bytes.
        document: The same, parsed.
    """

    act: str
    key: TrustedKey
    token: RequestToken
    body: bytes
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A freeze request that its requester's people really submitted and approved.

    Attributes:
        id: `frq_…`.
        content_sha256: SHA-256 of the exact submitted body.
        leg_id: One's own leg, where the notice names it.
        requester: Handle of the requesting partner.
        request: The document, from the raw body and not from the coordinator's words.
        submission: The act of submitting.
        approvals: The leads' approvals; empty only for a provisional request.
    """

    id: str
    content_sha256: str
    leg_id: str | None
    requester: str
    request: FreezeRequest
    submission: ProvenAct
    approvals: tuple[ProvenAct, ...]


def prove_act(  # noqa: PLR0913 - each is one thing to compare
    directory: KeyDirectory,
    *,
    act: str,
    partner: str,
    token: str,
    body: bytes,
    request_id: str | None = None,
    content_sha256: str | None = None,
    allow_revoked: bool = False,
) -> ProvenAct:
    """Return the act that `token` and `body` prove.

    Args:
        directory: Whose key is whose.
        act: "submit", or the name of an act on a request.
        partner: Whose act it is said to be.
        token: The request token, as forwarded.
        body: The exact body that was signed with it.
        request_id: Which request it acts on; None for "submit".
        content_sha256: The document that it must be about; None where it makes the document.
        allow_revoked: Accept a key that was revoked meanwhile (looking back, not acting).

    Raises:
        UntrustedEvidenceError: A step failed; the message says which.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    try:
        # (1) The token is well formed, (2) its partner's root key granted the key that it names,
        front = read_token_front(token)
        key = directory.trusted_key(partner, front.kid)
        # (3) that key signed it, over exactly this body and for this coordinator.
        proven = verify_request_evidence(front, body, key=key.key, aud=directory.audience)
        document = strict_json.loads(body)
    except ProtocolError as error:
        raise UntrustedEvidenceError(f"{act} by {partner}: {error}", code="bad_evidence") from None
    if key.is_revoked and not allow_revoked:
        raise UntrustedEvidenceError(
            f"{act} by {partner}: its key was revoked meanwhile", code="revoked_key"
        )
    # (4) The token names the subject that the key was granted to.
    if (proven.iss, proven.sub) != (key.partner, key.subject):
        raise UntrustedEvidenceError(
            f"{act} by {partner}: the token names somebody else than its key", code="bad_subject"
        )
    # (5) It was this act on this request, and (6) about this very document.
    _check_target(proven, act, directory.audience, request_id)
    if not isinstance(document, dict):
        raise UntrustedEvidenceError(f"{act} by {partner}: the body is no object", code="bad_body")
    if content_sha256 is not None and document.get("content_sha256") != content_sha256:
        raise UntrustedEvidenceError(
            f"{act} by {partner} is about another document", code="other_document"
        )
    return ProvenAct(act, key, proven, body, document)


def _check_target(token: RequestToken, act: str, audience: str, request_id: str | None) -> None:
    """Refuse a token that was made for another path than the act's."""
    base = audience + _REQUESTS
    if act == "submit":
        fits = token.htu == base
    elif act in _DECISIONS:
        fits = token.htu == f"{base}/{request_id}/approvals"
    elif act == "add_partners":
        fits = token.htu == f"{base}/{request_id}/partners"
    else:
        fits = token.htu.startswith(f"{base}/{request_id}/")
    if token.htm != "POST" or not fits:
        raise UntrustedEvidenceError(
            f"the token of {act} was made for {token.htm} {token.htu}", code="other_act"
        )


def prove_evidence(
    directory: KeyDirectory, evidence: EvidenceView, *, request_id: str, content_sha256: str
) -> ProvenAct:
    """Return the act that one entry of a request's evidence proves, revoked keys included.

    Raises:
        UntrustedEvidenceError: It proves nothing, or is no signed act.
        ApiError: The keys could not be fetched; likewise TransportError.
    """
    if evidence.kind is not EvidenceKind.JWS or evidence.token is None or evidence.body is None:
        raise UntrustedEvidenceError(
            f"{evidence.act}: no signature to check ({evidence.kind.value})", code="no_signature"
        )
    body = evidence.body.encode()
    is_submission = evidence.act == "submit"
    proven = prove_act(
        directory,
        act=evidence.act,
        partner=evidence.partner or "",
        token=evidence.token,
        body=body,
        request_id=None if is_submission else request_id,
        content_sha256=None if is_submission else content_sha256,
        allow_revoked=True,
    )
    if is_submission and proven.token.body_sha256 != content_sha256:
        raise UntrustedEvidenceError(
            "the submitted body is another document than the request's", code="other_document"
        )
    moment = evidence.at.timestamp()
    if not proven.token.iat - _SKEW <= moment <= proven.token.exp + _SKEW:
        raise UntrustedEvidenceError(
            f"{evidence.act}: signed at another time than it is said to have come", code="bad_time"
        )
    return proven


def prove_notice(
    data: Mapping[str, Any],
    *,
    directory: KeyDirectory,
    handle: str,
    fetch: Callable[[str], Iterable[EvidenceView]],
) -> Notice:
    """Return the freeze request behind a `freeze_request.received` event, proven.

    Args:
        data: The event's data.
        directory: Whose key is whose.
        handle: One's own handle: a notice for somebody else is refused.
        fetch: Returns a request's evidence; asked only where the notice was too small for it.

    Raises:
        UntrustedEvidenceError: Do not act on it; the message says which step failed.
        ApiError: Keys or evidence could not be fetched; likewise TransportError.
    """
    try:
        request_id, requester = str(data["request_id"]), str(data["requester"])
        content_sha256 = str(data["content_sha256"])
        parts = [
            Evidence.model_validate(data["evidence"]),
            *(Evidence.model_validate(part) for part in data.get("approvals") or ()),
        ]
        additional = [Evidence.model_validate(part) for part in data.get("addition") or ()]
    except (KeyError, TypeError, ModelError):
        raise UntrustedEvidenceError("the notice lacks its evidence", code="no_evidence") from None
    submitted, *approved = _with_bodies(parts, request_id, fetch)
    submission = prove_act(
        directory,
        act="submit",
        partner=requester,
        token=submitted.token,
        body=(submitted.body or "").encode(),
    )
    if submission.token.body_sha256 != content_sha256:
        raise UntrustedEvidenceError(
            "the notice names another document than its evidence", code="other_document"
        )
    request = _request_of(submission)
    if request.to != "all" and handle not in request.to:
        # The document does not name us: only an addition that two leads signed asks us.
        parts = _with_bodies(additional, request_id, fetch)
        _prove_addition(directory, parts, submission, request_id, requester, handle)
    approvals = tuple(
        _prove_approval(directory, part, submission, request_id, requester) for part in approved
    )
    if not approvals and not data.get("provisional"):
        raise UntrustedEvidenceError("nobody approved this request", code="not_approved")
    leg_id = data.get("leg_id")
    return Notice(
        id=request_id,
        content_sha256=content_sha256,
        leg_id=leg_id if isinstance(leg_id, str) else None,
        requester=requester,
        request=request,
        submission=submission,
        approvals=approvals,
    )


def _with_bodies(
    parts: Sequence[Evidence], request_id: str, fetch: Callable[[str], Iterable[EvidenceView]]
) -> list[Evidence]:
    """Return the same evidence with every body, fetching those that did not fit into the notice."""
    if all(part.body is not None for part in parts):
        return list(parts)
    bodies = {view.token: view.body for view in fetch(request_id) if view.token}
    return [part.model_copy(update={"body": part.body or bodies.get(part.token)}) for part in parts]


def _request_of(submission: ProvenAct) -> FreezeRequest:
    try:
        return FreezeRequest.model_validate(submission.document)
    except ModelError as error:
        raise UntrustedEvidenceError(
            f"the submitted body is no freeze request: {error.errors()[0]['msg']}", code="bad_body"
        ) from None


def _prove_addition(  # noqa: PLR0913, PLR0917 - each is one thing to compare
    directory: KeyDirectory,
    parts: Sequence[Evidence],
    submission: ProvenAct,
    request_id: str,
    requester: str,
    handle: str,
) -> None:
    """Refuse an addition that does not name `handle`, or that no second lead approved."""
    if not parts:
        raise UntrustedEvidenceError(f"the request does not ask {handle}", code="not_asked")
    content_sha256 = submission.token.body_sha256
    proposal = prove_act(
        directory,
        act="add_partners",
        partner=requester,
        token=parts[0].token,
        body=(parts[0].body or "").encode(),
        request_id=request_id,
        content_sha256=content_sha256,
    )
    try:
        added = PartnersAddition.model_validate(proposal.document).to
    except ModelError:
        raise UntrustedEvidenceError("an addition's body is none", code="bad_body") from None
    if handle not in added:
        raise UntrustedEvidenceError(f"the addition does not ask {handle}", code="not_asked")
    if Role.SECURITY_LEAD not in proposal.key.roles:
        raise UntrustedEvidenceError("whoever proposed is no security lead", code="not_a_lead")
    context = {
        "v": _CONTEXT_VERSION,
        "request_id": request_id,
        "content_sha256": content_sha256,
        "act_sha256": proposal.token.body_sha256,
        "to": added,
        "warnings": [],
    }
    expected = sha256(canonical_json.dumps(context)).hexdigest()
    approved = [
        _prove_approval(directory, part, proposal, request_id, requester, content_sha256)
        for part in parts[1:]
    ]
    if not approved:
        raise UntrustedEvidenceError("nobody approved this addition", code="not_approved")
    if any(approval.document.get("context_sha256") != expected for approval in approved):
        raise UntrustedEvidenceError(
            "an approval is of something else than this addition", code="other_context"
        )


def _prove_approval(  # noqa: PLR0913, PLR0917 - each is one thing to compare
    directory: KeyDirectory,
    part: Evidence,
    submission: ProvenAct,
    request_id: str,
    requester: str,
    content_sha256: str | None = None,
) -> ProvenAct:
    """Return one approval by a security lead who had no hand in what is approved.

    `submission` is the act approved; `content_sha256` the request's, where that is another.
    """
    approval = prove_act(
        directory,
        act="approve",
        partner=requester,
        token=part.token,
        body=(part.body or "").encode(),
        request_id=request_id,
        content_sha256=content_sha256 or submission.token.body_sha256,
    )
    try:
        decision = Approval.model_validate(approval.document).decision
    except ModelError:
        raise UntrustedEvidenceError("an approval's body is none", code="bad_body") from None
    if decision is not Decision.APPROVE:
        raise UntrustedEvidenceError("a rejection is shown as an approval", code="bad_body")
    if Role.SECURITY_LEAD not in approval.key.roles:
        raise UntrustedEvidenceError("whoever approved is no security lead", code="not_a_lead")
    if approval.key.person in {submission.key.person, submission.key.proposer}:
        raise UntrustedEvidenceError(
            "approved by whoever submitted it, or proposed the submitter's key", code="four_eyes"
        )
    return approval
