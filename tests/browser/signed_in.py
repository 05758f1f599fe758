"""People whose passkeys count already, and browsers in which they are signed in."""

import re
import secrets
from datetime import timedelta
from hashlib import sha256

from playwright.sync_api import Page, expect

from coordinator.storage.console import passkeys as passkey_store
from coordinator.storage.console import sessions as session_store
from coordinator.storage.console.passkeys import Passkey
from coordinator.storage.console.sessions import StoredSession
from coordinator.storage.engine.database import open_database
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.partners import NewKey
from holdfast.protocol import base64url
from holdfast.protocol.jwk import PublicKey
from holdfast.protocol.type_ids import new_id
from tests.browser.passkeys import Authenticator, Person
from tests.browser.served import Served
from tests.factories import Member

_SIGN_PAGE = re.compile("/console/acts/pra_")


def sign_in(page: Page, served: Served, member: Member) -> Person:
    """Sign somebody of the cast in by passkey, and return them; the page shows their home.

    The rows are written as enrolment, a grant by the root key and the door would write them, and
    the browser is given its cookie; `test_enrolment` goes that way.
    """
    person = Person.new(member.handle, served.console, *member.roles, subject=member.subject)
    Authenticator(page).add(person)
    value = _open_session(served, person)
    page.context.add_cookies([{"name": "holdfast", "value": value, "url": served.console}])
    page.goto(f"{served.console}/console")
    expect(page).to_have_url(f"{served.console}/console")
    return person


def _open_session(served: Served, person: Person) -> str:
    """Store a passkey that counts, and a session that it opened; returns the session's secret."""
    now = served.clock.now()
    secret = secrets.token_urlsafe(32)
    database = open_database(served.environment["HOLDFAST_DATABASE_URL"], pool_size=1)
    try:
        with database.transaction() as connection:
            key = NewKey(
                key=PublicKey.from_jwk(person.jwk),
                partner=person.handle,
                subject=person.subject,
                grant_id=None,
                proposer=None,
                granted_at=now,
            )
            partner_store.insert_key(connection, key)
            passkey_store.store(
                connection,
                Passkey(
                    kid=person.kid,
                    credential_id=base64url.encode(person.credential_id),
                    partner=person.handle,
                    person=person.subject,
                    jwk=person.jwk,
                    possession="",
                    sign_count=0,
                    is_backed_up=False,
                    transports=["internal"],
                    made_at=now,
                    used_at=now,
                    removed_at=None,
                ),
            )
            session_store.store(
                connection,
                StoredSession(
                    id_sha256=sha256(secret.encode()).hexdigest(),
                    number=new_id("ses"),
                    kid=person.kid,
                    provider=None,
                    partner=person.handle,
                    person=person.subject,
                    browser="Chrome on Linux",
                    content={},
                    opened_at=now,
                    seen_at=now,
                    ends_at=now + timedelta(hours=12),
                ),
            )
    finally:
        database.engine.dispose()
    return secret


def sign_act(page: Page) -> None:
    """Sign what the sign page shows, by passkey, and wait until that page is left or says no."""
    expect(page).to_have_url(_SIGN_PAGE)
    with page.expect_navigation():
        page.get_by_role("button", name="with your passkey").click()
