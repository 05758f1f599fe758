"""A console without a limit on strangers, and a lead who is signed in."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from coordinator.api.rate_limit import RateLimiter
from coordinator.console.context import EXTENSION
from coordinator.domain.clock import SteppedClock
from coordinator.egress.fetching import Fetcher
from tests.console.by_provider import LOOPBACK, asking
from tests.console.openid import Provider, serving
from tests.console.visitor import Visitor, grant, passkey_link
from tests.factories import Exchange, Member, Signer
from tests.passkeys import SoftPasskey

SignedIn = Callable[[Exchange, Member], tuple[Visitor, SoftPasskey]]


@pytest.fixture
def console(app: Flask) -> Flask:
    """The app; its console counts no strangers, for it serves one test after the other.

    Nor does it remember a provider, whose port another test's may have had.
    """
    app.extensions[EXTENSION] = replace(
        app.extensions[EXTENSION], strangers=RateLimiter(0), claimants=RateLimiter(0)
    )
    return asking(app, Fetcher(LOOPBACK))


@pytest.fixture
def provider(clock: SteppedClock) -> Iterator[Provider]:
    """An OpenID provider that behaves, until a test has it do otherwise."""
    with serving(int(clock.now().timestamp())) as served:
        yield served


@pytest.fixture
def visitor(console: Flask) -> Visitor:
    """Somebody who has not signed in."""
    return Visitor(console)


@pytest.fixture
def signed_in(console: Flask, signer: Signer) -> SignedIn:
    """Signs somebody of the cast in, from the link on; returns their browser and passkey."""

    def sign_in(own: Exchange, member: Member) -> tuple[Visitor, SoftPasskey]:
        browser, passkey = Visitor(console), SoftPasskey.generate()
        browser.enrol(passkey_link(signer, member), passkey)
        grant(signer, own.root, member, passkey)
        assert browser.sign_in(passkey).location == "/console"
        return browser, passkey

    return sign_in
