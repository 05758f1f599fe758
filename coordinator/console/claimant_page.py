"""The page of one claim, for whoever has its secret link: what became of it, and an objection.

The token stands behind the #, which no server sees, and comes in the body of a form; opening the
link does nothing yet. Every link that opens nothing has the same answer. Nobody is signed in here:
each form brings the token again, and no cookie stands for it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from flask import Response, request

from coordinator.api.body import validate_body
from coordinator.api.context import current_context
from coordinator.console import render
from coordinator.console.context import console
from coordinator.console.forms import Form
from coordinator.console.words import AmountWords, amount, moment
from coordinator.domain.actor import COORDINATOR
from coordinator.domain.claim import ClaimAct, takes
from coordinator.domain.errors import InvalidInputError
from coordinator.services.commands import execute
from coordinator.services.core.read_context import ReadContext
from coordinator.services.core.unit_of_work import transaction
from coordinator.services.restoring.claim_links import (
    PAGE,
    ClaimPage,
    ObjectByClaimLink,
    hashed,
    read_page,
)
from coordinator.services.restoring.claims import ClaimView
from coordinator.services.restoring.payouts import PayoutView
from holdfast.protocol import canonical_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.restitution_payloads import ClaimObjection
from holdfast.protocol.vocabulary import (
    ClaimRejection,
    ClaimStatus,
    PayoutStatus,
    RestitutionStatus,
)


class Stand(NamedTuple):
    """Where a claim stands: a word, its tone, what it means, and what happens next."""

    word: str
    tone: str
    meaning: str
    next: str


_DECIDED_NEXT = "People of {opener} look at it. Nothing is asked of you now."
_SHARED_NEXT = (
    "When what came back is shared out, this claim takes part. It may be less than what was lost,"
    " and it may come in several parts."
)
STANDS: Mapping[ClaimStatus, Stand] = MappingProxyType(
    {
        ClaimStatus.RECEIVED: Stand(
            "Received", "waiting", "Nobody has decided on it yet.", _DECIDED_NEXT
        ),
        ClaimStatus.OBJECTION: Stand(
            "Contested",
            "waiting",
            "There was an objection to the decision. What was decided before is taken back.",
            "{opener} decides anew. Nothing is asked of you now.",
        ),
        ClaimStatus.VERIFIED: Stand(
            "Recognised", "held", "The loss is recognised. Nothing is allocated yet.", _SHARED_NEXT
        ),
        ClaimStatus.REJECTED: Stand(
            "Rejected", "danger", "It takes no part in what is given back.", ""
        ),
        ClaimStatus.ALLOCATED: Stand(
            "Allocated",
            "held",
            "A part of what came back is set aside for it.",
            "{filed_by} or {opener} pays it to the account that was named in the claim.",
        ),
        ClaimStatus.PAID: Stand(
            "Paid",
            "done",
            "All that was allocated so far is paid.",
            "If more comes back, it may be shared out again.",
        ),
        ClaimStatus.FAILED: Stand(
            "A payment did not arrive",
            "danger",
            "What was allocated could not be paid to the account that was named.",
            "Ask {filed_by}, who filed the claim for you: it is paid anew.",
        ),
    }
)
REJECTED: Mapping[ClaimRejection, str] = MappingProxyType(
    {
        ClaimRejection.NOT_A_VICTIM: "Nothing was taken from these addresses",
        ClaimRejection.DOUBLE: "The same loss is claimed elsewhere",
        ClaimRejection.WRONG_AMOUNT: "The amount is not right",
        ClaimRejection.PROOF_FAILS: "The proof does not hold",
        ClaimRejection.DOCUMENTS_MISSING: "Documents are missing",
        ClaimRejection.OTHER: "For another reason",
    }
)
_PAYOUTS = MappingProxyType(
    {
        PayoutStatus.DUE: "to be paid",
        PayoutStatus.PAID: "paid",
        PayoutStatus.FAILED: "did not arrive",
    }
)
_SENT = "Your objection is recorded. The claim is decided on anew."


class Payment(NamedTuple):
    """One part of what is paid."""

    amount: AmountWords
    word: str
    payout: PayoutView


def show_door(form: Form) -> Response:
    """Show what the link is. Opening it does nothing yet: programs that look at links do that."""
    del form
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A strict cookie does not come with a link from a mail, but with this next request.
        return render.page("again.html", None, target=PAGE)
    return _private(render.page("claim_door.html", None))


def show(form: Form) -> Response:
    """Show the claim whose link this is."""
    return _shown(*_counted(form))


def object_to(form: Form) -> Response:
    """Store what the claimant says against the decision; nobody signs it."""
    token, link_sha256 = _counted(form)
    page, words = _page(link_sha256), form.text("reason")
    fault = _fault(page, words)
    if fault:
        return _shown(token, link_sha256, typed=words, fault=fault)
    context = current_context()
    with transaction(context) as uow:
        command = ObjectByClaimLink(link_sha256=link_sha256, reason=words)
        uow.finish(execute(command, COORDINATOR, uow))
    context.wake()
    return _shown(token, link_sha256, said=_SENT)


def _counted(form: Form) -> tuple[str, str]:
    """Return a form's token and its hash; so many a minute are looked for of each, good or not."""
    token = form.text("secret")
    link_sha256 = hashed(token)
    console().claimants.check(link_sha256)
    return token, link_sha256


def _page(link_sha256: str) -> ClaimPage:
    context = current_context()
    with context.database.engine.connect() as connection:
        read = ReadContext(
            connection=connection,
            vault=context.vault,
            actor=COORDINATOR,
            policies=context.rulebook.policies,
            chains=context.rulebook.chains,
            now=context.clock.now(),
        )
        return read_page(read, link_sha256)


def _fault(page: ClaimPage, words: str) -> str:
    """Return what is wrong with an objection's words; they are looked through as a member's are."""
    body = {"content_sha256": page.restitution.content_sha256, "reason": words}
    try:
        _, named = validate_body(canonical_json.dumps(body), ClaimObjection)
    except InvalidInputError:
        return "Say in 1 to 2 000 characters, as plain text, what is wrong with the decision."
    if named:
        return (
            "Leave out names, mail addresses, telephone numbers and accounts: whoever decides knows"
            " the claim by its reference."
        )
    return ""


def _shown(
    token: str, link_sha256: str, *, typed: str = "", fault: str = "", said: str = ""
) -> Response:
    page = _page(link_sha256)
    claim, restitution, assets = page.claim, page.restitution, KnownAssets(render.chains())
    stand = STANDS[claim["status"]]
    names = {"opener": restitution.opener, "filed_by": claim["filed_by"]}
    is_open = restitution.status == RestitutionStatus.OPEN
    answer = render.page(
        "claim.html",
        None,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
        secret=token,
        fault=fault,
        typed=typed,
        said=said,
        claim=claim,
        opener=restitution.opener,
        stand=stand._replace(next=stand.next.format(**names)),
        lost=amount(claim["amount"], claim["asset"], assets),
        sums=_sums(claim, restitution.asset, assets),
        code=None if claim["code"] is None else REJECTED[claim["code"]],
        payments=_payments(page.payouts, restitution.asset, assets),
        filed_at=moment(claim["filed_at"]),
        decided_at=moment(claim["decided_at"]),
        objections_until=restitution.objections_until,
        closed_at=restitution.closed_at,
        takes_objection=is_open
        and render.now() <= restitution.objections_until
        and takes(claim["status"], ClaimAct.OBJECT),
        is_late=not is_open or render.now() > restitution.objections_until,
    )
    return _private(answer)


class Sums(NamedTuple):
    """A claim in the asset that is paid: what it is weighed at, and what it gets."""

    value: AmountWords
    verified: AmountWords | None
    allocated: AmountWords | None


def _sums(claim: ClaimView, asset: str, assets: KnownAssets) -> Sums:
    def words(units: str | None) -> AmountWords | None:
        return None if units is None else amount(units, asset, assets)

    return Sums(
        amount(claim["value"], asset, assets), words(claim["verified"]), words(claim["allocated"])
    )


def _payments(payouts: Sequence[PayoutView], asset: str, assets: KnownAssets) -> list[Payment]:
    return [
        Payment(amount(each["amount"], asset, assets), _PAYOUTS[each["status"]], each)
        for each in payouts
    ]


def _private(response: Response) -> Response:
    """Keep a page out of other programs' hands beyond what every page forbids."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response
