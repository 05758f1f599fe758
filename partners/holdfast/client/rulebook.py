"""Reading the network's rulebook, and naming it in a request."""

from hashlib import sha256

from pydantic import ValidationError as ModelError

from holdfast.client.transport import Transport
from holdfast.errors import NotFoundError, TransportError, UntrustedEvidenceError
from holdfast.protocol.house_rules_views import EditionView, RulebookView
from holdfast.protocol.payloads import FreezeRequest

_PATH = "/v1/rulebook"
#: The code of a 404 that no coordinator wrote (`problem_error`).
_NO_PROBLEM = "http_404"
_NONE = RulebookView(in_force=None, coming=[])


def read_rulebook(transport: Transport) -> RulebookView:
    """Return the rulebook in force and what is to come; each text is the one of its hash.

    A coordinator of an older release has none.

    Raises:
        TransportError: Also where the answer is no such thing, or a proxy says that there is none.
        UntrustedEvidenceError: A text is another than the one of its hash.
    """
    try:
        answer = transport.read_public(_PATH)
    except NotFoundError as error:
        if error.code == _NO_PROBLEM:
            raise TransportError(f"no word of a rulebook: {error}") from error
        return _NONE
    try:
        view = RulebookView.model_validate(answer.body)
    except ModelError:
        raise TransportError("the answer is no rulebook: is the kit too old?") from None
    for edition in [view.in_force, *view.coming]:
        if edition is not None:
            _require_text(edition)
    return view


def _require_text(edition: EditionView) -> None:
    if sha256(edition.text.encode()).hexdigest() != edition.sha256:
        raise UntrustedEvidenceError(
            f"the coordinator shows another text for the rulebook {edition.sha256}: accept nothing,"
            " and ask its operator",
            code="rulebook_text",
        )


def naming_rulebook(request: FreezeRequest, rulebook_sha256: str | None) -> FreezeRequest:
    """Return a request that names a rulebook; as it is where there is none, or it names one."""
    if rulebook_sha256 is None or request.rulebook_sha256 is not None:
        return request
    return request.model_copy(update={"rulebook_sha256": rulebook_sha256})
