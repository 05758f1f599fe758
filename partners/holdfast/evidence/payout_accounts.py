"""Where claims are paid: their own accounts, and those that took their place by signed acts.

Who proposed, approved and rejected is signed; when, and from when on an account is in force, the
log says.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct
from holdfast.evidence.shown_acts import ShownActs, named_in
from holdfast.protocol.chains.comparison import comparison_key
from holdfast.protocol.payloads import parse_time
from holdfast.protocol.restitution_payloads import PayoutChange, PayoutChangeDecision
from holdfast.protocol.restitution_views import ClaimView, PayoutChangeView
from holdfast.protocol.vocabulary import PayoutChangeStatus

#: Behind every entry of a log.
_LATER = 2**63


@dataclass(frozen=True, slots=True)
class LoggedAct:
    """What the log says of an act.

    Attributes:
        index: Its entry.
        at: When.
        in_force_at: As its event tells it, whatever it is; None: nothing of the kind.
    """

    index: int
    at: datetime
    in_force_at: object


@dataclass(slots=True)
class Change:
    """One account that was proposed for a claim.

    Attributes:
        act_id: The act that proposed it.
        act: The same, proven.
        account: As it was signed.
        index: The act's entry in the log.
        in_force_at: From when on it holds; None: nobody approved it.
        rejected: The entry of the act that rejected it.
    """

    act_id: str
    act: ProvenAct
    account: str
    index: int
    in_force_at: datetime | None = None
    rejected: int | None = None

    def waits(self, at: datetime, index: int) -> bool:
        """Tell whether nothing is paid on its claim, at a time and an entry of the log."""
        is_over = self.rejected is not None and self.rejected < index
        holds = self.in_force_at is not None and self.in_force_at <= at
        return self.index < index and not is_over and not holds

    def holds(self, at: datetime) -> bool:
        """Tell whether it has taken the place of the one before."""
        return self.rejected is None and self.in_force_at is not None and self.in_force_at <= at

    @property
    def status(self) -> PayoutChangeStatus:
        """Where it stands while it waits."""
        is_new = self.in_force_at is None
        return PayoutChangeStatus.PROPOSED if is_new else PayoutChangeStatus.APPROVED


@dataclass(frozen=True, slots=True)
class PayoutAccounts:
    """The changes of claims by acts that are in order, oldest first, and what is not in order."""

    changes: Mapping[str, list[Change]]
    faults: list[str] = field(default_factory=list)

    def account(self, claim: str, own: str, at: datetime) -> str:
        """Return the account that held at a time; `own` is the one that the claim came with."""
        held = [each.account for each in self.changes.get(claim, ()) if each.holds(at)]
        return held[-1] if held else own

    def waiting(self, claim: str, at: datetime, index: int = _LATER) -> Change | None:
        """Return the change that waits at a time and an entry of the log."""
        found = self.changes.get(claim, ())
        return next((each for each in found if each.waits(at, index)), None)


def payout_accounts(
    acts: ShownActs, logged: Mapping[str, LoggedAct], claims: Sequence[ClaimView], opener: str
) -> PayoutAccounts:
    """Follow the accounts of claims through the acts, in the order of the log.

    Raises:
        UntrustedEvidenceError: If an act is on no claim that is shown, or the log lacks it.
    """
    filed_by = {each.id: each.filed_by for each in claims}
    found = PayoutAccounts(defaultdict(list))
    for act_id, act, place in sorted(_steps(acts, logged), key=lambda each: each[2].index):
        claim = named_in(act, "claims")
        if claim not in filed_by:
            raise UntrustedEvidenceError(f"{act.act} is on {claim}, which is not shown")
        waiting = found.waiting(claim, place.at, place.index)
        if isinstance(act.payload, PayoutChange):
            if act.key.partner != filed_by[claim]:
                found.faults.append(f"{claim} was filed by others than proposed its account")
            if waiting is not None:
                found.faults.append(f"{claim} got another account while {waiting.act_id} waited")
            found.changes[claim].append(Change(act_id, act, act.payload.payout, place.index))
        elif isinstance(act.payload, PayoutChangeDecision):
            told = _decide(act, act.payload, waiting, place, (filed_by[claim], opener))
            found.faults.extend(f"{claim}: {each}" for each in told)
    return found


def _steps(
    acts: ShownActs, logged: Mapping[str, LoggedAct]
) -> Iterator[tuple[str, ProvenAct, LoggedAct]]:
    for model in (PayoutChange, PayoutChangeDecision):
        for act_id, act, _ in acts.of(model):
            if act_id not in logged:
                raise UntrustedEvidenceError(f"the log does not say when {act_id} was")
            yield act_id, act, logged[act_id]


def _decide(
    act: ProvenAct,
    body: PayoutChangeDecision,
    waiting: Change | None,
    place: LoggedAct,
    concerned: tuple[str, str],
) -> Iterator[str]:
    """Do to a change what a decision does, and yield what is wrong about that."""
    if waiting is None or waiting.act.sha256 != body.act_sha256:
        yield f"{body.decision} is of no account that waited"
        return
    if body.decision == "reject":
        waiting.rejected = place.index
        if act.key.partner not in concerned:
            yield "an account was rejected by somebody whom it does not concern"
        return
    if act.key.partner != concerned[0] or act.key.person == waiting.act.key.person:
        yield "an account takes another person of whoever filed the claim to approve it"
    if waiting.in_force_at is not None:
        yield "an account was approved twice"
    waiting.in_force_at = parse_time(place.in_force_at)
    if waiting.in_force_at <= place.at:
        yield "an account was in force at once"


def unlike(view: ClaimView, own: str, accounts: PayoutAccounts, made_at: datetime) -> Iterator[str]:
    """Yield how a claim's account is shown otherwise than acts say, when the bundle was made."""
    if comparison_key(view.payout) != comparison_key(accounts.account(view.id, own, made_at)):
        yield f"{view.id} is shown as paid elsewhere than was signed"
    waiting, shown = accounts.waiting(view.id, made_at), view.payout_change
    said = None if waiting is None else _of(waiting)
    seen = None if shown is None else _shown(shown)
    if said != seen:
        yield f"{view.id} is shown with another change of its account than was signed"


def _of(change: Change) -> tuple[object, ...]:
    said = (change.act_id, change.act.sha256, change.act.key.subject)
    return (*said, comparison_key(change.account), change.status, change.in_force_at)


def _shown(view: PayoutChangeView) -> tuple[object, ...]:
    said = (view.act_id, view.act_sha256, view.proposed_by)
    return (*said, comparison_key(view.payout), view.change_status, view.in_force_at)
