"""Two devices show the same digits of the same decision, and other digits of any other."""

from hashlib import sha256
from typing import Any

import pytest

from holdfast.protocol.shown_digits import shown_digits
from holdfast.protocol.vocabulary import Decision
from tests.partners.protocol.cast import AUD

_SHOWN: dict[str, Any] = {
    "aud": AUD,
    "request_id": "frq_01jd3v8z8nfq0a5m6c7d8e9f0g",
    "content_sha256": "c" * 64,
    "context_sha256": "d" * 64,
    "decision": Decision.APPROVE,
    "left_out": (3, 2),
}


def test_the_digits_are_those_of_this_text() -> None:
    text = (
        '{"aud":"https://coordinator.example","content_sha256":"' + "c" * 64 + '",'
        '"context_sha256":"' + "d" * 64 + '","decision":"approve","except":[2,3],'
        '"purpose":"holdfast-shown/1","request_id":"frq_01jd3v8z8nfq0a5m6c7d8e9f0g","v":1}'
    )
    digits = sha256(text.encode()).hexdigest()
    assert shown_digits(**_SHOWN) == (digits[:8], digits[-8:])


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://other.example"},
        {"request_id": "frq_01jd3v8z8nfq0a5m6c7d8e9f0h"},
        {"content_sha256": "e" * 64},
        {"context_sha256": "e" * 64},
        {"decision": Decision.REJECT},
        {"left_out": (2,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_decision_shows_other_digits(change: dict[str, Any]) -> None:
    assert shown_digits(**(_SHOWN | change)) != shown_digits(**_SHOWN)
    assert shown_digits(**(_SHOWN | {"left_out": (2, 3)})) == shown_digits(**_SHOWN)
