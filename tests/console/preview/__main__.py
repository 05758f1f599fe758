"""`python -m tests.console.preview [PAGE …]`: every page's picture, in both widths and themes."""

import sys
from itertools import product
from pathlib import Path

import click
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.console.preview import THEMES, WIDTHS, browsers, chromium, opened, pages

FOLDER = Path("var/preview")


def main(wanted: list[str]) -> int:
    if not chromium():
        click.echo("preview: no Chromium (Debian: apt-get install chromium)", err=True)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    html = pages()
    faults = 0
    with browsers() as started:
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
