"""What the page of an answer calls codes, grounds, reasons and kinds; and faults in its words."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from coordinator.console.words import fault_sentence
from coordinator.services.reading.code_words import CHOSEN
from holdfast.protocol.vocabulary import (
    DeclineCode,
    HoldBasis,
    IncidentKind,
    KeptBasis,
    LegStatus,
    LineKind,
    ReleaseReason,
    Support,
)

KINDS: Mapping[LineKind, str] = MappingProxyType(
    {
        LineKind.FOUND: "Found",
        LineKind.FROZEN: "Frozen",
        LineKind.RELEASED: "Released",
        LineKind.RETURNED: "Returned",
        LineKind.SEIZED: "Seized",
        LineKind.KEPT: "Kept",
        LineKind.NOTHING: "Nothing",
        LineKind.CORRECTION: "Corrected",
    }
)
BASES: Mapping[HoldBasis, str] = MappingProxyType(
    {
        HoldBasis.VOLUNTARY: "Voluntary, on their word",
        HoldBasis.OWN_POLICY: "Our own policy",
        HoldBasis.LEGAL_ORDER: "A legal order",
    }
)
KEPT_BASES: Mapping[KeptBasis, str] = MappingProxyType(
    {
        KeptBasis.OWN_POLICY: "Our own policy",
        KeptBasis.LEGAL_ORDER: "A legal order",
        KeptBasis.OTHER_REQUEST: "Another request, which shares this hold",
    }
)
RELEASES: Mapping[ReleaseReason, str] = MappingProxyType(
    {
        ReleaseReason.WITHDRAWN: "The requester withdrew",
        ReleaseReason.EXPIRED: "Its time is over",
        ReleaseReason.FALSE_POSITIVE: "It was the wrong account",
        ReleaseReason.OWN_DECISION: "Our own decision",
        ReleaseReason.APPEAL_UPHELD: "The customer's appeal was upheld",
        ReleaseReason.COURT_ORDER: "A court ordered it",
        ReleaseReason.RETURNED_TO_VICTIM: "It went back to the victim",
    }
)
SUPPORTS: Mapping[Support, str] = MappingProxyType(
    {
        Support.NONE: "The requester's word alone",
        Support.POLICE_REPORT: "A police report",
        Support.ORDER_APPLIED: "A court order that was applied for",
        Support.ORDER: "A court order",
    }
)
INCIDENTS: Mapping[IncidentKind, str] = MappingProxyType(
    {
        IncidentKind.HACK: "A hack",
        IncidentKind.SCAM: "A scam",
        IncidentKind.PHISHING: "Phishing",
        IncidentKind.RANSOMWARE: "Ransomware",
        IncidentKind.RUG_PULL: "A rug pull",
        IncidentKind.INSIDER: "An insider",
        IncidentKind.OTHER: "Another kind of theft",
    }
)
STATES: Mapping[LegStatus, tuple[str, str]] = MappingProxyType(
    {
        LegStatus.QUEUED: ("Not acknowledged", "waiting"),
        LegStatus.DELIVERED: ("Not acknowledged", "waiting"),
        LegStatus.ACKNOWLEDGED: ("Acknowledged", "waiting"),
        LegStatus.UNDER_REVIEW: ("Under review", "waiting"),
        LegStatus.INFO_REQUESTED: ("You asked", "waiting"),
        LegStatus.PARTIALLY_FROZEN: ("Partly frozen", "held"),
        LegStatus.FROZEN: ("Frozen", "held"),
        LegStatus.RELEASED: ("Released", "done"),
        LegStatus.RETURNED: ("Returned", "done"),
        LegStatus.NO_MATCH: ("Nothing here", "done"),
        LegStatus.CANNOT_SAY: ("You may not say", "done"),
        LegStatus.DECLINED: ("Declined", "done"),
        LegStatus.WITHDRAWN: ("Withdrawn", "done"),
    }
)
DISPUTES: Mapping[str, str] = MappingProxyType(
    {
        "wrong_target": "Wrong target: this is not the thief's account",
        "good_faith": "Good-faith claim: the customer had it honestly",
        "other": "Another reason: say it in words",
    }
)
#: How a dispute's text begins, by what it is about; the requester reads the text alone.
DISPUTE_BEGINS: Mapping[str, str] = MappingProxyType(
    {"wrong_target": "Wrong target. ", "good_faith": "Good-faith claim. ", "other": ""}
)

_WITHHELD = "the tick \N{LEFT DOUBLE QUOTATION MARK}We may not tell\N{RIGHT DOUBLE QUOTATION MARK}"
_WHOLE = "the tick \N{LEFT DOUBLE QUOTATION MARK}Whole account\N{RIGHT DOUBLE QUOTATION MARK}"
#: Members of the API by their forms, and what the page calls them, in this order.
_MEMBERS: tuple[tuple[str, str], ...] = (
    (r"\baddress_nos? (?=[0-9])", "no. "),
    (r"\bamount null\b", _WITHHELD),
    (r"\ba null\b|\bnull\b", "a withheld amount"),
    (r"\baccount_level(?: true)?\b", _WHOLE),
    (r"\bhold_expires_at\b", "the end"),
    (r"\bfrozen_at\b", "the time of the freeze"),
    (r"\breview_at\b", "the review date"),
    (r"\beffective_at\b", "the time it came into force"),
    (r"\beffective_tx\b", "the transaction that froze"),
    (r"\bproposed_at\b", "the time it was proposed"),
    (r"\bproposed_tx\b", "the transaction that proposed it"),
    (r"\bleft_at\b", "the time they left"),
    (r"\bother_request\b", "the other request"),
)
_CODE = re.compile(r"\b(moved_on|left_after_notice|funds_gone|insufficient_evidence|cannot_say)\b")


def plain(detail: str) -> str:
    """Return a fault in the words of the page, for the API names its own members."""
    for form, word in _MEMBERS:
        detail = re.sub(form, word, detail)
    return fault_sentence(_CODE.sub(_code_words, detail))


def _code_words(match: re.Match[str]) -> str:
    said = CHOSEN[DeclineCode(match.group())]
    return f"\N{LEFT DOUBLE QUOTATION MARK}{said}\N{RIGHT DOUBLE QUOTATION MARK}"
