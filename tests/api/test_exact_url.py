"""Evidence names the path: every other spelling of it leads nowhere, and nothing is done there."""

import re
import secrets
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from coordinator.api.routes import ROUTES
from coordinator.api.view import Route
from coordinator.storage.tables.freeze_requests import ActRow, FreezeRequestRow
from coordinator.storage.tables.idempotency import SeenTokenRow, StoredAnswerRow
from coordinator.storage.tables.transparency_log import LogLeafRow
from holdfast.protocol import canonical_json
from tests.api.acts import submit
from tests.conftest import World
from tests.factories import Cast, Member, Signer, freeze_request_body, request_token

PATH = "/v1/freeze-requests"
#: What a server shows of a target: (as sent, path decoded, query string).
Target = tuple[str, str, str]
WRONG: dict[str, Target] = {
    "a doubled slash in front": (f"/{PATH}", f"/{PATH}", ""),
    "many slashes in front": (f"////{PATH}", f"////{PATH}", ""),
    "a doubled slash inside": ("/v1//freeze-requests", "/v1//freeze-requests", ""),
    "a final slash": (f"{PATH}/", f"{PATH}/", ""),
    "no slash in front": ("v1/freeze-requests", "v1/freeze-requests", ""),
    "a dot segment": ("/v1/./freeze-requests", "/v1/./freeze-requests", ""),
    "two dots": ("/v1/x/../freeze-requests", "/v1/x/../freeze-requests", ""),
    "a dot at the end": (f"{PATH}/.", f"{PATH}/.", ""),
    "an encoded letter that stays": ("/v1/%66reeze-requests", "/v1/%66reeze-requests", ""),
    "an encoded slash": ("/v1%2Ffreeze-requests", "/v1%2Ffreeze-requests", ""),
    "a semicolon": (f"{PATH};a=b", f"{PATH};a=b", ""),
    "a semicolon inside": ("/v1;/freeze-requests", "/v1;/freeze-requests", ""),
    "capitals": ("/V1/freeze-requests", "/V1/freeze-requests", ""),
    "capitals in a word": ("/v1/Freeze-Requests", "/v1/Freeze-Requests", ""),
    "a backslash": ("/v1\\freeze-requests", "/v1\\freeze-requests", ""),
    "a line end": (f"{PATH}\n", f"{PATH}\n", ""),
    "letters of another script": ("/v1/fr\xe9eze-requests", "/v1/fr\xe9eze-requests", ""),
    "a query string": (f"{PATH}?a=1", PATH, "a=1"),
    "an empty query parameter": (f"{PATH}?&", PATH, "&"),
    "two question marks": (f"{PATH}??", PATH, "?"),
}
#: What only a server that hands on the target as it was sent lets us see.
HIDDEN: dict[str, Target] = {
    "a question mark alone": (f"{PATH}?", PATH, ""),
    "an encoded letter": ("/v1/%66reeze-requests", PATH, ""),
    "an encoded slash": ("/v1%2Ffreeze-requests", PATH, ""),
    "an encoded capital": ("/v1/%66REEZE-requests".lower(), PATH, ""),
    "a fragment": (f"{PATH}#a", PATH, ""),
}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """No database is asked."""
    return sqlite_world


def _post(
    signer: Signer, member: Member | None, target: Target, *, variable: str | None, signed: str = ""
) -> Any:
    """Send a freeze request there; signed as sent, unless something else is signed."""
    raw = canonical_json.dumps(freeze_request_body())
    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
    if member is not None:
        url = (signed or target[0]).encode("ascii", "backslashreplace").decode()
        token = request_token(member, "POST", re.sub(r"[^!-~]", "_", url), raw, signer.clock)
        headers["Authorization"] = f"Bearer {token}"
    shown = {"PATH_INFO": target[1], "QUERY_STRING": target[2]}
    shown |= {"RAW_URI": "", "REQUEST_URI": ""}
    if variable is not None:
        shown[variable] = target[0]
    return signer.client.post("/", data=raw, headers=headers, environ_overrides=shown)


def _counts(app: Flask) -> list[int]:
    tables = (FreezeRequestRow, ActRow, LogLeafRow, SeenTokenRow, StoredAnswerRow)
    with app.extensions["holdfast"].database.engine.connect() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        ]


SERVERS = [None, "RAW_URI", "REQUEST_URI"]


@pytest.mark.parametrize("variable", SERVERS)
@pytest.mark.parametrize("name", WRONG)
def test_an_act_at_another_spelling_of_the_url_finds_nothing_there(
    app: Flask, signer: Signer, cast: Cast, name: str, variable: str | None
) -> None:
    before = _counts(app)
    for member in (cast.a.analyst, None):  # no token is looked at
        answer = _post(signer, member, WRONG[name], variable=variable)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), answer.data
    assert _counts(app) == before


@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_server_hands_on_as_it_was_sent_is_refused_alike(
    app: Flask, signer: Signer, cast: Cast, name: str
) -> None:
    before = _counts(app)
    for variable in ("RAW_URI", "REQUEST_URI"):
        answer = _post(signer, cast.a.analyst, HIDDEN[name], variable=variable)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert _counts(app) == before


@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_server_hides_is_refused_because_something_else_was_signed(
    app: Flask, signer: Signer, cast: Cast, name: str
) -> None:
    before = _counts(app)
    answer = _post(signer, cast.a.analyst, HIDDEN[name], variable=None)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert _counts(app) == before


@pytest.mark.parametrize("variable", SERVERS)
def test_the_exact_path_is_served_whatever_the_server_shows(
    signer: Signer, cast: Cast, variable: str | None
) -> None:
    answer = _post(signer, cast.a.analyst, (PATH, PATH, ""), variable=variable)
    assert answer.status_code == 201
    whole = (f"https://coordinator.example{PATH}", PATH, "")
    answer = _post(signer, cast.a.analyst, whole, variable=variable, signed=PATH)
    assert answer.status_code == 201


def _other_spellings(route: Route, path: str) -> list[tuple[str, str]]:
    spellings = [f"/{path}", f"{path}/", f"{path};", f"/.{path}", path.replace("/v1", "/v1/", 1)]
    # Where the last part is a name of the caller's, capitals make another name.
    spellings.append(path.upper())
    queries = ["", "x=1", "&"] if route.method != "GET" else [""]
    return [(s, q) for s in [path, *spellings] for q in queries if (s, q) != (path, "")]


def test_no_route_has_a_second_spelling(signer: Signer) -> None:
    found = []
    for route in ROUTES:
        path = re.sub(r"{[a-z_]+}", "x", route.path)
        for spelling, query in _other_spellings(route, path):
            answer = signer.client.open(
                "/",
                method=route.method,
                environ_overrides={
                    "PATH_INFO": spelling,
                    "QUERY_STRING": query,
                    "RAW_URI": "",
                    "REQUEST_URI": "",
                },
            )
            if answer.status_code != 404 and spelling != spelling.upper():
                found.append((route.method, spelling, query, answer.status_code))
            if answer.status_code not in {404, 405} and spelling == path.upper():
                found.append((route.method, spelling, query, answer.status_code))
    assert found == []


def test_an_id_in_capitals_is_another_id(app: Flask, signer: Signer, cast: Cast) -> None:
    request = submit(signer, cast)
    before = _counts(app)[:3]
    body = {"content_sha256": request["content_sha256"]}
    answer = signer.post(cast.a.lead, f"{PATH}/{request['id'].upper()}/closure", body)
    assert answer.status_code == 404
    assert _counts(app)[:3] == before


def test_a_read_may_have_a_query_string(signer: Signer, cast: Cast) -> None:
    assert signer.get(cast.a.analyst, f"{PATH}?limit=1").status_code == 200
    assert signer.client.get("/healthz?a").status_code == 200
