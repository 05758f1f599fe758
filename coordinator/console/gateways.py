"""The visitor's gateways: on what ground its organisation tells amounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response
from werkzeug.wrappers import Response as WsgiResponse

from coordinator.api import gateways as api
from coordinator.api.membership_reads import OfPartnerQuery
from coordinator.console import render
from coordinator.console.acts import WantedAct, ask_signature, done_words
from coordinator.console.faults import Faults
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.errors import InvalidInputError, NotFoundError
from coordinator.domain.permission import Permission
from holdfast.protocol.gateway_words import GATEWAYS, gateway_words
from holdfast.protocol.vocabulary import Gateway

HERE = "/console/gateways"
_MOST = "200"
_FIELDS = {"gateway": "gateway", "document_sha256": "document"}


@dataclass(frozen=True, slots=True)
class Declared:
    """One gateway as the page shows it.

    Attributes:
        until: Until when it counts, or counted; None: it is not verified.
        counts: Whether it counts now.
    """

    id: str
    words: str
    document: str
    declared_at: datetime | None
    until: datetime | None
    counts: bool

    @classmethod
    def of(cls, view: Mapping[str, Any], now: datetime) -> "Declared":
        """Return it from the API's view."""
        until = moment(view["verified_until"])
        return cls(
            id=view["id"],
            words=gateway_words(Gateway(view["gateway"]), view["document_sha256"]),
            document=view["document_sha256"] or "",
            declared_at=moment(view["declared_at"]),
            until=until,
            counts=until is not None and now < until,
        )


def show(visit: Visit, faults: Faults | None = None) -> Response:
    """Show one's own gateways, and the form that declares another."""
    own = [Declared.of(each, render.now()) for each in _alive(visit)]
    return render.page(
        "gateways.html",
        visit,
        422 if faults else 200,
        gateways=own,
        are_asked_for=visit.reader.read_context.policies.amounts_need_gateway,
        may_declare=visit.may(Permission.GATEWAY_DECLARE),
        choices=[(each.value, GATEWAYS[each]) for each in Gateway if each is not Gateway.ORDER],
        typed={name: visit.form.text(name) if faults else "" for name in ("gateway", "document")},
        faults=faults or Faults(),
        done=done_words(visit),
    )


def declare(visit: Visit) -> Response | WsgiResponse:
    """Ask for the signature of a gateway."""
    gateway, document = visit.form.text("gateway"), visit.form.text("document")
    words = dict(GATEWAYS).get(Gateway(gateway)) if gateway in set(Gateway) else gateway
    wanted = WantedAct(
        path="/v1/gateways",
        body={"gateway": gateway, "document_sha256": document or None},
        sentence="Declare on what ground your organisation tells amounts. It counts once the"
        " operator has verified it.",
        button="Declare it",
        back=HERE,
        then=HERE,
        facts=[
            ("Ground", str(words)),
            ("SHA-256 of what shows it", document or "None is named"),
            ("Who reads it", "Every member"),
        ],
    )
    try:
        return ask_signature(visit, wanted)
    except InvalidInputError as error:
        return show(visit, Faults.of(error, _FIELDS))


def withdraw(visit: Visit) -> WsgiResponse:
    """Ask for the signature that takes one back.

    Raises:
        NotFoundError: If the visitor's organisation has no such gateway.
    """
    gateway_id = visit.form.text("gateway_id")
    found = [each for each in _alive(visit) if each["id"] == gateway_id]
    if not found:
        raise NotFoundError("your organisation has declared no such gateway")
    shown = Declared.of(found[0], render.now())
    return ask_signature(
        visit,
        WantedAct(
            path="/v1/gateways/withdrawals",
            body={"gateway_id": gateway_id},
            sentence="Withdraw this gateway. Amounts are told under it no more; what was told stays"
            " told.",
            button="Withdraw it",
            back=HERE,
            then=HERE,
            facts=[("Ground", shown.words)],
        ),
    )


def _alive(visit: Visit) -> list[Mapping[str, Any]]:
    query = OfPartnerQuery.model_validate({"partner": visit.actor.partner, "limit": _MOST})
    items = visit.read(api.list_gateways, query)["items"]
    return [each for each in items if each["ended_at"] is None]
