"""A request as a document for people outside, as far as its reader may read it."""

from io import BytesIO
from threading import Thread
from time import sleep

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from coordinator.api import summaries
from coordinator.api.bundles import contents
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


def test_it_is_written_without_a_connection(
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


def test_a_bundle_waits_for_its_summary_without_a_connection(
    signer: Signer, cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = _case(signer, cast)
    held: list[int] = []

    def write(*_: object) -> bytes:
        held.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return b"%PDF"

    monkeypatch.setattr(contents, "write_summary", write)
    path = f"/v1/freeze-requests/{request_id}/evidence-bundle"
    assert signer.get(cast.a.analyst, path).status_code == 200
    assert held == [0]


def test_who_comes_while_another_is_written_waits_for_it(
    signer: Signer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = _case(signer, cast)
    path = f"/v1/freeze-requests/{request_id}/summary.pdf"
    monkeypatch.setattr(summaries, "_WAIT_SECONDS", 60.0)
    summaries._turn.acquire()

    def end_once_somebody_waits() -> None:
        while summaries._waiting._value == summaries._WAITING:
            sleep(0.01)
        summaries._turn.release()

    other = Thread(target=end_once_somebody_waits)
    other.start()
    answer = signer.get(cast.a.analyst, path)
    other.join()
    assert answer.status_code == 200


def test_nobody_waits_without_end_nor_behind_a_queue(
    signer: Signer, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = _case(signer, cast)
    path = f"/v1/freeze-requests/{request_id}/summary.pdf"
    waited: list[float] = []

    class Taken:
        """The turn of somebody who never ends."""

        def acquire(self, *, blocking: bool = True, timeout: float = -1) -> bool:
            """Say that it is taken, and note how long somebody would have waited."""
            if blocking:
                waited.append(timeout)
            return False

    monkeypatch.setattr(summaries, "_turn", Taken())
    refused = signer.get(cast.a.analyst, path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert waited == [summaries._WAIT_SECONDS]
    for _ in range(summaries._WAITING):
        assert summaries._waiting.acquire(blocking=False)
    try:
        refused = signer.get(cast.a.analyst, path)
    finally:
        summaries._waiting.release(summaries._WAITING)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert len(waited) == 1
