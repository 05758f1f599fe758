"""The words of the wire: every closed list that a body, an event or a view may draw from.

Source: docs/protocol.md and docs/life-cycle.md; decline codes name the ISO 20022 return reason.
"""

from enum import StrEnum


class PartnerKind(StrEnum):
    """What sort of organisation a partner is."""

    EXCHANGE = "exchange"
    ISSUER = "issuer"
    SERVICE = "service"
    ANALYTICS = "analytics"
    LAW_ENFORCEMENT = "law_enforcement"
    COMMUNITY = "community"


#: Kinds that can be asked to freeze: they have legs.
ASKABLE_KINDS = frozenset({PartnerKind.EXCHANGE, PartnerKind.ISSUER, PartnerKind.SERVICE})
#: Kinds that may ask others to freeze.
REQUESTING_KINDS = ASKABLE_KINDS | {PartnerKind.LAW_ENFORCEMENT}


class PartnerStatus(StrEnum):
    """Where a partner stands with the operator."""

    INVITED = "invited"
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Role(StrEnum):
    """What a person or system of a partner may do."""

    ANALYST = "analyst"
    SYSTEM = "system"
    COMPLIANCE = "compliance"
    SECURITY_LEAD = "security_lead"
    AUDITOR = "auditor"


class Urgency(StrEnum):
    """How fast partners are asked to act; the clocks hang on it."""

    FLASH = "flash"
    URGENT = "urgent"
    ROUTINE = "routine"


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0 (FIRST)."""

    RED = "RED"
    AMBER_STRICT = "AMBER+STRICT"
    AMBER = "AMBER"
    GREEN = "GREEN"
    CLEAR = "CLEAR"


class IncidentKind(StrEnum):
    """What happened."""

    HACK = "hack"
    SCAM = "scam"
    PHISHING = "phishing"
    RANSOMWARE = "ransomware"
    RUG_PULL = "rug_pull"
    INSIDER = "insider"
    OTHER = "other"


class AddressRole(StrEnum):
    """How a flagged address came to be flagged."""

    RECEIVER = "receiver"
    SENDER = "sender"
    INTERMEDIARY = "intermediary"
    DEPOSIT = "deposit"
    CONTRACT = "contract"


class RequestStatus(StrEnum):
    """Where a freeze request stands."""

    SUBMITTED = "submitted"
    ACTIVE = "active"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CLOSED = "closed"


class LegStatus(StrEnum):
    """Where one partner's side of a request stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    UNDER_REVIEW = "under_review"
    INFO_REQUESTED = "info_requested"
    PARTIALLY_FROZEN = "partially_frozen"
    FROZEN = "frozen"
    RELEASED = "released"
    RETURNED = "returned"
    NO_MATCH = "no_match"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Decision(StrEnum):
    """What a security lead decides on a request."""

    APPROVE = "approve"
    REJECT = "reject"


class DeclineCode(StrEnum):
    """Why nothing was or will be frozen; ISO 20022 reasons in the comments."""

    NO_MATCH = "no_match"
    NOT_OUR_ADDRESS = "not_our_address"
    NO_SUCH_TRANSACTION = "no_such_transaction"  # NOOR
    FUNDS_GONE = "funds_gone"  # AM04
    MOVED_ON = "moved_on"  # PTNA
    ACCOUNT_CLOSED = "account_closed"  # AC04
    ALREADY_RETURNED = "already_returned"  # ARDT
    LEGAL_PROCESS_REQUIRED = "legal_process_required"  # LEGL
    LEGALLY_BARRED = "legally_barred"  # LEGL
    CUSTOMER_CONTESTS = "customer_contests"  # CUST
    POLICY_REFUSAL = "policy_refusal"  # AGNT
    INDEMNITY_REQUIRED = "indemnity_required"  # INDM
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
    OMNIBUS_OR_SERVICE_ADDRESS = "omnibus_or_service_address"
    BELOW_THRESHOLD = "below_threshold"
    UNSUPPORTED_ASSET = "unsupported_asset"
    DUPLICATE = "duplicate"
    OTHER = "other"  # NARR


#: Codes that say "there is nothing of it here"; a leg answered with these alone is `no_match`.
NO_MATCH_CODES = frozenset(
    {DeclineCode.NO_MATCH, DeclineCode.NOT_OUR_ADDRESS, DeclineCode.NO_SUCH_TRANSACTION}
)


class LineKind(StrEnum):
    """What one line of a freeze report states."""

    FOUND = "found"
    FROZEN = "frozen"
    RELEASED = "released"
    RETURNED = "returned"
    SEIZED = "seized"
    KEPT = "kept"
    NOTHING = "nothing"
    CORRECTION = "correction"


class HoldBasis(StrEnum):
    """On what ground a partner holds funds."""

    VOLUNTARY = "voluntary"
    OWN_POLICY = "own_policy"
    LEGAL_ORDER = "legal_order"


class Support(StrEnum):
    """Whose word a request rests on, the weakest first; each says how long a hold may last."""

    NONE = "none"
    POLICE_REPORT = "police_report"
    ORDER_APPLIED = "order_applied"
    ORDER = "order"


class KeptBasis(StrEnum):
    """Why a partner keeps a hold after a withdrawal."""

    LEGAL_ORDER = "legal_order"
    OWN_POLICY = "own_policy"
    OTHER_REQUEST = "other_request"


class ReleaseReason(StrEnum):
    """Why a hold, or a part of it, was let go."""

    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    FALSE_POSITIVE = "false_positive"
    APPEAL_UPHELD = "appeal_upheld"
    COURT_ORDER = "court_order"
    RETURNED_TO_VICTIM = "returned_to_victim"


class EvidenceKind(StrEnum):
    """What proves an act."""

    JWS = "jws"
    WEBAUTHN = "webauthn"
    COORDINATOR = "coordinator"


class WarningCode(StrEnum):
    """What may be wrong with a flagged address; approving means accepting each with a reason."""

    NO_CHECKSUM = "no_checksum"
    MISSING_TAG = "missing_tag"
    SERVICE_WALLET = "service_wallet"
    DUPLICATE = "duplicate"


#: Warnings about other requests. The partners asked learn nothing of those: the body of an
#: approval, which reaches them, never names such a warning; whoever signs the context accepts it.
ABOUT_OTHER_REQUESTS = frozenset({WarningCode.DUPLICATE})


class EventType(StrEnum):
    """Every event that partners can receive, by webhook or from the feed."""

    REQUEST_RECEIVED = "freeze_request.received"
    REQUEST_SUBMITTED = "freeze_request.submitted"
    REQUEST_APPROVED = "freeze_request.approved"
    REQUEST_REJECTED = "freeze_request.rejected"
    REQUEST_RATIFIED = "freeze_request.ratified"
    REQUEST_WITHDRAWN = "freeze_request.withdrawn"
    REQUEST_EXPIRED = "freeze_request.expired"
    REQUEST_CLOSED = "freeze_request.closed"
    REQUEST_PARTNERS_PROPOSED = "freeze_request.partners_proposed"
    REQUEST_PARTNERS_REFUSED = "freeze_request.partners_refused"
    REQUEST_PARTNERS_ADDED = "freeze_request.partners_added"
    LEG_DELIVERED = "leg.delivered"
    LEG_ACKNOWLEDGED = "leg.acknowledged"
    LEG_UNDER_REVIEW = "leg.under_review"
    LEG_INFO_REQUESTED = "leg.info_requested"
    LEG_INFO_PROVIDED = "leg.info_provided"
    LEG_DECLINED = "leg.declined"
    LEG_NO_MATCH = "leg.no_match"
    LEG_WITHDRAWN = "leg.withdrawn"
    LEG_OVERDUE = "leg.overdue"
    LEG_UNANSWERED = "leg.unanswered"
    LEG_UNDELIVERABLE = "leg.undeliverable"
    LEG_DISPUTED = "leg.disputed"
    LEG_DISPUTE_RESOLVED = "leg.dispute_resolved"
    LEG_LEGAL_ORDER = "leg.legal_order_attached"
    FREEZE_FOUND = "freeze.found"
    FREEZE_FROZEN = "freeze.frozen"
    FREEZE_RELEASED = "freeze.released"
    FREEZE_RETURNED = "freeze.returned"
    FREEZE_SEIZED = "freeze.seized"
    FREEZE_KEPT = "freeze.kept"
    FREEZE_CORRECTED = "freeze.corrected"
    HOLD_EXPIRING = "hold.expiring"
    HOLD_EXTENSION_REQUESTED = "hold.extension_requested"
    HOLD_EXTENDED = "hold.extended"
    HOLD_LAPSED = "hold.lapsed"
    ANSWER_OWED = "answer.owed"
    GRANT_MADE = "grant.made"
    GRANT_REVOKED = "grant.revoked"
    PARTNER_JOINED = "partner.joined"
    PARTNER_SUSPENDED = "partner.suspended"
    PARTNER_ROOT_RESET = "partner.root_reset"
    TASK_TAKEN = "task.taken"
    ENDPOINT_TEST = "endpoint.test"
    ENDPOINT_FAILING = "endpoint.failing"
