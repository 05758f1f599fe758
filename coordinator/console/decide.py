"""One request on one screen, and its verdict: in the order in which a lead looks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.console import decision_story, render, words
from coordinator.console import decision_words as say
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.asked import signed_submission
from coordinator.console.context import console
from coordinator.console.decision_addresses import (
    WHOLE_ROWS,
    Addresses,
    Kind,
    TablePage,
    TableState,
)
from coordinator.console.decision_case import DecisionCase, hands_in_submission, why_not
from coordinator.console.decision_consequences import consequences
from coordinator.console.decision_form import (
    Fault,
    Typed,
    Wanted,
    approval_body,
    decision_body,
    faults_of,
    missing_reasons,
    wanted_reasons,
)
from coordinator.console.decision_signing import (
    Approving,
    approval_act,
    digits,
    page_of,
    rejection_act,
    second_device,
    shown_facts,
)
from coordinator.console.forms import number_of
from coordinator.console.visit import Visit
from coordinator.domain.errors import CoordinatorError, NotFoundError
from holdfast.protocol import strict_json
from holdfast.protocol.vocabulary import Decision, Urgency

#: What a button that only shows the page anew says before a kind of warning that it leaves out.
_LEAVE = "leave:"


class Entered(NamedTuple):
    """What a page is shown with: what was typed, what is wrong with it, and what is new."""

    typed: Typed
    table: TableState
    faults: Sequence[Fault] = ()
    news: Sequence[str] = ()


def show(visit: Visit, request_id: str) -> Response:
    """Show a request to decide on, or how it was decided."""
    case = DecisionCase.read(visit, request_id)
    return _page(case, Entered(Typed(), TableState.of(request.args)))


def decide(visit: Visit, request_id: str) -> Response | WsgiResponse:
    """Prepare the decision that was made; or show the page again with what is missing or new."""
    case = DecisionCase.read(visit, request_id)
    form = visit.form
    entered = Entered(Typed.of(form, case.request["address_count"]), TableState.of(form.fields))
    look = form.fields.get("look")
    if look is not None:
        return _page(case, _looked(case, entered, look))
    news = _news(case, form.text("seen"))
    if news:
        return _page(case, entered._replace(news=news), HTTPStatus.CONFLICT)
    match form.text("decision"):
        case Decision.APPROVE.value:
            return _approve(case, entered)
        case Decision.REJECT.value:
            return _reject(case, entered)
        case _:
            raise NotFoundError("a decision is to approve or to reject")


def _looked(case: DecisionCase, entered: Entered, look: str) -> Entered:
    """Return another part of the table, or a kind left out; what was typed stays."""
    typed, table = entered.typed, entered.table
    if look.startswith(_LEAVE):
        kind = look.removeprefix(_LEAVE)
        numbers = (w["address_nos"] for w in case.request["warnings"] if w["code"] == kind)
        return entered._replace(typed=replace(typed, left_out=typed.left_out.union(*numbers)))
    if look == "find":
        return entered._replace(table=replace(table, start=0))
    pairs = dict(parse_qsl(look, keep_blank_values=True))
    return entered._replace(table=TableState.of(pairs))


def _approve(case: DecisionCase, entered: Entered) -> Response | WsgiResponse:
    typed = entered.typed
    wanted = wanted_reasons(case.request["warnings"], typed.left_out)
    missing = missing_reasons(wanted, typed)
    if missing:
        return _faulty(case, entered, missing)
    document = None
    if typed.left_out:
        document = strict_json.loads(signed_submission(case.visit, case.request)["body"].encode())
    body = approval_body(case.request, typed, wanted, document)
    act = approval_act(case, _addresses(case, typed), Approving(typed, wanted), body)
    return _ask(case, entered, wanted, act)


def _reject(case: DecisionCase, entered: Entered) -> Response | WsgiResponse:
    why = entered.typed.why
    if not why:
        return _faulty(case, entered, [Fault("why", "Say why you reject it.")])
    body = decision_body(case.request, Decision.REJECT, why)
    return _ask(case, entered, (), rejection_act(case, why, body))


def _ask(
    case: DecisionCase, entered: Entered, wanted: Sequence[Wanted], act: WantedAct
) -> Response | WsgiResponse:
    """Ask for the signature; what the API would refuse is said on the page instead."""
    try:
        return ask_signature(case.visit, act)
    except CoordinatorError as error:
        is_rejection = act.body["decision"] == Decision.REJECT
        faults = faults_of(error, wanted, "why" if is_rejection else "comment")
    # It may have moved on meanwhile.
    return _faulty(DecisionCase.read(case.visit, case.id), entered, faults)


def _faulty(case: DecisionCase, entered: Entered, faults: Sequence[Fault]) -> Response:
    return _page(case, entered._replace(faults=faults), HTTPStatus.UNPROCESSABLE_ENTITY)


def seen(case: DecisionCase) -> str:
    """Return what a form says of the state that its page showed."""
    request = case.request
    flags = "".join(str(int(request[name])) for name in ("provisional", "unratified"))
    parts = (request["context_sha256"], request["status"], flags, str(len(case.decisions)))
    return "/".join(parts)


def _news(case: DecisionCase, seen_before: str) -> list[str]:
    """Return what happened since a form's page was shown; nothing where nothing did."""
    if seen_before == seen(case):
        return []
    known = number_of(seen_before.rpartition("/")[2]) or 0
    news = [
        f"{each.who} {'approved' if each.is_approval else 'rejected'} it,"
        f" {words.ago(each.at, case.now) if each.at else ''}."
        for each in say.decisions(case)[known:]
    ]
    return [*news, f"It now stands like this: {say.state_words(case)}"]


def _addresses(case: DecisionCase, typed: Typed) -> Addresses:
    document = case.document
    warnings = case.request["warnings"] if document.addresses else ()
    frozen = say.frozen(case) if len(document.addresses) <= WHOLE_ROWS else {}
    return Addresses(document, warnings, case.assets, typed.left_out, frozen)


def _page(case: DecisionCase, entered: Entered, status: int = HTTPStatus.OK) -> Response:
    typed, table, faults, news = entered
    addresses = _addresses(case, typed)
    kinds, page = addresses.kinds, addresses.page(table)
    partners = say.partners(case, case.request["to"])
    reason = _why_not(case)
    return render.page(
        "decide.html",
        case.visit,
        status=status,
        case=case,
        request=case.request,
        nav="requests",
        sentence=_sentence(case, addresses),
        clock=say.clock(case),
        glance=say.glance(case, kinds, addresses.warned_words),
        author=say.author(case),
        path=decision_story.path(case, addresses),
        addresses=addresses,
        kinds=kinds,
        shown_in=_first_kinds(addresses),
        table=table,
        page=page,
        promises=say.promises(case),
        partners=partners,
        changes=decision_story.changes(case),
        decisions=say.decisions(case),
        why_not=reason,
        deciders=case.deciders({*case.excluded, *say.decided_words(case)}),
        partner_kinds=say.kinds_of_partners(partners),
        task=case.request["task"],
        taken=_taken(case),
        typed=typed,
        kept_words=[*filter(None, (*typed.reasons.values(), typed.comment, typed.why))],
        faults=faults,
        fault_links=[(f"f-{each.name}" if each.name else "", each.text) for each in faults],
        news=news,
        done=done_words(case.visit),
        **_verdict(case, typed, addresses, _with_tick(kinds, page), reason),
    )


def _why_not(case: DecisionCase) -> str:
    if not case.document.addresses:
        return "Its document was erased: nobody can see any more what is asked."
    return why_not(case, excluded=hands_in_submission(case), decided=say.decided_words(case))


def _sentence(case: DecisionCase, addresses: Addresses) -> Mapping[str, Any]:
    """Return the parts of the page's one sentence."""
    return {
        "partners": words.counted(len(case.request["to"]), "partner"),
        "addresses": words.counted(case.request["address_count"], "address"),
        "sums": words.sums(addresses.document.sums, case.assets, short=True),
        "worth": say.worth(addresses.document.addresses),
        "hours": words.hours(case.request["hold_hours"]),
        "state": say.state_words(case),
        "is_flash": case.request["urgency"] == Urgency.FLASH,
    }


def _with_tick(kinds: Sequence[Kind], page: TablePage) -> frozenset[int]:
    """Return the numbers of the addresses that are shown, each with its tick."""
    shown = [*page.lines, *(line for kind in kinds for line in kind.lines)]
    return frozenset(line.number for line in shown)


def _first_kinds(addresses: Addresses) -> Mapping[int, str]:
    """Return where the tick of an address stands that several kinds show: in the first."""
    first: dict[int, str] = {}
    for kind in addresses.kinds:
        for line in kind.lines:
            first.setdefault(line.number, kind.code)
    return first


def _verdict(
    case: DecisionCase,
    typed: Typed,
    addresses: Addresses,
    shown: Collection[int],
    reason: str,
) -> Mapping[str, Any]:
    """Return what the verdict shows: what is missing, the buttons' words, the digits."""
    wanted = wanted_reasons(case.request["warnings"], typed.left_out)
    given = {name for name, text in typed.reasons.items() if text}
    act = "Ratify" if case.is_out_unratified else "Approve"
    return {
        "is_open": case.is_awaited and not reason,
        "seen": seen(case),
        "wanted": wanted,
        "wanted_names": {each.name for each in wanted},
        "given": given,
        "checks": _checks(addresses, wanted, given),
        "act": act,
        "then": consequences(case),
        "act_words": _act_words(act, case.request["address_count"], typed.left_out),
        "total": case.request["address_count"],
        "ticked_elsewhere": sorted(typed.left_out.difference(shown)),
        "facts_shown": shown_facts(case),
        "digits_shown": digits(case, Decision.APPROVE, typed.left_out),
        "command": second_device(case, Decision.APPROVE, typed.left_out),
        "page_link": console().origin + page_of(case),
    }


def _act_words(act: str, total: int, left_out: Collection[int]) -> str:
    """Return what the button says, as the script says it, too."""
    if not left_out:
        return f"{act} all {words.grouped(str(total))}" if total > 1 else act
    return f"{act} {words.grouped(str(total - len(left_out)))} of {words.grouped(str(total))}"


def _checks(
    addresses: Addresses, wanted: Sequence[Wanted], given: Collection[str]
) -> list[tuple[bool, str, str]]:
    """Return what an approval needs, each with where it is given; those behind the page at once."""
    shown = {line.number for kind in addresses.kinds for line in kind.lines}
    near = [each for each in wanted if each.number is None or each.number in shown]
    checks = [
        (True, f"{each.said}: reason given", "")
        if each.name in given
        else (False, f"{each.said}: give a reason or leave it out", f"#f-{each.name}")
        for each in near
    ]
    far = len(wanted) - len(near)
    if far:
        text = f"{words.counted(far, 'address')} more with a reason of its own: leave them out"
        checks.append((False, text, "#p-addr"))
    return checks


def _taken(case: DecisionCase) -> str:
    task = case.request["task"]
    if task is None or task["taken_at"] is None:
        return ""
    since = words.ago(task["taken_at"], case.now)
    who = case.visit.name_of(task["taken_by"])
    return f"You have it, since {since}." if who == "you" else f"{who} has it, since {since}."
