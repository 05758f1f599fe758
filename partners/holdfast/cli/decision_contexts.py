"""How the text that a lead signs lies on a screen, and how to have its exact bytes.

Its canonical JSON is one line of several hundred characters. A narrow terminal would break it
inside hashes, so there it is laid out: a member a line, an item a line, each hash in one piece.
Nothing is added or left out, and what is laid out spells one canonical text only. Into a file or a
pipe goes the text as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from holdfast.cli.layout import printable
from holdfast.errors import InvalidDraftError
from holdfast.protocol import canonical_json, strict_json
from holdfast.protocol.decision_context import context_sha256
from holdfast.protocol.errors import ProtocolError

_INDENT = 2


def raw_context_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that keeps the exact bytes."""
    return click.option(
        "--raw-context",
        "raw_context",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the decision context there, the exact bytes whose SHA-256 you sign: "
        "`sha256sum FILE` prints the hash that is shown.",
    )(command)


def keep_raw(text: str, file: Path | None) -> None:
    """Write a context's exact bytes into a new file, if one is named.

    Raises:
        InvalidDraftError: There is a file, and it holds something else.
    """
    if file is None:
        return
    if file.exists() and file.read_bytes() != text.encode():
        undone = "nothing was decided"
        raise InvalidDraftError([f"{file} exists: name another file"], undone=undone)
    file.write_bytes(text.encode())


def context_parts(text: str, console: Console) -> list[RenderableType]:
    """Return what to print of a decision context: what it says, and the hash that is signed."""
    lines = _laid_out(text, console.width)
    heading = "You sign the SHA-256 of this decision context"
    below = "SHA-256 of the decision context"
    if len(lines) > 1:
        heading += ", shown in several lines"
        below += " as one line, its canonical JSON (RFC 8785)"
    return [
        Text(f"{heading}:", style="bold"),
        *(Text(line) for line in lines),
        Text(f"{below}:", style="bold"),
        Text(context_sha256(text)),
    ]


def _laid_out(text: str, width: int) -> Sequence[str]:
    """Return a text in lines that fit; as it is where it fits, or would be spelled differently."""
    if cell_len(text) <= width:
        return [text]
    try:
        value = strict_json.loads(text.encode())
        is_canonical = canonical_json.dumps(value) == text.encode()
    except ProtocolError:
        return [text]
    return list(_lines(value, width)) if is_canonical else [text]


def _lines(value: Any, width: int) -> Iterator[str]:
    """Yield the lines of a JSON value."""
    if isinstance(value, dict) and value:
        named = [(f"{_text(name)}:", each) for name, each in value.items()]
        yield from _enclosed("{}", named, width)
    elif isinstance(value, list) and value and not all(isinstance(n, int) for n in value):
        yield from _enclosed("[]", [("", each) for each in value], width)
    else:
        # Numbers stand side by side: an address list may have thousands.
        text = _text(value)
        yield from _filled(text.replace(",", ", ") if isinstance(value, list) else text, width)


def _enclosed(brackets: str, items: Sequence[tuple[str, Any]], width: int) -> Iterator[str]:
    yield brackets[0]
    for number, (name, each) in enumerate(items):
        comma = "," if number < len(items) - 1 else ""
        lines = list(_lines(each, width - _INDENT - len(comma)))
        first = f"{name} {lines[0]}".lstrip()
        is_beside = len(lines) == 1 or lines[0] in {"{", "["}
        if is_beside and cell_len(first) + _INDENT + len(comma) <= width:
            lines[0] = first
        elif name:
            lines = [
                name,
                *(" " * _INDENT + line for line in _lines(each, width - 2 * _INDENT - 1)),
            ]
        lines[-1] += comma
        yield from (" " * _INDENT + line for line in lines)
    yield brackets[1]


def _filled(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False) or [text]


def _text(value: Any) -> str:
    return printable(canonical_json.dumps(value).decode())
