"""The databases: connections, statements, columns, sealed documents, wake-ups."""
