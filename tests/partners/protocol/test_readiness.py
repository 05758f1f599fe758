"""A readiness report is as it was signed, or it is none."""

from typing import Any

import pytest

from holdfast.protocol import canonical_json
from holdfast.protocol.clearance import Clearance, Issuer
from holdfast.protocol.compact_jws import sign_claims
from holdfast.protocol.errors import ReadinessError
from holdfast.protocol.jwk import PrivateKey
from holdfast.protocol.readiness import MAX_BYTES, is_readiness, sign_report, verify_readiness

ORIGIN = "https://coordinator.example"
KEY = PrivateKey.generate()
IAT = 1_790_000_000
FRQ = "frq_00000000000000000000000001"
_AT = "2026-09-21T14:13:20Z"


def report(**changes: Any) -> dict[str, Any]:
    """Return a report in the types of JSON."""
    step = {"step": "arrived", "at": _AT, "after_ms": 300, "due_at": None, "in_time": None}
    unit = {
        "partner": "exchange-b.example",
        "name": "Exchange B",
        "role": "asked",
        "status": "answered",
        "since": _AT,
        "steps": [step],
        "people": None,
    }
    return {
        "drill": True,
        "request_id": FRQ,
        "incident_id": "inc_00000000000000000000000001",
        "title": "A drill",
        "content_sha256": "ab" * 32,
        "urgency": "flash",
        "requester": "exchange-a.example",
        "submitted_at": _AT,
        "ended_at": None,
        "made_at": _AT,
        "made_for": "exchange-a.example",
        "sees_all": True,
        "units": [unit],
        "speed": [],
        **changes,
    }


def document(said: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """Return a document with a report in it; `changes` replace members behind the signature."""
    said = said or report()
    statement = sign_report(said, Issuer(ORIGIN, KEY), iat=IAT)
    made = {"report": said, "statement": statement, "key": KEY.public.jwk()}
    return canonical_json.dumps(made | changes)


def test_what_was_signed_verifies_by_its_own_key_and_by_one_that_is_given() -> None:
    own = verify_readiness(document())
    assert (own.statement.iss, own.statement.sub, own.is_key_given) == (ORIGIN, FRQ, False)
    given = verify_readiness(document(), keys=[PrivateKey.generate().public, KEY.public])
    assert (given.report, given.is_key_given) == (own.report, True)
    assert given.report.units[0].steps[0].after_ms == 300


def test_members_that_a_newer_coordinator_adds_are_signed_as_well() -> None:
    newer = report(weather="rain")
    assert verify_readiness(document(newer)).report.title == "A drill"
    with pytest.raises(ReadinessError, match="another than the one that was signed"):
        verify_readiness(document(newer, report=newer | {"weather": "sun"}))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another"},
        {"made_for": "exchange-c.example"},
        {"request_id": "frq_00000000000000000000000002"},
        {"units": []},
        {"ended_at": _AT},
    ],
)
def test_a_report_that_was_changed_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ReadinessError, match="another than the one that was signed"):
        verify_readiness(document(report=report(**change)))


def test_another_key_than_the_coordinator_s_is_refused() -> None:
    with pytest.raises(ReadinessError, match="names no key of this coordinator"):
        verify_readiness(document(), keys=[PrivateKey.generate().public])
    with pytest.raises(ReadinessError, match="names no key of this coordinator"):
        verify_readiness(document(key=PrivateKey.generate().public.jwk()))


def test_a_signature_of_another_kind_is_refused() -> None:
    clearance = Clearance(
        iss=ORIGIN,
        jti="clr_00000000000000000000000001",
        iat=IAT,
        account="eip155:1:0x1",
        tag=None,
        request_id=FRQ,
        requester="exchange-a.example",
        act_sha256="ab" * 32,
    ).sign(KEY)
    with pytest.raises(ReadinessError, match="typ"):
        verify_readiness(document(statement=clearance))


def test_a_time_that_is_not_the_report_s_is_refused() -> None:
    said = report()
    statement = sign_report(said, Issuer(ORIGIN, KEY), iat=IAT + 1)
    with pytest.raises(ReadinessError, match="another time"):
        verify_readiness(document(said, statement=statement))


@pytest.mark.parametrize("iat", [True, -1, 5_000_000_000, "1790000000"])
def test_an_odd_time_is_refused(iat: object) -> None:
    claims = {
        "iss": ORIGIN,
        "sub": FRQ,
        "iat": iat,
        "made_for": "exchange-a.example",
        "report_sha256": "ab" * 32,
    }
    statement = sign_claims(claims, KEY, typ="holdfast-readiness+jwt")
    with pytest.raises(ReadinessError, match="signature does not hold"):
        verify_readiness(document(statement=statement))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"report": 1, "report": 2}',
        b"\xff",
        document(key={"kty": "oct"}),
        document(report(drill=False)),
        document(report(units="none")),
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(ReadinessError, match="no readiness report"):
        verify_readiness(content)


def test_what_is_too_large_is_not_read() -> None:
    with pytest.raises(ReadinessError, match="larger"):
        verify_readiness(b"{" + b" " * MAX_BYTES)


def test_a_report_is_told_from_a_bundle_by_its_first_bytes() -> None:
    assert is_readiness(document())
    assert is_readiness(b"\n  {")
    assert not is_readiness(b"PK\x03\x04")
    assert not is_readiness(b"")
