"""Claims on a restitution: the list, one with its doubles, and what is decided on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import claims as api
from coordinator.api.query import query_of
from coordinator.console.acts import WantedAct
from coordinator.console.faults import Faults
from coordinator.console.restoring.case import REFUSALS, Case, ask, cursor_of_page
from coordinator.console.restoring.words import CLAIM_STATES, PROOFS, REJECTIONS
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, grouped, moment
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol.amounts import AmountTextError

#: Doubles that stand beside a claim; of more, the page names the rest.
_MOST_BESIDE = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as the pages show it.

    Attributes:
        state: Words and tone.
        worth: In the asset that is paid.
        lost: As claimed.
        to_confirm: What the first of two verified, while another is awaited.
        double_count: Of others that name the same.
    """

    id: str
    url: str
    ref: str
    filed_by: str
    status: str
    state: tuple[str, str]
    worth: AmountWords
    lost: AmountWords
    lost_about: str
    verified: AmountWords | None
    to_confirm: AmountWords | None
    allocated: AmountWords | None
    addresses: list[str]
    tx: str
    proof: str
    documents: list[str]
    payout: str
    is_late: bool
    is_sealed: bool
    double_count: int
    code: str
    reason: str
    objection: str
    filed_at: datetime | None
    decided_at: datetime | None


def show_list(visit: Visit, restitution_id: str) -> Response:
    """Show one page of claims in the order in which they were filed."""
    case = Case.read(visit, restitution_id)
    status = request.args.get("status", "")
    chosen = {"status": status} if status in CLAIM_STATES else {}
    asked = cursor_of_page()
    query = query_of(api.ClaimsQuery, asked | chosen)
    page = visit.read(api.list_claims, query, restitution_id=restitution_id)
    url, after = f"{case.url}/claims", page["next_cursor"]
    counts: Mapping[str, int] = case.view["claims"]
    picks = [("", url, "All")] + [
        (key, f"{url}?{urlencode({'status': key})}", _pick(case, word, counts.get(key, 0)))
        for key, (word, _) in CLAIM_STATES.items()
        if counts.get(key) or key == status
    ]
    return case.page(
        "restoring/claims.html",
        "claims",
        None,
        claims=[_claim(case, each) for each in page["items"]],
        picks=picks,
        chosen=chosen.get("status", ""),
        before=f"{url}?{urlencode(chosen)}".rstrip("?") if "cursor" in asked else "",
        after=f"{url}?{urlencode({**chosen, 'cursor': after})}" if after else "",
        may_file=case.is_open and visit.may(Permission.CLAIM_FILE),
    )


def _pick(case: Case, word: str, count: int) -> str:
    words = f"{word[:1].upper()}{word[1:]}"
    # Whoever files claims reads its own, and the counts are of all.
    return f"{words} {grouped(str(count))}" if case.is_own else words


def show(
    visit: Visit, restitution_id: str, claim_id: str, faults: Faults | None = None
) -> Response:
    """Show one claim whole, beside those that name the same, with what may be decided."""
    case = Case.read(visit, restitution_id)
    view = _read(visit, restitution_id, claim_id)
    claim = _claim(case, view)
    others = list(view.get("doubles") or [])
    beside = [_read(visit, restitution_id, each) for each in others[:_MOST_BESIDE]]
    filed_it = visit.actor.partner == view["filed_by"]
    waits = claim.status in {"received", "objection"}
    ends = moment(case.view["objections_until"])
    in_time = ends is None or visit.reader.read_context.now <= ends
    may_object = case.is_open and filed_it and visit.may(Permission.CLAIM_FILE) and in_time
    return case.page(
        "restoring/claim.html",
        "claims",
        faults,
        claim=claim,
        shared=_shared(view, beside),
        beside=[_claim(case, each) for each in beside],
        more=[(each, f"{case.url}/claims/{each}") for each in others[_MOST_BESIDE:]],
        may_verify=case.may_change and waits,
        may_reject=case.may_change and (waits or claim.status == "verified"),
        may_object=may_object and claim.status in {"verified", "rejected"},
        takes_two=int(view["value"]) > int(case.view["verify_by_two_above"]),
        by_two_above=case.units(case.view["verify_by_two_above"]),
        codes=list(REJECTIONS.items()),
    )


def _shared(view: Mapping[str, Any], beside: list[Mapping[str, Any]]) -> set[str]:
    """Return the addresses and transactions that a claim has in common with others."""
    own = {*view["addresses"], view["tx"]} - {None}
    names = {name for each in beside for name in (*each["addresses"], each["tx"])}
    return {_bare(name) for name in names & own}


def _bare(account: str) -> str:
    """Return an account without its chain, which the asset names."""
    return account.rsplit(":", maxsplit=1)[-1]


def act(visit: Visit, restitution_id: str, claim_id: str, act: str) -> Response | WsgiResponse:
    """Lead to the signature of what is decided on a claim, or of an objection to it."""
    case = Case.read(visit, restitution_id)
    claim = _claim(case, _read(visit, restitution_id, claim_id))
    making = {"verify": _verification, "reject": _rejection, "object": _objection}.get(act)
    if making is None:
        raise NotFoundError("there is no such act on a claim")
    try:
        return ask(case, making(case, claim))
    except AmountTextError as error:
        return show(visit, restitution_id, claim_id, Faults.one("amount", f"{error}."))
    except REFUSALS as error:
        fields = {"amount": "amount", "code": "code", "reason": "reason"}
        if act == "object":
            fields = {"reason": "objection"}
        return show(visit, restitution_id, claim_id, Faults.of(error, fields))


def _verification(case: Case, claim: Claim) -> WantedAct:
    amount = case.base_units("amount", "The amount")
    much = case.units(amount)
    members: dict[str, Any] = {"decision": "verify", "amount": amount}
    if case.visit.form.text("not_a_double"):
        members["not_a_double"] = True
    needs = int(amount) > int(case.view["verify_by_two_above"]) and claim.to_confirm is None
    after = " Somebody else of yours must verify the same amount." if needs else ""
    return _wanted(
        case,
        claim,
        "decisions",
        members,
        (f"Verify that claim {claim.ref} is worth {much}.{after}", f"Verify {much}"),
    )


def _rejection(case: Case, claim: Claim) -> WantedAct:
    form = case.visit.form
    members = {"decision": "reject", "code": form.text("code"), "reason": form.text("reason")}
    sentence = f"Reject claim {claim.ref}: it takes no part. Whoever filed it may object."
    facts = [("Why", REJECTIONS.get(form.text("code"), ""))]
    wanted = _wanted(case, claim, "decisions", members, (sentence, "Reject it"))
    wanted.facts.extend(pair for pair in facts if pair[1])
    return wanted


def _objection(case: Case, claim: Claim) -> WantedAct:
    members = {"reason": case.visit.form.text("objection")}
    sentence = f"Object to what was decided on claim {claim.ref}: it is decided anew."
    return _wanted(case, claim, "objections", members, (sentence, "Object"))


def _wanted(
    case: Case, claim: Claim, act: str, members: Mapping[str, Any], words: tuple[str, str]
) -> WantedAct:
    return WantedAct(
        path=f"{case.path}/claims/{claim.id}/{act}",
        body=case.body(**members),
        sentence=words[0],
        button=words[1],
        back=claim.url,
        then=claim.url,
        facts=[("Claimed", str(claim.lost)), ("Paid to", claim.payout)],
    )


def _read(visit: Visit, restitution_id: str, claim_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = visit.read(
        api.read_one, restitution_id=restitution_id, claim_id=claim_id
    )
    return found


def _claim(case: Case, view: Mapping[str, Any]) -> Claim:
    def units(name: str) -> AmountWords | None:
        value = view.get(name)
        return None if value is None else case.units(value)

    state = CLAIM_STATES[view["status"]]
    if view["status"] in {"received", "objection"} and view["verifications"]:
        state = ("verified by one of two", "waiting")
    return Claim(
        id=view["id"],
        url=f"{case.url}/claims/{view['id']}",
        ref=view["ref"],
        filed_by=view["filed_by"],
        status=view["status"],
        state=state,
        worth=case.units(view["value"]),
        lost=case.units(view["amount"], view["asset"]),
        lost_about=case.about(view["amount"], view["asset"]),
        verified=units("verified"),
        to_confirm=units("to_confirm"),
        allocated=units("allocated"),
        addresses=[_bare(each) for each in view["addresses"]],
        tx=view["tx"] or "",
        proof=PROOFS[view["proof"]],
        documents=list(view["documents"]),
        payout=_bare(view["payout"]),
        is_late=view["late"],
        is_sealed=view.get("sealed") is not None,
        double_count=len(view.get("doubles") or []),
        code="" if view["code"] is None else REJECTIONS[view["code"]],
        reason=view["reason"] or "",
        objection=view["objection"] or "",
        filed_at=moment(view["filed_at"]),
        decided_at=moment(view["decided_at"]),
    )
