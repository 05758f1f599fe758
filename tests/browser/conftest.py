"""A browser for a test process, a context for every page, a coordinator to visit."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import chromium_or_skip
from tests.browser.pages import open_page
from tests.browser.passkeys import Authenticator, Person
from tests.browser.served import PATIENCE, Served, serve
from tests.conftest import BACKENDS, World, write_keys
from tests.factories import Exchange, Member

#: Nothing but this machine is reached, whatever a page asks for: other names lead nowhere.
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

#: Milliseconds that a page is waited for: Playwright's own five seconds are few on a busy machine.
_PATIENCE = PATIENCE * 1_000
expect.set_options(timeout=_PATIENCE)

NewPage = Callable[[], Page]
#: For stories of what several processes and their database do together.
on_both = pytest.mark.parametrize("world", BACKENDS, indirect=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every story on both databases where `BOTH=1` asks for it, marked so or not."""
    is_marked = any(
        mark.args[0] == "world" for mark in metafunc.definition.iter_markers("parametrize")
    )
    if os.environ.get("BOTH") and "world" in metafunc.fixturenames and not is_marked:
        metafunc.parametrize("world", BACKENDS, indirect=True)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Where Chromium is; without one tests are skipped, and the summary says what to install."""
    return chromium_or_skip()


@pytest.fixture(scope="session")
def _running_browser(chromium: Path) -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            headless=True,
            args=_ARGUMENTS,
            chromium_sandbox=os.geteuid() != 0,  # Chromium has none as root
        )
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture
def browser(
    _running_browser: tuple[Browser, asyncio.AbstractEventLoop],
) -> Iterator[Browser]:
    """The one browser of a test process.

    Playwright leaves its event loop marked as running between its calls. No other test of the
    process could run one of its own, so it is marked only while a test has the browser.
    """
    found, loop = _running_browser
    asyncio._set_running_loop(loop)
    yield found
    asyncio._set_running_loop(None)


@pytest.fixture
def new_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """Opens pages, each in a context of its own: another person, or another device.

    What a story's pages look like is told by its run on SQLite: the other database shows the same.
    """
    contexts = []
    in_full = request.node.get_closest_marker("postgresql") is None

    def new() -> Page:
        context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            locale="en-GB",
            timezone_id="UTC",
            service_workers="block",
        )
        context.set_default_timeout(_PATIENCE)
        contexts.append(context)
        return open_page(context, in_full=in_full)

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A laptop's page, on which nobody has signed in."""
    return new_page()


@pytest.fixture
def authenticator(page: Page) -> Authenticator:
    """The passkeys of `page`; of another page: `Authenticator(another)`."""
    return Authenticator(page)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """SQLite's world, as pages are the same on both databases; a test marked `on_both` has each.

    What an act does and what a page reads is tried on PostgreSQL without a browser, too. `BOTH=1`
    gives each test both.
    """
    name = "postgres_world" if getattr(request, "param", "") == "postgresql" else "sqlite_world"
    found: World = request.getfixturevalue(name)
    return found


@pytest.fixture
def served(database_url: str, world: World, tmp_path: Path) -> Iterator[Served]:
    """A coordinator with the cast in it."""
    write_keys(tmp_path / "keys")
    with serve(database_url, world.cast, tmp_path) as running:
        yield running


@pytest.fixture
def asker(served: Served) -> Exchange:
    """The partner organisation that asks: exchange A with its people."""
    return served.cast.a


@pytest.fixture
def asked(served: Served) -> Exchange:
    """A partner organisation that is asked: exchange B with its people."""
    return served.cast.b


@pytest.fixture
def new_person(served: Served) -> Callable[[Member], Person]:
    """Makes a passkey for somebody of the cast; granting it is the test's to do."""

    def new(member: Member) -> Person:
        return Person.new(member.handle, served.console, *member.roles, subject=member.subject)

    return new
