"""Webhook endpoints: rows of ids and states; URL, description and secrets are sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, text, update

from coordinator.domain.clock import to_micros
from coordinator.storage.delivery import endpoint_health
from coordinator.storage.engine.documents import DocumentKey, Vault, opened
from coordinator.storage.engine.documents import read as read_sealed
from coordinator.storage.engine.documents import send as send_sealed
from coordinator.storage.engine.reads import read, read_one
from coordinator.storage.tables.outbox import WebhookEndpointRow
from coordinator.storage.tail.outbox import TEST_LANE
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.payloads import optional_time, parse_time
from holdfast.protocol.vocabulary import EventType

DOCUMENT = "endpoint"


@dataclass(frozen=True, slots=True)
class Secret:
    """One `whsec_…` secret; `until` is when a replaced one stops signing, None for the present."""

    value: str = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndpointDocument:
    """What is sealed of an endpoint; a URL may hold a secret path."""

    url: str = field(repr=False)
    description: str | None
    secrets: tuple[Secret, ...]

    def good_secrets(self, now: datetime) -> list[str]:
        """Return the secrets that sign at `now`, the newest first."""
        return [s.value for s in self.secrets if s.until is None or now < s.until]

    def rotated(self, secret: str, *, until: datetime, now: datetime) -> "EndpointDocument":
        """Return the document with a fresh secret; the present ones sign along until `until`."""
        old = tuple(
            replace(s, until=s.until or until)
            for s in self.secrets
            if s.until is None or now < s.until
        )
        return replace(self, secrets=(Secret(secret), *old))

    def to_bytes(self) -> bytes:
        """Return the form in which it is sealed."""
        return canonical_json.dumps(
            {
                "url": self.url,
                "description": self.description,
                "secrets": [
                    {"value": s.value, "until": optional_time(s.until)} for s in self.secrets
                ],
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> "EndpointDocument":
        """Return the document of `to_bytes`."""
        stored = strict_json.loads(content)
        secrets = tuple(
            Secret(s["value"], None if s["until"] is None else parse_time(s["until"]))
            for s in stored["secrets"]
        )
        return cls(stored["url"], stored["description"], secrets)


def documents(
    connection: Connection, vault: Vault, endpoint_ids: Sequence[str]
) -> dict[str, EndpointDocument]:
    """Return what is sealed of endpoints; erased ones are left out."""
    found = documents_with_keys(connection, vault, endpoint_ids)
    return {id_: document for id_, (document, _) in found.items()}


def documents_with_keys(
    connection: Connection, vault: Vault, endpoint_ids: Sequence[str]
) -> dict[str, tuple[EndpointDocument, DocumentKey]]:
    """Return the same, each with its partner's data key."""
    rows = read_sealed(send_sealed(connection, endpoint_ids, DOCUMENT))
    keys: dict[str, DocumentKey] = {}
    contents = opened(rows, vault, DOCUMENT, keys)
    return {
        row.owner_id: (EndpointDocument.from_bytes(contents[row.owner_id]), keys[row.key_id])
        for row in rows
    }


def find(connection: Connection, endpoint_id: str, partner: str) -> WebhookEndpointRow | None:
    """Return an endpoint of `partner`; a deleted one is gone."""
    query = select(WebhookEndpointRow).where(
        WebhookEndpointRow.id == endpoint_id,
        WebhookEndpointRow.partner == partner,
        WebhookEndpointRow.deleted_at.is_(None),
    )
    return read_one(connection, query)


def get(connection: Connection, endpoint_id: str) -> WebhookEndpointRow | None:
    """Return any partner's endpoint, deleted or not."""
    query = select(WebhookEndpointRow).where(WebhookEndpointRow.id == endpoint_id)
    return read_one(connection, query)


def mark_told(connection: Connection, row: WebhookEndpointRow, now: datetime) -> bool:
    """Note that the partner is told of the failure; False if it was told, or it is over."""
    statement = (
        update(WebhookEndpointRow)
        .where(
            WebhookEndpointRow.id == row.id,
            WebhookEndpointRow.failing_since == row.failing_since,
            WebhookEndpointRow.failing_told_at.is_(None),
        )
        .values(failing_told_at=now)
        .returning(WebhookEndpointRow.id)
    )
    return connection.execute(statement).one_or_none() is not None


def page(
    connection: Connection, partner: str, *, after: str = "", limit: int = 100
) -> list[WebhookEndpointRow]:
    """Return a partner's endpoints by id."""
    query = (
        select(WebhookEndpointRow)
        .where(
            WebhookEndpointRow.partner == partner,
            WebhookEndpointRow.deleted_at.is_(None),
            WebhookEndpointRow.id > after,
        )
        .order_by(WebhookEndpointRow.id)
        .limit(limit)
    )
    return read(connection, query)


def count(connection: Connection, partner: str) -> int:
    """Return how many endpoints a partner has."""
    query = select(func.count()).where(
        WebhookEndpointRow.partner == partner, WebhookEndpointRow.deleted_at.is_(None)
    )
    return connection.execute(query).scalar_one()


def add(connection: Connection, values: Mapping[str, object]) -> None:
    """Store a new endpoint."""
    connection.execute(insert(WebhookEndpointRow).values(**values))


def change(connection: Connection, row: WebhookEndpointRow, values: Mapping[str, object]) -> bool:
    """Change an endpoint; False if somebody changed it since `row` was read.

    The version always grows, for it tells workers that URL or secrets may be others now.
    """
    statement = (
        update(WebhookEndpointRow)
        .where(WebhookEndpointRow.id == row.id, WebhookEndpointRow.version == row.version)
        .values(**values, version=row.version + 1)
        .returning(WebhookEndpointRow.id)
    )
    return connection.execute(statement).one_or_none() is not None


def park_lanes(connection: Connection, endpoint_id: str) -> None:
    """Stop sending to an endpoint. Attempts under way are not interrupted."""
    _lock_lanes(connection, endpoint_id)
    connection.execute(
        text("UPDATE lane SET due_at = NULL WHERE endpoint_id = :e"), {"e": endpoint_id}
    )


def wake_lanes(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """Make every lane of an endpoint due, jittered, that has pending deliveries."""
    _lock_lanes(connection, endpoint_id)
    endpoint_health.wake_lanes(connection, endpoint_id, now)


def cancel_deliveries(connection: Connection, endpoint_id: str, now: datetime) -> int:
    """Cancel an endpoint's pending deliveries; returns how many there were."""
    park_lanes(connection, endpoint_id)
    return connection.execute(
        text(
            "UPDATE delivery SET status = 'cancelled', finished_at = :now "
            "WHERE endpoint_id = :e AND status = 'pending'"
        ),
        {"e": endpoint_id, "now": to_micros(now)},
    ).rowcount


def give_up_deliveries(connection: Connection, endpoint_id: str, now: datetime) -> int:
    """Give up what an endpoint that is gone is owed; returns how many deliveries that were.

    Legs are to be told of their notices: their requesters must hear that those reached nobody.
    """
    park_lanes(connection, endpoint_id)
    return connection.execute(
        text(
            "UPDATE delivery SET status = 'dead', finished_at = :now, owes = "
            "(SELECT CASE WHEN ev.type = :notice AND delivery.request_id <> :test THEN 'dead' END "
            "FROM event ev WHERE ev.seq = delivery.seq) "
            "WHERE endpoint_id = :e AND status = 'pending'"
        ),
        {
            "e": endpoint_id,
            "now": to_micros(now),
            "notice": EventType.REQUEST_RECEIVED.value,
            "test": TEST_LANE,
        },
    ).rowcount


def _lock_lanes(connection: Connection, endpoint_id: str) -> None:
    """Lock an endpoint's lanes in the same order as everywhere else."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(
                "SELECT 1 FROM lane WHERE endpoint_id = :e "
                "ORDER BY endpoint_id, request_id FOR UPDATE"
            ),
            {"e": endpoint_id},
        )


def failing_untold(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Return endpoints that have failed since `before` or longer and whose partner was not told."""
    query = (
        select(WebhookEndpointRow.id)
        .where(
            WebhookEndpointRow.failing_since <= before,
            WebhookEndpointRow.failing_told_at.is_(None),
            WebhookEndpointRow.deleted_at.is_(None),
        )
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def gone(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return endpoints that said that they are no more, and are not turned off yet."""
    query = (
        select(WebhookEndpointRow.id)
        .where(
            WebhookEndpointRow.gone_at <= now,
            WebhookEndpointRow.enabled.is_(True),
            WebhookEndpointRow.deleted_at.is_(None),
        )
        .limit(limit)
    )
    return list(connection.execute(query).scalars())
