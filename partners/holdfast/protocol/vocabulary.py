"""The words of the wire: every closed list that a body, an event or a view may draw from.

Source: docs/protocol.md and docs/life-cycle.md; decline codes name the ISO 20022 return reason.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType


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
    SCREENING = "screening"


class Urgency(StrEnum):
    """How fast partners are asked to act; the clocks hang on it."""

    FLASH = "flash"
    URGENT = "urgent"
    ROUTINE = "routine"


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0 (FIRST), the strictest first."""

    RED = "RED"
    AMBER_STRICT = "AMBER+STRICT"
    AMBER = "AMBER"
    GREEN = "GREEN"
    CLEAR = "CLEAR"

    def is_below(self, other: "Tlp") -> bool:
        """Tell whether this mark lets content travel further than `other` does."""
        marks = list(Tlp)
        return marks.index(self) > marks.index(other)

    @property
    def may_be_passed_on(self) -> bool:
        """Whether who was sent it may send it on to another organisation of the community."""
        return self in {Tlp.GREEN, Tlp.CLEAR}


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
    CANNOT_SAY = "cannot_say"
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
    FUNDS_GONE = "funds_gone"  # AM04: before the notice
    LEFT_AFTER_NOTICE = "left_after_notice"  # AM04: between notice and freeze
    CANNOT_SAY = "cannot_say"  # LEGL: neither match nor no match may be told
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


class FreezesOn(StrEnum):
    """What a partner freezes on, as it says in the directory: a request, or an order alone."""

    REQUEST = "request"
    ORDER = "order"


class Gateway(StrEnum):
    """The ground on which two organisations may tell each other amounts, the firmest first.

    `us_314b`: section 314(b) of the USA PATRIOT Act; `uk_s188`: sections 188 and 189 of the UK's
    Economic Crime and Corporate Transparency Act 2023; `eu_amlr75`: a partnership for information
    sharing by article 75 of the EU's Regulation 2024/1624; `order`: a legal order on which the
    request is; `own_terms`: an agreement that both have signed.
    """

    US_314B = "us_314b"
    UK_S188 = "uk_s188"
    EU_AMLR75 = "eu_amlr75"
    ORDER = "order"
    OWN_TERMS = "own_terms"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Silence(StrEnum):
    """To whom a partner says `cannot_say`: to nobody, or to all but authorities.

    Said in one case and not in the next it would tell that there is something to tell.
    """

    NONE = "none"
    PRIVATE_REQUESTERS = "private_requesters"


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


class InterestKind(StrEnum):
    """What a requester itself stands to gain or lose by a freeze."""

    OWN_FUNDS = "own_funds"  # its own funds were taken
    CUSTOMERS = "customers"  # its customers' were, and it owes them, or pays them back
    CLAIM = "claim"  # it has a claim against whoever holds the account, or a suit is pending
    REWARD = "reward"  # it is paid by what is frozen or recovered
    COMPETITION = "competition"  # it competes with whoever holds the account
    POSITION = "position"  # it holds or trades what is flagged, or issued it
    OTHER = "other"


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
    OWN_DECISION = "own_decision"
    APPEAL_UPHELD = "appeal_upheld"
    COURT_ORDER = "court_order"
    RETURNED_TO_VICTIM = "returned_to_victim"


class Irregular(StrEnum):
    """How a line of the ledger is true, and yet not as it should have been.

    `after_end`: frozen after the request ended, took the address back, or became unratified;
    `late`: reported so long after the end that messages no longer cross; `encumbered`: it let funds
    go on which an encumbrance or an authority's order lay.
    """

    AFTER_END = "after_end"
    LATE = "late"
    ENCUMBERED = "encumbered"


class EncumbranceKind(StrEnum):
    """What a third party's claim on held funds rests on."""

    INJUNCTION = "injunction"  # a court forbids to let them go
    ATTACHMENT = "attachment"  # they are seized for somebody's debt or claim
    COMPETING_CLAIM = "competing_claim"  # somebody else says before a court that they are theirs
    FORFEITURE = "forfeiture"  # the state takes them, or is about to


class Blocked(StrEnum):
    """What an encumbrance keeps from being agreed to."""

    RELEASE = "release"
    RETURN = "return"
    PAYOUT = "payout"


class EncumbranceStatus(StrEnum):
    """Whether an encumbrance, or a legal order, still counts; only the last one does not."""

    STANDING = "standing"
    REVIEW_DUE = "review_due"  # its date is past, and nobody looked at it yet
    LIFTED = "lifted"


class Verification(StrEnum):
    """How it was made sure that an order comes from the authority that it names."""

    CALL_BACK = "call_back"
    OFFICIAL_PORTAL = "official_portal"
    SIGNED_DOCUMENT = "signed_document"  # by a certificate that was checked
    COURT_REGISTER = "court_register"
    IN_PERSON = "in_person"


class NumberSource(StrEnum):
    """Where the number came from that was called back; never from the order itself."""

    AGENCY_WEBSITE = "agency_website"
    PUBLIC_DIRECTORY = "public_directory"
    KNOWN_BEFORE = "known_before"


class CallBackOutcome(StrEnum):
    """What whoever was called back said of an order."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"


class WithdrawalReason(StrEnum):
    """Why a request, or some of its addresses, was withdrawn: what holders go by."""

    WRONG_TARGET = "wrong_target"  # the account was flagged by error
    NOT_RATIFIED = "not_ratified"  # no lead stood by what went out
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"
    LEGAL = "legal"
    OTHER = "other"


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
    WHOLE_ACCOUNT = "whole_account"
    TOKEN_CONTRACT = "token_contract"  # noqa: S105 - a warning
    NO_KEY = "no_key"


#: Warnings that the target may be the wrong one: a flash request that carries one waits for its
#: approval. A duplicate is no wrong target.
WRONG_TARGET = frozenset(
    {
        WarningCode.NO_CHECKSUM,
        WarningCode.MISSING_TAG,
        WarningCode.SERVICE_WALLET,
        WarningCode.TOKEN_CONTRACT,
        WarningCode.NO_KEY,
    }
)
#: Warnings about other requests. The partners asked learn nothing of those: the body of an
#: approval, which reaches them, never names such a warning; whoever signs the context accepts it.
ABOUT_OTHER_REQUESTS = frozenset({WarningCode.DUPLICATE})
#: Warnings so grave that each address is accepted by itself, with a reason of its own.
ACCEPTED_SINGLY = frozenset({WarningCode.SERVICE_WALLET, WarningCode.WHOLE_ACCOUNT})


class WaitsBecause(StrEnum):
    """Why a flash request waits for its approval like any other."""

    POLICY = "policy"  # its submitter may not flash
    TO_ALL = "to_all"
    WARNINGS = "warnings"  # of a wrong target


class Arrival(StrEnum):
    """By what the coordinator knows that a notice arrived."""

    WEBHOOK = "webhook"  # an endpoint of the partner's answered 2xx
    FEED = "feed"  # one of the partner's read the feed at or past it
    READ = "read"  # one of the partner's read the request


class ErasureReason(StrEnum):
    """Why a request is erased. No text: what is said of it must not hold what was erased."""

    DATA_SUBJECT = "data_subject"  # a person whose data it holds asked for it
    COURT_ORDER = "court_order"
    WRONG_DATA = "wrong_data"  # it holds what it never should have
    RETENTION = "retention"  # its time is over
    OTHER = "other"


class DataSubjectKind(StrEnum):
    """What a person asks for, under data-protection law (the GDPR's articles)."""

    ACCESS = "access"  # Article 15
    RECTIFICATION = "rectification"  # 16
    OBJECTION = "objection"  # 21
    ERASURE = "erasure"  # 17


class DataSubjectStatus(StrEnum):
    """How far a requester is with what a person asks about one of its requests."""

    OPEN = "open"
    EXTENDED = "extended"  # once, by two months
    GRANTED = "granted"
    REFUSED = "refused"
    ERASED = "erased"  # what the freeze request said is erased: nothing is left to answer about


class DataSubjectDecision(StrEnum):
    """What a requester decides on it."""

    GRANTED = "granted"
    REFUSED = "refused"
    EXTENDED = "extended"


class DataSubjectReason(StrEnum):
    """Why it is refused, or takes longer."""

    NOT_THE_PERSON = "not_the_person"  # who asks did not show to be the person concerned
    NO_DATA = "no_data"  # nothing that is stated is about that person
    ACCURATE = "accurate"  # what is stated is right
    LEGAL_OBLIGATION = "legal_obligation"  # a law has it kept
    LEGAL_CLAIMS = "legal_claims"  # it is needed for claims
    COMPELLING_GROUNDS = "compelling_grounds"  # they weigh more than the objection
    LEGALLY_BARRED = "legally_barred"  # a law forbids to tell, or to change it
    UNFOUNDED = "unfounded"  # manifestly
    EXCESSIVE = "excessive"
    COMPLEX = "complex"  # takes longer
    MANY_REQUESTS = "many_requests"  # takes longer


#: Reasons for which one takes longer; all others are of refusals.
EXTENSION_REASONS = frozenset({DataSubjectReason.COMPLEX, DataSubjectReason.MANY_REQUESTS})


class GuestStatus(StrEnum):
    """How far an organisation that is no member was reached."""

    ASKED = "asked"  # its published security contact is looked for
    CONTACTED = "contacted"  # the mail with the link is out
    UNREACHABLE = "unreachable"  # it publishes no contact, or nothing takes the mail
    JOINED = "joined"  # it is a member now, with a leg of its own


class GuestAnswer(StrEnum):
    """What a guest said, on nobody's signature."""

    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"  # found, frozen or nothing, by address
    DECLINED = "declined"


class DestinationStatus(StrEnum):
    """Where a destination stands."""

    PROPOSED = "proposed"
    REGISTERED = "registered"  # another person approved it
    PROVEN = "proven"  # and a test transfer arrived
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody decided on it in time
    CLOSED = "closed"


class WhyNotUsable(StrEnum):
    """Why a destination may not be used now."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLOSED = "closed"
    UNPROVEN = "unproven"
    TOO_NEW = "too_new"


class RecoveryStatus(StrEnum):
    """Where a recovery request stands: one signed document about misplaced deposits."""

    SUBMITTED = "submitted"  # another person of the requester decides
    OPEN = "open"  # the partner asked has it; each deposit has a state of its own
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class DepositStatus(StrEnum):
    """Where one misplaced deposit of a recovery request stands."""

    OPEN = "open"
    NEEDS = "needs"  # the partner asked needs something of the requester
    FOUND = "found"
    NOT_FOUND = "not_found"
    DECLINED = "declined"
    RETURNED = "returned"
    CONTESTED = "contested"  # the requester says that it did not arrive
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class Mistake(StrEnum):
    """How a deposit came to the wrong place."""

    WRONG_NETWORK = "wrong_network"
    MISSING_TAG = "missing_tag"
    UNLISTED_TOKEN = "unlisted_token"  # noqa: S105 - a mistake
    WRONG_EXCHANGE = "wrong_exchange"
    OTHER = "other"


class RecoveryCode(StrEnum):
    """Why a misplaced deposit is not given back."""

    UNECONOMIC = "uneconomic"  # it costs more than it is worth, or than the requester accepts
    NO_KEY_ACCESS = "no_key_access"  # nobody can sign for the account
    CREDITED_AND_SPENT = "credited_and_spent"  # a customer was credited, and it is gone
    CANNOT_SAY = "cannot_say"
    UNSUPPORTED_ASSET = "unsupported_asset"


class RecoveryNeed(StrEnum):
    """What the partner asked needs before it goes on with a deposit."""

    PROOF = "proof"
    TRANSACTION = "transaction"
    HIGHER_FEE = "higher_fee"  # ask anew: the fee that is accepted takes two persons
    OTHER = "other"


class RecoveryProofKind(StrEnum):
    """What proves that a deposit came from the requester."""

    WITHDRAWAL_RECORD = "withdrawal_record"
    SIGNATURE = "signature"
    DOCUMENT = "document"


class ReturnStatus(StrEnum):
    """Where a return request stands."""

    SUBMITTED = "submitted"  # waits for another person of the requester
    OPEN = "open"  # waits for the partner's answer
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    PARTIAL = "partial"  # a part of it is accepted
    REFUSED = "refused"
    SUSPENDED = "suspended"  # a claim or a dispute stands in the way
    REVOKED = "revoked"
    SETTLED = "settled"  # what was sent arrived
    CONTESTED = "contested"  # what was sent did not


class ReturnCode(StrEnum):
    """Why a partner sends nothing back."""

    NO_BALANCE = "no_balance"
    ENCUMBERED = "encumbered"
    LEGALLY_BARRED = "legally_barred"
    ACCOUNT_CLOSED = "account_closed"
    POLICY_REFUSAL = "policy_refusal"
    OTHER = "other"


class RestitutionStatus(StrEnum):
    """Whether recovered funds are being given back."""

    OPEN = "open"
    CLOSED = "closed"


class ClaimProof(StrEnum):
    """How a claim is shown to be somebody's."""

    SIGNATURE = "signature"  # of the address: it shows control, not loss
    ATTESTED = "attested"  # a member answers for its own customer
    DOCUMENTS = "documents"


class ClaimRejection(StrEnum):
    """Why a claim is rejected."""

    NOT_A_VICTIM = "not_a_victim"  # nothing was taken from these addresses
    DOUBLE = "double"  # the same loss is claimed elsewhere
    WRONG_AMOUNT = "wrong_amount"
    PROOF_FAILS = "proof_fails"
    DOCUMENTS_MISSING = "documents_missing"
    OTHER = "other"


class AllocationStatus(StrEnum):
    """Whether an allocation gives anything away."""

    PROPOSED = "proposed"
    APPROVED = "approved"  # by two
    REJECTED = "rejected"


class PayoutStatus(StrEnum):
    """Where a payout stands."""

    DUE = "due"
    PAID = "paid"
    FAILED = "failed"  # nothing arrived: it may be paid again


class PayoutChangeStatus(StrEnum):
    """Where a changed payout account stands."""

    PROPOSED = "proposed"  # another person has to approve it
    APPROVED = "approved"  # and waits until it is in force
    REJECTED = "rejected"
    IN_FORCE = "in_force"


class ClaimStatus(StrEnum):
    """Where a claim stands."""

    RECEIVED = "received"
    VERIFIED = "verified"
    REJECTED = "rejected"
    OBJECTION = "objection"  # its claimant says that the decision is wrong
    ALLOCATED = "allocated"
    PAID = "paid"
    FAILED = "failed"  # a payout of it came back


class EventType(StrEnum):
    """Every event that partners can receive, by webhook or from the feed."""

    REQUEST_RECEIVED = "freeze_request.received"
    REQUEST_SUBMITTED = "freeze_request.submitted"
    REQUEST_APPROVED = "freeze_request.approved"
    REQUEST_REJECTED = "freeze_request.rejected"
    REQUEST_RATIFIED = "freeze_request.ratified"
    REQUEST_UNRATIFIED = "freeze_request.unratified"
    REQUEST_WITHDRAWAL_PROPOSED = "freeze_request.withdrawal_proposed"
    REQUEST_WITHDRAWAL_REFUSED = "freeze_request.withdrawal_refused"  # rejected, void or moot
    REQUEST_WITHDRAWN = "freeze_request.withdrawn"
    REQUEST_EXPIRED = "freeze_request.expired"
    REQUEST_CLOSED = "freeze_request.closed"
    REQUEST_ERASURE_PROPOSED = "freeze_request.erasure_proposed"
    REQUEST_ERASED = "freeze_request.erased"
    REQUEST_SUPPORT_RAISED = "freeze_request.support_raised"
    REQUEST_FLAGS_RENEWED = "freeze_request.flags_renewed"
    REQUEST_SAME_FUNDS = "freeze_request.same_funds_marked"
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
    LEG_CANNOT_SAY = "leg.cannot_say"
    LEG_WITHDRAWN = "leg.withdrawn"
    LEG_OVERDUE = "leg.overdue"
    LEG_UNANSWERED = "leg.unanswered"
    LEG_UNDELIVERABLE = "leg.undeliverable"
    LEG_DISPUTED = "leg.disputed"
    LEG_CONTESTED = "leg.contested"
    LEG_DISPUTE_RESOLVED = "leg.dispute_resolved"
    LEG_LEGAL_ORDER = "leg.legal_order_attached"
    LEG_LEGAL_ORDER_CALLED_BACK = "leg.legal_order_called_back"
    LEG_LEGAL_ORDER_REVIEW_DUE = "leg.legal_order_review_due"
    LEG_LEGAL_ORDER_REVIEWED = "leg.legal_order_reviewed"
    LEG_LEGAL_ORDER_LIFTED = "leg.legal_order_lifted"
    LEG_INDEMNITY_GIVEN = "leg.indemnity_given"
    FREEZE_NOTHING = "freeze.nothing"
    FREEZE_FOUND = "freeze.found"
    FREEZE_FROZEN = "freeze.frozen"
    FREEZE_RELEASED = "freeze.released"
    FREEZE_RETURNED = "freeze.returned"
    FREEZE_SEIZED = "freeze.seized"
    FREEZE_KEPT = "freeze.kept"
    FREEZE_CORRECTED = "freeze.corrected"
    HOLD_EXPIRING = "hold.expiring"
    HOLD_REVIEW_DUE = "hold.review_due"
    HOLD_EXTENSION_REQUESTED = "hold.extension_requested"
    HOLD_EXTENDED = "hold.extended"
    HOLD_LAPSED = "hold.lapsed"
    HOLD_ENCUMBERED = "hold.encumbered"
    HOLD_ENCUMBRANCE_REVIEW_DUE = "hold.encumbrance_review_due"
    HOLD_ENCUMBRANCE_REVIEWED = "hold.encumbrance_reviewed"
    HOLD_ENCUMBRANCE_LIFTED = "hold.encumbrance_lifted"
    ANSWER_OWED = "answer.owed"
    CLEARANCE_ISSUED = "clearance.issued"
    CLEARANCE_REVOKED = "clearance.revoked"
    GRANT_MADE = "grant.made"
    GRANT_REVOKED = "grant.revoked"
    PARTNER_JOINED = "partner.joined"
    PARTNER_SUSPENDED = "partner.suspended"
    PARTNER_ROOT_RESET = "partner.root_reset"
    PARTNER_NAMES_CHANGED = "partner.names_changed"
    PARTNER_ENCRYPTION_KEY_SET = "partner.encryption_key_set"
    RULEBOOK_PUBLISHED = "rulebook.published"
    RULEBOOK_ACCEPTED = "rulebook.accepted"
    RETURN_SUBMITTED = "return.submitted"
    RETURN_OPENED = "return.opened"
    RETURN_ENDED = "return.ended"  # rejected, withdrawn, expired or revoked
    RETURN_ANSWERED = "return.answered"
    RETURN_SUSPENDED = "return.suspended"
    RETURN_RESUMED = "return.resumed"
    RETURN_RECEIVED = "return.received"  # or not
    GATEWAY_DECLARED = "gateway.declared"
    GATEWAY_VERIFIED = "gateway.verified"
    GATEWAY_ENDED = "gateway.ended"
    DESTINATION_PROPOSED = "destination.proposed"
    DESTINATION_REGISTERED = "destination.registered"
    DESTINATION_PROVEN = "destination.proven"
    DESTINATION_CLOSED = "destination.closed"  # or rejected
    LOG_RESTORED = "log.restored"
    EVIDENCE_SEALED = "evidence.sealed"
    GUEST_ASKED = "guest.asked"
    GUEST_CONTACTED = "guest.contacted"
    GUEST_UNREACHABLE = "guest.unreachable"
    GUEST_ANSWERED = "guest.answered"
    GUEST_JOINED = "guest.joined"
    RECOVERY_SUBMITTED = "recovery.submitted"
    RECOVERY_APPROVED = "recovery.approved"
    RECOVERY_RECEIVED = "recovery.received"
    RECOVERY_ENDED = "recovery.ended"  # rejected or withdrawn before it went out
    RECOVERY_ANSWERED = "recovery.answered"
    RECOVERY_REPLIED = "recovery.replied"
    DATA_SUBJECT_RECEIVED = "data_subject.received"
    DATA_SUBJECT_ANSWERED = "data_subject.answered"
    DATA_SUBJECT_OVERDUE = "data_subject.overdue"
    TASK_TAKEN = "task.taken"
    TASK_PAGED = "task.paged"
    RESTITUTION_OPENED = "restitution.opened"
    RESTITUTION_POOL_CHANGED = "restitution.pool_changed"
    RESTITUTION_CLAIMS_FILED = "restitution.claims_filed"
    RESTITUTION_CLAIM_DECIDED = "restitution.claim_decided"
    RESTITUTION_CLAIM_CONTESTED = "restitution.claim_contested"
    RESTITUTION_PAYOUT_CHANGE_PROPOSED = "restitution.payout_change_proposed"
    RESTITUTION_PAYOUT_CHANGE_DECIDED = "restitution.payout_change_decided"
    RESTITUTION_ALLOCATION_PROPOSED = "restitution.allocation_proposed"
    RESTITUTION_ALLOCATION_DECIDED = "restitution.allocation_decided"
    RESTITUTION_PAYOUTS_RECORDED = "restitution.payouts_recorded"
    RESTITUTION_CLOSED = "restitution.closed"
    RESTITUTION_LINKS_MADE = "restitution.links_made"
    RESTITUTION_LINKS_REVOKED = "restitution.links_revoked"
    ENDPOINT_TEST = "endpoint.test"
    ENDPOINT_FAILING = "endpoint.failing"
    ENDPOINT_DISABLED = "endpoint.disabled"


def _families() -> Mapping[str, frozenset[str]]:
    families: dict[str, set[str]] = {}
    for event in EventType:
        families.setdefault(f"{event.partition('.')[0]}.*", set()).add(event.value)
    return MappingProxyType({name: frozenset(events) for name, events in families.items()})


#: All events of a noun, by how they are chosen together, e.g. "freeze.*".
EVENT_FAMILIES = _families()


def is_chosen(event_type: str, choice: Collection[str]) -> bool:
    """Tell whether a choice of events (types, and whole nouns as "freeze.*") has this one."""
    return event_type in choice or f"{event_type.partition('.')[0]}.*" in choice
