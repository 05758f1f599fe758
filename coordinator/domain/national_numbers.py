"""Phone numbers as a region writes them at home, read off Google's metadata (`phonenumbers`).

Its own matcher tries every place of a text many times over. Here a text is cut once into groups of
digits, and the sizes of a few neighbours say whether a region writes its numbers so.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, product

from phonenumbers import PhoneMetadata

Span = tuple[int, int]

_GAP = r"[ .()/-]{1,2}"
_RUN = re.compile(rf"(?<![\w.:/+#-])(?<!\d,)\(?\d++(?:{_GAP}\d++)*+")
_GROUP = re.compile(r"\d++")
_CUT_OFF = re.compile(r"\w|[-./:,]\d")
_MOST_GROUPS = 6
_FEWEST_DIGITS = 7
#: Digits of a number with its trunk prefix 0; what is shorter could be anything's.
_TRUNK_DIGITS = range(9, 14)

_Shape = tuple[int, ...]
_FORM_GROUP = re.compile(r"\(\\d(?:\{(\d++)(?:,(\d++))?\})?\)")
_LONGEST_GROUP = 8
#: Of two groups neither is shorter, and a blank parts them: too much else looks like it.
_SHORTEST_OF_TWO = 4
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[ .]\d{3}){1,5}")


class NationalNumbers:
    """How the numbers of some regions are written at home."""

    def __init__(self, regions: frozenset[str]) -> None:
        known = [m for r in sorted(regions) if (m := PhoneMetadata.metadata_for_region(r))]
        self._shapes = frozenset(shape for m in known for shape in _shapes(m))
        self._beginnings = frozenset(shape[:2] for shape in self._shapes)
        self._valid = re.compile("|".join(_valid_numbers(m) for m in known))
        self._possible = re.compile("|".join(_possible_numbers(m) for m in known))

    def find(self, text: str, *, is_reference: bool) -> Iterator[Span]:
        """Return the places of numbers in a folded text; see `phone_numbers.find_phone_numbers`."""
        for run in _RUN.finditer(text):
            if run.end() - run.start() < _FEWEST_DIGITS:
                continue
            groups = [match.span() for match in _GROUP.finditer(text, *run.span())]
            first = 0
            while first < len(groups):
                count = self._groups_of_number(text, groups[first : first + _MOST_GROUPS + 1])
                if not count and not is_reference:
                    count = self._groups_after_trunk_prefix(text, groups[first:][:8])
                if count:
                    yield _whole(text, groups[first][0], groups[first + count - 1][1])
                first += count or 1
                while 0 < first < len(groups) and not _is_parted(text, groups, first):
                    first += 1

    def _groups_of_number(self, text: str, groups: Sequence[Span]) -> int:
        """Return how many groups from the first on are a number as its region sets it, or 0."""
        sizes = tuple(end - start for start, end in groups)
        if sizes[:2] not in self._beginnings:
            return 0
        for count in range(min(len(groups), _MOST_GROUPS), 1, -1):
            if sizes[:count] in self._shapes and _may_end(text, groups, count):
                written = text[groups[0][0] : groups[count - 1][1]]
                if self._is_number(written, count):
                    return count
        return 0

    def _is_number(self, written: str, count: int) -> bool:
        if "/" in written or _is_sum(written):
            return False
        if count == 2 and " " not in written:  # noqa: PLR2004 - joined by a hyphen it is a range
            return False
        return self._valid.fullmatch(_digits(written)) is not None

    def _groups_after_trunk_prefix(self, text: str, groups: Sequence[Span]) -> int:
        """Return how many groups are a number that begins with 0, however grouped, or 0.

        No amount and no height of a block begins with a 0 and no point behind it.
        """
        start, end = groups[0]
        if text[start] != "0" or (end - start == 1 and text[start - 1 : start] != "("):
            return 0
        sizes = list(accumulate(end - start for start, end in groups))
        for count in range(len(groups), 0, -1):
            if sizes[count - 1] in _TRUNK_DIGITS and _may_end(text, groups, count):
                digits = _digits(text[start : groups[count - 1][1]])
                if digits[1] != "0" and self._possible.fullmatch(digits):
                    return count
        return 0


@lru_cache(maxsize=64)
def national_numbers(regions: frozenset[str]) -> NationalNumbers:
    """Return how the numbers of these regions are written; the same few sets come again."""
    return NationalNumbers(regions)


def _digits(text: str) -> str:
    return "".join(_GROUP.findall(text))


def _is_parted(text: str, groups: Sequence[Span], number: int) -> bool:
    """Tell whether a number may begin with this group: a blank stands before it."""
    return " " in text[groups[number - 1][1] : groups[number][0]]


def _may_end(text: str, groups: Sequence[Span], count: int) -> bool:
    """Tell whether a number may end with this many groups: a blank or no digit comes next."""
    if count < len(groups):
        return _is_parted(text, groups, count)
    return _CUT_OFF.match(text, groups[count - 1][1]) is None


def _whole(text: str, start: int, end: int) -> Span:
    """Return the place of a number with the bracket that opens before its first digit."""
    opens = text[start - 1 : start] == "(" and ")" in text[start:end]
    return start - opens, end


def _is_sum(text: str) -> bool:
    """Tell whether groups of three are rather a sum's: a short first one, or round."""
    if not _THOUSANDS.fullmatch(text):
        return False
    return not text[:3].isdigit() or text.endswith("000")


def _shapes(metadata: PhoneMetadata) -> Iterator[_Shape]:
    """Return the sizes of groups that a region writes; its prefix joined, apart or left out."""
    prefix = len(metadata.national_prefix or "")
    for form in metadata.number_format:
        ranges = [
            range(int(low or 1), min(int(high or low or 1), _LONGEST_GROUP) + 1)
            for low, high in _FORM_GROUP.findall(form.pattern or "")
        ]
        for shape in product(*ranges):
            if len(shape) > 2 or (len(shape) == 2 and min(shape) >= _SHORTEST_OF_TWO):  # noqa: PLR2004
                yield shape
                yield (shape[0] + prefix, *shape[1:])
                yield (prefix, *shape) if prefix else shape


def _valid_numbers(metadata: PhoneMetadata) -> str:
    kinds = (
        *(metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate),
        *(metadata.shared_cost, metadata.personal_number, metadata.voip, metadata.uan),
    )
    patterns = [k.national_number_pattern for k in kinds if k and k.national_number_pattern]
    return rf"(?:{metadata.national_prefix or ''})?(?:{'|'.join(patterns)})"


def _possible_numbers(metadata: PhoneMetadata) -> str:
    general = metadata.general_desc
    pattern = general.national_number_pattern if general else None
    return rf"{metadata.national_prefix or ''}(?:{pattern or '(?!)'})"
