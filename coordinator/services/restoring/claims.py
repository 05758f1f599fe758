"""Claims on recovered funds: filed, verified or rejected, objected to.

What a claim says of anybody is sealed under the restitution's key, one document a claim. Whoever
filed it reads its own, the opener reads all. Doubles are found by blind indexes of addresses and
transactions, and kept from being verified twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.amount import AMOUNT_LIMIT, parse_amount
from coordinator.domain.claim import COUNTING, ClaimAct, next_status
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    SelfApprovalError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.restoring.claim_files import (
    ReadClaim,
    SignatureFaults,
    StatedFor,
    faults_of_signatures,
)
from coordinator.services.restoring.payout_changes import PayoutChangeView, other_chain, pay_to
from coordinator.services.restoring.restitutions import (
    RestitutionContext,
    documents_of,
    in_force,
    own_restitution,
    price_of,
    visible_restitution,
)
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.restoring import claim_links as link_store
from coordinator.storage.restoring import claims as store
from coordinator.storage.tables.restitutions import ClaimRow, RestitutionRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.chains.format_errors import AmountError
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.pool_sums import value_of
from holdfast.protocol.restitution_payloads import (
    Claim,
    ClaimDecision,
    ClaimObjection,
    Claims,
    Valuation,
)
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id, new_ids
from holdfast.protocol.vocabulary import ClaimProof, ClaimRejection, ClaimStatus, EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClaims:
    """Claims are filed: by the opener, or by a member for its own customers.

    Attributes:
        read: The claims in their order, as the rules read them before the transaction.
        signatures: What is wrong with signatures that were verified then.
    """

    restitution_id: str
    body: Claims
    read: Sequence[ReadClaim]
    signatures: SignatureFaults


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideClaim:
    """The opener verifies or rejects a claim."""

    restitution_id: str
    claim_id: str
    body: ClaimDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectToClaimDecision:
    """Whoever filed a claim says that the decision on it is wrong."""

    restitution_id: str
    claim_id: str
    body: ClaimObjection


class ClaimView(TypedDict):
    """One claim (`restitution_views.ClaimView`)."""

    id: str
    restitution_id: str
    act_id: str
    ref: str
    filed_by: str
    status: ClaimStatus
    addresses: Sequence[str]
    asset: str
    amount: str
    value: str
    tx: str | None
    proof: ClaimProof
    documents: Sequence[str]
    payout: str
    payout_change: PayoutChangeView | None
    late: bool
    verified: str | None
    verifications: int
    allocated: str | None
    code: ClaimRejection | None
    reason: str | None
    objection: str | None
    objection_unsigned: bool | None
    link_until: str | None
    filed_at: str
    decided_at: str | None
    sealed: NotRequired[str | None]
    doubles: NotRequired[Sequence[str]]
    to_confirm: NotRequired[str | None]


class FiledClaimView(TypedDict):
    """What became of one line of a file (`restitution_views.FiledClaimView`)."""

    id: str
    ref: str
    value: str
    has_double: bool


class FiledClaimsView(TypedDict):
    """The claims of one act (`restitution_views.FiledClaimsView`)."""

    restitution_id: str
    act_id: str
    late: bool
    claims: Sequence[FiledClaimView]


class ClaimActView(TypedDict):
    """A claim after an act on it (`restitution_views.ClaimActView`)."""

    act_id: str
    claim: ClaimView


# ---------- filing ----------


@handles(FileClaims, needs=Permission.CLAIM_FILE)
def file_claims(command: FileClaims, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store claims; a file with bad lines stores nothing and names each line."""
    body = command.body
    row = visible_restitution(uow.connection, actor.viewer, command.restitution_id, lock=True)
    on = in_force(RestitutionContext(uow, actor, row), body.content_sha256)
    values = _valued(on, command)
    act_id, ids = new_id("act"), new_ids("clm", len(values))
    indexes = _ref_indexes(on, body.claims)
    late = uow.now > row.claims_close_at
    rows = [
        {
            "id": claim_id,
            "restitution_id": row.id,
            "act_id": act_id,
            "filed_by": actor.partner,
            "ref_index": index,
            "status": ClaimStatus.RECEIVED.value,
            "proof": claim.proof.value,
            "value": value,
            "late": late,
            "filed_at": uow.now,
            "version": 1,
        }
        for claim_id, index, claim, value in zip(ids, indexes, body.claims, values, strict=True)
    ]
    blind = uow.vault.blind_index
    keys = [
        (row.id, blind(f"claim:{name}"), claim_id)
        for claim_id, each in zip(ids, command.read, strict=True)
        for name in dict.fromkeys(each.keys)
    ]
    store.insert_claims(uow.connection, rows, keys)
    for claim_id, each in zip(ids, command.read, strict=True):
        uow.seal(on.key, claim_id, store.DOCUMENT, canonical_json.dumps(each.document))
    shared = store.with_doubles(uow.connection, row.id, act_id)
    filed: list[FiledClaimView] = [
        {
            "id": claim_id,
            "ref": claim.ref,
            "value": str(value),
            "has_double": claim_id in shared,
        }
        for claim_id, claim, value in zip(ids, body.claims, values, strict=True)
    ]
    told = {"filed_by": actor.partner, "claim_count": len(ids), "late": late}
    told |= {"double_count": len(shared)}
    act = MemberAct(act_id, "file_claims", row.id)
    recorded = on.record(act, EventType.RESTITUTION_CLAIMS_FILED, told, also=[actor.partner])
    answer: FiledClaimsView = {
        "restitution_id": row.id,
        "act_id": act_id,
        "late": late,
        "claims": filed,
    }
    return Answer(201, answer, entry=recorded)


def _ref_indexes(on: RestitutionContext, claims: Sequence[Claim]) -> list[str]:
    """Return the blind index of each reference; refuse one that its filer used before."""
    indexes = [on.uow.vault.blind_index(f"claim-ref:{each.ref}").hex() for each in claims]
    known = store.known_refs(on.uow.connection, on.row.id, on.actor.partner, indexes)
    faults = [
        FieldFault(f"/claims/{number}/ref", "names a claim that you filed before", "known_ref")
        for number, index in enumerate(indexes)
        if index in known
    ]
    seen: set[str] = set()
    for number, index in enumerate(indexes):
        if index in seen:
            pointer = f"/claims/{number}/ref"
            faults.append(FieldFault(pointer, "stands in this file twice", "duplicate_ref"))
        seen.add(index)
    if faults:
        raise InvalidInputError("a reference names one claim", errors=faults)
    return indexes


def _valued(on: RestitutionContext, command: FileClaims) -> list[int]:
    """Return what each claim is worth, or raise with every fault of every line."""
    rates = _rates(on)
    claims = command.body.claims
    faults = [
        FieldFault(f"/claims/{number}{each.pointer}", each.detail, each.code)
        for number, read in enumerate(command.read)
        for each in (*read.faults, *_faults(on, command, rates, number))
    ]
    if faults:
        raise InvalidInputError(
            f"{len(faults)} fault(s) in {len(claims)} claim(s); nothing was stored", errors=faults
        )
    return [
        min(value_of(each.amount, rates[each.asset]), AMOUNT_LIMIT - 1) for each in command.read
    ]


def _rates(on: RestitutionContext) -> dict[str, Fraction]:
    """Return how many base units that are paid one of each asset is worth, which may be claimed."""
    [document] = documents_of(on.uow.connection, on.uow.vault, [on.row.id]).values()
    if document.get("valuation") is None:
        return {on.row.asset: Fraction(1)}
    valuation = Valuation.model_validate(document["valuation"])
    prices = price_of(on.uow.chains, valuation.prices)
    return {asset: price / prices[on.row.asset] for asset, price in prices.items()}


def _faults(
    on: RestitutionContext, command: FileClaims, rates: Mapping[str, Fraction], number: int
) -> Iterator[FieldFault]:
    """Yield what is wrong with a claim on this restitution, though it be well formed."""
    claim, read = command.body.claims[number], command.read[number]
    is_own = on.actor.partner == on.row.opener
    fault = other_chain(on, read.payout)
    if fault is not None:
        yield FieldFault("/payout", fault, "other_chain")
    if read.asset and read.asset not in rates:
        detail = "has no price in the valuation: claims are of the asset that is paid, or of one"
        yield FieldFault("/asset", f"{detail} that has a price", "no_price")
    if claim.proof is ClaimProof.SIGNATURE and on.row.key_theft:
        detail = "keys were stolen, and the thief can sign: no signature counts here"
        yield FieldFault("/proof", detail, "key_theft")
    elif claim.proof is not ClaimProof.ATTESTED and not is_own:
        detail = "a member files for its own customers, and attests that they are: attested"
        yield FieldFault("/proof", detail, "not_attested")
    elif claim.signatures:
        verified = command.signatures.get(number)
        if verified is None:  # it was not looked at before: it is now
            stated_for = StatedFor(on.uow.origin, on.row, on.uow.now)
            yield from faults_of_signatures(on.uow.chains, stated_for, claim)
        else:
            yield from verified


# ---------- deciding ----------


@handles(DecideClaim, needs=Permission.RESTITUTION_CHANGE)
def decide(command: DecideClaim, actor: Actor, uow: UnitOfWork) -> Answer:
    """Verify a claim, which may take another person, or reject it."""
    body = command.body
    on = own_restitution(uow, actor, command.restitution_id, body.content_sha256)
    claim = _claim(on, command.claim_id)
    wanted = ClaimAct(body.decision)
    after = next_status(ClaimStatus(claim.status), wanted)
    values: dict[str, object] = {"decided_at": uow.now, "status": after.value}
    if wanted is ClaimAct.VERIFY:
        values |= _verified(on, claim, body)
    else:
        values |= _forgotten(str(body.code))
    act_id = new_id("act")
    changed = store.change(uow.connection, claim, **values, decided_act_id=act_id)
    told = {
        "claim": claim.id,
        "filed_by": claim.filed_by,
        "decision": body.decision,
        "status": changed.status,
        "code": body.code,
    }
    act = MemberAct(act_id, f"{body.decision}_claim", claim.id)
    recorded = on.record(act, EventType.RESTITUTION_CLAIM_DECIDED, told, also=[claim.filed_by])
    return _answer(on, changed, act_id, recorded)


def _verified(on: RestitutionContext, claim: ClaimRow, body: ClaimDecision) -> dict[str, object]:
    """Return what a verification writes: the second of two people completes it."""
    amount = _verified_amount(claim, body)
    if not body.not_a_double:
        twins = store.doubles(on.uow.connection, [claim.id], among=COUNTING)[claim.id]
        if twins:
            raise ConflictError(
                f"it names the same address or transaction as {twins[0]}, which counts already:"
                " reject one of them, or say not_a_double",
                code="double_claim",
                current_status=claim.status,
            )
    person = on.actor.person
    if claim.first_verifier is None and amount > on.row.verify_by_two_above:
        # It waits for another person, as it is.
        waits = {"status": claim.status, "first_verifier": person, "first_amount": amount}
        return waits | {"code": None}
    if claim.first_verifier == person:
        raise SelfApprovalError("you verified it already: it takes another person")
    if claim.first_amount is not None and claim.first_amount != amount:
        raise ConflictError(
            f"the first of you verified {claim.first_amount} base units: verify the same, or reject"
            " it",
            code="other_amount",
            current_status=claim.status,
        )
    if claim.first_verifier is None:
        return {"first_verifier": person, "verified": amount, "code": None}
    return {"second_verifier": person, "verified": amount, "code": None}


def _verified_amount(claim: ClaimRow, body: ClaimDecision) -> int:
    if body.amount is None:
        return claim.value
    try:
        amount = parse_amount(body.amount)
    except AmountError as error:
        fault = FieldFault("/amount", error.message, error.code)
        raise InvalidInputError(error.message, errors=[fault]) from None
    if not 0 < amount <= claim.value:
        detail = f"must be 1 to {claim.value}, what the claim is worth; of nothing, reject it"
        raise InvalidInputError(
            f"amount {detail}", errors=[FieldFault("/amount", detail, "out_of_range")]
        )
    return amount


def _forgotten(code: str | None) -> dict[str, object]:
    """Return what takes earlier verifications back."""
    gone: dict[str, object] = dict.fromkeys(
        ("verified", "first_verifier", "first_amount", "second_verifier")
    )
    return gone | {"code": code}


@handles(ObjectToClaimDecision, needs=Permission.CLAIM_FILE)
def object_to(command: ObjectToClaimDecision, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store that whoever filed a claim contests the decision; it is decided anew."""
    row = visible_restitution(uow.connection, actor.viewer, command.restitution_id, lock=True)
    on = RestitutionContext(uow, actor, row)
    claim = _claim(on, command.claim_id)
    if claim.filed_by != actor.partner:
        raise NotFoundError(_NO_SUCH)
    in_force(on, command.body.content_sha256)
    act_id = new_id("act")
    changed = contest(on, claim, act_id)
    told = {"claim": claim.id, "filed_by": claim.filed_by, "status": changed.status}
    act = MemberAct(act_id, "object_to_claim", claim.id)
    recorded = on.record(act, EventType.RESTITUTION_CLAIM_CONTESTED, told, also=[claim.filed_by])
    return _answer(on, changed, act_id, recorded)


def contest(
    on: RestitutionContext, claim: ClaimRow, act_id: str, *, unsigned: bool | None = None
) -> ClaimRow:
    """Have a claim wait for a new decision; what was verified of it is taken back.

    Raises:
        InvalidTransitionError: If it takes no objection as it stands.
        ConflictError: If objections are over.
    """
    after = next_status(ClaimStatus(claim.status), ClaimAct.OBJECT)
    if on.uow.now > on.row.objections_until:
        raise ConflictError(
            f"objections were taken until {format_time(on.row.objections_until)}",
            code="objections_over",
            current_status=claim.status,
        )
    values = {
        **_forgotten(claim.code),
        "status": after.value,
        "objection_act_id": act_id,
        "objection_unsigned": unsigned,
    }
    return store.change(on.uow.connection, claim, **values)


_NO_SUCH = "there is no such claim, or none that you may see"


def _claim(on: RestitutionContext, claim_id: str) -> ClaimRow:
    row = store.get(on.uow.connection, on.row.id, claim_id)
    if row is None:
        raise NotFoundError(_NO_SUCH)
    return row


# ---------- reading ----------


def _answer(on: RestitutionContext, row: ClaimRow, act_id: str, recorded: Recorded) -> Answer:
    """Answer with the claim after an act, whose body is not stored yet."""
    uow = on.uow
    bodies = {act_id: strict_json.loads(uow.evidence.body)}
    is_opener = on.actor.partner == on.row.opener
    reading = _Reading(uow.connection, uow.vault, uow.now, is_opener=is_opener)
    [view] = _views(reading, [row], bodies)
    answer: ClaimActView = {"act_id": act_id, "claim": view}
    return Answer(201, answer, entry=recorded)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where claims are read, when, and by whom."""

    connection: Connection
    vault: Vault
    now: datetime
    is_opener: bool


def read_claim(context: ReadContext, restitution_id: str, claim_id: str) -> ClaimView:
    """Return a claim as its reader may see it: the opener, and whoever filed it.

    Raises:
        NotFoundError: If there is none, or none that they may see.
    """
    restitution = visible_restitution(context.connection, context.actor.viewer, restitution_id)
    row = store.get(context.connection, restitution_id, claim_id)
    if row is None or context.actor.partner not in {restitution.opener, row.filed_by}:
        raise NotFoundError(_NO_SUCH)
    [view] = claim_views(context, restitution, [row])
    return view


def claim_views(
    context: ReadContext, restitution: RestitutionRow, rows: Sequence[ClaimRow]
) -> list[ClaimView]:
    """Return claims as their reader may see them, in a few queries for a page."""
    is_opener = context.actor.partner == restitution.opener
    reading = _Reading(context.connection, context.vault, context.now, is_opener=is_opener)
    return _views(reading, rows, {})


def _views(
    reading: _Reading, rows: Sequence[ClaimRow], bodies: Mapping[str, JsonObject]
) -> list[ClaimView]:
    connection, vault, is_opener = reading.connection, reading.vault, reading.is_opener
    packed = load(connection, vault, [row.id for row in rows], store.DOCUMENT)
    acts = {act for row in rows for act in (row.decided_act_id, row.objection_act_id) if act}
    stored = documents_of(connection, vault, sorted(acts - bodies.keys()))
    said = {**stored, **bodies}
    shared = store.doubles(connection, [row.id for row in rows]) if is_opener else {}
    links = link_store.good_until(connection, [row.id for row in rows])
    paid_to = pay_to(connection, vault, [row.id for row in rows], reading.now)
    views = []
    for row in rows:
        document = strict_json.loads(packed[row.id])
        view = _view(row, document, said)
        view["link_until"] = optional_time(links.get(row.id))
        view["payout"] = paid_to[row.id].account(view["payout"])
        view["payout_change"] = paid_to[row.id].change
        if is_opener:
            view["sealed"], view["doubles"] = document["sealed"], shared[row.id]
            awaited = row.first_amount if row.verified is None else None
            view["to_confirm"] = None if awaited is None else str(awaited)
        views.append(view)
    return views


def _view(row: ClaimRow, document: JsonObject, said: Mapping[str, JsonObject]) -> ClaimView:
    decided = said.get(row.decided_act_id or "", {})
    contested = said.get(row.objection_act_id or "", {})
    verifiers = (row.first_verifier, row.second_verifier)
    return {
        "id": row.id,
        "restitution_id": row.restitution_id,
        "act_id": row.act_id,
        "ref": document["ref"],
        "filed_by": row.filed_by,
        "status": ClaimStatus(row.status),
        "addresses": document["addresses"],
        "asset": document["asset"],
        "amount": document["amount"],
        "value": str(row.value),
        "tx": document["tx"],
        "proof": ClaimProof(row.proof),
        "documents": document["documents"],
        "payout": document["payout"],
        "payout_change": None,
        "late": row.late,
        "verified": None if row.verified is None else str(row.verified),
        "verifications": sum(each is not None for each in verifiers),
        "allocated": None if row.allocated is None else str(row.allocated),
        "code": None if row.code is None else ClaimRejection(row.code),
        "reason": decided.get("reason"),
        "objection": contested.get("reason"),
        "objection_unsigned": row.objection_unsigned,
        "link_until": None,
        "filed_at": format_time(row.filed_at),
        "decided_at": optional_time(row.decided_at),
    }
