"""/openapi.json and the pages at /docs, which load nothing from other origins."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from flask import Response, abort, render_template

from coordinator.api import doc_pages, openapi, problem_catalog
from coordinator.api.context import current_context
from coordinator.api.responses import conditional
from coordinator.api.view import Route

_OWN = Path(__file__).parent / "static"
_MAX_AGE = "public, max-age=3600"
#: What the pages load, and from which folder: ours, or the package that carries Swagger UI.
_ASSETS = {
    "docs.js": ("text/javascript", None),
    "docs.css": ("text/css", None),
    "swagger-ui.css": ("text/css", "css"),
    "swagger-ui-bundle.js": ("text/javascript", "js"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def openapi_page(routes: Sequence[Route]) -> Callable[[], Response]:
    """Return the page that serves the OpenAPI document of these routes."""
    document_bytes = cache(partial(openapi.document_bytes, routes))

    def serve_openapi() -> Response:
        response = Response(
            document_bytes(current_context().origin), content_type="application/json"
        )
        response.headers["Cache-Control"] = _MAX_AGE
        response.add_etag()
        return conditional(response)

    return serve_openapi


def serve_docs() -> Response:
    """Serve the API's documentation."""
    return _page(render_template("docs.html", menu=doc_pages.menu()))


def serve_page(page: str) -> Response:
    """Serve one of the pages of `docs/`."""
    found = doc_pages.page(page)
    if found is None:
        abort(404)
    return _page(render_template("doc_page.html", menu=doc_pages.menu(), page=found))


def serve_problems() -> Response:
    """Serve what every problem code means."""
    return _page(
        render_template("problems.html", menu=doc_pages.menu(), kinds=problem_catalog.catalog())
    )


def serve_asset(name: str) -> Response:
    """Serve a script or style sheet of the pages."""
    if name not in _ASSETS:
        abort(404)
    kind, folder = _ASSETS[name]
    path = _OWN / name if folder is None else _swagger() / folder / name
    response = Response(path.read_bytes(), content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = _MAX_AGE
    return response


def _swagger() -> Path:
    # Only where its files are; the package's code is never imported.
    found = find_spec("flask_openapi3_swagger")
    if found is None or found.origin is None:
        abort(404)
    return Path(found.origin).parent / "templates" / "swagger"


def _page(html: str) -> Response:
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = _MAX_AGE
    return response
