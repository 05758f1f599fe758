"""What a provider says and does: what is believed of it, and how long it is waited for."""

import threading
from datetime import timedelta
from time import time
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import ECKey, OctKey, RSAKey

from coordinator.console import openid_provider
from coordinator.console.openid_provider import OpenIdProviders
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.fetching import Fetcher
from tests.conftest import World
from tests.console.by_provider import LOOPBACK, asking, begin, bring, come_back, is_in, sign_in
from tests.console.openid import CLIENT_ID, CLIENT_SECRET, RSA, Provider
from tests.console.visitor import Visitor
from tests.factories import Cast, Signer


@pytest.fixture
def world(sqlite_world: World) -> World:
    """What a provider says is judged before any database is asked."""
    return sqlite_world


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": "another-client", "azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "another-client"]},
        {"azp": "another-client"},
        {"aud": None},
        {"nonce": "another-sign-in"},
        {"nonce": None},
        {"iss": "https://another.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 99_999_999_999},
        {"iat": None},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": ["248289761001"]},
        {"at_hash": "made-up"},
    ],
)
def test_a_token_for_somebody_else_or_another_time_signs_nobody_in(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, claims: dict[str, Any]
) -> None:
    bring(signer, cast.a, provider)
    provider.claims = claims
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "You are not signed in" in refused.text) == (403, True)
    assert not is_in(visitor)
    provider.claims = {}
    assert sign_in(visitor, cast.a, provider).location == "/console"


FORGERIES: dict[str, tuple[str, RSAKey | ECKey | OctKey, dict[str, str]]] = {
    "signed by nobody": ("none", RSA, {}),
    "by the secret": ("HS256", OctKey.import_key(CLIENT_SECRET), {}),
    "by another key under its name": ("RS256", RSAKey.generate_key(2048), {}),
    "by a key that nobody named": ("RS256", RSAKey.generate_key(2048), {"kid": "unheard-of"}),
    "by another kind of key": ("ES256", ECKey.generate_key("P-256"), {}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_token_that_no_key_of_the_provider_signed_signs_nobody_in(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, forgery: str
) -> None:
    bring(signer, cast.a, provider)
    provider.alg, provider.key, provider.header = FORGERIES[forgery]
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "none of the keys" in refused.text) == (403, True)
    assert not is_in(visitor)


WEAK = RSA.as_dict(private=False) | {"n": RSA.as_dict(private=False)["n"][:160]}
NO_KEYS: dict[str, list[Any]] = {
    "none at all": [],
    "for encryption": [RSA.as_dict(private=False) | {"use": "enc"}],
    "too short": [WEAK],
    "a secret": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ", "kid": "rsa-1"}],
    "unheard of": [{"kty": "LATTICE", "kid": "rsa-1"}, 7, "key"],
}


@pytest.mark.parametrize("which", NO_KEYS)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_keys_that_may_sign_no_token_sign_nobody_in(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, which: str
) -> None:
    bring(signer, cast.a, provider)
    provider.published = NO_KEYS[which]
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "no key that a token" in refused.text) == (403, True)


@pytest.mark.parametrize(
    "token",
    ["no token", "a.b", "a.b.c", "x" * 20_000, f"{'W1tb' * 3_000}.e30.AA", "e30.e30.e30.e30.e30"],
    ids=["words", "two", "three", "long", "deep", "encrypted"],
)
def test_what_is_no_token_signs_nobody_in(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, token: str
) -> None:
    bring(signer, cast.a, provider)
    provider.id_token = token
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "You are not signed in" in refused.text) == (403, True)


@pytest.mark.parametrize(
    "methods", [["client_secret_post"], ["client_secret_post", "client_secret_basic"]]
)
def test_a_client_says_who_it_is_as_the_provider_wants_it(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, methods: list[str]
) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": methods}
    bring(signer, cast.a, provider)
    assert sign_in(visitor, cast.a, provider).location == "/console"


def test_a_provider_that_names_itself_has_to_do_it_every_time(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    bring(signer, cast.a, provider)
    url = provider.authorize(begin(visitor, cast.a.handle))
    assert come_back(visitor, url).status_code == 403
    url = provider.authorize(begin(visitor, cast.a.handle)) + f"&iss={provider.issuer}"
    assert come_back(visitor, url).location == "/console"


# ---------- providers that are slow, large or not to be reached ----------


@pytest.mark.parametrize("path", ["/token", "/jwks"])
def test_a_provider_that_hangs_holds_nobody_beyond_the_deadline(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, path: str
) -> None:
    bring(signer, cast.a, provider)
    there = provider.authorize(begin(visitor, cast.a.handle))
    asking(visitor.app, Fetcher(LOOPBACK, deadline=timedelta(milliseconds=300)))
    provider.hangs = {path}
    refused = come_back(visitor, there)
    assert (refused.status_code, "in time" in refused.text) == (403, True)
    provider.hangs = set()
    asking(visitor.app, Fetcher(LOOPBACK))
    assert sign_in(visitor, cast.a, provider).location == "/console"


@pytest.mark.parametrize("path", ["/token", "/jwks"])
def test_a_provider_that_answers_ten_megabytes_is_not_read_to_the_end(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, path: str
) -> None:
    bring(signer, cast.a, provider)
    provider.floods = {path}
    refused = sign_in(visitor, cast.a, provider)
    assert (refused.status_code, "more than 262144 bytes" in refused.text) == (403, True)


def test_discovery_that_hangs_or_floods_is_said_at_the_door(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, console: Flask
) -> None:
    bring(signer, cast.a, provider)
    asking(console, Fetcher(LOOPBACK, deadline=timedelta(milliseconds=300)))
    door = "/console/sign-in/organisation"
    for misbehave in (provider.hangs, provider.floods):
        misbehave.add("/.well-known/openid-configuration")
        page = visitor.post(door, "/console/sign-in", organisation=cast.a.handle)
        assert (page.status_code, "cannot be asked now" in page.text) == (422, True)
        misbehave.clear()
    asking(console, Fetcher(LOOPBACK))
    assert sign_in(visitor, cast.a, provider).location == "/console"


def test_one_provider_that_hangs_holds_two_threads_at_most(provider: Provider) -> None:
    asking = OpenIdProviders(Fetcher(LOOPBACK, deadline=timedelta(seconds=20)))
    provider.hangs = {"/.well-known/openid-configuration"}
    waiting = [threading.Thread(target=_fails, args=(asking, provider.issuer)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    until = time() + 20
    while len(provider.asked) < len(waiting) and time() < until:
        pass
    with pytest.raises(openid_provider.ProviderError, match="try it again in a moment"):
        asking.check(provider.issuer)
    provider.released.set()
    for thread in waiting:
        thread.join()
    provider.hangs = set()
    asking.check(provider.issuer)


def _fails(asking: OpenIdProviders, issuer: str) -> None:
    with pytest.raises(openid_provider.ProviderError):
        asking.check(issuer)


def test_a_provider_sends_us_into_no_network_of_ours(
    signer: Signer, cast: Cast, provider: Provider, visitor: Visitor, console: Flask
) -> None:
    bring(signer, cast.a, provider)
    for name in ("token_endpoint", "jwks_uri"):
        asking(console, Fetcher(LOOPBACK))
        provider.metadata = {name: "https://10.1.2.3/inside"}
        page = visitor.post(
            "/console/sign-in/organisation", "/console/sign-in", organisation=cast.a.handle
        )
        assert (page.status_code, "cannot be used" in page.text) == (422, True)
    # Without a word of the operator's loopback is such a network.
    provider.metadata = {}
    with pytest.raises(openid_provider.ProviderError, match=r"no public address"):
        OpenIdProviders(Fetcher(EndpointPolicy())).check(provider.issuer)


def test_new_keys_of_a_provider_are_read_when_a_token_names_one(
    signer: Signer,
    cast: Cast,
    provider: Provider,
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bring(signer, cast.a, provider)
    assert sign_in(visitor, cast.a, provider).location == "/console"
    visitor.post("/console/sign-out", "/console/passkeys")
    rotated = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})
    monkeypatch.setattr(openid_provider, "_READ_KEYS_EVERY", 0.0)
    provider.published = [rotated.as_dict(private=False)]
    provider.key, provider.header = rotated, {"kid": "rsa-2"}
    assert sign_in(visitor, cast.a, provider).location == "/console"
