"""Who of one's own organisation sees its side of a request: a form for its security leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import freeze_request_reads as api
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import listed
from coordinator.domain.errors import ConflictError, InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission, require

_FIELDS = {"people": "people"}


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody who may be named.

    Attributes:
        roles: As one says them.
        is_named: Whether they see it now, or were ticked.
    """

    id: str
    name: str
    roles: str
    is_named: bool


def show(visit: Visit, request_id: str, faults: Faults | None = None) -> Response:
    """Show who sees it, to change.

    Raises:
        NotFoundError: If the visitor's organisation is not asked, or they do not see it.
        PermissionDeniedError: If it is not theirs to change.
    """
    request = _asked(visit, request_id)
    require(Permission.LEG_LIMIT, visit.actor)
    limited = request["leg"].get("limited") or {"people": [], "by": None}
    ticked = visit.form.texts("person") if faults else limited["people"]
    return render.page(
        "leg_limit.html",
        visit,
        422 if faults else 200,
        nav="requests",
        request=request,
        url=_url(request_id),
        answer=f"/console/requests/{request_id}/answer",
        is_limited=bool(limited["people"]),
        seen_by=_count(len(limited["people"])),
        by=visit.name_of(limited["by"]) if limited["by"] else "",
        people=[_named(visit, each, ticked) for each in _present(visit)],
        faults=faults or Faults(),
    )


def change(visit: Visit, request_id: str) -> Response | WsgiResponse:
    """Ask for the signature of a limit, or of lifting it."""
    request = _asked(visit, request_id)
    people = None if visit.form.text("do") == "everybody" else visit.form.texts("person")
    names = [visit.called(person) for person in people or ()]
    wanted = WantedAct(
        path=f"/v1/freeze-requests/{request_id}/leg-limit",
        body={"content_sha256": request["content_sha256"], "people": people},
        sentence="Let everybody of your organisation see your side of this request again."
        if people is None
        else "Limit your side of this request to these people: to everybody else of your"
        " organisation it is not there from then on.",
        button="Let everybody see it" if people is None else "Limit it",
        back=_url(request_id),
        # Whoever leaves themselves out does not see it any more.
        then=f"/console/requests/{request_id}/answer"
        if people is None or visit.actor.subject in people
        else "/console",
        facts=[("Who sees it", "Everybody" if people is None else listed(names) or "Nobody")],
    )
    try:
        return ask_signature(visit, wanted)
    except (InvalidInputError, ConflictError) as error:
        return show(visit, request_id, Faults.of(error, _FIELDS))


def _asked(visit: Visit, request_id: str) -> Mapping[str, Any]:
    request: Mapping[str, Any] = visit.read(api.read_request, request_id=request_id)
    if request.get("leg") is None:
        raise NotFoundError("your organisation is not asked by this request")
    return request


def _present(visit: Visit) -> list[Mapping[str, Any]]:
    return [
        each
        for each in visit.people.values()
        if each["kind"] == "person" and each["revoked_at"] is None
    ]


def _named(visit: Visit, each: Mapping[str, Any], ticked: list[str]) -> Named:
    roles = listed(role.replace("_", " ") for role in each["roles"])
    return Named(each["id"], visit.called(each["id"]), roles, each["id"] in ticked)


def _count(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"


def _url(request_id: str) -> str:
    return f"/console/requests/{request_id}/limit"
