"""What happens in a case: each function returns one act, to be carried out when its time comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from holdfast.protocol.life_cycle_payloads import IndemnityCap
from holdfast.protocol.payloads import (
    FoundLine,
    FrozenLine,
    KeptLine,
    Next,
    NothingLine,
    ReleasedLine,
    ReportLine,
    ReturnedLine,
    SeizedLine,
    WarningAcceptance,
)
from holdfast.protocol.views import AddressWarning, FreezeRequestView
from holdfast.protocol.vocabulary import (
    ABOUT_OTHER_REQUESTS,
    ACCEPTED_SINGLY,
    Decision,
    DeclineCode,
    HoldBasis,
    KeptBasis,
    LineKind,
    PartnerKind,
    ReleaseReason,
    Support,
    WithdrawalReason,
)
from reference_exchange.cases.accounts import document, transaction
from reference_exchange.cases.case import Act, Scene, Step, exact, span, worth


def at(after: str, act: Act) -> Step:
    """Return the step that carries an act out, so long after the request was submitted."""
    return Step(span(after), act)


def wait(_scene: Scene) -> None:
    """Do nothing: a clock of the coordinator's runs out by itself."""


# --- the requester --------------------------------------------------------------------------------


def approve(who: str = "lead", *, why: str = "As traced.", comment: str | None = None) -> Act:
    """Approve or ratify as a lead; `why` accepts every warning."""

    def act(scene: Scene) -> None:
        lead = scene.members[scene.case.asker].client(who)
        view = lead.freeze_request(scene.sent.id)
        lead.decide(
            view,
            Decision.APPROVE,
            context_sha256=sha256((view.decision_context or "").encode()).hexdigest(),
            comment=comment,
            warnings_accepted=_accepted(view, why),
        )

    return act


def _accepted(view: FreezeRequestView, why: str) -> list[WarningAcceptance]:
    return [
        WarningAcceptance(code=warning.code, address_nos=together, reason=why)
        for warning in view.warnings
        if warning.code not in ABOUT_OTHER_REQUESTS
        for together in _together(warning)
    ]


def _together(warning: AddressWarning) -> list[list[int]]:
    """Return the addresses of a warning as they are accepted: all at once, or one by one."""
    numbers = list(warning.address_nos)
    return [[number] for number in numbers] if warning.code in ACCEPTED_SINGLY else [numbers]


def reject(comment: str, who: str = "lead") -> Act:
    """Reject as a lead."""

    def act(scene: Scene) -> None:
        lead = scene.members[scene.case.asker].client(who)
        view = lead.freeze_request(scene.sent.id)
        context = sha256((view.decision_context or "").encode()).hexdigest()
        lead.decide(view, Decision.REJECT, context_sha256=context, comment=comment)

    return act


def withdraw(
    reason: str,
    code: WithdrawalReason = WithdrawalReason.WRONG_TARGET,
    numbers: Sequence[int] | None = None,
    who: str = "lead",
) -> Act:
    """Withdraw all or some addresses; where that takes two leads it is proposed."""

    def act(scene: Scene) -> None:
        lead = scene.members[scene.case.asker].client(who)
        lead.withdraw(scene.sent, reason, reason_code=code, addresses=numbers)

    return act


def close(reason: str, who: str = "lead") -> Act:
    """Close as a lead."""
    return lambda scene: _ignore(
        scene.members[scene.case.asker].client(who).close(scene.sent, reason)
    )


def reply(partner: str, text: str, who: str = "analyst") -> Act:
    """Answer a partner's question."""

    def act(scene: Scene) -> None:
        client = scene.members[scene.case.asker].client(who)
        client.answer(scene.sent, scene.questions[partner], text)

    return act


def resolve(partner: str, text: str, *, is_upheld: bool, who: str = "second-lead") -> Act:
    """Answer a partner's dispute as a lead."""

    def act(scene: Scene) -> None:
        lead = scene.members[scene.case.asker].client(who)
        lead.resolve_dispute(scene.sent, scene.disputes[partner], is_upheld=is_upheld, text=text)

    return act


def ask_for_longer(partner: str, number: int, hold: str, reason: str) -> Act:
    """Ask a partner to hold longer."""

    def act(scene: Scene) -> None:
        lead = scene.members[scene.case.asker].client("lead")
        until = scene.now + span(hold)
        lead.ask_extension(scene.sent, scene.holds[partner, number], until, reason)

    return act


def rest_on(support: Support, reference: str) -> Act:
    """Have the request rest on a better word."""

    def act(scene: Scene) -> None:
        officer = scene.members[scene.case.asker].client("officer")
        paper = document(f"{scene.case.name}/{support}")
        officer.raise_support(scene.sent, support, document_sha256=paper, reference=reference)

    return act


def indemnify(usd: str, law: str, days: int = 365) -> Act:
    """Make good what a wrong freeze costs."""

    def act(scene: Scene) -> None:
        officer = scene.members[scene.case.asker].client("officer")
        officer.give_indemnity(
            scene.sent,
            IndemnityCap(usd=usd),
            law=law,
            until=scene.now + timedelta(days=days),
            document_sha256=document(f"{scene.case.name}/indemnity"),
        )

    return act


def ask_more(*partners: str, who: str = "second-lead") -> Act:
    """Propose further partners; another lead decides."""

    def act(scene: Scene) -> None:
        handles = [scene.members[stem].handle for stem in partners]
        scene.members[scene.case.asker].client(who).add_partners(scene.sent, handles)

    return act


def take(stem: str, who: str = "lead") -> Act:
    """Say "I have it" of the first task that the case gives an organisation."""

    def act(scene: Scene) -> None:
        client = scene.members[stem].client(who)
        task = next(each for each in client.tasks() if each.request_id == scene.sent.id)
        client.take(client.freeze_request(scene.sent.id), task.id)

    return act


# --- a partner asked ------------------------------------------------------------------------------


def acknowledge(*partners: str, who: str = "analyst", note: str | None = None) -> Act:
    """Say that somebody has it."""

    def act(scene: Scene) -> None:
        for partner in partners:
            scene.members[partner].client(who).acknowledge(scene.sent, note)

    return act


def review(partner: str, note: str | None = None) -> Act:
    """Say that somebody looks into it."""
    return lambda scene: _ignore(scene.members[partner].client("officer").review(scene.sent, note))


def read(partner: str) -> Act:
    """Open it, and say nothing yet."""
    return lambda scene: _ignore(
        scene.members[partner].client("analyst").freeze_request(scene.sent.id)
    )


def ask(partner: str, missing: Sequence[str], text: str) -> Act:
    """Ask the requester for what is needed."""

    def act(scene: Scene) -> None:
        question = scene.members[partner].client("officer").ask(scene.sent, missing, text)
        scene.questions[partner] = question.id

    return act


def decline(
    partner: str, code: DeclineCode, detail: str | None = None, missing: Sequence[str] = ()
) -> Act:
    """Say that nothing is frozen, and why; with something missing it may be asked again."""

    def act(scene: Scene) -> None:
        officer = scene.members[partner].client("officer")
        officer.decline(scene.sent, code, detail=detail, missing=missing, retry=bool(missing))

    return act


def nothing(
    *partners: str, code: DeclineCode = DeclineCode.NO_MATCH, detail: str | None = None
) -> Act:
    """Report that no flagged address leads to anybody."""

    def act(scene: Scene) -> None:
        for partner in partners:
            line = NothingLine(kind=LineKind.NOTHING, address_nos="rest", code=code, detail=detail)
            scene.members[partner].client("officer").report(scene.sent, [line])

    return act


def moved_on(partner: str, number: int, service: str, account: str) -> Act:
    """Report that the funds of an address went on, and where to."""

    def act(scene: Scene) -> None:
        tx = transaction(scene.coin(number), f"{scene.case.name}/onward/{number}")
        line = NothingLine(
            kind=LineKind.NOTHING,
            address_nos=[number],
            code=DeclineCode.MOVED_ON,
            next=Next(service=service, account=account, tx=tx),
        )
        scene.members[partner].client("officer").report(scene.sent, [line])

    return act


def freeze(
    partner: str,
    amounts: Mapping[int, str],
    *,
    found: Mapping[int, str] | None = None,
    hold: str = "72h",
    rest: DeclineCode | None = DeclineCode.NO_MATCH,
) -> Act:
    """Report what was found and frozen, by address in whole coins; `rest` answers the others."""
    terms = _Terms(amounts, found or {}, span(hold))
    return lambda scene: _report_frozen(scene, partner, terms, rest)


def freeze_by_order(partner: str, amounts: Mapping[int, str], hold: str) -> Act:
    """Report what was frozen on an order; no other address led to anybody."""
    terms = _Terms(amounts, {}, span(hold), HoldBasis.LEGAL_ORDER)
    return lambda scene: _report_frozen(scene, partner, terms, DeclineCode.NO_MATCH)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What was frozen and found by address, how long it is held and on what ground."""

    amounts: Mapping[int, str]
    found: Mapping[int, str]
    hold: timedelta
    basis: HoldBasis = HoldBasis.VOLUNTARY


def _report_frozen(scene: Scene, partner: str, terms: _Terms, rest: DeclineCode | None) -> None:
    member = scene.members[partner]
    is_issuer = member.organisation.kind is PartnerKind.ISSUER
    lines: list[ReportLine] = []
    for number in terms.amounts:
        lines += _frozen(scene, number, terms, is_issuer=is_issuer)
    if rest is not None and len(terms.amounts) < len(scene.flags):
        lines.append(NothingLine(kind=LineKind.NOTHING, address_nos="rest", code=rest))
    report = member.client("officer").report(scene.sent, lines)
    for line in report.lines:
        if line.kind is LineKind.FROZEN and line.hold and line.address_no is not None:
            scene.holds[partner, line.address_no] = line.hold


def _frozen(scene: Scene, number: int, terms: _Terms, *, is_issuer: bool) -> list[ReportLine]:
    """Return the lines that say what was found at an address, and what of it is frozen."""
    coin, now, amount = scene.coin(number), scene.now, terms.amounts[number]
    asset, units = exact(coin, amount)
    found = terms.found.get(number, amount)
    stated = {
        "kind": LineKind.FROZEN,
        "address_no": number,
        "asset": asset,
        "amount": units,
        "usd": worth(coin, amount, now),
    }
    if is_issuer:
        name = f"{scene.case.name}/{number}"
        stated |= {
            "proposed_tx": transaction(coin, f"{name}/proposed"),
            "proposed_at": now - timedelta(minutes=11),
            "effective_tx": transaction(coin, f"{name}/effective"),
            "effective_at": now - timedelta(minutes=1),
            "review_at": now + terms.hold,
        }
    else:
        stated |= {
            "frozen_at": now - timedelta(minutes=1),
            "hold_expires_at": now + terms.hold,
            "basis": terms.basis,
        }
    line = FoundLine(
        kind=LineKind.FOUND,
        address_no=number,
        asset=asset,
        amount=exact(coin, found)[1],
        usd=worth(coin, found, now),
    )
    return [line, FrozenLine.model_validate(stated)]


def release(
    partner: str, number: int, amount: str, reason: ReleaseReason = ReleaseReason.FALSE_POSITIVE
) -> Act:
    """Let so much of a hold go."""

    def act(scene: Scene) -> None:
        coin = scene.coin(number)
        line = ReleasedLine(
            kind=LineKind.RELEASED,
            hold=scene.holds[partner, number],
            amount=exact(coin, amount)[1],
            reason=reason,
            usd=worth(coin, amount, scene.now),
        )
        scene.members[partner].client("officer").report(scene.sent, [line])

    return act


def give_back(partner: str, number: int, amount: str) -> Act:
    """Return so much of a hold to the victim."""

    def act(scene: Scene) -> None:
        coin = scene.coin(number)
        line = ReturnedLine(
            kind=LineKind.RETURNED,
            hold=scene.holds[partner, number],
            amount=exact(coin, amount)[1],
            tx=transaction(coin, f"{scene.case.name}/returned/{partner}/{number}"),
            usd=worth(coin, amount, scene.now),
        )
        scene.members[partner].client("officer").report(scene.sent, [line])

    return act


def seize(partner: str, number: int, amount: str, agency: str, order: str) -> Act:
    """Report that an authority took so much of a hold over."""

    def act(scene: Scene) -> None:
        coin = scene.coin(number)
        line = SeizedLine(
            kind=LineKind.SEIZED,
            hold=scene.holds[partner, number],
            amount=exact(coin, amount)[1],
            agency=agency,
            order=order,
            usd=worth(coin, amount, scene.now),
        )
        scene.members[partner].client("officer").report(scene.sent, [line])

    return act


def keep(partner: str, number: int, hold: str, basis: KeptBasis = KeptBasis.OWN_POLICY) -> Act:
    """Keep a hold although the request no longer asks for it."""

    def act(scene: Scene) -> None:
        line = KeptLine(
            kind=LineKind.KEPT,
            hold=scene.holds[partner, number],
            basis=basis,
            hold_expires_at=scene.now + span(hold),
        )
        scene.members[partner].client("officer").report(scene.sent, [line])

    return act


def extend(partner: str, number: int, hold: str, basis: HoldBasis = HoldBasis.VOLUNTARY) -> Act:
    """Hold longer."""

    def act(scene: Scene) -> None:
        officer = scene.members[partner].client("officer")
        until = scene.now + span(hold)
        officer.extend(scene.sent, scene.holds[partner, number], until, basis)

    return act


def dispute(partner: str, number: int, reference: str, text: str) -> Act:
    """Contest a freeze for a customer, who stays unnamed."""

    def act(scene: Scene) -> None:
        officer = scene.members[partner].client("officer")
        hold = scene.holds[partner, number]
        scene.disputes[partner] = officer.dispute(scene.sent, reference, text, hold=hold).id

    return act


def attach_order(partner: str, number: int, agency: str, reference: str) -> Act:
    """Attach an authority's order to a hold, and hold by it."""

    def act(scene: Scene) -> None:
        officer = scene.members[partner].client("officer")
        hold = scene.holds[partner, number]
        officer.attach_order(
            scene.sent,
            agency=agency,
            reference=reference,
            document_sha256=document(f"{scene.case.name}/order/{partner}"),
            hold=hold,
        )
        until = scene.now + timedelta(days=180)
        officer.extend(scene.sent, hold, until, HoldBasis.LEGAL_ORDER)

    return act


def _ignore(_answer: object) -> None:
    """Drop an answer that the case goes on without."""
