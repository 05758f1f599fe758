"""A passkey's token proves one act of one person, read and touched, and nothing else."""

from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import base64url, canonical_json, strict_json
from holdfast.protocol.errors import TokenError, TokenReason
from holdfast.protocol.jwk import PrivateKey, PublicKey
from holdfast.protocol.passkey_signature import PasskeySignature, pack_signature
from holdfast.protocol.passkey_token import (
    act_document,
    base_document,
    challenge_of,
    is_passkey_token,
    make_passkey_token,
    read_passkey_front,
    verify_passkey_token,
)
from holdfast.protocol.proof_of_possession import make_possession, verify_possession
from holdfast.protocol.request_token import (
    body_sha256,
    make_request_token,
    read_evidence_front,
    read_token_front,
    verify_request_evidence,
    verify_request_token,
    verify_signature,
)
from tests.partners.protocol.cast import AUD, ED25519, EXPECTED, HANDLE, NOW, SUBJECT
from tests.passkeys import CONSOLE, FLAGS, RP_ID, SoftPasskey

PASSKEY = SoftPasskey.generate("ES256")
_EDDSA = SoftPasskey.generate("EdDSA")
PASSKEYS = {"ES256": PASSKEY, "EdDSA": _EDDSA}
_REQUEST = "frq_01jd3v8z8nfq0a5m6c7d8e9f0g"
PATH = f"/v1/freeze-requests/{_REQUEST}/withdrawal"
DECISION_PATH = f"/v1/freeze-requests/{_REQUEST}/approvals"
BODY = b'{"addresses":"all"}'
NONCE = "AAAAAAAAAAAAAAAAAAAAAA"
_DECISION = {
    "content_sha256": "c" * 64,
    "context_sha256": "d" * 64,
    "decision": "approve",
    "comment": "seen \u00e9",
    "except": [2, 3],
    "remainder_sha256": "e" * 64,
}
DECISION = canonical_json.dumps(_DECISION)
_ABOUT = {"audience": AUD, "handle": HANDLE, "subject": SUBJECT}


def _base(**changes: Any) -> bytes:
    members: dict[str, Any] = {
        "aud": AUD,
        "method": "POST",
        "path": PATH,
        "body": BODY,
        "partner": HANDLE,
        "person": SUBJECT,
        "nonce": NONCE,
        "iat": NOW,
        "exp": NOW + 300,
    }
    return base_document(**(members | changes))


def _act(passkey: SoftPasskey = PASSKEY, **changes: Any) -> str:
    act: dict[str, Any] = {
        "aud": AUD,
        "path": PATH,
        "body": BODY,
        "partner": HANDLE,
        "person": SUBJECT,
        "now": NOW,
        "nonce": NONCE,
    }
    return passkey.sign_act(**(act | changes))


def _refused(token: str | bytes, reason: TokenReason, **changes: Any) -> None:
    arguments: dict[str, Any] = {"body": BODY, "key": PASSKEY.public, "aud": AUD}
    with pytest.raises(TokenError) as caught:
        verify_request_evidence(token, **(arguments | changes))
    assert caught.value.reason is reason


def _pack(
    document: bytes, passkey: SoftPasskey = PASSKEY, challenge: bytes = b"", **assertion: Any
) -> str:
    """Return a token over any document, well signed."""
    signed = passkey.answer(challenge or sha256(document).digest(), **assertion)
    return pack_signature(passkey.kid, PasskeySignature(document, *signed))


@pytest.mark.parametrize("alg", PASSKEYS)
def test_an_act_is_proven_as_it_was_signed(alg: str) -> None:
    passkey = PASSKEYS[alg]
    token = _act(passkey)
    for offered in (token, token.encode(), read_evidence_front(token)):
        proven = verify_request_evidence(offered, BODY, key=passkey.public, aud=AUD)
        assert (proven.kid, proven.alg, proven.aud) == (passkey.kid, alg, AUD)
        assert (proven.iss, proven.sub, proven.jti) == (HANDLE, SUBJECT, NONCE)
        assert (proven.iat, proven.exp) == (NOW, NOW + 300)
        assert (proven.htm, proven.htu) == ("POST", AUD + PATH)
        assert proven.body_sha256 == body_sha256(BODY)


def test_the_token_of_an_act_says_what_it_is() -> None:
    token = _act()
    assert is_passkey_token(token)
    assert is_passkey_token(token.encode())
    jws = make_request_token(ED25519, **EXPECTED)
    assert not is_passkey_token(jws)
    assert read_evidence_front(jws) == read_token_front(jws)
    front = read_passkey_front(token)
    assert (front.kid, front.alg) == (PASSKEY.kid, None)


def test_what_is_signed_is_this_text() -> None:
    common = {
        "v": 1,
        "aud": AUD,
        "method": "POST",
        "partner": HANDLE,
        "person": SUBJECT,
        "nonce": NONCE,
        "iat": NOW,
        "exp": NOW + 300,
    }
    act = {**common, "path": PATH, "body_sha256": body_sha256(BODY), "purpose": "holdfast-act/1"}
    assert act_document(_base(), BODY) == canonical_json.dumps(act)
    decision = {
        **common,
        "path": DECISION_PATH,
        "body_sha256": body_sha256(DECISION),
        "purpose": "holdfast-decision/1",
        "request_id": _REQUEST,
        "content_sha256": "c" * 64,
        "context_sha256": "d" * 64,
        "decision": "approve",
        "except": [2, 3],
        "comment_sha256": body_sha256("seen \u00e9".encode()),
    }
    base = _base(path=DECISION_PATH, body=DECISION)
    assert act_document(base, DECISION) == canonical_json.dumps(decision)
    assert challenge_of(base, DECISION) == sha256(canonical_json.dumps(decision)).digest()


@pytest.mark.parametrize("comment", [{}, {"comment": None}, {"comment": ""}])
def test_a_decision_without_a_word_has_the_hash_of_no_text(comment: dict[str, Any]) -> None:
    bare = {name: _DECISION[name] for name in ("content_sha256", "context_sha256", "decision")}
    body = canonical_json.dumps({**bare, **comment})
    document = strict_json.loads(act_document(_base(path=DECISION_PATH, body=body), body))
    assert (document["except"], document["comment_sha256"]) == ([], body_sha256(b""))


def test_only_decisions_on_a_request_itself_are_decisions() -> None:
    paths = [
        f"/v1/freeze-requests/{_REQUEST}/partners/add_01jd3v8z8nfq0a5m6c7d8e9f0g/approvals",
        f"/v1/freeze-requests/{_REQUEST}/approvals/",
        "/v1/grants/prp_01jd3v8z8nfq0a5m6c7d8e9f0g/approvals",
    ]
    for path in paths:
        assert b'"purpose":"holdfast-act/1"' in act_document(_base(path=path), BODY)
    assert b"holdfast-act/1" in act_document(_base(path=DECISION_PATH, method="PUT"), BODY)


def test_a_decision_is_proven_with_its_body_and_not_without() -> None:
    token = _act(path=DECISION_PATH, body=DECISION)
    proven = verify_request_evidence(token, DECISION, key=PASSKEY.public, aud=AUD)
    assert proven.htu == AUD + DECISION_PATH
    with pytest.raises(TokenError) as caught:
        verify_signature(
            read_passkey_front(token), PASSKEY.public, iss=HANDLE, sub=SUBJECT, aud=AUD
        )
    assert caught.value.reason is TokenReason.ACT_BODY


def test_any_other_act_is_proven_without_its_body_too() -> None:
    front = read_passkey_front(_act())
    proven = verify_signature(front, PASSKEY.public, iss=HANDLE, sub=SUBJECT, aud=AUD)
    assert proven.body_sha256 == body_sha256(BODY)
    with pytest.raises(TokenError) as caught:
        verify_signature(front, PASSKEY.public, iss=HANDLE, sub=SUBJECT[:-1] + "h", aud=AUD)
    assert caught.value.reason is TokenReason.SUB_MISMATCH


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "reject"},
        {"except": [2]},
        {"context_sha256": "f" * 64},
        {"content_sha256": "f" * 64},
        {"comment": "seen"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signature_for_one_decision_is_none_for_another(change: dict[str, Any]) -> None:
    other = canonical_json.dumps(_DECISION | change)
    challenge = challenge_of(_base(path=DECISION_PATH, body=DECISION), DECISION)
    token = _pack(_base(path=DECISION_PATH, body=other), challenge=challenge)
    _refused(token, TokenReason.CHALLENGE_MISMATCH, body=other)


def test_what_a_decision_decides_is_in_the_challenge_besides_the_bodys_hash() -> None:
    """An act that names the same body by its hash alone is another act."""
    base = _base(path=DECISION_PATH, body=DECISION)
    members = strict_json.loads(base) | {"purpose": "holdfast-act/1"}
    token = _pack(base, challenge=sha256(canonical_json.dumps(members)).digest())
    _refused(token, TokenReason.CHALLENGE_MISMATCH, body=DECISION)


@pytest.mark.parametrize(
    "change",
    [
        {"path": f"/v1/freeze-requests/{_REQUEST}/closure"},
        {"body": b'{"addresses":[1]}'},
        {"person": SUBJECT[:-1] + "h"},
        {"partner": "exchange-b.example"},
        {"nonce": "BBBBBBBBBBBBBBBBBBBBBB"},
        {"iat": NOW - 1},
        {"exp": NOW + 299},
        {"method": "DELETE"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signature_for_one_act_is_none_for_another(change: dict[str, Any]) -> None:
    token = _pack(_base(**change), challenge=challenge_of(_base(), BODY))
    _refused(token, TokenReason.CHALLENGE_MISMATCH, body=change.get("body", BODY))


def test_a_token_is_for_its_coordinator_and_its_body() -> None:
    _refused(_act(), TokenReason.BODY_MISMATCH, body=BODY + b" ")
    _refused(_act(), TokenReason.AUD_MISMATCH, aud="https://other.example")
    with pytest.raises(TokenError) as caught:
        act_document(_base(), b"")
    assert caught.value.reason is TokenReason.BODY_MISMATCH


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ({"client": {"origin": "http://localhost:8081"}}, TokenReason.ORIGIN_MISMATCH),
        ({"client": {"origin": CONSOLE + "/"}}, TokenReason.ORIGIN_MISMATCH),
        ({"client": {"origin": None}}, TokenReason.ORIGIN_MISMATCH),
        ({"client": {"type": "webauthn.create"}}, TokenReason.CLIENT_DATA),
        ({"client": {"challenge": ""}}, TokenReason.CHALLENGE_MISMATCH),
        ({"client": {"crossOrigin": True}}, TokenReason.CROSS_ORIGIN),
        ({"client": {"crossOrigin": None}}, TokenReason.CROSS_ORIGIN),
        ({"client": {"crossOrigin": 0}}, TokenReason.CROSS_ORIGIN),
        ({"client": {"topOrigin": CONSOLE}}, TokenReason.CROSS_ORIGIN),
        ({"client": {"deep": {"a": {"b": {"c": {"d": 1}}}}}}, TokenReason.CLIENT_DATA),
        ({"rp_id": "example.com"}, TokenReason.RP_MISMATCH),
        ({"rp_id": "Localhost"}, TokenReason.RP_MISMATCH),
        ({"flags": 0x01}, TokenReason.NOT_VERIFIED),
        ({"flags": 0x04}, TokenReason.NOT_PRESENT),
        ({"flags": 0}, TokenReason.NOT_PRESENT),
        ({"flags": FLAGS | 0x02}, TokenReason.AUTHENTICATOR_DATA),
        ({"flags": FLAGS | 0x20}, TokenReason.AUTHENTICATOR_DATA),
        ({"flags": FLAGS | 0x40}, TokenReason.AUTHENTICATOR_DATA),
        ({"flags": FLAGS | 0x10}, TokenReason.AUTHENTICATOR_DATA),
        ({"flags": FLAGS | 0x80}, TokenReason.AUTHENTICATOR_DATA),
        ({"extensions": b"\xa0"}, TokenReason.AUTHENTICATOR_DATA),
    ],
)
def test_an_assertion_that_was_given_otherwise_is_refused(
    assertion: dict[str, Any], reason: TokenReason
) -> None:
    _refused(_act(**assertion), reason)


@pytest.mark.parametrize(
    "assertion",
    [
        {"client": {"other_keys_can_be_added_here": "do not compare against a template"}},
        {"client": {"tokenBinding": {"status": "supported"}}},
        {"flags": FLAGS | 0x08},
        {"flags": FLAGS | 0x18},
        {"flags": FLAGS | 0x80, "extensions": b"\xa0"},
    ],
)
def test_what_browsers_and_authenticators_may_add_is_taken(assertion: dict[str, Any]) -> None:
    token = _act(**assertion)
    assert verify_request_evidence(token, BODY, key=PASSKEY.public, aud=AUD).sub == SUBJECT


def _with_client_data(raw: bytes, passkey: SoftPasskey = PASSKEY) -> str:
    _, authenticator_data, _ = passkey.answer(b"")
    signature = passkey.sign(raw, authenticator_data)
    signed = PasskeySignature(_base(), raw, authenticator_data, signature)
    return pack_signature(passkey.kid, signed)


def test_client_data_is_strict_json() -> None:
    challenge = base64url.encode(challenge_of(_base(), BODY))
    good = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{CONSOLE}"}}'
    token = _with_client_data(good.encode())
    assert verify_request_evidence(token, BODY, key=PASSKEY.public, aud=AUD).iss == HANDLE
    odd = [
        good.replace("{", '{"type":"webauthn.create",'),
        good.replace("{", '{"origin":"http://evil.example",'),
        good.replace("}", ',"n":1.5}'),
        "\ufeff" + good,
        f"[{good}]",
        "",
    ]
    for text in odd:
        _refused(_with_client_data(text.encode()), TokenReason.CLIENT_DATA)
    padded = good.replace(challenge, challenge + "=")
    _refused(_with_client_data(padded.encode()), TokenReason.CHALLENGE_MISMATCH)


def _parts(token: str) -> PasskeySignature:
    signed = read_passkey_front(token).passkey
    assert signed is not None
    return signed


def _signed_as(signature: bytes, passkey: SoftPasskey = PASSKEY) -> str:
    signed = _parts(_act(passkey))
    return make_passkey_token(
        kid=passkey.kid,
        base=signed.document,
        client_data=signed.client_data,
        authenticator_data=signed.authenticator_data,
        signature=signature,
    )


def test_a_short_answer_of_an_authenticator_is_refused() -> None:
    client_data, authenticator_data, _ = PASSKEY.answer(challenge_of(_base(), BODY))
    short = authenticator_data[:36]
    signature = PASSKEY.sign(client_data, short)
    token = pack_signature(PASSKEY.kid, PasskeySignature(_base(), client_data, short, signature))
    _refused(token, TokenReason.AUTHENTICATOR_DATA)


def test_a_signature_in_der_has_one_spelling() -> None:
    token = _act()
    signed = _parts(token)
    r, s = decode_dss_signature(signed.signature)
    body = signed.signature[2:]
    odd = {
        "raw": r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        "long length": b"\x30\x81" + bytes([len(body)]) + body,
        "trailing byte": signed.signature + b"\0",
        "padded r": b"\x30" + bytes([len(body) + 1, 2, body[1] + 1, 0]) + body[2:],
        "indefinite length": b"\x30\x80" + body + b"\0\0",
        "negative": b"\x30\x06\x02\x01\xff\x02\x01\x01",
        "zero": encode_dss_signature(0, 0),
        "beyond the order": encode_dss_signature(r, s + (1 << 256)),
        "empty": b"",
        "third integer": b"\x30" + bytes([len(body) + 3]) + body + b"\x02\x01\x01",
    }
    for name, signature in odd.items():
        forged = token.rpartition(".")[0] + "." + base64url.encode(signature)
        with pytest.raises(TokenError) as caught:
            verify_request_evidence(forged, BODY, key=PASSKEY.public, aud=AUD)
        assert caught.value.reason is TokenReason.SIGNATURE, name


def test_either_half_of_the_curve_signs_and_the_nonce_still_counts_once() -> None:
    """Authenticators do not normalise s; what stops a second use is the nonce, not the bytes."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = _act()
    r, s = decode_dss_signature(_parts(token).signature)
    other = encode_dss_signature(r, order - s)
    twin = token.rpartition(".")[0] + "." + base64url.encode(other)
    proven = [
        verify_request_evidence(each, BODY, key=PASSKEY.public, aud=AUD) for each in (token, twin)
    ]
    assert proven[0] == proven[1]


def test_an_eddsa_signature_is_64_bytes() -> None:
    for signature in (b"", bytes(63), bytes(64), bytes(65)):
        token = _signed_as(signature, _EDDSA)
        _refused(token, TokenReason.SIGNATURE, key=_EDDSA.public)


def test_another_passkeys_signature_is_refused() -> None:
    other = SoftPasskey.generate("ES256")
    signed = other.answer(challenge_of(_base(), BODY))
    token = pack_signature(PASSKEY.kid, PasskeySignature(_base(), *signed))
    _refused(token, TokenReason.SIGNATURE)
    _refused(_act(other), TokenReason.KID_MISMATCH)


def test_a_passkey_signs_no_request_token_and_no_possession_of_a_plain_key() -> None:
    jws = make_request_token(PASSKEY.key, **EXPECTED)
    with pytest.raises(TokenError) as caught:
        verify_request_token(jws, key=PASSKEY.public, **EXPECTED)
    assert caught.value.reason is TokenReason.KEY_KIND
    proof = make_possession(PASSKEY.key, **_ABOUT)
    with pytest.raises(TokenError) as caught:
        verify_possession(proof, jwk=PASSKEY.jwk, **_ABOUT)
    assert caught.value.reason is TokenReason.KEY_KIND


def test_a_plain_key_signs_no_act_and_no_possession_of_a_passkey() -> None:
    _refused(_act(), TokenReason.KEY_KIND, key=PASSKEY.key.public)
    proof = PASSKEY.possession(**_ABOUT)
    with pytest.raises(TokenError) as caught:
        verify_possession(proof, jwk=PASSKEY.key.public.jwk(), **_ABOUT)
    assert caught.value.reason is TokenReason.KEY_KIND


def test_a_passkeys_token_authenticates_no_request() -> None:
    token = _act()
    with pytest.raises(TokenError) as caught:
        read_token_front(token)
    assert caught.value.reason is TokenReason.SEGMENTS
    with pytest.raises(TokenError):
        verify_request_token(token, key=PASSKEY.public, **EXPECTED)


def test_a_request_token_is_none_of_a_passkeys() -> None:
    jws = make_request_token(ED25519, **EXPECTED)
    with pytest.raises(TokenError) as caught:
        read_passkey_front(jws)
    assert caught.value.reason is TokenReason.SEGMENTS
    with pytest.raises(TokenError) as caught:
        verify_passkey_token(read_token_front(jws), PASSKEY.public, b"")
    assert caught.value.reason is TokenReason.KEY_KIND


_GOOD = _act()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (_GOOD + ".AA", TokenReason.SEGMENTS),
        (_GOOD.rpartition(".")[0], TokenReason.SEGMENTS),
        (_GOOD + "=", TokenReason.BASE64),
        (_GOOD.replace(PASSKEY.kid, PASSKEY.kid[:-1]), TokenReason.KID),
        (_GOOD + "A" * 4_096, TokenReason.TOO_LONG),
        (_GOOD.encode() + b"\xff", TokenReason.NOT_TEXT),
    ],
)
def test_a_token_of_another_form_is_refused(token: str | bytes, reason: TokenReason) -> None:
    _refused(token, reason)


def test_a_token_that_would_be_too_long_is_not_made() -> None:
    with pytest.raises(TokenError) as caught:
        _act(client={"long": "x" * 4_000})
    assert caught.value.reason is TokenReason.TOO_LONG


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": 2}, TokenReason.CLAIMS_MEMBERS),
        ({"v": True}, TokenReason.CLAIMS_MEMBERS),
        ({"purpose": "holdfast-act/1"}, TokenReason.CLAIMS_MEMBERS),
        ({"aud": AUD + "/"}, TokenReason.AUD),
        ({"method": "GET"}, TokenReason.HTM),
        ({"method": "post"}, TokenReason.HTM),
        ({"path": PATH + "?a=1"}, TokenReason.HTU),
        ({"path": "v1"}, TokenReason.HTU),
        ({"path": 7}, TokenReason.HTU),
        ({"body_sha256": "0" * 63}, TokenReason.BODY_SHA256),
        ({"partner": "Exchange-A.example"}, TokenReason.ISS),
        ({"person": HANDLE}, TokenReason.SUB),
        ({"person": "sys_01jd3v8z8nfq0a5m6c7d8e9f0g"}, TokenReason.SUB),
        ({"nonce": "A" * 21}, TokenReason.JTI),
        ({"nonce": "A" * 65}, TokenReason.JTI),
        ({"iat": "1"}, TokenReason.IAT),
        ({"exp": True}, TokenReason.EXP),
        ({"exp": NOW}, TokenReason.LIFETIME),
        ({"exp": NOW + 601}, TokenReason.LIFETIME),
    ],
)
def test_a_base_document_is_of_one_form(change: dict[str, Any], reason: TokenReason) -> None:
    document = canonical_json.dumps(strict_json.loads(_base()) | change)
    _refused(_pack(document), reason)
    with pytest.raises(TokenError):
        challenge_of(document, BODY)


def test_a_base_document_has_one_spelling() -> None:
    base = _base()
    for other in (base + b" ", base.replace(b":", b": ", 1), b"[]", b"", base[:-1]):
        _refused(_pack(other), TokenReason.CLAIMS_JSON)
    twice = base.replace(b"{", b'{"v":1,', 1)
    _refused(_pack(twice), TokenReason.CLAIMS_JSON)
    missing = {name: value for name, value in strict_json.loads(base).items() if name != "nonce"}
    _refused(_pack(canonical_json.dumps(missing)), TokenReason.CLAIMS_MEMBERS)


def test_an_act_lasts_ten_minutes_at_most() -> None:
    token = _act(lifetime=600)
    assert verify_request_evidence(token, BODY, key=PASSKEY.public, aud=AUD).exp == NOW + 600
    for lifetime in (0, 601):
        with pytest.raises(TokenError) as caught:
            _act(lifetime=lifetime)
        assert caught.value.reason is TokenReason.LIFETIME


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"decision":"approve","decision":"reject"}',
        canonical_json.dumps(_DECISION | {"except": "all"}),
        canonical_json.dumps(_DECISION | {"comment": 1}),
        canonical_json.dumps(_DECISION | {"decision": None}),
        canonical_json.dumps(_DECISION | {"context_sha256": 1}),
        canonical_json.dumps({**_DECISION, "content_sha256": []}),
    ],
)
def test_a_body_that_decides_nothing_has_no_act_document(body: bytes) -> None:
    with pytest.raises(TokenError) as caught:
        challenge_of(_base(path=DECISION_PATH, body=body), body)
    assert caught.value.reason is TokenReason.ACT_BODY


@given(st.integers(0, len(_GOOD) - 1), st.characters(codec="utf-8"))
def test_no_character_of_a_token_can_be_another(place: int, character: str) -> None:
    token = _GOOD[:place] + character + _GOOD[place + 1 :]
    if token == _GOOD:
        return
    with pytest.raises(TokenError):
        verify_request_evidence(token, BODY, key=PASSKEY.public, aud=AUD)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_input_is_refused_as_a_token_error(rest: bytes | str) -> None:
    token = b"webauthn." + rest if isinstance(rest, bytes) else "webauthn." + rest
    with pytest.raises(TokenError):
        read_passkey_front(token)


@pytest.mark.parametrize("alg", PASSKEYS)
def test_a_passkey_proves_that_its_owner_holds_it(alg: str) -> None:
    passkey = PASSKEYS[alg]
    proof = passkey.possession(**_ABOUT)
    assert verify_possession(proof, jwk=passkey.jwk, **_ABOUT) == passkey.public
    assert verify_possession(proof.encode(), jwk=passkey.public, **_ABOUT) == passkey.public


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"audience": "https://other.example"}, TokenReason.AUD_MISMATCH),
        ({"handle": "exchange-b.example"}, TokenReason.HANDLE_MISMATCH),
        ({"subject": SUBJECT[:-1] + "h"}, TokenReason.SUBJECT_MISMATCH),
        ({"client": {"origin": "https://evil.example"}}, TokenReason.ORIGIN_MISMATCH),
        ({"rp_id": "evil.example"}, TokenReason.RP_MISMATCH),
        ({"flags": 0x01}, TokenReason.NOT_VERIFIED),
    ],
)
def test_a_passkeys_proof_about_something_else_is_refused(
    change: dict[str, Any], reason: TokenReason
) -> None:
    proof = PASSKEY.possession(**(_ABOUT | change))
    with pytest.raises(TokenError) as caught:
        verify_possession(proof, jwk=PASSKEY.jwk, **_ABOUT)
    assert caught.value.reason is reason


_STATEMENT = {
    "v": 1,
    "purpose": "holdfast-key/1",
    "aud": AUD,
    "handle": HANDLE,
    "subject": SUBJECT,
    "nonce": NONCE,
}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (canonical_json.dumps(_STATEMENT | {"v": 2}), TokenReason.CLAIMS_MEMBERS),
        (canonical_json.dumps(_STATEMENT | {"v": True}), TokenReason.CLAIMS_MEMBERS),
        (canonical_json.dumps(_STATEMENT | {"purpose": "x"}), TokenReason.CLAIMS_MEMBERS),
        (canonical_json.dumps(_STATEMENT | {"more": 1}), TokenReason.CLAIMS_MEMBERS),
        (canonical_json.dumps(_STATEMENT | {"nonce": "A"}), TokenReason.JTI),
        (canonical_json.dumps(_STATEMENT | {"aud": 1}), TokenReason.AUD),
        (canonical_json.dumps(_STATEMENT) + b" ", TokenReason.CLAIMS_JSON),
        (b"[]", TokenReason.CLAIMS_JSON),
        (_base(), TokenReason.CLAIMS_MEMBERS),
    ],
)
def test_a_statement_is_of_one_form(document: bytes, reason: TokenReason) -> None:
    with pytest.raises(TokenError) as caught:
        verify_possession(_pack(document), jwk=PASSKEY.jwk, **_ABOUT)
    assert caught.value.reason is reason


@pytest.mark.parametrize("subject", [HANDLE, "sys_01jd3v8z8nfq0a5m6c7d8e9f0g"])
def test_no_passkey_is_a_systems_or_a_root_key(subject: str) -> None:
    about = _ABOUT | {"subject": subject}
    with pytest.raises(TokenError) as caught:
        verify_possession(PASSKEY.possession(**about), jwk=PASSKEY.jwk, **about)
    assert caught.value.reason is TokenReason.SUBJECT


def test_an_act_is_no_proof_and_a_proof_is_no_act() -> None:
    with pytest.raises(TokenError):
        verify_possession(_act(), jwk=PASSKEY.jwk, **_ABOUT)
    _refused(PASSKEY.possession(**_ABOUT), TokenReason.CLAIMS_MEMBERS)


def test_a_passkey_is_a_key_that_says_where_it_signs() -> None:
    key = PASSKEY.public
    assert key.webauthn is not None
    assert (key.webauthn.rp_id, key.webauthn.origin) == (RP_ID, CONSOLE)
    assert key.jwk() == PASSKEY.jwk
    plain = PrivateKey.generate().public
    assert plain.webauthn is None
    assert "webauthn" not in plain.jwk()
    assert key.kid == PASSKEY.key.public.kid
    assert key != PASSKEY.key.public
    elsewhere = PASSKEY.jwk | {"webauthn": {"rp_id": RP_ID, "origin": "http://localhost"}}
    assert PublicKey.from_jwk(elsewhere) != key
