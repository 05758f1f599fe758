"""Encumbrances: who attaches, reviews and lifts them, who reads them, and what they block."""

from hashlib import sha256
from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.domain.encumbrance import HoldTarget, PoolTarget
from coordinator.domain.errors import ConflictError
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.restoring.encumbrances import blocked, require_free
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol import canonical_json
from holdfast.protocol.vocabulary import Blocked, PartnerKind
from tests import factories
from tests.factories import ETHER, Cast, Exchange, Member, Signer
from tests.rulebook import command_context
from tests.services.through_api import REQUESTS, World, pointers, problem, released_line

ORDER_HASH, LIFTING_HASH = "ab" * 32, "cd" * 32
CLAIM: dict[str, Any] = {
    "kind": "attachment",
    "order_sha256": ORDER_HASH,
    "amount": "500",
    "blocks": ["payout", "release", "return"],
    "court": "Harju County Court",
    "number": "2-26-123",
}
NO_SUCH_CLAIM = "enc_01h455vb4pex5vsknk084sn02q"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def police(w: World) -> Exchange:
    joined = factories.new_exchange("police.example")
    factories.admit(w.database, w.vault, w.clock, joined, PartnerKind.LAW_ENFORCEMENT)
    return joined


def _case(w: World, police: Exchange) -> dict[str, object]:
    """Have the police's own request go out to B and C."""
    body = factories.freeze_request_body(to=[w.cast.b.handle, w.cast.c.handle])
    request = w.signer.post(police.analyst, REQUESTS, body).get_json()
    decision = {"decision": "approve", "context_sha256": request["context_sha256"]}
    w.act(police.lead, request, "approvals", **decision)
    return dict(request)


def _encumber(
    w: World, request: dict[str, Any], hold: str, by: Member | None = None, **changes: Any
) -> dict[str, Any]:
    said = {**CLAIM, "hold": hold, **changes}
    given = {name: word for name, word in said.items() if word is not None}
    return w.act(by or w.cast.b.compliance, request, "encumbrances", **given)


def _lift(
    w: World, request: dict[str, Any], claim: dict[str, Any], by: Member, noun: str = "encumbrances"
) -> Any:
    return w.try_act(
        by,
        request,
        f"{noun}/{claim['id']}/lifting",
        act_sha256=claim["act_sha256"],
        document_sha256=LIFTING_HASH,
    )


def _marks(answer: dict[str, Any]) -> list[str | None]:
    return [line.get("irregular") for line in answer["lines"]]


def test_both_sides_read_a_claim_with_its_court_and_nobody_else_learns_of_it(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    hold = w.freeze(w.cast.b, request)
    w.freeze(w.cast.c, request)
    attached = _encumber(w, request, hold)
    said = {"content_sha256": request["content_sha256"], **CLAIM, "hold": hold}
    assert attached["act_sha256"] == sha256(canonical_json.dumps(said)).hexdigest()
    assert attached["encumbrance_status"] == "standing"
    for exchange in (w.cast.a, w.cast.b):
        [shown] = w.items(exchange.auditor, request, "encumbrances")
        assert {name: shown[name] for name in CLAIM} == CLAIM
        assert (shown["hold"], shown["asset"], shown["partner"]) == (
            *(hold, ETHER),
            w.cast.b.handle,
        )
        [event] = w.events(exchange, "hold.encumbered")
        assert (event["encumbrance"], event["amount"]) == (attached["id"], "500")
    holds = {each["id"]: each for each in w.items(w.cast.a.auditor, request, "holds")}
    assert [holds[each]["encumbrances"] for each in sorted(holds)] == [
        int(each == hold) for each in sorted(holds)
    ]
    assert w.items(w.cast.c.auditor, request, "encumbrances") == []
    assert w.events(w.cast.c, "hold.encumbered") == []
    problem(
        w.signer.get(w.cast.d.lead, f"{REQUESTS}/{request['id']}/encumbrances"), 404, "not_found"
    )


def test_what_eats_into_a_claim_is_marked_until_it_is_lifted(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold = w.freeze(b, request)
    claim = _encumber(w, request, hold)
    assert _marks(w.report(b, request, [released_line(hold, "200")])) == [None]
    report = w.report(b, request, [released_line(hold, "1")])
    assert _marks(report) == ["encumbered"]
    assert "irregular" in report["leg"]["flags"]
    assert _lift(w, request, claim, b.lead).status_code == 201
    assert _marks(w.report(b, request, [released_line(hold, "1")])) == [None]
    [shown] = w.items(w.cast.a.auditor, request, "encumbrances")
    assert (shown["encumbrance_status"], shown["lift_document_sha256"]) == ("lifted", LIFTING_HASH)
    assert w.items(w.cast.a.auditor, request, "holds")[0]["encumbrances"] == 0


def test_a_claim_lies_on_the_hold_whichever_request_shares_it(w: World) -> None:
    b = w.cast.b
    first, second = w.live(), w.live(by=w.cast.c, to=[b.handle])
    hold = w.freeze(b, first)
    w.report(b, second, [{"kind": "frozen", "address_no": 0, "hold": hold}])
    _encumber(w, first, hold)
    assert w.items(w.cast.c.auditor, second, "holds")[0]["encumbrances"] == 1
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        assert blocked(uow, HoldTarget(hold), 201, Blocked.RELEASE) is not None
    # What it is, by whom, and the mark stay on the request that it was attached on.
    assert _marks(w.report(b, second, [released_line(hold, "201")])) == [None]
    assert _marks(w.report(b, first, [released_line(hold, "1")])) == ["encumbered"]
    assert w.items(w.cast.c.auditor, second, "encumbrances") == []
    assert w.events(w.cast.c, "hold.encumbered") == []


def test_lifting_takes_a_second_person_of_who_attached_it_and_names_the_act(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold = w.freeze(b, request)
    claim = _encumber(w, request, hold)
    problem(_lift(w, request, claim, b.compliance), 403, "four_eyes")
    problem(_lift(w, request, claim, b.analyst), 403, "not_allowed")
    problem(_lift(w, request, claim, w.cast.a.lead), 403, "not_allowed")
    problem(_lift(w, request, claim, w.cast.c.lead), 404, "no_such_encumbrance")
    problem(_lift(w, request, {**claim, "id": NO_SUCH_CLAIM}, b.lead), 404, "no_such_encumbrance")
    other = {**claim, "act_sha256": "ef" * 32}
    problem(_lift(w, request, other, b.lead), 409, "other_document")
    lifted = _lift(w, request, claim, b.lead)
    assert (lifted.status_code, lifted.get_json()["encumbrance_status"]) == (201, "lifted")
    again = problem(_lift(w, request, claim, b.lead), 409, "invalid_transition")
    assert again["current_status"] == "lifted"
    for exchange in (w.cast.a, b):
        [event] = w.events(exchange, "hold.encumbrance_lifted")
        assert (event["document_sha256"], event["hold"]) == (LIFTING_HASH, hold)
        assert [proof["act"] for proof in event["evidence"]] == ["encumber", "lift_encumbrance"]


def test_an_authority_attaches_to_holds_on_its_own_case_and_lifts_by_two(
    w: World, police: Exchange
) -> None:
    request = _case(w, police)
    hold, foreign = w.freeze(w.cast.b, request), w.freeze(w.cast.c, w.live())
    claim = _encumber(w, request, hold, by=police.compliance)
    assert claim["partner"] == police.handle
    problem(_lift(w, request, claim, w.cast.b.lead), 403, "not_allowed")
    body = {**CLAIM, "hold": foreign}
    problem(w.try_act(police.lead, request, "encumbrances", **body), 404, "no_such_hold")
    problem(_lift(w, request, claim, police.compliance), 403, "four_eyes")
    assert _lift(w, request, claim, police.lead).status_code == 201


def test_a_requesting_exchange_attaches_none_and_who_holds_nothing_neither(w: World) -> None:
    request = w.live(to=[w.cast.b.handle, w.cast.c.handle])
    hold = w.freeze(w.cast.b, request)
    body = {**CLAIM, "hold": hold}
    problem(w.try_act(w.cast.a.lead, request, "encumbrances", **body), 403, "not_allowed")
    problem(w.try_act(w.cast.c.lead, request, "encumbrances", **body), 404, "no_such_hold")
    problem(w.try_act(w.cast.d.lead, request, "encumbrances", **body), 404, "not_found")
    w.report(w.cast.b, request, [released_line(hold, "700")])
    problem(w.try_act(w.cast.b.lead, request, "encumbrances", **body), 409, "nothing_held")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "lien"}, "/kind"),
        ({"amount": "0"}, "/amount"),
        ({"amount": str(2**256)}, "/amount"),
        ({"amount": 500}, "/amount"),
        ({"amount": "1.5"}, "/amount"),
        ({"blocks": []}, "/blocks"),
        ({"blocks": ["release", "release"]}, "/blocks"),
        ({"blocks": ["everything"]}, "/blocks/0"),
        ({"order_sha256": "AB" * 32}, "/order_sha256"),
        ({"court": ""}, "/court"),
        ({"number": " "}, "/number"),
        ({"hold": "hld_1"}, "/hold"),
        ({"review_at": "2026-03-01T00:00:00Z"}, "/review_at"),
        ({"review_at": "soon"}, "/review_at"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_malformed_claim_is_refused_with_the_place(
    w: World, changes: dict[str, Any], pointer: str
) -> None:
    request = w.live()
    hold = w.freeze(w.cast.b, request)
    refused = w.try_act(
        w.cast.b.lead, request, "encumbrances", **{**CLAIM, "hold": hold, **changes}
    )
    assert pointers(problem(refused, 422, "invalid_input")) == [pointer]
    assert w.items(w.cast.b.auditor, request, "encumbrances") == []


def test_the_same_order_again_is_the_same_entry_and_in_other_words_it_is_refused(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold, other = w.freeze(b, request), w.freeze(b, request)
    first = _encumber(w, request, hold)
    again = w.try_act(b.lead, request, "encumbrances", **CLAIM, hold=hold)
    assert (again.status_code, again.get_json()["id"]) == (200, first["id"])
    changed = {**CLAIM, "amount": "501", "hold": hold}
    problem(w.try_act(b.lead, request, "encumbrances", **changed), 409, "already_attached")
    assert _encumber(w, request, other)["id"] != first["id"]
    assert _lift(w, request, first, b.lead).status_code == 201
    assert _encumber(w, request, hold)["id"] != first["id"]
    assert len(w.items(b.auditor, request, "encumbrances")) == 3


def test_a_date_that_passes_tells_both_sides_and_lets_nothing_go(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold = w.freeze(b, request)
    claim = _encumber(w, request, hold, review_at="2026-03-04T12:00:00Z")
    assert w.run_timer("encumbrance_review") == 0
    w.step(days=3)
    assert (w.run_timer("encumbrance_review"), w.run_timer("encumbrance_review")) == (1, 0)
    for exchange in (w.cast.a, b):
        [event] = w.events(exchange, "hold.encumbrance_review_due")
        assert (event["encumbrance"], event["review_at"]) == (claim["id"], "2026-03-04T12:00:00Z")
    [shown] = w.items(b.auditor, request, "encumbrances")
    assert shown["encumbrance_status"] == "review_due"
    assert _marks(w.report(b, request, [released_line(hold, "201")])) == ["encumbered"]
    path = f"encumbrances/{claim['id']}/reviews"
    past = w.try_act(b.compliance, request, path, review_at="2026-03-04T12:00:00Z")
    assert pointers(problem(past, 422, "invalid_input")) == ["/review_at"]
    reviewed = w.act(b.compliance, request, path, review_at="2026-04-04T12:00:00Z")
    assert (reviewed["encumbrance_status"], reviewed["review_at"]) == (
        *("standing",),
        "2026-04-04T12:00:00Z",
    )
    [event] = w.events(w.cast.a, "hold.encumbrance_reviewed")
    assert event["review_at"] == "2026-04-04T12:00:00Z"
    assert _lift(w, request, claim, b.lead).status_code == 201
    w.step(days=60)
    assert w.run_timer("encumbrance_review") == 0


def test_whoever_would_agree_to_more_than_is_free_is_refused(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold = w.freeze(b, request)
    claim = _encumber(w, request, hold, blocks=["return"])
    target = HoldTarget(hold)
    with transaction(command_context(w.database, w.vault, w.clock)) as uow:
        assert blocked(uow, target, 200, Blocked.RETURN) is None
        assert blocked(uow, target, 700, Blocked.RELEASE) is None
        found = blocked(uow, target, 201, Blocked.RETURN)
        assert found is not None
        assert (found.free, [each.id for each in found.claims]) == (200, [claim["id"]])
        assert blocked(uow, target, None, Blocked.RETURN) == found
        assert blocked(uow, PoolTarget(hold, 700), 700, Blocked.RETURN) is None
        require_free(uow, target, 200, Blocked.RETURN, asset=ETHER)
        with pytest.raises(ConflictError, match="may be returned, and no more") as refusal:
            require_free(uow, target, 201, Blocked.RETURN, asset=ETHER)
        assert refusal.value.code == "encumbered"


def test_orders_block_alike_as_far_as_they_name_the_hold(w: World) -> None:
    b = w.cast.b
    request = w.live()
    hold, other = w.freeze(b, request), w.freeze(b, request)
    order = {"agency": "Police", "reference": "17/2026", "document_sha256": ORDER_HASH}
    attached = w.act(b.compliance, request, "legal-orders", hold=hold, **order)

    def is_blocked(hold_id: str) -> bool:
        with transaction(command_context(w.database, w.vault, w.clock)) as uow:
            return blocked(uow, HoldTarget(hold_id), 1, Blocked.RETURN) is not None

    assert (is_blocked(hold), is_blocked(other)) == (True, False)
    assert _lift(w, request, attached, b.lead, "legal-orders").status_code == 201
    assert not is_blocked(hold)


def test_nobody_claims_anything_of_a_drill(w: World) -> None:
    request = w.live(drill=True)
    hold = w.freeze(w.cast.b, request, "700")
    said = {**CLAIM, "hold": hold}
    problem(w.try_act(w.cast.b.compliance, request, "encumbrances", **said), 409, "drill")
    assert w.events(w.cast.a, "hold.encumbered") == []
