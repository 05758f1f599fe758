"""`holdfast screen`, `renew-flags`: read flags, look an account up, and see how old they are."""

import time
from typing import Any

import pytest

from holdfast.profiles.store import Profile
from holdfast.protocol import strict_json
from holdfast.protocol.flags import FlagsHead, flags_root
from holdfast.protocol.jwk import PrivateKey
from tests.partners.flag_feed import Asked
from tests.partners.shell import FRQ, REQUEST, Shell, answer_request, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

THIEF, HONEST = (f"eip155:1:0x{number:040x}" for number in (0xBAD, 0x900D))
DAY = 86_400


def serve_flags(stub: StubCoordinator, by: Profile, **changes: Any) -> None:
    """Have the stand-in serve the flags of one request, under a head of now."""
    key, now = PrivateKey.generate(), int(time.time())
    asked = Asked(FRQ, (THIEF,), expires_at=now + DAY)
    root = flags_root([asked.flagged().leaf()])
    said: dict[str, Any] = {
        "iss": stub.origin,
        "sub": by.handle,
        "iat": now,
        "seq": 7,
        "count": 1,
        "root": root,
    }
    page = {
        "flags": asked.flags(),
        "next_after": "7",
        "has_more": False,
        "head": FlagsHead(**said | changes).sign(key),
    }
    stub.answers("GET", "/v1/flags?limit=5000", page)
    stub.answers("GET", "/.well-known/jwks.json", {"keys": [key.public.jwk()]})
    stub.answers("POST", "/v1/flags/applied", {"seq": 7, "root": root, "count": 1}, status=201)


def fits(text: str) -> bool:
    return all(len(line) <= 80 for line in text.splitlines())


def test_it_reads_the_flags_says_how_far_it_is_and_looks_accounts_up_without_a_network(
    stub: StubCoordinator, shell: Shell, analyst: Profile
) -> None:
    serve_flags(stub, analyst)
    done = shell("screen", "sync")
    assert done.exit_code == 0, done.output
    assert "1 account of 1 request" in done.output
    assert "current" in done.output
    assert sent(stub)["seq"] == 7
    calls = len(stub.seen)
    held = shell("screen", "check", THIEF)
    assert held.exit_code == 1
    assert "hold: have a person look at this one deposit" in held.output
    assert FRQ in held.output
    clean = shell("screen", "check", HONEST)
    assert (clean.exit_code, "clean: nothing flags it" in clean.output) == (0, True)
    assert all(fits(each.output) for each in (done, held, clean, shell("screen", "status")))
    assert len(stub.seen) == calls
    told = strict_json.loads(shell("--json", "screen", "check", THIEF).stdout.encode())
    assert (told["verdict"], told["hits"][0]["request"]) == ("hold", FRQ)


def test_without_a_reading_and_after_a_refused_one_nothing_is_clean(
    stub: StubCoordinator, shell: Shell, analyst: Profile
) -> None:
    unread = shell("screen", "check", HONEST)
    assert (unread.exit_code, "stale:" in unread.output) == (1, True)
    serve_flags(stub, analyst, count=2)
    refused = shell("screen", "sync")
    assert refused.exit_code == 8
    assert "the head is of 2 flags, and 1 were read" in refused.output
    assert not any(seen.target == "/v1/flags/applied" for seen in stub.seen)
    assert shell("screen", "check", HONEST).exit_code == 1


@pytest.mark.usefixtures("analyst")
def test_a_lead_renews_the_flags_of_a_request(stub: StubCoordinator, shell: Shell) -> None:
    answer_request(stub)
    told = {"id": FRQ.replace("frq", "act"), "request_id": FRQ, "status": "active"}
    stub.answers("POST", f"{REQUEST}/flag-renewals", {**told, "expires_at": AT}, status=201)
    done = shell("renew-flags", FRQ)
    assert done.exit_code == 0, done.output
    assert set(sent(stub)) == {"content_sha256"}
    assert "screened until" in done.output
