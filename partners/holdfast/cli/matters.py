"""Questions, disputes, legal orders and more partners: what comes up while a request lives."""

from hashlib import sha256
from pathlib import Path

import click
from rich.text import Text

from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.client.draft import new_nonce
from holdfast.errors import UntrustedEvidenceError
from holdfast.protocol import strict_json
from holdfast.protocol.decision_context import context_sha256
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.life_cycle_views import AdditionView, DisputeView, InfoRequestView
from holdfast.protocol.views import FreezeRequestView
from holdfast.protocol.vocabulary import Decision

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_ANSWER = {"yes": Decision.APPROVE, "no": Decision.REJECT}


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--missing", multiple=True, required=True, help="What you need; may be repeated.")
@click.option("--text", help="More about it; never who your customer is.")
@pass_session
def ask(session: Session, request_id: str, missing: tuple[str, ...], text: str | None) -> None:
    """Ask the requester for what you need before you can act."""
    client = session.client()
    view = client.ask(client.freeze_request(request_id), missing, text)
    _show_question(session, view)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("question", metavar="QUESTION")
@click.option("--text", required=True)
@pass_session
def answer(session: Session, request_id: str, question: str, text: str) -> None:
    """Answer a partner's question; `holdfast questions FRQ_…` lists them."""
    client = session.client()
    view = client.answer(client.freeze_request(request_id), question, text)
    _show_question(session, view)


def _show_question(session: Session, view: InfoRequestView) -> None:
    state = view.status.value if view.status else None
    session.show(view, lambda: session.out.print(facts([("question", view.id), ("status", state)])))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def questions(session: Session, request_id: str) -> None:
    """List partners' questions with their answers."""
    session.show_list(
        session.client().questions(request_id),
        ("question", "partner", "asked", "missing", "text", "answer"),
        lambda view: (
            view.id,
            view.partner,
            f"{view.asked_at:%Y-%m-%d %H:%M}",
            view.missing,
            view.text,
            view.answer,
        ),
        empty="Nobody asked anything.",
    )


@click.command(cls=SessionCommand)
@_REQUEST
@click.option("--reference", required=True, help="An opaque word, never a customer's number.")
@click.option("--text", required=True, help="Why; never who your customer is.")
@click.option("--hold", metavar="HLD_…", help="Only this hold; without it your whole leg.")
@pass_session
def dispute(
    session: Session, request_id: str, *, reference: str, text: str, hold: str | None
) -> None:
    """Contest a freeze for your customer, who stays unnamed."""
    client = session.client()
    view = client.dispute(client.freeze_request(request_id), reference, text, hold=hold)
    _show_dispute(session, view)


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("dispute_id", metavar="DISPUTE")
@click.argument("resolution", type=click.Choice(["upheld", "rejected"]))
@click.option("--text", required=True, help="Why.")
@pass_session
def resolve(
    session: Session, request_id: str, dispute_id: str, *, resolution: str, text: str
) -> None:
    """Answer a dispute about your request: `upheld` agrees with the partner."""
    client = session.client()
    view = client.resolve_dispute(
        client.freeze_request(request_id), dispute_id, is_upheld=resolution == "upheld", text=text
    )
    _show_dispute(session, view)


def _show_dispute(session: Session, view: DisputeView) -> None:
    rows = [
        ("dispute", view.id),
        ("answer by", f"{view.answer_by:%Y-%m-%d %H:%M} UTC" if not view.resolution else None),
        ("resolution", view.resolution),
    ]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def disputes(session: Session, request_id: str) -> None:
    """List disputes and how they ended."""
    session.show_list(
        session.client().disputes(request_id),
        ("dispute", "partner", "hold", "reference", "text", "answer by", "outcome"),
        lambda view: (
            view.id,
            view.partner,
            view.hold,
            view.reference,
            view.text,
            f"{view.answer_by:%Y-%m-%d %H:%M}",
            view.resolution or ("release recommended" if view.release_recommended_at else None),
        ),
        empty="Nothing is disputed.",
    )


@click.command(cls=SessionCommand)
@_REQUEST
@click.argument("document", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--agency", required=True)
@click.option("--reference", required=True, help="The order's own number.")
@click.option("--hold", metavar="HLD_…", help="Only this hold.")
@pass_session
def order(  # noqa: PLR0913 - click's options
    session: Session,
    request_id: str,
    document: Path,
    *,
    agency: str,
    reference: str,
    hold: str | None,
) -> None:
    """Attach an authority's order by the hash of its DOCUMENT, which stays here.

    It changes no hold by itself: the partner that holds extends it with --basis legal_order.
    """
    client = session.client()
    view = client.attach_order(
        client.freeze_request(request_id),
        agency=agency,
        reference=reference,
        document_sha256=sha256(document.read_bytes()).hexdigest(),
        hold=hold,
    )
    rows = [("order", view.id), ("document", view.document_sha256)]
    session.show(view, lambda: session.out.print(facts(rows)))


@click.command(cls=SessionCommand)
@_REQUEST
@pass_session
def orders(session: Session, request_id: str) -> None:
    """List the legal orders attached to a request."""
    session.show_list(
        session.client().orders(request_id),
        ("order", "by", "agency", "reference", "hold", "document"),
        lambda view: (
            view.id,
            view.partner,
            view.agency,
            view.reference,
            view.hold,
            view.document_sha256,
        ),
        empty="No order is attached.",
    )


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
            view.proposed_by,
            f"{view.approve_by:%Y-%m-%d %H:%M}",
        ),
        empty="Nobody proposed to ask more partners.",
    )


@click.command(cls=SessionCommand, name="decide-addition")
@_REQUEST
@click.argument("addition_id", metavar="ADDITION")
@click.argument("decision", type=click.Choice(list(_ANSWER)))
@click.option("--comment")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that showed it to somebody.")
@pass_session
def decide_addition(  # noqa: PLR0913 - click's options
    session: Session,
    request_id: str,
    addition_id: str,
    *,
    decision: str,
    comment: str | None,
    yes: bool,
) -> None:
    """Approve or reject asking more partners; what you sign is the hash of what is shown."""
    client = session.client()
    request = client.freeze_request(request_id)
    text = _addition(session, request_id, addition_id).decision_context or ""
    to = _partners_to_ask(text, request)
    session.err.print(facts([("request", request.id), ("asks as well", to)]))
    session.err.print("You sign the SHA-256 of this decision context:", style="bold")
    session.err.print(Text(text))
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


def _addition(session: Session, request_id: str, addition_id: str) -> AdditionView:
    for view in session.client().additions(request_id):
        if view.id == addition_id:
            return view
    raise click.UsageError(f"no addition {addition_id}: see `holdfast additions {request_id}`")


def register(cli: click.Group) -> None:
    """Add these commands."""
    commands = (ask, answer, questions, dispute, resolve, disputes, order, orders)
    for command in (*commands, add_partners, additions, decide_addition):
        cli.add_command(command)
