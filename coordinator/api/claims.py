"""Claims on what was recovered."""

from typing import Annotated, Any

from pydantic import Field

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, query_view
from coordinator.domain.errors import NotFoundError
from coordinator.domain.permission import Permission
from coordinator.services.restoring.claim_files import (
    SignatureFaults,
    StatedFor,
    read_claims,
    signature_faults,
)
from coordinator.services.restoring.claim_links import PAGE, MakeClaimLinks, RevokeClaimLinks
from coordinator.services.restoring.claims import (
    ClaimView,
    DecideClaim,
    FileClaims,
    ObjectToClaimDecision,
    claim_views,
    read_claim,
)
from coordinator.services.restoring.payout_changes import DecidePayoutChange, ProposePayoutChange
from coordinator.services.restoring.restitutions import visible_restitution
from coordinator.storage.restoring import claims as store
from coordinator.storage.restoring import restitutions as restitution_store
from holdfast.protocol import restitution_payloads as payloads
from holdfast.protocol import restitution_views as shown
from holdfast.protocol import views
from holdfast.protocol.vocabulary import ClaimStatus


class ClaimsQuery(PageQuery):
    """Which claims."""

    status: Annotated[ClaimStatus | None, Field(description="Only those that stand there.")] = None


@command_view(FileClaims, body=payloads.Claims, answer=shown.FiledClaimsView, large=True)
def file_claims(call: SignedCall[payloads.Claims], restitution_id: str) -> FileClaims:
    """File claims, up to 10,000 at once; one bad line refuses the file, naming every fault.

    The opener files what victims handed in. A member files for its own customers, under references
    of its own, attests that they are, and is paid for them in one sum. After `claims_close_at` a
    claim is taken, too, as `late`: it shares in what is left.
    """
    chains, claims = call.context.rulebook.chains, call.body.claims
    return FileClaims(
        restitution_id=restitution_id,
        body=call.body,
        read=read_claims(chains, claims),
        signatures=_verified(call, restitution_id),
    )


def _verified(call: SignedCall[payloads.Claims], restitution_id: str) -> SignatureFaults:
    """Verify signatures before the transaction, while nobody waits for the restitution.

    What a signed text names of one never changes. Only its opener's files are looked at, for in
    others no signature counts: how long it takes tells nobody of what they may not see.
    """
    context, claims = call.context, call.body.claims
    if not any(claim.signatures for claim in claims):
        return {}
    with context.database.engine.connect() as connection:
        row = restitution_store.get(connection, restitution_id)
    if row is None or row.opener != call.token.iss or row.key_theft:
        return {}  # the command refuses it
    stated_for = StatedFor(context.origin, row, context.clock.now())
    return signature_faults(context.rulebook.chains, stated_for, claims)


@query_view(
    query=ClaimsQuery,
    answer=views.Page[shown.ClaimView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_claims(reader: Reader, query: ClaimsQuery, restitution_id: str) -> dict[str, Any]:
    """List claims in the order in which they were filed: all for the opener, else your own."""
    row = visible_restitution(reader.connection, reader.actor.viewer, restitution_id)
    partner = reader.actor.partner
    wanted = store.WantedClaims(
        restitution_id,
        filed_by=None if row.opener == partner else partner,
        status=query.status,
        after=after_id(query) or "",
    )
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(reader.connection, wanted, limit),
        lambda rows: claim_views(reader.read_context, row, rows),
    )


@query_view(answer=shown.ClaimView, needs=Permission.FREEZE_REQUEST_READ)
def read_one(reader: Reader, restitution_id: str, claim_id: str) -> ClaimView:
    """Read one claim: the opener any, others what they filed."""
    return read_claim(reader.read_context, restitution_id, claim_id)


@command_view(DecideClaim, body=payloads.ClaimDecision, answer=shown.ClaimActView)
def decide(
    call: SignedCall[payloads.ClaimDecision], restitution_id: str, claim_id: str
) -> DecideClaim:
    """Verify a claim, at its value or less, or reject it with a code.

    Above `verify_by_two_above` it takes two people, who verify the same amount. A claim that names
    the address or transaction of one that counts is verified only with `not_a_double`.
    """
    return DecideClaim(restitution_id=restitution_id, claim_id=claim_id, body=call.body)


@command_view(ObjectToClaimDecision, body=payloads.ClaimObjection, answer=shown.ClaimActView)
def object_to(
    call: SignedCall[payloads.ClaimObjection], restitution_id: str, claim_id: str
) -> ObjectToClaimDecision:
    """Object to what was decided on a claim that you filed; it is decided anew.

    Taken until `objections_until`.
    """
    return ObjectToClaimDecision(restitution_id=restitution_id, claim_id=claim_id, body=call.body)


@command_view(MakeClaimLinks, body=payloads.NewClaimLinks, answer=shown.ClaimLinksView, large=True)
def make_links(call: SignedCall[payloads.NewClaimLinks], restitution_id: str) -> MakeClaimLinks:
    """Make secret links for claims that you filed, up to 10,000 at once: all of them, or none.

    You make the tokens, and send their SHA-256 alone; a link is `page`, `#` and the token. Whoever
    has it reads that claim and may object to what was decided. It takes the place of the claim's
    link before.
    """
    scope = call.context.passkey_scope
    if scope is None:
        raise NotFoundError("this coordinator has no console, where links lead")
    return MakeClaimLinks(
        restitution_id=restitution_id, body=call.body, page=f"{scope.origin}{PAGE}"
    )


@command_view(
    RevokeClaimLinks,
    body=payloads.ClaimLinkRevocation,
    answer=shown.ClaimLinkRevocationView,
    large=True,
)
def revoke_links(
    call: SignedCall[payloads.ClaimLinkRevocation], restitution_id: str
) -> RevokeClaimLinks:
    """Have the links of claims that you filed open nothing any more."""
    return RevokeClaimLinks(restitution_id=restitution_id, body=call.body)


@command_view(ProposePayoutChange, body=payloads.PayoutChange, answer=shown.PayoutChangeActView)
def propose_payout_account(
    call: SignedCall[payloads.PayoutChange], restitution_id: str, claim_id: str
) -> ProposePayoutChange:
    """Have a claim that you filed paid to another account, by fresh proof.

    Another person of your organisation approves it, and it is in force 72 hours later (data). Until
    then nothing is paid on the claim, neither to the old account nor to the new one.
    """
    return ProposePayoutChange(restitution_id=restitution_id, claim_id=claim_id, body=call.body)


@command_view(
    DecidePayoutChange, body=payloads.PayoutChangeDecision, answer=shown.PayoutChangeActView
)
def decide_payout_account(
    call: SignedCall[payloads.PayoutChangeDecision],
    restitution_id: str,
    claim_id: str,
    change_id: str,
) -> DecidePayoutChange:
    """Approve another account of a claim, or reject it.

    Whoever proposed it does not approve it. It may be rejected until it is in force, by whoever
    filed the claim and by the opener.
    """
    return DecidePayoutChange(
        restitution_id=restitution_id, claim_id=claim_id, change_id=change_id, body=call.body
    )
