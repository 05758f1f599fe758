"""One's own passkeys: which count, which wait; one more, and one less."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response, redirect
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import console_links
from coordinator.api.context import current_context
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.visit import Visit
from coordinator.console.words import counted, moment, when_used
from coordinator.domain.errors import ConflictError, NotFoundError
from coordinator.storage.console import passkeys as store
from holdfast.protocol.jwk import thumbprint_digits

_HERE = "/console/passkeys"


@dataclass(frozen=True, slots=True)
class Card:
    """A passkey as the page shows it.

    Attributes:
        remove: What takes it away: "at once", "by an act", or "" where nothing of one's own does.
        why_not: Why nothing does.
    """

    kid: str
    name: str
    status: str
    since: datetime | None
    used: str
    kept: str
    digits: tuple[str, str]
    remove: str
    why_not: str


def show(visit: Visit) -> Response:
    """Show them all."""
    found = _own(visit)
    good = [each for each in found if each["status"] == "good"]
    pending = [each for each in found if each["status"] == "pending"]
    return render.page(
        "passkeys.html",
        visit,
        cards=[_card(visit, each, len(good)) for each in found],
        sentence=_sentence(len(good), len(pending)),
        has_good=bool(good),
        done=done_words(visit),
    )


def remove(visit: Visit, kid: str) -> Response | WsgiResponse:
    """Take one away: at once while it gives no right, else by an act that one signs.

    Raises:
        ConflictError: If it is the last one that counts.
        NotFoundError: If one has no such passkey.
    """
    found = _own(visit)
    passkey = next((each for each in found if each["kid"] == kid), None)
    if passkey is None:
        raise NotFoundError("you have no such passkey")
    if passkey["status"] == "good":
        return _revoke(visit, passkey, sum(each["status"] == "good" for each in found))
    context = current_context()
    visit.reader.connection.rollback()
    with context.database.transaction() as connection:
        store.remove(connection, kid, context.clock.now())
    return redirect(_HERE, HTTPStatus.SEE_OTHER)


def ask_link(visit: Visit) -> WsgiResponse:
    """Ask for a link with which another device makes one more."""
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/console-links",
            body={"purpose": "passkey"},
            sentence="Make a link with which another device of yours makes a passkey. It is good"
            " once, for 24 hours.",
            button="Make the link",
            back=_HERE,
            then="/console/links/made",
        ),
    )


def _revoke(visit: Visit, passkey: Mapping[str, Any], good: int) -> WsgiResponse:
    if good == 1:
        raise ConflictError(
            "this is your only passkey that counts: without it you could sign nothing. Add another"
            " first, and have it granted",
            code="last_passkey",
        )
    name = passkey["display_name"] or "without a name"
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/revocations",
            body={"kid": passkey["kid"]},
            sentence=f"Take your passkey “{name}” away. It signs nothing from then on, and the"
            " browsers that it signed in are signed out. This cannot be undone.",
            button="Take it away",
            back=_HERE,
            then=_HERE,
            facts=[("Digits of the passkey", " … ".join(thumbprint_digits(passkey["kid"])))],
        ),
    )


def _own(visit: Visit) -> list[Mapping[str, Any]]:
    query = console_links.PasskeysQuery.model_validate(
        {"person": visit.actor.subject, "limit": "100"}
    )
    found = visit.read(console_links.list_passkeys, query)["items"]
    return sorted(found, key=lambda each: each["made_at"])


def _card(visit: Visit, passkey: Mapping[str, Any], good: int) -> Card:
    how, why_not = _removal(passkey, good)
    return Card(
        kid=passkey["kid"],
        name=passkey["display_name"] or "Without a name",
        status=passkey["status"],
        since=moment(passkey["revoked_at"] or passkey["granted_at"] or passkey["made_at"]),
        used=when_used(passkey["used_at"], visit.reader.read_context.now),
        kept="backed up by whoever keeps it for you"
        if passkey["is_backed_up"]
        else "on one device alone",
        digits=thumbprint_digits(passkey["kid"]),
        remove=how,
        why_not=why_not,
    )


def _removal(passkey: Mapping[str, Any], good: int) -> tuple[str, str]:
    if passkey["status"] != "good":
        return "at once", ""
    if good == 1:
        return "", "Your only one that counts: add another first, and have it granted."
    return "by an act", ""


def _sentence(good: int, pending: int) -> tuple[str, str]:
    """Return the page's sentence in two parts, the first bold."""
    waiting = "one waits" if pending == 1 else f"{pending} wait"
    waits = f" {waiting[:1].upper()}{waiting[1:]} for a grant." if pending else ""
    if not good:
        word = "None of them counts" if pending else "You have no passkey"
        return word, ": you read everything, and can sign nothing."
    verb = "sign" if good > 1 else "signs"
    return counted(good, "passkey"), f" of yours {verb} what you decide.{waits}"
