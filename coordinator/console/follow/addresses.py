"""The addresses of a request with what was answered for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request

from coordinator.api import freeze_request_reads, ledger_reads
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.console.follow.case import Case
from coordinator.console.follow.states import Alike, State
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords
from coordinator.services.reading.code_words import SAID, WITHDRAWN_BECAUSE
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.chains.format_errors import AccountError

_PAGE = 100
#: From so many addresses on, what one partner says of all of them is told once, above the table.
_MANY = 3
_ROLES = {
    "receiver": "received from the theft",
    "sender": "sent it",
    "intermediary": "passed it on",
    "deposit": "a deposit address",
    "contract": "a contract",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one partner answered for an address."""

    partner: str
    state: State
    held: Sequence[AmountWords]
    more: str
    is_nothing: bool


@dataclass(frozen=True, slots=True)
class Address:
    """An address as the table shows it."""

    number: int
    account: str
    tag: str
    chain: str
    asked: AmountWords | None
    whole: str
    role: str
    tx: str
    note: str
    gone: str
    gone_why: str
    answers: Sequence[Answer]


def show(visit: Visit, request_id: str) -> Response:
    """Show one page of addresses, in the request's own order."""
    case = Case.read(visit, request_id)
    query = query_of(
        PageQuery, {"limit": str(_PAGE), **({"cursor": _cursor()} if _cursor() else {})}
    )
    page = visit.read(freeze_request_reads.list_addresses, query, request_id=request_id)
    items = page["items"]
    answers = _answers(case, items)
    shown = [_address(case, each, answers) for each in items]
    alike = _alike(shown)
    told = {each.partner for each in alike}
    return case.page(
        "addresses",
        addresses=[
            replace(each, answers=[a for a in each.answers if a.partner not in told])
            for each in shown
        ],
        alike=alike,
        is_all=len(items) == case.request["address_count"],
        cursor=page["next_cursor"],
        is_first=not _cursor(),
    )


def _alike(shown: Sequence[Address]) -> list[Alike]:
    """Return the partners that answered with the same nothing for every address shown."""
    if len(shown) < _MANY:
        return []
    by_partner: dict[str, list[Answer]] = {}
    for address in shown:
        for answer in address.answers:
            by_partner.setdefault(answer.partner, []).append(answer)
    return [
        Alike(partner, len(shown), *answers[0].state)
        for partner, answers in by_partner.items()
        if len(answers) == len(shown)
        and all(a.is_nothing and a.state == answers[0].state for a in answers)
    ]


def _cursor() -> str:
    return request.args.get("cursor", "")


def _answers(
    case: Case, items: Sequence[Mapping[str, Any]]
) -> Mapping[int, Sequence[Mapping[str, Any]]]:
    if not items:
        return {}
    first, last = items[0]["address_no"], items[-1]["address_no"]
    query = ledger_reads.SpanQuery.model_validate({"first": str(first), "last": str(last)})
    found = case.visit.read(ledger_reads.list_answers, query, request_id=case.id)["items"]
    by_number: dict[int, list[Mapping[str, Any]]] = {}
    for answer in found:
        by_number.setdefault(answer["address_no"], []).append(answer)
    return by_number


def _address(
    case: Case,
    address: Mapping[str, Any],
    answers: Mapping[int, Sequence[Mapping[str, Any]]],
) -> Address:
    chain, shown = _account(case, address)
    asked = None
    if address["asset"] and address["amount"]:
        asked = case.amount(address["amount"], address["asset"])
    because = WITHDRAWN_BECAUSE.get(address.get("withdrawn_reason_code") or "", "")
    whole = address["whole_account"]
    return Address(
        number=address["address_no"],
        account=shown,
        tag=address["tag"] or "",
        chain=chain,
        asked=asked,
        whole="" if whole is None else whole["why"],
        role=_ROLES.get(address["role"] or "", ""),
        tx=address["tx"] or "",
        note=address["note"] or "",
        gone=_gone(address, because),
        gone_why=address.get("withdrawn_reason") or "",
        answers=[_answer(case, each) for each in answers.get(address["address_no"], [])],
    )


def _gone(address: Mapping[str, Any], because: str) -> str:
    if address.get("left_out"):
        return "Left out at approval"
    if address.get("withdrawn_at"):
        return f"Withdrawn: {because}" if because else "Withdrawn"
    return ""


def _account(case: Case, address: Mapping[str, Any]) -> tuple[str, str]:
    """Return the chain's name, and the address as that chain's people write it."""
    try:
        account = parse_account(case.visit.assets.chains, address["account"], address["tag"])
    except AccountError:
        return "", str(address["account"])
    return account.chain.name, account.display.rpartition(":")[2]


def _answer(case: Case, answer: Mapping[str, Any]) -> Answer:
    sums = answer["assets"]
    held = [case.amount(each["held"], asset) for asset, each in sums.items() if int(each["held"])]
    is_nothing = not any(
        each["withheld"] or int(each["found"]) or int(each["frozen"]) for each in sums.values()
    )
    return Answer(answer["partner"], _state(answer), held, _more(case, sums), is_nothing)


def _state(answer: Mapping[str, Any]) -> State:
    sums = answer["assets"].values()
    if any(int(each["held"]) or each["withheld"] for each in sums):
        loose = any(int(each["found"]) > int(each["frozen"]) for each in sums)
        return State("Partly frozen", "held", "half") if loose else State("Frozen", "held", "lock")
    if any(int(each["returned"]) for each in sums):
        return State("Returned", "done", "back")
    if any(int(each["frozen"]) for each in sums):
        return State("Released", "", "back")
    if any(int(each["found"]) for each in sums):
        return State("Found, not frozen", "waiting", "warn")
    code = answer.get("code") or ""
    tone, mark = ("danger", "move") if code in {"moved_on", "left_after_notice"} else ("", "none")
    return State(SAID.get(code, "Nothing there"), tone, mark)


def _more(case: Case, sums: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what else there is to say: what was found, and what went which way."""
    said = [
        f"{case.amount(each[name], asset)} {word}"
        for asset, each in sums.items()
        for name, word in (("returned", "returned"), ("released", "released"), ("seized", "seized"))
        if int(each[name])
    ]
    loose = [
        f"{case.amount(int(each['found']) - int(each['frozen']), asset)} found and not frozen"
        for asset, each in sums.items()
        if int(each["found"]) > int(each["frozen"])
    ]
    withheld = ["amount not told"] if any(each["withheld"] for each in sums.values()) else []
    return ", ".join([*said, *loose, *withheld])
