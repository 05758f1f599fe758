"""`holdfast gateway`: what members declared, and what one's own organisation declares or ends."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.partners.shell import Shell, sent
from tests.partners.stub_coordinator import StubCoordinator
from tests.partners.views import AT

PATH = "/v1/gateways"
GTW = "gtw_01m8mkz5afeep9smq9bgj7ffz7"


def _view(**changes: Any) -> dict[str, Any]:
    return {
        "id": GTW,
        "partner": "exchange-a.example",
        "gateway": "us_314b",
        "document_sha256": None,
        "subject": "per_01m8mkz5afeep9smq9bgj7ffz7",
        "signed_by": "A" * 43,
        "declared_at": AT,
        "verified_at": None,
        "verified_on": None,
        "verified_until": None,
        "ended_at": None,
        "token": None,
        "body": None,
    } | changes


@pytest.mark.usefixtures("analyst")
def test_a_list_says_what_counts_until_when(shell: Shell, stub: StubCoordinator) -> None:
    views = [
        _view(),
        _view(verified_until="2099-01-01T00:00:00Z"),
        _view(verified_until="2020-01-01T00:00:00Z"),
        _view(gateway="own_terms", document_sha256="ab" * 32, ended_at=AT),
    ]
    stub.answers("GET", PATH, {"items": views, "next_cursor": None})
    shown = " ".join(shell("gateway", "list").stdout.split())
    for words in ("not verified yet", "verified until 2099-01-01", "lapsed 2020-01-01"):
        assert words in shown
    assert "own terms" not in shown
    assert "own terms abababab…" in " ".join(shell("gateway", "list", "--all").stdout.split())


@pytest.mark.usefixtures("analyst")
def test_one_is_declared_by_the_hash_of_its_document_and_withdrawn(
    shell: Shell, stub: StubCoordinator, tmp_path: Path
) -> None:
    terms = tmp_path / "terms.pdf"
    terms.write_bytes(b"%PDF")
    digest = sha256(b"%PDF").hexdigest()
    view = _view(gateway="own_terms", document_sha256=digest)
    stub.answers("POST", PATH, view, status=201)
    done = shell("gateway", "declare", "own_terms", "--document", str(terms))
    assert done.exit_code == 0, done.output
    assert sent(stub) == {"gateway": "own_terms", "document_sha256": digest}
    assert digest in done.stdout
    stub.answers("POST", f"{PATH}/withdrawals", _view(ended_at=AT), status=201)
    assert "ended" in shell("gateway", "withdraw", GTW).stdout
    assert sent(stub) == {"gateway_id": GTW}


@pytest.mark.usefixtures("analyst")
@pytest.mark.parametrize("words", [("own_terms",), ("order",), ("us",)])
def test_what_cannot_be_declared_is_said_before_anything_is_sent(
    shell: Shell, stub: StubCoordinator, words: tuple[str, ...]
) -> None:
    assert shell("gateway", "declare", *words).exit_code == 2
    assert stub.seen == []
