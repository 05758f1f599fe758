"""Everything that a coordinator would refuse about a token, at once: for whoever makes their first.

`read_token_front` and its neighbours stop at the first fault, and say little about it, because what
they say goes to a log. Here whoever made the token reads what stands in it and what should. The
same rules decide: nothing that they refuse is passed over.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from holdfast.protocol import base64url, strict_json
from holdfast.protocol.compact_jws import MAX_TOKEN_BYTES, THUMBPRINT
from holdfast.protocol.errors import (
    Base64UrlError,
    SignatureError,
    StrictJsonError,
    TokenError,
)
from holdfast.protocol.jwk import BURNT_KEY, PRIVATE_MEMBERS, SIGNATURE_BYTES, PublicKey
from holdfast.protocol.passkey_signature import is_passkey_token
from holdfast.protocol.request_claims import MEMBERS, body_sha256, check_claims
from holdfast.protocol.request_token import (
    DEFAULT_SKEW,
    MAX_LIFETIME,
    TYP,
    TokenFront,
    check_addressed,
    check_body,
    check_times,
    read_token_front,
    verify_signature,
)

_HEADER = frozenset({"alg", "kid", "typ"})
_ALGORITHMS = ("EdDSA", "ES256")
_SEGMENTS = 3
_MOST_SHOWN = 300
#: ASN.1 SEQUENCE: how most tools print an ECDSA signature.
_DER = 0x30
#: Above this a time is not in seconds: the year 2100, as in `request_claims`.
_LATEST = 4_102_444_800
#: Claims that are each of their own form, to hold one claim against the rules at a time.
_SAMPLE: Mapping[str, Any] = MappingProxyType(
    {
        "iss": "exchange-a.example",
        "sub": "exchange-a.example",
        "aud": "https://coordinator.example",
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
        "jti": "1",
        "htm": "GET",
        "htu": "https://coordinator.example/v1/events",
        "body_sha256": body_sha256(b""),
    }
)
_WANTED: Mapping[str, str] = MappingProxyType(
    {
        "iss": "your handle: a host name in lower case, e.g. exchange-a.example",
        "sub": "whose key it is: per_… or sys_…; for a root key the handle again",
        "aud": "the coordinator's origin: one string, without a final /",
        "iat": "whole seconds since 1970",
        "exp": "whole seconds since 1970",
        "jti": "a string of 1 to 64 printable characters without spaces",
        "htm": "the method in capitals",
        "htu": "the URL as sent: origin, path and, where there is one, ? and the query",
        "body_sha256": "SHA-256 of the raw body, 64 lower-case hex digits",
    }
)


@dataclass(frozen=True, slots=True)
class TokenFault:
    """One thing that a coordinator would refuse.

    Attributes:
        place: "token", "header", "header.kid", "claims.htu", "signature", "body" or "key".
        reason: As it stands in the coordinator's log; "body_json" where the body
            would be refused, with 400; "private_key" where one was given away.
        seen: What is there, cut to 300 characters; never the whole token.
        wanted: What should be there.
    """

    place: str
    reason: str
    seen: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.place}: seen {self.seen}; wanted {self.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequest:
    """What is known of the request that a token was made for; what is None is not looked at.

    Attributes:
        now: When it arrives, seconds since 1970 UTC.
        body: The raw body; b"" where there is none.
        method: As sent.
        url: As sent: origin, path and raw query.
        aud: The coordinator's origin.
        iss: The handle of the partner that the key belongs to.
        sub: The person or system that the key belongs to.
        key: The key that is registered, or is to be.
    """

    now: int | None = None
    body: bytes | None = None
    method: str | None = None
    url: str | None = None
    aud: str | None = None
    iss: str | None = None
    sub: str | None = None
    key: PublicKey | None = None


def explain_token(token: str, known: KnownRequest) -> list[TokenFault]:
    """Return everything about a request token that a coordinator would refuse; empty: nothing.

    Args:
        token: JWS compact serialisation, as it stands behind "Bearer ".
        known: What the token can be held against.
    """
    faults = list(_faults(token, known))
    said = {fault.reason for fault in faults}
    # The rules themselves have the last word: what they refuse is never passed over.
    faults.extend(
        TokenFault("token", str(error.reason), str(error), "as docs/protocol.md has it")
        for error in _refusals(token, known)
        if str(error.reason) not in said
    )
    return faults


def claimed_kid(token: str) -> str | None:
    """Return the `kid` that a token's header names, however faulty the token; None without one."""
    with suppress(ValueError, RecursionError):
        header = json.loads(_lenient(token.partition(".")[0]) or b"")
        if isinstance(header, dict) and isinstance(header.get("kid"), str):
            return str(header["kid"])
    return None


def _refusals(token: str, known: KnownRequest) -> Iterator[TokenError]:
    try:
        front = read_token_front(token)
    except TokenError as error:
        yield error
        return
    for check in _checks(front, known):
        try:
            check()
        except TokenError as error:
            yield error


def _checks(front: TokenFront, known: KnownRequest) -> Iterator[Callable[[], object]]:
    claims = front.claims
    aud, iss, sub = known.aud or claims["aud"], known.iss or claims["iss"], known.sub
    method, url = known.method or claims["htm"], known.url or claims["htu"]
    yield lambda: check_addressed(front, aud=aud, method=method, url=url)
    now, key, body = known.now, known.key, known.body
    if now is not None:
        yield lambda: check_times(front, now=now)
    if key is not None:
        yield lambda: verify_signature(front, key, iss=iss, sub=sub or claims["sub"], aud=aud)
    if body is not None:
        yield lambda: check_body(front, body)


def _faults(token: str, known: KnownRequest) -> Iterator[TokenFault]:
    if len(token) > MAX_TOKEN_BYTES:
        yield TokenFault(
            "token", "too_long", f"{len(token)} characters", f"{MAX_TOKEN_BYTES} at most"
        )
    if is_passkey_token(token):
        wanted = "a JWS by a key of the API: a passkey authenticates no request"
        yield TokenFault("token", "segments", "a passkey's token", wanted)
        return
    parts = token.split(".")
    if len(parts) != _SEGMENTS:
        seen = f"{len(parts)} part{'s' * (len(parts) != 1)} between dots"
        yield TokenFault("token", "segments", seen, "header, claims and signature, three parts")
        return
    for name, part in zip(("header", "claims", "signature"), parts, strict=True):
        yield from _spelling(name, part)
    header = yield from _object("header", _lenient(parts[0]), _HEADER)
    claims = yield from _object("claims", _lenient(parts[1]), MEMBERS)
    if header is not None:
        yield from _header_faults(header, known)
    if claims is not None:
        yield from _claim_faults(claims)
        yield from _time_faults(claims, known.now)
        yield from _context_faults(claims, known)
        yield from _body_faults(claims, known.body)
    signed = ".".join(parts[:2])
    yield from _signature_faults(_lenient(parts[2]), signed, header, known.key)


def _lenient(part: str) -> bytes | None:
    """Return what a segment stands for, however it is spelled; None where it is nothing at all."""
    with suppress(ValueError):
        text = part.rstrip("=").replace("+", "-").replace("/", "_")
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return None


def _spelling(name: str, part: str) -> Iterator[TokenFault]:
    try:
        base64url.decode(part)
    except Base64UrlError as error:
        seen = "padding with =" if part.endswith("=") else f"a part that {error}"
        if set(part) & set("+/"):
            seen = "+ or /: the other base64"
        yield TokenFault(name, "base64", seen, "base64url without padding: A-Z a-z 0-9 - _")


def _object(
    name: str, raw: bytes | None, members: frozenset[str]
) -> Generator[TokenFault, None, dict[str, Any] | None]:
    """Yield what is wrong with an object as a whole; return it as far as it can be read."""
    value: Any = None
    if raw is None:
        return None
    try:
        value = strict_json.loads(raw, max_depth=1)
    except StrictJsonError as error:
        yield TokenFault(name, f"{name}_json", str(error), "strict JSON: one flat object")
        with suppress(ValueError, RecursionError):
            value = json.loads(raw)
    if not isinstance(value, dict):
        return None
    missing, other = sorted(members - value.keys()), sorted(value.keys() - members)
    wanted = f"exactly {', '.join(sorted(members))}"
    if missing:
        yield TokenFault(name, f"{name}_members", f"no {', '.join(missing)}", wanted)
    for extra in other:
        yield TokenFault(name, f"{name}_members", f"the member {_shown(extra)}", wanted)
        if isinstance(value[extra], dict) and PRIVATE_MEMBERS & value[extra].keys():
            yield TokenFault(f"{name}.{extra}", "private_key", "a private key", BURNT_KEY)
    return value


def _header_faults(header: Mapping[str, Any], known: KnownRequest) -> Iterator[TokenFault]:
    if "typ" in header and header["typ"] != TYP:
        yield TokenFault("header.typ", "typ", _shown(header["typ"]), f'"{TYP}"')
    if "alg" in header and header["alg"] not in _ALGORITHMS:
        wanted = '"EdDSA" for an Ed25519 key, "ES256" for a P-256 key'
        yield TokenFault("header.alg", "alg", _shown(header["alg"]), wanted)
    elif known.key is not None and "alg" in header and header["alg"] != known.key.alg:
        seen = _shown(header["alg"])
        yield TokenFault("header.alg", "alg_mismatch", seen, f'"{known.key.alg}", as the key is')
    if "kid" not in header:
        return
    kid = header["kid"]
    if not isinstance(kid, str) or not THUMBPRINT.fullmatch(kid):
        wanted = "the key's RFC 7638 thumbprint: 43 characters of base64url"
        if known.key is not None:
            wanted = f'"{known.key.kid}", the key\'s RFC 7638 thumbprint'
        yield TokenFault("header.kid", "kid", _shown(kid), wanted)
    elif known.key is not None and kid != known.key.kid:
        yield TokenFault("header.kid", "kid_mismatch", _shown(kid), f'"{known.key.kid}"')


def _claim_faults(claims: Mapping[str, Any]) -> Iterator[TokenFault]:
    for name in sorted(MEMBERS & claims.keys()):
        value = claims[name]
        try:
            check_claims(_sample_with(name, claims), max_lifetime=MAX_LIFETIME)
        except TokenError as error:
            seen = _shown(value)
            if type(value) is int and value > _LATEST:
                seen += ", which is in milliseconds, or far from now"
            yield TokenFault(f"claims.{name}", str(error.reason), seen, _WANTED[name])


def _sample_with(name: str, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return good claims with this one in them, and what goes with it."""
    value = claims[name]
    sample = {**_SAMPLE, name: value}
    if name == "iss":
        sample["sub"] = value
    elif name == "sub" and value == claims.get("iss"):
        sample["iss"] = value
    elif name == "iat" and type(value) is int:
        sample["exp"] = value + 1
    elif name == "exp" and type(value) is int:
        sample["iat"] = value - 1
    return sample


def _time_faults(claims: Mapping[str, Any], now: int | None) -> Iterator[TokenFault]:
    iat, exp = claims.get("iat"), claims.get("exp")
    if type(iat) is not int or type(exp) is not int:
        return
    if not 1 <= exp - iat <= MAX_LIFETIME:
        wanted = f"1 to {MAX_LIFETIME} s after iat"
        yield TokenFault("claims.exp", "lifetime", f"{exp - iat} s after iat", wanted)
    if now is None:
        return
    if iat > now + DEFAULT_SKEW:
        wanted = f"{now + DEFAULT_SKEW} at most: is this clock right?"
        yield TokenFault("claims.iat", "not_yet_valid", f"{iat}, {iat - now} s from now", wanted)
    if exp <= now - DEFAULT_SKEW:
        wanted = f"above {now - DEFAULT_SKEW}: make a new token for each try"
        yield TokenFault("claims.exp", "expired", f"{exp}, {now - exp} s ago", wanted)


def _context_faults(claims: Mapping[str, Any], known: KnownRequest) -> Iterator[TokenFault]:
    pairs = (
        ("aud", known.aud),
        ("htm", known.method),
        ("htu", known.url),
        ("iss", known.iss),
        ("sub", known.sub),
    )
    for name, actual in pairs:
        if actual is not None and name in claims and claims[name] != actual:
            seen, wanted = _shown(claims[name]), f'"{actual}"'
            yield TokenFault(f"claims.{name}", f"{name}_mismatch", seen, wanted)
    aud, htu = claims.get("aud"), claims.get("htu")
    if known.url is None and isinstance(aud, str) and isinstance(htu, str):
        start = f"{aud.rstrip('/')}/"
        if not htu.startswith(start):
            wanted = f'a URL below aud: "{start}…"'
            yield TokenFault("claims.htu", "htu_mismatch", _shown(htu), wanted)


def _body_faults(claims: Mapping[str, Any], body: bytes | None) -> Iterator[TokenFault]:
    if body is None:
        return
    if body != b"":
        yield from _body_json_faults(body)
    actual = body_sha256(body)
    if "body_sha256" not in claims or claims["body_sha256"] == actual:
        return
    wanted = f'"{actual}", of the body\'s {len(body)} bytes'
    for what, other in _other_bodies(body):
        if claims["body_sha256"] == body_sha256(other):
            wanted += f"; what was hashed is {what}: send exactly the bytes that you hash"
            break
    seen = _shown(claims["body_sha256"])
    yield TokenFault("claims.body_sha256", "body_mismatch", seen, wanted)


def _body_json_faults(body: bytes) -> Iterator[TokenFault]:
    try:
        document = strict_json.loads(body)
    except StrictJsonError as error:
        yield TokenFault("body", "body_json", str(error), "strict JSON in UTF-8 (else: 400)")
        return
    if not isinstance(document, dict):
        return
    grants = document.get("grants")
    for part in (document, *(grants if isinstance(grants, list) else ())):
        for name in ("root_jwk", "jwk"):
            jwk = part.get(name) if isinstance(part, dict) else None
            if isinstance(jwk, dict) and PRIVATE_MEMBERS & jwk.keys():
                yield TokenFault(f"body.{name}", "private_key", "a private key", BURNT_KEY)


def _other_bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "no body at all", b""
    yield "the body without its final line break", body.rstrip(b"\r\n")
    yield "the body with a line break behind it", body + b"\n"
    yield "the body with other line breaks", body.replace(b"\n", b"\r\n")
    yield "the body with other line breaks", body.replace(b"\r\n", b"\n")


def _signature_faults(
    signature: bytes | None,
    signed: str,
    header: Mapping[str, Any] | None,
    key: PublicKey | None,
) -> Iterator[TokenFault]:
    if signature is None:
        return
    if len(signature) != SIGNATURE_BYTES:
        seen = f"{len(signature)} bytes"
        if signature[:1] == bytes([_DER]):
            seen += " that look like DER, as most tools print ECDSA"
        wanted = f"{SIGNATURE_BYTES} bytes; for ES256 r and s, 32 bytes each"
        yield TokenFault("signature", "signature_length", seen, wanted)
        return
    if key is None or header is None or header.get("kid") != key.kid:
        return
    if key.webauthn is not None:
        wanted = "a key of the API: a passkey signs in the console alone"
        yield TokenFault("key", "key_kind", "a passkey", wanted)
        return
    try:
        key.verify(signature, signed.encode())
    except SignatureError:
        wanted = "one by this key over the ASCII bytes of header.claims, as they stand in the token"
        yield TokenFault("signature", "signature", "one that does not verify", wanted)


def _shown(value: Any) -> str:
    """Return a value of JSON for people, in quotes if it is text, and never long."""
    if isinstance(value, str):
        printable = (each if each.isprintable() else f"\\u{ord(each):04x}" for each in value)
        text = f'"{"".join(printable)}"'
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "a list"
    elif value is None:
        text = "null"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
