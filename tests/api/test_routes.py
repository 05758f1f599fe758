"""The list of routes is whole, and all that is served."""

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

from flask import Flask

from coordinator import api
from coordinator.api.routes import PAGES, ROUTES
from coordinator.api.view import View
from coordinator.console import routes as console_routes
from coordinator.services.commands import HANDLERS


def _declared() -> Iterator[View]:
    """Yield every view that stands in a module of the API, listed or not."""
    for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, View):
                yield value


def _name(view: View) -> str:
    return f"{view.function.__module__}.{view.function.__name__}"


def test_every_view_is_served_at_one_url() -> None:
    listed = Counter(_name(route.view) for route in ROUTES)
    assert listed == Counter({_name(view): 1 for view in _declared()})


def test_every_url_has_one_view() -> None:
    names = Counter((route.method, route.path) for route in ROUTES)
    names.update(("GET", path) for path in PAGES)
    assert set(names.values()) == {1}


def test_nothing_is_served_but_what_is_listed(app: Flask) -> None:
    served = {
        # A tile's own path has several parts.
        (method, re.sub(r"<([a-z_:]+)>", r"{\1}", rule.rule).replace("{path:tile}", "{tile}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    listed = {(route.method, route.path) for route in ROUTES}
    listed |= {(page.method, page.path) for page in console_routes.PAGES}
    listed |= {("GET", path) for path in (*PAGES, *console_routes.FILES)}
    assert served == listed


def test_every_change_gives_listed_commands() -> None:
    known = {handler.command for handler in HANDLERS}
    changes = [route for route in ROUTES if route.method != "GET"]
    given = {route.path: set(getattr(route.view, "commands", ())) for route in changes}
    # A cosignature is nobody's act: it is kept beside the log and changes nothing in it.
    without = {path for path, commands in given.items() if not commands}
    assert without == {"/v1/join", "/v1/log/cosignatures"}
    assert set().union(*given.values()) <= known
