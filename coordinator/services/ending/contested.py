"""Contested: what a partner disputes for its customer shows to all who hold the same account.

Upheld, it goes on showing, to its partner as well, until the requester withdraws the address.

Others on the same request learn the bare fact, of which addresses, and since when not any more:
never whose dispute it is, nor its words. That is why it is told by the coordinator alone. It is
told anew whenever these addresses are others, so that what a holder read last is true.
"""

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.contested import addresses_to_withdraw, contested_addresses
from coordinator.domain.leg import LegFlag, flags_with
from coordinator.services.core.acts import RequestContext
from coordinator.services.ending.ended_legs import all_legs
from coordinator.storage.ending import disputes as store
from coordinator.storage.requests import flagged_accounts as account_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from holdfast.protocol.vocabulary import EventType, RequestStatus

#: Addresses that one event names.
_NAMED = 500


def refresh_contested(on: RequestContext) -> None:
    """Write anew which legs hold what a customer contests, and what is upheld but not withdrawn.

    Call it after all else was written and told. Costs a look at the request's row where nobody
    disputes anything, and nobody did before.
    """
    connection, request_id = on.uow.connection, on.request.id
    disputes = store.open_on_request(connection, request_id)
    if not disputes and not on.request.contested:
        return
    is_active = on.request.status == RequestStatus.ACTIVE
    upheld = store.upheld_on_request(connection, request_id)
    held = store.held_places(connection, request_id)
    numbers = {place.address_no for place in held}.union(
        *(each.upheld_addresses for each in upheld)
    )
    accounts = account_store.same_accounts(connection, request_id, numbers)
    withdrawn = request_store.withdrawn_addresses(connection, request_id) if upheld else {}
    to_withdraw: set[int] = set()
    for each in upheld:
        waiting = addresses_to_withdraw(each, held, accounts, withdrawn) if is_active else []
        to_withdraw.update(waiting)
        if waiting != (each.to_withdraw or []):
            store.set_to_withdraw(connection, each.id, waiting, on.uow.now)
    contested = contested_addresses(disputes, held, accounts, to_withdraw)
    # Upheld, it matters to who freezes later, too, as long as the request takes freezes.
    is_contested = bool(disputes) or (bool(upheld) and is_active)
    if is_contested != on.request.contested:
        request_store.set_contested(connection, request_id, contested=is_contested)
    for leg in all_legs(on.uow, request_id):
        own = sorted(contested.get(leg.id, ()))
        if own == (leg.contested_nos or []):
            continue
        flags = flags_with(leg.flags, LegFlag.CONTESTED, holds=bool(own))
        leg_store.change(connection, leg, flags=flags, contested_nos=own or None)
        told = {
            "contested": bool(own),
            "address_nos": own[:_NAMED],
            "address_count": len(own),
            "address_nos_cut": len(own) > _NAMED,
        }
        on.on_leg(leg).by(COORDINATOR).record(EventType.LEG_CONTESTED, told)
