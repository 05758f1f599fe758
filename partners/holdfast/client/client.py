"""The coordinator's API, typed: one method per endpoint, payload models in, views out.

    client = Client(ProfileStore.from_environment().choose("analyst"))
    request = client.submit(FreezeRequest(...))
    for leg in client.legs(request.id):
        print(leg.partner, leg.status, leg.totals)

Errors are those of `holdfast.errors`. Changing calls take an `idempotency_key` where a caller
wants to repeat one across restarts; without it, one is made per call, and covers the retries
inside that call.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic import ValidationError as ModelError

from holdfast.client.log_keys import log_key_statements
from holdfast.client.rulebook import naming_rulebook, read_rulebook
from holdfast.client.transport import Answer, Transport
from holdfast.errors import (
    ConflictError,
    HoldfastError,
    TransportError,
    UntrustedEvidenceError,
)
from holdfast.profiles.store import Profile
from holdfast.protocol import base64url, canonical_json
from holdfast.protocol.bundle_layout import CONTENT_TYPE
from holdfast.protocol.chains.chain import Chains, chains_of_served
from holdfast.protocol.data_subject_payloads import DataSubjectAnswer, DataSubjectRequest
from holdfast.protocol.data_subject_views import DataSubjectCaseView, DataSubjectRequestView
from holdfast.protocol.destination_payloads import (
    ArrivedTest,
    DestinationClosure,
    DestinationDecision,
    NewDestination,
)
from holdfast.protocol.destination_views import DestinationView
from holdfast.protocol.encryption_key import EncryptionKey
from holdfast.protocol.errors import Base64UrlError, KeyFormatError, NoteError
from holdfast.protocol.flag_views import (
    AppliedFlags,
    AppliedFlagsView,
    FlagChanges,
    FlagPage,
    FlagRenewal,
    FlagRenewalView,
)
from holdfast.protocol.gateway_payloads import GatewayDeclaration, GatewayWithdrawal
from holdfast.protocol.gateway_views import GatewayView
from holdfast.protocol.guest_payloads import GuestAsk
from holdfast.protocol.guest_views import GuestView
from holdfast.protocol.hold_payloads import ExtensionRequest, HoldExtension
from holdfast.protocol.house_rules_payloads import RulebookAcceptance
from holdfast.protocol.house_rules_views import AcceptanceView, RulebookView
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.leg_limit_payloads import LegLimit
from holdfast.protocol.life_cycle_payloads import (
    ClearanceRevocation,
    Dispute,
    DisputeResolution,
    Encumbrance,
    EncumbranceReview,
    IndemnityCap,
    IndemnityGift,
    InfoAnswer,
    InfoRequest,
    LegalOrder,
    Lifting,
    OrderCallBack,
    PartnersAddition,
    SameFunds,
    SupportRaise,
    TaskTaken,
    WithdrawalDecision,
)
from holdfast.protocol.life_cycle_views import (
    AdditionView,
    ClearanceRevocationView,
    ClearanceStatus,
    ClearanceView,
    DisputeView,
    DraftView,
    EncumbranceView,
    IncidentDetailView,
    IndemnityView,
    InfoRequestView,
    LegalOrderView,
    RequestEventView,
    SameFundsView,
    StatisticsView,
    SupportView,
    TimelineEntry,
    TracePage,
    WithdrawalActView,
    WithdrawalView,
    YearlySummary,
)
from holdfast.protocol.membership_payloads import (
    Grant,
    GrantApproval,
    Join,
    NewConsoleLink,
    NewSignInProvider,
    NewTagKey,
    PartnerChanges,
    PersonChanges,
    Revocation,
)
from holdfast.protocol.on_call_payloads import NewOnCall, NewOnCallTest
from holdfast.protocol.on_call_views import AlarmView, OnCallView
from holdfast.protocol.payloads import (
    Acknowledgement,
    Approval,
    Body,
    Closure,
    Decline,
    EndpointChanges,
    Erasure,
    FreezeReport,
    FreezeRequest,
    NewEndpoint,
    Next,
    Recovery,
    Replay,
    ReportLine,
    Review,
    Time,
    WantedTest,
    WarningAcceptance,
    Withdrawal,
    format_time,
)
from holdfast.protocol.read_log_views import RequestReadView
from holdfast.protocol.recovery_payloads import (
    DepositAnswer,
    DepositReply,
    RecoveryAnswers,
    RecoveryDecision,
    RecoveryReplies,
    RecoveryRequest,
    RecoveryWithdrawal,
)
from holdfast.protocol.recovery_views import (
    DepositView,
    RecoveryActView,
    RecoveryResultView,
    RecoveryStatisticsView,
    RecoveryView,
)
from holdfast.protocol.remainder import LeftOut
from holdfast.protocol.restitution_payloads import (
    AllocationDecision,
    Claim,
    ClaimDecision,
    ClaimLink,
    ClaimLinkRevocation,
    ClaimObjection,
    Claims,
    NewAllocation,
    NewClaimLinks,
    NewRestitution,
    PayoutChange,
    PayoutChangeDecision,
    PayoutLine,
    PayoutLines,
    PoolLine,
    PoolLines,
    RestitutionClosure,
)
from holdfast.protocol.restitution_views import (
    AllocationDocumentView,
    AllocationView,
    ClaimActView,
    ClaimLinkRevocationView,
    ClaimLinksView,
    ClaimView,
    FiledClaimsView,
    PayoutChangeActView,
    PayoutChangeView,
    PayoutsView,
    PayoutView,
    PoolLinesView,
    PoolLineView,
    RestitutionView,
)
from holdfast.protocol.return_payloads import (
    ReturnAnswer,
    ReturnAsk,
    ReturnDecision,
    ReturnEnd,
    ReturnReceipt,
)
from holdfast.protocol.return_views import ReturnRequestView
from holdfast.protocol.sealed_payloads import (
    NewEncryptionKey,
    SealedEvidence,
    SealedEvidenceShare,
    SealedPart,
)
from holdfast.protocol.signed_note import NoteVerifier
from holdfast.protocol.tasks import TaskKind
from holdfast.protocol.views import (
    ActView,
    ChainTableView,
    ConsoleLinkView,
    DeliveryView,
    EncryptionKeyView,
    EndpointView,
    EventPage,
    EventView,
    EvidenceView,
    FlaggedAddressView,
    FreezeReportView,
    FreezeRequestSummary,
    FreezeRequestView,
    GrantView,
    HoldActView,
    HoldView,
    IncidentSummary,
    JoinView,
    KeyView,
    LegView,
    LineView,
    OwedHoldView,
    Page,
    PartnerView,
    PasskeyView,
    PersonView,
    ProposedErasureView,
    RevocationView,
    SealedEvidenceView,
    SealedPartView,
    ServiceView,
    SignInProviderView,
    TagKeyView,
    TakenTaskView,
    View,
    WaitingTaskView,
)
from holdfast.protocol.vocabulary import (
    Blocked,
    CallBackOutcome,
    ClaimStatus,
    DataSubjectDecision,
    DataSubjectReason,
    Decision,
    DeclineCode,
    EncumbranceKind,
    ErasureReason,
    EventType,
    Gateway,
    HoldBasis,
    NumberSource,
    PayoutStatus,
    Support,
    WithdrawalReason,
)

__all__ = ["Client", "Document", "RequestRef", "encode", "parse_view"]
_log = logging.getLogger(__name__)
V = TypeVar("V", bound=View)
_REQUESTS = "/v1/freeze-requests"
_RECOVERIES = "/v1/recovery-requests"
_DATA_SUBJECTS = "/v1/data-subject-requests"
_RESTITUTIONS = "/v1/restitutions"
#: Whose bundles are elsewhere than those of freeze requests.
_BUNDLES_OF = {"rst_": _RESTITUTIONS, "rcv_": _RECOVERIES}
#: How a request is refused that names another rulebook than the one in force.
_OTHER_RULEBOOK = "rulebook_not_in_force"


class RequestRef(Protocol):
    """What an act is about: a request's view, a proven notice, a `Document`."""

    @property
    def id(self) -> str:
        """`frq_…`."""
        ...

    @property
    def content_sha256(self) -> str:
        """SHA-256 of the exact submitted body."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """A request by its id and the hash of its body, both as the caller saw them."""

    id: str
    content_sha256: str


def encode(body: Body) -> bytes:
    """Return the bytes to sign and send for `body`: only members that were set, canonical JSON."""
    members = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
    return canonical_json.dumps(members)


def parse_view(model: type[V], body: Any) -> V:
    """Return `body` as a view.

    Raises:
        TransportError: If it is not what the contract says.
    """
    try:
        return model.model_validate(body)
    except ModelError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise TransportError(
            f"the answer is no {model.__name__} (/{place}: {first['msg']}): is the kit too old?"
        ) from None


class Client:
    """A partner's side of the API.

    Args:
        profile: Who signs; its coordinator is the audience of every token.
        transport: Replaces the default one (other time-outs, retries, a tunnel).
        now: Wall time in seconds since 1970, by which tokens are made.
        on_receipt: Told of `log` in each answer to an act: where it stands in the transparency log,
            for a monitor to look it up (`receipts_kept_in`).
    """

    def __init__(
        self,
        profile: Profile,
        *,
        transport: Transport | None = None,
        now: Callable[[], float] = time.time,
        on_receipt: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.profile = profile
        self.transport = transport or Transport(profile, profile.coordinator, now=now)
        self._on_receipt = on_receipt
        self._rulebook: RulebookView | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Body | bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send any signed request; `bytes` are signed and sent exactly as they are.

        Raises:
            ApiError: The coordinator refused.
            TransportError: No usable answer came.
        """
        raw = encode(body) if isinstance(body, BaseModel) else body
        answer = self.transport.exchange(
            method, path, query=query, body=raw, idempotency_key=idempotency_key
        )
        if self._on_receipt is not None and answer.idempotency_key is not None:
            self._keep_receipt(answer.body)
        return answer

    def _keep_receipt(self, body: object) -> None:
        place = body.get("log") if isinstance(body, dict) else None
        if self._on_receipt is None or not isinstance(place, dict):
            return
        try:
            self._on_receipt(place)
        except HoldfastError as error:  # what was asked for is done all the same
            _log.warning("the receipt of entry %s was not kept: %s", place.get("leaf_index"), error)

    def _get(self, model: type[V], path: str, **query: Any) -> V:
        return parse_view(model, self.request("GET", path, query=query).body)

    def _post(
        self, model: type[V], path: str, body: Body | bytes | None, idempotency_key: str | None
    ) -> V:
        answer = self.request("POST", path, body=body, idempotency_key=idempotency_key)
        return parse_view(model, answer.body)

    def _patch(self, model: type[V], path: str, body: Body, idempotency_key: str | None) -> V:
        answer = self.request("PATCH", path, body=body, idempotency_key=idempotency_key)
        return parse_view(model, answer.body)

    def _pages(self, model: type[V], path: str, **query: Any) -> Iterator[V]:
        """Yield every item of a list, fetching page after page as they are consumed."""
        cursor: str | None = None
        while True:
            answer = self.request("GET", path, query={**query, "cursor": cursor})
            page = parse_view(Page[model], answer.body)  # type: ignore[valid-type]
            yield from page.items
            if page.next_cursor is None or page.next_cursor == cursor:
                return
            cursor = page.next_cursor

    def _act(
        self, request: RequestRef, name: str, body: Body, idempotency_key: str | None
    ) -> ActView:
        return self._post(ActView, f"{_REQUESTS}/{request.id}/{name}", body, idempotency_key)

    def service(self) -> ServiceView:
        """`GET /v1`, unsigned: what this coordinator is."""
        answer = self.transport.read_public("/v1")
        return parse_view(ServiceView, answer.body)

    def log_key(self) -> NoteVerifier | None:
        """Return the key of the transparency log as `GET /v1` names it, unsigned; None: no log.

        Keep it, and compare it: a coordinator that shows two logs names two keys.

        Raises:
            UntrustedEvidenceError: It names one that is none, or unsafe.
        """
        log = self.service().log
        if log is None:
            return None
        try:
            return NoteVerifier.parse(log.verifier_key)
        except NoteError as error:
            raise UntrustedEvidenceError(f"the key of the log: {error}", code="log_key") from None

    def log_key_statements(self) -> list[bytes]:
        """Return what the log says of its keys, as `GET /v1/log/keys` shows it, unsigned.

        Nothing where the coordinator is of a release whose log has one key. They prove themselves:
        see `follow_log_keys`.
        """
        return log_key_statements(self.transport)

    def jwks(self) -> list[dict[str, Any]]:
        """`GET /.well-known/jwks.json`, unsigned: the keys that sign webhooks, as JWKs."""
        return _published_keys(self.transport)

    def join(self, join: Join, *, idempotency_key: str | None = None) -> JoinView:
        """`POST /v1/join`, signed by the root key."""
        return self._post(JoinView, "/v1/join", join, idempotency_key)

    def partners(self) -> Iterator[PartnerView]:
        """Yield the members."""
        return self._pages(PartnerView, "/v1/partners")

    def me(self) -> PartnerView:
        """Return one's own record, with policy and contacts."""
        return self._get(PartnerView, "/v1/partners/me")

    def chains(self) -> Chains:
        """Return the coordinator's chain table, to compare accounts by (`comparison_key`).

        Chains whose rule this version of the kit lacks are left out.

        Raises:
            ChainsError: If the table is not what its version says, or cannot be read.
        """
        view = self._get(ChainTableView, "/v1/chains")
        return chains_of_served(view.model_dump(mode="json", exclude_unset=True))

    def set_contacts(
        self, contacts: list[str], *, idempotency_key: str | None = None
    ) -> PartnerView:
        """Replace one's contacts."""
        return self.change_me(PartnerChanges(contacts=contacts), idempotency_key=idempotency_key)

    def change_me(
        self, changes: PartnerChanges, *, idempotency_key: str | None = None
    ) -> PartnerView:
        """`PATCH /v1/partners/me`: how other members reach one; what is not set stays."""
        return self._patch(PartnerView, "/v1/partners/me", changes, idempotency_key)

    def keys(self, partner: str | None = None) -> Iterator[KeyView]:
        """Yield public keys, of one partner or of all."""
        return self._pages(KeyView, "/v1/keys", partner=partner)

    def people(self, *, with_former: bool = False) -> Iterator[PersonView]:
        """Yield the persons and systems of one's own organisation, and who left it if asked."""
        return self._pages(PersonView, "/v1/people", status="all" if with_former else None)

    def names(self) -> dict[str, str]:
        """Return what one's own people and systems are called, by id; who has no name is absent."""
        everybody = self.people(with_former=True)
        return {view.id: view.display_name for view in everybody if view.display_name}

    def name_person(
        self, person_id: str, changes: PersonChanges, *, idempotency_key: str | None = None
    ) -> PersonView:
        """`PATCH /v1/people/{id}`: name one of one's own, or erase; what is not set stays."""
        return self._patch(PersonView, f"/v1/people/{person_id}", changes, idempotency_key)

    def console_link(
        self, link: NewConsoleLink, *, idempotency_key: str | None = None
    ) -> ConsoleLinkView:
        """`POST /v1/console-links`: a link into the console, good once; keep its URL secret."""
        return self._post(ConsoleLinkView, "/v1/console-links", link, idempotency_key)

    def sign_in_provider(self) -> SignInProviderView:
        """`GET /v1/sign-in-provider`: by which provider one's people sign in to read."""
        return self._get(SignInProviderView, "/v1/sign-in-provider")

    def set_sign_in_provider(
        self, provider: NewSignInProvider, *, idempotency_key: str | None = None
    ) -> SignInProviderView:
        """`POST /v1/sign-in-provider`: set it, in the place of the one before; for leads."""
        return self._post(SignInProviderView, "/v1/sign-in-provider", provider, idempotency_key)

    def remove_sign_in_provider(self, *, idempotency_key: str | None = None) -> None:
        """`DELETE /v1/sign-in-provider`: nobody signs in by it any more; for leads."""
        self.request("DELETE", "/v1/sign-in-provider", idempotency_key=idempotency_key)

    def on_call(self) -> OnCallView:
        """`GET /v1/on-call`: whom one's own organisation pages, by what and in which order."""
        return self._get(OnCallView, "/v1/on-call")

    def set_on_call(self, chain: NewOnCall, *, idempotency_key: str | None = None) -> OnCallView:
        """`POST /v1/on-call`: set the chain, in the place of the one before; for leads."""
        return self._post(OnCallView, "/v1/on-call", chain, idempotency_key)

    def remove_on_call(self, *, idempotency_key: str | None = None) -> None:
        """`DELETE /v1/on-call`: nobody is woken any more; for leads."""
        self.request("DELETE", "/v1/on-call", idempotency_key=idempotency_key)

    def page_for_test(
        self, person: str | None = None, *, idempotency_key: str | None = None
    ) -> AlarmView:
        """`POST /v1/on-call/test`: page everybody of the chain once, or one person; for leads."""
        body = NewOnCallTest(person=person)
        return self._post(AlarmView, "/v1/on-call/test", body, idempotency_key)

    def alarms(self, request_id: str | None = None) -> Iterator[AlarmView]:
        """Yield what one's own people were woken for, newest first; or who was, about a request.

        Of the other side of a request one reads that it was paged and when, never whom.
        """
        path = "/v1/alarms" if request_id is None else f"{_REQUESTS}/{request_id}/alarms"
        return self._pages(AlarmView, path)

    def set_tag_key(self, key: bytes, *, idempotency_key: str | None = None) -> TagKeyView:
        """Set the 32 bytes that the partner's entries of the log are tagged with; by a lead."""
        body = NewTagKey(tag_key=base64url.encode(key))
        return self._post(TagKeyView, "/v1/partners/me/tag-key", body, idempotency_key)

    def passkeys(
        self, *, person: str | None = None, status: str | None = None
    ) -> Iterator[PasskeyView]:
        """Yield one's passkeys; a lead reads those of all people of the partner."""
        return self._pages(PasskeyView, "/v1/passkeys", person=person, status=status)

    def encryption_keys(self, partner: str | None = None) -> Iterator[EncryptionKeyView]:
        """Yield the keys that evidence is sealed to, of one partner or of all; replaced ones too.

        `evidence.sealed_evidence.key_in_force` tells which of them to believe.
        """
        return self._pages(EncryptionKeyView, "/v1/encryption-keys", partner=partner)

    def set_encryption_key(
        self, key: EncryptionKey, *, replaces: str | None, idempotency_key: str | None = None
    ) -> EncryptionKeyView:
        """`POST /v1/encryption-keys`: what others seal to from now on; for leads.

        `replaces` is the thumbprint of the key in force, None where there is none.
        """
        body = NewEncryptionKey.model_validate({"jwk": key.jwk(), "replaces": replaces})
        return self._post(EncryptionKeyView, "/v1/encryption-keys", body, idempotency_key)

    def return_requests(self, request_id: str) -> Iterator[ReturnRequestView]:
        """Yield what partners are asked to send back; a partner asked sees what it is asked."""
        return self._pages(ReturnRequestView, f"{_REQUESTS}/{request_id}/return-requests")

    def ask_return(
        self, request_id: str, ask: ReturnAsk, *, idempotency_key: str | None = None
    ) -> ReturnRequestView:
        """`POST …/return-requests`: ask a partner to send held funds back; another approves it."""
        path = f"{_REQUESTS}/{request_id}/return-requests"
        return self._post(ReturnRequestView, path, ask, idempotency_key)

    def act_on_return(
        self,
        view: ReturnRequestView,
        body: ReturnDecision | ReturnEnd | ReturnAnswer | ReturnReceipt,
        act: Literal["approvals", "withdrawal", "answer", "revocation", "receipt"],
        *,
        idempotency_key: str | None = None,
    ) -> ReturnRequestView:
        """`POST …/return-requests/{id}/{act}`: decide, withdraw, answer, revoke, or confirm it.

        What is decided on or answered is named by `act_sha256`, the hash of the body that asks.
        """
        path = f"{_REQUESTS}/{view.request_id}/return-requests/{view.id}/{act}"
        return self._post(ReturnRequestView, path, body, idempotency_key)

    def destinations(self) -> Iterator[DestinationView]:
        """Yield the accounts of one's own that money may be sent back to, newest first."""
        return self._pages(DestinationView, "/v1/destinations")

    def destination(self, destination_id: str) -> DestinationView:
        """`GET /v1/destinations/{id}`: one of one's own."""
        return self._get(DestinationView, f"/v1/destinations/{destination_id}")

    def propose_destination(
        self, destination: NewDestination, *, idempotency_key: str | None = None
    ) -> DestinationView:
        """`POST /v1/destinations`: name one; another security lead approves it."""
        return self._post(DestinationView, "/v1/destinations", destination, idempotency_key)

    def decide_destination(
        self,
        destination_id: str,
        decision: Decision,
        act_sha256: str,
        *,
        idempotency_key: str | None = None,
    ) -> DestinationView:
        """`POST /v1/destinations/{id}/approvals`: approve or reject; for leads.

        `act_sha256` is the hash of the proposal's exact body, which the caller has read.
        """
        body = DestinationDecision(act_sha256=act_sha256, decision=decision)
        path = f"/v1/destinations/{destination_id}/approvals"
        return self._post(DestinationView, path, body, idempotency_key)

    def confirm_test_transfer(
        self, destination_id: str, arrived: ArrivedTest, *, idempotency_key: str | None = None
    ) -> DestinationView:
        """`POST /v1/destinations/{id}/test-transfers`: a test transfer to it arrived."""
        path = f"/v1/destinations/{destination_id}/test-transfers"
        return self._post(DestinationView, path, arrived, idempotency_key)

    def close_destination(
        self, destination_id: str, reason: str, *, idempotency_key: str | None = None
    ) -> DestinationView:
        """`POST /v1/destinations/{id}/closure`: nothing more is asked for to it."""
        path = f"/v1/destinations/{destination_id}/closure"
        return self._post(DestinationView, path, DestinationClosure(reason=reason), idempotency_key)

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

    def submit(
        self, request: FreezeRequest | bytes, *, idempotency_key: str | None = None
    ) -> FreezeRequestView:
        """`POST /v1/freeze-requests`; given bytes, exactly these are the signed document.

        A document that names no rulebook gets the name of the one in force, where there is one.
        Your organisation must have accepted that (`accept_rulebook`).
        """
        if not isinstance(request, FreezeRequest) or request.rulebook_sha256 is not None:
            return self._post(FreezeRequestView, _REQUESTS, request, idempotency_key)
        named = self._rulebook_to_name()
        try:
            body = naming_rulebook(request, named)
            return self._post(FreezeRequestView, _REQUESTS, body, idempotency_key)
        except ConflictError as error:
            self._rulebook = None
            if error.code != _OTHER_RULEBOOK or self._rulebook_to_name() == named:
                raise
        body = naming_rulebook(request, self._rulebook_to_name())
        return self._post(FreezeRequestView, _REQUESTS, body, idempotency_key)

    def _rulebook_to_name(self) -> str | None:
        """Return the hash of the rulebook in force, as it was read first by this client."""
        if self._rulebook is None:
            self._rulebook = self.rulebook()
        edition = self._rulebook.in_force
        return None if edition is None else edition.sha256

    def rulebook(self) -> RulebookView:
        """`GET /v1/rulebook`, unsigned: the rulebook in force, and what is to come."""
        return read_rulebook(self.transport)

    def accept_rulebook(
        self, rulebook_sha256: str, *, idempotency_key: str | None = None
    ) -> AcceptanceView:
        """`POST /v1/rulebook/acceptances`: your organisation accepts it; by a lead or compliance.

        Only a person who has read the text should have this called.
        """
        body = RulebookAcceptance(rulebook_sha256=rulebook_sha256)
        return self._post(AcceptanceView, "/v1/rulebook/acceptances", body, idempotency_key)

    def rulebook_acceptances(self, partner: str | None = None) -> Iterator[AcceptanceView]:
        """Yield who accepted which edition of the rulebook, with what proves it."""
        return self._pages(AcceptanceView, "/v1/rulebook/acceptances", partner=partner)

    def gateways(self, partner: str | None = None) -> Iterator[GatewayView]:
        """Yield on what ground members tell amounts, ended ones too, with what proves each."""
        return self._pages(GatewayView, "/v1/gateways", partner=partner)

    def declare_gateway(
        self,
        gateway: Gateway,
        *,
        document_sha256: str | None = None,
        idempotency_key: str | None = None,
    ) -> GatewayView:
        """`POST /v1/gateways`: your organisation may tell amounts on this ground.

        By a lead or compliance; it counts once the operator has verified it. `own_terms` names the
        agreement by its hash.
        """
        body = GatewayDeclaration(gateway=gateway, document_sha256=document_sha256)
        return self._post(GatewayView, "/v1/gateways", body, idempotency_key)

    def withdraw_gateway(
        self, gateway_id: str, *, idempotency_key: str | None = None
    ) -> GatewayView:
        """`POST /v1/gateways/withdrawals`: it counts no more; what was told stays told."""
        body = GatewayWithdrawal(gateway_id=gateway_id)
        return self._post(GatewayView, "/v1/gateways/withdrawals", body, idempotency_key)

    def open_restitution(
        self, document: NewRestitution, *, idempotency_key: str | None = None
    ) -> RestitutionView:
        """`POST /v1/restitutions`: give back what was recovered of one's own incident."""
        return self._post(RestitutionView, _RESTITUTIONS, document, idempotency_key)

    def restitutions(self) -> Iterator[RestitutionView]:
        """Yield the restitutions that one's own organisation opened, newest first."""
        return self._pages(RestitutionView, _RESTITUTIONS)

    def restitution(self, restitution_id: str) -> RestitutionView:
        """`GET /v1/restitutions/{id}`: its terms, the sums of its pool, its claims by status."""
        return self._get(RestitutionView, f"{_RESTITUTIONS}/{restitution_id}")

    def add_pool_lines(
        self,
        restitution: RequestRef,
        lines: Sequence[PoolLine],
        *,
        idempotency_key: str | None = None,
    ) -> PoolLinesView:
        """`POST …/pool-lines`: book lines into a pool, all of them or none."""
        body = PoolLines(content_sha256=restitution.content_sha256, lines=list(lines))
        path = f"{_RESTITUTIONS}/{restitution.id}/pool-lines"
        return self._post(PoolLinesView, path, body, idempotency_key)

    def pool_lines(self, restitution_id: str) -> Iterator[PoolLineView]:
        """Yield the lines of a pool, oldest first."""
        return self._pages(PoolLineView, f"{_RESTITUTIONS}/{restitution_id}/pool-lines")

    def file_claims(
        self,
        restitution: RequestRef,
        claims: Sequence[Claim],
        *,
        idempotency_key: str | None = None,
    ) -> FiledClaimsView:
        """`POST …/claims`: file claims, all of them or none."""
        body = Claims(content_sha256=restitution.content_sha256, claims=list(claims))
        path = f"{_RESTITUTIONS}/{restitution.id}/claims"
        return self._post(FiledClaimsView, path, body, idempotency_key)

    def claims(
        self, restitution_id: str, *, status: ClaimStatus | str | None = None
    ) -> Iterator[ClaimView]:
        """Yield claims as they were filed: all for the opener, else one's own."""
        path = f"{_RESTITUTIONS}/{restitution_id}/claims"
        return self._pages(ClaimView, path, status=status)

    def claim(self, restitution_id: str, claim_id: str) -> ClaimView:
        """`GET /v1/restitutions/{id}/claims/{id}`: one claim."""
        return self._get(ClaimView, f"{_RESTITUTIONS}/{restitution_id}/claims/{claim_id}")

    def decide_claim(
        self,
        restitution: RequestRef,
        claim_id: str,
        *,
        decision: Literal["verify", "reject"],
        idempotency_key: str | None = None,
        **said: Any,
    ) -> ClaimActView:
        """`POST …/decisions`: verify a claim or reject it; see `ClaimDecision` for the rest."""
        given = {name: value for name, value in said.items() if value is not None}
        body = ClaimDecision(content_sha256=restitution.content_sha256, decision=decision, **given)
        path = f"{_RESTITUTIONS}/{restitution.id}/claims/{claim_id}/decisions"
        return self._post(ClaimActView, path, body, idempotency_key)

    def object_to_claim(
        self,
        restitution: RequestRef,
        claim_id: str,
        reason: str,
        *,
        idempotency_key: str | None = None,
    ) -> ClaimActView:
        """`POST …/objections`: contest what was decided on a claim that one filed."""
        body = ClaimObjection(content_sha256=restitution.content_sha256, reason=reason)
        path = f"{_RESTITUTIONS}/{restitution.id}/claims/{claim_id}/objections"
        return self._post(ClaimActView, path, body, idempotency_key)

    def make_claim_links(
        self,
        restitution: RequestRef,
        tokens: Mapping[str, str],
        *,
        idempotency_key: str | None = None,
    ) -> ClaimLinksView:
        """`POST …/claim-links`: make secret links of one's own claims: {claim: token}.

        The hash of a token is sent alone; the link is `page`, "#" and the token.
        """
        links = [
            ClaimLink(claim=claim, link_sha256=sha256(token.encode()).hexdigest())
            for claim, token in tokens.items()
        ]
        body = NewClaimLinks(content_sha256=restitution.content_sha256, links=links)
        path = f"{_RESTITUTIONS}/{restitution.id}/claim-links"
        return self._post(ClaimLinksView, path, body, idempotency_key)

    def revoke_claim_links(
        self,
        restitution: RequestRef,
        claim_ids: Sequence[str],
        *,
        idempotency_key: str | None = None,
    ) -> ClaimLinkRevocationView:
        """`POST …/claim-link-revocations`: the links of these claims open nothing any more."""
        body = ClaimLinkRevocation(
            content_sha256=restitution.content_sha256, claims=list(claim_ids)
        )
        path = f"{_RESTITUTIONS}/{restitution.id}/claim-link-revocations"
        return self._post(ClaimLinkRevocationView, path, body, idempotency_key)

    def propose_payout_account(
        self,
        restitution: RequestRef,
        claim_id: str,
        payout: str,
        *,
        idempotency_key: str | None = None,
        **proof: Any,
    ) -> PayoutChangeActView:
        """`POST …/payout-changes`: have a claim paid elsewhere; see `PayoutChange` for proof."""
        given = {name: value for name, value in proof.items() if value is not None}
        body = PayoutChange(content_sha256=restitution.content_sha256, payout=payout, **given)
        path = f"{_RESTITUTIONS}/{restitution.id}/claims/{claim_id}/payout-changes"
        return self._post(PayoutChangeActView, path, body, idempotency_key)

    def decide_payout_account(
        self,
        restitution: RequestRef,
        claim_id: str,
        change: PayoutChangeView,
        *,
        decision: Literal["approve", "reject"],
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> PayoutChangeActView:
        """`POST …/decisions`: approve exactly the account that was proposed, or reject it."""
        body = PayoutChangeDecision(
            content_sha256=restitution.content_sha256,
            decision=decision,
            act_sha256=change.act_sha256,
            reason=reason,
        )
        path = f"{_RESTITUTIONS}/{restitution.id}/claims/{claim_id}/payout-changes/{change.id}"
        return self._post(PayoutChangeActView, f"{path}/decisions", body, idempotency_key)

    def propose_allocation(
        self, restitution: RequestRef, *, idempotency_key: str | None = None, **said: Any
    ) -> AllocationView:
        """`POST …/allocations`: who gets how much now; see `NewAllocation` for what is said."""
        body = NewAllocation(content_sha256=restitution.content_sha256, **said)
        path = f"{_RESTITUTIONS}/{restitution.id}/allocations"
        return self._post(AllocationView, path, body, idempotency_key)

    def allocations(self, restitution_id: str) -> Iterator[AllocationView]:
        """Yield the allocations of one's own restitution, oldest first."""
        return self._pages(AllocationView, f"{_RESTITUTIONS}/{restitution_id}/allocations")

    def allocation(self, restitution_id: str, allocation_id: str) -> AllocationDocumentView:
        """`GET …/allocations/{id}`: an allocation with its exact document."""
        path = f"{_RESTITUTIONS}/{restitution_id}/allocations/{allocation_id}"
        return self._get(AllocationDocumentView, path)

    def decide_allocation(
        self,
        restitution: RequestRef,
        allocation: AllocationView,
        *,
        decision: Literal["approve", "reject"],
        idempotency_key: str | None = None,
    ) -> AllocationView:
        """`POST …/approvals`: approve exactly what was proposed, or reject it."""
        body = AllocationDecision(
            content_sha256=restitution.content_sha256,
            decision=decision,
            act_sha256=allocation.act_sha256,
        )
        path = f"{_RESTITUTIONS}/{restitution.id}/allocations/{allocation.id}/approvals"
        return self._post(AllocationView, path, body, idempotency_key)

    def payouts(
        self, restitution_id: str, *, status: PayoutStatus | str | None = None
    ) -> Iterator[PayoutView]:
        """Yield the payouts of one's own restitution, with where each goes."""
        return self._pages(PayoutView, f"{_RESTITUTIONS}/{restitution_id}/payouts", status=status)

    def record_payouts(
        self,
        restitution: RequestRef,
        lines: Sequence[PayoutLine],
        *,
        idempotency_key: str | None = None,
    ) -> PayoutsView:
        """`POST …/payouts`: record what became of payouts, all of them or none."""
        body = PayoutLines(content_sha256=restitution.content_sha256, lines=list(lines))
        path = f"{_RESTITUTIONS}/{restitution.id}/payouts"
        return self._post(PayoutsView, path, body, idempotency_key)

    def close_restitution(
        self, restitution: RequestRef, *, idempotency_key: str | None = None
    ) -> RestitutionView:
        """`POST …/closure`: nothing more is paid; what is left goes where the document says."""
        body = RestitutionClosure(content_sha256=restitution.content_sha256)
        path = f"{_RESTITUTIONS}/{restitution.id}/closure"
        return self._post(RestitutionView, path, body, idempotency_key)

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

    def evidence_bundle(self, about: str) -> bytes:
        """Return an evidence bundle, a ZIP to hand on: see `examine_bundle`.

        The coordinator records that it was exported.

        Args:
            about: The id of a request (`frq_…`), a restitution (`rst_…`) or a recovery request
                (`rcv_…`).

        Raises:
            ApiError: The coordinator refused.
            TransportError: No usable answer came.
        """
        return self.transport.read_document(
            f"{_BUNDLES_OF.get(about[:4], _REQUESTS)}/{about}/evidence-bundle", CONTENT_TYPE
        )

    def summary_pdf(self, request_id: str) -> bytes:
        """Return the summary of a request for people outside: PDF/A, signed by the coordinator.

        Raises:
            ApiError: The coordinator refused.
            TransportError: No usable answer came.
        """
        return self.transport.read_document(
            f"{_REQUESTS}/{request_id}/summary.pdf", "application/pdf"
        )

    def readiness(self, request_id: str) -> bytes:
        """Return a drill's readiness report as signed JSON (`readiness.ReadinessView`).

        Bytes, to be kept as they are: `verify_readiness` says what stands in them.

        Raises:
            ConflictError: The request is real.
            ApiError: The coordinator refused otherwise.
            TransportError: No usable answer came.
        """
        return self.transport.read_document(
            f"{_REQUESTS}/{request_id}/readiness", "application/json"
        )

    def readiness_pdf(self, request_id: str) -> bytes:
        """Return the same report for people: PDF/A, signed by the coordinator.

        Raises:
            ConflictError: The request is real.
            ApiError: The coordinator refused otherwise.
            TransportError: No usable answer came.
        """
        return self.transport.read_document(
            f"{_REQUESTS}/{request_id}/readiness.pdf", "application/pdf"
        )

    def request_events(self, request_id: str) -> Iterator[RequestEventView]:
        """Yield the events of one request as one was told them, oldest first."""
        return self._pages(RequestEventView, f"{_REQUESTS}/{request_id}/events")

    def reads(self, request_id: str, *, partner: str | None = None) -> Iterator[RequestReadView]:
        """Yield who read a request, with which key, what of it and when, newest first.

        The requester reads of everybody, a partner asked of its own people and systems.
        """
        return self._pages(RequestReadView, f"{_REQUESTS}/{request_id}/reads", partner=partner)

    def decide(
        self,
        request: RequestRef,
        decision: Decision,
        *,
        context_sha256: str,
        comment: str | None = None,
        warnings_accepted: Sequence[WarningAcceptance] = (),
        left_out: LeftOut | None = None,
        idempotency_key: str | None = None,
    ) -> ActView:
        """Approve or reject as a security lead, on exactly the context whose hash is given.

        What is `left_out` at the approval never goes out.
        """
        members: dict[str, Any] = {
            "content_sha256": request.content_sha256,
            "decision": decision,
            "context_sha256": context_sha256,
        }
        if comment:
            members["comment"] = comment
        if warnings_accepted:
            members["warnings_accepted"] = list(warnings_accepted)
        if left_out is not None:
            members["except"] = list(left_out.numbers)
            members["remainder_sha256"] = left_out.remainder_sha256
        return self._act(request, "approvals", Approval(**members), idempotency_key)

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

    def limit_leg(
        self,
        request: RequestRef,
        people: Sequence[str] | None,
        *,
        idempotency_key: str | None = None,
    ) -> ActView:
        """Limit one's leg to these people of one's own; None: everybody of it sees it again."""
        named = None if people is None else list(people)
        body = LegLimit(content_sha256=request.content_sha256, people=named)
        return self._act(request, "leg-limit", body, idempotency_key)

    def decline(
        self,
        request: RequestRef,
        code: DeclineCode,
        *,
        detail: str | None = None,
        retry: bool = False,
        missing: Sequence[str] = (),
        following: Next | None = None,
        left_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> ActView:
        """Say that nothing is or will be frozen, and why.

        `following` is where the funds went, `left_at` when (`left_after_notice` alone).
        """
        members: dict[str, Any] = {"content_sha256": request.content_sha256, "code": code}
        optional = {
            "detail": detail,
            "retry": retry,
            "missing": list(missing),
            "next": following,
            "left_at": left_at,
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

    def test_endpoint(
        self,
        endpoint_id: str,
        *,
        event_type: EventType = EventType.ENDPOINT_TEST,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Have a test sent there now, once; the answer says what came of it.

        Args:
            endpoint_id: Yours, and turned on.
            event_type: Of which a sample is sent.
            idempotency_key: Of this call and its retries.
        """
        path = f"/v1/webhook-endpoints/{endpoint_id}/test"
        body = WantedTest(event_type=event_type)
        return self.request("POST", path, body=body, idempotency_key=idempotency_key)

    def recover_endpoint(
        self, endpoint_id: str, since: Time | None = None, *, idempotency_key: str | None = None
    ) -> Answer:
        """Have everything sent again that was given up (since a time), and what waits, now."""
        path = f"/v1/webhook-endpoints/{endpoint_id}/recover"
        body = Recovery(since=since)
        return self.request("POST", path, body=body, idempotency_key=idempotency_key)

    def replay(
        self, endpoint_id: str, since: Time, *, idempotency_key: str | None = None
    ) -> Answer:
        """Have everything sent again that happened since."""
        path = f"/v1/webhook-endpoints/{endpoint_id}/replay"
        body = Replay(since=since)
        return self.request("POST", path, body=body, idempotency_key=idempotency_key)

    def deliveries(self, endpoint_id: str, *, status: str | None = None) -> Iterator[DeliveryView]:
        """Yield what was owed to an endpoint, newest first, with every attempt."""
        path = f"/v1/webhook-endpoints/{endpoint_id}/deliveries"
        return self._pages(DeliveryView, path, status=status)

    def resend(self, delivery_id: str, *, idempotency_key: str | None = None) -> Answer:
        """Have one delivery sent again."""
        path = f"/v1/deliveries/{delivery_id}/resend"
        return self.request("POST", path, idempotency_key=idempotency_key)

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

    def withdraw(
        self,
        request: RequestRef,
        reason: str,
        *,
        reason_code: WithdrawalReason,
        addresses: Sequence[int] | None = None,
        idempotency_key: str | None = None,
    ) -> WithdrawalActView:
        """Withdraw all addresses, or those given by their numbers; holders read both reasons.

        Where your policy asks for two leads the answer has a `withdrawal`, which another approves.
        """
        body = Withdrawal(
            content_sha256=request.content_sha256,
            addresses="all" if addresses is None else list(addresses),
            reason_code=reason_code,
            reason=reason,
        )
        path = f"{_REQUESTS}/{request.id}/withdrawal"
        return self._post(WithdrawalActView, path, body, idempotency_key)

    def withdrawals(self, request_id: str) -> Iterator[WithdrawalView]:
        """Yield what was proposed to be withdrawn, and how it was decided."""
        return self._pages(WithdrawalView, f"{_REQUESTS}/{request_id}/withdrawals")

    def decide_withdrawal(
        self,
        request: RequestRef,
        withdrawal: WithdrawalView,
        decision: Decision,
        *,
        act_sha256: str,
        comment: str | None = None,
        idempotency_key: str | None = None,
    ) -> WithdrawalActView:
        """Approve or reject a withdrawal that another lead proposed.

        `act_sha256` is the SHA-256 of the body that proposed it, from its proven evidence.
        """
        body = WithdrawalDecision(
            content_sha256=request.content_sha256,
            decision=decision,
            act_sha256=act_sha256,
            comment=comment,
        )
        path = f"{_REQUESTS}/{request.id}/withdrawals/{withdrawal.id}/approvals"
        return self._post(WithdrawalActView, path, body, idempotency_key)

    def close(
        self, request: RequestRef, reason: str | None = None, *, idempotency_key: str | None = None
    ) -> ActView:
        """Close a request on which no hold is open."""
        body = Closure(content_sha256=request.content_sha256, reason=reason)
        return self._act(request, "closure", body, idempotency_key)

    def erase(
        self, request: RequestRef, reason: ErasureReason, *, idempotency_key: str | None = None
    ) -> ActView:
        """Erase what an ended request says, as the operator proposed it; for a security lead."""
        body = Erasure(content_sha256=request.content_sha256, reason=reason)
        return self._act(request, "erasure", body, idempotency_key)

    def proposed_erasure(self, request_id: str) -> ProposedErasureView:
        """Return what the operator proposes to erase of one's own request, and why.

        Raises:
            NotFoundError: If nothing is proposed.
        """
        return self._get(ProposedErasureView, f"{_REQUESTS}/{request_id}/erasure")

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
        path = f"{_REQUESTS}/{request.id}/info-requests/{info_request_id}/answer"
        return self._post(InfoRequestView, path, body, idempotency_key)

    def tasks(self, kind: TaskKind | None = None) -> Iterator[WaitingTaskView]:
        """Yield what awaits this profile's person or system, by deadline; of one kind or of all."""
        return self._pages(WaitingTaskView, "/v1/tasks", kind=None if kind is None else kind.value)

    def take(
        self, request: RequestRef | None, task_id: str, *, idempotency_key: str | None = None
    ) -> TakenTaskView:
        """Say "I have it" of a task that waits for a person.

        Args:
            request: That it is about; None where it is about the organisation itself.
            task_id: `tsk_…`.
            idempotency_key: Of an earlier try.
        """
        body = TaskTaken(content_sha256=None if request is None else request.content_sha256)
        return self._post(TakenTaskView, f"/v1/tasks/{task_id}/taken", body, idempotency_key)

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
        path = f"{_REQUESTS}/{request.id}/disputes/{dispute_id}/resolution"
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
        return self._post(AdditionView, f"{_REQUESTS}/{request.id}/partners", body, idempotency_key)

    def additions(self, request_id: str) -> Iterator[AdditionView]:
        """Yield what was proposed for one's own request, with the context to decide on."""
        return self._pages(AdditionView, f"{_REQUESTS}/{request_id}/partners")

    def drafts(self, request_id: str) -> Iterator[DraftView]:
        """Yield drafts of follow-on requests, one for each leg that said where funds went."""
        return self._pages(DraftView, f"{_REQUESTS}/{request_id}/drafts")

    def extend(
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
            HoldActView, f"{_REQUESTS}/{request.id}/hold-extensions", body, idempotency_key
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
        path = f"{_REQUESTS}/{request.id}/info-requests"
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
        return self._post(DisputeView, f"{_REQUESTS}/{request.id}/disputes", body, idempotency_key)

    def clearances(self, request_id: str) -> Iterator[ClearanceView]:
        """Yield the accounts that a request flagged by error, each with its signed statement."""
        return self._pages(ClearanceView, f"{_REQUESTS}/{request_id}/clearances")

    def revoke_clearance(
        self,
        request: RequestRef,
        clearance_id: str,
        reason: str,
        *,
        idempotency_key: str | None = None,
    ) -> ClearanceRevocationView:
        """Take a clearance back as a lead of the requester."""
        body = ClearanceRevocation(content_sha256=request.content_sha256, reason=reason)
        path = f"{_REQUESTS}/{request.id}/clearances/{clearance_id}/revocation"
        return self._post(ClearanceRevocationView, path, body, idempotency_key)

    def attach_order(
        self,
        request: RequestRef,
        *,
        agency: str,
        reference: str,
        document_sha256: str,
        hold: str | None = None,
        details: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> LegalOrderView:
        """Attach an authority's order by the hash of its document; it changes no hold by itself.

        Args:
            request: Which.
            agency: Whose order it is.
            reference: Its own number.
            document_sha256: Of its file, which stays with you.
            hold: Only this one.
            details: `officer`, `entity`, `verification`, `call_back`, `freeze_until`, where known.
            idempotency_key: To try again with.
        """
        members = {
            "content_sha256": request.content_sha256,
            "agency": agency,
            "reference": reference,
            "document_sha256": document_sha256,
            **(details or {}),
        }
        if hold is not None:
            members["hold"] = hold
        body = LegalOrder.model_validate(members)
        path = f"{_REQUESTS}/{request.id}/legal-orders"
        return self._post(LegalOrderView, path, body, idempotency_key)

    def call_back_about_order(
        self,
        request: RequestRef,
        order_id: str,
        *,
        at: datetime,
        number_from: NumberSource,
        outcome: CallBackOutcome,
        idempotency_key: str | None = None,
    ) -> LegalOrderView:
        """Say that you called the authority back about its order yourself, and what you heard."""
        body = OrderCallBack(
            content_sha256=request.content_sha256, at=at, number_from=number_from, outcome=outcome
        )
        path = f"{_REQUESTS}/{request.id}/legal-orders/{order_id}/call-backs"
        return self._post(LegalOrderView, path, body, idempotency_key)

    def encumber(
        self,
        request: RequestRef,
        *,
        kind: EncumbranceKind,
        hold: str,
        order_sha256: str,
        court: str,
        number: str,
        blocks: Collection[Blocked] = tuple(Blocked),
        amount: int | None = None,
        review_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> EncumbranceView:
        """Attach a third party's claim to a hold, by the hash of the order; None: all of it."""
        body = Encumbrance(
            content_sha256=request.content_sha256,
            kind=kind,
            hold=hold,
            order_sha256=order_sha256,
            amount=None if amount is None else str(amount),
            blocks=sorted(blocks),
            court=court,
            number=number,
            review_at=review_at,
        )
        path = f"{_REQUESTS}/{request.id}/encumbrances"
        return self._post(EncumbranceView, path, body, idempotency_key)

    def lift(
        self,
        request: RequestRef,
        restraint: LegalOrderView | EncumbranceView,
        *,
        document_sha256: str,
        idempotency_key: str | None = None,
    ) -> LegalOrderView | EncumbranceView:
        """Lift an order or an encumbrance by a document, as a second person of who attached it."""
        body = Lifting(
            content_sha256=request.content_sha256,
            act_sha256=restraint.act_sha256 or "",
            document_sha256=document_sha256,
        )
        path = f"{_restraint_path(request, restraint)}/lifting"
        return self._post(type(restraint), path, body, idempotency_key)

    def review_restraint(
        self,
        request: RequestRef,
        restraint: LegalOrderView | EncumbranceView,
        *,
        review_at: datetime,
        idempotency_key: str | None = None,
    ) -> LegalOrderView | EncumbranceView:
        """Say that your order or encumbrance stands, and when somebody looks again."""
        body = EncumbranceReview(content_sha256=request.content_sha256, review_at=review_at)
        path = f"{_restraint_path(request, restraint)}/reviews"
        return self._post(type(restraint), path, body, idempotency_key)

    def raise_support(
        self,
        request: RequestRef,
        support: Support,
        *,
        document_sha256: str,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> SupportView:
        """Have the request rest on a better word, by the hash of the document that bears it.

        No hold changes by itself: whoever holds may now extend farther.
        """
        members = {
            "content_sha256": request.content_sha256,
            "support": support.value,
            "document_sha256": document_sha256,
        }
        if reference is not None:
            members["reference"] = reference
        body = SupportRaise.model_validate(members)
        return self._post(SupportView, f"{_REQUESTS}/{request.id}/support", body, idempotency_key)

    def give_indemnity(
        self,
        request: RequestRef,
        cap: IndemnityCap,
        *,
        law: str,
        until: datetime,
        document_sha256: str,
        to: str | None = None,
        idempotency_key: str | None = None,
    ) -> IndemnityView:
        """Make good what a wrong freeze costs, up to a cap and until a time, to all or to one."""
        body = IndemnityGift(
            content_sha256=request.content_sha256,
            cap=cap,
            law=law,
            until=until,
            document_sha256=document_sha256,
            to=to,
        )
        path = f"{_REQUESTS}/{request.id}/indemnities"
        return self._post(IndemnityView, path, body, idempotency_key)

    def indemnities(self, request_id: str) -> Iterator[IndemnityView]:
        """Yield the indemnities that one may see: the requester all, a partner asked its own."""
        return self._pages(IndemnityView, f"{_REQUESTS}/{request_id}/indemnities")

    def ask_guest(
        self, request: RequestRef, domain: str, *, idempotency_key: str | None = None
    ) -> GuestView:
        """Ask an organisation that is no member, by its domain; for leads.

        A mail with a link goes to the security contact that it publishes. What it answers is
        nobody's signature, and in no sum.
        """
        body = GuestAsk(content_sha256=request.content_sha256, domain=domain)
        return self._post(GuestView, f"{_REQUESTS}/{request.id}/guests", body, idempotency_key)

    def guests(self, request_id: str) -> Iterator[GuestView]:
        """Yield the guests of one's own request, with what they said: all of it unverified."""
        return self._pages(GuestView, f"{_REQUESTS}/{request_id}/guests")

    def submit_recovery(
        self, request: RecoveryRequest, *, idempotency_key: str | None = None
    ) -> RecoveryView:
        """Ask a partner for misplaced deposits; another person of yours approves it.

        What was asked of the same partner before is not asked twice (`already_asked`).
        """
        return self._post(RecoveryView, _RECOVERIES, request, idempotency_key)

    def recoveries(
        self, box: str = "sent", *, waiting: bool | None = None
    ) -> Iterator[RecoveryView]:
        """Yield recovery requests: `sent`, `received`, or `to_approve`; the newest first."""
        only = "true" if waiting else None
        return self._pages(RecoveryView, _RECOVERIES, box=box, waiting=only)

    def recovery(self, recovery_id: str) -> RecoveryView:
        """Return one recovery request."""
        return self._get(RecoveryView, f"{_RECOVERIES}/{recovery_id}")

    def misplaced_deposits(
        self, recovery_id: str, *, status: str | None = None
    ) -> Iterator[DepositView]:
        """Yield the deposits of a recovery request by number, as they stand."""
        return self._pages(DepositView, f"{_RECOVERIES}/{recovery_id}/deposits", status=status)

    def recovery_evidence(self, recovery_id: str) -> Iterator[RecoveryActView]:
        """Yield all acts on a recovery request with what proves each."""
        return self._pages(RecoveryActView, f"{_RECOVERIES}/{recovery_id}/evidence")

    def recovery_statistics(self) -> RecoveryStatisticsView:
        """Return how many deposits were asked for and given back, and how fast."""
        return self._get(RecoveryStatisticsView, f"{_RECOVERIES}/statistics")

    def decide_recovery(
        self,
        request: RecoveryView,
        decision: str,
        *,
        comment: str | None = None,
        idempotency_key: str | None = None,
    ) -> RecoveryResultView:
        """Approve or reject a recovery request that somebody else submitted."""
        body = RecoveryDecision.model_validate(
            {
                "content_sha256": request.content_sha256,
                "decision": decision,
                "comment": comment,
            }
        )
        return self._act_on_recovery(request, "approvals", body, idempotency_key)

    def withdraw_recovery(
        self,
        request: RecoveryView,
        deposits: Sequence[int] | None = None,
        *,
        reason: str,
        idempotency_key: str | None = None,
    ) -> RecoveryResultView:
        """Take deposits back of which nothing was returned; None: all of those."""
        body = RecoveryWithdrawal(
            content_sha256=request.content_sha256,
            deposits="all" if deposits is None else list(deposits),
            reason=reason,
        )
        return self._act_on_recovery(request, "withdrawal", body, idempotency_key)

    def answer_recovery(
        self,
        request: RecoveryView,
        lines: Sequence[DepositAnswer],
        *,
        idempotency_key: str | None = None,
    ) -> RecoveryResultView:
        """Answer deposits as the partner asked; all lines or none are taken."""
        body = RecoveryAnswers(content_sha256=request.content_sha256, lines=list(lines))
        return self._act_on_recovery(request, "answers", body, idempotency_key)

    def reply_recovery(
        self,
        request: RecoveryView,
        lines: Sequence[DepositReply],
        *,
        idempotency_key: str | None = None,
    ) -> RecoveryResultView:
        """Reply as the requester: supply, confirm, or say that nothing arrived."""
        body = RecoveryReplies(content_sha256=request.content_sha256, lines=list(lines))
        return self._act_on_recovery(request, "replies", body, idempotency_key)

    def _act_on_recovery(
        self, request: RecoveryView, name: str, body: Body, idempotency_key: str | None
    ) -> RecoveryResultView:
        path = f"{_RECOVERIES}/{request.id}/{name}"
        return self._post(RecoveryResultView, path, body, idempotency_key)

    def record_data_subject_request(
        self, body: DataSubjectRequest, *, idempotency_key: str | None = None
    ) -> DataSubjectRequestView:
        """Pass on that a person asks for a right under data-protection law.

        `body` names the account, or a freeze request that one may see. The answer is the same
        whether anybody else was concerned.
        """
        return self._post(DataSubjectRequestView, _DATA_SUBJECTS, body, idempotency_key)

    def data_subject_requests(
        self, request_id: str | None = None
    ) -> Iterator[DataSubjectRequestView]:
        """Yield what one's organisation passed on, or has to answer; of a freeze request or all."""
        return self._pages(DataSubjectRequestView, _DATA_SUBJECTS, request_id=request_id)

    def data_subject_request(self, data_subject_request_id: str) -> DataSubjectRequestView:
        """Return one of them."""
        return self._get(DataSubjectRequestView, f"{_DATA_SUBJECTS}/{data_subject_request_id}")

    def answer_data_subject(
        self,
        request: RequestRef,
        data_subject_request_id: str,
        decision: DataSubjectDecision,
        reason: DataSubjectReason | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> DataSubjectCaseView:
        """Sign what is decided on what a person asks about one's request; for compliance.

        Raises:
            ValidationError: If the reason does not fit the decision; nothing was sent.
        """
        body = DataSubjectAnswer(
            content_sha256=request.content_sha256, decision=decision, reason=reason
        )
        path = f"{_REQUESTS}/{request.id}/data-subject-requests/{data_subject_request_id}/answer"
        return self._post(DataSubjectCaseView, path, body, idempotency_key)

    def support(self, request_id: str) -> Iterator[SupportView]:
        """Yield the documents that raised whose word a request rests on."""
        return self._pages(SupportView, f"{_REQUESTS}/{request_id}/support")

    def renew_flags(
        self, request: RequestRef, *, idempotency_key: str | None = None
    ) -> FlagRenewalView:
        """`POST /v1/freeze-requests/{id}/flag-renewals`: screen for it for another 30 days."""
        body = FlagRenewal(content_sha256=request.content_sha256)
        path = f"{_REQUESTS}/{request.id}/flag-renewals"
        return self._post(FlagRenewalView, path, body, idempotency_key)

    def flags(
        self,
        after: str | None = None,
        *,
        limit: int | None = None,
        changes: FlagChanges | None = None,
    ) -> FlagPage:
        """`GET /v1/flags`: one page, not verified; `holdfast.screening` reads and verifies all."""
        return self._get(FlagPage, "/v1/flags", after=after, limit=limit, changes=changes)

    def applied_flags(self) -> AppliedFlagsView:
        """`GET /v1/flags/applied`: up to where your organisation said that it screens."""
        return self._get(AppliedFlagsView, "/v1/flags/applied")

    def report_applied_flags(
        self, applied: AppliedFlags, *, idempotency_key: str | None = None
    ) -> AppliedFlagsView:
        """`POST /v1/flags/applied`: say up to which head you screen deposits."""
        return self._post(AppliedFlagsView, "/v1/flags/applied", applied, idempotency_key)

    def mark_same_funds(
        self,
        request: RequestRef,
        hold: str,
        same_as: str | None,
        *,
        idempotency_key: str | None = None,
    ) -> SameFundsView:
        """Have sums over partners leave `hold` out while `same_as` holds the same tokens.

        `None` takes that back. Neither partner is told.
        """
        body = SameFunds(content_sha256=request.content_sha256, hold=hold, same_as=same_as)
        path = f"{_REQUESTS}/{request.id}/same-funds"
        return self._post(SameFundsView, path, body, idempotency_key)

    def holds(self, request_id: str) -> Iterator[HoldView]:
        """Yield the holds of a request that one may see."""
        return self._pages(HoldView, f"{_REQUESTS}/{request_id}/holds")

    def owed(self) -> Iterator[OwedHoldView]:
        """Yield holds about which an answer is owed: one's own, and partners' on one's requests."""
        return self._pages(OwedHoldView, "/v1/holds/owed")

    def questions(self, request_id: str) -> Iterator[InfoRequestView]:
        """Yield partners' questions with their answers."""
        return self._pages(InfoRequestView, f"{_REQUESTS}/{request_id}/info-requests")

    def send_sealed_part(
        self, request: RequestRef, part: bytes, *, idempotency_key: str | None = None
    ) -> SealedPartView:
        """Send one part of a ciphertext, before the act that names it; `client.sealing` does."""
        body = SealedPart(content_sha256=request.content_sha256, data=base64url.encode(part))
        path = f"{_REQUESTS}/{request.id}/sealed-evidence/parts"
        return self._post(SealedPartView, path, body, idempotency_key)

    def seal_evidence(
        self, request_id: str, body: SealedEvidence, *, idempotency_key: str | None = None
    ) -> SealedEvidenceView:
        """Sign that a file is sealed to its recipients; `client.sealing` does all of it."""
        path = f"{_REQUESTS}/{request_id}/sealed-evidence"
        return self._post(SealedEvidenceView, path, body, idempotency_key)

    def share_sealed_evidence(
        self,
        request_id: str,
        sealed_evidence_id: str,
        body: SealedEvidenceShare,
        *,
        idempotency_key: str | None = None,
    ) -> SealedEvidenceView:
        """Sign that a file is sealed to more partners; `client.sealing` does all of it."""
        path = f"{_REQUESTS}/{request_id}/sealed-evidence/{sealed_evidence_id}/recipients"
        return self._post(SealedEvidenceView, path, body, idempotency_key)

    def sealed_evidence(self, request_id: str) -> Iterator[SealedEvidenceView]:
        """Yield what one's organisation sealed on a request, and what was sealed to it."""
        return self._pages(SealedEvidenceView, f"{_REQUESTS}/{request_id}/sealed-evidence")

    def one_sealed_evidence(self, request_id: str, sealed_evidence_id: str) -> SealedEvidenceView:
        """Return one sealed file's acts."""
        path = f"{_REQUESTS}/{request_id}/sealed-evidence/{sealed_evidence_id}"
        return self._get(SealedEvidenceView, path)

    def sealed_part(self, request_id: str, sealed_evidence_id: str, number: int) -> bytes:
        """Return one part of a sealed file's ciphertext, numbered from 0.

        Raises:
            TransportError: The answer holds none.
        """
        path = f"{_REQUESTS}/{request_id}/sealed-evidence/{sealed_evidence_id}/parts/{number}"
        view = self._get(SealedPartView, path)
        try:
            return base64url.decode(view.data or "")
        except Base64UrlError as error:
            raise TransportError(f"the answer holds no part of a file: data {error}") from None

    def disputes(self, request_id: str) -> Iterator[DisputeView]:
        """Yield the disputes that one may see."""
        return self._pages(DisputeView, f"{_REQUESTS}/{request_id}/disputes")

    def orders(self, request_id: str) -> Iterator[LegalOrderView]:
        """Yield the legal orders that one may see."""
        return self._pages(LegalOrderView, f"{_REQUESTS}/{request_id}/legal-orders")

    def encumbrances(self, request_id: str) -> Iterator[EncumbranceView]:
        """Yield the encumbrances that one may see."""
        return self._pages(EncumbranceView, f"{_REQUESTS}/{request_id}/encumbrances")

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


def _restraint_path(request: RequestRef, restraint: LegalOrderView | EncumbranceView) -> str:
    noun = "legal-orders" if isinstance(restraint, LegalOrderView) else "encumbrances"
    return f"{_REQUESTS}/{request.id}/{noun}/{restraint.id}"


def coordinator_keys(transport: Transport) -> list[PublicKey]:
    """Return the keys that the coordinator signs with; what it publishes else is left out."""
    keys = []
    for jwk in _published_keys(transport):
        try:
            keys.append(PublicKey.from_jwk(jwk))
        except KeyFormatError:
            continue
    return keys


def _published_keys(transport: Transport) -> list[dict[str, Any]]:
    answer = transport.read_public("/.well-known/jwks.json")
    keys = answer.body.get("keys") if isinstance(answer.body, dict) else None
    if not isinstance(keys, list):
        raise TransportError("the answer is no JWK set: is this a coordinator?")
    return [key for key in keys if isinstance(key, dict)]


def clearance_status(transport: Transport, clearance_id: str) -> ClearanceStatus:
    """Return whether a clearance still holds, for which nobody needs a key."""
    answer = transport.read_public(f"/v1/clearances/{clearance_id}")
    return parse_view(ClearanceStatus, answer.body)


def yearly_summary(transport: Transport, year: int) -> YearlySummary:
    """Return the public summary of a year, for which nobody needs a key."""
    answer = transport.read_public(f"/v1/statistics/{year}")
    return parse_view(YearlySummary, answer.body)
