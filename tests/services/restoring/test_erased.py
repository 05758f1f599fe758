"""What was erased waits for nobody: claims and return requests on it are left alone."""

from datetime import timedelta

import pytest

from coordinator.domain.actor import COORDINATOR
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import ConflictError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.ending.erasures import EraseByPolicy, ProposeErasure
from coordinator.services.restoring.liftings import MissReview
from coordinator.services.restoring.return_requests import ExpireReturn
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.requests import erasures
from coordinator.storage.restoring import encumbrances, return_requests
from holdfast.protocol.payloads import format_time
from holdfast.protocol.vocabulary import ErasureReason
from tests.factories import ACCOUNT, ETHER, Cast, Signer
from tests.rulebook import command_context
from tests.services.every_event import register_destination
from tests.services.through_api import World, released_line


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _operate(w: World, command: object) -> None:
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        uow.finish(execute(command, COORDINATOR, uow))


def test_no_timer_and_no_task_is_left_of_what_was_erased(w: World) -> None:
    a, b = w.cast.a, w.cast.b
    destination = register_destination(w.signer, a)["id"]
    w.clock.step(timedelta(hours=24))
    request = w.live()
    hold = w.freeze(b, request)
    asked = {
        "to": b.handle,
        "holds": "all",
        "asset": ETHER,
        "amount": "all",
        "destination": {"id": destination, "account": ACCOUNT},
        "basis": {"kind": "own_error", "reason": "A digit was wrong."},
    }
    made = w.act(a.compliance, request, "return-requests", **asked)
    claim = {
        "kind": "attachment",
        "order_sha256": "ab" * 32,
        "hold": hold,
        "blocks": ["payout"],
        "court": "Harju County Court",
        "number": "2-26-123",
        "review_at": format_time(w.clock.now() + timedelta(hours=1)),
    }
    attached = w.act(b.compliance, request, "encumbrances", **claim)
    w.act(a.lead, request, "withdrawal", addresses="all", reason_code="other", reason="A mistake.")
    w.report(b, request, [released_line(hold, "700", "withdrawn")])
    _operate(w, ProposeErasure(request_id=request["id"], reason=ErasureReason.DATA_SUBJECT))
    w.act(a.lead, request, "erasure", reason="data_subject")
    w.clock.step(timedelta(days=10))
    now = w.clock.now()
    with w.database.engine.connect() as connection:
        due = encumbrances.due_encumbrances(connection, now, 10)
        late = return_requests.due(connection, now)
    _operate(w, MissReview(restraint_id=attached["id"]))
    _operate(w, ExpireReturn(return_id=made["id"]))
    assert (due, late) == ([], [])
    for member in (a.lead, b.compliance):
        assert w.get(member, "/v1/tasks")["items"] == []


def test_a_request_is_kept_while_its_claim_lies_on_a_hold_that_counts_for_another(w: World) -> None:
    a, b, c = w.cast.a, w.cast.b, w.cast.c
    request, other = w.live(), w.live(c, to=[b.handle])
    hold = w.freeze(b, request)
    w.report(b, other, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    claim = {
        "kind": "attachment",
        "order_sha256": "ab" * 32,
        "hold": hold,
        "blocks": ["release"],
        "court": "Harju County Court",
        "number": "2-26-123",
    }
    attached = w.act(b.compliance, request, "encumbrances", **claim)
    w.act(a.lead, request, "withdrawal", addresses="all", reason_code="other", reason="A mistake.")
    kept = {"kind": "kept", "hold": hold, "basis": "other_request", "other_request": other["id"]}
    w.report(b, request, [kept])
    erasing = ProposeErasure(request_id=request["id"], reason=ErasureReason.DATA_SUBJECT)
    with pytest.raises(ConflictError, match="have it lifted first"):
        _operate(w, erasing)
    w.clock.step(timedelta(days=4000))
    with w.database.engine.connect() as connection:
        assert erasures.due(connection, w.clock.now(), 10) == []
    _operate(w, EraseByPolicy(request_id=request["id"]))
    lifting = {"act_sha256": attached["act_sha256"], "document_sha256": "cd" * 32}
    w.act(b.lead, request, f"encumbrances/{attached['id']}/lifting", **lifting)
    with w.database.engine.connect() as connection:
        assert erasures.due(connection, w.clock.now(), 10) == [request["id"]]
    _operate(w, erasing)
    w.act(a.lead, request, "erasure", reason="data_subject")
