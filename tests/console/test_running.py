"""Endpoints, directory and audit: how many queries a page takes, and what stands on it."""

import pytest
from flask import Flask

from coordinator.console import delivery_words
from coordinator.console.audit import ACTS
from coordinator.console.deliveries import MOST_SHOWN, readable
from coordinator.console.faults import Faults
from coordinator.console.owed import host_of
from coordinator.console.partners import fours
from coordinator.domain.errors import FieldFault, InvalidInputError
from coordinator.domain.leg import LegAct
from holdfast.protocol.vocabulary import EVENT_FAMILIES, EventType
from tests.api.acts import approve, submit
from tests.conftest import World
from tests.console.visiting import counted_queries, signed_in
from tests.factories import Cast, Signer

_URL = "http://127.0.0.1:9/in"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The pages read through the API's views, which have tests on both databases."""
    return sqlite_world


def test_every_event_has_its_words_and_its_family() -> None:
    assert delivery_words.EVENTS.keys() == set(EventType)
    assert delivery_words.FAMILIES.keys() == EVENT_FAMILIES.keys()
    assert delivery_words.event("a.later_one") == "a.later_one"


def test_every_act_on_a_leg_has_its_words() -> None:
    assert {act.value for act in LegAct} - ACTS.keys() == set()


def test_what_is_sent_is_read_in_the_order_in_which_it_is_sent() -> None:
    text, is_cut = readable({"title": "a\N{RIGHT-TO-LEFT OVERRIDE}b\N{ZERO WIDTH SPACE}é<b>"})
    assert '"title": "a\\u202eb\\u200bé<b>"' in text
    assert not is_cut
    assert readable({"a": "x" * (MOST_SHOWN + 1)})[1]
    assert readable(None) == ("", False)


def test_a_fault_stands_at_its_field_and_what_is_about_none_above() -> None:
    refused = InvalidInputError(
        "no", errors=[FieldFault("/url", "is not public"), FieldFault("", "say what changes")]
    )
    faults = Faults.of(refused, {"url": "url"})
    assert faults.by_field == {"url": "This is not public."}
    assert faults.listed == [("f-url", "This is not public."), ("", "Say what changes.")]


def test_a_thumbprint_is_read_aloud_in_fours() -> None:
    assert fours("abcdefghij") == ["abcd", "efgh", "ij"]


def test_a_sentence_names_no_secret_path() -> None:
    assert host_of("https://hooks.example:8443/T0/secret") == "hooks.example:8443"
    assert host_of("https://[") == "a URL without a host"


@pytest.mark.parametrize(
    "path",
    ["/console/endpoints", "/console/partners", "/console/audit", "/console/endpoints/{endpoint}"],
)
def test_a_page_takes_no_more_queries_for_more_rows(
    app: Flask, signer: Signer, cast: Cast, path: str
) -> None:
    made = signer.post(cast.a.lead, "/v1/webhook-endpoints", {"url": _URL}).get_json()
    visitor, database = signed_in(app, cast.a.lead), app.extensions["holdfast"].database
    path = path.format(endpoint=made["id"])
    assert visitor.get(path).status_code == 200
    counts = []
    for _ in range(2):
        for _ in range(3):
            signer.post(cast.a.lead, "/v1/webhook-endpoints", {"url": _URL})
            approve(signer, cast, submit(signer, cast))
        with counted_queries(database) as sent:
            assert visitor.get(path).status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert counts[0] <= 24


def test_what_cannot_be_asked_for_is_refused_by_a_page(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    made = signer.post(cast.a.lead, "/v1/webhook-endpoints", {"url": _URL}).get_json()
    visitor = signed_in(app, cast.a.lead)
    for path in (
        f"/console/endpoints/{made['id']}?status=nonsense",
        f"/console/endpoints/{made['id']}?cursor=nonsense",
        "/console/audit?of=nonsense",
        "/console/partners?cursor=nonsense",
    ):
        assert 400 <= visitor.get(path).status_code < 500, path
