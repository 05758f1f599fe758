"""What proves an act to those whom it obliges, as their events carry it."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple, NotRequired, TypedDict

from coordinator.services.core.acts import RequestContext
from coordinator.services.core.unit_of_work import UnitOfWork, unpack_evidence
from coordinator.storage.engine.documents import load
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as store
from coordinator.storage.tables.freeze_requests import ActRow
from coordinator.storage.tables.partners import MemberActRow
from holdfast.protocol.strict_json import JsonObject

#: Proof of acts in an event, in bytes; beyond that it is linked, as webhooks stay small.
PROOF_LIMIT_BYTES = 5_000


class ActToProve(NamedTuple):
    """An act of this very transaction, before its row is stored."""

    id: str
    kind: str
    kid: str


class ActProof(TypedDict):
    """What proves an act, as an event carries it.

    A body that has no room is linked: `href` says where that very act is read. What remains of a
    submission whose approval left addresses out stands in `remainder`.
    """

    act: str
    kid: str | None
    jwk: JsonObject | None
    token: str
    body: NotRequired[str]
    body_sha256: NotRequired[str]
    remainder: NotRequired[str]
    remainder_sha256: NotRequired[str]
    href: NotRequired[str]


def act_link(uow: UnitOfWork, request_id: str, act_id: str) -> str:
    """Return where one act on a request is read with what proves it."""
    return uow.link(f"/v1/freeze-requests/{request_id}/evidence?act={act_id}")


def proofs_of(on: RequestContext, act_ids: Sequence[str]) -> list[ActProof]:
    """Return what proves acts on a request, in their order; one may be this transaction's own.

    The coordinator's own acts prove nothing and are left out.
    """
    acts = [a for a in store.acts_by_id(on.uow.connection, act_ids) if a.kid is not None]
    return proofs_of_acts(on.uow, acts, lambda act_id: act_link(on.uow, on.request.id, act_id))


def proofs_of_acts(
    uow: UnitOfWork, acts: Sequence[ActRow | MemberActRow | ActToProve], link: Callable[[str], str]
) -> list[ActProof]:
    """Return what proves these acts, in their order; `link` says where one is read."""
    packed = load(uow.connection, uow.vault, [act.id for act in acts], "evidence")
    keys = partner_store.jwks(uow.connection, {act.kid for act in acts if act.kid is not None})
    shown: list[ActProof] = []
    size = 0
    for act in acts:
        # The evidence of this very act is stored in the tail only.
        token, body = unpack_evidence(packed.get(act.id) or uow.evidence.packed())
        entry: ActProof = {
            "act": act.kind,
            "kid": act.kid,
            "jwk": keys.get(act.kid or ""),
            "token": token,
        }
        size += len(token) + len(body) + body.count(b'"') + 300
        if size <= PROOF_LIMIT_BYTES:
            entry["body"] = body.decode()
        else:
            entry["body_sha256"] = sha256(body).hexdigest()
            entry["href"] = link(act.id)
        shown.append(entry)
    return shown
