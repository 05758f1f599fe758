"""A partner's on-call chain: who is woken by what, in which order; set and tested by a lead.

What it says of people stands in one sealed document. The act that set it, and the answer that a
retry would hear, go with it, so that a chain that is over leaves nobody's address behind. The log
and the record of pages name people by their ids alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError, NotFoundError
from coordinator.domain.on_call import BETWEEN_TESTS
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.services.membership.zones import require_zone
from coordinator.services.requests.alarms import TEST, alarm_view, queue_calls, record_paged
from coordinator.storage.membership import on_call as store
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.on_call import (
    OnCall,
    OnCallDocument,
    StoredChannel,
    StoredQuiet,
    StoredStep,
)
from coordinator.storage.requests import alarms as alarm_store
from coordinator.storage.requests.alarms import Alarm, Call
from coordinator.storage.tail import idempotency
from holdfast.protocol.on_call_payloads import NewOnCall, NewOnCallTest
from holdfast.protocol.on_call_views import ChannelKind
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id

_MOST_PEOPLE = 1000
_SHOWN_OF_KEY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOnCall:
    """A lead says who is woken; its channels' URLs were checked before the transaction."""

    body: NewOnCall


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOnCall:
    """A lead ends it: nobody is woken any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageForTest:
    """A lead has everybody of the chain, or one person, paged once."""

    body: NewOnCallTest


class ChannelView(TypedDict):
    """By what somebody is paged (`on_call_views.ChannelView`)."""

    kind: ChannelKind
    target: str


class OnCallStepView(TypedDict):
    """Who is paged (`on_call_views.OnCallStepView`)."""

    person: str
    minutes: int
    channels: Sequence[ChannelView]


class QuietHoursView(TypedDict):
    """When nobody is woken by what can wait (`on_call_views.QuietHoursView`)."""

    zone: str
    begins: str
    ends: str
    rest_days: bool


class OnCallView(TypedDict):
    """A chain (`on_call_views.OnCallView`)."""

    steps: Sequence[OnCallStepView]
    quiet: NotRequired[QuietHoursView | None]
    id: NotRequired[str]
    set_by: NotRequired[str]
    set_at: NotRequired[str]


@handles(SetOnCall, needs=Permission.ON_CALL_CHANGE)
def set_chain(command: SetOnCall, actor: Actor, uow: UnitOfWork) -> Answer:
    """Put a chain in the place of the one before; what is under way goes on along the new one."""
    partner = own_partner(uow, actor)
    _require_people(uow, partner.handle, command.body)
    if command.body.quiet is not None:
        require_zone(command.body.quiet.zone, "/quiet/zone")
    _erase(uow, store.find(uow.connection, partner.handle))
    chain = OnCall(partner.handle, new_id("onc"), actor.subject, uow.now)
    document = _document(command.body)
    store.replace(uow.connection, chain)
    key = uow.key(partner.document_key_id)
    uow.seal(key, chain.id, store.DOCUMENT, document.to_bytes())
    recorded = uow.record(
        "on_call.set",
        {
            "partner": partner.handle,
            "on_call_id": chain.id,
            "by": actor.subject,
            "people": [step.person for step in document.steps],
        },
        key=key,
    )
    # Under the chain's id, so that what proves it goes with the chain.
    store_member_act(uow, actor, MemberAct(chain.id, "set_on_call", None), key, recorded)
    return Answer(201, {**_view(chain, document)}, entry=recorded, about=chain.id)


def _document(body: NewOnCall) -> OnCallDocument:
    steps = [
        StoredStep(
            step.person,
            step.minutes,
            [StoredChannel(**each.model_dump(exclude_none=True)) for each in step.channels],
        )
        for step in body.steps
    ]
    quiet = None if body.quiet is None else StoredQuiet(**body.quiet.model_dump())
    return OnCallDocument(steps, quiet)


@handles(RemoveOnCall, needs=Permission.ON_CALL_CHANGE)
def remove_chain(command: RemoveOnCall, actor: Actor, uow: UnitOfWork) -> Answer:
    """Remove a chain with all that it says of people; what is under way ends."""
    del command
    partner = own_partner(uow, actor)
    before = store.find(uow.connection, partner.handle)
    if before is None:
        raise _no_chain()
    _erase(uow, before)
    store.remove(uow.connection, partner.handle)
    key = uow.key(partner.document_key_id)
    recorded = uow.record(
        "on_call.removed",
        {"partner": partner.handle, "on_call_id": before.id, "by": actor.subject},
        key=key,
    )
    act = MemberAct(new_id("onc"), "remove_on_call", before.id)
    store_member_act(uow, actor, act, key, recorded)
    return Answer(200, {"id": before.id, "status": "removed"}, entry=recorded)


@handles(PageForTest, needs=Permission.ON_CALL_CHANGE)
def page_for_test(command: PageForTest, actor: Actor, uow: UnitOfWork) -> Answer:
    """Page people once, at any hour, and say in the page that it is a test."""
    partner = own_partner(uow, actor)
    chain = store.find(uow.connection, partner.handle)
    document = None if chain is None else store.document(uow.connection, uow.vault, chain.id)
    if chain is None or document is None:
        raise _no_chain()
    last = alarm_store.last_test(uow.connection, partner.handle)
    if last is not None and uow.now < last + BETWEEN_TESTS:
        raise ConflictError(
            f"the chain was tested at {format_time(last)}; test it again a minute later",
            code="tested_just_now",
        )
    known = _people(uow, partner.handle)
    only = command.body.person
    numbers = [
        number
        for number, step in enumerate(document.steps)
        if step.person in known and only in {None, step.person}
    ]
    if not numbers:
        detail = "stands in the chain no more" if only is None else "does not stand in the chain"
        raise InvalidInputError(
            f"the person {detail}", errors=[FieldFault("/person", detail, "person")]
        )
    alarm = Alarm(
        new_id("alm"),
        partner.handle,
        TEST,
        None,
        None,
        can_wait=False,
        owed_at=uow.now,
        paged_at=uow.now,
        ended_at=uow.now,
        outcome=TEST,
    )
    alarm_store.insert_alarms(uow.connection, [alarm])
    calls: list[Call] = []
    for number in numbers:
        calls += queue_calls(uow, alarm, chain, document, number)
    recorded = record_paged(uow, alarm, [document.steps[number].person for number in numbers])
    key = uow.key(partner.document_key_id)
    store_member_act(uow, actor, MemberAct(alarm.id, "page_for_test", only), key, recorded)
    return Answer(201, {**alarm_view(alarm, calls)}, entry=recorded)


def get_chain(context: ReadContext) -> OnCallView:
    """Return the chain of the actor's partner; without one, no steps."""
    chain = store.find(context.connection, context.actor.partner)
    if chain is not None:
        document = store.document(context.connection, context.vault, chain.id)
        if document is not None:
            return _view(chain, document)
    return {"steps": []}


def _no_chain() -> NotFoundError:
    return NotFoundError("your organisation has no on-call chain: set one (POST /v1/on-call)")


def _people(uow: UnitOfWork, handle: str) -> set[str]:
    rows = partner_store.subjects(uow.connection, handle, limit=_MOST_PEOPLE)
    return {row.id for row in rows if row.kind == "person"}


def _require_people(uow: UnitOfWork, handle: str, body: NewOnCall) -> None:
    """Refuse whoever is not one of the partner's people now."""
    known = _people(uow, handle)
    detail = "is nobody who acts for you: name one of your people (GET /v1/people)"
    faults = [
        FieldFault(f"/steps/{number}/person", detail, "person")
        for number, each in enumerate(body.steps)
        if each.person not in known
    ]
    if faults:
        raise InvalidInputError(f"a person of the chain {detail}", errors=faults)


def _erase(uow: UnitOfWork, before: OnCall | None) -> None:
    """Erase what is stored of a chain that is over: the act and the answer that told of it, too."""
    if before is not None:
        uow.remove_document(before.id, store.DOCUMENT)
        uow.remove_document(before.id, "evidence")
        idempotency.erase_about(uow.connection, before.id)


def _view(chain: OnCall, document: OnCallDocument) -> OnCallView:
    return {
        "id": chain.id,
        "steps": [
            {
                "person": step.person,
                "minutes": step.minutes,
                "channels": [
                    {"kind": channel.kind, "target": _shown(channel)} for channel in step.channels
                ],
            }
            for step in document.steps
        ],
        "quiet": None if document.quiet is None else _quiet_view(document.quiet),
        "set_by": chain.set_by,
        "set_at": format_time(chain.set_at),
    }


def _quiet_view(quiet: StoredQuiet) -> QuietHoursView:
    return {
        "zone": quiet.zone,
        "begins": quiet.begins,
        "ends": quiet.ends,
        "rest_days": quiet.rest_days,
    }


def _shown(channel: StoredChannel) -> str:
    """Return as much of a target as it is known by: whoever has a URL or a key can page with it."""
    if channel.address is not None:
        return channel.address
    if channel.routing_key is not None:
        return f"…{channel.routing_key[-_SHOWN_OF_KEY:]}"
    return urlsplit(channel.url or "").hostname or ""
