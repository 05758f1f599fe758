"""The protocol against vectors that others published: one implementation may err on both sides."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.protocol import base64url, strict_json
from holdfast.protocol.errors import (
    KeyFormatError,
    ProtocolError,
    SignatureError,
    StrictJsonError,
    TokenError,
)
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.request_token import read_token_front

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the published vectors are not beside the checkout (../shared)"
)

#: `y_` files that are good JSON and hold what Holdfast refuses on purpose.
REFUSED_ON_PURPOSE = {
    "duplicate": "stands twice",
    "duplicated": "stands twice",
    "null_character": "NUL",
    "null_escape": "NUL",
    "escaped_null": "NUL",
    "number": "fraction or exponent",
    "real": "fraction or exponent",
    "double": "fraction or exponent",
}


def _groups(name: str) -> list[dict[str, Any]]:
    path = VECTORS / "wycheproof" / f"{name}.json"
    if not path.is_file():
        return []
    groups: list[dict[str, Any]] = json.loads(path.read_bytes())["testGroups"]
    return groups


def _json_files(prefix: str) -> list[Any]:
    paths = sorted((VECTORS / "json_parsing").glob(f"{prefix}_*.json"))
    return [pytest.param(path, id=path.stem) for path in paths]


@pytest.mark.parametrize("path", _json_files("n"))
def test_what_must_not_parse_is_refused(path: Path) -> None:
    with pytest.raises(StrictJsonError):
        strict_json.loads(path.read_bytes())


@pytest.mark.parametrize("path", _json_files("i"))
def test_what_is_left_open_is_read_or_refused_without_a_crash(path: Path) -> None:
    raw = path.read_bytes()
    try:
        value = strict_json.loads(raw)
    except StrictJsonError:
        return
    assert value == json.loads(raw)


@pytest.mark.parametrize("path", _json_files("y"))
def test_what_must_parse_is_read_but_for_what_is_refused_on_purpose(path: Path) -> None:
    raw = path.read_bytes()
    try:
        value = strict_json.loads(raw)
    except StrictJsonError as error:
        reason = error.reason
    else:
        assert value == json.loads(raw)
        return
    expected = [text for word, text in REFUSED_ON_PURPOSE.items() if word in path.stem]
    assert any(text in reason for text in expected)


def test_of_what_must_parse_most_is_read() -> None:
    refused = 0
    paths = [parameter.values[0] for parameter in _json_files("y")]
    for path in paths:
        try:
            strict_json.loads(path.read_bytes())
        except StrictJsonError:
            refused += 1
    assert len(paths) > 80
    assert refused < 20


def test_ed25519_signatures_verify_exactly_where_they_should() -> None:
    tried = 0
    for group in _groups("ed25519_test"):
        jwk = {name: group["publicKeyJwk"][name] for name in ("kty", "crv", "x")}
        key = PublicKey.from_jwk(jwk)
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            assert _verifies(key, signature, message) is (test["result"] == "valid"), test["tcId"]
            tried += 1
    assert tried >= 150


def _verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except SignatureError:
        return False
    return True


def _jws_groups() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("json_web_signature_test", "json_web_key_test", "json_web_crypto_test"):
        for group in _groups(name):
            yield name, group


def _without_kid(jwk: dict[str, Any]) -> dict[str, Any]:
    # Their key ids are names; ours are thumbprints, and another value is refused.
    return {name: value for name, value in jwk.items() if name != "kid"}


def test_es256_signatures_verify_exactly_where_they_should() -> None:
    tried = 0
    for name, group in _jws_groups():
        public = group.get("public", {})
        if name == "json_web_key_test" or public.get("crv") != "P-256":
            continue
        for test in group["tests"]:
            if "jws" not in test:
                continue
            good = _jws_verifies(_without_kid(public), test["jws"])
            assert good is (test["result"] == "valid"), (name, test["tcId"], test["comment"])
            tried += 1
    assert tried >= 41


def _jws_verifies(jwk: dict[str, Any], jws: str) -> bool:
    signed, _, signature = jws.rpartition(".")
    try:
        PublicKey.from_jwk(jwk).verify(base64url.decode(signature), signed.encode())
    except ProtocolError:
        return False
    return True


def test_no_jws_made_for_something_else_passes_as_a_request_token() -> None:
    tried = 0
    for _, group in _jws_groups():
        for test in group["tests"]:
            jws = test.get("jws") or test.get("jwe") or ""
            text = jws if isinstance(jws, str) else json.JSONEncoder().encode(jws)
            with pytest.raises(TokenError):
                read_token_front(text)
            tried += 1
    assert tried > 400


def test_every_key_of_the_vectors_is_taken_or_refused_without_a_crash() -> None:
    taken, refused = 0, 0
    for _, group in _jws_groups():
        for half in ("public", "private"):
            container = group.get(half, {})
            for jwk in container.get("keys", [container]):
                try:
                    PublicKey.from_jwk(_without_kid(jwk))
                except KeyFormatError:
                    refused += 1
                else:
                    taken += 1
                    assert "d" not in jwk, "a private key was taken"
    assert taken >= 3
    assert refused >= 50


@pytest.mark.parametrize(
    "comment",
    [
        "wrong_algorithm",
        "invalid_algorithm",
        "invalid_use",
        "invalid_point",
        "wrong_curve",
        "wrong_kty",
    ],
)
def test_a_key_that_contradicts_itself_is_refused(comment: str) -> None:
    groups = [group for group in _groups("json_web_key_test") if group["comment"] == comment]
    assert groups
    for group in groups:
        for jwk in group["public"]["keys"]:
            with pytest.raises(KeyFormatError):
                PublicKey.from_jwk(_without_kid(jwk))
