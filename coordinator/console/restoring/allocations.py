"""Who gets how much: allocations proposed, read whole, and approved by two others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import allocations as api
from coordinator.api import claims as claim_api
from coordinator.api.paging import PageQuery, write_cursor
from coordinator.api.query import query_of
from coordinator.console.acts import WantedAct
from coordinator.console.faults import Faults
from coordinator.console.list_part import list_part
from coordinator.console.restoring.case import PAGE, REFUSALS, Case, ask, cursor_of_page
from coordinator.console.restoring.words import ALLOCATION_STATES, METHODS
from coordinator.console.visit import Visit
from coordinator.console.words import AmountWords, counted, moment, share
from holdfast.protocol import strict_json
from holdfast.protocol.allocation import AllocationError, ValuedClaim, share_pro_rata
from holdfast.protocol.amounts import AmountTextError


@dataclass(frozen=True, slots=True)
class Allocation:
    """An allocation as the pages show it.

    Attributes:
        digits: First and last eight hex digits of its document's hash.
        remainder: What of the pool it leaves.
    """

    id: str
    url: str
    status: str
    state: tuple[str, str]
    method: str
    pool: AmountWords
    given: AmountWords
    remainder: AmountWords
    minimum: AmountWords
    schedule_sha256: str
    claim_count: int
    approvals: int
    proposed_by: str
    proposed_at: datetime | None
    decided_at: datetime | None
    digits: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one claim gets.

    Attributes:
        share: Of what is given now.
        covered: How much of its loss it has then.
    """

    url: str
    ref: str
    filed_by: str
    value: AmountWords
    before: AmountWords
    amount: AmountWords
    share: str
    covered: str


def show_list(visit: Visit, restitution_id: str, faults: Faults | None = None) -> Response:
    """Show allocations, oldest first, and the form that proposes one."""
    case = Case.read(visit, restitution_id)
    asked = cursor_of_page()
    page = visit.read(
        api.list_allocations, query_of(PageQuery, asked), restitution_id=restitution_id
    )
    found = [_allocation(case, each) for each in page["items"]]
    url, after = f"{case.url}/allocations", page["next_cursor"]
    sums = case.view["pool"].get(case.view["asset"], {"available": "0"})
    return case.page(
        "restoring/allocations.html",
        "allocations",
        faults,
        allocations=found,
        before=url if "cursor" in asked else "",
        after=f"{url}?{urlencode({'cursor': after})}" if after else "",
        available=case.units(sums["available"]),
        is_something=sums["available"] != "0",
        is_waiting=any(each.status == "proposed" for each in found),
    )


def propose(visit: Visit, restitution_id: str) -> Response | WsgiResponse:
    """Compute shares in proportion to each loss, and lead to the signature of the proposal."""
    case = Case.read(visit, restitution_id)
    try:
        return ask(case, _proposal(case))
    except AmountTextError as error:
        return show_list(visit, restitution_id, Faults.one("pool", f"{error}."))
    except AllocationError as error:
        text = str(error)
        return show_list(
            visit, restitution_id, Faults.one("pool", f"{text[:1].upper()}{text[1:]}.")
        )
    except REFUSALS as error:
        fields = {"pool": "pool", "minimum": "minimum"}
        return show_list(visit, restitution_id, Faults.of(error, fields))


def _proposal(case: Case) -> WantedAct:
    pool = case.base_units("pool", "How much is shared")
    minimum = case.base_units("minimum", "It") if case.visit.form.text("minimum") else "0"
    claims = [
        ValuedClaim(each["id"], int(each["verified"]), int(each["allocated"] or "0"))
        for each in case.visit.every(
            claim_api.list_claims, claim_api.ClaimsQuery, restitution_id=case.id
        )
        if each["verified"] is not None
    ]
    found = share_pro_rata(int(pool), claims, unit_value=1, minimum=int(minimum))
    parts = [
        {
            "claim": each.ref,
            "value": str(each.value),
            "before": str(each.paid),
            "amount": str(found.parts[each.ref]),
        }
        for each in claims
    ]
    given = sum(found.parts.values())
    return WantedAct(
        path=f"{case.path}/allocations",
        body=case.body(method="pro_rata", pool=pool, minimum=minimum, claims=parts),
        sentence=f"Propose to share {case.units(given)} among {counted(len(parts), 'claim')}, in"
        " proportion to each loss. Two others of yours approve it.",
        button="Propose it",
        back=f"{case.url}/allocations",
        then=f"{case.url}/allocations",
        facts=[
            ("To be shared", str(case.units(pool))),
            ("Given", str(case.units(given))),
            ("Left over", str(case.units(int(pool) - given))),
        ],
    )


def show(
    visit: Visit, restitution_id: str, allocation_id: str, faults: Faults | None = None
) -> Response:
    """Show one whole: method, inputs, and what each claim gets, from the signed document."""
    case = Case.read(visit, restitution_id)
    view = _read(visit, restitution_id, allocation_id)
    found = _allocation(case, view)
    stated = sorted(
        strict_json.loads(view["body"].encode())["claims"], key=lambda each: str(each["claim"])
    )
    shown = list_part(stated, found.url, request.args.to_dict(), "from", PAGE)
    before = stated[stated.index(shown.items[0]) - 1]["claim"] if shown.before else ""
    return case.page(
        "restoring/allocation.html",
        "allocations",
        faults,
        found=found,
        parts=_parts(case, shown.items, before, int(view["given"])),
        shown=shown,
        getting=sum(each["amount"] != "0" for each in stated),
        is_mine=view["proposed_by"] == visit.actor.subject,
        may_decide=case.may_change
        and found.status == "proposed"
        and view["proposed_by"] != visit.actor.subject,
        act_sha256=_sha256(view),
    )


def _parts(case: Case, stated: Sequence[Mapping[str, str]], before: str, given: int) -> list[Part]:
    """Return what claims get, each by the reference under which it was filed."""
    claims = _claims_of(case, before, stated[-1]["claim"])
    parts = []
    for each in stated:
        claim = claims.get(each["claim"], {"ref": "a claim", "filed_by": ""})
        amount, value = int(each["amount"]), int(each["value"])
        parts.append(
            Part(
                url=f"{case.url}/claims/{each['claim']}",
                ref=claim["ref"],
                filed_by=claim["filed_by"],
                value=case.units(value),
                before=case.units(each["before"]),
                amount=case.units(amount),
                share=share(amount, given) if given else "0",
                covered=share(int(each["before"]) + amount, value) if value else "0",
            )
        )
    return parts


def _claims_of(case: Case, before: str, last: str) -> dict[str, Mapping[str, Any]]:
    """Return claims by id, from the one after `before` to `last`."""
    limit = str(min(500, case.visit.reader.context.page_size_limit))
    cursor = write_cursor(before) if before else None
    found: dict[str, Mapping[str, Any]] = {}
    while True:
        asked = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        query = query_of(claim_api.ClaimsQuery, asked)
        page = case.visit.read(claim_api.list_claims, query, restitution_id=case.id)
        found |= {each["id"]: each for each in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None or page["items"][-1]["id"] >= last:
            return found


def decide(visit: Visit, restitution_id: str, allocation_id: str) -> Response | WsgiResponse:
    """Lead to the signature that approves exactly this document, or rejects it."""
    case = Case.read(visit, restitution_id)
    view = _read(visit, restitution_id, allocation_id)
    found = _allocation(case, view)
    is_yes = visit.form.text("decision") == "approve"
    is_last = view["approvals"] == 1
    after = (
        " Each part is then to be paid." if is_last else " Another of yours must approve it, too."
    )
    wanted = WantedAct(
        path=f"{case.path}/allocations/{allocation_id}/approvals",
        body=case.body(decision="approve" if is_yes else "reject", act_sha256=_sha256(view)),
        sentence=f"Approve that {found.given} is shared among"
        f" {counted(found.claim_count, 'claim')}.{after}"
        if is_yes
        else "Reject this allocation: nothing is given by it.",
        button=f"Approve {found.given}" if is_yes else "Reject it",
        back=found.url,
        then=found.url,
        facts=[
            ("The document", " \N{HORIZONTAL ELLIPSIS} ".join(found.digits)),
            ("To be shared", str(found.pool)),
            ("Left over", str(found.remainder)),
            ("Proposed by", found.proposed_by),
        ],
    )
    try:
        return ask(case, wanted)
    except REFUSALS as error:
        return show(visit, restitution_id, allocation_id, Faults.of(error, {}))


def _read(visit: Visit, restitution_id: str, allocation_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = visit.read(
        api.read_one, restitution_id=restitution_id, allocation_id=allocation_id
    )
    return found


def _sha256(view: Mapping[str, Any]) -> str:
    """Return the hash of the document that was shown, not the one that the row names."""
    return sha256(view["body"].encode()).hexdigest()


def _allocation(case: Case, view: Mapping[str, Any]) -> Allocation:
    state = ALLOCATION_STATES[view["status"]]
    if view["status"] == "proposed" and view["approvals"]:
        state = ("approved by one of two", "waiting")
    return Allocation(
        id=view["id"],
        url=f"{case.url}/allocations/{view['id']}",
        status=view["status"],
        state=state,
        method=METHODS[view["method"]],
        pool=case.units(view["pool"]),
        given=case.units(view["given"]),
        remainder=case.units(int(view["pool"]) - int(view["given"])),
        minimum=case.units(view["minimum"]),
        schedule_sha256=view["schedule_sha256"] or "",
        claim_count=view["claim_count"],
        approvals=view["approvals"],
        proposed_by=case.visit.name_of(view["proposed_by"], case.view["opener"]),
        proposed_at=moment(view["proposed_at"]),
        decided_at=moment(view["decided_at"]),
        digits=(view["act_sha256"][:8], view["act_sha256"][-8:]),
    )
