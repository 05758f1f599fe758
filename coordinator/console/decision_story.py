"""How the money came to the first address, and what changed since the request that it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from coordinator.api import freeze_request_reads, incident_traces
from coordinator.api.paging import PageQuery
from coordinator.console import explorers, words
from coordinator.console.asked import asked_document
from coordinator.console.asked_documents import AskedAddress, AskedDocument
from coordinator.console.decision_addresses import Addresses
from coordinator.console.decision_case import DecisionCase
from coordinator.console.words import counted
from coordinator.domain.errors import NotFoundError, UnavailableError

#: Flagged addresses of an incident's trace that a page looks through for where funds came from.
_TRACED = "50"
#: Numbers that a difference names.
_NAMED = 6


class PathStep(NamedTuple):
    """A step from the theft to the first address.

    Attributes:
        title: What it is.
        at: When; None where nobody says.
        text: More, in the console's words.
        quoted: More, in others' words.
        tx: A transaction to look at, with an explorer's page.
        account: An account, with an explorer's page.
    """

    title: str
    at: datetime | None = None
    text: str = ""
    quoted: str = ""
    tx: str = ""
    tx_url: str = ""
    account: str = ""
    account_url: str = ""


def path(case: DecisionCase, addresses: Addresses) -> list[PathStep]:
    """Return the steps from the theft to the first address, as far as the document says them."""
    document, incident = case.document, case.request["incident"]
    steps = [
        PathStep(
            _title(str(incident["kind"])),
            words.moment(incident["occurred_at"]),
            quoted=incident["title"],
        ),
        *_moved_on(case),
    ]
    if not document.addresses:
        return steps
    first = first_address(document)
    transactions = {each.tx for each in document.addresses if each.tx}
    line = addresses.line(first)
    if len(transactions) > 1:
        steps.append(
            PathStep(
                "Split",
                text=f"{counted(len(transactions), 'transaction')} into"
                f" {counted(sum(each.tx is not None for each in document.addresses), 'address')}",
            )
        )
    asked = " ".join(filter(None, (line.amount, line.unit)))
    block = f", in block {words.grouped(str(first.block))}" if first.block is not None else ""
    steps.append(
        PathStep(
            "First address here",
            text=f"No. {first.number}: {asked}{block}",
            quoted=first.note or "",
            tx=first.tx or "",
            tx_url=line.tx_url,
            account=line.account,
            account_url=line.url,
        )
    )
    return steps


def _title(kind: str) -> str:
    return {"hack": "Theft", "other": "What happened"}.get(
        kind, kind.replace("_", " ").capitalize()
    )


def first_address(document: AskedDocument) -> AskedAddress:
    """Return the address that funds reached first: by block where stated, else the first named."""
    in_a_block = [each for each in document.addresses if each.block is not None]
    if not in_a_block:
        return document.addresses[0]
    return min(in_a_block, key=lambda each: (each.block or 0, each.number))


def _moved_on(case: DecisionCase) -> list[PathStep]:
    """Return from where funds came to this request's addresses, of one that follows another."""
    if case.request["follows"] is None:
        return []
    query = PageQuery.model_validate({"limit": _TRACED})
    incident = case.request["incident"]["id"]
    trace = case.visit.read(incident_traces.read_trace, query, incident_id=incident)
    mine = {
        node["id"]
        for node in trace["nodes"]
        if any(place["request_id"] == case.id for place in node.get("flagged", ()))
    }
    edges = [e for e in trace["edges"] if e["kind"] == "moved_on" and e["target"] in mine]
    if not edges:
        return []
    said = words.listed(sorted({each["partner"] for each in edges if each.get("partner")}))
    chain_id, _, account = edges[0]["source"].rpartition(":")
    chain = case.chains.get(chain_id)
    tx = edges[0].get("tx") or ""
    return [
        PathStep(
            "Moved on",
            text=f"as {said} reported, to {counted(len({e['target'] for e in edges}), 'address')}",
            tx=tx,
            tx_url=explorers.transaction_url(chain, tx) if tx else "",
            account=account,
            account_url=explorers.account_url(chain, account),
        )
    ]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the request that this one follows: list of (sign, text)."""

    since: str
    at: datetime | None
    items: Sequence[tuple[str, str]]


def changes(case: DecisionCase) -> Changes | None:
    """Return what changed; None where it follows none, or none that the reader may read whole."""
    if case.request["follows"] is None:
        return None
    try:
        before = case.visit.read(
            freeze_request_reads.read_request, request_id=case.request["follows"]
        )
        if before["requester"] != case.visit.actor.partner:
            return None
        document = asked_document(case.visit, before)
    except (NotFoundError, UnavailableError):
        return None
    items = [*_addresses(case, document), *_terms(case.request, before)]
    return Changes(before["id"], words.moment(before["submitted_at"]), items)


def _addresses(case: DecisionCase, before: AskedDocument) -> list[tuple[str, str]]:
    old = {_key(each): each for each in before.addresses}
    new = {_key(each): each for each in case.document.addresses}
    added = [each for key, each in new.items() if key not in old]
    gone = [each for key, each in old.items() if key not in new]
    changed = [each for key, each in new.items() if key in old and each.amount != old[key].amount]
    items = []
    if added:
        said = words.sums(case.document.sums_of(each.number for each in added), case.assets)
        items.append(("+", f"{counted(len(added), 'address')}, {said}{_numbers(added)}"))
    if gone:
        said = words.sums(before.sums_of(each.number for each in gone), case.assets)
        items.append(("\N{MINUS SIGN}", f"{counted(len(gone), 'address')}, {said}"))
    if changed:
        items.append(
            (
                "\N{RIGHTWARDS ARROW}",
                f"Another amount at {counted(len(changed), 'address')}{_numbers(changed)}",
            )
        )
    return items


def _key(address: AskedAddress) -> tuple[str, str | None, str | None]:
    is_hex = address.account.startswith("eip155:")
    account = address.account.casefold() if is_hex else address.account
    return account, address.tag, address.asset


def _numbers(addresses: Sequence[AskedAddress]) -> str:
    if len(addresses) > _NAMED:
        return ""
    return f": no. {words.listed(str(each.number) for each in addresses)}"


def _terms(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[tuple[str, str]]:
    items = []
    if now["hold_hours"] != before["hold_hours"]:
        items.append(f"Hold {before['hold_hours']} h, now {now['hold_hours']} h")
    if now["urgency"] != before["urgency"]:
        items.append(f"Urgency {before['urgency']}, now {now['urgency']}")
    added, gone = set(now["to"]) - set(before["to"]), set(before["to"]) - set(now["to"])
    if added:
        items.append(f"Asks {counted(len(added), 'more partner')}")
    if gone:
        items.append(f"Asks {counted(len(gone), 'partner')} no longer")
    return [("\N{RIGHTWARDS ARROW}", each) for each in items]
