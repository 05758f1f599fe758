"""The lists of requests: sent, received, to decide, ended; each as a URL says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import freeze_request_reads, request_events, tasks
from coordinator.console import render
from coordinator.console.acts import done_words
from coordinator.console.follow import states
from coordinator.console.follow.states import State
from coordinator.console.home import DOINGS
from coordinator.console.visit import Visit
from coordinator.console.words import (
    Countdown,
    ago,
    amount,
    countdown,
    counted,
    moment,
    usd_of,
)
from coordinator.services.reading.code_words import WITHDRAWN_BECAUSE
from holdfast.wording import marked

_PAGE = 50
#: Addresses of all requests of a page whose amounts are added up, and assets that are named of one.
_MOST_SUMMED, _MOST_NAMED = 20_000, 2
_BOXES = (
    ("sent", "Sent", "No request was sent yet", "sent"),
    ("received", "Received", "Nobody has asked you yet", "received"),
    ("to_approve", "To decide", "Nothing waits for your decision", "to decide"),
    ("ended", "Ended", "Nothing has ended yet", "ended"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A request as a list shows it."""

    id: str
    url: str
    title: str
    requester: str
    state: State
    about: str
    stated: Sequence[str]
    worth: str
    urgency: str
    tlp: str
    at: datetime | None
    clock: Countdown
    clock_words: str
    why: str


def show(visit: Visit) -> Response:
    """Show one page of a list."""
    box = request.args.get("box", "sent")
    chosen = next((each for each in _BOXES if each[0] == box), _BOXES[0])
    given = {name: request.args.get(name, "") for name in ("status", "incident", "cursor")}
    members = {"box": chosen[0], "limit": str(_PAGE), **{k: v for k, v in given.items() if v}}
    try:
        query = freeze_request_reads.ListQuery.model_validate(members)
    except ValueError:
        query = freeze_request_reads.ListQuery.model_validate({"box": chosen[0]})
    page = visit.read(freeze_request_reads.list_requests, query)
    waiting, stated = tasks.first_due(visit.reader), _stated(visit, page["items"])
    kept = {"box": chosen[0], **{k: v for k, v in given.items() if v and k != "cursor"}}
    after = page["next_cursor"]
    return render.page(
        "requests.html",
        visit,
        nav="requests",
        box=chosen[0],
        heading=chosen[1],
        empty_word=chosen[2],
        tabs=[
            (key, "/console/requests" + (f"?box={key}" if key != "sent" else ""), word, None)
            for key, word, _, _ in _BOXES
        ],
        rows=[
            _row(visit, each, chosen[0], waiting.get(each["id"]), stated.get(each["id"]))
            for each in page["items"]
        ],
        statuses=_statuses(chosen[0]),
        chosen_status=given["status"],
        before=f"/console/requests?{urlencode(kept)}" if given["cursor"] else "",
        after=f"/console/requests?{urlencode({**kept, 'cursor': after})}" if after else "",
        done=done_words(visit),
    )


def _statuses(box: str) -> Sequence[tuple[str, str]]:
    """Return what a list is narrowed down by; the API narrows no list of decisions."""
    if box == "to_approve":
        return []
    chosen = states.leg_words() if box == "received" else states.request_words()
    if box == "ended":
        over = ("rejected", "withdrawn", "expired", "closed")
        chosen = [each for each in chosen if each[0] in over]
    return [("", "Any state"), *chosen]


def _stated(
    visit: Visit, items: Iterable[Mapping[str, Any]]
) -> Mapping[str, request_events.Stated]:
    """Return what the requests of a page ask for; a few that are very large say it on their own."""
    summed, ids = 0, []
    for item in sorted(items, key=lambda each: int(each["address_count"])):
        summed += item["address_count"]
        if summed > _MOST_SUMMED:
            break
        ids.append(item["id"])
    return request_events.stated_of(visit.reader, ids)


def _sums(visit: Visit, stated: request_events.Stated | None) -> Sequence[str]:
    if stated is None:
        return ()
    named = [str(amount(units, asset, visit.assets)) for asset, units in stated.asked.items()]
    if len(named) > _MOST_NAMED:
        named[_MOST_NAMED:] = [counted(len(named) - _MOST_NAMED, "more asset")]
    return named


def _worth(stated: request_events.Stated | None) -> str:
    if stated is None or not stated.valued:
        return ""
    total = usd_of(stated.usd_cents)
    if stated.valued >= stated.amounts:
        return f"{total}, stated"
    return f"{total} stated for {stated.valued} of {counted(stated.amounts, 'amount')}"


def _row(
    visit: Visit,
    item: Mapping[str, Any],
    box: str,
    task: tasks.Due | None,
    stated: request_events.Stated | None,
) -> Row:
    is_ours = item["requester"] == visit.actor.partner
    state = states.request_state(item)
    if not is_ours and item["leg_status"] is not None and box == "received":
        state = states.leg_status_state(item["leg_status"])
    now = visit.reader.read_context.now
    left, what = countdown(item.get("decide_by"), now), "to decide"
    if left.until is None and task is not None:
        left, what = countdown(task.until, now), DOINGS[task.kind].clock
    url = f"/console/requests/{item['id']}"
    because = WITHDRAWN_BECAUSE.get(item["withdrawn_reason_code"] or "", "")
    why = f"because {because}" if because and item["status"] == "withdrawn" else ""
    if why and left.until:
        why = f"{_ended(item, now)} {why}".lstrip()
    return Row(
        id=item["id"],
        url=f"{url}/decide" if box == "to_approve" else url,
        title=_title(item),
        requester="" if is_ours else item["requester"],
        state=state,
        about=f"{counted(item['address_count'], 'address')},"
        f" {counted(item['partners_asked'], 'partner')}",
        stated=_sums(visit, stated),
        worth=_worth(stated),
        urgency=item["urgency"],
        tlp=item["tlp"],
        at=moment(item["submitted_at"]),
        clock=left,
        clock_words=what if left.until else _ended(item, now),
        why=why,
    )


def _ended(item: Mapping[str, Any], now: datetime) -> str:
    return f"ended {ago(item['ended_at'], now)}" if item["ended_at"] else ""


def _title(item: Mapping[str, Any]) -> str:
    if item["erased_at"]:
        return f"Erased: a request of {item['requester']}"
    title = item["incident_title"] or f"A request of {item['requester']}"
    return marked(title, drill=item["drill"])
