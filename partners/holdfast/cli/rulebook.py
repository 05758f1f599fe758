"""`holdfast rulebook`: the rules of the house, and that your organisation accepts them."""

from hashlib import sha256
from pathlib import Path

import click

from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.layout import minute
from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.client.rulebook import read_rulebook
from holdfast.client.transport import Transport
from holdfast.errors import ProfileError
from holdfast.profiles.store import checked_origin
from holdfast.protocol.house_rules_views import EditionView, RulebookView


class _RulebookGroup(HelpGroup):
    """A group of commands that know the session."""

    command_class = SessionCommand


@click.group(cls=_RulebookGroup)
def rulebook() -> None:
    """The network's rulebook, which every request names."""


@rulebook.command("show")
@click.option(
    "--coordinator",
    metavar="URL",
    envvar="HOLDFAST_COORDINATOR",
    help="Whose; without it, your profile's.",
)
@click.option("--coming", is_flag=True, help="The edition that is announced, and not in force yet.")
@click.option(
    "--save",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the text there, byte for byte, to be accepted.",
)
@pass_session
def show(session: Session, *, coordinator: str | None, coming: bool, file: Path | None) -> None:
    """Show the rulebook: since when it is in force, its hash and its text; it takes no key."""
    if coordinator is None:
        view = session.client().rulebook()
    else:
        view = read_rulebook(Transport(None, checked_origin(coordinator)))
    edition = _chosen(view, coming=coming)
    if file is not None:
        _save(file, edition)
    session.show(view, lambda: _show(session, view, edition, file))


@rulebook.command("accept")
@click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@pass_session
def accept(session: Session, file: Path) -> None:
    """Accept the rulebook in FILE for your organisation, as a security lead or compliance.

    FILE is the text that you have read, byte for byte: holdfast rulebook show --save FILE. It is
    the one in force, or one that is announced. Until somebody of yours has accepted the one in
    force, your organisation's requests are refused.
    """
    view = session.client().accept_rulebook(sha256(file.read_bytes()).hexdigest())
    session.show(
        view,
        lambda: session.out.print(
            facts(
                [
                    ("accepted", view.rulebook_sha256),
                    ("for", view.partner),
                    ("at", minute(view.accepted_at)),
                ]
            )
        ),
    )


@rulebook.command("accepted")
@click.option("--partner", metavar="HANDLE", help="By this member alone.")
@pass_session
def accepted(session: Session, partner: str | None) -> None:
    """List which member accepted which edition, oldest first."""
    session.show_list(
        session.client().rulebook_acceptances(partner),
        ("partner", "rulebook", "at", "signed by"),
        lambda view: (
            view.partner,
            view.rulebook_sha256,
            minute(view.accepted_at),
            view.subject or "its root key, joining",
        ),
        empty="Nobody has accepted a rulebook.",
    )


def _chosen(view: RulebookView, *, coming: bool) -> EditionView | None:
    if not coming:
        return view.in_force
    return view.coming[0] if view.coming else None


def _save(file: Path, edition: EditionView | None) -> None:
    if edition is None:
        raise ProfileError(f"there is no such rulebook: nothing was written to {file}")
    try:
        file.write_bytes(edition.text.encode())
    except OSError as error:
        raise ProfileError(f"{file} cannot be written: {error.strerror}") from None


def _show(
    session: Session, view: RulebookView, edition: EditionView | None, file: Path | None
) -> None:
    if edition is None:
        session.out.print("There is no such rulebook.")
    else:
        rows = [("rulebook", edition.sha256), ("in force from", minute(edition.in_force_from))]
        if file is not None:
            rows.append(("written to", str(file)))
        session.out.print(facts(rows))
        if file is None:
            session.out.print()
            session.out.print(edition.text, markup=False, highlight=False)
    for coming in view.coming:
        if coming != edition:
            session.err.print(
                f"From {minute(coming.in_force_from)} another is in force: holdfast rulebook show"
                " --coming",
                markup=False,
            )


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(rulebook)
