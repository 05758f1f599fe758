"""What a page of a decision says, from what it read; the template only puts it in place."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from coordinator.console import words
from coordinator.console.asked_documents import AskedAddress
from coordinator.console.decision_addresses import KINDS
from coordinator.console.decision_case import DecisionCase
from coordinator.console.follow.states import State, leg_state
from coordinator.console.words import Countdown, countdown, counted, moment
from holdfast.protocol.vocabulary import (
    Decision,
    PartnerKind,
    RequestStatus,
    Silence,
    Support,
    Tlp,
    Urgency,
    WaitsBecause,
    WarningCode,
)

#: Partners that a page lists one by one.
PARTNER_ROWS = 60
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{4,30}", re.ASCII)
_MAIL = re.compile(r"[^\s@<>\"]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)

TLP_WORDS: Mapping[str, str] = MappingProxyType(
    {
        Tlp.RED: "Only those who were sent it, and nobody else in their organisation",
        Tlp.AMBER_STRICT: "Only the asked partners' own people, and no one they work for",
        Tlp.AMBER: "The asked partners' own people, and clients who need to know",
        Tlp.GREEN: "The asked partners and their community, but not the public",
        Tlp.CLEAR: "Anybody: it may be published",
    }
)
SUPPORT_WORDS: Mapping[Support, str] = MappingProxyType(
    {
        Support.NONE: "Your organisation's word alone",
        Support.POLICE_REPORT: "A police report",
        Support.ORDER_APPLIED: "A court order that was applied for",
        Support.ORDER: "A court order",
    }
)
WAITS_WORDS: Mapping[WaitsBecause, str] = MappingProxyType(
    {
        WaitsBecause.POLICY: "your policy lets its author send no flash at once",
        WaitsBecause.TO_ALL: "it asks all members",
        WaitsBecause.WARNINGS: "some addresses may be the wrong target",
    }
)
KIND_WORDS: Mapping[PartnerKind, str] = MappingProxyType(
    {
        PartnerKind.EXCHANGE: "exchange",
        PartnerKind.ISSUER: "token issuer",
        PartnerKind.SERVICE: "service",
        PartnerKind.ANALYTICS: "analytics firm",
        PartnerKind.LAW_ENFORCEMENT: "authority",
        PartnerKind.COMMUNITY: "community",
    }
)


class Clock(NamedTuple):
    """The clock of a decision: what is left, by when, what happens then, and the share left."""

    left: Countdown
    what: str
    title: str
    then: str
    share: float | None


def clock(case: DecisionCase) -> Clock | None:
    """Return the clock; None where nothing waits."""
    until = case.until
    if until is None:
        return None
    left = countdown(until, case.now)
    begun, ends = moment(case.request["submitted_at"]), moment(until)
    share = None
    if begun is not None and ends is not None and begun < ends and not left.is_late:
        share = min(100.0, 100 * ((ends - case.now) / (ends - begun)))
    if case.request["unratified"]:
        return Clock(left, "to ratify", "Ratify by", "Then it withdraws itself.", share)
    if case.request["provisional"]:
        then = "After that nothing new is frozen; what is held stays."
        return Clock(left, "to ratify", "Ratify by", then, share)
    return Clock(left, "to decide", "Decide by", "Then it expires, and nobody is asked.", share)


def state_words(case: DecisionCase) -> str:
    """Return the last words of the page's sentence: whether it is out."""
    request = case.request
    is_flash = request["urgency"] == Urgency.FLASH
    if request["unratified"]:
        return "A flash that nobody ratified in time."
    if request["provisional"]:
        out = len(case.legs)
        to_some = "" if out == len(request["to"]) else f" to {counted(out, 'partner')}"
        return f"Sent already{to_some} (flash)."
    if request["status"] == RequestStatus.SUBMITTED:
        why = request["waits_because"]
        because = f", because {WAITS_WORDS[WaitsBecause(why)]}" if why else ""
        return f"A flash that waits for you{because}." if is_flash else "Not out yet."
    return _ENDED[RequestStatus(request["status"])]


_ENDED: Mapping[RequestStatus, str] = MappingProxyType(
    {
        RequestStatus.SUBMITTED: "Not out yet.",
        RequestStatus.ACTIVE: "Approved, and out.",
        RequestStatus.REJECTED: "Rejected.",
        RequestStatus.WITHDRAWN: "Withdrawn.",
        RequestStatus.EXPIRED: "Expired: nobody decided in time.",
        RequestStatus.CLOSED: "Closed.",
    }
)


def worth(addresses: Sequence[AskedAddress]) -> str:
    """Return what is asked for was worth, by its submitter; "" where they do not say."""
    return words.worth([each.usd_cents for each in addresses])


class Glance(NamedTuple):
    """A line under the sentence: mark, tone, text, and where its beginning leads."""

    mark: str
    tone: str
    text: str
    link: str = ""
    link_word: str = ""


def glance(case: DecisionCase, kinds: Sequence[Any], warned: str) -> list[Glance]:
    """Return what is frozen, what can still be caught, and what may be wrong."""
    lines = [*_unreachable(case), *_on_order(case), *_frozen(case), *_to_catch(case)]
    if kinds:
        what = words.listed(
            f"{_lower(each.title)} ({counted(len(each.numbers), 'address')})" for each in kinds
        )
        lines.append(
            Glance("warn", "danger", f": {what}. {warned}.", "#p-addr", "What may be wrong")
        )
    elif case.document.addresses:
        lines.append(Glance("check", "done", "No address carries a warning."))
    return lines


def _lower(title: str) -> str:
    return f"{title[:1].lower()}{title[1:]}"


def _unreachable(case: DecisionCase) -> list[Glance]:
    """Say that nobody noted how to reach whoever asks: a lead is to call them, not to guess."""
    subject, actor = case.submitter, case.visit.actor.subject
    who = case.owner_of(subject) or subject
    if not case.is_awaited or who == actor or author(case).contact is not None:
        return []
    act = "ratify" if case.is_out_unratified else "decide"
    return [
        Glance(
            "phone",
            "waiting",
            f"No number on record for {case.visit.name_of(who)}: reach them another way before"
            f" you {act}.",
        )
    ]


def _on_order(case: DecisionCase) -> list[Glance]:
    """Say whom it asks in vain, as long as it rests on no order."""
    told = case.request["order_only"]
    if not told:
        return []
    verb = "freezes" if len(told) == 1 else "freeze"
    text = f"{_few(told)} {verb} on a legal order only, and this request names none."
    return [Glance("warn", "waiting", text)]


def _frozen(case: DecisionCase) -> list[Glance]:
    if not case.legs:
        return []
    held = [(asset, each["held"]) for asset, each in case.request["totals"].items()]
    sums = [str(each) for each in words.sums_by_asset(held, case.assets) if each.plain != "0"]
    where = [leg["partner"] for leg in case.legs if _holds(leg)]
    if not sums:
        return [Glance("ring", "", "Nothing is frozen so far.")]
    return [Glance("lock", "held", f"{words.listed(sums)} frozen so far, at {_few(where)}.")]


def frozen(case: DecisionCase) -> dict[int, str]:
    """Return what is held at each address, and by whom: "412.5 ETH frozen, harbour.example"."""
    held: dict[int, list[str]] = {}
    for each in case.answers:
        amounts = [(asset, sums["held"]) for asset, sums in each["assets"].items()]
        told = [str(one) for one in words.sums_by_asset(amounts, case.assets) if one.plain != "0"]
        if told:
            said = f"{words.listed(told)} frozen, {each['partner']}"
            held.setdefault(each["address_no"], []).append(said)
    return {number: "; ".join(every) for number, every in held.items()}


def _holds(leg: Mapping[str, Any]) -> bool:
    return any(int(each["held"]) for each in leg["totals"].values())


def _to_catch(case: DecisionCase) -> list[Glance]:
    if not case.is_awaited:
        return []
    asked = {leg["partner"] for leg in case.legs}
    waiting = [handle for handle in case.request["to"] if handle not in asked]
    if not waiting:
        return []
    act = "ratify" if case.is_out_unratified else "approve"
    verb = "does" if len(waiting) == 1 else "do"
    return [
        Glance("move", "danger", f"Still to catch: {_few(waiting)} {verb} nothing until you {act}.")
    ]


def _few(handles: Sequence[str], most: int = 3) -> str:
    named = list(handles[:most])
    more = len(handles) - len(named)
    return words.listed([*named, counted(more, "more partner")] if more else named)


class Contact(NamedTuple):
    """How somebody is reached: as they wrote it, and as a link where it is one."""

    text: str
    url: str
    mark: str


def contact(text: str | None) -> Contact | None:
    """Return a contact; only a number or a mail address becomes a link."""
    if not text:
        return None
    if _PHONE.fullmatch(text):
        return Contact(text, "tel:" + re.sub(r"[^0-9+]", "", text), "phone")
    if _MAIL.fullmatch(text):
        return Contact(text, f"mailto:{text}", "mail")
    return Contact(text, "", "phone")


class Author(NamedTuple):
    """Who asks: name, what they are, how they are reached, and the key that signed."""

    name: str
    role: str
    contact: Contact | None
    key_since: datetime | None
    key_by: str
    is_revoked: bool


def author(case: DecisionCase) -> Author:
    """Return who submitted the request, and whose word says that it was them."""
    subject, people = case.submitter, case.visit.people
    mine = people.get(subject, {})
    owner = mine.get("owner")
    asked = people.get(owner, {}) if owner else mine
    role = f"a system of {case.visit.name_of(owner)}" if owner else _role(mine)
    key = case.key
    return Author(
        name=case.visit.name_of(subject),
        role=role,
        contact=contact(asked.get("contact")),
        key_since=None if key is None else moment(key["granted_at"]),
        key_by=_granted_by(case, key),
        is_revoked=key is not None and key["revoked_at"] is not None,
    )


def _role(person: Mapping[str, Any]) -> str:
    roles = [str(role).replace("_", " ") for role in person.get("roles", ())]
    return words.listed(roles) or "no role any more"


def _granted_by(case: DecisionCase, key: Mapping[str, Any] | None) -> str:
    if key is None:
        return "Which key signed it can no longer be read."
    proposer = key["proposer"]
    if proposer is None:
        return "Granted by your organisation's root key."
    if proposer == case.visit.actor.subject:
        return "Granted on your proposal."
    return f"Granted on the proposal of {case.visit.name_of(proposer)}; not by you."


class Partner(NamedTuple):
    """A partner asked: what the directory says of it, and how its leg stands.

    `note` is what the directory says of its answers; "" where there is nothing to know.
    """

    handle: str
    kind: str
    jurisdiction: str
    state: State
    note: str = ""


def partners(case: DecisionCase, to: Sequence[str]) -> list[Partner]:
    """Return the partners asked, those first of whom something is to be known."""
    legs = {leg["partner"]: leg for leg in case.legs}
    told = [_partner(case, handle, legs.get(handle)) for handle in to]
    return sorted(told, key=_by_interest)


def _by_interest(partner: Partner) -> tuple[bool, str]:
    is_plain = partner.state.tone not in {"danger", "waiting"} and not partner.note
    return is_plain, partner.handle


def _partner(case: DecisionCase, handle: str, leg: Mapping[str, Any] | None) -> Partner:
    listed = case.directory.get(handle)
    if listed is None:
        state = _NOT_ASKED if leg is None else leg_state(leg, is_own=False)
        return Partner(handle, "", "", state, "Not in the directory as it was read")
    return Partner(
        handle,
        KIND_WORDS[PartnerKind(listed["kind"])],
        listed["jurisdiction"] or "",
        _partner_state(case, listed, leg),
        _note(case, handle, listed),
    )


def _note(case: DecisionCase, handle: str, listed: Mapping[str, Any]) -> str:
    is_silent = listed["cannot_say"] == Silence.PRIVATE_REQUESTERS
    notes = (
        "Freezes on an order only" if handle in case.request["order_only"] else "",
        "Tells private requesters neither match nor no match" if is_silent else "",
    )
    return ". ".join(filter(None, notes))


_NOT_ASKED = State("Not asked yet", "", "ring")


def _partner_state(
    case: DecisionCase, listed: Mapping[str, Any], leg: Mapping[str, Any] | None
) -> State:
    if listed["status"] != "active":
        return State(f"Is {listed['status']}", "danger", "warn")
    if leg is not None:
        return leg_state(leg, is_own=False)
    if case.is_out_unratified:
        return State("Not told: waits until you ratify", "waiting", "clock")
    return _NOT_ASKED if case.is_awaited else State("Not asked", "", "none")


def kinds_of_partners(told: Sequence[Partner]) -> str:
    """Return e.g. "12 exchanges and 2 token issuers"."""
    kinds = Counter(each.kind or "member" for each in told)
    return words.listed(
        f"{count} {'authorities' if kind == 'authority' else kind + 's'}"
        if count > 1
        else f"1 {kind}"
        for kind, count in kinds.most_common()
    )


class Decided(NamedTuple):
    """One decision that was taken."""

    is_approval: bool
    who: str
    at: datetime | None
    comment: str
    left_out: Sequence[int]
    accepted: Sequence[tuple[str, str]]
    is_mine: bool


def decisions(case: DecisionCase) -> list[Decided]:
    """Return what was decided, oldest first."""
    return [
        Decided(
            is_approval=each["decision"] == Decision.APPROVE,
            who=case.visit.name_of(each["person"]),
            at=moment(each["at"]),
            comment=each["comment"] or "",
            left_out=each["left_out"],
            accepted=[_accepted(one) for one in each["warnings_accepted"]],
            is_mine=each["person"] == case.visit.actor.subject,
        )
        for each in case.decisions
    ]


def _accepted(warning: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was accepted, and why."""
    title, numbers = KINDS[WarningCode(warning["code"])], warning["address_nos"]
    of_some = "" if numbers == "all" else f", no. {words.listed(map(str, numbers[:8]))}"
    return f"{title}{of_some}", str(warning["reason"])


def decided_words(case: DecisionCase) -> dict[str, str]:
    """Return who decided, each with how and when, said to them."""
    return {
        each["person"]: f"at {words.utc(each['at'])}: "
        f"{'approved' if each['decision'] == Decision.APPROVE else 'rejected'}"
        for each in case.decisions
    }


class Promise(NamedTuple):
    """Something that one's organisation promises or states: term, text, others' words."""

    term: str
    text: str
    quoted: str = ""


def promises(case: DecisionCase) -> list[Promise]:
    """Return what one promises, and who reads it."""
    said = case.document.words
    request = case.request
    legal = said.get("legal") or {}
    support = SUPPORT_WORDS[Support(request["support"])]
    numbers = [legal[name] for name in ("police_report", "agency", "order") if legal.get(name)]
    lines = [*_indemnity(case, said.get("indemnity"))]
    tlp = request["tlp"]
    lines.append(Promise("Who reads it", f"{TLP_WORDS.get(tlp, 'As marked')} (TLP:{tlp})."))
    lines.append(Promise("On whose word", f"{support}.", ", ".join(numbers)))
    until = moment(request["do_not_notify_customer_until"])
    if until is not None:
        asked = f"Partners are asked to tell their customers nothing until {words.utc(until)}."
        lines.append(Promise("Silence", asked))
    return lines


def _indemnity(case: DecisionCase, offered: Mapping[str, Any] | None) -> list[Promise]:
    term = "If it is wrong"
    lines = [
        Promise(
            term,
            f"An indemnity was given to {each['to'] or 'every partner asked'},"
            f" {_cap(case, each['cap'])}, until {words.utc(each['until'])}.",
            each["law"] or "",
        )
        for each in case.indemnities[:5]
    ]
    if lines:
        return lines
    if offered and offered.get("offered"):
        text = "Your organisation offers to make good what a wrong freeze costs."
        return [Promise(term, text, offered.get("text") or "")]
    return [Promise(term, "No indemnity is offered: a partner may decline for want of one.")]


def _cap(case: DecisionCase, cap: Mapping[str, Any] | None) -> str:
    if cap is None:
        return "without a cap"
    if cap.get("asset"):
        return f"up to {words.amount(cap['amount'], cap['asset'], case.assets)}"
    return f"up to {words.usd(cap['usd'])}"
