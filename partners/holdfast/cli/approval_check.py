"""`holdfast verify-approval`: the digits of a decision, on a second device."""

import re

import click
from rich.text import Text

from holdfast.cli.additions import find_addition
from holdfast.cli.decisions import proven_submission, require_awaited, show_asked
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.client.client import Client
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct, prove_evidence
from holdfast.evidence.completeness import shown_context
from holdfast.evidence.four_eyes import addition_context, document_of, partners_added
from holdfast.protocol.decision_context import context_sha256
from holdfast.protocol.life_cycle_views import AdditionView
from holdfast.protocol.shown_digits import shown_digits
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import Decision

_NUMBERS = re.compile(r"[0-9]{1,6}(?:,[0-9]{1,6})*", re.ASCII)


@click.command("verify-approval", cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option("--except", "left_out", metavar="NO,NO", help="What the page leaves out.")
@click.option("--reject", is_flag=True, help="The page is about to reject.")
@click.option("--addition", "addition_id", metavar="ADD_…", help="Of partners to ask as well.")
@pass_session
def verify_approval(
    session: Session,
    request_id: str,
    *,
    left_out: str | None,
    reject: bool,
    addition_id: str | None,
) -> None:
    """Show what is to be decided, and the digits that the console's page must show, too.

    Run it on another device than the one with the page. What is shown comes from the bytes that the
    submitter signed. If the page shows other digits, do not touch your passkey: it is about to have
    you sign something else.
    """
    client = session.client()
    view = client.freeze_request(request_id)
    decision = Decision.REJECT if reject else Decision.APPROVE
    numbers = _numbers(left_out)
    if numbers and (reject or addition_id):
        raise click.UsageError("--except goes with approving the request itself")
    if addition_id is None:
        context = _request(session, client, view, numbers)
    else:
        context = _addition(session, client, view, addition_id)
    first, last = shown_digits(
        aud=client.profile.coordinator,
        request_id=view.id,
        content_sha256=view.content_sha256,
        context_sha256=context,
        decision=decision,
        left_out=numbers,
    )
    told = {
        "request": view.id,
        "decision": decision.value,
        "except": sorted(numbers),
        "context_sha256": context,
        "digits": [first, last],
    }

    def render() -> None:
        session.out.print(f"To {decision.value}, the page must show these digits:")
        session.out.print(Text(f"  {first} … {last}", style="bold"))

    session.show(told, render)


def _numbers(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset()
    if not _NUMBERS.fullmatch(text):
        raise click.UsageError("--except takes numbers of addresses with commas between: 3,17")
    return frozenset(int(number) for number in text.split(","))


def _request(
    session: Session, client: Client, view: FreezeRequestView, numbers: frozenset[int]
) -> str:
    """Show what the request asks; returns the hash of its decision context."""
    require_awaited(view)
    context = shown_context(view)
    submission = proven_submission(session, client, view)
    if context.act_sha256 != submission.sha256:
        raise UntrustedEvidenceError(
            "the context is about another act than the submission", code="bad_context"
        )
    unknown = sorted(numbers - document_of(submission).numbered().keys())
    if unknown:
        raise click.UsageError(f"the request has no address {unknown[0]}")
    show_asked(session, view, submission, context, numbers, whole=False)
    return str(view.context_sha256)


def _addition(session: Session, client: Client, view: FreezeRequestView, addition_id: str) -> str:
    """Show whom an addition would ask; returns the hash of its decision context."""
    addition = find_addition(session, view.id, addition_id)
    context = context_sha256(addition.decision_context or "")
    proposal = _proven_proposal(session, client, view, addition)
    if addition_context(proposal, view.id, view.content_sha256) != context:
        raise UntrustedEvidenceError(
            "the decision context is about another proposal than the signed one",
            code="bad_context",
        )
    session.content.print(
        facts(
            [
                ("request", view.id),
                ("proposed by", session.who(proposal.key.subject)),
                ("asks as well", partners_added(proposal)),
            ]
        )
    )
    return context


def _proven_proposal(
    session: Session, client: Client, view: FreezeRequestView, addition: AdditionView
) -> ProvenAct:
    """Return the proposal of an addition, proven from its raw bytes."""
    for evidence in client.evidence(view.id):
        if evidence.act_id == addition.act_id:
            return prove_evidence(
                session.directory(client),
                evidence,
                request_id=view.id,
                content_sha256=view.content_sha256,
            )
    raise UntrustedEvidenceError("the proposer's evidence is not there", code="no_evidence")


def register(cli: click.Group) -> None:
    """Add this command."""
    cli.add_command(verify_approval)
