"""One partner's side of a request: which acts it takes, and the one function that says how it is.

The table guards acts. The status is computed from the last act and the totals, so that they cannot
disagree. Source: docs/life-cycle.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from coordinator.domain.errors import InvalidTransitionError
from coordinator.domain.freeze_request import ENDED
from holdfast.protocol.vocabulary import NO_MATCH_CODES, DeclineCode, LegStatus, RequestStatus


class LegAct(StrEnum):
    """What can happen on a leg."""

    DELIVER = "deliver"
    ACKNOWLEDGE = "acknowledge"
    REVIEW = "review"
    ASK = "ask"
    ANSWER = "answer"
    DECLINE = "decline"
    CANNOT_SAY = "cannot_say"  # a decline that tells neither match nor no match
    REPORT = "report"
    WITHDRAW = "withdraw"  # the request was withdrawn or closed


@dataclass(frozen=True, slots=True)
class ActRule:
    """When an act is allowed: in which statuses of the request and of the leg."""

    requests: frozenset[RequestStatus]
    legs: frozenset[LegStatus]


_ACTIVE = frozenset({RequestStatus.ACTIVE})
_EVERY = frozenset(LegStatus)
#: Statuses that a leg shows only if something was frozen.
SHOWS_A_FREEZE = frozenset(
    {LegStatus.PARTIALLY_FROZEN, LegStatus.FROZEN, LegStatus.RELEASED, LegStatus.RETURNED}
)
_NOTHING_FROZEN = _EVERY - SHOWS_A_FREEZE - {LegStatus.WITHDRAWN}

#: What is not here is refused. A report is taken after the end, too, whatever its lines say.
LEG_ACTS: Mapping[LegAct, ActRule] = MappingProxyType(
    {
        LegAct.DELIVER: ActRule(_ACTIVE | ENDED, _EVERY),
        LegAct.ACKNOWLEDGE: ActRule(_ACTIVE, frozenset({LegStatus.QUEUED, LegStatus.DELIVERED})),
        LegAct.REVIEW: ActRule(_ACTIVE, _EVERY - {LegStatus.WITHDRAWN}),
        LegAct.ASK: ActRule(_ACTIVE, _EVERY - {LegStatus.WITHDRAWN}),
        LegAct.ANSWER: ActRule(_ACTIVE, _EVERY - {LegStatus.WITHDRAWN}),
        LegAct.DECLINE: ActRule(_ACTIVE, _NOTHING_FROZEN),
        LegAct.CANNOT_SAY: ActRule(_ACTIVE, _NOTHING_FROZEN),
        LegAct.REPORT: ActRule(_ACTIVE | ENDED, _EVERY),
        LegAct.WITHDRAW: ActRule(ENDED, _EVERY),
    }
)

#: These say that a person or system has the request. A review does, too: otherwise a leg reviewed
#: first could never be acknowledged, and would count as overdue for ever.
IMPLIES_ACKNOWLEDGEMENT = frozenset(
    {
        LegAct.ACKNOWLEDGE,
        LegAct.REVIEW,
        LegAct.ASK,
        LegAct.DECLINE,
        LegAct.CANNOT_SAY,
        LegAct.REPORT,
    }
)
#: The words that stay when the request ends: the partner said so, and nothing was frozen.
ANSWERED = frozenset({LegStatus.DECLINED, LegStatus.NO_MATCH, LegStatus.CANNOT_SAY})
FINAL = ANSWERED | frozenset(
    {
        LegStatus.RELEASED,
        LegStatus.RETURNED,
        LegStatus.WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFacts:
    """Everything that a leg's status depends on.

    Attributes:
        last_act: The last act that counts (see `counts`); None while only queued. Never WITHDRAW:
            the end of the request is `ended`, so that a declined leg stays known as declined.
        ended: The request was withdrawn or closed.
        address_count: How many of the request's addresses have, or await, an answer.
        answered: How many addresses are answered by `nothing`, by code; superseded ones left out.
        any_found: An effective `found` amount above 0, or a withheld one.
        any_frozen: An effective `frozen` amount above 0, or a withheld one; void holds left out.
        any_held: Something of that is still held; a withheld hold until it is ended.
        frozen_lt_found: At some address and asset less was frozen than found, both stated.
        any_returned_or_seized: Something was returned or seized, stated or withheld.
    """

    last_act: LegAct | None = None
    ended: bool = False
    address_count: int = 0
    answered: Mapping[DeclineCode, int] = field(default_factory=dict)
    any_found: bool = False
    any_frozen: bool = False
    any_held: bool = False
    frozen_lt_found: bool = False
    any_returned_or_seized: bool = False


_SHOWN_BY_LAST_ACT: Mapping[LegAct | None, LegStatus] = MappingProxyType(
    {
        None: LegStatus.QUEUED,
        LegAct.DELIVER: LegStatus.DELIVERED,
        LegAct.ACKNOWLEDGE: LegStatus.ACKNOWLEDGED,
        LegAct.REVIEW: LegStatus.UNDER_REVIEW,
        LegAct.ASK: LegStatus.INFO_REQUESTED,
        LegAct.ANSWER: LegStatus.UNDER_REVIEW,
        LegAct.DECLINE: LegStatus.DECLINED,
        LegAct.CANNOT_SAY: LegStatus.CANNOT_SAY,
        LegAct.WITHDRAW: LegStatus.WITHDRAWN,
    }
)


def leg_status(facts: LegFacts) -> LegStatus:
    """Return a leg's status: the first that fits, money before words."""
    if facts.any_held:
        return LegStatus.PARTIALLY_FROZEN if facts.frozen_lt_found else LegStatus.FROZEN
    if facts.any_frozen:
        return LegStatus.RETURNED if facts.any_returned_or_seized else LegStatus.RELEASED
    shown = (
        _reported(facts) if facts.last_act is LegAct.REPORT else _SHOWN_BY_LAST_ACT[facts.last_act]
    )
    if facts.ended and shown not in ANSWERED:
        return LegStatus.WITHDRAWN
    return shown


def _reported(facts: LegFacts) -> LegStatus:
    if facts.any_found or sum(facts.answered.values()) < facts.address_count:
        return LegStatus.UNDER_REVIEW
    codes = {code for code, count in facts.answered.items() if count}
    if codes <= NO_MATCH_CODES:
        return LegStatus.NO_MATCH
    # Neither of the two: who may not speak of some addresses has neither matched nor refused.
    is_silent = codes <= NO_MATCH_CODES | {DeclineCode.CANNOT_SAY}
    return LegStatus.CANNOT_SAY if is_silent else LegStatus.DECLINED


def require_act(act: LegAct, *, facts: LegFacts, request_status: RequestStatus) -> None:
    """Refuse an act that the table does not allow now.

    Raises:
        InvalidTransitionError: With the leg's status as it is.
    """
    rule = LEG_ACTS[act]
    status = leg_status(facts)
    if request_status not in rule.requests:
        raise InvalidTransitionError(
            f"the request is {request_status.value}; {act.value} is taken while it is"
            f" {_listed(rule.requests)}",
            current_status=status.value,
        )
    if status not in rule.legs:
        raise InvalidTransitionError(
            f"this leg is {status.value}; {act.value} is taken while it is {_listed(rule.legs)}",
            current_status=status.value,
        )


def _listed(statuses: Iterable[StrEnum]) -> str:
    names = sorted(status.value for status in statuses)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def counts(act: LegAct, status: LegStatus, *, last_act: LegAct | None) -> bool:
    """Tell whether an allowed act becomes the leg's `last_act`.

    A delivery does only while the leg is queued (later ones leave just their time), the requester's
    answer only while nothing was done since the question (it takes back no word of the partner's),
    and the end of the request never does: it is kept beside the last act.
    """
    if act is LegAct.DELIVER:
        return status is LegStatus.QUEUED
    if act is LegAct.ANSWER:
        return last_act is LegAct.ASK
    return act is not LegAct.WITHDRAW


def is_final(status: LegStatus, *, owes_answer: bool) -> bool:
    """Tell whether this partner owes nothing more."""
    return status in FINAL and not owes_answer


class LegFlag(StrEnum):
    """What is worth seeing beside the status; several may hold at once."""

    OVERDUE = "overdue"
    UNANSWERED = "unanswered"
    UNDELIVERABLE = "undeliverable"
    DISPUTED = "disputed"
    CONTESTED = "contested"  # another partner disputes a freeze of the same account
    INFO_REQUESTED = "info_requested"
    ANSWER_OWED = "answer_owed"
    IRREGULAR = "irregular"


def flags_with(flags: Sequence[str], flag: LegFlag, *, holds: bool) -> list[str]:
    """Return `flags` with one of them set or taken out, in their usual order."""
    wanted = (set(flags) | {flag.value}) if holds else (set(flags) - {flag.value})
    return [f.value for f in LegFlag if f.value in wanted]
