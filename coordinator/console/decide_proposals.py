"""Deciding on what a colleague proposed: more partners to be asked, or funds to be let go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import additions, withdrawals
from coordinator.api.view import QueryView
from coordinator.console import decision_words as say
from coordinator.console import render, words
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.contested import (
    contested_holds,
    every_hold,
    find_dispute,
)
from coordinator.console.decision_addresses import Addresses, AddressLine
from coordinator.console.decision_case import DecisionCase, why_not
from coordinator.console.decision_form import Fault, faults_of
from coordinator.console.decision_signing import digits, second_device, shown_facts
from coordinator.console.visit import Visit
from coordinator.console.words import Countdown, countdown, counted, moment
from coordinator.domain.errors import CoordinatorError, NotFoundError
from coordinator.services.reading.code_words import WITHDRAWN_BECAUSE
from holdfast.protocol.vocabulary import Decision

#: Addresses of a withdrawal that the page lists.
_ROWS = 40
_PENDING = "pending"
_ENDED = {
    "approved": "approved",
    "rejected": "rejected",
    "expired": "expired: nobody decided in time",
    "void": "void: nobody approved it in time",
    "moot": "moot: what it was about ended before",
}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a colleague proposed, as its page shows it.

    Attributes:
        said: As the API shows it.
        url: Of its page.
        status: `pending`, or how it ended.
        sentence: In three parts, the middle one bold.
        yes: What the button says that approves it.
        signed: What one signs when approving, as a sentence; and when rejecting.
        api_path: Where the decision goes.
        body: Of the decision, but for what is decided and the comment.
        context: Of its decision, where there is one: then there are digits.
        decided: What was decided on it, as (person, decision, time).
        partners: Who would be asked.
        lines: What would be let go.
        held: What is held there, as (partner, amounts).
        quoted: What somebody outside said that it is about, as (who, words).
        next_step: What follows once it is approved, as (words, URL).
    """

    said: Mapping[str, Any]
    url: str
    status: str
    sentence: tuple[str, str, str]
    yes: str
    signed: tuple[str, str]
    api_path: str
    body: Mapping[str, Any]
    context: str | None = None
    decided: Sequence[tuple[str, str, str]] = ()
    partners: Sequence[say.Partner] = ()
    lines: Sequence[AddressLine] = ()
    held: Sequence[tuple[str, str]] = field(default_factory=tuple)
    quoted: tuple[str, str] | None = None
    next_step: tuple[str, str] | None = None


def show_addition(visit: Visit, request_id: str, addition_id: str) -> Response:
    """Show more partners that a colleague proposed to ask."""
    case = DecisionCase.read(visit, request_id)
    return _page(case, _addition(case, addition_id))


def decide_addition(visit: Visit, request_id: str, addition_id: str) -> Response | WsgiResponse:
    """Prepare the decision on more partners."""
    case = DecisionCase.read(visit, request_id)
    return _decide(case, _addition(case, addition_id))


def show_withdrawal(visit: Visit, request_id: str, withdrawal_id: str) -> Response:
    """Show what a colleague proposed to let go."""
    case = DecisionCase.read(visit, request_id)
    return _page(case, _withdrawal(case, withdrawal_id))


def decide_withdrawal(visit: Visit, request_id: str, withdrawal_id: str) -> Response | WsgiResponse:
    """Prepare the decision on letting something go."""
    case = DecisionCase.read(visit, request_id)
    return _decide(case, _withdrawal(case, withdrawal_id))


def _addition(case: DecisionCase, addition_id: str) -> Proposal:
    said = _find(case, additions.list_additions, addition_id)
    count = counted(len(said["to"]), "more partner")
    who = case.visit.name_of(said["proposed_by"])
    return Proposal(
        said=said,
        url=f"/console/requests/{case.id}/additions/{addition_id}",
        status=said["addition_status"],
        sentence=(f"{_begin(who)} to ask ", count, f": {words.listed(said['to'][:4])}."),
        yes=f"Ask {count}",
        signed=(
            f"You ask {count} to freeze {counted(case.request['address_count'], 'address')}.",
            f"You refuse to ask {count}.",
        ),
        api_path=f"/v1/freeze-requests/{case.id}/approvals",
        body={"context_sha256": said["context_sha256"]},
        context=said["context_sha256"],
        decided=[(each["person"], each["decision"], each["at"]) for each in said["approvals"]],
        partners=say.partners(case, said["to"]),
    )


def _withdrawal(case: DecisionCase, withdrawal_id: str) -> Proposal:
    said = _find(case, withdrawals.list_withdrawals, withdrawal_id)
    if said["dispute"] is not None:
        return _upholding(case, said)
    who = case.visit.name_of(said["proposed_by"])
    numbers = said["addresses"]
    among = range(case.request["address_count"]) if numbers == "all" else numbers or ()
    what = _let_go(case, said)
    holds = [each for each in every_hold(case.visit, case.id) if each["address_no"] in among]
    document = case.document
    lines = Addresses(document, (), case.assets)
    return Proposal(
        said=said,
        url=f"/console/requests/{case.id}/withdrawals/{withdrawal_id}",
        status=said["withdrawal_status"],
        sentence=(f"{_begin(who)} to ", what, "."),
        yes="Let go",
        signed=(f"You agree to {what}.", f"You refuse to {what}."),
        api_path=f"/v1/freeze-requests/{case.id}/withdrawals/{withdrawal_id}/approvals",
        body={"act_sha256": said["act_sha256"]},
        decided=[],
        lines=[lines.line(document.addresses[number]) for number in list(among)[:_ROWS]],
        held=_held(case, holds),
    )


def _upholding(case: DecisionCase, said: Mapping[str, Any]) -> Proposal:
    """Return a dispute that a colleague proposes to uphold."""
    who = case.visit.name_of(said["proposed_by"])
    dispute = find_dispute(case.visit, case.id, said["dispute"])
    holds = contested_holds(case.visit, case.id, dispute)
    document, lines = case.document, Addresses(case.document, (), case.assets)
    numbers = sorted({hold["address_no"] for hold in holds}) if document.addresses else []
    what = f"agree with {dispute['partner']} that its customer is wrongly frozen"
    return Proposal(
        said=said,
        url=f"/console/requests/{case.id}/withdrawals/{said['id']}",
        status=said["withdrawal_status"],
        sentence=(f"{_begin(who)} to ", what, "."),
        yes="Agree with them",
        signed=(f"You {what}.", f"You refuse to {what}."),
        api_path=f"/v1/freeze-requests/{case.id}/withdrawals/{said['id']}/approvals",
        body={"act_sha256": said["act_sha256"]},
        lines=[lines.line(document.addresses[number]) for number in numbers[:_ROWS]],
        held=_held(case, holds),
        quoted=(dispute["partner"], dispute["text"] or "erased"),
        next_step=(
            "Withdraw what is contested",
            f"/console/requests/{case.id}/withdraw?dispute={dispute['id']}",
        ),
    )


def _begin(who: str) -> str:
    return "You propose" if who == "you" else f"{who} proposes"


def _let_go(case: DecisionCase, said: Mapping[str, Any]) -> str:
    if said["addresses"] == "all":
        return "withdraw the whole request"
    count = counted(len(said["addresses"] or ()), "address")
    return f"take back {count} of {words.grouped(str(case.request['address_count']))}"


def _held(case: DecisionCase, holds: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what holds hold, by partner."""
    by_partner: dict[str, list[tuple[str, str]]] = {}
    for each in holds:
        if int(each["held"]):
            by_partner.setdefault(each["partner"], []).append((each["asset"], each["held"]))
    return [
        (partner, words.listed(map(str, words.sums_by_asset(held, case.assets))))
        for partner, held in by_partner.items()
    ]


def _find(case: DecisionCase, view: QueryView, proposal_id: str) -> Mapping[str, Any]:
    """Return one proposal of a request.

    Raises:
        NotFoundError: If it has no such.
    """
    every = case.visit.every(view, request_id=case.id)
    found = next((each for each in every if each["id"] == proposal_id), None)
    if found is None:
        raise NotFoundError("this request has no such proposal")
    return found


def _decide(case: DecisionCase, proposal: Proposal) -> Response | WsgiResponse:
    form = case.visit.form
    comment, text = form.text("comment"), form.text("decision")
    if form.text("seen") != proposal.status or text not in set(Decision):
        return _page(case, proposal, comment, is_stale=True)
    decision = Decision(text)
    if decision is Decision.REJECT and not comment:
        return _page(case, proposal, comment, [Fault("comment", "Say why you reject it.")])
    try:
        return ask_signature(case.visit, _act(case, proposal, decision, comment))
    except CoordinatorError as error:
        return _page(case, proposal, comment, faults_of(error, (), "comment"))


def _act(case: DecisionCase, proposal: Proposal, decision: Decision, comment: str) -> WantedAct:
    is_yes = decision is Decision.APPROVE
    body = {
        **proposal.body,
        "content_sha256": case.request["content_sha256"],
        "decision": decision.value,
    }
    shown, command = None, ""
    if proposal.context is not None:
        shown = digits(case, decision, context_sha256=proposal.context)
        command = f"{second_device(case, decision)} --addition {proposal.said['id']}"
    facts = [("Proposed by", case.visit.name_of(proposal.said["proposed_by"]))]
    facts += [("To", words.listed(each.handle for each in proposal.partners[:8]))] * bool(
        proposal.partners
    )
    facts += [("Held there", f"{what} at {where}") for where, what in proposal.held]
    facts += [("You say", comment)] * bool(comment)
    return WantedAct(
        path=proposal.api_path,
        body=body | ({"comment": comment} if comment else {}),
        sentence=proposal.signed[not is_yes],
        button=proposal.yes if is_yes else "Reject",
        back=proposal.url,
        then=proposal.url,
        facts=facts,
        digits=shown,
        command=command,
    )


def _excluded(case: DecisionCase, proposal: Proposal) -> dict[str, str]:
    key = case.key_of(proposal.said["proposed_by_kid"])
    proposer = None if key is None else key["proposer"]
    hands = {} if proposer is None else {proposer: "A grant of yours made the key that signed it."}
    return hands | {proposal.said["proposed_by"]: "You proposed this."}


def _page(
    case: DecisionCase,
    proposal: Proposal,
    comment: str = "",
    faults: Sequence[Fault] = (),
    *,
    is_stale: bool = False,
) -> Response:
    decided = {
        person: f"at {words.utc(at)}: {'approved' if how == Decision.APPROVE else 'rejected'}"
        for person, how, at in proposal.decided
    }
    excluded = _excluded(case, proposal)
    reason = why_not(case, excluded=excluded, decided=decided)
    is_pending = proposal.status == _PENDING
    status = HTTPStatus.CONFLICT if is_stale else HTTPStatus.OK
    code = proposal.said.get("reason_code")
    return render.page(
        "proposal.html",
        case.visit,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else status,
        nav="requests",
        request=case.request,
        proposal=proposal,
        who=case.visit.name_of(proposal.said["proposed_by"]),
        reason_code="" if code is None else WITHDRAWN_BECAUSE[code],
        left=countdown(proposal.said["approve_by"], case.now)
        if is_pending
        else Countdown("", None),
        is_pending=is_pending,
        ended=_ENDED.get(proposal.status, proposal.status),
        is_open=is_pending and not reason,
        why_not=reason,
        deciders=case.deciders({*excluded, *decided}),
        decisions=[
            (case.visit.name_of(person), how == Decision.APPROVE, moment(at))
            for person, how, at in proposal.decided
        ],
        comment=comment,
        faults=faults,
        fault_links=[(f"f-{each.name}" if each.name else "", each.text) for each in faults],
        is_stale=is_stale,
        done=done_words(case.visit),
        **_digits(case, proposal),
    )


def _digits(case: DecisionCase, proposal: Proposal) -> Mapping[str, Any]:
    if proposal.context is None:
        return {"digits_shown": None, "facts_shown": "", "command": ""}
    return {
        "digits_shown": digits(case, Decision.APPROVE, context_sha256=proposal.context),
        "facts_shown": shown_facts(case, context_sha256=proposal.context),
        "command": f"{second_device(case, Decision.APPROVE)} --addition {proposal.said['id']}",
    }
