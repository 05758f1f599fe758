"""What loop, timers and leg notices of a worker process work with."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.services.core.unit_of_work import CommandContext
from holdfast.protocol.jwk import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext(CommandContext):
    """The wired services of one worker process; its database's pool needs six connections.

    Attributes:
        webhook_keys: The coordinator's Ed25519 webhook keys, two during rotation.
    """

    webhook_keys: Sequence[PrivateKey]
