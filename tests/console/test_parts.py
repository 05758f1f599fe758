"""The console's parts as HTML: nothing inline, everything of others escaped, every mark drawn."""

import re
from html.parser import HTMLParser

import pytest

from tests.console.preview import CONSOLE, environment, pages

PAGES = pages()
FRAME = environment()
PARTS = sorted(path.name for path in (CONSOLE / "templates/parts").glob("*.html"))


class _Reader(HTMLParser):
    """Collects what a strict Content-Security-Policy or a screen reader would stumble over."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.marks: set[str] = set()
        self.referred: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if identity := given.get("id"):
            self.ids.append(identity)
        if tag == "use":
            self.marks.add(str(given["href"]).removeprefix("#"))
        for name in ("aria-labelledby", "aria-describedby", "for", "form"):
            self.referred.update((given.get(name) or "").split())


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_inline_so_that_a_strict_policy_holds(name: str) -> None:
    assert _read(PAGES[name]).inline == []


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_single_and_what_is_referred_to_exists(name: str) -> None:
    read = _read(PAGES[name])
    assert len(read.ids) == len(set(read.ids))
    assert (read.referred | read.marks) <= set(read.ids)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_one_heading_of_the_first_rank(name: str) -> None:
    assert PAGES[name].count("<h1") == 1


@pytest.mark.parametrize("name", PARTS)
def test_the_head_of_a_part_names_every_macro_in_it(name: str) -> None:
    text = (CONSOLE / "templates/parts" / name).read_text()
    head, _, body = text.partition("#}")
    named = set(re.findall(r"\b(\w+)\(", head)) | {"time_left"}
    assert set(re.findall(r"{% macro (\w+)", body)) <= named


def _value(call: str, **values: str) -> str:
    imported = call.partition("(")[0]
    source = f'{{% from "parts/values.html" import {imported} %}}{{{{ {call} }}}}'
    return FRAME.from_string(source).render(values)


@pytest.mark.parametrize("macro", ["others", "handle", "fold_middle"])
def test_what_others_wrote_is_escaped_and_isolated(macro: str) -> None:
    html = _value(f"{macro}(text)", text='<img src=x onerror=alert(1)>\u202e"')
    assert "<img" not in html
    assert "<bdi" in html


def test_a_whole_address_is_in_the_page_though_its_middle_is_folded() -> None:
    account = "0x51E9d833Ecae4E8D9D8Be17300AEE6D3398C135D"
    html = _value("addr(account)", account=account)
    assert re.sub(r"<[^>]+>", "", html) == account
    assert "<i>Ecae4E8D9D8Be17300AEE6D3</i>398C135D" in html


def test_a_short_value_is_not_folded() -> None:
    assert _value('fold_middle("0.0.123456")') == '<bdi class="addr">0.0.123456</bdi>'


def test_a_field_keeps_what_was_typed_and_ties_its_error_to_it() -> None:
    call = 'field("reason", "Why?", value, rows=2, error="Say more.", hint="Short")'
    source = f'{{% from "parts/forms.html" import field %}}{{{{ {call} }}}}'
    html = FRAME.from_string(source).render(value="\n<b>seen</b>")
    # The first line end is taken by the parser, the second is the writer's.
    assert ">\n\n&lt;b&gt;seen&lt;/b&gt;</textarea>" in html
    assert 'aria-describedby="f-reason-hint f-reason-error"' in html
    assert 'aria-invalid="true"' in html


def test_a_live_part_is_the_main_element_alone() -> None:
    html = FRAME.get_template("home-empty.html").render(part_only=True)
    assert html.lstrip().startswith("<title>Nothing waits")
    assert html.rstrip().endswith("</main>")


def test_a_chosen_theme_is_on_the_root_and_no_other_word_gets_there() -> None:
    template = FRAME.get_template("sign-in.html")
    assert '<html lang="en" data-theme="dark">' in template.render(theme="dark")
    assert '<html lang="en">' in template.render(theme='"><script>')


def test_pages_stay_small() -> None:
    assert sum(file.stat().st_size for file in (CONSOLE / "static").iterdir()) < 80_000
    assert max(len(html.encode()) for html in PAGES.values()) < 60_000
