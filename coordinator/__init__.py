"""The coordinator: the server that only its operator runs."""
