"""Root resets: a partner that lost its root key gets a new one, after an announcement and a wait.

The operator announces the new key; every member hears of it. Until it takes over, the old root key
or any lead of the partner can stop it by revoking the new key. Otherwise the operator alone could
make itself anybody's root. A suspended partner's root is never reset: nobody could object.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import update

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.tag_keys import EVERYBODY
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.requests.act_proofs import ActProof
from coordinator.storage.membership import partners as store
from coordinator.storage.membership import root_resets
from coordinator.storage.tables.life_cycle import RootResetRow
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import format_time
from holdfast.protocol.proof_of_possession import verify_possession
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, PartnerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRoot:
    """The operator announces a partner's new root key.

    Attributes:
        handle: The partner.
        jwk: The new public key, as the partner gave it out of band.
        possession: Signed by the new key, over audience, handle and (as subject) the handle again.
        audience: The coordinator's origin.
        after: How long it waits.
    """

    handle: str
    jwk: object
    possession: str
    audience: str
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverRoot:
    """The waiting time of a root reset is over."""

    reset_id: str


@handles(ResetRoot, needs=Permission.PARTNER_RESET_ROOT)
def announce(command: ResetRoot, actor: Actor, uow: UnitOfWork) -> Answer:
    """Announce a new root key to all members; it takes over after the waiting time."""
    del actor
    row = store.partner(uow.connection, command.handle, lock=True)
    if row is None:
        raise NotFoundError(f"there is no partner {command.handle}")
    if row.status != PartnerStatus.ACTIVE:
        raise ConflictError(
            f"{command.handle} is {row.status}; only an active partner's root key is reset, "
            "because its leads must be able to object",
            current_status=row.status,
        )
    if root_resets.waiting(uow.connection, row.handle) is not None:
        raise ConflictError(f"{command.handle} has a root reset coming already")
    key = _proven(command)
    if store.key_owner(uow.connection, key.kid) is not None:
        raise ConflictError("this key is known already; make a fresh root key", code="known_key")
    reset_id = new_id("rst")
    effective_at = uow.now + command.after
    root_resets.insert_reset(
        uow.connection,
        {
            "id": reset_id,
            "partner": row.handle,
            "new_kid": key.kid,
            "jwk": key.jwk(),
            "announced_at": uow.now,
            "effective_at": effective_at,
        },
    )
    reset = root_resets.get(uow.connection, reset_id)
    if reset is None:
        raise AssertionError("just stored")
    recorded = _tell(uow, reset, row, "announced")
    body = {
        "id": reset_id,
        "partner": row.handle,
        "root_kid": key.kid,
        "effective_at": format_time(effective_at),
    }
    return Answer(201, body, entry=recorded)


def _proven(command: ResetRoot) -> PublicKey:
    try:
        return verify_possession(
            command.possession,
            jwk=command.jwk,
            audience=command.audience,
            handle=command.handle,
            subject=command.handle,
        )
    except ProtocolError as error:
        raise InvalidInputError(
            f"this is no root key that {command.handle} made for {command.audience}: {error}",
            code="possession",
        ) from None


@handles(TakeOverRoot, needs=Permission.TIMER_FIRE)
def take_over(command: TakeOverRoot, actor: Actor, uow: UnitOfWork) -> Answer:
    """Put the new root key in the old one's place, unless somebody stopped it."""
    del actor
    unchanged = Answer(200, {"status": "unchanged"})
    reset = root_resets.get(uow.connection, command.reset_id)
    if reset is None or reset.effective_at > uow.now:
        return unchanged
    row = store.partner(uow.connection, reset.partner, lock=True)
    if row is None:  # a suspended partner has none that waits
        return unchanged
    is_known = store.key_owner(uow.connection, reset.new_kid) is not None
    if not root_resets.end(
        uow.connection, reset.id, root_resets.STOPPED if is_known else root_resets.DONE
    ):
        return unchanged
    if is_known:
        recorded = _tell(uow, reset, row, root_resets.STOPPED, why="known_key")
        return Answer(200, {"status": root_resets.STOPPED}, entry=recorded)
    key = PublicKey.from_jwk(reset.jwk)
    new = store.NewKey(key, row.handle, row.handle, uow.now, is_root=True)
    if not store.insert_key(uow.connection, new):
        raise ConflictError("the new root key was registered as another's meanwhile")
    revoked = store.RevokedKeys(kid=row.root_kid)
    old = store.revoke_keys(uow.connection, row.handle, revoked, at=uow.now)
    uow.will_revoke(old)
    uow.connection.execute(
        update(PartnerRow).where(PartnerRow.handle == row.handle).values(root_kid=reset.new_kid)
    )
    recorded = _tell(uow, reset, row, root_resets.DONE)
    return Answer(200, {"status": root_resets.DONE, "root_kid": reset.new_kid}, entry=recorded)


class StoppedBy(NamedTuple):
    """The revocation that stops a reset, and who made it."""

    revocation_id: str
    by: str
    evidence: ActProof


def stop_reset(
    uow: UnitOfWork,
    reset: RootResetRow,
    partner: PartnerRow,
    stopped: StoppedBy | None = None,
) -> Recorded:
    """Stop a waiting reset and tell all members; without a revocation the coordinator does.

    Raises:
        ConflictError: If it has just taken over.
    """
    if not root_resets.end(uow.connection, reset.id, root_resets.STOPPED):
        raise ConflictError("the new root key has just taken over", code="reset_over")
    by = {"revocation_id": None, "by": "coordinator"} if stopped is None else stopped._asdict()
    return _tell(uow, reset, partner, root_resets.STOPPED, **by)


def _tell(
    uow: UnitOfWork, reset: RootResetRow, partner: PartnerRow, status: str, **more: object
) -> Recorded:
    return uow.record(
        EventType.PARTNER_ROOT_RESET,
        {
            "reset_id": reset.id,
            "partner": partner.handle,
            "status": status,
            "old_root_kid": partner.root_kid,
            "new_root_kid": reset.new_kid,
            "effective_at": format_time(reset.effective_at),
            **more,
        },
        key=uow.key(partner.document_key_id),
        audience=[EVERYBODY],
    )
