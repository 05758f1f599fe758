"""base64url has one spelling for every value."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol import base64url
from holdfast.protocol.errors import Base64UrlError


@given(st.binary(max_size=70))
def test_what_is_encoded_decodes_to_the_same_bytes(data: bytes) -> None:
    text = base64url.encode(data)
    assert text == urlsafe_b64encode(data).decode().rstrip("=")
    assert base64url.decode(text) == data


@given(st.text(alphabet="AQgwEIMBCDab01-_", max_size=6))
def test_no_two_texts_decode_to_the_same_bytes(text: str) -> None:
    try:
        data = base64url.decode(text)
    except Base64UrlError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text",
    ["AA==", "AA=", "A", "AAAAA", "AB", "AAB", "A+AA", "A/AA", "AA A", "AA\n", "ÄAAA", "²AAA"],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Base64UrlError):
        base64url.decode(text)
