"""Ask and answer: what a partner needs before it can act."""

from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Prepared, Reader, SignedCall
from coordinator.api.routing import signed_get, signed_post
from coordinator.api.scope import scoped_page
from coordinator.domain.permission import Permission
from coordinator.services.info_requests import AnswerQuestion, AskRequester, info_request_views
from coordinator.storage import info_requests as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views

_PATH = "/v1/freeze-requests/{request_id}/info-requests"


@signed_post(
    _PATH,
    tag="legs",
    answer=life_cycle_views.InfoRequestView,
    command=AskRequester,
    body=payloads.InfoRequest,
)
def ask(call: SignedCall, body: payloads.InfoRequest, request_id: str) -> Prepared:
    """Ask the requester for what you need before you can act."""
    del call
    return Prepared(AskRequester(request_id=request_id, body=body))


@signed_post(
    f"{_PATH}/{{info_request_id}}/answer",
    tag="legs",
    answer=life_cycle_views.InfoRequestView,
    command=AnswerQuestion,
    body=payloads.InfoAnswer,
)
def answer(
    call: SignedCall, body: payloads.InfoAnswer, request_id: str, info_request_id: str
) -> Prepared:
    """Answer a partner's question about your request."""
    del call
    return Prepared(
        AnswerQuestion(request_id=request_id, info_request_id=info_request_id, body=body)
    )


@signed_get(
    _PATH,
    tag="legs",
    answer=views.Page[life_cycle_views.InfoRequestView],
    needs=Permission.FREEZE_REQUEST_READ,
    query=PageQuery,
)
def list_questions(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List questions with their answers: every partner's for the requester, else your own."""
    return scoped_page(reader, query, request_id, store.page, info_request_views)
