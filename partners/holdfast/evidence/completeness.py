"""Whether the proven acts support what the coordinator shows of a request.

Every state implies acts: a request that went out was approved, a leg that is acknowledged was
acknowledged. And every act implies a state: a signed withdrawal cannot be ignored. Source:
docs/life-cycle.md. Each function checks one thing and says what came of it, or raises
`UntrustedEvidenceError` with what is wrong.
"""

from collections.abc import Sequence
from dataclasses import replace

from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import SKEW, ProvenAct
from holdfast.evidence.case_file import CaseFile, Result
from holdfast.evidence.four_eyes import (
    addition_context,
    document_of,
    left_out_by,
    partners_added,
    quorum_for,
    require_may_flash,
    require_quorum,
    require_vouched,
)
from holdfast.evidence.ledger import RecomputedLedger
from holdfast.evidence.two_leads import approved_proposals, require_one_lead_suffices
from holdfast.protocol.decision_context import DecisionContext, context_sha256
from holdfast.protocol.errors import DecisionContextError
from holdfast.protocol.life_cycle_payloads import Dispute, DisputeResolution, SupportRaise
from holdfast.protocol.life_cycle_views import DisputeView
from holdfast.protocol.payloads import (
    Decline,
    FreezeRequest,
    Interest,
    Remainder,
    WhyYou,
    Withdrawal,
)
from holdfast.protocol.views import FreezeRequestView, InterestView, LegView
from holdfast.protocol.vocabulary import (
    DeclineCode,
    InterestKind,
    LegStatus,
    RequestStatus,
    Role,
    Support,
    WithdrawalReason,
)
from holdfast.wording import counted

_ENDED = frozenset({RequestStatus.WITHDRAWN, RequestStatus.CLOSED})
#: What stays to be seen of a leg when the request ends.
_ANSWERED = frozenset({LegStatus.NO_MATCH, LegStatus.CANNOT_SAY, LegStatus.DECLINED})
#: What a leg shows by the last of its acts, where nothing was frozen.
_SHOWN_AFTER = {
    "acknowledge": {LegStatus.ACKNOWLEDGED},
    "review": {LegStatus.UNDER_REVIEW},
    "ask": {LegStatus.INFO_REQUESTED},
    "answer": {LegStatus.UNDER_REVIEW},
    "decline": {LegStatus.DECLINED},
    "cannot_say": {LegStatus.CANNOT_SAY},
    "report": {LegStatus.UNDER_REVIEW, *_ANSWERED},
}
#: These say that somebody of the partner has the request.
_ACKNOWLEDGING = ("acknowledge", "review", "ask", "decline", "report")
Outcome = tuple[Result, str]


def _fault(words: str, code: str = "not_as_signed") -> UntrustedEvidenceError:
    return UntrustedEvidenceError(words, code=code)


def the_submission(case: CaseFile) -> ProvenAct:
    """Return the one act by which the request was submitted."""
    found = case.proven("submit")
    if len(found) != 1:
        raise _fault(
            f"{len(found) or 'no'} submissions of it are proven, instead of one", "no_submission"
        )
    return found[0][1]


def document_as_signed(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Compare what is shown of the request with the document that was signed."""
    view, document = case.view, document_of(submission)
    require_vouched(submission, [act for _, act in case.proven("approve")])
    count = len(document.numbered())
    # Where the document names none, the operator's policy says how long.
    hours = view.hold_hours if document.hold is None else document.hold.hours
    pairs = {
        "requester": (view.requester, submission.key.partner),
        "submitter": (view.submitted_by, submission.key.subject),
        "drill": (view.drill, document.drill),
        "urgency": (view.urgency, document.urgency),
        "tlp": (view.tlp, document.tlp.value),
        "summary": (view.summary, document.summary),
        "count of addresses": (view.address_count, count),
        "hours to hold": (view.hold_hours, hours),
        "earlier request": (view.follows, document.follows),
        "wish to notify no customer": (
            view.do_not_notify_customer_until,
            document.do_not_notify_customer_until,
        ),
        "interest": (_stated(view.interest), _stated(document.interest)),
        "rulebook": (view.rulebook_sha256, document.rulebook_sha256),
        "gateway": (view.gateway, document.gateway),
        "why partners are asked": (
            [(each.why, each.address_nos) for each in view.why_you],
            [(each.why, each.address_nos) for each in _whys_read_by(case, document.why_you)],
        ),
    }
    wrong = [name for name, (shown, signed) in pairs.items() if shown != signed]
    if wrong:
        raise _fault(f"shown otherwise than signed: {', '.join(wrong)}")
    if isinstance(document, Remainder):
        return Result.VERIFIED, f"{counted(count, 'address')}, others left out by its approvals"
    return Result.VERIFIED, f"as signed, {counted(count, 'address')}"


def _stated(interest: Interest | InterestView | None) -> tuple[list[InterestKind], str] | None:
    return None if interest is None else (interest.kinds, interest.statement)


def _whys_read_by(case: CaseFile, said: Sequence[WhyYou]) -> list[WhyYou]:
    """Return what the reader of a case is shown of why partners are asked: its own, or all."""
    return [
        each for each in said if case.is_requester or each.to == "all" or case.handle in each.to
    ]


def shown_context(view: FreezeRequestView) -> DecisionContext:
    """Return the decision context, after checking that it is what its hash and the request say.

    Raises:
        UntrustedEvidenceError: `no_context` where none is shown, `bad_context` where it is wrong.
    """
    text = view.decision_context
    if text is None:
        raise _fault("this request shows you no decision context", "no_context")
    try:
        context = DecisionContext.read(text)
    except DecisionContextError as error:
        raise _fault(str(error), "bad_context") from None
    if (
        context_sha256(text) != view.context_sha256
        or context.request_id != view.id
        or context.content_sha256 != view.content_sha256
    ):
        raise _fault("the decision context does not fit its hash or the request", "bad_context")
    return context


def decisions_as_signed(case: CaseFile) -> None:
    """Refuse decisions that are shown but not signed, or signed but not shown."""
    signed = {
        act_id: (
            act.key.person,
            act.key.key.kid,
            act.document["context_sha256"],
            act.act,
            act.document.get("except", []),
        )
        for act_id, act in case.proven("approve", "reject")
    }
    shown = {
        each.id: (
            each.person,
            each.kid,
            each.context_sha256,
            each.decision.value,
            each.left_out,
        )
        for each in case.view.approvals
    }
    if signed != shown:
        odd = sorted(
            act_id for act_id in {*signed, *shown} if signed.get(act_id) != shown.get(act_id)
        )
        raise _fault(f"the decisions shown are not those that are signed: {', '.join(odd)}")


def quorum_of(case: CaseFile, submission: ProvenAct) -> int:
    """Return how many leads must approve: as policy asked, and no fewer than is shown."""
    return max(quorum_for(submission), case.view.quorum or 1)


def approved(case: CaseFile, submission: ProvenAct) -> bool:
    """Tell whether the quorum approved; refuse invalid approvals."""
    approvals = [act for _, act in case.proven("approve")]
    require_quorum(submission, approvals, quorum=0, context_sha256=_context(case, submission))
    return len({act.key.person for act in approvals}) >= quorum_of(case, submission)


def _context(case: CaseFile, submission: ProvenAct) -> str | None:
    """Return the hash of what leads decided on; None for partners asked, who do not read it."""
    if case.view.decision_context is None:
        return None
    context, document = shown_context(case.view), document_of(submission)
    if document.to != "all" and context.to != list(document.to):
        raise _fault("the decision context asks others than the document", "other_context")
    return case.view.context_sha256


def approvals_suffice(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Refuse a request that went out without its approvals."""
    decisions_as_signed(case)
    is_approved, quorum = approved(case, submission), quorum_of(case, submission)
    persons = len({act.key.person for _, act in case.proven("approve")})
    count = f"{persons} of {counted(quorum, 'approval')} needed"
    view = case.view
    went_out = bool(case.legs) or view.status in {RequestStatus.ACTIVE, RequestStatus.CLOSED}
    if not went_out:
        return Result.VERIFIED, f"{count}; it did not go out"
    if is_approved:
        if view.provisional or view.unratified:
            shown = "provisional" if view.provisional else "unratified"
            raise _fault(f"{count}, and it is shown as {shown}")
        return Result.VERIFIED, _how_known(case, submission, count)
    # Before its approvals only a flash request goes out, and then it is shown as provisional,
    # unratified or withdrawn again.
    if not (view.provisional or view.unratified or view.status is RequestStatus.WITHDRAWN):
        raise _fault(f"{count}, and it went out all the same", "not_approved")
    require_may_flash(submission)
    return Result.VERIFIED, f"{count}; a flash request, sent out before"


def _how_known(case: CaseFile, submission: ProvenAct, count: str) -> str:
    if _context(case, submission) is not None:
        return f"{count}, by others than the submitter"
    return f"{count}, by others than the submitter; what they were warned of is not yours to read"


def asked_as_signed(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Refuse partners asked that neither the document nor an approved addition names."""
    document, added = document_of(submission), _added(case, submission)
    partners = [leg.partner for leg in case.legs]
    if len(set(partners)) < len(partners):
        raise _fault("a partner is shown with more than one leg")
    if document.to == "all":
        return Result.ASSERTED, "all members, and the coordinator says who they were"
    named = {*document.to, *added}
    # Whoever was asked as a guest has a leg once it has joined, and none before.
    guests = {str(act.document["domain"]) for _, act in case.proven("ask_guest")}
    unasked = sorted({*case.view.to, *partners} - named - guests)
    if unasked:
        raise _fault(f"nobody's signature asks {', '.join(unasked)}", "not_asked")
    if case.is_requester and partners and approved(case, submission):
        missing = sorted(named - set(partners))
        if missing:
            raise _fault(f"no leg is shown of {', '.join(missing)}, which the request asks")
    return Result.VERIFIED, "named by the document" + (" and additions" if added else "")


def _added(case: CaseFile, submission: ProvenAct) -> set[str]:
    """Return the partners that approved additions name."""
    decided = case.proven("approve_addition")
    added: set[str] = set()
    approvals = 0
    for _, proposal in case.proven("add_partners"):
        context = addition_context(proposal, case.view.id, case.view.content_sha256)
        of_it = [act for _, act in decided if act.document["context_sha256"] == context]
        approvals += len(of_it)
        require_quorum(proposal, of_it, quorum=0, context_sha256=context, what="addition")
        if len({act.key.person for act in of_it}) >= quorum_of(case, submission):
            added |= set(partners_added(proposal))
    if approvals != len(decided):
        raise _fault("an addition is approved that nobody's signature proposes", "other_context")
    return added


def status_as_signed(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Refuse a status that no act leads to, and acts that the status ignores."""
    status = case.view.status
    _require_nothing_passed_over(case, status)
    if status is RequestStatus.WITHDRAWN:
        return _withdrawal(case, submission)
    if status is RequestStatus.CLOSED:
        return _ended(case, submission, "close", status)
    if status is RequestStatus.REJECTED:
        return _ended(case, submission, "reject", status)
    if status is RequestStatus.EXPIRED:
        return _ended(case, submission, "expire", status, only_undecided=True)
    if case.view.unratified:
        if not (case.unsigned("unratify") or case.unsigned("suspend")):
            raise _fault("it is shown as unratified, and no act says so", "no_such_act")
        return Result.ASSERTED, "active, unratified by the coordinator's own act"
    return Result.VERIFIED, status.value + (", provisional" if case.view.provisional else "")


def _require_nothing_passed_over(case: CaseFile, status: RequestStatus) -> None:
    allowed = {
        "close": {RequestStatus.CLOSED},
        "reject": {RequestStatus.REJECTED, RequestStatus.WITHDRAWN},
    }
    for name, statuses in allowed.items():
        if case.proven(name) and status not in statuses:
            raise _fault(f"a lead signed {name}, and it is shown as {status.value}")
    if _whole_withdrawals(case) and status is not RequestStatus.WITHDRAWN:
        raise _fault(f"the requester withdrew it, and it is shown as {status.value}")


def _withdrawal(case: CaseFile, submission: ProvenAct) -> Outcome:
    status = RequestStatus.WITHDRAWN
    for act in _whole_withdrawals(case):
        is_lead = Role.SECURITY_LEAD in act.key.roles_at(act.token.iat)
        if not is_lead and (case.legs or act.key.person != submission.key.person):
            raise _fault(
                f"{act.key.subject} withdrew it, who is no lead: before it goes out whoever"
                " submitted it may, and then leads only",
                "not_a_lead",
            )
        return Result.VERIFIED, "withdrawn by its requester"
    for _, act in case.proven("reject"):
        require_one_lead_suffices(case, act, None)
        return Result.VERIFIED, "withdrawn, for a lead would not ratify it"
    name = "lapse" if case.unsigned("lapse") else "suspend"
    return _ended(case, submission, name, status, only_undecided=True)


def _ended(
    case: CaseFile,
    submission: ProvenAct,
    name: str,
    status: RequestStatus,
    *,
    only_undecided: bool = False,
) -> Outcome:
    if case.proven(name):
        return Result.VERIFIED, f"{status.value} by a lead of its requester"
    if not case.unsigned(name):
        raise _fault(f"it is shown as {status.value}, and no act says so", "no_such_act")
    if only_undecided and approved(case, submission):
        raise _fault(
            f"its leads approved it, and no timer makes it {status.value} then", "not_undecided"
        )
    return Result.ASSERTED, f"{status.value} by the coordinator's own act ({name})"


def _withdrawals(case: CaseFile) -> list[ProvenAct]:
    """Return what withdrew anything: by one lead where that is enough, else by two."""
    alone = [act for _, act in case.proven("withdraw")]
    if case.legs:
        for act in alone:
            require_one_lead_suffices(case, act, _numbers(act))
    return alone + [act for _, act in approved_proposals(case, "propose_withdrawal")]


def _numbers(act: ProvenAct) -> list[int] | None:
    """Return the addresses that a withdrawal names; None for all."""
    if not isinstance(act.payload, Withdrawal) or act.payload.addresses == "all":
        return None
    return [number for number in act.payload.addresses if isinstance(number, int)]


def _whole_withdrawals(case: CaseFile) -> list[ProvenAct]:
    return [act for act in _withdrawals(case) if _numbers(act) is None]


def _left_out(case: CaseFile, submission: ProvenAct) -> frozenset[int]:
    """Return the addresses that a quorum of approvals left out."""
    if not approved(case, submission):
        return frozenset()
    return left_out_by([act for _, act in case.proven("approve")])


def addresses_as_signed(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Compare how many addresses are shown as withdrawn, or left out, with what is signed."""
    view, left_out = case.view, _left_out(case, submission)
    if case.is_requester and view.left_out_count != len(left_out):
        raise _fault(
            f"{view.left_out_count} are shown as left out, and its approvals name {len(left_out)}"
        )
    numbers = {number for act in _withdrawals(case) for number in _numbers(act) or ()}
    if view.ratify_by is not None and isinstance(document_of(submission), FreezeRequest):
        # The request had gone out whole: what its ratification left out was withdrawn by it.
        numbers |= left_out
    shown = view.withdrawn_count
    if len(numbers) != shown:
        raise _fault(f"{shown} are shown as withdrawn, and signed withdrawals name {len(numbers)}")
    left = f", {len(left_out)} left out" if left_out else ""
    return Result.VERIFIED, f"{shown} withdrawn{left}"


def clearances_as_signed(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Refuse a clearance that no wrong target bears out, and revocations that are passed over."""
    shown = {each.address_no for each in case.clearances}
    expected = _wrong_targets(case, submission)
    if shown != expected:
        odd = ", ".join(map(str, sorted(shown ^ expected)))
        raise _fault(f"what is shown as cleared and what is signed as a wrong target differ: {odd}")
    revoked = {each.id for each in case.clearances if each.revoked_at is not None}
    signed = {act.token.htu.split("/")[-2] for _, act in case.proven("revoke_clearance")}
    # Of an address that they were never asked about partners see the act, and no clearance.
    if revoked != signed & {each.id for each in case.clearances}:
        raise _fault("clearances are not revoked as they are signed to be")
    return Result.VERIFIED, f"{len(shown)} cleared, {len(revoked)} of them revoked"


def _wrong_targets(case: CaseFile, submission: ProvenAct) -> set[int]:
    """Return the addresses that signed acts end as wrong targets after partners were asked.

    A drill clears nobody, for it flagged nobody.
    """
    view, document = case.view, document_of(submission)
    if document.drill:
        return set()
    if not case.legs and view.ratify_by is None:
        return set()
    left_out = _left_out(case, submission)
    is_cut_late = view.ratify_by is not None and isinstance(document, FreezeRequest)
    found = set(left_out) if is_cut_late else set()
    left = document.numbered().keys() - left_out
    whole = False
    for act in _withdrawals(case):
        if not isinstance(act.payload, Withdrawal):
            continue
        is_wrong = act.payload.reason_code is WithdrawalReason.WRONG_TARGET
        if act.payload.addresses == "all":
            whole = whole or is_wrong
        else:
            left -= set(act.payload.addresses)
            found |= set(act.payload.addresses) if is_wrong else set()
    return found | (left if whole else set())


def leg_as_signed(case: CaseFile, leg: LegView, ledger: RecomputedLedger) -> Outcome:
    """Compare a leg's status and times with the acts on it and with what its lines come to."""
    names = _acts_on(case, leg)
    own = case.proven_by(leg.partner)
    acknowledging = [shown.at for shown, _ in own if shown.act in _ACKNOWLEDGING]
    first = min(acknowledging, default=None)
    shown = leg.acknowledged_at
    if (first is None) != (shown is None):
        said = "acknowledged, and no act of it says so" if first is None else "not acknowledged"
        raise _fault(f"{leg.partner} is shown as {said}", "no_such_act")
    if first is not None and shown is not None and abs((first - shown).total_seconds()) > SKEW:
        raise _fault(f"{leg.partner} acknowledged at {first:%Y-%m-%d %H:%M}, not when it is shown")
    expected = _statuses(case, names, ledger)
    if leg.status not in expected:
        words = " or ".join(sorted(status.value for status in expected))
        raise _fault(f"{leg.partner} is shown as {leg.status.value}; its acts come to {words}")
    _require_reason(case, leg)
    if leg.status in {LegStatus.QUEUED, LegStatus.DELIVERED}:
        return Result.ASSERTED, f"{leg.status.value}: nobody of it signed anything yet"
    return Result.VERIFIED, leg.status.value


def _require_reason(case: CaseFile, leg: LegView) -> None:
    """Refuse another reason to decline than its partner signed last; none may be shown."""
    own = case.proven_by(leg.partner)
    said = [act.payload for shown, act in own if shown.act == "decline"]
    last = said[-1] if said else None
    code, detail = (last.code, last.detail) if isinstance(last, Decline) else (None, None)
    if leg.decline_code not in {None, code} or leg.decline_detail not in {None, detail}:
        raise _fault(f"{leg.partner} is shown to have declined for another reason than it signed")


def _acts_on(case: CaseFile, leg: LegView) -> list[str]:
    """Return the names of the acts that decide a leg's status, in order."""
    answers = [
        (shown, act)
        for shown, act in case.proven_by(case.view.requester)
        if shown.act == "answer" and shown.leg_id in {None, leg.id}
    ]
    acts = sorted(
        (*case.proven_by(leg.partner), *answers), key=lambda each: (each[0].at, each[0].act_id)
    )
    return [_said_by(act) for shown, act in acts if shown.act in _SHOWN_AFTER]


def _said_by(act: ProvenAct) -> str:
    """Return what an act says of its leg; a decline may say that nothing can be said."""
    said = act.payload
    is_silent = isinstance(said, Decline) and said.code is DeclineCode.CANNOT_SAY
    return "cannot_say" if is_silent else act.act


def _statuses(case: CaseFile, names: Sequence[str], ledger: RecomputedLedger) -> set[LegStatus]:
    money = ledger.money_status()
    if money is not None:
        return {money}
    shown = {LegStatus.QUEUED, LegStatus.DELIVERED}
    for number, name in enumerate(names):
        # An answer takes back no word of the partner's: it counts right behind a question alone.
        if name != "answer" or "ask" in names[max(number - 1, 0) : number]:
            shown = set(_SHOWN_AFTER[name])
    if case.view.status in _ENDED:
        return {LegStatus.WITHDRAWN} | (shown & _ANSWERED)
    return shown


def support_as_signed(case: CaseFile, submission: ProvenAct) -> Outcome:
    """Refuse a better word than the document and the signed additions to it come to."""
    said = [document_of(submission).support]
    for _, act in case.proven("raise_support"):
        if isinstance(act.payload, SupportRaise):
            said.append(act.payload.support)
    ladder = list(Support)
    best = max(said, key=ladder.index)
    if case.view.support is not best:
        raise _fault(f"shown to rest on {case.view.support.value}, and signed is {best.value}")
    return Result.VERIFIED, best.value


def disputes_as_signed(case: CaseFile) -> Outcome:
    """Refuse disputes that nobody raised, and resolutions that nobody signed."""
    raised = dict(case.proven("dispute"))
    by_two = dict(approved_proposals(case, "propose_resolution"))
    resolved = dict(case.proven("resolve_dispute")) | by_two
    for view in case.disputes:
        _require_raised(view, raised.get(view.act_id))
        _require_resolved(case, view, resolved.get(view.resolution_act_id or ""))
    if len(case.disputes) != len(raised):
        raise _fault(f"{len(raised)} were raised, and {len(case.disputes)} are shown")
    ended = sum(view.resolution in {"upheld", "rejected"} for view in case.disputes)
    if ended != len(resolved):
        raise _fault(f"{len(resolved)} were answered, and {ended} are shown so")
    return Result.VERIFIED, f"{counted(len(raised), 'dispute')}, {ended} answered"


def _require_raised(view: DisputeView, act: ProvenAct | None) -> None:
    if act is None or not isinstance(act.payload, Dispute) or act.key.partner != view.partner:
        raise _fault(f"{view.id}: nobody's signature raises it", "no_such_act")
    said = act.payload
    if (view.hold, view.reference, view.text) != (said.hold, said.reference, said.text):
        raise _fault(f"{view.id} is shown otherwise than it was raised")


def _require_resolved(case: CaseFile, view: DisputeView, act: ProvenAct | None) -> None:
    if view.resolution is None:
        return
    if view.resolution == "moot":
        if view.resolution_act_id not in {a.act_id for a in case.unsigned("resolve_dispute")}:
            raise _fault(f"{view.id} is shown as moot, and no act says so", "no_such_act")
        return
    if act is None or not isinstance(act.payload, DisputeResolution):
        raise _fault(f"{view.id}: nobody's signature answers it", "no_such_act")
    said = act.payload
    is_it = act.token.htu.endswith(f"/disputes/{view.id}/resolution")
    if said.resolution == "upheld" and act.act == "resolve_dispute":
        # About a whole leg, only that partner's lines count; a reader asked sees no others.
        own = replace(case, lines=[line for line in case.lines if line.partner == view.partner])
        require_one_lead_suffices(own, act, None, hold=view.hold)
    if not is_it or (view.resolution, view.resolution_text) != (said.resolution, said.text):
        raise _fault(f"{view.id} is shown otherwise than it was answered")
