"""What follows the first answer to a request: withdrawals, ends of holds, disputes, statistics.

Part of `Client`; see there for errors and idempotency keys.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from holdfast.client.core import REQUESTS, ClientCore, RequestRef, parse_view
from holdfast.client.transport import Transport
from holdfast.protocol.hold_payloads import ExtensionRequest, HoldExtension
from holdfast.protocol.life_cycle_payloads import (
    Dispute,
    DisputeResolution,
    InfoAnswer,
    InfoRequest,
    LegalOrder,
    PartnersAddition,
)
from holdfast.protocol.life_cycle_views import (
    AdditionView,
    DisputeView,
    DraftView,
    IncidentDetailView,
    InfoRequestView,
    LegalOrderView,
    StatisticsView,
    TimelineEntry,
    TracePage,
    YearlySummary,
)
from holdfast.protocol.payloads import Closure, Withdrawal, format_time
from holdfast.protocol.views import (
    ActView,
    HoldActView,
    HoldView,
    IncidentSummary,
    OwedHoldView,
)
from holdfast.protocol.vocabulary import HoldBasis


class LifeCycleActs(ClientCore):
    """Withdrawing, extending, asking, contesting, and reading what is owed."""

    # --- the requesting side
    # ----------------------------------------------------------------------------

    def withdraw(
        self,
        request: RequestRef,
        reason: str,
        *,
        addresses: Sequence[int] | None = None,
        idempotency_key: str | None = None,
    ) -> ActView:
        """Withdraw all addresses, or those given by their numbers."""
        body = Withdrawal(
            content_sha256=request.content_sha256,
            addresses="all" if addresses is None else list(addresses),
            reason=reason,
        )
        return self._act(request, "withdrawal", body, idempotency_key)

    def close(
        self, request: RequestRef, reason: str | None = None, *, idempotency_key: str | None = None
    ) -> ActView:
        """Close a request on which no hold is open."""
        body = Closure(content_sha256=request.content_sha256, reason=reason)
        return self._act(request, "closure", body, idempotency_key)

    def ask_extension(
        self,
        request: RequestRef,
        hold: str,
        until: datetime,
        reason: str,
        *,
        idempotency_key: str | None = None,
    ) -> ActView:
        """Ask the partner that holds to hold until `until`; it decides."""
        body = ExtensionRequest.model_validate(
            {
                "content_sha256": request.content_sha256,
                "hold": hold,
                "hold_expires_at": format_time(until),
                "reason": reason,
            }
        )
        return self._act(request, "extension-requests", body, idempotency_key)

    def answer(
        self,
        request: RequestRef,
        info_request_id: str,
        text: str,
        *,
        idempotency_key: str | None = None,
    ) -> InfoRequestView:
        """Answer a partner's question."""
        body = InfoAnswer(content_sha256=request.content_sha256, text=text)
        path = f"{REQUESTS}/{request.id}/info-requests/{info_request_id}/answer"
        return self._post(InfoRequestView, path, body, idempotency_key)

    def resolve_dispute(
        self,
        request: RequestRef,
        dispute_id: str,
        *,
        is_upheld: bool,
        text: str,
        idempotency_key: str | None = None,
    ) -> DisputeView:
        """Answer a partner's dispute: agree with it (`is_upheld`) or not."""
        body = DisputeResolution(
            content_sha256=request.content_sha256,
            resolution="upheld" if is_upheld else "rejected",
            text=text,
        )
        path = f"{REQUESTS}/{request.id}/disputes/{dispute_id}/resolution"
        return self._post(DisputeView, path, body, idempotency_key)

    def add_partners(
        self,
        request: RequestRef,
        to: Sequence[str],
        *,
        nonce: str | None = None,
        idempotency_key: str | None = None,
    ) -> AdditionView:
        """Propose more partners for a live request.

        Another lead approves with `decide`, given the addition's `context_sha256`.
        """
        members = {"content_sha256": request.content_sha256, "to": list(to)}
        if nonce is not None:
            members["nonce"] = nonce
        body = PartnersAddition.model_validate(members)
        return self._post(AdditionView, f"{REQUESTS}/{request.id}/partners", body, idempotency_key)

    def additions(self, request_id: str) -> Iterator[AdditionView]:
        """Yield what was proposed for one's own request, with the context to decide on."""
        return self._pages(AdditionView, f"{REQUESTS}/{request_id}/partners")

    def drafts(self, request_id: str) -> Iterator[DraftView]:
        """Yield drafts of follow-on requests, one for each leg that said where funds went."""
        return self._pages(DraftView, f"{REQUESTS}/{request_id}/drafts")

    # --- the asked side
    # ---------------------------------------------------------------------------------

    def extend(  # noqa: PLR0913 - the parts of an extension
        self,
        request: RequestRef,
        hold: str,
        until: datetime,
        basis: HoldBasis,
        note: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> HoldActView:
        """Hold until `until` (with a legal order: a review date); a lapsed hold is alive again."""
        members = {
            "content_sha256": request.content_sha256,
            "hold": hold,
            "hold_expires_at": format_time(until),
            "basis": basis.value,
        }
        if note:
            members["note"] = note
        body = HoldExtension.model_validate(members)
        return self._post(
            HoldActView, f"{REQUESTS}/{request.id}/hold-extensions", body, idempotency_key
        )

    def ask(
        self,
        request: RequestRef,
        missing: Sequence[str],
        text: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> InfoRequestView:
        """Ask the requester for what is needed before one can act."""
        body = InfoRequest(content_sha256=request.content_sha256, missing=list(missing), text=text)
        path = f"{REQUESTS}/{request.id}/info-requests"
        return self._post(InfoRequestView, path, body, idempotency_key)

    def dispute(
        self,
        request: RequestRef,
        reference: str,
        text: str,
        *,
        hold: str | None = None,
        idempotency_key: str | None = None,
    ) -> DisputeView:
        """Contest for a customer; `reference` is an opaque word, never the customer's number."""
        members = {
            "content_sha256": request.content_sha256,
            "reference": reference,
            "text": text,
        }
        if hold is not None:
            members["hold"] = hold
        body = Dispute.model_validate(members)
        return self._post(DisputeView, f"{REQUESTS}/{request.id}/disputes", body, idempotency_key)

    def attach_order(  # noqa: PLR0913 - the parts of an order
        self,
        request: RequestRef,
        *,
        agency: str,
        reference: str,
        document_sha256: str,
        hold: str | None = None,
        idempotency_key: str | None = None,
    ) -> LegalOrderView:
        """Attach an authority's order by the hash of its document; it changes no hold by itself."""
        members = {
            "content_sha256": request.content_sha256,
            "agency": agency,
            "reference": reference,
            "document_sha256": document_sha256,
        }
        if hold is not None:
            members["hold"] = hold
        body = LegalOrder.model_validate(members)
        path = f"{REQUESTS}/{request.id}/legal-orders"
        return self._post(LegalOrderView, path, body, idempotency_key)

    # --- both sides
    # -------------------------------------------------------------------------------------

    def holds(self, request_id: str) -> Iterator[HoldView]:
        """Yield the holds of a request that one may see."""
        return self._pages(HoldView, f"{REQUESTS}/{request_id}/holds")

    def owed(self) -> Iterator[OwedHoldView]:
        """Yield holds about which an answer is owed: one's own, and partners' on one's requests."""
        return self._pages(OwedHoldView, "/v1/holds/owed")

    def questions(self, request_id: str) -> Iterator[InfoRequestView]:
        """Yield partners' questions with their answers."""
        return self._pages(InfoRequestView, f"{REQUESTS}/{request_id}/info-requests")

    def disputes(self, request_id: str) -> Iterator[DisputeView]:
        """Yield the disputes that one may see."""
        return self._pages(DisputeView, f"{REQUESTS}/{request_id}/disputes")

    def orders(self, request_id: str) -> Iterator[LegalOrderView]:
        """Yield the legal orders that one may see."""
        return self._pages(LegalOrderView, f"{REQUESTS}/{request_id}/legal-orders")

    def incidents(self) -> Iterator[IncidentSummary]:
        """Yield the incidents of which one may see a request."""
        return self._pages(IncidentSummary, "/v1/incidents")

    def incident(self, incident_id: str) -> IncidentDetailView:
        """Return one incident: totals over what one may see, first pages of timeline and trace."""
        return self._get(IncidentDetailView, f"/v1/incidents/{incident_id}")

    def timeline(self, incident_id: str) -> Iterator[TimelineEntry]:
        """Yield what happened in an incident and concerns one, oldest first."""
        return self._pages(TimelineEntry, f"/v1/incidents/{incident_id}/timeline")

    def trace(self, incident_id: str) -> Iterator[TracePage]:
        """Yield the pages of an incident's trace; `client.incident_trace.join` makes them one."""
        path, cursor = f"/v1/incidents/{incident_id}/trace", None
        while True:
            page = self._get(TracePage, path, cursor=cursor)
            yield page
            if page.next_cursor is None or page.next_cursor == cursor:
                return
            cursor = page.next_cursor

    def statistics(
        self, *, from_month: str | None = None, to_month: str | None = None
    ) -> StatisticsView:
        """Return how partners answered, over the legs that one may see; months are "2026-01"."""
        months = {"from": from_month, "to": to_month}
        return self._get(StatisticsView, "/v1/statistics", **months)

    def yearly_summary(self, year: int) -> YearlySummary:
        """Return the public summary of a year, unsigned."""
        return yearly_summary(self.transport, year)


def yearly_summary(transport: Transport, year: int) -> YearlySummary:
    """Return the public summary of a year, for which nobody needs a key."""
    answer = transport.exchange("GET", f"/v1/statistics/{year}", signed=False)
    return parse_view(YearlySummary, answer.body)
