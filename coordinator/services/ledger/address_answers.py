"""What was answered for each address of a request, by partner."""

from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.storage.ledger import address_answers as store
from coordinator.storage.ledger.address_answers import Frozen, Span


class AnswerSums(TypedDict):
    """What one partner reports of one asset for an address (`life_cycle_views.AnswerSums`)."""

    found: str
    frozen: str
    held: str
    released: str
    returned: str
    seized: str
    withheld: bool


class AddressAnswer(TypedDict):
    """What one partner answered for one address (`life_cycle_views.AddressAnswer`)."""

    address_no: int
    leg_id: str
    partner: str
    code: NotRequired[str]
    assets: dict[str, AnswerSums]


def address_answers(connection: Connection, span: Span) -> list[AddressAnswer]:
    """Return the answers for a span of addresses, by number and partner, in three queries."""
    answers: dict[tuple[int, str], AddressAnswer] = {}

    def of(address_no: int, leg_id: str, partner: str) -> AddressAnswer:
        fresh = AddressAnswer(address_no=address_no, leg_id=leg_id, partner=partner, assets={})
        return answers.setdefault((address_no, partner), fresh)

    for found in store.findings(connection, span):
        answer = of(found.address_no, found.leg_id, found.partner)
        sums = answer["assets"].setdefault(found.asset, _none())
        sums["found"] = str(found.found)
        sums["withheld"] = sums["withheld"] or found.withheld
    for hold in store.holds(connection, span):
        answer = of(hold.address_no, hold.leg_id, hold.partner)
        _add(answer["assets"].setdefault(hold.asset, _none()), hold)
    for none in store.nothing(connection, span):
        of(none.address_no, none.leg_id, none.partner)["code"] = none.code
    return [answers[key] for key in sorted(answers)]


def _none() -> AnswerSums:
    return {
        "found": "0",
        "frozen": "0",
        "held": "0",
        "released": "0",
        "returned": "0",
        "seized": "0",
        "withheld": False,
    }


def _add(sums: AnswerSums, hold: Frozen) -> None:
    held = hold.frozen - hold.released - hold.returned - hold.seized
    sums["frozen"] = str(int(sums["frozen"]) + hold.frozen)
    sums["held"] = str(int(sums["held"]) + held)
    sums["released"] = str(int(sums["released"]) + hold.released)
    sums["returned"] = str(int(sums["returned"]) + hold.returned)
    sums["seized"] = str(int(sums["seized"]) + hold.seized)
    sums["withheld"] = sums["withheld"] or hold.withheld
