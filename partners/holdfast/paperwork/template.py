"""Templates of papers: plain text with placeholders, of which nothing is ever run.

```text
%% A remark for whoever changes this file.
# The title
## A heading
A paragraph with {{a_value}}, over as many lines as it takes.

- An item
Its label :: {{another_value}}

| No. | Account |
{{#each addresses}}
| {{no}} | {{account}} |
{{/each}}

{{#if order}}
Only where there is one; {{#unless order}} only where there is none.
{{/if}}
```

Lines are taken apart before values are put in, so no value can make a heading, a row or a
placeholder of itself. A placeholder that is not known is a fault, and so is a value that is
missing; all faults of a template are found at once, each with its line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Row = Mapping[str, str | None]
Kind = Literal["title", "heading", "paragraph", "item", "fact", "table"]

_NAME = r"[a-z][a-z0-9_]*"
_PLACEHOLDER = re.compile(r"\{\{\s*(" + _NAME + r")\s*\}\}")
_OPENING = re.compile(r"\{\{#(each|if|unless) (" + _NAME + r")\}\}")
_CLOSING = re.compile(r"\{\{/(each|if|unless)\}\}")
_REMARK = "%%"
_FACT = re.compile(r"(?P<label>[^:|]{1,80}?)\s+::\s+(?P<value>.+)")
_MARKS: tuple[tuple[str, Kind], ...] = (("# ", "title"), ("## ", "heading"), ("- ", "item"))
_BRACES = re.compile(r"\{\{|\}\}")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a paper: a title, a paragraph, a table.

    Attributes:
        kind: What it is.
        cells: Its text; of facts label and value each; of a table all rows, the first of them its
            head.
    """

    kind: Kind
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Values:
    """What a template may name.

    Attributes:
        single: Values by name; None is known, and missing.
        lists: Rows by the name of their list; all rows of a list have the same names.
        columns: The names that rows of a list have, also where it has none.
        hints: Where a missing value is to be had, by its name.
    """

    single: Row
    lists: Mapping[str, Sequence[Row]]
    columns: Mapping[str, frozenset[str]]
    hints: Mapping[str, str]

    def names(self) -> list[str]:
        """Return all that stands outside of lists, for a message."""
        return sorted(self.single)


class _Line(NamedTuple):
    number: int
    text: str


class _Section(NamedTuple):
    """Lines between an opening and its closing; a plain run of lines has no word."""

    word: str
    name: str
    number: int
    parts: list["_Section | _Line"]


@dataclass(slots=True)
class _Filling:
    """One go through a template: the faults of it, and the lines with their values in place."""

    values: Values
    faults: list[str]

    def lines(
        self, parts: Sequence[_Section | _Line], row: Row, *, counts: bool
    ) -> Iterator[tuple[str, tuple[str, ...]] | None]:
        """Yield each line as its kind and its cells; None parts paragraphs.

        Args:
            parts: Of the template.
            row: The values of the row that is being told.
            counts: Whether this is told. Where it is not, its names are looked at all the same.
        """
        for part in parts:
            if isinstance(part, _Section):
                yield from self._section(part, row, counts=counts)
                continue
            kind, cells = _taken_apart(part.text)
            filled = tuple(self._filled(cell, part.number, row, counts=counts) for cell in cells)
            if counts:
                yield None if kind == "blank" else (kind, filled)

    def _section(
        self, section: _Section, row: Row, *, counts: bool
    ) -> Iterator[tuple[str, tuple[str, ...]] | None]:
        if section.word == "each":
            yield from self._each(section, row, counts=counts)
            return
        if section.name not in row and section.name not in self.values.single:
            in_list = self.values.lists.get(section.name)
            if in_list is None:
                self._unknown(section.name, section.number, row)
                return
            is_there = bool(in_list)
        else:
            is_there = self._value(section.name, row) is not None
        told = counts and is_there is (section.word == "if")
        yield from self.lines(section.parts, row, counts=told)

    def _each(
        self, section: _Section, row: Row, *, counts: bool
    ) -> Iterator[tuple[str, tuple[str, ...]] | None]:
        rows = self.values.lists.get(section.name)
        if rows is None:
            known = ", ".join(sorted(self.values.lists))
            self.faults.append(
                f"line {section.number}: {section.name} is no list; there are {known}"
            )
            return
        # With no row its names are looked at all the same.
        nameless = dict.fromkeys(self.values.columns[section.name])
        if not rows or not counts:
            yield from self.lines(section.parts, {**row, **nameless}, counts=False)
            return
        for each in rows:
            yield from self.lines(section.parts, {**row, **each}, counts=counts)

    def _value(self, name: str, row: Row) -> str | None:
        return row[name] if name in row else self.values.single.get(name)

    def _unknown(self, name: str, number: int, row: Row) -> None:
        known = ", ".join([*sorted(row), *self.values.names()])
        self.faults.append(f"line {number}: {{{{{name}}}}} is no value; there are {known}")

    def _filled(self, cell: str, number: int, row: Row, *, counts: bool) -> str:
        if _BRACES.search(_PLACEHOLDER.sub("", cell)):
            self.faults.append(
                f"line {number}: {cell.strip()!r} has braces that are no placeholder: write"
                " {{name}}, and {{#each …}}, {{#if …}} or {{/…}} on a line of their own"
            )
            return ""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in row and name not in self.values.single:
                self._unknown(name, number, row)
                return ""
            said = self._value(name, row)
            if said is None and counts:
                hint = self.values.hints.get(name, "the request does not say it")
                fault = f"{name} is missing (line {number}): {hint}"
                if fault not in self.faults:
                    self.faults.append(fault)
            return " ".join((said or "").split())

        return _PLACEHOLDER.sub(value, cell)


def fill(template: str, values: Values, *, is_titled: bool = True) -> tuple[list[Block], list[str]]:
    """Return the blocks of a paper, and every fault of the template or of its values.

    Args:
        template: The text of the file.
        values: What it may name.
        is_titled: Whether it is a paper, which begins with its title, or a passage of one.
    """
    faults: list[str] = []
    parts = _parsed(template, faults)
    filling = _Filling(values, faults)
    blocks = list(_blocks(filling.lines(parts, {}, counts=True)))
    if not faults and is_titled and (not blocks or blocks[0].kind != "title"):
        faults.append("line 1: a paper begins with its title: # Title")
    return blocks, faults


def _parsed(template: str, faults: list[str]) -> list[_Section | _Line]:
    top = _Section("", "", 0, [])
    open_ones = [top]
    for number, raw in enumerate(template.splitlines(), 1):
        text = raw.strip()
        opening, closing = _OPENING.fullmatch(text), _CLOSING.fullmatch(text)
        if opening:
            section = _Section(opening[1], opening[2], number, [])
            open_ones[-1].parts.append(section)
            open_ones.append(section)
        elif closing:
            if closing[1] != open_ones[-1].word:
                faults.append(f"line {number}: {text} closes nothing that is open")
                continue
            open_ones.pop()
        elif not text.startswith(_REMARK):
            open_ones[-1].parts.append(_Line(number, text))
    faults += [
        f"line {section.number}: {{{{#{section.word} {section.name}}}}} is never closed"
        for section in open_ones[1:]
    ]
    return top.parts


def _taken_apart(text: str) -> tuple[str, tuple[str, ...]]:
    if not text:
        return "blank", ()
    for mark, kind in _MARKS:
        if text.startswith(mark):
            return kind, (text[len(mark) :].strip(),)
    if text.startswith("|") and text.endswith("|") and len(text) > 1:
        return "table", tuple(cell.strip() for cell in text[1:-1].split("|"))
    fact = _FACT.fullmatch(text)
    if fact:
        return "fact", (fact["label"], fact["value"])
    return "paragraph", (text,)


def _blocks(lines: Iterator[tuple[str, tuple[str, ...]] | None]) -> Iterator[Block]:
    """Yield blocks: lines of a paragraph are one, and so are rows of a table, and facts."""
    kind, rows = "", list[tuple[str, ...]]()
    for line in (*lines, None):
        if line is not None and line[0] == kind and kind in {"paragraph", "table", "fact"}:
            rows.append(line[1])
            continue
        if rows:
            yield _block(kind, rows)
        kind, rows = ("", []) if line is None else (line[0], [line[1]])


def _block(kind: str, rows: Sequence[tuple[str, ...]]) -> Block:
    if kind == "paragraph":
        return Block("paragraph", ((" ".join(text for (text,) in rows),),))
    known: dict[str, Kind] = {"title": "title", "heading": "heading", "item": "item"}
    known |= {"fact": "fact", "table": "table"}
    return Block(known[kind], tuple(rows))
