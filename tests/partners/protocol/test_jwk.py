"""Which keys are taken, and what verifies under them."""

from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from holdfast.protocol import base64url
from holdfast.protocol.ed25519_points import (
    _P,
    _add,
    _recover_x,
    check_public_point,
)
from holdfast.protocol.errors import KeyFormatError, SignatureError
from holdfast.protocol.jwk import PrivateKey, PublicKey, WebAuthnScope
from tests.partners.protocol.cast import ED25519, KEYS, P256

#: Every 32-byte text that some decoder takes for a point of low order.
LOW_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",  # the identity
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # order 2
    "0000000000000000000000000000000000000000000000000000000000000000",  # order 4
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  # order 8
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",  # second spellings
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def _ed25519_jwk(raw: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(raw)}


@pytest.mark.parametrize("text", LOW_ORDER)
def test_points_of_low_order_and_their_second_spellings_are_refused(text: str) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey.from_jwk(_ed25519_jwk(bytes.fromhex(text)))


@pytest.mark.parametrize("text", LOW_ORDER[8:])
def test_a_second_spelling_is_called_so(text: str) -> None:
    with pytest.raises(KeyFormatError, match="canonical spelling"):
        check_public_point(bytes.fromhex(text))


def test_no_y_is_taken_in_its_second_spelling() -> None:
    for number in range(19):  # only these have one below 2^255
        for sign in (0, 1 << 255):
            with pytest.raises(KeyFormatError, match="canonical spelling"):
                check_public_point((number + _P | sign).to_bytes(32, "little"))


def test_the_library_alone_accepts_one_forgery_for_every_message_under_the_identity() -> None:
    identity = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(LOW_ORDER[0]))
    base_point = bytes.fromhex("58" + "66" * 31)
    forged = base_point + (1).to_bytes(32, "little")
    for message in (b"freeze", b"release"):
        try:
            identity.verify(forged, message)
        except InvalidSignature:  # pragma: no cover - then the library has learned it
            pytest.skip("the library now refuses low-order keys by itself")


def test_an_honest_key_with_a_part_of_low_order_added_is_refused() -> None:
    def point(raw: bytes) -> tuple[int, int, int, int]:
        number = int.from_bytes(raw, "little")
        y = number & (1 << 255) - 1
        x = _recover_x(y, number >> 255)
        return x, y, 1, x * y % _P

    for low in LOW_ORDER[1:8]:
        x, y, z, _ = _add(point(ED25519.public.raw), point(bytes.fromhex(low)))
        x, y = x * pow(z, -1, _P) % _P, y * pow(z, -1, _P) % _P
        mixed = (y | (x & 1) << 255).to_bytes(32, "little")
        ed25519.Ed25519PublicKey.from_public_bytes(mixed)  # the library takes it
        with pytest.raises(KeyFormatError, match="mixed order"):
            check_public_point(mixed)


@pytest.mark.parametrize(
    "raw", [b"", b"\1" * 31, b"\1" * 33, (2).to_bytes(32, "little"), b"\xff" * 32]
)
def test_what_is_no_point_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey.from_ed25519_bytes(raw)


def test_the_arithmetic_accepts_every_key_that_the_library_makes() -> None:
    for _ in range(20):
        check_public_point(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw())


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    key = PublicKey.from_jwk(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("alg", KEYS)
def test_a_key_survives_jwk_and_pem(alg: str) -> None:
    key = KEYS[alg]
    assert PublicKey.from_jwk(key.public.jwk()) == key.public
    again = PrivateKey.from_pem(key.to_pem())
    assert (again.public, again.alg, again.kid) == (key.public, alg, key.kid)
    assert hash(again.public) == hash(key.public)
    assert again.public != key.kid


@pytest.mark.parametrize("alg", KEYS)
def test_alg_kid_and_use_may_stand_in_a_jwk_when_they_are_right(alg: str) -> None:
    public = KEYS[alg].public
    assert (
        PublicKey.from_jwk(public.jwk() | {"alg": alg, "kid": public.kid, "use": "sig"}) == public
    )


@pytest.mark.parametrize("alg", KEYS)
def test_a_signature_verifies_under_its_own_key_and_message_only(alg: str) -> None:
    key, other = KEYS[alg], PrivateKey.generate(KEYS[alg].alg)
    signature = key.sign(b"message")
    assert len(signature) == 64
    key.public.verify(signature, b"message")
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    refused = [
        (key, signature, b"massage"),
        (other, signature, b"message"),
        (key, flipped, b"message"),
        (key, signature + b"\0", b"message"),
        (key, signature[:-1], b"message"),
        (key, signature[:32] + b"\0" + signature[32:], b"message"),
        (key, b"", b"message"),
        (key, bytes(64), b"message"),
        (key, b"\xff" * 64, b"message"),
    ]
    for signer, offered, message in refused:
        with pytest.raises(SignatureError):
            signer.public.verify(offered, message)


def test_keys_show_themselves_without_their_secret() -> None:
    assert repr(ED25519) == f"PrivateKey(EdDSA, {ED25519.kid})"
    assert repr(P256.public) == f"PublicKey(ES256, {P256.kid})"


def test_a_key_comes_back_from_its_seed() -> None:
    assert PrivateKey.from_seed(bytes(32)).public.raw.hex().startswith("3b6a27bc")
    with pytest.raises(KeyFormatError):
        PrivateKey.from_seed(bytes(31))


_ED, _EC = ED25519.public.jwk(), P256.public.jwk()


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "key",
        [],
        {},
        _ED | {"kty": "EC"},
        _ED | {"kty": 1},
        _ED | {"crv": ["Ed25519"]},
        _ED | {"crv": "X25519"},
        _ED | {"crv": "Ed448"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        _EC | {"crv": "P-384"},
        _EC | {"crv": "secp256k1"},
        _ED | {"d": "AAAA"},
        _EC | {"d": None},
        _ED | {"y": _EC["y"]},
        _ED | {"key_ops": ["verify"]},
        _ED | {"x5c": []},
        _ED | {1: 2},
        _ED | {"alg": "ES256"},
        _ED | {"alg": "Ed25519"},
        _EC | {"alg": None},
        _ED | {"use": "enc"},
        _ED | {"kid": "mine"},
        _ED | {"kid": [ED25519.kid]},
        _ED | {"x": 7},
        _ED | {"x": None},
        _ED | {"x": _ED["x"] + "="},
        _ED | {"x": _ED["x"][:-1]},
        _ED | {"x": _ED["x"] + "AA"},
        _ED | {"x": " " + _ED["x"]},
        _ED | {"x": base64url.encode(bytes(31))},
        _EC | {"y": base64url.encode(bytes(33))},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "EC", "crv": "P-256", "x": _EC["x"]},
        _EC | {"y": _EC["x"]},
        _EC | {"x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))},
        _EC | {"x": base64url.encode(b"\xff" * 32)},
        _EC | {"webauthn": None},
        _EC | {"webauthn": "localhost"},
        _EC | {"webauthn": {"rp_id": "localhost"}},
        _EC | {"webauthn": {"rp_id": "localhost", "origin": "http://localhost", "top": 1}},
        _EC | {"webauthn": {"rp_id": 1, "origin": "http://localhost"}},
        _EC | {"webauthn": {"rp_id": "localhost", "origin": 1}},
    ],
)
def test_a_jwk_that_is_not_exactly_one_public_key_is_refused(jwk: Any) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey.from_jwk(jwk)


def test_whoever_sends_a_private_key_is_told_so() -> None:
    with pytest.raises(KeyFormatError, match="this key is burnt, make a new one"):
        PublicKey.from_jwk(_ED | {"d": "AAAA"})


def _pem(key: Any, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return pem


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"not a key",
        _pem(ED25519.signing_key, b"secret"),
        _pem(ed448.Ed448PrivateKey.generate()),
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(ec.generate_private_key(ec.SECP256K1())),
        _pem(rsa.generate_private_key(65537, 2048)),
        ED25519.to_pem()[:60],
    ],
    ids=["empty", "text", "encrypted", "ed448", "p384", "secp256k1", "rsa", "cut"],
)
def test_a_pem_file_with_anything_else_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyFormatError):
        PrivateKey.from_pem(pem)


def test_only_two_algorithms_make_keys() -> None:
    with pytest.raises(KeyFormatError):
        PrivateKey.generate("HS256")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("localhost", "http://localhost"),
        ("localhost", "http://localhost:8080"),
        ("localhost", "http://console.localhost:8080"),
        ("holdfast.example", "https://holdfast.example"),
        ("holdfast.example", "https://console.holdfast.example:8443"),
    ],
)
def test_a_passkey_belongs_to_a_named_host(rp_id: str, origin: str) -> None:
    jwk = _EC | {"webauthn": {"rp_id": rp_id, "origin": origin}}
    assert PublicKey.from_jwk(jwk).webauthn == WebAuthnScope(rp_id=rp_id, origin=origin)


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("localhost", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]"),
        ("Localhost", "http://localhost"),
        ("localhost", "http://Localhost"),
        ("localhost", "http://localhost/"),
        ("localhost", "http://localhost:80"),
        ("localhost", "http://localhost:65536"),
        ("localhost", "http://localhost:08080"),
        ("localhost", "ftp://localhost"),
        ("localhost", "localhost"),
        ("localhost", "http://user@localhost"),
        ("localhost", "http://localhost\n"),
        ("localhost", "http://notlocalhost"),
        ("holdfast.example", "http://holdfast.example"),
        ("holdfast.example", "https://holdfast.example:443"),
        ("holdfast.example", "https://evil.example"),
        ("holdfast.example", "https://evilholdfast.example"),
        ("console.holdfast.example", "https://holdfast.example"),
        ("holdfast.example.", "https://holdfast.example."),
        ("", "https://holdfast.example"),
        ("a" * 64 + ".example", "https://" + "a" * 64 + ".example"),
    ],
)
def test_a_passkey_of_no_named_host_is_refused(rp_id: str, origin: str) -> None:
    with pytest.raises(KeyFormatError):
        WebAuthnScope(rp_id=rp_id, origin=origin)


def test_the_console_is_its_own_relying_party() -> None:
    assert WebAuthnScope.of_origin("http://localhost:8080").rp_id == "localhost"
    assert WebAuthnScope.of_origin("https://console.example").rp_id == "console.example"
    for origin in ("http://127.0.0.1:8080", "localhost", ""):
        with pytest.raises(KeyFormatError, match="host name"):
            WebAuthnScope.of_origin(origin)
