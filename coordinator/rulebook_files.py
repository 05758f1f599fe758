"""Reads the rules that the operator's files state.

Apart from `config_files`, for it brings the rules of addresses with it, which `serve` does without.
"""

from coordinator.config_files import read_config
from coordinator.domain.rulebook import Rulebook


def read_rulebook() -> Rulebook:
    """Return the rules of `config/policies.toml`, with the chains that `config/chains.toml` adds.

    Raises:
        PolicyError: If the policies are not what they should be.
        ChainsError: If the chains are not.
    """
    return Rulebook.load(policies=read_config("policies.toml"), chains=read_config("chains.toml"))
