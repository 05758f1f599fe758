"""Answering recovery requests: what came by mistake goes back to the account that sent it.

That account our own book knows from the chain, so nobody's word sends money anywhere. What is to go
to another account, or came from another than is said, is left to a person; a drill moves nothing.

A deposit is set aside for the first who asks, in one transaction; what is paid bears a word of its
own, and acts go out under idempotency keys made from what they say: a crash repeats nothing.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from holdfast import Client
from holdfast.protocol import canonical_json
from holdfast.protocol.recovery_payloads import (
    DepositAnswer,
    DepositDeclined,
    DepositFound,
    DepositNeeds,
    DepositNotFound,
    DepositReturned,
)
from holdfast.protocol.recovery_views import DepositView, RecoveryView
from holdfast.protocol.vocabulary import DepositStatus, RecoveryCode, RecoveryNeed
from reference_exchange.deposit_book import DepositBook, Stray

_log = logging.getLogger(__name__)
#: Pays so much of an asset out to an account and returns the transaction; asked again with the same
#: first word it pays nothing a second time.
PayBack = Callable[[str, str, int, str], str]


def invented_payment(payment: str, _asset: str, _amount: int, _to: str) -> str:
    """Return the transaction of a payment that nobody makes; yours goes to your wallet system."""
    return "0x" + sha256(payment.encode()).hexdigest()


@dataclass(slots=True)
class Misplaced:
    """Answers what others ask back that came to us by mistake.

    Attributes:
        book: Knows what came, and from where.
        client: Of the desk.
        fees: What returning costs us, in base units, by asset; nothing where it names none.
        pay: Pays out.
    """

    book: DepositBook
    client: Client
    fees: dict[str, int]
    pay: PayBack = invented_payment

    def settle(self, recovery_id: str) -> None:
        """Answer the deposits of a recovery request that wait for us, and send back what is here.

        Raises:
            ApiError: The coordinator refused; likewise TransportError. Try again later.
        """
        request = self.client.recovery(recovery_id)
        if request.partner != self.client.profile.handle:
            return
        waiting = [
            each
            for each in self.client.misplaced_deposits(recovery_id)
            if each.status is DepositStatus.OPEN
        ]
        self._say(request, [line for each in waiting if (line := self._answer(request, each))])
        if request.drill:
            return
        found = self.client.misplaced_deposits(recovery_id, status=DepositStatus.FOUND)
        self._say(request, [self._return(request, each) for each in list(found)])

    def _say(self, request: RecoveryView, lines: list[DepositAnswer]) -> None:
        if lines:
            said = canonical_json.dumps([line.model_dump(mode="json") for line in lines])
            key = f"{request.id}.{sha256(said).hexdigest()[:16]}"
            self.client.answer_recovery(request, lines, idempotency_key=key)

    def _answer(self, request: RecoveryView, deposit: DepositView) -> DepositAnswer | None:
        """Return what we say of one deposit; None: a person does."""
        stray = self.book.stray(deposit.account, deposit.tx)
        if stray is None or stray.asset.lower() != deposit.asset.lower():
            return DepositNotFound(kind="not_found", no=deposit.no)
        if stray.is_credited:
            code = RecoveryCode.CREDITED_AND_SPENT
            return DepositDeclined(kind="declined", no=deposit.no, code=code)
        is_sender = self.book.is_same_account(stray.sender, deposit.sent_from)
        if not is_sender or not self.book.is_same_account(stray.sender, deposit.return_to):
            _log.error(
                "%s, deposit %s: to another account, a person decides", request.id, deposit.no
            )
            return None
        return self._offer(request, deposit, stray)

    def _offer(self, request: RecoveryView, deposit: DepositView, stray: Stray) -> DepositAnswer:
        """Return what we say of a deposit that is here and may go back."""
        fee = self.fees.get(stray.asset, 0)
        claimed = f"{request.id}.{deposit.no}"
        if fee >= stray.amount:
            return DepositDeclined(kind="declined", no=deposit.no, code=RecoveryCode.UNECONOMIC)
        if fee > int(deposit.fee_accepted):
            needed = [RecoveryNeed.HIGHER_FEE]
            return DepositNeeds(kind="needs", no=deposit.no, missing=needed, fee=str(fee))
        if not request.drill and not self.book.give_stray(deposit.account, deposit.tx, claimed):
            return DepositDeclined(kind="declined", no=deposit.no, code=RecoveryCode.CANNOT_SAY)
        return DepositFound(
            kind="found",
            no=deposit.no,
            amount=str(stray.amount),
            sent_from=stray.sender,
            fee=str(fee),
        )

    def _return(self, request: RecoveryView, deposit: DepositView) -> DepositAnswer:
        fee = int(deposit.fee or "0")
        amount = int(deposit.found_amount or "0") - fee
        payment = f"{request.id}.{deposit.no}"
        tx = self.pay(payment, deposit.asset, amount, deposit.return_to)
        return DepositReturned(
            kind="returned", no=deposit.no, tx=tx, amount=str(amount), fee=str(fee)
        )
