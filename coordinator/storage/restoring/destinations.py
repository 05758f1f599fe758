"""Accounts that money may be sent back to; which they are is sealed under their member's key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from coordinator.domain.destination import OVER
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.engine.rows import new_row
from coordinator.storage.tables.restoring import DestinationRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.vocabulary import DestinationStatus

ACCOUNT = "destination"
TEST_TRANSFER = "test_transfer"


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """What is sealed of a destination.

    Attributes:
        key: The canonical text of the target, tag included: equal keys are the same target.
        account: CAIP-10 as people read it, without the tag.
    """

    key: str
    account: str
    tag: str | None
    label: str | None

    def to_bytes(self) -> bytes:
        """Return the form in which it is sealed."""
        return canonical_json.dumps(
            {"key": self.key, "account": self.account, "tag": self.tag, "label": self.label}
        )


@dataclass(frozen=True, slots=True)
class StoredTest:
    """A test transfer, as it is sealed."""

    tx: str
    asset: str
    amount: str

    def to_bytes(self) -> bytes:
        """Return the form in which it is sealed."""
        return canonical_json.dumps({"tx": self.tx, "asset": self.asset, "amount": self.amount})


def insert_destination(connection: Connection, **values: Any) -> DestinationRow:
    """Store one and return its row."""
    connection.execute(insert(DestinationRow).values(**values))
    return new_row(DestinationRow, values)


def get(connection: Connection, destination_id: str, partner: str) -> DestinationRow | None:
    """Return one of a partner's own."""
    query = select(DestinationRow).where(
        DestinationRow.id == destination_id, DestinationRow.partner == partner
    )
    return read_one(connection, query)


def of_account(connection: Connection, partner: str, index: bytes) -> list[DestinationRow]:
    """Return a partner's destinations with this account that are not over, newest first."""
    query = select(DestinationRow).where(
        DestinationRow.partner == partner,
        DestinationRow.account_index == index,
        DestinationRow.status.not_in(sorted(OVER)),
    )
    return read(connection, query.order_by(DestinationRow.id.desc()))


def page(
    connection: Connection, partner: str, *, before: str | None, limit: int
) -> list[DestinationRow]:
    """Return a partner's destinations, newest first."""
    query = select(DestinationRow).where(DestinationRow.partner == partner)
    if before is not None:
        query = query.where(DestinationRow.id < before)
    return read(connection, query.order_by(DestinationRow.id.desc()).limit(limit))


def change(
    connection: Connection, row: DestinationRow, status: DestinationStatus, **values: Any
) -> bool:
    """Move one on where it still is as it was read; False where somebody else did meanwhile."""
    statement = (
        update(DestinationRow)
        .where(DestinationRow.id == row.id, DestinationRow.status == row.status)
        .values(status=status.value, **values)
    )
    return connection.execute(statement).rowcount == 1


def accounts(connection: Connection, vault: Vault, ids: Sequence[str]) -> dict[str, StoredAccount]:
    """Return what is sealed of destinations, by id; what was erased is absent."""
    found = load(connection, vault, ids, ACCOUNT)
    return {owner: StoredAccount(**strict_json.loads(raw)) for owner, raw in found.items()}


def tests(connection: Connection, vault: Vault, ids: Sequence[str]) -> dict[str, StoredTest]:
    """Return the test transfers of destinations, by id."""
    found = load(connection, vault, ids, TEST_TRANSFER)
    return {owner: StoredTest(**strict_json.loads(raw)) for owner, raw in found.items()}
