"""A paper as plain text, 78 columns wide; no id and no number ever stands in two pieces."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from holdfast.paperwork.template import Block

_WIDTH = 78


def as_text(blocks: Sequence[Block], *, drill: str, mark: str) -> str:
    """Return the text of a paper.

    Args:
        blocks: Its pieces.
        drill: What is said of a drill, first of all; empty: it is none.
        mark: Its TLP mark; empty: it has none.
    """
    head = [line for line in (drill, mark) if line]
    lines = [*head, ""] if head else []
    before = ""
    for block in blocks:
        closes_up = block.kind == before == "item"
        if lines and not closes_up and lines[-1]:
            lines.append("")
        lines += _lines(block)
        before = block.kind
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _lines(block: Block) -> Iterator[str]:
    first = block.cells[0]
    if block.kind in {"title", "heading"}:
        wrapped = _wrapped(first[0])
        yield from wrapped
        yield ("=" if block.kind == "title" else "-") * min(_WIDTH, max(map(len, wrapped)))
    elif block.kind == "item":
        yield from _wrapped(first[0], first="- ", then="  ")
    elif block.kind == "fact":
        for label, value in block.cells:
            yield from _wrapped(f"{label}: {value}", then="    ")
    elif block.kind == "table":
        yield from _records(block.cells)
    else:
        yield from _wrapped(first[0])


def _records(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield each row as a record, for a column of addresses has no room beside others."""
    head, *others = rows
    for number, row in enumerate(others):
        if number:
            yield ""
        for name, cell in zip(head, row, strict=False):
            yield from _wrapped(f"{name}: {cell}", first="  ", then="      ")


def _wrapped(text: str, *, first: str = "", then: str = "") -> list[str]:
    lines = wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [first]
