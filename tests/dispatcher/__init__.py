"""The worker: sending webhooks, lanes and timers."""
