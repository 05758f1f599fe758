"""Changed payout accounts: shown by fresh proof, approved by another person, in force later.

Whoever takes over a desk or a wallet would have somebody else's money sent to an account of their
own. So nothing is paid on a claim from the moment that another account is proposed until it is in
force or rejected, and both sides hear of it at once.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypedDict

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.claim import PAYABLE
from coordinator.domain.errors import (
    ConflictError,
    FieldFault,
    InvalidInputError,
    NotFoundError,
    SelfApprovalError,
)
from coordinator.domain.payout_change import PayoutChangeAct, next_status, status_at
from coordinator.domain.permission import Permission
from coordinator.services.core.bus import handles
from coordinator.services.core.member_acts import MemberAct
from coordinator.services.core.unit_of_work import Answer, Recorded, UnitOfWork
from coordinator.services.restoring.restitutions import (
    RestitutionContext,
    in_force,
    visible_restitution,
)
from coordinator.storage.engine.documents import Vault, load
from coordinator.storage.restoring import claims as claim_store
from coordinator.storage.restoring import payout_changes as store
from coordinator.storage.tables.restitutions import ClaimRow, PayoutChangeRow
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.address_proofs.errors import AddressProofError
from holdfast.protocol.address_proofs.statement import AddressStatement, ProofPurpose
from holdfast.protocol.address_proofs.verification import verify_statement
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.format_errors import AccountError
from holdfast.protocol.payloads import format_time, optional_time
from holdfast.protocol.restitution_payloads import (
    AddressSignature,
    PayoutChange,
    PayoutChangeDecision,
)
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.type_ids import new_id
from holdfast.protocol.vocabulary import ClaimProof, ClaimStatus, EventType, PayoutChangeStatus

#: A signature of an earlier day is not fresh; yesterday is today somewhere.
_FRESH = timedelta(days=1)
_NO_SUCH = "there is no such claim, or none that you may change"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePayoutChange:
    """Whoever filed a claim wants it paid to another account."""

    restitution_id: str
    claim_id: str
    body: PayoutChange


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidePayoutChange:
    """Another person approves that account, or somebody concerned rejects it."""

    restitution_id: str
    claim_id: str
    change_id: str
    body: PayoutChangeDecision


class PayoutChangeView(TypedDict):
    """Another account of a claim (`restitution_views.PayoutChangeView`)."""

    id: str
    payout: str
    change_status: PayoutChangeStatus
    act_id: str
    act_sha256: str
    proposed_by: str
    proposed_at: str
    decided_by: str | None
    decided_at: str | None
    in_force_at: str | None


class PayoutChangeActView(TypedDict):
    """A change after an act on it (`restitution_views.PayoutChangeActView`)."""

    act_id: str
    change: PayoutChangeView


@dataclass(frozen=True, slots=True)
class PayTo:
    """Where a claim is paid.

    Attributes:
        changed: Since when which account held, CAIP-10, oldest first; before, the claim's own.
        change: One that is to take its place: while there is one, nothing is paid.
    """

    changed: tuple[tuple[datetime, str], ...] = ()
    change: PayoutChangeView | None = None

    def account(self, own: str, at: datetime | None = None) -> str:
        """Return the account that held at a time, `own` being the claim's; None: holds now."""
        held = [account for since, account in self.changed if at is None or since <= at]
        return held[-1] if held else own


@handles(ProposePayoutChange, needs=Permission.CLAIM_FILE)
def propose(command: ProposePayoutChange, actor: Actor, uow: UnitOfWork) -> Answer:
    """Store another account of a claim, shown anew as the claim was; nothing is paid meanwhile."""
    body = command.body
    on, claim = _locked(uow, actor, command.restitution_id, command.claim_id)
    if claim.filed_by != actor.partner:
        raise NotFoundError(_NO_SUCH)
    in_force(on, body.content_sha256)
    if ClaimStatus(claim.status) not in PAYABLE:
        raise ConflictError(
            f"a claim that is {claim.status} is not paid: object to that first",
            code="claim_not_payable",
            current_status=claim.status,
        )
    document = _document(on, claim)
    present = pay_to(uow.connection, uow.vault, [claim.id], uow.now)[claim.id]
    if present.change is not None:
        raise ConflictError(
            f"{present.change['id']} waits already: have it rejected, or wait until it is in force",
            code="payout_changing",
            current_status=claim.status,
        )
    account = require_payout(on, body.payout, "/payout")
    if account.display == present.account(document["payout"]):
        raise _fault("/payout", "is the account that it is paid to already", "same")
    _require_proof(on, claim, document, body, account)
    act_id, change_id = new_id("act"), new_id("poc")
    row = store.insert_change(
        uow.connection,
        id=change_id,
        claim_id=claim.id,
        act_id=act_id,
        act_sha256=uow.evidence.content_sha256,
        status=PayoutChangeStatus.PROPOSED.value,
        proposed_by=actor.subject,
        proposer=actor.person,
        proposed_at=uow.now,
        version=1,
    )
    sealed = canonical_json.dumps({"payout": account.display})
    uow.seal(on.key, change_id, store.DOCUMENT, sealed)
    told = {**_told(claim, row), "act_sha256": row.act_sha256}
    act = MemberAct(act_id, "propose_payout_account", claim.id)
    event = EventType.RESTITUTION_PAYOUT_CHANGE_PROPOSED
    recorded = on.record(act, event, told, also=[claim.filed_by])
    return _answer(act_id, _view(row, account.display, uow.now), recorded)


@handles(DecidePayoutChange, needs=Permission.CLAIM_FILE)
def decide(command: DecidePayoutChange, actor: Actor, uow: UnitOfWork) -> Answer:
    """Approve an account, which another person does than proposed it, or reject it."""
    body = command.body
    on, claim = _locked(uow, actor, command.restitution_id, command.claim_id)
    if actor.partner not in {claim.filed_by, on.row.opener}:
        raise NotFoundError(_NO_SUCH)
    row = store.get(uow.connection, claim.id, command.change_id)
    if row is None:
        raise NotFoundError("there is no such change of this claim's account")
    in_force(on, body.content_sha256)
    if body.act_sha256 != row.act_sha256:
        raise ConflictError(
            "act_sha256 is not that of what was proposed: read it again", code="other_change"
        )
    wanted = PayoutChangeAct(body.decision)
    after = next_status(_standing(row, uow.now), wanted)
    values: dict[str, object] = {"status": after.value, "in_force_at": None}
    if wanted is PayoutChangeAct.APPROVE:
        _require_another(on, claim, row)
        values["in_force_at"] = uow.now + uow.policies.payout_change_after
    changed = store.change(
        uow.connection, row, **values, decided_by=actor.subject, decided_at=uow.now
    )
    told = {
        **_told(claim, changed),
        "decision": body.decision,
        "in_force_at": optional_time(changed.in_force_at),
    }
    act_id = new_id("act")
    act = MemberAct(act_id, f"{body.decision}_payout_account", claim.id)
    event = EventType.RESTITUTION_PAYOUT_CHANGE_DECIDED
    recorded = on.record(act, event, told, also=[claim.filed_by])
    [shown] = _accounts(uow.connection, uow.vault, [changed]).values()
    return _answer(act_id, _view(changed, shown, uow.now), recorded)


def _answer(act_id: str, change: PayoutChangeView, recorded: Recorded) -> Answer:
    view: PayoutChangeActView = {"act_id": act_id, "change": change}
    return Answer(201, view, entry=recorded)


def _require_another(on: RestitutionContext, claim: ClaimRow, row: PayoutChangeRow) -> None:
    if on.actor.partner != claim.filed_by:
        raise NotFoundError("another person of whoever filed the claim approves its account")
    if on.actor.person == row.proposer:
        raise SelfApprovalError("whoever proposed an account does not approve it")


def _locked(
    uow: UnitOfWork, actor: Actor, restitution_id: str, claim_id: str
) -> tuple[RestitutionContext, ClaimRow]:
    row = visible_restitution(uow.connection, actor.viewer, restitution_id, lock=True)
    claim = claim_store.get(uow.connection, row.id, claim_id)
    if claim is None:
        raise NotFoundError(_NO_SUCH)
    return RestitutionContext(uow, actor, row), claim


def _document(on: RestitutionContext, claim: ClaimRow) -> JsonObject:
    uow = on.uow
    [raw] = load(uow.connection, uow.vault, [claim.id], claim_store.DOCUMENT).values()
    document: JsonObject = strict_json.loads(raw)
    return document


def _told(claim: ClaimRow, row: PayoutChangeRow) -> dict[str, object]:
    return {"claim": claim.id, "change": row.id, "filed_by": claim.filed_by}


# ---------- what proves it ----------


def require_payout(on: RestitutionContext, text: str, pointer: str) -> Account:
    """Return an account that the restitution can pay to.

    Raises:
        InvalidInputError: If it is none, or on another chain than what is paid.
    """
    try:
        account = parse_account(on.uow.chains, text)
    except AccountError as error:
        raise _fault(pointer, error.message, error.code) from None
    fault = other_chain(on, account)
    if fault is not None:
        raise _fault(pointer, fault, "other_chain")
    return account


def other_chain(on: RestitutionContext, account: Account | None) -> str | None:
    """Return why what is paid cannot arrive at an account; None where it can, or there is none."""
    chain = on.uow.chains.get(on.row.asset.partition("/")[0])
    if chain is None or account is None or account.chain.caip2 == chain.caip2:
        return None
    return f"is on {account.chain.name}, and what is paid is on {chain.name}: name an account there"


def _require_proof(
    on: RestitutionContext,
    claim: ClaimRow,
    document: JsonObject,
    body: PayoutChange,
    account: Account,
) -> None:
    """Refuse a change that is not shown as its claim was."""
    proof = ClaimProof(claim.proof)
    if body.signatures and proof is not ClaimProof.SIGNATURE:
        raise _fault("/signatures", "are of a claim that was proven by them", "other_proof")
    if proof is ClaimProof.DOCUMENTS and not body.documents:
        detail = "name the hashes of the documents that prove it anew"
        raise _fault("/documents", detail, "no_proof")
    if proof is not ClaimProof.SIGNATURE:
        return
    addresses, given = document["addresses"], body.signatures or []
    if len(given) != len(addresses):
        detail = "give one for each address of the claim, in the same order"
        raise _fault("/signatures", detail, "no_proof")
    faults = [*_faults_of_signatures(on, document, given, account)]
    if faults:
        raise InvalidInputError("the proof is not good", errors=faults)


def _faults_of_signatures(
    on: RestitutionContext,
    document: JsonObject,
    given: Collection[AddressSignature],
    account: Account,
) -> Iterator[FieldFault]:
    uow, row = on.uow, on.row
    today = uow.now.date()
    for number, (address, each) in enumerate(zip(document["addresses"], given, strict=True)):
        try:
            statement = AddressStatement(
                coordinator=uow.origin,
                incident=row.incident_id,
                restitution=row.id,
                claim=document["ref"],
                purpose=ProofPurpose.PAYOUT_ACCOUNT,
                account=parse_account(uow.chains, address),
                signed_on=date.fromisoformat(each.signed_on),
                pay_to=account,
            )
            verify_statement(statement, each.signature, earliest=today - _FRESH, today=today)
        except AddressProofError as error:
            yield FieldFault(f"/signatures/{number}", str(error), error.fault.value)
        except ValueError:
            detail = "is no date that exists: write it as 2026-03-02"
            yield FieldFault(f"/signatures/{number}/signed_on", detail, "bad_date")


def _fault(pointer: str, detail: str, code: str) -> InvalidInputError:
    return InvalidInputError(
        f"{pointer.removeprefix('/')} {detail}", errors=[FieldFault(pointer, detail, code)]
    )


# ---------- reading ----------


def pay_to(
    connection: Connection, vault: Vault, claim_ids: Collection[str], now: datetime
) -> dict[str, PayTo]:
    """Return where each of a page of claims is paid, in two queries at most."""
    rows = store.of_claims(connection, claim_ids)
    accounts = _accounts(connection, vault, rows)
    found: dict[str, PayTo] = {claim_id: PayTo() for claim_id in claim_ids}
    for row in rows:
        before, account = found[row.claim_id], accounts[row.id]
        if row.in_force_at is not None and row.in_force_at <= now:
            since = (row.in_force_at, account)
            found[row.claim_id] = replace(before, changed=(*before.changed, since))
        else:
            found[row.claim_id] = replace(before, change=_view(row, account, now))
    return found


def changing(connection: Connection, claim_ids: Collection[str], now: datetime) -> set[str]:
    """Return those claims on which nothing is paid, for their account is being changed."""
    return {
        row.claim_id
        for row in store.of_claims(connection, claim_ids)
        if _standing(row, now) is not PayoutChangeStatus.IN_FORCE
    }


def _accounts(
    connection: Connection, vault: Vault, rows: Collection[PayoutChangeRow]
) -> dict[str, str]:
    if not rows:
        return {}
    packed = load(connection, vault, [row.id for row in rows], store.DOCUMENT)
    return {each: strict_json.loads(raw)["payout"] for each, raw in packed.items()}


def _standing(row: PayoutChangeRow, now: datetime) -> PayoutChangeStatus:
    return status_at(PayoutChangeStatus(row.status), row.in_force_at, now)


def _view(row: PayoutChangeRow, account: str, now: datetime) -> PayoutChangeView:
    return {
        "id": row.id,
        "payout": account,
        "change_status": _standing(row, now),
        "act_id": row.act_id,
        "act_sha256": row.act_sha256,
        "proposed_by": row.proposed_by,
        "proposed_at": format_time(row.proposed_at),
        "decided_by": row.decided_by,
        "decided_at": optional_time(row.decided_at),
        "in_force_at": optional_time(row.in_force_at),
    }
