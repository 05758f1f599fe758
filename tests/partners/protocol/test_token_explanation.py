"""Whoever makes their first token reads everything that is wrong with it, and what should be there.

The list of hostile tokens is the one that the verifier is held to: what it refuses is explained.
"""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from holdfast.protocol import base64url
from holdfast.protocol.errors import TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.request_token import body_sha256
from holdfast.protocol.token_explanation import KnownRequest, TokenFault, claimed_kid, explain_token
from tests.partners.protocol.cast import (
    AUD,
    BODY,
    ED25519,
    HANDLE,
    NOW,
    P256,
    SUBJECT,
    URL,
    forge,
    good_claims,
    good_header,
    raw_json,
)
from tests.partners.protocol.hostile_tokens import HOSTILE

ALL = KnownRequest(
    now=NOW,
    body=BODY,
    method="POST",
    url=URL,
    aud=AUD,
    iss=HANDLE,
    sub=SUBJECT,
    key=ED25519.public,
)
NOTHING = KnownRequest()


def _only(faults: list[TokenFault]) -> tuple[str, str, str, str]:
    (fault,) = faults
    return fault.place, fault.reason, fault.seen, fault.wanted


@pytest.mark.parametrize("case", HOSTILE, ids=[case[0] for case in HOSTILE])
def test_whatever_the_verifier_refuses_is_explained(
    case: tuple[str, str | bytes, TokenReason],
) -> None:
    token = case[1].decode("latin-1") if isinstance(case[1], bytes) else case[1]
    reasons = {fault.reason for fault in explain_token(token, ALL)}
    # Latin-1 has a letter for every byte: what is not ASCII is told by its segment.
    expected = "base64" if case[2] is TokenReason.NOT_TEXT else str(case[2])
    assert expected in reasons


@pytest.mark.parametrize("key", [ED25519, P256], ids=lambda key: key.alg)
@pytest.mark.parametrize("known", [ALL, NOTHING], ids=["all is known", "nothing is known"])
def test_a_good_token_has_no_fault(key: PrivateKey, known: KnownRequest) -> None:
    token = forge(good_header(key), good_claims(), key)
    if known.key is not None:
        known = replace(known, key=key.public)
    assert explain_token(token, known) == []


def test_a_root_key_is_its_own_subject() -> None:
    claims = good_claims() | {"sub": HANDLE}
    assert explain_token(forge(good_header(), claims), replace(ALL, sub=HANDLE)) == []


def test_all_faults_are_named_at_once() -> None:
    claims = good_claims() | {"iat": NOW * 1000, "exp": NOW * 1000 + 60_000, "htm": "post"}
    claims |= {"aud": f"{AUD}/", "body_sha256": body_sha256(BODY).upper()}
    header = good_header() | {"typ": "JWT", "alg": "RS256"}
    faults = explain_token(forge(header, claims), ALL)
    places = [fault.place for fault in faults]
    assert set(places) == {
        *("header.typ", "header.alg", "claims.aud", "claims.iat", "claims.exp", "claims.htm"),
        "claims.body_sha256",
    }
    told = {fault.place: fault for fault in faults}
    assert told["header.typ"].seen == '"JWT"'
    assert told["header.typ"].wanted == '"holdfast-request+jwt"'
    assert any("milliseconds" in fault.seen for fault in faults if fault.place == "claims.iat")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("exp", NOW + 600, ("lifetime", "600 s after iat", "1 to 120 s after iat")),
        ("htm", "GET", ("htm_mismatch", '"GET"', '"POST"')),
        ("htu", f"{AUD}/v1/grants", ("htu_mismatch", f'"{AUD}/v1/grants"', f'"{URL}"')),
        (
            "iss",
            "exchange-b.example",
            ("iss_mismatch", '"exchange-b.example"', '"exchange-a.example"'),
        ),
    ],
)
def test_a_claim_that_does_not_fit_is_shown_with_what_should_stand_there(
    name: str, value: object, expected: tuple[str, str, str]
) -> None:
    token = forge(good_header(), good_claims() | {name: value})
    assert _only(explain_token(token, ALL)) == (f"claims.{name}", *expected)


def test_clocks_that_differ_are_told_in_seconds() -> None:
    late = _only(explain_token(forge(good_header(), good_claims()), replace(ALL, now=NOW + 100)))
    assert late[:3] == ("claims.exp", "expired", f"{NOW + 60}, 40 s ago")
    early = _only(explain_token(forge(good_header(), good_claims()), replace(ALL, now=NOW - 31)))
    assert early[:3] == ("claims.iat", "not_yet_valid", f"{NOW}, 31 s from now")


@pytest.mark.parametrize(
    ("sent", "hashed", "words"),
    [
        (BODY, b"", "no body at all"),
        (BODY + b"\n", BODY, "without its final line break"),
        (BODY, BODY + b"\n", "with a line break behind it"),
        (b"{\n}", b"{\r\n}", "with other line breaks"),
        (b"{\r\n}", b"{\n}", "with other line breaks"),
        (BODY, b"{}", None),
    ],
)
def test_another_body_is_told_and_guessed(sent: bytes, hashed: bytes, words: str | None) -> None:
    token = forge(good_header(), good_claims() | {"body_sha256": body_sha256(hashed)})
    place, reason, seen, wanted = _only(explain_token(token, replace(ALL, body=sent)))
    assert (place, reason) == ("claims.body_sha256", "body_mismatch")
    assert seen == f'"{body_sha256(hashed)}"'
    assert wanted.startswith(f'"{body_sha256(sent)}", of the body\'s {len(sent)} bytes')
    assert ("what was hashed is" in wanted) == (words is not None)
    assert words is None or words in wanted


def test_a_body_that_is_no_strict_json_is_told_with_its_place() -> None:
    body = b'{"a": 1, "a": 2}'
    token = forge(good_header(), good_claims() | {"body_sha256": body_sha256(body)})
    place, reason, seen, _ = _only(explain_token(token, replace(ALL, body=body)))
    assert (place, reason) == ("body", "body_json")
    assert "a" in seen


def test_a_signature_in_der_is_recognised() -> None:
    token = forge(good_header(P256), good_claims(), P256)
    signed, _, signature = token.rpartition(".")
    raw = base64url.decode(signature)
    der = encode_dss_signature(*(int.from_bytes(half, "big") for half in (raw[:32], raw[32:])))
    faults = explain_token(f"{signed}.{base64url.encode(der)}", replace(ALL, key=P256.public))
    place, reason, seen, wanted = _only(faults)
    assert (place, reason) == ("signature", "signature_length")
    assert "DER" in seen
    assert "r and s" in wanted


def test_a_signature_by_another_key_or_over_other_bytes_does_not_verify() -> None:
    forged = forge(good_header(), good_claims(), PrivateKey.generate())
    assert _only(explain_token(forged, ALL))[:2] == ("signature", "signature")
    assert explain_token(forged, replace(ALL, key=None)) == []


def test_padding_and_the_other_base64_are_told_apart() -> None:
    head, claims, signature = forge(good_header(), good_claims()).split(".")
    padded = _only(explain_token(f"{head}.{claims}.{signature}==", ALL))
    assert padded[:3] == ("signature", "base64", "padding with =")
    other = explain_token(f"{head}.{claims}.+{signature[1:]}", replace(ALL, key=None))
    assert _only(other)[:3] == ("signature", "base64", "+ or /: the other base64")


def test_a_private_key_in_the_header_is_burnt() -> None:
    jwk = ED25519.public.jwk() | {"d": "A" * 43}
    faults = explain_token(forge(good_header() | {"jwk": jwk}, good_claims()), ALL)
    assert [fault.reason for fault in faults if fault.place == "header.jwk"] == ["private_key"]
    assert any("this key is burnt, make a new one" in fault.wanted for fault in faults)
    assert "A" * 43 not in "\n".join(map(str, faults))


def test_a_passkey_signs_no_request() -> None:
    told = _only(explain_token("webauthn.a.b.c.d.e", ALL))
    assert told[:3] == ("token", "segments", "a passkey's token")
    scope = {"rp_id": "localhost", "origin": "http://localhost:8080"}
    passkey = PublicKey.from_jwk({**ED25519.public.jwk(), "webauthn": scope})
    token = forge(good_header(), good_claims())
    assert _only(explain_token(token, replace(ALL, key=passkey)))[:2] == ("key", "key_kind")


def test_a_url_of_another_origin_is_told_where_no_url_is_known() -> None:
    token = forge(good_header(), good_claims() | {"htu": "https://elsewhere.example/v1/grants"})
    told = _only(explain_token(token, NOTHING))
    assert told[:2] == ("claims.htu", "htu_mismatch")
    assert f'"{AUD}/…"' in told[3]


def test_values_are_shown_as_json_has_them_and_never_at_length() -> None:
    claims = good_claims() | {"jti": True, "htm": None, "aud": [AUD], "htu": "x" * 400}
    claims |= {"iss": 1.5, "sub": {"a": 1}, "body_sha256": "\x1b[2J"}
    token = forge(good_header(), raw_json(claims))
    seen = {fault.place: fault.seen for fault in explain_token(token, NOTHING)}
    assert seen["claims.jti"] == "true"
    assert seen["claims.htm"] == "null"
    assert seen["claims.aud"] == "a list"
    assert seen["claims.iss"] == "1.5"
    assert seen["claims.sub"] == "an object"
    assert seen["claims.body_sha256"] == '"\\u001b[2J"'
    assert len(seen["claims.htu"]) < 310


def test_a_request_without_a_body_has_the_empty_one() -> None:
    claims = good_claims() | {"htm": "GET", "body_sha256": body_sha256(b"")}
    assert explain_token(forge(good_header(), claims), replace(ALL, method="GET", body=b"")) == []


def test_what_is_missing_is_named_once() -> None:
    header, claims = good_header(), good_claims()
    del header["kid"], claims["body_sha256"]
    reasons = [fault.reason for fault in explain_token(forge(header, claims), ALL)]
    assert reasons == ["header_members", "claims_members"]
    malformed = explain_token(forge(good_header() | {"kid": 7}, good_claims()), NOTHING)
    assert _only(malformed)[:3] == ("header.kid", "kid", "7")


def test_a_token_names_its_key_however_faulty_it_is() -> None:
    assert (
        claimed_kid(forge(good_header() | {"typ": "JWT"}, {}).replace(".", "=.", 1)) == ED25519.kid
    )
    for token in ("", "a", "!.a.b", forge([], {}), forge({"kid": 7}, {})):
        assert claimed_kid(token) is None


@pytest.mark.parametrize("body", [b"[]", b'{"grants": 1}', b'{"grants": [1], "jwk": 2}'])
def test_a_body_that_holds_no_key_is_no_fault(body: bytes) -> None:
    token = forge(good_header(), good_claims() | {"body_sha256": body_sha256(body)})
    assert explain_token(token, replace(ALL, body=body)) == []


@pytest.mark.parametrize("token", ["", "a", "....", "!.!.!", "e30.e30.e30", "A.A.A", "W10.MQ.AA"])
def test_no_text_is_too_odd_to_be_explained(token: str) -> None:
    assert explain_token(token, ALL)
