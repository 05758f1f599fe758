"""A partner's tag key: what its entries of the log are tagged with, so that it alone finds them."""

import hmac
from dataclasses import dataclass
from typing import TypedDict

from coordinator.domain.actor import Actor
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.unit_of_work import Answer, UnitOfWork
from coordinator.services.membership.grants import own_partner
from coordinator.storage.membership import tag_keys as store
from coordinator.storage.tables.partners import TagKeyRow
from holdfast.protocol import base64url, membership_payloads
from holdfast.protocol.type_ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTagKey:
    """A lead sets the key that the partner's entries are tagged with from now on."""

    body: membership_payloads.NewTagKey


class TagKeyView(TypedDict):
    """A key that was set (`views.TagKeyView`)."""

    id: str
    first_leaf: int


@handles(SetTagKey, needs=Permission.TAG_KEY_SET)
def set_tag_key(command: SetTagKey, actor: Actor, uow: UnitOfWork) -> Answer:
    """Put a key in the place of the one before, from the leaf of this very act on.

    The present one, sent again, is answered with the leaf that it holds from: whoever lost the
    answer loses no key.
    """
    partner = own_partner(uow, actor)
    key = base64url.decode(command.body.tag_key)
    present = store.find(uow.connection, partner.handle)
    if present is not None and present.leaf_index is not None:
        if hmac.compare_digest(store.opened(present, uow.vault), key):
            known: TagKeyView = {"id": present.id, "first_leaf": present.leaf_index}
            return Answer(200, known)
        uow.remove_document(present.id, store.DOCUMENT)
    sealing = uow.key(partner.document_key_id)
    tag_key_id = new_id("tgk")
    store.replace(uow.connection, tag_key_id, partner.handle)
    uow.seal(sealing, tag_key_id, store.DOCUMENT, key)
    uow.set_tag_key(partner.handle, key)
    recorded = uow.record(
        "tag_key.set",
        {"partner": partner.handle, "tag_key_id": tag_key_id, "by": actor.subject},
        key=sealing,
    )
    uow.set_leaf(TagKeyRow, tag_key_id, recorded)
    act = MemberAct(new_id("act"), "set_tag_key", tag_key_id)
    store_member_act(uow, actor, act, sealing, recorded)
    return Answer(201, {"id": tag_key_id}, entry=recorded, index_as="first_leaf")
