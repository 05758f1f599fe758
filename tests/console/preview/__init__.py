"""Pages with invented values, to look at and to measure, without the server behind them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import jinja2
from playwright.sync_api import Browser, Page, Route, sync_playwright

import coordinator.console
from holdfast.protocol import canonical_json

CONSOLE = Path(next(iter(coordinator.console.__path__)))
ORIGIN = "http://localhost:9"  # nothing listens there: every answer comes from `opened`
NOW = datetime(2025, 2, 22, 3, 0, 12, tzinfo=UTC)
WIDTHS = (360, 1440)
THEMES = ("light", "dark")
#: What the console answers with, so that a preview breaks where the console would.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)

_PHONE = 600  # px; below it, a finger
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: A finger is no mouse: a browser of its own for the phone, so that `pointer: coarse` holds.
_FINGER = (
    "--blink-settings=primaryHoverType=1,availableHoverTypes=1,"
    "primaryPointerType=2,availablePointerTypes=2"
)
#: What the digits of the page to decide are computed over, but for `except`.
SHOWN: dict[str, str | int] = {
    "v": 1,
    "purpose": "holdfast-shown/1",
    "aud": "https://coordinator.example",
    "request_id": "frq_01jmnqx4v8e6rb3d5z0k7t9w2c",
    "content_sha256": "ed" * 32,
    "context_sha256": "0c" * 32,
    "decision": "approve",
}


def _at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def environment() -> jinja2.Environment:
    """Return the console's templates as the console sets them up, and the preview's pages."""
    # Its own first: some are called as pages of the console.
    folders = [Path(__file__).parent / "templates", CONSOLE / "templates"]
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = canonical_json.dumps(SHOWN).decode()
    made.globals.update(csrf_token=lambda: "preview", at=_at, shown_facts=shown)
    return made


def pages() -> dict[str, str]:
    """Return name and HTML of each page of the preview."""
    made = environment()
    frame: dict[str, object] = {
        "viewer": SimpleNamespace(
            name="Mara Lindqvist", role="security lead", partner="exchange-a.example"
        ),
        "log_head": SimpleNamespace(size="48\u202f213", checked_at=_at(-0.2)),
        "nav": "home",
    }
    names = (
        "home",
        "home-empty",
        "decide",
        "sign",
        "follow",
        "timeline",
        "money",
        "draft",
        "figures",
        "parts",
    )
    rendered = {name: made.get_template(f"{name}.html").render(frame) for name in names}
    rendered["sign-in"] = made.get_template("sign-in.html").render()
    rendered["error"] = made.get_template("error.html").render(
        frame,
        code=404,
        title="There is nothing here for you to see.",
        text="Either it does not exist, or it belongs to others. An address is found by all of "
        "its characters, a case by a word of its name.",
        links=[("Home", "/console"), ("Search", "/console/search")],
        request_id="req_01jmnr2c8",
    )
    return rendered


@contextmanager
def browsers(chromium: Path) -> Iterator[dict[int, Browser]]:
    """Start this Chromium for each width: a phone under a finger, a laptop with a mouse."""
    with sync_playwright() as playwright:
        started = {}
        for width in WIDTHS:
            arguments = [*_ARGUMENTS, _FINGER] if width < _PHONE else _ARGUMENTS
            started[width] = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        for browser in started.values():
            browser.close()


@contextmanager
def opened(  # noqa: PLR0913 (a page, a width and a theme are three things)
    started: Mapping[int, Browser],
    name: str,
    *,
    html: Mapping[str, str],
    width: int = 1440,
    theme: str = "light",
    answer: Callable[[Route], bool] | None = None,
    said: list[str] | None = None,
) -> Iterator[Page]:
    """Open one page as the console would serve it.

    `answer` sees every request first and says whether it took it. What it leaves is answered from
    `html` and the console's static files; a request to another host fails. `said` takes what stands
    in the page's console.
    """
    small = width < _PHONE
    context = started[width].new_context(
        viewport={"width": width, "height": 800 if small else 1000},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=small,
        is_mobile=small,
        device_scale_factor=2 if small else 1,
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )

    def serve(route: Route) -> None:
        url = route.request.url
        if not url.startswith(ORIGIN):
            route.abort()
            return
        if answer and answer(route):
            return
        path = url.removeprefix(ORIGIN).partition("?")[0]
        if path.startswith("/console/assets/"):
            file = CONSOLE / "static" / path.removeprefix("/console/assets/")
            route.fulfill(body=file.read_bytes(), content_type=_TYPES[file.suffix])
        elif path.endswith("/live"):
            route.fulfill(status=204)
        else:
            route.fulfill(
                body=html[path.strip("/")],
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": POLICY},
            )

    context.route("**/*", serve)
    context.clock.set_fixed_time(NOW)
    page = context.new_page()
    if said is not None:
        page.on("console", lambda message: said.append(message.text))
    try:
        page.goto(f"{ORIGIN}/{name}")
        yield page
    finally:
        context.close()
