"""What follows from each button of a decision, in a line under it; see docs/life-cycle.md."""

from typing import NamedTuple

from coordinator.console.decision_case import DecisionCase
from coordinator.console.words import counted
from holdfast.protocol.vocabulary import Decision


class Consequences(NamedTuple):
    """What an approval and a rejection lead to."""

    approve: str
    reject: str


def consequences(case: DecisionCase) -> Consequences:
    """Return what each decision leads to, as the request stands now."""
    if not case.is_out_unratified:
        return Consequences(_approved(case), "Nobody is asked, and your colleagues read why.")
    return Consequences(_ratified(case), _REJECTED_OUT)


_REJECTED_OUT = (
    "It is withdrawn from all who were asked, and they are told why. Whoever holds something owes"
    " you an answer: they release it, or keep it by their own policy."
)


def _approved(case: DecisionCase) -> str:
    to = counted(len(case.request["to"]), "partner")
    more = _missing(case)
    if more:
        return f"It goes out to {to} once {counted(more, 'more lead')} approve{_s(more)}."
    return f"It goes out to {to} at once, and their clocks start."


def _ratified(case: DecisionCase) -> str:
    more = _missing(case)
    if more:
        return f"It is ratified once {counted(more, 'more lead')} approve{_s(more)}."
    asked = {leg["partner"] for leg in case.legs}
    waiting = sum(handle not in asked for handle in case.request["to"])
    told = "Who was asked hears that you stand by it"
    goes_on = ", and may freeze again" if case.request["unratified"] else " and goes on"
    others = f"; {counted(waiting, 'partner')} that waited {_are(waiting)} asked now"
    return f"{told}{goes_on}{others if waiting else ''}."


def _missing(case: DecisionCase) -> int:
    """Return how many leads must approve beside the reader."""
    approved = sum(each["decision"] == Decision.APPROVE for each in case.decisions)
    quorum = int(case.request["quorum"])
    return quorum - approved - 1 if quorum > approved else 0


def _s(count: int) -> str:
    return "s" if count == 1 else ""


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
