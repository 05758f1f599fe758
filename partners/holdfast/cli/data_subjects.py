"""`holdfast data-subject`: a person asks for a right, and whoever is responsible answers."""

from pathlib import Path

import click

from holdfast.cli.layout import minute
from holdfast.cli.sealed_evidence import seal_file
from holdfast.cli.session import (
    DATA_SUBJECT_ID,
    REQUEST_ID,
    Session,
    SessionCommand,
    SessionGroup,
    facts,
    pass_session,
)
from holdfast.protocol.data_subject_payloads import DataSubjectRequest
from holdfast.protocol.data_subject_views import DataSubjectCaseView, DataSubjectRequestView
from holdfast.protocol.payloads import format_time, parse_time
from holdfast.protocol.vocabulary import (
    EXTENSION_REASONS,
    DataSubjectDecision,
    DataSubjectKind,
    DataSubjectReason,
    DataSubjectStatus,
    Tlp,
)

_UNDECIDED = frozenset({DataSubjectStatus.OPEN, DataSubjectStatus.EXTENDED})


@click.group("data-subject", cls=SessionGroup)
def data_subject() -> None:
    """What persons ask for under data-protection law, and who answers them."""


@data_subject.command(cls=SessionCommand)
@click.argument("kind", type=click.Choice([kind.value for kind in DataSubjectKind]))
@click.option("--account", metavar="CAIP-10", help="The account that the person writes about.")
@click.option(
    "--request", "request_id", metavar="FRQ_…", type=REQUEST_ID, help="Where you know it."
)
@click.option("--reference", required=True, help="Your own, for the letter; no name.")
@click.option(
    "--received", required=True, metavar="TIME", help="When it reached you: 2026-11-30T09:00:00Z."
)
@click.option(
    "--letter",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --request: sealed to the requester, and to you.",
)
@pass_session
def record(
    session: Session,
    kind: str,
    *,
    account: str | None,
    request_id: str | None,
    reference: str,
    received: str,
    letter: Path | None,
) -> None:
    """Pass on that a person asks for KIND about a flagged account.

    Each requester that states something of the account has a task, with a date; who the person is,
    nobody is told here. You hear the same whether there is any. Tell the person that the letter was
    passed on to whoever is responsible.
    """
    if (account is None) == (request_id is None):
        raise click.UsageError("say --account CAIP-10 or --request FRQ_…")
    if letter is not None and request_id is None:
        raise click.UsageError("--letter needs --request FRQ_…: it is sealed on that request")
    try:
        received_at = parse_time(received)
    except ValueError as error:
        raise click.UsageError(f"--received {error}") from None
    client = session.client()
    sealed = None
    if letter is not None and request_id is not None:
        view = client.freeze_request(request_id)
        sealed = seal_file(session, client, view, letter, to=[view.requester], tlp=Tlp.RED).id
    body = DataSubjectRequest.model_validate(
        {
            "kind": kind,
            "account": account,
            "request_id": request_id,
            "reference": reference,
            "received_at": format_time(received_at),
            "letter": sealed,
        }
    )
    passed_on = client.record_data_subject_request(body)
    session.show(passed_on, lambda: session.out.print(facts(_rows(passed_on))))


def _rows(view: DataSubjectRequestView) -> list[tuple[str, object]]:
    return [
        ("passed on", view.id),
        ("asks for", view.kind.value),
        ("reference", view.reference),
        ("to be answered by", minute(view.due_at)),
        *((f"at {case.requester}", _state(case)) for case in view.cases),
    ]


def _state(case: DataSubjectCaseView) -> str:
    words = case.status.value if case.reason is None else f"{case.status.value}: {case.reason}"
    if case.overdue_at is not None and case.status in _UNDECIDED:
        words += ", overdue"
    return words


@data_subject.command(name="list", cls=SessionCommand)
@click.option("--request", "request_id", metavar="FRQ_…", type=REQUEST_ID, help="Of this one.")
@pass_session
def list_own(session: Session, request_id: str | None) -> None:
    """List what your organisation passed on, and what it has to answer."""
    session.show_list(
        session.client().data_subject_requests(request_id),
        ("id", "asks for", "reference", "came", "by", "state"),
        lambda view: (
            view.id,
            view.kind.value,
            view.reference,
            minute(view.received_at),
            minute(max((case.due_at for case in view.cases), default=view.due_at)),
            "; ".join(f"{case.request_id} {_state(case)}" for case in view.cases) or "passed on",
        ),
        empty="Nobody asked.",
    )


@data_subject.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.argument("data_subject_id", metavar="DSR_…", type=DATA_SUBJECT_ID)
@click.argument("decision", type=click.Choice([each.value for each in DataSubjectDecision]))
@click.option("--reason", type=click.Choice([each.value for each in DataSubjectReason]))
@pass_session
def answer(
    session: Session, request_id: str, data_subject_id: str, *, decision: str, reason: str | None
) -> None:
    """Sign what you decide on what a person asks about your request.

    A refusal and an extension have a --reason. The person you answer yourselves; what follows, such
    as a withdrawal, is an act of its own.
    """
    decided, why = (
        DataSubjectDecision(decision),
        None if reason is None else DataSubjectReason(reason),
    )
    extends = decided is DataSubjectDecision.EXTENDED
    fits = [each.value for each in DataSubjectReason if (each in EXTENSION_REASONS) is extends]
    if decided is DataSubjectDecision.GRANTED and why is not None:
        raise click.UsageError("what is granted has no --reason")
    if decided is not DataSubjectDecision.GRANTED and reason not in fits:
        raise click.UsageError(f"what is {decision} has a --reason: {', '.join(fits)}")
    client = session.client()
    case = client.answer_data_subject(
        client.freeze_request(request_id), data_subject_id, decided, why
    )
    rows = [("decided", _state(case))]
    if case.status in _UNDECIDED:
        rows.append(("to be answered by", minute(case.due_at)))
    session.show(case, lambda: session.out.print(facts(rows)))


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(data_subject)
