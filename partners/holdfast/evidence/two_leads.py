"""Two leads: whether what let held funds go was signed by as many as the requester's policy asks.

A withdrawal, or a dispute upheld, on which something is held takes two leads where the policy in
force says so: one proposes, another approves that very proposal. Source: the kit's page on the life
of a request.
"""

from collections.abc import Collection, Iterable

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import SKEW, ProvenAct
from holdfast.evidence.case_file import CaseFile
from holdfast.protocol.life_cycle_payloads import WithdrawalDecision
from holdfast.protocol.views import LineView
from holdfast.protocol.vocabulary import KeptBasis, LineKind

_MOVES = frozenset({LineKind.RELEASED, LineKind.RETURNED, LineKind.SEIZED})


def approved_proposals(case: CaseFile, name: str) -> list[tuple[str, ProvenAct]]:
    """Return the proposals of this name that another lead approved, each with its act's id.

    Raises:
        UntrustedEvidenceError: An approval is of nothing that was proposed (`other_withdrawal`), or
            of the approver's own proposal (`four_eyes`).
    """
    proposals = case.proven("propose_withdrawal", "propose_resolution")
    approved = []
    for _, approval in case.proven("approve_withdrawal"):
        decision = approval.payload
        if not isinstance(decision, WithdrawalDecision):
            raise UntrustedEvidenceError(f"{approval.act} is no decision", code="bad_body")
        of_it = [each for each in proposals if each[1].sha256 == decision.act_sha256]
        if not of_it:
            raise UntrustedEvidenceError(
                "a lead approved a withdrawal that nobody's signature proposes",
                code="other_withdrawal",
            )
        proposed = [(i, act) for i, act in of_it if not had_a_hand(approval, act)]
        if not proposed:
            raise UntrustedEvidenceError(
                "a withdrawal was approved by whoever proposed it, or its proposer's key",
                code="four_eyes",
            )
        approved += [(i, act) for i, act in proposed if act.act == name]
    return approved


def had_a_hand(approval: ProvenAct, proposal: ProvenAct) -> bool:
    """Tell whether whoever approved a proposal made it, or proposed the key that signed it."""
    excluded = {proposal.key.subject, proposal.key.person, proposal.key.proposer}
    return bool({approval.key.subject, approval.key.person} & excluded)


def takes_two_leads(act: ProvenAct) -> bool:
    """Tell whether the policy in force as an act was signed lets held funds go by two leads only.

    Signers' clocks differ, so where it changed just then either counts.
    """
    policies = act.key.policies_at(act.token.iat)
    return all(policy.withdrawal_quorum > 1 for policy in policies)


def require_one_lead_suffices(
    case: CaseFile, act: ProvenAct, numbers: Collection[int] | None, *, hold: str | None = None
) -> None:
    """Refuse an act of one lead that let go what was held, where the policy then asked for two.

    Args:
        case: What the reader is shown.
        act: The act, alone.
        numbers: The addresses that it is about; None for all.
        hold: The one hold that it is about; None: any.

    Raises:
        UntrustedEvidenceError: With code `takes_two_leads`.
    """
    if not takes_two_leads(act):
        return
    lines = [
        line
        for line in case.lines
        if (numbers is None or line.address_no in numbers) and hold in {None, line.hold}
    ]
    if _is_held(lines, case.lines, act.token.iat - SKEW):
        raise UntrustedEvidenceError(
            f"{act.act} let held funds go by one lead, and the requester's policy asked for two",
            code="takes_two_leads",
        )


def _is_held(lines: Iterable[LineView], everything: Iterable[LineView], before: int) -> bool:
    """Tell whether anything of these lines was still held then, as far as they say."""
    earlier = [line for line in everything if line.reported_at.timestamp() < before]
    corrected = {line.corrects: line for line in earlier if line.corrects is not None}
    counting = _counting(earlier)
    held: dict[str, int] = {}
    ended: set[str] = set()
    for line in lines:
        if line.hold not in counting or line.hold is None or _says_sharing(line):
            continue
        if line.reported_at.timestamp() >= before:
            continue
        counts = corrected.get(line.id, line)
        if line.kind is LineKind.FROZEN:
            # A withheld amount is held until a withheld line ends it.
            held[line.hold] = held.get(line.hold, 0) + int(counts.amount or 1)
        elif line.kind in _MOVES and counts.amount is None:
            ended.add(line.hold)
        elif line.kind in _MOVES:
            held[line.hold] = held.get(line.hold, 0) - int(counts.amount or 0)
    return any(amount > 0 for hold, amount in held.items() if hold not in ended)


def _counting(lines: Iterable[LineView]) -> set[str | None]:
    """Return the holds that count for a request after these lines.

    Lines that were written elsewhere are shown with their own times, also what came before the hold
    was shared; and `kept` for another request ends that it counts for this one.
    """
    own = [line for line in lines if not line.shared]
    counts: dict[str | None, bool] = {}
    for line in sorted(own, key=lambda each: each.id):
        if line.kind is LineKind.FROZEN:
            counts[line.hold] = True
        elif line.kind is LineKind.KEPT and line.basis == KeptBasis.OTHER_REQUEST:
            counts[line.hold] = False
    return {hold for hold, does in counts.items() if does}


def _says_sharing(line: LineView) -> bool:
    """Tell whether a line says that a hold of another request counts, and no amount of its own."""
    is_amount = line.withheld or line.amount is not None
    return line.kind is LineKind.FROZEN and not line.shared and not is_amount
