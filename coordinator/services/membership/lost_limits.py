"""Legs limited to people of whom nobody can act any more: everybody of the partner sees them again.

A leg that nobody could answer for would be money that nobody watches.
"""

from collections.abc import Mapping, Sequence

from coordinator.services.core.unit_of_work import UnitOfWork
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import leg_limits as store
from holdfast.protocol.vocabulary import Role


def lift_lost_limits(uow: UnitOfWork, handle: str, key: DocumentKey) -> None:
    """Lift the limits of a partner's legs that name no security lead any more.

    Call it once somebody's rights were taken away, in the same transaction.
    """
    for leg in store.left_to_nobody(uow.connection, handle, leads_of(able_people(uow, handle))):
        store.lift(uow.connection, leg.id)
        uow.record(
            "leg.limit_lost",
            {"partner": handle, "request_id": leg.request_id, "leg_id": leg.id},
            key=key,
        )


def able_people(uow: UnitOfWork, handle: str) -> Mapping[str, Sequence[str]]:
    """Return the roles of the people of a partner who hold a good key, by person."""
    people = partner_store.send_people(uow.connection, handle)
    return {person.id: person.roles for person in people.rows()}


def leads_of(able: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the security leads among `able_people`."""
    return [person for person, roles in able.items() if Role.SECURITY_LEAD in roles]
