"""What is checked of misplaced deposits before any transaction: accounts, assets, sums, doubles.

All faults are named at once, each with a JSON pointer, so that a list of thousands can be corrected
in one pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from coordinator.domain.amount import parse_amount
from coordinator.domain.errors import FieldFault, InvalidInputError
from coordinator.storage.engine.documents import Vault
from coordinator.storage.restoring.recovery_requests import NewDeposit
from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.asset import parse_asset
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import (
    AccountError,
    AmountError,
    AssetError,
    TransactionError,
)
from holdfast.protocol.chains.transaction import parse_transaction
from holdfast.protocol.recovery_payloads import MisplacedDeposit, RecoveryRequest
from holdfast.protocol.strict_json import JsonObject

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CheckedDeposit:
    """A deposit that was accepted; `elsewhere` is where it is to go, if not back to its sender."""

    new: NewDeposit
    elsewhere: Account | None


@dataclass(frozen=True, slots=True)
class _Read:
    account: Account
    sent_from: Account
    return_to: Account
    asset: str
    tx: str
    fee_accepted: int


def check_deposits(
    document: RecoveryRequest, chains: Chains, vault: Vault
) -> Sequence[CheckedDeposit]:
    """Return the deposits of a document, in its order.

    Raises:
        InvalidInputError: With every fault of every deposit.
    """
    faults: list[FieldFault] = []
    found: list[CheckedDeposit] = []
    seen: dict[bytes, int] = {}
    for no, deposit in enumerate(document.deposits):
        reader = _Reader(chains, f"/deposits/{no}")
        read = reader.read(deposit)
        faults += reader.faults
        if read is None:
            continue
        index = _index(vault, read, is_drill=document.drill)
        first = seen.setdefault(index, no)
        if first != no:
            detail = f"is the same transaction to the same account as deposit {first}; name it once"
            faults.append(FieldFault(f"/deposits/{no}", detail, "doubled"))
        new = NewDeposit(no, index, read.fee_accepted, _words(deposit, read))
        elsewhere = None if _goes_back(read) else read.return_to
        found.append(CheckedDeposit(new, elsewhere))
    if faults:
        raise InvalidInputError(
            f"{len(faults)} fault(s) in {len(document.deposits)} deposits; nothing was stored",
            code="invalid_deposits",
            errors=faults,
        )
    return found


class _Reader:
    """Reads one deposit, and keeps what is wrong with it."""

    def __init__(self, chains: Chains, pointer: str) -> None:
        self._chains = chains
        self._pointer = pointer
        self.faults: list[FieldFault] = []

    def read(self, deposit: MisplacedDeposit) -> _Read | None:
        """Return what a deposit says, in canonical form; None where something is wrong."""
        account = self._account("account", deposit.account, "tag", deposit.tag)
        sent_from = self._account("sent_from", deposit.sent_from, None, None)
        return_to = self._account("return_to", deposit.return_to, "return_tag", deposit.return_tag)
        amount, fee = self._amount("amount", deposit.amount), self._fee(deposit)
        if account is None or sent_from is None or return_to is None:
            return None
        asset, tx = self._asset(deposit, account), self._tx(deposit, account)
        self._require_one_chain(account, sent_from, return_to)
        if _place(sent_from) == _place(account):
            self._fault("sent_from", "is the account that it arrived at", "same_account")
        if amount is not None and fee is not None and fee > amount:
            self._fault("fee_accepted", "is more than the deposit", "fee_above_amount")
        if _place(return_to) != _place(sent_from) and deposit.proof is None:
            detail = "is needed where it does not go back to its sender: whose deposit was it?"
            self._fault("proof", detail, "proof_needed")
        if self.faults or asset is None or tx is None or fee is None:
            return None
        return _Read(account, sent_from, return_to, asset, tx, fee)

    def _fault(self, member: str, detail: str, code: str) -> None:
        self.faults.append(FieldFault(f"{self._pointer}/{member}", detail, code))

    def _account(
        self, member: str, text: str, tag_member: str | None, tag: str | None
    ) -> Account | None:
        try:
            return parse_account(self._chains, text, tag)
        except AccountError as error:
            is_tag = error.code == "bad_tag" and tag_member is not None and tag is not None
            self._fault(tag_member if is_tag and tag_member else member, error.message, error.code)
            return None

    def _asset(self, deposit: MisplacedDeposit, account: Account) -> str | None:
        try:
            return parse_asset(self._chains, deposit.asset, chain=account.chain)
        except AssetError as error:
            self._fault("asset", error.message, error.code)
            return None

    def _tx(self, deposit: MisplacedDeposit, account: Account) -> str | None:
        try:
            return parse_transaction(account.chain, deposit.tx)
        except TransactionError as error:
            self._fault("tx", error.message, error.code)
            return None

    def _fee(self, deposit: MisplacedDeposit) -> int | None:
        return self._units("fee_accepted", deposit.fee_accepted)

    def _amount(self, member: str, text: str) -> int | None:
        amount = self._units(member, text)
        if amount == 0:
            self._fault(member, "of a deposit is above 0", "zero_amount")
        return amount

    def _units(self, member: str, text: str) -> int | None:
        try:
            return parse_amount(text)
        except AmountError as error:
            self._fault(member, error.message, error.code)
            return None

    def _require_one_chain(self, account: Account, sent_from: Account, return_to: Account) -> None:
        for member, each in (("sent_from", sent_from), ("return_to", return_to)):
            if each.chain is not account.chain:
                detail = (
                    f"is on {each.chain.name}, and the deposit arrived on {account.chain.name}:"
                    " it goes back by the chain by which it came"
                )
                self._fault(member, detail, "wrong_chain")


def _place(account: Account) -> str:
    """Return an account without its tag."""
    return f"{account.chain.caip2}:{account.address}"


def _goes_back(read: _Read) -> bool:
    return _place(read.return_to) == _place(read.sent_from)


def _index(vault: Vault, read: _Read, *, is_drill: bool) -> bytes:
    """Return what stands for a deposit: its transaction and the account, whatever the tag."""
    kind = "recovery-drill" if is_drill else "recovery"
    named = sha256(f"{read.tx}?{_place(read.account)}".encode()).hexdigest()
    return vault.blind_index(f"{kind}?{named}")


def _words(deposit: MisplacedDeposit, read: _Read) -> JsonObject:
    """Return what a deposit says, its accounts, asset and transaction in one spelling each."""
    words: JsonObject = deposit.model_dump(mode="json", exclude_none=True)
    words |= {
        "account": read.account.display,
        "asset": read.asset,
        "tx": read.tx,
        "sent_from": read.sent_from.display,
        "return_to": read.return_to.display,
    }
    for member, account in (("tag", read.account), ("return_tag", read.return_to)):
        if account.tag is not None:
            words[member] = account.tag
    return words
