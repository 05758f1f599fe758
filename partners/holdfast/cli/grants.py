"""`holdfast proposals`, `approve-grant`, `key rotate`: grants without the root key."""

from hashlib import sha256

import click

from holdfast.cli.keys import key_group
from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.client.client import Client
from holdfast.client.rotation import rotate_key
from holdfast.errors import UntrustedEvidenceError
from holdfast.evidence.key_directory import TrustedKey
from holdfast.protocol import strict_json
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.membership_payloads import Grant
from holdfast.protocol.request_token import read_evidence_front, verify_request_evidence
from holdfast.protocol.views import GrantView


@click.command(cls=SessionCommand)
@pass_session
def proposals(session: Session) -> None:
    """List the grants that your leads proposed and nobody approved yet."""
    session.show_list(
        session.client().proposed_grants(),
        ("proposal", "subject", "roles", "kid", "by", "until"),
        lambda view: (
            view.id,
            session.who(view.subject) or "policy",
            [role.value for role in view.roles],
            view.kid,
            session.who(view.proposer),
            view.expires_at,
        ),
        empty="No proposals.",
    )


@click.command("approve-grant", cls=SessionCommand)
@click.argument("proposal_id", metavar="GRP_…")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def approve_grant(session: Session, proposal_id: str, *, yes: bool) -> None:
    """Approve what another lead proposed, after its signature was checked and shown to you."""
    client = session.client()
    found = [view for view in client.proposed_grants() if view.id == proposal_id]
    if not found:
        raise click.UsageError(f"there is no proposal {proposal_id} that waits for approval")
    proposer, grant = _proven(session, client, found[0])
    document = grant.policy and grant.policy.model_dump(mode="json")
    shown = [
        ("proposed by", session.who(proposer.subject)),
        ("subject", session.who(grant.subject)),
        ("owner", session.who(grant.owner)),
        ("roles", [role.value for role in grant.roles]),
        ("kid", found[0].kid),
        ("passkey of", grant.jwk and grant.jwk.webauthn and grant.jwk.webauthn.origin),
        ("replaces", grant.replaces),
        ("policy", document),
    ]
    session.content.print(facts([fact for fact in shown if fact[1]]))
    if not yes:
        click.confirm("Approve exactly this?", abort=True, err=True)
    body = (found[0].body or "").encode()
    view = client.approve_grant(proposal_id, sha256(body).hexdigest())
    session.show(
        view, lambda: session.out.print(facts([("grant", view.id), ("status", view.status)]))
    )


def _proven(session: Session, client: Client, view: GrantView) -> tuple[TrustedKey, Grant]:
    """Return who proposed a grant and what it gives, from the signed bytes themselves."""
    own, body = client.profile, (view.body or "").encode()
    directory = session.directory(client)
    try:
        front = read_evidence_front(view.token or "")
        proposer = directory.trusted_key(own.handle, front.kid)
        act = verify_request_evidence(front, body, key=proposer.key, aud=own.coordinator)
        grant = Grant.model_validate(strict_json.loads(body))
    except (ProtocolError, ValueError) as error:
        raise UntrustedEvidenceError(f"the proposal is not proven: {error}") from None
    is_proposal = (act.htm, act.htu) == ("POST", f"{own.coordinator}/v1/grants")
    if not is_proposal or act.sub != proposer.subject or proposer.is_revoked:
        raise UntrustedEvidenceError("the proposal is not proven: signed for something else")
    return proposer, grant


@key_group.command("rotate")
@click.argument("name")
@pass_session
def rotate(session: Session, name: str) -> None:
    """Put a new key, profile NAME, in the place of your own; the old one is over at once."""
    new = rotate_key(session.store, session.profile(), name, connect=session.client)
    answer = {"profile": name, "subject": new.subject, "kid": new.key.kid}
    session.show(answer, lambda: session.out.print(facts(list(answer.items()))))


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (proposals, approve_grant):
        cli.add_command(command)
