"""What persons ask for about a request, and the page on which its requester decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import data_subjects as api
from coordinator.console.acts import WantedAct
from coordinator.console.follow.case import Case
from coordinator.console.follow.forms import Field, FormPage, ask, show_form
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.data_subject import UNDECIDED
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import (
    DATA_SUBJECT_KINDS,
    DATA_SUBJECT_REASONS,
    DATA_SUBJECT_STATES,
)
from holdfast.protocol.vocabulary import EXTENSION_REASONS, DataSubjectDecision, DataSubjectReason

Answer = Response | WsgiResponse
_EXTEND = DataSubjectDecision.EXTENDED


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks, as the table shows it.

    Attributes:
        by: Who passed it on.
        url: Where one decides; empty where there is nothing to decide, or somebody else does.
    """

    id: str
    what: str
    reference: str
    by: str
    received_at: datetime | None
    due_at: datetime | None
    state: str
    why: str
    is_late: bool
    url: str


def asked_rows(case: Case) -> list[Asked]:
    """Return what persons ask about a request, for those of either side who read of it."""
    if not case.visit.may(Permission.DATA_SUBJECT_READ):
        return []
    query = api.DataSubjectQuery.model_validate({"request_id": case.id})
    return [_row(case, each) for each in case.visit.read(api.list_own, query)["items"]]


def _row(case: Case, view: Mapping[str, Any]) -> Asked:
    found = _case_of(view, case.id)
    is_open = found["status"] in UNDECIDED
    may = case.is_ours and case.visit.may(Permission.DATA_SUBJECT_ANSWER)
    return Asked(
        id=view["id"],
        what=DATA_SUBJECT_KINDS[view["kind"]],
        reference=view["reference"] or "",
        by="the operator" if view["passed_on_by"] == "operator" else view["passed_on_by"],
        received_at=moment(view["received_at"]),
        due_at=moment(found["due_at"]),
        state=DATA_SUBJECT_STATES[found["status"]],
        why=DATA_SUBJECT_REASONS[found["reason"]] if found["reason"] else "",
        is_late=is_open and found["overdue_at"] is not None,
        url=f"{case.url}/data-subjects/{view['id']}" if is_open and may else "",
    )


def _case_of(view: Mapping[str, Any], request_id: str) -> Mapping[str, Any]:
    found = next((each for each in view["cases"] if each["request_id"] == request_id), None)
    if found is None:
        raise NotFoundError("there is no such data-subject request, or none that you may see")
    return dict(found)


def show_decision(visit: Visit, request_id: str, data_subject_request_id: str) -> Answer:
    """Show what a person asks, with the form that decides on it."""
    case = Case.read(visit, request_id)
    return show_form(case, _page(case, _read(visit, data_subject_request_id)))


def decide(visit: Visit, request_id: str, data_subject_request_id: str) -> Answer:
    """Lead to the signature of what is decided."""
    case, form = Case.read(visit, request_id), visit.form
    view = _read(visit, data_subject_request_id)
    page = _page(case, view)

    def wanted() -> WantedAct:
        decision, reason = form.text("decision"), form.text("reason")
        body = {"content_sha256": case.request["content_sha256"], "decision": decision}
        if reason:
            body["reason"] = reason
        asked = DATA_SUBJECT_KINDS[view["kind"]].lower()
        words = {"granted": "Grant", "refused": "Refuse", "extended": "Take two months more for"}
        return WantedAct(
            path=f"/v1/freeze-requests/{case.id}/data-subject-requests/{view['id']}/answer",
            body=body,
            sentence=f"{words.get(decision, 'Decide on')} what a person asks: {asked}. The person"
            " you answer yourselves.",
            button="Sign the decision",
            back=page.url,
            then=f"{case.url}/documents",
            facts=[("Why", DATA_SUBJECT_REASONS[reason])] if reason in DATA_SUBJECT_REASONS else [],
        )

    return ask(case, page, wanted)


def _read(visit: Visit, data_subject_request_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = visit.read(
        api.read_one, data_subject_request_id=data_subject_request_id
    )
    return found


def _page(case: Case, view: Mapping[str, Any]) -> FormPage:
    found = _case_of(view, case.id)
    facts = [
        ("Asks for", DATA_SUBJECT_KINDS[view["kind"]]),
        ("Passed on by", view["passed_on_by"]),
        ("Their reference", view["reference"] or "erased"),
        ("The letter came", _day(view["received_at"])),
        ("Answer by", _day(found["due_at"])),
    ]
    if found["address_no"] is not None:
        facts.append(("About", f"address no. {found['address_no']}"))
    if found["letter"]:
        facts.append(("The letter", f"holdfast evidence open {case.id} {found['letter']}"))
    decisions = [("granted", "Grant it"), ("refused", "Refuse it")]
    if found["status"] == "open":
        decisions.append((_EXTEND.value, "Take two months more, once"))
    return FormPage(
        url=f"{case.url}/data-subjects/{view['id']}",
        heading="Decide what a person asks",
        text="Somebody asks for a right under data-protection law. Your organisation stated what"
        " this request says, so it answers the person, by a letter of its own. Here you sign what"
        " you decided. A withdrawal, a clearance or an erasure that follows is an act of its own.",
        facts=facts,
        fields=[
            Field(name="decision", label="What you decide", options=decisions),
            Field(
                name="reason",
                label="Why you refuse, or need longer",
                options=[("", "Nothing: it is granted"), *_reasons()],
            ),
        ],
        why_not=_why_not(case, found),
    )


def _day(time: str) -> str:
    at = moment(time)
    return "" if at is None else f"{at.day} {at:%b %Y}"


def _reasons() -> list[tuple[str, str]]:
    return [
        (
            each.value,
            f"{'Longer' if each in EXTENSION_REASONS else 'Refused'}: {DATA_SUBJECT_REASONS[each]}",
        )
        for each in DataSubjectReason
    ]


def _why_not(case: Case, found: Mapping[str, Any]) -> str:
    if not case.is_ours:
        return f"{case.request['requester']} decides: the request is theirs."
    if found["status"] not in UNDECIDED:
        return f"{DATA_SUBJECT_STATES[found['status']]}: there is nothing to decide any more."
    if not case.visit.may(Permission.DATA_SUBJECT_ANSWER):
        return "Your role does not do this. Compliance or a security lead of yours can."
    return ""
