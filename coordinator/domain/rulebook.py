"""What the operator's files say: limits and clocks (`policies.toml`), and further chains."""

from dataclasses import dataclass

from coordinator.domain.deadline import Policies
from holdfast.protocol.chains.chain import Chains, load_chains


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules that a coordinator decides by; read once when a process starts."""

    policies: Policies
    chains: Chains

    @classmethod
    def load(cls, *, policies: str, chains: str) -> "Rulebook":
        """Return the rules of the text of `policies.toml`, and of `chains.toml`, which adds chains.

        Raises:
            PolicyError: If the policies are not what they should be.
            ChainsError: If the chains are not.
        """
        return cls(Policies.load(policies), load_chains(chains))
