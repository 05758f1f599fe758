"""Answering return requests: what is proven, held and free goes back, and nothing a second time.

What it takes before anything is promised: two people of the requester, neither by the other's hand,
signed what is asked for. A coordinator that was broken into could name an account of its own, so
the destination comes from the requester's own bytes. What nobody proves waits for a person.

- All that is asked for is promised as far as the book has it; less is a part, nothing `no_balance`.
- What somebody else's claim lies on is not promised: `encumbered`, where nothing else is left.
- What was promised is booked, paid out and reported, each once: after a crash the book says how far
  we came, and every act goes out under an idempotency key made from the return request.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from holdfast import (
    Client,
    Document,
    KeyDirectory,
    ProvenAct,
    UntrustedEvidenceError,
    prove_evidence,
)
from holdfast.protocol.life_cycle_views import EncumbranceView
from holdfast.protocol.payloads import ReturnedLine
from holdfast.protocol.return_payloads import (
    ReturnAnswer,
    ReturnAsk,
    ReturnDecision,
    ReturnDestination,
    ReturnPart,
)
from holdfast.protocol.return_views import ReturnRequestView
from holdfast.protocol.views import EvidenceView, HoldView
from holdfast.protocol.vocabulary import (
    Blocked,
    Decision,
    EncumbranceStatus,
    LineKind,
    ReturnCode,
    ReturnStatus,
)
from reference_exchange.deposit_book import DepositBook
from reference_exchange.inbox import Inbox
from reference_exchange.untold import report_tellable

_log = logging.getLogger(__name__)
_PROMISED = frozenset({ReturnStatus.ACCEPTED, ReturnStatus.PARTIAL})
#: Nothing more is sent on these; what was set aside and not sent is free again.
_OVER = frozenset({ReturnStatus.REVOKED, ReturnStatus.REFUSED, ReturnStatus.WITHDRAWN})
_CODES = {True: ReturnCode.ENCUMBERED, False: ReturnCode.NO_BALANCE}
#: More than there is of anything.
_ALL = 2**256

#: Pays so much of an asset out to an account and returns the transaction; the first word tells one
#: payment from another, and asked again with it nothing is paid a second time.
Pay = Callable[[str, str, int, ReturnDestination], str]


def invented_payment(payment: str, _asset: str, _amount: int, _to: ReturnDestination) -> str:
    """Return the transaction of a payment that nobody makes; yours goes to your wallet system."""
    return "0x" + sha256(payment.encode()).hexdigest()


@dataclass(slots=True)
class ProvenReturns:
    """Tells what the requester's people signed, of a return request that we were told of.

    Attributes:
        inbox: Knows who proved the freeze request to us.
        directory: Whose key is whose.
        fetch: Returns a request's evidence.
    """

    inbox: Inbox
    directory: KeyDirectory
    fetch: Callable[[str], Iterable[EvidenceView]]

    def what_is_asked(self, request: Document, view: ReturnRequestView) -> ReturnAsk:
        """Return what is asked for, as two people of the requester signed it.

        Raises:
            UntrustedEvidenceError: They did not.
            ApiError: Keys or evidence could not be fetched; likewise TransportError.
        """
        wanted = {view.act_id, view.decided_act_id}
        acts = {
            shown.act: self._proven(request, shown)
            for shown in self.fetch(request.id)
            if shown.act_id in wanted
        }
        asked, approved = acts.get("ask_return"), acts.get("approve_return")
        if asked is None or approved is None:
            raise UntrustedEvidenceError("nobody shows who asks for it", code="no_evidence")
        ask, decision = asked.payload, approved.payload
        if not isinstance(ask, ReturnAsk) or not isinstance(decision, ReturnDecision):
            raise UntrustedEvidenceError("what was signed asks for nothing", code="bad_body")
        if (decision.act_sha256, decision.decision) != (asked.sha256, Decision.APPROVE):
            raise UntrustedEvidenceError("something else was approved", code="other_act")
        hands = {asked.key.subject, asked.key.person, asked.key.proposer}
        if {approved.key.subject, approved.key.person} & hands:
            raise UntrustedEvidenceError("one person asked and approved", code="four_eyes")
        return ask

    def _proven(self, request: Document, shown: EvidenceView) -> ProvenAct:
        if shown.partner is None or shown.partner != self.inbox.requester_of(request.id):
            raise UntrustedEvidenceError("it is by another than who asked us", code="other_partner")
        return prove_evidence(
            self.directory,
            shown,
            request_id=request.id,
            content_sha256=request.content_sha256,
        )


@dataclass(slots=True)
class GivingBack:
    """Answers return requests, and sends what was promised on them.

    Attributes:
        book: Where everything is booked before it is said.
        client: Of the desk.
        proven: What the requester's people signed.
        pay: Pays out.
    """

    book: DepositBook
    client: Client
    proven: ProvenReturns
    pay: Pay = invented_payment

    def settle(self, request: Document) -> None:
        """Answer what waits for us of a request's return requests, and send what we promised.

        Raises:
            ApiError: The coordinator refused; likewise TransportError. Try again later.
        """
        for view in self.client.return_requests(request.id):
            try:
                if view.return_status is ReturnStatus.OPEN:
                    ask = self.proven.what_is_asked(request, view)
                    self._send(request, self._answer(request, view, ask), ask)
                elif self._is_unsent(view):
                    self._send(request, view, self.proven.what_is_asked(request, view))
                elif view.return_status in _OVER:
                    self.book.drop_promise(view.id)
            except UntrustedEvidenceError as error:
                _log.error("%s is not proven, a person decides: %s", view.id, error)
            except ValueError as error:
                _log.error("%s is not in our books as it should be: %s", view.id, error)

    def _answer(
        self, request: Document, view: ReturnRequestView, ask: ReturnAsk
    ) -> ReturnRequestView:
        """Promise what is here and free, or say why nothing is."""
        holds = [hold for hold in self.client.holds(request.id) if _is_asked(hold, ask)]
        bound = _bound(self.client.encumbrances(request.id))
        left = _ALL if ask.amount == "all" else int(ask.amount)
        amounts: dict[str, int] = {}
        for hold in holds:
            free = self.book.unpromised(hold.id) - bound.get(hold.id, 0)
            amounts[hold.id] = min(max(free, 0), left)
            left -= amounts[hold.id]
        withheld = {hold.id for hold in holds if hold.withheld}
        parts = [
            ReturnPart(hold=each.hold, amount=None if each.hold in withheld else str(each.amount))
            for each in self.book.promise(view.id, amounts)
        ]
        is_bound = any(hold.id in bound for hold in holds)
        body = ReturnAnswer(
            content_sha256=request.content_sha256,
            act_sha256=view.act_sha256,
            decision="accept" if parts else "refuse",
            parts=parts or None,
            code=None if parts else _CODES[is_bound],
        )
        return self.client.act_on_return(view, body, "answer", idempotency_key=f"{view.id}.answer")

    def _is_unsent(self, view: ReturnRequestView) -> bool:
        """Tell whether something that we promised was not sent, or not reported."""
        sent = {part.hold for part in view.parts if part.sent != "0"}
        promised = {each.hold for each in self.book.promises(view.id)}
        return view.return_status in _PROMISED and not promised <= sent

    def _send(self, request: Document, view: ReturnRequestView, ask: ReturnAsk) -> None:
        """Pay out what was promised and say so, hold by hold."""
        # The book keeps promises as they were made, so a number stands for a hold for good.
        for number, promise in enumerate(self.book.promises(view.id)):
            payment = f"{view.id}.{number}"
            tx = promise.tx or self.pay(payment, ask.asset, promise.amount, ask.destination)
            self.book.send_promised(view.id, promise.hold, tx)
            line = ReturnedLine(
                kind=LineKind.RETURNED,
                hold=promise.hold,
                amount=str(promise.amount),
                tx=tx,
                return_request=view.id,
            )
            key, freeze_of = f"{payment}.returned", self.book.freeze_of
            report_tellable(self.client, request, [line], key, freeze_of=freeze_of)


def _is_asked(hold: HoldView, ask: ReturnAsk) -> bool:
    is_named = ask.holds == "all" or hold.id in ask.holds
    return is_named and hold.asset.lower() == ask.asset.lower()


def _bound(claims: Iterable[EncumbranceView]) -> dict[str, int]:
    """Return how much of each hold others claim; all of it where they name no amount."""
    bound: dict[str, int] = {}
    for claim in claims:
        is_over = claim.encumbrance_status is EncumbranceStatus.LIFTED
        if claim.hold is None or is_over or Blocked.RETURN not in claim.blocks:
            continue
        amount = _ALL if claim.amount is None else int(claim.amount)
        bound[claim.hold] = bound.get(claim.hold, 0) + amount
    return bound
