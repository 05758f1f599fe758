"""The security contact that an organisation publishes (RFC 9116), read strictly.

Whoever runs the domain writes the file, so it is hostile input: what is not as the RFC has it is
refused, and only a mailbox of that very domain, or below it, is written to. There is no list of
public suffixes here: the domain that was asked is the one that has to stand behind the `@`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import unquote

from coordinator.domain.guest import is_within

PATH = "/.well-known/security.txt"
#: RFC 9116 section 6.1 advises a limit; no published file needs more.
MOST_BYTES = 16_384
_FIELD = re.compile(r"([A-Za-z0-9-]+):[ \t]*(\S.*?)[ \t]*")
#: RFC 9116 section 2.5.5, which takes the profile of RFC 3339.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
#: As much of RFC 5321 as no mail system reads in two ways: no quotes, no comments, ASCII.
_MAILBOX = re.compile(r"([A-Za-z0-9.!#$&'*+/=?^_`{|}~-]{1,64})@([A-Za-z0-9.-]{1,189})")
_SIGNED, _SIGNATURE = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----"


class SecurityTxtError(Exception):
    """There is no contact in it that may be written to; `code` says why, for programs.

    Args:
        code: "malformed", "expired", "other_place" or "no_mailbox".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def security_mailbox(content: bytes, *, domain: str, now: datetime) -> str:
    """Return the first mailbox of a `security.txt` that is of its own domain.

    Args:
        content: The file as it was served.
        domain: Lower-case DNS name that it was fetched from; IDNs as A-labels.
        now: The present moment.

    Raises:
        SecurityTxtError: If it is not as RFC 9116 has it, is over, is meant for another place, or
            names no such mailbox.
    """
    fields = list(_fields(content))
    expires = [value for name, value in fields if name == "expires"]
    if len(expires) != 1 or not any(name == "contact" for name, _ in fields):
        raise SecurityTxtError("malformed")  # sections 2.5.3 and 2.5.5: both are required
    if _time(expires[0]) <= now:
        raise SecurityTxtError("expired")
    places = {value for name, value in fields if name == "canonical"}
    if places and f"https://{domain}{PATH}" not in places:
        raise SecurityTxtError("other_place")
    contacts = [value for name, value in fields if name == "contact"]
    for mailbox in filter(None, map(_mailbox, contacts)):
        if is_within(mailbox.rpartition("@")[2], domain):
            return mailbox
    raise SecurityTxtError("no_mailbox")


def _fields(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the fields, names in lower case.

    A signature around them (section 2.3) is not looked at: nothing here says whose key it is.
    """
    try:
        lines = content.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise SecurityTxtError("malformed") from None
    if lines[0] == _SIGNED:
        if "" not in lines or _SIGNATURE not in lines:
            raise SecurityTxtError("malformed")
        lines = lines[lines.index("") + 1 : lines.index(_SIGNATURE)]
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = _FIELD.fullmatch(line)
        if found is None or not line.isprintable():
            raise SecurityTxtError("malformed")
        yield found[1].lower(), found[2]


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise SecurityTxtError("malformed")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise SecurityTxtError("malformed") from None


def _mailbox(contact: str) -> str | None:
    """Return the mailbox of a `mailto:` without anything else in it (RFC 6068), or None."""
    scheme, _, rest = contact.partition(":")
    if scheme.lower() != "mailto":
        return None
    found = _MAILBOX.fullmatch(unquote(rest))
    if found is None or ".." in found[0] or found[1].startswith(".") or found[1].endswith("."):
        return None
    return f"{found[1]}@{found[2].lower()}"
