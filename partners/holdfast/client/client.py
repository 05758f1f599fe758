"""The coordinator's API, typed: one method per endpoint, payload models in, views out.

    client = Client(ProfileStore.from_environment().choose("analyst"))
    request = client.submit(FreezeRequest(...))
    for leg in client.legs(request.id):
        print(leg.partner, leg.status, leg.totals)

Errors are those of `holdfast.errors`. Changing calls take an `idempotency_key` where a caller
wants to repeat one across restarts; without it, one is made per call, and covers the retries
inside that call.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from holdfast.client.core import REQUESTS, Document, RequestRef, encode, parse_view
from holdfast.client.life_cycle import LifeCycleActs
from holdfast.client.transport import Answer
from holdfast.errors import TransportError
from holdfast.protocol.membership_payloads import (
    Grant,
    GrantApproval,
    Join,
    PartnerChanges,
    Revocation,
)
from holdfast.protocol.payloads import (
    Acknowledgement,
    Approval,
    Decline,
    EndpointChanges,
    FreezeReport,
    FreezeRequest,
    NewEndpoint,
    Next,
    Replay,
    ReportLine,
    Review,
    Time,
    WarningAcceptance,
)
from holdfast.protocol.views import (
    ActView,
    DeliveryView,
    EndpointView,
    EventPage,
    EventView,
    EvidenceView,
    FlaggedAddressView,
    FreezeReportView,
    FreezeRequestSummary,
    FreezeRequestView,
    GrantView,
    JoinView,
    KeyView,
    LegView,
    LineView,
    PartnerView,
    PersonView,
    RevocationView,
    ServiceView,
)
from holdfast.protocol.vocabulary import Decision, DeclineCode

_REQUESTS = REQUESTS
__all__ = ["Client", "Document", "RequestRef", "encode", "parse_view"]


class Client(LifeCycleActs):
    """A partner's side of the API.

    Args:
        profile: Who signs; its coordinator is the audience of every token.
        transport: Replaces the default one (other time-outs, retries, a tunnel).
        now: Wall time in seconds since 1970, by which tokens are made.
    """

    # --- the coordinator, its members and their keys
    # ------------------------------------------------

    def service(self) -> ServiceView:
        """`GET /v1`, unsigned: what this coordinator is."""
        answer = self.transport.exchange("GET", "/v1", signed=False)
        return parse_view(ServiceView, answer.body)

    def jwks(self) -> list[dict[str, Any]]:
        """`GET /.well-known/jwks.json`, unsigned: the keys that sign webhooks, as JWKs."""
        answer = self.transport.exchange("GET", "/.well-known/jwks.json", signed=False)
        keys = answer.body.get("keys") if isinstance(answer.body, dict) else None
        if not isinstance(keys, list):
            raise TransportError("the answer is no JWK set: is this a coordinator?")
        return [key for key in keys if isinstance(key, dict)]

    def join(self, join: Join, *, idempotency_key: str | None = None) -> JoinView:
        """`POST /v1/join`, signed by the root key."""
        return self._post(JoinView, "/v1/join", join, idempotency_key)

    def partners(self) -> Iterator[PartnerView]:
        """Yield the members."""
        return self._pages(PartnerView, "/v1/partners")

    def me(self) -> PartnerView:
        """Return one's own record, with policy and contacts."""
        return self._get(PartnerView, "/v1/partners/me")

    def set_contacts(
        self, contacts: list[str], *, idempotency_key: str | None = None
    ) -> PartnerView:
        """Replace one's contacts."""
        answer = self.request(
            "PATCH",
            "/v1/partners/me",
            body=PartnerChanges(contacts=contacts),
            idempotency_key=idempotency_key,
        )
        return parse_view(PartnerView, answer.body)

    def keys(self, partner: str | None = None) -> Iterator[KeyView]:
        """Yield public keys, of one partner or of all."""
        return self._pages(KeyView, "/v1/keys", partner=partner)

    def people(self) -> Iterator[PersonView]:
        """Yield the persons and systems of one's own organisation."""
        return self._pages(PersonView, "/v1/people")

    def grants(self, partner: str | None = None) -> Iterator[GrantView]:
        """Yield signed grants with their evidence, of one partner or of all."""
        return self._pages(GrantView, "/v1/grants", partner=partner)

    def proposed_grants(self) -> Iterator[GrantView]:
        """Yield what one's own leads proposed and nobody approved yet; for leads."""
        return self._pages(GrantView, "/v1/grants", status="pending")

    def grant(self, grant: Grant, *, idempotency_key: str | None = None) -> GrantView:
        """`POST /v1/grants`: give a person, system, key, role or policy.

        Signed by the root key it applies at once; by a lead it is a proposal, `status` `pending`.
        """
        return self._post(GrantView, "/v1/grants", grant, idempotency_key)

    def approve_grant(
        self, proposal_id: str, grant_sha256: str, *, idempotency_key: str | None = None
    ) -> GrantView:
        """`POST /v1/grants/{id}/approvals`: approve what another lead proposed."""
        body = GrantApproval(grant_sha256=grant_sha256)
        path = f"/v1/grants/{proposal_id}/approvals"
        return self._post(GrantView, path, body, idempotency_key)

    def revoke(
        self, revocation: Revocation, *, idempotency_key: str | None = None
    ) -> RevocationView:
        """`POST /v1/revocations`: take a key or a whole subject away, at once."""
        return self._post(RevocationView, "/v1/revocations", revocation, idempotency_key)

    # --- freeze requests, the requesting side
    # ---------------------------------------------------------

    def submit(
        self, request: FreezeRequest | bytes, *, idempotency_key: str | None = None
    ) -> FreezeRequestView:
        """`POST /v1/freeze-requests`; given bytes, exactly these are the signed document."""
        return self._post(FreezeRequestView, _REQUESTS, request, idempotency_key)

    def requests(
        self, *, box: str | None = None, status: str | None = None, incident: str | None = None
    ) -> Iterator[FreezeRequestSummary]:
        """Yield requests, newest first; `box` is sent, received or to_approve."""
        return self._pages(
            FreezeRequestSummary, _REQUESTS, box=box, status=status, incident=incident
        )

    def freeze_request(self, request_id: str) -> FreezeRequestView:
        """Return one request as its reader may see it."""
        return self._get(FreezeRequestView, f"{_REQUESTS}/{request_id}")

    def addresses(self, request_id: str) -> Iterator[FlaggedAddressView]:
        """Yield the flagged addresses in their order."""
        return self._pages(FlaggedAddressView, f"{_REQUESTS}/{request_id}/addresses")

    def legs(self, request_id: str) -> Iterator[LegView]:
        """Yield the legs that one may see."""
        return self._pages(LegView, f"{_REQUESTS}/{request_id}/legs")

    def ledger(self, request_id: str) -> Iterator[LineView]:
        """Yield the ledger's lines that one may see, in their order."""
        return self._pages(LineView, f"{_REQUESTS}/{request_id}/ledger")

    def evidence(self, request_id: str) -> Iterator[EvidenceView]:
        """Yield token and body of every act that one may see."""
        return self._pages(EvidenceView, f"{_REQUESTS}/{request_id}/evidence")

    def decide(  # noqa: PLR0913 - the parts of a decision
        self,
        request: RequestRef,
        decision: Decision,
        *,
        context_sha256: str,
        comment: str | None = None,
        warnings_accepted: Sequence[WarningAcceptance] = (),
        idempotency_key: str | None = None,
    ) -> ActView:
        """Approve or reject as a security lead, on exactly the context whose hash is given."""
        members: dict[str, Any] = {
            "content_sha256": request.content_sha256,
            "decision": decision,
            "context_sha256": context_sha256,
        }
        if comment:
            members["comment"] = comment
        if warnings_accepted:
            members["warnings_accepted"] = list(warnings_accepted)
        return self._act(request, "approvals", Approval(**members), idempotency_key)

    # --- the asked side
    # ---------------------------------------------------------------------------------

    def acknowledge(
        self, request: RequestRef, note: str | None = None, *, idempotency_key: str | None = None
    ) -> ActView:
        """Say that a person or system of one's own has it."""
        body = Acknowledgement(content_sha256=request.content_sha256, note=note)
        return self._act(request, "acknowledgement", body, idempotency_key)

    def review(
        self, request: RequestRef, note: str | None = None, *, idempotency_key: str | None = None
    ) -> ActView:
        """Say that somebody is looking into it."""
        body = Review(content_sha256=request.content_sha256, note=note)
        return self._act(request, "review", body, idempotency_key)

    def decline(  # noqa: PLR0913 - the parts of a decline
        self,
        request: RequestRef,
        code: DeclineCode,
        *,
        detail: str | None = None,
        retry: bool = False,
        missing: Sequence[str] = (),
        following: Next | None = None,
        idempotency_key: str | None = None,
    ) -> ActView:
        """Say that nothing is or will be frozen, and why; `following` is where the funds went."""
        members: dict[str, Any] = {"content_sha256": request.content_sha256, "code": code}
        optional = {
            "detail": detail,
            "retry": retry,
            "missing": list(missing),
            "next": following,
        }
        members.update({name: value for name, value in optional.items() if value})
        return self._act(request, "decline", Decline(**members), idempotency_key)

    def report(
        self,
        request: RequestRef,
        lines: Iterable[ReportLine],
        *,
        idempotency_key: str | None = None,
    ) -> FreezeReportView:
        """Report what was found, frozen, released or returned; taken whole or refused whole."""
        body = FreezeReport(content_sha256=request.content_sha256, lines=list(lines))
        path = f"{_REQUESTS}/{request.id}/freeze-reports"
        return self._post(FreezeReportView, path, body, idempotency_key)

    # --- webhooks
    # -------------------------------------------------------------------------------------------

    def endpoints(self) -> Iterator[EndpointView]:
        """Yield one's own webhook endpoints, without their secrets."""
        return self._pages(EndpointView, "/v1/webhook-endpoints")

    def add_endpoint(
        self, endpoint: NewEndpoint, *, idempotency_key: str | None = None
    ) -> EndpointView:
        """Register an endpoint; this answer alone carries its secret."""
        return self._post(EndpointView, "/v1/webhook-endpoints", endpoint, idempotency_key)

    def change_endpoint(
        self, endpoint_id: str, changes: EndpointChanges, *, idempotency_key: str | None = None
    ) -> EndpointView:
        """Change URL, event types, description, or switch it on or off."""
        answer = self.request(
            "PATCH",
            f"/v1/webhook-endpoints/{endpoint_id}",
            body=changes,
            idempotency_key=idempotency_key,
        )
        return parse_view(EndpointView, answer.body)

    def remove_endpoint(self, endpoint_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete an endpoint."""
        self.request(
            "DELETE", f"/v1/webhook-endpoints/{endpoint_id}", idempotency_key=idempotency_key
        )

    def rotate_secret(
        self, endpoint_id: str, *, idempotency_key: str | None = None
    ) -> EndpointView:
        """Make a new secret; for a while deliveries are signed with both."""
        path = f"/v1/webhook-endpoints/{endpoint_id}/rotate-secret"
        return self._post(EndpointView, path, None, idempotency_key)

    def test_endpoint(self, endpoint_id: str, *, idempotency_key: str | None = None) -> Answer:
        """Have an `endpoint.test` event sent there."""
        path = f"/v1/webhook-endpoints/{endpoint_id}/test"
        return self.request("POST", path, idempotency_key=idempotency_key)

    def replay(
        self, endpoint_id: str, since: Time, *, idempotency_key: str | None = None
    ) -> Answer:
        """Have everything sent again that happened since."""
        path = f"/v1/webhook-endpoints/{endpoint_id}/replay"
        body = Replay(since=since)
        return self.request("POST", path, body=body, idempotency_key=idempotency_key)

    def deliveries(self, endpoint_id: str) -> Iterator[DeliveryView]:
        """Yield what was owed to an endpoint, with every attempt."""
        return self._pages(DeliveryView, f"/v1/webhook-endpoints/{endpoint_id}/deliveries")

    def resend(self, delivery_id: str, *, idempotency_key: str | None = None) -> Answer:
        """Have one delivery sent again."""
        path = f"/v1/deliveries/{delivery_id}/resend"
        return self.request("POST", path, idempotency_key=idempotency_key)

    # --- the feed
    # ---------------------------------------------------------------------------------------------

    def events(
        self, after: int = 0, *, types: Sequence[str] = (), wait: int = 0, limit: int | None = None
    ) -> EventPage:
        """Return the events after `after`, oldest first; `wait` up to 20 s for the first."""
        joined = ",".join(types) or None
        return self._get(
            EventPage, "/v1/events", after=after, types=joined, wait=wait or None, limit=limit
        )

    def follow_events(
        self,
        after: int = 0,
        *,
        types: Sequence[str] = (),
        wait: int = 20,
        until: Callable[[], bool] = lambda: False,
    ) -> Iterator[EventView]:
        """Yield events for ever as they happen, in their order, none twice.

        Args:
            after: The `seq` of the last event already dealt with; store it to go on after a
                restart.
            types: Only these; none means all.
            wait: Seconds that one poll may wait, at most 20.
            until: Asked between polls; True ends the iteration.
        """
        while not until():
            page = self.events(after, types=types, wait=wait)
            yield from page.events
            after = page.next_after

    def origin_host(self) -> str:
        """Return the coordinator's host name, for people."""
        return urlsplit(self.profile.coordinator).netloc
