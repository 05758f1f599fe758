"""Misplaced deposits in the console: asked for, approved, found, returned, confirmed; signed."""

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.conftest import SignedIn
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.services.recovery_world import ARRIVED_AT, HOT_WALLET, Recoveries, deposit, found, tx
from tests.services.through_api import World

HERE = "/console/recovery"
ROWS = (
    "account,amount,tx,sent_from,mistake,fee_accepted\n"
    f"{ARRIVED_AT},1.5 ETH,{tx(0)},{HOT_WALLET},wrong_network,0.01 ETH"
)


@pytest.fixture
def r(
    signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock
) -> Recoveries:
    return Recoveries(World(signer, cast, database, vault, clock))


def test_both_sides_do_all_of_it_on_their_pages(r: Recoveries, signed_in: SignedIn) -> None:
    a, b = r.w.cast.a, r.w.cast.b
    analyst, key = signed_in(a, a.analyst)
    faulty = analyst.post(f"{HERE}/new", f"{HERE}/new", to=b.handle, rows="account,amount\nx,1")
    assert (faulty.status_code, "these columns are missing" in faulty.text) == (422, True)
    asked = analyst.post(f"{HERE}/new", f"{HERE}/new", to=b.handle, rows=ROWS)
    assert "its sender" in analyst.get(asked.location).text
    done = analyst.sign(asked.location, key, asked.location)
    assert done.location == f"{HERE}?box=sent"
    [request] = r.items(a, "")
    page = f"{HERE}/{request['id']}"
    assert "You submitted it" in analyst.get(page).text
    lead, lead_key = signed_in(a, a.lead)
    asked = lead.post(f"{page}/decision", page, decision="approve")
    assert "1.5" in lead.get(asked.location).text
    lead.sign(asked.location, lead_key, asked.location)
    officer, officer_key = signed_in(b, b.compliance)
    assert page in officer.get(HERE).text
    one = f"{page}/deposits/0"
    typed = {"kind": "found", "sent_from": HOT_WALLET, "fee": "0.02 ETH"}
    refused = officer.post(one, one, **typed)
    assert (refused.status_code, "the requester accepts a fee of" in refused.text) == (422, True)
    for fields in (typed | {"fee": "0.01 ETH"}, {"kind": "returned", "tx": tx(9)}):
        asked = officer.post(one, one, **fields)
        officer.sign(asked.location, officer_key, asked.location)
    assert "1.49" in officer.get(one).text
    asked = analyst.post(one, one, kind="confirmed")
    analyst.sign(asked.location, key, asked.location)
    [shown] = r.deposits(b, request)
    assert (shown["status"], shown["returned_amount"]) == ("confirmed", "1490000000000000000")
    assert analyst.post(one, one, kind="lost").status_code == 404


def test_a_stranger_sees_no_page_of_it_and_the_partner_none_before_it_is_out(
    app: Flask, r: Recoveries
) -> None:
    request = r.submit(deposit())
    page = f"{HERE}/{request['id']}"
    for below in ("", "/deposits/0"):
        assert visiting(app, r.w.cast.b.lead).get(page + below).status_code == 404
    r.act(r.w.cast.a.lead, request, "approvals", decision="approve")
    r.answer(request, found())
    for below in ("", "/deposits/0"):
        assert visiting(app, r.w.cast.b.lead).get(page + below).status_code == 200
        assert visiting(app, r.w.cast.c.lead).get(page + below).status_code == 404
    assert visiting(app, r.w.cast.b.lead).get(f"{page}/deposits/7").status_code == 404
