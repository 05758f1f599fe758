"""`holdfast report FRQ_… FILE`: lines as JSON, or a table as the console takes it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from holdfast.client.client import Client
from holdfast.drafting.report_table import COLUMNS, read_report
from holdfast.drafting.tables import read_table
from holdfast.errors import InvalidDraftError
from holdfast.protocol import strict_json
from holdfast.protocol.amounts import KnownAssets
from holdfast.protocol.errors import ProtocolError

#: How the names of files end that hold a table.
TABLES = frozenset({".csv", ".tsv", ".xlsx"})
_UNDONE = "nothing was reported"


def is_table(file: Path) -> bool:
    """Tell whether a file is read as a table, by its name."""
    return file.suffix.lower() in TABLES


def json_lines(file: Path) -> list[Any]:
    """Return the lines in a file of JSON: a list, or an object with `lines`.

    Raises:
        InvalidDraftError: It holds no such thing.
    """
    try:
        lines = strict_json.loads(file.read_bytes())
    except ProtocolError as error:
        raise InvalidDraftError([str(error)], undone=_UNDONE) from None
    if isinstance(lines, dict):
        lines = lines.get("lines")
    if not isinstance(lines, list):
        raise InvalidDraftError(["the file must hold a JSON list of lines"], undone=_UNDONE)
    return lines


def table_lines(
    file: Path, client: Client, request_id: str, known: KnownAssets, terms: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the lines of a table; amounts are in base units.

    Args:
        file: CSV, TSV or a workbook, with the columns that docs/lists.md names.
        client: Reads what the rows are about.
        request_id: Which request it answers.
        known: Symbols and decimals of assets.
        terms: What stands for empty columns of `frozen` rows.

    Raises:
        InvalidDraftError: With every fault at its line.
        MissingLibraryError: A workbook, and the kit is without its extra `xlsx`.
    """
    table = read_table(file.name, file.read_bytes(), COLUMNS)
    found = read_report(table, known, _Places(client, request_id), terms)
    if found.faults:
        faults = [f"line {each.line}: {each.text}" for each in found.faults]
        raise InvalidDraftError(faults, undone=_UNDONE)
    return found.lines


class _Places:
    """What rows may name; the coordinator is asked once, and only where a row asks."""

    def __init__(self, client: Client, request_id: str) -> None:
        self._client = client
        self._request_id = request_id

    def numbers(self, account: str) -> Sequence[int]:
        return self._numbers.get(account.casefold(), [])

    def flagged(self, number: int) -> Mapping[str, Any] | None:
        return self._addresses.get(number)

    def asset_of(self, identifier: str) -> str | None:
        return self._assets.get(identifier)

    @cached_property
    def _addresses(self) -> Mapping[int, Mapping[str, Any]]:
        every = self._client.addresses(self._request_id)
        return {each.address_no: each.model_dump(mode="json") for each in every}

    @cached_property
    def _numbers(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, each in self._addresses.items():
            account = str(each["account"]).casefold()
            for name in {account, account.split(":", 2)[-1]}:
                found.setdefault(name, []).append(number)
        return found

    @cached_property
    def _assets(self) -> Mapping[str, str]:
        held = {each.id: each.asset for each in self._client.holds(self._request_id)}
        lines = self._client.ledger(self._request_id)
        return held | {each.id: each.asset for each in lines if each.asset is not None}
