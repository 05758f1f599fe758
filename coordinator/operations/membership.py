"""The operator's membership acts: inviting, confirming, listing."""

from typing import Any

from sqlalchemy import select

from coordinator.app import clock_of
from coordinator.domain.actor import COORDINATOR
from coordinator.key_files import read_keys
from coordinator.operations.preparation import open_settings_database
from coordinator.services.bus import execute
from coordinator.services.partners import ConfirmPartner, InvitePartner
from coordinator.services.unit_of_work import Answer, transaction
from coordinator.settings import Settings
from coordinator.storage.tables.partners import PartnerRow
from coordinator.storage.wakeup import open_notifier
from partners.protocol.payloads import format_time


def carry_out(settings: Settings, command: InvitePartner | ConfirmPartner) -> Answer:
    """Execute one of the coordinator's own commands and wake the workers.

    Raises:
        CoordinatorError: Whatever the rules refuse.
    """
    database = open_settings_database(settings)
    vault = read_keys(settings.keys_dir).vault
    notifier = open_notifier(database, settings.database_listen_url)
    try:
        with transaction(database, vault, clock_of(settings)) as uow:
            answer = execute(command, COORDINATOR, uow)
            uow.finish(answer)
        notifier.notify()
    finally:
        notifier.close()
        database.engine.dispose()
    return answer


def list_partners(settings: Settings) -> list[dict[str, Any]]:
    """Return every partner, also those who were only invited."""
    database = open_settings_database(settings)
    query = select(PartnerRow.__table__).order_by(PartnerRow.handle)
    try:
        with database.engine.connect() as connection:
            rows = connection.execute(query).all()
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
            "joined_at": None if row.joined_at is None else format_time(row.joined_at),
        }
        for row in rows
    ]
