"""The operator's list of known service wallets: freezing one hits an exchange, not a thief."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from holdfast.protocol.chains.account import Account, parse_account
from holdfast.protocol.chains.chain import Chains
from holdfast.protocol.chains.format_errors import AccountError

_EVM = "eip155:"
#: A bare address stands for the same key on every EVM chain; it is read as one of Ethereum.
_ETHEREUM = "eip155:1:"


class ServiceWallets:
    """Labels of known wallets, found by account.

    An EVM key controls the same address on every EVM chain, so there the chain does not count.

    Attributes:
        faults: What cannot be read of the lists, each with its file and entry; the rest holds.
    """

    def __init__(self, labels: Mapping[str, str], faults: Sequence[str] = ()) -> None:
        self._labels = MappingProxyType(dict(labels))
        self.faults = tuple(faults)

    def __len__(self) -> int:
        return len(self._labels)

    def label(self, account: Account) -> str | None:
        """Return whose wallet this is known to be, or None."""
        return self._labels.get(_key(account))

    @classmethod
    def load(cls, texts: Iterable[tuple[str, str]], chains: Chains) -> "ServiceWallets":
        """Read lists: JSON objects of CAIP-10 account (or bare EVM address) to label.

        What cannot be read is a fault that the operator is told of; one bad entry does not take
        the warnings away that the others give.

        Args:
            texts: Each list's name and text.
            chains: The known chains.
        """
        labels: dict[str, str] = {}
        faults: list[str] = []
        for file, text in texts:
            try:
                entries = json.loads(text)
            except json.JSONDecodeError as error:
                faults.append(f"{file}: no JSON: {error}")
                continue
            if not isinstance(entries, dict):
                faults.append(f"{file}: must be one JSON object of account to label")
                continue
            for name, label in entries.items():
                caip10 = name if ":" in name else _ETHEREUM + name
                try:
                    account = parse_account(chains, caip10)
                except AccountError as error:
                    faults.append(f"{file}: {name}: {error.message}")
                    continue
                labels[_key(account)] = str(label)
        return cls(labels, faults)


def _key(account: Account) -> str:
    is_evm = account.chain.caip2.startswith(_EVM)
    return _EVM + account.address if is_evm else account.key


NO_WALLETS = ServiceWallets({})
