"""Free text that names a customer is refused, wherever a body holds one, with all else wrong."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from coordinator.api.customer_data import customer_data, members_of
from coordinator.api.routes import ROUTES
from coordinator.storage.engine.database import Database
from coordinator.storage.tables.partners import PartnerRow
from tests.api.acts import approve, submit
from tests.factories import ACCOUNT, Cast, Signer, freeze_request_body

PATH = "/v1/freeze-requests"
#: Texts with neither words nor a pattern of their own, and the rule that each is held to.
CHECKED_BY_RULE = {
    ("FlaggedAddress", "account"): "parse_account",
    ("FlaggedAddress", "tag"): "parse_account",
    ("FlaggedAddress", "asset"): "parse_asset",
    ("FoundLine", "asset"): "parse_asset",
    ("FrozenLine", "asset"): "parse_asset",
    ("IndemnityCap", "asset"): "parse_asset",
    ("Claim", "addresses"): "parse_account",
    ("Claim", "asset"): "parse_asset",
    ("Claim", "payout"): "parse_account",
    ("PayoutChange", "payout"): "parse_account",
    ("NewRestitution", "asset"): "parse_asset",
    ("PoolConversion", "asset"): "parse_asset",
    ("PoolConversion", "to_asset"): "parse_asset",
    ("PoolCost", "asset"): "parse_asset",
    ("PoolReserve", "asset"): "parse_asset",
    ("PoolReturn", "asset"): "parse_asset",
    ("Price", "asset"): "parse_asset",
    ("DataSubjectRequest", "account"): "parse_account",
    ("DepositFound", "sent_from"): "parse_account",
    ("MisplacedDeposit", "account"): "parse_account",
    ("MisplacedDeposit", "tag"): "parse_account",
    ("MisplacedDeposit", "asset"): "parse_asset",
    ("MisplacedDeposit", "sent_from"): "parse_account",
    ("MisplacedDeposit", "return_to"): "parse_account",
    ("MisplacedDeposit", "return_tag"): "parse_account",
    ("OwnerProof", "account"): "parse_account",
    ("ReturnAsk", "asset"): "parse_asset",
    ("ReturnDestination", "account"): "parse_account",
    ("ReturnDestination", "tag"): "parse_account",
    ("NewDestination", "account"): "parse_account",
    ("NewDestination", "tag"): "parse_account",
    ("ArrivedTest", "asset"): "parse_asset",
    ("NewEndpoint", "url"): "check_endpoint",
    ("EndpointChanges", "url"): "check_endpoint",
    ("JsonChannel", "url"): "check_endpoint",
    ("PagerChannel", "url"): "check_endpoint",
    ("PartnerChanges", "contacts"): "sealed; the partner's own people are named here",
    ("PartnerChanges", "emergency_contact"): "the same",
    ("PersonChanges", "display_name"): "sealed; read by the partner's own alone",
    ("PersonChanges", "contact"): "the same",
    ("ProviderPerson", "email"): "the same",
    ("CosignedCheckpoint", "note"): "checked_cosignatures",
}
EMAIL = "jane.doe@example.com"


def _models() -> list[type[BaseModel]]:
    """Return every model that a body of the API is made of."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[type[BaseModel]] = [
        route.view.body for route in ROUTES if route.view.body is not None
    ]
    while waiting:
        model = waiting.pop()
        if model not in found:
            found[model] = None
            waiting += chain.from_iterable(member.models for member in members_of(model))
    return sorted(found, key=lambda model: model.__name__)


MODELS = _models()
FREE = [(model, member.name) for model in MODELS for member in members_of(model) if member.free]


def _strings(schema: Any) -> Iterator[dict[str, Any]]:
    """Return the string types in a member's JSON schema; models of its own are walked apart."""
    if schema.get("type") == "string":
        yield schema
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items")):
        if isinstance(inner, dict):
            yield from _strings(inner)


def _has_form(schema: dict[str, Any]) -> bool:
    return bool({"enum", "const", "pattern"} & set(schema)) or schema.get("format") == "date-time"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_text_of_every_model_is_looked_through_or_has_a_form(model: type[BaseModel]) -> None:
    """Asked of the schema that partners see, not of the marks that decide; members by our names."""
    properties = model.model_json_schema(by_alias=False).get("properties", {})
    assert set(properties) == {member.name for member in members_of(model)}
    free = {member.name for member in members_of(model) if member.free}
    for name, schema in properties.items():
        bare = [found for found in _strings(schema) if not _has_form(found)]
        if bare and name not in free:
            assert (model.__name__, name) in CHECKED_BY_RULE


def test_no_rule_is_named_for_what_is_looked_through_anyway() -> None:
    assert not set(CHECKED_BY_RULE) & {(model.__name__, name) for model, name in FREE}
    assert set(CHECKED_BY_RULE) <= {(m.__name__, n) for m in MODELS for n in m.model_fields}


@pytest.mark.parametrize(("model", "name"), FREE, ids=lambda part: getattr(part, "__name__", part))
def test_what_is_free_is_looked_through_wherever_it_stands(
    model: type[BaseModel], name: str
) -> None:
    is_list = model.model_json_schema()["properties"][name].get("type") == "array"
    values: dict[str, Any] = dict.fromkeys(model.model_fields)
    values[name] = ["hop 2", EMAIL] if is_list else EMAIL
    (fault,) = customer_data(model.model_construct(**values), frozenset)
    pointer = f"/{name}/1" if is_list else f"/{name}"
    assert (fault.pointer, fault.code) == (pointer, "customer_data_email")
    assert "jane" not in fault.detail


class Undeclared(BaseModel):
    """A text of which nobody said anything."""

    text: str | None


class Unheard(BaseModel):
    """A member of a type that no body has."""

    parts: dict[str, str]


def test_a_text_of_which_nothing_is_said_is_looked_through() -> None:
    (fault,) = customer_data(Undeclared(text=EMAIL), frozenset)
    assert fault.pointer == "/text"


def test_a_member_whose_type_nobody_thought_of_is_an_error() -> None:
    with pytest.raises(TypeError, match="parts"):
        members_of(Unheard)


def test_the_number_of_a_file_may_look_like_a_phone_number(signer: Signer, cast: Cast) -> None:
    number = "0151/23456789"
    legal = {"police_report": number, "order": number}
    accepted = signer.post(cast.a.analyst, PATH, freeze_request_body(legal=legal))
    assert accepted.status_code == 201, accepted.data
    refused = signer.post(cast.a.analyst, PATH, freeze_request_body(summary=number))
    assert refused.get_json()["code"] == "customer_data"


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        ({"summary": f"Write to {EMAIL}"}, ["/summary"]),
        (
            {
                "incident": {
                    "title": f"Theft from {EMAIL}",
                    "kind": "hack",
                    "occurred_at": "2026-03-02T09:00:00Z",
                    "reference": "UID 8834412",
                }
            },
            ["/incident/title", "/incident/reference"],
        ),
        (
            {"legal": {"police_report": EMAIL, "agency": "tel. 07700 900123", "order": EMAIL}},
            ["/legal/police_report", "/legal/agency", "/legal/order"],
        ),
        (
            {
                "addresses": [
                    {
                        "account": ACCOUNT,
                        "note": "account (12345678)",
                        "usd": {"value": "1", "at": "2026-03-02T09:00:00Z", "source": EMAIL},
                    }
                ]
            },
            ["/addresses/0/note", "/addresses/0/usd/source"],
        ),
        ({"indemnity": {"offered": True, "text": EMAIL}}, ["/indemnity/text"]),
    ],
)
def test_a_request_that_names_a_customer_anywhere_is_refused_with_every_place(
    signer: Signer, cast: Cast, members: dict[str, Any], pointers: list[str]
) -> None:
    answer = signer.post(cast.a.analyst, PATH, freeze_request_body(**members))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "customer_data")
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == pointers
    assert "jane" not in answer.text
    assert signer.get(cast.a.auditor, PATH).get_json()["items"] == []


@pytest.mark.parametrize(
    "following",
    [{"service": EMAIL}, {"account": EMAIL}, {"tx": EMAIL}],
    ids=lambda f: next(iter(f)),
)
def test_where_funds_went_on_to_names_no_customer(
    signer: Signer, cast: Cast, following: dict[str, str]
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    body = {
        "content_sha256": request["content_sha256"],
        "lines": [
            {"kind": "nothing", "address_nos": [0], "code": "moved_on", "next": following},
        ],
    }
    answer = signer.post(cast.b.compliance, f"{PATH}/{request['id']}/freeze-reports", body)
    assert answer.status_code == 422
    (fault,) = answer.get_json()["errors"]
    assert fault["pointer"].endswith(f"/next/{next(iter(following))}")
    assert "jane" not in answer.text


@pytest.mark.parametrize("member", [{"account": EMAIL}, {"tag": EMAIL}, {"asset": EMAIL}])
def test_what_an_address_has_by_its_chain_s_rule_names_no_customer(
    signer: Signer, cast: Cast, member: dict[str, str]
) -> None:
    body = freeze_request_body(addresses=[{"account": ACCOUNT, **member}])
    answer = signer.post(cast.a.analyst, PATH, body)
    assert answer.status_code == 422
    assert [f["pointer"] for f in answer.get_json()["errors"]] == [
        f"/addresses/0/{next(iter(member))}"
    ]


def test_an_endpoint_s_url_is_no_customer_s_address(signer: Signer, cast: Cast) -> None:
    answer = signer.post(cast.b.system, "/v1/webhook-endpoints", {"url": EMAIL})
    assert answer.status_code == 422


def test_contacts_are_the_partner_s_own_and_may_be_reached(signer: Signer, cast: Cast) -> None:
    reached = ["desk@exchange-a.example", "+49 30 901820"]
    contacts = {"contacts": reached, "emergency_contact": reached[1]}
    answer = signer.send(cast.a.lead, "PATCH", "/v1/partners/me", contacts)
    assert answer.status_code == 200, answer.data
    names = {"display_name": reached[0], "contact": reached[1]}
    answer = signer.send(cast.a.lead, "PATCH", f"/v1/people/{cast.a.analyst.subject}", names)
    assert answer.status_code == 200, answer.data


def test_national_numbers_of_every_member_s_country_count(
    signer: Signer, cast: Cast, database: Database
) -> None:
    def submit_text() -> int:
        body = freeze_request_body(summary="The owner, (11) 91234-5678, was told.")
        return signer.post(cast.a.analyst, PATH, body).status_code

    assert submit_text() == 201
    with database.engine.begin() as connection:
        connection.execute(
            update(PartnerRow).where(PartnerRow.handle == cast.d.handle).values(jurisdiction="BR")
        )
    assert submit_text() == 422


def test_the_members_countries_are_read_once_and_only_for_what_may_be_a_number() -> None:
    asked = []

    def jurisdictions() -> frozenset[str]:
        asked.append("asked")
        return frozenset({"JP"})

    body = MODELS_BY_NAME["InfoRequest"].model_construct(missing=["hop 2", "0x5c50"], text=None)
    assert customer_data(body, jurisdictions) == []
    assert asked == []
    body = MODELS_BY_NAME["InfoRequest"].model_construct(missing=["03-1234-5678"] * 3, text=None)
    assert len(customer_data(body, jurisdictions)) == 3
    assert asked == ["asked"]


MODELS_BY_NAME = {model.__name__: model for model in MODELS}


def test_words_and_addresses_are_refused_in_one_answer(signer: Signer, cast: Cast) -> None:
    body = freeze_request_body(
        summary=f"Write to {EMAIL}",
        addresses=[{"account": "eip155:1:0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135d"}],
    )
    answer = signer.post(cast.a.analyst, PATH, body)
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.get_json()["errors"]}
    assert pointers == {"/summary", "/addresses/0/account"}
    assert "jane" not in answer.text


@pytest.mark.parametrize("reason", [" ", "\u200b", "\u3164", "\u2003\u2060"], ids=ascii)
def test_a_reason_that_nobody_can_see_is_none(signer: Signer, cast: Cast, reason: str) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    body = {
        "content_sha256": request["content_sha256"],
        "addresses": "all",
        "reason_code": "other",
        "reason": reason,
    }
    answer = signer.post(cast.a.lead, f"{PATH}/{request['id']}/withdrawal", body)
    assert answer.status_code == 422
    (fault,) = answer.get_json()["errors"]
    assert (fault["pointer"], "visible" in fault["detail"]) == ("/reason", True)
    assert signer.get(cast.a.lead, f"{PATH}/{request['id']}").get_json()["status"] == "active"
