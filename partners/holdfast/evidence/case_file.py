"""Examining a whole request: what its signed acts prove, and whether what is shown fits them.

A coordinator could relabel acts, leave some out, send others as its own, or show sums that nobody
reported. So every act is proven by itself, and then what the coordinator shows of the request, its
legs, its ledger and its totals is compared with the proven acts. What the reader cannot check is
reported as asserted, never as verified.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Protocol

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.act_rules import ACT_RULES, UNSIGNED, Side
from holdfast.evidence.acts import ProvenAct, prove_evidence
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.protocol.life_cycle_views import ClearanceView, DisputeView
from holdfast.protocol.views import EvidenceView, FreezeRequestView, HoldView, LegView, LineView
from holdfast.protocol.vocabulary import EvidenceKind

#: How often everything is read again where something happened meanwhile.
_READINGS = 4


class Reader(Protocol):
    """Where a request is read from: a `Client`, or what was stored."""

    def freeze_request(self, request_id: str) -> FreezeRequestView:
        """Return the request."""
        ...

    def evidence(self, request_id: str) -> Iterable[EvidenceView]:
        """Return the evidence of its acts."""
        ...

    def legs(self, request_id: str) -> Iterable[LegView]:
        """Return its legs."""
        ...

    def ledger(self, request_id: str) -> Iterable[LineView]:
        """Return its ledger's lines."""
        ...

    def holds(self, request_id: str) -> Iterable[HoldView]:
        """Return its holds."""
        ...

    def disputes(self, request_id: str) -> Iterable[DisputeView]:
        """Return its disputes."""
        ...

    def clearances(self, request_id: str) -> Iterable[ClearanceView]:
        """Return the accounts that it flagged by error."""
        ...


class Result(StrEnum):
    """What came of looking at one thing."""

    VERIFIED = "verified"
    ASSERTED = "asserted"  # the coordinator says so, and nothing the reader has proves it
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: An act's name, or what the coordinator shows ("approvals", "ledger", …).
        result: What came of it.
        detail: Who signed it, or what is wrong, in words.
        by: The partner whose it is, if one's.
        act_id: Of an act.
        passkey_origin: Of an act that a passkey signed: the console where it did.
    """

    what: str
    result: Result
    detail: str
    by: str | None = None
    act_id: str | None = None
    passkey_origin: str | None = None


@dataclass(frozen=True, slots=True)
class SeenAct:
    """An act as its evidence is shown, and what it proves; `proven` is None of an unsigned one."""

    shown: EvidenceView
    proven: ProvenAct | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All that a reader is shown of a request, with those of its acts that are in order.

    Attributes:
        handle: The reader's own.
        acts: Proven ones, and unsigned ones that can be, in their order.
    """

    handle: str
    view: FreezeRequestView
    evidence: Sequence[EvidenceView]
    legs: Sequence[LegView]
    lines: Sequence[LineView]
    holds: Sequence[HoldView]
    disputes: Sequence[DisputeView]
    clearances: Sequence[ClearanceView]
    acts: Sequence[SeenAct] = ()
    _of_partner: dict[str, list[tuple[EvidenceView, ProvenAct]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def is_requester(self) -> bool:
        """Whether the reader asked; else it was asked, and sees its own leg alone."""
        return self.handle == self.view.requester

    def proven(self, *names: str) -> list[tuple[str, ProvenAct]]:
        """Return the proven acts of these names, each with its id."""
        return [
            (act.shown.act_id, act.proven)
            for act in self.acts
            if act.proven is not None and act.shown.act in names
        ]

    def proven_by(self, partner: str) -> Sequence[tuple[EvidenceView, ProvenAct]]:
        """Return a partner's proven acts in their order, each as it is shown."""
        if not self._of_partner:
            for act in self.acts:
                if act.proven is not None:
                    own = self._of_partner.setdefault(act.proven.key.partner, [])
                    own.append((act.shown, act.proven))
        return self._of_partner.get(partner, ())

    def unsigned(self, name: str) -> list[EvidenceView]:
        """Return the coordinator's own acts of this name."""
        return [a.shown for a in self.acts if a.proven is None and a.shown.act == name]


def read_case(reader: Reader, request_id: str, *, handle: str) -> CaseFile:
    """Read everything about a request, again where something happened meanwhile."""
    for _ in range(_READINGS - 1):
        case = _read_once(reader, request_id, handle)
        again = reader.freeze_request(request_id), list(reader.legs(request_id))
        if again == (case.view, case.legs):
            return case
    return _read_once(reader, request_id, handle)


def _read_once(reader: Reader, request_id: str, handle: str) -> CaseFile:
    return CaseFile(
        handle=handle,
        view=reader.freeze_request(request_id),
        legs=list(reader.legs(request_id)),
        evidence=list(reader.evidence(request_id)),
        lines=list(reader.ledger(request_id)),
        holds=list(reader.holds(request_id)),
        disputes=list(reader.disputes(request_id)),
        clearances=list(reader.clearances(request_id)),
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """What acts are about.

    Attributes:
        id: Of the request, restitution or recovery request.
        content_sha256: Of its document, which every act names.
        require_side: Refuses what is not its author's to do.
    """

    id: str
    content_sha256: str
    require_side: Callable[[EvidenceView, ProvenAct], None]


def examine_acts(case: CaseFile, directory: KeyDirectory) -> Iterator[tuple[Finding, SeenAct]]:
    """Yield what came of every act that evidence is shown of.

    Raises:
        ApiError: Keys could not be fetched; likewise TransportError.
    """
    subject = Subject(case.view.id, case.view.content_sha256, partial(_require_side, case))
    return examine_evidence(subject, case.evidence, directory)


def examine_evidence(
    subject: Subject, evidence: Iterable[EvidenceView], directory: KeyDirectory
) -> Iterator[tuple[Finding, SeenAct]]:
    """Yield what came of every act in the order of their times; raises as `examine_acts`."""
    seen: set[object] = set()
    for shown in sorted(evidence, key=lambda each: (each.at, each.act_id)):
        yield _examine_act(subject, directory, shown, seen)


def _examine_act(
    subject: Subject, directory: KeyDirectory, shown: EvidenceView, seen: set[object]
) -> tuple[Finding, SeenAct]:
    proven = None
    try:
        if shown.kind is EvidenceKind.COORDINATOR:
            result, detail = Result.ASSERTED, _unsigned(shown)
        else:
            proven = prove_evidence(
                directory,
                shown,
                request_id=subject.id,
                content_sha256=subject.content_sha256,
            )
            subject.require_side(shown, proven)
            result, detail = Result.VERIFIED, _signer(proven)
        _require_new(shown, proven, seen)
    except UntrustedEvidenceError as error:
        result, detail, proven = Result.FAILED, str(error), None
    scope = None if proven is None else proven.key.key.webauthn
    finding = Finding(
        shown.act,
        result,
        detail,
        by=shown.partner,
        act_id=shown.act_id,
        passkey_origin=None if scope is None else scope.origin,
    )
    return finding, SeenAct(shown, proven)


def _signer(proven: ProvenAct) -> str:
    by_passkey = proven.kind is EvidenceKind.WEBAUTHN
    return f"{proven.key.subject} by passkey" if by_passkey else proven.key.subject


def _require_new(shown: EvidenceView, proven: ProvenAct | None, seen: set[object]) -> None:
    """Refuse a signature that is shown as two acts: it would count twice.

    What was signed is compared and not its text: of an ES256 signature anybody can make a second
    one that verifies as well.
    """
    signed = None if proven is None else proven.token
    for mark in filter(None, (shown.act_id, shown.token, signed)):
        if mark in seen:
            raise UntrustedEvidenceError(f"{shown.act} is shown twice", code="shown_twice")
        seen.add(mark)


def _unsigned(shown: EvidenceView) -> str:
    """Return why an act has no signature; refuse one that must have one."""
    why = UNSIGNED.get(shown.act)
    signer = (shown.partner, shown.subject, shown.kid, shown.token, shown.body)
    if why is None or any(part is not None for part in signer):
        raise UntrustedEvidenceError(
            f"{shown.act} is a partner's act, and nobody's signature is shown", code="no_signature"
        )
    return why


def _require_side(case: CaseFile, shown: EvidenceView, proven: ProvenAct) -> None:
    """Refuse an act of the requester's by somebody else, or of a partner's that was not asked."""
    side, partner = ACT_RULES[shown.act].side, proven.key.partner
    by_requester = partner == case.view.requester
    leg = next((leg.id for leg in case.legs if leg.partner == partner), None)
    if side is Side.REQUESTER and not by_requester:
        raise UntrustedEvidenceError(
            f"{shown.act} is the requester's to do, not {partner}'s", code="other_side"
        )
    if (side is Side.ASKED or (side is Side.EITHER and not by_requester)) and leg is None:
        raise UntrustedEvidenceError(
            f"{shown.act} is for a partner asked, and {partner} has no leg", code="other_side"
        )
    if side is Side.ASKED and shown.leg_id not in {None, leg}:
        raise UntrustedEvidenceError(
            f"{shown.act} of {partner} is shown on another partner's leg", code="other_side"
        )
