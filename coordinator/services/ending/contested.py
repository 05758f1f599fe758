"""Contested: what a partner disputes for its customer shows to all who hold the same account.

Others on the same request learn the bare fact, and since when not any more: never whose dispute it
is, nor its words. That is why it is told by the coordinator alone.
"""

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.contested import contested_addresses
from coordinator.domain.leg import LegFlag, flags_with
from coordinator.services.core.acts import RequestContext
from coordinator.services.ending.ended_legs import all_legs
from coordinator.storage.ending import disputes as store
from coordinator.storage.requests import flagged_accounts as account_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from holdfast.protocol.vocabulary import EventType

#: Addresses that one event names.
_NAMED = 500


def refresh_contested(on: RequestContext) -> None:
    """Write anew which legs of a request hold what another partner's customer contests.

    Call it after all else was written and told. Costs a look at the request's row where nobody
    disputes anything, and nobody did before.
    """
    connection, request_id = on.uow.connection, on.request.id
    disputes = store.open_on_request(connection, request_id)
    if not disputes and not on.request.contested:
        return
    held = store.held_places(connection, request_id)
    numbers = sorted({place.address_no for place in held})
    accounts = account_store.same_accounts(connection, request_id, numbers)
    contested = contested_addresses(disputes, held, accounts)
    if bool(disputes) != on.request.contested:
        request_store.set_contested(connection, request_id, contested=bool(disputes))
    for leg in all_legs(on.uow, request_id):
        own = sorted(contested.get(leg.id, ()))
        if bool(own) == (LegFlag.CONTESTED in leg.flags):
            continue
        flags = flags_with(leg.flags, LegFlag.CONTESTED, holds=bool(own))
        leg_store.change(connection, leg, flags=flags)
        told = {"contested": bool(own), "address_nos": own[:_NAMED], "cut": len(own) > _NAMED}
        on.on_leg(leg).by(COORDINATOR).record(EventType.LEG_CONTESTED, told)
