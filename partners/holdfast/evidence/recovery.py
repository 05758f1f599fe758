"""The verdict on a recovery request: whether all that is shown follows from what was signed.

What is asked for is the document that another person approved. What became of each deposit is read
from the signed lines of both sides again: what went back and its fee come to what was found, within
the fee that was accepted, and nothing went back twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct
from holdfast.evidence.case_file import Finding, Result, Subject
from holdfast.evidence.completeness import Outcome
from holdfast.evidence.shown_acts import ShownActs, checked, refuse
from holdfast.evidence.signed_lines import asset_key
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.recovery_payloads import (
    DepositAnswer,
    DepositConfirmed,
    DepositDeclined,
    DepositFound,
    DepositNeeds,
    DepositNotFound,
    DepositNotReceived,
    DepositReply,
    DepositReturned,
    DepositSupplied,
    MisplacedDeposit,
    RecoveryAnswers,
    RecoveryDecision,
    RecoveryReplies,
    RecoveryRequest,
    RecoveryWithdrawal,
)
from holdfast.protocol.recovery_views import DepositView, RecoveryView
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import Decision, DepositStatus, RecoveryStatus
from holdfast.wording import counted

_AFTER: Mapping[type[DepositAnswer | DepositReply], DepositStatus] = {
    DepositFound: DepositStatus.FOUND,
    DepositNotFound: DepositStatus.NOT_FOUND,
    DepositNeeds: DepositStatus.NEEDS,
    DepositDeclined: DepositStatus.DECLINED,
    DepositReturned: DepositStatus.RETURNED,
    DepositSupplied: DepositStatus.OPEN,
    DepositConfirmed: DepositStatus.CONFIRMED,
    DepositNotReceived: DepositStatus.CONTESTED,
}
#: A deposit goes back after one of these, and after nothing else.
_MAY_GO_BACK = frozenset({DepositStatus.FOUND, DepositStatus.CONTESTED})
_GIVEN_BACK = frozenset({DepositStatus.RETURNED, DepositStatus.CONTESTED, DepositStatus.CONFIRMED})


@dataclass(frozen=True, slots=True)
class RecoveryCase:
    """All that a side is shown of a recovery request."""

    view: RecoveryView
    deposits: Sequence[DepositView]
    acts: ShownActs


@dataclass(slots=True)
class _Told:
    """What the signed lines say of one deposit by now."""

    status: DepositStatus = DepositStatus.OPEN
    found: DepositFound | None = None
    returned: DepositReturned | None = None
    faults: list[str] = field(default_factory=list)

    def take(self, line: DepositAnswer | DepositReply) -> None:
        """Go on by one line."""
        if isinstance(line, DepositReturned):
            if self.status not in _MAY_GO_BACK:
                self.faults.append(f"deposit {line.no} went back while {self.status.value}")
            self.returned = line
        if isinstance(line, DepositFound):
            self.found = line
        self.status = _AFTER[type(line)]


def subject_of(view: RecoveryView) -> Subject:
    """Return what the acts on a recovery request are about."""

    def require_side(shown: EvidenceView, proven: ProvenAct) -> None:
        side = view.partner if isinstance(proven.payload, RecoveryAnswers) else view.requester
        if proven.key.partner != side:
            raise UntrustedEvidenceError(
                f"{shown.act} is for {side} to do, not {proven.key.partner}", code="other_side"
            )

    return Subject(view.id, view.content_sha256, require_side)


def recovery_findings(case: RecoveryCase) -> Iterator[Finding]:
    """Yield what comes of comparing what is shown with the acts."""
    checks: Mapping[str, Callable[[RecoveryCase], Outcome]] = {
        "request": _document,
        "approval": _approval,
        "deposits": _deposits,
    }
    for what, check in checks.items():
        yield checked(what, partial(check, case))


def _document(case: RecoveryCase) -> Outcome:
    _, act, document = case.acts.the(RecoveryRequest)
    view = case.view
    if (document.to, document.drill) != (view.partner, view.drill):
        raise UntrustedEvidenceError("another partner was asked", code="other_document")
    faults = [] if len(case.deposits) == view.deposit_count else ["deposits are left out"]
    for shown in case.deposits:
        said = document.deposits[shown.no] if shown.no < len(document.deposits) else None
        if said is None or _target(said) != _target(shown):
            faults.append(f"deposit {shown.no} is not what was signed")
    refuse(faults)
    asked = counted(len(case.deposits), "deposit")
    return Result.VERIFIED, f"{asked} as {act.key.subject} asked for"


def _target(each: MisplacedDeposit | DepositView) -> tuple[object, ...]:
    """Return what of a deposit no later act changes, in any spelling."""
    accounts = map(comparison_key, (each.account, each.sent_from, each.return_to))
    return (*accounts, asset_key(each.asset), each.amount, each.fee_accepted, each.mistake)


def _approval(case: RecoveryCase) -> Outcome:
    _, submitted, _ = case.acts.the(RecoveryRequest)
    decided = list(case.acts.of(RecoveryDecision))
    if len(decided) > 1:
        raise UntrustedEvidenceError("it was decided on twice", code="shown_twice")
    involved = {submitted.key.person, submitted.key.subject, submitted.key.proposer}
    for _, act, body in decided:
        if {act.key.person, act.key.subject} & involved:
            raise UntrustedEvidenceError(
                "it was approved by whoever submitted it, or proposed the submitter's key",
                code="four_eyes",
            )
        if body.decision is Decision.APPROVE:
            if case.view.status is not RecoveryStatus.OPEN:
                raise UntrustedEvidenceError(f"it is shown as {case.view.status.value}")
            return Result.VERIFIED, f"by {act.key.subject}, who had no hand in it"
    if case.view.status is RecoveryStatus.OPEN:
        raise UntrustedEvidenceError("it went out, and nobody approved it", code="not_approved")
    return Result.VERIFIED, f"{case.view.status.value}: it never went out"


def _deposits(case: RecoveryCase) -> Outcome:
    told = _told(case)
    faults = [fault for each in told.values() for fault in each.faults]
    for shown in case.deposits:
        faults += _faults(shown, told.get(shown.no, _Told()))
    refuse(faults)
    back = sum(each.status in _GIVEN_BACK for each in case.deposits)
    return Result.VERIFIED, f"as both sides signed; {back} went back, none of them twice"


def _told(case: RecoveryCase) -> dict[int, _Told]:
    told = {each.no: _Told() for each in case.deposits}
    for seen in case.acts.acts:
        payload = None if seen.proven is None else seen.proven.payload
        if isinstance(payload, RecoveryAnswers | RecoveryReplies):
            for line in payload.lines:
                told.setdefault(line.no, _Told()).take(line)
        if isinstance(payload, RecoveryWithdrawal):
            out = case.view.status is RecoveryStatus.OPEN
            nos = list(told) if payload.deposits == "all" else payload.deposits
            for no in nos if out else ():
                if told[no].status not in _GIVEN_BACK:
                    told[no].status = DepositStatus.WITHDRAWN
    return told


def _faults(shown: DepositView, told: _Told) -> Iterator[str]:
    if shown.status is not told.status:
        yield f"deposit {shown.no} is shown as {shown.status.value}, and lines say {told.status}"
    found, back = told.found, told.returned if told.status in _GIVEN_BACK else None
    if back is None:
        return
    if (shown.returned_tx, shown.returned_amount, shown.returned_fee) != (
        back.tx,
        back.amount,
        back.fee,
    ):
        yield f"deposit {shown.no} is not shown as it went back"
    if found is None or int(back.amount) + int(back.fee) != int(found.amount):
        yield f"deposit {shown.no}: what went back and its fee are not what was found"
    if int(back.fee) > int(shown.fee_accepted):
        yield f"deposit {shown.no}: its fee is more than was accepted"
