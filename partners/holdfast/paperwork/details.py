"""What a partner alone knows: names, references, telephones, from a file or from flags of its own.

Nothing of it goes anywhere but into the papers.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from holdfast.errors import InvalidDraftError
from holdfast.typesetting.characters import visible

#: Before the names that a partner's own templates add.
OWN = "own_"
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)*")
_MOST_CHARACTERS = 20_000
_UNDONE = "nothing was written"


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a paper takes from its maker.

    Attributes:
        name: As templates and files name it.
        what: What it is, in words.
        needed: Whether the shipped templates fail without it.
        default: What stands where nothing was said.
    """

    name: str
    what: str
    needed: bool = False
    default: str | None = None


def read_details(content: str | None, sets: Iterable[str]) -> dict[str, str]:
    """Return details by name; those of tables as "table.name". Later ones win.

    Args:
        content: Of a TOML file; None: there is none.
        sets: "name=value", as flags say them.

    Raises:
        InvalidDraftError: With every fault.
    """
    faults: list[str] = []
    found: dict[str, str] = {}
    if content is not None:
        try:
            document = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise InvalidDraftError([f"the details: {error}"], undone=_UNDONE) from None
        _take(document, "", found, faults)
    for each in sets:
        name, equals, value = each.partition("=")
        if not equals or not _NAME.fullmatch(name):
            faults.append(f"--set {each!r}: write name=value")
        else:
            _put(name, value, found, faults)
    if faults:
        raise InvalidDraftError(faults, undone=_UNDONE)
    return found


def _take(table: Mapping[str, Any], head: str, found: dict[str, str], faults: list[str]) -> None:
    for key, value in table.items():
        name = f"{head}{key}"
        if not _NAME.fullmatch(name):
            faults.append(f"{name!r}: a name has small letters, digits and underscores")
        elif isinstance(value, dict):
            _take(value, f"{name}.", found, faults)
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            _put(name, ", ".join(value), found, faults)
        elif isinstance(value, bool):
            _put(name, "true" if value else "false", found, faults)
        elif isinstance(value, (datetime, date)):
            _put(name, value.isoformat(), found, faults)
        elif isinstance(value, (str, int)):
            _put(name, str(value), found, faults)
        else:
            faults.append(f'{name}: write it as text, in quotes: {name} = "{value}"')


def _put(name: str, value: str, found: dict[str, str], faults: list[str]) -> None:
    if len(value) > _MOST_CHARACTERS:
        faults.append(f"{name}: {len(value)} characters, the most are {_MOST_CHARACTERS}")
        return
    said = visible(value).strip()
    if said:
        found[name] = said
    else:
        found.pop(name, None)


def unknown_names(details: Mapping[str, str], fields: Iterable[Field]) -> list[str]:
    """Return a fault for each detail that no paper of this kind takes: a slip, as a rule."""
    known = {field.name for field in fields}
    return [
        f"{name}: this paper takes no such detail; your own templates' names begin with {OWN}"
        for name in details
        if name not in known and not name.startswith(OWN)
    ]


def blank_file(fields: Sequence[Field], given: Mapping[str, str]) -> str:
    """Return a file to be filled in: what is needed is empty, all else is commented out."""
    lines = [
        "# What only you know. It stays on this machine: nothing of it is sent anywhere.",
        "# Lines that begin with # may be left as they are.",
    ]
    table = ""
    heads = dict.fromkeys(["", *(field.name.rpartition(".")[0] for field in fields)])
    places = {head: place for place, head in enumerate(heads)}
    for field in sorted(fields, key=lambda each: places[each.name.rpartition(".")[0]]):
        head, _, name = field.name.rpartition(".")
        if head != table:
            table = head
            lines += ["", f"[{head}]"]
        value = given.get(field.name, field.default or "").replace("\\", "\\\\").replace('"', '\\"')
        mark = "" if field.needed or field.name in given else "# "
        lines += ["", f"# {field.what}", f'{mark}{name} = "{value}"']
    return "\n".join(lines) + "\n"
