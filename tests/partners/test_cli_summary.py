"""`holdfast summary` writes the document as it came, for its owner alone."""

import stat
from hashlib import sha256

import pytest

from holdfast.client.client import Client
from holdfast.errors import TransportError
from holdfast.profiles.store import Profile
from tests.partners.shell import FRQ, REQUEST, Shell
from tests.partners.stub_coordinator import StubCoordinator

_PDF = b"%PDF-1.7 \xff and so on"
_PATH = f"{REQUEST}/summary.pdf"


def test_the_document_is_written_as_it_came(
    shell: Shell, stub: StubCoordinator, analyst: Profile
) -> None:
    stub.answers("GET", _PATH, raw=_PDF, Content_Type="application/pdf")
    path = shell.folder / "case.pdf"
    done = shell("summary", FRQ, "-o", str(path))
    assert done.exit_code == 0, done.output
    assert path.read_bytes() == _PDF
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sha256(_PDF).hexdigest() in "".join(done.output.split())
    assert [seen.token.iss for seen in stub.seen if seen.token] == [analyst.handle]


def test_what_is_no_pdf_is_refused(stub: StubCoordinator, client: Client) -> None:
    stub.answers("GET", _PATH, raw=b"<html>", Content_Type="text/html")
    with pytest.raises(TransportError, match="no application/pdf"):
        client.summary_pdf(FRQ)
