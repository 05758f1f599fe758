"""Limiting a leg to named people of the partner asked.

A leg that nobody could answer for would be money that nobody watches: one of the named is always a
security lead, and where the last of them goes, so does the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.errors import ConflictError, FieldFault, InvalidInputError
from coordinator.domain.permission import Permission
from coordinator.services.core.access import asked_leg
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.services.membership.lost_limits import able_people, leads_of
from coordinator.services.requests.freeze_request_views import ActView
from coordinator.services.requests.legs import leg_now
from coordinator.storage.requests import leg_limits as store
from holdfast.protocol.leg_limit_payloads import LegLimit
from holdfast.protocol.type_ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLeg:
    """A lead says who of its partner sees the leg, or that everybody does again."""

    request_id: str
    body: LegLimit


@handles(LimitLeg, needs=Permission.LEG_LIMIT)
def limit_leg(command: LimitLeg, actor: Actor, uow: UnitOfWork) -> Answer:
    """Limit a leg; only those who see it now can change that."""
    # Nobody of the partner comes or goes meanwhile.
    partner = own_partner(uow, actor)
    body = command.body
    on = asked_leg(uow, actor, command.request_id, body.content_sha256)
    if body.people is None:
        if on.leg.limited_at is None:
            raise ConflictError(
                "everybody of your organisation sees this leg already", code="not_limited"
            )
        store.lift(uow.connection, on.leg.id)
    else:
        _require_able(uow, actor.partner, body.people)
        store.limit(uow.connection, on.leg.id, body.people, at=uow.now, by=actor.subject)
    key = uow.key(partner.document_key_id)
    told = {
        "partner": actor.partner,
        "request_id": on.request.id,
        "leg_id": on.leg.id,
        "by": actor.subject,
        "people": body.people,
    }
    recorded = uow.record("leg.limited", told, key=key)
    act = MemberAct(new_id("act"), "limit_leg", on.leg.id)
    store_member_act(uow, actor, act, key, recorded)
    answer: ActView = {
        "id": act.id,
        "request_id": on.request.id,
        "status": on.leg.status,
        "leg": leg_now(on),
    }
    return Answer(201, answer, entry=recorded)


def _require_able(uow: UnitOfWork, handle: str, people: Sequence[str]) -> None:
    able = able_people(uow, handle)
    detail = "is nobody who acts for you with a good key: name one of your people (GET /v1/people)"
    faults = [
        FieldFault(f"/people/{number}", detail, "person")
        for number, person in enumerate(people)
        if person not in able
    ]
    if faults:
        raise InvalidInputError(f"a person named {detail}", errors=faults)
    if not set(people) & set(leads_of(able)):
        detail = "names no security lead with a good key: nobody could change it again"
        raise InvalidInputError(
            f"people {detail}", errors=[FieldFault("/people", detail, "lead_missing")]
        )
