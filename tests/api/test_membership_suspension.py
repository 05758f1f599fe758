"""Suspension: a partner only settles what it holds; what it asked for is withdrawn or marked."""

from typing import Any

import pytest

from coordinator.dispatcher.timers import all_timers
from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import AuthenticationError, ConflictError, NotFoundError
from coordinator.services.commands import execute
from coordinator.services.core.unit_of_work import Evidence, transaction
from coordinator.services.membership.partners import ChangeEntry
from coordinator.services.membership.rotations import RotateKey
from coordinator.services.membership.suspensions import (
    ReinstatePartner,
    SuspendPartner,
    SuspendRequest,
)
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership import partners as store
from holdfast.protocol.membership_payloads import Grant, PartnerChanges
from holdfast.protocol.vocabulary import Role
from tests.api.acts import approve, report_frozen, submit
from tests.api.membership_acts import (
    events,
    is_served,
    new_person,
    operate,
    rotation_body,
    with_new_key,
)
from tests.factories import ETHER, ORIGIN, Cast, Exchange, Signer, freeze_request_body, grant_body
from tests.rulebook import RULEBOOK, command_context

REQUESTS = "/v1/freeze-requests"
#: From the examples of EIP-55: other accounts than the one that is flagged already.
FIRST = "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SECOND = "eip155:1:0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


class Operator:
    """Suspends and reinstates, and lets the worker's timer run."""

    def __init__(self, database: Database, vault: Vault, clock: SteppedClock) -> None:
        self.database, self.vault, self.clock = database, vault, clock

    def suspend(self, exchange: Exchange) -> None:
        """Suspend an exchange."""
        operate(self.database, self.vault, self.clock, SuspendPartner(handle=exchange.handle))

    def reinstate(self, exchange: Exchange) -> None:
        """Let an exchange act again."""
        operate(self.database, self.vault, self.clock, ReinstatePartner(handle=exchange.handle))

    def due(self) -> list[str]:
        """Return which requests the worker would take up."""
        [timer] = [timer for timer in all_timers(RULEBOOK.policies) if timer.name == "suspension"]
        with self.database.engine.connect() as connection:
            return list(timer.find(connection, self.clock.now(), 100))

    def take_up(self, request_id: str) -> str:
        """Fire the timer for one request; returns its status after that."""
        command = SuspendRequest(request_id=request_id)
        return str(operate(self.database, self.vault, self.clock, command).body["status"])


@pytest.fixture
def operator(database: Database, vault: Vault, clock: SteppedClock) -> Operator:
    """The operator of this test's coordinator."""
    return Operator(database, vault, clock)


def held_by_b(signer: Signer, cast: Cast) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have B hold something on a request of A; returns request and report."""
    request = submit(signer, cast)
    approve(signer, cast, request)
    return request, report_frozen(signer, cast.b, request)


def release(hold: str, amount: str = "700") -> dict[str, Any]:
    return {"kind": "released", "hold": hold, "amount": amount, "reason": "false_positive"}


def report(request: dict[str, Any], *lines: dict[str, Any]) -> dict[str, Any]:
    return {"content_sha256": request["content_sha256"], "lines": list(lines)}


def test_the_keys_of_a_suspended_partner_answer_401(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    operator.suspend(cast.b)
    paths = [
        "/v1/partners",
        "/v1/partners/me",
        "/v1/keys",
        "/v1/grants",
        "/v1/people",
        "/v1/events",
        "/v1/incidents",
        "/v1/webhook-endpoints",
        REQUESTS,
        f"{REQUESTS}?box=received",
        f"{REQUESTS}/{request['id']}",
        f"{REQUESTS}/{request['id']}/holds",
    ]
    for path in paths:
        answer = signer.get(cast.b.lead, path)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated"), path
    act = {"content_sha256": request["content_sha256"]}
    for member, path, body in (
        (cast.b.lead, f"{REQUESTS}/{request['id']}/acknowledgement", act),
        (cast.b.lead, f"{REQUESTS}/{request['id']}/review", act),
        (cast.b.analyst, REQUESTS, freeze_request_body(to=[cast.c.handle])),
        (cast.b.analyst, "/v1/revocations", {"kid": cast.b.lead.key.kid}),
        (cast.b.root, "/v1/grants", grant_body(new_person(cast.b, Role.SECURITY_LEAD))),
        (
            cast.b.analyst,
            "/v1/grants",
            rotation_body(cast.b.analyst, with_new_key(cast.b.analyst)),
        ),
    ):
        assert signer.post(member, path, body).status_code == 401, path
    names, path = {"display_name": "Ada"}, f"/v1/people/{cast.b.analyst.subject}"
    assert signer.send(cast.b.lead, "PATCH", path, names).status_code == 401
    assert is_served(signer, cast.c.analyst)


@pytest.mark.parametrize("by", ["root", "lead"])
@pytest.mark.parametrize("what", ["kid", "subject"])
def test_a_suspended_partner_takes_a_stolen_key_away(
    signer: Signer, cast: Cast, operator: Operator, by: str, what: str
) -> None:
    stolen = cast.b.second_lead
    operator.suspend(cast.b)
    named = {"kid": stolen.key.kid} if what == "kid" else {"subject": stolen.subject}
    body = {**named, "compromised_since": "2026-03-01T00:00:00Z"}
    answer = signer.post(getattr(cast.b, by), "/v1/revocations", body, key="stolen-1")
    assert answer.status_code == 201, answer.data
    assert answer.get_json()["kids"] == [stolen.key.kid]
    again = signer.post(getattr(cast.b, by), "/v1/revocations", body, key="stolen-1")
    assert (again.status_code, again.data) == (201, answer.data)
    [told] = events(signer, cast.c.auditor, "grant.revoked")
    assert (told["partner"], told["kids"]) == (cast.b.handle, [stolen.key.kid])
    # It is over for what a suspended partner may do, and stays so when the partner is back.
    assert signer.post(stolen, "/v1/revocations", {"kid": cast.b.lead.key.kid}).status_code == 401
    operator.reinstate(cast.b)
    assert not is_served(signer, stolen)
    assert is_served(signer, cast.b.lead)


def test_a_suspended_partner_takes_away_no_key_of_others(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    operator.suspend(cast.b)
    for named in ({"kid": cast.c.lead.key.kid}, {"subject": cast.c.lead.subject}):
        assert signer.post(cast.b.root, "/v1/revocations", named).status_code == 404
    assert (
        signer.post(cast.b.lead, "/v1/revocations", {"kid": cast.b.root.key.kid}).status_code == 409
    )
    assert is_served(signer, cast.c.lead)


def test_not_even_the_retry_of_a_rotation_is_answered_while_suspended(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    old = cast.b.analyst
    body = rotation_body(old, with_new_key(old))
    assert signer.post(old, "/v1/grants", body, key="rotation-1").status_code == 201
    operator.suspend(cast.b)
    assert signer.post(old, "/v1/grants", body, key="rotation-1").status_code == 401


def test_everybody_is_told_of_a_suspension_and_of_the_return(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    operator.suspend(cast.b)
    [told] = events(signer, cast.c.auditor, "partner.suspended")
    assert (told["partner"], told["status"]) == (cast.b.handle, "suspended")
    listed = signer.get(cast.a.auditor, "/v1/partners").get_json()["items"]
    assert {item["handle"]: item["status"] for item in listed}[cast.b.handle] == "suspended"
    operator.reinstate(cast.b)
    told = events(signer, cast.c.auditor, "partner.joined")[-1]
    assert (told["partner"], told["reinstated"]) == (cast.b.handle, True)
    assert is_served(signer, cast.b.analyst)


def test_a_suspended_partner_is_not_asked(signer: Signer, cast: Cast, operator: Operator) -> None:
    operator.suspend(cast.b)
    answer = signer.post(cast.a.analyst, REQUESTS, freeze_request_body(to=[cast.b.handle]))
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["code"] == "suspended_partner"
    everybody = signer.post(cast.a.analyst, REQUESTS, freeze_request_body(to="all"))
    assert everybody.get_json()["to"] == [cast.c.handle, cast.d.handle]


#: The lists below a request that whoever settles a hold has to read.
WHILE_SUSPENDED = (
    *("addresses", "legs", "ledger", "holds", "evidence", "withdrawals", "clearances"),
    *("support", "indemnities", "legal-orders", "summary.pdf", "evidence-bundle"),
)


def test_a_suspended_partner_reads_nothing_of_a_request_on_which_it_holds_nothing(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    request, _ = held_by_b(signer, cast)
    operator.suspend(cast.c)
    for name in WHILE_SUSPENDED:
        path = f"{REQUESTS}/{request['id']}/{name}"
        assert signer.get(cast.c.compliance, path).status_code == 401, name


def test_a_suspended_partner_settles_what_it_holds_and_reads_what_it_needs_for_that(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    request, booked = held_by_b(signer, cast)
    hold = next(line["hold"] for line in booked["lines"] if line.get("hold"))
    operator.suspend(cast.b)
    path = f"{REQUESTS}/{request['id']}"
    for name in ("", *(f"/{each}" for each in WHILE_SUSPENDED)):
        answer = signer.get(cast.b.compliance, path + name)
        assert answer.status_code == 200, (name, answer.data)
    longer = {
        "content_sha256": request["content_sha256"],
        "hold": hold,
        "hold_expires_at": "2026-03-20T12:00:00Z",
        "basis": "voluntary",
    }
    extended = signer.post(cast.b.compliance, f"{path}/hold-extensions", longer)
    assert extended.status_code == 201, extended.data
    released = signer.post(
        cast.b.compliance, f"{path}/freeze-reports", report(request, release(hold, "300"))
    )
    assert released.status_code == 201, released.data
    line = booked["lines"][1]["id"]
    correction = {"kind": "correction", "corrects": line, "amount": "600", "reason": "a typo"}
    corrected = signer.post(
        cast.b.compliance, f"{path}/freeze-reports", report(request, correction)
    )
    assert corrected.status_code == 201, corrected.data
    assert signer.get(cast.b.root, path).status_code == 401


def test_a_suspended_partner_reports_nothing_new(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    request, booked = held_by_b(signer, cast)
    hold = next(line["hold"] for line in booked["lines"] if line.get("hold"))
    operator.suspend(cast.b)
    path = f"{REQUESTS}/{request['id']}/freeze-reports"
    found = {"kind": "found", "address_no": 0, "asset": ETHER, "amount": "9"}
    nothing = {"kind": "nothing", "address_nos": [0]}
    answer = signer.post(cast.b.compliance, path, report(request, release(hold), found, nothing))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "partner_suspended")
    pointers = [fault["pointer"] for fault in answer.get_json()["errors"]]
    assert pointers == ["/lines/1", "/lines/2"]
    operator.reinstate(cast.b)
    ledger = signer.get(cast.b.compliance, f"{REQUESTS}/{request['id']}/ledger").get_json()
    assert len(ledger["items"]) == 2


def test_a_suspended_partner_shares_no_hold_with_another_request(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    _, booked = held_by_b(signer, cast)
    hold = next(line["hold"] for line in booked["lines"] if line.get("hold"))
    other = submit(signer, cast)
    approve(signer, cast, other)
    path = f"{REQUESTS}/{other['id']}/freeze-reports"
    share = {"kind": "frozen", "address_no": 0, "hold": hold}
    operator.suspend(cast.b)
    for lines in ([share], [share, release(hold)]):
        answer = signer.post(cast.b.compliance, path, report(other, *lines))
        assert (answer.status_code, answer.get_json()["code"]) == (403, "partner_suspended")
        pointers = [fault["pointer"] for fault in answer.get_json()["errors"]]
        assert pointers == [f"/lines/{number}" for number in range(len(lines))]
    operator.reinstate(cast.b)
    assert signer.post(cast.b.compliance, path, report(other, share)).status_code == 201
    operator.suspend(cast.b)
    # What was shared before counts for both: it is settled on either.
    settled = signer.post(cast.b.compliance, path, report(other, release(hold)))
    assert settled.status_code == 201, settled.data


def test_what_a_suspended_partner_asked_is_withdrawn_or_unratified_unless_it_is_active(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    active, _ = held_by_b(signer, cast)
    submitted = submit(signer, cast, addresses=[{"account": FIRST}])
    policy = {"may_flash": [cast.a.analyst.subject]}
    assert signer.post(cast.a.root, "/v1/grants", {"policy": policy}).status_code == 201
    flash = submit(signer, cast, urgency="flash", addresses=[{"account": SECOND}])
    assert flash["provisional"] is True
    others = signer.post(
        cast.c.analyst, REQUESTS, freeze_request_body(to=[cast.d.handle])
    ).get_json()
    assert operator.due() == []
    operator.suspend(cast.a)
    assert sorted(operator.due()) == sorted([submitted["id"], flash["id"]])
    assert operator.take_up(submitted["id"]) == "withdrawn"
    assert operator.take_up(flash["id"]) == "active"
    for untouched in (active, others, submitted, flash):
        assert operator.take_up(untouched["id"]) == "unchanged"
    assert operator.due() == []
    assert events(signer, cast.b.system, "freeze_request.withdrawn") == []
    [told] = events(signer, cast.b.system, "freeze_request.unratified")
    assert (told["request_id"], told["reason"]) == (flash["id"], "the requester was suspended")
    shown = signer.get(cast.b.auditor, f"{REQUESTS}/{flash['id']}").get_json()
    assert (shown["status"], shown["unratified"], shown["provisional"]) == ("active", True, False)
    assert shown["unratified_until"] == told["unratified_until"]
    shown = signer.get(cast.b.auditor, f"{REQUESTS}/{active['id']}").get_json()
    assert (shown["status"], shown["requester_suspended"]) == ("active", True)
    listed = signer.get(cast.b.auditor, f"{REQUESTS}?box=received").get_json()["items"]
    assert {item["requester_suspended"] for item in listed} == {True}
    operator.reinstate(cast.a)
    shown = signer.get(cast.b.auditor, f"{REQUESTS}/{active['id']}").get_json()
    assert shown["requester_suspended"] is False
    view = signer.get(cast.a.auditor, f"{REQUESTS}/{submitted['id']}").get_json()
    assert view["status"] == "withdrawn"
    # Back again, it may stand by what went out.
    approve(signer, cast, flash)
    view = signer.get(cast.a.auditor, f"{REQUESTS}/{flash['id']}").get_json()
    assert (view["status"], view["unratified"]) == ("active", False)


def test_what_was_due_is_left_alone_once_the_partner_is_back(
    signer: Signer, cast: Cast, operator: Operator
) -> None:
    submitted = submit(signer, cast)
    operator.suspend(cast.a)
    operator.reinstate(cast.a)
    assert operator.due() == []
    assert operator.take_up(submitted["id"]) == "unchanged"


def test_only_an_active_partner_is_suspended_and_only_a_suspended_one_reinstated(
    cast: Cast, operator: Operator, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    with pytest.raises(ConflictError, match="is active"):
        operator.reinstate(cast.a)
    operator.suspend(cast.a)
    with pytest.raises(ConflictError, match="is suspended"):
        operator.suspend(cast.a)
    with pytest.raises(NotFoundError):
        operate(database, vault, clock, SuspendPartner(handle="nobody.example"))


def test_a_transaction_under_way_notices_the_suspension(
    cast: Cast, operator: Operator, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    with database.engine.connect() as connection:
        found = store.standing(connection, cast.b.lead.key.kid)
    assert found is not None
    operator.suspend(cast.b)
    command = ChangeEntry(body=PartnerChanges(contacts=["security desk"]))
    with transaction(command_context(database, vault, clock)) as uow:
        uow.stands_on(found)
        execute(command, found.actor, uow)
        with pytest.raises(AuthenticationError, match="suspended, meanwhile"):
            uow.finish()


def test_a_rotation_stands_although_another_key_was_taken_away_meanwhile(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> None:
    with database.engine.connect() as connection:
        found = store.standing(connection, cast.b.analyst.key.kid)
    assert found is not None
    taken = signer.post(cast.c.lead, "/v1/revocations", {"kid": cast.c.analyst.key.kid})
    assert taken.status_code == 201
    renewed = with_new_key(cast.b.analyst)
    body = Grant.model_validate(rotation_body(cast.b.analyst, renewed))
    with transaction(
        command_context(database, vault, clock), Evidence("e30.e30.e30", b"{}", "0" * 64)
    ) as uow:
        uow.stands_on(found)
        uow.finish(execute(RotateKey(body=body, audience=ORIGIN), found.actor, uow))
    assert is_served(signer, renewed)
    assert not is_served(signer, cast.b.analyst)
