"""An exchange installs the kit beside its own code: it needs none of the server's packages."""

import subprocess
import sys

import pytest

from tests.architecture.tree import modules

# Everything of the kit but what the extra `flask` is for.
NEEDS_FLASK = ("partners/reference_exchange/", "partners/flask_", "partners/webhook_blueprint")
SERVER_ONLY = (
    *("alembic", "bip_utils", "coordinator", "flask", "flask_migrate", "flask_sqlalchemy"),
    *("granian", "prometheus_client", "psycopg", "pysqlite3", "sqlalchemy", "structlog"),
)

_IMPORT_WITHOUT = """
import importlib, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # importing it raises ImportError
for name in sys.argv[2:]:
    importlib.import_module(name)
"""


def _light_modules() -> list[str]:
    names = [name for name, _, _ in modules("partners") if not name.startswith(NEEDS_FLASK)]
    dotted = [n.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for n in names]
    # Importing a __main__ would run it.
    return [name for name in dotted if not name.endswith(".__main__")]


def _import_without(forbidden: tuple[str, ...], names: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_WITHOUT, ",".join(forbidden), *names],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_the_kit_can_be_imported_without_the_servers_packages() -> None:
    assert _import_without(SERVER_ONLY, _light_modules()) == (0, "")


def test_the_check_notices_a_package_that_is_missing() -> None:
    if "partners.client" not in _light_modules():
        pytest.skip("there is no client yet")
    status, message = _import_without(("requests",), ["partners.client"])
    assert status != 0
    assert "requests" in message
