"""What was signed: each act with its hash, to be downloaded and checked by whoever doubts it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from coordinator.api import (
    clearances,
    encumbrances,
    evidence_bundles,
    indemnities,
    ledger_reads,
    legal_orders,
    sealed_evidence,
    summaries,
    support,
)
from coordinator.api.paging import PageQuery
from coordinator.api.query import query_of
from coordinator.api.responses import Later, json_response
from coordinator.console.follow.case import Case
from coordinator.console.follow.data_subjects import asked_rows
from coordinator.console.restraint_words import claim_title, claim_words, order_words
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.reading.code_words import ACTS
from holdfast.protocol import canonical_json
from holdfast.protocol.sealed_evidence import size_words

_PAGE = 25
_ALL = PageQuery.model_validate({"limit": "1000"})
#: What may be had of an act, with how it is served.
_PARTS: Mapping[str, str] = MappingProxyType(
    {"body": "application/json", "token": "application/jose", "remainder": "application/json"}
)
_PROVEN = {"jws": "Signed", "webauthn": "Signed by passkey", "coordinator": "By the coordinator"}


@dataclass(frozen=True, slots=True)
class Document:
    """An act with what proves it, as the table shows it."""

    id: str
    what: str
    by: str
    who: str
    at: datetime | None
    proven: str
    is_signed: bool
    sha256: str
    kid: str
    leaf: str
    parts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that stays with whoever has it; its hash was signed."""

    what: str
    by: str
    at: datetime | None
    sha256: str
    words: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """An account that was flagged by error, with the statement that says so.

    Attributes:
        url: Where the reader takes it back; empty where they may not, or somebody did.
    """

    number: int
    account: str
    at: datetime | None
    revoked_at: datetime | None
    why: str
    url: str


def _cleared(case: Case) -> list[Cleared]:
    request = case.request
    # How many were left out when it was approved, its requester alone reads.
    counts = (request["withdrawn_count"], request.get("left_out_count", 0))
    if not any(counts) and request["withdrawn_reason_code"] is None:
        return []  # nothing was taken back, and nobody cleared
    may = case.is_ours and case.visit.may(Permission.CLEARANCE_REVOKE)
    return [
        Cleared(
            number=each["address_no"],
            account=str(each["account"] or ""),
            at=moment(each["issued_at"]),
            revoked_at=moment(each["revoked_at"]),
            why=each["revoked_reason"] or "",
            url=f"{case.url}/clearances/{each['id']}" if may and not each["revoked_at"] else "",
        )
        for each in case.visit.every(clearances.list_clearances, request_id=case.id)
    ]


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that only named partners open; what it is called is sealed, too.

    Attributes:
        size: In units, e.g. "1.5 MiB".
        command: What opens it, for those who can.
        kept_until: When it is erased by itself, once its request ended.
    """

    id: str
    by: str
    at: datetime | None
    tlp: str
    size: str
    recipients: Sequence[str]
    command: str
    kept_until: datetime | None
    erased_at: datetime | None


def _sealed(case: Case) -> list[SealedFile]:
    own = case.visit.actor.partner
    return [
        SealedFile(
            id=each["id"],
            by=each["partner"],
            at=moment(each["sealed_at"]),
            tlp=each["tlp"],
            size=size_words(each["size"]),
            recipients=[recipient["partner"] for recipient in each["recipients"]],
            command=f"holdfast evidence open {case.id} {each['id']}"
            if own in {recipient["partner"] for recipient in each["recipients"]}
            and each["erased_at"] is None
            else "",
            kept_until=moment(each["kept_until"]),
            erased_at=moment(each["erased_at"]),
        )
        for each in case.visit.every(sealed_evidence.list_evidence, request_id=case.id)
    ]


def show(visit: Visit, request_id: str) -> Response:
    """Show one page of the acts, oldest first, and the papers that they name."""
    case = Case.read(visit, request_id)
    cursor = request.args.get("cursor", "")
    page = _evidence(visit, request_id, {"cursor": cursor, "limit": str(_PAGE)})
    url = f"{case.url}/documents"
    after = page["next_cursor"]
    return case.page(
        "documents",
        documents=[_document(case, each) for each in page["items"]],
        papers=_papers(case),
        cleared=_cleared(case),
        sealed=_sealed(case),
        asked=asked_rows(case),
        kept_until=moment(case.request["kept_until"]),
        before=url if cursor else "",
        after=f"{url}?{urlencode({'cursor': after})}" if after else "",
        bundle_url=f"{case.url}/evidence.zip",
        summary_url=f"{case.url}/summary.pdf",
        json_url=f"{case.url}/evidence.json" + (f"?{urlencode({'cursor': cursor})}" * bool(cursor)),
    )


def show_one(visit: Visit, request_id: str, act_id: str) -> Response:
    """Show one act, byte for byte, with what to check it by."""
    case = Case.read(visit, request_id)
    act = _act(visit, request_id, act_id)
    return case.page(
        "document",
        document=_document(case, act),
        body=act["remainder"] if act.get("remainder") else act["body"] or "",
        token=act["token"] or "",
        jwk=canonical_json.dumps(act["jwk"]).decode() if act["jwk"] else "",
    )


def download(visit: Visit, request_id: str, act_id: str, part: str) -> Response:
    """Serve the exact bytes of an act's body, token or remainder."""
    act = _act(visit, request_id, act_id)
    content = act.get(part) if part in _PARTS else None
    if content is None:
        raise NotFoundError("this act has no such document")
    ending = "jws" if part == "token" else "json"
    return attached(Response(content, content_type=_PARTS[part]), f"{act_id}.{part}.{ending}")


def download_evidence(visit: Visit, request_id: str) -> Response:
    """Serve a page of evidence as the API does."""
    page = _evidence(visit, request_id, {"cursor": request.args.get("cursor", "")})
    return attached(json_response(page), f"{request_id}.evidence.json")


def download_summary(visit: Visit, request_id: str) -> Later:
    """Serve the summary for people outside, as the API does."""
    made: Later = visit.read(summaries.read_summary, request_id=request_id)
    return Later(lambda: attached(made.make(), f"{request_id}.summary.pdf"))


def download_bundle(visit: Visit, request_id: str) -> Later:
    """Serve everything that proves the request, to be verified offline; that is recorded."""
    made: Later = visit.read(evidence_bundles.read_bundle, request_id=request_id)
    return Later(lambda: attached(made.make(), f"{request_id}.evidence.zip"))


def attached(response: Response, name: str) -> Response:
    """Have a browser keep an answer as a file, whatever is in it."""
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def _evidence(visit: Visit, request_id: str, members: Mapping[str, str]) -> Mapping[str, Any]:
    given = {name: value for name, value in members.items() if value}
    query = query_of(ledger_reads.EvidenceQuery, given)
    found: Mapping[str, Any] = visit.read(ledger_reads.list_evidence, query, request_id=request_id)
    return found


def _act(visit: Visit, request_id: str, act_id: str) -> Mapping[str, Any]:
    try:
        query = ledger_reads.EvidenceQuery.model_validate({"act": act_id})
    except ValueError:
        raise NotFoundError("there is no such document") from None
    items = visit.read(ledger_reads.list_evidence, query, request_id=request_id)["items"]
    if not items:
        raise NotFoundError("there is no such document, or none that you may see")
    found: Mapping[str, Any] = items[0]
    return found


def _document(case: Case, act: Mapping[str, Any]) -> Document:
    body = act["body"] if act["body"] is not None else act.get("remainder")
    partner = act["partner"] or ""
    subject = act["subject"]
    name = case.visit.name_of(subject, partner) if subject in case.visit.people else ""
    leaf = act["leaf_index"]
    return Document(
        id=act["act_id"],
        what=ACTS.get(act["act"], act["act"].replace("_", " ").capitalize()),
        by=partner,
        who="You" if name == "you" else name,
        at=moment(act["at"]),
        proven=_PROVEN[act["kind"]],
        is_signed=act["kind"] != "coordinator",
        sha256=sha256(body.encode()).hexdigest() if body is not None else "",
        kid=act["kid"] or "",
        leaf="" if leaf is None else str(leaf),
        parts=[part for part in _PARTS if act.get(part)],
    )


def _papers(case: Case) -> list[Paper]:
    """Return the papers that acts name: what the request rests on, indemnities, orders."""
    read, requester = case.visit.read, case.request["requester"]
    papers = [
        Paper(
            f"The request rests on it: {each['support'].replace('_', ' ')}",
            requester,
            moment(each["given_at"]),
            each["document_sha256"],
            each["reference"] or "",
        )
        for each in read(support.list_support, _ALL, request_id=case.id)["items"]
    ]
    papers += [
        Paper(
            f"An indemnity to {each['to'] or 'all partners asked'}, law of {each['law'] or '?'}",
            requester,
            moment(each["given_at"]),
            each["document_sha256"],
            "",
        )
        for each in read(indemnities.list_given, _ALL, request_id=case.id)["items"]
    ]
    papers += [
        Paper(
            f"An order of {each['agency'] or 'an authority'}",
            each["partner"],
            moment(each["attached_at"]),
            each["document_sha256"] or "",
            ", ".join(filter(None, (each["reference"], *order_words(each)))),
        )
        for each in read(legal_orders.list_orders, _ALL, request_id=case.id)["items"]
    ]
    return papers + [
        Paper(
            claim_title(each, case.visit.assets),
            each["partner"],
            moment(each["attached_at"]),
            each["order_sha256"],
            ", ".join(filter(None, (each["court"], each["number"], *claim_words(each)))),
        )
        for each in read(encumbrances.list_encumbrances, _ALL, request_id=case.id)["items"]
    ]
