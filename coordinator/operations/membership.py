"""The operator's membership acts: inviting, confirming, suspending, resetting a root, listing."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import select

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.errors import InvalidInputError
from coordinator.key_files import read_keys
from coordinator.operations.preparation import open_migrated
from coordinator.rulebook_files import read_rulebook
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import Answer, CommandContext, transaction
from coordinator.services.membership.root_resets import ResetRoot
from coordinator.settings import Settings, clock_of
from coordinator.storage.engine.reads import read
from coordinator.storage.engine.wakeup import open_notifier
from coordinator.storage.tables.partners import PartnerRow
from holdfast.protocol import strict_json
from holdfast.protocol.errors import StrictJsonError
from holdfast.protocol.membership_payloads import RootKeyRequest
from holdfast.protocol.payloads import format_time, optional_time


def carry_out(settings: Settings, command: object) -> Answer:
    """Execute one of the coordinator's own commands and wake the workers.

    Raises:
        CoordinatorError: Whatever the rules refuse.
    """
    database = open_migrated(settings)
    keys = read_keys(settings.keys_dir)
    context = CommandContext(
        origin=settings.origin,
        database=database,
        vault=keys.vault,
        clock=clock_of(settings),
        rulebook=read_rulebook(),
        log_signer=keys.log_signer(settings.origin, settings.log_signer_socket),
        passkey_scope=settings.passkey_scope,
    )
    notifier = open_notifier(database, settings.database_listen_url)
    try:
        with transaction(context) as uow:
            answer = execute(command, COORDINATOR, uow)
            uow.finish(answer)
        notifier.notify()
    finally:
        notifier.close()
        database.engine.dispose()
    return answer


def reset_root(settings: Settings, handle: str, key_request: bytes) -> Answer:
    """Announce a partner's new root key, from the key request that the partner handed over.

    Raises:
        CoordinatorError: If the request is no such thing, or the rules refuse.
    """
    try:
        request = RootKeyRequest.model_validate(strict_json.loads(key_request))
    except (StrictJsonError, ValidationError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InvalidInputError(
            f"this is no root key request ({fault}); the partner makes one with "
            "`holdfast key new NAME --root`"
        ) from None
    if (request.handle, request.coordinator) != (handle, settings.origin):
        raise InvalidInputError(
            f"this key request is for {request.handle} at {request.coordinator}, not for {handle} "
            f"at {settings.origin}"
        )
    command = ResetRoot(
        handle=handle,
        jwk=request.jwk.model_dump(exclude_none=True),
        possession=request.possession,
        audience=settings.origin,
        after=read_rulebook().policies.root_reset_after,
    )
    return carry_out(settings, command)


def list_partners(settings: Settings) -> list[dict[str, Any]]:
    """Return every partner, including those who have only been invited."""
    database = open_migrated(settings)
    query = select(PartnerRow).order_by(PartnerRow.handle)
    try:
        with database.engine.connect() as connection:
            rows = read(connection, query)
    finally:
        database.engine.dispose()
    return [
        {
            "handle": row.handle,
            "name": row.name,
            "kind": row.kind,
            "status": row.status,
            "jurisdiction": row.jurisdiction,
            "root_kid": row.root_kid,
            "invited_at": format_time(row.invited_at),
            "joined_at": optional_time(row.joined_at),
        }
        for row in rows
    ]
