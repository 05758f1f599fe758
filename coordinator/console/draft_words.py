"""What the pages of a draft say: choices and what each means, faults, outcomes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from coordinator.console.draft_content import LEFT_OUT, DraftContent
from coordinator.console.words import AmountWords, amount, counted, listed, sums_by_asset
from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.hold_limits import lasting
from coordinator.storage.console.drafts import StoredDraft
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.gateway_words import GATEWAYS
from holdfast.protocol.vocabulary import (
    AddressRole,
    IncidentKind,
    InterestKind,
    PartnerKind,
    Support,
    Tlp,
    Urgency,
    WaitsBecause,
    WarningCode,
)
from holdfast.wording import INTERESTS, interest_words

_HOUR = timedelta(hours=1)
_MOST_NAMED = 3
_NBSP = "\N{NO-BREAK SPACE}"

KINDS: Mapping[PartnerKind, str] = MappingProxyType(
    {
        PartnerKind.EXCHANGE: "Exchanges",
        PartnerKind.ISSUER: "Issuers of tokens",
        PartnerKind.SERVICE: "Bridges, custodians and other services",
    }
)
TLP: Mapping[str, str] = MappingProxyType(
    {
        Tlp.RED: "the people named at the partners asked, and nobody else",
        Tlp.AMBER_STRICT: "the partners asked, within their own organisations",
        Tlp.AMBER: "the partners asked, and those of their customers who must act on it",
        Tlp.GREEN: "all members and their peers, not the public",
        Tlp.CLEAR: "anybody",
    }
)
ROLES = (
    ("", "Not stated"),
    (AddressRole.RECEIVER, "Received what was stolen"),
    (AddressRole.SENDER, "Sent it on"),
    (AddressRole.INTERMEDIARY, "In between"),
    (AddressRole.DEPOSIT, "Deposit address at a partner"),
    (AddressRole.CONTRACT, "Contract"),
)
_INCIDENTS = (
    (IncidentKind.HACK, "Hack"),
    (IncidentKind.SCAM, "Scam"),
    (IncidentKind.PHISHING, "Phishing"),
    (IncidentKind.RANSOMWARE, "Ransomware"),
    (IncidentKind.RUG_PULL, "Rug pull"),
    (IncidentKind.INSIDER, "Insider"),
    (IncidentKind.OTHER, "Other"),
)
_SUPPORT: Mapping[Support, str] = MappingProxyType(
    {
        Support.NONE: "Your organisation's word alone",
        Support.POLICE_REPORT: "A police report",
        Support.ORDER_APPLIED: "A court order, applied for",
        Support.ORDER: "A court order",
    }
)
_WARNINGS: Mapping[str, str] = MappingProxyType(
    {
        WarningCode.NO_CHECKSUM: "Written without its checksum: a typing error would go unseen",
        WarningCode.MISSING_TAG: "The tag is missing: the target is a whole exchange",
        WarningCode.SERVICE_WALLET: "Wallet of a service: a freeze would hit all its customers",
        WarningCode.DUPLICATE: "Asked for already by a request that is live",
        WarningCode.WHOLE_ACCOUNT: "Asks for the whole account",
        WarningCode.TOKEN_CONTRACT: "The contract of a token, not somebody who holds it",
        WarningCode.NO_KEY: "Nobody holds its key: a zero, burn or system account",
    }
)
_WAITS: Mapping[str, str] = MappingProxyType(
    {
        WaitsBecause.POLICY: "your organisation's policy does not name you for flash requests",
        WaitsBecause.TO_ALL: "it asks all partners",
        WaitsBecause.WARNINGS: "an address carries a warning that the target may be the wrong one",
    }
)
_MISSING = (
    ("title", "Say what happened, in a few words."),
    ("occurred_at", "Say when it happened, in UTC."),
)


class LineWords(NamedTuple):
    """A line with a fault: its number, what was written, and what to change."""

    number: int
    text: str
    faults: list[str]


class QuestionWords(NamedTuple):
    """A question about a chain: the addresses, their lines, and the choices."""

    addresses: list[str]
    more: int
    lines: str
    options: list[tuple[str, str]]


class AddressWords(NamedTuple):
    """An address of a draft, as a row."""

    number: int
    chain: str
    address: str
    tag: str
    amount: AmountWords | None
    note: str
    tx: str
    whole_account: str
    lines: str
    least: AmountWords | None = None


class WarningWords(NamedTuple):
    """A warning to expect: what, how many addresses, and which first."""

    text: str
    addresses: int
    numbers: str


def version(draft: StoredDraft) -> str:
    """Return what tells one state of a draft from the next."""
    return draft.changed_at.isoformat()


def named(title: str) -> str:
    """Return what a draft is called."""
    return title or "Without a title yet"


def how_far(addresses: int, still_open: int) -> str:
    """Return how far a draft is."""
    said = counted(addresses, "address")
    return f"{said}, {counted(still_open, 'thing')} to mend" if still_open else said


def people(found: Iterable[Mapping[str, Any]]) -> str:
    """Return colleagues by name, and how many there are without one: "Anna, Ben and 2 more"."""
    every = list(found)
    names = [str(each["display_name"]) for each in every if each.get("display_name")]
    rest = len(every) - len(names)
    if not names:
        return counted(rest, "colleague") if rest else ""
    return listed([*names, f"{rest} more"] if rest else names)


def faulty_lines(content: DraftContent, *, most: int) -> list[LineWords]:
    """Return the lines with faults, in the order of the text, as many as a page takes."""
    by_line: dict[int, list[str]] = {}
    for number, fault in content.faults:
        by_line.setdefault(number, []).append(fault)
    some = sorted(by_line)[:most]
    return [LineWords(number, content.line(number), by_line[number]) for number in some]


def questions(content: DraftContent, known: KnownAssets) -> list[QuestionWords]:
    """Return what must be answered."""
    return [
        QuestionWords(
            each.addresses[:_MOST_NAMED],
            max(0, len(each.addresses) - _MOST_NAMED),
            lines_words(each.lines),
            [
                ("", "Not answered yet"),
                *((caip2, known.chain_name(caip2)) for caip2 in each.candidates),
                (LEFT_OUT, "Leave out"),
            ],
        )
        for each in content.questions
    ]


def lines_words(lines: Sequence[int]) -> str:
    """Return "line 3", "lines 3 and 7", "lines 3, 7, 9 and 12 more"."""
    if not lines:
        return ""
    if len(lines) == 1:
        return f"line {lines[0]}"
    if len(lines) <= _MOST_NAMED:
        return f"lines {listed(map(str, lines))}"
    shown = ", ".join(map(str, lines[:_MOST_NAMED]))
    return f"lines {shown} and {len(lines) - _MOST_NAMED} more"


def address(content: DraftContent, number: int, known: KnownAssets) -> AddressWords:
    """Return one address as a row."""
    members = content.addresses[number]
    caip2, _, account = members["account"].rpartition(":")
    stated, asset = members.get("amount"), members.get("asset")
    least = members.get("min_amount")
    whole = members.get("whole_account") or {}
    return AddressWords(
        number=number + 1,
        chain=known.chain_name(caip2),
        address=account,
        tag=members.get("tag") or "",
        amount=amount(stated, asset, known) if stated and asset else None,
        note=members.get("note") or "",
        tx=members.get("tx") or "",
        whole_account=whole.get("why", ""),
        lines=lines_words(content.places[number]),
        least=amount(least, asset, known) if least and asset else None,
    )


def typed_address(members: Mapping[str, Any], known: KnownAssets) -> dict[str, str]:
    """Return an address as one types it: its amounts in units."""
    asset = members.get("asset")
    unit = known.unit(asset)

    def typed(name: str) -> str:
        stated = members.get(name)
        if stated and asset and unit is not None:
            return f"{amount(stated, asset, known).plain} {unit.symbol}"
        return str(stated or "")

    whole = members.get("whole_account") or {}
    return {
        "account": members["account"],
        "tag": members.get("tag") or "",
        "amount": typed("amount"),
        "min_amount": typed("min_amount"),
        "asset": asset or "",
        "role": members.get("role") or "",
        "tx": members.get("tx") or "",
        "note": members.get("note") or "",
        "whole_account": whole.get("why", ""),
    }


def missing(content: DraftContent) -> list[tuple[str, str]]:
    """Return what nobody filled in yet, as (field, what to do)."""
    found = [("", f"Line {number}: {fault}") for number, fault in content.faults[:1]]
    if content.questions:
        found.append(("chain-0", "Say on which chain the addresses asked about are."))
    if not content.addresses and not found:
        found.append(("", "There is no address in it: paste one, in a new draft."))
    if not content.typed["incident"]:
        found += [each for each in _MISSING if not content.typed[each[0]]]
    if not content.typed["summary"]:
        found.append(("summary", "Say in a sentence what the partners need to know."))
    if content.typed["asked"] != "all" and not content.to:
        found.append(("to", "Choose which partners to ask."))
    return found


def choices(
    actor: Actor, policies: Policies, *, interest: str = ""
) -> dict[str, list[tuple[str, str]]]:
    """Return the choices of the form, each with what it means.

    Args:
        actor: Who fills it in.
        policies: How long holds may last.
        interest: As it is chosen: of a request that is followed it may be of several kinds, which
            are a choice of their own then.
    """
    ratify = policies.ratify_within // timedelta(minutes=1)
    flash_means = (
        f"Flash: goes out at once, a lead ratifies it within {ratify} min"
        if actor.may_flash
        else "Flash: for you it waits for a lead, as every other does"
    )
    return {
        "kind": [(kind.value, words) for kind, words in _INCIDENTS],
        "urgency": [
            (Urgency.FLASH.value, flash_means),
            (Urgency.URGENT.value, "Urgent: goes out once a lead approves it; hours count"),
            (Urgency.ROUTINE.value, "Routine: goes out once a lead approves it; days will do"),
        ],
        "tlp": [(tlp, f"{tlp}: read by {words}") for tlp, words in TLP.items()],
        "support": [
            (support.value, f"{words}: {_longest(policies, support)}")
            for support, words in _SUPPORT.items()
        ],
        "interest": [
            ("", "None of its own"),
            *((kind.value, _capital(words)) for kind, words in INTERESTS.items()),
            *_several(interest),
        ],
        "gateway": [
            ("", "Whichever both sides of a leg hold"),
            *((gateway.value, words) for gateway, words in GATEWAYS.items()),
        ],
    }


def _several(interest: str) -> list[tuple[str, str]]:
    kinds = interest.split()
    is_choice = len(kinds) > 1 and all(kind in INTERESTS for kind in kinds)
    return [(interest, _capital(interest_words(map(InterestKind, kinds))))] if is_choice else []


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _longest(policies: Policies, support: Support) -> str:
    longest = policies.support_max.get(support)
    return f"holds of up to {lasting(longest)}" if longest else "holds with a date of review"


def flash(actor: Actor) -> str:
    """Say whether this person may send a flash request at once, and why."""
    if actor.may_flash:
        return (
            "You may: your organisation's policy names you. It waits for a lead all the same where"
            " it asks all partners, or where an address may be the wrong one."
        )
    return (
        "Your organisation's policy does not name you for flash requests: a flash request of yours"
        " waits for a lead, like any other. A security lead can change the policy."
    )


def at_field(field: str, detail: str) -> str:
    """Return a fault as a sentence that names its address, where it is about one."""
    said = f"{detail[:1].upper()}{detail[1:]}."
    if field.startswith("address-"):
        return f"Address no. {int(field.removeprefix('address-')) + 1}: {detail}."
    return said


def refusal(error: CoordinatorError) -> str:
    """Return why all of it was refused, and what to do."""
    said = f"{error.message[:1].upper()}{error.message[1:]}."
    if error.code == "too_few_leads":
        return f"{said} Your draft is kept meanwhile. Roles are granted under People and keys."
    return said


class AskedWords(NamedTuple):
    """What a request asks, in the pieces of its sentence."""

    partners: str
    addresses: str
    stated: str
    hours: str
    urgency: str


def asked(content: DraftContent, known: KnownAssets) -> AskedWords:
    """Return what a request asks."""
    typed = content.typed
    stated = ((e["asset"], e["amount"]) for e in content.addresses if e.get("amount"))
    sums = [str(each) for each in sums_by_asset(stated, known)]
    more = " and more" if len(sums) > _MOST_NAMED else ""
    return AskedWords(
        "all partners" if typed["asked"] == "all" else counted(len(content.to), "partner"),
        counted(len(content.addresses), "address"),
        ", ".join(sums[:_MOST_NAMED]) + more,
        f"{typed['hours']}{_NBSP}h" if typed["hours"] else "",
        typed["urgency"],
    )


def plain_sentence(content: DraftContent, known: KnownAssets) -> str:
    """Return what a request asks, as a sentence."""
    said = asked(content, known)
    money = f"{said.stated} stated" if said.stated else "without an amount"
    hours = f", for {said.hours}" if said.hours else ""
    asks = f"Ask {said.partners} to freeze {said.addresses}, {money}{hours}; {said.urgency}."
    return f"Hold a drill. {asks}" if content.is_drill else asks


def outcome(answer: Mapping[str, Any]) -> str:
    """Return what happens once it is signed."""
    if answer.get("provisional"):
        return (
            "It goes out at once. A security lead who had no hand in it must ratify it in time;"
            " else it is unratified, and nothing more is frozen on it."
        )
    quorum = int(answer.get("quorum") or 1)
    leads = "a security lead" if quorum == 1 else counted(quorum, "security lead")
    approve = "approves" if quorum == 1 else "approve"
    why = _WAITS.get(str(answer.get("waits_because")), "")
    held = f"It is flash, and waits because {why}. " if why else ""
    return f"{held}No partner learns of it until {leads} other than you {approve} it."


def order_only(handles: Sequence[str]) -> str:
    """Return what is to be known of partners that freeze on an order alone; empty without any."""
    if not handles:
        return ""
    verb = "freezes" if len(handles) == 1 else "freeze"
    return f"{listed(handles)} {verb} on a legal order only, and this request names none."


def warnings(found: Sequence[Mapping[str, Any]]) -> list[WarningWords]:
    """Return the warnings to expect, those of most addresses first."""
    said = [
        WarningWords(
            _WARNINGS.get(each["code"], each["detail"]),
            len(each["address_nos"]),
            _numbers(each["address_nos"]),
        )
        for each in found
    ]
    return sorted(said, key=lambda each: -each.addresses)


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number + 1) for number in numbers[:_MOST_NAMED])
    more = len(numbers) - _MOST_NAMED
    return f"no. {shown} and {more} more" if more > 0 else f"no. {shown}"
