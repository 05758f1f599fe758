"""The rules of `config/` as they are shipped, loaded once."""

from coordinator.config_files import read_config
from coordinator.domain.rulebook import Rulebook

RULEBOOK = Rulebook.load(policies=read_config("policies.toml"), chains=read_config("chains.toml"))
