"""Every token that must not pass is answered by one and the same 401."""

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from coordinator.api.routes import ROUTES
from coordinator.api.view import Route
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


def _send_unread(
    signer: Signer, path: str, token: str, *, length: int = 5000, method: str = "POST"
) -> Any:
    """Announce a body that never comes."""
    return signer.client.open(
        path,
        method=method,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input": _Unread(), "CONTENT_LENGTH": str(length)},
    )


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
    _require_generic(_send_unread(signer, path, token))


NOT_FOR_THIS = ["another method", "another path", "a query", "another origin", "another audience"]


@pytest.mark.parametrize("name", [*NOT_FOR_THIS, "another partner", "an unknown key", "too old"])
def test_no_body_is_read_for_a_token_that_was_made_for_something_else(
    signer: Signer, cast: Cast, clock: SteppedClock, name: str
) -> None:
    _require_generic(_send_unread(signer, PATH, _wrong(cast, clock, b"")[name]))


def test_no_body_is_read_for_a_signature_that_is_none(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    token = request_token(cast.a.analyst, "POST", PATH, b"", clock)
    broken = token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:]
    _require_generic(_send_unread(signer, PATH, broken))


def _is_change(route: Route) -> bool:
    # A cosignature needs no other signature: anybody may hand one in, of 64 KiB at most.
    by_anybody = {"/v1/join", "/v1/log/cosignatures"}
    return route.method != "GET" and route.path not in by_anybody


def test_no_body_is_read_of_whoever_may_not_use_the_route(
    signer: Signer, cast: Cast, clock: SteppedClock
) -> None:
    served = []
    for route in filter(_is_change, ROUTES):
        path = re.sub(r"{[a-z_]+}", "x", route.path)
        # An auditor may replace their own key, and with it uses the route of grants; who is a
        # person may open the console, and take a key of their own away.
        others = {
            "/v1/grants": cast.a.analyst,
            "/v1/console-links": cast.a.system,
            "/v1/revocations": cast.a.system,
        }
        member = others.get(route.path, cast.a.auditor)
        if route.path == "/v1/grants":
            signer.post(cast.a.lead, "/v1/revocations", {"kid": member.key.kid})
        token = request_token(member, route.method, path, b"", clock)
        answer = _send_unread(signer, path, token, method=route.method)
        if answer.status_code != (401 if route.path == "/v1/grants" else 403):
            served.append((route.path, answer.status_code))
    assert served == []


@pytest.mark.parametrize(
    ("path", "limit"), [(PATH, 16_777_216), ("/v1/grants", 1_048_576), ("/v1/join", 65_536)]
)
def test_no_body_is_read_that_is_announced_as_too_long(
    signer: Signer, cast: Cast, clock: SteppedClock, path: str, limit: int
) -> None:
    member = cast.a.root if path == "/v1/join" else cast.a.lead
    token = request_token(member, "POST", path, b"", clock)
    answer = _send_unread(signer, path, token, length=limit + 1)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")


JOIN = "/v1/join"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://evil.example"},
        {"url": f"{ORIGIN}/v1/grants"},
        {"method": "PATCH"},
        {"now": -100},
        {"now": 31},
        {"sub": new_id("per")},
    ],
)
def test_whoever_joins_says_what_for_before_their_body_is_read(
    signer: Signer, clock: SteppedClock, changes: dict[str, Any]
) -> None:
    key = PrivateKey.generate()
    now = int(clock.now().timestamp())
    claims: dict[str, Any] = {
        "iss": "exchange-z.example",
        "sub": "exchange-z.example",
        "aud": ORIGIN,
        "method": "POST",
        "url": ORIGIN + JOIN,
        "body": b"",
        **changes,
        "now": now + changes.get("now", 0),
    }
    _require_generic(_send_unread(signer, JOIN, make_request_token(key, **claims)))


def _join(signer: Signer, member: Member, raw: bytes, *, signed: bytes | None = None) -> Any:
    token = request_token(member, "POST", JOIN, raw if signed is None else signed, signer.clock)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    return signer.client.post(JOIN, data=raw, headers=headers)


def test_whoever_joins_learns_what_bodies_are_taken_only_by_signing_one(
    signer: Signer, cast: Cast
) -> None:
    root, other = cast.a.root, cast.b.root
    raw = canonical_json.dumps({"root_jwk": root.key.public.jwk(), "colour": "red"})
    _require_generic(_join(signer, other, raw))
    _require_generic(_join(signer, root, raw, signed=raw + b" "))
    _require_generic(_join(signer, root, b'{"colour":"red"}'))
    _require_generic(_join(signer, root, b"no JSON"))
    answer = _join(signer, root, raw)
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")


def test_no_passkey_joins_as_a_root_key(signer: Signer, cast: Cast) -> None:
    root = cast.a.root
    scope = {"webauthn": {"rp_id": "localhost", "origin": "http://localhost:8080"}}
    raw = canonical_json.dumps({"root_jwk": root.key.public.jwk() | scope})
    _require_generic(_join(signer, root, raw))


def test_whoever_joins_sends_64_kib_at_most(signer: Signer, cast: Cast) -> None:
    root = cast.a.root
    raw = canonical_json.dumps({"root_jwk": root.key.public.jwk()})
    assert _join(signer, root, raw.ljust(65_536)).status_code == 415
    assert _join(signer, root, raw.ljust(65_537)).status_code == 413


def test_rights_are_asked_before_a_body_is_looked_at(signer: Signer, cast: Cast) -> None:
    for body in (b"no JSON", {"colour": "red"}):
        assert signer.post(cast.a.auditor, PATH, body).status_code == 403
        assert signer.post(cast.a.analyst, PATH, body).status_code in {400, 422}


def test_rights_are_asked_before_a_query_is_looked_at(signer: Signer, cast: Cast) -> None:
    assert signer.get(cast.a.analyst, "/v1/webhook-endpoints?limit=many").status_code == 403
    assert signer.get(cast.a.auditor, "/v1/webhook-endpoints?limit=many").status_code == 422


def test_a_key_that_was_taken_away_learns_nothing_of_grants(signer: Signer, cast: Cast) -> None:
    body = {"kid": cast.a.analyst.key.kid}
    assert signer.post(cast.a.lead, "/v1/revocations", body).status_code == 201
    _require_generic(signer.post(cast.a.analyst, "/v1/grants", {"colour": "red"}))
