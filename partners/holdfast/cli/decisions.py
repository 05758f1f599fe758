"""`holdfast approve`, `reject`: deciding on what was signed."""

from collections.abc import Collection, Mapping
from pathlib import Path

import click
from rich.console import RenderableType
from rich.text import Text

from holdfast.cli import pager
from holdfast.cli.asked_sums import asking_sentence, sums_rows
from holdfast.cli.decision_contexts import context_parts, keep_raw, raw_context_option
from holdfast.cli.directory import order_only_line
from holdfast.cli.layout import minute
from holdfast.cli.session import (
    REQUEST_ID,
    Session,
    SessionCommand,
    facts,
    pass_session,
    print_json,
    table,
)
from holdfast.cli.tasks import task_words
from holdfast.cli.whys import interest_line, why_lines
from holdfast.client.client import Client
from holdfast.errors import NothingToDecideError, PermissionDeniedError, UntrustedEvidenceError
from holdfast.evidence.acts import ProvenAct, prove_evidence
from holdfast.evidence.completeness import shown_context
from holdfast.protocol.decision_context import DecisionContext
from holdfast.protocol.gateway_words import GATEWAYS
from holdfast.protocol.payloads import FlaggedAddress, FreezeRequest, WarningAcceptance
from holdfast.protocol.remainder import LeftOut
from holdfast.protocol.views import ActView, FreezeRequestSummary, FreezeRequestView
from holdfast.protocol.vocabulary import (
    ABOUT_OTHER_REQUESTS,
    ACCEPTED_SINGLY,
    Decision,
    RequestStatus,
)
from holdfast.wording import DRILL, counted, marked


def show_awaited(session: Session) -> None:
    """Print all that waits for the lead whose profile it is, each with how it is decided."""
    client = session.client()
    waiting = list(client.requests(box="to_approve"))
    if session.as_json:
        for view in waiting:
            print_json(view)
        return
    rows = [row for view in waiting for row in _awaited_rows(view)]
    if rows:
        columns = ("request", "urgency", "incident", "decide until", "about", "command")
        session.out.print(table(columns, rows))
    for words in (words for view in waiting for words in _who_has_it(session, view)):
        session.out.print(words, markup=False, highlight=False)
    try:
        proposals = sum(1 for _ in client.proposed_grants())
    except PermissionDeniedError:
        session.out.print("Deciding is for security leads; this profile is none.")
        return
    if proposals:
        session.out.print(f"{counted(proposals, 'proposed grant')}: see `holdfast proposals`.")
    if not rows and not proposals:
        session.out.print("Nothing waits for your decision.")


def _who_has_it(session: Session, view: FreezeRequestSummary) -> list[str]:
    tasks = [view.task, *(each.task for each in view.additions)]
    tasks += [each.task for each in view.withdrawals]
    about = [(f"{task.kind.value} {view.id}", task) for task in tasks if task]
    return [line for what, task in about for line in task_words(session, what, task)]


def _awaited_rows(view: FreezeRequestSummary) -> list[tuple[object, ...]]:
    title = marked(view.incident_title or view.incident_id, drill=view.drill)
    first = (view.id, view.urgency.value, title)
    rows: list[tuple[object, ...]] = []
    if view.decide_by is not None:
        about = "ratify" if view.provisional or view.unratified else "approve"
        about += f" {counted(view.address_count, 'address')}"
        until = minute(view.decide_by)
        rows.append((*first, until, about, f"holdfast approve {view.id}"))
    rows.extend(
        (
            *first,
            minute(addition.decide_by),
            f"ask {counted(addition.partner_count, 'more partner')}",
            f"holdfast decide-addition {view.id} {addition.id} yes",
        )
        for addition in view.additions
    )
    rows.extend(
        (
            *first,
            minute(withdrawal.decide_by),
            "uphold a dispute" if withdrawal.dispute else "withdraw, and let funds go",
            f"holdfast decide-withdrawal {view.id} {withdrawal.id} yes",
        )
        for withdrawal in view.withdrawals
    )
    return rows


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option("--comment", help="The partners asked read it.")
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="CODE=REASON",
    help="Accept a warning, and why; the partners asked read it.",
)
@click.option(
    "--except",
    "left_out",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="NO",
    help="Leave this address out: it never reaches the partners asked.",
)
@raw_context_option
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that showed it to somebody.")
@pass_session
def approve(
    session: Session,
    request_id: str,
    *,
    comment: str | None,
    accepted: tuple[str, ...],
    left_out: tuple[int, ...],
    raw_context: Path | None,
    yes: bool,
) -> None:
    """Approve a request of your own organisation that somebody else submitted.

    What is shown comes from the bytes that the submitter signed, not from the coordinator's words;
    what you sign is the hash of exactly the decision context that is shown. On a narrow terminal
    that is laid out in several lines; the hash is over the one line of its canonical JSON, which
    goes into pipes and files as it is, and into the FILE of --raw-context.

    All who approve leave out the same addresses. Of a flash request that is out already, those left
    out are withdrawn. A warning of a service wallet is accepted for each address by itself, as
    --accept service_wallet:NO=REASON.
    """
    client = session.client()
    view = client.freeze_request(request_id)
    _require_open(view, client.profile.subject)
    context = shown_context(view)
    submission = proven_submission(session, client, view)
    keep_raw(str(view.decision_context), raw_context)
    show_asked(session, view, submission, context, left_out, whole=yes)
    reasons = _reasons(session, view, accepted, left_out, ask=not yes)
    if not yes:
        click.confirm(f"Approve {request_id}?", abort=True, err=True)
    act = client.decide(
        view,
        Decision.APPROVE,
        context_sha256=str(view.context_sha256),
        comment=comment,
        warnings_accepted=reasons,
        left_out=LeftOut.of(submission.document, left_out) if left_out else None,
    )
    rows = [("status", act.status), ("next", _next(act))]
    session.show(act, lambda: session.out.print(facts(rows)))


def _next(act: ActView) -> str:
    if act.status == RequestStatus.SUBMITTED:
        return f"another lead's `holdfast approve {act.request_id}`"
    return f"`holdfast status {act.request_id}` shows what the partners answer"


@click.command(cls=SessionCommand)
@click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
@click.option("--comment", required=True, help="Why.")
@pass_session
def reject(session: Session, request_id: str, comment: str) -> None:
    """Reject a request of your own organisation."""
    client = session.client()
    view = client.freeze_request(request_id)
    _require_open(view, client.profile.subject)
    shown_context(view)
    act = client.decide(
        view, Decision.REJECT, context_sha256=str(view.context_sha256), comment=comment
    )
    session.show(act, lambda: session.out.print(facts([("status", act.status)])))


def _require_open(view: FreezeRequestView, person: str) -> None:
    require_awaited(view)
    for approval in view.approvals:
        if approval.person == person:
            raise NothingToDecideError(
                f"you decided on {view.id} at {minute(approval.at)} "
                f"({approval.decision.value}); it waits for others"
            )


def require_awaited(view: FreezeRequestView) -> None:
    """Say at once, and not after everything was shown, that there is nothing to decide.

    Raises:
        NothingToDecideError: If the request waits for nobody.
    """
    is_awaited = view.provisional or view.unratified
    if view.status is not RequestStatus.SUBMITTED and not is_awaited:
        decided = f" (decided {minute(view.decided_at)})" if view.decided_at else ""
        raise NothingToDecideError(
            f"{view.id} is {view.status.value}{decided}: it waits for no decision. Partners that "
            f"somebody proposed to ask as well are in `holdfast additions {view.id}`"
        )


def proven_submission(session: Session, client: Client, view: FreezeRequestView) -> ProvenAct:
    """Return the submission of a request, proven from its raw bytes.

    Raises:
        UntrustedEvidenceError: If it is not.
    """
    for evidence in client.evidence(view.id):
        if evidence.act == "submit":
            return prove_evidence(
                session.directory(client),
                evidence,
                request_id=view.id,
                content_sha256=view.content_sha256,
            )
    raise UntrustedEvidenceError("the submitter's evidence is not there", code="no_evidence")


def show_asked(
    session: Session,
    view: FreezeRequestView,
    submission: ProvenAct,
    context: DecisionContext,
    left_out: Collection[int],
    *,
    whole: bool,
) -> None:
    """Print what is decided, from the signed bytes.

    Raises:
        UntrustedEvidenceError: If the context asks others than the signed document, or a drill is
            passed off as real, or the other way round.
    """
    request = FreezeRequest.model_validate(submission.document)
    if request.drill is not view.drill:
        signed = "a drill" if request.drill else "real"
        raise UntrustedEvidenceError(
            f"by the signed document it is {signed}, and shown otherwise", code="other_drill"
        )
    to = context.to
    if request.to != "all" and set(request.to) != set(to):
        raise UntrustedEvidenceError("the context asks other partners than the request", code="to")
    until = view.unratified_until or (view.ratify_by if view.provisional else view.approve_by)
    flagged = request.numbered()
    gone = {number: flagged.pop(number) for number in sorted(left_out) if number in flagged}
    hours = request.hold.hours if request.hold else None
    head = facts(
        [
            ("drill", DRILL if request.drill else None),
            ("decide until", minute(until) if until else None),
            (
                "submitted by",
                f"{session.who(submission.key.subject)}, key {submission.key.key.kid}",
            ),
            ("incident", getattr(request.incident, "title", None) or view.incident.id),
            ("urgency", request.urgency.value),
            ("tlp", request.tlp.value),
            ("summary", request.summary),
            ("to", to),
            ("own interest", request.interest and interest_line(request.interest)),
            ("why asked", why_lines(request.why_you) or None),
            ("rulebook", request.rulebook_sha256),
            ("gateway", request.gateway and GATEWAYS[request.gateway]),
            ("hold", f"{hours} h" if hours else None),
            ("addresses", len(request.addresses)),
            ("left out so far", _left_out_before(view)),
        ]
    )
    parts: list[RenderableType] = [head, ""]
    if gone:
        parts += [_heading("Left out, never to reach the partners asked:")]
        parts += [_addresses(session, gone), "", _heading("Going out:")]
    parts += [_addresses(session, flagged), ""]
    parts += [table(_SUM_COLUMNS, sums_rows(session, flagged.values())), ""]
    parts += [*context_parts(str(view.decision_context), session.content), ""]
    pager.show(session.content, parts, whole=whole)
    # Behind the pages, where whoever decides still sees it.
    said = asking_sentence(session, len(to), flagged, hours)
    session.content.print(_heading(f"It {said}."))


_SUM_COLUMNS = ("asset", "addresses", "amount in all", "without an amount")


def _heading(words: str) -> Text:
    return Text(words, style="bold")


def _left_out_before(view: FreezeRequestView) -> str | None:
    """Return what the approvals so far leave out: whoever joins them leaves out the same."""
    for approval in view.approvals:
        if approval.decision is Decision.APPROVE:
            return ", ".join(map(str, approval.left_out)) or "none"
    return None


def _addresses(session: Session, addresses: Mapping[int, FlaggedAddress]) -> RenderableType:
    """Return all flagged addresses, by their number."""
    rows = [
        (
            number,
            address.account,
            address.tag,
            session.asset_name(address.asset),
            session.amount(address.amount, address.asset),
            address.note,
        )
        for number, address in addresses.items()
    ]
    return table(("no", "account", "tag", "asset", "amount", "note"), rows)


def _reasons(
    session: Session,
    view: FreezeRequestView,
    accepted: tuple[str, ...],
    left_out: Collection[int],
    *,
    ask: bool,
) -> list[WarningAcceptance]:
    """Return a reason for every warning on what goes out: given, or asked for.

    The gravest are accepted one address at a time, each with a reason of its own.
    None for those about other requests: what is returned goes to the partners asked, who are to
    learn nothing of these; the signed context accepts them.
    """
    given = dict(item.split("=", 1) for item in accepted if "=" in item)
    if len(given) < len(accepted):
        raise click.UsageError("--accept takes CODE=REASON, once for each code")
    reasons = []
    if view.order_only:
        session.content.print(Text(order_only_line(view.order_only)), style="yellow")
    for warning in view.warnings:
        numbers = [number for number in warning.address_nos if number not in left_out]
        if not numbers:
            continue
        concerned = counted(len(numbers), "address")
        words = f"Warning {warning.code.value}: {warning.detail} ({concerned})"
        session.content.print(Text(words), style="yellow")
        if warning.code in ABOUT_OTHER_REQUESTS:
            session.content.print("It stays with you: you accept it by signing the context above.")
            continue
        singly = warning.code in ACCEPTED_SINGLY
        for group in [[number] for number in numbers] if singly else [numbers]:
            key = f"{warning.code.value}:{group[0]}" if singly else warning.code.value
            reason = given.get(key)
            if reason is None and not ask:
                raise click.UsageError(f"accept the warning: --accept {key}=REASON")
            about = f" of address {group[0]}" if singly else ""
            reason = reason or click.prompt(
                f"Why is this acceptable{about}?", prompt_suffix=" ", err=True
            )
            reasons.append(WarningAcceptance(code=warning.code, address_nos=group, reason=reason))
    return reasons


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (approve, reject):
        cli.add_command(command)
