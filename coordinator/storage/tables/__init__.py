"""The tables, one module a noun; importing this package makes the metadata whole."""

from coordinator.storage.tables import (
    console,
    documents,
    events,
    exports,
    freeze_ledger,
    freeze_requests,
    guests,
    idempotency,
    life_cycle,
    on_call,
    outbox,
    partners,
    sealed_evidence,
    transparency_log,
    write_probe,
)

__all__ = [
    "console",
    "documents",
    "events",
    "exports",
    "freeze_ledger",
    "freeze_requests",
    "guests",
    "idempotency",
    "life_cycle",
    "on_call",
    "outbox",
    "partners",
    "sealed_evidence",
    "transparency_log",
    "write_probe",
]
