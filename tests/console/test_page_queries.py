"""What a page costs the database: few queries, and the same few however much there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.console.conftest import SignedIn
from tests.console.visitor import Visitor, passkey_link
from tests.factories import Cast, Signer, new_exchange
from tests.passkeys import SoftPasskey


@contextmanager
def _counted(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []
    engine = app.extensions["holdfast"].database.engine

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/console/people", 14),
        ("/console/people/policy", 12),
        ("/console/people/{lead}", 18),
        ("/console/passkeys", 12),
        ("/console/sessions", 10),
    ],
)
def test_a_page_costs_the_same_few_queries_however_much_there_is(
    cast: Cast, signer: Signer, signed_in: SignedIn, path: str, most: int
) -> None:
    browser, _ = signed_in(cast.a, cast.a.lead)
    page = path.format(lead=cast.a.lead.subject)
    browser.get(page)
    with _counted(browser.app) as before:
        assert browser.get(page).status_code == 200
    more = new_exchange(cast.a.handle)
    for member in (more.analyst, more.auditor, more.compliance):
        Visitor(browser.app).enrol(
            passkey_link(signer, cast.a.lead, member.subject), SoftPasskey.generate()
        )
    for _ in range(3):
        signed_in(cast.a, cast.a.lead)
    with _counted(browser.app) as after:
        assert browser.get(page).status_code == 200
    assert len(after) <= len(before) <= most, after
