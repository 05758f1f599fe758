"""Webhook endpoints, and the deliveries that they were owed."""
