"""Every token that must not pass is answered by one and the same 401."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from coordinator.domain.clock import SteppedClock
from holdfast.protocol import canonical_json
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.request_token import make_request_token
from holdfast.protocol.type_ids import new_id
from tests.conftest import World
from tests.factories import ORIGIN, Cast, Member, Signer, freeze_request_body, request_token
from tests.partners.protocol.hostile_tokens import HOSTILE

PATH = "/v1/freeze-requests"
GENERIC = {
    "type": "/docs/problems#unauthenticated",
    "title": "Not authenticated",
    "status": 401,
    "code": "unauthenticated",
    "detail": "The request could not be authenticated.",
}


@pytest.fixture
def world(sqlite_world: World) -> World:
    """No database decides on these."""
    return sqlite_world


def _post(signer: Signer, authorization: str | bytes, raw: bytes) -> Any:
    if isinstance(authorization, bytes):
        authorization = authorization.decode("latin-1")
    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
    return signer.client.post(
        PATH, data=raw, headers=headers, environ_overrides={"HTTP_AUTHORIZATION": authorization}
    )


def _require_generic(answer: Any) -> None:
    assert answer.status_code == 401, answer.data
    told = dict(answer.get_json())
    assert told.pop("request_id").startswith("req_")
    assert told == GENERIC
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="holdfast"'


@pytest.mark.parametrize("case", HOSTILE, ids=[case[0] for case in HOSTILE])
def test_a_hostile_token_gets_the_generic_answer(
    signer: Signer, case: tuple[str, str | bytes, Any]
) -> None:
    token = case[1]
    bearer = b"Bearer " + token if isinstance(token, bytes) else f"Bearer {token}"
    if isinstance(bearer, str):
        bearer = bearer.encode("utf-8", "surrogatepass")
    _require_generic(_post(signer, bearer, b"{}"))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "x" * 9000]
)
def test_no_token_at_all_gets_the_generic_answer(signer: Signer, header: str) -> None:
    _require_generic(_post(signer, header, b"{}"))


def _wrong(cast: Cast, clock: SteppedClock, raw: bytes) -> dict[str, str]:
    """Return tokens by known members that do not fit this request."""
    member = cast.a.analyst
    claims: dict[str, Any] = {
        "iss": member.handle,
        "sub": member.subject,
        "aud": ORIGIN,
        "method": "POST",
        "url": ORIGIN + PATH,
        "body": raw,
        "now": int(clock.now().timestamp()),
    }

    def changed(key: PrivateKey = member.key, **members: Any) -> str:
        return make_request_token(key, **{**claims, **members})

    return {
        "another body": changed(body=raw + b" "),
        "another method": changed(method="PATCH"),
        "another path": changed(url=f"{ORIGIN}/v1/grants"),
        "a query": changed(url=f"{ORIGIN}{PATH}?a=1"),
        "another origin": changed(url=f"https://evil.example{PATH}"),
        "another audience": changed(aud="https://evil.example"),
        "another partner": changed(iss=cast.b.handle),
        "another person": changed(sub=cast.a.lead.subject),
        "an unknown key": changed(key=PrivateKey.generate()),
        "too old": changed(now=claims["now"] - 100),
        "not yet": changed(now=claims["now"] + 31),
    }


NAMES = [
    *("another body", "another method", "another path", "a query", "another origin"),
    *("another audience", "another partner", "another person", "an unknown key"),
    *("too old", "not yet"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_good_signature_over_something_else_gets_the_generic_answer(
    signer: Signer, cast: Cast, clock: SteppedClock, name: str
) -> None:
    raw = canonical_json.dumps(freeze_request_body())
    _require_generic(_post(signer, f"Bearer {_wrong(cast, clock, raw)[name]}", raw))


def test_only_the_log_says_why(signer: Signer, cast: Cast, clock: SteppedClock) -> None:
    raw = canonical_json.dumps(freeze_request_body())
    token = _wrong(cast, clock, raw)["too old"]
    with capture_logs() as logs:
        _post(signer, f"Bearer {token}", raw)
    refused = [entry for entry in logs if entry["event"] == "unauthenticated"]
    assert [entry["reason"] for entry in refused] == ["expired"]
    assert token not in str(logs)
    assert raw.decode() not in str(logs)


def test_a_revoked_key_is_over_at_once(signer: Signer, cast: Cast) -> None:
    assert signer.get(cast.a.analyst, PATH).status_code == 200
    body = {"kid": cast.a.analyst.key.kid}
    assert signer.post(cast.a.lead, "/v1/revocations", body).status_code == 201
    _require_generic(signer.get(cast.a.analyst, PATH))
    assert signer.get(cast.a.lead, PATH).status_code == 200


def test_a_token_is_good_within_its_time_and_the_skew(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    token = request_token(cast.a.analyst, "GET", PATH, b"", clock)
    headers = {"Authorization": f"Bearer {token}"}
    clock.step(timedelta(seconds=89))
    assert signer.client.get(PATH, headers=headers).status_code == 200
    clock.step(timedelta(seconds=2))
    assert signer.client.get(PATH, headers=headers).status_code == 401


def test_nobody_outside_learns_which_members_exist(signer: Signer, cast: Cast) -> None:
    nobody = Member("exchange-z.example", cast.a.lead.subject, PrivateKey.generate(), ())
    known = Member(cast.a.handle, cast.a.lead.subject, PrivateKey.generate(), ())
    answers = [signer.get(member, PATH).get_json() for member in (nobody, known)]
    for answer in answers:
        del answer["request_id"]
    assert answers[0] == answers[1] == GENERIC


class _Unread:
    """A body that never comes; reading it would hold the thread."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError(f"{size} bytes were asked of a stranger")


@pytest.mark.parametrize(
    ("path", "who"),
    [
        (PATH, "nobody"),
        (PATH, "a stranger"),
        ("/v1/grants", "a stranger"),
        ("/v1/join", "nobody"),  # whoever joins is a stranger, and the key is in the body
    ],
)
def test_no_body_is_read_of_somebody_unknown(
    signer: Signer, clock: SteppedClock, path: str, who: str
) -> None:
    stranger = Member("exchange-z.example", new_id("per"), PrivateKey.generate(), ())
    token = request_token(stranger, "POST", path, b"", clock) if who == "a stranger" else "none"
    answer = signer.client.post(
        path,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input": _Unread(), "CONTENT_LENGTH": "5000"},
    )
    _require_generic(answer)
