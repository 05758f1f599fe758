"""Whether amounts are told on a leg: what its two sides hold in common, at this moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.domain.gateway import NOT_ASKED, LegGateway, leg_gateway, require_statable
from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.membership import gateways as store
from coordinator.storage.requests import gateways as request_store
from coordinator.storage.tables.freeze_requests import LegRow
from holdfast.protocol import payloads
from holdfast.protocol.vocabulary import Gateway, Support


def gateways_of_legs(
    connection: Connection, policies: Policies, now: datetime, legs: Sequence[LegRow]
) -> Mapping[str, LegGateway]:
    """Return what the sides of each leg have in common; no query where none is asked for."""
    if not policies.amounts_need_gateway or not legs:
        return dict.fromkeys((leg.id for leg in legs), NOT_ASKED)
    requests = request_store.asked_under(connection, {leg.request_id for leg in legs})
    handles = {leg.partner for leg in legs} | {each.requester for each in requests.values()}
    held = store.held(connection, handles, now)
    orders = request_store.with_order(connection, set(requests))
    found = {}
    for leg in legs:
        request = requests[leg.request_id]
        stated = None if request.gateway is None else Gateway(request.gateway)
        found[leg.id] = leg_gateway(
            held.get(request.requester, ()),
            held.get(leg.partner, ()),
            stated=stated,
            on_order=not orders.isdisjoint({(leg.request_id, None), (leg.request_id, leg.id)}),
        )
    return found


def untold_legs(
    connection: Connection, policies: Policies, now: datetime, leg_ids: Sequence[str]
) -> frozenset[str]:
    """Return those of the named legs on which no amount is told."""
    if not policies.amounts_need_gateway or not leg_ids:
        return frozenset()
    rows = request_store.legs(connection, leg_ids)
    found = gateways_of_legs(connection, policies, now, rows)
    return frozenset(leg_id for leg_id, each in found.items() if not each.amounts_told)


def require_stated_gateway(uow: UnitOfWork, actor: Actor, document: payloads.FreezeRequest) -> None:
    """Refuse a request under a gateway that its partner does not hold.

    Raises:
        GatewayError: Saying which it holds.
    """
    if document.gateway is None:
        return
    order = document.legal is not None and document.legal.order is not None
    require_statable(
        document.gateway,
        store.held(uow.connection, [actor.partner], uow.now).get(actor.partner, ()),
        is_asked=uow.policies.amounts_need_gateway,
        names_order=order or document.support is Support.ORDER,
    )
