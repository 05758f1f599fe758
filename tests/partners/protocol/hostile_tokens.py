"""Tokens that must not pass, each with the reason that the log must give.

All but the last group bear a good signature by the registered key: what refuses them is the rule
alone. The list holds every class of token that a JWT library was seen to accept on its own.
"""

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from holdfast.protocol import base64url
from holdfast.protocol.errors import TokenReason as Reason
from holdfast.protocol.jwk import PrivateKey
from tests.partners.protocol.cast import (
    AUD,
    ED25519,
    HANDLE,
    NOW,
    P256,
    SUBJECT,
    forge,
    good_claims,
    good_header,
    raw_json,
)

Case = tuple[str, str | bytes, Reason]
GOOD = forge(good_header(), good_claims())
_HEADER, _CLAIMS, _SIGNATURE = GOOD.split(".")


def _headers() -> Iterator[Case]:
    def changed(**members: object) -> str:
        return forge(good_header() | members, good_claims())

    yield "kid with SQL", changed(kid="' OR 1=1 --"), Reason.KID
    yield "kid with a path", changed(kid="../../../../dev/null"), Reason.KID
    yield (
        "kid with a NUL byte",
        forge(raw_json(good_header()).replace(ED25519.kid.encode(), b"a\\u0000b"), good_claims()),
        Reason.HEADER_JSON,
    )
    yield "kid empty", changed(kid=""), Reason.KID
    yield "kid a number", changed(kid=7), Reason.KID
    yield "kid null", changed(kid=None), Reason.KID
    yield "kid padded", changed(kid=ED25519.kid + "="), Reason.KID
    yield "kid with a line feed", changed(kid=ED25519.kid + "\n"), Reason.KID
    yield "kid with stray bits", changed(kid=ED25519.kid[:-1] + "B"), Reason.KID
    yield "kid 3,000 characters long", changed(kid="A" * 2_000), Reason.KID
    yield "kid of another key", changed(kid=P256.kid), Reason.KID_MISMATCH
    for name, value in {
        "jwk": ED25519.public.jwk(),
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert.pem",
        "x5c": ["AAAA"],
        "x5t": "AAAA",
        "zip": "DEF",
        "crit": ["exp"],
        "b64": False,
        "cty": "JWT",
        "enc": "A256GCM",
        "note": "hello",
    }.items():
        reason = Reason.HEADER_JSON if isinstance(value, dict | list) else Reason.HEADER_MEMBERS
        yield f"header with {name}", changed(**{name: value}), reason
    for name in ("alg", "kid", "typ"):
        header = good_header()
        del header[name]
        yield f"header without {name}", forge(header, good_claims()), Reason.HEADER_MEMBERS
    for typ in ("JWT", "at+jwt", "holdfast-key+jwt", "HOLDFAST-REQUEST+JWT", "", None, 1):
        yield f"typ {typ!r}", changed(typ=typ), Reason.TYP
    for alg in ("none", "None", "", "HS256", "RS256", "ES384", "Ed25519", "eddsa", None, 1, True):
        yield f"alg {alg!r}", changed(alg=alg), Reason.ALG
    yield "alg of another kind of key", changed(alg="ES256"), Reason.ALG_MISMATCH
    yield (
        "alg twice",
        forge(b'{"alg":"none",' + raw_json(good_header())[1:], good_claims()),
        Reason.HEADER_JSON,
    )
    yield (
        "kid twice, once escaped",
        forge(b'{"\\u006bid":"x",' + raw_json(good_header())[1:], good_claims()),
        Reason.HEADER_JSON,
    )
    yield "header an array", forge(["EdDSA"], good_claims()), Reason.HEADER_JSON
    yield "header a string", forge(b'"x"', good_claims()), Reason.HEADER_JSON
    yield "header null", forge(None, good_claims()), Reason.HEADER_JSON
    yield "header empty", forge(b"", good_claims()), Reason.HEADER_JSON
    yield "header no JSON", forge(b"{alg}", good_claims()), Reason.HEADER_JSON
    yield "header not UTF-8", forge(b'{"alg":"\xff"}', good_claims()), Reason.HEADER_JSON
    yield (
        "header in UTF-16",
        forge('{"alg":"EdDSA"}'.encode("utf-16"), good_claims()),
        Reason.HEADER_JSON,
    )
    bom = b"\xef\xbb\xbf" + raw_json(good_header())
    yield "header with a byte order mark", forge(bom, good_claims()), Reason.HEADER_JSON
    yield (
        "header with text after it",
        forge(raw_json(good_header()) + b"{}", good_claims()),
        Reason.HEADER_JSON,
    )


def _changed(**members: object) -> str:
    return forge(good_header(), good_claims() | members)


def _raw(old: str, new: str) -> str:
    text = raw_json(good_claims()).decode()
    assert old in text
    return forge(good_header(), text.replace(old, new).encode())


def _members() -> Iterator[Case]:
    for name in good_claims():
        claims = good_claims()
        del claims[name]
        yield f"claims without {name}", forge(good_header(), claims), Reason.CLAIMS_MEMBERS
    for name, value in {"nbf": NOW, "role": "security_lead", "ISS": HANDLE, "": 1}.items():
        yield f"claims with {name!r}", _changed(**{name: value}), Reason.CLAIMS_MEMBERS
    for name in ("iss", "sub", "aud", "exp", "jti", "body_sha256"):
        twice = _raw("{", f'{{"{name}":{raw_json(good_claims()[name]).decode()},')
        yield f"{name} twice", twice, Reason.CLAIMS_JSON


def _times() -> Iterator[Case]:
    yield "exp a string", _changed(exp=str(NOW + 60)), Reason.EXP
    yield "exp a float", _raw(f'"exp":{NOW + 60}', f'"exp":{NOW + 60}.0'), Reason.CLAIMS_JSON
    yield "exp with an exponent", _raw(f'"exp":{NOW + 60}', '"exp":2e9'), Reason.CLAIMS_JSON
    yield "exp NaN", _raw(f'"exp":{NOW + 60}', '"exp":NaN'), Reason.CLAIMS_JSON
    yield "exp Infinity", _raw(f'"exp":{NOW + 60}', '"exp":Infinity'), Reason.CLAIMS_JSON
    yield "exp in the year 9999", _changed(exp=253_402_300_799), Reason.EXP
    yield "exp beyond 2^53", _changed(exp=2**60), Reason.CLAIMS_JSON
    yield "exp true", _changed(exp=True), Reason.EXP
    yield "exp null", _changed(exp=None), Reason.EXP
    yield "exp an array", _changed(exp=[NOW + 60]), Reason.CLAIMS_JSON
    yield "exp negative", _changed(exp=-1), Reason.EXP
    yield "iat in 1970", _changed(iat=0), Reason.IAT
    yield "iat a string", _changed(iat=str(NOW)), Reason.IAT
    yield "iat a float", _raw(f'"iat":{NOW}', f'"iat":{NOW}.5'), Reason.CLAIMS_JSON
    yield "iat true", _changed(iat=True), Reason.IAT
    yield "iat in milliseconds", _changed(iat=NOW * 1000, exp=NOW * 1000 + 60), Reason.IAT
    yield "a lifetime of 121 s", _changed(exp=NOW + 121), Reason.LIFETIME
    yield "a lifetime of a year", _changed(exp=NOW + 31_536_000), Reason.LIFETIME
    yield "a lifetime of nothing", _changed(exp=NOW), Reason.LIFETIME
    yield "a lifetime backwards", _changed(exp=NOW - 60), Reason.LIFETIME
    yield "expired", _changed(iat=NOW - 90, exp=NOW - 30), Reason.EXPIRED
    yield "long expired", _changed(iat=NOW - 86_400, exp=NOW - 86_340), Reason.EXPIRED
    yield "not yet valid", _changed(iat=NOW + 31, exp=NOW + 91), Reason.NOT_YET_VALID


def _who() -> Iterator[Case]:
    for jti in ("", "a" * 65, "a b", "a\n", "é", None, 7, "\u007f"):
        yield f"jti {str(jti)[:8]!r}", _changed(jti=jti), Reason.JTI
    yield "jti with a lone surrogate", _raw("0123456789abcdef", "\\ud800"), Reason.CLAIMS_JSON
    yield "jti with a NUL", _raw("0123456789abcdef", "a\\u0000"), Reason.CLAIMS_JSON
    yield "iss with a lone surrogate", _raw(HANDLE, "\\udfff"), Reason.CLAIMS_JSON
    for iss in ("", "Exchange-A.example", "exchange-a.example.", "localhost", "a..b", None, 1):
        yield f"iss {iss!r}", _changed(iss=iss), Reason.ISS
    yield "iss with a line feed", _changed(iss=HANDLE + "\n"), Reason.ISS
    yield "iss of 254 characters", _changed(iss="a." * 126 + "ab"), Reason.ISS
    yield "iss of another partner", _changed(iss="exchange-b.example"), Reason.ISS_MISMATCH
    for sub in ("", "per_", "frq" + SUBJECT[3:], SUBJECT.upper(), SUBJECT + "\n", None, 5):
        yield f"sub {sub!r}", _changed(sub=sub), Reason.SUB
    yield "sub of another person", _changed(sub=SUBJECT[:-1] + "h"), Reason.SUB_MISMATCH
    yield "sub as only root keys have it", _changed(sub=HANDLE), Reason.SUB_MISMATCH
    yield "aud an array", _changed(aud=[AUD]), Reason.CLAIMS_JSON
    yield "aud an array of two", _changed(aud=[AUD, "https://evil.example"]), Reason.CLAIMS_JSON
    for aud in ("", "coordinator.example", AUD + "/", AUD + "?x", "ftp://x.example", None, 1):
        yield f"aud {aud!r}", _changed(aud=aud), Reason.AUD
    yield "aud of another coordinator", _changed(aud="https://evil.example"), Reason.AUD_MISMATCH


def _what() -> Iterator[Case]:
    for htm in ("post", "POST ", "", "CONNECT", None, 1):
        yield f"htm {htm!r}", _changed(htm=htm), Reason.HTM
    yield "another method", _changed(htm="GET"), Reason.HTM_MISMATCH
    for htu in ("", "/v1/freeze-requests", AUD + "/a b", AUD + "/é", AUD + "/\n", None, 1):
        yield f"htu {htu!r}", _changed(htu=htu), Reason.HTU
    for htu in (
        f"{AUD}/v1/freeze-requests",
        f"{AUD}/v1/freeze-requests?box=sent&",
        f"{AUD}/v1/freeze-requests?box=%73ent",
        f"{AUD}/v1/./freeze-requests?box=sent",
        f"{AUD}:443/v1/freeze-requests?box=sent",
        "https://COORDINATOR.example/v1/freeze-requests?box=sent",
        "http://coordinator.example/v1/freeze-requests?box=sent",
    ):
        yield f"another URL, {htu}", _changed(htu=htu), Reason.HTU_MISMATCH
    for digest in ("", "0" * 63, "A" * 64, "g" * 64, "0" * 64 + "\n", None, 1):
        yield f"body_sha256 {digest!r}", _changed(body_sha256=digest), Reason.BODY_SHA256
    yield "another body", _changed(body_sha256="0" * 64), Reason.BODY_MISMATCH


def _claims_form() -> Iterator[Case]:
    yield "claims an array", forge(good_header(), [good_claims()]), Reason.CLAIMS_JSON
    yield "claims null", forge(good_header(), None), Reason.CLAIMS_JSON
    yield "claims empty", forge(good_header(), b""), Reason.CLAIMS_JSON
    yield "claims deep", _changed(jti={"a": {"b": {}}}), Reason.CLAIMS_JSON
    yield "claims bottomless", forge(good_header(), b"[" * 2_000), Reason.CLAIMS_JSON
    yield "claims no JSON", forge(good_header(), b"{'iss':1}"), Reason.CLAIMS_JSON


def _form_and_signature() -> Iterator[Case]:
    yield "empty", "", Reason.SEGMENTS
    yield "empty bytes", b"", Reason.SEGMENTS
    yield "two dots", "..", Reason.SIGNATURE_LENGTH
    yield "two segments", f"{_HEADER}.{_CLAIMS}", Reason.SEGMENTS
    yield "four segments", GOOD + ".", Reason.SEGMENTS
    yield "five segments, as encrypted", f"{GOOD}.{_CLAIMS}.{_SIGNATURE}", Reason.SEGMENTS
    yield "1 MB", GOOD + "A" * 1_000_000, Reason.TOO_LONG
    yield "one byte too long", GOOD + "A" * (4_097 - len(GOOD)), Reason.TOO_LONG
    yield "not ASCII", GOOD.encode() + b"\xff", Reason.NOT_TEXT
    yield "not ASCII, as text", GOOD[:-1] + "\uff21", Reason.BASE64
    yield "a lone surrogate", GOOD[:-1] + "\ud800", Reason.BASE64
    yield "JSON serialisation", raw_json({"payload": _CLAIMS}), Reason.SEGMENTS
    yield "signature padded", GOOD + "==", Reason.BASE64
    yield "header padded", GOOD.replace(".", "=.", 1), Reason.BASE64
    yield "space before", " " + GOOD, Reason.BASE64
    yield "line feed after", GOOD + "\n", Reason.BASE64
    yield "space within", f"{_HEADER}. {_CLAIMS}.{_SIGNATURE}", Reason.BASE64
    yield "Bearer before", "Bearer " + GOOD, Reason.BASE64
    stray = _SIGNATURE[:-1] + chr(ord(_SIGNATURE[-1]) + 1)
    yield "signature with stray bits", f"{_HEADER}.{_CLAIMS}.{stray}", Reason.BASE64
    plain = b64encode(b"\xff" * 64).decode().rstrip("=")
    yield "signature in plain base64", f"{_HEADER}.{_CLAIMS}.{plain}", Reason.BASE64
    yield "no signature", f"{_HEADER}.{_CLAIMS}.", Reason.SIGNATURE_LENGTH
    for size in (63, 65, 70, 256):
        value = urlsafe_b64encode(bytes(size)).decode().rstrip("=")
        yield f"{size} bytes as signature", f"{_HEADER}.{_CLAIMS}.{value}", Reason.SIGNATURE_LENGTH
    zeros = base64url.encode(bytes(64))
    yield "zeros as signature", f"{_HEADER}.{_CLAIMS}.{zeros}", Reason.SIGNATURE
    other = forge(good_header(), good_claims(), PrivateKey.generate())
    yield "signed by somebody else", other, Reason.SIGNATURE
    later = base64url.encode(raw_json(good_claims() | {"jti": "another"}))
    yield "claims exchanged", f"{_HEADER}.{later}.{_SIGNATURE}", Reason.SIGNATURE
    signed = f"{base64url.encode(raw_json(good_header() | {'alg': 'HS256'}))}.{_CLAIMS}"
    pem = ED25519.public.verifying_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = base64url.encode(hmac.digest(pem, signed.encode(), "sha512"))
    yield "the public key as an HMAC secret", f"{signed}.{mac}", Reason.ALG
    unsigned = base64url.encode(raw_json(good_header() | {"alg": "none"}))
    yield "unsigned", f"{unsigned}.{_CLAIMS}.", Reason.SIGNATURE_LENGTH
    p256 = forge(good_header(P256), good_claims(), P256)
    yield "signed by a key of the other kind", p256, Reason.KID_MISMATCH


HOSTILE: list[Case] = [
    *_headers(),
    *_members(),
    *_times(),
    *_who(),
    *_what(),
    *_claims_form(),
    *_form_and_signature(),
]
