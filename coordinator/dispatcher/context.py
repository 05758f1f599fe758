"""What loop, timers and leg notices of a worker process work with."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain.clock import Clock
from coordinator.domain.rulebook import Rulebook
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from holdfast.protocol.jwk import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """The wired services of one worker process.

    Attributes:
        database: Opened for this process; its pool needs four connections.
        vault: Opens bodies and endpoints.
        clock: Says what is due.
        rulebook: What the commands decide by.
        webhook_keys: The coordinator's Ed25519 webhook keys, two during rotation.
    """

    database: Database
    vault: Vault
    clock: Clock
    rulebook: Rulebook
    webhook_keys: Sequence[PrivateKey]
