"""A pool that is kept: its sums never fall below nothing (`holdfast.protocol.pool_sums`)."""

from coordinator.domain.amount import AMOUNT_LIMIT
from coordinator.domain.errors import LedgerBreachError
from holdfast.protocol.pool_sums import Entry, PoolSums


class Pool(PoolSums):
    """The sums of a pool whose lines were accepted before; more lines are taken or refused."""

    def add(self, entry: Entry) -> None:
        """Book one more line.

        Raises:
            LedgerBreachError: If it takes more out than is there.
        """
        self.book(entry)
        sums = self.of(entry.asset)
        if sums.reserved < 0:
            raise LedgerBreachError(
                f"only {sums.reserved + entry.amount} base units of {entry.asset} are reserved",
                code="not_reserved",
            )
        if sums.available < 0:
            raise LedgerBreachError(
                f"only {sums.available + entry.amount} base units of {entry.asset} are available in"
                " the pool: add first what came back",
                code="pool_exceeded",
            )
        if any(each.returned + each.converted_in >= AMOUNT_LIMIT for each in self.sums.values()):
            raise LedgerBreachError("a pool is below 2^256 base units", code="amount_too_large")
