"""Follow-on drafts: where a partner says that funds moved on to, as the next request to submit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.services.core.read_context import ReadContext
from coordinator.services.membership import house_rules
from coordinator.services.requests.freeze_request_views import evidence_bodies
from coordinator.services.requests.moved_on import Following, Onward, onward
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import incidents as incident_store
from coordinator.storage.tables.freeze_requests import FreezeRequestRow, LegRow
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError, TransactionError
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.payloads import MAX_ADDRESSES
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import ASKABLE_KINDS, PartnerKind, PartnerStatus

#: Members that a hop takes over from the request that it follows; the requester may change them.
_TAKEN_OVER = (
    *("drill", "urgency", "tlp", "hold", "support", "legal"),
    *("do_not_notify_customer_until", "indemnity", "interest"),
)
_SUMMARY_CHARACTERS = 2_000


class OpenEnd(TypedDict):
    """Where no draft can name an address, and why (`life_cycle_views.OpenEnd`)."""

    address_no: int | None
    service: NotRequired[str]
    account: NotRequired[str]
    tx: NotRequired[str]
    reason: str


class DraftView(TypedDict):
    """A follow-on request, and what it lacks (`life_cycle_views.DraftView`)."""

    leg_id: str
    partner: str
    complete: bool
    request: JsonObject
    open_ends: Sequence[OpenEnd]


@dataclass(slots=True)
class _Draft:
    """The draft that follows from what one leg said."""

    to: list[str] = field(default_factory=list)
    addresses: dict[str, dict[str, str]] = field(default_factory=dict)
    open_ends: list[OpenEnd] = field(default_factory=list)


def drafts(read: ReadContext, request: FreezeRequestRow, legs: Sequence[LegRow]) -> list[DraftView]:
    """Return one draft per leg that answered `moved_on`; it names the rulebook in force.

    A draft lacks only its nonce, unless it is incomplete: then no member could be named, or no
    address, and `open_ends` says what is known.
    """
    if not legs:
        return []
    connection, vault = read.connection, read.vault
    words = onward(connection, vault, legs)
    by_leg: dict[str, list[Onward]] = {leg.id: [] for leg in legs}
    for word in words:
        by_leg[word.leg_id].append(word)
    askable = _askable(connection, request.requester, words)
    acts = incident_store.submit_acts(connection, [request.id])
    document = evidence_bodies(connection, vault, list(acts.values())).get(acts[request.id], {})
    named = house_rules.rulebook_sha256(connection, read.now)
    common = {} if named is None else {"rulebook_sha256": named}
    common |= {n: document[n] for n in _TAKEN_OVER if document.get(n) is not None}
    said = document.get("summary", "")
    return [
        _view(request, leg, common, said, _compose(read.chains, by_leg[leg.id], askable))
        for leg in legs
    ]


def _askable(connection: Connection, requester: str, words: Sequence[Onward]) -> frozenset[str]:
    """Return the named services that are members who can be asked."""
    named = sorted({w.following["service"] for w in words if "service" in w.following})
    return frozenset(
        handle
        for handle, row in partner_store.statuses(connection, named).items()
        if handle != requester
        and row.status == PartnerStatus.ACTIVE
        and PartnerKind(row.kind) in ASKABLE_KINDS
    )


def _compose(chains: Chains, words: Sequence[Onward], askable: frozenset[str]) -> _Draft:
    draft = _Draft()
    for word in words:
        following = word.following
        service = following.get("service")
        if service in askable and service not in draft.to:
            draft.to.append(service)
        reason = _add_address(chains, draft, following)
        if reason is None and service is not None and service not in askable:
            reason = "the service is no member that could be asked"
        if reason is not None:
            draft.open_ends.append({"address_no": word.address_no, **following, "reason": reason})
    return draft


def _add_address(chains: Chains, draft: _Draft, following: Following) -> str | None:
    """Add the address that funds went to; returns why there is none."""
    if "account" not in following:
        return "no account is named; look the transaction up"
    try:
        account = parse_account(chains, following["account"])
    except AccountError as error:
        return f"the account {error.message}"
    if account.key not in draft.addresses and len(draft.addresses) >= MAX_ADDRESSES:
        return f"a request holds at most {MAX_ADDRESSES} addresses"
    address = {"account": account.display, "tag": account.tag, "tx": _arriving(account, following)}
    shown = {name: value for name, value in address.items() if value is not None}
    draft.addresses.setdefault(account.key, {**shown, "role": "receiver"})
    return None


def _arriving(account: Account, following: Following) -> str | None:
    """Return the transaction, unless it is on the chain that funds came from."""
    try:
        return parse_transaction(account.chain, following["tx"]) if "tx" in following else None
    except TransactionError:
        return None


def _view(
    request: FreezeRequestRow, leg: LegRow, common: JsonObject, summary: str, draft: _Draft
) -> DraftView:
    said = f"Funds moved on, as {leg.partner} reported. {summary}"
    body = {
        "incident": {"id": request.incident_id},
        "follows": request.id,
        **common,
        "summary": said[:_SUMMARY_CHARACTERS].rstrip(),
        "to": draft.to,
        "addresses": list(draft.addresses.values()),
    }
    return {
        "leg_id": leg.id,
        "partner": leg.partner,
        "complete": bool(draft.to and draft.addresses),
        "request": body,
        "open_ends": draft.open_ends,
    }
