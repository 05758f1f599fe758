"""Events and deliveries in words: what happened, how a try ended, what one can do about it."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from coordinator.console.words import countdown, listed
from coordinator.domain.delivery import DeliveryStatus
from holdfast.protocol.vocabulary import EventType

EVENTS: Mapping[EventType, str] = MappingProxyType(
    {
        EventType.REQUEST_RECEIVED: "A request reached you",
        EventType.REQUEST_SUBMITTED: "A colleague wrote a request",
        EventType.REQUEST_APPROVED: "A request was approved",
        EventType.REQUEST_REJECTED: "A request was rejected",
        EventType.REQUEST_RATIFIED: "A flash request was ratified",
        EventType.REQUEST_UNRATIFIED: "A flash request was not ratified in time",
        EventType.REQUEST_WITHDRAWAL_PROPOSED: "A withdrawal was proposed",
        EventType.REQUEST_WITHDRAWAL_REFUSED: "A withdrawal was refused",
        EventType.REQUEST_WITHDRAWN: "A request was withdrawn",
        EventType.REQUEST_EXPIRED: "A request ran out",
        EventType.REQUEST_CLOSED: "A request was closed",
        EventType.REQUEST_ERASURE_PROPOSED: "Erasing a request was proposed",
        EventType.REQUEST_ERASED: "A request was erased",
        EventType.REQUEST_SUPPORT_RAISED: "What stands behind a request grew",
        EventType.REQUEST_FLAGS_RENEWED: "Deposits are screened for longer",
        EventType.REQUEST_SAME_FUNDS: "Two holds were marked as the same funds",
        EventType.REQUEST_PARTNERS_PROPOSED: "More partners were proposed",
        EventType.REQUEST_PARTNERS_REFUSED: "More partners were refused",
        EventType.REQUEST_PARTNERS_ADDED: "More partners were asked",
        EventType.LEG_DELIVERED: "A notice arrived",
        EventType.LEG_ACKNOWLEDGED: "A partner acknowledged",
        EventType.LEG_UNDER_REVIEW: "A partner looks into it",
        EventType.LEG_INFO_REQUESTED: "A partner asked a question",
        EventType.LEG_INFO_PROVIDED: "A question was answered",
        EventType.LEG_DECLINED: "A partner declined",
        EventType.LEG_NO_MATCH: "A partner has nothing there",
        EventType.LEG_CANNOT_SAY: "A partner may not say",
        EventType.LEG_WITHDRAWN: "A partner is asked no more",
        EventType.LEG_OVERDUE: "An answer is overdue",
        EventType.LEG_UNANSWERED: "An answer never came",
        EventType.LEG_UNDELIVERABLE: "A notice reached nobody",
        EventType.LEG_DISPUTED: "A freeze was disputed",
        EventType.LEG_CONTESTED: "A customer objects",
        EventType.LEG_DISPUTE_RESOLVED: "A dispute was resolved",
        EventType.LEG_LEGAL_ORDER: "A legal order came",
        EventType.LEG_LEGAL_ORDER_CALLED_BACK: "An authority was called back",
        EventType.LEG_LEGAL_ORDER_REVIEW_DUE: "A legal order is to be looked at again",
        EventType.LEG_LEGAL_ORDER_REVIEWED: "A legal order stands on",
        EventType.LEG_LEGAL_ORDER_LIFTED: "A legal order was lifted",
        EventType.LEG_INDEMNITY_GIVEN: "An indemnity was given",
        EventType.FREEZE_NOTHING: "Nothing was found",
        EventType.FREEZE_FOUND: "Funds were found",
        EventType.FREEZE_FROZEN: "Funds were frozen",
        EventType.FREEZE_RELEASED: "Funds were released",
        EventType.FREEZE_RETURNED: "Funds were returned",
        EventType.FREEZE_SEIZED: "Funds were seized",
        EventType.FREEZE_KEPT: "Funds are kept",
        EventType.FREEZE_CORRECTED: "A report was corrected",
        EventType.HOLD_EXPIRING: "A hold ends soon",
        EventType.HOLD_ENCUMBERED: "Somebody else claims a hold",
        EventType.HOLD_ENCUMBRANCE_REVIEW_DUE: "A claim is to be looked at again",
        EventType.HOLD_ENCUMBRANCE_REVIEWED: "A claim on a hold stands on",
        EventType.HOLD_ENCUMBRANCE_LIFTED: "A claim on a hold was lifted",
        EventType.HOLD_REVIEW_DUE: "A hold is to be looked at again",
        EventType.HOLD_EXTENSION_REQUESTED: "A longer hold was asked for",
        EventType.HOLD_EXTENDED: "A hold lasts longer",
        EventType.HOLD_LAPSED: "A hold ended",
        EventType.ANSWER_OWED: "An answer is owed",
        EventType.CLEARANCE_ISSUED: "An address was cleared",
        EventType.CLEARANCE_REVOKED: "A clearance was revoked",
        EventType.GRANT_MADE: "A key or right was granted",
        EventType.GRANT_REVOKED: "A key or right was taken away",
        EventType.PARTNER_JOINED: "A member joined",
        EventType.PARTNER_SUSPENDED: "A member was suspended, or is back",
        EventType.PARTNER_ROOT_RESET: "A root key is being replaced",
        EventType.PARTNER_NAMES_CHANGED: "Names were changed",
        EventType.PARTNER_ENCRYPTION_KEY_SET: "A member chose an encryption key",
        EventType.RULEBOOK_PUBLISHED: "The operator published a rulebook",
        EventType.RECOVERY_SUBMITTED: "A request for misplaced deposits waits for a second person",
        EventType.RECOVERY_APPROVED: "A request for misplaced deposits went out",
        EventType.RECOVERY_RECEIVED: "A member asks for misplaced deposits",
        EventType.RECOVERY_ENDED: "A request for misplaced deposits ended before it went out",
        EventType.RECOVERY_ANSWERED: "Misplaced deposits are answered",
        EventType.RECOVERY_REPLIED: "The requester of misplaced deposits replied",
        EventType.RETURN_SUBMITTED: "Somebody of yours asks money back",
        EventType.RETURN_OPENED: "A partner is asked to send money back",
        EventType.RETURN_ENDED: "Money is asked back no more",
        EventType.RETURN_ANSWERED: "A partner answered who asks money back",
        EventType.RETURN_SUSPENDED: "Something stands in the way of a return",
        EventType.RETURN_RESUMED: "A return goes on",
        EventType.RETURN_RECEIVED: "Whether money that was sent back arrived",
        EventType.DESTINATION_PROPOSED: "An account for money that comes back is proposed",
        EventType.DESTINATION_REGISTERED: "An account for money that comes back is approved",
        EventType.DESTINATION_PROVEN: "A test transfer arrived",
        EventType.DESTINATION_CLOSED: "An account for money that comes back is closed",
        EventType.RULEBOOK_ACCEPTED: "One of you accepted the rulebook",
        EventType.GATEWAY_DECLARED: "A member declared on what ground it tells amounts",
        EventType.GATEWAY_VERIFIED: "The operator verified a member's gateway",
        EventType.GATEWAY_ENDED: "A member's gateway counts no more",
        EventType.LOG_RESTORED: "The coordinator was restored",
        EventType.EVIDENCE_SEALED: "Evidence was sealed",
        EventType.TASK_TAKEN: "Somebody took a task",
        EventType.TASK_PAGED: "Somebody is woken for a task",
        EventType.GUEST_ASKED: "A guest was asked",
        EventType.GUEST_CONTACTED: "A guest was written to",
        EventType.GUEST_UNREACHABLE: "A guest cannot be reached",
        EventType.GUEST_ANSWERED: "A guest answered, unverified",
        EventType.GUEST_JOINED: "A guest joined",
        EventType.DATA_SUBJECT_RECEIVED: "A person asks for a right",
        EventType.DATA_SUBJECT_ANSWERED: "What a person asks was decided",
        EventType.DATA_SUBJECT_OVERDUE: "A person was not answered in time",
        EventType.RESTITUTION_OPENED: "A restitution began",
        EventType.RESTITUTION_POOL_CHANGED: "A pool changed",
        EventType.RESTITUTION_CLAIMS_FILED: "Claims were filed",
        EventType.RESTITUTION_CLAIM_DECIDED: "A claim was decided",
        EventType.RESTITUTION_CLAIM_CONTESTED: "A claim is contested",
        EventType.RESTITUTION_PAYOUT_CHANGE_PROPOSED: "A claim is to be paid elsewhere",
        EventType.RESTITUTION_PAYOUT_CHANGE_DECIDED: "A changed payout account is decided on",
        EventType.RESTITUTION_ALLOCATION_PROPOSED: "An allocation waits for two",
        EventType.RESTITUTION_ALLOCATION_DECIDED: "An allocation was decided",
        EventType.RESTITUTION_PAYOUTS_RECORDED: "Payouts were recorded",
        EventType.RESTITUTION_CLOSED: "A restitution is over",
        EventType.RESTITUTION_LINKS_MADE: "Claims have secret links",
        EventType.RESTITUTION_LINKS_REVOKED: "Secret links were taken back",
        EventType.ENDPOINT_TEST: "A test",
        EventType.ENDPOINT_FAILING: "An endpoint takes no events",
        EventType.ENDPOINT_DISABLED: "An endpoint was turned off",
    }
)
_BY_NAME = {each.value: words for each, words in EVENTS.items()}
#: What a whole noun of events is called where endpoints choose them.
FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "freeze_request.*": "Requests",
        "leg.*": "Partners' answers",
        "freeze.*": "Funds",
        "hold.*": "Holds",
        "answer.*": "Owed answers",
        "log.*": "The log",
        "evidence.*": "Sealed evidence",
        "restitution.*": "Restitutions",
        "guest.*": "Guests",
        "data_subject.*": "Persons' rights",
        "clearance.*": "Clearances",
        "grant.*": "Keys and rights",
        "partner.*": "Members",
        "recovery.*": "Misplaced deposits",
        "return.*": "Money that is asked back",
        "destination.*": "Accounts for money that comes back",
        "rulebook.*": "The rulebook",
        "gateway.*": "Gateways",
        "task.*": "Who took what",
        "endpoint.*": "Endpoints",
    }
)
#: How a try ended that brought no good answer, and what is to be done about it.
ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "http_status": "Your server answered with an error.",
        "redirect_refused": "Your server sent us elsewhere. We follow no redirect: give the URL"
        " that it leads to.",
        "host_unusable": "The host's name leads to no address that webhooks may go to: it is"
        " unknown, or stands for an address inside a network.",
        "dns_timeout": "The name server of your host did not answer in time.",
        "connect_failed": "Nothing listens at that address and port, or a firewall turns us away.",
        "connect_timeout": "The connection was not answered in time: a firewall may drop it.",
        "tls_certificate": "The certificate is not good for this name, has ended, or its chain is"
        " incomplete.",
        "tls_failed": "No encrypted connection came about: TLS 1.2 or later is needed.",
        "connection_lost": "The connection broke before an answer came.",
        "request_not_read": "Your server answered before it had read the whole event.",
        "deadline_exceeded": "No whole answer came in time: answer first, work afterwards.",
        "bad_response": "What came back is no HTTP answer.",
        "headers_too_large": "The head of the answer was too long.",
        "incomplete_response": "The answer broke off.",
    }
)


class State(NamedTuple):
    """A state as a row shows it: word, meaning of its colour, mark."""

    word: str
    tone: str
    mark: str


STATES: Mapping[DeliveryStatus, State] = MappingProxyType(
    {
        DeliveryStatus.PENDING: State("Waiting", "waiting", "clock"),
        DeliveryStatus.DELIVERED: State("Delivered", "done", "check"),
        DeliveryStatus.DEAD: State("Given up", "danger", "warn"),
        DeliveryStatus.CANCELLED: State("Cancelled", "", "none"),
    }
)


def visible(text: str) -> str:
    """Return a text with characters that cannot be seen, or that turn others, as escapes."""
    return "".join(_visible(each) for each in text)


def _visible(character: str) -> str:
    is_hidden = character != "\n" and unicodedata.category(character)[0] == "C"
    return f"\\u{ord(character):04x}" if is_hidden else character


def event(event_type: str) -> str:
    """Return what happened, in words; a type of a later version as it is."""
    return _BY_NAME.get(event_type, event_type)


def choice(event_types: Iterable[str] | None) -> str:
    """Return which events an endpoint takes: "every event", "Funds; A hold ends soon"."""
    if event_types is None:
        return "every event"
    return listed(FAMILIES.get(each) or event(each).lower() for each in event_types)


def outcome(attempt: Mapping[str, Any]) -> str:
    """Return how one try ended: "204", "503: Your server answered with an error."."""
    status, error = attempt["status"], attempt["error"]
    said = "" if error is None else ERRORS.get(error, f"It failed ({error}).")
    if status is None:
        return said or "No answer."
    return f"HTTP {status}" + (f": {said}" if said else "")


def next_try(at: str | None, now: datetime) -> str:
    """Return when something is tried next: "now", "in 5 min"; empty where nothing is planned."""
    left = countdown(at, now)
    if left.until is None:
        return ""
    return "now" if left.is_late or left.words == "now" else f"in {left.words}"


def took(milliseconds: int) -> str:
    """Return how long a try took: "84 ms", "10.0 s"."""
    if milliseconds < 1_000:  # noqa: PLR2004 - of a second
        return f"{milliseconds}\N{NO-BREAK SPACE}ms"
    return f"{milliseconds / 1_000:.1f}\N{NO-BREAK SPACE}s"
