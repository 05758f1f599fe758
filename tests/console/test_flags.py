"""The page of what deposits are screened for: the own organisation's, and nobody else's."""

import re

import pytest
from flask import Flask

from coordinator.domain.clock import SteppedClock
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from tests.console.visiting import signed_in as visiting
from tests.factories import Cast, Signer
from tests.services.request_cast import addresses
from tests.services.through_api import World

PAGE, NBSP = "/console/flags", "\N{NO-BREAK SPACE}"


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def test_without_a_flag_the_page_says_so(app: Flask, w: World) -> None:
    shown = visiting(app, w.cast.b.auditor).get(PAGE).text.replace(NBSP, " ")
    assert "screened for <b>0 accounts</b>" in shown
    assert "Nothing is flagged" in shown
    assert "It never said that it runs." in shown


def test_the_page_counts_what_each_request_flags_and_how_far_the_screening_is(
    app: Flask, w: World
) -> None:
    b = w.cast.b
    request = w.live(addresses=addresses(3), to=[b.handle])
    taken_back = {"addresses": [1], "reason_code": "wrong_target", "reason": "another wallet"}
    w.act(w.cast.a.lead, request, "withdrawal", **taken_back)
    seq = int(w.get(b.system, "/v1/flags")["next_after"].partition(".")[0])
    said = {"seq": seq, "root": "0" * 64, "count": 2, "hits": 1}
    assert w.signer.post(b.system, "/v1/flags/applied", said).status_code == 201
    shown = visiting(app, b.auditor).get(PAGE).text.replace(NBSP, " ")
    assert "screened for <b>2 accounts</b>" in shown
    assert f'href="/console/requests/{request["id"]}"' in shown
    assert "1 taken back" in shown
    assert "heard of within the last hour" in shown
    assert "0x" not in shown
    theirs = visiting(app, w.cast.c.lead).get(PAGE).text
    assert request["id"] not in theirs
    w.step(minutes=61)
    assert "more than an hour ago" in visiting(app, b.auditor).get(PAGE).text


def test_a_limited_request_is_on_the_page_of_those_named_alone(app: Flask, w: World) -> None:
    b = w.cast.b
    request = w.live(addresses=addresses(3), to=[b.handle])
    w.act(b.lead, request, "leg-limit", people=[b.lead.subject])
    assert request["id"] in visiting(app, b.lead).get(PAGE).text
    hidden = visiting(app, b.auditor).get(PAGE).text.replace(NBSP, " ")
    assert request["id"] not in hidden
    assert "screened for <b>0 accounts</b>" in hidden
    # Nor does what the machine says, of everything, tell by its counts or by when it said so.
    seq = int(w.get(b.system, "/v1/flags")["next_after"].partition(".")[0])
    said = {"seq": seq, "root": "0" * 64, "count": 37, "hits": 23}
    assert w.signer.post(b.system, "/v1/flags/applied", said).status_code == 201
    w.step(minutes=5)
    before = visiting(app, b.auditor).get(PAGE).text
    assert "heard of within the last hour" in before
    words = re.sub(r"<[^>]*>", "", _main(before))
    assert not re.search(rf"\b(37|23|{seq})\b", words)
    assert w.signer.post(b.system, "/v1/flags/applied", {**said, "hits": 0}).status_code == 201
    assert _main(visiting(app, b.auditor).get(PAGE).text) == _main(before)


def _main(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]
