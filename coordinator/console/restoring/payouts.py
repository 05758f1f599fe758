"""Payouts: what is due, as a file to pay from; what was paid, by its transaction, or failed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import allocations as api
from coordinator.api.query import query_of
from coordinator.console import explorers, render
from coordinator.console.acts import WantedAct
from coordinator.console.faults import Faults
from coordinator.console.restoring.case import REFUSALS, Case, ask, cursor_of_page
from coordinator.console.restoring.words import PAYOUT_STATES
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, counted, grouped, moment
from coordinator.domain.errors import InvalidInputError, NotFoundError
from holdfast.protocol.chains.account import parse_account
from holdfast.protocol.payout_files import ChainPayout, PayoutFileError, chain_batch
from holdfast.protocol.restitution_payloads import MAX_CLAIMS
from holdfast.protocol.vocabulary import PayoutStatus

#: What stands before the reason where a payout did not arrive.
_FAILED = "failed:"


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout as the page shows it."""

    id: str
    ref: str
    claim_url: str
    filed_by: str
    amount: AmountWords
    account: str
    status: str
    state: tuple[str, str]
    tx: str
    tx_url: str
    failed: str
    at: datetime | None

    @property
    def is_unpaid(self) -> bool:
        """Whether it may be recorded."""
        return self.status != PayoutStatus.PAID


def show(visit: Visit, restitution_id: str, faults: Faults | None = None) -> Response:
    """Show one page of payouts, and the forms that record what became of them."""
    case = Case.read(visit, restitution_id)
    status = request.args.get("status", "")
    chosen = {"status": status} if status in PAYOUT_STATES else {}
    asked = cursor_of_page()
    query = query_of(api.PayoutsQuery, asked | chosen)
    page = visit.read(api.list_payouts, query, restitution_id=restitution_id)
    found = [_payout(case, each) for each in page["items"]]
    url, after = f"{case.url}/payouts", page["next_cursor"]
    counts = case.view["payouts"]
    picks = [("", url, "All")] + [
        (key, f"{url}?status={key}", f"{word[:1].upper()}{word[1:]} {_count(counts, key)}")
        for key, (word, _) in PAYOUT_STATES.items()
        if key in counts or key == status
    ]
    return case.page(
        "restoring/payouts.html",
        "payouts",
        faults,
        payouts=found,
        picks=picks,
        chosen=chosen.get("status", ""),
        before=f"{url}?{urlencode(chosen)}".rstrip("?") if "cursor" in asked else "",
        after=f"{url}?{urlencode({**chosen, 'cursor': after})}" if after else "",
        due=counts.get("due"),
        unpaid=[
            (each.id, f"{each.ref}: {each.amount} to {each.account}")
            for each in found
            if each.is_unpaid
        ],
    )


def _count(counts: Mapping[str, Mapping[str, Any]], status: str) -> str:
    return grouped(str(counts[status]["count"] if status in counts else 0))


def record(visit: Visit, restitution_id: str) -> Response | WsgiResponse:
    """Lead to the signature of what became of one payout, or of many by a list."""
    case, form = Case.read(visit, restitution_id), visit.form
    if form.text("list"):
        lines = [_listed(text) for text in form.text("list").split("\n") if text.strip()]
    else:
        became = {"tx": form.text("tx"), "failed": form.text("failed")}
        given = {name: text for name, text in became.items() if text}
        lines = [{"payout": form.text("payout"), **given}]
    paid = sum("tx" in each for each in lines)
    said = [
        f"{counted(number, 'payout')} {word}"
        for number, word in ((paid, "paid"), (len(lines) - paid, "that did not arrive"))
        if number
    ]
    wanted = WantedAct(
        path=f"{case.path}/payouts",
        body=case.body(lines=lines),
        sentence=f"Record {' and '.join(said)}: what is paid is never recorded again.",
        button="Record it",
        back=f"{case.url}/payouts",
        then=f"{case.url}/payouts",
        facts=_facts(case, lines[0]) if len(lines) == 1 else [],
    )
    try:
        return ask(case, wanted)
    except REFUSALS as error:
        # A fault of a line names its place in the body, and not a field.
        where = {"lines": "list" if form.text("list") else _field_of(error)}
        return show(visit, restitution_id, Faults.of(error, where))


def _field_of(error: Exception) -> str:
    pointers = [each.pointer for each in getattr(error, "errors", ())]
    return "payout" if any(each.endswith("/payout") for each in pointers) else "tx"


def _listed(text: str) -> dict[str, str]:
    """Return one line of the list: a payout, then its transaction or `failed: why`."""
    payout, _, rest = text.strip().partition(" ")
    became = rest.strip()
    if became.lower().startswith(_FAILED):
        return {"payout": payout, "failed": became[len(_FAILED) :].strip()}
    return {"payout": payout, "tx": became}


def _facts(case: Case, line: Mapping[str, str]) -> list[tuple[str, str]]:
    found = next((each for each in _unpaid(case) if each["id"] == line["payout"]), None)
    if found is None:
        return []
    return [
        ("Claim", found["ref"]),
        ("How much", str(case.units(found["amount"]))),
        ("To", found["payout"]),
        *((("Transaction", line["tx"]),) if "tx" in line else ()),
        *((("Why it failed", line["failed"]),) if "failed" in line else ()),
    ]


def _unpaid(case: Case) -> Iterator[Mapping[str, Any]]:
    """Yield every payout that is due or failed."""
    for status in (PayoutStatus.DUE, PayoutStatus.FAILED):
        yield from case.visit.every(
            api.list_payouts, api.PayoutsQuery, restitution_id=case.id, status=status.value
        )


def download(visit: Visit, restitution_id: str) -> Response:
    """Download what is to be paid as a table: address, asset, amount in units and base units."""
    case = Case.read(visit, restitution_id)
    if not case.is_own:
        raise NotFoundError("there is no such restitution, or none that you opened")
    chains = render.chains()
    due = [
        ChainPayout(
            id=each["id"],
            claim=each["ref"],
            account=parse_account(chains, each["payout"]),
            asset=case.view["asset"],
            amount=int(each["amount"]),
        )
        for each in islice(_unpaid(case), MAX_CLAIMS)
    ]
    try:
        made = chain_batch(due, visit.assets)
    except PayoutFileError as error:
        raise InvalidInputError(str(error)) from None
    response = Response(made.content, content_type="text/csv; charset=utf-8")
    name = f"payouts-{case.id}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _payout(case: Case, view: Mapping[str, Any]) -> Payout:
    chain = render.chains().get(str(case.view["asset"]).partition("/")[0])
    tx = view["tx"] or ""
    return Payout(
        id=view["id"],
        ref=view["ref"],
        claim_url=f"{case.url}/claims/{view['claim_id']}",
        filed_by=view["filed_by"],
        amount=case.units(view["amount"]),
        account=view["payout"].split(":")[-1],
        status=view["status"],
        state=PAYOUT_STATES[view["status"]],
        tx=tx,
        tx_url=explorers.transaction_url(chain, tx) if tx else "",
        failed=view["failed"] or "",
        at=moment(view["at"]),
    )
