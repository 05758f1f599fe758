"""The page with a request's documents offers them to whoever may read it: summary and bundle."""

from io import BytesIO
from zipfile import ZipFile

from holdfast.protocol import strict_json
from tests.api.acts import submit
from tests.console.conftest import SignedIn
from tests.factories import Cast, Signer
from tests.summary.pdf_reading import text_of


def test_the_page_of_documents_offers_the_summary(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    request_id = submit(signer, cast)["id"]
    browser, _ = signed_in(cast.a, cast.a.analyst)
    path = f"/console/requests/{request_id}/summary.pdf"
    assert f'href="{path}"' in browser.get(f"/console/requests/{request_id}/documents").text
    answer = browser.get(path)
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{request_id}.summary.pdf"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert request_id in text_of(answer.data)
    stranger, _ = signed_in(cast.d, cast.d.analyst)
    assert stranger.get(path).status_code == 404


def test_the_page_of_documents_offers_the_bundle_and_taking_it_is_recorded(
    cast: Cast, signer: Signer, signed_in: SignedIn
) -> None:
    request_id = submit(signer, cast)["id"]
    browser, _ = signed_in(cast.a, cast.a.analyst)
    path = f"/console/requests/{request_id}/evidence.zip"
    assert f'href="{path}"' in browser.get(f"/console/requests/{request_id}/documents").text
    first, second = browser.get(path), browser.get(path)
    assert first.content_type == "application/zip"
    assert first.headers["Content-Disposition"] == (
        f'attachment; filename="{request_id}.evidence.zip"'
    )
    assert first.headers["Cache-Control"] == "no-store"
    with ZipFile(BytesIO(second.data)) as bundle:
        (export,) = bundle.read("custody.jsonl").splitlines()
    assert strict_json.loads(export)["subject"] == cast.a.analyst.subject
    stranger, _ = signed_in(cast.d, cast.d.analyst)
    assert stranger.get(path).status_code == 404
