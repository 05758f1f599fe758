"""Pages of drafts without a browser: whose a draft is, and how many queries a page takes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update
from werkzeug.test import TestResponse

from coordinator.console.context import EXTENSION
from coordinator.storage.console import drafts, links
from coordinator.storage.console.links import ConsoleLink
from coordinator.storage.tables.partners import PartnerRow
from tests.conftest import World
from tests.factories import NOON, Cast, Member

_TOKEN = re.compile('name="csrf_token" value="([^"]+)"')
_STATE = re.compile('name="state" value="([^"]+)"')
FIRST = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"


@pytest.fixture
def world(sqlite_world: World) -> World:
    """The statements are the same on both databases."""
    return sqlite_world


@dataclass(slots=True)
class Tab:
    """Somebody's browser, without one."""

    app: Flask
    client: FlaskClient
    page: str = ""

    @property
    def origin(self) -> str:
        """The console's."""
        found: str = self.app.extensions[EXTENSION].origin
        return found

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        answer = self.client.get(path, base_url=self.origin)
        self.page = answer.text
        return answer

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Send a form of the page that is open."""
        token = _TOKEN.search(self.page)
        assert token is not None
        return self.client.post(
            path,
            data={"csrf_token": token[1], **fields},
            base_url=self.origin,
            headers={"Origin": self.origin},
        )

    def state(self) -> str:
        """Return the state of the draft that is shown."""
        found = _STATE.search(self.page)
        assert found is not None
        return unescape(found[1])


def enter(app: Flask, member: Member) -> Tab:
    """Sign somebody in by a link."""
    secret = f"link of {member.subject}"
    link = ConsoleLink(
        secret_sha256=sha256(secret.encode()).hexdigest(),
        purpose="sign_in",
        partner=member.handle,
        person=member.subject,
        kid=member.key.kid,
        made_by=member.subject,
        made_at=NOON,
        ends_at=NOON + timedelta(hours=1),
        used_at=None,
    )
    with app.extensions["holdfast"].database.transaction() as connection:
        links.store(connection, link)
    tab = Tab(app, app.test_client())
    tab.get("/console/enter")
    assert tab.send("/console/enter", secret=secret).status_code == 303
    return tab


def draft_of(tab: Tab, text: str) -> str:
    """Make a draft; returns its path."""
    tab.get("/console/requests/new")
    made = tab.send("/console/requests/new", pasted=text)
    assert made.status_code == 303, made.text
    return str(made.headers["Location"]).removeprefix(tab.origin)


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements of all connections."""
    statements: list[str] = []
    engine = app.extensions["holdfast"].database.engine

    def on_checkout(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(statements.append)

    def on_checkin(connection: Any, _: Any) -> None:
        connection.set_trace_callback(None)

    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", on_checkin)
    try:
        yield statements
    finally:
        event.remove(engine, "checkout", on_checkout)
        event.remove(engine, "checkin", on_checkin)


def queries_of(app: Flask, tab: Tab, path: str) -> int:
    with counted(app) as statements:
        assert tab.get(path).status_code == 200
    return len(statements)


def test_a_page_takes_the_same_few_queries_however_much_is_in_it(app: Flask, cast: Cast) -> None:
    tab = enter(app, cast.a.analyst)
    short = draft_of(tab, f"ETH: {FIRST}")
    few = [queries_of(app, tab, path) for path in (short, "/console/requests/new", "/console")]
    long = "account\n" + "\n".join(f"eip155:1:0x{number:040x}" for number in range(1000, 1300))
    longer = [draft_of(tab, long) for _ in range(4)][-1]
    more = [queries_of(app, tab, path) for path in (longer, "/console/requests/new", "/console")]
    assert more == few
    assert max(more) <= 20


def test_a_person_keeps_so_many_drafts_and_loses_nothing_at_the_next(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST_KEPT", 2)
    tab, other = enter(app, cast.a.analyst), enter(app, cast.a.lead)
    kept = [draft_of(tab, f"ETH: {FIRST}") for _ in range(2)]
    tab.get("/console/requests/new")
    assert "You keep 2 at most" in tab.page
    refused = tab.send("/console/requests/new", pasted=f"ETH: {FIRST}")
    assert (refused.status_code, "throw one away" in refused.text) == (422, True)
    assert FIRST in refused.text, "what was pasted is there to be sent again"
    assert draft_of(other, f"ETH: {FIRST}"), "a colleague's drafts are not counted"
    state = _STATE.search(tab.get(kept[0]).text)
    assert state is not None
    assert tab.send(kept[0], do="discard", state=state[1]).status_code == 303
    assert draft_of(tab, f"ETH: {FIRST}")


def test_a_draft_is_its_author_s_alone(app: Flask, cast: Cast) -> None:
    path = draft_of(enter(app, cast.a.analyst), f"ETH: {FIRST}")
    for stranger in (cast.a.lead, cast.b.analyst):
        tab = enter(app, stranger)
        assert tab.get(path).status_code == 404
        assert tab.get(f"{path}/preview").status_code == 404
        assert tab.get(f"{path}/addresses/1").status_code == 404


def test_an_auditor_makes_no_draft(app: Flask, cast: Cast) -> None:
    tab = enter(app, cast.a.auditor)
    assert tab.get("/console/requests/new").status_code == 403
    assert tab.send("/console/requests/new", pasted=f"ETH: {FIRST}").status_code == 403


def test_a_form_of_an_older_state_changes_nothing(app: Flask, cast: Cast) -> None:
    tab = enter(app, cast.a.analyst)
    path = draft_of(tab, f"ETH: {FIRST}")
    tab.get(path)
    state = tab.state()
    assert tab.send(path, state=state, do="save", summary="first").status_code == 303
    stale = tab.send(path, state=state, do="save", summary="second")
    assert stale.status_code == 409
    assert "second" in stale.text
    tab.get(path)
    assert "first" in tab.page
    assert tab.send(f"{path}/addresses/1", state=state, do="leave_out").status_code == 422
    assert tab.send(f"{path}/preview", state=state).status_code == 409


def test_a_least_amount_is_typed_and_shown_wherever_the_draft_is(app: Flask, cast: Cast) -> None:
    tab = enter(app, cast.a.analyst)
    path = draft_of(tab, f"ETH: {FIRST} 3 ETH")
    tab.get(f"{path}/addresses/1")
    assert "Smaller deposits need not wait" in tab.page
    typed = {"account": f"eip155:1:{FIRST}", "amount": "3 ETH"}
    wrong = tab.send(f"{path}/addresses/1", state=tab.state(), min_amount="0.1 USDT", **typed)
    assert wrong.status_code == 422
    assert 'href="#f-min_amount"' in wrong.text
    assert 'value="0.1 USDT"' in wrong.text
    tab.get(f"{path}/addresses/1")
    kept = tab.send(f"{path}/addresses/1", state=tab.state(), min_amount="0.1 ETH", **typed)
    assert kept.status_code == 303
    tab.get(path)
    assert "deposits from" in tab.page
    tab.get(f"{path}/addresses/1")
    assert 'value="0.1 ETH"' in tab.page


def test_what_others_wrote_is_text(app: Flask, cast: Cast) -> None:
    tab = enter(app, cast.a.analyst)
    path = draft_of(tab, f"<script>x</script> on Ethereum {FIRST[:-1]} <b>1 ETH</b>")
    tab.get(path)
    assert "<script>x" not in tab.page
    assert "&lt;script&gt;x" in tab.page


FILLED = {
    "do": "preview",
    "title": "Theft",
    "kind": "hack",
    "occurred_at": "2026-03-02T09:00",
    "urgency": "flash",
    "tlp": "AMBER+STRICT",
    "summary": "Proceeds of it.",
    "asked": "chosen",
    "hours": "72",
    "support": "none",
}


def policy(app: Flask, cast: Cast, **members: Any) -> None:
    """Give exchange A another policy."""
    with app.extensions["holdfast"].database.transaction() as connection:
        connection.execute(
            update(PartnerRow).where(PartnerRow.handle == cast.a.handle).values(**members)
        )


@pytest.mark.parametrize(
    ("flashers", "asked", "said"),
    [
        (1, "chosen", "It goes out at once."),
        (1, "all", "waits because it asks all partners"),
        (0, "chosen", "does not name you for flash requests"),
    ],
)
def test_the_preview_says_whether_a_flash_request_goes_out_at_once(
    app: Flask, cast: Cast, flashers: int, asked: str, said: str
) -> None:
    policy(app, cast, may_flash=[cast.a.analyst.subject][:flashers])
    tab = enter(app, cast.a.analyst)
    path = draft_of(tab, f"ETH: {FIRST} 1 ETH")
    tab.get(path)
    fields = {**FILLED, "to": cast.b.handle, "asked": asked}
    kept = tab.send(path, state=tab.state(), **fields)
    assert kept.status_code == 303, kept.text
    shown = tab.get(f"{path}/preview")
    assert shown.status_code == 200
    assert said in unescape(shown.text)


def test_a_request_that_nobody_could_approve_says_what_to_do(app: Flask, cast: Cast) -> None:
    policy(app, cast, approval_quorum=9)
    tab = enter(app, cast.a.analyst)
    path = draft_of(tab, f"ETH: {FIRST} 1 ETH")
    tab.get(path)
    refused = tab.send(path, state=tab.state(), **FILLED, to=cast.b.handle)
    assert refused.status_code == 422
    assert "Roles are granted under People and keys" in refused.text


def test_what_the_api_refuses_stands_at_its_field(app: Flask, cast: Cast) -> None:
    tab = enter(app, cast.a.analyst)
    path = draft_of(tab, f"ETH: {FIRST} 1 ETH")
    tab.get(path)
    wrong = {**FILLED, "hours": "9000", "to": "stranger.example"}
    refused = tab.send(path, state=tab.state(), **wrong)
    assert refused.status_code == 422
    assert 'id="f-hours-error"' in refused.text
    tab.page = refused.text
    fixed = {**wrong, "hours": "72"}
    refused = tab.send(path, state=tab.state(), **fixed)
    assert 'href="#f-to"' in refused.text
