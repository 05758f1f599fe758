"""Languages of papers: a template each, and the words that values are told in.

A language is two kinds of files in one folder: `KIND.LANGUAGE.txt`, a template, and
`words.LANGUAGE.toml`. A partner's own folder comes first; what it lacks is taken from those that
ship.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from holdfast.errors import InvalidDraftError
from holdfast.protocol.amounts import KnownAssets, format_number

SHIPPED = Path(__file__).parent / "templates"
#: What a language may be called: "en", "de-AT".
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
#: No honest template is larger.
_MOST_BYTES = 1 << 18
#: What stands in a cell that has nothing to say.
NOTHING = "\u2013"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, by section and name.

    Attributes:
        language: As its files are named.
        file: Where they stand, for messages.
        sections: E.g. "urgency", with a word for each.
    """

    language: str
    file: str
    sections: Mapping[str, Mapping[str, str]]

    def say(self, section: str, name: str) -> str:
        """Return a word.

        Raises:
            InvalidDraftError: The file lacks it, naming it.
        """
        found = self.sections.get(section, {}).get(name)
        if found is None:
            raise InvalidDraftError(
                [f"{self.file}: [{section}] has no {name}"], undone="nothing was written"
            )
        return found

    def number(self, base_units: str, assets: KnownAssets, asset: str) -> str:
        """Return an amount with its unit as this language writes numbers: "1.234,5 ETH"."""
        unit = assets.unit(asset)
        if unit is None:
            return f"{int(base_units)} {self.say('word', 'base_units')} {asset}"
        thousands, decimal = self.say("number", "thousands"), self.say("number", "decimal")
        whole, point, fraction = format_number(base_units, unit).partition(".")
        written = whole.replace(",", thousands) + (point and decimal) + fraction
        return f"{written} {unit.symbol}"


def time_words(at: datetime) -> str:
    """Return a time for a paper, the same in every language: "2026-11-30 21:10 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Library:
    """Where templates are looked for, in this order."""

    folders: Sequence[Path]

    @classmethod
    def of(cls, own: Path | None) -> "Library":
        """Return the library of a partner with a folder of its own, or of one without."""
        return cls((SHIPPED,) if own is None else (own, SHIPPED))

    def template(self, name: str, language: str) -> tuple[str, str]:
        """Return the text of a template, and its file for messages.

        Raises:
            InvalidDraftError: There is none, or it is no text.
        """
        return self._read(f"{name}.{language}.txt", self._languages_of(f"{name}.", ".txt"))

    def words(self, language: str) -> Words:
        """Return the words of a language.

        Raises:
            InvalidDraftError: There are none, or the file is no such list.
        """
        text, file = self._read(f"words.{language}.toml", self._languages_of("words.", ".toml"))
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _fault(f"{file}: {error}") from None
        for section, words in found.items():
            if not isinstance(words, dict) or not all(isinstance(w, str) for w in words.values()):
                raise _fault(f"{file}: [{section}] holds something else than texts by name")
        return Words(language, file, found)

    def _languages_of(self, head: str, tail: str) -> list[str]:
        return sorted(
            {
                path.name.removeprefix(head).removesuffix(tail)
                for folder in self.folders
                for path in folder.glob(f"{head}*{tail}")
            }
        )

    def _read(self, name: str, languages: Sequence[str]) -> tuple[str, str]:
        for folder in self.folders:
            path = folder / name
            if not path.is_file():
                continue
            try:
                content = path.read_bytes()
            except OSError as error:
                raise _fault(f"cannot read {path}: {error.strerror}") from None
            if len(content) > _MOST_BYTES:
                raise _fault(f"{path} is larger than any template: {len(content)} bytes")
            try:
                return content.decode("utf-8-sig"), str(path)
            except UnicodeDecodeError:
                raise _fault(f"{path} is not in UTF-8") from None
        where = " and ".join(str(folder) for folder in self.folders if folder != SHIPPED)
        looked = f", neither in {where} nor among those that ship" if where else ""
        raise _fault(f"there is no {name}{looked}; there is it in: {', '.join(languages)}")


def _fault(words: str) -> InvalidDraftError:
    return InvalidDraftError([words], undone="nothing was written")
