"""Whom strangers are counted by: what a proxy of ours says, and what nobody else can make up."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from flask import Flask

from coordinator.api.client_address import client_address
from coordinator.api.rate_limit import RateLimiter
from coordinator.console.context import EXTENSION
from tests.conftest import World
from tests.console.visitor import Visitor


@pytest.fixture
def world(sqlite_world: World) -> World:
    """No database is asked."""
    return sqlite_world


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        # What the client itself said stands before what the proxy appended.
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.0.0.5", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", None, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("", "198.51.100.1", ""),
    ],
)
def test_a_client_is_who_our_own_proxies_say(
    app: Flask, peer: str, said: str | None, found: str
) -> None:
    networks = ("127.0.0.1/32", "::1/128", "10.0.0.0/8")
    own = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(own, proxies=tuple(map(ip_network, networks)))
    headers = {} if said is None else {"X-Forwarded-For": said}
    with app.test_request_context(
        "/console", headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    ):
        assert client_address() == found


def test_a_stranger_behind_the_proxy_closes_the_door_to_nobody_else(app: Flask) -> None:
    limiter = RateLimiter(3, lambda: 0.0)
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], strangers=limiter)
    stranger = {"X-Forwarded-For": "198.51.100.1"}
    answers = [Visitor(app).get("/console/sign-in", **stranger).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    lead = {"X-Forwarded-For": "203.0.113.7"}
    assert Visitor(app).get("/console/sign-in", **lead).status_code == 200
