"""The first page: what waits, by how much it hurts, and what happens in the live cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import freeze_request_reads, request_events
from coordinator.api import holds as hold_api
from coordinator.api import tasks as task_api
from coordinator.api.events import newest_of_feed
from coordinator.console import drafts, house_rules, render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.decision_addresses import KINDS
from coordinator.console.decision_words import WAITS_WORDS
from coordinator.console.drafts import DraftCard
from coordinator.console.follow.answers import AssetBar, first_bar
from coordinator.console.follow.case import Case as FollowedCase
from coordinator.console.follow.timeline import Entry, entries_of
from coordinator.console.visit import Visit
from coordinator.console.words import Countdown, ago, countdown
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol.errors import IdFormatError
from holdfast.protocol.tasks import Strip, Task, TaskKind
from holdfast.protocol.vocabulary import Urgency, WaitsBecause, WarningCode
from holdfast.wording import marked

#: As many tasks as the page shows; who has more works them off from the top.
_MOST = 200
#: Own requests looked through for what waits for others, and how many are told.
_MOST_WAITING, _MOST_READ = 20, 5
#: Live cases in the feed.
_MOST_CASES = 3


class Heading(NamedTuple):
    """How a strip is headed: words, mark, and the meaning of its colour."""

    title: str
    mark: str
    tone: str


STRIPS: Mapping[Strip, Heading] = MappingProxyType(
    {
        Strip.CAN_LEAVE: Heading("Money can still leave", "move", "danger"),
        Strip.WRONGLY_FROZEN: Heading("Somebody may be wrongly frozen", "scale", "waiting"),
        Strip.TODAY: Heading("Ends within a day", "clock", "held"),
        Strip.REST: Heading("The rest", "ring", ""),
    }
)


class Doing(NamedTuple):
    """How a kind of task is spoken of.

    Attributes:
        clock: What there is time for: "to ratify".
        button: What the main button says.
        page: Where it leads, with the ids of the task.
    """

    clock: str
    button: str
    page: str


_REQUEST = "/console/requests/{request}"
_RETURN = f"{_REQUEST}/returns/{{about}}"
_ANSWER = f"{_REQUEST}/answer"
_HOLDS = f"{_ANSWER}#holds"
DOINGS: Mapping[TaskKind, Doing] = MappingProxyType(
    {
        TaskKind.APPROVE: Doing("to decide", "Decide", f"{_REQUEST}/decide"),
        TaskKind.RATIFY: Doing("to ratify", "Decide", f"{_REQUEST}/decide"),
        TaskKind.DECIDE_ADDITION: Doing("to decide", "Decide", f"{_REQUEST}/additions/{{about}}"),
        TaskKind.DECIDE_WITHDRAWAL: Doing(
            "to decide", "Decide", f"{_REQUEST}/withdrawals/{{about}}"
        ),
        TaskKind.REPLY: Doing("to reply", "Reply", f"{_REQUEST}/questions/{{about}}"),
        TaskKind.RESOLVE: Doing("to answer", "Open", f"{_REQUEST}/disputes/{{about}}"),
        TaskKind.WITHDRAW: Doing(
            "to withdraw", "Withdraw", f"{_REQUEST}/withdraw?dispute={{about}}"
        ),
        TaskKind.ACKNOWLEDGE: Doing("to acknowledge", "Acknowledge", _ANSWER),
        TaskKind.ANSWER: Doing("to answer", "Answer", _ANSWER),
        TaskKind.SETTLE: Doing("to settle", "Answer", _HOLDS),
        TaskKind.HOLD_ENDS: Doing("until it ends", "Open", _HOLDS),
        TaskKind.REVIEW_ACCOUNT: Doing("to look again", "Open", _HOLDS),
        TaskKind.ANSWER_EXTENSION: Doing("to answer", "Answer", _HOLDS),
        TaskKind.CONSIDER_RELEASE: Doing("unanswered", "Open", _ANSWER),
        TaskKind.REACH_PARTNER: Doing("unreached", "Open", _REQUEST),
        TaskKind.DECIDE_GRANT: Doing("to decide", "Open", "/console/people"),
        TaskKind.CHECK_ROOT_RESET: Doing("to stop it", "Open", "/console/people"),
        TaskKind.DECIDE_RETURN: Doing("to decide", "Decide", _RETURN),
        TaskKind.ANSWER_RETURN: Doing("to answer", "Answer", _RETURN),
        TaskKind.CONFIRM_RETURN: Doing("to confirm", "Open", _RETURN),
        TaskKind.DECIDE_DESTINATION: Doing("to decide", "Open", "/console/destinations/{about}"),
        TaskKind.MEND_ENDPOINT: Doing("failing", "Open", "/console/endpoints"),
    }
)


@dataclass(frozen=True, slots=True)
class Card:
    """One task as the page shows it.

    Attributes:
        warnings: What could be wrong with what one decides on, each with how many; "" for nothing.
    """

    id: str
    strip: Strip
    title: str
    meta: str
    clock: Countdown
    clock_words: str
    button: str
    url: str
    has: str
    is_mine: bool
    may_take: bool
    warnings: str = ""


class Case(NamedTuple):
    """A live case in the feed: its sentence in short, a bar, and the newest of what happened."""

    url: str
    title: str
    said: str
    bar: AssetBar | None
    entries: Sequence[Entry]


class Waiting(NamedTuple):
    """What one had a hand in: it waits for others, and why one cannot decide it oneself."""

    url: str
    title: str
    clock: Countdown
    why: str


def show(visit: Visit) -> Response:
    """Show the strips, and what happens in the live cases."""
    newest = newest_of_feed(visit.reader)
    now = visit.reader.read_context.now
    waiting, is_cut = _waiting(visit)
    flashes = [each["request_id"] for each in waiting if _is_waiting_flash(each)]
    why = {request_id: _why_it_waits(visit, request_id) for request_id in flashes[:_MOST_READ]}
    cards = [_card(visit, each, now, why.get(each["request_id"], "")) for each in waiting]
    cards += [_draft_card(each, now) for each in drafts.cards(visit)]
    strips = [
        (strip, heading, [card for card in cards if card.strip is strip])
        for strip, heading in STRIPS.items()
    ]
    return render.page(
        "home.html",
        visit,
        nav="home",
        cards=cards,
        strips=[each for each in strips if each[2]],
        most=_MOST if is_cut else None,
        sentence=_sentence(cards),
        newest=newest,
        waiting=_waiting_for_others(visit, cards, now),
        feed=_feed(visit),
        quiet_until=None if cards else _quiet_until(visit, now),
        done=done_words(visit),
        rulebook=house_rules.owed(visit),
    )


def _waiting_for_others(visit: Visit, cards: Sequence[Card], now: datetime) -> list[Waiting]:
    """Return requests of one's organisation that wait for a decision which is not one's own."""
    mine = {card.url for card in cards}
    found = []
    for status in ("submitted", "active"):
        query = freeze_request_reads.ListQuery.model_validate(
            {"box": "sent", "status": status, "limit": str(_MOST_WAITING)}
        )
        found += visit.read(freeze_request_reads.list_requests, query)["items"]
    waiting = [item for item in found if _is_undecided(item)]
    urls = {item["id"]: f"/console/requests/{item['id']}" for item in waiting}
    others = [item for item in waiting if f"{urls[item['id']]}/decide" not in mine]
    return [_wait(visit, item["id"], item["incident_title"], now) for item in others[:_MOST_READ]]


def _is_undecided(item: Mapping[str, Any]) -> bool:
    return bool(item["status"] == "submitted" or item["provisional"] or item["unratified"])


def _wait(visit: Visit, request_id: str, title: str, now: datetime) -> Waiting:
    view = visit.read(freeze_request_reads.read_request, request_id=request_id)
    until = view["unratified_until"] or (
        view["ratify_by"] if view["provisional"] else view["approve_by"]
    )
    return Waiting(
        url=f"/console/requests/{request_id}",
        title=marked(title or "A request of yours", drill=view["drill"]),
        clock=countdown(until, now),
        why=why_not_decided_by(visit, view),
    )


def why_not_decided_by(visit: Visit, request: Mapping[str, Any]) -> str:
    """Return why a person of the requester does not decide on a request that waits."""
    me = visit.actor.subject
    author = request["submitted_by"]
    if author == me:
        return "You submitted this, so somebody else decides: a security lead."
    if visit.people.get(author, {}).get("owner") == me:
        return "A system of yours submitted this, so another security lead decides."
    if any(each["person"] == me for each in request["approvals"]):
        return "You have decided; another lead is still to."
    if not visit.may(Permission.FREEZE_REQUEST_APPROVE):
        return "A security lead of yours decides."
    return "You proposed the grant of the key that signed this, so another lead decides."


def _feed(visit: Visit) -> list[Case]:
    """Return the newest live cases with what happened last in each."""
    items: list[Mapping[str, Any]] = []
    for box in ("sent", "received"):
        members = {"box": box, "limit": str(_MOST_READ)}
        if box == "sent":
            members["status"] = "active"
        query = freeze_request_reads.ListQuery.model_validate(members)
        items += visit.read(freeze_request_reads.list_requests, query)["items"]
    live = [item for item in items if item["status"] == "active"]
    live.sort(key=lambda item: str(item["id"]), reverse=True)
    return [_case(visit, item["id"]) for item in live[:_MOST_CASES]]


def _case(visit: Visit, request_id: str) -> Case:
    case = FollowedCase.read(visit, request_id)
    events = request_events.EventsQuery.model_validate({"order": "newest", "limit": "3"})
    newest = visit.read(request_events.list_events, events, request_id=request_id)["items"]
    return Case(
        url=case.url,
        title=marked(case.title, drill=case.request["drill"]),
        said="".join(part.text for part in case.short_sentence()),
        bar=first_bar(case),
        entries=entries_of(case, newest),
    )


def _quiet_until(visit: Visit, now: datetime) -> tuple[Countdown, str] | None:
    """Return when something ends next, of what is known: until then nothing will wait."""
    soonest = None
    for side, words in (("own", "a hold of yours ends"), ("for_us", "a hold for you ends")):
        query = hold_api.HoldsQuery.model_validate({"side": side, "limit": "1"})
        for hold in visit.read(hold_api.list_open, query)["items"]:
            if soonest is None or hold["hold_expires_at"] < soonest[0]:
                soonest = (hold["hold_expires_at"], words)
    return None if soonest is None else (countdown(soonest[0], now), soonest[1])


def take(visit: Visit, task_id: str) -> WsgiResponse:
    """Say "I have it"."""
    try:
        request_id = Task.of(task_id).request_id
    except IdFormatError:
        raise NotFoundError("there is no such task") from None
    body = {}
    if request_id is not None:
        request = visit.read(freeze_request_reads.read_request, request_id=request_id)
        body = {"content_sha256": request["content_sha256"]}
    return ask_signature(
        visit,
        WantedAct(
            path=f"/v1/tasks/{task_id}/taken",
            body=body,
            sentence="Say that you have this: your colleagues see it, and that it is you; the"
            " other side sees that somebody has it.",
            button="I have it",
            back="/console",
            then="/console",
        ),
    )


def _waiting(visit: Visit) -> tuple[Sequence[Any], bool]:
    """Return the tasks that end first, and whether there are more."""
    query = task_api.TaskQuery.model_validate({"limit": str(_MOST)})
    page = visit.read(task_api.list_waiting, query)
    return page["items"], page["next_cursor"] is not None


def _is_waiting_flash(task: Mapping[str, Any]) -> bool:
    return bool(task["kind"] == TaskKind.APPROVE and task.get("urgency") == Urgency.FLASH)


def _why_it_waits(visit: Visit, request_id: str) -> str:
    """Return why a flash waits for an approval, where others go out at once."""
    view = visit.read(freeze_request_reads.read_request, request_id=request_id)
    why = view["waits_because"]
    return "A flash" + (f": it waits because {WAITS_WORDS[WaitsBecause(why)]}. " if why else ". ")


def _card(visit: Visit, task: Mapping[str, Any], now: datetime, why: str) -> Card:
    kind = TaskKind(task["kind"])
    doing = DOINGS[kind]
    left = countdown(task["due_at"], now)
    taken_by = task.get("taken_by")
    taken_at = task.get("taken_at")
    return Card(
        id=task["id"],
        strip=Strip(task["strip"]),
        title=_title(task, kind),
        meta=f"{why}{task['next']['words']}{_mark(task)}",
        clock=left,
        clock_words=doing.clock if left.until else "no clock",
        button=doing.button,
        url=doing.page.format(request=task["request_id"], about=task["about"]),
        has=f"{_has(visit, taken_by)}, since {ago(taken_at, now)}" if taken_at else "",
        is_mine=taken_by == visit.actor.subject,
        may_take=taken_by != visit.actor.subject,
        warnings=_warning_words(task["warnings"]),
    )


def _mark(task: Mapping[str, Any]) -> str:
    """Return how far what a task is about may travel, behind what is to be done."""
    return f" TLP:{task['tlp']}" if task.get("tlp") else ""


def _warning_words(warnings: Sequence[Mapping[str, Any]]) -> str:
    """Return every kind of warning with how many addresses carry it, the worst first."""
    counts = {WarningCode(each["code"]): each["address_count"] for each in warnings}
    said = [f"{words} ({counts[code]})" for code, words in KINDS.items() if code in counts]
    return ". ".join(said)


def _draft_card(draft: DraftCard, now: datetime) -> Card:
    return Card(
        id=draft.id,
        strip=Strip.REST,
        title=f"Your draft: {draft.title}",
        meta=f"{draft.said}, changed {ago(draft.changed_at, now)}",
        clock=countdown(None, now),
        clock_words="no clock",
        button="Go on",
        url=draft.url,
        has="",
        is_mine=True,
        may_take=False,
    )


def _has(visit: Visit, person: str | None) -> str:
    if person is None:
        return "Somebody has it"
    return "You have it" if person == visit.actor.subject else f"{visit.name_of(person)} has it"


def _title(task: Mapping[str, Any], kind: TaskKind) -> str:
    """Return what a task is about, in a line."""
    title = task["incident_title"]
    case = f"\N{LEFT DOUBLE QUOTATION MARK}{title}\N{RIGHT DOUBLE QUOTATION MARK}" if title else ""
    said = _TITLES[kind].format(
        case=case or "a request",
        requester=task["requester"] or "",
        partner=task["partner"] or "the partner",
    )
    return marked(said, drill=task["drill"])


_TITLES: Mapping[TaskKind, str] = MappingProxyType(
    {
        TaskKind.APPROVE: "{case} waits to go out",
        TaskKind.RATIFY: "{case} is out already, on nobody's word but its author's",
        TaskKind.DECIDE_ADDITION: "More partners to be asked in {case}",
        TaskKind.DECIDE_WITHDRAWAL: "A colleague proposes to let funds go in {case}",
        TaskKind.REPLY: "{partner} asks a question about {case}",
        TaskKind.RESOLVE: "{partner} contests a freeze in {case}",
        TaskKind.WITHDRAW: "You upheld a dispute in {case}, and nothing was withdrawn yet",
        TaskKind.ACKNOWLEDGE: "{requester} asks you to freeze, in {case}",
        TaskKind.ANSWER: "{requester} waits for your answer in {case}",
        TaskKind.SETTLE: "You still hold funds that {requester} gave up, in {case}",
        TaskKind.HOLD_ENDS: "A hold of yours for {requester} ends, in {case}",
        TaskKind.REVIEW_ACCOUNT: "A whole account is frozen for {requester}, in {case}",
        TaskKind.ANSWER_EXTENSION: "{requester} asks you to hold longer, in {case}",
        TaskKind.CONSIDER_RELEASE: "Nobody answered your dispute in {case}",
        TaskKind.REACH_PARTNER: "No notice reaches {partner}, in {case}",
        TaskKind.DECIDE_GRANT: "A colleague proposes a key or a right",
        TaskKind.CHECK_ROOT_RESET: "A new root key is about to take over",
        TaskKind.DECIDE_RETURN: "A colleague would ask money back in {case}",
        TaskKind.ANSWER_RETURN: "{requester} asks you to send money back, in {case}",
        TaskKind.CONFIRM_RETURN: "{partner} says that it sent money back, in {case}",
        TaskKind.DECIDE_DESTINATION: "An account that money is to come back to waits for you",
        TaskKind.MEND_ENDPOINT: "An endpoint of yours takes no events",
    }
)


def _sentence(cards: Sequence[Card]) -> tuple[str, str, str]:
    """Return the page's sentence in three parts, the middle one bold."""
    late = [c for c in cards if c.clock.is_late]
    soon = [c for c in cards if c.clock.is_soon and not c.clock.is_late]
    if late or soon:
        first = (late or soon)[0]
        taken = first.has or "Nobody has taken the first one"
        if not late:
            count = "One clock runs" if len(soon) == 1 else f"{len(soon)} clocks run"
            return (f"{count} out within the hour, the first in ", first.clock.words, f". {taken}.")
        word = "is" if len(late) == 1 else "are"
        more = f", and {len(soon)} more will be within the hour" if soon else ""
        return ("", f"{len(late)} {word} late", f"{more}. {taken}.")
    if cards:
        if len(cards) == 1:
            return ("", "One thing waits", " for you, and not within the hour.")
        return ("", f"{len(cards)} things wait", " for you; none of them within the hour.")
    return ("", "Nothing waits", " for you.")
