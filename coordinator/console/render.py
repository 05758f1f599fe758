"""Pages from templates: autoescaped, strict about what is missing, with what every page shows."""

import mimetypes
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined

from coordinator.api.context import current_context
from coordinator.console import words
from coordinator.console.guard import csrf_token
from coordinator.console.visit import Visit
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.vocabulary import Role
from holdfast.wording import interest_words

_STATIC = files("coordinator.console") / "static"
#: What a person is called by their roles, the first that fits.
_ROLE_WORDS = (
    (Role.SECURITY_LEAD, "security lead"),
    (Role.COMPLIANCE, "compliance"),
    (Role.ANALYST, "analyst"),
    (Role.AUDITOR, "auditor"),
)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("coordinator.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "csrf_token": csrf_token,
        "counted": words.counted,
        "listed": words.listed,
        "utc": words.utc,
        "moment": words.moment,
        "grouped": words.grouped,
        "short_id": words.short_id,
        "interest_words": interest_words,
    }
    return made


def page(template: str, visit: Visit | None, /, status: int = 200, **values: Any) -> Response:
    """Return a page.

    Args:
        template: Its name in `templates/`.
        visit: Who is signed in; None on pages for anybody.
        status: Of the answer.
        values: What the template shows beside what every page does.
    """
    html = template_text(template, **{**_shared(visit), **values})
    return Response(html, status, content_type="text/html; charset=utf-8")


def template_text(name: str, /, **values: Any) -> str:
    """Return a template with its values filled in."""
    return _environment().get_template(name).render(values)


def now() -> datetime:
    """Return the time, by the coordinator's clock."""
    return current_context().clock.now()


def chains() -> Chains:
    """Return the chain table that holds."""
    return current_context().rulebook.chains


def _shared(visit: Visit | None) -> dict[str, Any]:
    """Return what every page shows; `templates/base.html` describes it."""
    return {
        "now": now(),
        "theme": request.cookies.get("holdfast_theme", ""),
        "asset_version": asset_version(),
        "part_only": request.headers.get("X-Part") == "main",
        "drill": visit is not None and (request.view_args or {}).get("request_id") in visit.drills,
        "viewer": None if visit is None else _viewer(visit),
    }


def _viewer(visit: Visit) -> dict[str, str]:
    mine = visit.people.get(visit.actor.subject, {})
    return {
        "name": mine.get("display_name") or "You",
        "role": next((word for role, word in _ROLE_WORDS if role in visit.actor.roles), "no role"),
        "partner": visit.actor.partner,
    }


@cache
def _assets() -> Mapping[str, bytes]:
    """Return all style sheets and scripts by name; nothing else is served."""
    return {each.name: each.read_bytes() for each in _STATIC.iterdir() if each.is_file()}


@cache
def asset_version() -> str:
    """Return what changes with any style sheet or script, so that they are kept for a year."""
    content = b"".join(content for _, content in sorted(_assets().items()))
    return sha256(content).hexdigest()[:16]


def asset(name: str) -> Response | None:
    """Return a style sheet or script, to be kept for a year; None where there is none."""
    content = _assets().get(name)
    if content is None:
        return None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = Response(content, content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
