"""What each side reads of a request on its straight way."""

from coordinator.domain.clock import SteppedClock
from partners.protocol import views
from tests.api.acts import approve, report_frozen, submit
from tests.factories import Cast, Signer


def test_everything_a_requester_reads_of_its_request_adds_up(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    answer = signer.get(cast.a.auditor, f"/v1/freeze-requests/{request['id']}")
    assert answer.status_code == 200, answer.data
    view = views.FreezeRequestView.model_validate(answer.json)
    assert view.leg_counts == {"queued": 2, "frozen": 1}, answer.data
