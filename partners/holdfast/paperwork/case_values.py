"""What a case says, as papers tell it: amounts in units, times with their zone, in a language.

Everything here is what the request's reader may read. What others wrote is brought to characters
that can be shown; see `holdfast.typesetting.characters`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.evidence.case_file import CaseFile
from holdfast.paperwork.language import NOTHING, Words, time_words
from holdfast.protocol import strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.life_cycle_payloads import LegalOrder
from holdfast.protocol.payloads import FlaggedAddress, FreezeRequest, Legal, Remainder
from holdfast.protocol.remainder import read_asked
from holdfast.protocol.unit_amounts import chain_of
from holdfast.protocol.views import EvidenceView, HoldView
from holdfast.typesetting.characters import visible

#: Of each list, a paper tells so many rows; an annex has all.
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Case:
    """A case to write papers about.

    Attributes:
        file: All that its reader is shown, after it was examined.
        coordinator: The origin that showed it.
        document: What was asked, as it was signed.
        holds: Those that papers tell of, in their order.
        addresses: Those that papers tell of, by their number from 0.
    """

    file: CaseFile
    coordinator: str
    document: FreezeRequest | Remainder
    holds: Sequence[HoldView]
    addresses: Mapping[int, FlaggedAddress]

    @classmethod
    def of(cls, file: CaseFile, coordinator: str) -> "Case":
        """Return the case in an examined file: its one submission was proven."""
        submitted = next(each for each in file.evidence if each.act == "submit")
        document = read_asked(strict_json.loads(_proof(submitted)))
        holds = sorted(file.holds, key=lambda hold: (hold.partner, hold.address_no, hold.id))
        return cls(file, coordinator, document, holds, document.numbered())

    @property
    def own_holds(self) -> list[HoldView]:
        """The holds that the reader itself has."""
        return [hold for hold in self.holds if hold.partner == self.file.handle]


def _proof(view: EvidenceView) -> bytes:
    return (view.remainder if view.remainder is not None else view.body or "").encode()


def account_words(address: FlaggedAddress, assets: KnownAssets, words: Words) -> str:
    """Return an account as people look it up: chain, address, and a tag where it has one."""
    chain = chain_of(address.account)
    place = address.account.removeprefix(f"{chain}:")
    tag = f", {words.say('word', 'tag')} {address.tag}" if address.tag else ""
    return visible(f"{assets.chain_name(chain)}: {place}{tag}")


def asked_words(address: FlaggedAddress, assets: KnownAssets, words: Words) -> str:
    """Return what is asked of an address: "1,234.5 ETH", "any amount of ETH", "whatever came"."""
    if address.asset is None:
        return words.say("word", "any_asset")
    if address.amount is not None:
        return words.number(address.amount, assets, address.asset)
    return f"{words.say('word', 'any_amount')} {asset_words(address.asset, assets)}"


def asset_words(asset: str, assets: KnownAssets) -> str:
    """Return what people call an asset and its chain: "USDT (Ethereum)"; its id if unknown."""
    unit = assets.unit(asset)
    if unit is None:
        return visible(asset)
    return f"{unit.symbol} ({assets.chain_name(asset.partition('/')[0])})"


def _optional(at: datetime | None) -> str | None:
    return None if at is None else time_words(at)


def _said(text: str | None) -> str | None:
    return None if text is None else visible(text) or None


def single_values(case: Case, words: Words) -> dict[str, str | None]:
    """Return what a case says once, by the name that templates use."""
    view, legal = case.file.view, case.document.legal or Legal()
    incident = view.incident
    return {
        "request_id": view.id,
        "content_sha256": view.content_sha256,
        "coordinator": visible(case.coordinator),
        "requester": view.requester,
        "reader": case.file.handle,
        "title": _said(incident.title),
        "incident_kind": words.say("incident", incident.kind),
        "occurred_at": time_words(incident.occurred_at),
        "incident_reference": _said(incident.reference),
        "summary": _said(view.summary),
        "urgency": words.say("urgency", view.urgency.value),
        "tlp": f"TLP:{view.tlp}",
        "status": words.say("status", view.status.value),
        "submitted_at": time_words(view.submitted_at),
        "decided_at": _optional(view.decided_at),
        "rests_on": words.say("support", view.support.value),
        "police_report": _said(legal.police_report),
        "agency": _said(legal.agency),
        "order": _said(legal.order),
        "silence_until": _optional(view.do_not_notify_customer_until),
        "address_count": str(len(case.addresses)),
        "hold_count": str(len(case.holds)),
    }


def address_rows(case: Case, assets: KnownAssets, words: Words) -> list[dict[str, str]]:
    """Return the flagged addresses, as many as a paper tells."""
    return [
        {
            "no": str(number + 1),
            "account": account_words(address, assets, words),
            "caip10": visible(address.account),
            "asked": asked_words(address, assets, words),
            "role": words.say("role", address.role.value) if address.role else NOTHING,
            "tx": visible(address.tx or "") or NOTHING,
            "note": visible(address.note or "") or NOTHING,
        }
        for number, address in sorted(case.addresses.items())[:MOST_ROWS]
    ]


def hold_rows(case: Case, assets: KnownAssets, words: Words) -> list[dict[str, str]]:
    """Return the holds, as many as a paper tells."""
    return [_hold_row(case, hold, assets, words) for hold in case.holds[:MOST_ROWS]]


def _hold_row(case: Case, hold: HoldView, assets: KnownAssets, words: Words) -> dict[str, str]:
    address = case.addresses.get(hold.address_no)

    def amount(base_units: str) -> str:
        if hold.withheld:
            return words.say("word", "withheld")
        return words.number(base_units, assets, hold.asset)

    if hold.lapsed:
        ends = words.say("word", "lapsed")
    elif hold.review_at is not None:
        ends = f"{words.say('word', 'review')} {time_words(hold.review_at)}"
    else:
        ends = time_words(hold.hold_expires_at)
    return {
        "hold": hold.id,
        "partner": hold.partner,
        "no": str(hold.address_no + 1),
        "account": NOTHING if address is None else account_words(address, assets, words),
        "asset": asset_words(hold.asset, assets),
        **{
            name: amount(getattr(hold, name))
            for name in ("frozen", "held", "released", "returned", "seized")
        },
        "frozen_at": time_words(hold.effective_at or hold.frozen_at),
        "ends": ends,
        "basis": words.say("basis", hold.basis.value),
    }


def sum_rows(case: Case, assets: KnownAssets, words: Words) -> list[dict[str, str]]:
    """Return the sums by asset, over what the reader may see."""
    names = ("found", "frozen", "held", "released", "returned", "seized")
    return [
        {
            "asset": asset_words(asset, assets),
            **{name: words.number(getattr(totals, name), assets, asset) for name in names},
        }
        for asset, totals in sorted(case.file.view.totals.items())
    ]


def order_rows(case: Case) -> list[dict[str, str]]:
    """Return the authorities' orders that were attached under somebody's signature."""
    rows = []
    for each in case.file.evidence:
        if each.act == "legal_order":
            order = LegalOrder.model_validate(strict_json.loads(_proof(each)))
            rows.append(
                {
                    "agency": visible(order.agency),
                    "reference": visible(order.reference),
                    "sha256": order.document_sha256,
                    "attached_at": time_words(each.at),
                    "attached_by": each.partner or NOTHING,
                }
            )
    return rows


#: The names in the rows of each list, also where it is empty.
COLUMNS: Mapping[str, frozenset[str]] = {
    "addresses": frozenset({"no", "account", "caip10", "asked", "role", "tx", "note"}),
    "holds": frozenset(
        {"hold", "partner", "no", "account", "asset", "frozen", "held", "released", "returned"}
        | {"seized", "frozen_at", "ends", "basis"}
    ),
    "sums": frozenset({"asset", "found", "frozen", "held", "released", "returned", "seized"}),
    "orders": frozenset({"agency", "reference", "sha256", "attached_at", "attached_by"}),
    "files": frozenset({"name", "bytes", "sha256"}),
}


def list_values(case: Case, assets: KnownAssets, words: Words) -> dict[str, list[Any]]:
    """Return the lists of a case by the name that templates use."""
    return {
        "addresses": address_rows(case, assets, words),
        "holds": hold_rows(case, assets, words),
        "sums": sum_rows(case, assets, words),
        "orders": order_rows(case),
        "files": [],
    }
