"""People whose passkeys count already, and browsers in which they are signed in."""

import re

from playwright.sync_api import Page, expect

from coordinator.storage.console import passkeys as passkey_store
from coordinator.storage.console.passkeys import Passkey
from coordinator.storage.engine.database import open_database
from coordinator.storage.membership import partners as partner_store
from coordinator.storage.membership.partners import NewKey
from holdfast.protocol import base64url
from holdfast.protocol.jwk import PublicKey
from tests.browser.passkeys import Authenticator, Person
from tests.browser.served import Served
from tests.factories import Member

_SIGN_PAGE = re.compile("/console/acts/pra_")


def grant_passkey(served: Served, member: Member) -> Person:
    """Return somebody of the cast with a passkey that counts, without the way there.

    The rows are written as enrolment and a grant by the root key would; `test_enrolment` goes that
    way.
    """
    person = Person.new(member.handle, served.console, *member.roles, subject=member.subject)
    now = served.clock.now()
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
                    used_at=None,
                    removed_at=None,
                ),
            )
    finally:
        database.engine.dispose()
    return person


def sign_in(page: Page, served: Served, member: Member) -> Person:
    """Sign somebody of the cast in by passkey, and return them; the page shows their home."""
    person = grant_passkey(served, member)
    Authenticator(page).add(person)
    page.goto(f"{served.console}/console/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{served.console}/console")
    return person


def sign_act(page: Page) -> None:
    """Sign what the sign page shows, by passkey, and wait until that page is left or says no."""
    expect(page).to_have_url(_SIGN_PAGE)
    with page.expect_navigation():
        page.get_by_role("button", name="with your passkey").click()
