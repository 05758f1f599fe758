"""Holds of the same tokens."""

from coordinator.api.pipeline import SignedCall
from coordinator.api.view import command_view
from coordinator.services.ledger.same_funds import MarkSameFunds
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views


@command_view(MarkSameFunds, body=payloads.SameFunds, answer=life_cycle_views.SameFundsView)
def mark(call: SignedCall[payloads.SameFunds], request_id: str) -> MarkSameFunds:
    """Say that two partners hold the same tokens: `same_as` counts, `hold` is left out of sums.

    As an exchange and an issuer may. Each partner's own ledger stays as it is, and neither is told.
    When the counted hold ends, the other counts again. `same_as: null` takes the mark back.
    """
    return MarkSameFunds(request_id=request_id, body=call.body)
