"""A small OpenID provider on loopback that a test makes lie, hang or talk too much."""

import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from holdfast.protocol import base64url, canonical_json

CLIENT_ID, CLIENT_SECRET = "holdfast", "between-us:100%+&nobody=else"
#: Made once: an RSA key takes a while.
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})


@dataclass
class Provider:
    """What it is, and how it misbehaves.

    Attributes:
        claims: What its tokens say instead, by claim; None leaves the claim out.
        metadata: What its discovery document says instead.
        published: The keys that it says it signs with.
        key: Signs; another than a published one is a forger's.
        id_token: What it hands out instead of a token.
        alg: Of what it signs.
        hangs: At which paths it never answers; `released` ends that.
        floods: At which paths it answers 10 MB.
        asked: Every path that was asked for.
        codes: What each code was given for; a code is good once.
    """

    now: int
    port: int = 0
    sub: str = "248289761001"
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=lambda: [RSA.as_dict(private=False)])
    key: RSAKey | ECKey | OctKey = field(default_factory=lambda: RSA)
    id_token: str | None = None
    alg: str = "RS256"
    header: dict[str, Any] = field(default_factory=dict)
    hangs: set[str] = field(default_factory=set)
    floods: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def authorize(self, url: str) -> str:
        """Sign somebody in as a browser would have it done; returns where that goes next."""
        wanted = dict(parse_qsl(urlsplit(url).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = wanted
        query = urlencode({"code": code, "state": wanted["state"]})
        return f"{wanted['redirect_uri']}?{query}"

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Return status and JSON of one request."""
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._discovery() | self.metadata
            case "/jwks":
                return 200, {"keys": self.published}
            case "/token":
                return self._token(headers, dict(parse_qsl(body.decode())))
            case _:
                return 404, {}

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        }

    def _token(self, headers: Mapping[str, str], sent: Mapping[str, str]) -> tuple[int, Any]:
        given = self.codes.pop(sent.get("code", ""), None)
        challenge = base64url.encode(sha256(sent.get("code_verifier", "").encode()).digest())
        is_good = (
            given is not None
            and self._is_client(headers, sent)
            and sent["redirect_uri"] == given["redirect_uri"]
            and (given["code_challenge_method"], given["code_challenge"]) == ("S256", challenge)
        )
        if given is None or not is_good:
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "sub": self.sub,
            "aud": CLIENT_ID,
            "exp": self.now + 300,
            "iat": self.now,
            "nonce": given["nonce"],
            **self.claims,
        }
        return 200, {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": self.id_token
            or self.signed({k: v for k, v in claims.items() if v is not None}),
        }

    def signed(self, claims: dict[str, Any]) -> str:
        """Return a token as it signs it; "none" is signed by nobody."""
        header = {"alg": self.alg, "kid": "rsa-1"} | self.header
        if self.alg == "none":
            parts = [base64url.encode(canonical_json.dumps(part)) for part in (header, claims)]
            return ".".join([*parts, ""])
        return jwt.encode(header, claims, self.key, algorithms=[self.alg])

    def _is_client(self, headers: Mapping[str, str], sent: Mapping[str, str]) -> bool:
        kind, _, encoded = headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, secret = b64decode(encoded).decode().partition(":")
            return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)
        return (sent.get("client_id"), sent.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)


@contextmanager
def serving(now: int) -> Iterator[Provider]:
    """Yield a provider that listens on a port of its own."""
    provider = Provider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers["Content-Length"])))

        def _serve(self, body: bytes) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            if path in provider.hangs:
                provider.released.wait(60)
                return
            if path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(self.path))
                self.end_headers()
                return
            status, content = provider.answer(path, dict(self.headers), body)
            raw = canonical_json.dumps(content)
            if path in provider.floods:
                raw = b'{"padding":"' + b"x" * 10_000_000 + b'"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            with suppress(OSError):  # whoever asked may have had enough
                self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of a URL, each once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
