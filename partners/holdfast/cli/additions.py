"""More partners for a live request: propose them, and decide."""

from pathlib import Path

import click

from holdfast.cli.decision_contexts import context_parts, keep_raw, raw_context_option
from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.drafting.draft import new_nonce
from holdfast.errors import UntrustedEvidenceError
from holdfast.protocol import strict_json
from holdfast.protocol.decision_context import context_sha256
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.life_cycle_views import AdditionView
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import Decision

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_ANSWER = {"yes": Decision.APPROVE, "no": Decision.REJECT}


@click.command(cls=SessionCommand, name="add-partners")
@_REQUEST
@click.argument("partners", nargs=-1, required=True, metavar="HANDLE…")
@pass_session
def add_partners(session: Session, request_id: str, partners: tuple[str, ...]) -> None:
    """Propose to ask more partners; another lead approves with `holdfast decide-addition`."""
    client = session.client()
    view = client.add_partners(client.freeze_request(request_id), partners, nonce=new_nonce())
    rows = [
        ("addition", view.id),
        ("status", view.addition_status),
        ("next", f"another lead's `holdfast decide-addition {request_id} {view.id} yes`"),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def additions(session: Session, request_id: str) -> None:
    """List which further partners somebody proposed to ask."""
    session.show_list(
        session.client().additions(request_id),
        ("addition", "status", "to", "proposed by", "decide by"),
        lambda view: (
            view.id,
            view.addition_status,
            view.to,
            session.who(view.proposed_by),
            minute(view.approve_by),
        ),
        empty="Nobody proposed to ask more partners.",
    )


@click.command(cls=SessionCommand, name="decide-addition")
@_REQUEST
@click.argument("addition_id", metavar="ADDITION")
@click.argument("decision", type=click.Choice(list(_ANSWER)))
@click.option("--comment")
@raw_context_option
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that showed it to somebody.")
@pass_session
def decide_addition(
    session: Session,
    request_id: str,
    addition_id: str,
    *,
    decision: str,
    comment: str | None,
    raw_context: Path | None,
    yes: bool,
) -> None:
    """Approve or reject asking more partners; what you sign is the hash of what is shown."""
    client = session.client()
    request = client.freeze_request(request_id)
    text = find_addition(session, request_id, addition_id).decision_context or ""
    to = _partners_to_ask(text, request)
    keep_raw(text, raw_context)
    session.content.print(facts([("request", request.id), ("asks as well", to)]))
    for part in context_parts(text, session.content):
        session.content.print(part)
    if not yes:
        click.confirm(f"{_ANSWER[decision].value} {addition_id}?", abort=True, err=True)
    act = client.decide(
        request,
        _ANSWER[decision],
        context_sha256=context_sha256(text),
        comment=comment,
    )
    session.show(act, lambda: session.out.print(facts([("status", act.status)])))


def _partners_to_ask(text: str, request: FreezeRequestView) -> list[str]:
    """Return whom the context adds, after checking that it is about this very request."""
    try:
        context = strict_json.loads(text.encode())
    except ProtocolError as error:
        raise UntrustedEvidenceError(f"the decision context: {error}", code="bad_context") from None
    to = context.get("to") if isinstance(context, dict) else None
    if (
        not isinstance(context, dict)
        or not isinstance(to, list)
        or context.get("request_id") != request.id
        or context.get("content_sha256") != request.content_sha256
    ):
        raise UntrustedEvidenceError(
            "the decision context is not about this request", code="bad_context"
        )
    return [str(handle) for handle in to]


def find_addition(session: Session, request_id: str, addition_id: str) -> AdditionView:
    """Return what somebody proposed, by its id."""
    for view in session.client().additions(request_id):
        if view.id == addition_id:
            return view
    raise click.UsageError(f"no addition {addition_id}: see `holdfast additions {request_id}`")


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (add_partners, additions, decide_addition):
        cli.add_command(command)
