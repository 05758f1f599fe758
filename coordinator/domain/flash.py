"""Flash requests: which ones go out at once, and how many.

What the policy, the partners asked or a warning hold back waits for its approval, and says why.
What is beyond the cap is refused: never quietly turned into something slower. Source:
docs/life-cycle.md.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.domain.errors import ConflictError
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import WRONG_TARGET, WaitsBecause

#: So long a flash request takes one of its requester's places.
CAP_PERIOD = timedelta(days=1)


def waits_because(
    *, may_flash: bool, is_to_all: bool, warnings: Collection[str]
) -> WaitsBecause | None:
    """Return why a flash request waits for its approval; None: it may go out at once.

    Args:
        may_flash: Whether the policy names the submitter.
        is_to_all: Whether it asks all partners.
        warnings: The codes that it carries; only one of a wrong target holds it back.
    """
    if not may_flash:
        return WaitsBecause.POLICY
    if is_to_all:
        return WaitsBecause.TO_ALL
    return WaitsBecause.WARNINGS if WRONG_TARGET & set(warnings) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashUse:
    """What a requester's flash requests took up so far.

    Attributes:
        taken_at: When each place of the last 24 hours was taken, oldest first.
        follows_ratified: Whether the new request follows one of an incident that leads stand by.
        followed_accounts: Accounts of this incident's free followers so far.
    """

    taken_at: Sequence[datetime]
    follows_ratified: bool
    followed_accounts: int


def require_within_cap(use: FlashUse, *, accounts: int, cap: int, free_accounts: int) -> None:
    """Refuse a flash request beyond the cap.

    A place is for an incident. What follows a request of an incident that leads stand by takes
    none, up to so many accounts an incident.

    Args:
        use: What was taken up so far.
        accounts: Of the new request.
        cap: Places in 24 hours.
        free_accounts: Of one incident.

    Raises:
        ConflictError: With code `flash_cap`; it says what is left, when the next place is free,
            and what to do instead.
    """
    if use.follows_ratified:
        left = max(0, free_accounts - use.followed_accounts)
        if accounts > left:
            raise ConflictError(
                f"flash requests that follow up an incident take {free_accounts} accounts in all:"
                f" {left} are left, and this one names {accounts}. Name fewer, or send it as"
                " urgent: it goes out as soon as another security lead approves it",
                code="flash_cap",
            )
        return
    if len(use.taken_at) < cap:
        return
    raise ConflictError(
        f"your organisation may begin {cap} incidents with a flash request in 24 hours, and has;"
        f" {_next_place(use.taken_at, cap)}. Send this one as urgent: it goes out as soon as"
        " another security lead approves it. Once an incident is ratified, flash requests that"
        " follow it up take no place",
        code="flash_cap",
    )


def _next_place(taken_at: Sequence[datetime], cap: int) -> str:
    if not cap:
        return "no place comes free"
    return f"the next is free at {format_time(taken_at[-cap] + CAP_PERIOD)}"
