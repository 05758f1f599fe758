"""The notice: what a partner asked receives when a request goes out, with the proof in it."""

from collections.abc import Sequence
from hashlib import sha256

from coordinator.services.core.acts import LegContext, RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork, unpack_evidence
from coordinator.services.ending.ended_legs import Why, Withdrawn, withdrawal
from coordinator.services.ending.withdrawal_proposals import tell_newly_asked
from coordinator.services.requests.act_proofs import ActProof, act_link, proofs_of
from coordinator.services.requests.alarms import wake_asked
from coordinator.services.requests.answer_clocks import is_on_order
from coordinator.services.requests.freeze_request_views import support_of
from coordinator.services.requests.left_out import REMAINDER
from coordinator.storage.ending import withdrawal_proposals as proposal_store
from coordinator.storage.engine.documents import Sealed, load_one
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership import proofs as proof_store
from coordinator.storage.membership.partners import PartnerStatusNow
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests.legs import NewLeg
from coordinator.storage.tables.freeze_requests import FreezeRequestRow
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, LegStatus, Urgency

#: A notice that would be longer carries hash and link instead of the document, in bytes; bodies of
#: webhooks stay under 20 kB.
DOCUMENT_LIMIT_BYTES = 12_000
NOTICE_LIMIT_BYTES = 18_000
#: Partners that an event names; webhook bodies stay small, the rest is in the request itself.
_PARTNERS_IN_EVENT = 100
#: So many approvals have room beside the longest document; each further one takes it from that.
APPROVALS_BESIDE_DOCUMENT = 5
APPROVAL_BYTES = 1_200
#: Acts that withdrew addresses before a partner was asked, of which it is handed the proof.
_ACTS_BEFORE = 20
#: What an act takes in a notice beside its token, key and body; and beside token and key, where
#: hash and link (to the coordinator's origin) stand for the body.
BESIDE_BODY_BYTES, LINKED_BYTES = 190, 330


def send_notices(
    on: RequestContext,
    to: Sequence[str],
    *,
    addition: Sequence[ActProof] = (),
    remainder: bytes | None = None,
) -> None:
    """Open a leg for every partner asked and queue its notice.

    Addresses that were withdrawn before follow in an event of their own, as the others received it,
    and so do withdrawals that wait for a second lead.

    Args:
        on: The request.
        to: The partners.
        addition: What asks partners that the document does not name.
        remainder: What goes out instead of the document, where this very act leaves addresses out.
    """
    known = partner_store.statuses(on.uow.connection, to)
    _send(on, [known[handle] for handle in to], addition, remainder)


def _send(
    on: RequestContext,
    to: Sequence[PartnerStatusNow],
    addition: Sequence[ActProof] = (),
    remainder: bytes | None = None,
) -> None:
    uow, row = on.uow, on.request
    legs = [_new_leg(on, partner) for partner in to]
    leg_store.insert(uow.connection, row.id, legs, queued_at=uow.now)
    wake_asked(on, legs)
    if legs and row.final_since is not None:
        # Those asked before have all answered; of these something is expected again.
        store.set_final_since(uow.connection, row.id, None)
    reserved = len(canonical_json.dumps(list(addition))) if addition else 0
    if remainder is None and row.left_out_count:
        remainder = load_one(uow.connection, uow.vault, row.id, REMAINDER)
    submitted, approvals = _evidence(uow, row, reserved, remainder)
    gone = _withdrawn_before(on) if row.withdrawn_count else ()
    withdrawn_count = sum(each["address_count"] for each in gone)
    common: dict[str, object] = {
        "urgency": row.urgency,
        "incident_id": row.incident_id,
        "address_count": row.address_count - row.left_out_count,
        # Partners may be asked after that.
        **({"withdrawn_count": withdrawn_count} if withdrawn_count else {}),
        "hold_hours": uow.policies.hold_hours(row.hold_hours),
        "support": support_of(row),
        "provisional": row.provisional,
        "ratify_by": format_time(row.ratify_by) if row.provisional else None,
        "evidence": submitted,
        "approvals": approvals,
    }
    if addition:
        common["addition"] = list(addition)
    for leg in legs:
        clocks = {
            "acknowledge_by": format_time(leg.acknowledge_by),
            "answer_by": format_time(leg.answer_by),
        }
        on.tell_partner(leg, EventType.REQUEST_RECEIVED, {**common, **clocks})
        for withdrawn in gone:
            on.tell_partner(leg, EventType.REQUEST_WITHDRAWN, withdrawn)
    went_out_before = addition or (row.ratify_by is not None and row.decided_at is not None)
    if legs and went_out_before:
        tell_newly_asked(on, legs)


def _withdrawn_before(on: RequestContext) -> list[Withdrawn]:
    """Return what is told of addresses that went before a partner was asked, each with its proof.

    Of those that the approval left out it hears nothing. Where they went one by one, the oldest
    acts are proven, and the others are told together and linked.
    """
    words, row, connection = "withdrawn before you were asked", on.request, on.uow.connection
    left_out = store.left_out_addresses(connection, row.id)
    known = [
        each._replace(numbers=numbers)
        for each in store.withdrawn_by_act(connection, row.id)
        if (numbers := [number for number in each.numbers if number not in left_out])
    ]
    proven, others = known[:_ACTS_BEFORE], known[_ACTS_BEFORE:]
    approved = proposal_store.approvals(connection, [each.act_id for each in proven])
    told = []
    for each in proven:
        acts = [each.act_id, *approved.get(each.act_id, ())]
        why = Why(words, each.reason, proofs_of(on, acts))
        told.append(withdrawal(on, each.numbers, why, LegStatus.QUEUED))
    for reason in {each.reason: None for each in others}:
        numbers = sorted(no for each in others if each.reason == reason for no in each.numbers)
        together = withdrawal(on, numbers, Why(words, reason), LegStatus.QUEUED)
        together["evidence_cut"] = True
        together["href"] = on.uow.link(f"/v1/freeze-requests/{row.id}/evidence")
        told.append(together)
    return told


def proof_of_this_act(on: RequestContext | LegContext, act: str, act_id: str) -> ActProof:
    """Return what proves the act under way, as the event that tells the partners of it carries it.

    A body may be long without saying much; it is linked then.

    Args:
        on: The request or the leg.
        act: The act's name.
        act_id: The act, as it was stored.
    """
    evidence, kid = on.uow.evidence, on.actor.kid
    token, body = unpack_evidence(evidence.packed())
    keys = partner_store.jwks(on.uow.connection, [kid])
    proof: ActProof = {"act": act, "kid": kid, "jwk": keys.get(kid), "token": token}
    if len(canonical_json.dumps(body.decode())) <= DOCUMENT_LIMIT_BYTES:
        proof["body"] = body.decode()
    else:
        proof["body_sha256"] = sha256(body).hexdigest()
        proof["href"] = act_link(on.uow, on.request.id, act_id)
    return proof


def _new_leg(on: RequestContext, partner: PartnerStatusNow) -> NewLeg:
    """Return a leg whose times are fixed now, by the clocks of the partner's desk."""
    now, urgency = on.uow.now, Urgency(on.request.urgency)
    clocks = on.uow.policies.desk_clocks(partner.clocks, partner.jurisdiction)
    return NewLeg(
        new_id("leg"),
        partner.handle,
        acknowledge_by=clocks.acknowledge_by(urgency, queued_at=now),
        answer_by=clocks.answer_by(urgency, queued_at=now, is_on_order=is_on_order(on.request)),
    )


def named_partners(to: Sequence[str], href: str) -> dict[str, object]:
    """Return how an event names partners; of many the first, and where all of them are read."""
    is_cut = len(to) > _PARTNERS_IN_EVENT
    named = list(to[:_PARTNERS_IN_EVENT])
    told: dict[str, object] = {"partner_count": len(to), "to": named, "to_cut": is_cut}
    return told | ({"href": href} if is_cut else {})


def notify_provisionally(on: RequestContext, to: Sequence[str]) -> list[str]:
    """Send out an unapproved flash request to partners whose policy takes it; return those."""
    known = partner_store.statuses(on.uow.connection, to)
    asked = [known[handle] for handle in to if handle in known]
    taking = [partner for partner in asked if partner.provisional == "notify"]
    _send(on, taking)
    return [partner.handle for partner in taking]


def approvals_shown(uow: UnitOfWork, row: FreezeRequestRow) -> list[ActProof]:
    """Return what proves the approvals of a request, as an event carries it."""
    return _evidence(uow, row, 0, None)[1]


def held_back(on: RequestContext, to: Sequence[str]) -> list[str]:
    """Return the partners asked that have no leg yet."""
    opened = set(leg_store.partners_of(on.uow.connection, on.request.id))
    return [handle for handle in to if handle not in opened]


def _evidence(
    uow: UnitOfWork, row: FreezeRequestRow, reserved: int, remainder: bytes | None
) -> tuple[ActProof, list[ActProof]]:
    """Return what proves the request, and what proves its approvals, as a notice carries them.

    `reserved` bytes of the notice are needed for other things. A `remainder` goes out in place of
    the submitted body. The evidence of this transaction's own act is not stored yet; it comes from
    the unit of work.
    """
    acts = proof_store.of_request(uow.connection, row.id)
    stored = [
        Sealed(act.id, act.sealed, act.key_id, act.wrapped)
        for act in acts
        if act.sealed is not None and act.key_id is not None and act.wrapped is not None
    ]
    packed = uow.opened(stored, "evidence")
    shown: list[ActProof] = []
    size, linked = reserved, LINKED_BYTES + len(uow.origin)
    unpacked = [unpack_evidence(packed.get(act.id) or uow.evidence.packed()) for act in acts]
    # Token and key stand there even where the body is linked; a passkey's are longer than a JWS'.
    least = [
        len(token) + len(canonical_json.dumps(act.jwk))
        for act, (token, _) in zip(acts, unpacked, strict=True)
    ]
    for number, act in enumerate(acts):
        token, body = unpacked[number]
        entry: ActProof = {"act": act.kind, "kid": act.kid, "jwk": act.jwk, "token": token}
        is_cut = False
        limit = NOTICE_LIMIT_BYTES - size
        limit -= sum(each + linked for each in least[number + 1 :])
        if act.kind == "submit":
            further = max(0, len(acts) - 1 - APPROVALS_BESIDE_DOCUMENT)
            most = DOCUMENT_LIMIT_BYTES - reserved - further * APPROVAL_BYTES
            limit = min(limit, most)
            if remainder is not None:
                body, is_cut = remainder, True
        # As it will stand in the notice: escaping makes quotes, line feeds and tabs longer.
        length = len(canonical_json.dumps(body.decode())) + least[number] + BESIDE_BODY_BYTES
        if length <= limit:
            entry["remainder" if is_cut else "body"] = body.decode()
            size += length
        else:
            entry["remainder_sha256" if is_cut else "body_sha256"] = sha256(body).hexdigest()
            entry["href"] = act_link(uow, row.id, act.id)
            size += least[number] + linked
        shown.append(entry)
    submitted = next(e for e in shown if e["act"] == "submit")
    # All of them: the receiver counts whether they are as many as the requester's policy asks.
    return submitted, [e for e in shown if e["act"] == "approve"]
