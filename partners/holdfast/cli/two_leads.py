"""`holdfast withdrawals`, `decide-withdrawal`: letting held funds go by two leads."""

import click

from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.client.client import Client
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct, prove_evidence
from holdfast.protocol.life_cycle_payloads import DisputeResolution
from holdfast.protocol.life_cycle_views import DisputeView, WithdrawalActView, WithdrawalView
from holdfast.protocol.payloads import Withdrawal
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import Decision

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_ANSWER = {"yes": Decision.APPROVE, "no": Decision.REJECT}


def proposed(act: WithdrawalActView | DisputeView) -> list[tuple[str, object]]:
    """Return what to say where an act only proposed to let funds go."""
    view = act.withdrawal
    if view is None:
        return []
    return [
        ("proposed", f"{view.id}, void unless approved by {minute(view.approve_by)}"),
        ("next", f"another lead's `holdfast decide-withdrawal {view.request_id} {view.id} yes`"),
    ]


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def withdrawals(session: Session, request_id: str) -> None:
    """List what was proposed to be let go, and how it was decided."""
    session.show_list(
        session.client().withdrawals(request_id),
        ("withdrawal", "status", "about", "reason", "proposed by", "decide by"),
        lambda view: (
            view.id,
            view.withdrawal_status,
            _about(view),
            f"{view.reason_code.value}: {view.reason}" if view.reason_code else view.reason,
            session.who(view.proposed_by),
            minute(view.approve_by),
        ),
        empty="Nothing was proposed to be withdrawn.",
    )


def _about(view: WithdrawalView) -> str:
    if view.dispute is not None:
        return f"uphold {view.dispute}"
    if view.addresses is None or view.addresses == "all":
        return "all addresses"
    return f"addresses {', '.join(map(str, view.addresses))}"


@click.command(cls=SessionCommand, name="decide-withdrawal")
@_REQUEST
@click.argument("withdrawal_id", metavar="WDP_…")
@click.argument("decision", type=click.Choice(list(_ANSWER)))
@click.option("--comment", help="The partners asked read it.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that showed it to somebody.")
@pass_session
def decide_withdrawal(
    session: Session,
    request_id: str,
    withdrawal_id: str,
    *,
    decision: str,
    comment: str | None,
    yes: bool,
) -> None:
    """Approve or reject what another lead proposed to let go.

    What is shown comes from the bytes that the other lead signed; what you sign is their hash.
    """
    client = session.client()
    request = client.freeze_request(request_id)
    found = [view for view in client.withdrawals(request_id) if view.id == withdrawal_id]
    if not found:
        words = f"no withdrawal {withdrawal_id}: see `holdfast withdrawals {request_id}`"
        raise click.UsageError(words)
    proposal = _proven_proposal(session, client, request, found[0])
    session.content.print(facts(_shown(session, request, proposal)))
    if not yes:
        click.confirm(f"{_ANSWER[decision].value} {withdrawal_id}?", abort=True, err=True)
    act = client.decide_withdrawal(
        request, found[0], _ANSWER[decision], act_sha256=proposal.sha256, comment=comment
    )
    view = act.withdrawal
    rows = [("status", act.status), ("withdrawal", view and view.withdrawal_status)]
    session.show(act, lambda: session.out.print(facts(rows)))


def _proven_proposal(
    session: Session, client: Client, request: FreezeRequestView, view: WithdrawalView
) -> ProvenAct:
    for evidence in client.evidence(request.id):
        if evidence.act_id == view.act_id:
            return prove_evidence(
                session.directory(client),
                evidence,
                request_id=request.id,
                content_sha256=request.content_sha256,
            )
    raise UntrustedEvidenceError("the proposer's evidence is not there", code="no_evidence")


def _shown(
    session: Session, request: FreezeRequestView, proposal: ProvenAct
) -> list[tuple[str, object]]:
    """Return what is decided, from the signed bytes."""
    said = proposal.payload
    rows: list[tuple[str, object]] = [
        ("request", request.id),
        ("proposed by", f"{session.who(proposal.key.subject)}, key {proposal.key.key.kid}"),
    ]
    if isinstance(said, Withdrawal):
        rows += [
            ("withdraws", said.addresses),
            ("reason code", said.reason_code.value),
            ("reason", said.reason),
        ]
    elif isinstance(said, DisputeResolution):
        rows += [("dispute", said.resolution), ("reason", said.text)]
    return [*rows, ("you sign", proposal.sha256)]


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (withdrawals, decide_withdrawal):
        cli.add_command(command)
