"""The page on which a partner without automation answers; every act ends in a passkey."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.answer import sentences, wording
from coordinator.console.answer.acts import ACTS, Prepared
from coordinator.console.answer.case import AnswerCase, Wanted, read_case
from coordinator.console.answer.filled import Fault, Filled, FilledWrongError
from coordinator.console.answer.report import prepare_report
from coordinator.console.answer.rows import (
    ROWS,
    hold_cards,
    line_cards,
    open_holds,
    rows_page,
)
from coordinator.console.answer.table import at_lines, prepare_table, table_text
from coordinator.console.answer.wording import plain
from coordinator.console.forms import Form
from coordinator.console.visit import Visit
from coordinator.console.words import listed, moment
from coordinator.domain.errors import (
    AuthenticationError,
    CoordinatorError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from coordinator.domain.leg import LegAct
from coordinator.domain.permission import Permission

#: What is wrong with the visit, not with what was typed.
_NOT_OF_FORM = (AuthenticationError, NotFoundError, RateLimitedError, UnavailableError)
#: Faults that a page lists one by one.
_MOST_FAULTS = 100
_REPORTS = {"report": prepare_report, "table": prepare_table}


def show(visit: Visit, request_id: str) -> Response:
    """Show what is asked, and what may be done about it now."""
    wanted = Wanted(request.args.get("holds", ""), request.args.get("lines", ""))
    case = read_case(visit, request_id, wanted)
    first = _number(request.args.get("from", ""))
    return _page(case, Filled(), looked_for=request.args.get("q", "")[:100], first=first)


def answer(visit: Visit, request_id: str, act: str) -> Response | WsgiResponse:
    """Lead to the signature of an act, or show the form again with what is wrong in it."""
    case, form = read_case(visit, request_id), visit.form
    if act == "report" and "go" in form.fields:
        return _turn(case, form)
    if act not in ACTS and act not in _REPORTS:
        raise NotFoundError("there is no such act")
    try:
        prepared = _prepare(act)(case, form)
    except FilledWrongError as error:
        return _again(case, act, error.faults)
    try:
        return _sign(case, prepared)
    except _NOT_OF_FORM:
        raise
    except CoordinatorError as error:
        return _again(case, act, _faults(error, prepared.place))


def _again(case: AnswerCase, act: str, faults: list[Fault]) -> Response:
    """Show the page with the form as it was filled in, and each fault beside its field."""
    form = case.visit.form
    if act == "table":
        form.fields["table"] = table_text(form)
        faults = at_lines(faults)
    filled = Filled(form.text("key") or act, form, _few(faults))
    return _page(case, filled, first=_number(form.text("from")), status=422)


def _prepare(act: str) -> Callable[[AnswerCase, Form], Prepared]:
    return _REPORTS[act] if act in _REPORTS else ACTS[act].prepare


def _sign(case: AnswerCase, prepared: Prepared) -> WsgiResponse:
    page = f"/console/requests/{case.id}/answer"
    title = case.request["incident"]["title"]
    return ask_signature(
        case.visit,
        WantedAct(
            path=f"/v1/freeze-requests/{case.id}/{prepared.call}",
            body={"content_sha256": case.request["content_sha256"], **prepared.body},
            sentence=prepared.sentence,
            button=prepared.button,
            back=page,
            then=page,
            facts=[*([("Case", title)] if title else []), *prepared.facts],
        ),
    )


def _faults(error: CoordinatorError, place: Callable[[str], str]) -> list[Fault]:
    """Return a refusal as faults of fields."""
    if not error.errors:
        return [Fault("", plain(error.message))]
    return [Fault(place(each.pointer), plain(each.detail)) for each in error.errors]


def _few(faults: list[Fault]) -> list[Fault]:
    single = list(dict.fromkeys(faults))
    more = len(single) - _MOST_FAULTS
    return [*single[:_MOST_FAULTS], *([Fault("", f"And {more} more.")] if more > 0 else [])]


def _turn(case: AnswerCase, form: Form) -> Response:
    """Show other rows of the report form, with all that was typed."""
    go = form.text("go")
    first = 0 if go == "find" else _number(go)
    return _page(case, Filled("report", form), looked_for=form.text("q")[:100], first=first)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 0  # noqa: PLR2004 - digits


def _page(
    case: AnswerCase, filled: Filled, *, looked_for: str = "", first: int = 0, status: int = 200
) -> Response:
    looked_for = looked_for or filled.form.text("q")[:100]
    holds = hold_cards(case)
    return render.page(
        "answer/page.html",
        case.visit,
        status=status,
        nav="requests",
        case=case,
        request=case.request,
        submitted_at=moment(case.request["submitted_at"]),
        incident_at=moment(case.request["incident"]["occurred_at"]),
        silent_until=moment(case.request["do_not_notify_customer_until"]),
        leg=case.leg,
        base=f"/console/requests/{case.id}/answer",
        filled=filled,
        sentence=sentences.sentence(case),
        clock_now=sentences.clock(case),
        notes=sentences.notes(case),
        lacking=sentences.lacking(case),
        examples=sentences.examples(case),
        progress=sentences.progress(case),
        left=sentences.left_words(case),
        rights=sentences.withheld_rights(case),
        rows=rows_page(case, filled, looked_for, first),
        row_count=ROWS,
        holds=holds,
        hold_choices=[("", "All that you hold on this request"), *open_holds(case)],
        lines=line_cards(case),
        words=wording,
        local=sentences.local_input,
        first_end=case.now + timedelta(hours=case.request["hold_hours"]),
        seen_by=listed(map(case.visit.called, _named(case))),
        may_limit=case.may(Permission.LEG_LIMIT) and not case.visit.actor.is_suspended,
        may=_may(case),
        done=done_words(case.visit),
    )


def _named(case: AnswerCase) -> list[str]:
    """Return to whom the leg is limited; nobody where it is not."""
    limited = case.leg.get("limited")
    return [] if limited is None else list(limited["people"])


def _may(case: AnswerCase) -> dict[str, bool]:
    """Return which forms the page has: what the life cycle takes now, from whom it takes it."""
    may: dict[str, Any] = {name: case.may(act.needs) for name, act in ACTS.items()}
    for name in ("acknowledge", "review", "ask", "decline"):
        may[name] = may[name] and case.takes(LegAct(name))
    may["report"] = case.may(Permission.LEG_REPORT) and case.takes(LegAct.REPORT)
    may["dispute"] = may["dispute"] and case.holds_something
    may["order"] = may["order"] and case.holds_something
    if case.visit.actor.is_suspended:
        settling = {"report", "release", "return", "seize", "keep", "extend", "correct"}
        may = {name: is_open and name in settling for name, is_open in may.items()}
    return may
