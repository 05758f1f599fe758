"""Amounts: whole base units as decimal text, nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.amount import parse_amount
from holdfast.protocol.chains.format_errors import AmountError


@given(st.integers(0, 2**256 - 1))
def test_every_amount_below_2_to_the_256_comes_back_as_written(amount: int) -> None:
    assert parse_amount(str(amount)) == amount


@pytest.mark.parametrize(
    "text",
    [
        "", "-1", "+1", "-0", "00", "01", "1.0", "1.", ".5", "1e3", "1E3", "0x10", "1_000", "1,000",
        "1 000", " 1", "1 ", "1\n", "NaN", "Infinity", "\u0661", "\uff11", "\u00b2", "\ud800",
        "1" * 78 + "x", "9" * 100_000 + ".",
    ],
)  # fmt: skip
def test_what_is_not_plain_ascii_digits_is_refused(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_amount(text)
    assert caught.value.code == "bad_amount"


@pytest.mark.parametrize("text", [str(2**256), "9" * 78, "1" + "0" * 78, "9" * 100_000])
def test_an_amount_of_2_to_the_256_or_more_is_too_large(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_amount(text)
    assert caught.value.code == "amount_too_large"


def test_the_largest_amount_has_78_digits_and_is_accepted() -> None:
    assert len(str(2**256 - 1)) == 78
    assert parse_amount(str(2**256 - 1)) == 2**256 - 1


@given(st.text(max_size=90))
def test_no_text_whatever_raises_anything_but_an_amount_error(text: str) -> None:
    with contextlib.suppress(AmountError):
        assert str(parse_amount(text)) == text
