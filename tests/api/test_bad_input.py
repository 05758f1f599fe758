"""Whatever is wrong gets a precise problem, leaves nothing behind, and is never a 5xx."""

import re
import secrets
from typing import Any

import pytest
from flask import Flask
from pydantic import ValidationError
from sqlalchemy import func, select

from coordinator.api.paging import PageQuery
from coordinator.api.query import Query
from coordinator.api.routes import ROUTES
from coordinator.storage.tables.documents import DocumentRow
from coordinator.storage.tables.events import EventRow
from coordinator.storage.tables.freeze_ledger import HoldRow, LedgerLineRow
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow
from coordinator.storage.tables.transparency_log import LogLeafRow
from holdfast.protocol import canonical_json
from holdfast.protocol.type_ids import new_id
from tests.api.acts import approve, report_frozen, submit
from tests.conftest import World
from tests.factories import ACCOUNT, ETHER, Cast, Signer, freeze_request_body, request_token

PATH = "/v1/freeze-requests"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
GOOD_TEXT = canonical_json.dumps(freeze_request_body()).decode()


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What is refused before the transaction is the same on both databases."""
    return sqlite_world


def _counts(app: Flask) -> list[int]:
    tables = (FreezeRequestRow, ActRow, LedgerLineRow, HoldRow, EventRow, LogLeafRow)
    with app.extensions["holdfast"].database.engine.connect() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        ]


def _with_address(**members: Any) -> dict[str, Any]:
    return {"addresses": [{"account": ACCOUNT, "asset": ETHER, "amount": "1"} | members]}


#: name: (raw body, status, code, pointer of a fault)
MALFORMED: dict[str, tuple[bytes, str | None]] = {
    "nothing at all": (b"", None),
    "no JSON": (b"freeze, please", None),
    "a list": (b"[]", None),
    "a duplicate member": (b'{"summary":"a",' + GOOD_TEXT[1:].encode(), "/summary"),
    "NaN": (GOOD_TEXT.replace('"hours":72', '"hours":NaN').encode(), None),
    "Infinity": (GOOD_TEXT.replace('"hours":72', '"hours":Infinity').encode(), None),
    "a lone surrogate": (GOOD_TEXT.replace("Proceeds", "\\ud800").encode(), "/summary"),
    "no UTF-8": (GOOD_TEXT.encode().replace(b"Proceeds", b"\xff\xfe"), None),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD_TEXT.encode(), None),
    "deep nesting": (b'{"a":' * 5000 + b"1" + b"}" * 5000, None),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, None),
    "a huge integer": (GOOD_TEXT.replace("72", "9" * 5000).encode(), None),
    "something after the end": (GOOD_TEXT.encode() + b" {}", None),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_body_that_is_no_strict_json_is_refused(
    app: Flask, signer: Signer, cast: Cast, name: str
) -> None:
    raw, pointer = MALFORMED[name]
    before = _counts(app)
    answer = signer.send(
        cast.a.analyst, "POST", PATH, raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}, answer.data
    assert answer.content_type == "application/problem+json"
    if pointer is not None:
        assert answer.get_json()["code"] == "malformed_json"
        assert [fault["pointer"] for fault in answer.get_json()["errors"]] == [pointer]
    assert _counts(app) == before


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown member": ({"colour": "red"}, "/colour"),
    "an unknown member inside": (_with_address(colour="red"), "/addresses/0/colour"),
    "a missing member": ({"urgency": ...}, "/urgency"),
    "a number for text": ({"summary": 7}, "/summary"),
    "text for a number": ({"hold": {"hours": "72"}}, "/hold/hours"),
    "a boolean for a number": ({"hold": {"hours": True}}, "/hold/hours"),
    "an unknown urgency": ({"urgency": "now"}, "/urgency"),
    "a nonce that is short": ({"nonce": "AAAA"}, "/nonce"),
    "control characters": ({"summary": "a\x01b"}, "/summary"),
    "a time without a zone": (
        {"do_not_notify_customer_until": "2026-03-04T00:00:00"},
        "/do_not_notify_customer_until",
    ),
    "a day that does not exist": (
        {"do_not_notify_customer_until": "2026-02-30T00:00:00Z"},
        "/do_not_notify_customer_until",
    ),
    "a time as a number": (
        {"do_not_notify_customer_until": 1_795_377_260},
        "/do_not_notify_customer_until",
    ),
    "a checksum that is broken": (
        _with_address(account=ACCOUNT.replace("5D", "5d")),
        "/addresses/0/account",
    ),
    "an address on the wrong chain": (
        _with_address(account=f"{BITCOIN}:{ACCOUNT.rpartition(':')[2]}", asset=None, amount=None),
        "/addresses/0/account",
    ),
    "an unknown chain": (
        _with_address(account="eip155:0:0x51", asset=None, amount=None),
        "/addresses/0/account",
    ),
    "no CAIP-10": (
        _with_address(account="0x51E9", asset=None, amount=None),
        "/addresses/0/account",
    ),
    "an unknown asset": (_with_address(asset="eip155:1/slip44:61"), "/addresses/0/asset"),
    "an asset of another chain": (_with_address(asset=f"{BITCOIN}/slip44:0"), "/addresses/0/asset"),
    "a negative amount": (_with_address(amount="-1"), "/addresses/0/amount"),
    "a fractional amount": (_with_address(amount="1.5"), "/addresses/0/amount"),
    "an amount in scientific notation": (_with_address(amount="1e18"), "/addresses/0/amount"),
    "an amount as a number": (_with_address(amount=1), "/addresses/0/amount"),
    "an amount with leading zeros": (_with_address(amount="01"), "/addresses/0/amount"),
    "an amount of 2^256": (_with_address(amount=str(2**256)), "/addresses/0/amount"),
    "an amount without its asset": (_with_address(asset=None), "/addresses/0/asset"),
    "no addresses": ({"addresses": []}, "/addresses"),
    "an address twice": (
        {"addresses": [{"account": ACCOUNT}, {"account": ACCOUNT.lower()}]},
        "/addresses/1",
    ),
    "nobody asked": ({"to": []}, "/to"),
    "a partner asked twice": ({"to": ["exchange-b.example"] * 2}, "/to"),
    "an unknown partner": ({"to": ["exchange-z.example"]}, "/to/0"),
    "oneself": ({"to": ["exchange-b.example", "exchange-a.example"]}, "/to/1"),
    "no handle": ({"to": ["EXCHANGE B"]}, "/to/0"),
    "an incident that is not there": (
        {"incident": {"id": "inc_01kk7h3m6xf9trv2c8e5b4n0qa"}},
        "/incident/id",
    ),
    "a request to follow that is not there": (
        {"follows": "frq_01kk7h3m6xf9trv2c8e5b4n0qa"},
        "/follows",
    ),
    "an e-mail address in free text": ({"summary": "ask bob@mail.example.com"}, "/summary"),
    "an IBAN in free text": ({"summary": "paid to DE89370400440532013000"}, "/summary"),
    "an e-mail address in a note": (
        _with_address(note="of bob@mail.example.com"),
        "/addresses/0/note",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_request_that_cannot_be_taken_names_the_place(
    app: Flask, signer: Signer, cast: Cast, name: str
) -> None:
    changes, pointer = INVALID[name]
    body = freeze_request_body(**changes)
    for address in body["addresses"]:
        for member in [m for m, value in address.items() if value is None]:
            del address[member]
    before = _counts(app)
    answer = signer.post(cast.a.analyst, PATH, body)
    assert answer.status_code == 422, answer.data
    assert pointer in [fault["pointer"] for fault in answer.get_json()["errors"]], answer.get_json()
    assert all(fault["detail"] for fault in answer.get_json()["errors"])
    assert _counts(app) == before


@pytest.mark.parametrize("number", ["72.5", "7.2e1", "72.0", "-0.0"])
def test_a_float_is_no_whole_number(signer: Signer, cast: Cast, number: str) -> None:
    raw = GOOD_TEXT.replace('"hours":72', f'"hours":{number}').encode()
    answer = signer.post(cast.a.analyst, PATH, raw)
    assert answer.status_code in {400, 422}, answer.data
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == ["/hold/hours"]


def test_all_faults_of_all_addresses_are_said_at_once(signer: Signer, cast: Cast) -> None:
    bad = ACCOUNT.replace("5D", "5d")
    addresses = [{"account": bad}, {"account": ACCOUNT}, {"account": bad, "asset": ETHER}]
    answer = signer.post(cast.a.analyst, PATH, freeze_request_body(addresses=addresses))
    assert [fault["pointer"] for fault in answer.get_json()["errors"]] == [
        "/addresses/0/account",
        "/addresses/2/account",
    ]


def test_what_was_sent_is_not_repeated_in_the_refusal(signer: Signer, cast: Cast) -> None:
    answer = signer.post(
        cast.a.analyst, PATH, freeze_request_body(summary="ask bob@mail.example.com")
    )
    assert answer.get_json()["code"] == "customer_data"
    assert b"bob@" not in answer.data


@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"),
        *("application/json; charset=utf-16", "application/json;charset=latin-1"),
        *('application/json; charset="utf-8', "application/json; charset='utf-8'"),
        *("application/json; charset=", "application/json; charset=utf-8; charset=utf-16"),
        *(
            "application/json; charset=utf8",
            "application/json; boundary=a",
            "application/json, a/b",
        ),
    ],
)
def test_a_body_that_is_not_announced_as_json_in_utf_8_is_refused(
    signer: Signer, cast: Cast, kind: str
) -> None:
    answer = signer.send(
        cast.a.analyst, "POST", PATH, freeze_request_body(), headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    [
        *("application/json", "Application/JSON", "application/json;", "application/json ;"),
        *("application/json; charset=utf-8", 'application/json;Charset="UTF-8"'),
    ],
)
def test_json_in_utf_8_may_be_announced_in_any_case_and_quoting(
    signer: Signer, cast: Cast, kind: str
) -> None:
    answer = signer.send(
        cast.a.analyst, "POST", PATH, freeze_request_body(), headers={"Content-Type": kind}
    )
    assert answer.status_code == 201, answer.data


@pytest.mark.parametrize(
    ("path", "limit"), [(PATH, 16_777_216), ("/v1/grants", 1_048_576)], ids=["submit", "grant"]
)
def test_a_body_that_is_too_large_is_refused(
    signer: Signer, cast: Cast, path: str, limit: int
) -> None:
    answer = signer.send(cast.a.lead, "POST", path, b" " * (limit + 1))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("key", ["", "short", "a" * 65, "with space!", "ü" * 10])
def test_an_idempotency_key_that_is_malformed_is_refused(
    signer: Signer, cast: Cast, key: str
) -> None:
    answer = signer.send(
        cast.a.analyst, "POST", PATH, freeze_request_body(), headers={"Idempotency-Key": key}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key")


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=1001",
        "?limit=many",
        "?limit=5&limit=6",
        "?colour=red",
        "?box=attic",
        "?status=lost",
        "?incident=inc_1",
        "?incident=%00",
        "?cursor=AAAA",
        "?cursor=%C3%BC",
        "?cursor=" + "A" * 300,
        "?cursor=MWZycV8%3D",
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(signer: Signer, cast: Cast, query: str) -> None:
    answer = signer.get(cast.a.analyst, PATH + query)
    assert answer.status_code == 422, answer.data
    name = query[1:].split("=", maxsplit=1)[0]
    faults = answer.get_json()["errors"]
    assert {fault["parameter"] for fault in faults} == {name}
    assert all("pointer" not in fault for fault in faults)


NUMBERS = [
    "1_0",
    "+1",
    "%2B1",
    "%201",
    "1%20",
    "1%0A",
    "%EF%BC%91",
    "%D9%A1",
    "01",
    "-0",
    "1.0",
    "1e1",
    "0x1",
    "",
]


@pytest.mark.parametrize("number", [*NUMBERS, "9" * 17, "9" * 1000])
def test_numbers_of_queries_are_plain_digits(signer: Signer, cast: Cast, number: str) -> None:
    for parameter in ("after", "wait", "limit"):
        answer = signer.get(cast.a.lead, f"/v1/events?{parameter}={number}")
        assert answer.status_code == 422, answer.data
        [fault] = answer.get_json()["errors"]
        assert (fault["parameter"], "plain digits" in fault["detail"]) == (parameter, True)


def _numbers_of_queries() -> list[tuple[type[Query], str]]:
    return [
        (route.view.query, field.alias or name)
        for route in ROUTES
        if route.view.query is not None
        for name, field in route.view.query.model_fields.items()
        if re.search(r"\bint\b", str(field.annotation))
    ]


def test_every_number_of_a_query_is_held_to_plain_digits() -> None:
    numbers = _numbers_of_queries()
    assert (PageQuery, "limit") in numbers
    for query, name in numbers:
        with pytest.raises(ValidationError, match="plain digits"):
            query.model_validate({name: " 1"})


def test_kinds_are_named_as_they_are_sent(signer: Signer, cast: Cast) -> None:
    body = {"content_sha256": "0" * 64, "lines": [{"kind": "x"}]}
    path = f"{PATH}/{new_id('frq')}/freeze-reports"
    (fault,) = signer.post(cast.b.lead, path, body).get_json()["errors"]
    assert "'found', 'frozen', 'released'" in fault["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events?after=-1",
        "/v1/events?wait=21",
        "/v1/events?types=freeze.lost",
        "/v1/events?types=%27%3B--",
        "/v1/events?limit=100000",
        "/v1/keys?kid=short",
        "/v1/keys?partner=NOBODY",
        "/v1/keys?cursor=MQ",
        "/v1/partners?cursor=MS8",
        "/v1/webhook-endpoints?cursor=x",
    ],
)
def test_no_list_takes_what_it_does_not_know(signer: Signer, cast: Cast, path: str) -> None:
    answer = signer.get(cast.a.lead, path)
    assert answer.status_code == 422, answer.data


@pytest.mark.parametrize("request_id", ["frq_1", "0", "..", "frq_" + "z" * 26, "a" * 900, "~"])
def test_an_id_that_is_none_is_not_found(signer: Signer, cast: Cast, request_id: str) -> None:
    answer = signer.get(cast.a.lead, f"{PATH}/{request_id}")
    assert answer.status_code == 404, answer.data


def test_a_path_or_method_that_is_not_there_says_so(signer: Signer, cast: Cast) -> None:
    assert signer.get(cast.a.lead, "/v1/nowhere").get_json()["code"] == "not_found"
    answer = signer.send(cast.a.lead, "PUT", PATH, {})
    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def _report(request: dict[str, Any], *lines: dict[str, Any]) -> dict[str, Any]:
    return {"content_sha256": request["content_sha256"], "lines": list(lines)}


FOUND = {"kind": "found", "address_no": 0, "asset": ETHER, "amount": "10"}
FROZEN = {
    "kind": "frozen",
    "address_no": 0,
    "asset": ETHER,
    "amount": "10",
    "frozen_at": "2026-03-02T12:00:00Z",
    "hold_expires_at": "2026-03-04T12:00:00Z",
    "basis": "voluntary",
}
BREACHES: dict[str, list[dict[str, Any]]] = {
    "frozen beyond what was found": [FROZEN | {"amount": "11"}],
    "an address that was not flagged": [FOUND | {"address_no": 1}],
    "a hold that is not there": [
        {
            "kind": "released",
            "hold": "hld_01kk7h3m6xf9trv2c8e5b4n0qa",
            "amount": "1",
            "reason": "false_positive",
        }
    ],
    "a line that is not there": [
        {
            "kind": "correction",
            "corrects": "lin_01kk7h3m6xf9trv2c8e5b4n0qa",
            "amount": "1",
            "reason": "typing error",
        }
    ],
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_report_that_breaks_the_ledger_is_refused_whole(
    app: Flask, signer: Signer, cast: Cast, name: str
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    before = _counts(app)
    path = f"{PATH}/{request['id']}/freeze-reports"
    answer = signer.post(cast.b.compliance, path, _report(request, FOUND, *BREACHES[name]))
    assert answer.status_code in {409, 422}, answer.data
    assert answer.get_json()["errors"][0]["pointer"].startswith("/lines/"), answer.get_json()
    assert _counts(app) == before


def test_a_transition_that_is_not_in_the_table_says_the_status_as_it_is(
    signer: Signer, cast: Cast
) -> None:
    request = submit(signer, cast)
    approve(signer, cast, request)
    report_frozen(signer, cast.b, request)
    path = f"{PATH}/{request['id']}"
    body = {"content_sha256": request["content_sha256"], "code": "funds_gone"}
    declined = signer.post(cast.b.lead, f"{path}/decline", body)
    assert (declined.status_code, declined.get_json()["current_status"]) == (409, "frozen")
    again = {**body, "decision": "reject", "context_sha256": request["context_sha256"]}
    del again["code"]
    rejected = signer.post(cast.a.second_lead, f"{path}/approvals", again)
    assert (rejected.status_code, rejected.get_json()["current_status"]) == (409, "active")


@pytest.mark.parametrize("act", ["approvals", "withdrawal", "acknowledgement", "freeze-reports"])
def test_an_act_on_another_document_is_refused(signer: Signer, cast: Cast, act: str) -> None:
    request = submit(signer, cast)
    if act in {"acknowledgement", "freeze-reports"}:
        approve(signer, cast, request)
    members: dict[str, dict[str, Any]] = {
        "approvals": {"decision": "approve", "context_sha256": request["context_sha256"]},
        "withdrawal": {"addresses": "all", "reason_code": "other", "reason": "mistake"},
        "acknowledgement": {},
        "freeze-reports": {"lines": [FOUND]},
    }
    own = cast.b if act in {"acknowledgement", "freeze-reports"} else cast.a
    body = {"content_sha256": "0" * 64, **members[act]}
    answer = signer.post(own.lead, f"{PATH}/{request['id']}/{act}", body)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "other_document")


def test_an_idempotency_key_is_good_for_one_request_only(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    key = secrets.token_hex(16)
    body = freeze_request_body()
    first = signer.post(cast.a.analyst, PATH, body, key=key)
    counts = _counts(app)
    again = signer.post(cast.a.analyst, PATH, body, key=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = signer.post(cast.a.analyst, PATH, freeze_request_body(), key=key)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    assert _counts(app) == counts


def test_a_token_that_was_used_before_is_refused(app: Flask, signer: Signer, cast: Cast) -> None:
    raw = canonical_json.dumps(freeze_request_body())
    token = request_token(cast.a.analyst, "POST", PATH, raw, signer.clock)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": secrets.token_hex(16),
    }
    assert signer.client.post(PATH, data=raw, headers=headers).status_code == 201
    counts = _counts(app)
    replayed = signer.client.post(PATH, data=raw, headers=headers)
    assert (replayed.status_code, replayed.get_json()["code"]) == (401, "unauthenticated")
    assert _counts(app) == counts


def test_no_refusal_leaves_a_document_behind(app: Flask, signer: Signer, cast: Cast) -> None:
    def documents() -> int:
        with app.extensions["holdfast"].database.engine.connect() as connection:
            query = select(func.count()).select_from(DocumentRow)
            return int(connection.execute(query).scalar_one())

    before = documents()
    signer.post(cast.a.analyst, PATH, freeze_request_body(to=[]))
    assert documents() == before
    # A refusal by the rules is stored as the answer to its key, and nothing else is.
    signer.post(cast.a.analyst, PATH, freeze_request_body(to=["exchange-a.example"]))
    assert documents() == before + 1


def test_of_very_many_faults_the_first_are_listed_and_all_are_counted(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    addresses = [{"account": f"eip155:1:0x{number}"} for number in range(1500)]
    before = _counts(app)
    answer = signer.post(cast.a.analyst, PATH, freeze_request_body(addresses=addresses))
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_addresses")
    assert (problem["error_count"], len(problem["errors"])) == (1500, 1000)
    assert "1500 faults in all" in problem["detail"]
    assert _counts(app) == before
