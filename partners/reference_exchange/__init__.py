"""A small exchange to copy from: a deposit book, a webhook receiver, a worker that answers."""
