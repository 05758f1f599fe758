"""What a read is answered from: the stored rows, the key to what is sealed, the rules, and when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.chain import Chains
from coordinator.domain.deadline import Policies
from coordinator.storage.engine.documents import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """Who reads, from what, and when."""

    connection: Connection
    vault: Vault
    actor: Actor
    policies: Policies
    chains: Chains
    now: datetime
