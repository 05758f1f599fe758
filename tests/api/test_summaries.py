"""A request as a document for people outside, as far as its reader may read it."""

from io import BytesIO

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from coordinator.api import summaries
from coordinator.storage.engine.database import Database
from tests.api.acts import approve, report_frozen, submit
from tests.factories import Cast, Signer
from tests.summary.pdf_reading import text_of


def _case(signer: Signer, cast: Cast) -> str:
    request = submit(
        signer, cast, to=[cast.b.handle, cast.c.handle], summary="Proceeds of *the* #theft."
    )
    approve(signer, cast, request)
    path = f"/v1/freeze-requests/{request['id']}"
    body = {"content_sha256": request["content_sha256"]}
    assert signer.post(cast.b.compliance, f"{path}/acknowledgement", body).status_code == 201
    report_frozen(signer, cast.b, request, amount="1500000000000000000")
    return str(request["id"])


def test_the_requester_reads_the_whole_case(signer: Signer, cast: Cast) -> None:
    request_id = _case(signer, cast)
    answer = signer.get(cast.a.analyst, f"/v1/freeze-requests/{request_id}/summary.pdf")
    assert answer.status_code == 200
    assert answer.content_type == "application/pdf"
    assert answer.headers["Cache-Control"] == "private, no-store"
    said = text_of(answer.data)
    for expected in (
        request_id,
        "Proceeds of *the* #theft.",
        "checked by phone",
        "1 of 2 organisations signed that they have the notice",
        "1.5 ETH held",
        f"{cast.b.handle} has 1 hold in force",
        f"{cast.c.handle} has not signed that it has the notice",
        "A freeze report",
        signer.get(cast.a.analyst, "/v1").get_json()["document_certificate_sha256"],
    ):
        assert expected in said
    [signature] = PdfFileReader(BytesIO(answer.data)).embedded_signatures
    signature.compute_integrity_info()
    assert signature.coverage.name == "ENTIRE_FILE"


def test_a_partner_asked_reads_its_own_side(signer: Signer, cast: Cast) -> None:
    request_id = _case(signer, cast)
    answer = signer.get(cast.c.compliance, f"/v1/freeze-requests/{request_id}/summary.pdf")
    said = text_of(answer.data)
    assert "own side" in said
    assert "1.5 ETH" not in said
    assert "A freeze report" not in said
    assert str(cast.c.handle) in said


def test_nobody_else_reads_it(signer: Signer, cast: Cast) -> None:
    request_id = _case(signer, cast)
    path = f"/v1/freeze-requests/{request_id}/summary.pdf"
    assert signer.get(cast.d.analyst, path).status_code == 404


def test_it_is_written_without_a_connection_and_one_at_a_time(
    signer: Signer, cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = _case(signer, cast)
    path = f"/v1/freeze-requests/{request_id}/summary.pdf"
    held: list[int] = []

    def write(*_: object) -> bytes:
        held.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return b"%PDF"

    with monkeypatch.context() as patch:
        patch.setattr(summaries, "write_summary", write)
        assert signer.get(cast.a.analyst, path).data == b"%PDF"
    assert held == [0]
    with summaries._turn:
        refused = signer.get(cast.a.analyst, path)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
