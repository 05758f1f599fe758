"""The verdict on a restitution: whether all that is shown follows from what was signed.

The pool is added up again from signed lines, claims are weighed and decided again, every allocation
is shared out again from its own document, and payouts come to what was allocated, each paid once.
Its opener is shown everything; whoever filed claims is shown those, and what was decided on them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct
from holdfast.evidence.case_file import Finding, Result, Subject
from holdfast.evidence.completeness import Outcome
from holdfast.evidence.payout_accounts import (
    LoggedAct,
    PayoutAccounts,
    payout_accounts,
    unlike,
)
from holdfast.evidence.shown_acts import ShownActs, checked, named_in, refuse
from holdfast.evidence.signed_lines import asset_key
from holdfast.protocol.allocation import (
    LIMIT,
    AllocationError,
    ValuedClaim,
    share_by_schedule,
    share_pro_rata,
)
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.pool_sums import value_of
from holdfast.protocol.restitution_payloads import (
    AllocationDecision,
    Claim,
    ClaimDecision,
    ClaimObjection,
    Claims,
    NewAllocation,
    NewRestitution,
    PayoutChange,
    PayoutChangeDecision,
    PayoutLines,
    PoolLine,
    PoolLines,
    RestitutionClosure,
)
from holdfast.protocol.restitution_views import (
    AllocationView,
    ClaimView,
    PayoutView,
    PoolLineView,
    RestitutionView,
)
from holdfast.protocol.views import EvidenceView
from holdfast.protocol.vocabulary import (
    AllocationStatus,
    ClaimStatus,
    PayoutStatus,
    RestitutionStatus,
)
from holdfast.wording import counted

_APPROVERS = 2
#: Of what was verified: it stands so only because of allocations and payouts.
_GIVEN = frozenset({ClaimStatus.ALLOCATED, ClaimStatus.PAID, ClaimStatus.FAILED})


@dataclass(frozen=True, slots=True)
class RestitutionCase:
    """All that a reader is shown of a restitution; of allocations and payouts the opener alone.

    `logged` is what the log says of acts, `made_at` when it was shown.
    """

    handle: str
    view: RestitutionView
    lines: Sequence[PoolLineView]
    claims: Sequence[ClaimView]
    allocations: Sequence[AllocationView]
    payouts: Sequence[PayoutView]
    acts: ShownActs
    logged: Mapping[str, LoggedAct]
    made_at: datetime

    @property
    def is_opener(self) -> bool:
        """Whether the reader opened it."""
        return self.handle == self.view.opener


class _Decided(NamedTuple):
    """What the signed decisions on a claim come to.

    Attributes:
        persons: Who verified it, as far as that counts still.
        amount: What the first of them verified.
    """

    status: ClaimStatus
    verified: int | None = None
    persons: tuple[str, ...] = ()
    amount: int | None = None


class _Recorded(NamedTuple):
    """What the last signed line says of a payout, and where the log has it."""

    status: PayoutStatus
    tx: str | None = None
    failed: str | None = None
    place: LoggedAct | None = None


_DUE = _Recorded(PayoutStatus.DUE)


def subject_of(view: RestitutionView) -> Subject:
    """Return what the acts on a restitution are about."""

    def require_side(shown: EvidenceView, proven: ProvenAct) -> None:
        # Whose claim it is, the claims say: whoever filed it acts on it.
        claiming = isinstance(
            proven.payload, Claims | ClaimObjection | PayoutChange | PayoutChangeDecision
        )
        if not claiming and proven.key.partner != view.opener:
            raise UntrustedEvidenceError(
                f"{shown.act} is the opener's to do, not {proven.key.partner}'s", code="other_side"
            )

    return Subject(view.id, view.content_sha256, require_side)


def restitution_findings(case: RestitutionCase) -> Iterator[Finding]:
    """Yield what comes of comparing what is shown with the acts."""
    checks: Mapping[str, Callable[[RestitutionCase], Outcome]] = {
        "restitution": _terms,
        "pool": _pool,
        "claims": _claims,
        "accounts": _accounts,
        "allocations": _allocations,
        "payouts": _payouts,
        "status": _status,
    }
    for what, check in checks.items():
        yield checked(what, partial(check, case))


def _terms(case: RestitutionCase) -> Outcome:
    act_id, act, document = case.acts.the(NewRestitution)
    view = case.view
    if (act_id, act.key.partner) != (view.id, view.opener):
        raise UntrustedEvidenceError("it was opened by another act", code="other_document")
    said = (
        document.incident,
        asset_key(document.asset),
        document.key_theft,
        document.verify_by_two_above,
        document.claims_close_at,
        document.objections_until,
        document.unclaimed_to,
        act.document.get("valuation"),
    )
    shown = (
        view.incident,
        asset_key(view.asset),
        view.key_theft,
        view.verify_by_two_above,
        view.claims_close_at,
        view.objections_until,
        view.unclaimed_to,
        view.valuation,
    )
    if said != shown:
        raise UntrustedEvidenceError("its terms are not those that were signed", code="other_terms")
    return Result.VERIFIED, f"opened by {act.key.subject}, on the terms that are shown"


# ---------- the pool ----------


def _pool(case: RestitutionCase) -> Outcome:
    shown: dict[str, list[PoolLineView]] = defaultdict(list)
    for line in sorted(case.lines, key=lambda each: each.id):
        shown[line.act_id].append(line)
    if not case.is_opener:
        return Result.ASSERTED, (
            f"{counted(len(case.lines), 'line')} by the opener's word: those who signed them show"
            " them to the opener alone"
        )
    faults: list[str] = []
    for act_id, act, body in case.acts.of(PoolLines):
        lines = shown.pop(act_id, [])
        if len(lines) != len(body.lines):
            faults.append(f"{act_id} has {len(body.lines)} lines, and {len(lines)} are shown")
        for view, said in zip(lines, body.lines, strict=False):
            if _line(view) != _signed_line(said) or view.by != act.key.subject:
                faults.append(f"{view.id} is not what was signed in {act_id}")
    faults += [f"the lines of {act_id} are in no signed act" for act_id in shown]
    refuse(faults)
    by_ledger = sum(line.line is not None for line in case.lines)
    ledger = f"; {by_ledger} name a line of a freeze ledger, which its own bundle proves"
    detail = f"{counted(len(case.lines), 'line')} as signed{ledger if by_ledger else ''}"
    return Result.VERIFIED, detail


def _line(view: PoolLineView) -> tuple[object, ...]:
    to = None if view.to_asset is None else asset_key(view.to_asset)
    words = (view.to_amount, view.fee, view.rate, view.line, view.tx, view.what)
    return (view.kind, asset_key(view.asset), view.amount, to, *words)


def _signed_line(said: PoolLine) -> tuple[object, ...]:
    to = getattr(said, "to_asset", None)
    names = ("to_amount", "fee", "rate", "line", "tx", "what")
    words = (getattr(said, name, None) for name in names)
    to_asset = None if to is None else asset_key(to)
    return (said.kind, asset_key(said.asset), said.amount, to_asset, *words)


# ---------- claims ----------


def _claims(case: RestitutionCase) -> Outcome:
    filed = _filed(case)
    decided = _decisions(case)
    prices = _prices(case.view)
    faults: list[str] = []
    for view in case.claims:
        partner, said = filed.pop((view.act_id, view.ref), (None, None))
        if said is None or partner != view.filed_by:
            faults.append(f"{view.id} was filed by no act of {view.filed_by} that is shown")
            continue
        unlike = _unlike(view, said, prices, prices[asset_key(case.view.asset)])
        faults += [f"{view.id}: {each} is not as signed" for each in unlike]
        faults += _undecided(view, decided[view.id])
    faults += [f"the claim {ref} of {act_id} is not shown" for act_id, ref in filed]
    if case.is_opener:
        counts: dict[ClaimStatus, int] = defaultdict(int)
        for view in case.claims:
            counts[view.status] += 1
        if dict(counts) != {key: value for key, value in case.view.claims.items() if value}:
            faults.append("other claims are counted than are shown")
    refuse(faults)
    return Result.VERIFIED, (
        f"{counted(len(case.claims), 'claim')} as filed, weighed by the document's prices and"
        " decided as shown"
    )


def _filed(case: RestitutionCase) -> dict[tuple[str, str], tuple[str, Claim]]:
    """Return who filed what, by act and reference."""
    return {
        (act_id, each.ref): (act.key.partner, each)
        for act_id, act, body in case.acts.of(Claims)
        for each in body.claims
    }


def _accounts(case: RestitutionCase) -> Outcome:
    accounts, own = _followed(case), _own_accounts(case)
    faults = list(accounts.faults)
    for view in case.claims:
        faults += unlike(view, own[view.id], accounts, case.made_at)
    refuse(faults)
    changes = sum(map(len, accounts.changes.values()))
    return Result.VERIFIED, (
        f"claims are paid as filed, or where {counted(changes, 'change')} by two persons put it"
    )


def _followed(case: RestitutionCase) -> PayoutAccounts:
    return payout_accounts(case.acts, case.logged, case.claims, case.view.opener)


def _own_accounts(case: RestitutionCase) -> dict[str, str]:
    """Return the accounts that claims came with."""
    filed = _filed(case)
    return {view.id: filed[view.act_id, view.ref][1].payout for view in case.claims}


def _prices(view: RestitutionView) -> dict[tuple[str, str], Fraction]:
    if view.valuation is None:
        return {asset_key(view.asset): Fraction(1)}
    return {
        asset_key(each["asset"]): Fraction(each["value"]) / int(each["units"])
        for each in view.valuation["prices"]
    }


def _unlike(
    view: ClaimView, said: Claim, prices: Mapping[tuple[str, str], Fraction], unit: Fraction
) -> Iterator[str]:
    price = prices.get(asset_key(said.asset), Fraction(0))
    if int(view.value) != min(value_of(int(said.amount), price / unit), LIMIT - 1):
        yield "value"
    if (view.amount, view.proof, view.tx) != (said.amount, said.proof, said.tx):
        yield "amount, proof or tx"
    if asset_key(view.asset) != asset_key(said.asset):
        yield "asset"
    if list(map(comparison_key, view.addresses)) != list(map(comparison_key, said.addresses)):
        yield "addresses"
    if list(view.documents) != (said.documents or []):
        yield "documents"


def _undecided(view: ClaimView, decided: _Decided) -> Iterator[str]:
    """Yield how a claim is shown otherwise than the signed decisions come to."""
    status = ClaimStatus.VERIFIED if view.status in _GIVEN else view.status
    if status is not decided.status:
        yield f"{view.id} is shown as {view.status.value}, and was {decided.status.value} by acts"
    if (view.verified or None) != (None if decided.verified is None else str(decided.verified)):
        yield f"{view.id} is shown with another verified amount than was signed"
    if view.verifications != len(decided.persons):
        yield f"{view.id}: {view.verifications} verified it, and acts of {len(decided.persons)} say"


def _decisions(case: RestitutionCase) -> dict[str, _Decided]:
    """Return what the signed decisions come to, by claim.

    Raises:
        UntrustedEvidenceError: If a claim that takes two persons was verified by one.
    """
    above = int(case.view.verify_by_two_above)
    values = {each.id: int(each.value) for each in case.claims}
    found = dict.fromkeys(values, _Decided(ClaimStatus.RECEIVED))
    for seen in case.acts.acts:
        act = seen.proven
        if act is None or not isinstance(act.payload, ClaimDecision | ClaimObjection):
            continue
        claim = named_in(act, "claims")
        if claim not in found:
            raise UntrustedEvidenceError(f"{act.act} is on {claim}, which is not shown")
        if isinstance(act.payload, ClaimObjection):
            found[claim] = _Decided(ClaimStatus.OBJECTION)
        elif act.payload.decision == "reject":
            found[claim] = _Decided(ClaimStatus.REJECTED)
        else:
            amount = int(act.payload.amount or values[claim])
            found[claim] = _verified(claim, found[claim], act.key.person, amount, above)
    return found


def _verified(claim: str, before: _Decided, person: str, amount: int, above: int) -> _Decided:
    if not before.persons and amount > above:
        return before._replace(persons=(person,), amount=amount)
    if person in before.persons:
        raise UntrustedEvidenceError(
            f"{claim} takes two people, and {person} verified it twice", code="four_eyes"
        )
    if before.amount not in {None, amount}:
        raise UntrustedEvidenceError(
            f"{claim} was verified at two amounts by two people", code="other_amount"
        )
    return _Decided(ClaimStatus.VERIFIED, amount, (*before.persons, person), amount)


# ---------- allocations and payouts ----------


def _allocations(case: RestitutionCase) -> Outcome:
    if not case.is_opener:
        return Result.ASSERTED, "they name other claims, and are shown to the opener alone"
    proposed = {act_id: (act, body) for act_id, act, body in case.acts.of(NewAllocation)}
    decided: dict[str, list[ProvenAct]] = defaultdict(list)
    for _, act, _ in case.acts.of(AllocationDecision):
        decided[named_in(act, "allocations")].append(act)
    verified = {each.id: each.verified for each in case.claims}
    before: dict[str, int] = defaultdict(int)
    faults: list[str] = []
    for view in sorted(case.allocations, key=lambda each: each.id):
        found = proposed.pop(view.act_id, None)
        if found is None or found[0].sha256 != view.act_sha256:
            faults.append(f"{view.id} is of no signed proposal that is shown")
            continue
        proposal, body = found
        told = [*_shares(view, body), *_approvals(view, proposal, decided.pop(view.id, []))]
        if view.status is AllocationStatus.APPROVED:
            told += _given(body, verified, before)
        faults += [f"{view.id}: {each}" for each in told]
    faults += [f"the proposal {act_id} is of no allocation that is shown" for act_id in proposed]
    faults += [f"a decision is on {each}, which is not shown" for each in decided]
    faults += [
        f"{each.id} is shown as given {each.allocated or 0}, and got {before[each.id]}"
        for each in case.claims
        if int(each.allocated or 0) != before[each.id]
    ]
    refuse(faults)
    return Result.VERIFIED, (
        f"{counted(len(case.allocations), 'allocation')} shared out again from the signed document,"
        " to the unit; what was approved, two others approved"
    )


def _given(
    body: NewAllocation, verified: Mapping[str, str | None], before: dict[str, int]
) -> Iterator[str]:
    """Add what an approved allocation gives to what claims had, and yield what it says wrongly."""
    for each in body.claims:
        if int(each.before) != before[each.claim]:
            yield f"{each.claim} had {before[each.claim]} before"
        if int(each.amount) and each.value != verified.get(each.claim):
            yield f"{each.claim} was verified at another amount"
        before[each.claim] += int(each.amount)


def _shares(view: AllocationView, body: NewAllocation) -> Iterator[str]:
    """Share out again what a signed document says, and yield what differs."""
    pool, minimum = int(body.pool), int(body.minimum)
    claims = [ValuedClaim(c.claim, int(c.value), int(c.before)) for c in body.claims]
    amounts = {each.claim: int(each.amount) for each in body.claims}
    try:
        if body.method == "pro_rata":
            found = share_pro_rata(pool, claims, unit_value=1, minimum=minimum)
        else:
            whole = {each.claim: int(each.amount) + int(each.before) for each in body.claims}
            found = share_by_schedule(pool, claims, whole)
    except AllocationError as error:
        yield str(error)
        return
    if dict(found.parts) != amounts:
        yield "its parts are not what its inputs come to"
    shown = (view.method, view.pool, view.minimum, view.schedule_sha256, view.claim_count)
    said = (body.method, body.pool, body.minimum, body.schedule_sha256, len(body.claims))
    if shown != said or int(view.given) != sum(amounts.values()):
        yield "it is shown otherwise than it was signed"


def _approvals(
    view: AllocationView, proposal: ProvenAct, decided: Sequence[ProvenAct]
) -> Iterator[str]:
    said = [
        (act.key.person, act.payload)
        for act in decided
        if isinstance(act.payload, AllocationDecision)
    ]
    if any(body.act_sha256 != view.act_sha256 for _, body in said):
        yield "another document was decided on"
    approvers = {person for person, body in said if body.decision == "approve"}
    if proposal.key.person in approvers:
        yield "it was approved by whoever proposed it"
    expected = AllocationStatus.PROPOSED
    if any(body.decision == "reject" for _, body in said):
        expected = AllocationStatus.REJECTED
    elif len(approvers) >= _APPROVERS:
        expected = AllocationStatus.APPROVED
    if view.status is not expected or view.approvals != len(approvers):
        yield f"it is shown as {view.status.value}, and {len(approvers)} approved it"


def _payouts(case: RestitutionCase) -> Outcome:
    if not case.is_opener:
        return Result.ASSERTED, "they are shown to the opener alone"
    due = _due(case)
    faults: list[str] = []
    found: dict[tuple[str, str], int] = {}
    for view in case.payouts:
        key = (view.allocation_id, view.claim_id)
        if key in found:
            faults.append(f"{view.id} is a second payout of one part")
        found[key] = int(view.amount)
    if found != due:
        faults.append("payouts are not the parts of the approved allocations")
    paid, own, accounts = _recorded(case), _own_accounts(case), _followed(case)
    for view in case.payouts:
        told = _unpaid(view, paid.pop(view.id, _DUE), own[view.claim_id], accounts, case.made_at)
        faults += [f"{view.id} {each}" for each in told]
    faults += [f"{payout} was recorded, and is not shown" for payout in paid]
    refuse(faults)
    return Result.VERIFIED, (
        f"{counted(len(case.payouts), 'payout')}, which sum to what was allocated, none paid twice"
    )


def _unpaid(
    view: PayoutView, last: _Recorded, own: str, accounts: PayoutAccounts, made_at: datetime
) -> Iterator[str]:
    """Yield how a payout is shown otherwise than it was recorded, or was not to be paid."""
    claim, place = view.claim_id, last.place
    if (view.status, view.tx, view.failed) != (last.status, last.tx, last.failed):
        yield "is shown otherwise than it was recorded"
    account = accounts.account(claim, own, made_at if place is None else place.at)
    if comparison_key(account) != comparison_key(view.payout):
        yield "goes elsewhere than its claim says"
    if view.changing is (accounts.waiting(claim, made_at) is None):
        yield "is shown otherwise as to whether its account is being changed"
    if place is not None and last.status is PayoutStatus.PAID:
        waiting = accounts.waiting(claim, place.at, place.index)
        if waiting is not None:
            yield f"was paid while {waiting.act_id} waited"


def _due(case: RestitutionCase) -> dict[tuple[str, str], int]:
    """Return the parts of approved allocations, by allocation and claim."""
    proposed = {act_id: body for act_id, _, body in case.acts.of(NewAllocation)}
    return {
        (view.id, each.claim): int(each.amount)
        for view in case.allocations
        if view.status is AllocationStatus.APPROVED and view.act_id in proposed
        for each in proposed[view.act_id].claims
        if int(each.amount)
    }


def _recorded(case: RestitutionCase) -> dict[str, _Recorded]:
    """Return what signed lines say became of payouts.

    Raises:
        UntrustedEvidenceError: If one was paid, and something was recorded of it after that; or
            the log does not say when.
    """
    paid: dict[str, _Recorded] = {}
    for act_id, _, body in case.acts.of(PayoutLines):
        place = case.logged.get(act_id)
        if place is None:
            raise UntrustedEvidenceError(f"the log does not say when {act_id} was")
        for line in body.lines:
            if paid.get(line.payout, _DUE).status is PayoutStatus.PAID:
                raise UntrustedEvidenceError(
                    f"{line.payout} was paid already when {act_id} records it again",
                    code="paid_twice",
                )
            status = PayoutStatus.FAILED if line.tx is None else PayoutStatus.PAID
            paid[line.payout] = _Recorded(status, line.tx, line.failed, place)
    return paid


def _status(case: RestitutionCase) -> Outcome:
    closed = [act for _, act, _ in case.acts.of(RestitutionClosure)]
    if not case.is_opener:
        return Result.ASSERTED, f"{case.view.status.value}, by the opener's word"
    if (case.view.status is RestitutionStatus.CLOSED) is not (len(closed) == 1):
        raise UntrustedEvidenceError(
            f"it is shown as {case.view.status.value}, and {len(closed)} acts closed it",
            code="not_as_signed",
        )
    return Result.VERIFIED, case.view.status.value
