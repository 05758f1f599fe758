"""Restitutions: what was recovered of an incident is given back by the member that opened it.

One immutable signed document sets the terms; every act on it names its hash. A pool is what came
back, line by line, each part of a signed act: what it was sold for, what it cost, what is kept
back. The sums add up to the unit after every line.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, NotRequired, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor, Viewer
from coordinator.domain.amount import parse_amount
from coordinator.domain.claim import UNDECIDED
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    LedgerBreachError,
    NotFoundError,
    StaleDocumentError,
)
from coordinator.domain.permission import Permission
from coordinator.domain.pool import Pool
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork, unpack_evidence
from coordinator.storage.engine.documents import DocumentKey, Vault, load
from coordinator.storage.engine.rows import new_row
from coordinator.storage.requests import incidents as incident_store
from coordinator.storage.restoring import allocations as allocation_store
from coordinator.storage.restoring import claims as claim_store
from coordinator.storage.restoring import restitutions as store
from coordinator.storage.restoring.allocations import PayoutSum
from coordinator.storage.restoring.restitutions import ReturnedFunds
from coordinator.storage.tables.restitutions import PoolLineRow, RestitutionRow
from holdfast.protocol import strict_json
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AmountError, AssetError, TransactionError
from holdfast.protocol.chains.transaction import parse_transaction, spelled_transaction
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.pool_sums import Entry
from holdfast.protocol.restitution_payloads import (
    NewRestitution,
    PoolConversion,
    PoolLine,
    PoolLines,
    PoolReturn,
    Price,
    RestitutionClosure,
)
from holdfast.protocol.restitution_views import PoolLineKind
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import ClaimStatus, EventType, PayoutStatus, RestitutionStatus

#: A pool is added up whole with every line.
MOST_LINES = 1_000
_NO_SUCH = "there is no such restitution, or none that you may see"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRestitution:
    """The opener of an incident gives back what was recovered of it."""

    body: NewRestitution


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPoolLines:
    """Something came into a pool, or left it."""

    restitution_id: str
    body: PoolLines


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRestitution:
    """Nothing more is paid."""

    restitution_id: str
    body: RestitutionClosure


class PoolSumsView(TypedDict):
    """The sums of one asset of a pool (`restitution_views.PoolSumsView`)."""

    returned: str
    converted_in: str
    converted_out: str
    fees: str
    costs: str
    reserved: str
    allocated: str
    available: str


class PayoutSumView(TypedDict):
    """Payouts of one status (`restitution_views.PayoutSumView`)."""

    count: int
    amount: str


class RestitutionView(TypedDict):
    """A restitution (`restitution_views.RestitutionView`)."""

    id: str
    incident: str
    opener: str
    status: RestitutionStatus
    content_sha256: str
    asset: str
    key_theft: bool
    verify_by_two_above: str
    valuation: JsonObject | None
    claims_close_at: str
    objections_until: str
    unclaimed_to: str
    opened_at: str
    closed_at: str | None
    pool: Mapping[str, PoolSumsView]
    claims: Mapping[ClaimStatus, int]
    payouts: Mapping[PayoutStatus, PayoutSumView]


class PoolLineView(TypedDict):
    """One line of a pool (`restitution_views.PoolLineView`)."""

    id: str
    act_id: str
    kind: PoolLineKind
    asset: str
    amount: str
    by: str
    at: str
    to_asset: NotRequired[str]
    to_amount: NotRequired[str]
    fee: NotRequired[str]
    rate: NotRequired[str]
    line: NotRequired[str]
    tx: NotRequired[str]
    what: NotRequired[str]


class PoolLinesView(TypedDict):
    """The lines that were added (`restitution_views.PoolLinesView`)."""

    restitution_id: str
    act_id: str
    lines: Sequence[PoolLineView]
    pool: Mapping[str, PoolSumsView]


@dataclass(frozen=True, slots=True)
class RestitutionContext:
    """Who acts, the restitution as it was read and locked, and the transaction under way."""

    uow: UnitOfWork
    actor: Actor
    row: RestitutionRow

    @property
    def key(self) -> DocumentKey:
        """The data key that seals what belongs to the restitution."""
        return self.uow.key(self.row.document_key_id)

    def record(
        self,
        act: MemberAct,
        event: EventType,
        told: Mapping[str, object],
        *,
        also: Sequence[str] = (),
    ) -> Recorded:
        """Store an act with its evidence, and tell the opener of it and whom it concerns."""
        recorded = self.tell(act.id, event, told, also=also)
        store_member_act(self.uow, self.actor, act, self.key, recorded)
        return recorded

    def tell(
        self,
        act_id: str,
        event: EventType,
        told: Mapping[str, object],
        *,
        also: Sequence[str] = (),
    ) -> Recorded:
        """Tell the opener of an act, and whom it concerns."""
        about = {
            "restitution": self.row.id,
            "incident": self.row.incident_id,
            "opener": self.row.opener,
            "content_sha256": self.row.content_sha256,
            "by": self.actor.subject,
            "act_id": act_id,
        }
        return self.uow.record(
            event, {**about, **told}, key=self.key, audience=[self.row.opener, *also]
        )


def own_restitution(
    uow: UnitOfWork, actor: Actor, restitution_id: str, content_sha256: str
) -> RestitutionContext:
    """Lock a restitution that the actor's partner opened, and is not closed.

    Raises:
        NotFoundError: If there is none, or it is another's.
        StaleDocumentError: If the act names another document.
        ConflictError: If it is closed.
    """
    row = store.get(uow.connection, restitution_id, lock=True)
    if row is None or row.opener != actor.partner:
        raise NotFoundError(_NO_SUCH)
    return in_force(RestitutionContext(uow, actor, row), content_sha256)


def visible_restitution(
    connection: Connection, viewer: Viewer, restitution_id: str, *, lock: bool = False
) -> RestitutionRow:
    """Return a restitution that a viewer may see: its opener, and whoever sees the incident.

    Raises:
        NotFoundError: If there is none, or none that they may see.
    """
    row = store.get(connection, restitution_id, lock=lock)
    if row is None or (
        row.opener != viewer.partner
        and not incident_store.request_counts(connection, [row.incident_id], viewer)
    ):
        raise NotFoundError(_NO_SUCH)
    return row


def require_document(on: RestitutionContext, content_sha256: str) -> None:
    """Refuse an act that names another document.

    Raises:
        StaleDocumentError: If it does.
    """
    if content_sha256 != on.row.content_sha256:
        raise StaleDocumentError(
            "content_sha256 is not that of this restitution's document: read it again"
        )


def in_force(on: RestitutionContext, content_sha256: str) -> RestitutionContext:
    """Refuse an act that names another document, or comes after the closure."""
    require_document(on, content_sha256)
    if on.row.status != RestitutionStatus.OPEN:
        raise ConflictError(
            "this restitution is closed", code="restitution_closed", current_status=on.row.status
        )
    return on


# ---------- opening ----------


@handles(OpenRestitution, needs=Permission.RESTITUTION_CHANGE)
def open_restitution(command: OpenRestitution, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store the document that a restitution goes by; the pool is empty yet."""
    body, connection = command.body, uow.connection
    found = incident_store.incidents(connection, [body.incident], actor.viewer)
    incident = found.get(body.incident)
    if incident is None or incident.opened_by != actor.partner:
        raise NotFoundError("there is no such incident, or none that you opened")
    if incident.drill:
        raise ConflictError("a drill moves no money: nothing is given back", code="drill")
    asset = require_asset(uow.chains, body.asset, "/asset")
    _require_terms(uow, body, asset)
    if store.is_known(connection, actor.partner, uow.evidence.content_sha256):
        raise ConflictError("this very document opened a restitution already", code="known")
    restitution_id, key = new_id("rst"), uow.new_key()
    store.insert_restitution(
        connection,
        id=restitution_id,
        incident_id=body.incident,
        opener=actor.partner,
        document_key_id=key.id,
        content_sha256=uow.evidence.content_sha256,
        status=RestitutionStatus.OPEN,
        asset=asset,
        key_theft=body.key_theft,
        verify_by_two_above=parse_amount(body.verify_by_two_above),
        claims_close_at=body.claims_close_at,
        objections_until=body.objections_until,
        opened_at=uow.now,
        version=1,
    )
    row = store.get(connection, restitution_id)
    if row is None:
        raise AssertionError("it was stored just now")
    on = RestitutionContext(uow, actor, row)
    told = {
        "asset": asset,
        "key_theft": body.key_theft,
        "claims_close_at": format_time(body.claims_close_at),
        "objections_until": format_time(body.objections_until),
    }
    # Under the restitution's id, so that its document is read without a search.
    act = MemberAct(restitution_id, "open_restitution", body.incident)
    recorded = on.record(act, EventType.RESTITUTION_OPENED, told)
    view = _view(row, strict_json.loads(uow.evidence.body), _Sums(Pool([]), {}, {}))
    return Answer(201, view, entry=recorded, location=f"/v1/restitutions/{restitution_id}")


def _require_terms(uow: UnitOfWork, body: NewRestitution, asset: str) -> None:
    if body.claims_close_at <= uow.now:
        raise _fault("/claims_close_at", "is past: say until when claims are taken", "past")
    if body.objections_until < body.claims_close_at:
        raise _fault("/objections_until", "must not be before claims_close_at", "out_of_order")
    _require_amount(body.verify_by_two_above, "/verify_by_two_above", may_be_zero=True)
    if body.valuation is None:
        return
    prices = price_of(uow.chains, body.valuation.prices)
    if asset not in prices:
        raise _fault(
            "/valuation/prices", f"have none of {asset}, in which claims are paid", "no_price"
        )


def price_of(chains: Chains, prices: Sequence[Price]) -> dict[str, Fraction]:
    """Return the price of one base unit of each asset, exactly.

    Raises:
        InvalidInputError: Naming the price that is none.
    """
    found: dict[str, Fraction] = {}
    for number, price in enumerate(prices):
        at = f"/valuation/prices/{number}"
        asset = require_asset(chains, price.asset, f"{at}/asset")
        units = _require_amount(price.units, f"{at}/units")
        value = Fraction(price.value) / units
        if not value:
            raise _fault(f"{at}/value", "must be more than nothing", "out_of_range")
        if asset in found:
            raise _fault(f"{at}/asset", "has a price already", "duplicate")
        found[asset] = value
    return found


def require_asset(chains: Chains, text: str, pointer: str) -> str:
    """Return the canonical CAIP-19 id of an asset, or raise InvalidInputError."""
    try:
        return parse_asset(chains, text)
    except AssetError as error:
        raise _fault(pointer, error.message, error.code) from None


def _transaction(chains: Chains, asset: str, text: str, pointer: str) -> str:
    """Return the one spelling of a transaction on an asset's chain, or raise InvalidInputError."""
    chain = chains.get(asset.partition("/")[0])
    if chain is None:
        raise AssertionError("the asset was parsed, and assets are of known chains")
    try:
        return parse_transaction(chain, text)
    except TransactionError as error:
        raise _fault(pointer, error.message, error.code) from None


def _require_amount(text: str, pointer: str, *, may_be_zero: bool = False) -> int:
    try:
        amount = parse_amount(text)
    except AmountError as error:
        raise _fault(pointer, error.message, error.code) from None
    if not amount and not may_be_zero:
        raise _fault(pointer, "must be more than nothing", "out_of_range")
    return amount


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    return InvalidInputError(
        f"{pointer.removeprefix('/')} {detail}", errors=[FieldFault(pointer, detail, code)]
    )


# ---------- the pool ----------


@handles(AddPoolLines, needs=Permission.RESTITUTION_CHANGE)
def add_pool_lines(command: AddPoolLines, actor: Actor, uow: UnitOfWork) -> Answer:
    """Book lines into a pool: all of them, or none where one would not add up."""
    body = command.body
    others = store.of_the_same_incident(uow.connection, command.restitution_id)
    on = own_restitution(uow, actor, command.restitution_id, body.content_sha256)
    pools = store.pool_lines(uow.connection, [on.row.id, *others])
    before = pools[on.row.id]
    if len(before) + len(body.lines) > MOST_LINES:
        raise ConflictError(f"a pool has {MOST_LINES} lines at most", code="too_many_lines")
    given = allocation_store.given(uow.connection, [on.row.id])
    pool = Pool((_entry(each) for each in before), {on.row.asset: given[on.row.id]})
    act_id = new_id("act")
    values = [_new_values(on, act_id, number, line) for number, line in enumerate(body.lines)]
    rows = [new_row(PoolLineRow, each) for each in values]
    _require_new_funds(on, [line for pool in pools.values() for line in pool], rows)
    for number, row in enumerate(rows):
        try:
            pool.add(_entry(row))
        except LedgerBreachError as error:
            raise LedgerBreachError(
                error.message,
                code=error.code,
                errors=[FieldFault(f"/lines/{number}/amount", error.message, error.code)],
            ) from None
    store.insert_lines(uow.connection, values)
    sums = pool_view(pool)
    told = {"line_count": len(rows), "pool": sums}
    act = MemberAct(act_id, "add_pool_lines", on.row.id)
    recorded = on.record(act, EventType.RESTITUTION_POOL_CHANGED, told)
    sent = strict_json.loads(uow.evidence.body)
    answer: PoolLinesView = {
        "restitution_id": on.row.id,
        "act_id": act_id,
        "lines": [_line_view(row, sent) for row in rows],
        "pool": sums,
    }
    return Answer(201, answer, entry=recorded)


def _new_values(
    on: RestitutionContext, act_id: str, number: int, line: PoolLine
) -> dict[str, object]:
    """Return the columns of a `PoolLineRow`, each amount and asset read by the rules."""
    uow, at = on.uow, f"/lines/{number}"
    asset = require_asset(uow.chains, line.asset, f"{at}/asset")
    values: dict[str, object] = {
        "id": new_id("pln"),
        "restitution_id": on.row.id,
        "act_id": act_id,
        "line_no": number,
        "kind": line.kind,
        "asset": asset,
        "amount": _require_amount(line.amount, f"{at}/amount"),
        "to_asset": None,
        "to_amount": None,
        "fee": None,
        "line_id": None,
        "tx_index": None,
        "by": on.actor.subject,
        "at": uow.now,
    }
    if isinstance(line, PoolConversion):
        values |= _conversion(uow, line, asset, at)
    if isinstance(line, PoolReturn):
        values["line_id"] = line.line
        if line.line is None and line.tx is not None:
            tx = _transaction(uow.chains, asset, line.tx, f"{at}/tx")
            values["tx_index"] = _tx_index(uow, asset, tx)
    return values


def _conversion(uow: UnitOfWork, line: PoolConversion, asset: str, at: str) -> dict[str, object]:
    to_asset = require_asset(uow.chains, line.to_asset, f"{at}/to_asset")
    to_amount = _require_amount(line.to_amount, f"{at}/to_amount")
    fee = _require_amount(line.fee, f"{at}/fee", may_be_zero=True)
    if to_asset == asset:
        raise _fault(f"{at}/to_asset", "is the same asset: nothing was converted", "same")
    if fee > to_amount:
        raise _fault(f"{at}/fee", "is more than what came in", "out_of_range")
    return {"to_asset": to_asset, "to_amount": to_amount, "fee": fee}


def _require_new_funds(
    on: RestitutionContext, before: Sequence[PoolLineRow], rows: Sequence[PoolLineRow]
) -> None:
    """Refuse what came back once and is booked twice, or never came back by the ledger.

    One transaction may bring many lines of the ledger. Beside the ledger it brings nothing more:
    whoever books it so has the same money twice.

    Args:
        on: The restitution.
        before: What is in the pools of its incident already.
        rows: What is to come into its own.
    """
    uow, named = on.uow, [row.line_id for row in rows if row.line_id is not None]
    booked = [row.line_id for row in before if row.line_id is not None]
    ledger = store.returned_lines(uow.connection, [*booked, *named])
    by_ledger = _ledger_txs(on, ledger)
    pooled = store.in_a_pool(uow.connection, named)
    known = {row.tx_index for row in before if row.tx_index is not None}
    seen: set[str] = set()
    for row in rows:
        at = f"/lines/{row.line_no}"
        source = row.line_id or row.tx_index
        if source is None:
            continue
        # First whose it is: nobody learns what is in the pools of others.
        found = None if row.line_id is None else ledger.get(row.line_id)
        is_theirs = (
            found is not None
            and found.requester == on.row.opener
            and found.incident_id == on.row.incident_id
        )
        if row.line_id is not None and not is_theirs:
            detail = "is no `returned` line on a request of yours in this incident, or is corrected"
            raise _fault(f"{at}/line", detail, "no_such_line")
        if source in pooled | known | seen:
            place = "line" if row.line_id else "tx"
            raise _fault(f"{at}/{place}", "is in a pool already: it came back once", "in_pool")
        if row.tx_index in by_ledger.values():
            detail = "is that of a line of the ledger in a pool already: it came back once"
            raise _fault(f"{at}/tx", detail, "in_pool")
        if by_ledger.get(source) in known:
            detail = "came by a transaction that is in a pool already: it came back once"
            raise _fault(f"{at}/line", detail, "in_pool")
        seen.add(source)
        if found is not None and (found.asset, found.amount) != (row.asset, row.amount):
            detail = "must be asset and amount of that line of the ledger"
            raise _fault(f"{at}/amount", detail, "other_amount")


def _ledger_txs(on: RestitutionContext, ledger: Mapping[str, ReturnedFunds]) -> dict[str, str]:
    """Return by which transaction each line of the ledger came, as `tx_index` has it.

    Lines of erased reports are left out.
    """
    uow = on.uow
    reports = sorted({each.report_id for each in ledger.values()})
    sent = documents_of(uow.connection, uow.vault, reports)
    found: dict[str, str] = {}
    for each in ledger.values():
        if each.report_id in sent and each.asset is not None:
            tx = sent[each.report_id]["lines"][each.line_no].get("tx")
            if tx is not None:
                found[each.id] = _tx_index(
                    uow, each.asset, spelled_transaction(uow.chains, each.asset, tx)
                )
    return found


def _tx_index(uow: UnitOfWork, asset: str, tx: str) -> str:
    return uow.vault.blind_index(f"pool-tx:{asset}:{tx}").hex()


def _entry(row: PoolLineRow) -> Entry:
    kind: PoolLineKind = row.kind  # type: ignore[assignment]  # only these are stored
    return Entry(kind, row.asset, row.amount, row.to_asset or "", row.to_amount or 0, row.fee or 0)


# ---------- closing ----------


@handles(CloseRestitution, needs=Permission.RESTITUTION_CHANGE)
def close_restitution(command: CloseRestitution, actor: Actor, uow: UnitOfWork) -> Answer:
    """Close a restitution on which nothing waits; what is left goes where its document says."""
    on = own_restitution(uow, actor, command.restitution_id, command.body.content_sha256)
    counts = claim_store.counts(uow.connection, [on.row.id])[on.row.id]
    waiting = sum(counts.get(status, 0) for status in UNDECIDED)
    if waiting:
        raise ConflictError(
            f"{waiting} claim(s) wait for a decision: verify or reject them first",
            code="claims_waiting",
            current_status=on.row.status,
        )
    unpaid = allocation_store.count_unpaid(uow.connection, on.row.id)
    if unpaid or allocation_store.is_one_waiting(uow.connection, on.row.id):
        raise ConflictError(
            f"{unpaid} payout(s) are due or did not arrive: pay them first"
            if unpaid
            else "an allocation waits for approvals: have it approved or rejected first",
            code="payouts_waiting",
            current_status=on.row.status,
        )
    if uow.now < on.row.objections_until:
        raise ConflictError(
            f"objections are taken until {format_time(on.row.objections_until)}: close it then",
            code="objections_open",
            current_status=on.row.status,
        )
    store.close(uow.connection, on.row, status=RestitutionStatus.CLOSED, at=uow.now)
    pool = read_pools(uow.connection, [on.row.id])[on.row.id]
    left = {asset: str(each.available) for asset, each in pool.sums.items() if each.available}
    act_id = new_id("act")
    act = MemberAct(act_id, "close_restitution", on.row.id)
    recorded = on.record(act, EventType.RESTITUTION_CLOSED, {"unclaimed": left})
    closed = store.get(uow.connection, on.row.id)
    if closed is None:
        raise AssertionError("it was closed just now")
    [view] = restitution_views(uow.connection, uow.vault, [closed])
    return Answer(201, view, entry=recorded)


# ---------- reading ----------


def read_pools(connection: Connection, restitution_ids: Collection[str]) -> dict[str, Pool]:
    """Return the pools of a few restitutions, added up."""
    lines = store.pool_lines(connection, restitution_ids)
    given = allocation_store.given(connection, restitution_ids)
    assets = store.assets(connection, restitution_ids)
    return {
        each: Pool((_entry(row) for row in rows), {assets[each]: given[each]} if rows else {})
        for each, rows in lines.items()
    }


def pool_view(pool: Pool) -> dict[str, PoolSumsView]:
    """Return the sums of a pool by asset."""
    return {
        asset: {
            "returned": str(each.returned),
            "converted_in": str(each.converted_in),
            "converted_out": str(each.converted_out),
            "fees": str(each.fees),
            "costs": str(each.costs),
            "reserved": str(each.reserved),
            "allocated": str(each.allocated),
            "available": str(each.available),
        }
        for asset, each in sorted(pool.sums.items())
    }


def restitution_views(
    connection: Connection, vault: Vault, rows: Sequence[RestitutionRow]
) -> list[RestitutionView]:
    """Return restitutions with the terms of their documents, in a few queries."""
    ids = [row.id for row in rows]
    documents = documents_of(connection, vault, ids)
    pools = read_pools(connection, ids)
    counts = claim_store.counts(connection, ids)
    paid = allocation_store.payout_sums(connection, ids)
    return [
        _view(row, documents[row.id], _Sums(pools[row.id], counts[row.id], paid[row.id]))
        for row in rows
    ]


def documents_of(
    connection: Connection, vault: Vault, restitution_ids: Sequence[str]
) -> dict[str, JsonObject]:
    """Return the signed documents of restitutions."""
    packed = load(connection, vault, restitution_ids, "evidence")
    return {each: strict_json.loads(unpack_evidence(raw)[1]) for each, raw in packed.items()}


def pool_line_views(context: ReadContext, rows: Sequence[PoolLineRow]) -> list[PoolLineView]:
    """Return lines of a pool with the words of the acts that were signed."""
    acts = sorted({row.act_id for row in rows})
    bodies = documents_of(context.connection, context.vault, acts)
    return [_line_view(row, bodies[row.act_id]) for row in rows]


class _Sums(NamedTuple):
    """What is added up of a restitution: its pool, claims and payouts by status."""

    pool: Pool
    claims: Mapping[str, int]
    payouts: Mapping[str, PayoutSum]


def _view(row: RestitutionRow, document: JsonObject, sums: _Sums) -> RestitutionView:
    return {
        "id": row.id,
        "incident": row.incident_id,
        "opener": row.opener,
        "status": RestitutionStatus(row.status),
        "content_sha256": row.content_sha256,
        "asset": row.asset,
        "key_theft": row.key_theft,
        "verify_by_two_above": str(row.verify_by_two_above),
        "valuation": document.get("valuation"),
        "claims_close_at": format_time(row.claims_close_at),
        "objections_until": format_time(row.objections_until),
        "unclaimed_to": document["unclaimed_to"],
        "opened_at": format_time(row.opened_at),
        "closed_at": optional_time(row.closed_at),
        "pool": pool_view(sums.pool),
        "claims": {ClaimStatus(status): count for status, count in sorted(sums.claims.items())},
        "payouts": {
            PayoutStatus(status): {"count": each.number, "amount": str(each.amount)}
            for status, each in sorted(sums.payouts.items())
        },
    }


def _line_view(row: PoolLineRow, sent: JsonObject) -> PoolLineView:
    """Return one line; `sent` is the body that was signed."""
    said = sent["lines"][row.line_no]
    entry = _entry(row)
    view: PoolLineView = {
        "id": row.id,
        "act_id": row.act_id,
        "kind": entry.kind,
        "asset": row.asset,
        "amount": str(row.amount),
        "by": row.by,
        "at": format_time(row.at),
    }
    if row.to_asset is not None:
        view |= {
            "to_asset": row.to_asset,
            "to_amount": str(row.to_amount),
            "fee": str(row.fee),
            "rate": said["rate"],
        }
    if said.get("line") is not None:
        view["line"] = said["line"]
    if said.get("tx") is not None:
        view["tx"] = said["tx"]
    if said.get("what") is not None:
        view["what"] = said["what"]
    return view
