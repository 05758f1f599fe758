"""What cannot be set stands as its code point, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.typesetting.characters import every_settable, settable


def test_direction_marks_and_what_fonts_lack_are_named() -> None:
    assert settable("a\u202eb") == "a[U+202E]b"
    assert settable("\U0001f4b0\u4f60") == "[U+1F4B0][U+4F60]"
    assert settable("x\u0301\u0301") == "x[U+0301][U+0301]"
    assert settable("\ud800") == "[U+D800]"


def test_composed_letters_stay_and_blanks_become_one() -> None:
    assert settable("e\u0301tude \t\n\u00a0\u2003 Жизнь Ωμέγα") == "\u00e9tude Жизнь Ωμέγα"


@given(st.text())
def test_only_what_can_be_set_comes_out(text: str) -> None:
    assert set(settable(text)) <= set(every_settable())
