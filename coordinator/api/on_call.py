"""Who is woken: the own on-call chain, a test of it, and the record of who was paged when."""

from collections.abc import Sequence
from typing import Any

from coordinator.api.context import AppContext
from coordinator.api.paging import PageQuery, after_id, page_size, read_page
from coordinator.api.pipeline import Reader, SignedCall
from coordinator.api.view import command_view, personal, query_view
from coordinator.domain.errors import FieldFault, InvalidInputError
from coordinator.domain.permission import Permission
from coordinator.services.membership.on_call import (
    OnCallView,
    PageForTest,
    RemoveOnCall,
    SetOnCall,
    get_chain,
)
from coordinator.services.requests.alarms import (
    AlarmView,
    alarm_views,
    alarms_of_request,
    own_alarms,
)
from coordinator.storage.requests.alarms import Alarm
from holdfast.protocol import on_call_payloads as payloads
from holdfast.protocol import on_call_views, views


@query_view(answer=on_call_views.OnCallView, needs=Permission.PARTNER_READ)
def read_own(reader: Reader) -> OnCallView:
    """Read whom your organisation pages, by what and in which order; no other member can.

    Of a URL you are shown the host, of a routing key its end: whoever has the whole can page.
    """
    return get_chain(reader.read_context)


@personal
@command_view(SetOnCall, body=payloads.NewOnCall, answer=on_call_views.OnCallView)
def set_own(call: SignedCall[payloads.NewOnCall]) -> SetOnCall:
    """Set your on-call chain, in the place of the one before; for security leads.

    What needs a human pages the first of it within seconds, and the next after so many minutes
    without "I have it" (`POST /v1/tasks/{task_id}/taken`), three times through the chain. Whoever
    may do nothing about it is left out while somebody else may. A page bears a link and one
    sentence. `quiet` is for what can wait: a flash request and a hold that ends never wait.
    """
    _require_channels(call.context, call.body)
    return SetOnCall(body=call.body)


@command_view(RemoveOnCall, answer=on_call_views.OnCallRemovedView, status=200)
def remove_own(call: SignedCall[None]) -> RemoveOnCall:
    """Remove your on-call chain with all that it says of people; nobody is woken any more."""
    del call
    return RemoveOnCall()


@command_view(PageForTest, body=payloads.NewOnCallTest, answer=on_call_views.AlarmView)
def page_for_test(call: SignedCall[payloads.NewOnCallTest]) -> PageForTest:
    """Page everybody of your chain once, or one person, at any hour; the page says it is a test.

    What came of each message stands in your alarms a little later. Once a minute.
    """
    return PageForTest(body=call.body)


@query_view(
    query=PageQuery, answer=views.Page[on_call_views.AlarmView], needs=Permission.PARTNER_READ
)
def list_own(reader: Reader, query: PageQuery) -> dict[str, Any]:
    """List what your own people were woken for, newest first, with who was paged by what and when.

    Only your own side reads it.
    """
    context, after = reader.read_context, after_id(query)

    def find(limit: int) -> Sequence[Alarm]:
        return own_alarms(context, before=after, limit=limit)

    return _page(reader, query, find)


@query_view(
    query=PageQuery,
    answer=views.Page[on_call_views.AlarmView],
    needs=Permission.FREEZE_REQUEST_READ,
)
def list_of_request(reader: Reader, query: PageQuery, request_id: str) -> dict[str, Any]:
    """List what people were woken for about a request, newest first.

    Of the other side you read that it was paged, when, and whether somebody has it: no names. The
    requester reads of everybody asked; a partner asked, of itself and the requester.
    """
    context, after = reader.read_context, after_id(query)

    def find(limit: int) -> Sequence[Alarm]:
        return alarms_of_request(context, request_id, before=after, limit=limit)

    return _page(reader, query, find)


def _page(reader: Reader, query: PageQuery, find: Any) -> dict[str, Any]:
    context = reader.read_context

    def show(rows: Sequence[Alarm]) -> list[AlarmView]:
        return alarm_views(context, rows)

    return read_page(page_size(reader.context, query.limit), find, show)


def _require_channels(context: AppContext, body: payloads.NewOnCall) -> None:
    """Refuse what no page could go out by: before the transaction, as names are looked up.

    Raises:
        InvalidInputError: Naming the channel.
    """
    for number, step in enumerate(body.steps):
        for channel_no, channel in enumerate(step.channels):
            at = f"/steps/{number}/channels/{channel_no}"
            if isinstance(channel, payloads.EmailChannel):
                if not context.sends_mail:
                    detail = "this coordinator sends no mail: take another channel, or ask its"
                    detail += " operator to set mail_host"
                    raise InvalidInputError(
                        detail, code="no_mail", errors=[FieldFault(at, detail, "no_mail")]
                    )
            elif channel.url is not None:
                _check_url(context, channel.url, f"{at}/url")


def _check_url(context: AppContext, url: str, pointer: str) -> None:
    try:
        context.check_endpoint(url)
    except InvalidInputError as error:
        faults = [FieldFault(pointer, each.detail, each.code) for each in error.errors]
        raise InvalidInputError(error.message, code=error.code, errors=faults) from None
