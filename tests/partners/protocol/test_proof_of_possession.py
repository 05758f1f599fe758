"""A new key speaks for itself, about one subject at one coordinator."""

from typing import Any

import pytest

from holdfast.protocol.errors import KeyFormatError, TokenError, TokenReason
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.proof_of_possession import make_possession, verify_possession
from tests.partners.protocol.cast import AUD, ED25519, HANDLE, KEYS, P256, SUBJECT, forge
from tests.partners.protocol.hostile_tokens import GOOD

_ABOUT = {"audience": AUD, "handle": HANDLE, "subject": SUBJECT}
_CLAIMS = {"aud": AUD, "handle": HANDLE, "subject": SUBJECT}


def _header(**changes: object) -> dict[str, object]:
    return {"alg": "EdDSA", "kid": ED25519.kid, "typ": "holdfast-key+jwt"} | changes


@pytest.mark.parametrize("alg", KEYS)
def test_a_new_key_proves_that_its_owner_holds_it(alg: str) -> None:
    key = KEYS[alg]
    proof = make_possession(key, **_ABOUT)
    assert verify_possession(proof, jwk=key.public.jwk(), **_ABOUT) == key.public
    assert verify_possession(proof.encode(), jwk=key.public, **_ABOUT) == key.public


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"audience": "https://other.example"}, TokenReason.AUD_MISMATCH),
        ({"handle": "exchange-b.example"}, TokenReason.HANDLE_MISMATCH),
        ({"subject": SUBJECT[:-1] + "h"}, TokenReason.SUBJECT_MISMATCH),
    ],
)
def test_a_proof_about_something_else_is_refused(
    change: dict[str, str], reason: TokenReason
) -> None:
    proof = make_possession(ED25519, **(_ABOUT | change))
    with pytest.raises(TokenError) as caught:
        verify_possession(proof, jwk=ED25519.public.jwk(), **_ABOUT)
    assert caught.value.reason is reason


_OTHER = PrivateKey.generate()


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        (make_possession(_OTHER, **_ABOUT), TokenReason.KID_MISMATCH),
        (forge(_header(), _CLAIMS, _OTHER), TokenReason.SIGNATURE),
        (forge(_header(alg="ES256"), _CLAIMS), TokenReason.ALG_MISMATCH),
        (forge(_header(typ="JWT"), _CLAIMS), TokenReason.TYP),
        (forge(_header(jwk=1), _CLAIMS), TokenReason.HEADER_MEMBERS),
        (forge(_header(), _CLAIMS | {"exp": 1}), TokenReason.CLAIMS_MEMBERS),
        (forge(_header(), {"aud": AUD, "handle": HANDLE}), TokenReason.CLAIMS_MEMBERS),
        (forge(_header(), _CLAIMS | {"aud": [AUD]}), TokenReason.CLAIMS_JSON),
        (forge(_header(), _CLAIMS | {"aud": 1}), TokenReason.AUD),
        (forge(_header(), _CLAIMS | {"handle": ""}), TokenReason.HANDLE),
        (forge(_header(), _CLAIMS | {"subject": None}), TokenReason.SUBJECT),
        (GOOD, TokenReason.TYP),
        ("", TokenReason.SEGMENTS),
    ],
)
def test_a_proof_that_is_not_this_keys_own_is_refused(proof: str, reason: TokenReason) -> None:
    with pytest.raises(TokenError) as caught:
        verify_possession(proof, jwk=ED25519.public.jwk(), **_ABOUT)
    assert caught.value.reason is reason


@pytest.mark.parametrize("jwk", [None, {}, P256.public.jwk() | {"d": "AAAA"}])
def test_a_key_that_may_not_be_registered_is_refused_whatever_the_proof(jwk: Any) -> None:
    with pytest.raises(KeyFormatError):
        verify_possession(make_possession(P256, **_ABOUT), jwk=jwk, **_ABOUT)
