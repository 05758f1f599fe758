"""`holdfast key passphrase`: what guards a key file, asked on the terminal."""

import sys
from pathlib import Path

import click

from holdfast.cli.session import Session, SessionCommand, facts, pass_session
from holdfast.errors import ProfileError
from holdfast.profiles.passphrase import VARIABLE, from_file, read_passphrase, require_long


def ask(name: str) -> str | None:
    """Return the passphrase of a profile's key: from the file that is named, or from a person."""
    found = from_file()
    if found is None and sys.stdin.isatty():
        prompt = f"Passphrase of {name}"
        found = str(click.prompt(prompt, hide_input=True, err=True))
    return found


def new_passphrase(name: str) -> str:
    """Return the passphrase of a key that is being made: from the file that is named, or typed.

    Raises:
        ProfileError: There is neither, or it is too short.
    """
    given = from_file()
    if given is not None:
        return require_long(given)
    return _typed(name, f"name a private file that holds it by {VARIABLE}")


def _typed(name: str, otherwise: str) -> str:
    """Return what a person types twice; where nobody does, say what to do otherwise."""
    if not sys.stdin.isatty():
        raise ProfileError(f"nobody is there to type a passphrase: {otherwise}")
    prompt = f"New passphrase of {name}"
    typed = click.prompt(prompt, hide_input=True, confirmation_prompt="The same again", err=True)
    return require_long(str(typed))


def _changed(name: str, file: Path | None) -> str:
    if file is not None:
        return require_long(read_passphrase(file))
    return _typed(name, "give --new-file FILE")


@click.command("passphrase", cls=SessionCommand)
@click.argument("name")
@click.option("--remove", is_flag=True, help="Leave the key file without one.")
@click.option(
    "--new-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line is the new passphrase; for scripts.",
)
@pass_session
def passphrase(session: Session, name: str, *, remove: bool, new_file: Path | None) -> None:
    """Give a profile's key file a passphrase, change it, or remove it.

    Every command that signs then asks for it on the terminal, or reads it from the file that
    HOLDFAST_PASSPHRASE_FILE names. The key stays the same: nothing has to be granted again. Whoever
    forgets the passphrase has lost the key.
    """
    if remove and new_file is not None:
        raise click.UsageError("--remove and --new-file exclude each other")
    profile = session.store.load(name)
    session.store.guard(profile, None if remove else _changed(name, new_file))
    state = "none: the file is protected by its mode alone" if remove else "set"
    answer = {"profile": name, "kid": profile.key.kid, "passphrase": "removed" if remove else "set"}
    rows = [("profile", name), ("key", profile.key.kid), ("passphrase", state)]
    session.show(answer, lambda: session.out.print(facts(rows)))
