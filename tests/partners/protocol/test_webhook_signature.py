"""Webhooks verify as Standard Webhooks 1.0 says, here and in other libraries."""

import hmac
import shutil
import subprocess
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import webhook_signature as webhooks
from holdfast.protocol.canonical_json import dumps
from holdfast.protocol.errors import KeyFormatError, VerificationError
from holdfast.protocol.jwk import PrivateKey
from tests.partners.protocol.cast import ED25519, NOW, P256

ID = "evt_01jd3v8z8nfq0a5m6c7d8e9f0g"
BODY = b'{"type":"leg.acknowledged","timestamp":"2026-11-22T21:54:20Z","data":{}}'
SECRET = webhooks.new_secret()
OLD_SECRET = webhooks.new_secret()
BOTH: dict[str, Any] = {"secrets": [SECRET], "public_keys": [ED25519.public]}


def _headers(**changes: str) -> dict[str, str]:
    headers = webhooks.sign(ID, NOW, BODY, secrets=[SECRET], keys=[ED25519])
    return headers | {f"webhook-{name}": value for name, value in changes.items()}


def test_a_delivery_verifies_by_secret_by_key_and_by_both() -> None:
    expected = webhooks.VerifiedWebhook(ID, NOW)
    assert webhooks.verify(_headers(), BODY, secrets=[SECRET], now=NOW) == expected
    assert webhooks.verify(_headers(), BODY, public_keys=[ED25519.public], now=NOW) == expected
    assert webhooks.verify(_headers(), BODY, **BOTH, now=NOW) == expected


def test_header_names_are_read_in_any_case_beside_any_others() -> None:
    headers = {name.title(): value for name, value in _headers().items()} | {"Host": "b.example"}
    assert webhooks.verify(headers, BODY, **BOTH, now=NOW).id == ID


def test_old_and_new_secret_both_verify_during_rotation() -> None:
    headers = webhooks.sign(ID, NOW, BODY, secrets=[SECRET, OLD_SECRET], keys=[ED25519])
    for mine in ([SECRET], [OLD_SECRET], [webhooks.new_secret(), OLD_SECRET]):
        assert webhooks.verify(headers, BODY, secrets=mine, now=NOW).id == ID


def test_a_kind_that_this_version_does_not_know_is_passed_over() -> None:
    signature = _headers()["webhook-signature"]
    headers = _headers(signature=f"v2,AAAA {signature} v1b,?? ")
    assert webhooks.verify(headers, BODY, **BOTH, now=NOW).id == ID


def test_whoever_wants_both_kinds_is_not_content_with_one() -> None:
    for secrets, keys in (([SECRET], []), ([], [ED25519])):
        headers = webhooks.sign(ID, NOW, BODY, secrets=secrets, keys=keys)
        with pytest.raises(VerificationError):
            webhooks.verify(headers, BODY, **BOTH, now=NOW)


def test_without_secret_and_key_nothing_is_authentic() -> None:
    with pytest.raises(VerificationError):
        webhooks.verify(_headers(), BODY, now=NOW)


@pytest.mark.parametrize("offset", [-300, 0, 300])
def test_five_minutes_either_way_are_tolerated(offset: int) -> None:
    assert webhooks.verify(_headers(), BODY, **BOTH, now=NOW + offset).timestamp == NOW


@pytest.mark.parametrize("offset", [-301, 301])
def test_a_stamp_of_the_future_is_refused_like_a_stale_one(offset: int) -> None:
    with pytest.raises(VerificationError, match="timestamp"):
        webhooks.verify(_headers(), BODY, **BOTH, now=NOW + offset)


@pytest.mark.parametrize("kind", [{"secrets": [SECRET]}, {"public_keys": [ED25519.public]}])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (_headers(), BODY + b" "),
        (_headers(), b""),
        (_headers(id=ID[:-1] + "h"), BODY),
        (_headers(timestamp=str(NOW + 1)), BODY),
        (webhooks.sign(ID, NOW, BODY, secrets=[OLD_SECRET], keys=[PrivateKey.generate()]), BODY),
    ],
)
def test_what_was_not_signed_so_is_refused(
    kind: dict[str, Any], headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(VerificationError, match=r"no v1a? signature matches"):
        webhooks.verify(headers, body, **kind, now=NOW)


_V1, _V1A = _headers()["webhook-signature"].split(" ")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        _headers(id=""),
        _headers(id="a.b"),
        _headers(id="a\n"),
        _headers(id="é"),
        _headers(id="a" * 129),
        _headers(timestamp=""),
        _headers(timestamp="now"),
        _headers(timestamp=f"{NOW}.0"),
        _headers(timestamp=f" {NOW}"),
        _headers(timestamp=f"+{NOW}"),
        _headers(timestamp=f"0{NOW}"),
        _headers(timestamp="1_795_377_260"),
        _headers(timestamp="١٧٩٥٣٧٧٢٦٠"),  # int() would take these digits
        _headers(timestamp="-1"),
        _headers(timestamp="9" * 5_000),
        _headers(signature=""),
        _headers(signature="v1"),
        _headers(signature="v1,"),
        _headers(signature="v1a"),
        _headers(signature=",,, ,"),
        _headers(signature="v1,é v1a,é"),
        _headers(signature="v1,===="),
        _headers(signature=_V1[:-2] + "=="),
        _headers(signature=_V1.replace("v1,", "v1a,") + " " + _V1A.replace("v1a,", "v1,")),
        _headers(signature=_V1.replace(",", ", ")),
        _headers(signature=f"{_V1},{_V1A}"),
        _headers(signature=f"{_V1}\t{_V1A}"),
        _headers(signature=f"{_V1} {_V1A} " + "x" * 4_096),
        _headers() | {"Webhook-Id": ID},
        _headers() | {"webhook-signature": None},
        _headers() | {"webhook-timestamp": NOW},
        {name: value for name, value in _headers().items() if name != "webhook-id"},
        {name: value for name, value in _headers().items() if name != "webhook-timestamp"},
        {name: value for name, value in _headers().items() if name != "webhook-signature"},
    ],
)
def test_malformed_headers_raise_a_verification_error_and_nothing_else(headers: Any) -> None:
    with pytest.raises(VerificationError):
        webhooks.verify(headers, BODY, **BOTH, now=NOW)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=120))
def test_no_headers_at_all_make_it_crash(message_id: str, stamp: str, signature: str) -> None:
    headers = _headers(id=message_id, timestamp=stamp, signature=signature)
    with pytest.raises(VerificationError):
        webhooks.verify(headers, BODY, **BOTH, now=NOW)


@given(st.binary(max_size=300))
def test_any_body_verifies_as_it_was_signed(body: bytes) -> None:
    headers = webhooks.sign(ID, NOW, body, secrets=[SECRET], keys=[ED25519])
    assert webhooks.verify(headers, body, **BOTH, now=NOW).id == ID


def test_a_p256_key_neither_signs_nor_verifies_webhooks() -> None:
    with pytest.raises(KeyFormatError):
        webhooks.sign(ID, NOW, BODY, keys=[P256])
    signature = b64encode(P256.sign(f"{ID}.{NOW}.".encode() + BODY)).decode()
    with pytest.raises(VerificationError):
        webhooks.verify(
            _headers(signature=f"v1a,{signature}"), BODY, public_keys=[P256.public], now=NOW
        )


@pytest.mark.parametrize(("message_id", "stamp"), [("a.b", NOW), ("", NOW), (ID, 0), (ID, -5)])
def test_headers_that_every_receiver_would_refuse_are_not_made(message_id: str, stamp: int) -> None:
    with pytest.raises(VerificationError):
        webhooks.sign(message_id, stamp, BODY, secrets=[SECRET])


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(KeyFormatError):
        webhooks.sign(ID, NOW, BODY)


def _whsec(raw: bytes) -> str:
    return "whsec_" + b64encode(raw).decode()


@pytest.mark.parametrize(
    "secret",
    ["", SECRET[6:], "whsec_", "whsec_???", _whsec(bytes(23)), _whsec(bytes(65)), "whsec_é"],
    ids=["empty", "no prefix", "prefix alone", "no base64", "short", "long", "accent"],
)
def test_a_malformed_secret_is_refused_on_both_sides(secret: str) -> None:
    with pytest.raises(KeyFormatError):
        webhooks.sign(ID, NOW, BODY, secrets=[secret])
    with pytest.raises(KeyFormatError):
        webhooks.verify(_headers(), BODY, secrets=[secret], now=NOW)


def test_new_secrets_are_32_random_bytes() -> None:
    assert len(b64decode(SECRET.removeprefix("whsec_"))) == 32
    assert SECRET != OLD_SECRET


def test_the_published_library_verifies_what_is_signed() -> None:
    now = int(time.time())  # that library reads the clock
    headers = webhooks.sign(ID, now, BODY, secrets=[SECRET], keys=[ED25519])
    assert standardwebhooks.Webhook(SECRET).verify(BODY, headers)["type"] == "leg.acknowledged"


def test_what_the_published_library_signs_verifies() -> None:
    moment = datetime.fromtimestamp(NOW, UTC)
    signature = standardwebhooks.Webhook(SECRET).sign(ID, moment, BODY.decode())
    assert webhooks.verify(_headers(signature=signature), BODY, secrets=[SECRET], now=NOW).id == ID
    assert signature == _V1


def test_v1a_is_plain_ed25519_over_id_timestamp_and_body() -> None:
    signed = f"{ID}.{NOW}.".encode() + BODY
    signature = b64decode(_V1A.removeprefix("v1a,"))
    ED25519.public.verifying_key.verify(signature, signed)  # type: ignore[call-arg]
    digest = hmac.digest(b64decode(SECRET[6:]), signed, "sha256")
    assert f"v1,{b64encode(digest).decode()}" == _V1


_NODE = """
const [jwk, signed, signature] = process.argv.slice(1);
const key = require("crypto").createPublicKey({key: JSON.parse(jwk), format: "jwk"});
const good = require("crypto").verify(
  null, Buffer.from(signed, "base64"), key, Buffer.from(signature, "base64"));
process.stdout.write(String(good));
"""


@pytest.mark.parametrize(("body", "answer"), [(BODY, "true"), (BODY + b" ", "false")])
def test_v1a_verifies_with_another_languages_library(body: bytes, answer: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    signed = b64encode(f"{ID}.{NOW}.".encode() + body).decode()
    command = [node, "-e", _NODE, dumps(ED25519.public.jwk()).decode(), signed, _V1A[4:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == answer


def test_keys_survive_the_standards_own_spelling() -> None:
    public = webhooks.encode_public_key(ED25519.public)
    private = webhooks.encode_private_key(ED25519)
    assert (public[:5], private[:5]) == ("whpk_", "whsk_")
    assert webhooks.decode_public_key(public) == ED25519.public
    assert webhooks.decode_private_key(private).public == ED25519.public
    seed = b64encode(b64decode(private[5:])[:32]).decode()
    assert webhooks.decode_private_key(f"whsk_{seed}").public == ED25519.public


@pytest.mark.parametrize("text", ["", "whpk_", "whpk_??", "whsk_" + "A" * 44, "whpk_AAAA"])
def test_a_malformed_public_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFormatError):
        webhooks.decode_public_key(text)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), bytes(64), bytes(96)])
def test_a_malformed_private_key_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyFormatError):
        webhooks.decode_private_key("whsk_" + b64encode(raw).decode())


def test_a_p256_key_has_no_webhook_spelling() -> None:
    with pytest.raises(KeyFormatError):
        webhooks.encode_public_key(P256.public)
    with pytest.raises(KeyFormatError):
        webhooks.encode_private_key(P256)
