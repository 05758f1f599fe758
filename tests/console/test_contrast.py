"""The colours of the console's style sheet, measured in both themes (WCAG 2.2: 1.4.3, 1.4.11)."""

import re
from itertools import product

import pytest

from tests.console.preview import CONSOLE

_TOKEN = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
SHEET = (CONSOLE / "static/console.css").read_text()
TOKENS = {name: {"light": light, "dark": dark} for name, light, dark in _TOKEN.findall(SHEET)}

GROUNDS = ("paper", "raised", "sunken")
MEANINGS = ("danger", "waiting", "held", "done")
WASHES = tuple(f"{meaning}-wash" for meaning in MEANINGS)

TEXT = [
    *product(("ink", "ink-2"), GROUNDS + WASHES),
    *product(("ink-3",), GROUNDS),
    *product(MEANINGS, GROUNDS),
    *((meaning, f"{meaning}-wash") for meaning in MEANINGS),
    ("ink", "select"),
    ("ink-on", "ink"),
    ("ink-on", "ink-hover"),
]
MARKS = [
    *product(("line-firm", "focus"), GROUNDS),
    *product(("danger-solid", "waiting-solid", "held-solid", "done-solid"), ("paper", "sunken")),
]


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: str) -> None:
    assert _contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARKS)
def test_marks_and_edges_can_be_seen(mark: str, ground: str, theme: str) -> None:
    assert _contrast(TOKENS[mark][theme], TOKENS[ground][theme]) >= 3


def test_every_colour_is_measured() -> None:
    """A colour that no pair names would slip through; `--line` only divides."""
    measured = {name for pair in (*TEXT, *MARKS) for name in pair}
    assert set(TOKENS) - measured == {"line"}


def test_no_colour_stands_outside_the_tokens() -> None:
    rules = SHEET.split("/* ---------- ground ---------- */")[1]
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\))", rules)


def test_a_theme_changes_colours_alone() -> None:
    """In the other theme a page is asked about its colours alone (tests/browser/pages.py)."""
    assert "prefers-color-scheme" not in SHEET
    chosen = re.findall(r"""\[data-theme=[^{]*\{([^}]*)\}""", SHEET)
    assert sorted(rule.strip() for rule in chosen) == [
        "color-scheme: dark;",
        "color-scheme: light;",
    ]
