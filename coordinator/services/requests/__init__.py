"""Freeze requests and their legs: submitting, deciding, adding partners, asking and answering."""
