"""Statistics name a member by its own choice alone."""

from typing import Any

import pytest

from coordinator.domain.clock import SteppedClock
from coordinator.services.membership.partners import InvitePartner
from coordinator.services.reading.statistics import count_figures, month_start, yearly_view
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.reading.statistics import Scope
from holdfast.protocol.vocabulary import PartnerKind
from tests.api.membership_acts import operate
from tests.factories import Cast, Exchange, Signer
from tests.services.through_api import World


@pytest.fixture
def w(signer: Signer, cast: Cast, database: Database, vault: Vault, clock: SteppedClock) -> World:
    return World(signer, cast, database, vault, clock)


def unnamed(w: World, *exchanges: Exchange) -> None:
    for exchange in exchanges:
        body = {"named_in_statistics": False}
        answer = w.signer.send(exchange.lead, "PATCH", "/v1/partners/me", body)
        assert answer.status_code == 200


def statistics(w: World, exchange: Exchange) -> dict[str, Any]:
    found: dict[str, Any] = w.get(exchange.auditor, "/v1/statistics")
    return found


def test_nobody_is_named_who_did_not_choose_so(
    database: Database, vault: Vault, clock: SteppedClock
) -> None:
    invited = InvitePartner(handle="late.example", name="Late", kind=PartnerKind.EXCHANGE)
    operate(database, vault, clock, invited)
    with database.engine.connect() as connection:
        row = partner_store.partner(connection, "late.example")
        assert row is not None
        assert row.named_in_statistics is False
        assert "late.example" not in partner_store.named_in_statistics(connection)


def test_how_fast_members_answer_is_told_by_name_of_those_alone_that_chose_it(w: World) -> None:
    a, b, c, d = w.cast.all
    unnamed(w, b, c)
    request = w.live(to=[b.handle, c.handle, d.handle])
    for exchange in (b, c, d):
        w.act(exchange.analyst, request, "acknowledgement")
    rows = statistics(w, a)["rows"]
    assert sorted((row["partner"] or "", row["legs"]) for row in rows) == [
        ("", 2),
        (d.handle, 1),
    ]
    # To itself everybody has its name.
    assert [row["partner"] for row in statistics(w, b)["rows"]] == [b.handle]


def test_how_often_who_asks_was_wrong_is_told_by_name_of_those_that_chose_it(w: World) -> None:
    a, b, c, _ = w.cast.all
    unnamed(w, a)
    for by in (a, c):
        w.freeze(b, w.live(by, to=[b.handle]))
    judged = statistics(w, b)["requesters"]
    assert [each["requester"] for each in judged] == [c.handle, None]
    assert [each["frozen_requests"] for each in judged] == [1, 1]
    assert [each["requester"] for each in statistics(w, a)["requesters"]] == [a.handle]


def test_the_public_year_names_those_alone_that_chose_it(w: World) -> None:
    a, b, c, _ = w.cast.all
    unnamed(w, b)
    w.live(to=[b.handle, c.handle])
    scope = Scope(month_start(2026, 1), month_start(2027, 1), None)
    with w.database.engine.connect() as connection:
        counted = count_figures(connection, scope)
    view = yearly_view(counted, year=2026, requests=1, name_from=1)
    assert [each["partner"] for each in view["partners"]] == [c.handle]
    assert (view["cases"], a.handle in str(view)) == (2, False)
