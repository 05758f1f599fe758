"""The rules of `config/` as they are shipped, loaded once, and what commands are run with."""

from hashlib import sha256

from coordinator.domain.clock import Clock
from coordinator.rulebook_files import read_rulebook
from coordinator.services.core.unit_of_work import CommandContext, Evidence
from coordinator.storage.engine.database import Database
from coordinator.storage.engine.documents import Vault
from coordinator.transparency_log.signer import SeedSigner
from holdfast.protocol.checkpoint import log_origin
from holdfast.protocol.jwk import PrivateKey, WebAuthnScope
from tests.passkeys import CONSOLE

#: Where the coordinator of the tests is reached.
ORIGIN = "https://coordinator.example"
RULEBOOK = read_rulebook()
LOG_KEY = PrivateKey.from_seed(b"l" * 32)
#: What signs the log of the tests.
LOG_SIGNER = SeedSigner(log_origin(ORIGIN), LOG_KEY)


#: What stands for the token and the body of an act where a test gives the command itself.
ANY_EVIDENCE = Evidence("e30.e30.e30", b"{}", sha256(b"{}").hexdigest())


def command_context(database: Database, vault: Vault, clock: Clock) -> CommandContext:
    """Return what commands are executed with, under the shipped rules."""
    return CommandContext(
        origin=ORIGIN,
        database=database,
        vault=vault,
        clock=clock,
        rulebook=RULEBOOK,
        log_signer=LOG_SIGNER,
        passkey_scope=WebAuthnScope.of_origin(CONSOLE),
    )
