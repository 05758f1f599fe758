"""What partners and the reader's own people are called, in documents that people read."""

from collections.abc import Mapping

from coordinator.domain.permission import Permission, is_allowed
from coordinator.services.core.read_context import ReadContext
from coordinator.services.membership.partner_views import person_views
from coordinator.storage.membership import partners as store
from holdfast.protocol.payloads import MAX_PARTNERS_ASKED

#: Those asked, and the requester.
_MOST_PARTNERS = MAX_PARTNERS_ASKED + 1
_MOST_PEOPLE = 1_000


def partner_names(read: ReadContext) -> Mapping[str, str]:
    """Return what partners are called, by handle."""
    return {row.handle: row.name for row in store.partners(read.connection, limit=_MOST_PARTNERS)}


def people_names(read: ReadContext) -> Mapping[str, str]:
    """Return what the reader's own people are called, by id, as far as it may read that."""
    if not is_allowed(Permission.PARTNER_READ, read.actor):
        return {}
    rows = store.subjects(
        read.connection, read.actor.partner, with_former=True, after="", limit=_MOST_PEOPLE
    )
    views = person_views(read.connection, read.vault, read.policies, rows)
    return {each["id"]: each["display_name"] for each in views if each["display_name"]}
