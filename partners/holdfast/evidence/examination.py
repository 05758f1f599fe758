"""The verdict on a whole request: on every act, and on everything that is shown."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence import completeness
from holdfast.evidence.acts import ProvenAct
from holdfast.evidence.case_file import (
    CaseFile,
    Finding,
    Reader,
    Result,
    examine_acts,
    read_case,
)
from holdfast.evidence.circumstances import Circumstances
from holdfast.evidence.key_directory import KeyDirectory
from holdfast.evidence.ledger import (
    RecomputedLedger,
    add_up,
    sum_of,
    totals_faults,
)
from holdfast.evidence.signed_lines import SignedReport
from holdfast.protocol.life_cycle_payloads import SameFunds
from holdfast.protocol.payloads import FreezeReport
from holdfast.wording import counted

#: How many faults of one kind are told in words.
_TOLD = 5
_OF_REQUEST: Mapping[str, Callable[[CaseFile, ProvenAct], completeness.Outcome]] = MappingProxyType(
    {
        "approvals": completeness.approvals_suffice,
        "partners asked": completeness.asked_as_signed,
        "status": completeness.status_as_signed,
        "support": completeness.support_as_signed,
        "addresses": completeness.addresses_as_signed,
    }
)


@dataclass(frozen=True, slots=True)
class Examination:
    """The outcome of examining a request.

    Attributes:
        acts: One finding for every act that evidence is shown of.
        shown: What else the coordinator shows, compared with the acts.
        roots: Root keys that all of it rests on: thumbprint, and whether it is pinned, by partner.
    """

    acts: tuple[Finding, ...]
    shown: tuple[Finding, ...]
    roots: Mapping[str, tuple[str, bool]]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the order in which one rests on the other."""
        return (*self.acts, *self.shown)

    def count(self, result: Result) -> int:
        """Return how many findings have this result."""
        return sum(finding.result is result for finding in self.findings)

    @property
    def failures(self) -> list[Finding]:
        """The findings that must not be believed."""
        return [each for each in self.findings if each.result is Result.FAILED]

    def sentence(self) -> str:
        """Return the verdict as a sentence for people."""
        verified, asserted = self.count(Result.VERIFIED), self.count(Result.ASSERTED)
        rest = (
            f"{asserted} asserted by the coordinator alone" if asserted else "nothing is asserted"
        )
        if self.failures:
            return (
                f"DO NOT RELY ON THIS REQUEST: {len(self.failures)} of"
                f" {len(self.findings)} findings failed; {verified} verified, {rest}."
            )
        return f"Nothing failed: {verified} verified, {rest}."


def examine(
    reader: Reader, directory: KeyDirectory, request_id: str, *, handle: str
) -> Examination:
    """Examine a request as far as `handle`, the reader's own partner, may read it.

    Raises:
        PinMismatchError: A partner's root key is another than the pinned one.
        ApiError: Something could not be fetched; likewise TransportError.
    """
    return examine_case(read_case(reader, request_id, handle=handle), directory)


def examine_case(case: CaseFile, directory: KeyDirectory) -> Examination:
    """Examine what was read of a request, as `examine` does."""
    examined = list(examine_acts(case, directory))
    good = [act for finding, act in examined if finding.result is not Result.FAILED]
    case = replace(case, acts=good)
    return Examination(
        acts=tuple(finding for finding, _ in examined),
        shown=tuple(_shown(case)),
        roots={
            act.proven.key.partner: (act.proven.key.root_kid, act.proven.key.is_root_pinned)
            for act in good
            if act.proven is not None
        },
    )


def _shown(case: CaseFile) -> Iterator[Finding]:
    submissions: list[ProvenAct] = []

    def submitted() -> completeness.Outcome:
        submissions.append(completeness.the_submission(case))
        return completeness.document_as_signed(case, submissions[0])

    yield look("request", submitted)
    if submissions:
        [submission] = submissions
        for what, check_of in _OF_REQUEST.items():
            yield look(what, partial(check_of, case, submission))
        if case.clearances or case.proven("withdraw", "propose_withdrawal", "revoke_clearance"):
            yield look("clearances", partial(completeness.clearances_as_signed, case, submission))
    yield from _legs_and_ledgers(case)
    if case.disputes or case.proven("dispute", "resolve_dispute"):
        yield look("disputes", partial(completeness.disputes_as_signed, case))


def _legs_and_ledgers(case: CaseFile) -> Iterator[Finding]:
    """Look at legs, ledgers and totals."""
    ledgers = _ledgers(case)
    for leg in case.legs:
        check = partial(completeness.leg_as_signed, case, leg, ledgers[leg.partner])
        yield look("leg", check, by=leg.partner)
    for partner, own in ledgers.items():
        if own.faults or own.asserted_holds or own.asserted_terms or _has_lines(case, partner):
            yield from _ledger(case, own)
    yield look("totals", partial(_totals, case, ledgers))


def look(what: str, check: Callable[[], completeness.Outcome], *, by: str | None = None) -> Finding:
    """Return what comes of a check."""
    try:
        result, detail = check()
    except UntrustedEvidenceError as error:
        result, detail = Result.FAILED, str(error)
    return Finding(what, result, detail, by=by)


def _ledgers(case: CaseFile) -> dict[str, RecomputedLedger]:
    return add_up(
        [
            SignedReport(
                act.shown.act_id,
                act.proven.key.partner,
                act.shown.at,
                act.proven.payload,
                act.proven.document,
            )
            for act in case.acts
            if act.proven is not None and isinstance(act.proven.payload, FreezeReport)
        ],
        Circumstances.of(case),
        lines=case.lines,
        holds=case.holds,
        legs=case.legs,
    )


def _has_lines(case: CaseFile, partner: str) -> bool:
    return any(line.partner == partner for line in case.lines)


def _ledger(case: CaseFile, own: RecomputedLedger) -> Iterator[Finding]:
    faults = own.faults
    if faults:
        more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        told = "; ".join(faults[:_TOLD])
        yield Finding("ledger", Result.FAILED, told + more, by=own.partner)
    else:
        lines = [line for line in case.lines if line.partner == own.partner and not line.shared]
        detail = f"{counted(len(lines), 'line')} as signed, and holds that they come to"
        yield Finding("ledger", Result.VERIFIED, detail, by=own.partner)
    elsewhere = [line for line in case.lines if line.partner == own.partner and line.shared]
    if own.asserted_holds or elsewhere:
        where = sorted({line.source_request for line in elsewhere if line.source_request})
        readable = f" (holdfast verify {' '.join(where)})" if where else ""
        detail = (
            f"{counted(len(own.asserted_holds), 'hold')} shared with other requests, with"
            f" {counted(len(elsewhere), 'line')} that were signed there{readable}"
        )
        yield Finding("shared holds", Result.ASSERTED, detail, by=own.partner)
    if own.asserted_terms:
        detail = (
            f"of {', '.join(own.asserted_terms[:_TOLD])}: not the end or ground that is signed on"
            " this request; a hold that is shared may be extended on the other one"
        )
        yield Finding("ends of holds", Result.ASSERTED, detail, by=own.partner)


def _totals(case: CaseFile, ledgers: Mapping[str, RecomputedLedger]) -> completeness.Outcome:
    own = (
        ledgers.values()
        if case.is_requester
        else [b for b in ledgers.values() if b.partner == case.handle]
    )
    holding = frozenset[str]().union(*(each.holding() for each in own))
    marks = {
        act.payload.hold: act.payload.same_as
        for _, act in case.proven("mark_same_funds")
        if isinstance(act.payload, SameFunds)
    }
    left_out = {hold for hold, same_as in marks.items() if same_as in holding}
    faults = totals_faults(sum_of(own, left_out), case.view.totals, "the request")
    if faults:
        raise UntrustedEvidenceError("; ".join(faults[:_TOLD]), code="not_as_signed")
    if any(each.asserted_holds for each in own):
        return Result.ASSERTED, "they add up, shared holds as the coordinator states them"
    return Result.VERIFIED, "they are what the signed lines come to"
