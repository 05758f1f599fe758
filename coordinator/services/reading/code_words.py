"""What people read for codes: why nothing is frozen, what was taken back and why, what was done."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from holdfast.protocol.vocabulary import DeclineCode, WithdrawalReason


class CodeWords(NamedTuple):
    """A code in two voices.

    Attributes:
        chosen: As whoever answers chooses it: "Not an address of ours".
        said: As others read of them that they said it: "Not their address".
    """

    chosen: str
    said: str


_CODES: Mapping[DeclineCode, CodeWords] = MappingProxyType(
    {
        DeclineCode.NO_MATCH: CodeWords("Nothing of it is or was here", "Nothing of it is there"),
        DeclineCode.NOT_OUR_ADDRESS: CodeWords("Not an address of ours", "Not their address"),
        DeclineCode.NO_SUCH_TRANSACTION: CodeWords(
            "There is no such transaction", "That deposit never came"
        ),
        DeclineCode.FUNDS_GONE: CodeWords(
            "The funds were gone before the notice", "Gone before the notice"
        ),
        DeclineCode.LEFT_AFTER_NOTICE: CodeWords(
            "The funds left after the notice", "Left between notice and freeze"
        ),
        DeclineCode.MOVED_ON: CodeWords(
            "The funds moved on, and we say where to", "Moved on to another service"
        ),
        DeclineCode.ACCOUNT_CLOSED: CodeWords("The account is closed", "The account is closed"),
        DeclineCode.ALREADY_RETURNED: CodeWords("Already returned", "Returned already"),
        DeclineCode.INSUFFICIENT_EVIDENCE: CodeWords(
            "Too little evidence: we say what is missing", "Wants more evidence"
        ),
        DeclineCode.LEGAL_PROCESS_REQUIRED: CodeWords("We need a legal process", "Wants an order"),
        DeclineCode.LEGALLY_BARRED: CodeWords("The law bars us", "Forbidden by law"),
        DeclineCode.CUSTOMER_CONTESTS: CodeWords(
            "The customer contests in good faith", "The customer contests"
        ),
        DeclineCode.POLICY_REFUSAL: CodeWords("Our policy refuses it", "Their own decision"),
        DeclineCode.INDEMNITY_REQUIRED: CodeWords(
            "We need an indemnity first", "Wants an indemnity"
        ),
        DeclineCode.OMNIBUS_OR_SERVICE_ADDRESS: CodeWords(
            "An address that many share", "A service\N{RIGHT SINGLE QUOTATION MARK}s own wallet"
        ),
        DeclineCode.BELOW_THRESHOLD: CodeWords("Below our threshold", "Below their threshold"),
        DeclineCode.UNSUPPORTED_ASSET: CodeWords(
            "An asset that we do not support", "Does not support the asset"
        ),
        DeclineCode.DUPLICATE: CodeWords("Asked twice", "Asked before"),
        DeclineCode.CANNOT_SAY: CodeWords("We may not say", "May say neither yes nor no"),
        DeclineCode.OTHER: CodeWords("Another reason, in our own words", "Another reason"),
    }
)
#: As whoever answers chooses them.
CHOSEN: Mapping[DeclineCode, str] = MappingProxyType(
    {code: words.chosen for code, words in _CODES.items()}
)
#: What a partner says where it froze nothing.
SAID: Mapping[str, str] = MappingProxyType({code: words.said for code, words in _CODES.items()})

#: Why a request or an address was taken back, to go on from "because"; "" where no code says it.
WITHDRAWN_BECAUSE: Mapping[str, str] = MappingProxyType(
    {
        WithdrawalReason.WRONG_TARGET: "the wrong account was flagged",
        WithdrawalReason.NOT_RATIFIED: "nobody ratified it in time",
        WithdrawalReason.RESOLVED: "the case was resolved",
        WithdrawalReason.SUPERSEDED: "another request takes its place",
        WithdrawalReason.LEGAL: "the law asks for it",
        WithdrawalReason.OTHER: "",
    }
)
#: The same, as whoever withdraws chooses it; nobody chooses that it was not ratified.
WITHDRAWAL_CHOICES: tuple[tuple[str, str], ...] = (
    ("", "Choose one"),
    (WithdrawalReason.WRONG_TARGET, "Wrong target: the wrong account was flagged"),
    (WithdrawalReason.RESOLVED, "Resolved: nothing more is needed"),
    (WithdrawalReason.SUPERSEDED, "Superseded: another request takes its place"),
    (WithdrawalReason.LEGAL, "Legal: the law asks for it"),
    (WithdrawalReason.OTHER, "Another reason: say it in words"),
)

#: What was done, as a document of it is called.
ACTS: Mapping[str, str] = MappingProxyType(
    {
        "submit": "The request, as submitted",
        "approve": "An approval",
        "reject": "A rejection",
        "add_partners": "More partners proposed",
        "approve_addition": "More partners approved",
        "reject_addition": "More partners rejected",
        "ask_guest": "An organisation that is no member asked",
        "guest_answer": "A guest\N{RIGHT SINGLE QUOTATION MARK}s answer, unverified",
        "guest_joined": "A guest that joined",
        "withdraw": "A withdrawal",
        "propose_withdrawal": "A withdrawal proposed",
        "approve_withdrawal": "A withdrawal approved",
        "reject_withdrawal": "A withdrawal rejected",
        "void_withdrawal": "A proposed withdrawal that nobody approved",
        "acknowledge": "An acknowledgement",
        "review": "A review begun",
        "decline": "A decline",
        "ask": "A question",
        "answer": "A reply",
        "report": "A freeze report",
        "dispute": "An objection",
        "propose_resolution": "An objection to be upheld, proposed",
        "resolve_dispute": "An objection answered",
        "recommend_release": "A release recommended for want of an answer",
        "extend": "A hold extended",
        "ask_extension": "A longer hold asked for",
        "lapse": "A hold that lapsed",
        "legal_order": "An authority\N{RIGHT SINGLE QUOTATION MARK}s order attached",
        "raise_support": "A document that the request rests on",
        "renew_flags": "Flags renewed",
        "give_indemnity": "An indemnity given",
        "ask_return": "Money asked back",
        "approve_return": "Money asked back, approved",
        "reject_return": "Money asked back, rejected",
        "withdraw_return": "Money asked back no more",
        "expire_return": "Money asked back, and nobody approved it in time",
        "answer_return": "An answer to who asks money back",
        "revoke_return": "A promise to send money back, revoked",
        "confirm_return": "What became of money that was sent back",
        "mark_same_funds": "Two holds marked as the same funds",
        "revoke_clearance": "A clearance taken back",
        "take": "A task taken in hand",
        "close": "The request closed",
        "expire": "The request expired",
        "unratify": "The request was not ratified in time",
        "suspend": "The requester was suspended",
        "deliver": "The notice delivered",
        "overdue": "The acknowledgement was late",
        "unanswered": "The answer was late",
    }
)
