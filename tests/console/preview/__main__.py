"""`python -m tests.console.preview [PAGE …]`: every page's picture, in both widths and themes."""

import sys
from itertools import product
from pathlib import Path

import click
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.browser.chromium import PACKAGE, find
from tests.console.preview import THEMES, WIDTHS, browsers, opened, pages

FOLDER = Path("var/preview")


def main(wanted: list[str]) -> int:
    chromium = find()
    if chromium is None:
        click.echo(f"preview: no Chromium (Debian: apt-get install {PACKAGE})", err=True)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    html = pages()
    faults = 0
    with browsers(chromium) as started:
        for name, width, theme in product(wanted or html, WIDTHS, THEMES):
            with opened(started, name, html=html, width=width, theme=theme) as page:
                page.screenshot(path=FOLDER / f"{name}-{width}-{theme}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                found = Axe().run(page)
            faults += found.violations_count + (wide > 0)
            click.echo(f"{name} {width} {theme}: axe {found.violations_count}, {wide} px too wide")
            if found.violations_count:
                click.echo(found.generate_report())
    click.echo(f"pictures in {FOLDER}/; {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
