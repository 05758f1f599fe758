"""Links that sign in to the console, and how to decide with one's own passkey."""

from collections.abc import Sequence
from pathlib import Path

from holdfast import Client
from holdfast.protocol.membership_payloads import NewConsoleLink


def sign_in_link(client: Client) -> str:
    """Return a link that signs a person in, once, within ten minutes."""
    return client.console_link(NewConsoleLink(purpose="sign_in")).url


def sign_in_words(links: Sequence[tuple[str, str]], home: Path, profile: str) -> str:
    """Return what to print of links.

    Args:
        links: Who is signed in ("Security lead of …"), and the link.
        home: The HOLDFAST_HOME whose root key grants the passkey.
        profile: Whose further links `holdfast console` prints.
    """
    shown = "\n\n".join(f"  {who}:\n  {url}" for who, url in links)
    return f"""In a browser; each link signs in once, within 10 minutes:

{shown}

Another link: HOLDFAST_HOME={home} \\
  holdfast --as {profile} console

By link you read. To decide, make a passkey of your own: open the menu, "Your
passkeys", "Make a passkey"; save its key request, and grant it, as the owner of
the root key would:

  HOLDFAST_HOME={home} \\
    holdfast --as root grant passkey.key-request.json --role security_lead

Then sign in with it."""
