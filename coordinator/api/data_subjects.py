"""Persons who ask for their rights under data-protection law."""

from typing import Annotated, Any

from pydantic import Field

from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.scope import readable
from coordinator.api.view import command_view, personal, query_view
from coordinator.domain.permission import Permission
from coordinator.services.requests.data_subjects import (
    AnswerDataSubject,
    DataSubjectRequestView,
    RecordDataSubjectRequest,
    find_letter,
    letter_views,
)
from coordinator.storage.requests import data_subjects as store
from holdfast.protocol import data_subject_payloads as payloads
from holdfast.protocol import data_subject_views as shown
from holdfast.protocol import views
from holdfast.protocol.payloads import RequestId

_READ = Permission.DATA_SUBJECT_READ


class DataSubjectQuery(PageQuery):
    """Which of them."""

    request_id: Annotated[
        RequestId | None, Field(description="only what concerns this freeze request")
    ] = None


@personal
@command_view(
    RecordDataSubjectRequest,
    body=payloads.DataSubjectRequest,
    answer=shown.DataSubjectRequestView,
)
def record(call: SignedCall[payloads.DataSubjectRequest]) -> RecordDataSubjectRequest:
    """Pass on that a person asks for a right under data-protection law.

    Name the account that the person writes about, or the freeze request where you see one. Each
    requester that states something of it has a task, with a date; who the person is, nobody is
    told here. What you hear is the same whether anybody was concerned, but for requests that you
    may see.
    """
    return RecordDataSubjectRequest(body=call.body)


@query_view(query=DataSubjectQuery, answer=views.Page[shown.DataSubjectRequestView], needs=_READ)
def list_own(reader: Reader, query: DataSubjectQuery) -> dict[str, Any]:
    """List what your organisation passed on, and what it has to answer, oldest first."""
    viewer = reader.actor.viewer
    if query.request_id is not None:
        readable(reader, query.request_id)
    return read_page(
        page_size(reader.context, query.limit),
        lambda limit: store.page(
            reader.connection,
            viewer,
            request_id=query.request_id,
            after=after_id(query) or "",
            limit=limit,
        ),
        lambda rows: letter_views(reader.read_context, rows),
    )


@query_view(
    answer=shown.DataSubjectRequestView,
    needs=_READ,
    not_found="Your organisation neither passed it on nor has to answer it.",
)
def read_one(reader: Reader, data_subject_request_id: str) -> DataSubjectRequestView:
    """Read one of them: what you passed on, or what of it you have to answer."""
    row = find_letter(reader.read_context, data_subject_request_id)
    return letter_views(reader.read_context, [row])[0]


@command_view(AnswerDataSubject, body=payloads.DataSubjectAnswer, answer=shown.DataSubjectCaseView)
def answer(
    call: SignedCall[payloads.DataSubjectAnswer], request_id: str, data_subject_request_id: str
) -> AnswerDataSubject:
    """Sign what you decide on what a person asks about your request, by a code.

    The person you answer yourselves. `extended` gives two months more, once, and before the first
    is over. Whatever follows from it (a withdrawal, an erasure) is an act of its own.
    """
    return AnswerDataSubject(
        request_id=request_id,
        data_subject_request_id=data_subject_request_id,
        body=call.body,
    )
