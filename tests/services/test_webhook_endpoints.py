"""Webhook endpoints by their commands: who may, what is shown, what is owed afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from coordinator.domain.actor import COORDINATOR, Viewer
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import (
    ConflictError,
    CoordinatorError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.delivery.deliveries import ReplayEndpoint, ResendDelivery, list_deliveries
from coordinator.services.delivery.webhook_endpoints import (
    ENDPOINTS_LIMIT,
    DeleteEndpoint,
    EndpointView,
    RegisterEndpoint,
    RotateSecret,
    SendTestEvent,
    TellEndpointFailing,
    UpdateEndpoint,
    get_endpoint,
    list_endpoints,
    prepare_registration,
    prepare_rotation,
    prepare_update,
)
from coordinator.storage.delivery.webhook_endpoints import documents
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault, load_one
from coordinator.storage.engine.newest import Newest
from coordinator.storage.tail import events as event_store
from coordinator.storage.tail.events import FeedPage
from holdfast.protocol import payloads, strict_json, views
from holdfast.protocol.events import EVENTS, samples
from holdfast.protocol.vocabulary import EVENT_FAMILIES, EventType
from tests.dispatcher.outbox_cast import Outbox
from tests.factories import NOON, Cast, Member
from tests.rulebook import ANY_EVIDENCE, command_context

URL = "https://hooks.exchange-b.example/secret-path"


@pytest.fixture
def outbox(database: Database, vault: Vault, clock: SteppedClock) -> Outbox:
    return Outbox(database, vault, clock)


def run(outbox: Outbox, command: object, member: Member | None) -> dict[str, Any]:
    actor = COORDINATOR if member is None else member.actor
    context = command_context(outbox.database, outbox.vault, outbox.clock)
    with transaction(context, None if member is None else ANY_EVIDENCE) as uow:
        answer = execute(command, actor, uow)
        uow.finish(answer)
    return dict(answer.body)


def read(outbox: Outbox, member: Member, endpoint_id: str) -> EndpointView:
    with outbox.database.engine.connect() as connection:
        return get_endpoint(connection, outbox.vault, member.actor, endpoint_id)


def secrets_of(outbox: Outbox, endpoint_id: str) -> list[str]:
    with outbox.database.engine.connect() as connection:
        document = documents(connection, outbox.vault, [endpoint_id])[endpoint_id]
    return document.good_secrets(outbox.clock.now())


def statuses(outbox: Outbox, endpoint_id: str) -> list[str]:
    rows = outbox.rows(
        "SELECT status FROM delivery WHERE endpoint_id = :e ORDER BY seq", e=endpoint_id
    )
    return [row[0] for row in rows]


def is_due(outbox: Outbox, endpoint_id: str) -> bool:
    sql = "SELECT COUNT(*) FROM lane WHERE endpoint_id = :e AND due_at IS NOT NULL"
    return bool(outbox.value(sql, e=endpoint_id))


def finish(outbox: Outbox) -> None:
    """Have everything delivered."""
    outbox.change("UPDATE delivery SET status = 'delivered', finished_at = 1")
    outbox.change("UPDATE lane SET due_at = NULL")


def test_the_secret_is_shown_once_and_url_and_secret_are_sealed(outbox: Outbox, cast: Cast) -> None:
    command = prepare_registration(payloads.NewEndpoint(url=URL), lambda _: None)
    made = views.EndpointView.model_validate(run(outbox, command, cast.b.lead))
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    shown = views.EndpointView.model_validate(read(outbox, cast.b.auditor, made.id))
    assert (shown.url, shown.secret, shown.enabled) == (URL, None, True)
    rows = outbox.rows("SELECT * FROM webhook_endpoint")
    assert "secret-path" not in str(rows)
    sealed = outbox.value("SELECT sealed FROM document WHERE owner_id = :e", e=made.id)
    assert b"secret-path" not in bytes(sealed)
    assert made.secret not in repr(command)


def test_a_url_that_webhooks_may_not_go_to_makes_no_command(outbox: Outbox, cast: Cast) -> None:
    def refuse(url: str) -> None:
        raise InvalidInputError(f"not to {url}")

    with pytest.raises(InvalidInputError):
        prepare_registration(payloads.NewEndpoint(url=URL), refuse)
    endpoint = outbox.endpoint(cast.b.lead)
    changes = payloads.EndpointChanges(url=URL)
    with pytest.raises(InvalidInputError):
        prepare_update(endpoint.id, changes, refuse)
    prepare_update(endpoint.id, payloads.EndpointChanges(enabled=False), refuse)


def commands(endpoint_id: str) -> list[object]:
    return [
        prepare_update(endpoint_id, payloads.EndpointChanges(enabled=False), lambda _: None),
        prepare_rotation(endpoint_id),
        SendTestEvent(endpoint_id=endpoint_id),
        ReplayEndpoint(
            endpoint_id=endpoint_id,
            body=payloads.Replay.model_validate({"since": "2026-01-01T00:00:00Z"}),
        ),
        DeleteEndpoint(endpoint_id=endpoint_id),
    ]


def test_somebody_elses_endpoint_does_not_exist(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle)
    for command in commands(endpoint.id):
        with pytest.raises(NotFoundError):
            run(outbox, command, cast.c.lead)
    with pytest.raises(NotFoundError):
        read(outbox, cast.c.lead, endpoint.id)
    delivery = outbox.value("SELECT id FROM delivery")
    with pytest.raises(NotFoundError):
        run(outbox, ResendDelivery(delivery_id=delivery), cast.c.lead)
    with outbox.database.engine.connect() as connection:
        assert list_endpoints(connection, outbox.vault, cast.c.lead.actor) == ([], None)
        with pytest.raises(NotFoundError):
            list_deliveries(connection, cast.c.lead.actor, endpoint.id, Newest())


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_who_only_reads_or_submits_changes_no_endpoint(
    outbox: Outbox, cast: Cast, role: str
) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    for command in commands(endpoint.id):
        with pytest.raises(PermissionDeniedError):
            run(outbox, command, cast.b.people[role])
    assert read(outbox, cast.b.lead, endpoint.id)["enabled"]


def test_systems_compliance_and_leads_manage_endpoints(outbox: Outbox, cast: Cast) -> None:
    for member in (cast.b.system, cast.b.compliance, cast.b.lead):
        endpoint = outbox.endpoint(member)
        for command in commands(endpoint.id)[1:]:
            run(outbox, command, member)


def test_an_endpoint_gets_only_the_types_it_takes(outbox: Outbox, cast: Cast) -> None:
    body = payloads.NewEndpoint.model_validate({"url": URL, "event_types": ["freeze.found"]})
    made = run(outbox, prepare_registration(body, lambda _: None), cast.b.lead)
    outbox.event(cast.b.handle, event_type="freeze.frozen")
    assert statuses(outbox, made["id"]) == []
    outbox.event(cast.b.handle, event_type="freeze.found")
    assert statuses(outbox, made["id"]) == ["pending"]


def test_an_endpoint_takes_all_events_of_a_noun(outbox: Outbox, cast: Cast) -> None:
    body = payloads.NewEndpoint.model_validate({"url": URL, "event_types": ["freeze.*"]})
    made = run(outbox, prepare_registration(body, lambda _: None), cast.b.lead)
    assert made["event_types"] == ["freeze.*"]
    for other in ("freeze_request.received", "leg.declined", "hold.lapsed"):
        outbox.event(cast.b.handle, event_type=other)
    assert statuses(outbox, made["id"]) == []
    for wanted in ("freeze.nothing", "freeze.found"):
        outbox.event(cast.b.handle, event_type=wanted)
    assert statuses(outbox, made["id"]) == ["pending", "pending"]
    since = payloads.Replay(since=NOON - timedelta(hours=1))
    replayed = run(outbox, ReplayEndpoint(endpoint_id=made["id"], body=since), cast.b.lead)
    assert replayed["queued"] == 2


FREEZE_EVENTS = EVENT_FAMILIES["freeze.*"]


@pytest.mark.parametrize("unknown", ["freeze.thawed", "frozen.*", "*", "freeze", "freeze.f*"])
def test_an_endpoint_names_events_that_there_are(unknown: str) -> None:
    with pytest.raises(ValidationError) as refused:
        payloads.NewEndpoint.model_validate({"url": URL, "event_types": [unknown]})
    said = str(refused.value)
    there_are = FREEZE_EVENTS if unknown.startswith("freeze") else EVENT_FAMILIES
    assert [each for each in there_are if each not in said] == []


def test_both_secrets_sign_for_a_day_after_a_rotation(
    outbox: Outbox, cast: Cast, clock: SteppedClock
) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    version = outbox.value("SELECT version FROM webhook_endpoint")
    fresh = run(outbox, prepare_rotation(endpoint.id), cast.b.lead)["secret"]
    assert secrets_of(outbox, endpoint.id) == [fresh, endpoint.secret]
    assert outbox.value("SELECT version FROM webhook_endpoint") > version, "workers look again"
    clock.step(timedelta(hours=23))
    newest = run(outbox, prepare_rotation(endpoint.id), cast.b.lead)["secret"]
    assert secrets_of(outbox, endpoint.id) == [newest, fresh, endpoint.secret]
    clock.step(timedelta(hours=1))
    assert secrets_of(outbox, endpoint.id) == [newest, fresh]
    clock.step(timedelta(hours=23))
    assert secrets_of(outbox, endpoint.id) == [newest]


def test_a_deleted_endpoint_is_owed_nothing_and_keeps_no_secret(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle)
    answer = run(outbox, DeleteEndpoint(endpoint_id=endpoint.id), cast.b.lead)
    assert answer["cancelled_deliveries"] == 1
    assert statuses(outbox, endpoint.id) == ["cancelled"]
    assert not is_due(outbox, endpoint.id)
    assert secrets_of(outbox, endpoint.id) == []
    with pytest.raises(NotFoundError):
        read(outbox, cast.b.lead, endpoint.id)
    outbox.event(cast.b.handle)
    assert statuses(outbox, endpoint.id) == ["cancelled"]


def test_an_endpoint_that_is_turned_off_keeps_what_it_is_owed(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle)

    def turn(*, on: bool) -> None:
        body = payloads.EndpointChanges(enabled=on)
        run(outbox, UpdateEndpoint(endpoint_id=endpoint.id, body=body), cast.b.lead)

    turn(on=False)
    assert not is_due(outbox, endpoint.id)
    for command in (
        SendTestEvent(endpoint_id=endpoint.id),
        ResendDelivery(delivery_id=outbox.value("SELECT id FROM delivery")),
    ):
        with pytest.raises(ConflictError):
            run(outbox, command, cast.b.lead)
    turn(on=True)
    assert is_due(outbox, endpoint.id)
    assert statuses(outbox, endpoint.id) == ["pending"]


def test_a_patch_changes_only_what_it_names(outbox: Outbox, cast: Cast) -> None:
    body = payloads.NewEndpoint.model_validate(
        {"url": URL, "event_types": ["freeze.found"], "description": "night desk"}
    )
    made = run(outbox, prepare_registration(body, lambda _: None), cast.b.lead)
    changes = payloads.EndpointChanges.model_validate({"url": URL + "/2"})
    run(outbox, UpdateEndpoint(endpoint_id=made["id"], body=changes), cast.b.lead)
    shown = read(outbox, cast.b.lead, made["id"])
    assert shown["url"] == URL + "/2"
    assert (shown["description"], shown["event_types"]) == ("night desk", ["freeze.found"])
    changes = payloads.EndpointChanges.model_validate({"event_types": None, "description": None})
    run(outbox, UpdateEndpoint(endpoint_id=made["id"], body=changes), cast.b.lead)
    shown = read(outbox, cast.b.lead, made["id"])
    assert (shown["description"], shown["event_types"]) == (None, None)
    assert secrets_of(outbox, made["id"]) == [made["secret"]]


def test_a_test_goes_to_that_endpoint_alone_whatever_types_it_takes(
    outbox: Outbox, cast: Cast
) -> None:
    other = outbox.endpoint(cast.b.lead)
    body = payloads.NewEndpoint.model_validate({"url": URL, "event_types": ["freeze.found"]})
    made = run(outbox, prepare_registration(body, lambda _: None), cast.b.lead)
    answer = run(outbox, SendTestEvent(endpoint_id=made["id"]), cast.b.lead)
    assert outbox.status(answer["event_id"]) == "pending"
    assert statuses(outbox, other.id) == []


@pytest.mark.parametrize("event_type", [each for each in EventType if each != "endpoint.test"])
def test_a_sample_has_the_form_of_its_event_says_what_it_is_and_stays_out_of_every_feed(
    outbox: Outbox, cast: Cast, event_type: EventType
) -> None:
    made = outbox.endpoint(cast.b.lead)
    test = SendTestEvent(endpoint_id=made.id, event_type=event_type)
    answer = run(outbox, test, cast.b.lead)
    assert statuses(outbox, made.id) == ["pending"]
    with outbox.database.engine.connect() as connection:
        raw = load_one(connection, outbox.vault, answer["event_id"], "body")
        shown, _ = event_store.page(
            connection, outbox.vault, Viewer(cast.b.handle, None), FeedPage(0, 1000)
        )
    assert raw is not None
    assert len(raw) < 20_000
    body = strict_json.loads(raw)
    assert (body["type"], body["data"]["sample"]) == (event_type.value, True)
    assert body["data"]["event_id"] == answer["event_id"] not in {each.id for each in shown}
    example = samples()[event_type.value]["data"]
    assert body["data"].keys() == example.keys() | {"sample"}
    EVENTS[event_type].data.model_validate(body["data"])
    # In the log it is what it is: nobody who watches that takes it for more.
    assert body["data"]["log"]["type"] == "endpoint.test"


def test_no_partner_has_endpoints_without_end(outbox: Outbox, cast: Cast) -> None:
    for _ in range(ENDPOINTS_LIMIT):
        outbox.endpoint(cast.b.lead)
    with pytest.raises(ConflictError):
        outbox.endpoint(cast.b.lead)
    outbox.endpoint(cast.c.lead)


def test_a_resent_delivery_is_owed_again_and_its_tries_count_on(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    event = outbox.event(cast.b.handle, "frq_1")
    finish(outbox)
    outbox.change("UPDATE delivery SET attempts = 3")
    delivery = outbox.value("SELECT id FROM delivery")
    answer = run(outbox, ResendDelivery(delivery_id=delivery), cast.b.lead)
    view = views.DeliveryView.model_validate(answer)
    assert (view.id, view.event_id, view.status) == (delivery, event, "pending")
    assert is_due(outbox, endpoint.id)
    assert outbox.value("SELECT attempts FROM delivery") == 3


def test_a_replay_sends_again_and_for_the_first_time_what_happened_since(
    outbox: Outbox, cast: Cast, clock: SteppedClock
) -> None:
    first = outbox.endpoint(cast.b.lead)
    outbox.event(cast.b.handle, "frq_1")
    clock.step(timedelta(hours=1))
    since = clock.now()
    later = [outbox.event(cast.b.handle, "frq_1"), outbox.event(cast.b.handle, "frq_2")]
    outbox.event(cast.c.handle, "frq_1")
    finish(outbox)
    body = payloads.Replay(since=since)
    answer = run(outbox, ReplayEndpoint(endpoint_id=first.id, body=body), cast.b.lead)
    assert answer["queued"] == 2
    assert statuses(outbox, first.id) == ["delivered", "pending", "pending"]
    fresh = outbox.endpoint(cast.b.lead)
    assert run(outbox, ReplayEndpoint(endpoint_id=fresh.id, body=body), cast.b.lead)["queued"] == 2
    owed = outbox.rows(
        "SELECT event_id FROM delivery WHERE endpoint_id = :e ORDER BY seq", e=fresh.id
    )
    assert [row[0] for row in owed] == later
    assert is_due(outbox, fresh.id)


def test_deliveries_are_paged_from_the_newest(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    events = [outbox.event(cast.b.handle, f"frq_{number}") for number in range(5)]
    seen: list[str] = []
    wanted, more = Newest(limit=2), True
    with outbox.database.engine.connect() as connection:
        while more:
            items, before = list_deliveries(connection, cast.b.auditor.actor, endpoint.id, wanted)
            wanted, more = replace(wanted, before=before), before is not None
            seen += [views.DeliveryView.model_validate(item).event_id for item in items]
        only = list_deliveries(connection, cast.b.auditor.actor, endpoint.id, Newest(status="dead"))
    assert seen == events[::-1]
    assert only == ([], None)


def test_a_partner_is_told_once_that_an_endpoint_fails(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    tell = TellEndpointFailing(endpoint_id=endpoint.id)
    assert run(outbox, tell, None) == {"status": "unchanged"}
    outbox.change("UPDATE webhook_endpoint SET failing_since = 1")
    assert run(outbox, tell, None) == {"status": "told"}
    assert run(outbox, tell, None) == {"status": "unchanged"}
    told = outbox.rows("SELECT type FROM event WHERE type = 'endpoint.failing'")
    assert len(told) == 1


def test_commands_of_the_coordinator_are_open_to_no_partner(outbox: Outbox, cast: Cast) -> None:
    endpoint = outbox.endpoint(cast.b.lead)
    with pytest.raises(CoordinatorError):
        run(outbox, TellEndpointFailing(endpoint_id=endpoint.id), cast.b.lead)


def test_commands_never_show_a_secret_in_a_log() -> None:
    body = payloads.NewEndpoint(url=URL)
    for command in (
        RegisterEndpoint(body=body, secret="whsec_x"),
        RotateSecret(endpoint_id="wep_1", secret="whsec_x"),
    ):
        assert "whsec_x" not in repr(command)
