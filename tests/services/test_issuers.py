"""Issuers freeze tokens by a transaction: nothing lapses, and a gap comes before it is in force."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.vocabulary import PartnerKind
from tests import factories
from tests.factories import ETHER, Cast, Exchange, Signer
from tests.services.through_api import World, found_line, frozen_line, problem

HASH = "0x" + "ab" * 32
TERMS = {
    "review_at": "2026-03-05T11:00:00Z",
    "proposed_tx": HASH,
    "proposed_at": "2026-03-02T11:10:00Z",
    "effective_tx": "0x" + "cd" * 32,
    "effective_at": "2026-03-02T11:51:30Z",
}
DIRECT = {name: value for name, value in TERMS.items() if not name.startswith("proposed")}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


@pytest.fixture
def issuer(w: World) -> Exchange:
    joined = factories.new_exchange("issuer.example")
    factories.admit(w.database, w.vault, w.clock, joined, PartnerKind.ISSUER)
    return joined


def _line(terms: dict[str, str]) -> dict[str, Any]:
    return {"kind": "frozen", "address_no": 0, "asset": ETHER, "amount": "700", **terms}


def _frozen(w: World, issuer: Exchange, terms: dict[str, str], **changes: Any) -> dict[str, Any]:
    request = w.live(to=[issuer.handle], support="none", **changes)
    w.report(issuer, request, [found_line("700"), _line(terms)])
    return request


def test_an_issuer_states_both_transactions_and_the_gap_shows(w: World, issuer: Exchange) -> None:
    request = _frozen(w, issuer, TERMS)
    for reader in (w.cast.a.auditor, issuer.auditor):
        [hold] = w.items(reader, request, "holds")
        assert (hold["frozen_at"], hold["effective_at"]) == (
            TERMS["proposed_at"],
            TERMS["effective_at"],
        )
        assert hold["gap_minutes"] == 42
        assert hold["review_at"] == hold["hold_expires_at"] == TERMS["review_at"]
        line = w.items(reader, request, "ledger")[1]
        assert {name: line[name] for name in TERMS} == TERMS


def test_a_freeze_in_one_transaction_has_no_gap(w: World, issuer: Exchange) -> None:
    request = _frozen(w, issuer, DIRECT)
    [hold] = w.items(w.cast.a.auditor, request, "holds")
    assert (hold["frozen_at"], hold["gap_minutes"]) == (DIRECT["effective_at"], 0)


def test_an_issuer_s_freeze_is_looked_at_again_and_never_lapses(w: World, issuer: Exchange) -> None:
    request = _frozen(w, issuer, TERMS)
    w.step(days=40)
    while w.run_timer("hold_clock"):
        pass
    [hold] = w.items(issuer.auditor, request, "holds")
    assert (hold["lapsed"], hold["owed_since"], hold["held"]) == (False, None, "700")
    assert w.events(issuer, "hold.expiring")
    assert w.events(issuer, "hold.lapsed") == []
    later = {"hold": hold["id"], "hold_expires_at": "2026-04-13T12:00:00Z", "basis": "voluntary"}
    w.act(issuer.compliance, request, "hold-extensions", **later)
    [hold] = w.items(issuer.auditor, request, "holds")
    assert hold["review_at"] == "2026-04-13T12:00:00Z"


def test_a_review_date_that_is_past_as_the_freeze_is_reported_is_reminded_of_once(
    w: World, issuer: Exchange
) -> None:
    terms = {
        "review_at": "2026-03-02T11:59:00Z",
        "effective_tx": HASH,
        "effective_at": "2026-03-02T09:00:00Z",
    }
    request = _frozen(w, issuer, terms)
    # What else happens on the leg meanwhile does not make it fall silent.
    w.report(issuer, request, [found_line("1")])
    [hold] = w.items(issuer.auditor, request, "holds")
    w.report(
        issuer,
        request,
        [{"kind": "released", "hold": hold["id"], "amount": "1", "reason": "false_positive"}],
    )
    assert w.run_timer("hold_clock") == 1
    for reader in (w.cast.a, issuer):
        [told] = w.events(reader, "hold.expiring")
        assert (told["is_review"], told["seconds_left"]) == (True, 0)
    w.step(days=40)
    assert w.run_timer("hold_clock") == 0
    [hold] = w.items(issuer.auditor, request, "holds")
    assert (hold["lapsed"], hold["owed_since"], hold["held"]) == (False, None, "699")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"effective_at": "2026-03-02T13:00:00Z"}, "effective_at", "frozen_in_future"),
        ({"review_at": "2026-03-05T13:00:00Z"}, "review_at", "beyond_support"),
    ],
)
def test_an_issuer_s_times_are_true_ones(
    w: World, issuer: Exchange, changes: dict[str, str], pointer: str, code: str
) -> None:
    request = w.live(to=[issuer.handle], support="none")
    lines = [found_line("700"), _line(TERMS | changes)]
    refused = w.try_act(issuer.compliance, request, "freeze-reports", lines=lines)
    [fault] = problem(refused, 409, "ledger_breach")["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/lines/1/{pointer}", code)


def test_each_kind_of_partner_tells_of_a_freeze_in_its_own_way(w: World, issuer: Exchange) -> None:
    request = w.live(to=[w.cast.b.handle, issuer.handle])
    for exchange, line, code in (
        (issuer, frozen_line("700"), "issuer_terms"),
        (w.cast.b, _line(TERMS), "no_issuer"),
    ):
        lines = [found_line("700"), line]
        refused = w.try_act(exchange.compliance, request, "freeze-reports", lines=lines)
        [fault] = problem(refused, 409, "ledger_breach")["errors"]
        assert (fault["pointer"], fault["code"]) == ("/lines/1/review_at", code)


@pytest.mark.parametrize(
    ("line", "said", "members"),
    [
        (
            {"review_at": TERMS["review_at"]},
            "a frozen line that opens a hold needs effective_",
            {"effective_tx", "effective_at"},
        ),
        ({**TERMS, "frozen_at": TERMS["proposed_at"]}, "for frozen_at", {"frozen_at"}),
        ({**DIRECT, "proposed_tx": HASH}, "go together", {"proposed_at"}),
        (
            {**TERMS, "proposed_at": "2026-03-02T11:52:00Z"},
            "must not come before proposed_at",
            {"effective_at"},
        ),
        (
            {**TERMS, "review_at": "2026-03-02T11:00:00Z"},
            "must come after effective_at",
            {"review_at"},
        ),
        (
            {**TERMS, "hold": "hld_01kk7h3m6xf9trv2c8e5b4n0qa"},
            "states no transactions",
            set(TERMS),
        ),
    ],
)
def test_a_line_that_is_half_an_issuer_s_is_refused_at_each_member(
    w: World, issuer: Exchange, line: dict[str, str], said: str, members: set[str]
) -> None:
    request = w.live(to=[issuer.handle])
    lines = [found_line("700"), _line(line)]
    refused = w.try_act(issuer.compliance, request, "freeze-reports", lines=lines)
    faults = problem(refused, 422, "invalid_input")["errors"]
    assert {fault["pointer"] for fault in faults} == {f"/lines/1/{name}" for name in members}
    assert [fault["detail"] for fault in faults if said not in fault["detail"]] == []
