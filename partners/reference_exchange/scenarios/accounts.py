"""Closing a scenario's accounts: the coordinator's totals against the exchanges' own books."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

from holdfast import Client, KeyDirectory, ProfileStore, Result, examine
from holdfast.protocol.life_cycle_views import IncidentDetailView
from holdfast.protocol.views import FreezeRequestView, HoldView, LegView
from holdfast.protocol.vocabulary import EventType, LegStatus, LineKind
from reference_exchange.scenarios.cast import Player
from reference_exchange.scenarios.stage import ANSWER_SECONDS, delivery_states, dropped_repeats

_COLUMNS = ("frozen", "held", "released", "returned")
Sums = dict[str, dict[str, int]]


@dataclass(slots=True)
class Summary:
    """What a run came to; amounts are base units by CAIP-19 asset, `frozen` is gross.

    Attributes:
        follow_ons: Requests that follow another.
        corrections: Lines that correct another.
        kept: Withdrawals that were answered by keeping the hold.
        shared: Holds that answer more than one request, and count once.
        extended: Holds that got a later end.
        lapsed: Holds whose end passed before anybody said what became of them.
        owed: Answers that are still owed.
        unratified: Flash requests that nobody ratified in time.
        disputes: Freezes that a partner disputed for its customer.
        clearances: Accounts that the requester said it flagged by error.
        claims_paid: Claims of victims that were paid out of what came back.
        paid: What they were paid in all.
        screened: Deposits that waited on arrival for a person, for their sender was flagged.
        refused: Forgeries, changed answers and stray answers that were noticed.
        seconds_approval_to_first_freeze: Until the requester saw the first freeze.
        seconds_approval_to_last_notice: Until the last receiver of the first request had it.
        log_verified: Whether the monitor of each exchange followed the transparency log to its end,
            and found there whatever the exchange was told.
        bundles_verified: Evidence bundles that a member took and verified offline.
        restored: Whether a backup was restored into an empty folder, and found in order there.
    """

    requests: int = 0
    addresses: int = 0
    legs: int = 0
    acknowledged: int = 0
    declined: int = 0
    found: dict[str, str] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    released: dict[str, str] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)
    follow_ons: int = 0
    corrections: int = 0
    kept: int = 0
    shared: int = 0
    extended: int = 0
    lapsed: int = 0
    owed: int = 0
    unratified: int = 0
    disputes: int = 0
    clearances: int = 0
    deliveries: int = 0
    duplicates: int = 0
    undelivered: int = 0
    claims_paid: int = 0
    paid: dict[str, str] = field(default_factory=dict)
    screened: int = 0
    refused: int = 0
    seconds_approval_to_first_freeze: float | None = None
    seconds_approval_to_last_notice: float | None = None
    verified_evidence: int = 0
    log_verified: bool = False
    bundles_verified: int = 0
    restored: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as plain members."""
        return asdict(self)


def book_sums(players: Sequence[Player]) -> Sums:
    """Return what the deposit books say, over all exchanges."""
    sums: Sums = {name: defaultdict(int) for name in _COLUMNS}
    for player in players:
        book = player.book()
        for asset, totals in book.totals().items():
            for name in _COLUMNS:
                sums[name][asset] += getattr(totals, name)
        book.close()
    return _without_zeros(sums)


def stated_sums(scopes: Iterable[FreezeRequestView | IncidentDetailView]) -> Sums:
    """Return what the coordinator says, over requests that share no hold, or over incidents."""
    sums: Sums = {name: defaultdict(int) for name in _COLUMNS}
    for scope in scopes:
        for asset, totals in scope.totals.items():
            for name in _COLUMNS:
                sums[name][asset] += int(getattr(totals, name))
    return _without_zeros(sums)


def hold_sums(holds: Iterable[HoldView]) -> Sums:
    """Return the sums over holds, each counted once however many requests it answers."""
    sums: Sums = {name: defaultdict(int) for name in _COLUMNS}
    for hold in {hold.id: hold for hold in holds}.values():
        for name in _COLUMNS:
            sums[name][hold.asset] += int(getattr(hold, name))
    return _without_zeros(sums)


def _without_zeros(sums: Mapping[str, Mapping[str, int]]) -> Sums:
    # Both sides may write an ERC-20 contract in another case; it is the same asset.
    return {
        name: {asset.lower(): amount for asset, amount in by_asset.items() if amount}
        for name, by_asset in sums.items()
    }


def close_accounts(
    asker: Player, players: Sequence[Player], requests: Sequence[str]
) -> tuple[Summary, list[str]]:
    """Return the summary, and every way in which the books and the coordinator disagree."""
    client = asker.client("analyst")
    views = [client.freeze_request(request_id) for request_id in requests]
    legs = {view.id: list(client.legs(view.id)) for view in views}
    holds = {view.id: list(client.holds(view.id)) for view in views}
    # Over incidents, because a hold that answers two requests shows in the totals of both.
    incidents = [client.incident(name) for name in sorted({view.incident.id for view in views})]
    sums, books = stated_sums(incidents), book_sums(players)
    faults = [
        f"{name}: the coordinator says {sums[name]}, the deposit books say {books[name]}"
        for name in _COLUMNS
        if sums[name] != books[name]
    ]
    faults += _partner_faults(players, holds)
    faults += [
        f"{leg.partner}: its leg of {view.id} does not show what its holds come to"
        for view in views
        for leg in legs[view.id]
        if leg_sums(leg) != hold_sums(h for h in holds[view.id] if h.partner == leg.partner)
    ]
    verified = [_verified(client, asker, players, view) for view in views]
    faults += chain.from_iterable(found for _, found in verified)
    delivered, undelivered = _deliveries(players)
    summary = Summary(
        requests=len(views),
        addresses=sum(view.address_count for view in views),
        legs=sum(map(len, legs.values())),
        acknowledged=sum(leg.acknowledged_at is not None for leg in chain(*legs.values())),
        declined=sum(leg.status is LegStatus.DECLINED for leg in chain(*legs.values())),
        follow_ons=sum(view.follows is not None for view in views),
        shared=len({hold.id for hold in chain(*holds.values()) if hold.shared}),
        owed=len({hold.id for hold in chain(*holds.values()) if hold.owed_since}),
        deliveries=delivered,
        duplicates=sum(map(dropped_repeats, players)),
        undelivered=undelivered,
        verified_evidence=sum(len(proven) for proven, _ in verified),
    )
    for name in _COLUMNS:
        shown = {asset: str(amount) for asset, amount in sorted(sums[name].items())}
        setattr(summary, name, shown)
    summary.found = _found(incidents)
    _count_what_happened(client, requests, summary)
    return summary, faults


def _found(incidents: Iterable[IncidentDetailView]) -> dict[str, str]:
    """Return what was found; the deposit books keep no such sum to hold it against."""
    found: dict[str, int] = defaultdict(int)
    for incident in incidents:
        for asset, totals in incident.totals.items():
            found[asset.lower()] += int(totals.found)
    return {asset: str(amount) for asset, amount in sorted(found.items()) if amount}


def _count_what_happened(client: Client, requests: Sequence[str], summary: Summary) -> None:
    """Count lines in the ledger, disputes and clearances, and what the feed alone tells."""
    # Lines about a shared hold stand in the ledger of every request that it counts for.
    lines = {line.id: line for request_id in requests for line in client.ledger(request_id)}
    kinds = [line.kind for line in lines.values()]
    summary.corrections = kinds.count(LineKind.CORRECTION)
    summary.kept = kinds.count(LineKind.KEPT)
    summary.disputes = sum(len(list(client.disputes(name))) for name in requests)
    summary.clearances = sum(len(list(client.clearances(name))) for name in requests)
    told: dict[str, set[object]] = {
        EventType.HOLD_EXTENDED: set(),
        EventType.HOLD_LAPSED: set(),
        EventType.REQUEST_UNRATIFIED: set(),
    }
    after, has_more = 0, True
    while has_more:
        page = client.events(after, types=list(told))
        for event in page.events:
            told[event.type].add(event.data.get("hold", event.data.get("request_id")))
        after, has_more = page.next_after, page.has_more
    summary.extended = len(told[EventType.HOLD_EXTENDED])
    summary.lapsed = len(told[EventType.HOLD_LAPSED])
    summary.unratified = len(told[EventType.REQUEST_UNRATIFIED])


def leg_sums(leg: LegView) -> Sums:
    """Return what a leg shows."""
    sums: Sums = {name: {} for name in _COLUMNS}
    for asset, totals in leg.totals.items():
        for name in _COLUMNS:
            sums[name][asset] = int(getattr(totals, name))
    return _without_zeros(sums)


def _partner_faults(
    players: Sequence[Player], holds: Mapping[str, Sequence[HoldView]]
) -> list[str]:
    """Compare each partner's holds with its own book: sums that cancel out must hide no fault."""
    return [
        f"{player.handle}: its holds do not show what stands in its book"
        for player in players
        if hold_sums(hold for hold in chain(*holds.values()) if hold.partner == player.handle)
        != book_sums([player])
    ]


def _deliveries(players: Sequence[Player]) -> tuple[int, int]:
    """Return how many deliveries arrived and how many did not, waiting a little for the last."""
    end = time.monotonic() + ANSWER_SECONDS
    while True:
        states = list(delivery_states(players).values())
        if all(states) or time.monotonic() > end:
            return sum(states), len(states) - sum(states)
        time.sleep(0.2)


def _verified(
    client: Client, asker: Player, players: Sequence[Player], view: FreezeRequestView
) -> tuple[set[str], list[str]]:
    """Return the acts on a request that somebody other than their author proves, and what fails.

    The asker and every partner asked look the whole request through, each as far as it may read it.
    """
    proven: set[str] = set()
    faults: list[str] = []
    readers = [(asker, client)]
    readers += [(p, p.client("system")) for p in players if p.handle in view.to]
    for player, reader in readers:
        pins = ProfileStore(player.home).pins()
        directory = KeyDirectory(reader, reader.profile.coordinator, pins=pins)
        examination = examine(reader, directory, view.id, handle=player.handle)
        faults += [
            f"{player.handle} on {view.id}: {finding.what}: {finding.detail}"
            for finding in examination.failures
        ]
        proven |= {
            str(finding.act_id)
            for finding in examination.acts
            if finding.result is Result.VERIFIED and finding.by != player.handle
        }
    return proven, faults
