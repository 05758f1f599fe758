"""The rules of `config/` as they are shipped, loaded once, and what commands are run with."""

from coordinator.config_files import read_rulebook
from coordinator.domain.clock import Clock
from coordinator.services.core.unit_of_work import CommandContext
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault

RULEBOOK = read_rulebook()


def command_context(database: Database, vault: Vault, clock: Clock) -> CommandContext:
    """Return what commands are executed with, under the shipped rules."""
    return CommandContext(database=database, vault=vault, clock=clock, rulebook=RULEBOOK)
