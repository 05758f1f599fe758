"""The look-up of duplicates: whom it may tell of what, and at what cost."""

from typing import Any

from coordinator.storage.engine import driver
from coordinator.storage.requests import flagged_accounts as store
from coordinator.storage.requests.flagged_accounts import PACKED_AT_ONCE, FlaggedAccounts
from tests.services.request_cast import Ask, Desk, account, addresses

#: More than one packed row, and more than goes in one list of parameters.
_MANY = 2 * PACKED_AT_ONCE + 88
#: Steps of SQLite's machine.
_PEEKS = 40


def _duplicates(ask: Ask) -> dict[str, Any]:
    warnings = {w["code"]: w for w in ask.answer["warnings"]}
    found: dict[str, Any] = warnings.get("duplicate", {"address_nos": [], "requests": []})
    return found


class _Steps:
    """What one look-up takes of the database, without a clock."""

    def __init__(self, desk: Desk, partner: str, accounts: FlaggedAccounts) -> None:
        self.found: set[str] = set()
        self.statements: list[str] = []
        self.steps = 0
        self.plan: list[Any] = []
        with desk.database.engine.connect() as connection:
            own: Any = connection.connection.driver_connection
            if desk.database.is_sqlite:
                own.set_trace_callback(self.statements.append)
                own.set_progress_handler(self._count, 1)
            self.found = set(store.look_up(connection, partner, accounts, drill=False).by_request)
            if desk.database.is_sqlite:
                own.set_progress_handler(None, 1)
                own.set_trace_callback(None)
            else:
                self.plan = _rows_touched(connection, partner, accounts)

    def _count(self) -> int:
        self.steps += 1
        return 0


def _rows_touched(connection: Any, partner: str, accounts: FlaggedAccounts) -> list[Any]:
    """Return the plan that PostgreSQL took, with the rows of every node.

    How it sorts and how often it looks into the heap are left out: the first depends on memory, the
    second on when the table was last vacuumed. Of a table of five rows it may read all, as chance
    has it; of one with millions it would not.
    """
    # Not `SET LOCAL`: who reads is in no transaction.
    connection.exec_driver_sql("SET enable_seqscan = off")
    hashes = "{" + ",".join(map(str, accounts.hashes)) + "}"
    form = store._READABLE["postgresql"].form(connection.dialect, 0)
    explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) "
    bound = form.bound({"partner": partner, "list": hashes, "drill": False})
    plan = driver.execute(connection, explain + form.sql, bound).rows()
    connection.exec_driver_sql("RESET enable_seqscan")
    return [
        row for row in plan if not any(word in row[0] for word in ("Sort Method", "Heap Fetches"))
    ]


def _accounts(desk: Desk, count: int) -> FlaggedAccounts:
    keys = (account(number) for number in range(count))
    return FlaggedAccounts.of(desk.vault.blind_index(key) for key in keys)


def test_requests_that_one_may_not_read_cost_a_look_up_nothing(desk: Desk) -> None:
    targets, to_d = addresses(300), ["exchange-d.example"]
    own = desk.submit(addresses=targets)
    asked = desk.go_out(by=desk.cast.a.analyst, addresses=targets[:3], to=["exchange-b.example"])
    desk.submit(desk.cast.c.analyst, addresses=addresses(300, 5_000), to=to_d)
    accounts = _accounts(desk, 300)
    before = {e.handle: _Steps(desk, e.handle, accounts) for e in (desk.cast.a, desk.cast.b)}
    for _ in range(3):
        desk.submit(desk.cast.c.analyst, addresses=targets, to=to_d)
    after = {e.handle: _Steps(desk, e.handle, accounts) for e in (desk.cast.a, desk.cast.b)}
    assert after["exchange-a.example"].found == {own.id, asked.id}
    assert after["exchange-b.example"].found == {asked.id}
    for handle, earlier in before.items():
        assert after[handle].plan == earlier.plan
        # SQLite peeks at the row behind one's own last; 900 hidden rows would take thousands.
        assert abs(after[handle].steps - earlier.steps) <= _PEEKS


def test_a_look_up_takes_as_few_statements_for_thousands_of_known_accounts_as_for_one(
    desk: Desk,
) -> None:
    desk.submit(addresses=addresses(_MANY))
    one, many = (_Steps(desk, "exchange-a.example", _accounts(desk, n)) for n in (1, _MANY))
    assert one.found == many.found != set()
    assert len(many.statements) == len(one.statements) <= 4


def test_every_account_of_a_long_list_is_warned_of_by_its_number(desk: Desk) -> None:
    targets = addresses(_MANY)
    first = desk.go_out(addresses=targets)
    desk.withdraw(first, [1, PACKED_AT_ONCE, _MANY - 1])
    again = _duplicates(desk.submit(addresses=[*reversed(targets), *addresses(1, _MANY)]))
    left = set(range(_MANY)) - {0, _MANY - 1 - PACKED_AT_ONCE, _MANY - 2}
    assert again["address_nos"] == sorted(left)
    assert again["requests"] == [first.id]


def test_two_that_were_looked_up_before_either_was_stored_do_not_miss_each_other(
    desk: Desk,
) -> None:
    targets = addresses(2)
    first, second = desk.prepare(addresses=targets), desk.prepare(addresses=targets)
    stored = first()
    assert _duplicates(stored)["requests"] == []
    assert _duplicates(second())["requests"] == [stored.id]


def test_what_ended_since_the_look_up_is_no_duplicate(desk: Desk) -> None:
    targets = addresses(2)
    ended, live = desk.submit(addresses=targets), desk.submit(addresses=targets)
    again = desk.prepare(addresses=targets)
    desk.withdraw(ended)
    assert _duplicates(again())["requests"] == [live.id]


def test_what_is_over_is_not_looked_through(desk: Desk) -> None:
    targets = addresses(2)
    own = desk.submit(addresses=targets)
    asked = desk.go_out(addresses=targets)
    desk.withdraw(own)
    desk.withdraw(asked)
    accounts = FlaggedAccounts.of(desk.vault.blind_index(account(number)) for number in range(2))
    for exchange in (desk.cast.a, desk.cast.b):
        assert _Steps(desk, exchange.handle, accounts).found == set()


def test_what_an_address_states_is_stored_and_nothing_where_it_states_nothing(desk: Desk) -> None:
    ether = "eip155:1/slip44:60"
    stated = {"account": f"eip155:1:{'0x' + '12' * 20}", "asset": ether, "amount": "7"}
    ask = desk.submit(addresses=[*addresses(2), stated])
    rows = "SELECT count(*) FROM flagged_address WHERE request_id = :id"
    assert desk.sql(rows, id=ask.id) == 1
    assert desk.sql(rows + " AND address_no = 2 AND asset = :asset", id=ask.id, asset=ether) == 1
