"""Money that is asked back on a request: the list, one of them, and what each side does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import destinations as destination_api
from coordinator.api import freeze_request_reads, ledger_reads
from coordinator.api import return_requests as api
from coordinator.api.ledger_reads import EvidenceQuery
from coordinator.console import render, words
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol.vocabulary import ReturnCode, ReturnStatus

#: How one stands: words and tone.
STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "submitted": ("waits for a second person", "waiting"),
        "open": ("waits for an answer", "waiting"),
        "rejected": ("rejected", ""),
        "withdrawn": ("withdrawn", ""),
        "expired": ("nobody approved it in time", ""),
        "accepted": ("accepted", "held"),
        "partial": ("accepted in part", "held"),
        "refused": ("refused", "danger"),
        "suspended": ("held up", "danger"),
        "revoked": ("revoked", ""),
        "settled": ("arrived", "done"),
        "contested": ("did not arrive", "danger"),
    }
)
GROUNDS: Mapping[str, str] = MappingProxyType(
    {
        "court_order": "A court orders it",
        "authority_order": "An authority orders it",
        "owner_agreed": "Whoever holds it agrees",
        "own_error": "It was sent there by error",
    }
)
CODES: Mapping[str, str] = MappingProxyType(
    {
        ReturnCode.NO_BALANCE: "Nothing is there any more",
        ReturnCode.ENCUMBERED: "Somebody else has a claim on it",
        ReturnCode.LEGALLY_BARRED: "The law forbids it",
        ReturnCode.ACCOUNT_CLOSED: "The account is closed",
        ReturnCode.POLICY_REFUSAL: "It is against our policy",
        ReturnCode.OTHER: "Something else",
    }
)
_IN_THE_WAY: Mapping[str, str] = MappingProxyType(
    {
        "dsp": "The customer contests the freeze",
        "enc": "A third party has a claim on it",
        "ord": "An authority's order stands on it",
    }
)
#: What each act is below the API's return request, in a sentence and on its button.
_ACTS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "approve": ("approvals", "Have {partner} asked to send {much} back.", "Have it asked back"),
        "reject": ("approvals", "Do not have {partner} asked.", "Reject it"),
        "withdraw": ("withdrawal", "Ask {much} back no more.", "Ask it no more"),
        "accept": ("answer", "Promise to send {much} back.", "Promise it"),
        "refuse": ("answer", "Send nothing back.", "Refuse"),
        "revoke": ("revocation", "Want nothing sent any more of {much}.", "Revoke it"),
        "confirm": ("receipt", "Confirm that {sent} arrived: this is settled then.", "It arrived"),
        "miss": ("receipt", "Say that what was sent did not arrive.", "It did not arrive"),
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """How much of one hold is promised, and was sent."""

    hold: str
    accepted: str
    sent: str


@dataclass(frozen=True, slots=True)
class Return:
    """One return request as the pages show it; amounts in units.

    Attributes:
        ground: Why it is asked back, and in which words.
        waits_until: By when somebody decides or answers; None: no clock runs.
    """

    id: str
    url: str
    status: str
    state: tuple[str, str]
    partner: str
    much: str
    accepted: str
    sent: str
    account: str
    ground: tuple[str, str]
    asked_by: str
    asked_at: datetime | None
    waits_until: datetime | None
    parts: Sequence[Part]
    because: str
    code: str


def show_all(visit: Visit, request_id: str, faults: Faults | None = None) -> Response:
    """Show what is asked back on a request, and to its requester the form that asks."""
    request: Mapping[str, Any] = visit.read(
        freeze_request_reads.read_request, request_id=request_id
    )
    is_own = request["requester"] == visit.actor.partner
    may_ask = is_own and visit.may(Permission.RETURN_ASK) and request["status"] == "active"
    found = [_return(visit, each) for each in visit.every(api.list_asked, request_id=request_id)]
    names = ("partner", "destination", "asset", "ground", "words", "reference", "sha256")
    return render.page(
        "returns.html",
        visit,
        422 if faults else 200,
        nav="requests",
        request=request,
        returns=found,
        may_ask=may_ask,
        holders=_places(visit, request_id) if may_ask else [],
        destinations=_destinations(visit) if may_ask else [],
        grounds=[(name, text) for name, text in GROUNDS.items() if name in _TYPED],
        typed={name: visit.form.text(name) for name in names},
        faults=faults or Faults(),
        done=done_words(visit),
    )


#: Grounds that a browser's form can state; what a holder signed comes with the kit.
_TYPED = ("court_order", "own_error")


def ask(visit: Visit, request_id: str) -> Response | WsgiResponse:
    """Ask for the signature under a return request for all that a partner holds of an asset."""
    request: Mapping[str, Any] = visit.read(
        freeze_request_reads.read_request, request_id=request_id
    )
    partner, _, asset = visit.form.text("partner").partition(" ")
    chosen = visit.form.text("destination")
    known = {each["id"]: each for each in visit.every(destination_api.list_all)}
    where = known.get(chosen)
    if where is None:
        text = "Choose where it is to go: one of your registered accounts."
        return show_all(visit, request_id, Faults.one("destination", text))
    body = {
        "content_sha256": request["content_sha256"],
        "to": partner,
        "holds": "all",
        "asset": asset,
        "amount": "all",
        "destination": {name: where[name] for name in ("id", "account", "tag")},
        "basis": _basis(visit),
    }
    url = f"/console/requests/{request_id}/returns"
    wanted = WantedAct(
        path=f"/v1/freeze-requests/{request_id}/return-requests",
        body=body,
        sentence="Ask a partner to send back all that it holds of this asset. Another security lead"
        " approves it before the partner hears of it.",
        button="Ask it back",
        back=url,
        then=url,
        facts=[
            ("Asked of", partner),
            ("To", where["account"] or ""),
            ("On what ground", GROUNDS.get(body["basis"]["kind"], "")),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError, NotFoundError) as error:
        return show_all(visit, request_id, Faults.of(error, _FIELDS))


_FIELDS = {"to": "partner", "asset": "partner", "destination": "destination", "basis": "words"}


def _basis(visit: Visit) -> dict[str, str]:
    form = visit.form
    if form.text("ground") == "own_error":
        return {"kind": "own_error", "reason": form.text("words")}
    return {
        "kind": "court_order",
        "court": form.text("words"),
        "reference": form.text("reference"),
        "document_sha256": form.text("sha256").lower(),
    }


def show(visit: Visit, request_id: str, return_id: str, faults: Faults | None = None) -> Response:
    """Show one, with what the visitor can do about it now."""
    request: Mapping[str, Any] = visit.read(
        freeze_request_reads.read_request, request_id=request_id
    )
    view = _find(visit, request_id, return_id)
    found = _return(visit, view)
    is_own = view["requester"] == visit.actor.partner
    return render.page(
        "return.html",
        visit,
        422 if faults else 200,
        nav="requests",
        request=request,
        found=found,
        acts=_possible(visit, view, is_own=is_own),
        is_mine=view["asked_by"] == visit.actor.subject,
        holds=_open_holds(visit, request_id, view) if found.status == "open" else [],
        codes=list(CODES.items()),
        typed={name: visit.form.text(name) for name in ("reason", "code", "text")},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def act(visit: Visit, request_id: str, return_id: str, act: str) -> Response | WsgiResponse:
    """Ask for the signature of what somebody does about one."""
    request: Mapping[str, Any] = visit.read(
        freeze_request_reads.read_request, request_id=request_id
    )
    view = _find(visit, request_id, return_id)
    if act not in _ACTS:
        raise NotFoundError("there is no such act on a return request")
    path, sentence, button = _ACTS[act]
    found = _return(visit, view)
    url = f"/console/requests/{request_id}/returns/{return_id}"
    wanted = WantedAct(
        path=f"/v1/freeze-requests/{request_id}/return-requests/{return_id}/{path}",
        body={"content_sha256": request["content_sha256"], **_body(visit, request_id, view, act)},
        sentence=sentence.format(partner=found.partner, much=found.much, sent=found.sent),
        button=button,
        back=url,
        then=url,
        facts=[("To", found.account), ("On what ground", ": ".join(filter(None, found.ground)))],
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        fields = {"reason": "reason", "code": "code", "text": "text"}
        return show(visit, request_id, return_id, Faults.of(error, fields))


def _body(visit: Visit, request_id: str, view: Mapping[str, Any], act: str) -> dict[str, Any]:
    form = visit.form
    if act in {"withdraw", "revoke"}:
        return {"reason": form.text("reason")}
    if act in {"confirm", "miss"}:
        return {
            "received": act == "confirm",
            "amount": view["sent"],
            "text": form.text("text") or None,
        }
    named = {"act_sha256": _asked_sha256(visit, request_id, view)}
    if act in {"approve", "reject"}:
        return {**named, "decision": act}
    if act == "refuse":
        code, text = form.text("code") or None, form.text("text") or None
        return {**named, "decision": "refuse", "code": code, "text": text}
    parts = _promised(view, _open_holds(visit, request_id, view))
    return {**named, "decision": "accept", "parts": parts}


def _promised(
    view: Mapping[str, Any], holds: Sequence[Mapping[str, Any]]
) -> list[dict[str, str | None]]:
    """Return the parts that come to what is asked, hold by hold, as far as there is so much."""
    left = None if view["amount"] == "all" else int(view["amount"])
    parts: list[dict[str, str | None]] = []
    for hold in holds:
        if hold["withheld"]:
            parts += [{"hold": hold["id"], "amount": None}] if left is None else []
            continue
        amount = int(hold["held"]) if left is None else min(left, int(hold["held"]))
        if amount:
            parts.append({"hold": hold["id"], "amount": str(amount)})
        left = None if left is None else left - amount
    return parts


def _open_holds(visit: Visit, request_id: str, view: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the open holds that one is about, as its partner reported them."""
    named = view["holds"]
    return [
        hold
        for hold in visit.every(ledger_reads.list_holds, request_id=request_id)
        if hold["partner"] == view["partner"]
        and hold["asset"] == view["asset"]
        and (named in {"all", None} if isinstance(named, str | None) else hold["id"] in named)
        and (hold["withheld"] or hold["held"] != "0")
    ]


def _asked_sha256(visit: Visit, request_id: str, view: Mapping[str, Any]) -> str:
    """Return the hash of the very body that asks, from its evidence."""
    query = EvidenceQuery.model_validate({"act": view["act_id"]})
    for each in visit.read(ledger_reads.list_evidence, query, request_id=request_id)["items"]:
        if each["body"] is not None:
            return sha256(each["body"].encode()).hexdigest()
    raise NotFoundError("what was asked was erased")


def _possible(visit: Visit, view: Mapping[str, Any], *, is_own: bool) -> list[str]:
    """Return what the visitor may do about one as it stands; the API has the last word."""
    status = view["return_status"]
    if not is_own:
        may = visit.may(Permission.RETURN_ANSWER)
        acts = {"open": ["accept", "refuse"], "suspended": ["refuse"]}
        return acts.get(status, []) if may else []
    possible = []
    is_mine = view["asked_by"] == visit.actor.subject
    if status == "submitted" and visit.may(Permission.RETURN_APPROVE) and not is_mine:
        possible += ["approve", "reject"]
    if status in {"submitted", "open"} and visit.may(Permission.RETURN_ASK):
        possible.append("withdraw")
    has_sent = any(part["sent"] != "0" for part in view["parts"])
    if status in {"accepted", "partial"} and not has_sent and visit.may(Permission.RETURN_APPROVE):
        possible.append("revoke")
    if visit.may(Permission.RETURN_CONFIRM) and has_sent:
        possible += {"accepted": ["confirm", "miss"], "partial": ["confirm", "miss"]}.get(
            status, []
        )
        possible += ["confirm"] if status == "contested" else []
    return possible


def _find(visit: Visit, request_id: str, return_id: str) -> Mapping[str, Any]:
    for view in visit.every(api.list_asked, request_id=request_id):
        if view["id"] == return_id:
            return view
    raise NotFoundError("this request has no such return request, or none that you may see")


def _places(visit: Visit, request_id: str) -> list[tuple[str, str]]:
    """Return which partner holds which asset, as (value, words)."""
    sums: dict[tuple[str, str], int] = {}
    for hold in visit.every(ledger_reads.list_holds, request_id=request_id):
        if hold["withheld"] or hold["held"] != "0":
            key = (hold["partner"], hold["asset"])
            sums[key] = sums.get(key, 0) + int(hold["held"])
    return [
        (f"{partner} {asset}", f"{words.amount(held, asset, visit.assets)} at {partner}")
        for (partner, asset), held in sorted(sums.items())
    ]


def _destinations(visit: Visit) -> list[tuple[str, str]]:
    """Return where it may go now, as (id, words)."""
    return [
        (each["id"], f"{each['label'] or 'Without a name'}: {each['account']}")
        for each in visit.every(destination_api.list_all)
        if each["why_not"] is None
    ]


def _return(visit: Visit, view: Mapping[str, Any]) -> Return:
    asset, destination, status = view["asset"], view["destination"], view["return_status"]

    def units(amount: str | None) -> str:
        return "all of it" if amount is None else str(words.amount(amount, asset, visit.assets))

    unit = visit.assets.unit(asset)
    everything = "all that it holds" if unit is None else f"all that it holds of {unit.symbol}"
    return Return(
        id=view["id"],
        url=f"/console/requests/{view['request_id']}/returns/{view['id']}",
        status=status,
        state=STATES[status],
        partner=view["partner"],
        much=everything if view["amount"] == "all" else units(view["amount"]),
        accepted=units(view["accepted"]),
        sent=units(view["sent"]),
        account="" if destination is None else destination["account"].split(":")[-1],
        ground=_ground(view["basis"]),
        asked_by=visit.name_of(view["asked_by"], view["requester"]),
        asked_at=moment(view["asked_at"]),
        waits_until=moment({"submitted": view["decide_by"], "open": view["answer_by"]}.get(status)),
        parts=[Part(p["hold"], units(p["accepted"]), units(p["sent"])) for p in view["parts"]],
        because=_because(view["suspended_because"], status),
        code="" if view["code"] is None else CODES[view["code"]],
    )


def _because(what: str | None, status: str) -> str:
    """Return what stands in its way: a dispute, a claim, or an order, by the kind of its id.

    What was claimed on another request is not named to whoever is on this one alone.
    """
    if status != ReturnStatus.SUSPENDED:
        return ""
    return _IN_THE_WAY.get((what or "")[:3], "Something stands in its way")


def _ground(basis: Mapping[str, Any] | None) -> tuple[str, str]:
    if basis is None:
        return "Erased", ""
    said = [basis.get(name) for name in ("court", "agency", "reference", "reason")]
    return GROUNDS[basis["kind"]], ", ".join(filter(None, said))
