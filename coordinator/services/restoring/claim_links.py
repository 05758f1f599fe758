"""The secret link of a claim: who makes it, what it opens, and what is said by it.

Whoever filed a claim makes its link and hands it to the claimant. The token is made by them, too:
we are told its hash, so that no answer, log or row of ours ever held it. A link that opens nothing
is told apart by nothing: unknown, replaced, revoked, expired and closed are one answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.domain.errors import FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, Evidence, UnitOfWork
from coordinator.services.restoring.claims import ClaimView, claim_views, contest
from coordinator.services.restoring.payouts import PayoutView, payout_views
from coordinator.services.restoring.restitutions import (
    RestitutionContext,
    in_force,
    require_document,
    visible_restitution,
)
from coordinator.storage.restoring import allocations as allocation_store
from coordinator.storage.restoring import claim_links as store
from coordinator.storage.restoring import restitutions as restitution_store
from coordinator.storage.restoring.claim_links import Opening
from coordinator.storage.tables.restitutions import ClaimRow, RestitutionRow
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.restitution_payloads import ClaimLinkRevocation, NewClaimLinks
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType

#: Where a link leads, below the console's origin; its token stands behind the #.
PAGE = "/console/claim"
#: What whoever opens it hears of every link that opens nothing.
OPENS_NOTHING = (
    "this link opens nothing: it is mistyped, was replaced or taken back, or its time is over. Ask"
    " whoever gave it to you for a new one"
)
#: How many bytes of a token are looked at: one has 43.
_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeClaimLinks:
    """Whoever filed claims gives each a secret link.

    Attributes:
        page: Where they lead.
    """

    restitution_id: str
    body: NewClaimLinks
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeClaimLinks:
    """Links of claims are to open nothing any more."""

    restitution_id: str
    body: ClaimLinkRevocation


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectByClaimLink:
    """Whoever has a claim's link says that the decision on it is wrong."""

    link_sha256: str
    reason: str


class ClaimLinksView(TypedDict):
    """How many links were made (`restitution_views.ClaimLinksView`)."""

    restitution_id: str
    act_id: str
    page: str
    links: int
    expires_at: str


class ClaimLinkRevocationView(TypedDict):
    """How many were revoked (`restitution_views.ClaimLinkRevocationView`)."""

    restitution_id: str
    act_id: str
    revoked: int


# ---------- making and taking back ----------


@handles(MakeClaimLinks, needs=Permission.CLAIM_FILE)
def make(command: MakeClaimLinks, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store the hashes of links, each in the place of the one before; all of them, or none."""
    body = command.body
    row = visible_restitution(uow.connection, actor.viewer, command.restitution_id, lock=True)
    on = in_force(RestitutionContext(uow, actor, row), body.content_sha256)
    claims = [each.claim for each in body.links]
    hashes = [each.link_sha256 for each in body.links]
    known = store.known(uow.connection, hashes)
    faults = [
        *_not_own(on, claims, "/links/{}/claim"),
        *_twice(claims, "/links/{}/claim", "has a link in this act already"),
        *_twice(hashes, "/links/{}/link_sha256", "is that of another link in this act"),
        *(
            FieldFault(f"/links/{number}/link_sha256", "was used before: make a new one", "used")
            for number, each in enumerate(hashes)
            if each in known
        ),
    ]
    _require_none(faults)
    act_id = new_id("act")
    expires_at = uow.now + uow.policies.claim_link_lasts
    store.replace(
        uow.connection,
        list(zip(claims, hashes, strict=True)),
        act_id=act_id,
        expires_at=expires_at,
    )
    told = {
        "filed_by": actor.partner,
        "link_count": len(claims),
        "expires_at": format_time(expires_at),
    }
    act = MemberAct(act_id, "make_claim_links", row.id)
    recorded = on.record(act, EventType.RESTITUTION_LINKS_MADE, told, also=[actor.partner])
    answer: ClaimLinksView = {
        "restitution_id": row.id,
        "act_id": act_id,
        "page": command.page,
        "links": len(claims),
        "expires_at": format_time(expires_at),
    }
    return Answer(201, answer, entry=recorded)


@handles(RevokeClaimLinks, needs=Permission.CLAIM_FILE)
def revoke(command: RevokeClaimLinks, actor: Actor, uow: UnitOfWork) -> Answer:
    """Have links open nothing from now on; of a closed restitution, too."""
    body = command.body
    row = visible_restitution(uow.connection, actor.viewer, command.restitution_id, lock=True)
    on = RestitutionContext(uow, actor, row)
    require_document(on, body.content_sha256)
    _require_none([*_not_own(on, body.claims, "/claims/{}")])
    revoked = store.revoke(uow.connection, body.claims, uow.now)
    act_id = new_id("act")
    told = {"filed_by": actor.partner, "link_count": revoked}
    act = MemberAct(act_id, "revoke_claim_links", row.id)
    recorded = on.record(act, EventType.RESTITUTION_LINKS_REVOKED, told, also=[actor.partner])
    answer: ClaimLinkRevocationView = {
        "restitution_id": row.id,
        "act_id": act_id,
        "revoked": revoked,
    }
    return Answer(201, answer, entry=recorded)


def _not_own(on: RestitutionContext, claims: Sequence[str], place: str) -> Iterator[FieldFault]:
    own = store.filed_by(on.uow.connection, on.row.id, on.actor.partner, claims)
    for number, each in enumerate(claims):
        if each not in own:
            detail = "is no claim that you filed on this restitution"
            yield FieldFault(place.format(number), detail, "no_such_claim")


def _twice(texts: Sequence[str], place: str, detail: str) -> Iterator[FieldFault]:
    seen: set[str] = set()
    for number, each in enumerate(texts):
        if each in seen:
            yield FieldFault(place.format(number), detail, "duplicate")
        seen.add(each)


def _require_none(faults: Sequence[FieldFault]) -> None:
    if faults:
        raise InvalidInputError(f"{len(faults)} fault(s); nothing was done", errors=faults)


# ---------- what a link opens ----------


def hashed(token: str) -> str:
    """Return the form in which a link's token is stored and looked for."""
    return sha256(token[:_MOST].encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """What a link opens: its claim, what was paid on it, and until when one may object."""

    restitution: RestitutionRow
    claim: ClaimView
    payouts: Sequence[PayoutView]


def read_page(context: ReadContext, link_sha256: str) -> ClaimPage:
    """Return the page of a link.

    Raises:
        NotFoundError: If it opens nothing, for whatever reason.
    """
    connection = context.connection
    row = _opened(connection, context.policies, link_sha256, context)
    restitution = restitution_store.get(connection, row.restitution_id)
    if restitution is None:
        raise AssertionError("a claim is of a restitution")
    [claim] = claim_views(context, restitution, [row])
    payouts = payout_views(context, allocation_store.payouts_of(connection, row.id))
    return ClaimPage(restitution, claim, payouts)


def _opened(
    connection: Connection, policies: Policies, link_sha256: str, at: ReadContext | UnitOfWork
) -> ClaimRow:
    opening = Opening(link_sha256, at.now, at.now - policies.claim_link_after_closing)
    found = store.opened_claim(connection, opening)
    if found is None:
        raise NotFoundError(OPENS_NOTHING, code="link_opens_nothing")
    return found


@handles(ObjectByClaimLink, needs=Permission.CLAIM_RECORD)
def object_by_link(command: ObjectByClaimLink, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a claimant's objection as an act of the coordinator's own: nobody signed it."""
    asked = _opened(uow.connection, uow.policies, command.link_sha256, uow)
    restitution = restitution_store.get(uow.connection, asked.restitution_id, lock=True)
    if restitution is None:
        raise AssertionError("a claim is of a restitution")
    on = RestitutionContext(uow, actor, restitution)
    in_force(on, restitution.content_sha256)
    # Once more behind the lock: it was decided, or the link revoked, in the meantime.
    claim = _opened(uow.connection, uow.policies, command.link_sha256, uow)
    act_id = new_id("act")
    changed = contest(on, claim, act_id, unsigned=True)
    said = canonical_json.dumps({"reason": command.reason})
    # As what is signed is kept, without a token.
    uow.seal(on.key, act_id, "evidence", Evidence("", said, sha256(said).hexdigest()).packed())
    told = {
        "claim": claim.id,
        "filed_by": claim.filed_by,
        "status": changed.status,
        "unverified": True,
        "objection_sha256": sha256(said).hexdigest(),
    }
    recorded = on.tell(act_id, EventType.RESTITUTION_CLAIM_CONTESTED, told, also=[claim.filed_by])
    return Answer(201, {"status": "recorded"}, entry=recorded)
