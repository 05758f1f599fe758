"""Lines about deposits, taken one by one: the rules of each, and the whole act or nothing of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from coordinator.domain.amount import parse_amount
from coordinator.domain.errors import ConflictError, CoordinatorError, FieldFault
from coordinator.domain.recovery import (
    Awaits,
    DepositAct,
    next_deposit_status,
    require_fee_within,
    require_whole_return,
)
from coordinator.services.core.unit_of_work import Answer, UnitOfWork, unpack_evidence
from coordinator.services.requests.act_proofs import ActToProve
from coordinator.services.restoring.recovery_context import (
    RecoveryContext,
    new_act_id,
    side_due_at,
    turns,
)
from coordinator.storage.engine.documents import load
from coordinator.storage.restoring import recovery_requests as store
from coordinator.storage.tables.recovery import RecoveryDepositRow
from holdfast.protocol import strict_json
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import Chain
from holdfast.protocol.chains.format_errors import AccountError, AmountError, TransactionError
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.payloads import optional_time
from holdfast.protocol.recovery_payloads import (
    DepositAnswer,
    DepositConfirmed,
    DepositDeclined,
    DepositFound,
    DepositNeeds,
    DepositNotFound,
    DepositNotReceived,
    DepositReply,
    DepositReturned,
    DepositSupplied,
)
from holdfast.protocol.strict_json import JsonObject
from holdfast.protocol.vocabulary import DepositStatus, EventType

#: Deposits that an event names; of more, the list is read at its link.
_IN_EVENT = 50


class ToldDeposit(TypedDict):
    """A deposit that an event names, and what it became (`events.DepositLine`)."""

    no: int
    deposit_status: str


@dataclass(slots=True)
class MovingDeposit:
    """A deposit while an act is under way: what is written of it at the end."""

    no: int
    uow: UnitOfWork
    row: RecoveryDepositRow
    values: store.ChangingDeposit = field(init=False)

    def __post_init__(self) -> None:
        self.values = store.ChangingDeposit(*[getattr(self.row, each) for each in store.CHANGING])

    @property
    def status(self) -> DepositStatus:
        """How it stands by now."""
        return DepositStatus(self.values.status)

    def move(self, act: DepositAct) -> None:
        """Have it become what an act makes of it, with the time until when it is due.

        Raises:
            InvalidTransitionError: If it takes no such act.
        """
        after = next_deposit_status(self.no, self.status, act)
        self.values.status = after.value
        self.values.due_at = self.uow.policies.recovery.due_at(after, self.uow.now)


class DepositLines:
    """The lines of one act: every fault is kept, and nothing is written where there is one.

    Args:
        on: The act under way.
        rows: The deposits that it names, by number.
        pointer: Where the lines stand in the body.
    """

    def __init__(
        self, on: RecoveryContext, rows: Mapping[int, RecoveryDepositRow], pointer: str
    ) -> None:
        self.act_id = new_act_id()
        self._on = on
        self._pointer = pointer
        self._deposits = {no: MovingDeposit(no, on.uow, row) for no, row in rows.items()}
        self._named: dict[int, MovingDeposit] = {}
        self._faults: list[FieldFault] = []
        self._count = 0

    def take(self, no: int, act: Callable[[MovingDeposit], None]) -> None:
        """Take the next line, about one deposit."""
        pointer = f"{self._pointer}/{self._count}"
        self._count += 1
        deposit = self._deposits.get(no)
        if deposit is None:
            detail = f"this request has no deposit {no}, or it was asked for before, elsewhere"
            self._faults.append(FieldFault(pointer, detail, "no_such_deposit"))
            return
        try:
            act(deposit)
        except CoordinatorError as error:
            self._faults.append(FieldFault(pointer, error.message, error.code))
        self._named[no] = deposit

    def finish(self, kind: str, event: EventType) -> Answer:
        """Write what became of the deposits, and tell both sides.

        Raises:
            ConflictError: `invalid_lines`, with every fault.
        """
        if self._faults:
            raise ConflictError(
                f"{len(self._faults)} of {self._count} lines cannot be taken; nothing was stored",
                code="invalid_lines",
                errors=self._faults,
            )
        on, connection = self._on, self._on.uow.connection
        changed = {no: each.values for no, each in self._named.items()}
        store.write_deposits(connection, on.request.id, changed)
        counted = store.counted(connection, [on.request.id])[on.request.id]
        waiting = turns(counted.by_status)
        on = on.change(
            awaits_partner=waiting.partner,
            awaits_requester=waiting.requester,
            partner_due_at=side_due_at(counted, Awaits.PARTNER),
            requester_due_at=side_due_at(counted, Awaits.REQUESTER),
        )
        named = sorted(self._named)
        lines: list[ToldDeposit] = [
            {"no": no, "deposit_status": self._named[no].status.value} for no in named[:_IN_EVENT]
        ]
        told = {
            "act_id": self.act_id,
            "line_count": len(named),
            "deposits": lines,
            "deposits_cut": len(named) > _IN_EVENT,
            "awaits_partner": waiting.partner,
            "awaits_requester": waiting.requester,
            "due_at": optional_time(counted.due_at),
            "href": on.uow.link(f"/v1/recovery-requests/{on.request.id}"),
            "evidence": on.proofs([ActToProve(self.act_id, kind, on.actor.kid)]),
        }
        recorded = on.record(event, told, on.request.requester, on.request.partner)
        on.store_act(self.act_id, kind, recorded)
        return on.result(self.act_id, counted, recorded)


@dataclass(frozen=True, slots=True)
class Answering:
    """What the partner's lines are checked against.

    Attributes:
        act_id: The act under way.
        words: What the deposits say, by number.
        elsewhere: Deposits that the partner gave back upon another request.
        sent_before: The transactions by which deposits are said to have gone back already.
    """

    on: RecoveryContext
    act_id: str
    words: Mapping[int, JsonObject]
    elsewhere: set[bytes]
    sent_before: Mapping[int, str]

    def take(self, deposit: MovingDeposit, line: DepositAnswer) -> None:
        """Take one answer.

        Raises:
            CoordinatorError: Whatever the rules refuse.
        """
        match line:
            case DepositFound():
                self._find(deposit, line)
            case DepositNotFound():
                deposit.move(DepositAct.MISS)
            case DepositNeeds():
                deposit.move(DepositAct.NEED)
            case DepositDeclined():
                deposit.move(DepositAct.DECLINE)
            case DepositReturned():
                self._return(deposit, line)
        deposit.values.code = line.code.value if isinstance(line, DepositDeclined) else None
        deposit.values.answer_act_id = self.act_id
        deposit.values.answered_at = self.on.uow.now

    def _find(self, deposit: MovingDeposit, line: DepositFound) -> None:
        amount, fee = _units(line.amount), _units(line.fee)
        account = self._account(deposit.no, "account")
        sender = _parsed(self.on.uow, line.sent_from)
        if (sender.chain, sender.address) != _place(self._account(deposit.no, "sent_from")):
            raise ConflictError(
                f"deposit {deposit.no}: it came from another account than the requester says; say"
                f" `not_found`, or `needs`, and never send it there ({account.chain.name})",
                code="other_sender",
            )
        if fee > amount or not amount:
            raise ConflictError(
                f"deposit {deposit.no}: what was found is above 0, and the fee no more than that",
                code="fee_above_amount",
            )
        accepted, stated = deposit.row.fee_accepted, deposit.values.fee
        require_fee_within(deposit.no, fee, accepted=accepted, stated=stated)
        deposit.move(DepositAct.FIND)
        deposit.values.found_amount, deposit.values.fee = amount, fee
        deposit.values.found_at = deposit.values.found_at or self.on.uow.now

    def _return(self, deposit: MovingDeposit, line: DepositReturned) -> None:
        no, values = deposit.no, deposit.values
        deposit.move(DepositAct.RETURN)
        found, stated = values.found_amount, values.fee
        amount, fee = _units(line.amount), _units(line.fee)
        require_fee_within(no, fee, accepted=deposit.row.fee_accepted, stated=stated)
        require_whole_return(no, amount=amount, fee=fee, found=found or 0)
        chain = self._account(no, "account").chain
        tx = _transaction(chain, line.tx)
        known = [self.words[no]["tx"]]
        if no in self.sent_before:
            known.append(self.sent_before[no])
        # As they were typed: each is read by the chain's form before it is compared.
        if tx in {_transaction(chain, each) for each in known}:
            raise ConflictError(
                f"deposit {no}: this transaction is known already; name the one that returned it",
                code="same_tx",
            )
        if deposit.row.deposit_index in self.elsewhere:
            raise ConflictError(
                f"deposit {no}: you returned this deposit upon another request already",
                code="returned_already",
            )
        values.return_act_id, values.returned_at = self.act_id, self.on.uow.now

    def _account(self, no: int, member: str) -> Account:
        return _parsed(self.on.uow, self.words[no][member])


def _place(account: Account) -> tuple[Chain, str]:
    return account.chain, account.address


def _parsed(uow: UnitOfWork, text: str) -> Account:
    try:
        return parse_account(uow.chains, text)
    except AccountError as error:
        raise ConflictError(f"sent_from {error.message}", code=error.code) from None


def _units(text: str) -> int:
    try:
        return parse_amount(text)
    except AmountError as error:
        raise ConflictError(error.message, code=error.code) from None


def _transaction(chain: Chain, text: str) -> str:
    try:
        return parse_transaction(chain, text)
    except TransactionError as error:
        raise ConflictError(f"tx {error.message}", code=error.code) from None


def sent_before(on: RecoveryContext, rows: Sequence[RecoveryDepositRow]) -> dict[int, str]:
    """Return by which transaction each of these deposits is said to have gone back."""
    acts = {row.return_act_id for row in rows if row.return_act_id is not None}
    packed = load(on.uow.connection, on.uow.vault, sorted(acts), "evidence")
    found: dict[int, str] = {}
    for content in packed.values():
        for line in strict_json.loads(unpack_evidence(content)[1])["lines"]:
            if line["kind"] == DepositAct.RETURN.value:
                found[line["no"]] = line["tx"]
    return found


def take_reply(deposit: MovingDeposit, line: DepositReply, act_id: str) -> None:
    """Take one line of the requester's.

    Raises:
        InvalidTransitionError: If the deposit takes no such act.
    """
    match line:
        case DepositSupplied():
            deposit.move(DepositAct.SUPPLY)
        case DepositConfirmed():
            deposit.move(DepositAct.CONFIRM)
            deposit.values.confirmed_at = deposit.uow.now
        case DepositNotReceived():
            deposit.move(DepositAct.CONTEST)
    deposit.values.reply_act_id = act_id
    deposit.values.replied_at = deposit.uow.now
