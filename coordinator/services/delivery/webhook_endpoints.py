"""Webhook endpoints of a partner: register, change, rotate the secret, test, delete, read.

`check` looks at the URL and resolves its host before the transaction, because name servers may be
slow, and are the partner's own. The sender checks again at every delivery. Secrets are shown only
in the answer that made them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor, Viewer
from coordinator.domain.delivery import SECRET_OVERLAP
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.delivery.deliveries import queue_events_since
from coordinator.services.delivery.samples import sample_data
from coordinator.storage.delivery import deliveries as delivery_store
from coordinator.storage.delivery import webhook_endpoints as store
from coordinator.storage.delivery.deliveries import Health
from coordinator.storage.delivery.webhook_endpoints import EndpointDocument, Secret
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.tables.outbox import WebhookEndpointRow
from holdfast.protocol import payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType
from holdfast.protocol.webhook_signature import new_secret

#: More than any partner needs; it bounds what one event costs.
ENDPOINTS_LIMIT = 20
#: The most deliveries that one recovery queues again.
RECOVER_LIMIT = 10_000
#: Raises InvalidInputError for a URL that webhooks may not go to; may take seconds.
UrlCheck = Callable[[str], None]


#: What its owner's auditors read of a change, by what the log has of it.
_ACTS: Mapping[str, str] = {
    "webhook_endpoint.registered": "add_endpoint",
    "webhook_endpoint.changed": "change_endpoint",
    "webhook_endpoint.deleted": "remove_endpoint",
    "webhook_endpoint.secret_rotated": "rotate_endpoint_secret",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEndpoint:
    """Register where events are sent. Made by `prepare_registration`."""

    body: payloads.NewEndpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEndpoint:
    """Change URL, types or description, or turn it off and on. Made by `prepare_update`."""

    endpoint_id: str
    body: payloads.EndpointChanges


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEndpoint:
    """Delete an endpoint; its pending deliveries are cancelled."""

    endpoint_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret:
    """Make a new secret; the old one also signs for 24 h. Made by `prepare_rotation`."""

    endpoint_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTestEvent:
    """Send a test to this endpoint alone, now and once; by default an `endpoint.test`."""

    endpoint_id: str
    event_type: EventType = EventType.ENDPOINT_TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverEndpoint:
    """Send everything again that was given up, and what waits, now."""

    endpoint_id: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableGoneEndpoint:
    """Turn off an endpoint whose server said that it is no more (410), and tell its partner."""

    endpoint_id: str
    event_type: EventType = EventType.ENDPOINT_TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class TellEndpointFailing:
    """Tell a partner once that one of its endpoints keeps failing."""

    endpoint_id: str


class EndpointHealth(TypedDict):
    """How an endpoint takes its events (`views.EndpointHealth`)."""

    waiting: int
    waiting_since: str | None
    dead: int
    next_attempt_at: str | None
    delivered_at: str | None


class EndpointView(TypedDict):
    """A webhook endpoint (`views.EndpointView`).

    `secret` stands only in the answer that made it, `health` only where the endpoint is read.
    """

    id: str
    url: str
    event_types: Sequence[str] | None
    description: str | None
    enabled: bool
    created_at: str
    secret: NotRequired[str]
    failing_since: str | None
    disabled_at: str | None
    gone_at: str | None
    busy_until: str | None
    health: NotRequired[EndpointHealth]


def prepare_registration(body: payloads.NewEndpoint, check: UrlCheck) -> RegisterEndpoint:
    """Check the URL and return the command; outside of any transaction.

    Raises:
        InvalidInputError: If webhooks may not go there.
    """
    check(body.url)
    return RegisterEndpoint(body=body, secret=new_secret())


def prepare_update(
    endpoint_id: str, body: payloads.EndpointChanges, check: UrlCheck
) -> UpdateEndpoint:
    """Check the URL, where it changes, and return the command; outside of any transaction.

    Raises:
        InvalidInputError: If webhooks may not go there.
    """
    if body.url is not None:
        check(body.url)
    return UpdateEndpoint(endpoint_id=endpoint_id, body=body)


def prepare_rotation(endpoint_id: str) -> RotateSecret:
    """Return the command with a fresh secret."""
    return RotateSecret(endpoint_id=endpoint_id, secret=new_secret())


@handles(RegisterEndpoint, needs=Permission.WEBHOOK_ENDPOINT_CHANGE)
def register(command: RegisterEndpoint, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store an endpoint; events from now on go there too."""
    # Locked, so that endpoints are counted and added by one transaction at a time.
    partner = partner_store.partner(uow.connection, actor.partner, lock=True)
    if partner is None:
        raise NotFoundError("there is no such partner")
    if store.count(uow.connection, actor.partner) >= ENDPOINTS_LIMIT:
        raise ConflictError(
            f"{ENDPOINTS_LIMIT} endpoints are the most; delete one that you no longer use",
            code="too_many_endpoints",
        )
    key = uow.key(partner.document_key_id)
    body = command.body
    endpoint_id = new_id("wep")
    document = EndpointDocument(body.url, body.description, (Secret(command.secret),))
    store.add(
        uow.connection,
        {
            "id": endpoint_id,
            "partner": actor.partner,
            "document_key_id": key.id,
            "event_types": body.event_types,
            "enabled": True,
            "created_at": uow.now,
            "version": 1,
        },
    )
    uow.seal(key, endpoint_id, store.DOCUMENT, document.to_bytes())
    row = _own(uow.connection, actor, endpoint_id)
    recorded = _record(uow, actor, "webhook_endpoint.registered", row)
    view = endpoint_view(row, document) | {"secret": command.secret}
    return Answer(201, view, entry=recorded, location=f"/v1/webhook-endpoints/{endpoint_id}")


@handles(UpdateEndpoint, needs=Permission.WEBHOOK_ENDPOINT_CHANGE)
def update(command: UpdateEndpoint, actor: Actor, uow: UnitOfWork) -> Answer:
    """Change what the body names; turning it off keeps what is owed until it is turned on again."""
    row = _own(uow.connection, actor, command.endpoint_id)
    body = command.body
    named = body.model_fields_set
    document = _document(uow, row)
    changed = document
    if body.url is not None:
        changed = replace(changed, url=body.url)
    if "description" in named:
        changed = replace(changed, description=body.description)
    types = body.event_types if "event_types" in named else row.event_types
    _change(uow, row, {"event_types": types, **_standing(row, body, uow.now)})
    if changed != document:
        uow.replace_document(
            uow.key(row.document_key_id), row.id, store.DOCUMENT, changed.to_bytes()
        )
    if body.enabled is False:
        store.park_lanes(uow.connection, row.id)
    elif body.enabled or row.enabled:
        if body.replay:
            _replay_missed(uow, row, types)
        store.wake_lanes(uow.connection, row.id, uow.now)
    fresh = _own(uow.connection, actor, row.id)
    recorded = _record(uow, actor, "webhook_endpoint.changed", fresh)
    return Answer(200, endpoint_view(fresh, changed), entry=recorded)


@handles(DeleteEndpoint, needs=Permission.WEBHOOK_ENDPOINT_CHANGE)
def delete(command: DeleteEndpoint, actor: Actor, uow: UnitOfWork) -> Answer:
    """Delete an endpoint with its secrets; the feed still has every event."""
    row = _own(uow.connection, actor, command.endpoint_id)
    cancelled = store.cancel_deliveries(uow.connection, row.id, uow.now)
    _change(uow, row, {"enabled": False, "deleted_at": uow.now, "failing_since": None})
    document = replace(_document(uow, row), secrets=())
    uow.replace_document(uow.key(row.document_key_id), row.id, store.DOCUMENT, document.to_bytes())
    recorded = _record(uow, actor, "webhook_endpoint.deleted", row)
    body = {"id": row.id, "status": "deleted", "cancelled_deliveries": cancelled}
    return Answer(200, body, entry=recorded)


@handles(RotateSecret, needs=Permission.WEBHOOK_ENDPOINT_CHANGE)
def rotate_secret(command: RotateSecret, actor: Actor, uow: UnitOfWork) -> Answer:
    """Give an endpoint a new secret; both sign for 24 h, so that no delivery is refused."""
    row = _own(uow.connection, actor, command.endpoint_id)
    until = uow.now + SECRET_OVERLAP
    document = _document(uow, row).rotated(command.secret, until=until, now=uow.now)
    _change(uow, row, {})
    uow.replace_document(uow.key(row.document_key_id), row.id, store.DOCUMENT, document.to_bytes())
    recorded = _record(uow, actor, "webhook_endpoint.secret_rotated", row)
    return Answer(200, endpoint_view(row, document) | {"secret": command.secret}, entry=recorded)


@handles(SendTestEvent, needs=Permission.WEBHOOK_ENDPOINT_CHANGE)
def send_test(command: SendTestEvent, actor: Actor, uow: UnitOfWork) -> Answer:
    """Queue one test, whatever types the endpoint takes, in a lane of its own."""
    row = _own(uow.connection, actor, command.endpoint_id)
    _require_on(row)
    recorded = uow.record(
        EventType.ENDPOINT_TEST,
        sample_data(command.event_type, row.id, actor.subject),
        key=uow.key(row.document_key_id),
        audience=[actor.partner],
    )
    recorded.only_endpoint = row.id
    if command.event_type is not EventType.ENDPOINT_TEST:
        recorded.sample_of = command.event_type.value
    return Answer(202, {"id": row.id, "event_id": recorded.id, "status": "queued"}, entry=recorded)


@handles(RecoverEndpoint, needs=Permission.DELIVERY_RESEND)
def recover(command: RecoverEndpoint, actor: Actor, uow: UnitOfWork) -> Answer:
    """Queue again what was given up, in order and under the same ids; all that waits is due now."""
    row = _own(uow.connection, actor, command.endpoint_id)
    _require_on(row)
    again = delivery_store.given_up(uow.connection, row.id, command.since, RECOVER_LIMIT)
    delivery_store.queue_again(uow.connection, again)
    store.wake_lanes(uow.connection, row.id, uow.now)
    data: dict[str, object] = {
        "endpoint_id": row.id,
        "partner": actor.partner,
        "by": actor.subject,
        "since": optional_time(command.since),
        "deliveries": len(again),
    }
    recorded = uow.record("webhook_endpoint.recovered", data, key=uow.key(row.document_key_id))
    return Answer(202, {"id": row.id, "queued": len(again)}, entry=recorded)


@handles(DisableGoneEndpoint, needs=Permission.DELIVERY_RECORD)
def disable_gone(command: DisableGoneEndpoint, actor: Actor, uow: UnitOfWork) -> Answer:
    """Turn the endpoint off, give up what it is owed, and tell its partner by every other way."""
    del actor
    row = store.get(uow.connection, command.endpoint_id)
    if row is None or row.gone_at is None or row.deleted_at is not None or not row.enabled:
        return Answer(200, {"status": "unchanged"})
    _change(uow, row, {"enabled": False, "disabled_at": uow.now, "failing_told_at": uow.now})
    given_up = store.give_up_deliveries(uow.connection, row.id, uow.now)
    recorded = uow.record(
        EventType.ENDPOINT_DISABLED,
        {
            "endpoint_id": row.id,
            "gone_at": format_time(row.gone_at),
            "reason": "gone",
            "given_up": given_up,
        },
        key=uow.key(row.document_key_id),
        audience=[row.partner],
    )
    return Answer(200, {"status": "disabled"}, entry=recorded)


@handles(TellEndpointFailing, needs=Permission.DELIVERY_RECORD)
def tell_failing(command: TellEndpointFailing, actor: Actor, uow: UnitOfWork) -> Answer:
    """Record `endpoint.failing`, unless it answers again or the partner was told."""
    del actor
    row = store.get(uow.connection, command.endpoint_id)
    if row is None or row.failing_since is None or row.failing_told_at is not None:
        return Answer(200, {"status": "unchanged"})
    if row.deleted_at is not None or not store.mark_told(uow.connection, row, uow.now):
        return Answer(200, {"status": "unchanged"})
    recorded = uow.record(
        EventType.ENDPOINT_FAILING,
        {"endpoint_id": row.id, "failing_since": format_time(row.failing_since)},
        key=uow.key(row.document_key_id),
        audience=[row.partner],
    )
    return Answer(200, {"status": "told"}, entry=recorded)


def get_endpoint(
    connection: Connection, vault: Vault, actor: Actor, endpoint_id: str
) -> EndpointView:
    """Return one of the actor's endpoints.

    Raises:
        NotFoundError: If it is somebody else's or gone.
    """
    row = _own(connection, actor, endpoint_id)
    return _views_with_health(connection, vault, actor, [row])[0]


def list_endpoints(
    connection: Connection, vault: Vault, actor: Actor, *, after: str = "", limit: int = 100
) -> tuple[list[EndpointView], str | None]:
    """Return the actor's endpoints by id, and after which to go on (None: that was all)."""
    rows = store.page(connection, actor.partner, after=after, limit=limit + 1)
    more = rows[limit - 1].id if len(rows) > limit else None
    return _views_with_health(connection, vault, actor, rows[:limit]), more


def _views_with_health(
    connection: Connection, vault: Vault, actor: Actor, rows: Sequence[WebhookEndpointRow]
) -> list[EndpointView]:
    ids = [row.id for row in rows]
    found = store.documents(connection, vault, ids)
    health = delivery_store.health(connection, ids, actor.viewer)
    return [
        {**endpoint_view(row, found[row.id]), "health": _health_view(health[row.id])}
        for row in rows
    ]


def _health_view(health: Health) -> EndpointHealth:
    return {
        "waiting": health.waiting,
        "waiting_since": optional_time(health.waiting_since),
        "dead": health.dead,
        "next_attempt_at": optional_time(health.next_attempt_at),
        "delivered_at": optional_time(health.delivered_at),
    }


def endpoint_view(row: WebhookEndpointRow, document: EndpointDocument) -> EndpointView:
    """Return an endpoint without its secrets."""
    return {
        "id": row.id,
        "url": document.url,
        "event_types": row.event_types,
        "description": document.description,
        "enabled": row.enabled,
        "created_at": format_time(row.created_at),
        "failing_since": optional_time(row.failing_since),
        "disabled_at": optional_time(row.disabled_at),
        "gone_at": optional_time(row.gone_at),
        "busy_until": optional_time(row.busy_until),
    }


def _own(connection: Connection, actor: Actor, endpoint_id: str) -> WebhookEndpointRow:
    row = store.find(connection, endpoint_id, actor.partner)
    if row is None:
        raise NotFoundError("there is no such endpoint, or none of yours")
    return row


def _require_on(row: WebhookEndpointRow) -> None:
    if not row.enabled:
        raise ConflictError("the endpoint is turned off; turn it on first", code="endpoint_off")


def _standing(
    row: WebhookEndpointRow, body: payloads.EndpointChanges, now: datetime
) -> Mapping[str, object]:
    """Return what a change makes of whether the endpoint is on."""
    if body.enabled:
        return {"enabled": True, "disabled_at": None, "gone_at": None}
    if body.enabled is False and row.enabled:
        return {"enabled": False, "disabled_at": now, "gone_at": None}
    # What said that it is gone is another one now.
    return {"gone_at": None} if body.url is not None and row.enabled else {}


def _replay_missed(
    uow: UnitOfWork, row: WebhookEndpointRow, event_types: Sequence[str] | None
) -> None:
    """Queue what happened while the endpoint was off, and what was given up because it was gone."""
    if row.enabled or row.disabled_at is None:
        raise InvalidInputError(
            "replay sends what happened while the endpoint was off, and it was not, or since when "
            "is not known; have it replayed since a time (POST .../replay)",
            code="nothing_missed",
        )
    queue_events_since(uow, row.id, Viewer(row.partner, None), row.disabled_at, event_types)
    if row.gone_at is not None:
        again = delivery_store.given_up(uow.connection, row.id, None, RECOVER_LIMIT, row.gone_at)
        delivery_store.queue_again(uow.connection, again)


def _document(uow: UnitOfWork, row: WebhookEndpointRow) -> EndpointDocument:
    return store.documents(uow.connection, uow.vault, [row.id])[row.id]


def _change(uow: UnitOfWork, row: WebhookEndpointRow, values: Mapping[str, object]) -> None:
    if not store.change(uow.connection, row, values):
        raise ConflictError("the endpoint was changed meanwhile; read it again")


def _record(uow: UnitOfWork, actor: Actor, what: str, row: WebhookEndpointRow) -> Recorded:
    data = {"endpoint_id": row.id, "partner": row.partner, "by": actor.subject}
    key = uow.key(row.document_key_id)
    recorded = uow.record(what, data, key=key)
    act = MemberAct(new_id("act"), _ACTS[what], row.id)
    store_member_act(uow, actor, act, key, recorded)
    return recorded
