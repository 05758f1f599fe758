"""`holdfast people`, `contacts`: what one's own are called, and how each is reached."""

from collections.abc import Mapping

import click

from holdfast.cli.help_pages import HelpGroup
from holdfast.cli.session import Session, SessionCommand, facts, pass_session, table
from holdfast.protocol.membership_payloads import PartnerChanges, PersonChanges
from holdfast.protocol.views import PartnerView, PersonView


class _PeopleGroup(SessionCommand, HelpGroup):
    """A command that lists, and has commands of its own."""

    command_class = SessionCommand


@click.group(cls=_PeopleGroup, invoke_without_command=True)
@click.option("--all", "with_former", is_flag=True, help="Those who left, too.")
@click.option("--keys", "shows_keys", is_flag=True, help="By their keys.")
@click.pass_context
def people(ctx: click.Context, *, with_former: bool, shows_keys: bool) -> None:
    """List the people and systems of your own organisation, or name them.

    Nobody else reads their names and contacts: others see ids.
    """
    if ctx.invoked_subcommand is not None:
        return
    session = ctx.ensure_object(Session)
    found = list(session.client().people(with_former=with_former))
    if shows_keys and not session.as_json:
        rows = [(kid, view.display_name or view.id) for view in found for kid in view.kids]
        session.out.print(table(("key", "whose"), rows))
        return
    names = {view.id: view.display_name or view.id for view in found}
    session.show_list(
        found,
        ("subject", "name", "contact", "acts as"),
        lambda view: (view.id, view.display_name, view.contact, _acts_as(view, names)),
        empty="Nobody.",
    )


def _acts_as(view: PersonView, names: Mapping[str, str]) -> str:
    """Return roles, the owner of a system, and when somebody left, on few columns."""
    words = ", ".join(role.value for role in view.roles)
    if view.owner:
        words += f" of {names.get(view.owner, view.owner)}"
    return words + (f", left {view.revoked_at:%Y-%m-%d}" if view.revoked_at else "")


@people.command("name")
@click.argument("subject", metavar="PER_…|SYS_…")
@click.argument("display_name", metavar="[NAME]", required=False)
@click.option("--contact", help="How to reach them: a telephone number, an address.")
@click.option("--erase", is_flag=True, help="Erase name and contact, everywhere and at once.")
@pass_session
def name_person(
    session: Session, subject: str, *, display_name: str | None, contact: str | None, erase: bool
) -> None:
    """Name one of your own people or systems, as a security lead; an empty text erases.

    Only your own members read it. What you do not name stays as it is.
    """
    given = {"display_name": display_name, "contact": contact}
    changes: dict[str, str | None] = {
        name: text or None for name, text in given.items() if text is not None
    }
    if erase == bool(changes):
        raise click.UsageError("say a NAME, --contact or both; or --erase alone")
    if not subject.startswith(("per_", "sys_")):
        raise click.UsageError(f"{subject!r} is no person or system: see `holdfast people`")
    body = PersonChanges.model_validate(changes or dict.fromkeys(given))
    view = session.client().name_person(subject, body)
    session.show(view, lambda: session.out.print(facts(_person(view))))


def _person(view: PersonView) -> list[tuple[str, object]]:
    return [
        ("subject", view.id),
        ("name", view.display_name or "none"),
        ("contact", view.contact or "none"),
    ]


@click.command(cls=SessionCommand)
@click.option("--emergency", metavar="TEXT", help="By day and night; an empty text takes it away.")
@click.option("--contact", "contacts", multiple=True, metavar="TEXT", help="All of them.")
@pass_session
def contacts(session: Session, *, emergency: str | None, contacts: tuple[str, ...]) -> None:
    """Show how other members reach your organisation; a security lead changes what is named."""
    changes: dict[str, object] = {}
    if emergency is not None:
        changes["emergency_contact"] = emergency or None
    if contacts:
        changes["contacts"] = list(contacts)
    client = session.client()
    view = client.change_me(PartnerChanges.model_validate(changes)) if changes else client.me()
    session.show(view, lambda: session.out.print(facts(_reached(view))))


def _reached(view: PartnerView) -> list[tuple[str, object]]:
    return [
        ("in an emergency", view.emergency_contact or "not said"),
        ("contacts", view.contacts or "none"),
    ]


def register(cli: click.Group) -> None:
    """Add these commands."""
    for command in (people, contacts):
        cli.add_command(command)
