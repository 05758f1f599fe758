"""Whether something happened since a page was read: asked again and again by pages that follow.

Whoever waits holds no thread (`coordinator.api.calls`); each time the server looks, session and
rights are looked at, too.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from flask import Response, request

from coordinator.api.calls import NewsWanted, present_call
from coordinator.api.events import head_of_feed, newest_of_feed
from coordinator.api.request_events import newest_number
from coordinator.console.visit import Visit
from holdfast.protocol import canonical_json

#: A look waits so long for news at most.
WAIT = timedelta(seconds=20)
_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)


def of_request(visit: Visit, request_id: str) -> Response:
    """Answer with the number of a request's newest event once it is above `after`, else 204."""
    return _answer(visit, lambda: newest_number(visit.reader, request_id), request_id)


def of_home(visit: Visit) -> Response:
    """Answer with the number of the newest event for the person's organisation, in the same way."""
    return _answer(visit, lambda: newest_of_feed(visit.reader))


def _answer(visit: Visit, look: Callable[[], int], request_id: str | None = None) -> Response:
    after = request.args.get("after", "")
    seen = int(after) if _NUMBER.fullmatch(after) else 0
    # Read before the look: what comes between the two is waited for, and found at once.
    head = head_of_feed(visit.reader)
    newest = look()
    if newest > seen:
        return Response(
            canonical_json.dumps({"seq": newest}), content_type="application/json; charset=utf-8"
        )
    call = present_call()
    if call is not None:
        wanted = NewsWanted(visit.actor.partner, head, WAIT, request_id=request_id)
        call.wait_for_news(wanted)
    return Response(status=204)
