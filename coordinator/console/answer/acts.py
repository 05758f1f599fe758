"""Every act of an answer but the report of many lines: from a filled form to what is signed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from coordinator.console.answer.case import AnswerCase
from coordinator.console.answer.filled import (
    Fault,
    FilledWrongError,
    lines_of,
    time_of,
    without_nothing,
)
from coordinator.console.answer.wording import DISPUTE_BEGINS, RELEASES, plain
from coordinator.console.forms import Form
from coordinator.console.words import utc
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import CHOSEN
from holdfast.protocol.amounts import AmountTextError
from holdfast.protocol.unit_amounts import read_amount
from holdfast.protocol.vocabulary import DeclineCode, KeptBasis, LineKind, ReleaseReason

#: A pointer of the API, and the field of the form that it is about.
Places = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An act as its form makes it.

    Attributes:
        call: Last part of the API's path.
        body: Without the document's hash.
        sentence: What the person is about to do.
        button: The same on a button.
        facts: What else the sign page shows.
        place: The field that a JSON pointer of a refusal is about.
    """

    call: str
    body: dict[str, Any]
    sentence: str
    button: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    place: Callable[[str], str]


class Act(NamedTuple):
    """How a form is read, and what it takes to sign it."""

    prepare: Callable[[AnswerCase, Form], Prepared]
    needs: Permission


def by_member(places: Places | None = None) -> Callable[[str], str]:
    """Return the places of an act whose fields are named as the API's members, but for some."""
    known = dict(places or {})

    def place(pointer: str) -> str:
        for start, name in known.items():
            if pointer.startswith(start):
                return name
        return pointer.lstrip("/").partition("/")[0]

    return place


def _of_line(places: Places | None = None) -> Callable[[str], str]:
    """Return the places of a report of one line."""
    inner = by_member(places)
    return lambda pointer: inner(pointer.removeprefix("/lines/0"))


def acknowledge(case: AnswerCase, form: Form) -> Prepared:
    """Somebody has it."""
    requester = case.request["requester"]
    return Prepared(
        call="acknowledgement",
        body=without_nothing({"note": form.text("note")}),
        sentence=f"Tell {requester} that you have its request. Nothing is frozen by this.",
        button="Acknowledge",
        place=by_member(),
    )


def review(case: AnswerCase, form: Form) -> Prepared:
    """Somebody is looking into it."""
    requester = case.request["requester"]
    return Prepared(
        call="review",
        body=without_nothing({"note": form.text("note")}),
        sentence=f"Tell {requester} that you are looking into its request.",
        button="Say that you look into it",
        place=by_member(),
    )


def ask(case: AnswerCase, form: Form) -> Prepared:
    """Ask for what is needed before one can act."""
    missing = lines_of(form.text("missing"))
    if not missing:
        raise FilledWrongError([Fault("missing", "Say what you need, one thing a line.")])
    return Prepared(
        call="info-requests",
        body={"missing": missing, **without_nothing({"text": form.text("text")})},
        sentence=f"Ask {case.request['requester']} for what you need: {'; '.join(missing)}. Your"
        " time to answer stands still until it replies.",
        button="Ask",
        place=by_member(),
    )


def explanation(form: Form, faults: list[Fault]) -> dict[str, Any]:
    """Return what explains a code, from the fields that are the same in a decline and a report."""
    following = without_nothing({n: form.text(f"next_{n}") for n in ("service", "account", "tx")})
    return without_nothing(
        {
            "detail": form.text("detail"),
            "retry": "retry" in form.fields,
            "missing": lines_of(form.text("missing")),
            "next": following or None,
            "left_at": time_of(form, "left_at", faults),
        }
    )


#: Where faults of an explanation stand; one of the code as a whole stands with the code.
EXPLAINED: Places = MappingProxyType(
    {
        "/next/service": "next_service",
        "/next/account": "next_account",
        "/next/tx": "next_tx",
        "/next": "next_service",
        "/missing": "missing",
        "/retry": "retry",
        "/detail": "detail",
        "/left_at": "left_at",
    }
)


def decline(case: AnswerCase, form: Form) -> Prepared:
    """Nothing is or will be frozen."""
    code, faults = form.text("code"), list[Fault]()
    said = explanation(form, faults)
    if code not in set(DeclineCode):
        faults.append(Fault("code", "Say why: choose a reason."))
    else:
        faults += lacking(DeclineCode(code), said)
    if faults:
        raise FilledWrongError(faults)
    return Prepared(
        call="decline",
        body={"code": code, **said},
        sentence=f"Decline: tell {case.request['requester']} that you freeze nothing. Reason:"
        f" {_lower(CHOSEN[DeclineCode(code)])}.",
        button="Decline",
        facts=explained_facts(said),
        place=by_member(EXPLAINED),
    )


def lacking(code: DeclineCode, said: Mapping[str, Any]) -> list[Fault]:
    """Return what a code asks for beside it, each fault at its own field."""
    faults = []
    if code is DeclineCode.INSUFFICIENT_EVIDENCE:
        if "missing" not in said:
            faults.append(Fault("missing", "Say what is missing, one thing a line."))
        if "retry" not in said:
            faults.append(
                Fault("retry", "Tick that they may ask again: evidence that is missing can come.")
            )
    if code is DeclineCode.MOVED_ON and "next" not in said:
        faults.append(Fault("next_service", "Say where they went: a service, account or tx."))
    if code is DeclineCode.LEFT_AFTER_NOTICE and "left_at" not in said:
        faults.append(Fault("left_at", "Say when the funds left."))
    if code is DeclineCode.OTHER and "detail" not in said:
        faults.append(Fault("detail", "Say why in a sentence."))
    return faults


def explained_facts(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an explanation as the sign page shows it."""
    facts = [("In your words", said["detail"])] if "detail" in said else []
    if "missing" in said:
        facts.append(("Missing", "; ".join(said["missing"])))
    if "retry" in said:
        facts.append(("They may ask again", "Yes, once it is complete"))
    if "next" in said:
        facts.append(("Where it went", ", ".join(said["next"].values())))
    if "left_at" in said:
        facts.append(("When it left", utc(said["left_at"])))
    return facts


def release(case: AnswerCase, form: Form) -> Prepared:
    """Let go of a hold, or of a part."""
    hold, faults = _hold(case, form), list[Fault]()
    reason = form.text("reason")
    if reason not in set(ReleaseReason):
        faults.append(Fault("reason", "Say why: choose a reason."))
    amount = _amount(case, form, hold, faults)
    _raise(faults)
    return Prepared(
        call="freeze-reports",
        body=_line(LineKind.RELEASED, hold=hold["id"], amount=amount, reason=reason),
        sentence=f"Release {_words(case, hold, amount)} of the hold on no. {hold['address_no']}."
        f" Reason: {_lower(RELEASES[ReleaseReason(reason)])}.",
        button="Release",
        facts=_hold_facts(case, hold),
        place=_of_line(),
    )


def give_back(case: AnswerCase, form: Form) -> Prepared:
    """What went back to the victim or the requester."""
    hold, faults = _hold(case, form), list[Fault]()
    if not form.text("tx"):
        faults.append(Fault("tx", "Name the transaction that took it back."))
    amount = _amount(case, form, hold, faults)
    _raise(faults)
    line = {"hold": hold["id"], "amount": amount, "tx": form.text("tx")}
    why = without_nothing({"reason": form.text("reason")})
    return Prepared(
        call="freeze-reports",
        body=_line(LineKind.RETURNED, **line, **why),
        sentence=f"Report that {_words(case, hold, amount)} of the hold on no."
        f" {hold['address_no']} went back.",
        button="Report it returned",
        facts=[*_hold_facts(case, hold), ("Transaction", form.text("tx"))],
        place=_of_line(),
    )


def seize(case: AnswerCase, form: Form) -> Prepared:
    """What an authority took over."""
    hold, faults = _hold(case, form), list[Fault]()
    if not form.text("agency"):
        faults.append(Fault("agency", "Name the authority."))
    amount = _amount(case, form, hold, faults)
    _raise(faults)
    order = without_nothing({"order": form.text("order")})
    line = {"hold": hold["id"], "amount": amount, "agency": form.text("agency"), **order}
    return Prepared(
        call="freeze-reports",
        body=_line(LineKind.SEIZED, **line),
        sentence=f"Report that {form.text('agency')} took over {_words(case, hold, amount)} of the"
        f" hold on no. {hold['address_no']}.",
        button="Report it seized",
        facts=_hold_facts(case, hold),
        place=_of_line(),
    )


def keep(case: AnswerCase, form: Form) -> Prepared:
    """Hold on although the request was withdrawn or the hold lapsed."""
    hold, faults = _hold(case, form), list[Fault]()
    basis = form.text("basis")
    is_for_other = basis == KeptBasis.OTHER_REQUEST
    end = "" if is_for_other else time_of(form, "hold_expires_at", faults)
    if not is_for_other and not end and not faults:
        faults.append(Fault("hold_expires_at", "Say until when."))
    _raise(faults)
    other = form.text("other_request") if is_for_other else ""
    line = {"hold": hold["id"], "basis": basis}
    line |= without_nothing({"hold_expires_at": end, "other_request": other})
    until = f" until {utc(end)}" if end else ""
    return Prepared(
        call="freeze-reports",
        body=_line(LineKind.KEPT, **line),
        sentence=f"Keep the hold on no. {hold['address_no']}{until}, and say on what ground.",
        button="Keep it",
        facts=_hold_facts(case, hold),
        place=_of_line(),
    )


def extend(case: AnswerCase, form: Form) -> Prepared:
    """A later end, or another ground."""
    hold, faults = _hold(case, form), list[Fault]()
    end = time_of(form, "hold_expires_at", faults)
    if not end and not faults:
        faults.append(Fault("hold_expires_at", "Say until when."))
    _raise(faults)
    body = {"hold": hold["id"], "hold_expires_at": end, "basis": form.text("basis")}
    return Prepared(
        call="hold-extensions",
        body=body | without_nothing({"note": form.text("note")}),
        sentence=f"Hold what you froze on no. {hold['address_no']} until {utc(end)}, no longer"
        f" until {utc(hold['hold_expires_at'])}.",
        button="Extend",
        facts=_hold_facts(case, hold),
        place=by_member(),
    )


def correct(case: AnswerCase, form: Form) -> Prepared:
    """What a line should have said; both stay visible."""
    line = case.line(form.text("line"))
    if line is None or line.get("asset") is None:
        raise NotFoundError("you have no such line on this request")
    faults = list[Fault]()
    if not form.text("reason"):
        faults.append(Fault("reason", "Say what was wrong."))
    amount = _amount(case, form, line, faults, may_be_none=True)
    _raise(faults)
    was = "withheld" if line.get("withheld") else case.amount_words(line["amount"], line["asset"])
    level = {"account_level": True} if "account_level" in form.fields else {}
    said = {"corrects": line["id"], "amount": amount, "reason": form.text("reason")}
    return Prepared(
        call="freeze-reports",
        body=_line(LineKind.CORRECTION, **said, **level),
        sentence=f"Correct a line of yours on no. {line['address_no']}: it said {was}, and should"
        f" have said {_words(case, line, amount)}. Both stay visible.",
        button="Correct it",
        facts=[("Why", form.text("reason"))],
        place=_of_line(),
    )


#: As the dispute's body takes it; its own fault would name the pattern.
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{3,63}", re.ASCII)


def dispute(case: AnswerCase, form: Form) -> Prepared:
    """Contest for a customer, who stays unnamed."""
    faults = list[Fault]()
    about = form.text("about")
    if about not in DISPUTE_BEGINS:
        faults.append(Fault("about", "Say what is contested."))
    if not form.text("text"):
        faults.append(Fault("text", "Say why, without a word about who the customer is."))
    if not _REFERENCE.fullmatch(form.text("reference")):
        words = "Make up a word for the matter, as matter-12: 4 to 64 letters, digits, . _ or -."
        faults.append(Fault("reference", words))
    _raise(faults)
    text = DISPUTE_BEGINS[about] + form.text("text")
    body = {"reference": form.text("reference"), "text": text}
    which = form.text("hold")
    return Prepared(
        call="disputes",
        body=body | without_nothing({"hold": which}),
        sentence=f"Contest {'a hold' if which else 'this freeze'} for your customer, who stays"
        f" unnamed. {case.request['requester']} must answer in time.",
        button="Dispute",
        facts=[("In your words", text), ("Your reference", form.text("reference"))],
        place=by_member(),
    )


def order(_case: AnswerCase, form: Form) -> Prepared:
    """An authority's order, by the hash of its document."""
    names = {
        "agency": "Name the authority.",
        "reference": "Give the order's number.",
        "document_sha256": "Give the document's SHA-256, 64 hexadecimal digits.",
    }
    faults = [Fault(name, text) for name, text in names.items() if not form.text(name)]
    _raise(faults)
    body: dict[str, object] = {name: form.text(name) for name in names}
    body["document_sha256"] = form.text("document_sha256").lower()
    return Prepared(
        call="legal-orders",
        body=body | without_nothing({"hold": form.text("hold")}),
        sentence=f"Attach an order of {form.text('agency')}, {form.text('reference')}. It changes"
        " no hold by itself.",
        button="Attach the order",
        facts=[("SHA-256", str(body["document_sha256"]))],
        place=by_member(),
    )


#: What a form of the page may ask for, by its name; `report` and `table` are of many lines.
ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "acknowledge": Act(acknowledge, Permission.LEG_ACKNOWLEDGE),
        "review": Act(review, Permission.LEG_REVIEW),
        "ask": Act(ask, Permission.LEG_ASK),
        "decline": Act(decline, Permission.LEG_DECLINE),
        "release": Act(release, Permission.HOLD_RELEASE),
        "return": Act(give_back, Permission.HOLD_RETURN),
        "seize": Act(seize, Permission.HOLD_SEIZE),
        "keep": Act(keep, Permission.HOLD_KEEP),
        "extend": Act(extend, Permission.HOLD_EXTEND),
        "correct": Act(correct, Permission.FREEZE_LEDGER_CORRECT),
        "dispute": Act(dispute, Permission.DISPUTE_RAISE),
        "order": Act(order, Permission.LEGAL_ORDER_ATTACH),
    }
)


def _line(kind: LineKind, **members: Any) -> dict[str, Any]:
    return {"lines": [{"kind": kind.value, **members}]}


def _hold(case: AnswerCase, form: Form) -> Mapping[str, Any]:
    hold = case.hold(form.text("hold"))
    if hold is None:
        raise NotFoundError("you have no such hold on this request")
    return hold


def _amount(
    case: AnswerCase,
    form: Form,
    of: Mapping[str, Any],
    faults: list[Fault],
    *,
    may_be_none: bool = False,
) -> str | None:
    """Return the amount of a form in base units of what it is about; None where it is withheld."""
    if "withheld" in form.fields:
        return None
    text = form.text("amount")
    if may_be_none and text == "0":
        return "0"
    if not text:
        faults.append(Fault("amount", "Say how much, with its unit."))
        return None
    try:
        asset, base_units = read_amount(text, case.visit.assets, asset=of["asset"])
    except AmountTextError as error:
        faults.append(Fault("amount", plain(str(error))))
        return None
    if asset != of["asset"]:
        unit = case.visit.assets.unit(of["asset"])
        faults.append(Fault("amount", f"This is of {unit.symbol if unit else of['asset']}."))
    return base_units


def _words(case: AnswerCase, of: Mapping[str, Any], amount: str | None) -> str:
    return (
        "an amount that you withhold" if amount is None else case.amount_words(amount, of["asset"])
    )


def _hold_facts(case: AnswerCase, hold: Mapping[str, Any]) -> list[tuple[str, str]]:
    address = case.asked.at(hold["address_no"]) or {}
    held = "withheld" if hold["withheld"] else case.amount_words(hold["held"], hold["asset"])
    return [
        ("Address", f"no. {hold['address_no']}, {address.get('account', 'erased')}"),
        ("Held before this", held),
    ]


def _lower(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise FilledWrongError(faults)
