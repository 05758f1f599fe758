"""Somebody who signs in through their organisation, and the lead who lets them."""

import re
from dataclasses import replace
from html import unescape
from ipaddress import ip_network
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from coordinator.console.context import EXTENSION
from coordinator.console.openid_provider import OpenIdProviders
from coordinator.egress.address_guard import EndpointPolicy
from coordinator.egress.fetching import Fetcher
from tests.console.openid import CLIENT_ID, CLIENT_SECRET, Provider
from tests.console.visitor import Visitor
from tests.factories import Exchange, Signer
from tests.passkeys import CONSOLE

PATH = "/v1/sign-in-provider"
LOOPBACK = EndpointPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))
GOES_TO = re.compile(r'content="0; url=([^"]+)"')


def asking(console: Flask, fetcher: Fetcher) -> Flask:
    """Have a console ask providers anew, by other means."""
    known = console.extensions[EXTENSION]
    console.extensions[EXTENSION] = replace(known, providers=OpenIdProviders(fetcher))
    return console


def bring(
    signer: Signer, own: Exchange, provider: Provider, *people: dict[str, Any]
) -> dict[str, Any]:
    """Have a lead set a provider; it signs in the analyst, unless told otherwise."""
    body = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "people": list(people) or [{"person": own.analyst.subject, "sub": provider.sub}],
    }
    answer = signer.post(own.lead, PATH, body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def begin(browser: Visitor, handle: str, **fields: str) -> str:
    """Ask to sign in through an organisation; returns where the browser is sent."""
    page = browser.post(
        "/console/sign-in/organisation", "/console/sign-in", organisation=handle, **fields
    )
    assert page.status_code == 200, page.text
    return unescape(GOES_TO.findall(page.text)[0])


def come_back(browser: Visitor, url: str) -> TestResponse:
    """Open the URL that the provider sent the browser to."""
    assert url.startswith(CONSOLE)
    return browser.get(url.removeprefix(CONSOLE), **{"Sec-Fetch-Site": "same-origin"})


def sign_in(browser: Visitor, own: Exchange, provider: Provider, **fields: str) -> TestResponse:
    """Go the whole way."""
    return come_back(browser, provider.authorize(begin(browser, own.handle, **fields)))


def is_in(browser: Visitor) -> bool:
    """Tell whether a browser is let in."""
    return browser.get("/console").status_code == 200
