"""The transparency log, watched beside the receiver, so that nobody rewrites what we were told.

What comes and what is done leaves receipts (`Exchange.take`, `Client(on_receipt=…)`); the monitor
looks them up.
"""

import logging
import threading
from pathlib import Path

from holdfast import (
    Client,
    HoldfastError,
    LogAlarmError,
    LogKeys,
    LogMonitor,
    ProfileStore,
    PublicLog,
    Transport,
)

_log = logging.getLogger(__name__)
#: Seconds between two looks; a checkpoint is published once a second.
_INTERVAL = 1.0


def open_monitor(store: ProfileStore, client: Client, folder: Path) -> LogMonitor | None:
    """Return a monitor of the coordinator's log; None: it has none.

    The log's key is kept at the first time; a real exchange compares it with other members.
    """
    coordinator = client.profile.coordinator
    keys = store.log_key(coordinator)
    if keys is None:
        key = client.log_key()
        if key is None:
            return None
        store.keep_log_key(coordinator, key)
        keys = LogKeys.of(key)
    return LogMonitor(folder, keys, PublicLog(Transport(None, coordinator)))


def watch(monitor: LogMonitor, stop: threading.Event) -> None:
    """Follow the log until `stop` is set, or until it does what it must not."""
    with monitor:
        while not stop.wait(_INTERVAL):
            try:
                for change in monitor.step().key_changes:
                    # A person asks the operator whether this is theirs.
                    _log.warning("%s in entry %d: %s", change.type, change.index, change.new)
            except LogAlarmError as error:
                # Whoever looks into it runs `holdfast monitor --acknowledge` afterwards.
                _log.critical("the log cannot be trusted any more, wake a person: %s", error)
                return
            except HoldfastError as error:
                _log.warning("the log was not read: %s", error)
