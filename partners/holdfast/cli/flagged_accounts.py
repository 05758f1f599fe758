"""Which account an address's number stands for: a number alone tells nobody what is held."""

from collections.abc import Iterable
from itertools import islice

from holdfast.client.client import Client
from holdfast.errors import HoldfastError
from holdfast.protocol.views import FlaggedAddressView

#: Of a list of thousands no more are read to show some accounts; the others keep their number.
_MOST_READ = 1_000


class FlaggedAccounts:
    """Looks up the accounts of addresses, each request once and only where one is shown.

    Args:
        client: Reads them. A command whose reading fails does without: the number is right, too.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, dict[int, str]] = {}

    def know(self, request_id: str, addresses: Iterable[FlaggedAddressView]) -> None:
        """Take what was read already."""
        self._known[request_id] = {each.address_no: _words(each) for each in addresses}

    def of(self, request_id: str, address_no: int | None) -> str | None:
        """Return number and account, "0: eip155:1:0x51E9…"; the number alone if none is known."""
        if address_no is None:
            return None
        if request_id not in self._known:
            try:
                self.know(request_id, islice(self._client.addresses(request_id), _MOST_READ))
            except HoldfastError:
                self._known[request_id] = {}
        account = self._known[request_id].get(address_no)
        return str(address_no) if account is None else f"{address_no}: {account}"


def _words(address: FlaggedAddressView) -> str:
    return f"{address.account}, tag {address.tag}" if address.tag else address.account
