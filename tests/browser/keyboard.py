"""A page by the keyboard alone: every control is reached, in order, and one sees where one is.

Sources: WCAG 2.2, 2.1.1 (keyboard), 2.1.2 (no trap), 2.4.1 (bypass blocks), 2.4.3 (focus order),
2.4.7 (focus visible) and 2.4.11 (focus not obscured).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from playwright.sync_api import Page

#: Notes what Tab is to reach, in the order of the document: of radio buttons one a group.
_LIST = """() => {
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]");
  const groups = new Set();
  window.__walk = Array.from(all).filter((each) => {
    if (each.tabIndex < 0 || each.disabled) return false;
    if (!each.checkVisibility({visibilityProperty: true})) return false;
    if (each.type !== "radio") return true;
    const group = document.querySelectorAll(`input[type=radio][name="${CSS.escape(each.name)}"]`);
    const stop = Array.from(group).find((one) => one.checked) || group[0];
    return each === stop;
  });
  return window.__walk.length;
}"""
#: Where the focus is: its place among these, what it is, and what is wrong with how it looks.
_HERE = """() => {
  const here = document.activeElement;
  if (!here || here === document.body || here === document.documentElement) return null;
  const style = getComputedStyle(here);
  const faults = [];
  const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    && !/rgba\\(.*, 0\\)|transparent/.test(style.outlineColor);
  if (!isOutlined) faults.push("shows no focus");
  const box = here.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) faults.push("has the focus and no size");
  if (box.bottom <= 0 || box.top >= innerHeight) faults.push("is not scrolled to");
  const points = [[0.5, 0.5], [0.05, 0.1], [0.95, 0.9], [0.5, 0.1], [0.5, 0.9]];
  const seen = points.some(([x, y]) => {
    const at = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
    return at && (here.contains(at) || at.contains(here) || at.closest("label")?.control === here);
  });
  if (!seen) {
    const over = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const at = `${Math.round(box.left)}, ${Math.round(box.top)}`;
    faults.push(`is covered where it has the focus, at ${at}, by ${over?.outerHTML.slice(0, 90)}`);
  }
  const words = here.innerText || here.getAttribute("aria-label") || here.name || "";
  return {
    place: window.__walk.indexOf(here),
    what: `${here.tagName.toLowerCase()} "${words.trim().slice(0, 40)}"`,
    faults,
  };
}"""
_SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_UNREACHED = """(reached) => window.__walk.flatMap((each, place) =>
  reached.includes(place) ? [] : [each.outerHTML.slice(0, 90)])"""
_ORDERED = '() => document.querySelectorAll(\'[tabindex]:not([tabindex="0"], [tabindex="-1"])\')'
#: Opens what is folded in the page itself; what opens over it (menus) is tried on its own.
_UNFOLD = """() => document.querySelectorAll("main details:not(.more)").forEach(
  (fold) => { fold.open = true; })"""
_FOLDED = "details.menu > summary, details.more > summary, main details:not(.more) > summary"
#: So many folds of a page are opened by key; they are all made by one macro.
_MOST_FOLDS = 4


def keyboard_faults(page: Page) -> list[str]:
    """Return what somebody without a mouse cannot do on a page, each in a line.

    Args:
        page: Loaded, and nothing has been done on it. It is left with its folds open.
    """
    return [*_skip_link(page), *_folds(page), *_walk(page)]


def _skip_link(page: Page) -> Iterator[str]:
    """Say where the first thing that Tab reaches is no link past what every page begins with."""
    page.keyboard.press("Tab")
    if not page.evaluate("() => document.activeElement.matches('a.skip')"):
        yield "the first Tab does not reach the link to the content"
        return
    top = page.evaluate("() => document.activeElement.getBoundingClientRect().top")
    if top < 0:
        yield "the link to the content is not seen where it has the focus"
    page.keyboard.press("Enter")
    if not page.evaluate("() => document.activeElement.matches('main')"):
        yield "the link to the content does not lead there"


def _folds(page: Page) -> Iterator[str]:
    """Say which folds and menus do not open and close by key, and what in them is not reached."""
    summaries = page.locator(_FOLDED)
    for number in range(min(summaries.count(), _MOST_FOLDS)):
        summary = summaries.nth(number)
        if not summary.is_visible():
            continue
        what = summary.get_attribute("aria-label") or summary.inner_text()
        was_open = summary.evaluate("(one) => one.parentElement.open")
        summary.focus()
        page.keyboard.press("Enter")
        if summary.evaluate("(one) => one.parentElement.open") == was_open:
            yield f"{what!r} does not open by Enter"
            continue
        if not was_open:
            page.keyboard.press("Tab")
            inside = summary.evaluate(
                """(one) => {
                  const fold = one.parentElement, here = document.activeElement;
                  const holds = fold.querySelector(":scope > :not(summary) :is(a, button, input)");
                  return !holds || (here !== one && fold.contains(here));
                }"""
            )
            if not inside:
                yield f"what is in {what!r} is not next after it"
        summary.focus()
        page.keyboard.press("Space")
        if summary.evaluate("(one) => one.parentElement.open") != was_open:
            yield f"{what!r} does not close by Space"


def _walk(page: Page) -> Iterator[str]:
    """Go through a page by Tab, from its beginning until it ends."""
    page.evaluate(_UNFOLD)
    if page.evaluate(f"{_ORDERED}.length"):
        yield "a tabindex above 0 takes the order away from the document"
    # From the top: the last Tab of a page leaves it, and the next begins anew.
    page.evaluate("() => { document.activeElement.blur(); getSelection().removeAllRanges(); }")
    page.evaluate("() => { document.querySelector('a.skip').focus(); }")
    count: int = page.evaluate(_LIST)
    reached: list[int] = []
    before = -1
    for _ in range(count + 60):
        here: Mapping[str, Any] | None = page.evaluate(_HERE)
        if here is None or (here["place"] == 0 and before > 0):
            break  # it left the page, or came round to its beginning
        if here["faults"]:  # it may still be scrolled to
            page.evaluate(_SETTLED)
            here = page.evaluate(_HERE) or here
        yield from (f"{here['what']} {fault}" for fault in here["faults"])
        if here["place"] >= 0:
            reached.append(here["place"])
            if here["place"] < before:  # a field for a date is several stops of Tab
                yield f"{here['what']} comes after what stands behind it"
            before = here["place"]
        page.keyboard.press("Tab")
    else:
        yield f"Tab does not leave the page after {count + 60} steps"
    yield from (f"Tab does not reach {html}" for html in page.evaluate(_UNREACHED, reached))
