"""Accounts of a member's own that money may be sent back to: by two persons, proven, a day old.

`usable_destination` is the one place that says whether something may be sent to one now. Which
account it is stands in sealed documents; other members see it where something is asked for to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor, ActorKind
from coordinator.domain.approval import require_may_approve
from coordinator.domain.destination import (
    DestinationAction,
    next_status,
    present_status,
    why_not_usable,
)
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    StaleDocumentError,
)
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct, store_member_act
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.membership.grants import own_partner
from coordinator.storage.engine.documents import DocumentKey, Vault, load
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.restoring import destinations as store
from coordinator.storage.restoring.destinations import StoredAccount, StoredTest
from coordinator.storage.tables.restoring import DestinationRow
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError, AssetError, TransactionError
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.destination_payloads import (
    ArrivedTest,
    DestinationClosure,
    DestinationDecision,
    NewDestination,
)
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import Decision, DestinationStatus, EventType, WhyNotUsable


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeDestination:
    """Somebody names an account that money may be sent back to."""

    body: NewDestination
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDestination:
    """Another person approves or rejects exactly what was proposed."""

    destination_id: str
    body: DestinationDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmTestTransfer:
    """A test transfer arrived."""

    destination_id: str
    body: ArrivedTest


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseDestination:
    """Nothing more is to be sent there."""

    destination_id: str
    body: DestinationClosure


class ArrivedTestView(TypedDict):
    """A test transfer that arrived (`destination_views.ArrivedTestView`)."""

    tx: str
    asset: str
    amount: str
    confirmed_by: str
    confirmed_at: str


class DestinationView(TypedDict):
    """An account that money may be sent back to (`destination_views.DestinationView`)."""

    id: str
    partner: str
    destination_status: DestinationStatus
    account: str | None
    tag: str | None
    label: str | None
    act_sha256: str
    body: str | None
    proposed_by: str
    proposed_at: str
    decide_by: str
    decided_by: str | None
    decided_at: str | None
    usable_at: str | None
    test_transfer: ArrivedTestView | None
    closed_by: str | None
    closed_at: str | None
    why_not: WhyNotUsable | None


#: Why something is not sent to a destination, and what to do about it.
_WORDS: Mapping[WhyNotUsable, str] = MappingProxyType(
    {
        WhyNotUsable.PROPOSED: "nobody approved it yet: another person of yours does",
        WhyNotUsable.REJECTED: "it was rejected: register another one",
        WhyNotUsable.EXPIRED: "nobody approved it in time: register it again",
        WhyNotUsable.CLOSED: "it is closed: name another one",
        WhyNotUsable.UNPROVEN: "no test transfer to it is confirmed: confirm one first",
        WhyNotUsable.TOO_NEW: "it is too new: a destination waits after its approval",
    }
)


def checked_account(chains: Chains, body: NewDestination) -> Account:
    """Return the account that a body names.

    Raises:
        InvalidInputError: If nothing may be sent to it.
    """
    try:
        account = parse_account(chains, body.account, body.tag)
    except AccountError as error:
        where = "/tag" if error.code == "bad_tag" and body.tag is not None else "/account"
        raise InvalidInputError(
            error.message, errors=[FieldFault(where, error.message, error.code)]
        ) from None
    for warning in sorted(account.warnings):
        # What a freeze request is asked twice about, money is not sent to at all.
        where, detail = _UNSAFE[warning]
        raise InvalidInputError(detail, errors=[FieldFault(where, detail, warning)])
    return account


_UNSAFE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "no_checksum": (
            "/account",
            "has no checksum, so that a slip would go unseen: write it in its mixed case",
        ),
        "missing_tag": ("/tag", "is needed: without it the account is the whole exchange's"),
        "token_contract": ("/account", "is a token's own contract: what is sent there is lost"),
        "no_key": ("/account", "is an account whose key nobody has: what is sent there is lost"),
    }
)


@handles(ProposeDestination, needs=Permission.DESTINATION_CHANGE)
def propose(command: ProposeDestination, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store an account that another person is to approve; nothing may be sent there yet."""
    _require_person(actor)
    partner, account = own_partner(uow, actor), command.account
    index = uow.vault.blind_index(account.key)
    for each in store.of_account(uow.connection, partner.handle, index):
        if _status(each, uow) is not DestinationStatus.EXPIRED:
            raise ConflictError(
                f"this account is there already, as {each.id}: go on with that one, or close it",
                code="known_destination",
            )
    _require_somebody_else(uow, actor)
    key = uow.key(partner.document_key_id)
    row = store.insert_destination(
        uow.connection,
        id=new_id("dst"),
        partner=partner.handle,
        account_index=index,
        status=DestinationStatus.PROPOSED.value,
        act_sha256=uow.evidence.content_sha256,
        proposed_by=actor.subject,
        proposer_kid=actor.kid,
        proposed_at=uow.now,
        expires_at=uow.now + uow.policies.approve_destination_within,
        decided_by=None,
        decided_at=None,
        usable_at=None,
        proven_by=None,
        proven_at=None,
        closed_by=None,
        closed_at=None,
    )
    stored = StoredAccount(account.key, account.display, account.tag, command.body.label)
    uow.seal(key, row.id, store.ACCOUNT, stored.to_bytes())
    new = _Sealed(body=uow.evidence.body, account=stored)
    act = MemberAct(row.id, "propose_destination", row.id)
    return _done(uow, row, _Step(actor, act, EventType.DESTINATION_PROPOSED, new))


@handles(DecideDestination, needs=Permission.DESTINATION_APPROVE)
def decide(command: DecideDestination, actor: Actor, uow: UnitOfWork) -> Answer:
    """Register what another person proposed, or reject it; its day of waiting begins."""
    row, body = _own(uow, actor, command.destination_id), command.body
    require_may_approve(
        actor,
        submitted_by=row.proposed_by,
        key_grant_proposer=partner_store.key_proposer(uow.connection, row.proposer_kid),
    )
    is_approved = body.decision is Decision.APPROVE
    action = DestinationAction.APPROVE if is_approved else DestinationAction.REJECT
    after = next_status(_status(row, uow), action)
    if body.act_sha256 != row.act_sha256:
        raise StaleDocumentError(
            "act_sha256 is not the hash of what was proposed; read it, check the account, and"
            " hash the proposal's very body",
            code="other_destination",
            current_status=row.status,
        )
    _require_proposer_stands(uow, row, is_approved=is_approved)
    usable_at = uow.now + uow.policies.destination_usable_after if is_approved else None
    row = _move(uow, row, after, decided_by=actor.subject, decided_at=uow.now, usable_at=usable_at)
    event = EventType.DESTINATION_REGISTERED if is_approved else EventType.DESTINATION_CLOSED
    act = MemberAct(new_id("act"), f"{action.value}_destination", row.id)
    return _done(uow, row, _Step(actor, act, event))


@handles(ConfirmTestTransfer, needs=Permission.DESTINATION_CHANGE)
def confirm_test(command: ConfirmTestTransfer, actor: Actor, uow: UnitOfWork) -> Answer:
    """Note that a test transfer arrived, on the word of a person of the member."""
    _require_person(actor)
    row, body = _own(uow, actor, command.destination_id), command.body
    after = next_status(_status(row, uow), DestinationAction.PROVE)
    sealed = _account(uow, row)
    _require_fitting(uow.chains, sealed, body)
    row = _move(uow, row, after, proven_by=actor.subject, proven_at=uow.now)
    arrived = StoredTest(body.tx, body.asset, body.amount)
    uow.seal(_key(uow, actor), row.id, store.TEST_TRANSFER, arrived.to_bytes())
    act = MemberAct(new_id("act"), "prove_destination", row.id)
    new = _Sealed(account=sealed, test=arrived)
    return _done(uow, row, _Step(actor, act, EventType.DESTINATION_PROVEN, new))


@handles(CloseDestination, needs=Permission.DESTINATION_CHANGE)
def close(command: CloseDestination, actor: Actor, uow: UnitOfWork) -> Answer:
    """Close a destination at once; it takes one person, as taking away does."""
    _require_person(actor)
    row = _own(uow, actor, command.destination_id)
    after = next_status(_status(row, uow), DestinationAction.CLOSE)
    row = _move(uow, row, after, closed_by=actor.subject, closed_at=uow.now)
    act = MemberAct(new_id("act"), "close_destination", row.id)
    return _done(uow, row, _Step(actor, act, EventType.DESTINATION_CLOSED))


def usable_destination(uow: UnitOfWork, partner: str, destination_id: str) -> StoredAccount:
    """Return the account of a partner's destination to which something may be sent now.

    Raises:
        NotFoundError: If the partner has no such destination.
        ConflictError: If it may not be used now; the code is `destination_` and why not.
    """
    row = store.get(uow.connection, destination_id, partner)
    if row is None:
        raise _no_such()
    why = why_not_now(uow, row)
    if why is not None:
        raise ConflictError(
            f"nothing may be sent to this destination now: {_WORDS[why]}"
            + (
                f" until {format_time(row.usable_at)}"
                if why is WhyNotUsable.TOO_NEW and row.usable_at is not None
                else ""
            ),
            code=f"destination_{why.value}",
            current_status=row.status,
        )
    return _account(uow, row)


def why_not_now(uow: UnitOfWork, row: DestinationRow) -> WhyNotUsable | None:
    """Return why nothing may be sent to a destination now; None: it may be used."""
    return why_not_usable(_status(row, uow), usable_at=row.usable_at, now=uow.now)


def destinations_of_account(
    uow: UnitOfWork, partner: str, account: Account
) -> Sequence[DestinationRow]:
    """Return a partner's destinations with this very account, tag included, that are not over."""
    return store.of_account(uow.connection, partner, uow.vault.blind_index(account.key))


def list_own(read: ReadContext, *, before: str | None, limit: int) -> list[DestinationRow]:
    """Return a page of the actor's partner's destinations, newest first."""
    return store.page(read.connection, read.actor.partner, before=before, limit=limit)


def read_own(read: ReadContext, destination_id: str) -> DestinationView:
    """Return one of the actor's partner's destinations.

    Raises:
        NotFoundError: If it has no such destination.
    """
    row = store.get(read.connection, destination_id, read.actor.partner)
    if row is None:
        raise _no_such()
    [view] = destination_views(read, [row])
    return view


def destination_views(read: ReadContext, rows: Sequence[DestinationRow]) -> list[DestinationView]:
    """Return destinations as their own member reads them."""
    ids = [row.id for row in rows]
    sealed = _sealed(read.connection, read.vault, ids)
    return [_view(row, _at(row, read), sealed.get(row.id, _NOTHING)) for row in rows]


class _Sealed(NamedTuple):
    """What is sealed of one destination, as far as it was not erased: body, account, test."""

    body: bytes | None = None
    account: StoredAccount | None = None
    test: StoredTest | None = None


_NOTHING = _Sealed()


def _sealed(connection: Connection, vault: Vault, ids: Sequence[str]) -> dict[str, _Sealed]:
    accounts, tests = store.accounts(connection, vault, ids), store.tests(connection, vault, ids)
    bodies = {
        owner: unpack_evidence(packed)[1]
        for owner, packed in load(connection, vault, ids, "evidence").items()
    }
    return {each: _Sealed(bodies.get(each), accounts.get(each), tests.get(each)) for each in ids}


@dataclass(frozen=True, slots=True)
class _Present:
    status: DestinationStatus
    why_not: WhyNotUsable | None


def _at(row: DestinationRow, at: ReadContext | UnitOfWork) -> _Present:
    status = _status(row, at)
    return _Present(status, why_not_usable(status, usable_at=row.usable_at, now=at.now))


def _status(row: DestinationRow, at: ReadContext | UnitOfWork) -> DestinationStatus:
    return present_status(DestinationStatus(row.status), decide_by=row.expires_at, now=at.now)


def _require_person(actor: Actor) -> None:
    if actor.kind is not ActorKind.PERSON:
        raise PermissionDeniedError("where money is sent takes people, not a system or a root key")


def _require_somebody_else(uow: UnitOfWork, actor: Actor) -> None:
    excluded = {each for each in (actor.person, actor.key_proposer) if each is not None}
    if not partner_store.eligible_leads(uow.connection, actor.partner, excluded):
        raise ConflictError(
            "no other security lead could approve this destination: have another one granted, or"
            " let somebody else propose it",
            code="too_few_leads",
        )


def _require_proposer_stands(uow: UnitOfWork, row: DestinationRow, *, is_approved: bool) -> None:
    """Refuse to register what a key proposed that was taken away: somebody else may have had it."""
    if is_approved and partner_store.standing(uow.connection, row.proposer_kid) is None:
        raise ConflictError(
            "the key that proposed this was taken away: reject it, and propose it again if it is"
            " still wanted",
            code="proposer_gone",
        )


def _require_fitting(chains: Chains, sealed: StoredAccount, body: ArrivedTest) -> None:
    """Refuse what cannot have arrived in this account."""
    chain = parse_account(chains, sealed.account, sealed.tag).chain
    faults = []
    try:
        parse_transaction(chain, body.tx)
    except TransactionError as error:
        faults.append(FieldFault("/tx", error.message, error.code))
    try:
        parse_asset(chains, body.asset, chain=chain)
    except AssetError as error:
        faults.append(FieldFault("/asset", error.message, error.code))
    if not int(body.amount):
        faults.append(FieldFault("/amount", "of a transfer is above 0", "zero_amount"))
    if faults:
        raise InvalidInputError("this cannot have arrived in the account", errors=faults)


def _own(uow: UnitOfWork, actor: Actor, destination_id: str) -> DestinationRow:
    own_partner(uow, actor)
    row = store.get(uow.connection, destination_id, actor.partner)
    if row is None:
        raise _no_such()
    return row


def _no_such() -> NotFoundError:
    return NotFoundError(
        "there is no such destination, or none of your organisation's", code="no_such_destination"
    )


def _account(uow: UnitOfWork, row: DestinationRow) -> StoredAccount:
    found = store.accounts(uow.connection, uow.vault, [row.id]).get(row.id)
    if found is None:
        raise ConflictError("what this destination is was erased", code="destination_erased")
    return found


def _key(uow: UnitOfWork, actor: Actor) -> DocumentKey:
    return uow.key(own_partner(uow, actor).document_key_id)


def _move(
    uow: UnitOfWork, row: DestinationRow, after: DestinationStatus, **values: object
) -> DestinationRow:
    if not store.change(uow.connection, row, after, **values):
        raise ConflictError("somebody else decided meanwhile; look again")
    moved = store.get(uow.connection, row.id, row.partner)
    if moved is None:
        raise AssertionError("changed in this very transaction")
    return moved


class _Step(NamedTuple):
    """What was done: the act and its event, by whom, and what this very transaction seals."""

    actor: Actor
    act: MemberAct
    event: EventType
    new: _Sealed = _NOTHING


def _done(uow: UnitOfWork, row: DestinationRow, step: _Step) -> Answer:
    """Store the act, tell the member's own of it, and answer with the destination as it is now."""
    actor, act, event, new = step
    present = _at(row, uow)
    stored = _sealed(uow.connection, uow.vault, [row.id])[row.id]
    sealed = _Sealed(
        new.body or stored.body, new.account or stored.account, new.test or stored.test
    )
    account = sealed.account
    told = {
        "partner": row.partner,
        "by": actor.subject,
        "destination": row.id,
        "destination_status": present.status.value,
        "account": None if account is None else account.account,
        "tag": None if account is None else account.tag,
        "usable_at": optional_time(row.usable_at),
    }
    key = _key(uow, actor)
    recorded = uow.record(event, told, key=key, audience=[row.partner])
    store_member_act(uow, actor, act, key, recorded)
    return Answer(201, {**_view(row, present, sealed)}, entry=recorded)


def _view(row: DestinationRow, present: _Present, sealed: _Sealed) -> DestinationView:
    account = sealed.account
    return {
        "id": row.id,
        "partner": row.partner,
        "destination_status": present.status,
        "account": None if account is None else account.account,
        "tag": None if account is None else account.tag,
        "label": None if account is None else account.label,
        "act_sha256": row.act_sha256,
        "body": None if sealed.body is None else sealed.body.decode(),
        "proposed_by": row.proposed_by,
        "proposed_at": format_time(row.proposed_at),
        "decide_by": format_time(row.expires_at),
        "decided_by": row.decided_by,
        "decided_at": optional_time(row.decided_at),
        "usable_at": optional_time(row.usable_at),
        "test_transfer": _test_view(row, sealed.test),
        "closed_by": row.closed_by,
        "closed_at": optional_time(row.closed_at),
        "why_not": present.why_not,
    }


def _test_view(row: DestinationRow, arrived: StoredTest | None) -> ArrivedTestView | None:
    if arrived is None or row.proven_by is None or row.proven_at is None:
        return None
    return {
        "tx": arrived.tx,
        "asset": arrived.asset,
        "amount": arrived.amount,
        "confirmed_by": row.proven_by,
        "confirmed_at": format_time(row.proven_at),
    }
