"""What the lists of a restitution, or of a recovery request, add up to: see `bundle_layout`.

Whoever makes an evidence bundle and whoever verifies one come to these sums by the same way.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.protocol.pool_sums import Entry, PoolSums
from holdfast.protocol.vocabulary import AllocationStatus, DepositStatus, PayoutStatus

Document = Mapping[str, Any]


def pool_entry(line: Document) -> Entry:
    """Return a line of a pool, as it is shown, in base units."""
    return Entry(
        line["kind"],
        line["asset"],
        int(line["amount"]),
        line.get("to_asset") or "",
        int(line.get("to_amount") or 0),
        int(line.get("fee") or 0),
    )


def restitution_sums(
    view: Document,
    lines: Iterable[Document],
    allocations: Iterable[Document],
    payouts: Iterable[Document],
    *,
    is_opener: bool,
) -> dict[str, Any]:
    """Return the sums of a restitution as its reader sees it.

    Args:
        view: The restitution.
        lines: Of its pool.
        allocations: All of them; only the opener is shown any.
        payouts: Likewise.
        is_opener: Else what was allocated is as the view says, for it is the opener's to show.
    """
    asset = view["asset"]
    given = sum(
        int(each["given"]) for each in allocations if each["status"] == AllocationStatus.APPROVED
    )
    if not is_opener:
        given = int(view["pool"].get(asset, {}).get("allocated", "0"))
    entries = [pool_entry(line) for line in lines]
    pool = PoolSums(entries, {asset: given} if entries else {})
    paid = dict.fromkeys(PayoutStatus, 0)
    for each in payouts:
        paid[PayoutStatus(each["status"])] += int(each["amount"])
    return {
        "pool": {name: sums.document() for name, sums in sorted(pool.sums.items())},
        "payouts": {status.value: str(amount) for status, amount in paid.items()},
    }


def recovery_sums(deposits: Iterable[Document]) -> dict[str, dict[str, str]]:
    """Return what was asked for, found and given back of each asset, in base units."""
    found: dict[str, dict[str, int]] = {}
    names = ("asked", "found", "returned", "fees", "confirmed")
    for each in deposits:
        sums = found.setdefault(each["asset"], dict.fromkeys(names, 0))
        back = int(each.get("returned_amount") or 0)
        sums["asked"] += int(each["amount"])
        sums["found"] += int(each.get("found_amount") or 0)
        sums["returned"] += back
        sums["fees"] += int(each.get("returned_fee") or 0)
        if each["status"] == DepositStatus.CONFIRMED:
            sums["confirmed"] += back
    return {
        asset: {name: str(value) for name, value in sums.items()}
        for asset, sums in sorted(found.items())
    }
