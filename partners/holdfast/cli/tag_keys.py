"""`holdfast tag-key`: by which secret one's own entries of the log are found."""

import click

from holdfast.cli.session import Session, SessionGroup, facts, pass_session
from holdfast.client.rotation import rotate_tag_key
from holdfast.errors import ProfileError
from holdfast.profiles.store import Profile
from holdfast.profiles.tag_keys import TagKeyFile
from holdfast.protocol.routing_tag import TagKey


@click.group("tag-key", cls=SessionGroup)
def tag_key_group() -> None:
    """Find your entries of the log: each has a tag made with your tag key."""


@tag_key_group.command("rotate")
@pass_session
def rotate(session: Session) -> None:
    """Set a fresh tag key, or the first one; signed by a security lead.

    All keys are kept in tag-keys.json beside the profiles: copy it to where you watch the log. One
    that was sent and never answered for is sent again.
    """
    profile = session.profile()
    if profile.kind != "person":
        raise ProfileError("a tag key is set by a security lead: say --as LEAD")
    key = rotate_tag_key(session.store, profile, connect=session.client)
    answer = {"first_leaf": key.first_leaf}
    session.show(answer, lambda: session.out.print(facts([("from entry", key.first_leaf)])))


@tag_key_group.command("list")
@pass_session
def list_(session: Session) -> None:
    """List from which entries on your tag keys hold; the keys themselves stay in their file."""
    profile = session.profile()
    session.show_list(
        iter(_told(profile, key) for key in _kept(session, profile)),
        ("partner", "from entry"),
        lambda told: (told["partner"], told["from_entry"]),
        empty="No tag keys: `holdfast tag-key rotate`.",
    )


def _kept(session: Session, profile: Profile) -> list[TagKey]:
    return TagKeyFile(session.store.home).keys(profile.coordinator, profile.handle)


def _told(profile: Profile, key: TagKey) -> dict[str, object]:
    place = "not answered for yet" if key.first_leaf is None else key.first_leaf
    return {"partner": profile.handle, "from_entry": place}


def register(cli: click.Group) -> None:
    """Add these commands."""
    cli.add_command(tag_key_group)
