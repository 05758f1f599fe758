"""Proving a notice: what a partner checks before it touches anybody's funds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError as ModelError

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import Evidence, ProvenAct, prove_act, prove_cut_submission
from holdfast.evidence.four_eyes import (
    addition_context,
    document_of,
    partners_added,
    quorum_for,
    require_may_flash,
    require_quorum,
    require_vouched,
)
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.protocol.guest_payloads import GuestAsk
from holdfast.protocol.payloads import FlaggedAddress, FreezeRequest, Remainder
from holdfast.protocol.views import EvidenceView


@dataclass(frozen=True, slots=True)
class Notice:
    """A freeze request, proven to be submitted and approved by the requester's people.

    Attributes:
        id: `frq_…`.
        content_sha256: SHA-256 of the exact submitted body.
        leg_id: One's own leg, where the notice names it.
        requester: Handle of the requesting partner.
        request: The document, from the raw body and not from the coordinator's words; where the
            approval left addresses out, what remains of it, by the approvals' word.
        addresses: The flagged addresses that one is asked about, by their number.
        submission: The act of submitting.
        approvals: The leads' approvals; fewer than the quorum only for a provisional request.
    """

    id: str
    content_sha256: str
    leg_id: str | None
    requester: str
    request: FreezeRequest | Remainder
    addresses: Mapping[int, FlaggedAddress]
    submission: ProvenAct
    approvals: tuple[ProvenAct, ...]

    @property
    def is_drill(self) -> bool:
        """Whether it is a drill, as the requester signed: answer it, and freeze nothing."""
        return self.request.drill


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the acts of a notice must be about."""

    directory: KeyDirectory
    requester: str
    request_id: str
    content_sha256: str

    def prove_submission(self, part: Evidence) -> ProvenAct:
        if part.remainder is None:
            return self.prove("submit", part)
        return prove_cut_submission(
            self.directory,
            partner=self.requester,
            token=part.token,
            remainder=part.remainder.encode(),
        )

    def prove(self, act: str, part: Evidence) -> ProvenAct:
        is_submission = act == "submit"
        return prove_act(
            self.directory,
            act=act,
            partner=self.requester,
            token=part.token,
            body=(part.body or "").encode(),
            request_id=None if is_submission else self.request_id,
            content_sha256=None if is_submission else self.content_sha256,
        )


def prove_notice(
    data: Mapping[str, Any],
    *,
    directory: KeyDirectory,
    handle: str,
    fetch: Callable[[str], Iterable[EvidenceView]],
) -> Notice:
    """Return the freeze request behind a `freeze_request.received` event, proven.

    Nothing is refused before the directory has looked again: the requester may have been granted
    this very minute what it did, and a notice that is refused does not come twice.

    Args:
        data: The event's data.
        directory: Whose key is whose.
        handle: One's own handle: a notice for somebody else is refused.
        fetch: Returns a request's evidence; asked only where the notice was too small for it.

    Raises:
        UntrustedEvidenceError: Do not act on it; the message says which step failed.
        ApiError: Keys or evidence could not be fetched; likewise TransportError.
    """
    began = directory.monotonic()
    try:
        return _prove_notice(data, directory=directory, handle=handle, fetch=fetch)
    except UntrustedEvidenceError:
        if not directory.forget(str(data.get("requester")), fetched_before=began):
            raise
    return _prove_notice(data, directory=directory, handle=handle, fetch=fetch)


def _prove_notice(
    data: Mapping[str, Any],
    *,
    directory: KeyDirectory,
    handle: str,
    fetch: Callable[[str], Iterable[EvidenceView]],
) -> Notice:
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
    asked = _Asked(directory, requester, request_id, content_sha256)
    submitted, *approved = with_bodies(parts, request_id, fetch)
    submission = asked.prove_submission(submitted)
    if submission.sha256 != content_sha256:
        raise UntrustedEvidenceError(
            "the notice names another document than its evidence", code="other_document"
        )
    request = document_of(submission)
    _require_same_drill(data, request)
    quorum = quorum_for(submission)
    if request.to != "all" and handle not in request.to:
        # The document does not name us: an addition that two leads signed asks us, or a lead did
        # by our domain while we were no member.
        _require_addition(asked, with_bodies(additional, request_id, fetch), handle, quorum)
    approvals = tuple(asked.prove("approve", part) for part in approved)
    if data.get("provisional"):
        require_may_flash(submission)
        quorum = 0
    # Approvals name one context; what stands in it is the requester's to read.
    require_quorum(submission, approvals, quorum=quorum, context_sha256=None)
    left_out = require_vouched(submission, approvals)
    addresses = {no: each for no, each in request.numbered().items() if no not in left_out}
    leg_id = data.get("leg_id")
    return Notice(
        id=request_id,
        content_sha256=content_sha256,
        leg_id=leg_id if isinstance(leg_id, str) else None,
        requester=requester,
        request=request,
        addresses=addresses,
        submission=submission,
        approvals=approvals,
    )


def _require_same_drill(data: Mapping[str, Any], request: FreezeRequest | Remainder) -> None:
    """Refuse a real request that is passed off as a drill, and a drill as real."""
    if (data.get("drill") is True) is request.drill:
        return
    signed = "a drill" if request.drill else "real"
    raise UntrustedEvidenceError(
        f"the notice says otherwise than the signed document, by which it is {signed}",
        code="other_drill",
    )


def with_bodies(
    parts: Sequence[Evidence], request_id: str, fetch: Callable[[str], Iterable[EvidenceView]]
) -> list[Evidence]:
    """Return the same evidence with every body, fetching those that did not fit into the notice."""
    if all(part.body is not None or part.remainder is not None for part in parts):
        return list(parts)
    fetched = {view.token: view for view in fetch(request_id) if view.token}
    return [_with_body(part, fetched.get(part.token)) for part in parts]


def _with_body(part: Evidence, fetched: EvidenceView | None) -> Evidence:
    if part.body is not None or part.remainder is not None or fetched is None:
        return part
    return part.model_copy(update={"body": fetched.body, "remainder": fetched.remainder})


def _require_addition(asked: _Asked, parts: Sequence[Evidence], handle: str, quorum: int) -> None:
    """Refuse an addition that does not name `handle`, or that no second lead approved."""
    if not parts:
        raise UntrustedEvidenceError(f"the request does not ask {handle}", code="not_asked")
    if parts[0].act == "ask_guest":
        _require_asked_as_guest(asked.prove("ask_guest", parts[0]), handle)
        return
    proposal = asked.prove("add_partners", parts[0])
    if handle not in partners_added(proposal):
        raise UntrustedEvidenceError(f"the addition does not ask {handle}", code="not_asked")
    require_quorum(
        proposal,
        [asked.prove("approve_addition", part) for part in parts[1:]],
        quorum=quorum,
        context_sha256=addition_context(proposal, asked.request_id, asked.content_sha256),
        what="addition",
    )


def _require_asked_as_guest(ask: ProvenAct, handle: str) -> None:
    """Refuse what asked another organisation: a guest's domain is its handle once it has joined."""
    if not isinstance(ask.payload, GuestAsk) or ask.payload.domain != handle:
        raise UntrustedEvidenceError(f"no lead asked {handle} as a guest", code="not_asked")
