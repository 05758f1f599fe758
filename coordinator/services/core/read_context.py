"""What a read needs: the database, the keys to sealed documents, the rules, and the time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from coordinator.domain.actor import Actor
from coordinator.domain.deadline import Policies
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.chains.chain import Chains


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """Who reads, from which database, under which rules, and when."""

    connection: Connection
    vault: Vault
    actor: Actor
    policies: Policies
    chains: Chains
    now: datetime
