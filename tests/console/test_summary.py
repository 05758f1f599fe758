"""The summary of a request is on the page with its documents, for whoever may read the request."""

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
