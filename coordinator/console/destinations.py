"""Accounts of one's own organisation that money may be sent back to: named, proven, closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import destinations as api
from coordinator.console import render, words
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol import strict_json
from holdfast.protocol.amounts import AmountTextError, parse_amount
from holdfast.protocol.unit_amounts import chain_of
from holdfast.protocol.vocabulary import Decision

HERE = "/console/destinations"
_FIELDS = {"account": "account", "tag": "tag", "label": "label"}
_TEST_FIELDS = {"tx": "tx", "asset": "amount", "amount": "amount"}
#: How one stands: words and tone.
_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "proposed": ("waits for a second person", "waiting"),
        "registered": ("waits for a test transfer", "waiting"),
        "proven": ("may be used", "done"),
        "rejected": ("rejected", "danger"),
        "expired": ("nobody approved it in time", ""),
        "closed": ("closed", ""),
    }
)


@dataclass(frozen=True, slots=True)
class Destination:
    """One account as the page shows it.

    Attributes:
        state: Words and tone.
        waits_until: While it is too new: from when on it may be used.
        test: How much arrived, and in which transaction; "" before it is proven.
    """

    id: str
    status: str
    account: str
    tag: str
    label: str
    chain: str
    state: tuple[str, str]
    proposed_by: str
    proposed_at: datetime | None
    decide_by: datetime | None
    decided_by: str
    decided_at: datetime | None
    waits_until: datetime | None
    test: str
    tx: str
    proven_by: str
    proven_at: datetime | None
    closed_by: str
    closed_at: datetime | None

    @property
    def is_usable(self) -> bool:
        """Whether something may be sent there now."""
        return self.status == "proven" and self.waits_until is None

    @property
    def url(self) -> str:
        """Where it is shown by itself."""
        return f"{HERE}/{self.id}"


def show_all(visit: Visit, faults: Faults | None = None) -> Response:
    """Show all of them, and the form that names another."""
    names = ("account", "tag", "label")
    return render.page(
        "destinations.html",
        visit,
        422 if faults else 200,
        destinations=[_destination(visit, each) for each in visit.every(api.list_all)],
        may_change=visit.may(Permission.DESTINATION_CHANGE),
        typed={name: visit.form.text(name) for name in names},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def propose(visit: Visit) -> Response | WsgiResponse:
    """Ask for the signature under an account."""
    body = {name: visit.form.text(name) or None for name in ("account", "tag", "label")}
    body["account"] = body["account"] or ""
    wanted = WantedAct(
        path="/v1/destinations",
        body=body,
        sentence="Name an account of your organisation that money may be sent back to. Another"
        " security lead approves it before it counts.",
        button="Name it",
        back=HERE,
        then=HERE,
        facts=[(term, value) for term, value in _said(body) if value],
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        return show_all(visit, Faults.of(error, _FIELDS))


def show(visit: Visit, destination_id: str, faults: Faults | None = None) -> Response:
    """Show one, with what can be done about it."""
    view: Mapping[str, Any] = visit.read(api.read_one, destination_id=destination_id)
    found = _destination(visit, view)
    is_mine = view["proposed_by"] == visit.actor.subject
    return render.page(
        "destination.html",
        visit,
        422 if faults else 200,
        found=found,
        is_mine=is_mine,
        may_decide=visit.may(Permission.DESTINATION_APPROVE) and not is_mine,
        may_change=visit.may(Permission.DESTINATION_CHANGE),
        typed={name: visit.form.text(name) for name in ("tx", "amount", "reason")},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def decide(visit: Visit, destination_id: str) -> Response | WsgiResponse:
    """Ask another lead to sign exactly what was proposed, or that it is rejected."""
    view: Mapping[str, Any] = visit.read(api.read_one, destination_id=destination_id)
    raw = (view["body"] or "").encode()
    if not raw:
        raise NotFoundError("what was proposed was erased")
    is_yes = visit.form.text("decision") == Decision.APPROVE.value
    wanted = WantedAct(
        path=f"/v1/destinations/{destination_id}/approvals",
        body={
            "act_sha256": sha256(raw).hexdigest(),
            "decision": (Decision.APPROVE if is_yes else Decision.REJECT).value,
        },
        sentence="Approve this account: money may be sent back to it, a day from now and once a"
        " test transfer arrived."
        if is_yes
        else "Reject this account: nothing is sent to it.",
        button="Approve it" if is_yes else "Reject it",
        back=f"{HERE}/{destination_id}",
        then=f"{HERE}/{destination_id}",
        facts=[
            *((term, value) for term, value in _said(strict_json.loads(raw)) if value),
            ("Proposed by", visit.called(view["proposed_by"])),
        ],
    )
    return _ask(visit, destination_id, wanted, {})


def confirm_test(visit: Visit, destination_id: str) -> Response | WsgiResponse:
    """Ask for the signature that a test transfer arrived."""
    view: Mapping[str, Any] = visit.read(api.read_one, destination_id=destination_id)
    text = visit.form.text("amount")
    try:
        asset, base_units = parse_amount(text, visit.assets, chain=chain_of(view["account"] or ""))
    except AmountTextError as error:
        return show(visit, destination_id, Faults.one("amount", f"{error}."))
    if asset is None:
        return show(visit, destination_id, Faults.one("amount", "Name its unit: 0.01 ETH."))
    tx = visit.form.text("tx")
    wanted = WantedAct(
        path=f"/v1/destinations/{destination_id}/test-transfers",
        body={"tx": tx, "asset": asset, "amount": base_units},
        sentence="Confirm that a test transfer arrived in this account.",
        button="Confirm it",
        back=f"{HERE}/{destination_id}",
        then=f"{HERE}/{destination_id}",
        facts=[
            ("Account", view["account"] or ""),
            ("How much", str(words.amount(base_units, asset, visit.assets))),
            ("Transaction", tx),
        ],
    )
    return _ask(visit, destination_id, wanted, _TEST_FIELDS)


def close(visit: Visit, destination_id: str) -> Response | WsgiResponse:
    """Ask for the signature that closes one."""
    view: Mapping[str, Any] = visit.read(api.read_one, destination_id=destination_id)
    wanted = WantedAct(
        path=f"/v1/destinations/{destination_id}/closure",
        body={"reason": visit.form.text("reason")},
        sentence="Close this account: nothing more is asked for to it.",
        button="Close it",
        back=f"{HERE}/{destination_id}",
        then=HERE,
        facts=[("Account", view["account"] or "")],
    )
    return _ask(visit, destination_id, wanted, {"reason": "reason"})


def _ask(
    visit: Visit, destination_id: str, wanted: WantedAct, fields: Mapping[str, str]
) -> Response | WsgiResponse:
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        return show(visit, destination_id, Faults.of(error, fields))


def _said(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Account", body["account"]),
        ("Tag", body.get("tag") or ""),
        ("Called", body.get("label") or ""),
    ]


def _destination(visit: Visit, view: Mapping[str, Any]) -> Destination:
    test, account = view["test_transfer"], view["account"] or ""
    chain = visit.reader.context.rulebook.chains.get(chain_of(account)) if account else None
    is_new = view["why_not"] == "too_new"
    return Destination(
        id=view["id"],
        status=view["destination_status"],
        account=account.split(":")[-1],
        tag=view["tag"] or "",
        label=view["label"] or "",
        chain="" if chain is None else chain.name,
        state=("waits a day", "waiting") if is_new else _STATES[view["destination_status"]],
        proposed_by=visit.called(view["proposed_by"]),
        proposed_at=moment(view["proposed_at"]),
        decide_by=moment(view["decide_by"]),
        decided_by=visit.called(view["decided_by"]) if view["decided_by"] else "",
        decided_at=moment(view["decided_at"]),
        waits_until=moment(view["usable_at"]) if is_new else None,
        test="" if test is None else str(words.amount(test["amount"], test["asset"], visit.assets)),
        tx="" if test is None else test["tx"],
        proven_by="" if test is None else visit.called(test["confirmed_by"]),
        proven_at=None if test is None else moment(test["confirmed_at"]),
        closed_by=visit.called(view["closed_by"]) if view["closed_by"] else "",
        closed_at=moment(view["closed_at"]),
    )
