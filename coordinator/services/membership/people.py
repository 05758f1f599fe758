"""What a partner calls its own people and systems: sealed, read by its own, and erasable.

A name stands in one sealed document of its person or system. Whatever else a change leaves behind
(its token and body, the answer that a retry would hear) is erased by the next change of the same
names, so that erasing a name erases it everywhere. The log and the event tell that names changed,
whose and by whom, and no hash that a name could be guessed from.
"""

from dataclasses import dataclass

from coordinator.domain.actor import Actor
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.services.membership.partner_views import NAMES, Names, names_of, person_view
from coordinator.storage.ending.retention import mark_forgotten
from coordinator.storage.engine.documents import load_one
from coordinator.storage.membership import partners as store
from coordinator.storage.tail import idempotency
from holdfast.protocol import canonical_json, membership_payloads
from holdfast.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePerson:
    """A lead names one of the partner's people or systems, or erases the name.

    Attributes:
        person_id: `per_…` or `sys_…`; of one who was taken away, too.
        body: What changes; what it leaves out stays, and None erases.
    """

    person_id: str
    body: membership_payloads.PersonChanges


@handles(NamePerson, needs=Permission.PERSON_NAME)
def name_person(command: NamePerson, actor: Actor, uow: UnitOfWork) -> Answer:
    """Change the names of one of one's own, and erase what earlier changes left behind."""
    partner = own_partner(uow, actor)
    row = store.subject(uow.connection, command.person_id)
    if row is None or row.partner != partner.handle:
        raise NotFoundError("you have no such person or system")
    key = uow.key(partner.document_key_id)
    before = names_of(load_one(uow.connection, uow.vault, row.id, NAMES))
    changes = command.body.model_dump(exclude_unset=True)
    names = before._replace(**changes)
    idempotency.erase_about(uow.connection, row.id)
    uow.remove_document(row.id, NAMES)
    if names != Names():
        uow.seal(key, row.id, NAMES, canonical_json.dumps(names._asdict()))
        if row.forgotten_at is not None:
            mark_forgotten(uow.connection, row.id, None)
    uow.replace_document(key, row.id, "evidence", uow.evidence.packed())
    recorded = uow.record(
        EventType.PARTNER_NAMES_CHANGED,
        {
            "partner": partner.handle,
            "subject": row.id,
            "by": actor.subject,
            "changed": sorted(changes),
        },
        key=key,
        audience=[partner.handle],
    )
    kids = store.kids_of(uow.connection, partner.handle, [row.id])[row.id]
    return Answer(200, person_view(row, kids, names, uow.policies), entry=recorded, about=row.id)
