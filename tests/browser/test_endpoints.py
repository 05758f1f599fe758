"""Endpoints: one that takes nothing is seen, understood and mended; a secret is shown once."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hooks import hooks
from tests.browser.pages import check_page
from tests.browser.served import PATIENCE, Served
from tests.browser.signed_in import sign_act, sign_in
from tests.factories import Exchange

pytestmark = pytest.mark.processes

#: What somebody may call an endpoint.
_HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}gnp.tac"
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]+=")


def _register(served: Served, exchange: Exchange, url: str, description: str = "Ours") -> str:
    body = {"url": url, "description": description}
    answer = served.post(exchange.lead, "/v1/webhook-endpoints", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_an_endpoint_that_fails_is_seen_read_and_mended(
    served: Served, asker: Exchange, page: Page
) -> None:
    with hooks(503) as ours:
        endpoint = _register(served, asker, ours.url)
        assert served.post(asker.lead, f"/v1/webhook-endpoints/{endpoint}/test").status_code == 202
        served.start_worker()
        sign_in(page, served, asker.lead)
        home = f"{served.console}/console/endpoints"

        def takes_nothing() -> bool:
            page.goto(home)
            return page.get_by_text("Takes nothing").count() > 0

        _until(takes_nothing)
        check_page(page, "endpoints-failing")
        page.get_by_role("link", name="127.0.0.1").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("has taken nothing for")
        check_page(page, "endpoint-failing")
        page.get_by_role("link", name="A test").click()
        expect(page.get_by_label("The event")).to_contain_text('"type": "endpoint.test"')
        tries = page.get_by_role("table", name="Tries")
        expect(tries).to_contain_text("HTTP 503: Your server answered with an error.")
        check_page(page, "delivery")
        ours.status = 204
        before = len(ours.bodies)
        page.get_by_role("button", name="Send it again").click()
        sign_act(page)
        expect(page.get_by_text("Signed: Send “A test”")).to_be_visible()

        def is_delivered() -> bool:
            page.reload()
            return page.get_by_text("was delivered to").count() > 0

        _until(is_delivered)
        assert len(ours.bodies) > before
        page.goto(home)
        expect(page.get_by_text("Takes its events")).to_be_visible()
        check_page(page, "endpoints")


def _until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if is_so():
            return
        time.sleep(0.3)
    raise AssertionError("it never came about")


def test_an_endpoint_is_added_and_its_secret_shown_once(
    served: Served, asker: Exchange, page: Page
) -> None:
    sign_in(page, served, asker.lead)
    page.goto(f"{served.console}/console/endpoints")
    check_page(page, "endpoints-empty")
    page.get_by_role("link", name="Add an endpoint").click()
    check_page(page, "endpoint-new")
    page.get_by_label("URL").fill("https://10.0.0.1/in")
    page.get_by_label("What it is").fill(_HOSTILE)
    page.get_by_text("Only some kinds of event").click()
    page.get_by_role("checkbox", name="Funds, all of them").check()
    page.get_by_role("button", name="Go on to sign").click()
    expect(page.get_by_label("URL")).to_have_value("https://10.0.0.1/in")
    expect(page.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("What it is")).to_have_value(_HOSTILE)
    expect(page.get_by_role("checkbox", name="Funds, all of them")).to_be_checked()
    check_page(page, "endpoint-refused")
    page.get_by_label("URL").fill("http://127.0.0.1:9/in")
    page.get_by_role("button", name="Go on to sign").click()
    check_page(page, "endpoint-sign")
    sign_act(page)
    secret = page.get_by_text(_SECRET).first
    expect(secret).to_be_visible()
    first = secret.inner_text()
    check_page(page, "endpoint-secret")
    page.reload()
    expect(page.get_by_text(_SECRET)).to_have_count(0)
    page.get_by_role("link", name="127.0.0.1:9").click()
    check_page(page, "endpoint-hostile")
    page.get_by_role("button", name="New secret").click()
    sign_act(page)
    expect(secret).to_be_visible()
    assert secret.inner_text() != first
    page.reload()
    expect(page.get_by_text(_SECRET)).to_have_count(0)


def test_whoever_only_reads_is_told_who_changes(
    served: Served, asker: Exchange, page: Page
) -> None:
    endpoint = _register(served, asker, "http://127.0.0.1:9/in")
    sign_in(page, served, asker.auditor)
    page.goto(f"{served.console}/console/endpoints/{endpoint}")
    expect(page.get_by_text("You read this")).to_be_visible()
    expect(page.get_by_role("button", name="Send a test")).to_have_count(0)


def test_another_partners_endpoint_is_not_there(
    served: Served, asker: Exchange, asked: Exchange, page: Page
) -> None:
    endpoint = _register(served, asked, "http://127.0.0.1:9/in")
    sign_in(page, served, asker.lead)
    answer = page.goto(f"{served.console}/console/endpoints/{endpoint}")
    assert answer is not None
    assert answer.status == 404
