"""A site of a few pages, each good or with one known fault, to hold the harness to account."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response
from werkzeug.serving import make_server

#: As strict as the console's.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src * data:"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/site.css">
{head}
</head>
<body><main><h1>{title}</h1>{body}</main></body>
</html>
"""
_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 sans-serif; background: #ffffff; color: #1a1a1a; }
.dim { color: #595959; }
.wide { width: 700px; }
.small { font-size: 9px; line-height: 9px; display: block; }
button:focus { outline: 2px solid #0000c0; }
.bare:focus { outline: none; }
.over { position: relative; }
.over p { position: absolute; inset: 0; margin: 0; background: white; }
@media (prefers-color-scheme: dark) {
  body { background: #1a1a1a; color: #f2f2f2; }
  .mended { color: #c8c8c8; }
}
"""
#: Bodies and heads by path; the path is the title.
_BODIES = {
    "good": "<p>All is well.</p>",
    "unlabelled": "<form><input name='sum'></form>",
    "dim-in-the-dark": "<p class='dim'>Readable by day.</p>",
    "wide": "<p class='wide'>Wider than a phone.</p>",
    "crowded": "<a class='small' href='/good'>One</a><a class='small' href='/good'>Two</a>",
    "keys": (
        "<a class='skip' href='#top'>Skip</a><button>Good</button>"
        "<button class='bare'>Bare</button>"
        "<div class='over'><button>Under</button><p>Over</p></div>"
    ),
    "elsewhere": "<img alt='' src='http://elsewhere.example/counter.png'>",
    "inline": "<p>Asks for more than its policy grants.</p><script>void 0</script>",
    "failing": "<p>Its script fails.</p>",
    "heavy": "<p>Brings a large script.</p>",
}
_HEADS = {
    "failing": "<script src='/failing.js' defer></script>",
    "heavy": "<script src='/heavy.js' defer></script>",
}
_SCRIPTS = {
    "failing.js": "throw new Error('as it must');",
    "heavy.js": f"/* {'x' * 301_000} */",
}


def _kept(answer: Response) -> Response:
    """Let a browser keep an answer, as one would that has been here before."""
    answer.cache_control.max_age = 3_600
    return answer


def _site() -> Flask:
    site = Flask("tests.browser.small_site", static_folder=None)

    @site.get("/<name>")
    def page(name: str) -> Response:
        text = _PAGE.format(title=name, body=_BODIES[name], head=_HEADS.get(name, ""))
        answer = Response(text, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    @site.get("/site.css")
    def style() -> Response:
        return _kept(Response(_STYLE, content_type="text/css"))

    @site.get("/<name>.js")
    def script(name: str) -> Response:
        return _kept(Response(_SCRIPTS[f"{name}.js"], content_type="text/javascript"))

    @site.get("/refused")
    def refused() -> Response:
        text = _PAGE.format(title="refused", body="<p>This page is stale.</p>", head="")
        return Response(text, status=409, content_type="text/html; charset=utf-8")

    return site


@contextmanager
def small_site() -> Iterator[str]:
    """Yield the origin of the site while it is served."""
    server = make_server("127.0.0.1", 0, _site(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="small-site", daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
