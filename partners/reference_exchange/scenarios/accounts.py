"""Closing a scenario's accounts: the coordinator's totals against the exchanges' own books."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from partners.client import Client
from partners.evidence import prove_evidence
from partners.key_directory import KeyDirectory
from partners.profiles import ProfileStore
from partners.protocol.views import FreezeRequestView, LegView
from partners.protocol.vocabulary import EvidenceKind, LegStatus
from partners.reference_exchange.scenarios.cast import Player
from partners.seen_events import SqliteSeenEvents

_COLUMNS = ("frozen", "held", "released", "returned")
Sums = dict[str, dict[str, int]]


@dataclass(slots=True)
class Summary:
    """What a run came to; amounts are base units by CAIP-19 asset, `frozen` is gross."""

    requests: int = 0
    legs: int = 0
    acknowledged: int = 0
    declined: int = 0
    frozen: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    released: dict[str, str] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)
    deliveries: int = 0
    duplicates: int = 0
    undelivered: int = 0
    seconds_approval_to_last_notice: float | None = None
    verified_evidence: int = 0

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


def request_sums(requests: Sequence[FreezeRequestView]) -> Sums:
    """Return what the coordinator says, over all requests."""
    sums: Sums = {name: defaultdict(int) for name in _COLUMNS}
    for request in requests:
        for asset, totals in request.totals.items():
            for name in _COLUMNS:
                sums[name][asset] += int(getattr(totals, name))
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
    legs = [leg for request_id in requests for leg in client.legs(request_id)]
    sums, books = request_sums(views), book_sums(players)
    faults = [
        f"{name}: the coordinator says {sums[name]}, the deposit books say {books[name]}"
        for name in _COLUMNS
        if sums[name] != books[name]
    ]
    faults += _leg_faults(players, legs)
    delivered, undelivered = _deliveries(players)
    summary = Summary(
        requests=len(views),
        legs=len(legs),
        acknowledged=sum(leg.acknowledged_at is not None for leg in legs),
        declined=sum(leg.status is LegStatus.DECLINED for leg in legs),
        deliveries=delivered,
        duplicates=sum(_dropped(player) for player in players),
        undelivered=undelivered,
        verified_evidence=sum(_verified(client, asker, players, view) for view in views),
    )
    for name in _COLUMNS:
        shown = {asset: str(amount) for asset, amount in sorted(sums[name].items())}
        setattr(summary, name, shown)
    return summary, faults


def _leg_faults(players: Sequence[Player], legs: Sequence[LegView]) -> list[str]:
    """Compare each partner's legs with its own book: sums that cancel out must not hide a fault."""
    faults = []
    for player in players:
        own: Sums = {name: defaultdict(int) for name in _COLUMNS}
        for leg in legs:
            if leg.partner == player.handle:
                for asset, totals in leg.totals.items():
                    for name in _COLUMNS:
                        own[name][asset] += int(getattr(totals, name))
        if _without_zeros(own) != book_sums([player]):
            faults.append(f"{player.handle}: its legs do not show what stands in its book")
    return faults


def _deliveries(players: Sequence[Player]) -> tuple[int, int]:
    """Return how many deliveries arrived and how many did not, waiting a little for the last."""
    end = time.monotonic() + 5
    while True:
        states = [
            delivery.status
            for player in players
            for endpoint in player.client("system").endpoints()
            for delivery in player.client("system").deliveries(endpoint.id)
        ]
        delivered = sum(state == "delivered" for state in states)
        if delivered == len(states) or time.monotonic() > end:
            return delivered, len(states) - delivered
        time.sleep(0.2)


def _dropped(player: Player) -> int:
    seen = SqliteSeenEvents(player.home / "seen.sqlite3")
    try:
        return seen.dropped_repeats()
    finally:
        seen.close()


def _verified(
    client: Client, asker: Player, players: Sequence[Player], view: FreezeRequestView
) -> int:
    """Return how many acts on a request somebody other than their author proves from raw bytes.

    The asker proves the partners' acts; a partner asked proves the asker's.
    """
    proven: set[str] = set()
    readers = [(asker, client)]
    readers += [(p, p.client("system")) for p in players if p.handle in view.to]
    for player, reader in readers:
        pins = ProfileStore(player.home).pins()
        directory = KeyDirectory(reader, reader.profile.coordinator, pins=pins)
        for evidence in reader.evidence(view.id):
            if evidence.kind is EvidenceKind.JWS and evidence.partner != player.handle:
                prove_evidence(
                    directory, evidence, request_id=view.id, content_sha256=view.content_sha256
                )
                proven.add(evidence.act_id)
    return len(proven)
