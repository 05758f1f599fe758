"""A link for somebody's passkey, shown once: to copy, or to take up with a phone's camera."""

import segno
from flask import Response
from markupsafe import Markup

from coordinator.console import render
from coordinator.console.acts import just_done
from coordinator.console.visit import Visit
from coordinator.console.words import moment
from coordinator.domain.errors import NotFoundError


def show_made(visit: Visit) -> Response:
    """Show the link that was just made, once: who loses it makes another.

    Raises:
        NotFoundError: If none was just made.
    """
    done = just_done(visit)
    answer = {} if done is None else done.answer
    if "url" not in answer:
        raise NotFoundError("a link is shown once, right after it was made: make another")
    return render.page(
        "passkey_link.html",
        visit,
        url=answer["url"],
        qr=_qr(answer["url"]),
        person=answer["person"],
        name=visit.called(answer["person"]),
        is_mine=answer["person"] == visit.actor.subject,
        ends_at=moment(answer["expires_at"]),
    )


def _qr(url: str) -> Markup:
    """Return a QR code, dark on light in both themes, for cameras read no other."""
    drawn = segno.make(url, error="m", micro=False)
    svg = drawn.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704 - drawn from numbers
