"""A sandbox says in the 401 what is otherwise in the log alone, and is never public."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs

from coordinator.domain.clock import SteppedClock
from coordinator.settings import Settings, SettingsError
from holdfast.protocol import canonical_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.request_token import make_request_token
from tests.conftest import World
from tests.factories import ORIGIN, Cast, Signer, request_token

PATH = "/v1/freeze-requests"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """No database decides on these."""
    return sqlite_world


@pytest.fixture
def sandbox(app: Flask) -> Iterator[Flask]:
    context = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(context, is_sandbox=True)
    yield app
    app.extensions["holdfast"] = context


def _refused(signer: Signer, token: str | None, body: bytes | None = None) -> dict[str, Any]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if body is None:
        answer = signer.client.get(PATH, headers=headers)
    else:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(8)}
        answer = signer.client.post(PATH, data=body, headers=headers)
    assert answer.status_code == 401
    told: dict[str, Any] = answer.get_json()
    return told


def test_a_sandbox_says_everything_that_is_wrong_with_a_token(
    sandbox: Flask, signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    del sandbox
    member = cast.a.analyst
    token = make_request_token(
        member.key,
        iss=cast.b.handle,
        sub=member.subject,
        aud="https://other.example",
        method="POST",
        url=f"{ORIGIN}{PATH}?box=sent",
        body=b"",
        now=int(clock.now().timestamp()) - 500,
    )
    told = _refused(signer, token)
    assert told["reason"] == "aud_mismatch"
    assert told["code"] == "unauthenticated"
    for words in (
        f'claims.aud: seen "https://other.example"; wanted "{ORIGIN}"',
        'claims.htm: seen "POST"; wanted "GET"',
        f'claims.htu: seen "{ORIGIN}{PATH}?box=sent"; wanted "{ORIGIN}{PATH}"',
        f'claims.iss: seen "{cast.b.handle}"; wanted "{member.handle}"',
        "claims.exp: seen",
    ):
        assert words in told["detail"]
    assert token not in str(told)


def test_a_sandbox_says_what_only_a_coordinator_knows(
    sandbox: Flask, signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    del sandbox
    assert _refused(signer, None)["reason"] == "token_missing"
    stranger = replace(cast.a.analyst, key=PrivateKey.generate())
    told = _refused(signer, request_token(stranger, "GET", PATH, b"", clock))
    assert told["reason"] == "unknown_key"
    assert "nobody registered this key" in told["detail"]
    token = request_token(cast.a.analyst, "POST", PATH, b"{}", clock)
    other = _refused(signer, token, b'{"a":1}')
    assert other["reason"] == "body_mismatch"
    assert "7 bytes came" in other["detail"]


def test_the_reason_is_the_one_in_the_log(
    sandbox: Flask, signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    del sandbox
    stranger = replace(cast.a.analyst, key=PrivateKey.generate())
    with capture_logs() as logs:
        told = _refused(signer, request_token(stranger, "GET", PATH, b"", clock))
    (line,) = (entry for entry in logs if entry["event"] == "unauthenticated")
    assert line["reason"] == told["reason"]


def test_anywhere_else_the_answer_says_nothing(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    stranger = replace(cast.a.analyst, key=PrivateKey.generate())
    told = _refused(signer, request_token(stranger, "GET", PATH, b"", clock))
    assert "reason" not in told
    assert told["detail"] == "The request could not be authenticated."


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
        "http://10.1.2.3",
        "https://holdfast.test",
        "https://holdfast.internal",
        "http://a.localhost",
    ],
)
def test_a_sandbox_is_on_a_private_origin(origin: str) -> None:
    made = Settings.from_env({"HOLDFAST_SANDBOX": "true", "HOLDFAST_ORIGIN": origin})
    assert made.sandbox


@pytest.mark.parametrize(
    "name", ["HOLDFAST_ORIGIN", "HOLDFAST_CONSOLE_ORIGIN"], ids=["origin", "console"]
)
@pytest.mark.parametrize("host", ["coordinator.example.com", "localhost.example.com"])
def test_a_sandbox_with_a_public_origin_is_refused(name: str, host: str) -> None:
    environment = {name: f"https://{host}"}
    assert not Settings.from_env(environment).sandbox
    with pytest.raises(SettingsError, match="never with a public origin"):
        Settings.from_env(environment | {"HOLDFAST_SANDBOX": "true"})


def test_a_public_address_is_no_sandbox_and_neither_is_a_word() -> None:
    public = {"HOLDFAST_SANDBOX": "true", "HOLDFAST_ORIGIN": "http://8.8.8.8"}
    with pytest.raises(SettingsError, match=r"HOLDFAST_ORIGIN is 'http://8\.8\.8\.8'"):
        Settings.from_env(public)
    with pytest.raises(SettingsError, match="SANDBOX: must be true or false, not 'maybe'"):
        Settings.from_env({"HOLDFAST_SANDBOX": "maybe"})


def test_whoever_joins_with_a_private_key_is_told_that_it_is_burnt(
    signer: Signer, clock: SteppedClock
) -> None:
    root = PrivateKey.generate()
    raw = canonical_json.dumps({"root_jwk": {**root.public.jwk(), "d": "A" * 43}})
    handle = "exchange-z.example"
    token = make_request_token(
        root,
        iss=handle,
        sub=handle,
        aud=ORIGIN,
        method="POST",
        url=f"{ORIGIN}/v1/join",
        body=raw,
        now=int(clock.now().timestamp()),
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with capture_logs() as logs:
        answer = signer.client.post("/v1/join", data=raw, headers=headers)
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "private_key")
    assert "this key is burnt, make a new one" in told["detail"]
    assert told["errors"][0]["pointer"] == "/root_jwk"
    assert "A" * 43 not in str(logs) + answer.get_data(as_text=True)


def test_whoever_grants_a_private_key_is_told_that_it_is_burnt(signer: Signer, cast: Cast) -> None:
    jwk = {**PrivateKey.generate().public.jwk(), "d": "A" * 43}
    body = {"subject": cast.a.analyst.subject, "jwk": jwk, "possession": "a.b.c"}
    answer = signer.post(cast.a.root, "/v1/grants", body)
    told = answer.get_json()
    assert answer.status_code == 422
    assert told["errors"][0]["pointer"] == "/jwk"
    assert "this key is burnt, make a new one" in told["errors"][0]["detail"]
