"""The console's parts in a real Chromium: what a person sees, presses, copies and signs."""

import hashlib
import re
from collections.abc import Iterator
from itertools import product

import pytest
import rfc8785
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.chromium import chromium_or_skip
from tests.browser.pages import OF_COLOUR, violations
from tests.console.preview import (
    ORIGIN,
    SHOWN,
    WIDTHS,
    browsers,
    environment,
    opened,
    pages,
)

pytestmark = pytest.mark.processes

PAGES = pages()
#: What a finger presses is 44 px high; WCAG 2.2 asks for 24 (2.5.8). Links in a sentence aside.
TOUCH = """[...document.querySelectorAll('button, summary, input, select, .btn, .tabs a, .pick a')]
  .filter((item) => item.checkVisibility() && item.type !== 'hidden' && !item.closest('.skip'))
  .map((item) => [item, (item.closest('label') ?? item).getBoundingClientRect()])
  .filter(([, box]) => box.height && box.height < 43.5)
  .map(([item, box]) => `${item.outerHTML.slice(0, 80)} ${box.height}`)"""


@pytest.fixture(scope="module")
def started() -> Iterator[dict[int, Browser]]:
    with browsers(chromium_or_skip()) as running:
        yield running


@pytest.mark.parametrize(("name", "width"), [*product(PAGES, WIDTHS)])
def test_a_page_is_accessible_and_keeps_its_width(
    started: dict[int, Browser], name: str, width: int
) -> None:
    complaints: list[str] = []
    asked: list[str] = []

    def note(route: Route) -> bool:
        asked.append(route.request.url)
        return False

    with opened(started, name, html=PAGES, width=width, answer=note, said=complaints) as page:
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if width == min(WIDTHS):
            assert page.evaluate(TOUCH) == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, OF_COLOUR) == []
    assert complaints == []  # a breach of the Content-Security-Policy would stand here
    assert [url for url in asked if not url.startswith(ORIGIN)] == []


def test_selecting_an_address_copies_all_of_it(started: dict[int, Browser]) -> None:
    with opened(started, "parts", html=PAGES) as page:
        page.locator(".addr").first.click(click_count=2)
        assert page.evaluate("getSelection().toString()") == (
            "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
        )


def test_a_copy_button_copies_and_says_so(started: dict[int, Browser]) -> None:
    with opened(started, "parts", html=PAGES) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_label("Copy address 0x51E9d833…398C135D").first.click()
        expect(page.locator("[data-say]")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == (
            "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
        )


@pytest.mark.parametrize(("ticked", "button"), [([], "Ratify all 51"), ([7], "no. 7")])
def test_the_digits_follow_what_is_left_out(
    started: dict[int, Browser], ticked: list[int], button: str
) -> None:
    digest = hashlib.sha256(rfc8785.dumps({**SHOWN, "except": [*ticked]})).hexdigest()
    with opened(started, "decide", html=PAGES) as page:
        for number in ticked:
            page.get_by_label(f"Leave out no. {number}", exact=True).check()
        expect(page.locator(".shown .digits")).to_have_text(
            f"{digest[:4]}{digest[4:8]}…{digest[-8:-4]}{digest[-4:]}"
        )
        expect(page.locator(".verdict .btn--main")).to_contain_text(button)


def test_a_clock_runs_and_speaks_at_thresholds_only(started: dict[int, Browser]) -> None:
    with opened(started, "decide", html=PAGES) as page:
        clock = page.locator(".clock__time")
        expect(clock).to_have_text("41 min")
        page.clock.set_fixed_time("2025-02-22T03:20:12Z")
        expect(clock).to_have_text("21 min")
        expect(page.locator("[data-say]")).to_have_text("30 min left")
        page.clock.set_fixed_time("2025-02-22T03:50:12Z")
        expect(clock).to_have_text("9 min late")
        expect(page.locator("[data-say]")).to_have_text("The time is up.")


def test_times_are_the_viewers_and_utc_stands_behind(started: dict[int, Browser]) -> None:
    html = {
        **PAGES,
        "summer": PAGES["parts"].replace("2025-02-22T02:41:12Z", "2025-07-22T02:41:12Z"),
    }
    with opened(started, "summer", html=html) as page:
        time = page.locator("time[data-show=time]").first
        expect(time).to_have_text("03:41")
        expect(time).to_have_attribute("title", "22 Feb 2025, 02:41:12 UTC")
        expect(page.locator("[data-zone]")).to_contain_text("Europe/London")


def test_a_theme_once_chosen_is_told_to_the_server(started: dict[int, Browser]) -> None:
    with opened(started, "parts", html=PAGES) as page:
        page.get_by_label("Menu", exact=True).click()
        page.get_by_role("button", name="Dark theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        # The cookie is for /console only, where this preview does not live.
        page.keyboard.press("Escape")
        expect(page.locator(".menu")).not_to_have_attribute("open", "")


def test_the_keyboard_alone_reaches_the_decision_and_shows_where_it_is(
    started: dict[int, Browser],
) -> None:
    seen = []
    with opened(started, "decide", html=PAGES) as page:
        for _ in range(90):
            page.keyboard.press("Tab")
            word, ring = page.evaluate(
                "[document.activeElement.innerText ?? '',"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert ring != "none"
            seen.append(word.strip())
            if word.startswith("Ratify"):
                break
    assert seen[0] == "Skip to content"
    assert seen[-1] == "Ratify all 51"


class _Live:
    """The server's side of a live page: one change, then silence."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.polls: list[str] = []
        self.changed = True

    def __call__(self, route: Route) -> bool:
        if "/live" in route.request.url:
            self.polls.append(route.request.url)
            if not self.changed:
                return True  # hangs, as a long poll does
            self.changed = False
            route.fulfill(json={"seq": 69})
            return True
        if route.request.headers.get("x-part") == "main":
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
            return True
        return False


def test_a_live_page_takes_what_is_new_and_loses_nothing(started: dict[int, Browser]) -> None:
    # What the new page had read already is not waited for again.
    fresh = (
        PAGES["decide"].replace("frozen so far", "frozen by now").replace("after=68", "after=70")
    )
    live = _Live(fresh)
    with opened(started, "follow", html=PAGES, answer=live) as page:
        expect(page.locator("main")).to_contain_text("frozen by now")
        expect(page.locator("[data-say]")).to_have_text("This page was updated.")
        expect(page).to_have_title(re.compile("^41 min to ratify: 51 addresses"))
        page.wait_for_timeout(1_500)
        assert live.polls[1].endswith("after=70")


def test_focus_folds_and_scroll_outlive_a_swap(started: dict[int, Browser]) -> None:
    live = _Live(PAGES["decide"].replace("frozen so far", "frozen by now"))
    held: list[Route] = []

    def wait(route: Route) -> bool:
        if "/live" in route.request.url:
            held.append(route)
            return True
        return live(route)

    with opened(started, "decide", html=PAGES, answer=wait) as page:
        page.locator("#ask > summary").click()
        page.locator("#out-9").focus()
        page.evaluate("scrollTo(0, 900)")
        page.wait_for_timeout(100)
        held[0].fulfill(json={"seq": 69})
        expect(page.locator("main")).to_contain_text("frozen by now")
        expect(page.locator("#ask")).to_have_attribute("open", "")
        expect(page.locator("#out-9")).to_be_focused()
        assert page.evaluate("scrollY") == 900


def test_a_form_in_which_something_was_typed_is_replaced_on_demand_only(
    started: dict[int, Browser],
) -> None:
    held: list[Route] = []
    fresh = PAGES["decide"].replace("frozen so far", "frozen by now")

    def wait(route: Route) -> bool:
        if "/live" in route.request.url:
            held.append(route)
            return True
        if route.request.headers.get("x-part"):
            route.fulfill(body=fresh, content_type="text/html; charset=utf-8")
            return True
        return False

    with opened(started, "decide", html=PAGES, answer=wait) as page:
        page.locator("#f-reason-7").fill("One owner; I called")
        held[0].fulfill(json={"seq": 69})
        expect(page.get_by_role("alert").first).to_contain_text("This page changed")
        expect(page.locator("#f-reason-7")).to_have_value("One owner; I called")
        page.get_by_role("link", name="Show what is new").click()
        expect(page.locator("main")).to_contain_text("frozen by now")
        expect(page.get_by_text("This page changed")).to_have_count(0)
        expect(page.locator("#f-reason-7")).to_have_value("One owner; I called")


def test_whoever_is_signed_out_meanwhile_reads_that(started: dict[int, Browser]) -> None:
    def refuse(route: Route) -> bool:
        if "/live" in route.request.url:
            route.fulfill(status=401)
            return True
        return False

    with opened(started, "follow", html=PAGES, answer=refuse) as page:
        expect(page.get_by_role("alert")).to_contain_text("You are signed out")
        expect(page.locator("[data-live-word]")).to_have_text("Not live")


def _authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


CREATE = """{% extends "base.html" %}{% from "parts/forms.html" import passkey %}
{% block main %}<h1>Make a passkey</h1>
{% call passkey("/made", options, create=true) %}<button name="name" value="phone">Make it</button>
{% endcall %}{% endblock %}"""
OPTIONS = (
    '{"challenge":"q83vEjRWeJCrze8SNFZ4kA","rp":{"id":"localhost","name":"Holdfast"},'
    '"user":{"id":"cGVyXzE","name":"mara","displayName":"Mara"},'
    '"pubKeyCredParams":[{"type":"public-key","alg":-7}],'
    '"authenticatorSelection":{"residentKey":"required","userVerification":"required"}}'
)


def test_a_passkey_is_made_and_then_signs(started: dict[int, Browser]) -> None:
    posted: list[dict[str, str]] = []
    made = environment().from_string(CREATE).render(options=OPTIONS)

    def take(route: Route) -> bool:
        if route.request.method == "POST":
            posted.append(dict(route.request.post_data_json or {}))
            route.fulfill(body="<!doctype html><title>Taken</title>", content_type="text/html")
            return True
        return False

    html = {**PAGES, "make": made, "sign": PAGES["sign"].replace('action="#"', 'action="/made"')}
    with opened(started, "make", html=html, answer=take) as page:
        _authenticator(page)
        page.get_by_role("button", name="Make it").click()
        expect(page).to_have_title("Taken")
        page.goto(f"{ORIGIN}/sign")
        page.get_by_role("button", name="Ratify 50 with your passkey").click()
        expect(page).to_have_title("Taken")
    creation, assertion = posted
    assert creation["name"] == "phone"  # the button that was pressed is posted, too
    assert all(creation[name] for name in ("attestation_object", "client_data"))
    assert assertion["credential_id"] == creation["credential_id"]
    assert assertion["user_handle"] == "cGVyXzE"
    assert all(assertion[name] for name in ("signature", "authenticator_data", "client_data"))


def test_a_cancelled_passkey_says_that_nothing_was_signed(started: dict[int, Browser]) -> None:
    with opened(started, "sign", html=PAGES) as page:
        page.evaluate(
            "() => { navigator.credentials.get = () =>"
            " Promise.reject(new DOMException('', 'NotAllowedError')); }"
        )
        page.get_by_role("button", name="Ratify 50 with your passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was signed.")
        page.evaluate("delete window.PublicKeyCredential")
        page.get_by_role("button", name="Ratify 50 with your passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("This browser knows no passkeys.")


def test_what_finds_faults_finds_one(started: dict[int, Browser]) -> None:
    """A measure that never fails measures nothing: axe sees grey on grey and a field unnamed."""
    with opened(started, "parts", html=PAGES) as page:
        page.evaluate("document.documentElement.style.setProperty('--ink-2', '#bbb')")
        page.evaluate("document.querySelector('label[for=f-p-a]').remove()")
        found = {fault["id"] for fault in violations(page)}
    assert found >= {"color-contrast", "label"}
