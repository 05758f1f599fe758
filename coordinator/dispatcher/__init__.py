"""The worker process: what is owed to partners goes out from here."""
