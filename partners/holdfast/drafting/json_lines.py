"""On which line of a JSON file a value stands, so that a fault can be found in an editor."""

import re
from dataclasses import dataclass, field

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(slots=True)
class _Place:
    """One open object or array, and where in it the reader is."""

    pointer: str
    is_array: bool
    index: int = 0
    name: str | None = None

    def child(self) -> str:
        return f"{self.pointer}/{self.index if self.is_array else self.name}"

    def advance(self) -> None:
        self.index += 1
        self.name = None


@dataclass(slots=True)
class _Reader:
    lines: dict[str, int] = field(default_factory=dict)
    open_places: list[_Place] = field(default_factory=list)

    def take(self, word: str, line: int) -> None:
        """Take the next word of the text."""
        place = self.open_places[-1] if self.open_places else None
        if word in "{[":
            pointer = place.child() if place else ""
            self.lines[pointer] = line
            self.open_places.append(_Place(pointer, word == "["))
        elif word in "}]":
            self.open_places.pop()
        elif place is None:
            self.lines[""] = line
        elif word == ",":
            place.advance()
        elif word != ":":
            if not place.is_array and place.name is None:
                place.name = word[1:-1].replace("~", "~0").replace("/", "~1")
            else:
                self.lines[place.child()] = line


def lines_by_pointer(text: str) -> dict[str, int]:
    """Return the line (from 1) of every value in a well-formed JSON text, by RFC 6901 pointer."""
    reader = _Reader()
    line, position = 1, 0
    for match in _WORD.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        reader.take(match.group(), line)
    return reader.lines


def nearest_line(lines: dict[str, int], pointer: str) -> int | None:
    """Return the line of `pointer`, or of what holds it where it is missing itself."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)
