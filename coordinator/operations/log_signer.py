"""The process that signs the log, from its settings."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from coordinator.key_files import read_log_keys
from coordinator.operations.preparation import PreparationError
from coordinator.settings import Settings
from coordinator.transparency_log.high_water import HIGH_WATER, HighWaterFile
from coordinator.transparency_log.signer import SignerError
from coordinator.transparency_log.signing_process import CountingSigner, SigningServer
from holdfast.protocol.checkpoint import log_origin

#: Locked while a signer runs. Not the file itself, which is replaced with each signature.
_LOCK = "log-signed.lock"

_log = structlog.get_logger(__name__)


def serve_signer(settings: Settings, keys_dir: Path, stop: threading.Event) -> None:
    """Sign what the other processes ask for until `stop` is set.

    Args:
        settings: Of the coordinator.
        keys_dir: Where the log's key and the high-water file lie.
        stop: Ends it.

    Raises:
        KeyFileError: If the key is missing, open to others or malformed.
        PreparationError: If no socket is configured or can be made, another signer runs on that
            folder, or the high-water file cannot be read.
    """
    path = settings.log_signer_socket
    if path is None:
        raise PreparationError("name the socket with HOLDFAST_LOG_SIGNER_SOCKET")
    with _alone(keys_dir):
        _serve(settings, path, keys_dir, stop)


@contextmanager
def _alone(keys_dir: Path) -> Iterator[None]:
    """Hold the folder's lock: two signers would each remember what they signed alone."""
    try:
        descriptor = os.open(keys_dir / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PreparationError(
            f"{keys_dir} must be a folder that this process may write to: {error.strerror}"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PreparationError(f"a signer of the key in {keys_dir} runs already") from None
        yield
    finally:
        os.close(descriptor)


def _serve(settings: Settings, socket: Path, keys_dir: Path, stop: threading.Event) -> None:
    origin = log_origin(settings.origin)
    try:
        file = HighWaterFile(keys_dir / HIGH_WATER, origin)
        key, following = read_log_keys(keys_dir)
        signer = CountingSigner(origin, key, file, following)
    except SignerError as error:
        raise PreparationError(str(error)) from None
    try:
        server = SigningServer(socket, signer)
    except OSError as error:
        raise PreparationError(
            f"there can be no socket at {socket}: {error.strerror or error}; its folder must be "
            "there, and belong to the user of this process"
        ) from None
    with server:
        _log.info("log_signer_started", log=origin, socket=str(socket))
        thread = threading.Thread(target=server.serve_forever, name="log-signer", daemon=True)
        thread.start()
        stop.wait()
        server.shutdown()
        thread.join()
    socket.unlink(missing_ok=True)
