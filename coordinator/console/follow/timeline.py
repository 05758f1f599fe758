"""Everything that happened: who, how it was proven, and its place in the log."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import request_events
from coordinator.api.query import query_of
from coordinator.console.follow.case import Case
from coordinator.console.visit import Visit
from coordinator.console.words import counted, listed, moment
from coordinator.services.reading.code_words import SAID, WITHDRAWN_BECAUSE
from holdfast.protocol.vocabulary import EventType, Support

_PAGE = 50
#: So many lines of a report are told one by one; the ledger has all.
_MOST_LINES = 4
_GONE = frozenset({"moved_on", "left_after_notice"})
_SHOWS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "all": ("All", ""),
        "money": ("Money", "freeze.*,hold.*,answer.*"),
        "decisions": ("Decisions", "freeze_request.*,clearance.*"),
        "answers": ("Answers", "leg.*"),
    }
)


class Said(NamedTuple):
    """What an event says: mark, tone, what happened, and what somebody wrote, if they did."""

    mark: str
    tone: str
    text: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as the timeline shows it."""

    at: datetime
    mark: str
    tone: str
    actor: str
    text: str
    words: str
    who: str
    proofs: Sequence[tuple[str, str]]


def show(visit: Visit, request_id: str) -> Response:
    """Show one page of what happened, the newest first."""
    case = Case.read(visit, request_id)
    wanted = request.args.get("show", "all")
    types = _SHOWS.get(wanted, _SHOWS["all"])[1]
    cursor = request.args.get("cursor", "")
    members = {"limit": str(_PAGE), "order": "newest", "types": types, "cursor": cursor}
    query = query_of(request_events.EventsQuery, {k: v for k, v in members.items() if v})
    page = visit.read(request_events.list_events, query, request_id=request_id)
    url = f"{case.url}/timeline"
    after = ""
    if page["next_cursor"]:
        after = f"{url}?{urlencode({'show': wanted, 'cursor': page['next_cursor']})}"
    return case.page(
        "timeline",
        days=_days(entries_of(case, page["items"])),
        picks=[
            (key, url if key == "all" else f"{url}?show={key}", word)
            for key, (word, _) in _SHOWS.items()
        ],
        wanted=wanted,
        before=url if cursor else "",
        after=after,
        count=len(page["items"]),
    )


def _days(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    """Return entries by their day, in UTC, in the order in which they come."""
    days: dict[str, list[Entry]] = {}
    for entry in entries:
        days.setdefault(f"{entry.at.astimezone(UTC):%A, %d %B %Y}".replace(" 0", " "), []).append(
            entry
        )
    return list(days.items())


def entries_of(case: Case, events: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Return events of a request as the timeline shows them, in the order in which they come."""
    return [_entry_of(case, each) for each in _with_reasons(events)]


def _with_reasons(events: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Give a leg that is declined by what its lines say the reasons of these lines."""
    reasons = {
        event["act_id"]: list(
            dict.fromkeys(line["code"] for line in event["data"]["lines"] if line.get("code"))
        )
        for event in events
        if event["type"] == EventType.FREEZE_NOTHING and event["act_id"]
    }
    for event in events:
        if event["type"] == EventType.LEG_DECLINED and not event["data"].get("code"):
            codes = reasons.get(event["act_id"], [])
            yield {**event, "data": {**event["data"], "codes": codes}}
        else:
            yield event


def _entry_of(case: Case, event: Mapping[str, Any]) -> Entry:
    said = tell(case, event["type"], event["data"])
    at = moment(event["timestamp"])
    if at is None:
        raise ValueError("an event has a time")
    proofs = [(f"Log no. {event['leaf_index']}", "")]
    if event["evidence"] in {"jws", "webauthn"}:
        how = "Signed by passkey" if event["evidence"] == "webauthn" else "Signed"
        proofs.insert(0, (how, f"{case.url}/documents/{event['act_id']}"))
    return Entry(
        at=at,
        mark=said.mark,
        tone=said.tone,
        actor=_actor(case, event),
        text=said.text,
        words=said.words,
        who=_who(case, event),
        proofs=proofs,
    )


def _actor(case: Case, event: Mapping[str, Any]) -> str:
    """Return whose doing an event is: a partner by its handle."""
    partner = event["data"].get("partner")
    if event["type"] in _REQUESTERS:
        return str(case.request["requester"])
    return str(partner or case.request["requester"])


def _who(case: Case, event: Mapping[str, Any]) -> str:
    """Return which person it was, as far as one may know it; or that it was the clock."""
    by = event["subject"] or event["data"].get("by")
    if by in {None, "coordinator"}:
        return "" if event["evidence"] else "Told by Holdfast"
    if event["evidence"] == "coordinator":
        return "By the clock"
    known = case.visit.people.get(by)
    if known is None and by != case.visit.actor.subject:
        return ""
    name = case.visit.name_of(by)
    return "You" if name == "you" else name


#: What the requester does, though it may name the partner that it concerns.
_REQUESTERS = frozenset(
    {
        EventType.REQUEST_RECEIVED,
        EventType.LEG_INFO_PROVIDED,
        EventType.LEG_WITHDRAWN,
        EventType.LEG_DISPUTE_RESOLVED,
        EventType.LEG_INDEMNITY_GIVEN,
        EventType.RETURN_OPENED,
        EventType.RETURN_ENDED,
        EventType.RETURN_RECEIVED,
        EventType.HOLD_EXTENSION_REQUESTED,
        EventType.CLEARANCE_ISSUED,
        EventType.CLEARANCE_REVOKED,
    }
)


def tell(case: Case, kind: str, data: Mapping[str, Any]) -> Said:
    """Return what an event says, in words that go on from the name of who did it."""
    teller = _TELLERS.get(kind)
    if teller is not None:
        return teller(case, data)
    if kind.startswith("freeze."):
        return _lines(case, kind, data)
    if kind in _GUESTS:
        said = _GUESTS[kind]
        return said._replace(text=said.text.format(data["domain"], data.get("answer", "")))
    return _PLAIN.get(kind, Said("ring", "", kind.replace("_", " ").replace(".", ": ")))


_PLAIN: Mapping[str, Said] = MappingProxyType(
    {
        EventType.REQUEST_RECEIVED: Said("mail", "", "asked you to freeze"),
        EventType.REQUEST_UNRATIFIED: Said("warn", "danger", "did not ratify it in time"),
        EventType.REQUEST_EXPIRED: Said("none", "", "did not decide in time; it expired"),
        EventType.REQUEST_FLAGS_RENEWED: Said(
            "clock", "", "asked that deposits be screened for it for longer"
        ),
        EventType.REQUEST_SAME_FUNDS: Said("lock", "", "marked two holds as the same funds"),
        EventType.REQUEST_PARTNERS_PROPOSED: Said(
            "plus", "waiting", "proposes more partners to ask"
        ),
        EventType.REQUEST_PARTNERS_REFUSED: Said("none", "", "does not ask those partners"),
        EventType.LEG_DELIVERED: Said("ring", "", "has the notice"),
        EventType.LEG_ACKNOWLEDGED: Said("check", "", "acknowledged"),
        EventType.LEG_UNDER_REVIEW: Said("clock", "waiting", "is looking"),
        EventType.LEG_NO_MATCH: Said("none", "", "has nothing of it"),
        EventType.LEG_CANNOT_SAY: Said("none", "", "may say neither yes nor no"),
        EventType.LEG_UNANSWERED: Said("warn", "danger", "did not answer in time"),
        EventType.LEG_UNDELIVERABLE: Said("warn", "danger", "could not be reached: call them"),
        EventType.LEG_CONTESTED: Said("scale", "waiting", "contests a freeze of the same account"),
        EventType.LEG_LEGAL_ORDER: Said("doc", "", "attached the order of an authority"),
        EventType.LEG_INDEMNITY_GIVEN: Said("shield", "", "gave an indemnity"),
        EventType.RETURN_SUBMITTED: Said("pen", "waiting", "would ask money back"),
        EventType.RETURN_OPENED: Said("back", "waiting", "asks money back"),
        EventType.RETURN_ENDED: Said("none", "", "asks that money back no more"),
        EventType.RETURN_ANSWERED: Said("check", "", "answered who asks money back"),
        EventType.RETURN_SUSPENDED: Said("warn", "waiting", "put a return on hold"),
        EventType.RETURN_RESUMED: Said("check", "", "let a return go on"),
        EventType.RETURN_RECEIVED: Said("back", "done", "said whether money that was sent arrived"),
        EventType.HOLD_EXPIRING: Said("clock", "waiting", "holds funds whose hold ends soon"),
        EventType.HOLD_REVIEW_DUE: Said("clock", "waiting", "is to look at a hold again"),
        EventType.HOLD_LAPSED: Said("warn", "waiting", "let a hold lapse, unconfirmed"),
        EventType.TASK_TAKEN: Said("hand", "", "has a task of it in hand"),
        EventType.TASK_PAGED: Said("clock", "", "has its people woken for a task of it"),
        EventType.EVIDENCE_SEALED: Said(
            "lock", "", "sealed evidence, read by those it names alone"
        ),
    }
)


def _submitted(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    asked = f"{counted(data['address_count'], 'address')} to {counted(len(data['to']), 'partner')}"
    if data.get("provisional"):
        return Said("bolt", "waiting", f"sent it out at once, to be ratified: {asked}")
    return Said("pen", "", f"submitted it: {asked}")


def _approved(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    many = data.get("quorum", 1)
    count = data.get("approvals")
    so_far = f", {count} of {many}" if isinstance(count, int) and many > 1 else ""
    return Said("key", "done", f"approved it{so_far}", str(data.get("comment") or ""))


def _rejected(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("none", "", "rejected it", str(data.get("comment") or data.get("reason") or ""))


def _ratified(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("key", "done", "ratified it", str(data.get("comment") or ""))


def _withdrawn(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    numbers = data.get("addresses")
    what = "it"
    if isinstance(numbers, list):
        what = counted(len(numbers), "address")
    because = WITHDRAWN_BECAUSE.get(data.get("reason_code") or "", "")
    why = f" because {because}" if because else ""
    return Said("back", "waiting", f"withdrew {what}{why}", str(data.get("reason") or ""))


def _proposed(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    text = "proposes to withdraw; nothing is to be released yet"
    return Said("eyes", "waiting", text, str(data.get("reason") or ""))


def _asked(case: Case, data: Mapping[str, Any]) -> Said:
    missing = [str(each) for each in data.get("missing", [])]
    words = ": ".join(filter(None, (", ".join(missing), str(data.get("text") or ""))))
    return Said(
        "ask", "waiting", "asks a question" if case.is_ours else "asked them a question", words
    )


def _replied(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("check", "", "answered the question", str(data.get("text") or ""))


def _declined(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    codes = data.get("codes") or [data.get("code") or ""]
    said = ", ".join(_within(SAID[code]) for code in codes if code in SAID)
    gone = any(code in _GONE for code in codes)
    mark, tone = ("move", "danger") if gone else ("none", "")
    text = f"declined: {said}" if said else "declined; each address has its reason"
    return Said(mark, tone, text, str(data.get("detail") or ""))


def _within(words: str) -> str:
    """Return words as they go on within a sentence."""
    return words[:1].lower() + words[1:]


def _overdue(case: Case, data: Mapping[str, Any]) -> Said:
    """Tell that a notice was not acknowledged; its partner is to blame only if it had it."""
    wanted = data.get("leg_id") or data.get("leg")
    for leg in case.legs:
        if leg["id"] != wanted and leg["partner"] != data.get("partner"):
            continue
        delivered, overdue = moment(leg["delivered_at"]), moment(leg["overdue_at"])
        if delivered is None or (overdue is not None and delivered > overdue):
            return Said("warn", "danger", "was not reached in time")
    return Said("warn", "danger", "did not acknowledge in time")


def _disputed(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    reference = f" (their reference {data['reference']})" if data.get("reference") else ""
    text = f"contests the freeze for its customer{reference}"
    if data.get("recommended"):
        text = "was not answered in time: a release is recommended"
    return Said("scale", "danger", text, str(data.get("text") or ""))


def _resolved(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    upheld = data.get("resolution") == "upheld"
    text = "agrees that it was wrong" if upheld else "rejected the objection"
    return Said("scale", "done" if upheld else "", text, str(data.get("text") or ""))


def _closed(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("check", "done", "closed it", str(data.get("reason") or ""))


_SUPPORTS = {
    Support.POLICE_REPORT.value: "a police report",
    Support.ORDER_APPLIED.value: "a court order that was applied for",
    Support.ORDER.value: "a court order",
}


def _supported(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    code = str(data.get("support") or "")
    return Said("doc", "", f"rests it on a better word: {_SUPPORTS.get(code, code)}")


def _added(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("plus", "", f"asks more partners: {listed(map(str, data.get('to', [])))}")


def _extended(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("clock", "held", f"holds longer, until {_day(data.get('hold_expires_at'))}")


def _asked_longer(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    until = _day(data.get("hold_expires_at"))
    text = f"asks {data.get('partner', 'them')} to hold longer, until {until}"
    return Said("clock", "waiting", text, str(data.get("reason") or ""))


def _owed(case: Case, data: Mapping[str, Any]) -> Said:
    holds = data.get("holds", [])
    held = _sums(case, [(each.get("asset"), each.get("held")) for each in holds])
    return Said("clock", "waiting", f"owes an answer about {held or 'what it holds'}")


def _cleared(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    accounts = counted(data.get("clearance_count", 1), "account")
    return Said("shield", "done", f"cleared {accounts}: flagged by error")


def _uncleared(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    return Said("warn", "waiting", "took a clearance back", str(data.get("reason") or ""))


def _to_be_erased(case: Case, data: Mapping[str, Any]) -> Said:
    del case
    reason = str(data.get("reason") or "").replace("_", " ")
    text = "was asked by the operator to erase what this says; a security lead signs it"
    return Said("warn", "waiting", text, reason)


def _left(case: Case, data: Mapping[str, Any]) -> Said:
    del case, data
    return Said("back", "", "took it back from them; nothing more is asked")


_GUESTS: Mapping[str, Said] = MappingProxyType(
    {
        EventType.GUEST_ASKED: Said("mail", "", "asks {}, which is no member"),
        EventType.GUEST_CONTACTED: Said("mail", "", "is heard by the security contact of {}"),
        EventType.GUEST_UNREACHABLE: Said("warn", "waiting", "cannot reach {}: call them"),
        EventType.GUEST_ANSWERED: Said("warn", "", "has the unverified word of {}: {}"),
        EventType.GUEST_JOINED: Said("check", "", "asks {} as a member from now on"),
    }
)


_TELLERS: Mapping[str, Callable[[Case, Mapping[str, Any]], Said]] = MappingProxyType(
    {
        EventType.REQUEST_SUBMITTED: _submitted,
        EventType.REQUEST_APPROVED: _approved,
        EventType.REQUEST_REJECTED: _rejected,
        EventType.REQUEST_RATIFIED: _ratified,
        EventType.REQUEST_WITHDRAWN: _withdrawn,
        EventType.REQUEST_WITHDRAWAL_PROPOSED: _proposed,
        EventType.REQUEST_CLOSED: _closed,
        EventType.REQUEST_ERASURE_PROPOSED: _to_be_erased,
        EventType.REQUEST_SUPPORT_RAISED: _supported,
        EventType.REQUEST_PARTNERS_ADDED: _added,
        EventType.LEG_INFO_REQUESTED: _asked,
        EventType.LEG_INFO_PROVIDED: _replied,
        EventType.LEG_DECLINED: _declined,
        EventType.LEG_OVERDUE: _overdue,
        EventType.LEG_DISPUTED: _disputed,
        EventType.LEG_DISPUTE_RESOLVED: _resolved,
        EventType.LEG_WITHDRAWN: _left,
        EventType.HOLD_EXTENDED: _extended,
        EventType.HOLD_EXTENSION_REQUESTED: _asked_longer,
        EventType.ANSWER_OWED: _owed,
        EventType.CLEARANCE_ISSUED: _cleared,
        EventType.CLEARANCE_REVOKED: _uncleared,
    }
)
_VERBS: Mapping[str, Said] = MappingProxyType(
    {
        EventType.FREEZE_FOUND: Said("find", "", "found"),
        EventType.FREEZE_FROZEN: Said("lock", "held", "froze"),
        EventType.FREEZE_RELEASED: Said("back", "", "released"),
        EventType.FREEZE_RETURNED: Said("back", "done", "returned"),
        EventType.FREEZE_SEIZED: Said("doc", "done", "handed to an authority"),
        EventType.FREEZE_KEPT: Said("lock", "held", "keeps"),
        EventType.FREEZE_NOTHING: Said("none", "", "answered with nothing"),
        EventType.FREEZE_CORRECTED: Said("pen", "waiting", "corrected its report"),
    }
)


def _lines(case: Case, kind: str, data: Mapping[str, Any]) -> Said:
    """Tell of report lines: sums for money, reasons for nothing."""
    verb = _VERBS[kind]
    lines = data.get("lines", [])
    if kind == EventType.FREEZE_NOTHING:
        codes = dict.fromkeys(SAID.get(each.get("code") or "", "nothing") for each in lines)
        gone = any(each.get("code") in _GONE for each in lines)
        said = ", ".join(map(_within, codes))
        mark, tone = ("move", "danger") if gone else (verb.mark, verb.tone)
        details = [str(each["detail"]) for each in lines if each.get("detail")]
        return Said(mark, tone, f"{_places(lines)}: {said}", "; ".join(details[:_MOST_LINES]))
    sums = _sums(case, [(each.get("asset"), each.get("amount")) for each in lines])
    untold = any(each.get("withheld") for each in lines)
    what = listed(filter(None, (sums, "an amount that is not told" if untold else "")))
    reasons = [str(each["detail"]) for each in lines if each.get("detail")]
    text = f"{verb.text} {what}".strip()
    count = data.get("line_count", len(lines))
    more = f", in {counted(count, 'line')}" if count > 1 else ""
    return Said(verb.mark, verb.tone, f"{text}{more}", "; ".join(reasons[:_MOST_LINES]))


def _places(lines: Sequence[Mapping[str, Any]]) -> str:
    count = sum(each.get("address_count") or 0 for each in lines)
    return f"answered {counted(count, 'address')}" if count else "answered"


def _sums(case: Case, amounts: Iterable[tuple[str | None, str | None]]) -> str:
    sums: dict[str, int] = {}
    for asset, base_units in amounts:
        if asset is not None and base_units is not None:
            sums[asset] = sums.get(asset, 0) + int(base_units)
    return listed(str(case.amount(total, asset)) for asset, total in sums.items())


def _day(value: str | None) -> str:
    at = moment(value)
    return "a later day" if at is None else f"{at:%d %b %Y, %H:%M} UTC".lstrip("0")
