"""The pages of `docs/` that integrating engineers read, rendered from Markdown for /docs.

Raw HTML in a page is shown, not taken as markup. Links between served pages work; where a link
leads to a file that is not served, its text stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from coordinator.config_files import read_document

#: What is served of `docs/`, by name, in the order of the menu; a build may lack some.
PAGES: Mapping[str, str] = {
    "protocol": "Protocol",
    "life-cycle": "Life cycle",
    "events": "Events",
    "webhooks": "Webhooks",
    "integrate": "Integrate",
    "evidence": "Evidence",
    "flags": "Flags",
    "on-call": "On call",
    "drills": "Drills",
    "guests": "Guests",
    "paperwork": "Paperwork",
    "operate": "Operate",
    "glossary": "Glossary",
}
#: Leads off this server, or to a place on the same page.
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/", re.ASCII | re.IGNORECASE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered page.

    Attributes:
        name: Its last part of the path.
        title: What the menu calls it.
        html: Its body.
    """

    name: str
    title: str
    html: str


@cache
def menu() -> Mapping[str, str]:
    """Return the pages that this build has, by name, with their titles."""
    return {name: title for name, title in PAGES.items() if read_document(f"{name}.md") is not None}


@cache
def page(name: str) -> Page | None:
    """Return a page; None where there is none of this name."""
    if name not in PAGES:
        return None
    text = read_document(f"{name}.md")
    return None if text is None else Page(name, PAGES[name], render(text))


def render(text: str) -> str:
    """Return Markdown (CommonMark, and tables) as HTML."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _give_anchors(tokens)
    for token in tokens:
        if token.children:
            token.children = _served_links(token.children)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html


def anchor(heading: str) -> str:
    """Return where a heading is linked to, as code hosts have it: `What waits` is `#what-waits`."""
    return _NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-")


def _give_anchors(tokens: list[Token]) -> None:
    seen: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            words = "".join(each.content for each in inline.children or ())
            name = anchor(words)
            again = seen[name] = seen.get(name, -1) + 1
            opening.attrSet("id", f"{name}-{again}" if again else name)


def _served_links(tokens: list[Token]) -> list[Token]:
    """Return the tokens of a line, with links to served pages, and pictures as their words."""
    kept: list[Token] = []
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrGet("href")))
            dropped = target is None
            if target is None:
                continue
            token.attrSet("href", target)
        elif token.type == "link_close" and dropped:
            dropped = False
            continue
        is_picture = token.type == "image"
        kept.append(Token("text", "", 0, content=token.content) if is_picture else token)
    return kept


def _target(href: str) -> str | None:
    """Return where a link leads on this server; None where nothing is served."""
    if _ABSOLUTE.match(href):
        return href
    path, mark, place = href.partition("#")
    name = path.removesuffix(".md")
    return f"/docs/{name}{mark}{place}" if path.endswith(".md") and name in menu() else None
