"""Receiving webhooks: verified, without repeats, in any framework; and a blueprint for Flask."""
