"""The freeze ledger added up again, line by line: what an evidence bundle shows beside the lines.

Only lines are added, as they are shown: nothing that was added up before is believed. Which holds
count for the request, and whether their amounts are withheld, the holds say. Amounts are whole base
units, written as decimal text.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.protocol.vocabulary import LineKind

_LEFT = (LineKind.RELEASED, LineKind.RETURNED, LineKind.SEIZED)
_OF_HOLDS = frozenset({LineKind.FROZEN, *_LEFT})
_SUMS = ("found", "frozen", "held", "released", "returned", "seized")


class LedgerSums:
    """Adds up lines; give it each line once, in the ledger's order."""

    def __init__(self) -> None:
        self._amounts: dict[str, int] = {}
        self._of_hold: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._found: dict[tuple[str, str], list[str]] = defaultdict(list)

    def take(self, line: Mapping[str, Any]) -> None:
        """Add a line, as `…/ledger` shows it; amounts that are withheld add nothing."""
        kind, line_id = line["kind"], line["id"]
        amount = int(line.get("amount") or 0)
        if kind == LineKind.CORRECTION:
            corrected = line.get("corrects") or ""
            if corrected in self._amounts:
                self._amounts[corrected] = amount
        elif kind == LineKind.FOUND:
            self._amounts[line_id] = amount
            self._found[line["partner"], line.get("asset") or ""].append(line_id)
        elif kind in _OF_HOLDS:
            self._amounts[line_id] = amount
            self._of_hold[line.get("hold") or ""].append((kind, line_id))

    def document(self, holds: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what the lines come to.

        Args:
            holds: As `…/holds` shows them; no amount of theirs is read.

        Returns:
            `holds`, each with its sums, and `totals` of each partner by asset.
        """
        totals: dict[str, dict[str, dict[str, int]]] = {}
        for (partner, asset), ids in self._found.items():
            found = sum(self._amounts[line_id] for line_id in ids)
            _of(totals, partner, asset)["found"] += found
        rows = []
        for hold in holds:
            sums = self._sums(hold)
            of = _of(totals, hold["partner"], hold["asset"])
            for name, units in sums.items():
                of[name] += units
            about = {name: hold[name] for name in ("id", "partner", "asset")}
            rows.append({**about, **_texts(sums)})
        return {
            "holds": rows,
            "totals": {
                partner: {asset: _texts(sums) for asset, sums in by_asset.items()}
                for partner, by_asset in totals.items()
            },
        }

    def _sums(self, hold: Mapping[str, Any]) -> dict[str, int]:
        by_kind = dict.fromkeys(_OF_HOLDS, 0)
        for kind, line_id in self._of_hold.get(hold["id"], ()):
            by_kind[LineKind(kind)] += self._amounts[line_id]
        left = {kind.value: by_kind[kind] for kind in _LEFT}
        # Of a withheld hold only what left it is known to have been frozen.
        frozen = sum(left.values()) if hold.get("withheld") else by_kind[LineKind.FROZEN]
        return {"frozen": frozen, "held": frozen - sum(left.values()), **left}


def _of(totals: dict[str, dict[str, dict[str, int]]], partner: str, asset: str) -> dict[str, int]:
    return totals.setdefault(partner, {}).setdefault(asset, dict.fromkeys(_SUMS, 0))


def _texts(sums: Mapping[str, int]) -> dict[str, str]:
    return {name: str(units) for name, units in sums.items()}
