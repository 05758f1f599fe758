"""Who of one's own organisation is woken, who was, and a test of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import on_call as api
from coordinator.api.paging import PageQuery
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.permission import Permission
from holdfast.wording import marked

HERE = "/console/on-call"
_PAGE = "20"
#: By what somebody is paged.
CHANNELS: Mapping[str, str] = MappingProxyType(
    {"email": "mail to", "webhook": "a post to", "pagerduty": "an alert by key"}
)
_BY: Mapping[str, str] = MappingProxyType(
    {"email": "by mail", "webhook": "by a post", "pagerduty": "by an alert"}
)
#: For what somebody was woken.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "approve": "A request to approve",
        "ratify": "A flash request to ratify",
        "answer": "A request to answer",
        "resolve": "A contested freeze",
        "hold_ends": "A hold that ends",
        "test": "A test",
    }
)
#: How that ended.
OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "taken": "somebody has it",
        "done": "done",
        "unheard": "nobody was heard",
        "nobody": "nobody was left to page",
        "test": "",
    }
)
_CALLS: Mapping[str, str] = MappingProxyType(
    {
        "pending": "not taken yet",
        "sent": "taken",
        "failed": "given up",
        "dropped": "not needed any more",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """Who is paged at one place of the chain."""

    who: str
    by: list[str]
    minutes: int


@dataclass(frozen=True, slots=True)
class Call:
    """One message to one person."""

    who: str
    by: str
    how: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """What somebody was woken for.

    Attributes:
        waits_until: While nobody was paged yet: when somebody will be.
    """

    why: str
    request_id: str
    owed_at: datetime | None
    waits_until: datetime | None
    outcome: str
    calls: list[Call]


def show(visit: Visit) -> Response:
    """Show the chain, and who was paged lately."""
    chain: Mapping[str, Any] = visit.read(api.read_own)
    page = visit.read(api.list_own, PageQuery.model_validate({"limit": _PAGE}))
    steps = [_step(visit, each) for each in chain["steps"]]
    count = len({each["person"] for each in chain["steps"]})
    return render.page(
        "on_call.html",
        visit,
        steps=steps,
        people="1 person" if count == 1 else f"{count} people",
        quiet=chain.get("quiet"),
        set_by=visit.called(chain["set_by"]) if steps else "",
        set_at=moment(chain["set_at"]) if steps else None,
        alarms=[_alarm(visit, each) for each in page["items"]],
        may_change=visit.may(Permission.ON_CALL_CHANGE),
        done=done_words(visit),
    )


def page_for_test(visit: Visit) -> WsgiResponse:
    """Ask a lead to sign that everybody of the chain is paged once."""
    chain: Mapping[str, Any] = visit.read(api.read_own)
    people = dict.fromkeys(each["person"] for each in chain["steps"])
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/on-call/test",
            body={},
            sentence="Page everybody of your on-call chain once, now. The page says that it is a"
            " test.",
            button="Page them",
            back=HERE,
            then=HERE,
            facts=[("Who is paged", ", ".join(visit.called(each) for each in people) or "nobody")],
        ),
    )


def _step(visit: Visit, view: Mapping[str, Any]) -> Step:
    by = [f"{CHANNELS[each['kind']]} {each['target']}" for each in view["channels"]]
    return Step(visit.called(view["person"]), by, view["minutes"])


def _alarm(visit: Visit, view: Mapping[str, Any]) -> Alarm:
    is_waiting = view["paged_at"] is None and view["next_at"] is not None
    return Alarm(
        why=marked(REASONS[view["kind"]], drill=view["drill"]),
        request_id=view["request_id"] or "",
        owed_at=moment(view["owed_at"]),
        waits_until=moment(view["next_at"]) if is_waiting else None,
        outcome=OUTCOMES[view["outcome"]] if view["outcome"] else "nobody has it yet",
        calls=[_call(visit, each) for each in view["calls"]],
    )


def _call(visit: Visit, view: Mapping[str, Any]) -> Call:
    return Call(
        who=visit.called(view["person"]),
        by=_BY[view["channel"]],
        how=_CALLS[view["status"]],
        at=moment(view["sent_at"] or view["queued_at"]),
    )
