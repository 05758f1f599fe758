"""Many stored requests, written row by row as commands would leave them, but at the driver's speed.

Keys of other tables are not checked while loading (the loader keeps them right); everything that is
sealed opens, every number of the log is there once.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, text

from coordinator.storage.engine.base import Base
from coordinator.storage.engine.documents import DocumentKey
from coordinator.storage.engine.rows import insert_rows
from coordinator.storage.requests.flagged_accounts import FlaggedAccounts
from coordinator.storage.tables.documents import DocumentKeyRow, DocumentRow
from coordinator.storage.tables.events import EventAudienceRow, EventRow
from coordinator.storage.tables.freeze_ledger import (
    FindingRow,
    HoldLinkRow,
    HoldRow,
    LedgerLineRow,
)
from coordinator.storage.tables.freeze_requests import (
    ActRow,
    FlaggedAccountRow,
    FlaggedAddressRow,
    FreezeRequestRow,
    IncidentRow,
    LegRow,
    PackedAccountsRow,
)
from coordinator.storage.tables.idempotency import SeenTokenRow, StoredAnswerRow
from coordinator.storage.tables.outbox import DeliveryRow, LaneRow
from coordinator.storage.tables.transparency_log import LogLeafRow
from holdfast.protocol import canonical_json
from holdfast.protocol.payloads import format_time
from holdfast.protocol.type_ids import new_id
from tests import factories
from tests.benchmarks.stage import Stage
from tests.factories import ETHER

_CHUNK = 4_000
#: Every so many-th request still waits for its approval; all others were answered by B.
WAITING_EVERY = 10
_AMOUNT = 10**19

Row = dict[str, Any]


@dataclass(slots=True)
class Loaded:
    """What a reader of the loaded requests needs to know.

    Attributes:
        request_ids: In order of submission.
        waiting_ids: Those that wait for an approval.
        incident_ids: One a request.
        delivery_ids: Of B's endpoint.
        endpoint_id: B's endpoint.
        first_seq: Number of the first event loaded.
        last_seq: Number of the last.
    """

    endpoint_id: str
    first_seq: int = 0
    last_seq: int = 0
    request_ids: list[str] = field(default_factory=list)
    waiting_ids: list[str] = field(default_factory=list)
    incident_ids: list[str] = field(default_factory=list)
    delivery_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Buffer:
    rows: dict[type[Base], list[Row]] = field(default_factory=dict)

    def add(self, row_type: type[Base], **values: Any) -> None:
        self.rows.setdefault(row_type, []).append(values)


def load_requests(
    stage: Stage, count: int, endpoint_id: str, *, waiting: int | None = None
) -> Loaded:
    """Store `count` requests of A to B, one a second, the last one just now.

    Args:
        stage: Where.
        count: How many.
        endpoint_id: B's endpoint.
        waiting: So many of them wait for their approval: every other one of the newest. By default
            every `WAITING_EVERY`-th of all.
    """
    loaded = Loaded(endpoint_id)
    with stage.database.engine.connect() as connection:
        head = connection.execute(text("SELECT leaf_count, event_seq FROM log_head")).one()
    loader = _Loader(stage, loaded, head.leaf_count, head.event_seq)
    loaded.first_seq = head.event_seq + 1
    began = stage.clock.now() - timedelta(seconds=count)
    for start in range(0, count, _CHUNK):
        buffer = _Buffer()
        for number in range(start, min(count, start + _CHUNK)):
            is_waiting = number % WAITING_EVERY == 0
            if waiting is not None:
                is_waiting = number >= count - 2 * waiting and number % 2 == 0
            loader.add_request(buffer, began + timedelta(seconds=number), is_waiting=is_waiting)
        store(stage, buffer.rows)
    loaded.last_seq = loader.seq
    with stage.database.writing() as connection, connection.begin():
        connection.execute(
            text("UPDATE log_head SET leaf_count = :leaves, event_seq = :seq"),
            {"leaves": loader.leaf, "seq": loader.seq},
        )
    analyze(stage)
    return loaded


def analyze(stage: Stage) -> None:
    """Have PostgreSQL take stock of its tables, as it does by itself within minutes."""
    if stage.kind == "postgresql":
        with stage.database.engine.connect() as connection, connection.begin():
            connection.execute(text("ANALYZE"))


def store(stage: Stage, rows: dict[type[Base], list[Row]]) -> None:
    """Write rows, all of one table with the same columns, in one transaction."""
    with stage.database.engine.connect() as connection:
        own: Any = connection.connection.driver_connection
        if stage.kind == "sqlite":
            own.execute("PRAGMA foreign_keys=OFF")
        connection.execution_options(holdfast_writes=True)
        with connection.begin():
            if stage.kind == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            for row_type, values in rows.items():
                columns = tuple(values[0])
                tuples = [tuple(row.values()) for row in values]
                if stage.kind == "sqlite":
                    insert_rows(connection, row_type, columns, tuples)
                else:
                    _copy(connection, row_type, columns, tuples)
        if stage.kind == "sqlite":
            own.execute("PRAGMA foreign_keys=ON")


def _copy(
    connection: Connection,
    row_type: type[Base],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    table: Table = row_type.__table__  # type: ignore[assignment]  # always a Table here
    dialect = connection.dialect
    converters = [
        table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    own: Any = connection.connection.driver_connection
    with own.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([v if c is None else c(v) for v, c in zip(row, converters, strict=True)])


class _Loader:
    """Makes the rows of one request after the other."""

    def __init__(self, stage: Stage, loaded: Loaded, leaf: int, seq: int) -> None:
        self.stage, self.loaded = stage, loaded
        self.leaf, self.seq = leaf, seq
        cast = stage.cast
        self.analyst, self.asked = cast.a.analyst, cast.b.handle
        document = factories.freeze_request_body(to=[self.asked])
        self.body = canonical_json.dumps(document)
        self.nonce = str(document["nonce"]).encode()
        # Signing each anew would cost more than all the rest, and no figure looks at the signature.
        self.token = factories.request_token(
            self.analyst, "POST", "/v1/freeze-requests", self.body, stage.clock
        ).encode()
        self.later = stage.clock.now() + timedelta(days=1)
        self.words = canonical_json.dumps({"summary": "Proceeds of the theft."})
        self.incident = canonical_json.dumps({"title": "Cold wallet theft", "reference": None})

    def add_request(self, buffer: _Buffer, at: Any, *, is_waiting: bool) -> None:
        ms = int(at.timestamp() * 1000)
        request_id, act_id = new_id("frq", now_ms=ms), new_id("act", now_ms=ms)
        incident_id = new_id("inc", now_ms=ms)
        key, wrapped = self.stage.vault.new_key()
        body = self.body.replace(self.nonce, factories.nonce().encode())
        content_sha256 = sha256(body).hexdigest()
        context = (
            f'{{"act_sha256":"{content_sha256}","content_sha256":"{content_sha256}",'
            f'"request_id":"{request_id}","to":["{self.asked}"],"v":1,"warnings":[]}}'
        ).encode()
        self.loaded.request_ids.append(request_id)
        self.loaded.incident_ids.append(incident_id)
        if is_waiting:
            self.loaded.waiting_ids.append(request_id)
        buffer.add(DocumentKeyRow, id=key.id, wrapped=wrapped, created_at=at)
        buffer.add(
            IncidentRow,
            id=incident_id,
            opened_by=self.analyst.handle,
            document_key_id=key.id,
            kind="hack",
            occurred_at=at,
        )
        buffer.add(
            FreezeRequestRow,
            id=request_id,
            requester=self.analyst.handle,
            submitted_by=self.analyst.subject,
            submitted_by_person=self.analyst.subject,
            submitted_by_kid=self.analyst.key.kid,
            status="submitted" if is_waiting else "active",
            provisional=False,
            urgency="urgent",
            tlp="AMBER+STRICT",
            incident_id=incident_id,
            document_key_id=key.id,
            content_sha256=content_sha256,
            context_sha256=sha256(context).hexdigest(),
            address_count=1,
            partners_asked=1,
            quorum=1,
            hold_hours=72,
            submitted_at=at,
            approve_by=self.later,
            decided_at=None if is_waiting else at,
            event_sequence=1,
            leaf_index=self.leaf,
            version=1,
        )
        buffer.add(
            FlaggedAddressRow,
            request_id=request_id,
            address_no=0,
            asset=ETHER,
            amount=_AMOUNT,
        )
        accounts = FlaggedAccounts.of([os.urandom(16)])
        [(first_no, packed)], [account_hash] = accounts.packed, accounts.hashes
        buffer.add(
            PackedAccountsRow, request_id=request_id, first_no=first_no, blind_indexes=packed
        )
        buffer.add(
            FlaggedAccountRow,
            requester=self.analyst.handle,
            account_hash=account_hash,
            request_id=request_id,
        )
        buffer.add(
            ActRow,
            id=act_id,
            request_id=request_id,
            kind="submit",
            evidence_kind="jws",
            partner=self.analyst.handle,
            subject=self.analyst.subject,
            person=self.analyst.subject,
            kid=self.analyst.key.kid,
            at=at,
            leaf_index=self.leaf,
        )
        buffer.add(
            SeenTokenRow, partner=self.analyst.handle, jti=secrets.token_urlsafe(16), seen_at=at
        )
        buffer.add(
            StoredAnswerRow,
            partner=self.analyst.handle,
            subject=self.analyst.subject,
            idempotency_key=secrets.token_hex(16),
            id=new_id("ans", now_ms=ms),
            fingerprint=os.urandom(32),
            status=201,
            stored_at=at,
        )
        sealed = {
            (incident_id, "words"): self.incident,
            (request_id, "words"): self.words,
            (request_id, "context"): context,
            (act_id, "evidence"): self.token + b"\n" + body,
        }
        for (owner_id, name), content in sealed.items():
            self._seal(buffer, key, owner_id, name, content)
        self._event(buffer, key, "freeze_request.submitted", self.analyst.handle, request_id, at)
        if not is_waiting:
            self._add_leg(buffer, key, request_id, at)

    def _add_leg(self, buffer: _Buffer, key: DocumentKey, request_id: str, at: Any) -> None:
        ms = int(at.timestamp() * 1000)
        leg_id = new_id("leg", now_ms=ms)
        event_id = self._event(
            buffer, key, "freeze_request.received", self.asked, request_id, at, leg_id
        )
        buffer.add(LegRow, **_leg(leg_id, request_id, self.asked, at))
        _add_freeze(buffer, leg_id, request_id, self.asked, 0, at, self.later, ms)
        endpoint_id = self.loaded.endpoint_id
        buffer.add(
            LaneRow,
            endpoint_id=endpoint_id,
            request_id=request_id,
            priority=1,
            attempt=0,
            unanswered=False,
            gaps=0,
        )
        delivery_id = new_id("dlv", now_ms=ms)
        self.loaded.delivery_ids.append(delivery_id)
        buffer.add(
            DeliveryRow,
            id=delivery_id,
            endpoint_id=endpoint_id,
            request_id=request_id,
            seq=self.seq,
            event_id=event_id,
            status="delivered",
            created_at=at,
            finished_at=at,
            attempts=1,
        )

    def _event(  # noqa: PLR0913, PLR0917 - what an event consists of
        self,
        buffer: _Buffer,
        key: DocumentKey,
        kind: str,
        partner: str,
        request_id: str,
        at: Any,
        leg_id: str | None = None,
    ) -> str:
        event_id = new_id("evt", now_ms=int(at.timestamp() * 1000))
        self.seq += 1
        buffer.add(
            EventRow,
            seq=self.seq,
            id=event_id,
            type=kind,
            request_id=request_id,
            leg_id=leg_id,
            occurred_at=at,
            leaf_index=self.leaf,
        )
        buffer.add(EventAudienceRow, partner=partner, seq=self.seq)
        buffer.add(
            LogLeafRow,
            index=self.leaf,
            leaf_id=os.urandom(16),
            type=kind,
            at=at,
            commitment=os.urandom(32),
        )
        body = (
            f'{{"data":{{"address_count":1,"event_id":"{event_id}","request_id":"{request_id}",'
            f'"status":"active","to":["{self.asked}"]}},'
            f'"timestamp":"{format_time(at)}","type":"{kind}"}}'
        )
        self._seal(buffer, key, event_id, "body", body.encode())
        self.leaf += 1
        return event_id

    def _seal(
        self, buffer: _Buffer, key: DocumentKey, owner_id: str, name: str, content: bytes
    ) -> None:
        sealed = key.seal(owner_id, name, content)
        buffer.add(DocumentRow, owner_id=owner_id, name=name, key_id=key.id, sealed=sealed)


def _leg(leg_id: str, request_id: str, partner: str, at: Any) -> Row:
    return {
        "id": leg_id,
        "request_id": request_id,
        "partner": partner,
        "status": "frozen",
        "last_act": "report",
        "queued_at": at,
        "acknowledge_by": at + timedelta(hours=2),
        "delivered_at": at,
        "acknowledged_at": at,
        "flags": [],
        "ended": False,
        "owes_answer": False,
        "event_sequence": 1,
        "requester_sequence": 0,
        "version": 1,
    }


def _add_freeze(  # noqa: PLR0913, PLR0917 - what a freeze consists of
    buffer: _Buffer,
    leg_id: str,
    request_id: str,
    partner: str,
    address_no: int,
    at: Any,
    later: Any,
    ms: int,
) -> None:
    """Add a found and a frozen line with what they leave behind."""
    hold_id = new_id("hld", now_ms=ms)
    for number, (kind, hold) in enumerate((("found", None), ("frozen", hold_id))):
        buffer.add(
            LedgerLineRow,
            id=new_id("lin", now_ms=ms),
            request_id=request_id,
            leg_id=leg_id,
            partner=partner,
            report_id="act_bulk",
            line_no=number,
            kind=kind,
            address_no=address_no,
            asset=ETHER,
            amount=_AMOUNT + address_no,
            withheld=False,
            hold_id=hold,
            reported_at=at,
        )
    buffer.add(
        FindingRow,
        leg_id=leg_id,
        address_no=address_no,
        asset=ETHER,
        request_id=request_id,
        found=_AMOUNT + address_no,
        withheld=False,
    )
    buffer.add(
        HoldRow,
        id=hold_id,
        request_id=request_id,
        leg_id=leg_id,
        partner=partner,
        address_no=address_no,
        asset=ETHER,
        frozen=_AMOUNT + address_no,
        released=0,
        returned=0,
        seized=0,
        withheld=False,
        ended=False,
        account_level=False,
        basis="voluntary",
        frozen_at=at,
        hold_expires_at=later + timedelta(days=30),
        lapsed=False,
        next_clock_at=later,
        version=1,
    )
    buffer.add(
        HoldLinkRow,
        leg_id=leg_id,
        hold_id=hold_id,
        request_id=request_id,
        is_shared=False,
        address_no=address_no,
    )


def request_with_legs(stage: Stage, *, legs: int, lines_a_leg: int) -> str:
    """Store one active request with `legs` legs of `lines_a_leg` lines each; returns its id."""
    at, buffer = stage.clock.now(), _Buffer()
    later, ms = at + timedelta(days=1), int(at.timestamp() * 1000)
    loader = _Loader(stage, Loaded("whe_bulk"), 0, 0)
    loader.add_request(buffer, at, is_waiting=True)
    request_id = loader.loaded.request_ids[0]
    for number in range(legs):
        partner, leg_id = f"partner-{number}.example", new_id("leg")
        buffer.add(LegRow, **_leg(leg_id, request_id, partner, at))
        for place in range(lines_a_leg // 2):
            _add_freeze(buffer, leg_id, request_id, partner, place, at, later, ms)
    wanted = (LegRow, LedgerLineRow, FindingRow, HoldRow, HoldLinkRow, FreezeRequestRow)
    store(stage, {row_type: buffer.rows[row_type] for row_type in wanted})
    analyze(stage)
    return request_id
