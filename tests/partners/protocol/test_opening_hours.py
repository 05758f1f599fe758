"""Opening hours as people write them, and as they read them back."""

import pytest

from holdfast.protocol.opening_hours import hours_words, read_span, span_words

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("mon-fri 09:00-17:30", WEEKDAYS, "09:00", "17:30"),
        ("  SAT   10:00-24:00 ", ["sat"], "10:00", "24:00"),
        ("sun-sun 00:00-24:00", ["sun"], "00:00", "24:00"),
    ],
)
def test_a_span_is_read_as_it_is_written(
    text: str, days: list[str], opens: str, closes: str
) -> None:
    assert read_span(text) == {"days": days, "opens": opens, "closes": closes}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9 to 5", "mon-fri 09:00-17:30"),
        ("mon-foo 09:00-17:00", "mon-fri 09:00-17:30"),
        ("fri-mon 09:00-17:00", "two spans"),
    ],
)
def test_what_is_no_span_is_told_how_one_is_written(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_span(text)


def test_days_that_do_not_follow_one_another_are_told_apart() -> None:
    span = {"days": ["wed", "mon", "tue", "sat"], "opens": "09:00", "closes": "17:00"}
    assert span_words(span) == ["mon-wed 09:00-17:00", "sat 09:00-17:00"]
    assert hours_words({"zone": "UTC", "spans": [span]}) == (
        "mon-wed 09:00-17:00, sat 09:00-17:00 (UTC)"
    )
    assert hours_words(None) == ""
    for words in span_words(span):
        assert span_words(read_span(words)) == [words]
