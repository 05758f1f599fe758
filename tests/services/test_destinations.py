"""Where money may be sent back to: named by one, approved by another, proven, and a day old."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from coordinator.domain.clock import SteppedClock
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.restoring.destinations import usable_destination
from coordinator.storage.engine.base import Base
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.factories import ACCOUNT, ETHER, Cast, Member, Signer
from tests.rulebook import command_context
from tests.services.through_api import World, pointers, problem

PATH = "/v1/destinations"
TEST = {"tx": f"0x{'5e' * 32}", "asset": ETHER, "amount": "1000000000000000"}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _propose(w: World, by: Member | None = None, **body: Any) -> dict[str, Any]:
    answer = w.signer.post(by or w.cast.a.compliance, PATH, {"account": ACCOUNT, **body})
    assert answer.status_code == 201, answer.data
    view: dict[str, Any] = answer.get_json()
    return view


def _try_decide(
    w: World, by: Member, made: Mapping[str, Any], decision: str = "approve", **more: Any
) -> Any:
    body = {"act_sha256": made["act_sha256"], "decision": decision, **more}
    return w.signer.post(by, f"{PATH}/{made['id']}/approvals", body)


def _ready(w: World) -> dict[str, Any]:
    made = _propose(w)
    assert _try_decide(w, w.cast.a.lead, made).status_code == 201
    proven = w.signer.post(w.cast.a.compliance, f"{PATH}/{made['id']}/test-transfers", TEST)
    assert proven.status_code == 201, proven.data
    return made


def _why_not(w: World, destination: str, partner: str | None = None) -> str | None:
    """Return the code with which the one function refuses a destination; None: it may be used."""
    context = command_context(w.database, w.vault, w.clock)
    with transaction(context, None) as uow:
        try:
            usable_destination(uow, partner or w.cast.a.handle, destination)
        except (ConflictError, NotFoundError) as error:
            return error.code
    return None


def test_one_is_usable_after_two_people_a_test_transfer_and_a_day(w: World) -> None:
    a = w.cast.a
    made = _propose(w, label="Cold wallet 3")
    assert (made["destination_status"], made["why_not"]) == ("proposed", "proposed")
    assert _why_not(w, made["id"]) == "destination_proposed"
    registered = _try_decide(w, a.lead, made).get_json()
    assert (registered["destination_status"], registered["why_not"]) == ("registered", "unproven")
    w.clock.step(timedelta(hours=25))
    assert _why_not(w, made["id"]) == "destination_unproven"
    proven = w.signer.post(a.compliance, f"{PATH}/{made['id']}/test-transfers", TEST).get_json()
    assert (proven["destination_status"], proven["why_not"]) == ("proven", None)
    assert proven["test_transfer"] == {
        **TEST,
        "confirmed_by": a.compliance.subject,
        "confirmed_at": proven["test_transfer"]["confirmed_at"],
    }
    assert _why_not(w, made["id"]) is None
    assert _why_not(w, made["id"], w.cast.b.handle) == "no_such_destination"
    read = w.get(a.auditor, f"{PATH}/{made['id']}")
    assert read == {name: value for name, value in proven.items() if name != "log"}
    assert w.get(a.system, PATH)["items"] == [read]


def test_a_day_passes_before_one_is_used_however_soon_it_is_proven(w: World) -> None:
    made = _ready(w)
    assert w.get(w.cast.a.lead, f"{PATH}/{made['id']}")["why_not"] == "too_new"
    w.clock.step(timedelta(hours=24) - timedelta(seconds=1))
    assert _why_not(w, made["id"]) == "destination_too_new"
    w.clock.step(timedelta(seconds=1))
    assert _why_not(w, made["id"]) is None


def test_nobody_approves_what_they_named(w: World) -> None:
    a = w.cast.a
    made = _propose(w, a.lead)
    problem(_try_decide(w, a.lead, made), 403, "four_eyes")
    problem(_try_decide(w, a.lead, made, "reject"), 403, "four_eyes")
    assert w.get(a.lead, f"{PATH}/{made['id']}")["destination_status"] == "proposed"
    assert _try_decide(w, a.second_lead, made).status_code == 201
    problem(_try_decide(w, a.second_lead, made), 409, "destination_status")


def test_whoever_decides_names_the_very_bytes(w: World) -> None:
    made = _propose(w)
    problem(_try_decide(w, w.cast.a.lead, made, act_sha256="0" * 64), 409, "other_destination")
    assert ACCOUNT in made["body"]


def test_what_a_stolen_key_named_is_not_registered(w: World) -> None:
    a = w.cast.a
    made = _propose(w)
    taken = w.signer.post(a.root, "/v1/revocations", {"kid": a.compliance.key.kid})
    assert taken.status_code == 201, taken.data
    problem(_try_decide(w, a.lead, made), 409, "proposer_gone")
    rejected = _try_decide(w, a.lead, made, "reject").get_json()
    assert rejected["destination_status"] == "rejected"
    assert _why_not(w, made["id"]) == "destination_rejected"


def test_a_proposal_ends_by_its_time_and_may_be_made_again(w: World) -> None:
    made = _propose(w)
    again = w.signer.post(w.cast.a.lead, PATH, {"account": ACCOUNT})
    assert made["id"] in problem(again, 409, "known_destination")["detail"]
    w.clock.step(timedelta(days=7))
    assert w.get(w.cast.a.lead, f"{PATH}/{made['id']}")["destination_status"] == "expired"
    assert _why_not(w, made["id"]) == "destination_expired"
    problem(_try_decide(w, w.cast.a.lead, made), 409, "destination_status")
    assert _propose(w)["id"] != made["id"]


def test_one_person_closes_one_and_then_it_is_over(w: World) -> None:
    made = _ready(w)
    w.clock.step(timedelta(hours=24))
    closed = w.signer.post(
        w.cast.a.lead, f"{PATH}/{made['id']}/closure", {"reason": "It was not ours."}
    ).get_json()
    assert (closed["destination_status"], closed["why_not"]) == ("closed", "closed")
    assert _why_not(w, made["id"]) == "destination_closed"
    again = w.signer.post(w.cast.a.lead, f"{PATH}/{made['id']}/closure", {"reason": "Again."})
    problem(again, 409, "destination_status")


def test_only_its_own_member_hears_of_one(w: World) -> None:
    made = _ready(w)
    for kind in ("proposed", "registered", "proven"):
        [event] = w.events(w.cast.a, f"destination.{kind}")
        assert (event["destination"], event["account"]) == (made["id"], ACCOUNT)
        assert w.events(w.cast.b, f"destination.{kind}") == []
    w.get(w.cast.b.lead, f"{PATH}/{made['id']}", 404)
    assert w.get(w.cast.b.lead, PATH)["items"] == []
    problem(_try_decide(w, w.cast.b.lead, made), 404, "no_such_destination")
    acts = w.get(w.cast.a.lead, "/v1/acts?limit=3")["items"]
    assert [each["kind"] for each in acts] == [
        "prove_destination",
        "approve_destination",
        "propose_destination",
    ]


def test_a_machine_names_no_destination(w: World) -> None:
    problem(w.signer.post(w.cast.a.system, PATH, {"account": ACCOUNT}), 403, "not_allowed")


def test_an_organisation_that_cannot_request_has_no_destination(w: World) -> None:
    tracer = factories.new_exchange("tracer.example")
    factories.admit(w.database, w.vault, w.clock, tracer, PartnerKind.ANALYTICS)
    problem(w.signer.post(tracer.lead, PATH, {"account": ACCOUNT}), 403, "not_allowed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"account": ACCOUNT.lower()}, "/account"),
        ({"account": ACCOUNT[:-1] + "E"}, "/account"),
        ({"account": "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"}, "/account"),
        ({"account": "eip155:1:0xdAC17F958D2ee523a2206206994597C13D831ec7"}, "/account"),
        ({"account": "eip155:1:0x000000000000000000000000000000000000dEaD"}, "/account"),
        ({"account": "xrpl:0:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"}, "/tag"),
        ({"account": "xrpl:0:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh", "tag": "x"}, "/tag"),
        ({"account": ACCOUNT, "tag": ""}, "/tag"),
        ({"account": 5}, "/account"),
        ({}, "/account"),
        ({"account": ACCOUNT, "label": "a\nb"}, "/label"),
        ({"account": ACCOUNT, "label": "anna@mail.example"}, "/label"),
        ({"account": ACCOUNT, "more": 1}, "/more"),
    ],
)
def test_what_money_could_be_lost_at_is_refused(
    w: World, body: dict[str, Any], pointer: str
) -> None:
    answer = w.signer.post(w.cast.a.compliance, PATH, body)
    assert (answer.status_code, pointers(answer.get_json())) == (422, [pointer])
    assert w.get(w.cast.a.lead, PATH)["items"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"tx": "5e"}, "/tx"),
        ({"asset": "bip122:000000000019d6689c085ae165831e93/slip44:0"}, "/asset"),
        ({"amount": "0"}, "/amount"),
        ({"amount": "1.5"}, "/amount"),
        ({"amount": 5}, "/amount"),
        ({"tx": None}, "/tx"),
    ],
)
def test_a_test_transfer_fits_the_account(w: World, change: dict[str, Any], pointer: str) -> None:
    made = _propose(w)
    path = f"{PATH}/{made['id']}/test-transfers"
    problem(w.signer.post(w.cast.a.lead, path, TEST), 409, "destination_status")
    _try_decide(w, w.cast.a.lead, made)
    answer = w.signer.post(w.cast.a.compliance, path, TEST | change)
    assert pointers(problem(answer, 422, "invalid_input")) == [pointer]
    assert _why_not(w, made["id"]) == "destination_unproven"


def test_no_account_lies_in_a_row(w: World) -> None:
    _ready(w)
    with w.database.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        stored = "".join(str(connection.execute(select(table)).all()) for table in tables)
    assert ACCOUNT.rpartition(":")[2].lower() not in stored.lower()
    assert TEST["tx"][2:] not in stored


def test_a_proposal_waits_for_a_lead_who_did_not_make_it(w: World) -> None:
    a, path = w.cast.a, "/v1/tasks?kind=decide_destination"
    made = _propose(w, a.lead)
    assert w.get(a.lead, path)["items"] == []
    assert w.get(a.compliance, path)["items"] == []
    [task] = w.get(a.second_lead, path)["items"]
    assert (task["about"], task["due_at"]) == (made["id"], made["decide_by"])
    assert made["id"] in task["next"]["command"]
    taken = w.signer.post(a.second_lead, f"/v1/tasks/{task['id']}/taken", {})
    assert taken.status_code == 201, taken.data
    _try_decide(w, a.second_lead, made)
    assert w.get(a.second_lead, path)["items"] == []
