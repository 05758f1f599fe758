"""Rotation: a key's holder replaces it with an act that the old key signs; that ends at once."""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, PermissionDeniedError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grant_rules import check_grant, fault
from coordinator.services.membership.grants import signed_context, store_grant
from coordinator.storage.membership import partners as store
from holdfast.protocol import membership_payloads


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKey:
    """Put a new key of the same subject in the place of the one that signs this."""

    body: membership_payloads.Grant
    audience: str


@handles(RotateKey, needs=Permission.KEY_ROTATE)
def rotate(command: RotateKey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Register the new key and end the old one; rights stay exactly as they are."""
    grant = command.body
    _require_same_rights(grant, actor)
    context = signed_context(uow, actor, command.audience)
    checked = check_grant(uow, grant, context)
    proposer = store.key_proposer(uow.connection, actor.kid)
    view = store_grant(uow, checked, context, key_proposer=proposer)
    return Answer(201, view, entry=uow.recorded[-1])


def _require_same_rights(grant: membership_payloads.Grant, actor: Actor) -> None:
    if grant.replaces != actor.kid:
        raise ConflictError("a key is replaced by a grant that it signs itself")
    if grant.subject != actor.subject:
        raise PermissionDeniedError("a key is replaced by a key of the same subject, your own")
    if grant.policy is not None:
        raise fault("/policy", "replacing a key changes no policy; leave it out", "policy")
    if grant.roles and frozenset(grant.roles) != actor.roles:
        raise fault("/roles", "replacing a key changes no roles; leave them out", "role")
    if grant.jwk is None:
        raise AssertionError("the model asks for the key with replaces")
