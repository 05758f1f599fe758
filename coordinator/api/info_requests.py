"""Ask and answer: what a partner needs before it can act."""

from functools import partial
from typing import Any

from coordinator.api.paging import PageQuery
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import scoped_page
from coordinator.api.view import command_view, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests.info_requests import (
    AnswerQuestion,
    AskRequester,
    info_request_views,
)
from coordinator.storage.requests import info_requests as store
from holdfast.protocol import life_cycle_payloads as payloads
from holdfast.protocol import life_cycle_views, views


@command_view(AskRequester, body=payloads.InfoRequest, answer=life_cycle_views.InfoRequestView)
def ask(call: SignedCall[payloads.InfoRequest], request_id: str) -> AskRequester:
    """Ask the requester for what you need before you can act."""
    return AskRequester(request_id=request_id, body=call.body)


@command_view(AnswerQuestion, body=payloads.InfoAnswer, answer=life_cycle_views.InfoRequestView)
def answer(
    call: SignedCall[payloads.InfoAnswer], request_id: str, info_request_id: str
) -> AnswerQuestion:
    """Answer a partner's question about your request."""
    return AnswerQuestion(request_id=request_id, info_request_id=info_request_id, body=call.body)


@query_view(
    query=PageQuery,
    answer=views.Page[life_cycle_views.InfoRequestView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_questions(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List questions with their answers: every partner's for the requester, else your own."""
    show = partial(info_request_views, reader=reader.actor.partner)
    return scoped_page(reader, query, request_id, store.page, show)
