"""The acts of a decision as they are signed: sentence, facts, digits and second device."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from coordinator.console import words
from coordinator.console.acts import WantedAct
from coordinator.console.decision_addresses import KINDS, Addresses
from coordinator.console.decision_case import DecisionCase
from coordinator.console.decision_form import Typed, Wanted
from holdfast.protocol import canonical_json
from holdfast.protocol.shown_digits import PURPOSE, shown_digits
from holdfast.protocol.vocabulary import Decision


def page_of(case: DecisionCase) -> str:
    """Return the URL of the page of a decision."""
    return f"/console/requests/{case.id}/decide"


def shown_facts(
    case: DecisionCase, decision: Decision = Decision.APPROVE, context_sha256: str | None = None
) -> str:
    """Return what the digits are over, but for what is left out, which the script adds."""
    facts = {
        "v": 1,
        "purpose": PURPOSE,
        "aud": case.visit.reader.context.origin,
        "request_id": case.id,
        "content_sha256": case.request["content_sha256"],
        "context_sha256": context_sha256 or case.request["context_sha256"],
        "decision": decision.value,
    }
    return canonical_json.dumps(facts).decode()


def digits(
    case: DecisionCase,
    decision: Decision,
    left_out: Collection[int] = (),
    context_sha256: str | None = None,
) -> tuple[str, str]:
    """Return the digits that a second device shows, too."""
    return shown_digits(
        aud=case.visit.reader.context.origin,
        request_id=case.id,
        content_sha256=case.request["content_sha256"],
        context_sha256=context_sha256 or case.request["context_sha256"],
        decision=decision,
        left_out=left_out,
    )


def second_device(case: DecisionCase, decision: Decision, left_out: Collection[int] = ()) -> str:
    """Return the command that shows the digits on another device."""
    command = f"holdfast verify-approval {case.id}"
    if decision is Decision.REJECT:
        return f"{command} --reject"
    numbers = ",".join(str(number) for number in sorted(left_out))
    return f"{command} --except {numbers}" if numbers else command


class Approving(NamedTuple):
    """What a lead typed with an approval, and the reasons that it needs."""

    typed: Typed
    wanted: Sequence[Wanted]


def approval_act(
    case: DecisionCase, addresses: Addresses, approving: Approving, body: dict[str, Any]
) -> WantedAct:
    """Return the approval as it is to be signed."""
    typed, wanted = approving
    request, left_out = case.request, sorted(typed.left_out)
    verb = "ratify" if case.is_out_unratified else "approve"
    going = request["address_count"] - len(left_out)
    every = request["address_count"]
    count = f"{words.grouped(str(going))} of " if left_out else ""
    term = f"for {words.hours(request['hold_hours'])}"
    sums = words.sums(addresses.going_out(), case.assets)
    facts = [
        ("Request", _title(case)),
        ("Decision", f"{verb.capitalize()}, as {case.visit.actor.partner}'s security lead"),
        ("Going out", f"{sums}, stated by {request['requester']}"),
        ("To", f"{words.counted(len(request['to']), 'partner')}: {_named(request['to'])}"),
    ]
    if left_out:
        facts.append(("Left out", f"No. {_named(map(str, left_out), most=20)}"))
    facts += [(each.said, _quoted(typed.reason(each.name))) for each in wanted]
    silent = [each["code"] for each in request["warnings"] if each.get("requests")]
    facts += [(KINDS[code], "You accept it by signing; partners are not told") for code in silent]
    if typed.comment:
        facts.append(("To the partners", _quoted(typed.comment)))
    return WantedAct(
        path=f"/v1/freeze-requests/{case.id}/approvals",
        body=body,
        sentence=f"You {verb} {count}{words.counted(every, 'address')}, {sums} stated,"
        f" at {words.counted(len(request['to']), 'partner')}, {term}.",
        button=f"{verb.capitalize()} {words.grouped(str(going))}",
        back=page_of(case),
        then=page_of(case),
        facts=facts,
        digits=digits(case, Decision.APPROVE, left_out),
        command=second_device(case, Decision.APPROVE, left_out),
    )


def rejection_act(case: DecisionCase, why: str, body: dict[str, Any]) -> WantedAct:
    """Return the rejection as it is to be signed."""
    is_out = case.is_out_unratified
    told = "it is withdrawn from the partners that were asked" if is_out else "nobody is asked"
    return WantedAct(
        path=f"/v1/freeze-requests/{case.id}/approvals",
        body=body,
        sentence=f"You reject this request: {told}.",
        button="Reject and take it back" if is_out else "Reject",
        back=page_of(case),
        then=page_of(case),
        facts=[("Request", _title(case)), ("Why", _quoted(why))],
        digits=digits(case, Decision.REJECT),
        command=second_device(case, Decision.REJECT),
    )


def _title(case: DecisionCase) -> str:
    incident: Mapping[str, Any] = case.request["incident"]
    return f"{_quoted(incident['title'] or incident['id'])}, {case.id}"


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def _named(each: Any, most: int = 8) -> str:
    every = list(each)
    more = len(every) - most
    return words.listed([*every[:most], f"{more} more"] if more > 0 else every)
