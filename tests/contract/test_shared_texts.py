"""The shared small inputs of free text, each refused or accepted as it says; read in place."""

import json
from pathlib import Path

import pytest

from coordinator.domain.free_text import find_customer_data
from coordinator.domain.phone_numbers import regions_of

FILE = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "free_text.json"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="../shared/cases is not there")
_KINDS = {"email": "email", "phone": "phone", "account id": "account_number"}
CASES = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else []


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["text"]))
@pytest.mark.parametrize("jurisdictions", [(), ("EU", "US", "GB", "SG", "JP")], ids=["-", "many"])
def test_customer_data_is_refused_and_what_only_looks_like_it_accepted(
    case: dict[str, str], jurisdictions: tuple[str, ...]
) -> None:
    found = {f.kind for f in find_customer_data(case["text"], regions_of(jurisdictions))}
    assert found == ({_KINDS[case["kind"]]} if case["right"] == "refused" else set())
