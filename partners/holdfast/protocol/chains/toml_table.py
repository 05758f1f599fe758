"""Reads one TOML table strictly: wrong types, missing and unknown members are refused by name."""

from collections.abc import Mapping
from typing import Any

from holdfast.protocol.chains.format_errors import ChainsError


class TomlTable:
    """The members of one table, each taken once; `finish` refuses what nobody asked for.

    Args:
        where: How messages call this table, e.g. "chain eip155:1".
        members: As parsed by tomllib.
    """

    def __init__(self, where: str, members: Mapping[str, Any]) -> None:
        self._where = where
        self._left = dict(members)

    def text(self, name: str, default: str | None = None) -> str:
        """Take a string.

        Raises:
            ChainsError: If it is missing without a default, empty, or no string.
        """
        value = self._left.pop(name, default)
        if not isinstance(value, str) or (not value and default != ""):
            raise self.error(f"{name} must be a string")
        return value

    def number(self, name: str, *, at_most: int) -> int:
        """Take a whole number from 0 to `at_most`.

        Raises:
            ChainsError: If it is missing or anything else.
        """
        value = self._left.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= at_most:
            raise self.error(f"{name} must be a whole number from 0 to {at_most}")
        return value

    def flag(self, name: str) -> bool:
        """Take true or false, false where absent.

        Raises:
            ChainsError: If it is anything else.
        """
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            raise self.error(f"{name} must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of strings, empty where absent.

        Raises:
            ChainsError: If it is anything else.
        """
        value = self._left.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"{name} must be a list of strings")
        return tuple(value)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Take a list of whole numbers, empty where absent.

        Raises:
            ChainsError: If it is anything else.
        """
        value = self._left.pop(name, [])
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise self.error(f"{name} must be a list of whole numbers")
        return tuple(value)

    def byte_strings(self, name: str) -> tuple[bytes, ...]:
        """Take a list of byte strings written in hex, empty where absent.

        Raises:
            ChainsError: If it is anything else.
        """
        try:
            return tuple(bytes.fromhex(item) for item in self.texts(name))
        except ValueError:
            raise self.error(f"{name} must be a list of hex strings") from None

    def words(self, name: str) -> dict[str, str]:
        """Take a table of strings, empty where absent.

        Raises:
            ChainsError: If it is anything else.
        """
        value = self._left.pop(name, {})
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise self.error(f"{name} must be a table of strings")
        return value

    def finish(self) -> None:
        """Refuse members that nobody took: a typo must not pass for a default.

        Raises:
            ChainsError: If any is left.
        """
        if self._left:
            raise self.error(f"unknown member {min(self._left)}")

    def error(self, what: str) -> ChainsError:
        """Return the refusal of this table, to be raised."""
        return ChainsError("bad_table", f"{self._where}: {what}")
