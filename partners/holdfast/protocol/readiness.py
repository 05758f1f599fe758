"""A readiness report: how fast who answered a drill, as the coordinator says and signs.

It is for whoever has to see that an organisation can be woken: a supervisor, an auditor, a board.
Units stand in it by name; people only of the organisation that it was made for, each of which
decides to whom it gives its own. It verifies offline: a JWS by the coordinator's key signs the hash
of the report's canonical JSON (RFC 8785; RFC 7515).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Literal

from pydantic import ValidationError

from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.clearance import Issuer
from holdfast.protocol.compact_jws import (
    claim_issued_at,
    claim_text,
    sign_claims,
    verified_claims,
)
from holdfast.protocol.errors import (
    KeyFormatError,
    ReadinessError,
    StrictJsonError,
    TokenError,
    TokenReason,
)
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.payloads import Handle, Sha256, Time
from holdfast.protocol.type_ids import id_pattern
from holdfast.protocol.views import View
from holdfast.protocol.vocabulary import Urgency

TYP = "holdfast-readiness+jwt"
#: A report of a thousand organisations has a third of it.
MAX_BYTES = 4 * 1024 * 1024
_TEXT = re.compile(r"[!-~]{1,300}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Step(StrEnum):
    """What is timed of an organisation, in the order in which it comes."""

    ARRIVED = "arrived"
    PAGED = "paged"
    TAKEN = "taken"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    DECIDED = "decided"


class ReadinessStep(View):
    """One step of an organisation.

    `at`: when; absent as long as it did not happen. `after_ms`: how long after `since` of its unit.
    `due_at`: until when it was due. `in_time`: absent where nothing was due, and while there is
    still time.
    """

    step: Step
    at: Time | None = None
    after_ms: int | None = None
    due_at: Time | None = None
    in_time: bool | None = None


class ReadinessPerson(View):
    """What one of the reader's own people, or a system of theirs, did; or by what they were paged.

    `did` is the act's name, or "paged"; `by` then is the channel, and `at` when the message went
    out: absent where it never did.
    """

    subject: str
    name: str | None = None
    did: str
    at: Time | None = None
    by: str | None = None


class ReadinessUnit(View):
    """One organisation: the requester, or one that was asked.

    `since`: from when on its steps are timed: its notice was ready, or the drill submitted.
    `status`: of its leg, or "answered" where it found what there is and froze nothing; of the
    requester, the drill's. `people`: of the reader's organisation
    alone.
    """

    partner: Handle
    name: str
    role: Literal["requester", "asked"]
    status: str
    since: Time
    steps: list[ReadinessStep]
    people: list[ReadinessPerson] | None = None


class ReadinessSpeed(View):
    """How fast a step was over all organisations asked: how many of how many took it, and when."""

    step: Step
    count: int
    of: int
    median_ms: int | None = None
    slowest_ms: int | None = None


class ReadinessReport(View):
    """How fast who answered one drill, up to the moment at which it was made.

    `sees_all`: made for the requester; else it has that one and the reader's own organisation.
    """

    drill: Literal[True]
    request_id: str
    incident_id: str
    title: str
    content_sha256: Sha256
    urgency: Urgency
    requester: Handle
    submitted_at: Time
    ended_at: Time | None = None
    made_at: Time
    made_for: Handle
    sees_all: bool
    units: list[ReadinessUnit]
    speed: list[ReadinessSpeed]


class ReadinessView(View):
    """A readiness report with the coordinator's signature.

    `statement` is a JWS that names the SHA-256 of the report's canonical JSON (RFC 8785); `key` is
    the public key that it is signed with, one of the coordinator's JWK set.
    """

    report: ReadinessReport
    statement: str
    key: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessStatement:
    """What the coordinator signs.

    Attributes:
        iss: The coordinator's origin.
        sub: The drill (`frq_…`).
        iat: When the report was made, seconds since 1970 UTC.
        made_for: Handle of whoever asked for it.
        report_sha256: Of the report's canonical JSON, 64 hex digits.
    """

    iss: str
    sub: str
    iat: int
    made_for: str
    report_sha256: str


_MEMBERS = frozenset(ReadinessStatement.__dataclass_fields__)
_FORMS = {
    "iss": (_TEXT, TokenReason.ISS),
    "sub": (re.compile(id_pattern("frq"), re.ASCII), TokenReason.SUB),
    "made_for": (_TEXT, TokenReason.HANDLE),
    "report_sha256": (_SHA256, TokenReason.BODY_SHA256),
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """A report that is as one of the coordinator's keys signed it.

    Attributes:
        report: What it says.
        statement: What was signed.
        key: What signed it.
        is_key_given: Whether that key was given; else it is the document's own word whose it is.
    """

    report: ReadinessReport
    statement: ReadinessStatement
    key: PublicKey
    is_key_given: bool


def report_sha256(report: Mapping[str, Any]) -> str:
    """Return the hash by which a statement names a report, 64 hex digits."""
    return sha256(canonical_json.dumps(report)).hexdigest()


def sign_report(report: Mapping[str, Any], issuer: Issuer, *, iat: int) -> str:
    """Return the statement about a report, as a JWS.

    Args:
        report: As it is told, in JSON's types.
        issuer: Who says so.
        iat: When it was made, seconds since 1970 UTC.
    """
    statement = ReadinessStatement(
        iss=issuer.origin,
        sub=report["request_id"],
        iat=iat,
        made_for=report["made_for"],
        report_sha256=report_sha256(report),
    )
    return sign_claims(asdict(statement), issuer.key, typ=TYP)


def is_readiness(content: bytes) -> bool:
    """Tell whether a file is meant as a readiness report: a JSON object, and no bundle."""
    return content[:64].lstrip().startswith(b"{")


def verify_readiness(content: bytes, *, keys: Sequence[PublicKey] | None = None) -> Readiness:
    """Return the report in a document, if it is as one of the keys signed it.

    Args:
        content: The document as it was handed over.
        keys: The coordinator's, from a set that one trusts. None: the key that the document itself
            names, whose thumbprint is to be compared then.

    Raises:
        ReadinessError: If it is no such document, or anything in it is not as it was signed.
    """
    if len(content) > MAX_BYTES:
        raise ReadinessError("it is larger than any readiness report")
    try:
        document = strict_json.loads(content)
        view = ReadinessView.model_validate(document)
        own = PublicKey.from_jwk(view.key)
    except (StrictJsonError, ValidationError, KeyFormatError) as error:
        said = str(error).splitlines()[0]
        raise ReadinessError(f"it is no readiness report: {said}") from None
    try:
        statement, key = _verified(view.statement, [own] if keys is None else keys)
    except TokenError as error:
        raise ReadinessError(f"its signature does not hold: {error}") from None
    report = view.report
    signed = (statement.report_sha256, statement.sub, statement.made_for)
    if signed != (report_sha256(document["report"]), report.request_id, report.made_for):
        raise ReadinessError("the report is another than the one that was signed")
    if statement.iat != int(report.made_at.timestamp()):
        raise ReadinessError("the report gives another time than its signature")
    return Readiness(report, statement, key, is_key_given=keys is not None)


def _verified(jws: str, keys: Iterable[PublicKey]) -> tuple[ReadinessStatement, PublicKey]:
    claims, key = verified_claims(jws, typ=TYP, members=_MEMBERS, keys=keys, check=_check_claims)
    return ReadinessStatement(**claims), key


def _check_claims(claims: dict[str, Any]) -> None:
    for name, (pattern, reason) in _FORMS.items():
        claim_text(claims, name, pattern, reason)
    claim_issued_at(claims)
