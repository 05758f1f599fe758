"""A request token authenticates one request, for a minute, and nothing else."""

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.request_token import (
    make_request_token,
    read_token_front,
    verify_request_evidence,
    verify_request_token,
)
from tests.partners.protocol.cast import (
    AUD,
    BODY,
    ED25519,
    EXPECTED,
    HANDLE,
    KEYS,
    NOW,
    SUBJECT,
    URL,
    forge,
    good_claims,
    good_header,
)
from tests.partners.protocol.hostile_tokens import GOOD, HOSTILE


def _made(alg: str = "EdDSA", **changes: Any) -> str:
    return make_request_token(KEYS[alg], **(EXPECTED | changes))


@pytest.mark.parametrize("alg", KEYS)
def test_a_request_is_verified_as_it_was_signed(alg: str) -> None:
    token = verify_request_token(_made(alg, jti="once"), key=KEYS[alg].public, **EXPECTED)
    assert (token.kid, token.alg) == (KEYS[alg].kid, alg)
    assert (token.iss, token.sub, token.aud, token.jti) == (HANDLE, SUBJECT, AUD, "once")
    assert (token.iat, token.exp, token.htm, token.htu) == (NOW, NOW + 60, "POST", URL)


def test_text_bytes_and_a_front_already_read_verify_alike() -> None:
    text = _made()
    front = read_token_front(text)
    assert front.kid == ED25519.kid
    outcomes = [
        verify_request_token(token, key=ED25519.public, **EXPECTED)
        for token in (text, text.encode(), front)
    ]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert verify_request_evidence(front, BODY, key=ED25519.public, aud=AUD) == outcomes[0]


@pytest.mark.parametrize("alg", KEYS)
def test_plain_pyjwt_reads_what_is_made(alg: str) -> None:
    key = KEYS[alg]
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        _made(alg), key.public.verifying_key, algorithms=[alg], audience=AUD, options=options
    )
    assert claims["htu"] == URL
    assert jwt.get_unverified_header(_made(alg)) == good_header(key)


def test_a_root_key_speaks_as_the_partner_itself() -> None:
    root = EXPECTED | {"sub": HANDLE}
    token = make_request_token(ED25519, **root)
    assert verify_request_token(token, key=ED25519.public, **root).sub == HANDLE


def test_every_token_has_a_jti_of_its_own() -> None:
    assert read_token_front(_made()).claims["jti"] != read_token_front(_made()).claims["jti"]


def test_the_forgers_good_token_passes_so_that_his_others_prove_something() -> None:
    assert verify_request_token(GOOD, key=ED25519.public, **EXPECTED).jti == "0123456789abcdef"


@pytest.mark.parametrize(
    ("token", "reason"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_a_hostile_token_is_refused_for_its_reason(token: str | bytes, reason: TokenReason) -> None:
    with pytest.raises(TokenError) as caught:
        verify_request_token(token, key=ED25519.public, **EXPECTED)
    assert caught.value.reason is reason


def test_the_hostile_tokens_are_many_and_all_different() -> None:
    assert len({str(case[1]) for case in HOSTILE}) == len(HOSTILE)
    assert len(HOSTILE) >= 65


def test_every_reason_that_a_request_token_can_have_is_tried() -> None:
    of_other_statements = {
        TokenReason.CLAIM,
        TokenReason.HANDLE,
        TokenReason.SUBJECT,
        TokenReason.HANDLE_MISMATCH,
        TokenReason.SUBJECT_MISMATCH,
        # Of what passkeys sign: test_passkey_token.py.
        TokenReason.KEY_KIND,
        TokenReason.ACT_BODY,
        TokenReason.CLIENT_DATA,
        TokenReason.CHALLENGE_MISMATCH,
        TokenReason.ORIGIN_MISMATCH,
        TokenReason.CROSS_ORIGIN,
        TokenReason.AUTHENTICATOR_DATA,
        TokenReason.RP_MISMATCH,
        TokenReason.NOT_PRESENT,
        TokenReason.NOT_VERIFIED,
    }
    assert {case[2] for case in HOSTILE} == set(TokenReason) - of_other_statements


@pytest.mark.parametrize(
    ("iat", "lifetime", "reason"),
    [
        (NOW + 30, 60, None),
        (NOW + 31, 60, TokenReason.NOT_YET_VALID),
        (NOW - 89, 60, None),
        (NOW - 90, 60, TokenReason.EXPIRED),
        (NOW - 149, 120, None),
        (NOW - 150, 120, TokenReason.EXPIRED),
    ],
)
def test_clocks_may_differ_by_thirty_seconds_and_no_more(
    iat: int, lifetime: int, reason: TokenReason | None
) -> None:
    token = _made(now=iat, lifetime=lifetime)
    if reason is None:
        assert verify_request_token(token, key=ED25519.public, **EXPECTED).iat == iat
        return
    with pytest.raises(TokenError) as caught:
        verify_request_token(token, key=ED25519.public, **EXPECTED)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"lifetime": 121},
        {"lifetime": 0},
        {"jti": ""},
        {"iss": "Exchange-A.example"},
        {"sub": "somebody"},
        {"aud": AUD + "/"},
        {"method": "post"},
        {"url": "/v1"},
        {"now": 1_795_377_260.5},
    ],
)
def test_a_token_that_would_be_refused_is_not_made(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        _made(**changes)


def test_evidence_is_verified_whenever_it_was_made() -> None:
    token = make_request_token(ED25519, **(EXPECTED | {"now": NOW - 10_000_000}))
    evidence = verify_request_evidence(token, BODY, key=ED25519.public, aud=AUD)
    assert (evidence.htm, evidence.htu, evidence.iat) == ("POST", URL, NOW - 10_000_000)


@pytest.mark.parametrize(
    ("token", "body", "aud", "reason"),
    [
        (GOOD, BODY + b" ", AUD, TokenReason.BODY_MISMATCH),
        (GOOD, BODY, "https://other.example", TokenReason.AUD_MISMATCH),
        (GOOD[:-6] + "AAAAAA", BODY, AUD, TokenReason.SIGNATURE),
        (GOOD + "=", BODY, AUD, TokenReason.BASE64),
        (
            forge(good_header() | {"kid": KEYS["ES256"].kid}, good_claims()),
            BODY,
            AUD,
            "kid_mismatch",
        ),
    ],
)
def test_evidence_for_something_else_is_refused(
    token: str, body: bytes, aud: str, reason: str
) -> None:
    with pytest.raises(TokenError) as caught:
        verify_request_evidence(token, body, key=ED25519.public, aud=aud)
    assert caught.value.reason == reason


def test_a_refusal_never_repeats_the_token() -> None:
    for _, token, _ in HOSTILE:
        text = token.decode("latin-1") if isinstance(token, bytes) else token
        with pytest.raises(TokenError) as caught:
            verify_request_token(token, key=ED25519.public, **EXPECTED)
        for part in text.split("."):
            assert len(part) < 20 or part not in str(caught.value)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="utf-8"))
def test_no_character_of_a_token_can_be_another(place: int, character: str) -> None:
    token = GOOD[:place] + character + GOOD[place + 1 :]
    if token == GOOD:
        return
    with pytest.raises(TokenError):
        verify_request_token(token, key=ED25519.public, **EXPECTED)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_input_is_refused_as_a_token_error(token: bytes | str) -> None:
    with pytest.raises(TokenError):
        read_token_front(token)
