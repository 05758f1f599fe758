"""`holdfast return …`: ask a partner to send held funds back, and answer who asks you."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from holdfast.cli.amount_options import parse_option
from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import REQUEST_ID, Session, SessionCommand, facts, pass_session
from holdfast.errors import UntrustedEvidenceError
from holdfast.protocol.return_payloads import (
    ReturnAnswer,
    ReturnAsk,
    ReturnDecision,
    ReturnEnd,
    ReturnReceipt,
)
from holdfast.protocol.return_views import ReturnRequestView
from holdfast.protocol.unit_amounts import chain_of
from holdfast.protocol.vocabulary import Decision, ReturnCode

_REQUEST = click.argument("request_id", metavar="FRQ_…", type=REQUEST_ID)
_ID = click.argument("return_id", metavar="RET_…")
_REASON = click.option("--reason", required=True, metavar="TEXT")
_ALL = "all"


class _ReturnGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group("return", cls=_ReturnGroup)
def returns() -> None:
    """Frozen funds that are asked back."""


@returns.command("list")
@_REQUEST
@pass_session
def list_all(session: Session, request_id: str) -> None:
    """List what is asked back on a request; a partner asked sees what it is asked."""
    session.show_list(
        session.client().return_requests(request_id),
        ("id", "asked of", "how much", "status", "accepted", "sent"),
        lambda view: (
            view.id,
            view.partner,
            _much(session, view.amount, view.asset),
            view.return_status,
            _much(session, view.accepted, view.asset),
            _much(session, view.sent, view.asset),
        ),
        empty="Nothing is asked back.",
    )


@returns.command("ask")
@_REQUEST
@click.option("--from", "partner", required=True, metavar="PARTNER", help="Who holds it.")
@click.option("--to", "destination_id", required=True, metavar="DST_…", help="Your destination.")
@click.option("--asset", metavar="CAIP-19", help="Where --amount does not name it.")
@click.option("--amount", default=_ALL, metavar="AMOUNT", help="'1.5 ETH', base units, or all.")
@click.option("--hold", "holds", multiple=True, metavar="HLD_…", help="These alone.")
@click.option("--court", metavar="NAME", help="A court orders it; with --reference and --document.")
@click.option("--agency", metavar="NAME", help="An authority does; with --state and --entity, too.")
@click.option("--state", metavar="CC", help="Whose authority, e.g. EE.")
@click.option("--entity", metavar="NAME", help="The legal entity that is ordered.")
@click.option("--reference", metavar="TEXT", help="The order's number.")
@click.option(
    "--document",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The order; it stays here, its hash is signed.",
)
@click.option("--own-error", metavar="TEXT", help="You sent it there yourself, and why.")
@click.option(
    "--owner",
    nargs=3,
    metavar="ACCOUNT MESSAGE SIGNATURE",
    help="Whoever holds it agrees: what they signed by which account.",
)
@pass_session
def ask(
    session: Session,
    request_id: str,
    *,
    partner: str,
    destination_id: str,
    asset: str | None,
    amount: str,
    holds: Sequence[str],
    court: str | None,
    agency: str | None,
    state: str | None,
    entity: str | None,
    reference: str | None,
    document: Path | None,
    own_error: str | None,
    owner: tuple[str, str, str] | None,
) -> None:
    """Ask a partner to send back what it holds; another security lead of yours approves it.

    Say on what ground: --court, --agency, --own-error or --owner.
    """
    client = session.client()
    found = client.destination(destination_id)
    named, base_units = asset, amount
    if amount != _ALL:
        chain = None if found.account is None else chain_of(found.account)
        named, base_units = parse_option(
            "--amount", amount, session.assets, asset=asset, chain=chain
        )
    if named is None:
        raise click.UsageError("say --asset CAIP-19, or an --amount with its unit")
    body = {
        "content_sha256": client.freeze_request(request_id).content_sha256,
        "to": partner,
        "holds": list(holds) or _ALL,
        "asset": named,
        "amount": base_units,
        "destination": {"id": found.id, "account": found.account, "tag": found.tag},
        "basis": _basis(
            {
                "court": court,
                "agency": agency,
                "state": state,
                "entity": entity,
                "reference": reference,
                "document": document,
                "own_error": own_error,
                "owner": owner,
            }
        ),
    }
    try:
        asked = ReturnAsk.model_validate(body)
    except ValidationError as error:
        raise click.UsageError(f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}") from None
    _show(session, client.ask_return(request_id, asked))


def _basis(ground: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [name for name in ("court", "agency", "own_error", "owner") if ground[name]]
    if len(chosen) != 1:
        raise click.UsageError("say one of --court, --agency, --own-error and --owner")
    if chosen == ["own_error"]:
        return {"kind": "own_error", "reason": ground["own_error"]}
    if chosen == ["owner"]:
        account, message, signature = ground["owner"]
        proof = {"account": account, "message": message, "signature": signature}
        return {"kind": "owner_agreed", "proof": proof}
    if ground["document"] is None or ground["reference"] is None:
        raise click.UsageError("an order takes --reference and --document")
    order = {
        "reference": ground["reference"],
        "document_sha256": sha256(ground["document"].read_bytes()).hexdigest(),
    }
    if chosen == ["court"]:
        return {"kind": "court_order", "court": ground["court"], **order}
    return {
        "kind": "authority_order",
        "agency": ground["agency"],
        "issuing_state": ground["state"],
        "addressed_entity": ground["entity"],
        **order,
    }


@returns.command("approve")
@_REQUEST
@_ID
@pass_session
def approve(session: Session, request_id: str, return_id: str) -> None:
    """Have the partner asked, as another security lead."""
    _decide(session, request_id, return_id, Decision.APPROVE)


@returns.command("reject")
@_REQUEST
@_ID
@pass_session
def reject(session: Session, request_id: str, return_id: str) -> None:
    """Do not have the partner asked, as another security lead."""
    _decide(session, request_id, return_id, Decision.REJECT)


@returns.command("withdraw")
@_REQUEST
@_ID
@_REASON
@pass_session
def withdraw(session: Session, request_id: str, return_id: str, *, reason: str) -> None:
    """Ask it no more, before the partner has answered."""
    _end(session, request_id, return_id, reason, "withdrawal")


@returns.command("revoke")
@_REQUEST
@_ID
@_REASON
@pass_session
def revoke(session: Session, request_id: str, return_id: str, *, reason: str) -> None:
    """Want nothing sent any more of what was accepted, while nothing was; as a security lead."""
    _end(session, request_id, return_id, reason, "revocation")


@returns.command("accept")
@_REQUEST
@_ID
@click.option(
    "--part",
    "parts",
    nargs=2,
    multiple=True,
    metavar="HLD_… AMOUNT",
    help="So much of this hold: '1.5 ETH', base units, or withheld.",
)
@pass_session
def accept(
    session: Session, request_id: str, return_id: str, *, parts: Sequence[tuple[str, str]]
) -> None:
    """Promise to send back what is asked of you, by hold; then send it and report it returned.

    Lines of your reports name it: "return_request": "ret_…".
    """
    if not parts:
        raise click.UsageError("say by hold how much you send back: --part HLD_… AMOUNT")
    view = _find(session, request_id, return_id)
    said = [{"hold": hold, "amount": _units(session, view.asset, amount)} for hold, amount in parts]
    _answer(session, view, {"decision": "accept", "parts": said})


@returns.command("refuse")
@_REQUEST
@_ID
@click.option("--code", required=True, type=click.Choice([each.value for each in ReturnCode]))
@click.option("--text", help="In words; needed with --code other.")
@pass_session
def refuse(
    session: Session, request_id: str, return_id: str, *, code: str, text: str | None
) -> None:
    """Send nothing back, and say why."""
    view = _find(session, request_id, return_id)
    _answer(session, view, {"decision": "refuse", "code": code, "text": text})


@returns.command("confirm")
@_REQUEST
@_ID
@click.option("--missing", metavar="TEXT", help="It did not arrive: what is missing.")
@pass_session
def confirm(session: Session, request_id: str, return_id: str, *, missing: str | None) -> None:
    """Say that all that the partner's lines say was sent arrived; or, with --missing, what not."""
    client = session.client()
    view = _find(session, request_id, return_id)
    body = ReturnReceipt(
        content_sha256=client.freeze_request(request_id).content_sha256,
        received=missing is None,
        amount=view.sent,
        text=missing,
    )
    _show(session, client.act_on_return(view, body, "receipt"))


def _units(session: Session, asset: str, amount: str) -> str | None:
    if amount == "withheld":
        return None
    return parse_option("--part", amount, session.assets, asset=asset)[1]


def _find(session: Session, request_id: str, return_id: str) -> ReturnRequestView:
    for view in session.client().return_requests(request_id):
        if view.id == return_id:
            return view
    raise click.UsageError("this request has no such return request, or none that you may see")


def _decide(session: Session, request_id: str, return_id: str, decision: Decision) -> None:
    client = session.client()
    view = _find(session, request_id, return_id)
    body = ReturnDecision(
        content_sha256=client.freeze_request(request_id).content_sha256,
        act_sha256=_asked_sha256(session, view),
        decision=decision,
    )
    _show(session, client.act_on_return(view, body, "approvals"))


def _answer(session: Session, view: ReturnRequestView, said: dict[str, Any]) -> None:
    client = session.client()
    body = {
        "content_sha256": client.freeze_request(view.request_id).content_sha256,
        "act_sha256": _asked_sha256(session, view),
        **said,
    }
    try:
        answered = ReturnAnswer.model_validate(body)
    except ValidationError as error:
        raise click.UsageError(str(error.errors()[0]["msg"])) from None
    _show(session, client.act_on_return(view, answered, "answer"))


def _end(session: Session, request_id: str, return_id: str, reason: str, act: Any) -> None:
    client = session.client()
    view = _find(session, request_id, return_id)
    content = client.freeze_request(request_id).content_sha256
    body = ReturnEnd(content_sha256=content, reason=reason)
    _show(session, client.act_on_return(view, body, act))


def _asked_sha256(session: Session, view: ReturnRequestView) -> str:
    """Return the hash of the body that asks, from its evidence; it must say what is shown.

    Raises:
        UntrustedEvidenceError: If it does not.
    """
    for act in session.client().evidence(view.request_id):
        if act.act_id == view.act_id and act.body is not None:
            said = ReturnAsk.model_validate_json(act.body)
            where = None if view.destination is None else view.destination.model_dump()
            signed = (said.destination.model_dump(), said.amount, said.to)
            if signed == (where, view.amount, view.partner):
                return sha256(act.body.encode()).hexdigest()
    raise UntrustedEvidenceError(
        "what is shown of this return request is not what was signed: do not act on it"
    )


def _much(session: Session, amount: str, asset: str) -> str:
    return "all" if amount == _ALL else session.amount(amount, asset) or "withheld"


def _show(session: Session, view: ReturnRequestView) -> None:
    session.show(view, lambda: session.out.print(facts([*_rows(session, view)])))


def _rows(session: Session, view: ReturnRequestView) -> Iterator[tuple[str, object]]:
    yield "return", view.id
    yield "asked of", view.partner
    yield "how much", _much(session, view.amount, view.asset)
    yield "to", None if view.destination is None else view.destination.account
    yield "status", view.return_status
    yield "code", view.code
    yield "answer by", view.answer_by and minute(view.answer_by)
    for part in view.parts:
        accepted = (
            "all of it" if part.accepted is None else _much(session, part.accepted, view.asset)
        )
        yield part.hold, f"{accepted} accepted, {_much(session, part.sent, view.asset)} sent"
    yield "held up by", view.suspended_because


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(returns)
