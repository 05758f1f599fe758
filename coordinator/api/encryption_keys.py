"""Keys that evidence is sealed to."""

from typing import Any

from coordinator.api.membership_reads import OfPartnerQuery
from coordinator.api.paging import after_kid, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.membership.encryption_keys import (
    SetEncryptionKey,
    checked_key,
    encryption_key_views,
)
from coordinator.storage.membership import encryption_keys as store
from holdfast.protocol import sealed_payloads, views


@command_view(
    SetEncryptionKey, body=sealed_payloads.NewEncryptionKey, answer=views.EncryptionKeyView
)
def set_key(call: SignedCall[sealed_payloads.NewEncryptionKey]) -> SetEncryptionKey:
    """Publish the key that others seal evidence to for your organisation; for security leads.

    It takes the place of the one that `replaces` names. Keep the private half of that one: what was
    sealed to it opens with nothing else. All members are told.
    """
    return SetEncryptionKey(body=call.body, key=checked_key(call.body))


@query_view(
    query=OfPartnerQuery,
    answer=views.Page[views.EncryptionKeyView],
    needs=Permission.PARTNER_READ,
)
def list_keys(reader: Reader, query: OfPartnerQuery) -> dict[str, Any]:
    """List encryption keys, replaced ones too, each with the act that proves whose it is."""
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(
            reader.connection, query.partner, after=after_kid(query), limit=limit
        ),
        lambda rows: encryption_key_views(reader.connection, reader.vault, rows),
        key=lambda row: row.kid,
    )
