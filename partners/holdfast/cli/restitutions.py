"""`holdfast restitution`: give back what was recovered, and claim it."""

import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import ValidationError

from holdfast.cli.amount_options import parse_option
from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.drafting.claims import read_claims
from holdfast.errors import ProfileError
from holdfast.profiles.private_files import write_private
from holdfast.protocol import base64url, strict_json
from holdfast.protocol.allocation import AllocationError, ValuedClaim, share_pro_rata
from holdfast.protocol.errors import ProtocolError
from holdfast.protocol.restitution_payloads import (
    MAX_CLAIMS,
    AllocatedClaim,
    Claim,
    NewAllocation,
    NewRestitution,
    PayoutChange,
    PayoutLines,
    PoolLines,
)
from holdfast.protocol.restitution_views import (
    AllocationView,
    ClaimLinksView,
    ClaimView,
    FiledClaimsView,
    PayoutChangeView,
    PoolSumsView,
    RestitutionView,
)
from holdfast.protocol.vocabulary import ClaimRejection, ClaimStatus, PayoutStatus
from holdfast.protocol.written_tables import write_table

#: Faults of a file that are shown at once.
_MOST_FAULTS = 10
_LINK_COLUMNS = ("ref", "link")
_RESTITUTION = click.argument("restitution_id", metavar="RST_…")
_CLAIM = click.argument("claim_id", metavar="CLM_…")
_FILE = click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


class _RestitutionGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group(cls=_RestitutionGroup)
def restitution() -> None:
    """Give back what was recovered of an incident, and claim it."""


@restitution.command("open")
@_FILE
@pass_session
def open_(session: Session, file: Path) -> None:
    """Open a restitution by FILE, its JSON document, as compliance or a security lead.

    It says incident, asset, claims_close_at, objections_until, unclaimed_to, and where wanted
    key_theft, verify_by_two_above and valuation. A nonce is added where there is none.
    """
    said = _read(file)
    if isinstance(said, dict):
        said.setdefault("nonce", base64url.encode(secrets.token_bytes(16)))
    try:
        document = NewRestitution.model_validate(said)
    except ValidationError as error:
        raise ProfileError(_faults(file, error)) from None
    view = session.client().open_restitution(document)
    session.show(view, lambda: _show(session, view))


@restitution.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the restitutions that your organisation opened, newest first."""
    session.show_list(
        session.client().restitutions(),
        ("opened", "restitution", "status", "claims", "available"),
        lambda view: (
            minute(view.opened_at),
            view.id,
            view.status,
            str(sum(view.claims.values())),
            _available(session, view),
        ),
        empty="No restitution was opened.",
    )


@restitution.command("show")
@_RESTITUTION
@pass_session
def show(session: Session, restitution_id: str) -> None:
    """Show a restitution: its terms, the sums of its pool, and how many claims stand where."""
    view = session.client().restitution(restitution_id)
    session.show(view, lambda: _show(session, view))


@restitution.command("pool")
@_RESTITUTION
@_FILE
@pass_session
def pool(session: Session, restitution_id: str, file: Path) -> None:
    """Book the lines in FILE (a JSON list) into the pool: all of them, or none.

    \b
    [{"kind": "returned", "asset": "eip155:1/slip44:60", "amount": "700",
      "line": "lin_…"}]

    Kinds: returned, converted, cost, reserve, reserve_released.
    """  # noqa: D301 - click's mark of a paragraph to be left as it is
    client = session.client()
    view = client.restitution(restitution_id)
    try:
        body = PoolLines.model_validate(
            {"content_sha256": view.content_sha256, "lines": _read(file)}
        )
    except ValidationError as error:
        raise ProfileError(_faults(file, error)) from None
    added = client.add_pool_lines(view, body.lines)
    session.show(added, lambda: _show_pool(session, added.pool))


@restitution.command("file")
@_RESTITUTION
@_FILE
@pass_session
def file_claims(session: Session, restitution_id: str, file: Path) -> None:
    """File the claims in FILE, CSV or .xlsx: all of them, or none where one line is wrong.

    Columns: ref, addresses, chain, asset, amount, tx, proof (signature, documents or attested),
    signed_on, signatures, documents, payout. Several addresses, signatures or documents in one cell
    are parted by blanks.
    """
    claims = _claims(session, file)
    client = session.client()
    filed = client.file_claims(client.restitution(restitution_id), claims)
    session.show(filed, lambda: _show_filed(session, filed))


@restitution.command("claims")
@_RESTITUTION
@click.option("--status", type=click.Choice([each.value for each in ClaimStatus]))
@pass_session
def claims(session: Session, restitution_id: str, status: str | None) -> None:
    """List claims as they were filed: all for the opener, else your own."""
    client = session.client()
    asset = client.restitution(restitution_id).asset
    session.show_list(
        client.claims(restitution_id, status=status),
        ("claim", "ref", "by", "worth", "verified", "stands"),
        lambda view: (
            view.id,
            view.ref,
            view.filed_by,
            session.amount(view.value, asset),
            session.amount(view.verified, asset),
            _stands(view),
        ),
        empty="No claim is here.",
    )


@restitution.command("verify")
@_RESTITUTION
@_CLAIM
@click.option("--amount", metavar="UNITS", help="Less than all of it, in base units.")
@click.option("--not-a-double", is_flag=True, help="You looked at those that name the same.")
@pass_session
def verify(
    session: Session,
    restitution_id: str,
    claim_id: str,
    *,
    amount: str | None,
    not_a_double: bool,
) -> None:
    """Verify a claim; above the restitution's limit another person verifies it, too."""
    client = session.client()
    view = client.restitution(restitution_id)
    done = client.decide_claim(
        view, claim_id, decision="verify", amount=amount, not_a_double=not_a_double or None
    )
    session.show(done, lambda: _show_claim(session, view, done.claim))


@restitution.command("reject")
@_RESTITUTION
@_CLAIM
@click.option("--code", required=True, type=click.Choice([each.value for each in ClaimRejection]))
@click.option("--reason", metavar="TEXT", help="In words; needed for other.")
@pass_session
def reject(
    session: Session, restitution_id: str, claim_id: str, *, code: str, reason: str | None
) -> None:
    """Reject a claim, with a code; whoever filed it may object."""
    client = session.client()
    view = client.restitution(restitution_id)
    done = client.decide_claim(
        view, claim_id, decision="reject", code=ClaimRejection(code), reason=reason
    )
    session.show(done, lambda: _show_claim(session, view, done.claim))


@restitution.command("object")
@_RESTITUTION
@_CLAIM
@click.option("--reason", required=True, metavar="TEXT", help="What is wrong with it.")
@pass_session
def object_(session: Session, restitution_id: str, claim_id: str, reason: str) -> None:
    """Object to what was decided on a claim that you filed."""
    client = session.client()
    view = client.restitution(restitution_id)
    done = client.object_to_claim(view, claim_id, reason)
    session.show(done, lambda: _show_claim(session, view, done.claim))


@restitution.command("links")
@_RESTITUTION
@click.argument("claim_ids", metavar="[CLM_…]…", nargs=-1)
@click.option("--all", "takes_all", is_flag=True, help="Every claim that you filed.")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the links go, as CSV: ref,link. It must not exist.",
)
@pass_session
def links(
    session: Session,
    restitution_id: str,
    claim_ids: tuple[str, ...],
    *,
    takes_all: bool,
    out: Path,
) -> None:
    """Make a secret link for each of your claims, to hand to its claimant.

    Whoever has a link reads how that claim stands, and may object. A new link takes the place of
    the one before. The coordinator learns their hashes alone, so FILE is the one place with them.
    """
    client = session.client()
    view = client.restitution(restitution_id)
    refs = _own_claims(session, restitution_id, claim_ids, takes_all=takes_all)
    tokens = {claim_id: base64url.encode(secrets.token_bytes(32)) for claim_id in refs}
    # Before anything is replaced: a link that cannot be written down is lost.
    write_private(out, write_table(_LINK_COLUMNS, []), replace=False)
    made: list[ClaimLinksView] = []
    rows: list[tuple[str, str]] = []
    try:
        for start in range(0, len(refs), MAX_CLAIMS):
            some = list(refs)[start : start + MAX_CLAIMS]
            made.append(client.make_claim_links(view, {each: tokens[each] for each in some}))
            rows += [(refs[each], f"{made[-1].page}#{tokens[each]}") for each in some]
            write_private(out, write_table(_LINK_COLUMNS, rows))
    finally:
        if not made:
            out.unlink(missing_ok=True)
    session.show(
        made[-1],
        lambda: session.out.print(
            f"{len(refs)} link(s) are in {out}, good until {minute(made[-1].expires_at)}.",
            markup=False,
        ),
    )


@restitution.command("unlink")
@_RESTITUTION
@click.argument("claim_ids", metavar="[CLM_…]…", nargs=-1)
@click.option("--all", "takes_all", is_flag=True, help="Every claim that you filed.")
@pass_session
def unlink(
    session: Session, restitution_id: str, claim_ids: tuple[str, ...], *, takes_all: bool
) -> None:
    """Take the secret links of your claims back: they open nothing any more."""
    client = session.client()
    view = client.restitution(restitution_id)
    ids = list(_own_claims(session, restitution_id, claim_ids, takes_all=takes_all))
    done = [
        client.revoke_claim_links(view, ids[start : start + MAX_CLAIMS])
        for start in range(0, len(ids), MAX_CLAIMS)
    ]
    session.show(
        done[-1],
        lambda: session.out.print(f"{sum(each.revoked for each in done)} link(s) are taken back."),
    )


def _own_claims(
    session: Session, restitution_id: str, claim_ids: tuple[str, ...], *, takes_all: bool
) -> dict[str, str]:
    """Return claims that one's own organisation filed, with their references.

    Raises:
        ProfileError: If none is named, or one is not its own.
    """
    if takes_all == bool(claim_ids):
        raise ProfileError("name claims, or say --all")
    own = {
        each.id: each.ref
        for each in session.client().claims(restitution_id)
        if each.filed_by == session.profile().handle
    }
    for each in claim_ids:
        if each not in own:
            raise ProfileError(f"{each} is no claim that you filed on {restitution_id}")
    if not own:
        raise ProfileError(f"you filed no claim on {restitution_id}")
    return own if takes_all else {each: own[each] for each in claim_ids}


@restitution.command("pay-to")
@_RESTITUTION
@_CLAIM
@_FILE
@pass_session
def pay_to(session: Session, restitution_id: str, claim_id: str, file: Path) -> None:
    """Have a claim that you filed paid to another account, by FILE, a JSON object.

    \b
    {"payout": "eip155:1:0x…", "documents": ["<SHA-256>"], "reason": "…"}

    A claim proven by signatures takes fresh ones in place of documents. Another person approves it,
    and it is in force 72 hours later; until then nothing is paid on the claim.
    """  # noqa: D301 - click's mark of a paragraph to be left as it is
    client = session.client()
    view = client.restitution(restitution_id)
    said = _read(file)
    try:
        if not isinstance(said, dict):
            raise ProfileError(f"{file}: must be a JSON object")
        body = PayoutChange.model_validate({"content_sha256": view.content_sha256, **said})
    except ValidationError as error:
        raise ProfileError(_faults(file, error)) from None
    done = client.propose_payout_account(
        view,
        claim_id,
        body.payout,
        signatures=body.signatures,
        documents=body.documents,
        reason=body.reason,
    )
    session.show(done, lambda: _show_change(session, claim_id, done.change))


@restitution.command("approve-account")
@_RESTITUTION
@_CLAIM
@click.option("--reject", "rejects", is_flag=True, help="Reject it instead.")
@pass_session
def approve_account(session: Session, restitution_id: str, claim_id: str, *, rejects: bool) -> None:
    """Approve the account that a claim is to be paid to, which another person proposed.

    Ask the victim first, by a way that you know from before: whoever took over a desk or a wallet
    names an account of their own.
    """
    client = session.client()
    view = client.restitution(restitution_id)
    found = next((each for each in client.claims(restitution_id) if each.id == claim_id), None)
    if found is None or found.payout_change is None:
        raise ProfileError(f"no other account is proposed for {claim_id}")
    decision: Literal["approve", "reject"] = "reject" if rejects else "approve"
    done = client.decide_payout_account(view, claim_id, found.payout_change, decision=decision)
    session.show(done, lambda: _show_change(session, claim_id, done.change))


@restitution.command("allocate")
@_RESTITUTION
@click.option("--pool", metavar="AMOUNT", help="So much of it: '1.5 ETH', or base units.")
@click.option("--minimum", default="0", metavar="AMOUNT", help="Nobody gets less than this now.")
@pass_session
def allocate(session: Session, restitution_id: str, *, pool: str | None, minimum: str) -> None:
    """Propose to share what is available among all verified claims, in proportion.

    It is computed here, and once more by the coordinator; two others approve it. Those who had less
    of their loss before catch up first.
    """
    client = session.client()
    view = client.restitution(restitution_id)
    sums = view.pool.get(view.asset)
    share = int("0" if sums is None else sums.available)
    if pool is not None:
        share = int(parse_option("--pool", pool, session.assets, asset=view.asset)[1])
    least = parse_option("--minimum", minimum, session.assets, asset=view.asset)[1]
    taking = [each for each in client.claims(restitution_id) if each.verified is not None]
    claims = [
        ValuedClaim(each.id, int(each.verified or "0"), int(each.allocated or "0"))
        for each in taking
    ]
    try:
        found = share_pro_rata(share, claims, unit_value=1, minimum=int(least))
    except AllocationError as error:
        raise ProfileError(str(error)) from None
    parts = [
        AllocatedClaim(
            claim=each.ref,
            value=str(each.value),
            before=str(each.paid),
            amount=str(found.parts[each.ref]),
        )
        for each in claims
    ]
    made = client.propose_allocation(
        view, method="pro_rata", pool=str(share), minimum=least, claims=parts
    )
    session.show(made, lambda: _show_allocation(session, view, made))


@restitution.command("allocations")
@_RESTITUTION
@pass_session
def allocations(session: Session, restitution_id: str) -> None:
    """List the allocations of your restitution."""
    client = session.client()
    asset = client.restitution(restitution_id).asset
    session.show_list(
        client.allocations(restitution_id),
        ("proposed", "allocation", "gives", "claims", "status", "approvals"),
        lambda view: (
            minute(view.proposed_at),
            view.id,
            session.amount(view.given, asset),
            str(view.claim_count),
            view.status,
            f"{view.approvals} of 2",
        ),
        empty="Nothing was allocated.",
    )


@restitution.command("allocation")
@_RESTITUTION
@click.argument("allocation_id", metavar="ALO_…")
@pass_session
def allocation(session: Session, restitution_id: str, allocation_id: str) -> None:
    """Show an allocation from its document, with the digits that approvers compare."""
    client = session.client()
    view = client.restitution(restitution_id)
    found = client.allocation(restitution_id, allocation_id)
    digits = sha256(found.body.encode()).hexdigest()
    if digits != found.act_sha256:
        raise ProfileError("the document is not the one that was proposed: approve nothing")
    parts = NewAllocation.model_validate(strict_json.loads(found.body.encode())).claims
    gets = [int(each.amount) for each in parts if each.amount != "0"]
    rows = [
        ("digits", f"{digits[:4]} {digits[4:8]} … {digits[-8:-4]} {digits[-4:]}"),
        ("status", f"{found.status}, approved by {found.approvals} of 2"),
        ("shared", session.amount(found.pool, view.asset)),
        ("- given", session.amount(str(sum(gets)), view.asset)),
        ("= left over", session.amount(str(int(found.pool) - sum(gets)), view.asset)),
        ("claims", f"{len(parts)}, of which {len(gets)} get something"),
        ("the most", session.amount(str(max(gets, default=0)), view.asset)),
    ]
    session.show(found, lambda: session.out.print(facts(rows)))


@restitution.command("approve")
@_RESTITUTION
@click.argument("allocation_id", metavar="ALO_…")
@click.option("--reject", "rejects", is_flag=True, help="Reject it instead.")
@pass_session
def approve(session: Session, restitution_id: str, allocation_id: str, *, rejects: bool) -> None:
    """Approve an allocation; it takes two, and whoever proposed it is neither."""
    client = session.client()
    view = client.restitution(restitution_id)
    found = [each for each in client.allocations(restitution_id) if each.id == allocation_id]
    if not found:
        raise ProfileError(f"there is no allocation {allocation_id}")
    decided = client.decide_allocation(view, found[0], decision="reject" if rejects else "approve")
    session.show(decided, lambda: _show_allocation(session, view, decided))


@restitution.command("payouts")
@_RESTITUTION
@click.option("--status", type=click.Choice([each.value for each in PayoutStatus]))
@pass_session
def payouts(session: Session, restitution_id: str, status: str | None) -> None:
    """List the payouts of your restitution, with where each goes."""
    client = session.client()
    asset = client.restitution(restitution_id).asset
    session.show_list(
        client.payouts(restitution_id, status=status),
        ("payout", "ref", "by", "amount", "to", "status"),
        lambda view: (
            view.id,
            view.ref,
            view.filed_by,
            session.amount(view.amount, asset),
            view.payout,
            "being changed" if view.changing else view.status,
        ),
        empty="No payout is here.",
    )


@restitution.command("paid")
@_RESTITUTION
@_FILE
@pass_session
def paid(session: Session, restitution_id: str, file: Path) -> None:
    """Record what became of payouts by FILE, a JSON list: all of it, or none.

    \b
    [{"payout": "pay_…", "tx": "0x…"},
     {"payout": "pay_…", "failed": "The account is closed."}]
    """  # noqa: D301 - click's mark of a paragraph to be left as it is
    client = session.client()
    view = client.restitution(restitution_id)
    try:
        body = PayoutLines.model_validate(
            {"content_sha256": view.content_sha256, "lines": _read(file)}
        )
    except ValidationError as error:
        raise ProfileError(_faults(file, error)) from None
    done = client.record_payouts(view, body.lines)
    session.show(
        done, lambda: session.out.print(f"{done.paid} paid, {done.failed} did not arrive.")
    )


@restitution.command("close")
@_RESTITUTION
@pass_session
def close(session: Session, restitution_id: str) -> None:
    """Close a restitution once nothing waits and objections are over."""
    client = session.client()
    view = client.close_restitution(client.restitution(restitution_id))
    session.show(view, lambda: _show(session, view))


def _read(file: Path) -> Any:
    try:
        return strict_json.loads(file.read_bytes())
    except ProtocolError as error:
        raise ProfileError(f"{file} is no JSON: {error}") from None


def _claims(session: Session, file: Path) -> list[Claim]:
    """Return the claims of a table.

    Raises:
        ProfileError: Naming the lines of the file.
    """
    found = read_claims(file.name, file.read_bytes(), session.assets)
    if found.faults:
        shown = [f"line {fault.line}: {fault.text}" for fault in found.faults[:_MOST_FAULTS]]
        more = len(found.faults) - len(shown)
        raise ProfileError(
            f"{file}: nothing was filed. {' '.join(shown)}" + (f" And {more} more." * bool(more))
        )
    return [Claim.model_validate(each) for each in found.claims]


def _faults(place: object, error: ValidationError) -> str:
    first = error.errors()[0]
    where = "/".join(str(part) for part in first["loc"])
    return f"{place}: {where or 'the whole'}: {first['msg']}"


def _show_change(session: Session, claim_id: str, change: PayoutChangeView) -> None:
    rows: list[tuple[str, object]] = [
        ("claim", claim_id),
        ("to be paid to", change.payout),
        ("stands", change.change_status.value.replace("_", " ")),
        ("in force from", change.in_force_at and minute(change.in_force_at)),
    ]
    session.out.print(facts(rows))


def _show(session: Session, view: RestitutionView) -> None:
    rows: list[tuple[str, object]] = [
        ("restitution", view.id),
        ("incident", view.incident),
        ("status", view.status),
        ("paid in", session.asset_name(view.asset)),
        ("two verify above", session.amount(view.verify_by_two_above, view.asset)),
        ("signatures count", "no: keys were stolen" if view.key_theft else "yes"),
        ("claims until", minute(view.claims_close_at)),
        ("objections until", minute(view.objections_until)),
        ("unclaimed goes to", view.unclaimed_to),
        ("claims", _counts(view) or "none"),
    ]
    session.out.print(facts(rows))
    _show_pool(session, view.pool)
    paid = [
        (f"{status}, {each.count}", session.amount(each.amount, view.asset))
        for status, each in view.payouts.items()
    ]
    if paid:
        session.out.print("\nPayouts", markup=False)
        session.out.print(facts(paid))


def _counts(view: RestitutionView) -> str:
    return ", ".join(f"{count} {status}" for status, count in view.claims.items())


def _available(session: Session, view: RestitutionView) -> str:
    sums = view.pool.items()
    return ", ".join(str(session.amount(each.available, asset)) for asset, each in sums)


def _show_pool(session: Session, pool: Mapping[str, PoolSumsView]) -> None:
    """Print the sums of each asset, one below the other; those that are nothing are left out."""
    for asset, each in pool.items():
        session.out.print(f"\nIn {session.asset_name(asset) or asset}", markup=False)
        lines = (
            ("returned", each.returned),
            ("+ converted in", each.converted_in),
            ("- sold", each.converted_out),
            ("- fees", each.fees),
            ("- costs", each.costs),
            ("- reserved", each.reserved),
            ("- allocated", each.allocated),
        )
        shown = [(name, session.number(units, asset)) for name, units in lines if units != "0"]
        session.out.print(facts([*shown, ("= available", session.number(each.available, asset))]))


def _show_allocation(session: Session, of: RestitutionView, view: AllocationView) -> None:
    session.out.print(
        facts(
            [
                ("allocation", view.id),
                ("status", view.status),
                ("approvals", f"{view.approvals} of 2"),
                ("gives", session.amount(view.given, of.asset)),
                ("to claims", view.claim_count),
                ("document", view.act_sha256),
            ]
        )
    )


def _show_filed(session: Session, filed: FiledClaimsView) -> None:
    twice = [each.ref for each in filed.claims if each.has_double]
    session.out.print(f"{len(filed.claims)} claims are filed{', late' if filed.late else ''}.")
    if twice:
        session.out.print(
            f"{len(twice)} name the same as another: {', '.join(twice[:10])}", markup=False
        )


def _stands(view: ClaimView) -> str:
    words = [view.status.value]
    if view.status is ClaimStatus.RECEIVED and view.verifications:
        words.append("verified by one of two")
    if view.doubles:
        words.append(f"{len(view.doubles)} like it")
    return ", ".join(words + (["late"] if view.late else []))


def _show_claim(session: Session, of: RestitutionView, view: ClaimView) -> None:
    session.out.print(
        facts(
            [
                ("claim", view.id),
                ("ref", view.ref),
                ("stands", _stands(view)),
                ("worth", session.amount(view.value, of.asset)),
                ("verified", session.amount(view.verified, of.asset)),
                ("code", view.code),
                ("objection", view.objection),
            ]
        )
    )


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(restitution)
