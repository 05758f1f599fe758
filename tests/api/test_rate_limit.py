"""A partner's minute is spread evenly, counted by partner, and told in headers."""

from dataclasses import replace

import pytest
from flask import Flask

from coordinator.api.rate_limit import RateLimiter
from coordinator.domain.errors import RateLimitedError
from tests.conftest import World
from tests.factories import Cast, Signer


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Nothing is stored."""
    return sqlite_world


class _Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_allowance_may_be_used_at_once_and_comes_back_bit_by_bit() -> None:
    time = _Time()
    limiter = RateLimiter(6, time)
    left = [limiter.check("a.example") for _ in range(6)]
    assert [allowance.remaining for allowance in left if allowance] == [5, 4, 3, 2, 1, 0]
    with pytest.raises(RateLimitedError) as refused:
        limiter.check("a.example")
    assert refused.value.retry_after == 10
    time.now += 10
    limiter.check("a.example")
    with pytest.raises(RateLimitedError):
        limiter.check("a.example")


def test_partners_do_not_share_an_allowance() -> None:
    limiter = RateLimiter(1, _Time())
    limiter.check("a.example")
    limiter.check("b.example")
    with pytest.raises(RateLimitedError):
        limiter.check("a.example")


def test_a_refused_request_costs_nothing() -> None:
    time = _Time()
    limiter = RateLimiter(1, time)
    limiter.check("a.example")
    for _ in range(100):
        with pytest.raises(RateLimitedError):
            limiter.check("a.example")
    time.now += 60
    limiter.check("a.example")


def test_zero_turns_the_limit_off() -> None:
    limiter = RateLimiter(0, _Time())
    assert [limiter.check("a.example") for _ in range(1000)] == [None] * 1000


def test_a_caller_is_told_what_is_left_and_when_to_come_back(
    app: Flask, signer: Signer, cast: Cast
) -> None:
    own = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(own, limiter=RateLimiter(2, _Time()))
    first = signer.get(cast.a.analyst, "/v1/freeze-requests")
    assert first.headers["RateLimit-Policy"] == '"minute";q=2;w=60'
    assert first.headers["RateLimit"] == '"minute";r=1;t=30'
    signer.get(cast.a.lead, "/v1/freeze-requests")
    refused = signer.get(cast.a.analyst, "/v1/freeze-requests")
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "30"
    assert signer.get(cast.b.analyst, "/v1/freeze-requests").status_code == 200
