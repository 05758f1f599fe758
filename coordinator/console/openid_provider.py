"""Asking a partner's own OpenID provider who somebody is (OpenID Connect Core 1.0).

Authorization code flow with PKCE, `state` and `nonce`. Authlib and joserfc make the messages and
judge the tokens; every call goes out through `coordinator.egress`, for the provider is whatever
host a partner named. Nothing that it says is believed but a token that its keys signed, for this
very client, in answer to this very sign-in.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlsplit

from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]  # ships no types
from authlib.oauth2.client import OAuth2Client  # type: ignore[import-untyped]  # ships no types
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]  # ships no types
    prepare_token_request,
)
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # ships no types
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from coordinator.egress.fetching import Fetcher, FetchError
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError

#: Signatures by a key pair alone: with HS256 whoever knows the client's secret could sign.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
_PATH = "/.well-known/openid-configuration"
#: How far its clock may be off.
_LEEWAY_SECONDS = 60
_LEAST_RSA_BITS = 2048
_MOST_KEYS = 50
_MOST_TOKEN_CHARACTERS = 16_384
_MOST_SUB_CHARACTERS = 255  # OpenID Connect Core 1.0 section 2
#: How long what a provider says of itself is remembered.
_KEEP_SECONDS = 600.0
_MOST_REMEMBERED = 256
#: Whoever names keys that are not there has them read so often at most, in seconds.
_READ_KEYS_EVERY = 1.0
#: Threads that wait for one provider, and for all together: one that hangs holds up few.
_OF_ONE, _OF_ALL = 2, 4


class ProviderError(Exception):
    """A provider did not say who somebody is, in a way that can be believed.

    Args:
        code: Stable word for programs and the log.
        message: What is wrong, for people; of what the provider wrote it holds nothing.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Client:
    """What a partner registered with its provider.

    Attributes:
        issuer: The provider, exactly as it calls itself.
        redirect_uri: Where it sends people back to, which is this partner's alone (RFC 9700
            section 4.4.2: so no two providers can be mixed up).
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one sign-in is told apart by; all of it is fresh, and known to one browser's session.

    Attributes:
        state: Comes back with the browser (RFC 6749 section 10.12).
        nonce: Comes back in the signed token.
        verifier: What the code can be redeemed with (RFC 7636).
    """

    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says somebody is.

    Attributes:
        email: None unless the provider says that it verified it.
    """

    sub: str
    email: str | None


@dataclass(slots=True)
class _Known:
    """What a provider says of itself."""

    metadata: Mapping[str, Any]
    until: float
    keys: KeySet | None = None
    keys_read: float = 0.0


class OpenIdProviders:
    """Asks providers, from any number of threads.

    Args:
        fetcher: By which every call goes.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, int] = {}

    def check(self, issuer: str) -> None:
        """Ask a provider anew for what it says of itself.

        Raises:
            ProviderError: If nobody could sign in by it.
        """
        with self._turn(issuer):
            self._read_metadata(issuer)

    def authorization_url(self, client: Client, attempt: Attempt) -> str:
        """Return where the browser goes, for its person to sign in there.

        Raises:
            ProviderError: If the provider cannot be asked now.
        """
        with self._turn(client.issuer):
            metadata = self._metadata(client.issuer).metadata
        oauth = OAuth2Client(
            None,
            client_id=client.client_id,
            redirect_uri=client.redirect_uri,
            scope="openid email",
            code_challenge_method="S256",
        )
        url, _ = oauth.create_authorization_url(
            metadata["authorization_endpoint"],
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
        return str(url)

    def identity(
        self, client: Client, attempt: Attempt, answer: Mapping[str, str], *, now: int
    ) -> Identity:
        """Return who came back from a provider.

        Args:
            client: Of the partner whose person it is to be.
            attempt: Of this browser's session; used up by this call, whatever comes of it.
            answer: The query that the browser came back with.
            now: Seconds since 1970.

        Raises:
            ProviderError: If it cannot be believed, or the provider cannot be asked.
        """
        _require_own_state(attempt, answer)
        with self._turn(client.issuer):
            known = self._metadata(client.issuer)
            _require_issuer(client, known.metadata, answer)
            code = _code(answer)
            token = self._redeem(client, attempt, known.metadata, code)
            decoded = self._verified(known, client.issuer, token["id_token"])
        return _judged(client, attempt, decoded, token, now=now)

    # ---------- asking ----------

    @contextmanager
    def _turn(self, issuer: str) -> Iterator[None]:
        """Take one of the few turns at a provider."""
        with self._lock:
            mine = self._asking.get(issuer, 0)
            if mine >= _OF_ONE or sum(self._asking.values()) >= _OF_ALL:
                raise ProviderError(
                    "busy", "too many are signing in this way just now: try it again in a moment"
                )
            self._asking[issuer] = mine + 1
        try:
            yield
        finally:
            with self._lock:
                self._asking[issuer] -= 1
                if not self._asking[issuer]:
                    del self._asking[issuer]

    def _metadata(self, issuer: str) -> _Known:
        known = self._known.get(issuer)
        if known is not None and time.monotonic() < known.until:
            return known
        return self._read_metadata(issuer)

    def _read_metadata(self, issuer: str) -> _Known:
        """Ask a provider what it says of itself (OpenID Connect Discovery 1.0 section 4)."""
        found = self._json(issuer.rstrip("/") + _PATH, "discovery", "its discovery document")
        if not compare_digest(str(found.get("issuer")).encode(), issuer.encode()):
            raise ProviderError(
                "issuer_mismatch",
                "the discovery document names another issuer: give the issuer exactly as the"
                " provider writes it, the final slash included",
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._require_url(found, name)
        known = _Known(found, time.monotonic() + _KEEP_SECONDS)
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[issuer] = known
        return known

    def _require_url(self, metadata: Mapping[str, Any], name: str) -> None:
        url = metadata.get(name)
        if not isinstance(url, str):
            raise ProviderError("bad_metadata", f"the discovery document has no {name}")
        try:
            self._fetcher.check(url)
        except FetchError as error:
            raise ProviderError("bad_metadata", f"its {name} cannot be used: {error}") from None

    def _json(self, url: str, code: str, what: str) -> dict[str, Any]:
        try:
            fetched = self._fetcher.get(url)
        except FetchError as error:
            raise ProviderError(code, f"{what} cannot be read: {_told(error)}") from None
        return _object(fetched.body, fetched.status, code, what)

    def _redeem(
        self, client: Client, attempt: Attempt, metadata: Mapping[str, Any], code: str
    ) -> dict[str, Any]:
        """Return what the provider gives for a code (RFC 6749 section 4.1.3)."""
        body = prepare_token_request(
            "authorization_code",
            "",
            redirect_uri=client.redirect_uri,
            code=code,
            code_verifier=attempt.verifier,
        )
        fields = {"Content-Type": "application/x-www-form-urlencoded"}
        url, fields, body = _client_auth(client, metadata).prepare(
            "POST", metadata["token_endpoint"], fields, body
        )
        what = "the answer to the code"
        try:
            fetched = self._fetcher.post(url, fields, body.encode("ascii"))
        except FetchError as error:
            raise ProviderError("token", f"{what} cannot be read: {_told(error)}") from None
        token = _object(fetched.body, fetched.status, "token", what)
        id_token = token.get("id_token")
        if not isinstance(id_token, str) or len(id_token) > _MOST_TOKEN_CHARACTERS:
            raise ProviderError("token", f"{what} has no id_token")
        return token

    # ---------- judging ----------

    def _verified(self, known: _Known, issuer: str, id_token: str) -> jwt.Token:
        """Return a token whose signature one of the provider's keys made."""
        registry = JWSRegistry(algorithms=_algorithms(known.metadata), strict_check_header=False)
        keys, is_fresh = known.keys, False
        if keys is None:
            keys, is_fresh = self._read_keys(known), True
        try:
            try:
                return jwt.decode(id_token, keys, registry=registry)
            except InvalidKeyIdError:
                if is_fresh or time.monotonic() - known.keys_read < _READ_KEYS_EVERY:
                    raise
                # It may have changed its keys since.
                return jwt.decode(id_token, self._read_keys(known), registry=registry)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise ProviderError(
                "id_token",
                f"its token is signed by none of the keys of {urlsplit(issuer).hostname}",
            ) from error

    def _read_keys(self, known: _Known) -> KeySet:
        found = self._json(known.metadata["jwks_uri"], "keys", "its keys")
        listed = found.get("keys")
        if not isinstance(listed, list):
            raise ProviderError("keys", "its keys cannot be read: they are no JWK set")
        keys = [key for each in listed[:_MOST_KEYS] if (key := _public_key(each)) is not None]
        if not keys:
            raise ProviderError("keys", "it has no key that a token may be signed with")
        known.keys, known.keys_read = KeySet(keys), time.monotonic()
        return known.keys


def _require_own_state(attempt: Attempt, answer: Mapping[str, str]) -> None:
    if not compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise ProviderError("state", "this is the answer to another sign-in than this browser's")


def _require_issuer(client: Client, metadata: Mapping[str, Any], answer: Mapping[str, str]) -> None:
    """Refuse the answer of another provider (RFC 9207 section 2.4)."""
    issuer = answer.get("iss")
    if issuer is None and metadata.get("authorization_response_iss_parameter_supported") is True:
        raise ProviderError("issuer_missing", "the provider did not say that the answer is its own")
    if issuer is not None and not compare_digest(issuer.encode(), client.issuer.encode()):
        raise ProviderError("issuer_mismatch", "another provider answered than the one asked")


def _code(answer: Mapping[str, str]) -> str:
    if answer.get("error"):
        raise ProviderError("refused", "your organisation's provider did not sign you in")
    code = answer.get("code", "")
    if not code or not code.isprintable():
        raise ProviderError("no_code", "the provider sent no code along")
    return code


def _client_auth(client: Client, metadata: Mapping[str, Any]) -> ClientAuth:
    """Return how the client says who it is, as the provider wants it."""
    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if "client_secret_basic" in methods:
        # Both are encoded first (RFC 6749 section 2.3.1), which Authlib leaves to its caller.
        named = quote(client.client_id, safe=""), quote(client.client_secret, safe="")
        return ClientAuth(*named, "client_secret_basic")
    return ClientAuth(client.client_id, client.client_secret, "client_secret_post")


def _algorithms(metadata: Mapping[str, Any]) -> list[str]:
    """Return the algorithms that may sign: those of ours that the provider names."""
    named = metadata.get("id_token_signing_alg_values_supported")
    if not isinstance(named, list):
        return list(ALGORITHMS)
    return [each for each in ALGORITHMS if each in named]


def _public_key(jwk: object) -> Key | None:
    """Return a key of the provider's that signs tokens; None of any other."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError):
        return None  # of a kind that is not known here: another may sign (RFC 7517 section 5)
    if isinstance(key, RSAKey):
        return key if key.raw_value.key_size >= _LEAST_RSA_BITS else None
    return key if isinstance(key, ECKey | OKPKey) else None


def _judged(
    client: Client, attempt: Attempt, decoded: jwt.Token, token: Mapping[str, Any], *, now: int
) -> Identity:
    """Return who a token is about, if it is for us and for now (Core section 3.1.3.7)."""
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {
            "iss": {"essential": True, "value": client.issuer},
            "aud": {"essential": True, "value": client.client_id},
        },
        {
            "nonce": attempt.nonce,
            "client_id": client.client_id,
            "access_token": token.get("access_token"),
        },
    )
    try:
        claims.validate(now=now, leeway=_LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        claim = getattr(error, "claim", None) or "claims"
        raise ProviderError(
            "id_token", f"its token is not for this sign-in, or is over ({claim})"
        ) from error
    sub, email = claims["sub"], claims.get("email")
    if not isinstance(sub, str) or not 0 < len(sub) <= _MOST_SUB_CHARACTERS:
        raise ProviderError("id_token", "its token does not say who you are (sub)")
    is_verified = claims.get("email_verified") is True
    return Identity(sub, email if is_verified and isinstance(email, str) else None)


def _object(body: bytes, status: int, code: str, what: str) -> dict[str, Any]:
    """Return a JSON object that a provider answered."""
    if status != 200:  # noqa: PLR2004
        raise ProviderError(code, f"{what} cannot be read: the provider answered {status}")
    try:
        found = strict_json.loads(body)
    except ProtocolError:
        found = None
    if not isinstance(found, dict):
        raise ProviderError(code, f"{what} cannot be read: it is no JSON object")
    return found


def _told(error: FetchError) -> str:
    """Return why nothing was read; of names inside our network it tells nothing."""
    inside = {"blocked_target", "dns_failed", "dns_timeout"}
    return "its host has no public address" if error.code in inside else str(error)
