"""/docs serves the pages of `docs/`, and links between them lead somewhere."""

import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from coordinator.api import doc_pages
from tests.architecture.tree import ROOT
from tests.conftest import World


@pytest.fixture
def world(sqlite_world: World) -> World:
    """Pages do not hang on the database."""
    return sqlite_world


class _Places(HTMLParser):
    """Where a page can be linked to, and where it links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.ids |= {given["id"] or ""} if "id" in given else set()
        if tag == "a":
            self.links.append(given.get("href") or "")


def _html(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.text


def test_every_page_that_exists_is_served_and_stands_in_every_menu(client: FlaskClient) -> None:
    there = {name for name in doc_pages.PAGES if (ROOT / "docs" / f"{name}.md").is_file()}
    assert there == set(doc_pages.menu())
    assert {"protocol", "life-cycle"} <= there
    for path in ("/docs", "/docs/problems", *(f"/docs/{name}" for name in there)):
        assert {f"/docs/{name}" for name in there} <= set(_Places(_html(client, path)).links)


def test_every_link_leads_to_a_place_that_is_there(client: FlaskClient) -> None:
    pages = {f"/docs/{name}": _Places(_html(client, f"/docs/{name}")) for name in doc_pages.menu()}
    others = {"/docs", "/docs/problems", "/openapi.json"}
    dead = [
        (own, link)
        for own, page in pages.items()
        for link in page.links
        if not link.startswith(("http://", "https://", "mailto:"))
        and not _leads(link, own, pages, others)
    ]
    assert dead == []


def _leads(link: str, own: str, pages: dict[str, _Places], others: set[str]) -> bool:
    path, _, place = link.partition("#")
    path = path or own
    if path in pages:
        return not place or place in pages[path].ids
    return path in others


def test_a_page_keeps_to_the_policy_and_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/docs/protocol")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:", policy)
    assert {"script", "img", "iframe", "style"}.isdisjoint(_Places(answer.text).tags)
    assert re.findall(r'<link[^>]* href="([^"]+)"', answer.text) == ["/docs/assets/docs.css"]


@pytest.mark.parametrize("path", ["nothing", "adr", "protocol.md", "../README", "benchmarks"])
def test_what_is_no_page_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(f"/docs/{path}").status_code == 404


def test_raw_html_is_shown_and_never_markup() -> None:
    html = doc_pages.render("A <script>alert(1)</script> and <b onclick='x'>this</b>.")
    assert _Places(html).tags == {"p"}
    assert "&lt;script&gt;" in html
    assert "javascript" not in doc_pages.render("[x](javascript:alert(1))").partition("href")[2]


def test_links_to_what_is_served_work_and_others_keep_their_words() -> None:
    html = doc_pages.render(
        "[a](protocol.md#webhooks) [b](adr/0001-one-declaration-per-route.md) "
        "[c](https://example.org/) ![d](pictures/x.png) [e](#here)"
    )
    assert _Places(html).links == ["/docs/protocol#webhooks", "https://example.org/", "#here"]
    assert "img" not in _Places(html).tags
    assert all(f"{word}" in html for word in ("b", "d"))


def test_headings_are_linked_to_as_code_hosts_have_it() -> None:
    html = doc_pages.render("# What waits, for `you`\n\n## One\n\n## One\n\n| a |\n| - |\n| b |\n")
    places = _Places(html)
    assert places.ids == {"what-waits-for-you", "one", "one-1"}
    assert "table" in places.tags
