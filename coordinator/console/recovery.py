"""Deposits that went to the wrong place: what one asked for, what one is asked for, one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import recovery_requests as api
from coordinator.api.query import query_of
from coordinator.console import render, words
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.forms import number_of
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, counted, listed, moment
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.drafting.draft import new_nonce
from holdfast.drafting.recovery_table import DEPOSIT_COLUMNS, read_deposits
from holdfast.drafting.tables import read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import AmountTextError
from holdfast.protocol.unit_amounts import chain_of, read_amount
from holdfast.protocol.vocabulary import RecoveryCode, RecoveryNeed
from holdfast.wording import marked

HERE = "/console/recovery"
_PAGE = 50
_BOXES = MappingProxyType(
    {"received": "Asked of you", "sent": "Asked by you", "to_approve": "To approve"}
)
#: How a deposit stands: words and tone.
_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "open": ("unanswered", "waiting"),
        "needs": ("needs something", "waiting"),
        "found": ("found", "held"),
        "not_found": ("not found", ""),
        "declined": ("declined", "danger"),
        "returned": ("returned", "waiting"),
        "contested": ("did not arrive", "danger"),
        "confirmed": ("arrived", "done"),
        "withdrawn": ("withdrawn", ""),
    }
)
_REQUEST_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "submitted": ("waits for a second person", "waiting"),
        "open": ("out", "done"),
        "rejected": ("rejected", "danger"),
        "withdrawn": ("withdrawn", ""),
        "expired": ("nobody approved it in time", ""),
    }
)
_MISTAKES: Mapping[str, str] = MappingProxyType(
    {
        "wrong_network": "sent by the wrong network",
        "missing_tag": "sent without its tag",
        "unlisted_token": "a token that is not listed",
        "wrong_exchange": "sent to the wrong exchange",
        "other": "another mistake",
    }
)
_CODES: Mapping[str, str] = MappingProxyType(
    {
        RecoveryCode.UNECONOMIC: "It costs more than it is worth",
        RecoveryCode.NO_KEY_ACCESS: "Nobody can sign for the account",
        RecoveryCode.CREDITED_AND_SPENT: "It was credited and is spent",
        RecoveryCode.CANNOT_SAY: "We cannot say",
        RecoveryCode.UNSUPPORTED_ASSET: "We do not support the asset",
    }
)
_NEEDS: Mapping[str, str] = MappingProxyType(
    {
        RecoveryNeed.PROOF: "A proof",
        RecoveryNeed.TRANSACTION: "Another transaction id",
        RecoveryNeed.OTHER: "Something else, as the line says",
    }
)
#: What is signed with a line of each kind, and the words on its button.
_SAYING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "found": ("Say that the deposit is here. The fee binds you.", "Say it is here"),
        "not_found": ("Say that no such deposit is known here.", "Say it is not here"),
        "needs": ("Ask the requester for what is missing.", "Ask for it"),
        "declined": ("Decline to give this deposit back.", "Decline it"),
        "returned": ("Say that the deposit went back, less the fee.", "Say it went back"),
        "confirmed": ("Confirm that what was returned has arrived.", "Confirm it"),
        "not_received": ("Say that what was returned has not arrived.", "Say so"),
        "supplied": ("Supply what the partner asked for.", "Supply it"),
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """A request as the list shows it."""

    url: str
    title: str
    other: str
    state: tuple[str, str]
    stands: str
    due_at: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as the pages show it; amounts with their units."""

    no: int
    url: str
    status: str
    state: tuple[str, str]
    chain: str
    account: str
    tag: str
    amount: AmountWords
    tx: str
    sent_from: str
    goes_back: bool
    return_to: str
    mistake: str
    fee_accepted: AmountWords
    found: AmountWords | None
    fee: AmountWords | None
    proof: str
    note: str
    needs: str
    fee_needed: AmountWords | None
    code: str
    answer_text: str
    reply_text: str
    supplied: str
    returned: AmountWords | None
    returned_fee: AmountWords | None
    returned_tx: str
    due_at: datetime | None
    is_late: bool
    other_requests: int


def show_list(visit: Visit) -> Response:
    """Show one page of requests, the newest first."""
    box = request.args.get("box", "received")
    box = box if box in _BOXES else "received"
    cursor = request.args.get("cursor", "")
    members = {"box": box, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
    page = visit.read(api.list_requests, query_of(api.RecoveryListQuery, members))
    after = page["next_cursor"]
    return render.page(
        "recovery_list.html",
        visit,
        box=box,
        tabs=[(name, f"{HERE}?box={name}", word, None) for name, word in _BOXES.items()],
        rows=[_row(visit, each, box) for each in page["items"]],
        before=f"{HERE}?box={box}" if cursor else "",
        after=f"{HERE}?{urlencode({'box': box, 'cursor': after})}" if after else "",
        may_submit=visit.may(Permission.RECOVERY_SUBMIT),
        done=done_words(visit),
    )


def _row(visit: Visit, view: Mapping[str, Any], box: str) -> Row:
    due_at = moment(view["due_at"])
    return Row(
        url=f"{HERE}/{view['id']}",
        title=marked(counted(view["deposit_count"], "deposit"), drill=view["drill"]),
        other=view["requester"] if box == "received" else view["partner"],
        state=_REQUEST_STATES[view["status"]],
        stands=_stands(view["deposits"]),
        due_at=due_at,
        is_late=due_at is not None and due_at <= visit.reader.read_context.now,
    )


def _stands(counts: Mapping[str, int]) -> str:
    return listed(f"{number} {_STATES[status][0]}" for status, number in counts.items())


def show_new(visit: Visit, faults: Faults | None = None) -> Response:
    """Show the form that asks a partner for deposits."""
    return render.page(
        "recovery_new.html",
        visit,
        422 if faults else 200,
        typed={name: visit.form.text(name) for name in ("to", "rows")},
        is_drill=bool(visit.form.text("drill")),
        columns=", ".join(DEPOSIT_COLUMNS),
        faults=faults or Faults(),
    )


def submit(visit: Visit) -> Response | WsgiResponse:
    """Ask for the signature under the deposits of a table."""
    raw = visit.form.text("rows").encode()
    try:
        deposits = read_deposits(read_table("rows.csv", raw, DEPOSIT_COLUMNS), visit.assets)
    except InvalidDraftError as error:
        return show_new(
            visit, Faults({"rows": error.faults[0]}, [("f-rows", each) for each in error.faults])
        )
    to = visit.form.text("to")
    wanted = WantedAct(
        path="/v1/recovery-requests",
        body={
            "nonce": new_nonce(),
            "to": to,
            "drill": bool(visit.form.text("drill")),
            "deposits": deposits,
        },
        sentence=f"Ask {to} to give back {counted(len(deposits), 'deposit')}. Another person of"
        " yours approves it before it goes out.",
        button="Ask for them",
        back=f"{HERE}/new",
        then=f"{HERE}?box=sent",
        facts=_asked(visit, deposits),
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        return show_new(visit, Faults.of(error, {"to": "to", "deposits": "rows"}))


def _asked(visit: Visit, deposits: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what is asked for in all, by asset and by where it is to go."""
    sums: dict[tuple[str, str], int] = {}
    for each in deposits:
        to = "its sender" if each["return_to"] == each["sent_from"] else each["return_to"]
        sums[each["asset"], to] = sums.get((each["asset"], to), 0) + int(each["amount"])
    return [
        (f"Back to {to}", str(words.amount(total, asset, visit.assets)))
        for (asset, to), total in sums.items()
    ]


def show(visit: Visit, recovery_id: str, faults: Faults | None = None) -> Response:
    """Show one request and one page of its deposits."""
    view: Mapping[str, Any] = visit.read(api.read_request, recovery_id=recovery_id)
    cursor = request.args.get("cursor", "")
    members = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
    page = visit.read(
        api.list_deposits, query_of(api.DepositsQuery, members), recovery_id=recovery_id
    )
    url, after = f"{HERE}/{recovery_id}", page["next_cursor"]
    is_own = view["requester"] == visit.actor.partner
    is_mine = view["submitted_by"] == visit.actor.subject
    return render.page(
        "recovery_request.html",
        visit,
        422 if faults else 200,
        url=url,
        view=view,
        title=marked(counted(view["deposit_count"], "deposit"), drill=view["drill"]),
        state=_REQUEST_STATES[view["status"]],
        stands=_stands(view["deposits"]),
        is_own=is_own,
        is_mine=is_mine,
        submitted_by=visit.called(view["submitted_by"]) if view["submitted_by"] else "",
        decided_by=visit.called(view["decided_by"]) if view["decided_by"] else "",
        submitted_at=moment(view["submitted_at"]),
        decided_at=moment(view["decided_at"]),
        approve_by=moment(view["approve_by"]),
        due_at=moment(view["due_at"]),
        deposits=[_deposit(visit, recovery_id, each) for each in page["items"]],
        before=url if cursor else "",
        after=f"{url}?{urlencode({'cursor': after})}" if after else "",
        may_decide=is_own and visit.may(Permission.RECOVERY_APPROVE) and not is_mine,
        may_withdraw=is_own and visit.may(Permission.RECOVERY_REPLY),
        typed={"reason": visit.form.text("reason")},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def decide(visit: Visit, recovery_id: str) -> Response | WsgiResponse:
    """Ask another person to sign that the document goes out, or that it does not."""
    view: Mapping[str, Any] = visit.read(api.read_request, recovery_id=recovery_id)
    is_yes = visit.form.text("decision") == "approve"
    every = list(visit.every(api.list_deposits, api.DepositsQuery, recovery_id=recovery_id))
    url = f"{HERE}/{view['id']}"
    wanted = WantedAct(
        path=f"/v1/recovery-requests/{view['id']}/approvals",
        body={
            "content_sha256": view["content_sha256"],
            "decision": "approve" if is_yes else "reject",
        },
        sentence=f"{'Send' if is_yes else 'Do not send'} this request to {view['partner']}:"
        f" {counted(len(every), 'deposit')}.",
        button="Approve it" if is_yes else "Reject it",
        back=url,
        then=url,
        facts=_asked(visit, every),
    )
    return _ask(visit, recovery_id, wanted)


def withdraw(visit: Visit, recovery_id: str) -> Response | WsgiResponse:
    """Ask for the signature that takes back all of which nothing was returned."""
    view: Mapping[str, Any] = visit.read(api.read_request, recovery_id=recovery_id)
    url = f"{HERE}/{view['id']}"
    wanted = WantedAct(
        path=f"/v1/recovery-requests/{view['id']}/withdrawal",
        body={
            "content_sha256": view["content_sha256"],
            "deposits": "all",
            "reason": visit.form.text("reason"),
        },
        sentence="Withdraw every deposit of which nothing was returned.",
        button="Withdraw them",
        back=url,
        then=url,
    )
    return _ask(visit, recovery_id, wanted)


def _ask(visit: Visit, recovery_id: str, wanted: WantedAct) -> Response | WsgiResponse:
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        return show(visit, recovery_id, Faults.of(error, {"reason": "reason"}))


def show_deposit(
    visit: Visit, recovery_id: str, number: str, faults: Faults | None = None
) -> Response:
    """Show one deposit, with what its reader can say of it."""
    view: Mapping[str, Any] = visit.read(api.read_request, recovery_id=recovery_id)
    found = _deposit(visit, recovery_id, _one(visit, recovery_id, number))
    is_own = view["requester"] == visit.actor.partner
    names = ("fee", "sent_from", "amount", "tx", "code", "text", "missing")
    return render.page(
        "recovery_deposit.html",
        visit,
        422 if faults else 200,
        view=view,
        url=f"{HERE}/{recovery_id}",
        found=found,
        is_own=is_own,
        is_out=view["status"] == "open",
        may_answer=not is_own and visit.may(Permission.RECOVERY_ANSWER),
        may_dispose=not is_own and visit.may(Permission.RECOVERY_DISPOSE),
        may_reply=is_own and visit.may(Permission.RECOVERY_REPLY),
        codes=list(_CODES.items()),
        needs=list(_NEEDS.items()),
        typed={name: visit.form.text(name) for name in names},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def speak(visit: Visit, recovery_id: str, number: str) -> Response | WsgiResponse:
    """Ask for the signature under one line about a deposit."""
    view: Mapping[str, Any] = visit.read(api.read_request, recovery_id=recovery_id)
    deposit = _one(visit, recovery_id, number)
    kind = visit.form.text("kind")
    if kind not in _SAYING:
        raise NotFoundError("there is no such answer")
    sentence, button = _SAYING[kind]
    try:
        line = _line(visit, kind, deposit)
    except AmountTextError as error:
        return show_deposit(visit, recovery_id, number, Faults.one("fee", f"{error}."))
    name = "answers" if view["partner"] == visit.actor.partner else "replies"
    url = f"{HERE}/{recovery_id}/deposits/{number}"
    facts = [
        ("Deposit", str(words.amount(deposit["amount"], deposit["asset"], visit.assets))),
        ("Transaction", deposit["tx"]),
    ]
    if kind == "returned":
        back = words.amount(line["amount"], deposit["asset"], visit.assets)
        facts += [
            ("Went back", str(back)),
            ("Returned in", line["tx"]),
            ("To", deposit["return_to"]),
        ]
    wanted = WantedAct(
        path=f"/v1/recovery-requests/{recovery_id}/{name}",
        body={"content_sha256": view["content_sha256"], "lines": [line]},
        sentence=sentence,
        button=button,
        back=url,
        then=url,
        facts=facts,
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        return show_deposit(visit, recovery_id, number, Faults.of(error, {}))


def _line(visit: Visit, kind: str, deposit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of a kind about a deposit, as the form says it.

    Raises:
        AmountTextError: If an amount was typed that is none.
    """
    form = visit.form
    line: dict[str, Any] = {"kind": kind, "no": deposit["no"]}
    match kind:
        case "found":
            stated = form.text("amount")
            amount = _units(visit, "amount", deposit) if stated else deposit["amount"]
            line |= {"amount": amount, "fee": _units(visit, "fee", deposit)}
            return line | {"sent_from": form.text("sent_from")}
        case "returned":
            kept = deposit["fee"] or "0"
            back = str(int(deposit["found_amount"] or "0") - int(kept))
            return line | {"tx": form.text("tx"), "amount": back, "fee": kept}
        case "needs":
            line["missing"] = [form.text("missing")]
        case "declined":
            line["code"] = form.text("code")
        case _:
            pass
    return line | ({"text": form.text("text")} if form.text("text") else {})


def _units(visit: Visit, name: str, deposit: Mapping[str, Any]) -> str:
    asset, chain = deposit["asset"], chain_of(deposit["account"])
    return read_amount(visit.form.text(name), visit.assets, asset=asset, chain=chain)[1]


def _one(visit: Visit, recovery_id: str, number: str) -> Mapping[str, Any]:
    no = number_of(number)
    if no is None:
        raise NotFoundError("there is no such deposit")
    return api.one_deposit(visit.reader, recovery_id, no)


def _deposit(visit: Visit, recovery_id: str, view: Mapping[str, Any]) -> Deposit:
    asset = view["asset"]

    def amount(name: str) -> AmountWords | None:
        return None if view[name] is None else words.amount(view[name], asset, visit.assets)

    def plain(name: str) -> str:
        return (view[name] or "").rpartition(":")[2]

    chain = visit.reader.context.rulebook.chains.get(chain_of(view["account"]))
    return Deposit(
        no=view["no"],
        url=f"{HERE}/{recovery_id}/deposits/{view['no']}",
        status=view["status"],
        state=_STATES[view["status"]],
        chain="" if chain is None else chain.name,
        account=plain("account"),
        tag=view["tag"] or "",
        amount=words.amount(view["amount"], asset, visit.assets),
        tx=view["tx"],
        sent_from=plain("sent_from"),
        goes_back=view["return_to"] == view["sent_from"],
        return_to=plain("return_to"),
        mistake=_MISTAKES[view["mistake"]],
        fee_accepted=words.amount(view["fee_accepted"], asset, visit.assets),
        found=amount("found_amount"),
        fee=amount("fee"),
        proof=(view["proof"] or {}).get("sha256", ""),
        note=view["note"] or "",
        needs=listed(each.replace("_", " ") for each in view["missing"] or ()),
        fee_needed=amount("fee_needed"),
        code=_CODES[view["code"]] if view["code"] else "",
        answer_text=view["answer_text"] or "",
        reply_text=view["reply_text"] or "",
        supplied=(view["supplied_proof"] or {}).get("sha256", ""),
        returned=amount("returned_amount"),
        returned_fee=amount("returned_fee"),
        returned_tx=view["returned_tx"] or "",
        due_at=moment(view["due_at"]),
        is_late=view["overdue"],
        other_requests=view["other_requests"] or 0,
    )
