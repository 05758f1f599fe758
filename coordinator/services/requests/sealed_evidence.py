"""Sealed evidence: files that named partners open, and the coordinator cannot.

Only its author and its recipients hear that there is any, so nothing of it is among the acts on the
request, which everybody with a leg reads. It lies under the request's data key as all else does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor, Viewer
from coordinator.domain.errors import (
    BodyTooLargeError,
    ConflictError,
    FieldFault,
    InvalidInputError,
    InvalidTransitionError,
    NotFoundError,
)
from coordinator.domain.freeze_request import ENDED
from coordinator.domain.permission import Permission
from coordinator.services.core.access import readable_request, require_same_document
from coordinator.services.core.acts import RequestContext, drill_mark
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import (
    About,
    Answer,
    Recorded,
    UnitOfWork,
    unpack_evidence,
)
from coordinator.storage.ending.retention import ended_at
from coordinator.storage.engine.documents import Vault, load, load_one
from coordinator.storage.membership import encryption_keys as key_store
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.requests import freeze_requests as request_store
from coordinator.storage.requests import legs as leg_store
from coordinator.storage.requests import sealed_evidence as store
from coordinator.storage.requests.sealed_evidence import NewRecipient, SealedAct, SentPart
from coordinator.storage.tables.sealed_evidence import SealedEvidenceRow, SealedRecipientRow
from holdfast.protocol import base64url, sealed_payloads
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.sealed_payloads import WrappedKey
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import EventType, EvidenceKind, RequestStatus, Tlp

_WENT_OUT = ENDED | {RequestStatus.ACTIVE}
#: Of recipients, in an event; all of them are read at its `href`.
_MOST_TOLD = 50
#: What waits for its act may be so many files of the largest size.
_WAITING_FILES = 4
_NONE = "there is no such sealed evidence, or none that you may see"


@dataclass(frozen=True, slots=True)
class SealLimits:
    """How much one partner may seal on one request.

    Attributes:
        file_bytes: Of one ciphertext.
        files: How many of them.
    """

    file_bytes: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSealedPart:
    """A party to a request sends one part of a ciphertext, before the act that names it."""

    request_id: str
    content_sha256: str
    data: bytes
    limits: SealLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class SealEvidence:
    """A party to a request seals a file to others."""

    request_id: str
    body: sealed_payloads.SealedEvidence
    limits: SealLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareEvidence:
    """Somebody who can open a file seals it for more partners."""

    request_id: str
    sealed_evidence_id: str
    body: sealed_payloads.SealedEvidenceShare


class SealedPartView(TypedDict):
    """A part that was sent, or is read (`views.SealedPartView`)."""

    sha256: str
    size: int
    data: NotRequired[str]


class SealedRecipientView(TypedDict):
    """A partner that can open it (`views.SealedRecipientView`)."""

    partner: str
    kid: str
    act_id: str
    added_at: str


class SealedActView(TypedDict):
    """An act that sealed it, or added recipients (`views.SealedActView`)."""

    act: str
    act_id: str
    kind: EvidenceKind
    partner: str
    subject: str
    kid: str
    token: str | None
    body: str | None
    at: str
    leaf_index: int | None


class SealedEvidenceView(TypedDict):
    """A file as its author and its recipients know of it (`views.SealedEvidenceView`)."""

    id: str
    request_id: str
    partner: str
    tlp: Tlp
    size: int
    part_count: int
    sha256: str
    sealed_at: str
    kept_until: str | None
    erased_at: str | None
    recipients: Sequence[SealedRecipientView]
    acts: NotRequired[Sequence[SealedActView]]


@handles(SendSealedPart, needs=Permission.EVIDENCE_SEAL)
def send_part(command: SendSealedPart, actor: Actor, uow: UnitOfWork) -> Answer:
    """Keep a part until an act names it; the same part again is kept once.

    It is no act: nobody is told of it, and nobody else can read it.
    """
    on = _party(uow, actor, command.request_id, command.content_sha256)
    size, digest = len(command.data), sha256(command.data).hexdigest()
    view: SealedPartView = {"sha256": digest, "size": size}
    if store.parts_by_hash(uow.connection, on.request.id, actor.partner, [digest]):
        return Answer(200, view)
    waiting = store.waiting_bytes(uow.connection, on.request.id, actor.partner)
    if waiting + size > _WAITING_FILES * command.limits.file_bytes:
        raise ConflictError(
            f"{waiting} bytes of your parts wait for the acts that name them; what none names is"
            " thrown away after 24 hours, so seal what you sent, or wait",
            code="parts_waiting",
        )
    part_id = new_id("spt")
    store.insert_part(
        uow.connection,
        id=part_id,
        request_id=on.request.id,
        partner=actor.partner,
        sha256=digest,
        size=size,
        sent_at=uow.now,
        sealed_evidence_id=None,
        number=None,
    )
    uow.seal(on.key, part_id, store.PART, command.data)
    return Answer(201, view)


@handles(SealEvidence, needs=Permission.EVIDENCE_SEAL)
def seal(command: SealEvidence, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store a sealed file, and tell those who can open it."""
    body = command.body
    on = _party(uow, actor, command.request_id, body.content_sha256)
    _require_mark(on, body.tlp)
    if {key.partner for key in body.keys} <= {actor.partner}:
        raise _fault("/keys", "name a partner beside yourself who may open it", "no_recipient")
    _require_openable(on, body.keys)
    parts = _sent_parts(on, body, command.limits)
    act = MemberAct(new_id("act"), "seal_evidence", new_id("sev"))
    row = store.insert_evidence(
        uow.connection,
        id=act.about,
        request_id=on.request.id,
        partner=actor.partner,
        tlp=body.tlp.value,
        size=body.size,
        part_count=len(parts),
        sha256=body.sha256,
        sealed_at=uow.now,
        erased_at=None,
    )
    store.name_parts(uow.connection, row.id, parts)
    recorded = _add(on, row, act, body.keys)
    return Answer(201, _view(row, _recipients(on, row), _kept_until(on, row)), entry=recorded)


@handles(ShareEvidence, needs=Permission.EVIDENCE_SHARE)
def share(command: ShareEvidence, actor: Actor, uow: UnitOfWork) -> Answer:
    """Add recipients to a file that one can open, and tell all who know of it."""
    body = command.body
    on = _party(uow, actor, command.request_id, body.content_sha256)
    row = store.find(
        uow.connection, on.request.id, command.sealed_evidence_id, reader=actor.partner
    )
    if row is None:
        raise NotFoundError(_NONE)
    if row.sha256 != body.sha256:
        raise _fault("/sha256", "is of another file: read this one again", "other_file")
    known = {recipient.partner for recipient in _recipients(on, row)}
    if actor.partner not in known:
        raise ConflictError(
            "it was not sealed to your own organisation, so nobody of yours can open it and seal it"
            " again",
            code="cannot_open",
        )
    if row.erased_at is not None:
        raise ConflictError(
            f"its time was over: it was erased at {format_time(row.erased_at)}, so whoever was"
            " added could read nothing; seal the file anew if you have kept it",
            code="file_erased",
        )
    _require_may_pass_on(row, actor)
    _require_openable(on, body.keys)
    twice = [
        FieldFault(f"/keys/{number}/partner", "can open it already", "known_recipient")
        for number, key in enumerate(body.keys)
        if key.partner in known
    ]
    if twice:
        raise InvalidInputError("some of these partners can open it already", errors=twice)
    recorded = _add(on, row, MemberAct(new_id("act"), "share_evidence", row.id), body.keys)
    return Answer(201, _view(row, _recipients(on, row), _kept_until(on, row)), entry=recorded)


def _party(uow: UnitOfWork, actor: Actor, request_id: str, content_sha256: str) -> RequestContext:
    """Lock a request that the actor's partner sent or has a leg of, and that went out."""
    request_store.get(uow.connection, request_id, lock=True)
    row, _ = readable_request(uow.connection, actor.viewer, request_id)
    require_same_document(row, content_sha256)
    if RequestStatus(row.status) not in _WENT_OUT:
        raise InvalidTransitionError(
            f"the request is {row.status}; evidence is sealed once it went out, for only then do"
            " the partners asked hear of it",
            current_status=row.status,
        )
    return RequestContext(uow, actor, row)


def _require_mark(on: RequestContext, tlp: Tlp) -> None:
    """Refuse a mark that lets more out than the request's does, but by whoever gave that."""
    marked = Tlp(on.request.tlp)
    if tlp.is_below(marked) and on.actor.partner != on.request.requester:
        raise _fault(
            "/tlp",
            f"is below the request's TLP:{marked}, which its requester alone may go below",
            "tlp_lowered",
        )


def _require_may_pass_on(row: SealedEvidenceRow, actor: Actor) -> None:
    if actor.partner != row.partner and not Tlp(row.tlp).may_be_passed_on:
        raise ConflictError(
            f"it is marked TLP:{row.tlp}: {row.partner}, whose it is, alone seals it to another"
            " organisation; ask them",
            code="tlp_marked",
        )


def _require_openable(on: RequestContext, keys: Sequence[WrappedKey]) -> None:
    """Refuse recipients that the request is no matter of, and keys that are not theirs now."""
    connection, recipients = on.uow.connection, [key.partner for key in keys]
    parties = {on.request.requester, *leg_store.partners_of(connection, on.request.id)}
    able = parties - partner_store.suspended_among(connection, recipients)
    in_force = key_store.in_force(connection, recipients)
    faults: list[FieldFault] = []
    for number, key in enumerate(keys):
        found = in_force.get(key.partner)
        if key.partner not in able:
            detail = f"{key.partner} is not asked by this request, or suspended"
            faults.append(FieldFault(f"/keys/{number}/partner", detail, "no_party"))
        elif found is None:
            detail = (
                f"{key.partner} has published no encryption key: ask a security lead of theirs for"
                " one (`holdfast encryption-key new`)"
            )
            faults.append(FieldFault(f"/keys/{number}/partner", detail, "no_encryption_key"))
        elif found != key.kid:
            detail = (
                f"is not the key in force of {key.partner}: read that"
                f" (GET /v1/encryption-keys?partner={key.partner}), and wrap to it"
            )
            faults.append(FieldFault(f"/keys/{number}/kid", detail, "other_encryption_key"))
    if faults:
        raise InvalidInputError(faults[0].detail, errors=faults, code="cannot_seal_to")


def _sent_parts(
    on: RequestContext, body: sealed_payloads.SealedEvidence, limits: SealLimits
) -> list[SentPart]:
    """Return the parts that an act names, all of which were sent and are of no other file."""
    connection, request_id, partner = on.uow.connection, on.request.id, on.actor.partner
    if body.size > limits.file_bytes:
        raise BodyTooLargeError(
            f"sealed evidence has {limits.file_bytes} bytes at most, and this has {body.size}:"
            " split it, or hand it over by another way and seal where it is",
            code="evidence_too_large",
        )
    if store.count_of(connection, request_id, partner) >= limits.files:
        raise ConflictError(
            f"you sealed {limits.files} files on this request, which is all that one partner may",
            code="too_many_files",
        )
    found = store.parts_by_hash(connection, request_id, partner, body.parts)
    missing = [
        FieldFault(f"/parts/{number}", "was not sent, or is of another file", "part_missing")
        for number, digest in enumerate(body.parts)
        if digest not in found or found[digest].sealed_evidence_id is not None
    ]
    if missing:
        raise ConflictError(
            "send every part first (POST …/sealed-evidence/parts); what waits for longer than 24"
            " hours is thrown away",
            code="part_missing",
            errors=missing,
        )
    parts = [found[digest] for digest in body.parts]
    size = sum(part.size for part in parts)
    if size != body.size:
        raise _fault("/size", f"must be that of all parts together, {size}", "other_size")
    return parts


def _add(
    on: RequestContext, row: SealedEvidenceRow, act: MemberAct, keys: Sequence[WrappedKey]
) -> Recorded:
    """Store who can open it from now on with the act that says so, and tell all of them."""
    uow, request = on.uow, on.request
    store.insert_recipients(
        uow.connection,
        [NewRecipient(row.id, key.partner, key.kid, act.id, uow.now) for key in keys],
    )
    recipients = [recipient.partner for recipient in _recipients(on, row)]
    data = {
        "requester": request.requester,
        **drill_mark(request),
        "content_sha256": request.content_sha256,
        "sealed_evidence": row.id,
        "author": row.partner,
        "partner": on.actor.partner,
        "by": on.actor.subject,
        "tlp": row.tlp,
        "size": row.size,
        "sha256": row.sha256,
        "recipients": recipients[:_MOST_TOLD],
        "recipient_count": len(recipients),
        "added": sorted(key.partner for key in keys)[:_MOST_TOLD],
        "href": uow.link(f"/v1/freeze-requests/{request.id}/sealed-evidence/{row.id}"),
    }
    recorded = uow.record(
        EventType.EVIDENCE_SEALED,
        data,
        key=on.key,
        audience=[row.partner, *recipients],
        about=About(request.id, request.urgency),
    )
    store_member_act(uow, on.actor, act, on.key, recorded)
    return recorded


def _recipients(on: RequestContext, row: SealedEvidenceRow) -> Sequence[SealedRecipientRow]:
    return store.recipients_of(on.uow.connection, [row.id]).get(row.id, [])


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    member = pointer.rpartition("/")[2]
    return InvalidInputError(f"{member}: {detail}", errors=[FieldFault(pointer, detail, code)])


def sealed_evidence_views(
    read: ReadContext, rows: Sequence[SealedEvidenceRow]
) -> list[SealedEvidenceView]:
    """Return sealed files with who can open each, and the acts that say so."""
    connection, vault = read.connection, read.vault
    ended = ended_at(connection, {row.request_id for row in rows})
    recipients = store.recipients_of(connection, [row.id for row in rows])
    act_ids = {each.act_id for some in recipients.values() for each in some}
    acts = store.acts_by_id(connection, act_ids)
    packed = load(connection, vault, [act.id for act in acts], "evidence")
    by_file: dict[str | None, list[SealedActView]] = {}
    for act in acts:
        by_file.setdefault(act.about, []).append(_act_view(act, packed.get(act.id)))
    return [
        {
            **_view(
                row,
                recipients.get(row.id, []),
                read.policies.sealed_evidence_kept_until(row.sealed_at, ended.get(row.request_id)),
            ),
            "acts": by_file.get(row.id, []),
        }
        for row in rows
    ]


def sealed_part_view(
    connection: Connection, vault: Vault, row: SealedEvidenceRow, number: int
) -> SealedPartView:
    """Return one part of a sealed file, numbered from 0.

    Raises:
        NotFoundError: If it has no such part, or the request was erased.
    """
    if row.erased_at is not None:
        raise NotFoundError(
            f"its time was over: it was erased at {format_time(row.erased_at)}, and its hash stays"
        )
    part = store.part_id(connection, row.id, number)
    data = None if part is None else load_one(connection, vault, part.id, store.PART)
    if part is None or data is None:
        raise NotFoundError(f"it has {row.part_count} parts, numbered from 0")
    return {"sha256": part.sha256, "size": part.size, "data": base64url.encode(data)}


def find_evidence(
    connection: Connection, viewer: Viewer, request_id: str, sealed_evidence_id: str
) -> SealedEvidenceRow:
    """Return what a viewer's partner sealed or can open.

    Raises:
        NotFoundError: If there is none, as of anything that is not there.
    """
    readable_request(connection, viewer, request_id)
    row = store.find(connection, request_id, sealed_evidence_id, reader=viewer.partner)
    if row is None:
        raise NotFoundError(_NONE)
    return row


def _kept_until(on: RequestContext, row: SealedEvidenceRow) -> datetime | None:
    return on.uow.policies.sealed_evidence_kept_until(row.sealed_at, on.request.ended_at)


def _view(
    row: SealedEvidenceRow, recipients: Sequence[SealedRecipientRow], kept_until: datetime | None
) -> SealedEvidenceView:
    return {
        "id": row.id,
        "request_id": row.request_id,
        "partner": row.partner,
        "tlp": Tlp(row.tlp),
        "size": row.size,
        "part_count": row.part_count,
        "sha256": row.sha256,
        "sealed_at": format_time(row.sealed_at),
        "kept_until": optional_time(kept_until),
        "erased_at": optional_time(row.erased_at),
        "recipients": [
            {
                "partner": each.partner,
                "kid": each.kid,
                "act_id": each.act_id,
                "added_at": format_time(each.added_at),
            }
            for each in recipients
        ],
    }


def _act_view(act: SealedAct, packed: bytes | None) -> SealedActView:
    token, body = (None, None) if packed is None else unpack_evidence(packed)
    return {
        "act": act.kind,
        "act_id": act.id,
        "kind": EvidenceKind(act.evidence_kind),
        "partner": act.partner,
        "subject": act.subject or act.partner,
        "kid": act.kid,
        "token": token,
        "body": None if body is None else body.decode(),
        "at": format_time(act.at),
        "leaf_index": act.leaf_index,
    }
