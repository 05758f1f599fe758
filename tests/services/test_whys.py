"""Why partners are asked, and the requester's own interest: each reads what is said to it."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.factories import HANDLES, Cast, Exchange, Signer, freeze_request_body
from tests.services.through_api import REQUESTS, World, problem

_, B, C, D = HANDLES
WHYS: list[dict[str, Any]] = [
    {"to": "all", "why": "The funds went on within minutes."},
    {"to": [B, C], "why": "Deposit address of yours.", "address_nos": [0]},
    {"to": [D], "why": "Bridge exit."},
]
INTEREST = {"kinds": ["own_funds", "claim"], "statement": "Our hot wallet was drained."}


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def _read(w: World, exchange: Exchange, request: dict[str, Any]) -> Any:
    return w.get(exchange.auditor, f"{REQUESTS}/{request['id']}")


def test_each_partner_reads_why_it_is_asked_and_the_requester_all_that_it_said(w: World) -> None:
    request = w.live(why_you=WHYS, interest=INTEREST)
    assert request["why_you"] == WHYS
    assert _read(w, w.cast.a, request)["why_you"] == WHYS
    shown = {each.handle: _read(w, each, request) for each in w.cast.all[1:]}
    everybody = {"why": WHYS[0]["why"]}
    deposit = {"why": WHYS[1]["why"], "address_nos": [0]}
    assert shown[B]["why_you"] == shown[C]["why_you"] == [everybody, deposit]
    assert shown[D]["why_you"] == [everybody, {"why": "Bridge exit."}]
    assert all(each["interest"] == INTEREST for each in shown.values())


def test_a_request_that_says_neither_shows_neither(w: World) -> None:
    shown = _read(w, w.cast.b, w.live())
    assert (shown["why_you"], shown["interest"], shown["rulebook_sha256"]) == ([], None, None)


def test_whoever_is_told_why_is_asked_and_the_addresses_are_there(w: World) -> None:
    body = freeze_request_body(
        to=[B],
        why_you=[
            {"to": [B, C], "why": "Deposit address of yours."},
            {"to": "all", "why": "Bridge exit.", "address_nos": [0, 1]},
        ],
    )
    refused = w.signer.post(w.cast.a.analyst, REQUESTS, body)
    problem(refused, 422, "invalid_input")
    assert [(each["pointer"], each["code"]) for each in refused.get_json()["errors"]] == [
        ("/why_you/0/to/1", "not_asked"),
        ("/why_you/1/address_nos/1", "no_such_address"),
    ]
    assert w.get(w.cast.a.lead, REQUESTS)["items"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"interest": {"kinds": [], "statement": "We lost it."}}, "/interest/kinds"),
        ({"interest": {"kinds": ["greed"], "statement": "We want it."}}, "/interest/kinds/0"),
        ({"interest": {"kinds": ["claim"]}}, "/interest/statement"),
        ({"why_you": [{"to": [], "why": "Yours."}]}, "/why_you/0/to"),
        ({"why_you": [{"to": "all", "why": " "}]}, "/why_you/0/why"),
        ({"why_you": [{"to": "all", "why": "Yours."}] * 101}, "/why_you"),
    ],
)
def test_what_is_wrong_with_them_is_named(w: World, change: dict[str, Any], pointer: str) -> None:
    refused = w.signer.post(w.cast.a.analyst, REQUESTS, freeze_request_body(**change))
    problem(refused, 422, "invalid_input")
    found = [each["pointer"] for each in refused.get_json()["errors"]]
    assert any(each.startswith(pointer) for each in found), found


@pytest.mark.parametrize(
    "change",
    [
        {"interest": INTEREST | {"statement": "Ask anna@exchange-a.example of ours."}},
        {"why_you": [{"to": "all", "why": "It is john.doe@mail.example who deposited it."}]},
    ],
)
def test_no_customer_is_named_in_them(w: World, change: dict[str, Any]) -> None:
    refused = w.signer.post(w.cast.a.analyst, REQUESTS, freeze_request_body(**change))
    problem(refused, 422, "customer_data")
