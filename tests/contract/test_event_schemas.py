"""The document's webhooks: every kind of event by a model of its own, with a sample that fits."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from holdfast.protocol.events import EVENTS, EventData, samples
from holdfast.protocol.vocabulary import EventType
from tests.conftest import World


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The document does not hang on the database."""
    return sqlite_world


@pytest.fixture(name="document")
def _document(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").get_json()
    return document


def test_every_kind_has_a_model_of_its_own_and_says_when_it_comes_and_to_whom(
    document: dict[str, Any],
) -> None:
    models = [kind.data for kind in EVENTS.values()]
    assert len(set(models)) == len(EventType)
    for event, kind in EVENTS.items():
        operation = document["webhooks"][event.value]["post"]
        assert operation["summary"] == (kind.data.__doc__ or "").split("\n\n")[0].replace(
            "\n    ", " "
        )
        assert operation["description"].startswith("Goes to ")
        assert _data(document, event)["properties"].keys() > EventData.model_fields.keys() - {
            "sample"
        }


@pytest.mark.parametrize("event", EventType)
def test_the_sample_of_every_kind_fits_its_schema_and_a_wrong_one_does_not(
    document: dict[str, Any], event: EventType
) -> None:
    content = document["webhooks"][event.value]["post"]["requestBody"]["content"]
    shown = content["application/json"]
    assert shown["example"] == samples()[event.value]
    check = Draft202012Validator({**shown["schema"], "components": document["components"]})
    assert [error.message for error in check.iter_errors(shown["example"])] == []
    wrong = {**shown["example"], "data": {**shown["example"]["data"], "event_id": 1}}
    assert not check.is_valid(wrong)
    assert not check.is_valid({**shown["example"], "type": "another.event"})


def _data(document: dict[str, Any], event: EventType) -> dict[str, Any]:
    content = document["webhooks"][event.value]["post"]["requestBody"]["content"]
    name = content["application/json"]["schema"]["properties"]["data"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found
