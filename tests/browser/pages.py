"""What every page of the console must be, and what finds out that one is not.

    def test_home(page: Page, served: Served) -> None:
        page.goto(f"{served.console}/…")
        check_page(page, "home")

`check_page` asks both themes and both widths, in a page that was loaded once and as a visitor who
comes for the first time would load it: nothing comes from a cache. With PICTURES=1 it also takes
pictures.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # ships none
from playwright.sync_api import BrowserContext, CDPSession, ConsoleMessage, Page

Theme = Literal["light", "dark"]

ROOT = Path(__file__).resolve().parents[2]
#: Where pictures of the pages go, if any are wanted; version control ignores it.
SCREENSHOTS = ROOT / "build" / "screenshots" if os.environ.get("PICTURES") else None
#: A phone and a laptop, in CSS pixels.
SIZES: Mapping[int, int] = {360: 800, 1440: 900}
THEMES: Sequence[Theme] = ("light", "dark")
MOST_BYTES = 300_000
#: What axe-core asks: WCAG A and AA, and good practice.
ON_BY_DEFAULT: Mapping[str, Any] = {"resultTypes": ["violations"]}
#: And what WCAG 2.2 AA adds.
EVERYTHING: Mapping[str, Any] = {**ON_BY_DEFAULT, "rules": {"target-size": {"enabled": True}}}
#: What can differ in another theme: it changes colours alone, as tests/console/test_contrast.py has
#: it, so that everything else was asked already.
OF_COLOUR: Mapping[str, Any] = {
    **ON_BY_DEFAULT,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
#: Runs before the page's own scripts, and is no part of the page that its policy could refuse.
_NOTE_VIOLATIONS = """
window.__violations = [];
addEventListener("securitypolicyviolation", (event) => window.__violations.push(
  `${event.effectiveDirective} refused ${event.blockedURI || "what stands in the page"}`), true);
"""
_AXE: str = Axe().axe_script
_SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_OVERFLOW = """() => {
  const over = document.documentElement.scrollWidth - window.innerWidth;
  if (over <= 0) return null;
  const wide = [...document.body.querySelectorAll("*")]
    .filter((each) => each.getBoundingClientRect().right > window.innerWidth + 0.5)
    .slice(-3).map((each) => each.outerHTML.slice(0, 80));
  return `${over} px too wide: ${wide.join(" … ")}`;
}"""
#: What Chromium says of a page that answers with an error; the test asked for that page.
_ANSWERED = "Failed to load resource: the server responded with a status of "
#: URLs that ask nobody.
_WITHIN = frozenset({"about", "blob", "data"})


@dataclass(slots=True, weakref_slot=True)
class Watch:
    """What happened on a page since it was opened.

    Attributes:
        requests: Every URL that it asked for.
        said: Errors in its console.
        bytes: What was transferred for the document that is shown, by request.
        in_full: Whether `check_page` looks at it in all widths and themes.
    """

    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)
    in_full: bool = True

    @property
    def transferred(self) -> int:
        """Bytes that came over the wire for the document shown, heads of answers included."""
        return sum(self.bytes.values())


_WATCHES: "WeakKeyDictionary[Page, Watch]" = WeakKeyDictionary()


def open_page(context: BrowserContext, *, in_full: bool = True) -> Page:
    """Open a page that is watched from its first request on, and takes nothing from a cache.

    Args:
        context: Where it is opened.
        in_full: Whether `check_page` looks at it in all widths and themes, by axe-core, too.
    """
    context.add_init_script(_NOTE_VIOLATIONS)
    page = context.new_page()
    watch = _WATCHES[page] = Watch(in_full=in_full)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    _count_bytes(session, watch)
    page.on("request", lambda request: watch.requests.append(request.url))
    page.on("websocket", lambda socket: watch.requests.append(socket.url))
    page.on("pageerror", lambda error: watch.said.append(str(error)))
    page.on("console", lambda message: _note(watch, message))
    return page


def watch_of(page: Page) -> Watch:
    """Return what happened on a page that `open_page` opened."""
    return _WATCHES[page]


def _count_bytes(session: CDPSession, watch: Watch) -> None:
    main: str = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]

    def is_sent(event: Mapping[str, Any]) -> None:
        is_page = event.get("type") == "Document" and event.get("frameId") == main
        if is_page and "redirectResponse" not in event:
            watch.bytes.clear()  # what is counted from here on is another page
        elif "redirectResponse" in event:
            redirected = int(event["redirectResponse"]["encodedDataLength"])
            watch.bytes[f"{event['requestId']} redirected"] = redirected

    def is_received(event: Mapping[str, Any]) -> None:
        have = watch.bytes.get(event["requestId"], 0)
        watch.bytes[event["requestId"]] = have + int(event["encodedDataLength"])

    def is_finished(event: Mapping[str, Any]) -> None:
        watch.bytes[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", is_sent)
    session.on("Network.dataReceived", is_received)
    session.on("Network.loadingFinished", is_finished)


def _note(watch: Watch, message: ConsoleMessage) -> None:
    page = message.page.url if message.page else ""
    is_the_answer = message.text.startswith(_ANSWERED) and message.location.get("url") == page
    if message.type == "error" and not is_the_answer:
        watch.said.append(message.text)


def check_page(
    page: Page,
    name: str,
    *,
    sizes: Mapping[int, int] = SIZES,
    themes: Sequence[Theme] = THEMES,
    folder: Path | None = SCREENSHOTS,
) -> None:
    """Fail the test unless a page is as every page must be.

    axe-core is asked in the first of the sizes; in all of them `test_every_page` asks it.

    Args:
        page: Of `new_page`, and loaded.
        name: Of the pictures: `<name>-<width>-<theme>.png`.
        sizes: Heights by widths to look at it in.
        themes: Themes to look at it in: in the first for all rules, then for those of colour.
        folder: Where the pictures go; None takes none.
    """
    faults = page_faults(page, name, sizes=sizes, themes=themes, folder=folder, in_every_size=False)
    assert faults == [], "\n".join([f"{name} ({page.url}):", *faults])


def page_faults(  # noqa: PLR0913 - what to look at, and in what
    page: Page,
    name: str,
    *,
    sizes: Mapping[int, int] = SIZES,
    themes: Sequence[Theme] = THEMES,
    folder: Path | None = SCREENSHOTS,
    in_every_size: bool = True,
) -> list[str]:
    """Return what is wrong with a page, each in a line; see `check_page`.

    `in_every_size` has axe-core asked in each; else in the first, and in the others, in the first
    theme, whether the page is too wide.
    """
    page.wait_for_load_state("load")
    watch = watch_of(page)
    # Before anything of ours runs in the page.
    violations: list[str] = page.evaluate("() => window.__violations")
    faults = [f"content policy: {violation}" for violation in violations]
    if page.get_by_role("heading", name="Something failed here").count():
        faults.append("the page failed (500)")
    before = page.viewport_size
    for theme, width in product(themes, sizes) if watch.in_full else ():
        asked = EVERYTHING if theme == themes[0] else OF_COLOUR
        is_asked = in_every_size or width == next(iter(sizes))
        if not is_asked and theme != themes[0] and folder is None:
            continue  # a colour makes no page wider
        page.set_viewport_size({"width": width, "height": sizes[width]})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate(_SETTLED)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=folder / f"{name}-{width}-{theme}.png", full_page=True)
        found = _faults_here(page, asked if is_asked else None)
        faults += [f"{width} px, {theme}: {fault}" for fault in found]
    if before is not None:
        page.set_viewport_size(before)
    page.emulate_media(color_scheme="null", reduced_motion="null")
    faults += [f"asks another host: {url}" for url in _elsewhere(page, watch)]
    faults += [f"console: {text}" for text in watch.said]
    if watch.transferred > MOST_BYTES:
        faults.append(f"{watch.transferred} bytes are transferred, more than {MOST_BYTES}")
    return faults


def _faults_here(page: Page, asked: Mapping[str, Any] | None) -> Iterator[str]:
    overflow: str | None = page.evaluate(_OVERFLOW)
    if overflow is not None:
        yield overflow
    for violation in () if asked is None else violations(page, asked):
        for node in violation["nodes"]:
            what = f"{violation['id']}: {violation['help']}: {node['html'][:120]}"
            yield f"axe: {what}"


def violations(page: Page, asked: Mapping[str, Any] = ON_BY_DEFAULT) -> list[dict[str, Any]]:
    """Return what axe-core finds wrong on a page, into which it is loaded once.

    Args:
        page: Loaded.
        asked: Options of `axe.run`.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "(asked) => axe.run(asked).then((results) => results.violations)", asked
    )
    return found


def _elsewhere(page: Page, watch: Watch) -> list[str]:
    own = urlsplit(page.url).netloc
    asked = ((url, urlsplit(url)) for url in watch.requests)
    return [url for url, parts in asked if parts.scheme not in _WITHIN and parts.netloc != own]
