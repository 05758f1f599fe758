"""How far ahead a partner may set the end of a hold on a request."""

from coordinator.domain.hold_limits import HoldLimits
from coordinator.services.core.acts import LegContext
from coordinator.services.requests.freeze_request_views import support_of
from coordinator.storage.membership import partners as partner_store
from holdfast.protocol.vocabulary import PartnerKind


def limits_on(on: LegContext) -> HoldLimits:
    """Return the limits where the leg's partner is, by whose word the request rests on now."""
    partner = partner_store.partner(on.uow.connection, on.leg.partner)
    return on.uow.policies.max_hold(
        None if partner is None else partner.jurisdiction,
        support=support_of(on.request),
        is_issuer=partner is not None and partner.kind == PartnerKind.ISSUER,
    )
